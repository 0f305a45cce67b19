"""Arrays of any library that keeps to the array API standard, computed in its functions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave.arrays import as_operand, is_number, is_python_number
from halfwave.calls import at_and_slope, broadcast_shapes
from halfwave.facts import Facts, passing_slope
from halfwave.integers import all_whole, is_bounded, nearest_within
from halfwave.pullback import Pullback, computed_in

if TYPE_CHECKING:
    from collections.abc import Callable


class Library:
    """Computes an activation's portable expressions on the arrays of one library.

    Adapters override what their library does in its own way. `x` and the parameters of `value`,
    `derivative` and `vjp` are as the user gave them: at least one is an array of the library, the
    others may be NumPy arrays, numbers and lists.
    """

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self.name: str = xp.__name__.partition(".")[0]

    def value(self, facts: Facts, x: Any, parameters: list[Any]) -> Any:
        """f(x)."""
        x, *parameters = self.operands(facts, x, parameters)
        return self._computed(facts.name, self._value, facts, x, parameters)

    def derivative(self, facts: Facts, x: Any, parameters: list[Any], at_kink: Any = None) -> Any:
        """f′(x), with the slope that `at_kink` chooses at the kinks."""
        x, *parameters = self.operands(facts, x, parameters)
        slopes = self._computed(f"{facts.name}.derivative", self._derivative, facts, x, parameters)
        if at_kink is None:
            return slopes
        values = dict(zip((p.name for p in facts.parameters), parameters, strict=True))
        for kink in facts.kinks:
            chosen = at_and_slope(kink, at_kink, values)
            at, slope = (self.join("at_kink", v, x) for v in chosen)
            slopes = self.xp.where(x == at, slope, slopes)
        return slopes

    def vjp(self, facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, Pullback]:
        """f(x), and the pullback, which keeps references to x and the parameters."""
        x, *parameters = self.operands(facts, x, parameters)
        value = self._computed(f"{facts.name}.vjp", self._value, facts, x, parameters)
        if value.shape != x.shape:
            raise ValueError(
                f"the parameters of {facts.name} make its value of shape {tuple(value.shape)}, and "
                f"x has shape {tuple(x.shape)}; broadcast x first"
            )
        return value, LibraryPullback(self, facts, parameters, x)

    def pullback(self, facts: Facts, x: Any, parameters: list[Any], g: Any) -> Any:
        """g * f′(x) by selection: nothing where f′(x) is 0; where x is NaN, g passes."""
        slopes = self._derivative(facts, x, *parameters)
        g = self.gradient(g, slopes)
        ordered = x == x  # noqa: PLR0124  # NaN is not equal to itself; no isnan for integers
        passing = passing_slope(facts, parameters) * self.xp.ones_like(slopes)
        slopes = self.xp.where(ordered, slopes, passing)
        with np.errstate(all="ignore"):
            return self.xp.where(slopes == 0, self.xp.zeros_like(g), g * slopes)

    def learned(
        self, facts: Facts, x: Any, parameters: list[Any], pullback: Pullback
    ) -> LearnedLibraryPullback:
        """The pullback of an activation whose parameters are learned."""
        return LearnedLibraryPullback(self, facts, self.operands(facts, x, parameters), pullback)

    def parameter_gradients(
        self, facts: Facts, x: Any, parameters: list[Any], g: Any
    ) -> tuple[Any, ...]:
        """For each parameter the sum, in its own shape, of g times the slope of f in it."""
        with np.errstate(all="ignore"):
            slopes = facts.parameter_slopes(self.xp, x, *parameters)
        g = self.gradient(g, x)
        pairs = zip(slopes, parameters, strict=True)
        return tuple(self._summed(g, slope, tuple(p.shape)) for slope, p in pairs)

    def _summed(self, g: Any, slope: Any, shape: tuple[int, ...]) -> Any:
        padded = (1,) * (slope.ndim - len(shape)) + shape
        axes = tuple(k for k, n in enumerate(padded) if n == 1)
        with np.errstate(all="ignore"):
            product = self.xp.where(slope == 0, self.xp.zeros_like(slope), g * slope)
        total = self.xp.sum(product, axis=axes) if axes else product
        return self.xp.reshape(total, shape)

    def gradient(self, g: Any, like: Any) -> Any:
        """g as an array of the dtype and shape of `like`, where that lies."""
        g = self.join("g", g, like)
        try:
            return self.xp.broadcast_to(g, like.shape)
        except (ValueError, RuntimeError):
            raise ValueError(
                f"g has shape {tuple(g.shape)}, which does not broadcast to x's shape "
                f"{tuple(like.shape)}; give it that shape, or broadcast x first"
            ) from None

    def operands(self, facts: Facts, x: Any, parameters: list[Any]) -> list[Any]:
        """x in the dtype that is computed, and the parameters in that dtype, where x lies."""
        like = next(a for a in (x, *parameters) if self.owns(a))
        x = self._argument(facts, x, like)
        if is_bounded(facts) and self.is_kind(x, "integral"):
            x, parameters = self._settled(x, parameters)
        named = zip(facts.parameters, parameters, strict=True)
        return [x, *(self.join(p.name, value, x) for p, value in named)]

    def join(self, name: str, value: Any, like: Any) -> Any:
        """A parameter or a gradient as an array of the dtype of `like`, where that lies."""
        floats = self.is_kind(like, "real floating")
        if is_number(value):
            if not floats and value % 1 != 0:
                raise TypeError(_unfit(f"{name} is {value}", like))
            return self.as_array(float(value) if floats else int(value), like.dtype, like)
        array = self._own(name, value, like)
        fits = ("bool", "integral", "real floating") if floats else ("bool", "integral")
        if not self.is_kind(array, *fits):
            raise TypeError(_unfit(f"{name} has dtype {array.dtype}", like))
        return self.astype(array, like.dtype)

    def _settled(self, x: Any, parameters: list[Any]) -> tuple[Any, list[Any]]:
        """Integers and their bounds: whole ones in the range of x, or x as floats.

        Arrays of floats are not asked whether they are whole: a compiler could not tell.
        """
        numbers = [p for p in parameters if is_number(p)]
        arrays = [self._own("a bound", p, x) for p in parameters if not is_number(p)]
        if not all_whole(numbers) or not all(self.is_kind(a, "integral") for a in arrays):
            return self.astype(x, self.xp.asarray(0.0).dtype), parameters
        limits = self.xp.iinfo(x.dtype)
        least, most = int(limits.min), int(limits.max)
        return x, [nearest_within(p, least, most) if is_number(p) else p for p in parameters]

    def _argument(self, facts: Facts, x: Any, like: Any) -> Any:
        """x as an array of the dtype in which the activation is computed."""
        if is_python_number(x):  # it has no dtype, and so takes that of the parameter
            floats = self.is_kind(like, "real floating")
            return self.as_array(float(x), like.dtype if floats else None, like)
        x = self._own("x", x, like)
        kept = keeps_integers(facts)
        if self.is_kind(x, "real floating") or (kept and self.is_kind(x, "integral")):
            return x
        if self.is_kind(x, "integral") or (not kept and self.is_kind(x, "bool")):
            return self.astype(x, self.xp.asarray(0.0).dtype)
        what = "a truth value has no sign; convert x to integers or floats"
        if self.is_kind(x, "complex floating"):
            what = "complex numbers have no order; pass the real part, the imaginary part or abs(x)"
        raise TypeError(f"{facts.name} does not take {x.dtype}: {what}")

    def _own(self, name: str, value: Any, like: Any) -> Any:
        """An array or a list as an array of the library, in the dtype that it has."""
        if self.owns(value):
            return value
        array = np.asarray(as_operand(value, name))
        if array.dtype.kind in "OSTUMm":  # objects, text, dates
            raise TypeError(
                f"{name} is {value!r:.60}; pass a number, an array, or a list of numbers"
            )
        return self.as_array(array, None, like)

    def _computed(
        self, call: str, compute: Callable[..., Any], facts: Facts, x: Any, parameters: list[Any]
    ) -> Any:
        """What `compute` gives; shapes that do not broadcast are told in the words of the call."""
        try:
            return compute(facts, x, *parameters)
        except (TypeError, ValueError, RuntimeError):  # each library raises another one
            names = ["x", *(p.name for p in facts.parameters)]
            shapes = {n: tuple(a.shape) for n, a in zip(names, (x, *parameters), strict=True)}
            if all(type(n) is int for shape in shapes.values() for n in shape):  # none is symbolic
                broadcast_shapes(call, shapes)
            raise

    # By the functions of the standard

    def owns(self, a: Any) -> bool:
        """Whether `a` is an array of this library."""
        return hasattr(type(a), "__array_namespace__") and a.__array_namespace__() is self.xp

    def is_kind(self, a: Any, *kinds: str) -> bool:
        """Whether the dtype of `a` is of one of these kinds, in the standard's names."""
        return bool(self.xp.isdtype(a.dtype, kinds))

    def as_array(self, value: Any, dtype: Any, like: Any) -> Any:
        """A number or a NumPy array as an array of the library, where `like` lies."""
        return self.xp.asarray(value, dtype=dtype, device=like.device)

    def astype(self, a: Any, dtype: Any) -> Any:
        return self.xp.astype(a, dtype, copy=False)

    def nbytes(self, a: Any) -> int:
        """The bytes that an array takes, of which the standard knows only the bits of a number."""
        limits = self.xp.finfo if self.is_kind(a, "real floating") else self.xp.iinfo
        return int(a.size * limits(a.dtype).bits) // 8

    def _value(self, facts: Facts, x: Any, *parameters: Any) -> Any:
        with np.errstate(all="ignore"):  # where NumPy is beneath
            return facts.value(self.xp, x, *parameters)

    def _derivative(self, facts: Facts, x: Any, *parameters: Any) -> Any:
        with np.errstate(all="ignore"):
            return facts.derivative(self.xp, x, *parameters)


