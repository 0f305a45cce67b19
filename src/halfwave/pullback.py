"""Pullbacks: what `vjp` keeps of a call, and how a gradient passes back through it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave import _core
from halfwave.arrays import (
    as_operand,
    class_name,
    is_foreign,
    is_plain,
    is_python_number,
    memory_order,
)
from halfwave.facts import Facts

if TYPE_CHECKING:
    from numpy.typing import NDArray


_BLOCK = 16_384
"""Elements whose sum is begun at a time: they stay in the cache."""


class Pullback:
    """Turns a gradient of an activation's value into a gradient of its argument.

    Calling it gives g * f′(x), of x's shape; `nbytes` says how much memory it keeps.
    """

    def __init__(self, facts: Facts, parameters: list[Any]) -> None:
        self._facts = facts
        self._parameters = parameters

    @property
    def nbytes(self) -> int:
        """Bytes kept until the pullback is forgotten."""
        raise NotImplementedError

    def __call__(self, g: Any, /) -> Any:
        """g * f′(x), where g broadcasts to x's shape."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<pullback of halfwave.{self._facts.name}, keeping {self.nbytes} bytes>"


class GatePullback(Pullback):
    """Keeps one bit per element: on which of its two slopes a piecewise-linear function was."""

    def __init__(
        self,
        facts: Facts,
        parameters: list[NDArray[Any]],
        layout: Layout,
        dtype: np.dtype[Any],
        bits: NDArray[np.uint8],
    ) -> None:
        super().__init__(facts, parameters)
        self._layout = layout
        self._dtype = dtype
        self._bits = bits
        self._shared = None if any(p.ndim for p in parameters) else tuple(parameters)

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes + sum(int(p.nbytes) for p in self._parameters)

    def __call__(self, g: Any, /) -> Any:
        layout, facts = self._layout, self._facts
        if self._shared is not None and g.__class__ is np.ndarray and layout.fits(g, self._dtype):
            # What most calls are; what follows would take three times as long for them.
            return _core.apply(facts.name, self._bits, g, self._shared)
        ordered = layout.in_memory_order(layout.broadcast("g", _gradient(g, self._dtype)))
        parameters = layout.of_parameters(facts, self._parameters)
        return layout.as_given(_core.apply(facts.name, self._bits, ordered, parameters))


class ArgumentPullback(Pullback):
    """Keeps a reference to x, which tells the slope; the caller must not change it meanwhile."""

    def __init__(
        self, facts: Facts, parameters: list[NDArray[Any]], x: NDArray[Any], is_number: bool
    ) -> None:
        super().__init__(facts, parameters)
        self._x = x
        self._is_number = is_number
        self._ufunc = getattr(_core, f"{facts.name}_pullback")

    @property
    def nbytes(self) -> int:
        return sum(int(a.nbytes) for a in (self._x, *self._parameters))

    def __call__(self, g: Any, /) -> Any:
        x = self._x
        if not (g.__class__ is np.ndarray and g.dtype is x.dtype and g.shape == x.shape):
            g = broadcast("g", _gradient(g, x.dtype), x.shape)
        result = self._ufunc(x, g, *self._parameters)
        return result.item() if self._is_number else result


class NarrowedPullback(Pullback):
    """That of integers in a wider dtype, which their activation's bounds needed."""

    def __init__(self, wide: Pullback, dtype: np.dtype[Any]) -> None:
        super().__init__(wide._facts, wide._parameters)
        self._wide = wide
        self._dtype = dtype

    @property
    def nbytes(self) -> int:
        return self._wide.nbytes

    def __call__(self, g: Any, /) -> Any:
        return self._wide(_gradient(g, self._dtype)).astype(self._dtype)


