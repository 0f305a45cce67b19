"""A graph made of characters, drawn with plotext."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import plotext
from rich.text import Text

from halfwave.plot import Curve, Points
from halfwave.tour.blocks import Graph

HEIGHT = 16
FILLED, OPEN = "●", "○"


def graph(block: Graph, width: int) -> Text:
    """Braille dots for the lines, circles for what the derivative does at a kink."""
    curve = Curve(block.activation, block.parameters)
    low, high = curve.limits()
    pieces = list(curve.derivative(low, high)) if block.derivative else [curve.value(low, high)]
    circles = _circles(curve) if block.derivative else []
    head = f"{'f′(x)' if block.derivative else 'f(x)':<6}{block.title:^{width - 12}}".rstrip()
    body = _drawn(pieces, circles, width)
    text = Text(f"{head}\n{body}\n{'x':^{width}}".rstrip())
    text.highlight_regex(f"[\u2801-\u28ff{FILLED}{OPEN}]+", "magenta")
    return text


def _circles(curve: Curve) -> list[tuple[float, float, str]]:
    elsewhere = ((mark.at, limit, OPEN) for mark in curve.marks for limit in mark.limits_elsewhere)
    return list(chain(elsewhere, ((mark.at, mark.slope, FILLED) for mark in curve.marks)))


def _drawn(
    pieces: Sequence[Points], circles: Sequence[tuple[float, float, str]], width: int
) -> str:
    # plotext has one figure, which is shared by all who use it: clear it before and after.
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)
    figure.plot_size(width, HEIGHT)
    for x, y in pieces:
        figure.draw(figure.signal(x.tolist(), y.tolist(), marker="braille").lines())
    for at, slope, marker in circles:
        figure.draw(figure.signal([at], [slope], marker=marker))
    _scale(figure, np.concatenate([x for x, _ in pieces]), "x", 0.0)
    _scale(figure, np.concatenate([y for _, y in pieces]), "y", 0.06)
    drawn: str = figure.build().string(colorless=True)
    figure.clear()
    return drawn.rstrip()


def _scale(figure: Any, values: np.ndarray[Any, Any], axis: str, margin: float) -> None:
    low, high = float(values.min()), float(values.max())
    room = margin * (high - low)
    figure.ruler(axis).lim(low - room, high + room)
    ticks = _ticks(low - room, high + room)
    figure.ruler(axis).ticks(ticks, [f"{tick:g}" for tick in ticks])


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between low and high, at most eleven."""
    steps = (0.25, 0.5, 1, 2, 5, 10, 100, 1e4)
    step = next((s for s in steps if (high - low) / s <= 10), high - low)
    return [step * k for k in range(int(np.ceil(low / step)), int(high / step) + 1)]
