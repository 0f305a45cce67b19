"""float32, float64, long double and the integers: every edge and a sample of all bit patterns.

The expected values come twice: from the facts, and from formulas written out here.
"""

from functools import cache

import numpy as np
import pytest
from bits import assert_same_bits
from operations import dx_of
from samples import (
    INTEGERS,
    SLOPES,
    TARGETS,
    bits_of,
    computed_in,
    edges,
    expected_derivative,
    expected_pullback,
    expected_value,
    numbers,
    parameter_sets,
)

import halfwave as hw
from halfwave import _core

SAMPLE = {
    np.dtype(np.float32): 2**20,
    np.dtype(np.float64): 2**17,
    np.dtype(np.longdouble): 2**16,
}
floats = pytest.mark.parametrize("dtype", SAMPLE, ids=str)
integers = pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.char)


def literal_leaky_relu(x, alpha):
    """A zero, with the sign of every other negative x, where alpha is 0 and x is -inf."""
    product = np.where((alpha == 0) & (x == -np.inf), -alpha, alpha * x)
    return np.where(x < 0, product, x)


LITERAL = {
    "relu": (
        lambda x: np.where(x > 0, x, np.where(np.isnan(x), x, x.dtype.type(0))),
        lambda x: np.where(np.isnan(x), x, np.where(x > 0, x.dtype.type(1), x.dtype.type(0))),
    ),
    "leaky_relu": (
        literal_leaky_relu,
        lambda x, alpha: np.where(np.isnan(x), x, np.where(x <= 0, alpha, x.dtype.type(1))),
    ),
}


@cache
def patterns(dtype):
    """Edges, every exponent with telling significands, and as many other patterns."""
    count = SAMPLE[dtype]
    rng = np.random.default_rng(0)
    if dtype == np.longdouble:
        high, low = rng.standard_normal((2, count)).astype(dtype)
        exponents = rng.integers(-16500, 16500, count)
        with np.errstate(over="ignore", under="ignore"):
            sample = np.ldexp(high + np.ldexp(low, -53), exponents)
        return np.concatenate([edges(dtype), sample])
    bits = rng.integers(0, np.iinfo(bits_of(dtype)).max, count, bits_of(dtype), endpoint=True)
    return np.concatenate([edges(dtype), every_exponent(dtype), bits.view(dtype)])


def every_exponent(dtype):
    """Each exponent with the significands next to its ends and its middle; both signs."""
    unsigned, stored = bits_of(dtype).type, np.finfo(dtype).nmant
    top, half = 2**stored, 2 ** (stored - 1)
    significands = np.array([0, 1, 2, half - 1, half, half + 1, top - 2, top - 1], unsigned)
    exponents = np.arange(2 ** (dtype.itemsize * 8 - stored), dtype=unsigned)  # and the sign
    return (exponents[:, None] << unsigned(stored) | significands).ravel().view(dtype)


@cache
def table(activation, dtype):
    """Parameters, with the value and the derivative at every pattern."""
    x = patterns(dtype)
    return [
        (p, expected_value(activation, x, *p), expected_derivative(activation, x, *p))
        for p in parameter_sets(activation, SLOPES)
    ]


@floats
def test_the_sample_holds_every_kind_of_number(dtype):
    x = patterns(dtype)
    assert np.isnan(x).any() and np.isinf(x).any() and (x == 0).any()
    assert ((x != 0) & (abs(x) < np.finfo(dtype).tiny)).any()
    assert np.unique(np.frexp(x)[1][np.isfinite(x)]).size > 250


@floats
def test_values_are_correctly_rounded(piecewise, target, dtype):
    for parameters, value, _ in table(piecewise, dtype):
        assert_same_bits(piecewise(patterns(dtype), *parameters), value)


@floats
def test_derivatives_are_correctly_rounded(piecewise, target, dtype):
    for parameters, _, derivative in table(piecewise, dtype):
        assert_same_bits(piecewise.derivative(patterns(dtype), *parameters), derivative)


@floats
def test_recorded_values_and_gradients_are_correctly_rounded(piecewise, target, dtype):
    x = patterns(dtype)
    g = np.roll(x, 12345)
    for parameters, value, _ in table(piecewise, dtype)[:4]:
        recorded, pullback = piecewise.vjp(x, *parameters)
        assert_same_bits(recorded, value)
        assert_same_bits(dx_of(pullback(g)), expected_pullback(piecewise, x, g, *parameters))


@floats
@pytest.mark.parametrize("name", LITERAL)
def test_the_facts_say_what_the_formulas_written_here_say(name, dtype):
    activation, formulas = hw.activations[name], LITERAL[name]
    for parameters, *expected in table(activation, dtype):
        with np.errstate(all="ignore"):
            operands = [patterns(dtype), *(dtype.type(p) for p in parameters)]
            for formula, by_facts in zip(formulas, expected, strict=True):
                assert_same_bits(formula(*operands), by_facts)


@floats
def test_all_instruction_sets_agree_to_the_bit(piecewise, dtype):
    x, before = patterns(dtype), _core.target()
    results = []
    try:
        for name in TARGETS:
            _core.use_target(name)
            value, pullback = piecewise.vjp(x)
            dx = dx_of(pullback(x[::-1]))
            results.append([piecewise(x), piecewise.derivative(x), value, dx])
    finally:
        _core.use_target(before)
    for other in results[1:]:
        for actual, expected in zip(other, results[0], strict=True):
            assert_same_bits(actual, expected)


@integers
def test_relu_of_integers_is_exact_in_their_own_dtype(target, dtype):
    x = numbers(dtype, 1000)
    expected = np.array([max(0, v) for v in x.tolist()], dtype)
    assert_same_bits(hw.relu(x), expected)
    assert_same_bits(hw.relu(x[::-3]), expected[::-3])
    assert_same_bits(hw.relu.derivative(x), (x > 0).astype(dtype))


@integers
def test_leaky_relu_of_integers_is_what_it_is_of_numpys_float_for_them(target, dtype):
    x = numbers(dtype, 1000)
    as_float = x.astype(computed_in(hw.leaky_relu, dtype))
    assert as_float.dtype == np.sqrt(np.ones(1, dtype)).dtype
    for alpha in (0.01, -0.3, 1.7, 0.0, np.inf):
        assert_same_bits(hw.leaky_relu(x, alpha), hw.leaky_relu(as_float, alpha))
        expected = expected_value(hw.leaky_relu, as_float, alpha)
        assert_same_bits(hw.leaky_relu(x, alpha), expected)
        expected = expected_derivative(hw.leaky_relu, as_float, alpha)
        assert_same_bits(hw.leaky_relu.derivative(x, alpha), expected)


@integers
def test_gradients_of_integers(activation, target, dtype):
    x = numbers(dtype, 1000)
    g = np.arange(1, 1001).astype(dtype)
    assert_same_bits(dx_of(activation.vjp(x)[1](g)), integer_pullback(activation, x, g))


def integer_pullback(activation, x, g):
    default = [p.default for p in activation.parameters.values()]
    if not activation.keeps_integers:
        return expected_pullback(activation, x, g, *default)
    return activation.derivative(x, *default) * g
