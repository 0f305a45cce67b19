"""erfc for the arrays of any library: within a few roundings of mpmath's, and never flushed."""

import numpy as np
import pytest
from mpmath import mp

from halfwave.special import erfc

POINTS = [0.0, -0.0, 1e-300, 0.4, -0.4, 1.0, 2.7, -3.0, 5.9, 9.3, 13.2, 26.0]


def roundings(dtype):
    x = np.array(
        [point for point in POINTS if abs(point) < (9 if dtype == np.float32 else 27)], dtype
    )
    exact = [mp.erfc(float(number)) for number in x]
    found = erfc(np, x)
    assert found.dtype == dtype
    errors = [abs(float(a) / b - 1) for a, b in zip(found, exact, strict=True)]
    return float(max(errors)) * 2 / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_its_digits_in_the_tail(dtype):
    assert roundings(dtype) < 10


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_limits(dtype):
    with np.errstate(all="ignore"):
        found = erfc(np, np.array([-np.inf, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(found, np.array([2, 0, np.nan], dtype))


def test_subnormal_results_are_kept():
    assert 0 < erfc(np, np.array([26.9]))[0] < np.finfo(float).tiny


def test_the_standard_is_enough():
    xp = pytest.importorskip("array_api_strict")
    x = np.array(POINTS)
    np.testing.assert_array_equal(np.asarray(erfc(xp, xp.asarray(x))), erfc(np, x))


def test_a_framework_computes_its_own():
    torch = pytest.importorskip("torch")
    x = torch.tensor([0.3, 2.0], requires_grad=True)
    erfc(torch, x).sum().backward()
    assert x.grad is not None
    jax = pytest.importorskip("jax")
    slope = jax.grad(lambda x: erfc(jax.numpy, x))(0.0)
    assert slope == pytest.approx(-2 / np.sqrt(np.pi))
