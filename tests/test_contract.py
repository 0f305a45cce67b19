"""The tables of the numerical contract, as literal values."""

import numpy as np
import pytest
from bits import assert_same_bits
from samples import FLOATS, edges

import halfwave as hw
from halfwave.facts import evaluate

inf, nan = np.inf, np.nan
floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)

X = [-inf, -8.0, -2.0, -0.5, -0.0, 0.0, 0.25, 3.0, inf, nan]
RELU = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 3.0, inf, nan]
LEAKY_RELU = {
    0.25: [-inf, -2.0, -0.5, -0.125, -0.0, 0.0, 0.25, 3.0, inf, nan],
    1.0: [-inf, -8.0, -2.0, -0.5, -0.0, 0.0, 0.25, 3.0, inf, nan],
    4.0: [-inf, -32.0, -8.0, -2.0, -0.0, 0.0, 0.25, 3.0, inf, nan],
    -2.0: [inf, 16.0, 4.0, 1.0, -0.0, 0.0, 0.25, 3.0, inf, nan],
    0.0: [-0.0, -0.0, -0.0, -0.0, -0.0, 0.0, 0.25, 3.0, inf, nan],
    "-0.0": [0.0, 0.0, 0.0, 0.0, -0.0, 0.0, 0.25, 3.0, inf, nan],
    inf: [-inf, -inf, -inf, -inf, -0.0, 0.0, 0.25, 3.0, inf, nan],
    -inf: [inf, inf, inf, inf, -0.0, 0.0, 0.25, 3.0, inf, nan],
    nan: [nan, nan, nan, nan, -0.0, 0.0, 0.25, 3.0, inf, nan],
}
RELU_DERIVATIVE = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, nan]
SLOPES = [0.25, 1.0, 4.0, -2.0, 0.0, -0.0, inf, -inf, nan]


@floats
def test_relu_is_x_above_zero_nan_at_nan_and_plus_zero_elsewhere(target, dtype):
    assert_same_bits(hw.relu(np.array(X, dtype)), np.array(RELU, dtype))


@floats
@pytest.mark.parametrize("alpha", LEAKY_RELU)
def test_leaky_relu_is_x_where_not_negative_and_alpha_x_elsewhere(target, dtype, alpha):
    actual = hw.leaky_relu(np.array(X, dtype), float(alpha))
    assert_same_bits(actual, np.array(LEAKY_RELU[alpha], dtype))


@floats
def test_relu_declares_the_slope_0_at_its_kink(target, dtype):
    assert_same_bits(hw.relu.derivative(np.array(X, dtype)), np.array(RELU_DERIVATIVE, dtype))


@floats
@pytest.mark.parametrize("alpha", SLOPES)
def test_leaky_relu_declares_the_slope_alpha_at_its_kink(target, dtype, alpha):
    expected = np.array([alpha] * 6 + [1.0, 1.0, 1.0, nan], dtype)
    assert_same_bits(hw.leaky_relu.derivative(np.array(X, dtype), alpha), expected)


@floats
@pytest.mark.parametrize(
    "at_kink, relu, leaky_relu",
    [(None, 0.0, 0.25), ("left", 0.0, 0.25), ("right", 1.0, 1.0), (0.5, 0.5, 0.5), (7, 7.0, 7.0)],
)
def test_at_kink_chooses_the_slope_at_the_kink_and_nowhere_else(
    target, dtype, at_kink, relu, leaky_relu
):
    x = np.array(X, dtype)
    expected = np.array(RELU_DERIVATIVE, dtype)
    expected[4:6] = relu
    assert_same_bits(hw.relu.derivative(x, at_kink=at_kink), expected)
    expected = np.array([0.25] * 4 + [leaky_relu] * 2 + [1.0, 1.0, 1.0, nan], dtype)
    assert_same_bits(hw.leaky_relu.derivative(x, 0.25, at_kink=at_kink), expected)


@floats
def test_leaky_relu_has_the_bits_of_where_in_the_dtype_of_x(target, dtype):
    x = edges(dtype)
    for alpha in (0.01, 0.3, 1.7, -0.3):
        a = dtype.type(alpha)
        with np.errstate(all="ignore"):
            expected = np.where(x < 0, a * x, x)
        assert_same_bits(hw.leaky_relu(x, alpha), expected)
        assert_same_bits(hw.leaky_relu(x, np.float64(alpha)), expected)
        assert_same_bits(hw.leaky_relu(x, np.array([alpha])), expected)


def test_alpha_is_0_01_unless_said_otherwise():
    assert hw.leaky_relu(-100.0) == -1.0
    assert hw.leaky_relu.derivative(-100.0) == 0.01
    assert hw.leaky_relu.vjp(-100.0)[1](2.0) == 0.02


def test_the_tutorial_numbers():
    x = [1.0, -10.0, 0.0, 15.0, -20.0]
    assert [hw.relu(v) for v in x] == [1.0, 0.0, 0.0, 15.0, 0.0]
    assert [hw.leaky_relu(v) for v in x] == [1.0, -0.1, 0.0, 15.0, -0.2]


@floats
def test_overflow_gives_infinity(target, dtype):
    top = edges(dtype)[np.isfinite(edges(dtype))].max()
    x = np.array([-top, top])
    assert_same_bits(hw.leaky_relu(x, 3.0), np.array([-inf, top], dtype))
    assert_same_bits(hw.leaky_relu(x, -3.0), np.array([inf, top], dtype))


@floats
def test_subnormals_are_never_flushed(target, dtype):
    least = edges(dtype)[1]
    assert least > 0
    x = np.array([least, -least, 3 * least, -4 * least], dtype)
    assert_same_bits(hw.relu(x), np.array([least, 0, 3 * least, 0], dtype))
    expected = np.array([least, -least, 3 * least, -4 * least], dtype)
    assert_same_bits(hw.leaky_relu(x, 1.0), expected)
    assert_same_bits(hw.leaky_relu(x, 0.25)[3], -least)


@floats
def test_nan_in_gives_nan_out_and_nothing_else_does(activation, target, dtype):
    x = edges(dtype)
    for operation in (activation, activation.derivative):
        assert_same_bits(np.isnan(operation(x)), np.isnan(x))


@floats
def test_the_derivative_at_the_infinities_is_the_limit(piecewise, target, dtype):
    x = np.array([-inf, inf], dtype)
    far = np.array([-1e4, 1e4], dtype)
    assert_same_bits(piecewise.derivative(x), piecewise.derivative(far))


@floats
def test_an_infinite_gradient_against_slope_0_gives_0(target, dtype):
    x = np.array([-1.0, 0.0, 2.0, nan], dtype)
    for g in (inf, -inf):
        expected = np.array([0.0, 0.0, g, g], dtype)
        assert_same_bits(hw.relu.vjp(x)[1](g), expected)
        assert_same_bits(hw.leaky_relu.vjp(x, 0.0)[1](g), expected)


def test_the_kinks_are_the_ones_that_the_derivative_has(activation):
    defaults = {name: p.default for name, p in activation.parameters.items()}
    for kink in activation.kinks:
        at, left, right, slope = (
            evaluate(v, defaults) for v in (kink.at, kink.left, kink.right, kink.slope)
        )
        assert activation.derivative(at) == slope
        assert activation.derivative(np.nextafter(at, -inf)) == pytest.approx(left, rel=1e-14)
        assert activation.derivative(np.nextafter(at, inf)) == pytest.approx(right, rel=1e-14)
        assert activation.derivative(at, at_kink="left") == left
        assert activation.derivative(at, at_kink="right") == right
