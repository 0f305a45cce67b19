"""What is known about an activation: pure data, and the docstring made from it.

This module needs the standard library alone, so that the build can write the type stubs from
the pairs before the engine is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Any

Slope = float | str
"""A number, or the parameters' names in an arithmetic expression, such as "-threshold"."""


def evaluate(slope: Slope, values: Mapping[str, Any]) -> Any:
    """A slope or a position with `values` for the parameters' names: numbers, or arrays."""
    if not isinstance(slope, str):
        return slope
    if slope in values:
        return values[slope]
    try:
        # Text of the facts alone; with the builtins, which a warning of NumPy's needs.
        return eval(slope, {}, dict(values))
    except ZeroDivisionError:
        return math.nan  # nowhere


@dataclass(frozen=True)
class Parameter:
    """One parameter of an activation.

    ``aliases`` are the names that other libraries give it: they are never accepted, but the
    error that they raise says which name is ours. ``bound`` says that integers stay integers only
    where it is whole or infinite. ``tried`` are the values with which it is verified besides the
    default; none are given where any number will do.
    """

    name: str
    default: float
    meaning: str
    symbol: str
    aliases: tuple[str, ...] = ()
    tried: tuple[float, ...] = ()
    bound: bool = False


@dataclass(frozen=True)
class Kink:
    """A point where the two one-sided derivatives differ, and the slope declared there.

    Each value is a number, or an expression in the parameters' names. ``jump`` says that the function
    itself has two limits there. ``elsewhere`` are the slopes that other libraries take, by the
    library's name.
    """

    at: Slope
    left: Slope
    right: Slope
    slope: Slope
    jump: bool = False
    elsewhere: tuple[tuple[str, Slope], ...] = ()


@dataclass(frozen=True)
class ActiveSide:
    """Where a rectifier passes on what it gets, as its output tells: a unit fires where that is
    above the floor, and is saturated where it has reached the ceiling.

    ``slope`` is the one on the other side; where it is 0, a unit that never fires passes no gradient,
    and where it is below 0, the output no longer tells. Each value is a number, or an expression in
    the parameters' names.
    """

    floor: Slope = 0.0
    ceiling: Slope = math.inf
    slope: Slope = 0.0


@dataclass(frozen=True, kw_only=True)
class Peers:
    """How others compute an activation: what `halfwave bench` runs beside it.

    Each is the source text of an expression, shown as it stands. In it x is the argument, y an
    array for the result, g a gradient, and each parameter has its own name. They are arrays of the
    library that it names: np, scipy (which has NumPy's), torch, jax, numexpr or numba. What stands
    before a semicolon is done once, and not timed.

    ``number`` is for x one float, ``value`` for a new array, ``out`` for one that is given;
    ``pullback`` is g * f′(x).
    """

    number: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    derivative: tuple[str, ...] = ()
    pullback: tuple[str, ...] = ()


@dataclass(frozen=True)
class Onnx:
    """The ONNX operator that computes an activation.

    ``attributes`` are its attributes by name, ``inputs`` what it takes after x: each a number, or an
    expression in the parameters' names; an attribute may be another text, too.
    """

    operator: str
    attributes: tuple[tuple[str, float | str], ...] = ()
    inputs: tuple[Slope, ...] = ()


@dataclass(frozen=True)
class Measured:
    """The largest errors that were found with the default parameters, and at which x.

    Errors are in units in the last place of the exact result. `halfwave verify` fails where it
    finds a larger one.
    """

    dtype: str
    value: float
    value_at: float
    derivative: float
    derivative_at: float


