"""float16 and bfloat16: every input, and every rounding, against exact arithmetic rounded once.

The product of two halves has at most 22 bits and an exponent within reach of float64, so float64
holds it exactly.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits
from operations import dx_of
from samples import HALVES, SLOPES, all_halves, expected_pullback, parameter_sets

import halfwave as hw


@dataclass(frozen=True)
class Format:
    """A binary format by its significand and its smallest subnormal, 2^least."""

    dtype: np.dtype
    precision: int
    least: int

    @property
    def largest(self):
        return float(ml_dtypes.finfo(self.dtype).max)


FORMATS = [Format(HALVES[0], 11, -24), Format(HALVES[1], 8, -133)]
formats = pytest.mark.parametrize("format", FORMATS, ids=lambda f: str(f.dtype))


def rounded(exact, format):
    """float64 to the format, to nearest, ties to even: all steps but `rint` are exact."""
    last_place = np.maximum(np.frexp(exact)[1] - format.precision, format.least)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        nearest = np.ldexp(np.rint(np.ldexp(exact, -last_place)), last_place)
    overflow = np.abs(nearest) > format.largest
    return np.where(overflow, np.copysign(np.inf, exact), nearest).astype(format.dtype)


def in_float64(x):
    """Exactly the same numbers."""
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return x.astype(np.float64)


def slopes_of(activation, format):
    """Parameters that the format holds, so that the exact arithmetic starts from the same."""
    with np.errstate(all="ignore"):
        values = np.array([*SLOPES, 2.0**format.least, format.largest]).astype(format.dtype)
    return parameter_sets(activation, [float(v) for v in values])


@cache
def exactly(activation, formula, format):
    """Parameters, and a formula of the facts at all 65,536 inputs, rounded once from float64."""
    x = in_float64(all_halves(format.dtype))
    with np.errstate(all="ignore"):
        return [
            (parameters, rounded(formula(np, x, *map(np.float64, parameters)), format))
            for parameters in slopes_of(activation, format)
        ]


@formats
def test_every_value_is_correctly_rounded(piecewise, target, format):
    x = all_halves(format.dtype)
    for parameters, expected in exactly(piecewise, piecewise._facts.value, format):
        assert_same_bits(piecewise(x, *parameters), expected)
        assert_same_bits(piecewise(x[::-1], *parameters), expected[::-1])
        assert_same_bits(piecewise.vjp(x, *parameters)[0], expected)


@formats
def test_every_derivative_is_correctly_rounded(piecewise, target, format):
    x = all_halves(format.dtype)
    formula = piecewise._facts.derivative
    for parameters, expected in exactly(piecewise, formula, format):
        assert_same_bits(piecewise.derivative(x, *parameters), expected)
        assert_same_bits(piecewise.derivative(x[::-1], *parameters), expected[::-1])


@formats
@pytest.mark.parametrize("x", [-3.0, 0.0, 2.0, np.nan])
def test_every_gradient_is_pulled_back_correctly_rounded(piecewise, target, format, x):
    g = all_halves(format.dtype)
    x = np.full(g.shape, x, format.dtype)
    for parameters in slopes_of(piecewise, format):
        exact = expected_pullback(piecewise, in_float64(x), in_float64(g), *parameters)
        assert_same_bits(dx_of(piecewise.vjp(x, *parameters)[1](g)), rounded(exact, format))


@formats
def test_every_slope_is_read_right_whether_shared_or_one_per_element(target, format):
    x = np.array([-1.0, -3.0, 5.0], format.dtype)
    alpha = all_halves(format.dtype)[:, None]
    with np.errstate(all="ignore"):
        product = rounded(in_float64(alpha) * in_float64(x), format)
    expected = np.where(x < 0, product, x)
    assert_same_bits(hw.leaky_relu(x, alpha), expected)
    assert_same_bits(hw.leaky_relu(x, np.repeat(alpha, 3, axis=1)), expected)


def products(format, exponents):
    """Negative x and alpha with every pair of significands; their product is in the range asked."""
    significands = np.arange(2 ** (format.precision - 1), 2**format.precision)
    x, alpha = np.meshgrid(-significands, significands)
    low, high = (exponent + 2 - 2 * format.precision for exponent in exponents)
    chosen = np.random.default_rng(0).integers(low, high, x.shape, endpoint=True)
    scales = chosen // 2, chosen - chosen // 2
    return (
        np.ldexp(1.0 * n, s).astype(format.dtype) for n, s in zip((x, alpha), scales, strict=True)
    )


def midpoint_distance(exact, format):
    """How far a number is from the nearest rounding midpoint, in units in the last place."""
    last_place = np.maximum(np.frexp(exact)[1] - format.precision, format.least)
    return np.abs(np.ldexp(exact, -last_place) % 1 - 0.5)


def exponents_where(rounding, format):
    """From and to which power of two a result is rounded in this way."""
    smallest, largest = format.least + format.precision, int(np.log2(format.largest))
    return {
        "as normal": (-2, 2),
        "as subnormal": (smallest - 12, smallest),
        "up to infinity": (largest - 2, largest + 1),
    }[rounding]


@formats
@pytest.mark.parametrize("rounding", ["as normal", "as subnormal", "up to infinity"])
def test_midpoints_round_to_even_and_their_neighbours_to_nearest(target, format, rounding):
    x, alpha = products(format, exponents_where(rounding, format))
    exact = in_float64(x) * in_float64(alpha)
    distance = midpoint_distance(exact, format)
    assert np.count_nonzero(distance == 0) > 100
    assert np.count_nonzero((distance > 0) & (distance <= 2.0**-format.precision)) > 10
    assert_same_bits(hw.leaky_relu(x, alpha), rounded(exact, format))
    assert_same_bits(hw.leaky_relu.vjp(x, alpha)[1](x), rounded(exact, format))


def nearest_by_fractions(exact, candidates):
    """The candidates nearest to a number; of two, the one whose last bit is 0."""
    finite = candidates[np.isfinite(candidates.astype(np.float64))]
    return min(
        finite, key=lambda c: (abs(Fraction(float(c)) - Fraction(exact)), int(c.view("u2")) & 1)
    )


@formats
def test_the_rounding_of_these_tests_agrees_with_rational_arithmetic(format):
    rng = np.random.default_rng(0)
    every = all_halves(format.dtype)
    for _ in range(40):
        i = int(rng.integers(0, 0x7800))
        low, high = every[i : i + 2].astype(np.float64)
        middle = (low + high) / 2
        for exact in (low, middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf)):
            nearest = nearest_by_fractions(exact, every[max(i - 2, 0) : i + 4])
            assert_same_bits(rounded(np.array([exact]), format)[0], nearest)


@formats
def test_the_rounding_of_these_tests_overflows_from_half_a_place_above_the_largest(format):
    half_place = np.ldexp(0.5, int(np.log2(format.largest)) + 1 - format.precision)
    edge = format.largest + half_place
    exact = np.array([edge, np.nextafter(edge, 0), -edge, np.inf, np.nan, -0.0])
    expected = np.array([np.inf, format.largest, -np.inf, np.inf, np.nan, -0.0])
    assert_same_bits(rounded(exact, format), expected.astype(format.dtype))


def test_the_rounding_of_these_tests_agrees_with_numpy_on_float16():
    exact = np.random.default_rng(0).standard_normal(10_000) * np.logspace(-9, 6, 10_000)
    with np.errstate(over="ignore", under="ignore"):
        assert_same_bits(rounded(exact, FORMATS[0]), exact.astype(np.float16))
