"""Draws whatever has a value, a derivative, kinks and a title.

matplotlib is imported when something is drawn, so that `import halfwave` does not need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from halfwave import drawing
from halfwave.facts import Kink, Parameter, evaluate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette, which colour-blind readers tell apart."""

STYLES = ("-", "--", "-.", ":")
"""One after the other, so that the lines differ without their colours, too."""

SAMPLES = 401

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


class Drawable(Protocol):
    """What can be drawn: every activation, and anything else with these attributes."""

    title: str
    kinks: tuple[Kink, ...]
    parameters: Mapping[str, Parameter]

    @property
    def derivative(self) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


@dataclass(frozen=True)
class Mark:
    """A kink with numbers in place of names: the slopes beside it, and the declared one."""

    at: float
    left: float
    right: float
    slope: float
    jump: bool

    @property
    def limits_elsewhere(self) -> list[float]:
        """The one-sided slopes that the derivative does not take at the kink."""
        return [limit for limit in {self.left, self.right} if limit != self.slope]


class Curve:
    """One activation with numbers for its parameters, sampled between two limits.

    Examples
    --------
    >>> import halfwave as hw
    >>> from halfwave.plot import Curve
    >>> Curve(hw.leaky_relu, {"alpha": 0.5}).title
    'Leaky ReLU (α = 0.5)'
    """

    def __init__(self, activation: Drawable, parameters: Mapping[str, Any]) -> None:
        known = activation.parameters
        given = {name: _number(name, parameters[name]) for name in known if name in parameters}
        self.activation = activation
        self.parameters = {name: float(p.default) for name, p in known.items()} | given
        self.marks = sorted(map(self._mark, activation.kinks), key=lambda mark: mark.at)

    def _mark(self, kink: Kink) -> Mark:
        known = (kink.at, kink.left, kink.right, kink.slope)
        at, left, right, slope = (float(evaluate(n, self.parameters)) for n in known)
        return Mark(at, left, right, slope, kink.jump)

    @property
    def title(self) -> str:
        """The activation's title with its parameters."""
        known = self.activation.parameters
        values = ", ".join(f"{known[name].symbol} = {v:g}" for name, v in self.parameters.items())
        return f"{self.activation.title} ({values})" if values else self.activation.title

    def limits(self) -> tuple[float, float]:
        """From −5 to 5, or further, so that every kink is seen."""
        return (
            min([-5.0, *(mark.at - 2 for mark in self.marks)]),
            max([5.0, *(mark.at + 2 for mark in self.marks)]),
        )

    def value(self, low: float, high: float) -> Points:
        """The function, with a sample at every kink so that no corner is cut.

        NaN stands where the function jumps, so that no line joins the two sides.
        """
        inside = [mark for mark in self.marks if low < mark.at < high]
        x = np.union1d(np.linspace(low, high, SAMPLES), [mark.at for mark in inside])
        jumps = np.array([mark.at for mark in inside if mark.jump])
        sides = np.nextafter(jumps, [[-np.inf], [np.inf]]).ravel()
        x = np.union1d(x, sides)
        y = np.array(self.activation(x, **self.parameters))
        y[np.isin(x, jumps)] = np.nan
        return x, y

    def derivative(self, low: float, high: float) -> Iterator[Points]:
        """The derivative between the kinks: each piece ends at the limit from its own side."""
        inside = [mark for mark in self.marks if low < mark.at < high]
        ends = [low, *(mark.at for mark in inside), high]
        starts = [None, *inside]
        for a, b, first, last in zip(ends, ends[1:], starts, [*inside, None], strict=False):
            x = np.linspace(a, b, SAMPLES)
            y = np.array(self.activation.derivative(x, **self.parameters))
            if first:
                y[0] = first.right
            if last:
                y[-1] = last.left
            yield x, y


