"""The page's table of units: a row for each, with its verdicts, its evidence and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from halfwave.health.counts import Ints
from halfwave.health.layer import Bools, LayerReport
from halfwave.health.views.verdicts import VERDICTS, Verdict
from halfwave.health.views.words import UNKNOWN, distinct, number, percent, plural, shortened

if TYPE_CHECKING:
    from halfwave.health.report import Report

MOST_ROWS = 5000
"""The page stays below 6 MB whatever the network."""

LONGEST_NAME, LONGEST_WHY = 40, 160

GRAVEST = (
    *("nonfinite", "silent", "fell_silent", "silent_in_training", "silent_in_evaluation"),
    *("starved", "not_updated", "saturated", "constant", "frozen", "dormant", "always_on"),
)
"""Units with these come first, in this order."""

HEADINGS = (
    *("layer", "unit", "verdicts", "samples", "fired", "firing rate", "mean", "min", "max"),
    *("dormancy", "backward passes", "silent since", "why"),
)

WORDS = ("layer", "verdicts", "why")
"""The columns that hold no numbers."""


@dataclass(frozen=True)
class Unit:
    """Where a unit is, and the verdicts that it has."""

    layer: LayerReport
    place: int
    index: int
    verdicts: tuple[Verdict, ...]


def chosen(report: Report, most: int = MOST_ROWS) -> list[Unit]:
    """The units with the gravest verdicts first, then in order of execution: at most so many."""
    ranks = [_rank(layer) for layer in report.layers.values()]
    sizes = [len(rank) for rank in ranks]
    places = np.repeat(np.arange(len(ranks)), sizes)
    within = np.concatenate([np.arange(size) for size in sizes] or [np.zeros(0, int)])
    order = np.argsort(np.concatenate(ranks or [np.zeros(0, int)]), kind="stable")[:most]
    layers = list(report.layers.values())
    verdicts = [_verdicts(layer) for layer in layers]
    return [
        Unit(
            layers[place],
            int(place),
            int(unit),
            tuple(verdict for verdict, units in verdicts[place] if units[unit]),
        )
        for place, unit in zip(places[order], within[order], strict=True)
    ]


def _verdicts(layer: LayerReport) -> list[tuple[Verdict, Bools]]:
    told = ((verdict, verdict.of(layer)) for verdict in VERDICTS)
    return [(verdict, units) for verdict, units in told if units is not None]


def _rank(layer: LayerReport) -> Ints:
    rank = np.full(layer.units, len(GRAVEST))
    for verdict, units in _verdicts(layer):
        rank[units] = np.minimum(rank[units], GRAVEST.index(verdict.name))
    return rank


def section(report: Report) -> str:
    """The filters, the table, and what it leaves out; nothing without units."""
    rows = chosen(report)
    if not rows:
        return ""
    head = "\n".join(map(_heading, HEADINGS))
    names = distinct(report, LONGEST_NAME)
    body = "\n".join(_row(unit, names[unit.layer.name]) for unit in rows)
    return (
        f"{_left_out(report, len(rows))}{_filters(rows, names)}"
        f'<div class="scroll tall" role="region" aria-labelledby="units-heading" tabindex="0">'
        f'<table id="units-table">\n<thead><tr>\n{head}\n</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>\n"
        f'<p><button type="button" id="units-more" hidden>Show all</button></p>'
    )


def _left_out(report: Report, rows: int) -> str:
    left = report.units - rows
    if not left:
        return ""
    return (
        f"<p>The table has {rows:,} of {plural(report.units, 'unit')}, those with findings first; "
        f"<code>report[name]</code> and <code>report.to_json</code> have all of them.</p>"
    )


def _filters(rows: list[Unit], names: dict[str, str]) -> str:
    """Shown by the script, since without it they do nothing."""
    present = {verdict.name for unit in rows for verdict in unit.verdicts}
    verdicts = [(v.name, v.title) for v in VERDICTS if v.name in present]
    layers = {str(u.place): names[u.layer.name] for u in sorted(rows, key=lambda u: u.place)}
    return (
        '<div id="filters" hidden role="search" aria-label="Units">\n'
        '<p><label for="filter-words">Text</label>'
        '<input type="search" id="filter-words" autocomplete="off"></p>\n'
        f"{_select('verdict', 'Verdict', [*verdicts, ('none', 'none')])}\n"
        f"{_select('layer', 'Layer', list(layers.items()))}\n"
        '<p id="units-status" role="status" aria-live="polite"></p>\n</div>\n'
    )


def _select(name: str, label: str, options: list[tuple[str, str]]) -> str:
    items = "".join(
        f'<option value="{escape(value)}">{escape(title)}</option>'
        for value, title in [("", "all"), *options]
    )
    return (
        f'<p><label for="filter-{name}">{label}</label>'
        f'<select id="filter-{name}">{items}</select></p>'
    )


def _heading(title: str) -> str:
    kind = "words" if title in WORDS else "number"
    return (
        f'<th scope="col" aria-sort="none" data-kind="{kind}">'
        f'<button type="button">{title}</button></th>'
    )


def _row(unit: Unit, name: str) -> str:
    names = " ".join(verdict.name for verdict in unit.verdicts) or "none"
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in _cells(unit))
    return (
        f'<tr data-layer="{unit.place}" data-verdicts="{names}">'
        f'<th scope="row">{escape(name).replace(".", ".<wbr>")}</th>{cells}</tr>'
    )


def _cells(unit: Unit) -> Iterator[str]:
    """In the order of the headings, after the layer."""
    layer, i = unit.layer, unit.index
    names = {verdict.name for verdict in unit.verdicts}
    told = layer.rectifier.floor is not None
    quiet = names & {"silent", "fell_silent"}
    yield f"{i:,}"
    yield ", ".join(verdict.title for verdict in unit.verdicts)
    yield number(layer.samples)
    yield number(int(layer.fired[i])) if told else UNKNOWN
    yield percent(float(layer.firing_rate[i]))
    for values in (layer.mean, layer.min, layer.max, layer.dormancy):
        yield number(float(values[i]))
    yield number(layer.steps)
    yield number(int(layer.silent_since[i])) if quiet else UNKNOWN
    yield shortened(layer.why[i] or "", LONGEST_WHY)
