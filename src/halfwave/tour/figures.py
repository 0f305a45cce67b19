"""The tour's figures, as matplotlib draws them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from halfwave import drawing
from halfwave.plot import COLOURS, Curve, draw_derivative, draw_value, dress
from halfwave.tour.blocks import PER_ROW, Graph, Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_VARIABLES = {
    "#ffffff": "--paper",
    "#000000": "--ink",
    "#888888": "--faint",
    "#b0b0b0": "--faint",
    COLOURS[0]: "--first",
    COLOURS[1]: "--second",
}

WIDTH = 5.2
"""Of every figure, in inches."""

Drawn = Graph | Units
"""The blocks that have a figure."""


def draw(block: Drawn) -> Figure:
    """The figure of a block."""
    return _draw_graph(block) if isinstance(block, Graph) else _draw_networks(block)


def _draw_graph(graph: Graph) -> Figure:
    figure = drawing.new_figure(WIDTH, 3.4)
    ax = figure.subplots()
    curve = Curve(graph.activation, graph.parameters)
    dress(ax, graph.title, "f′(x)" if graph.derivative else "f(x)")
    if graph.derivative:
        draw_derivative(ax, curve, curve.limits(), COLOURS[1])
    else:
        draw_value(ax, curve, curve.limits(), COLOURS[0])
    return figure


def _draw_networks(units: Units) -> Figure:
    rows = max(-(-len(updated) // PER_ROW) for _, updated in units.networks)
    figure = drawing.new_figure(WIDTH, 0.5 + len(units.networks) * (0.45 + 0.42 * rows))
    axes = figure.subplots(len(units.networks), squeeze=False)[:, 0]
    for ax, (title, updated) in zip(axes, units.networks, strict=True):
        _draw_units(ax, title, updated)
    figure.legend(
        handles=[_key(COLOURS[0], "had an update in the last epoch"), _key("#ffffff", "had none")],
        loc="outside lower center",
        ncols=2,
        frameon=False,
    )
    return figure


def _draw_units(ax: Axes, title: str, updated: tuple[bool, ...]) -> None:
    x, y = np.arange(len(updated)) % PER_ROW, np.arange(len(updated)) // PER_ROW
    faces = [COLOURS[0] if u else "#ffffff" for u in updated]
    ax.scatter(x, y, s=320, facecolors=faces, edgecolors=COLOURS[0], linewidths=1.6)
    for unit, u in enumerate(updated):
        place, colour = (x[unit], y[unit] + 0.02), "#ffffff" if u else "#000000"
        ax.annotate(str(unit), place, ha="center", va="center", color=colour, fontsize=9)
    ax.set_title(f"{title}: {updated.count(False)} of {len(updated)} units without an update")
    ax.set_ylim(y[-1] + 0.6, -0.6)
    ax.set_axis_off()


def _key(face: str, label: str) -> Line2D:
    from matplotlib.lines import Line2D

    line = Line2D([], [], linestyle="", marker="o", markersize=11, label=label)
    line.set(color=COLOURS[0], markerfacecolor=face, markeredgewidth=1.6)
    return line


def png(block: Drawn) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    draw(block).savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def svg(block: Drawn) -> str:
    """The figure as an SVG file, the same each time."""
    return drawing.svg(draw(block))


def inline_svg(block: Drawn) -> str:
    """The figure as an element of a page that decides on its colours with CSS variables."""
    return drawing.inline(svg(block), block.name, block.alt, _VARIABLES)