class LearnedPullback(Pullback):
    """Gives the gradients of the parameters beside that of x, to which it keeps a reference."""

    def __init__(
        self, facts: Facts, parameters: list[NDArray[Any]], x: NDArray[Any], pullback: Pullback
    ) -> None:
        super().__init__(facts, parameters)
        self._x = x
        self._pullback = pullback

    @property
    def nbytes(self) -> int:
        return self._pullback.nbytes + int(self._x.nbytes)

    def __call__(self, g: Any, /) -> tuple[Any, ...]:
        """g * f′(x), and for each parameter the sum of g times the slope of f in it."""
        dx = self._pullback(g)
        g = np.atleast_1d(broadcast("g", _gradient(g, self._x.dtype), self._x.shape))
        sums = self._sums(np.atleast_1d(self._x), g)
        with np.errstate(all="ignore"):
            narrow = [
                total.astype(self._x.dtype).reshape(p.shape)[()]
                for total, p in zip(sums, self._parameters, strict=True)
            ]
        return (dx, *(d.item() for d in narrow)) if type(dx) is float else (dx, *narrow)

    def _sums(self, x: NDArray[Any], g: NDArray[Any]) -> list[NDArray[Any]]:
        """The gradients of the parameters in double precision, from one block of x after another."""
        wide = np.result_type(x.dtype, np.float64)
        parameters = [p.reshape((1,) * (x.ndim - p.ndim) + p.shape) for p in self._parameters]
        sums = [np.zeros(p.shape, wide) for p in parameters]
        axis = int(np.argmax(x.shape))
        step = max(1, _BLOCK * x.shape[axis] // max(1, x.size))
        for start in range(0, x.shape[axis], step):
            block = (slice(None),) * axis + (slice(start, start + step),)
            of_block = [p[block] if p.shape[axis] > 1 else p for p in parameters]
            with np.errstate(all="ignore"):
                slopes = self._facts.parameter_slopes(np, x[block], *of_block)
            for slope, p, total in zip(slopes, parameters, sums, strict=True):
                part = total[block] if p.shape[axis] > 1 else total
                part += _summed(g[block], slope, part.shape)
        return sums


def _summed(g: NDArray[Any], slope: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """g * slope, summed in double precision over the axes that have one element in `shape`.

    Where the slope is 0 nothing passes, even of an infinite g, which few sums have to ask about.
    """
    wide = np.result_type(slope.dtype, np.float64)
    axes = tuple(k for k, n in enumerate(shape) if n == 1)
    with np.errstate(all="ignore"):
        product = np.multiply(g, slope, dtype=wide)
        total = product.sum(axis=axes, keepdims=True)
        if not np.isfinite(total).all():
            total = np.where(slope == 0, 0, product).sum(axis=axes, keepdims=True)
    return np.asarray(total)


class UfuncPullback(Pullback):
    """Keeps references to what takes part in `__array_ufunc__`: lazy, and in its type."""

    def __init__(self, facts: Facts, parameters: list[Any], x: Any) -> None:
        super().__init__(facts, parameters)
        self._x = x

    @property
    def nbytes(self) -> int:
        kept = [a for a in (self._x, *self._parameters) if not is_python_number(a)]
        return sum(int(getattr(a, "nbytes", sys.getsizeof(a))) for a in kept)

    def __call__(self, g: Any, /) -> Any:
        ufunc = getattr(_core, f"{self._facts.name}_pullback")
        return ufunc(self._x, as_operand(g, "g"), *self._parameters)


def argument_vjp(facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, ArgumentPullback]:
    """The value of a smooth activation, and the pullback that keeps its argument."""
    array = np.asarray(x)
    dtype = computed_in(facts, array.dtype)
    array = array.astype(dtype, copy=False)
    kept = _kept(facts, parameters, dtype)
    for p, value in zip(facts.parameters, kept, strict=True):
        broadcast(p.name, value, array.shape)
    value = getattr(_core, facts.name)(array, *kept)
    is_number = is_python_number(x)
    pullback = ArgumentPullback(facts, kept, array, is_number)
    return value.item() if is_number else value, pullback


def learned(facts: Facts, x: Any, parameters: list[Any], pullback: Pullback) -> LearnedPullback:
    """The pullback of an activation whose parameters are learned, which keeps x, too.

    Raises
    ------
    TypeError
        If x or a parameter takes part in `__array_ufunc__`, as dask's and xarray's arrays do.
    """
    for a in (x, *parameters):
        if not (is_plain(a) or is_python_number(a)):
            raise TypeError(
                f"{facts.name}.vjp() sums the gradients of its parameters, which it cannot of a "
                f"{class_name(a)}; pass a NumPy array, such as numpy.asarray(x)"
            )
    dtype = computed_in(facts, np.asarray(x).dtype)
    array = np.asarray(x).astype(dtype, copy=False)
    return LearnedPullback(facts, _kept(facts, parameters, dtype), array, pullback)


def gate_vjp(facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, GatePullback]:
    """The value of a piecewise-linear activation, and the pullback that keeps its gate's bits."""
    array = np.asarray(x)
    dtype = computed_in(facts, array.dtype)
    layout = Layout(array, is_python_number(x))
    kept = _kept(facts, parameters, dtype)
    ordered = layout.in_memory_order(array.astype(dtype, copy=False))
    value, bits = _core.record(facts.name, ordered, layout.of_parameters(facts, kept))
    return layout.as_given(value), GatePullback(facts, kept, layout, dtype, bits)


class Layout:
    """x's shape, and the order in which its axes lie in memory.

    The engine reads and writes contiguous data. With its axes from the longest stride to the
    shortest, a transposed array is contiguous as it lies, and need not be copied.
    """

    def __init__(self, x: NDArray[Any], is_number: bool) -> None:
        self.shape = x.shape
        self._is_number = is_number
        self._axes = memory_order(x)
        self._back = sorted(range(x.ndim), key=self._axes.__getitem__)
        self._in_order = x.ndim > 0 and self._axes == tuple(range(x.ndim))

    def fits(self, array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
        """Whether the engine can read the array beside x as both lie."""
        if array.dtype is not dtype or array.shape != self.shape or not self._in_order:
            return False
        flags = array.flags
        return flags.c_contiguous and flags.aligned

    def in_memory_order(self, array: NDArray[Any]) -> NDArray[Any]:
        ordered = array.transpose(self._axes)
        if ordered.flags.c_contiguous and ordered.flags.aligned:
            return ordered
        return ordered.copy(order="C")

    def as_given(self, ordered: NDArray[Any]) -> Any:
        """A result back in x's own axes; a scalar for a scalar."""
        if self._is_number:
            return ordered.item()
        return ordered.transpose(self._back) if ordered.ndim else ordered[()]

    def of_parameters(
        self, facts: Facts, parameters: list[NDArray[Any]]
    ) -> tuple[NDArray[Any], ...]:
        """The parameters as the engine reads them: one number, or x's shape in memory order."""
        named = zip(facts.parameters, parameters, strict=True)
        return tuple(
            self.broadcast(p.name, a).transpose(self._axes) if a.ndim else a for p, a in named
        )

    def broadcast(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        return broadcast(name, array, self.shape)


def broadcast(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A parameter or a gradient in x's shape, or an error that says what to do."""
    if array.shape == shape:
        return array
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {array.shape}, which does not broadcast to x's shape {shape}; give "
            f"it that shape, or broadcast x first"
        ) from None


def computed_in(facts: Facts, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the activation's value where x is of this dtype."""
    if dtype.kind == "f" and dtype.isbuiltin == 1:  # native, and none of ml_dtypes' own
        return dtype
    zeros = (0 for _ in facts.parameters)  # which become any dtype
    computed: np.dtype[Any] = getattr(_core, facts.name)(np.empty(0, dtype), *zeros).dtype
    return computed


def _kept(facts: Facts, parameters: list[Any], dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    """Copies of the parameters: a pullback must not change when the caller's arrays do."""
    named = zip(facts.parameters, parameters, strict=True)
    return [_as_array(value, dtype, p.name).copy() for p, value in named]


def _gradient(g: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A gradient for an x that was NumPy's own, in the dtype of the result."""
    operand = g if is_foreign(type(g)) else as_operand(g, "g")
    if not (is_plain(operand) or is_python_number(operand)):
        raise TypeError(
            f"g is a {class_name(g)} and x was a NumPy array; take the vjp of an x of g's "
            f"library, or pass numpy.asarray(g)"
        )
    return _as_array(operand, dtype, "g")


def _as_array(value: Any, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """A parameter or a gradient in the dtype of the result."""
    if isinstance(value, int):
        return _int_as_array(value, dtype, name)
    array = np.asarray(value)
    if array.dtype == dtype:
        return array
    # ml_dtypes' types do not say of what kind they are.
    fits = array.dtype.kind in "biuf" and dtype.kind not in "biu"
    if not (fits or np.can_cast(array.dtype, dtype, "same_kind")):
        raise TypeError(
            f"{name} has dtype {array.dtype}, which does not become {dtype}, the dtype of the "
            f"result; convert it with {name}.astype({str(dtype)!r}), or x to a float dtype"
        )
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def _int_as_array(value: int, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """A Python int, which takes any dtype that holds it."""
    try:
        with np.errstate(all="ignore"):
            return np.array(value if dtype.kind in "iu" else float(value), dtype)
    except OverflowError:
        bits = value.bit_length()
        said = str(value) if bits < 128 else f"an int of {bits} bits"
        raise OverflowError(
            f"{name} is {said}, which {dtype}, the dtype of the result, does not hold; pass a "
            f"number that it holds, or x as floats"
        ) from None
