"""A report as figures: the layers, when which unit fired, and how often units fire.

matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from halfwave import drawing
from halfwave.health.layer import TRAINING, LayerReport
from halfwave.health.views.advice import advice
from halfwave.health.views.summary import facts, headline
from halfwave.health.views.verdicts import BY_NAME, VERDICTS, findings
from halfwave.health.views.words import columns, distinct, joined, plural, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from halfwave.health.report import Report

SHARES = {
    # Okabe and Ito's palette, which colour-blind readers tell apart.
    "nonfinite": ("non-finite", "#cc79a7"),
    "silent": ("silent", "#d55e00"),
    "fell_silent": ("fell silent", "#e69f00"),
    "not_updated": ("not updated", "#0072b2"),
    "saturated": ("saturated", "#009e73"),
    "always_on": ("always on", "#56b4e9"),
    "healthy": ("none of these", "#d5dae0"),
}
"""What a unit is drawn as, the gravest first: each has one share, whatever else it is."""

FAINT, INK = "#888888", "#000000"

FIRES, NEVER = SHARES["not_updated"][1], SHARES["silent"][1]

PALEST = 0.08
"""The opacity of a unit that fires on hardly any sample."""

PALE = "#ebf4f9"
"""`FIRES` with that opacity, on white."""

ROW = 0.4
"""The height of a layer in the strip, in inches."""

MOST_LAYERS = 32
"""How many layers the strip shows one by one."""

MOST_PANELS = 8
"""Of how many layers units are drawn one by one."""

MOST_HEALTHY = 3
"""How many of these may be healthy: such layers look alike."""

ROWS, COLUMNS = 256, 256
"""The pixels of a raster at most: units, or groups of them, and stretches of samples."""

BINS = 20
"""The bars of a histogram between "on none" and "on all"."""

Array = NDArray[np.float64]


def draw(report: Report) -> Figure:
    """The whole report as one figure."""
    panels, left_out = worst(report, MOST_PANELS)
    histograms = rate_groups(panels)
    heights = [1.5 + ROW * len(strip_rows(report))]
    if panels:
        heights += [1.1 + 1.9 * -(-len(panels) // 2), 0.6 + 1.6 * -(-len(histograms) // 3)]
    figure = drawing.new_figure(10, sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_strip(parts[0], report)
    if panels:
        more = f" ({left_out})" if left_out else ""
        parts[1].suptitle(f"When which unit fired{more}", x=0.01, ha="left", fontsize=11)
        names = distinct(report, 40)
        fills = [partial(draw_raster, layer=layer, title=names[layer.name]) for layer in panels]
        _grid(parts[1], 2, fills)
        _legend(parts[1], raster_keys())
        parts[2].suptitle(f"How often units fire{more}", x=0.01, ha="left", fontsize=11)
        names = distinct(report, 32)
        fills = [
            partial(draw_rates, layers=group, title=names.get(name, name))
            for name, group in histograms.items()
        ]
        _grid(parts[2], 3, fills)
    return figure


def _draw_strip(part: SubFigure, report: Report) -> None:
    title = headline(report, findings(report))
    about = facts(report) if report.layers else advice(report, [])[0]
    part.suptitle(wrapped(title, 100) + "\n" + wrapped(about, 100), x=0.01, ha="left")
    draw_layers(part.subplots(), report, characters=110)
    if report.layers:
        _legend(part, SHARES.values())


def _legend(part: SubFigure, keys: Iterable[tuple[str, str]]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=title) for title, colour in keys]
    part.legend(handles=handles, loc="outside lower left", ncols=8, frameon=False, fontsize=9)


def _grid(part: SubFigure, across: int, fills: Sequence[Callable[[Axes], None]]) -> None:
    """Panels, so many side by side, each drawn by a function."""
    axes = part.subplots(-(-len(fills) // across), across, squeeze=False).ravel()
    for ax, fill in zip(axes, fills, strict=False):
        fill(ax)
    for ax in axes[len(fills) :]:
        ax.set_axis_off()


def worst(report: Report, most: int) -> tuple[list[LayerReport], str]:
    """Of the layers whose units fire or do not, those with the largest shares of findings.

    Returns them in order of execution, a few healthy ones after them, and what is left out in words.
    """
    layers = [
        layer
        for layer in report.layers.values()
        if layer.rectifier.floor is not None and layer.history.ends and layer.units
    ]
    graveness = {layer.name: _graveness(layer) for layer in layers}
    found = [layer for layer in layers if graveness[layer.name]]
    healthy = [layer for layer in layers if not graveness[layer.name]]
    gravest = sorted(found, key=lambda layer: -graveness[layer.name])[:most]
    kept = {layer.name for layer in gravest}
    chosen = [layer for layer in found if layer.name in kept]
    beside = healthy[: min(MOST_HEALTHY, most - len(chosen))]
    counts = (
        (len(found) - len(chosen), "more layer{} with findings"),
        (len(healthy) - len(beside), "healthy layer{}"),
    )
    parts = [f"{n:,} {what.format('' if n == 1 else 's')}" for n, what in counts if n]
    verb = "is" if sum(n for n, _ in counts) == 1 else "are"
    return chosen + beside, f"{joined(parts)} {verb} not drawn" if parts else ""


def _graveness(layer: LayerReport) -> float:
    """The share of its units with a verdict that alarms; 0 of a healthy layer."""
    told = [verdict.of(layer) for verdict in VERDICTS if verdict.alarms]
    grave = np.logical_or.reduce([units for units in told if units is not None])
    return float(np.mean(grave)) if layer.units else 0.0


# The strip of layers


def shares(layer: LayerReport) -> dict[str, int]:
    """How many units are drawn as what; the sum is the number of units."""
    left = np.ones(layer.units, bool)
    counts = {}
    for name in SHARES:
        units = left if name == "healthy" else BY_NAME[name].of(layer)
        counts[name] = 0 if units is None else int((units & left).sum())
        left = left if units is None else left & ~units
    return counts


def strip_rows(report: Report) -> list[tuple[str, dict[str, int]]]:
    """A row for each layer; if there are many, for the worst, and one for the others together."""
    layers = list(report.layers.values())
    chosen = sorted(layers, key=lambda layer: -_graveness(layer))[:MOST_LAYERS]
    kept = {layer.name for layer in chosen}
    rows = [(layer.name, shares(layer)) for layer in layers if layer.name in kept]
    others = [shares(layer) for layer in layers if layer.name not in kept]
    if others:
        together = {name: sum(counts[name] for counts in others) for name in SHARES}
        rows.append((f"{plural(len(others), 'other layer')}", together))
    return rows


def draw_layers(ax: Axes, report: Report, characters: int) -> None:
    """For each layer a bar of the shares of its units, with its name and its numbers above.

    `characters`: how many stand beside each other in the width of the axes.
    """
    rows = strip_rows(report)
    if not rows:
        ax.text(0, 1, "No layers: nothing is drawn.", va="top")
        ax.set_axis_off()
        return
    names = distinct(report, int(0.45 * characters))
    for row, (name, counts) in enumerate(rows):
        _bar(ax, row, counts)
        shown = names.get(name, name)
        numbers = _numbers(counts, characters - columns(shown) - 2)
        ax.text(0, row - 0.22, shown, va="bottom", fontsize=9, parse_math=False)
        ax.text(1, row - 0.22, numbers, va="bottom", ha="right", fontsize=9)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(rows) - 0.7, -0.75)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"], fontsize=9)
    ax.set_xlabel("share of the layer's units", fontsize=9)
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def _bar(ax: Axes, row: int, counts: dict[str, int]) -> None:
    units = max(sum(counts.values()), 1)
    begin = 0.0
    for name, (_, colour) in SHARES.items():
        width = counts[name] / units
        if width:
            ax.barh(row, width, 0.32, begin, color=colour, edgecolor="#ffffff", linewidth=0.8)
        begin += width


def _numbers(counts: dict[str, int], characters: int) -> str:
    """As in "4 silent, 63 fell silent of 252", as much of it as there is room for."""
    units = sum(counts.values())
    parts = [
        f"{counts[name]:,} {title}"
        for name, (title, _) in SHARES.items()
        if counts[name] and name != "healthy"
    ]
    if not parts:
        return plural(units, "unit")
    for shown in range(len(parts), 0, -1):
        more = ["…"] if shown < len(parts) else []
        numbers = f"{', '.join([*parts[:shown], *more])} of {units:,}"
        if len(numbers) <= characters:
            break
    return numbers


# When which unit fired


def draw_raster(ax: Axes, layer: LayerReport, title: str) -> None:
    """The firing rate of each unit, a row each, in each window of samples.

    The units that fired last stand at the bottom; there is a colour of its own for "on none", under
    rectifiers that pass no gradient then.
    """
    history = layer.history
    end = history.ends[-1]
    picture = raster(layer)
    ax.imshow(
        picture, aspect="auto", interpolation="none", extent=(0, end, layer.units, 0), zorder=2
    )
    ax.set_title(title, loc="left", fontsize=9, parse_math=False)
    ax.set_title(_fate(layer), loc="right", fontsize=8, color=FAINT)
    mode = TRAINING if TRAINING in layer.parts else "evaluation"
    ax.set_xlabel(f"{layer.sample}s in {mode}", fontsize=8)
    ax.set_ylabel("units", fontsize=8)
    ax.set_yticks([0, layer.units], ["0", f"{layer.units:,}"], fontsize=8)
    ax.set_xticks([0, end / 2, end], ["0", f"{end // 2:,}", f"{end:,}"], fontsize=8)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=2, color=FAINT)


def _fate(layer: LayerReport) -> str:
    counts = {"silent": int(layer.silent.sum()), "fell silent": int(layer.fell_silent.sum())}
    return ", ".join(f"{count:,} {title}" for title, count in counts.items() if count)


def raster_keys() -> list[tuple[str, str]]:
    """What the colours of a raster say."""
    return [("fired on no sample of the window", NEVER), ("on few", PALE), ("on all", FIRES)]


def raster(layer: LayerReport) -> NDArray[np.float64]:
    """The pixels of a layer's raster, in red, green, blue and opacity: the page shows through."""
    from matplotlib.colors import to_rgb

    rates = binned(layer)
    picture = np.empty((*rates.shape, 4))
    picture[..., :3] = to_rgb(FIRES)
    picture[..., 3] = PALEST + (1 - PALEST) * rates
    if layer.rectifier.silences:
        picture[rates == 0] = (*to_rgb(NEVER), 1.0)
    return picture


