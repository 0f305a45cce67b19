"""derivative: f' away from the kinks, the declared or chosen slope at them, in the result's dtype."""

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from layouts import views
from samples import (
    FLOATS,
    INTEGERS,
    computed_in,
    edges,
    expected_derivative,
    floats_of,
    numbers,
)

import halfwave as hw
from halfwave.facts import evaluate

pytestmark = pytest.mark.each_kind

inf, nan = np.inf, np.nan
floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)
all_dtypes = pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=lambda d: d.char + str(d))
CHOICES = ["left", "right", 0.5, 0, -0.0, 7, -2, inf, -inf, nan, 1e-42, 1e300, np.float32(0.3)]


def position(activation, kink, parameters):
    """Where the kink is: a number, or the value of the parameter that it is named after."""
    return evaluate(kink.at, dict(zip(activation.parameters, parameters, strict=True)))


def with_slope_at_kinks(activation, x, at_kink, parameters):
    """The expected derivative, written with where."""
    slopes = expected_derivative(activation, x, *parameters)
    named = dict(zip(activation.parameters, parameters, strict=True))
    for kink in activation.kinks:
        slope = {"left": kink.left, "right": kink.right}.get(str(at_kink), at_kink)
        slope = evaluate(slope, named)
        at = position(activation, kink, parameters)
        with np.errstate(all="ignore"):
            at, slope = (np.asarray(a).astype(slopes.dtype) for a in (at, slope))
            slopes = np.where(x == at, slope, slopes)
    return slopes


@floats
@pytest.mark.parametrize("at_kink", CHOICES)
def test_at_kink_changes_the_kinks_alone(activation, target, dtype, at_kink):
    x = np.concatenate([edges(dtype), numbers(dtype, 100)])
    for value in (0.25, 0.01, 0.0, -0.0, -3.0, inf, nan):
        parameters = [value] * len(activation.parameters)
        expected = with_slope_at_kinks(activation, x, at_kink, parameters)
        with np.errstate(all="raise"):
            actual = activation.derivative(x, *parameters, at_kink=at_kink)
        assert_same_bits(actual, expected)


@given(data=st.data(), at_kink=st.sampled_from(CHOICES))
def test_at_kink_works_in_any_layout(activation, target, data, at_kink):
    dtype = data.draw(st.sampled_from(floats_of(activation)))
    shape = data.draw(st.lists(st.integers(0, 5), max_size=4).map(tuple))
    x = data.draw(views(shape, dtype))
    parameters = [data.draw(st.just(0.3) | views(shape, dtype)) for _ in activation.parameters]
    expected = with_slope_at_kinks(activation, x, at_kink, parameters)
    assert_same_bits(activation.derivative(x, *parameters, at_kink=at_kink), expected)
    out = np.zeros(shape, dtype)
    assert activation.derivative(x, *parameters, at_kink=at_kink, out=out) is out
    assert_same_bits(out, expected)


def test_at_kink_takes_the_slope_of_each_channel_from_its_own_alpha():
    x = np.array([[0.0, 0.0, -0.0], [1.0, -1.0, 0.0]], np.float32)
    alpha = np.array([0.1, 0.2, 0.3])
    expected = np.array([[0.1, 0.2, 0.3], [1.0, 0.2, 0.3]], np.float32)
    assert_same_bits(hw.leaky_relu.derivative(x, alpha, at_kink="left"), expected)
    expected = np.array([[1.0, 1.0, 1.0], [1.0, 0.2, 1.0]], np.float32)
    assert_same_bits(hw.leaky_relu.derivative(x, alpha, at_kink="right"), expected)


def test_at_kink_goes_with_where_and_out():
    x = np.array([0.0, 0.0, 1.0, 1.0])
    out = np.full(4, 9.0)
    hw.relu.derivative(x, at_kink=0.5, where=[True, False, True, False], out=out)
    assert_same_bits(out, np.array([0.5, 9.0, 1.0, 9.0]))


OVERLAPS = {
    "in place": (slice(0, 50), slice(0, 50)),
    "one ahead": (slice(0, 50), slice(1, 51)),
    "one behind": (slice(1, 51), slice(0, 50)),
    "reversed": (slice(0, 50), slice(49, None, -1)),
}


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("at_kink", ["left", "right", 0.5])
def test_at_kink_works_where_out_shares_memory_with_x(activation, at_kink, overlap):
    buffer = numbers(np.dtype(np.float32), 60)
    buffer[::4] = 0.0
    read, written = (buffer[place] for place in OVERLAPS[overlap])
    parameters = [0.3] * len(activation.parameters)
    expected = with_slope_at_kinks(activation, read.copy(), at_kink, parameters)
    activation.derivative(read, *parameters, at_kink=at_kink, out=written)
    assert_same_bits(written.copy(), expected)


def test_at_kink_works_where_out_is_the_parameter():
    alpha = np.array([0.1, 0.2, 0.3])
    hw.leaky_relu.derivative(np.array([-1.0, 0.0, 2.0]), alpha, at_kink="left", out=alpha)
    assert_same_bits(alpha, np.array([0.1, 0.2, 1.0]))


def test_at_kink_goes_with_an_out_of_another_dtype():
    x = np.array([-1.0, 0.0, 2.0], np.float32)
    out = np.zeros(3)
    hw.leaky_relu.derivative(x, 0.1, at_kink=0.3, out=out)
    assert_same_bits(out, np.array([0.1, 0.3, 1.0], np.float32).astype(np.float64))


