"""What the results have to be, bit for bit: the activation's formula in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfwave.activation import Activation
from halfwave.verify.errors import FORMATS, Array, Parameters

WHAT = ("value", "derivative", "value of vjp", "pullback")
"""The results of an activation. The gradient pulled back is x itself."""

HALVES = ("float16", "bfloat16")


def reference(f: Activation, x: Array, parameters: Parameters) -> tuple[Array, ...]:
    """What the facts give for each of WHAT.

    Of halves it is computed in float64, which is exact, and rounded once.
    """
    exact = np.float64 if x.itemsize == 2 else x.dtype
    argument, *numbers = (np.asarray(a, x.dtype).astype(exact) for a in (x, *parameters))
    value = f._facts.value(np, argument, *numbers)
    slope = f._facts.derivative(np, argument, *numbers)
    gradient = _selected(argument, slope)
    value, slope, gradient = (rounded(a, x.dtype) for a in (value, slope, gradient))
    return value, slope, value, gradient


def pulled(f: Activation, x: Array, parameters: Parameters, slope: Array) -> Array:
    """x pulled back by the slope, the engine's derivative; of halves, by its derivative in float32."""
    if x.itemsize > 2:
        return _pulled(x, slope)
    argument, *numbers = (np.asarray(a, x.dtype).astype(np.float32) for a in (x, *parameters))
    gradient = _pulled(argument, f.derivative(argument, *numbers))
    return rounded(gradient.astype(np.float64), x.dtype)


def _pulled(x: Array, slope: Array) -> Array:
    return np.where(np.isnan(x), x, _selected(x, slope))


def _selected(g: Array, slope: Array) -> Array:
    """A slope of 0 lets nothing through, not even an infinite gradient."""
    return np.where(slope == 0, np.zeros_like(slope), g * slope)


def rounded(exact: Array, dtype: np.dtype[Any]) -> Array:
    """float64 to a half, to nearest, ties to even; other dtypes as they are.

    NumPy's cast to bfloat16 rounds twice. Here `rint` rounds, and every other step is exact.
    """
    if dtype.name not in HALVES:
        return exact
    digits, least = FORMATS[dtype.name]
    last_place = np.maximum(np.frexp(exact)[1] - digits, least)
    nearest: Array = np.ldexp(np.rint(np.ldexp(exact, -last_place)), last_place)
    return nearest.astype(dtype)


def differing(got: Array, expected: Array) -> NDArray[np.intp]:
    """Where a bit differs, except between two NaNs."""
    bits = f"u{got.itemsize}"
    wrong = got.view(bits) != expected.view(bits)
    if wrong.any():
        wrong &= ~(np.isnan(got) & np.isnan(expected))
    return np.flatnonzero(wrong)
