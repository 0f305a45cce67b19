"""Comparison bit for bit: the two zeros differ, and a NaN is as good as any other NaN."""

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