def binned(layer: LayerReport) -> Array:
    """Firing rates for at most so many rows and columns; a column is as wide as others in samples.

    A group of units has their mean, and so is 0 only if none of them fired.
    """
    history = layer.history
    rates = history.fired / history.samples[:, None]
    order = np.lexsort((rates.mean(axis=0), layer.silent_since))
    rows = min(layer.units, ROWS)
    starts = np.arange(rows) * layer.units // rows
    sizes = np.diff([*starts, layer.units])
    grouped = np.add.reduceat(rates[:, order], starts, axis=1) / sizes
    centres = (np.arange(COLUMNS) + 0.5) / COLUMNS * history.ends[-1]
    return np.asarray(grouped[np.searchsorted(history.ends, centres, side="right")].T)


# How often units fire


def rate_groups(layers: list[LayerReport]) -> dict[str, list[LayerReport]]:
    """What has a histogram: all these layers together, and each of them."""
    groups = {layer.name: [layer] for layer in layers}
    together = f"these {len(layers)} layers together"
    return {together: layers} | groups if len(layers) > 1 else groups


def draw_rates(ax: Axes, layers: list[LayerReport], title: str) -> None:
    """A histogram of the layers' firing rates; "on none" and "on all" have bars of their own."""
    from matplotlib.ticker import MaxNLocator

    rates = np.concatenate([layer.firing_rate for layer in layers])
    never, always = int((rates == 0).sum()), int((rates == 1).sum())
    silent = sum(int(layer.silent.sum()) for layer in layers)
    between = rates[(rates > 0) & (rates < 1)]
    heights, edges = np.histogram(between, BINS, (0, 1))
    ax.bar(edges[:-1], heights, 1 / BINS, align="edge", color=FIRES, edgecolor="#ffffff", lw=0.6)
    ax.bar(-0.07, silent, 0.06, color=NEVER)
    ax.bar(-0.07, never - silent, 0.06, silent, color=FIRES)
    ax.bar(1.07, always, 0.06, color=SHARES["always_on"][1])
    ax.set_title(title, loc="left", fontsize=9, parse_math=False)
    ax.set_xticks([-0.07, 0.5, 1.07], ["on none", "50 %", "on all"], fontsize=8)
    ax.set_xlabel(f"share of {layers[0].sample}s on which a unit fires", fontsize=8)
    ax.set_ylabel("units", fontsize=8)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(axis="y", alpha=0.3, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(length=0)
