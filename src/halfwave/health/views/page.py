"""A report as one HTML page that needs nothing else: no font, no library, no network."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from halfwave import drawing
from halfwave.health.views import figure, units
from halfwave.health.views.advice import advice
from halfwave.health.views.summary import facts, headline, remarks
from halfwave.health.views.text import table
from halfwave.health.views.verdicts import VERDICTS, Finding, findings
from halfwave.health.views.words import distinct, plural, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from halfwave.health.layer import LayerReport
    from halfwave.health.report import Report

VARIABLES = {
    "#ffffff": "--paper",
    "#000000": "--ink",
    figure.FAINT: "--faint",
    "#b0b0b0": "--line",
    **{colour: f"--{name.replace('_', '-')}" for name, (_, colour) in figure.SHARES.items()},
}

PIXEL = 1 / 96
"""Of CSS, in inches."""

WIDTHS = {"narrow": 350, "wide": 1080}
"""The strip is drawn twice, so that its letters are as large on a telephone as on a desk."""

PANEL = (370, 205)
"""The size of a raster and of a histogram, in pixels."""

CHARACTER = 6.8
"""The width of a letter in the strip, in pixels."""

MOST_PANELS = 12
MOST_TABLE_LAYERS = 500
MOST_ENTRIES = 200
"""Of what was not seen, and of notes."""

LONGEST = 600
"""Of an entry, in characters."""


def page(report: Report) -> str:
    """The whole page."""
    found = findings(report)
    sections = {
        heading: content
        for heading, content in (
            ("Verdict", _verdict(report, found)),
            ("Layers", _layers(report, found)),
            ("When which unit fired", _rasters(report)),
            ("How often units fire", _rates(report)),
            ("Units", units.section(report)),
            ("Not seen", _not_seen(report)),
            ("Notes", _list(map(_text, report.notes))),
            ("What to do", _list(map(_marked, advice(report, found)))),
            ("What the verdicts mean", _meanings()),
        )
        if content
    }
    script = _resource("page.js").strip()
    # The browser hashes what stands between the tags, the line ends included.
    digest = b64encode(sha256(f"\n{script}\n".encode()).digest()).decode()
    return Template(_resource("page.html")).substitute(
        headline=escape(headline(report, found)),
        facts=escape(facts(report)) if report.layers else "",
        contents="\n".join(
            f'<li><a href="#{_anchor(heading)}">{heading}</a></li>' for heading in sections
        ),
        sections="\n".join(_section(heading, text) for heading, text in sections.items()),
        css=_resource("page.css").strip(),
        script=script,
        hash=digest,
    )


def _section(heading: str, content: str) -> str:
    anchor = _anchor(heading)
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-heading">\n'
        f'<h2 id="{anchor}-heading">{heading}</h2>\n{content}\n</section>'
    )


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _list(entries: Iterable[str]) -> str:
    items = [f"<li>{entry}</li>" for entry in entries]
    left = len(items) - MOST_ENTRIES
    items[MOST_ENTRIES:] = [f"<li>and {left:,} more</li>"] if left > 0 else []
    return "<ul>\n" + "\n".join(items) + "\n</ul>" if items else ""


def _text(entry: str) -> str:
    return escape(shortened(entry, LONGEST))


def _marked(entry: str) -> str:
    """An entry with what stands before its colon as its heading."""
    begin, colon, rest = entry.partition(": ")
    return f"<strong>{escape(begin)}</strong>{colon}{escape(rest)}"


# The verdict


def _verdict(report: Report, found: list[Finding]) -> str:
    if not report.layers:
        return ""
    tiles = "\n".join(_tile(report, finding) for finding in found)
    said = _list(map(_text, remarks(report)))
    return (f'<dl class="tiles">\n{tiles}\n</dl>\n' if tiles else "") + said


def _tile(report: Report, finding: Finding) -> str:
    verdict = finding.verdict
    kind = (verdict.name if verdict.name in figure.SHARES else "other").replace("_", "-")
    mild = "" if verdict.alarms else " mild"
    return (
        f'<div class="{kind}{mild}"><dt>{escape(verdict.title)}</dt>'
        f"<dd><b>{finding.units:,}</b> <span>in {escape(finding.where(report))}</span></dd></div>"
    )


# Figures


def _layers(report: Report, found: list[Finding]) -> str:
    if not report.layers:
        return ""
    rows = figure.strip_rows(report)
    names = distinct(report, 60)
    alt = "Shares of each layer's units by verdict. " + "; ".join(
        f"{names.get(name, name)}: {_in_words(counts)}" for name, counts in rows
    )
    drawings = [
        f'<div class="{name}">{_svg(_strip(report, width, len(rows)), f"strip-{name}", alt)}</div>'
        for name, width in WIDTHS.items()
    ]
    keys = _keys((title, name) for name, (title, _) in figure.SHARES.items())
    left = len(report) - MOST_TABLE_LAYERS
    more = f"<p>{left:,} more layers are left out here.</p>" if left > 0 else ""
    return (
        f'<figure class="strip">\n{"".join(drawings)}\n<figcaption>{keys}'
        f"Each unit is counted once, under the first of these that holds.</figcaption>\n</figure>\n"
        f"<details><summary>The same in numbers</summary>\n"
        f'<div class="scroll" role="region" aria-label="Numbers by layer" tabindex="0">'
        f"{table(report, found, MOST_TABLE_LAYERS)}</div>{more}</details>"
    )


def _in_words(counts: dict[str, int]) -> str:
    parts = [
        f"{counts[name]:,} {title}" for name, (title, _) in figure.SHARES.items() if counts[name]
    ]
    return f"{', '.join(parts)} of {plural(sum(counts.values()), 'unit')}"


def _keys(keys: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<li class="{name.replace("_", "-")}">{escape(title)}</li>' for title, name in keys
    )
    return f'<ul class="keys">{items}</ul>'


def _strip(report: Report, width: int, rows: int) -> Callable[[], Figure]:
    def draw() -> Figure:
        drawn = drawing.new_figure(width * PIXEL, figure.ROW * rows + 0.55)
        figure.draw_layers(drawn.subplots(), report, int(width / CHARACTER))
        return drawn

    return draw


def _rasters(report: Report) -> str:
    layers, left_out = figure.worst(report, MOST_PANELS)
    names, long = distinct(report, 26), distinct(report, 60)
    panels = [
        _panel(
            partial(figure.draw_raster, layer=layer, title=names[layer.name]),
            f"raster-{place}",
            f"When each unit of {long[layer.name]} fired, over "
            f"{layer.history.ends[-1]:,} {layer.sample}s: {_in_words(figure.shares(layer))}.",
        )
        for place, layer in enumerate(layers)
    ]
    keys = _keys([("fired on no sample of the window", "silent"), ("on few … on all", "scale")])
    says = (
        "A row is a unit, or the mean of neighbours where there are many; a column is a window of "
        "samples. The units that stopped firing first stand at the top."
    )
    return _figures(panels, keys, says, left_out)


def _rates(report: Report) -> str:
    layers, left_out = figure.worst(report, MOST_PANELS)
    groups = figure.rate_groups(layers)
    names, long = distinct(report, 40), distinct(report, 60)
    panels = [
        _panel(
            partial(figure.draw_rates, layers=group, title=names.get(name, name)),
            f"rates-{place}",
            f"Histogram of the firing rates of {long.get(name, name)}: {_rates_in_words(group)}.",
        )
        for place, (name, group) in enumerate(groups.items())
    ]
    keys = _keys([("fired on none, and is silent", "silent"), ("fired on all", "always-on")])
    return _figures(panels, keys, "", left_out)


def _rates_in_words(layers: list[LayerReport]) -> str:
    rates = np.concatenate([layer.firing_rate for layer in layers])
    never, always = int((rates == 0).sum()), int((rates == 1).sum())
    return f"{never:,} on none, {len(rates) - never - always:,} on some, {always:,} on all"


def _figures(panels: list[str], keys: str, says: str, left_out: str) -> str:
    if not panels:
        return ""
    more = f" {left_out}." if left_out else ""
    return (
        f'<div class="panels">\n{"".join(panels)}</div>\n'
        f'<div class="caption">{keys}{says}{more}</div>'
    )


def _panel(fill: Callable[[Axes], None], name: str, alt: str) -> str:
    def draw() -> Figure:
        drawn = drawing.new_figure(*(side * PIXEL for side in PANEL))
        fill(drawn.subplots())
        return drawn

    return f"<figure>{_svg(draw, name, alt)}</figure>\n"


def _svg(draw: Callable[[], Figure], name: str, alt: str) -> str:
    """The figure as an element, whatever style the user has chosen for figures of their own."""
    with drawing.needs_matplotlib():
        from matplotlib import style

    with style.context("default"), warnings.catch_warnings():
        # The reader's browser has other fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        return drawing.inline(drawing.svg(draw(), "none"), name, alt, VARIABLES)


# Words


def _not_seen(report: Report) -> str:
    return _list(
        f"<strong>{escape(shortened(entry.place, 120))}</strong>: {_text(entry.reason)}"
        for entry in report.not_seen
    )


def _meanings() -> str:
    items = "\n".join(
        f"<div><dt>{escape(verdict.title)}</dt><dd>{escape(verdict.meaning)}</dd></div>"
        for verdict in VERDICTS
    )
    return f'<dl class="meanings">\n{items}\n</dl>'


def _resource(name: str) -> str:
    return files("halfwave.health.views").joinpath(name).read_text("utf-8")
