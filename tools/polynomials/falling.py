"""The polynomials of src/halfwave/_core/falling-inl.h: e^r = 1 + r + r² P(r).

r is what a multiple of ln 2 leaves, at most half of ln 2 and a little for the rounding of the
multiple. The error is relative to e^r: two terms fewer than exponential.py has are enough.
"""

from __future__ import annotations

from minimax import DOUBLE, FLOAT, Format, array, rounded
from mpmath import mp, mpf

RADIUS = mp.log(2) / 2 * mpf("1.001")


def rest(r: mpf) -> mpf:
    return (mp.expm1(r) - r) / r**2


def weight(r: mpf, _: mpf) -> mpf:
    return r**2 * mp.exp(-r)


def lines(form: Format, count: int) -> str:
    fit = rounded(rest, range(count), -RADIUS, RADIUS, weight, form)
    size = f"{mp.nstr(fit.error, 2)}, 2^{mp.nstr(mp.log(fit.error, 2), 3)}"
    return f"  // Relative error of e^r: {size}.\n" + array("kRest", fit.coefficients, form, 2)


def main() -> None:
    print(lines(FLOAT, 5))
    print(lines(DOUBLE, 10))


if __name__ == "__main__":
    main()
