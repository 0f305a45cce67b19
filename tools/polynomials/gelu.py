"""The polynomials of src/halfwave/functions/gelu.h.

Q(t) = erfc(t/√2) / 2 is the part of a normal distribution above t, and Q(t) e^(t²/2) varies little.

For float there are eight pieces of t Q(t) e^(t²/2), and eight of (Q(t) - t φ(t)) e^(t²/2), which
the derivative is made of. Each is a polynomial in the distance from its centre: a zero of the
function, or a number at which the function is nearly a float, so that rounding the constant term
loses nothing. Their e^(-t²/2) is a power of 2^(1/8) times e^(-r/2), with r = t² - n ln 2 / 4.
For double there is one polynomial of (t + a) Q(t) e^(t²/2) in (t - a) / (t + a).
"""

from collections.abc import Callable
from itertools import count, pairwise

from minimax import DOUBLE, FLOAT, Format, array, mp, mpf, parts, relative, rounded, scalar

EDGES = (0, 0.5, 1, 2, 3, 5, 7, 11, 15)
HIGHEST_POWER_OF_PIECES = 7
NEARLY = mpf(2) ** -32
"""A relative rounding error that is nothing for a float."""


def tail(t: mpf) -> mpf:
    """Q(t) e^(t²/2)."""
    return mp.exp(t**2 / 2) * mp.erfc(t / mp.sqrt(2)) / 2


def value(t: mpf) -> mpf:
    return t * tail(t)


def slope(t: mpf) -> mpf:
    return tail(t) - t / mp.sqrt(2 * mp.pi)


def centre(function: Callable[[mpf], mpf], low: mpf, high: mpf, zero: mpf) -> mpf:
    """The zero of the function, or a float near the middle at which the function nearly is one."""
    if low <= zero <= high:
        return FLOAT.round(zero)
    middle = (low + high) / 2
    for step in count():
        at = middle + step * mpf(2) ** -20
        y = function(at)
        if abs(FLOAT.round(y) / y - 1) < NEARLY:
            return at
    raise AssertionError


def pieces(name: str, function: Callable[[mpf], mpf], zero: mpf) -> None:
    powers = range(HIGHEST_POWER_OF_PIECES + 1)
    rows = []
    errors = []
    for low, high in pairwise(map(mpf, EDGES)):
        at = centre(function, low, high, zero)
        given = {0: FLOAT.round(function(at))}
        fit = rounded(
            lambda h, at=at: function(at + h), powers, low - at, high - at, relative, FLOAT, given
        )
        rows.append([at, *fit.coefficients])
        errors.append(fit.error)
    print(f"  // Relative error: 2^{mp.nstr(mp.log(max(errors), 2), 3)}.")
    columns = [number for column in zip(*rows, strict=True) for number in column]
    print(array(name, columns, FLOAT, indent=2))


def falling() -> None:
    """e^(-t²/2) = 2^(-n/8) e^(-r/2), 2^64 times as large."""
    step = mp.ln(2) / 4
    high, low = parts(step, FLOAT)
    print(scalar("kSteps", FLOAT.round(1 / step), FLOAT, indent=2))
    print(scalar("kStepHigh", high, FLOAT, indent=2))
    print(scalar("kStepLow", low, FLOAT, indent=2))
    exact = [mpf(2) ** (64 - mpf(j) / 8) for j in range(8)]
    powers = [FLOAT.round(power) for power in exact]
    lost = [FLOAT.round(y / power - 1) for y, power in zip(exact, powers, strict=True)]
    print(array("kPowers", powers, FLOAT, indent=2))
    print(array("kLost", lost, FLOAT, indent=2))
    far = step / 2 * (1 + mpf(2) ** -10)
    fit = rounded(lambda r: mp.expm1(-r / 2), range(1, 5), -far, far)
    print(f"  // Absolute error: 2^{mp.nstr(mp.log(fit.error, 2), 3)}.")
    print(array("kRest", fit.coefficients, FLOAT, indent=2))


def whole(a: int, farthest: mpf, highest_power: int) -> None:
    def scaled(w: mpf) -> mpf:
        t = a * (1 + w) / (1 - w)
        return (t + a) * tail(t)

    powers = range(highest_power + 1)
    formats = [Format("a sum of two", 2 * DOUBLE.bits, ""), *[DOUBLE] * highest_power]
    fit = rounded(scaled, powers, mpf(-1), (farthest - a) / (farthest + a), relative, formats)
    high, low = parts(fit.coefficients[0], DOUBLE)
    print(f"  // Relative error: 2^{mp.nstr(mp.log(fit.error, 2), 3)}.")
    print(array("kTail", [high, *fit.coefficients[1:]], DOUBLE, indent=2))
    print(scalar("kTailLow", low, DOUBLE, indent=2))
    high, low = parts(1 / mp.sqrt(2 * mp.pi), DOUBLE)
    print(scalar("kDensityHigh", high, DOUBLE, indent=2))
    print(scalar("kDensityLow", low, DOUBLE, indent=2))


def main() -> None:
    pieces("kValue", value, mpf(0))
    pieces("kSlope", slope, mp.findroot(slope, 0.75))
    falling()
    whole(4, mpf("39.5"), 23)


if __name__ == "__main__":
    main()
