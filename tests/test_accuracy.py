"""Smooth activations: within the stated error, on every instruction set, tails and limits included."""

from dataclasses import replace

import numpy as np
import pytest
from bits import assert_same_bits
from samples import FLOATS, floats_of

import halfwave as hw
from halfwave import verify
from halfwave.facts import Measured
from halfwave.verify import Drawn, Share, Verification, check, sample
from halfwave.verify.errors import LIMITS, errors, limits, measured, places, places_of_slopes
from halfwave.verify.exact import exact

floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)
inf, nan = np.inf, np.nan


def defaults_of(activation):
    return tuple(p.default for p in activation.parameters.values())


def test_an_activation_has_a_definition_in_mpmath_where_it_keeps_no_bits(activation):
    facts = activation._facts
    assert facts.is_smooth != activation.keeps_bits
    assert (facts.exact_value is None) == (facts.exact_derivative is None) == facts.is_exact


def test_every_error_is_stated_and_within_the_contract(inexact):
    for dtype, (value, derivative) in LIMITS.items():
        stated = measured(inexact, dtype)
        assert 0.5 <= stated.value <= value
        assert 0.0 <= stated.derivative <= derivative
        assert limits(inexact, dtype, defaults_of(inexact)) == (stated.value, stated.derivative)


def test_other_parameters_than_the_default_are_tried(inexact):
    assert all(p.tried and p.default not in p.tried for p in inexact.parameters.values())


def test_errors_are_within_those_stated_at_every_half_and_in_float64(inexact):
    verification = Verification([inexact], ["float16", "bfloat16", "float64"])
    assert sum(verification.run()) == verification.size
    assert [found for row in verification.rows for found in row.differences.first] == []


def test_errors_of_float32_are_within_those_stated_at_every_sign_and_exponent(inexact):
    share = Share(inexact, sample(), (defaults_of(inexact),), range(512))
    thinned = replace(share, inputs=Thinned())
    assert [found for row in check(thinned) for found in row.first] == []


class Thinned:
    """One of thirty of verify's sample."""

    dtype, blocks, size = "float32", 512, 512 * 1000

    def block(self, number):
        x = sample().block(number)
        return x[number % 30 :: 30]


@pytest.mark.parametrize("dtype", LIMITS)
def test_an_error_larger_than_the_facts_state_is_found(dtype):
    f = hw.gelu  # curved on both sides of 0
    stated = Measured(dtype, 0.25, 0.0, 0.25, 0.0)
    braggart = hw.Activation(replace(f._facts, measured=(stated,)))
    near_one = {"float16": range(1), "bfloat16": range(1), "float32": range(16256, 16257)}
    inputs = Drawn() if dtype == "float64" else verify.every(dtype)
    blocks = near_one.get(dtype, range(1))
    value, derivative, *vjp = check(Share(braggart, inputs, (defaults_of(f),), blocks))
    for found in (value, derivative):
        assert found.count > 0
        assert found.first[0].off > 0.25
        assert found.worst.off >= max(example.off for example in found.first)
    assert [found.count for found in vjp] == [0, 0]


def test_an_error_is_counted_in_units_of_the_exact_result():
    dtype = np.dtype(np.float32)
    right = verify.errors.Exact(np.array([1.0, 1.0, 2.0, 2.0**-149, 0.0, 1e39, nan, inf]))
    got = np.array([1.0, 1 - 2**-24, 2 + 2**-21, 2.0**-148, 2.0**-149, inf, nan, inf], dtype)
    with np.errstate(invalid="ignore"):
        off = errors(got, right, places(right, "float32"), "float32")
    assert off.tolist() == [0.0, 0.5, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    for wrong in (nan, inf, -inf):
        got[0] = wrong
        with np.errstate(invalid="ignore"):
            assert errors(got, right, places(right, "float32"), "float32")[0] == inf


@floats
def test_nan_stays_nan_and_infinities_give_the_limits(inexact, target, dtype):
    # Beyond the largest number nothing happens any more, but that what grows is infinite.
    largest = np.finfo(dtype).max if dtype.kind == "f" else dtype.type(3.3895314e38)
    for f in (inexact, inexact.derivative):
        at_infinity = f(np.array([-inf, inf], dtype)).astype(np.float64)
        before = f(np.array([-largest, largest], dtype)).astype(np.float64)
        grows = abs(before) > 1e4
        assert_same_bits(np.isinf(at_infinity), grows)
        np.testing.assert_allclose(at_infinity[~grows], before[~grows], atol=1e-4)
        assert np.isnan(f(np.array([nan, -nan], dtype))).all()


def test_python_numbers_are_computed_as_float64(inexact, target):
    for x in (-30.0, -1.5, 0.0, 0.25, 700.0):
        assert inexact(x) == inexact(np.array([x] * 9))[4]
        assert inexact.derivative(x) == inexact.derivative(np.array([x] * 9))[4]


def test_the_portable_expressions_keep_the_digits_in_the_tails(inexact):
    x = np.concatenate([Drawn().block(k) for k in range(2)])
    facts, parameters = inexact._facts, defaults_of(inexact)
    value, slope = exact(inexact, x, parameters)
    normal = abs(value.high) > 1e-300
    with np.errstate(all="ignore"):
        got = facts.value(np, x, *map(np.asarray, parameters))
        assert errors(got, value, places(value, "float64"), "float64")[normal].max() < 2000
        got = facts.derivative(np, x, *map(np.asarray, parameters))
    units = places_of_slopes(inexact, x, parameters, slope, "float64")
    normal = abs(slope.high) > 1e-300
    assert errors(got, slope, units, "float64")[normal].max() < 2000


def test_the_portable_expressions_have_the_limits(inexact):
    x = np.array([-inf, inf, nan])
    for what, f in (("value", inexact), ("derivative", inexact.derivative)):
        with np.errstate(all="ignore"):
            expected = getattr(inexact._facts, what)(np, x, *map(np.asarray, defaults_of(inexact)))
        np.testing.assert_array_equal(f(x), expected)


def test_long_double_is_refused(smooth):
    assert np.dtype(np.longdouble) not in floats_of(smooth)
    for call in (smooth, smooth.derivative, smooth.vjp):
        with pytest.raises(
            TypeError, match=r"computed in float64 at most; convert it with x\.astype"
        ):
            call(np.ones(3, np.longdouble))
