"""However a call is written, it gives the bits that the ufunc gives, in the type that came in."""

import sys

import numpy as np
import pytest
from bits import assert_same_bits
from operations import defaults_of, each_kind, each_operation, named, parameters_of
from samples import FLOATS, INTEGERS, numbers

import halfwave as hw
from halfwave import integers

each_dtype = pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS], ids=str)

# What a parameter can be written as. The ufunc is asked with the very same object.
NUMBERS = [0.3, -2.0, 0, 3, -1, True, np.float64(0.1), np.float32(0.1), np.int8(-3), np.array(0.7)]


def by_the_ufunc(op, x, given):
    """What the ufunc gives; of integers it cannot see whether bounds are whole, as the call does.

    Nor can it see that a bound lies beyond their range, where no slope changes.
    """
    if op.__name__ == "derivative" and (widened := integers.widened(op._facts, x, given)):
        wide, dtype = widened
        return op.ufunc(wide, *given).astype(dtype)
    x, given = integers.settled(op._facts, x, given)
    return op.ufunc(x, *given)


@each_dtype
@each_operation
def test_every_way_of_writing_a_call_gives_the_bits_of_the_ufunc(op, dtype):
    x = numbers(dtype, 203)
    expected = by_the_ufunc(op, x, defaults_of(op))
    out = np.empty_like(expected)
    assert_same_bits(op(x), expected)
    assert_same_bits(op(x, out=None), expected)
    assert op(x, out=out) is out
    assert_same_bits(out, expected)
    out.fill(1)
    assert op(x, out=(out,)) is out
    assert_same_bits(out, expected)
    assert_same_bits(op(x, where=True, casting="same_kind", order="K"), expected)


@each_dtype
@each_operation
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}({n})")
def test_every_kind_of_parameter_gives_the_bits_of_the_ufunc(op, dtype, number):
    x, given = numbers(dtype, 203), [number] * len(parameters_of(op))
    expected = by_the_ufunc(op, x, given)
    out = np.empty_like(expected)
    by_name = named(op, given)
    assert_same_bits(op(x, *given), expected)
    assert_same_bits(op(x, **by_name), expected)
    assert_same_bits(op(x, *given, out=out), expected)
    assert_same_bits(op(x, out=(out,), **by_name), expected)
    assert_same_bits(op(x.reshape(7, 29).T, *given), expected.reshape(7, 29).T)
    assert_same_bits(op(x[::-3], *given), expected[::-3])


@each_operation
def test_a_python_float_gives_a_python_float_with_the_bits_of_float64(op):
    for x in numbers(np.dtype("f8"), 203).tolist():
        got = op(x, *defaults_of(op))
        assert type(got) is float
        assert_same_bits(np.float64(got), op.ufunc(np.float64(x), *defaults_of(op)))


@each_operation
@pytest.mark.parametrize("number", [0.3, 2, -1, True], ids=repr)
def test_python_numbers_give_python_numbers_however_the_parameter_is_written(op, number):
    given = [number] * len(parameters_of(op))
    by_name = named(op, given)
    for x in (-3.0, 5.0, -7, 11):
        bounds = [number for known in parameters_of(op).values() if known.bound]
        whole = isinstance(x, int) and op.keeps_integers and all(b % 1 == 0 for b in bounds)
        kind = int if whole else float
        expected = float(op.ufunc(np.float64(x), *given))
        assert type(op(x, *given)) is type(op(x, **by_name)) is kind
        assert op(x, *given) == op(x, **by_name) == expected


@each_operation
def test_an_int_of_any_size_stays_exact_where_integers_stay_integers(op):
    if not op.keeps_integers:
        pytest.skip("gives floats for integers")
    for x in (0, 3, -3, 2**63, 2**64, 10**400, -(2**63), -(10**400)):
        got = op(x, *defaults_of(op))
        assert type(got) is int
        clipped = max(-(2**53), min(x, 2**53))
        if op.__name__ == "derivative" or abs(x) <= 2**53:
            assert got == int(op(float(clipped), *defaults_of(op)))
    assert hw.relu(10**400) == 10**400


