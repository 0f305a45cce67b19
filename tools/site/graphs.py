"""The graphs of an activation, as elements of a page whose style sheet decides on the colours."""

from __future__ import annotations

from halfwave import Activation, drawing
from halfwave.plot import COLOURS, Curve, draw_value, plot

VARIABLES = {
    "#ffffff": "--graph-paper",
    "#000000": "--graph-ink",
    "#888888": "--graph-faint",
    "#b0b0b0": "--graph-faint",
    "#cccccc": "--graph-faint",
    COLOURS[0]: "--graph-function",
    COLOURS[1]: "--graph-derivative",
}

WINDOW = (-5.2, 7.2), (-2.4, 6.9)
"""What every small graph shows, so that they can be compared: the ceiling of relu6, too."""


def graph(f: Activation) -> str:
    """The function and its derivative."""
    figure = drawing.new_figure(6.4, 4.2)
    plot([f], figure.subplots())
    return drawing.inline(drawing.svg(figure), f.name, f"{f.title} and its derivative", VARIABLES)


def small_graph(f: Activation) -> str:
    """The function alone, in a window that is the same for all."""
    figure = drawing.new_figure(2.4, 1.8)
    ax = figure.subplots()
    for line in (ax.axhline, ax.axvline):
        line(0, color="#888888", linewidth=1)
    draw_value(ax, Curve(f, {}), WINDOW[0], COLOURS[0])
    ax.set(xlim=WINDOW[0], ylim=WINDOW[1])
    ax.set_axis_off()
    return drawing.inline(drawing.svg(figure), f"small-{f.name}", f.formula_text, VARIABLES)
