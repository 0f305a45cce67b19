"""Minimax polynomials with rounded coefficients, for the scripts beside this one.

`minimax` is Remez's exchange on a grid, in mpmath: any list of powers, any weight. `rounded` fits,
rounds the coefficient of the lowest power, fits the rest again around it, and so on, so that each
coefficient makes up for the rounding of those before it. `array` and `scalar` print C++.

    powers = range(6)
    fit = rounded(mp.exp, powers, 0, mp.log(2), weight=relative, formats=FLOAT)
    print(fit.error)  # the largest weighted error with the rounded coefficients
    print(array("kExp", fit.coefficients, FLOAT))
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mpmath import mp, mpf

mp.prec = 200

Function = Callable[[mpf], mpf]
Weight = Callable[[mpf, mpf], mpf]

GRID_POINTS_PER_COEFFICIENT = 32
MOST_EXCHANGES = 60
CONVERGED = mpf("1.001")  # the largest error over the error on the reference


@dataclass(frozen=True)
class Format:
    """A floating point format: what its C++ constants are, and how a coefficient is rounded."""

    name: str
    bits: int
    suffix: str

    def round(self, number: mpf) -> mpf:
        with mp.workprec(self.bits):
            return +number


FLOAT = Format("float", 24, "f")
DOUBLE = Format("double", 53, "")


@dataclass(frozen=True)
class Fit:
    """A polynomial by its powers, in their order, and its largest weighted error on the grid."""

    powers: tuple[int, ...]
    coefficients: tuple[mpf, ...]
    error: mpf

    def __call__(self, x: mpf) -> mpf:
        return polynomial(dict(zip(self.powers, self.coefficients, strict=True)), x)


def absolute(x: mpf, y: mpf) -> mpf:
    """The weight for the smallest absolute error."""
    return mpf(1)


def relative(x: mpf, y: mpf) -> mpf:
    """The weight for the smallest relative error."""
    return 1 / abs(y)


def polynomial(terms: Mapping[int, mpf], x: mpf) -> mpf:
    return mp.fsum(c * x**k for k, c in terms.items())


@dataclass(frozen=True)
class Grid:
    """Chebyshev's points in an interval, and the function, the weight and the powers there."""

    x: list[mpf]
    y: list[mpf]
    weight: list[mpf]
    powers: list[dict[int, mpf]]


