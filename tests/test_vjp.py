"""vjp: the value, and a pullback that is g f'(x) by selection, from one saved bit per element."""

from itertools import permutations
from weakref import ref

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes
from layouts import reversed_bytes, views
from samples import (
    FLOATS,
    HALVES,
    INTEGERS,
    TARGETS,
    cast_from,
    computed_in,
    expected_pullback,
    expected_value,
    floats_of,
    numbers,
    parameter_sets,
)

import halfwave as hw
from halfwave import _core

pytestmark = pytest.mark.each_kind

inf, nan = np.inf, np.nan
floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)
every_dtype = pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=lambda d: d.char + str(d))
shapes = st.lists(st.integers(0, 6), max_size=5).map(tuple)


@st.composite
def broadcast_to(draw, shape, dtype):
    """An array of any layout, of a shape that broadcasts to this one."""
    narrower = broadcastable_shapes(shape, max_dims=len(shape), min_side=0)
    fitting = narrower.filter(lambda s: np.broadcast_shapes(s, shape) == shape)
    return draw(views(draw(fitting), dtype))


@given(data=st.data())
def test_any_layout_and_dtype_of_x_g_and_the_parameters(activation, target, data):
    dtype = data.draw(st.sampled_from(floats_of(activation) + INTEGERS))
    x = data.draw(views(data.draw(shapes), dtype))
    fitting = st.sampled_from(cast_from(computed_in(activation, dtype)))
    g = data.draw(broadcast_to(x.shape, data.draw(fitting)))
    scalars = st.sampled_from([0.01, -0.3, 2, 0.0, np.float64(0.1), 1e-30, -1e30])
    parameters = [
        data.draw(scalars | broadcast_to(x.shape, data.draw(fitting)))
        for _ in activation.parameters
    ]
    with np.errstate(all="raise"):
        value, pullback = activation.vjp(x, *parameters)
        dx = pullback(g)
    assert_same_bits(value, expected_value(activation, x, *parameters))
    assert_same_bits(dx, expected_pullback(activation, x, g, *parameters))


@every_dtype
def test_every_length_round_byte_and_vector_boundaries(activation, target, dtype):
    x, g = numbers(dtype, 300), numbers(dtype, 300, seed=1)
    value, dx = expected_value(activation, x), expected_pullback(activation, x, g)
    for n in [*range(201), 255, 256, 257]:
        for start in (0, 1, 7):
            span = slice(start, start + n)
            actual, pullback = activation.vjp(x[span])
            assert_same_bits(actual, value[span])
            assert_same_bits(pullback(g[span]), dx[span])


@floats
@pytest.mark.parametrize("n", [1023, 1024, 1025, 3000, 40_000])
def test_blocks_of_one_slope_per_element_join_without_a_seam(target, dtype, n):
    x, g, alpha = (numbers(dtype, n, seed) for seed in range(3))
    value, pullback = hw.leaky_relu.vjp(x, alpha)
    assert_same_bits(value, expected_value(hw.leaky_relu, x, alpha))
    assert_same_bits(pullback(g), expected_pullback(hw.leaky_relu, x, g, alpha))


@pytest.mark.parametrize("axes", list(permutations(range(4))), ids=str)
@pytest.mark.parametrize("across", [(1, 70, 1, 1), (5, 1, 1, 30), (70, 1, 1), (30,), (4, 1)])
def test_axes_in_any_memory_order_with_one_slope_per_channel(axes, across):
    shape = (5, 70, 4, 30)
    x = np.empty([shape[axis] for axis in axes], np.float32).transpose(np.argsort(axes))
    x[...] = numbers(x.dtype, x.size).reshape(shape)
    g = numbers(x.dtype, x.size, seed=1).reshape(shape)
    alpha = numbers(x.dtype, int(np.prod(across)), seed=2).reshape(across)
    value, pullback = hw.leaky_relu.vjp(x, alpha)
    assert_same_bits(value, expected_value(hw.leaky_relu, x, alpha))
    expected = expected_pullback(hw.leaky_relu, x, g, alpha)
    assert_same_bits(pullback(g), expected)
    assert_same_bits(pullback(np.asfortranarray(g)), expected)


@floats
def test_every_kind_of_slope(activation, target, dtype):
    x, g = numbers(dtype, 100), numbers(dtype, 100, seed=1)
    for parameters in parameter_sets(activation, [0.25, 0.0, -0.0, 1.0, -3.0, inf, -inf, nan]):
        actual = activation.vjp(x, *parameters)[1](g)
        assert_same_bits(actual, expected_pullback(activation, x, g, *parameters))