def plot(
    activations: Iterable[Drawable],
    ax: Axes | None = None,
    *,
    derivative: bool = True,
    xlim: tuple[float, float] | None = None,
    **parameters: float,
) -> Axes:
    """Draw activations, each with its derivative, into one figure.

    The derivative is not joined where it jumps: a filled circle is the value declared at the
    kink, an open one a limit that is not reached.

    Parameters
    ----------
    activations : iterable of Activation
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default pyplot's current axes.
    derivative : bool, default True
        Whether to draw the derivatives, too.
    xlim : pair of float, optional
        The first and last x; by default −5 and 5, or further where a kink is.
    **parameters : float
        Parameters of the activations. One goes to every activation that takes it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If no activation takes one of the parameters, or one is not a number.
    ValueError
        If there is nothing to draw, or `xlim` is not a finite interval.

    Examples
    --------
    >>> import halfwave as hw
    >>> from halfwave.plot import plot
    >>> ax = plot([hw.relu, hw.leaky_relu], alpha=0.2, derivative=False)
    >>> [line.get_label() for line in ax.get_lines()][-2:]
    ['ReLU', 'Leaky ReLU (α = 0.2)']
    """
    curves = _curves(list(activations), parameters)
    low, high = _interval(curves, xlim)
    ax = ax if ax is not None else _current_axes()
    style = count()
    dress(ax, ", ".join(curve.activation.title for curve in curves), "f(x)")
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        draw_value(ax, curve, (low, high), colour, STYLES[next(style) % len(STYLES)])
        if derivative:
            colour = COLOURS[1] if len(curves) == 1 else colour
            draw_derivative(ax, curve, (low, high), colour, STYLES[next(style) % len(STYLES)])
    if derivative:
        ax.set_ylabel("f(x) and f′(x)")
    if derivative or len(curves) > 1:
        ax.legend()
    return ax


def draw_value(
    ax: Axes, curve: Curve, limits: tuple[float, float], colour: str, style: str = "-"
) -> None:
    """Draw the function itself."""
    ax.plot(*curve.value(*limits), color=colour, linestyle=style, linewidth=2, label=curve.title)


def draw_derivative(
    ax: Axes, curve: Curve, limits: tuple[float, float], colour: str, style: str = "-"
) -> None:
    """Draw the derivative in pieces, with a circle at every value beside and at a kink."""
    label = f"derivative of {curve.title}"
    for x, y in curve.derivative(*limits):
        ax.plot(x, y, color=colour, linestyle=style, linewidth=2, label=label)
        label = "_nolegend_"
    for mark in curve.marks:
        if limits[0] <= mark.at <= limits[1]:
            _circle(ax, mark.at, mark.limits_elsewhere, colour, ax.get_facecolor())
            _circle(ax, mark.at, [mark.slope], colour, colour)


def _circle(ax: Axes, x: float, ys: Sequence[float], edge: Any, face: Any) -> None:
    ax.plot(
        [x] * len(ys), ys, "o", markersize=7, markeredgewidth=1.6, color=edge, markerfacecolor=face
    )


def dress(ax: Axes, title: str, ylabel: str) -> None:
    """Give the axes a title, labels, a light grid and thin lines through the origin."""
    ax.set_title(title)
    ax.set_xlabel("x")
    ax.set_ylabel(ylabel)
    ax.grid(alpha=0.3, linewidth=0.6)
    ax.axhline(0, color="#888888", linewidth=0.8, zorder=1)
    ax.axvline(0, color="#888888", linewidth=0.8, zorder=1)


def _current_axes() -> Axes:
    with drawing.needs_matplotlib():
        from matplotlib import pyplot
    return pyplot.gca()


def _curves(activations: list[Drawable], parameters: Mapping[str, Any]) -> list[Curve]:
    if not activations:
        raise ValueError("there is nothing to plot; pass at least one activation")
    known = {name for activation in activations for name in activation.parameters}
    titles = ", ".join(activation.title for activation in activations)
    for name in parameters:
        if name not in known:
            takes = f"takes {', '.join(sorted(known))}" if known else "takes no parameters"
            raise TypeError(f"plot() has no {name}=; {titles} {takes}")
    return [Curve(activation, parameters) for activation in activations]


def _number(name: str, value: Any) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(
            f"{name} is a {type(value).__name__}; a graph has one line per activation, so pass "
            f"a number, or call plot() once for each value"
        )
    return float(value)


def _interval(curves: list[Curve], xlim: tuple[float, float] | None) -> tuple[float, float]:
    if xlim is None:
        limits = [curve.limits() for curve in curves]
        return min(low for low, _ in limits), max(high for _, high in limits)
    low, high = map(float, xlim)
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"xlim is {xlim}; pass two finite numbers, the smaller one first")
    return low, high