@each_operation
def test_lists_become_arrays_and_scalars_stay_scalars(op):
    given = defaults_of(op)
    assert_same_bits(op([[1.5, -2.5], [0.0, 4.5]]), op.ufunc([[1.5, -2.5], [0.0, 4.5]], *given))
    assert_same_bits(op((1.5, -2.5)), op.ufunc((1.5, -2.5), *given))
    assert_same_bits(op(range(-3, 4)), by_the_ufunc(op, np.arange(-3, 4), given))
    for scalar in (np.float32(-1.5), np.float16(2.5), np.int16(-4), np.array(-1.5, "f4")):
        got = op(scalar)
        assert isinstance(got, np.generic)
        assert_same_bits(got, by_the_ufunc(op, scalar, given))


@each_operation
def test_where_leaves_the_rest_of_out_alone(op):
    x = np.array([3.0, -5.0, 7.0, -9.0])
    out = np.array([101.0, 102.0, 103.0, 104.0])
    mask = np.array([True, True, False, False])
    assert op(x, out=out, where=mask) is out
    assert_same_bits(out, np.where(mask, op(x), [101.0, 102.0, 103.0, 104.0]))


@each_operation
def test_order_chooses_the_memory_layout(op):
    x = np.arange(-6.0, 6.0).reshape(3, 4)
    assert op(x, order="F").flags.f_contiguous
    assert op(x.T, order="C").flags.c_contiguous
    assert op(x.T).flags.f_contiguous
    assert_same_bits(op(x, order="F"), op(x))


def test_casting_is_the_ufunc_s():
    x = np.array([-1.0, 2.0], "f4")
    out = np.empty(2, "i4")
    assert hw.relu(x, out=out, casting="unsafe") is out
    assert out.tolist() == [0, 2]
    assert_same_bits(hw.leaky_relu(x, alpha=0.5, casting="safe"), np.array([-0.5, 2.0], "f4"))


def test_a_keyword_whose_name_is_not_interned_is_the_same_keyword():
    name = "_alpha"[1:]
    assert name is not sys.intern("alpha")
    assert hw.leaky_relu(-2.0, **{name: 0.5}) == -1.0
    assert hw.leaky_relu(np.array([-2.0]), **{name: 0.5}).tolist() == [-1.0]


# Subclasses and other holders of arrays


class Labelled(np.ndarray):
    """An array that carries a label from one result to the next."""

    label = None

    def __array_finalize__(self, parent):
        self.label = getattr(parent, "label", None)


class Watched(np.ndarray):
    """An array whose class overrides the ufuncs."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc, method, inputs, kwargs


@each_operation
def test_a_subclass_of_ndarray_stays_what_it_is(op):
    plain = numbers(np.dtype("f4"), 203)
    x = plain.view(Labelled)
    x.label = "pressure"
    got = op(x)
    assert type(got) is Labelled
    assert got.label == "pressure"
    assert_same_bits(np.asarray(got), op(plain))


@each_operation
def test_a_matrix_stays_a_matrix(op):
    with pytest.warns(PendingDeprecationWarning):
        x = np.matrix([[1.0, -2.0], [0.0, 4.0]])
    assert type(op(x)) is np.matrix
    assert_same_bits(np.asarray(op(x)), op(np.asarray(x)))


@each_operation
def test_a_memory_mapped_file_is_read_as_an_array(op, tmp_path):
    plain = numbers(np.dtype("f4"), 203)
    np.save(tmp_path / "x.npy", plain)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert_same_bits(np.asarray(op(x)), op(plain))


@each_operation
def test_a_class_that_overrides_ufuncs_is_asked_with_the_ufunc_itself(op):
    x, given = np.zeros(2).view(Watched), defaults_of(op)
    ufunc, method, inputs, options = op(x)
    assert (ufunc, method, options) == (op.ufunc, "__call__", {})
    assert inputs[0] is x and list(inputs[1:]) == given
    plain = np.zeros(2)
    ufunc, method, inputs, options = op(plain, out=x)
    assert (ufunc, method) == (op.ufunc, "__call__")
    assert inputs[0] is plain and options["out"][0] is x


@each_kind
def test_vjp_of_a_subclass_stays_what_it_is(f):
    plain, g = np.array([-2.0, 0.0, 5.0]), np.array([3.0, 5.0, 7.0])
    x = plain.view(Labelled)
    x.label = "pressure"
    value, pullback = f.vjp(x)
    assert type(value) is type(pullback(g)) is Labelled
    assert_same_bits(np.asarray(pullback(g)), f.vjp(plain)[1](g))


class Image:
    """Something that only knows how to become an array."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.pixels, dtype)


@each_operation
def test_what_can_become_an_array_becomes_one(op):
    assert_same_bits(op(Image([[-1.5, 2.5]])), op(np.array([[-1.5, 2.5]])))
