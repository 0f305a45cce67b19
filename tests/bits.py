"""Comparison bit for bit: the two zeros differ, and a NaN is as good as any other NaN."""

import ml_dtypes
import numpy as np


def differences(actual, expected):
    """Where two arrays of one dtype and shape differ, as a mask."""
    with np.errstate(all="ignore"):
        same = np.equal(actual, expected)
        if actual.dtype.kind not in "biu":
            same &= np.signbit(actual) == np.signbit(expected)
            same |= np.isnan(actual) & np.isnan(expected)
    return np.logical_not(same)


def assert_same_bits(actual, expected):
    """Fails unless the dtype, the shape and every element are the same."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    wrong = differences(actual, expected)
    if not wrong.any():
        return
    first = tuple(np.argwhere(wrong)[0].tolist())
    raise AssertionError(
        f"{wrong.sum()} of {wrong.size} elements differ, the first at {first}: "
        f"{actual[first]!r} instead of {expected[first]!r}"
    )


def assert_near(actual, expected):
    """The results of a library's own exp and its kin, each of whose operations rounds.

    That a tail keeps its digits is tested in double precision, with NumPy.
    """
    assert actual.dtype == expected.dtype
    eps = float(ml_dtypes.finfo(expected.dtype).eps)
    with np.errstate(invalid="ignore"):
        actual, expected = (a.astype("f8") for a in (actual, expected))
    np.testing.assert_allclose(actual, expected, rtol=16 * eps, atol=8 * eps)


def judge_of(f):
    """Of what is exact the bits are compared."""
    return assert_same_bits if f._facts.is_exact else assert_near