def sampled(function: Function, powers: Sequence[int], low: mpf, high: mpf, weight: Weight) -> Grid:
    count = GRID_POINTS_PER_COEFFICIENT * (len(powers) + 2)
    middle, radius = (mpf(high) + low) / 2, (mpf(high) - low) / 2
    x = [middle - radius * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    x = [point for point in x if point != 0]  # where a relative error may be 0/0
    y = [function(point) for point in x]
    weights = [weight(*pair) for pair in zip(x, y, strict=True)]
    return Grid(x, y, weights, [{k: point**k for k in powers} for point in x])


def reference(errors: Sequence[mpf], count: int) -> list[int]:
    """Where errors that alternate in sign are largest: `count` places of a grid."""
    peaks: list[int] = []
    for i, error in enumerate(errors):
        if peaks and (error > 0) == (errors[peaks[-1]] > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > count:
        size = [abs(errors[i]) for i in peaks]
        least = size.index(min(size))
        if 0 < least < len(peaks) - 1 and len(peaks) > count + 1:
            # Its neighbours have one sign, so that one of them goes with it.
            neighbour = least - 1 if size[least - 1] < size[least + 1] else least + 1
            for i in sorted((least, neighbour), reverse=True):
                del peaks[i]
        else:
            del peaks[0 if size[0] < size[-1] else -1]
    return peaks


def without(points: Grid, terms: Mapping[int, mpf]) -> list[mpf]:
    """What is left of the function on the grid when the terms are taken away."""
    return [
        y - mp.fdot((c, at[k]) for k, c in terms.items())
        for y, at in zip(points.y, points.powers, strict=True)
    ]


def solve(points: Grid, at: Sequence[int], powers: Sequence[int], sign: Sequence[int]) -> list[mpf]:
    """The coefficients whose weighted error has one size and alternates at the reference."""
    rows = [
        [points.powers[i][k] for k in powers] + [(-1) ** n * sign[i] / points.weight[i]]
        for n, i in enumerate(at)
    ]
    return list(mp.lu_solve(mp.matrix(rows), mp.matrix([points.y[i] for i in at])))[:-1]


def exchange(points: Grid, powers: Sequence[int], given: Mapping[int, mpf]) -> Fit:
    """Remez's exchange on a grid, for the powers that are not given."""
    free = [k for k in powers if k not in given]
    remaining = replace(points, y=without(points, given))
    # x^k times a polynomial alternates where the polynomial does, but for the sign of x^k.
    sign = [-1 if x < 0 and min(free, default=0) % 2 else 1 for x in points.x]
    count = len(free) + 1
    last = len(points.x) - 1
    at = [
        round(last * (1 - float(mp.cos(mp.pi * i / max(count - 1, 1)))) / 2) for i in range(count)
    ]
    coefficients: list[mpf] = []
    for _ in range(MOST_EXCHANGES):
        coefficients = solve(remaining, at, free, sign) if free else []
        terms = dict(zip(free, coefficients, strict=True))
        left = without(remaining, terms)
        errors = [s * w * y for s, w, y in zip(sign, points.weight, left, strict=True)]
        largest = max(abs(error) for error in errors)
        at = reference(errors, count)
        if len(at) < count or largest <= CONVERGED * min(abs(errors[i]) for i in at):
            break
    terms.update(given)
    return Fit(tuple(powers), tuple(terms[k] for k in powers), largest)


def minimax(
    function: Function,
    powers: Sequence[int],
    low: mpf,
    high: mpf,
    weight: Weight = absolute,
    given: Mapping[int, mpf] | None = None,
) -> Fit:
    """The polynomial in `powers` with the smallest largest error, times the weight.

    `given` fixes the coefficients of some powers. Powers that leave gaps suit an interval on one
    side of 0: for an even or odd function use a polynomial in x².
    """
    return exchange(sampled(function, powers, low, high, weight), powers, given or {})


def rounded(
    function: Function,
    powers: Sequence[int],
    low: mpf,
    high: mpf,
    weight: Weight = absolute,
    formats: Format | Sequence[Format] = FLOAT,
    given: Mapping[int, mpf] | None = None,
) -> Fit:
    """As `minimax`, with coefficients of a format (or one for each power), the lowest first."""
    if isinstance(formats, Format):
        formats = [formats] * len(powers)
    points = sampled(function, powers, low, high, weight)
    fixed = dict(given or {})
    for power, form in zip(powers, formats, strict=True):
        if power not in fixed:
            fit = exchange(points, powers, fixed)
            fixed[power] = form.round(fit.coefficients[list(powers).index(power)])
    return exchange(points, powers, fixed)


def parts(number: mpf, form: Format, count: int = 2) -> list[mpf]:
    """A number as an unevaluated sum of `count` numbers of a format, the largest first."""
    found: list[mpf] = []
    for _ in range(count):
        found.append(form.round(number - mp.fsum(found)))
    return found


def constant(number: mpf, form: Format) -> str:
    """A number of the format as C++ writes it: 0x1.62e43p-1f."""
    if form.round(number) != number:
        raise ValueError(f"{number} is not a {form.name}; round it first")
    sign, digits, exponent = float(number).hex().partition("p")
    if "." in sign:
        sign = sign.rstrip("0").rstrip(".")
    return f"{sign}{digits}{exponent}{form.suffix}"


def scalar(name: str, number: mpf, form: Format, indent: int = 0) -> str:
    """The line of C++ that defines a constant."""
    return f"{' ' * indent}static constexpr {form.name} {name} = {constant(number, form)};"


def array(name: str, numbers: Sequence[mpf], form: Format, indent: int = 0) -> str:
    """The lines of C++ that define an array of constants, at most 100 columns wide."""
    start = f"static constexpr {form.name} {name}[] = {{"
    values = ", ".join(constant(number, form) for number in numbers)
    one = f"{' ' * indent}{start}{values}}};"
    if len(one) <= 100:
        return one
    body = textwrap.wrap(
        values + "};",
        width=100,
        initial_indent=" " * (indent + 4),
        subsequent_indent=" " * (indent + 4),
    )
    return "\n".join([" " * indent + start, *body])