@floats
@pytest.mark.parametrize("g", [inf, -inf, nan, 5.0])
def test_a_slope_of_0_passes_nothing_and_nan_passes_g(target, dtype, g):
    x = np.array([-inf, -2.0, -0.0, 0.0, 3.0, inf, nan], dtype)
    expected = np.array([0.0, 0.0, 0.0, 0.0, g, g, g], dtype)
    assert_same_bits(hw.relu.vjp(x)[1](g), expected)
    assert_same_bits(hw.leaky_relu.vjp(x, 0.0)[1](g), expected)
    assert_same_bits(hw.leaky_relu.vjp(x, -0.0)[1](np.full(7, g)), expected)


@floats
def test_the_pullback_ufunc_gives_the_same_bits(activation, target, dtype):
    ufunc = getattr(_core, f"{activation.name}_pullback")
    x, g = numbers(dtype, 700), numbers(dtype, 700, seed=1)
    for parameters in parameter_sets(activation, [0.25, 0.0, -3.0, inf]):
        parameters = [dtype.type(p) for p in parameters]
        expected = expected_pullback(activation, x, g, *parameters)
        assert_same_bits(ufunc(x, g, *parameters), expected)
        assert_same_bits(ufunc(x[::-3], g[::-3], *parameters), expected[::-3])


def test_it_keeps_one_bit_per_element_and_little_more(piecewise):
    for dtype in FLOATS:
        for n in (0, 1, 8, 1000, 100_000):
            _, pullback = piecewise.vjp(np.ones(n, dtype))
            assert n / 8 <= pullback.nbytes <= n / 8 + 64


def test_it_keeps_a_parameter_in_its_own_shape():
    x = np.ones((1000, 64), np.float32)
    scalar = hw.leaky_relu.vjp(x)[1].nbytes
    per_channel = hw.leaky_relu.vjp(x, np.ones(64))[1].nbytes
    assert per_channel - scalar == 63 * 4


def test_it_does_not_keep_x(piecewise):
    x = np.ones(1000, np.float32)
    expected = expected_pullback(piecewise, x, np.full(1000, 2.0))
    _, pullback = piecewise.vjp(x)
    alive = ref(x)
    del x
    assert alive() is None
    assert_same_bits(pullback(2.0), expected)


def test_a_smooth_activation_keeps_a_reference_to_x_and_nothing_else(smooth):
    for dtype in floats_of(smooth):
        x = np.ones(1000, dtype)
        _, pullback = smooth.vjp(x)
        assert x.nbytes <= pullback.nbytes <= x.nbytes + 64
        alive = ref(x)
        del x
        assert alive() is not None


def test_changes_in_place_after_the_call_do_not_reach_the_pullback():
    x, alpha, g = (numbers(np.dtype(np.float32), 100, seed) for seed in range(3))
    expected = expected_pullback(hw.leaky_relu, x, g, alpha)
    value, pullback = hw.leaky_relu.vjp(x, alpha)
    for array in (x, alpha, value):
        array[...] = 77.0
    assert_same_bits(pullback(g), expected)


def test_a_scalar_parameter_given_as_an_array_is_copied_too():
    alpha = np.array(0.5)
    _, pullback = hw.leaky_relu.vjp(np.array([-1.0, 1.0]), alpha)
    alpha[...] = 9.0
    assert_same_bits(pullback(1.0), np.array([0.5, 1.0]))


def test_one_pullback_serves_many_gradients(activation, target):
    x = numbers(np.dtype(np.float32), 333)
    _, pullback = activation.vjp(x)
    for seed in range(50):
        g = numbers(x.dtype, 333, seed)
        kept = g.copy()
        assert_same_bits(pullback(g), expected_pullback(activation, x, kept))
        assert_same_bits(g, kept)


def test_value_and_gradient_are_arrays_of_their_own(activation):
    x, g = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, pullback = activation.vjp(x)
    for result in (value, pullback(g)):
        assert result.flags.writeable
        assert not np.shares_memory(result, x)
        assert not np.shares_memory(result, g)
    assert not np.shares_memory(pullback(g), pullback(g))


@pytest.mark.parametrize("axes", list(permutations(range(3))), ids=str)
def test_value_and_gradient_lie_in_memory_as_x_does(activation, axes):
    x = np.ones((2, 3, 4)).transpose(axes)
    value, pullback = activation.vjp(x)
    assert value.strides == pullback(x).strides == pullback(1.0).strides == x.strides


def test_pullbacks_made_on_one_instruction_set_serve_on_another(activation):
    x, before = numbers(np.dtype(np.float16), 333), _core.target()
    expected = expected_pullback(activation, x, x[::-1])
    try:
        for record in TARGETS:
            _core.use_target(record)
            _, pullback = activation.vjp(x)
            for apply in TARGETS:
                _core.use_target(apply)
                assert_same_bits(pullback(x[::-1]), expected)
    finally:
        _core.use_target(before)


@floats
def test_zero_dimensions_give_scalars(activation, dtype):
    for x in (np.array(-2.0, dtype), dtype.type(-2.0)):
        value, pullback = activation.vjp(x)
        assert type(value) is type(pullback(3.0)) is dtype.type
        assert_same_bits(value, activation(x))
        assert_same_bits(pullback(3.0), expected_pullback(activation, x, 3.0))


