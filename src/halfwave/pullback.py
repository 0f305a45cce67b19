"""Pullbacks: what `vjp` keeps of a call, and how a gradient passes back through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from halfwave import _core
from halfwave.arrays import as_operand, memory_order

if TYPE_CHECKING:
    from halfwave.activation import Activation


class Pullback:
    """Turns a gradient of an activation's value into a gradient of its argument.

    Calling it gives g * f′(x), of x's shape; `nbytes` says how much memory it keeps.
    """

    def __init__(self, activation: Activation) -> None:
        self._activation = activation

    @property
    def nbytes(self) -> int:
        """Bytes kept until the pullback is forgotten."""
        raise NotImplementedError

    def __call__(self, g: Any, /) -> Any:
        """g * f′(x), where g broadcasts to x's shape."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<pullback of halfwave.{self._activation.name}, keeping {self.nbytes} bytes>"


class GatePullback(Pullback):
    """Keeps one bit per element: on which of its two slopes a piecewise-linear function was."""

    def __init__(self, activation: Activation, like: Any, array: np.ndarray[Any, Any]) -> None:
        super().__init__(activation)
        self._like = like if isinstance(like, (int, float)) else None
        self._shape = array.shape
        self._axes = memory_order(array)

    @classmethod
    def record(
        cls, activation: Activation, like: Any, x: np.ndarray[Any, Any], parameters: list[Any]
    ) -> tuple[Any, Self]:
        """The value at x, and its pullback. `like` is what the user passed for x."""
        self = cls(activation, like, x)
        empty = np.empty(0, x.dtype)
        self._dtype = activation.ufunc(empty, *(p.default for p in activation.parameters.values())).dtype
        self._parameters = [
            self._parameter(name, value)
            for name, value in zip(activation.parameters, parameters, strict=True)
        ]
        value, self._bits = _core.record(
            activation.name, self._in_memory_order(x.astype(self._dtype, copy=False)), self._laid_out()
        )
        return self._as_given(value), self

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes + sum(p.nbytes for p in self._parameters)

    def __call__(self, g: Any, /) -> Any:
        array = np.asarray(as_operand(g, "g"))
        if array.shape != self._shape:
            array = self._broadcast("g", array)
        array = _cast(array, self._dtype, "g")
        dx = _core.apply(
            self._activation.name, self._bits, self._in_memory_order(array), self._laid_out()
        )
        return self._as_given(dx)

    def _parameter(self, name: str, value: Any) -> np.ndarray[Any, Any]:
        if isinstance(value, (int, float)) and not isinstance(value, np.generic):
            return np.asarray(value, self._dtype)
        # A copy: the pullback must not change when the caller's array does.
        return _cast(np.asarray(value), self._dtype, name).copy()

    def _laid_out(self) -> tuple[np.ndarray[Any, Any], ...]:
        """The parameters broadcast to x's shape, with the axes in x's memory order."""
        named = zip(self._activation.parameters, self._parameters, strict=True)
        return tuple(
            np.atleast_1d(self._broadcast(name, p).transpose(self._axes)) for name, p in named
        )

    def _broadcast(self, name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        try:
            return np.broadcast_to(array, self._shape)
        except ValueError:
            raise ValueError(
                f"{name} has shape {array.shape}, which does not broadcast to x's shape "
                f"{self._shape}; give it that shape, or broadcast x first"
            ) from None

    def _in_memory_order(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.require(array.transpose(self._axes), requirements="CA")

    def _as_given(self, array: np.ndarray[Any, Any]) -> Any:
        """A result in the memory order of x back in x's own axes; a scalar for a scalar."""
        shape = [self._shape[axis] for axis in self._axes]
        result = array.reshape(shape).transpose(np.argsort(self._axes))
        return result[()] if self._like is None else result.item()


class ArgumentPullback(Pullback):
    """Keeps a reference to the argument, for arrays of other libraries: lazily, and in their type."""

    def __init__(self, activation: Activation, x: Any, parameters: list[Any]) -> None:
        super().__init__(activation)
        self._x = x
        self._parameters = parameters

    @property
    def nbytes(self) -> int:
        return int(np.sum(getattr(self._x, "nbytes", 0)))

    def __call__(self, g: Any, /) -> Any:
        ufunc = getattr(_core, f"{self._activation.name}_pullback")
        return ufunc(self._x, as_operand(g, "g"), *self._parameters)


def _cast(array: np.ndarray[Any, Any], dtype: np.dtype[Any], name: str) -> np.ndarray[Any, Any]:
    if array.dtype == dtype:
        return array
    # ml_dtypes' types do not say of what kind they are.
    same_kind = array.dtype.kind in "biuf" and dtype.kind not in "biu"
    if not (same_kind or np.can_cast(array.dtype, dtype, "same_kind")):
        raise TypeError(
            f"{name} has dtype {array.dtype}, which does not become {dtype}, the dtype of the "
            f"result; convert it with {name}.astype({str(dtype)!r}), or x to a float dtype"
        )
    return array.astype(dtype)