@pytest.mark.parametrize("order", "CFAK")
def test_at_kink_goes_with_order(activation, order):
    x = np.ones((4, 6, 2))[::2].transpose(1, 0, 2)
    result = activation.derivative(x, at_kink=0.5, order=order)
    assert result.strides == activation.derivative(x, order=order).strides


@pytest.mark.parametrize("at_kink, slope", [("left", 0), ("right", 1), (1, 1), (3.0, 3), (-1, -1)])
@pytest.mark.parametrize("dtype", [d for d in INTEGERS if d.kind == "i"], ids=lambda d: d.char)
def test_at_kink_of_integers_that_stay_integers(target, dtype, at_kink, slope):
    x = np.array([-5, 0, 7], dtype)
    expected = np.array([0, slope, 1], dtype)
    assert_same_bits(hw.relu.derivative(x, at_kink=at_kink), expected)


@pytest.mark.parametrize(
    "at_kink, dtype", [(0.5, "i4"), (nan, "i8"), (inf, "u1"), (-1, "u1"), (300, "i1")]
)
def test_at_kink_that_an_integer_cannot_hold_is_refused(at_kink, dtype):
    with pytest.raises(TypeError, match=f"at_kink is {at_kink}.*pass x as floats"):
        hw.relu.derivative(np.array([-5, 0, 7]).astype(dtype), at_kink=at_kink)


def test_at_kink_of_python_numbers():
    assert hw.relu.derivative(0.0, at_kink="right") == 1.0
    assert hw.relu.derivative(2.0, at_kink=inf) == 1.0
    assert hw.leaky_relu.derivative(0.0, 0.3, at_kink="left") == 0.3
    assert hw.leaky_relu.derivative(0, at_kink=0.5) == 0.5
    results = [hw.relu.derivative(x, at_kink=1) for x in (-3, 0, 3, 10**400, -(10**400))]
    assert results == [0, 1, 1, 1, 0]
    assert [type(r) for r in results] == [int] * 5
    assert type(hw.relu.derivative(0.0, at_kink=1)) is float
    with pytest.raises(TypeError, match="at_kink is 0.5"):
        hw.relu.derivative(0, at_kink=0.5)


@pytest.mark.parametrize("at_kink", ["middle", [1.0], 1j])
def test_an_at_kink_that_is_no_slope_is_refused_and_told_what_to_pass(activation, at_kink):
    with pytest.raises((TypeError, ValueError), match="pass 'left', 'right' or a number"):
        activation.derivative(np.zeros(3), at_kink=at_kink)


@all_dtypes
def test_the_dtype_is_that_of_the_value(activation, dtype):
    x = numbers(dtype, 20)
    expected = computed_in(activation, dtype)
    assert activation(x).dtype == expected
    for at_kink in (None, "left", "right", 1):
        assert activation.derivative(x, at_kink=at_kink).dtype == expected


def test_python_numbers_give_python_numbers(activation):
    whole = int if activation.keeps_integers else float
    for x in (-2, 0, 3):
        assert type(activation.derivative(x)) is whole
        assert type(activation.derivative(float(x))) is float
        assert activation.derivative(x) == activation.derivative(float(x))


def test_lists_give_arrays(activation):
    assert_same_bits(
        activation.derivative([[-1.0, 2.0]]), activation.derivative(np.array([[-1.0, 2.0]]))
    )


@floats
def test_nan_gives_nan_and_the_infinities_give_the_limits(piecewise, target, dtype):
    slopes = piecewise.derivative(np.array([nan, -nan, -inf, inf], dtype))
    far = piecewise.derivative(np.array([-6e4, 6e4], dtype))
    assert_same_bits(slopes, np.concatenate([np.array([nan, nan], dtype), far]))


@pytest.mark.parametrize("alpha", [0.01, 0.5, -0.3, 1.7])
def test_away_from_the_kinks_it_agrees_with_central_differences(activation, alpha):
    parameters = [alpha] * len(activation.parameters)
    x = np.random.default_rng(0).standard_normal(1000) * 10
    step = 2.0**-20
    for kink in activation.kinks:
        x = x[abs(x - position(activation, kink, parameters)) > 2 * step]
    rise = activation(x + step, *parameters) - activation(x - step, *parameters)
    np.testing.assert_allclose(
        activation.derivative(x, *parameters), rise / (2 * step), rtol=1e-7, atol=1e-9
    )


def test_one_sided_differences_at_a_kink_agree_with_left_and_right(activation):
    tried = [p.tried or (0.01, 0.5, -0.3, 1.7) for p in activation.parameters.values()]
    for parameters in zip(*tried, strict=False) if tried else [()]:
        step = 2.0**-20
        for kink in activation.kinks:
            if kink.jump:
                continue
            at = position(activation, kink, parameters)
            f = [activation(at + h, *parameters) for h in (-step, 0.0, step)]
            left = activation.derivative(at, *parameters, at_kink="left")
            right = activation.derivative(at, *parameters, at_kink="right")
            curved = 4 * step if activation._facts.is_smooth else 0.0
            np.testing.assert_allclose([left, right], np.diff(f) / step, rtol=1e-9 + curved)


@floats
def test_a_parameter_of_another_dtype_does_not_change_the_dtype(dtype):
    x = np.array([-1.0, 0.0, 1.0], dtype)
    for alpha in (0.25, np.float64(0.25), np.array([0.25]), np.array(0.25, np.float32), 0):
        for at_kink in (None, "left", 0.5):
            assert hw.leaky_relu.derivative(x, alpha, at_kink=at_kink).dtype == dtype