def _no_slopes(*_: Any) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything about one activation that is not compiled.

    ``value(xp, x, *parameters)`` and ``derivative(xp, x, *parameters)`` are its portable
    expressions: f and f′ in the functions of the array API standard, for arrays of one float dtype
    (and of integers, where the activation keeps them) and parameters that are arrays of that dtype.
    They compute the arrays of other libraries, where ``xp`` is such a library's namespace; and with
    NumPy's they are the reference that the compiled engine has to equal, bit for bit.

    A smooth activation cannot be that exact, nor can one with a sum of a product. Its judge is
    ``exact_value(mp, x, *parameters)`` and ``exact_derivative``: f and f′ in the functions of mpmath,
    at the precision that ``mp`` has. ``measured`` are the errors that it was found to have, and
    ``turning`` the points at which its derivative changes sign and is judged by its absolute error.
    ``open_slope`` says that it is piecewise linear all the same: the slope where its gate is open.

    ``parameter_slopes(xp, x, *parameters)`` gives the slopes of f in each parameter, where these are
    learned as weights are: the pullback then gives the gradients of the parameters, too.

    ``onnx`` is the ONNX operator; ``elsewhere`` are the calls of other libraries, by their names:
    expressions in x and the parameters. ``active`` is None where no point divides a side that is
    active from one that is not.
    """

    name: str
    title: str
    summary: str
    formula: str
    formula_text: str
    derivative_formula: str
    derivative_text: str
    words: str
    parameters: tuple[Parameter, ...] = ()
    kinks: tuple[Kink, ...] = ()
    accuracy: str
    integers: str
    source: str
    example: str
    value: Callable[..., Any]
    derivative: Callable[..., Any]
    parameter_slopes: Callable[..., tuple[Any, ...]] = _no_slopes
    exact_value: Callable[..., Any] | None = None
    exact_derivative: Callable[..., Any] | None = None
    open_slope: Slope | None = None
    turning: tuple[Slope, ...] = ()
    measured: tuple[Measured, ...] = ()
    active: ActiveSide | None = None
    onnx: Onnx | None = None
    elsewhere: tuple[tuple[str, str], ...] = ()
    peers: Peers = Peers()

    @property
    def is_exact(self) -> bool:
        """Whether it is held to the bits of its expressions, and not to an error."""
        return self.exact_value is None

    @property
    def is_learned(self) -> bool:
        """Whether its parameters are weights, whose gradients the pullback gives."""
        return self.parameter_slopes is not _no_slopes

    @property
    def is_smooth(self) -> bool:
        """Whether it is no line in pieces, so that its pullback needs x."""
        return not self.is_exact and self.open_slope is None


def passing_slope(facts: Facts, parameters: Iterable[Any]) -> Any:
    """The slope with which a gradient passes where x is NaN."""
    if facts.open_slope is None:
        return 1
    names = (p.name for p in facts.parameters)
    return evaluate(facts.open_slope, dict(zip(names, parameters, strict=True)))


def signature(facts: Facts) -> str:
    """The call as a user writes it, such as ``leaky_relu(x, /, alpha=0.01, *, out=None, …)``."""
    parameters = "".join(f", {p.name}={p.default!r}" for p in facts.parameters)
    options = "out=None, where=True, casting='same_kind', order='K'"
    return f"{facts.name}(x, /{parameters}, *, {options})"


def docstring(facts: Facts) -> str:
    """The docstring of an activation, in the order that NumPy's own docstrings have."""
    sections = [
        ("", f"{facts.summary}\n\n    {facts.name}(x) = {facts.formula_text}"),
        ("Parameters", _parameter_section(facts)),
        ("Returns", _RETURNS.format(integers=indent(fill(facts.integers, 84), "    "))),
        ("Raises", _RAISES),
        ("Notes", _notes(facts)),
        ("References", facts.source),
        ("Examples", facts.example.strip()),
    ]
    return "\n\n".join(_section(title, body) for title, body in sections) + "\n"


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{body}" if title else body


def _parameter_section(facts: Facts) -> str:
    floats = "float16, bfloat16, float32, float64"
    entries = [_X.format(floats=floats if facts.is_smooth else f"{floats}, longdouble")]
    for p in facts.parameters:
        what = f"{p.meaning} A number, or an array that broadcasts against `x`. Dimensionless."
        entries.append(_entry(f"{p.name} : float or array_like, default {p.default!r}", what))
    return "\n".join([*entries, _OPTIONS])


def _entry(head: str, body: str) -> str:
    return head + "\n" + indent(fill(body, 84), "    ")


def _notes(facts: Facts) -> str:
    notes = [f"The derivative is {facts.derivative_text}."]
    notes += [
        f"At the kink x = {k.at} it is declared to be {k.slope} "
        f"(left of it {k.left}, right of it {k.right}); `derivative(x, at_kink=...)` chooses another."
        for k in facts.kinks
    ]
    if facts.is_learned:
        gradients = ", ".join(f"d{p.name}" for p in facts.parameters)
        notes.append(f"The pullback of `vjp` gives (dx, {gradients}), each in its own shape.")
    notes.append(facts.accuracy)
    return "\n".join(fill(note, 88) for note in notes)


_X = """\
x : array_like
    Real numbers, of any shape: {floats}, integers,
    Python numbers, lists, what takes part in NumPy's `__array_ufunc__` (dask, xarray, pandas),
    and arrays of other libraries (torch, JAX, CuPy and others), which stay there."""

_OPTIONS = """\
out : array, optional
    Where the result goes; its shape is the broadcast shape, its dtype one that the result
    can be cast to.
where : array_like of bool, optional
    Where to compute; elsewhere `out` keeps what it holds.
casting, order : str, optional
    As in every NumPy ufunc. Arrays of other libraries take none of these four."""

_RETURNS = """\
array or scalar
    Of `x`'s shape (broadcast against the parameters). Its dtype is decided by `x` alone.
{integers}"""

_RAISES = """\
TypeError
    If `x` is complex, text or objects, the arrays are of two libraries, or an argument is
    unknown; the message says what to do.
ValueError
    If the shapes do not broadcast."""
