"""Activations whose parameters are learned: the pullback gives their gradients, too."""

import pickle

import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, broadcastable_shapes
from libraries import LIBRARIES
from samples import FLOATS, expected_pullback

import halfwave as hw
from halfwave.pullback import LearnedPullback

LEARNED = [f for f in hw.activations.values() if f._facts.is_learned]
each_learned = pytest.mark.parametrize("f", LEARNED, ids=lambda f: f.name)
inf, nan = np.inf, np.nan

# Few digits, so that no sum rounds in whatever order it is taken.
eighths = st.integers(-800, 800).map(lambda k: k / 8)


@st.composite
def operands(draw):
    """x, g, and a slope of a shape that broadcasts to theirs."""
    shape = draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    narrower = broadcastable_shapes(shape, max_dims=len(shape), min_side=0)
    fitting = narrower.filter(lambda s: np.broadcast_shapes(s, shape) == shape)
    x, g = (draw(arrays(np.float64, shape, elements=eighths)) for _ in range(2))
    return x, g, draw(arrays(np.float64, draw(fitting), elements=eighths))


def summed_to(a, shape):
    """The sum of an array over what one of this shape was broadcast along."""
    padded = (1,) * (a.ndim - len(shape)) + shape
    axes = tuple(k for k, n in enumerate(padded) if n == 1)
    return a.sum(axis=axes).reshape(shape)


@given(operands())
def test_the_gradient_of_a_slope_is_the_sum_of_g_x_where_x_is_negative(operands):
    x, g, alpha = operands
    dx, dalpha = hw.prelu.vjp(x, alpha)[1](g)
    assert_same_bits(dx, expected_pullback(hw.prelu, x, g, alpha))
    expected = summed_to(np.where(x < 0, g * x, 0.0), alpha.shape)
    np.testing.assert_array_equal(dalpha, expected)
    assert np.shape(dalpha) == alpha.shape


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("across", [(), (5, 1), (1, 4000), (5, 4000)], ids=str)
def test_long_sums_are_rounded_once(dtype, across):
    rng = np.random.default_rng(0)
    x, g = (rng.standard_normal((5, 4000)).astype(dtype) for _ in range(2))
    alpha = np.full(across, 0.25, dtype)
    _, dalpha = hw.prelu.vjp(x, alpha)[1](g)
    wide = np.longdouble
    exact = summed_to(np.where(x < 0, g.astype(wide) * x.astype(wide), wide(0)), across)
    assert dalpha.dtype == dtype
    limits = ml_dtypes.finfo(dtype)
    error = abs(dalpha.astype(wide) - exact)
    # A sum in double precision is as good as exact: 1e-13 of a thousand is lost.
    least = float(limits.smallest_subnormal) + 1e-10
    assert (error <= 0.51 * float(limits.eps) * abs(exact) + least).all()


@each_learned
def test_the_gradients_agree_with_difference_quotients(f):
    x, g = np.linspace(-3.1, 3.3, 40), np.linspace(1.0, 2.0, 40)
    values, step = [p.default for p in f.parameters.values()], 2.0**-10
    _, *gradients = f.vjp(x, *values)[1](g)
    assert len(gradients) == len(values)
    for k, gradient in enumerate(gradients):
        up, down = ([v + h * (i == k) for i, v in enumerate(values)] for h in (step, -step))
        rise = (g * (f(x, *up) - f(x, *down))).sum()
        np.testing.assert_allclose(gradient, rise / (2 * step), rtol=1e-6)


def test_where_the_slope_is_0_an_infinite_gradient_passes_nothing():
    x = np.array([0.0, -0.0, 3.0, -1.0])
    _, dalpha = hw.prelu.vjp(x)[1](np.array([inf, nan, -inf, 2.0]))
    assert dalpha == -2.0
    assert np.isnan(hw.prelu.vjp(np.array([nan, -1.0]))[1](1.0)[1])
    assert hw.prelu.vjp(np.array([-inf, 1.0]))[1](1.0)[1] == -inf


def test_python_numbers_give_python_numbers():
    dx, dalpha = hw.prelu.vjp(-3.0, 0.5)[1](2.0)
    assert (type(dx), dx, type(dalpha), dalpha) == (float, 1.0, float, -6.0)
    dx, dalpha = hw.prelu.vjp(np.arange(-2, 2, dtype="i2"), 0.5)[1](1)
    assert (dx.dtype, dalpha.dtype, dalpha) == (np.float32, np.float32, -3.0)


def test_what_is_kept_is_x_beside_the_bits():
    x = np.ones(1000, np.float32)
    _, pullback = hw.prelu.vjp(x)
    assert isinstance(pullback, LearnedPullback)
    assert x.nbytes + 125 <= pullback.nbytes <= x.nbytes + 125 + 64
    restored = pickle.loads(pickle.dumps(pullback))
    assert restored(1.0)[1] == pullback(1.0)[1]


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"g has shape \(2,\).*x's shape \(3,\)"):
        hw.prelu.vjp(np.ones(3))[1](np.ones(2))


def test_what_is_no_plain_array_is_told_what_to_do():
    with pytest.raises(TypeError, match=r"prelu\.vjp\(\) sums .*MaskedArray.*numpy\.asarray\(x\)"):
        hw.prelu.vjp(np.ma.array([1.0]))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("across", [(), (3, 1), (4,)], ids=str)
def test_other_libraries_give_the_same_where_they_lie(name, across):
    library = LIBRARIES[name]()
    rng = np.random.default_rng(0)
    x, g = (rng.integers(-800, 800, (3, 4)).astype("f4") / 8 for _ in range(2))
    alpha = np.full(across, 0.25, "f4")
    expected = hw.prelu.vjp(x, alpha)[1](g)
    foreign = library.array(x)
    actual = hw.prelu.vjp(foreign, library.array(alpha))[1](library.array(g))
    assert {type(a) for a in actual} == {type(foreign)}
    for ours, theirs in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(library.numpy(theirs), ours)
        assert library.numpy(theirs).shape == np.shape(ours)


def test_a_layer_of_pytorch_learns_its_slope():
    torch = pytest.importorskip("torch")
    from halfwave.torch import PReLU

    x = torch.linspace(-2, 2, 12).reshape(3, 4)
    ours, theirs = PReLU(), torch.nn.PReLU()
    assert [p.item() for p in ours.parameters()] == [0.25]
    assert "learned" in repr(ours)
    for layer in (ours, theirs):
        layer(x).square().sum().backward()
    assert ours.alpha.grad.item() == pytest.approx(theirs.weight.grad.item(), rel=1e-6)
    assert list(PReLU(torch.tensor(0.5)).parameters()) == []
