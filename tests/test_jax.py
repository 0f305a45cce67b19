"""JAX: every transformation works, and gradients have the declared slopes."""

from functools import partial

import numpy as np
import pytest
from operations import dx_of, each_activation

import halfwave as hw

jax = pytest.importorskip("jax")
jnp = jax.numpy

inf, nan = np.inf, np.nan
X = jnp.asarray([-inf, -2.0, -0.0, 0.0, 3.0, inf, nan])
AWAY = jnp.asarray([-3.0, -0.5, 0.25, 2.0])
"""From every kink."""

leaky = partial(hw.leaky_relu, alpha=0.25)
dtypes = pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])


def total(f):
    return lambda *operands: f(*operands).sum()


# Values


@each_activation
def test_jit_and_vmap_give_the_same_values(f):
    for operation in (f, f.derivative, lambda x: dx_of(f.vjp(x)[1](2.0))):
        expected = operation(X)
        for transformed in (jax.jit(operation), jax.vmap(operation), jax.jit(jax.vmap(operation))):
            np.testing.assert_array_equal(transformed(X), expected)


def test_every_operand_may_be_mapped():
    slopes = jnp.asarray([0.5, 0.25])
    assert jax.vmap(hw.leaky_relu, (0, None))(AWAY, 0.5).tolist() == [-1.5, -0.25, 0.25, 2.0]
    assert jax.vmap(hw.leaky_relu, (None, 0))(-2.0, slopes).tolist() == [-1.0, -0.5]
    assert jax.vmap(hw.leaky_relu)(AWAY[:2], slopes).tolist() == [-1.5, -0.125]


def test_a_call_within_jit_may_take_numbers_and_numpy_arrays():
    slopes = np.array([0.5, 0.25], "f4")
    call = jax.jit(lambda x: hw.leaky_relu(x, slopes) + hw.leaky_relu(-2.0, slopes))
    assert call(jnp.asarray([-2.0, 2.0])).tolist() == [-2.0, 1.5]


# Gradients


@dtypes
def test_gradients_have_the_declared_slopes_and_pass_at_nan(dtype):
    x = X.astype(dtype)
    for f, below in ((hw.relu, 0.0), (leaky, 0.25), (partial(hw.leaky_relu, alpha=0.0), 0.0)):
        expected = [below] * 4 + [1.0, 1.0, 1.0]
        for gradient in (jax.grad(total(f)), jax.jit(jax.grad(total(f))), jax.vmap(jax.grad(f))):
            assert gradient(x).tolist() == expected
            assert gradient(x).dtype == dtype


@each_activation
def test_gradients_are_the_pullback(f):
    g = jnp.asarray([inf, -inf, 2.0, 3.0, -4.0, inf, 5.0])
    value, pullback = f.vjp(X)
    its_value, its_pullback = jax.vjp(f, X)
    np.testing.assert_array_equal(its_value, value)
    dx = dx_of(pullback(g))
    np.testing.assert_array_equal(its_pullback(g)[0], dx)
    np.testing.assert_array_equal(jax.jvp(f, (X,), (g,))[1], dx)


def test_jacobians_forward_and_backward_are_the_derivative():
    for f in (hw.relu, leaky):
        expected = np.diag(f(AWAY) / AWAY)
        np.testing.assert_array_equal(jax.jacfwd(f)(AWAY), expected)
        np.testing.assert_array_equal(jax.jacrev(f)(AWAY), expected)


def test_gradients_with_respect_to_alpha():
    slope = jax.grad(lambda alpha, x: hw.leaky_relu(x, alpha).sum())
    x = jnp.asarray([-2.0, -5.0, 0.0, 3.0, inf, nan])
    for alpha in (0.25, 0.0, -3.0):
        assert slope(alpha, x[:-1]) == slope(alpha, np.asarray(x[:-1])) == -7.0
        assert slope(alpha, -2.0) == -2.0
    assert jnp.isfinite(slope(0.0, X))
    channels = jax.grad(lambda alpha: total(hw.leaky_relu)(AWAY[:, None], alpha))
    assert channels(jnp.asarray([0.5, 0.25])).tolist() == [-3.5, -3.5]
    both = jax.grad(total(hw.leaky_relu), argnums=(0, 1))(AWAY, 0.25)
    assert both[0].tolist() == [0.25, 0.25, 1.0, 1.0]
    assert both[1] == -3.5


