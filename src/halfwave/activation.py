"""What an activation is: its facts, its value, its derivative and its vector-Jacobian product."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from halfwave import _core, calls, integers, libraries
from halfwave.arrays import as_operand, is_number, is_plain, is_python_number
from halfwave.facts import Facts, Kink, Parameter, docstring
from halfwave.pullback import (
    NarrowedPullback,
    Pullback,
    UfuncPullback,
    argument_vjp,
    gate_vjp,
    learned,
)

if TYPE_CHECKING:
    from inspect import Signature

    from matplotlib.axes import Axes

# What users of other libraries, or in a hurry, call our attributes.
_NEAR_MISSES = {
    "gradient": "derivative",
    "grad": "derivative",
    "deriv": "derivative",
    "prime": "derivative",
    "backward": "vjp",
    "jvp": "vjp",
    "pullback": "vjp",
    "latex": "formula",
    "params": "parameters",
}


class Operation(_core.Callable):
    """A function of an array and parameters: the value or the derivative of an activation."""

    __name__: str
    _facts: Facts
    _method = "value"  # of a `libraries` adapter, which computes it

    def __new__(cls, facts: Facts) -> Self:
        names = tuple(p.name for p in facts.parameters)
        defaults = tuple(float(p.default) for p in facts.parameters)
        return super().__new__(cls, facts.name, cls is Derivative, names, defaults)

    def _name(self, qualname: str, doc: str) -> None:
        self.__name__ = qualname.rpartition(".")[2]
        self.__qualname__ = qualname
        self.__module__ = "halfwave"
        self.__doc__ = doc

    def _named(self, parameters: list[Any]) -> dict[str, Any]:
        return {p.name: v for p, v in zip(self._facts.parameters, parameters, strict=True)}

    def _general(self, *args: Any, **kwargs: Any) -> Any:
        """The call, where the engine's fast paths do not fit; explains every mistake."""
        facts = self._facts
        x, parameters, options = calls.bind(self.__qualname__, facts, args, kwargs)
        library = libraries.find(x, *parameters)
        if library is not None:
            calls.refuse_options(self.__qualname__, library.name, options)
            return library.value(facts, x, parameters)
        return self._evaluate(x, calls.as_operands(facts, parameters), options)

    def _evaluate(self, x: Any, parameters: list[Any], options: dict[str, Any]) -> Any:
        placed = options.keys() & {"out", "where"}
        if is_python_number(x) and all(map(is_number, parameters)) and not placed:
            return self._python_number(x, parameters)
        x, parameters = integers.settled(self._facts, as_operand(x, "x"), parameters)
        operands = {"x": x, **self._named(parameters)}
        return calls.call_ufunc(self.__qualname__, self.ufunc, operands, options)

    def _python_number(self, x: float, parameters: list[float]) -> float:
        numbers = [calls.as_float(p, self.__qualname__) for p in parameters]
        if isinstance(x, bool) and self.keeps_integers:
            self.ufunc(np.bool_(x), *numbers)  # raises, and says why
        if isinstance(x, int) and self.keeps_integers and integers.all_whole(numbers):
            return self._python_integer(x, numbers)
        return float(self(calls.as_float(x, self.__qualname__), *numbers))

    def _python_integer(self, x: int, parameters: list[float]) -> int:
        # As objects, Python's own integers are compared, which no machine integer need hold.
        whole = [p if math.isinf(p) else int(p) for p in parameters]
        formula = getattr(self._facts, self._method)
        result: int = formula(np, *(np.array(number, object) for number in (x, *whole))).item()
        return result

    def __reduce__(self) -> str:
        return self.__qualname__

    if not TYPE_CHECKING:  # or type checkers would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # what Python and other libraries look for
                raise AttributeError(name)
            from difflib import get_close_matches  # slow to import, and rarely needed

            public = [n for n in dir(self) if not n.startswith("_")]
            near = [_NEAR_MISSES.get(name), *get_close_matches(name, public, 1)]
            ours = next((n for n in near if n in public), None)
            hint = f"; use .{ours}" if ours else ""
            raise AttributeError(f"{self.__qualname__} has no attribute {name!r}{hint}")


