"""How far a result is from the exact one, in units in the last place, and how far it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfwave.activation import Activation
from halfwave.facts import Measured, evaluate

Array = NDArray[Any]
Parameters = tuple[float, ...]

FORMATS = {"float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149)}
"""Significant bits, and the exponent of the smallest subnormal."""

LIMITS = {
    "float16": (0.51, 0.51),
    "bfloat16": (0.51, 0.51),
    "float32": (1.0, 2.0),
    "float64": (2.0, 4.0),
}
"""What docs/contract.md allows a smooth activation, in units in the last place: value, derivative."""

NEAR_ZERO = {"float16": 2.0**-13, "bfloat16": 2.0**-10, "float32": 2.0**-26, "float64": 2.0**-54}
"""What it allows a derivative near its own zero, where no relative error can be promised."""

NEAR = 0.25
"""How far from a turning point is near, as a part of its distance from 0."""


@dataclass(frozen=True)
class Exact:
    """Exact results as unevaluated sums of two float64, of which the second may be 0."""

    high: Array
    low: Array | float = 0.0


def limits(f: Activation, dtype: str, parameters: Parameters) -> tuple[float, float]:
    """What the value and the derivative may be off: what the facts state, or the contract."""
    stated = measured(f, dtype)
    if stated and parameters == tuple(p.default for p in f.parameters.values()):
        return stated.value, stated.derivative
    return LIMITS[dtype]


def measured(f: Activation, dtype: str) -> Measured | None:
    """The errors that the facts state for a dtype."""
    return next((m for m in f._facts.measured if m.dtype == dtype), None)


def places(exact: Exact, dtype: str) -> Array:
    """The unit in the last place of each exact result, in the format of the dtype."""
    if dtype == "float64":
        return np.spacing(np.abs(exact.high))
    digits, least = FORMATS[dtype]
    exponents = (exact.high.view(np.int64) >> 52) & 0x7FF
    # The bits of 2^max(exponent + 1 - digits, least): a power of two is its exponent's field alone.
    fields = np.maximum(exponents, 1022 + digits + least) + (1 - digits)
    unit: Array = (fields << 52).view(np.float64)
    return unit


def places_of_slopes(
    f: Activation, x: Array, parameters: Parameters, exact: Exact, dtype: str
) -> Array:
    """The same of a derivative: near its zero, what the contract allows counts as the limit."""
    units = places(exact, dtype)
    least = NEAR_ZERO[dtype] / LIMITS[dtype][1]
    values = dict(zip(f.parameters, parameters, strict=True))
    for turning in f._facts.turning:
        at = evaluate(turning, values)
        near = np.abs(x.astype(np.float64) - at) < NEAR * abs(at)
        units = np.where(near, np.maximum(units, least), units)
    return units


def errors(got: Array, exact: Exact, units: Array, dtype: str) -> Array:
    """How many units each result is off; infinity where one is NaN or infinite and the other not."""
    wide = got.astype(np.float64)
    off: Array = np.abs((wide - exact.high) - exact.low) / units
    if not np.isfinite(off.max(initial=0.0)):
        off[np.isnan(off)] = np.inf
        off[_agree(got, exact.high, dtype)] = 0.0
    return off


def _agree(got: Array, exact: Array, dtype: str) -> NDArray[np.bool_]:
    """Where both are NaN, or round to the same infinity."""
    if dtype in FORMATS:
        digits, _ = FORMATS[dtype]
        largest = 15 if dtype == "float16" else 127
        overflow = np.abs(exact) >= np.ldexp(2.0 - 2.0**-digits, largest)
        exact = np.where(overflow, np.copysign(np.inf, exact), exact)
    same: NDArray[np.bool_] = (got.astype(np.float64) == exact) | (np.isnan(got) & np.isnan(exact))
    return same