@pytest.mark.parametrize("alpha", [0.25, 0.0])
def test_second_derivatives_in_x_and_alpha_in_every_order(alpha):
    f = total(hw.leaky_relu)
    expected = [1.0, 1.0, 0.0, 0.0]
    for outer in (jax.jacfwd, jax.jacrev):
        for inner in (jax.jacfwd, jax.jacrev):
            assert outer(inner(f, argnums=0), argnums=1)(AWAY, alpha).tolist() == expected
            assert outer(inner(f, argnums=1), argnums=0)(AWAY, alpha).tolist() == expected
            assert not outer(inner(f))(AWAY, alpha).any()
    slopes = jax.grad(lambda a: hw.leaky_relu.derivative(AWAY, a).sum())
    assert slopes(alpha) == 2.0


def test_the_hessian_of_a_square():
    for f in (hw.relu, leaky):
        actual = jax.hessian(lambda x, f=f: (f(x) ** 2).sum())(AWAY)
        np.testing.assert_array_equal(actual, np.diag(2 * (f(AWAY) / AWAY) ** 2))


@each_activation
def test_gradients_agree_with_finite_differences(f):
    from jax.test_util import check_grads

    away = 0.4 * AWAY  # from the kinks of all of them, which move with their parameters
    check_grads(f, (away, *(p.default for p in f.parameters.values())), order=1, eps=0.03)
    check_grads(f.derivative, (away,), order=1)


def test_a_wrong_gradient_is_found_by_finite_differences():
    from jax.test_util import check_grads

    wrong = jax.custom_jvp(hw.relu)
    wrong.defjvp(lambda primals, tangents: (hw.relu(*primals), 2 * tangents[0]))
    with pytest.raises(AssertionError):
        check_grads(wrong, (AWAY,), order=1)


def test_the_pullback_is_differentiated_too():
    pulled = jax.grad(lambda g: (hw.leaky_relu.vjp(AWAY, 0.25)[1](g) ** 2).sum())
    assert pulled(jnp.ones(4)).tolist() == [0.125, 0.125, 2.0, 2.0]
    for alpha in (0.25, 0.0):
        slope = jax.grad(lambda a: hw.leaky_relu.vjp(AWAY, a)[1](AWAY).sum())
        assert slope(alpha) == -3.5


def test_integers_stand_beside_what_is_differentiated():
    gradient = jax.grad(lambda scale: (hw.relu(jnp.asarray([2, -3])) * scale).sum())
    assert gradient(5.0) == 2.0


def test_loops_checkpoints_and_linearisation_work():
    def deep(x):
        return jax.lax.fori_loop(0, 3, lambda _, y: leaky(y), x)

    assert deep(AWAY).tolist() == [-3 / 64, -0.5 / 64, 0.25, 2.0]
    assert jax.jacfwd(deep)(AWAY).diagonal().tolist() == [1 / 64, 1 / 64, 1.0, 1.0]
    gradient = jax.grad(total(jax.checkpoint(leaky)))
    assert gradient(AWAY).tolist() == [0.25, 0.25, 1.0, 1.0]
    assert jax.linearize(leaky, AWAY)[1](AWAY).tolist() == leaky(AWAY).tolist()


def test_a_program_is_exported_for_arrays_of_any_length():
    from jax import export

    any_length = jax.ShapeDtypeStruct(export.symbolic_shape("n"), AWAY.dtype)
    program = export.export(jax.jit(lambda x, g: hw.leaky_relu.vjp(x, 0.25)[1](g)))
    assert program(any_length, any_length).call(AWAY, AWAY).tolist() == leaky(AWAY).tolist()
    program = export.export(jax.jit(jax.grad(total(leaky))))
    assert program(any_length).call(AWAY).tolist() == [0.25, 0.25, 1.0, 1.0]


def test_a_model_learns_the_slope():
    x = jnp.linspace(-1, 1, 11)
    target = hw.leaky_relu(x, 0.3)
    step = jax.jit(jax.grad(lambda alpha: ((hw.leaky_relu(x, alpha) - target) ** 2).sum()))
    alpha = 0.0
    for _ in range(20):
        alpha -= 0.2 * step(alpha)
    assert alpha == pytest.approx(0.3)


# What XLA does in its own way


def test_xla_takes_subnormal_numbers_for_zeros_on_a_processor():
    subnormal = jnp.asarray([1e-40, -1e-40])
    at_kink = hw.leaky_relu.derivative(subnormal, 0.25, at_kink=7.0).tolist()
    if jax.default_backend() != "cpu" or at_kink == [1.0, 0.25]:
        pytest.skip("this one keeps them")
    assert at_kink == [7.0, 7.0]