class Derivative(Operation):
    """The derivative of an activation, a function like the activation itself."""

    _method = "derivative"

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._name(f"{facts.name}.derivative", _DERIVATIVE_DOC.format(facts=facts))

    @property
    def __signature__(self) -> Signature:
        return calls.signature(self._facts, {"at_kink": None, **_UFUNC_DEFAULTS})

    def _general(self, *args: Any, **kwargs: Any) -> Any:
        known, facts = calls.UFUNC_OPTIONS | {"at_kink"}, self._facts
        x, parameters, options = calls.bind(self.__qualname__, facts, args, kwargs, known)
        at_kink = options.pop("at_kink", None)
        calls.check_at_kink(at_kink)
        library = libraries.find(x, *parameters)
        if library is not None:
            calls.refuse_options(self.__qualname__, library.name, options)
            return library.derivative(facts, x, parameters, at_kink)
        parameters = calls.as_operands(facts, parameters)
        if not (is_python_number(x) and all(map(is_number, parameters))):
            x = as_operand(x, "x")
            if widened := integers.widened(facts, x, parameters):
                wide, dtype = widened
                _held(at_kink, dtype)
                slopes = self._at_kinks(wide, parameters, at_kink, {}).astype(dtype)
                return calls.call_ufunc(self.__qualname__, np.positive, {"x": slopes}, options)
            x, parameters = integers.settled(facts, x, parameters)
        return self._at_kinks(x, parameters, at_kink, options)

    def _at_kinks(
        self, x: Any, parameters: list[Any], at_kink: Any, options: dict[str, Any]
    ) -> Any:
        """The derivative, with the slope that `at_kink` chooses at the kinks."""
        facts = self._facts
        if at_kink is None or not facts.kinks:
            return self._evaluate(x, parameters, options)
        slopes = self._evaluate(x, parameters, {})
        values = self._named(parameters)
        *first, last = facts.kinks
        for kink in first:
            slopes = self._replace(x, slopes, kink, at_kink, values, {})
        return self._replace(x, slopes, last, at_kink, values, options)

    def _replace(
        self,
        x: Any,
        slopes: Any,
        kink: Kink,
        at_kink: Any,
        values: dict[str, Any],
        options: dict[str, Any],
    ) -> Any:
        """`slopes` with the chosen slope where x is at the kink."""
        at, slope = calls.at_and_slope(kink, at_kink, values)
        if is_python_number(slopes) and is_python_number(slope) and not options:
            chosen = _held(slope, slopes)
            return type(slopes)(chosen) if x == at else slopes
        dtype = getattr(slopes, "dtype", None)
        operands = {
            "x": as_operand(x, "x"),
            "slopes": slopes,
            "at": _held(at, dtype),
            "slope": _held(slope, dtype),
        }
        ufunc = getattr(_core, f"{self._facts.name}_replace")
        return calls.call_ufunc(self.__qualname__, ufunc, operands, options)

    def __repr__(self) -> str:
        return f"<derivative of halfwave.{self._facts.name}: {self._facts.derivative_text}>"


class VJP:
    """The value of an activation at x, and the pullback of gradients through it.

    Parameters
    ----------
    x : array_like
        Real numbers, of any shape and layout.
    *args, **kwargs
        The activation's parameters, by position or name. An array broadcasts to x's shape.

    Returns
    -------
    value : array or scalar
        What the activation itself gives.
    pullback : Pullback
        `pullback(g)` is g * f′(x), of x's shape and the value's dtype; g broadcasts to x's
        shape. It passes nothing where f′(x) is 0, even an infinite g, and all of g where x
        is NaN. Of an activation whose parameters are learned it is `(dx, dalpha)`, with a gradient
        in the shape of each parameter. It keeps the parameters and, where the activation is piecewise linear, one bit
        per element (`pullback.nbytes`). It keeps a reference to x, which is not to be changed
        meanwhile, where the activation is smooth, or where x or a parameter is not a plain
        array (dask, xarray, JAX).

    Raises
    ------
    TypeError
        As the activation itself.
    ValueError
        If a parameter's shape does not broadcast to x's.

    Examples
    --------
    >>> import numpy as np
    >>> import halfwave as hw
    >>> y, pullback = hw.leaky_relu.vjp(np.array([3.0, -7.0]), alpha=0.5)
    >>> y
    array([ 3. , -3.5])
    >>> pullback(np.array([10.0, 10.0]))
    array([10.,  5.])
    """

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self.__qualname__ = f"{activation.name}.vjp"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Pullback]:
        facts = self._activation._facts
        x, parameters, _ = calls.bind(self.__qualname__, facts, args, kwargs, options=frozenset())
        library = libraries.find(x, *parameters)
        if library is not None:
            value, pullback = library.vjp(facts, x, parameters)
            if facts.is_learned:
                pullback = library.learned(facts, x, parameters, pullback)
            return value, pullback
        x, parameters = as_operand(x, "x"), calls.as_operands(facts, parameters)
        value, pullback = self._by_the_kernels(x, parameters)
        if facts.is_learned:
            pullback = learned(facts, x, parameters, pullback)
        return value, pullback

    def _by_the_kernels(self, x: Any, parameters: list[Any]) -> tuple[Any, Pullback]:
        activation, facts = self._activation, self._activation._facts
        if isinstance(x, int) and activation.keeps_integers and integers.all_whole(parameters):
            _, within = integers.settled(facts, np.int64(0), parameters)
            return activation(x, *parameters), gate_vjp(facts, _near(x), within)[1]
        if isinstance(x, int):
            x = calls.as_float(x, self.__qualname__)
        if widened := integers.widened(facts, x, parameters):
            wide, dtype = widened
            value, pullback = activation(x, *parameters), self(wide, *parameters)[1]
            return value, NarrowedPullback(pullback, dtype)
        x, parameters = integers.settled(facts, x, parameters)
        if all(is_plain(a) or is_python_number(a) for a in (x, *parameters)):
            vjp = gate_vjp if activation.keeps_bits else argument_vjp
            return vjp(facts, x, parameters)
        return activation(x, *parameters), UfuncPullback(facts, parameters, x)

    @property
    def __signature__(self) -> Signature:
        return calls.signature(self._activation._facts, {})

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._activation, "vjp")

    def __repr__(self) -> str:
        return f"<vector-Jacobian product of halfwave.{self._activation.name}>"


