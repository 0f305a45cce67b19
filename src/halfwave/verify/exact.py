"""The exact value and derivative of a smooth activation.

Those of a float64 are the definition in mpmath. Those of the shorter dtypes are what the engine
computes in float64, which mpmath has judged: no slower than the results that they judge.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from halfwave import _core
from halfwave.activation import Activation
from halfwave.verify.errors import Array, Exact, Parameters

DIGITS = 60
"""Decimal digits at which the definitions are computed: no term that cancels takes so many."""


def exact(f: Activation, x: Array, parameters: Parameters) -> tuple[Exact, Exact]:
    """f(x) and f′(x), for parameters in the dtype of x."""
    numbers = [np.asarray(p, x.dtype) for p in parameters]
    if x.dtype != np.float64:
        return _in_float64(f, x, numbers)
    definitions = f._facts.exact_value, f._facts.exact_derivative
    value, slope = (_by_mpmath(d, x, tuple(map(float, numbers))) for d in definitions if d)
    return value, slope


def has_mpmath() -> bool:
    """Whether the judge of float64 is installed."""
    try:
        _mpmath()
    except ImportError:
        return False
    return True


def _in_float64(f: Activation, x: Array, numbers: list[Array]) -> tuple[Exact, Exact]:
    before = _core.target()
    _core.use_target(_core.targets()[0])
    try:
        wide = [a.astype(np.float64) for a in (x, *numbers)]
        return Exact(np.asarray(f(*wide))), Exact(np.asarray(f.derivative(*wide)))
    finally:
        _core.use_target(before)


def _by_mpmath(definition: Callable[..., Any], x: Array, parameters: Parameters) -> Exact:
    mp = _mpmath()
    numbers = [mp.mpf(p) for p in parameters]
    results = [definition(mp, mp.mpf(float(number)), *numbers) for number in x]
    high = np.array([float(r) for r in results])
    low = np.array([float(r - mp.mpf(h)) for r, h in zip(results, high.tolist(), strict=True)])
    return Exact(high, low)


@cache
def _mpmath() -> Any:
    """mpmath's functions at that precision."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = DIGITS
    return context
