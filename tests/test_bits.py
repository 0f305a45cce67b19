"""The comparison helpers can fail: each fault planted here is found."""

import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits, differences
from samples import FLOATS, HALVES, INTEGERS, bits_of, edges, numbers, signalling_nans

SMALL_FLOATS = [dtype for dtype in FLOATS if dtype.itemsize <= 8]


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
def test_an_array_equals_its_copy(dtype):
    x = numbers(dtype, 100)
    assert_same_bits(x.copy(), x)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_flipped_zero_sign_is_found(dtype):
    with pytest.raises(AssertionError, match="1 of 3 elements differ, the first at"):
        assert_same_bits(np.array([1, -0.0, 2], dtype), np.array([1, 0.0, 2], dtype))


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
@pytest.mark.parametrize("i", [0, 50, 99])
def test_a_change_of_one_ulp_in_one_element_is_found(dtype, i):
    x = np.ones(100, dtype)
    changed = x.copy()
    changed.view(bits_of(dtype))[i] += 1
    assert differences(changed, x).nonzero()[0].tolist() == [i]
    with pytest.raises(AssertionError):
        assert_same_bits(changed, x)


def test_a_change_of_one_ulp_is_found_in_long_double():
    x = np.ones(3, np.longdouble)
    with pytest.raises(AssertionError):
        assert_same_bits(np.nextafter(x, 2), x)


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
def test_the_smallest_subnormal_is_not_zero(dtype):
    with pytest.raises(AssertionError):
        assert_same_bits(np.ones((), bits_of(dtype)).view(dtype), np.zeros((), dtype))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("wrong", [0.0, 1.0, np.inf])
def test_nan_and_a_number_differ_both_ways(dtype, wrong):
    nan, number = np.array([np.nan], dtype), np.array([wrong], dtype)
    for actual, expected in [(nan, number), (number, nan)]:
        with pytest.raises(AssertionError):
            assert_same_bits(actual, expected)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_infinities_differ(dtype):
    with pytest.raises(AssertionError):
        assert_same_bits(np.array([np.inf], dtype), np.array([-np.inf], dtype))


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
def test_nans_are_equal_whatever_their_sign_and_payload(dtype):
    nans = np.concatenate([signalling_nans(dtype), -np.array([np.nan, np.nan], dtype)])
    assert_same_bits(nans, np.full(4, np.nan, dtype))


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_an_integer_that_is_off_by_one_is_found(dtype):
    top = np.iinfo(dtype).max
    with pytest.raises(AssertionError):
        assert_same_bits(np.array([top - 1], dtype), np.array([top], dtype))


@pytest.mark.parametrize("other", ["f2", "f8", "i4", ">f4"])
def test_another_dtype_or_byte_order_is_found(other):
    with pytest.raises(AssertionError):
        assert_same_bits(np.ones(2, other), np.ones(2, "f4"))


def test_the_half_precisions_are_not_mistaken_for_one_another():
    with pytest.raises(AssertionError):
        assert_same_bits(*(np.zeros(2, dtype) for dtype in HALVES))


@pytest.mark.parametrize("shape", [(), (1,), (3, 1), (1, 3), (4,), (0,)])
def test_another_shape_is_found(shape):
    with pytest.raises(AssertionError):
        assert_same_bits(np.ones(shape), np.ones(3))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_sample_of_edges_holds_what_it_names(dtype):
    x = edges(dtype)
    assert np.isnan(x).any() and np.isposinf(x).any() and np.isneginf(x).any()
    zeros = x[x == 0]
    assert np.signbit(zeros).any() and not np.signbit(zeros).all()
    nonzero = abs(x[np.isfinite(x) & (x != 0)])
    assert (nonzero < ml_dtypes.finfo(dtype).tiny).any()