class Activation(Operation):
    """A rectifier: a function of an array, with everything that is known about it.

    Attributes
    ----------
    name, title, summary, words, accuracy, source : str
        Its name, its title, what it does, its formula read out, how exact it is, and the paper it
        comes from.
    formula, derivative_formula : str
        LaTeX, the right-hand side of f(x) = … and of f′(x) = …
    formula_text, derivative_text : str
        The same in plain characters.
    parameters : mapping of str to Parameter
        By name, in the order of the call.
    kinks : tuple of Kink
        Where the one-sided derivatives differ, and the slope declared there.
    derivative : Derivative
        f′, called like f; `at_kink="left"`, `"right"` or a number chooses another slope at kinks.
    vjp : VJP
        Gives the value and the pullback of gradients.
    ufunc : numpy.ufunc
        The ufunc itself.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._name(facts.name, docstring(facts))
        self.name = facts.name
        self.title = facts.title
        self.summary = facts.summary
        self.words = facts.words
        self.accuracy = facts.accuracy
        self.source = facts.source
        self.formula = facts.formula
        self.formula_text = facts.formula_text
        self.derivative_formula = facts.derivative_formula
        self.derivative_text = facts.derivative_text
        self.parameters: Mapping[str, Parameter] = MappingProxyType(
            {p.name: p for p in facts.parameters}
        )
        self.kinks = facts.kinks
        self._derivative = Derivative(facts)
        self._vjp = VJP(self)

    @property
    def derivative(self) -> Derivative:
        """f′, called like f; `at_kink="left"`, `"right"` or a number chooses the slope at kinks."""
        return self._derivative

    @property
    def vjp(self) -> VJP:
        """Gives the value and the pullback of gradients."""
        return self._vjp

    @property
    def __signature__(self) -> Signature:
        return calls.signature(self._facts, _UFUNC_DEFAULTS)

    def plot(self, ax: Axes | None = None, **parameters: Any) -> Axes:
        """Draw the function and its derivative.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default pyplot's current axes.
        **parameters : float
            The activation's parameters.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from halfwave import plot

        return plot.plot([self], ax=ax, **parameters)

    def __repr__(self) -> str:
        arguments = ["x", *(f"{p.name}={p.default}" for p in self.parameters.values())]
        return f"<halfwave.{self.name}({', '.join(arguments)}): {self.formula_text}>"

    def _repr_html_(self) -> str:
        from html import escape

        rows = [
            ("f(x)", f"${escape(self.formula)}$"),
            ("f′(x)", f"${escape(self.derivative_formula)}$"),
            *((p.symbol, f"{p.name} = {p.default}: {p.meaning}") for p in self.parameters.values()),
            *(("kink", f"at x = {k.at} the slope is {k.slope}") for k in self.kinks),
        ]
        cells = "".join(f"<tr><th>{head}</th><td>{body}</td></tr>" for head, body in rows)
        return f"<p><b>{self.title}</b>. {self.summary}</p><table>{cells}</table>"


def _near(x: int) -> int:
    """The integer nearest to x that int64 holds with room to spare: x itself unless it is huge."""
    return max(-(2**62), min(int(x), 2**62))


def _held(number: Any, like: Any) -> Any:
    """The number as an integer where `like`, a dtype or an int, is one of integers."""
    integers = isinstance(like, int) or getattr(like, "kind", "") in ("i", "u")
    if not integers or not isinstance(number, float):
        return number
    limits = np.iinfo(like) if isinstance(like, np.dtype) else None
    if number.is_integer() and (limits is None or limits.min <= number <= limits.max):
        return int(number)
    raise TypeError(
        f"at_kink is {number}, and the derivative of integers is of type "
        f"{like if isinstance(like, np.dtype) else 'int'}, which does not hold it; pass x as floats"
    )


_UFUNC_DEFAULTS = {"out": None, "where": True, "casting": "same_kind", "order": "K"}

_DERIVATIVE_DOC = """\
Derivative of {facts.title}: {facts.derivative_text}.

Parameters
----------
x, parameters, out, where, casting, order
    As of `{facts.name}` itself.
at_kink : "left", "right" or float, optional
    Another slope at the kinks: that of the left side, that of the right, or a number.

Returns
-------
array or scalar
    f′(x), of the dtype that `{facts.name}` gives; NaN where x is NaN.
"""