class LibraryPullback(Pullback):
    """Keeps references to x and the parameters, and computes where they lie."""

    def __init__(self, library: Library, facts: Facts, parameters: list[Any], x: Any) -> None:
        super().__init__(facts, parameters)
        self._library = library
        self._x = x

    @property
    def nbytes(self) -> int:
        return sum(map(self._library.nbytes, (self._x, *self._parameters)))

    def __call__(self, g: Any, /) -> Any:
        return self._library.pullback(self._facts, self._x, self._parameters, g)


class LearnedLibraryPullback(Pullback):
    """Gives the gradients of the parameters beside that of x, where they lie."""

    def __init__(
        self, library: Library, facts: Facts, operands: list[Any], pullback: Pullback
    ) -> None:
        x, *parameters = operands
        super().__init__(facts, parameters)
        self._library = library
        self._x = x
        self._pullback = pullback

    @property
    def nbytes(self) -> int:
        return self._pullback.nbytes + self._library.nbytes(self._x)

    def __call__(self, g: Any, /) -> tuple[Any, ...]:
        gradients = self._library.parameter_gradients(self._facts, self._x, self._parameters, g)
        return (self._pullback(g), *gradients)


@cache
def keeps_integers(facts: Facts) -> bool:
    """Whether the activation maps integers to integers of the same dtype."""
    return computed_in(facts, np.dtype(np.int8)).kind == "i"


def _unfit(what: str, like: Any) -> str:
    return (
        f"{what}, which does not become {like.dtype}, the dtype of the result; convert it, or x "
        f"to a float dtype"
    )
