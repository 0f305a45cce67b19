"""The polynomials of src/halfwave/_core/exponential-inl.h: e^r = 1 + r + r² P(r).

r is what a multiple of ln 2 leaves, at most half of ln 2 and a little for the rounding of the
multiple. The error is relative to e^r - 1, which is the harder of the two to get.
"""

from __future__ import annotations

from minimax import DOUBLE, FLOAT, Format, array, parts, rounded, scalar
from mpmath import mp, mpf

RADIUS = mp.log(2) / 2 * mpf("1.001")


def rest(r: mpf) -> mpf:
    return (mp.expm1(r) - r) / r**2


def weight(r: mpf, _: mpf) -> mpf:
    return r**2 / abs(mp.expm1(r))


def short(number: mpf, bits: int) -> mpf:
    """The number with so few bits that a double holds its product with an exponent exactly."""
    with mp.workprec(bits):
        return +number


def lines(form: Format, count: int, high: mpf) -> str:
    fit = rounded(rest, range(count), -RADIUS, RADIUS, weight, form)
    size, bits = mp.nstr(fit.error, 2), mp.nstr(mp.log(fit.error, 2), 3)
    comment = f"// Relative error of e^r - 1: {size}, 2^{bits}."
    low = form.round(mp.log(2) - high)
    return "\n".join(
        [
            scalar("kLog2E", form.round(1 / mp.log(2)), form, 2),
            scalar("kLn2High", high, form, 2),
            scalar("kLn2Low", low, form, 2),
            f"  {comment}",
            array("kRest", fit.coefficients, form, 2),
        ]
    )


def main() -> None:
    print(lines(FLOAT, 6, parts(mp.log(2), FLOAT)[0]))
    print(lines(DOUBLE, 11, short(mp.log(2), 41)))


if __name__ == "__main__":
    main()
