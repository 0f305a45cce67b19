"""The polynomials of src/halfwave/_core/logarithm-inl.h: log(1 + f) = f + f² P(f).

f is the number whose log1p is sought where that is at most 1/2, and half of what it is less than 1
above that. The error is relative to the logarithm that comes of it, which there has log 2 added.
"""

from __future__ import annotations

from minimax import DOUBLE, FLOAT, Format, array, parts, rounded, scalar
from mpmath import mp, mpf


def rest(f: mpf) -> mpf:
    return (mp.log1p(f) - f) / f**2


def weight(f: mpf, _: mpf) -> mpf:
    return f**2 / (mp.log1p(f) + (mp.log(2) if f < 0 else 0))


def lines(form: Format, count: int) -> str:
    fit = rounded(rest, range(count), mpf(-0.25), mpf(0.5), weight, form)
    high, low = parts(mp.log(2), form)
    comment = f"// Relative error of the logarithm: {mp.nstr(fit.error, 2)}, 2^{mp.nstr(mp.log(fit.error, 2), 3)}."
    return "\n".join(
        [
            scalar("kLn2High", high, form, 2),
            scalar("kLn2Low", low, form, 2),
            f"  {comment}",
            array("kRest", fit.coefficients, form, 2),
        ]
    )


def main() -> None:
    print(lines(FLOAT, 9))
    print(lines(DOUBLE, 20))


if __name__ == "__main__":
    main()