def test_python_numbers_give_python_numbers(activation):
    whole = int if activation.keeps_integers else float
    for x in (-2, 0, 3):
        value, pullback = activation.vjp(x)
        assert type(value) is type(pullback(2)) is whole
        assert value == activation(x)
        assert pullback(2) == 2 * activation.derivative(x)
        value, pullback = activation.vjp(float(x))
        assert type(value) is type(pullback(2)) is type(pullback(2.5)) is float


def test_a_python_int_of_any_size_passes_through_relu():
    for x in (10**30, -(10**30)):
        value, pullback = hw.relu.vjp(x)
        assert value == hw.relu(x)
        assert pullback(3) == 3 * hw.relu.derivative(x)


@pytest.mark.parametrize("code", "bBhHiIlLqQ")
def test_a_python_int_as_gradient_is_weak(code):
    dx = hw.relu.vjp(np.array([0, 5]).astype(code))[1](2)
    assert_same_bits(dx, np.array([0, 2], code))


@pytest.mark.parametrize("code, g", [("B", -1), ("B", 256), ("b", 1000), ("q", 2**63)])
def test_a_python_int_that_the_dtype_does_not_hold_is_refused_as_gradient(code, g):
    _, pullback = hw.relu.vjp(np.array([0, 5]).astype(code))
    with pytest.raises((OverflowError, TypeError), match=f"{g}"):
        pullback(g)


def test_lists_work(activation):
    value, pullback = activation.vjp([[1.0, -2.0], [3.0, 4.0]])
    x = np.array([[1.0, -2.0], [3.0, 4.0]])
    assert_same_bits(value, activation(x))
    assert_same_bits(pullback([1.0, 2.0]), expected_pullback(activation, x, [[1.0, 2.0]] * 2))


@floats
def test_numbers_too_large_for_the_dtype_become_infinite_without_a_word(dtype):
    x = np.array([-1.0, 1.0], dtype)
    with np.errstate(all="raise"):
        value, pullback = hw.leaky_relu.vjp(x, 1e308)
        dx = pullback(1e308)
    large = np.array(1e308) if dtype.itemsize >= 8 else np.array(inf)
    assert_same_bits(value, np.array([-large, 1.0], dtype))
    assert_same_bits(dx[1], large.astype(dtype))


def test_empty_arrays_give_empty_gradients(activation):
    for shape in [(0,), (3, 0), (0, 2, 0)]:
        value, pullback = activation.vjp(np.empty(shape, np.float32))
        assert_same_bits(value, np.empty(shape, np.float32))
        assert_same_bits(pullback(1.0), np.empty(shape, np.float32))


@pytest.mark.parametrize("dtype", [d for d in FLOATS + INTEGERS if d not in HALVES[1:]], ids=str)
def test_byte_order_makes_no_difference(activation, dtype):
    x, g = numbers(dtype, 50), numbers(dtype, 50, seed=1)
    value, pullback = activation.vjp(reversed_bytes(x))
    assert_same_bits(value, expected_value(activation, x))
    assert_same_bits(pullback(reversed_bytes(g)), expected_pullback(activation, x, g))


@pytest.mark.parametrize("shape", [(2,), (4,), (2, 3), (1, 3), (3, 1), (0,)])
def test_a_gradient_that_does_not_broadcast_is_refused_with_both_shapes(activation, shape):
    _, pullback = activation.vjp(np.ones(3))
    with pytest.raises(ValueError) as refused:
        pullback(np.ones(shape))
    assert f"g has shape {shape}" in str(refused.value) and "(3,)" in str(refused.value)


@pytest.mark.parametrize("g", [1j, np.array([1j]), "a", np.array([None]), np.datetime64("2020")])
def test_a_gradient_of_another_kind_is_refused_with_its_dtype(activation, g):
    _, pullback = activation.vjp(np.ones(3))
    with pytest.raises(TypeError, match=f"g has dtype {np.asarray(g).dtype}".replace("[", r"\[")):
        pullback(g)


def test_a_fraction_as_gradient_of_integers_is_refused_with_what_to_do():
    _, pullback = hw.relu.vjp(np.array([1, 2]))
    with pytest.raises(TypeError, match="g has dtype float64.*x to a float dtype"):
        pullback(np.array([0.5, 1.5]))


def test_a_slope_wider_than_x_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"alpha has shape \(2, 3\).*x's shape \(3,\)"):
        hw.leaky_relu.vjp(np.ones(3), np.ones((2, 3)))


def test_ufunc_options_are_refused(activation):
    for option in ("out", "where", "order"):
        with pytest.raises(TypeError, match=f"{activation.name}.vjp.* has no {option}="):
            activation.vjp(np.ones(3), **{option: None})
