"""erfc for the arrays of any library, which the array API standard does not have.

This module needs the standard library alone: it is imported by facts, and finds a framework where
the user has imported it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "torch": "torch.special",
    "jax": "jax.scipy.special",
    "cupy": "cupyx.scipy.special",
}
"""Where a library has its erfc, by the name of its namespace."""

_FARTHEST = 28.0
"""From here on erfc is 0 in every format."""

_FINENESS = 16.0
"""A number in sixteenths has so few digits that its square is exact."""

_ERFCX = (
    0.14104739588066526,
    0.14104739628762303,
    0.1366396529063481,
    0.12782441876667572,
    0.11501150999707135,
    0.09906139716963208,
    0.08088792538854747,
    0.06346784492995611,
    0.04055798232845719,
    0.04358883773982216,
    -0.022844298432525625,
    0.0916909460625534,
    -0.135399133593833,
    0.15575352036197362,
    -0.09151501320512184,
    -0.07465459658420354,
    0.2558861926105659,
    -0.3434081689793547,
    0.2899199544983772,
    -0.16098125329387572,
    0.05714942591835033,
    -0.01182188150581082,
    0.0010899447481063293,
)
"""erfcx(y) / t by powers of t = 4 / (4 + y) (tools/polynomials/special.py)."""


def erfc(xp: Any, x: Any) -> Any:
    """1 - erf(x) with its digits kept, in the dtype of x, an array of a floating dtype.

    It is the library's own where that is known, and elsewhere a formula in the functions of the
    standard, whose relative error is at most 10 units of rounding.
    """
    for library, module in _MODULES.items():
        if library in xp.__name__.split("."):
            return import_module(module).erfc(x)
    return _erfc(xp, x)


def _erfc(xp: Any, x: Any) -> Any:
    size = xp.abs(x)
    y = xp.where(size > _FARTHEST, xp.full_like(x, _FARTHEST), size)
    t = 4 / (4 + y)
    scaled = xp.zeros_like(x)
    for coefficient in reversed(_ERFCX):
        scaled = scaled * t + coefficient
    coarse = xp.floor(y * _FINENESS) / _FINENESS  # y² = coarse² + (y - coarse) (y + coarse)
    tail = t * scaled * xp.exp(-coarse * coarse) * xp.exp((coarse - y) * (y + coarse))
    return xp.where(x < 0, 2 - tail, tail)
