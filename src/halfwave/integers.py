"""When integers stay integers: an activation with bounds keeps them where its bounds are whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from halfwave.arrays import is_number, is_plain
from halfwave.facts import Facts


def settled(facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, list[Any]]:
    """x and the parameters as the ufunc computes them.

    Where x is of integers and every bound is whole or infinite, the bounds come in x's dtype, one
    beyond its range as the end of it. Where one is not, x comes in the float dtype that NumPy's own
    float functions make of it.
    """
    if isinstance(x, int) and is_bounded(facts):
        x = np.asarray(x)
    dtype = _integers(facts, x)
    if dtype is None:
        return x, parameters
    if all_whole(parameters):
        return x, [_within(p, dtype) for p in parameters]
    return x.astype(np.result_type(dtype, np.float16)), parameters


def widened(facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, np.dtype[Any]] | None:
    """x in a dtype that holds whole bounds which its own does not, and its own; None where all fit.

    There an x at the end of its range is not at the bound, and its slope is another.
    """
    dtype = _integers(facts, x) if is_plain(x) else None
    if dtype is None or not all_whole(parameters) or all(_fits(p, dtype) for p in parameters):
        return None
    return x.astype(np.float64 if dtype.itemsize < 8 else np.longdouble), dtype


def all_whole(parameters: list[Any]) -> bool:
    """Whether each is a whole number or infinite, or an array of nothing else."""
    return all(map(_is_whole, parameters))


def is_bounded(facts: Facts) -> bool:
    """Whether the parameters decide about integers."""
    return any(p.bound for p in facts.parameters)


def nearest_within(bound: float, least: int, most: int) -> int:
    """A whole or infinite bound, or the end of the range beyond which it lies."""
    return int(max(least, min(bound, most)))


def _integers(facts: Facts, x: Any) -> np.dtype[Any] | None:
    """The dtype of x, native, where that is one of integers and the parameters decide about it."""
    dtype = getattr(x, "dtype", None)
    if is_bounded(facts) and isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return dtype.newbyteorder("=")
    return None


def _is_whole(bound: Any) -> bool:
    if is_number(bound):
        return math.isinf(bound) or bound % 1 == 0
    if getattr(bound, "dtype", np.dtype(object)).kind in "iu":
        return True
    return is_plain(bound) and bool(np.all(np.isinf(bound) | (np.trunc(bound) == bound)))


def _within(bound: Any, dtype: np.dtype[Any]) -> Any:
    limits = np.iinfo(dtype)
    if is_number(bound):
        return dtype.type(nearest_within(bound, limits.min, limits.max))
    if not is_plain(bound):
        return bound
    # As Python's numbers, which compare exactly where an int64 and a float64 do not.
    exact = bound.astype(object)
    return np.asarray(np.clip(exact, limits.min, limits.max)).astype(dtype)


def _fits(bound: Any, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    if is_number(bound):
        return bool(limits.min <= bound <= limits.max)
    return not is_plain(bound) or bool(np.all((bound >= limits.min) & (bound <= limits.max)))
