"""A report as plain text in 80 columns, and as a small table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from halfwave.health.views.advice import advice
from halfwave.health.views.summary import Column, by_layer, facts, headline, remarks
from halfwave.health.views.verdicts import Finding, findings
from halfwave.health.views.words import (
    columns,
    distinct,
    indices,
    padded,
    printable,
    shortened,
    wrapped,
)

if TYPE_CHECKING:
    from halfwave.health.report import Report

WIDTH = 80
GAP = "  "

SHORTEST, LONGEST = 14, 30
"""How many columns the layers' names get at least, and at most."""

MOST_LISTED = 12
"""Of how many layers the silent units and their like are named one by one."""

LONGEST_NOTE = 600
"""Of a note in a notebook, in characters."""

MOST_ROWS = 20
"""How many layers a notebook shows."""


def text(report: Report) -> str:
    """The report for a terminal: no line is wider than 80 columns."""
    found = findings(report)
    parts = [_verdict(report, found)]
    if report.layers:
        parts += [_table(report, found), _list("", remarks(report)), _which(report, found)]
    not_seen = [f"{entry.place}: {entry.reason}" for entry in report.not_seen]
    parts += [
        _list("Not seen", not_seen),
        _list("Notes", report.notes),
        _list("What to do", advice(report, found)),
    ]
    return "\n\n".join(filter(None, parts))


def _verdict(report: Report, found: list[Finding]) -> str:
    lines = [wrapped(f"Unit health: {headline(report, found)}.", WIDTH)]
    if report.layers:
        lines.append(wrapped(facts(report), WIDTH))
    width = max((columns(finding.verdict.title) for finding in found), default=0)
    digits = max((len(f"{finding.units:,}") for finding in found), default=0)
    for finding in found:
        begin = f"  {padded(finding.verdict.title, width)}  {finding.units:>{digits},}  "
        indent = " " * columns(begin)
        lines.append(wrapped(f"in {finding.where(report)}", WIDTH, begin, indent))
    return "\n".join(lines)


def _list(title: str, entries: Iterable[str]) -> str:
    """A title and its entries, each with a dash; nothing if there are none."""
    lines = [wrapped(entry, WIDTH, "- ", "  ") for entry in entries]
    return "\n".join([*filter(None, [title]), *lines]) if lines else ""


# The table


def _table(report: Report, found: list[Finding]) -> str:
    """The layers in order of execution; where the columns do not fit, in several tables."""
    longest = max(columns(printable(name)) for name in report)
    wanted = max(longest, len("layer"))
    left = list(map(_Block, by_layer(report, found)))
    parts = []
    while left:
        room = WIDTH - min(wanted, SHORTEST)
        fit = max(1, sum(1 for used in _sums(left) if used <= room))
        parts.append(left[:fit])
        left = left[fit:]
    # One width for all tables: a layer has the same name in each.
    width = min(wanted, LONGEST, *(WIDTH - max(_sums(part)) for part in parts))
    names = _Block(Column("layer", list(distinct(report, width).values()), right=False))
    return "\n\n".join(_lines([names, *part]) for part in parts)


class _Block:
    """A column of the table: its title in two lines above its cells, all of one width."""

    def __init__(self, column: Column) -> None:
        # "not updated" stands in two lines, so that the column is narrow.
        above, _, below = column.title.rpartition(" ")
        cells = [shortened(cell, LONGEST) for cell in (above, below, *column.cells)]
        self.width = max(map(columns, cells))
        self.cells = [padded(cell, self.width, right=column.right) for cell in cells]


def _sums(blocks: list[_Block]) -> Iterator[int]:
    """How wide the first, the first two, the first three columns are, with their gaps."""
    used = 0
    for block in blocks:
        used += len(GAP) + block.width
        yield used


def _lines(blocks: list[_Block]) -> str:
    rows = [GAP.join(cells).rstrip() for cells in zip(*(b.cells for b in blocks), strict=True)]
    head = [row for row in rows[:2] if row]
    rule = "-" * (sum(block.width for block in blocks) + len(GAP) * (len(blocks) - 1))
    return "\n".join([*head, rule, *rows[2:]])


# Which units


def _which(report: Report, found: list[Finding]) -> str:
    alarms = [finding for finding in found if finding.verdict.alarms]
    names = [name for name in report if any(name in finding.counts for finding in alarms)]
    short = distinct(report, WIDTH)
    lines = []
    for name in names[:MOST_LISTED]:
        lines.append(short[name])
        for finding in alarms:
            if name in finding.counts:
                units = finding.verdict.of(report.layers[name])
                assert units is not None  # it has a count
                lines.append(
                    wrapped(f"{finding.verdict.title}: {indices(units)}", WIDTH, "  ", "    ")
                )
    if len(names) > MOST_LISTED:
        lines.append(f"and in {len(names) - MOST_LISTED:,} more layers; report.to_html lists them")
    return "\n".join(["Which units", *lines]) if lines else ""


# In a notebook


def html(report: Report) -> str:
    """The verdict and the layers as HTML, for a notebook: no script, and every name escaped."""
    found = findings(report)
    parts = [f"<p><strong>{escape(headline(report, found))}.</strong>"]
    if not report.layers:
        parts = [f"{parts[0]} {escape(advice(report, found)[0])}</p>"]
        parts += [f"<p>{escape(shortened(note, LONGEST_NOTE))}</p>" for note in report.notes]
        return "\n".join([*parts, *_not_seen(report)])
    parts += [f"<br>{escape(facts(report))}</p>", table(report, found, MOST_ROWS)]
    left = len(report) - MOST_ROWS
    more = [f"{left:,} more layers: print(report)"] if left > 0 else []
    parts += [f"<p>{escape(printable(line))}</p>" for line in (*more, *remarks(report))]
    return "\n".join([*parts, *_not_seen(report)])


def _not_seen(report: Report) -> Iterator[str]:
    if report.not_seen:
        yield f"<p>Not seen: {len(report.not_seen):,}; print(report) says what and why.</p>"


def table(report: Report, found: list[Finding], most: int) -> str:
    """The first layers as an HTML table, in order of execution."""
    shown = by_layer(report, found)
    head = "".join(
        f'<th scope="col">{escape(title)}</th>' for title in ("layer", *(c.title for c in shown))
    )
    names = list(distinct(report, 60).values())[:most]
    rows = [
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(printable(column.cells[row]))}</td>" for column in shown)
        + "</tr>"
        for row, name in enumerate(names)
    ]
    body = "\n".join(rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
