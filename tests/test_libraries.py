"""Arrays of other libraries stay there, and hold the contract; NumPy is the judge."""

import os
import sys

import fresh
import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits, judge_of
from libraries import LIBRARIES
from operations import dx_of, each_activation
from samples import computed_in, known_sets, moderate, numbers, off_the_kinks, parameter_sets
from test_contract import LEAKY_RELU, RELU, RELU_DERIVATIVE, SLOPES, X

import halfwave as hw

inf, nan = np.inf, np.nan


@pytest.fixture(params=LIBRARIES)
def library(request):
    return LIBRARIES[request.param]()


# The tables of the contract


def test_the_values_are_those_of_the_contract(library):
    for dtype in library.floats:
        x = library.array(np.array(X, dtype))
        assert_same_bits(library.numpy(hw.relu(x)), np.array(RELU, dtype))
        for alpha, expected in LEAKY_RELU.items():
            actual = hw.leaky_relu(x, float(alpha))
            assert_same_bits(library.numpy(actual), np.array(expected, dtype))


def test_the_derivatives_are_those_of_the_contract(library):
    for dtype in library.floats:
        x = library.array(np.array(X, dtype))
        actual = hw.relu.derivative(x)
        assert_same_bits(library.numpy(actual), np.array(RELU_DERIVATIVE, dtype))
        for alpha in SLOPES:
            expected = np.array([alpha] * 6 + [1.0, 1.0, 1.0, nan], dtype)
            assert_same_bits(library.numpy(hw.leaky_relu.derivative(x, alpha)), expected)


def test_an_infinite_gradient_against_slope_0_gives_0_and_all_passes_at_nan(library):
    for dtype in library.floats:
        x = library.array(np.array([-1.0, 0.0, 2.0, nan], dtype))
        for g in (inf, -inf):
            expected = np.array([0.0, 0.0, g, g], dtype)
            assert_same_bits(library.numpy(hw.relu.vjp(x)[1](g)), expected)
            assert_same_bits(library.numpy(hw.leaky_relu.vjp(x, 0.0)[1](g)), expected)


# Beyond the tables


def samples(library, activation):
    """Numbers of every float dtype, in NumPy and in the library, and parameters."""
    given = parameter_sets(activation, [0.01, 0.0, -0.3, 1.7, inf])
    if not activation._facts.is_exact:  # those for which its error is known
        given = known_sets(activation)
    for dtype in library.floats:
        for parameters in given:
            x = numbers(dtype, 96).reshape(8, 12)
            if not activation._facts.is_exact:
                x = off_the_kinks(activation, x, parameters)
            yield x, library.array(x), parameters


def assert_same_where_visible(library, actual, expected, *operands, judge=assert_same_bits):
    actual = library.numpy(actual)
    assert actual.dtype == expected.dtype
    seen = library.visible(expected, *operands)
    judge(actual[seen], expected[seen])


def assert_agrees(f, library, actual, expected, *operands):
    """What is exact has the same bits in every library."""
    assert_same_where_visible(library, actual, expected, *operands, judge=judge_of(f))


def test_only_subnormal_numbers_are_left_out(library):
    for dtype in library.floats:
        x = np.array([0.0, -0.0, 1.0, ml_dtypes.finfo(dtype).tiny, inf, nan], dtype)
        assert library.visible(x, -x).all()
        subnormal = np.full(6, ml_dtypes.finfo(dtype).smallest_subnormal, dtype)
        assert library.visible(x, subnormal).any() == (dtype not in library.flushes)


def test_a_difference_is_seen(library):
    x = np.array([1.0, 2.0], "f4")
    with pytest.raises(AssertionError, match="1 of 2 elements differ"):
        assert_same_where_visible(library, hw.relu(library.array(x)), np.array([1.0, 2.5], "f4"), x)


@each_activation
def test_the_values_are_those_of_numpy(f, library):
    for x, foreign, parameters in samples(library, f):
        actual = f(foreign, *parameters)
        assert type(actual) is type(foreign)
        assert_agrees(f, library, actual, f(x, *parameters), x)


@each_activation
@pytest.mark.parametrize("at_kink", [None, "left", "right", 0.5, -3])
def test_the_derivatives_are_those_of_numpy(f, at_kink, library):
    for x, foreign, parameters in samples(library, f):
        actual = f.derivative(foreign, *parameters, at_kink=at_kink)
        assert type(actual) is type(foreign)
        expected = f.derivative(x, *parameters, at_kink=at_kink)
        assert_agrees(f, library, actual, expected, x)


@each_activation
def test_the_pullbacks_are_those_of_numpy(f, library):
    for x, foreign, parameters in samples(library, f):
        value, pullback = f.vjp(foreign, *parameters)
        expected, of_numpy = f.vjp(x, *parameters)
        assert_agrees(f, library, value, expected, x)
        g = numbers(x.dtype, x.size, seed=1).reshape(x.shape)
        if not f._facts.is_exact:  # a slope that is 0 in the library alone stops an infinite g
            g = moderate(g)
        actual = dx_of(pullback(library.array(g)))
        assert type(actual) is type(foreign)
        assert_agrees(f, library, actual, dx_of(of_numpy(g)), x, g)


@each_activation
def test_a_gradient_broadcasts_to_x(f, library):
    x = numbers(np.dtype("f4"), 96).reshape(8, 12)
    _, pullback = f.vjp(library.array(x))
    _, of_numpy = f.vjp(x)
    row = np.arange(12, dtype="f4")
    for g in (2, 0.5, np.float64(0.5), row, library.array(row), row.tolist(), row.astype("f8")):
        like = row if hasattr(g, "shape") and not isinstance(g, np.generic) else g
        assert_agrees(f, library, dx_of(pullback(g)), dx_of(of_numpy(like)), x)


def test_every_parameter_works_in_every_form(library):
    x = numbers(np.dtype("f4"), 96).reshape(8, 12)
    foreign, slopes = library.array(x), np.linspace(-1, 1, 12).astype("f4")
    expected = hw.leaky_relu(x, slopes)
    for alpha in (slopes, slopes.tolist(), library.array(slopes)):
        assert_same_where_visible(library, hw.leaky_relu(foreign, alpha), expected, x)
    for alpha in (0.25, np.float64(0.25), np.array(0.25), library.array(np.array(0.25, "f4"))):
        actual = hw.leaky_relu(foreign, alpha=alpha)
        assert_same_where_visible(library, actual, hw.leaky_relu(x, 0.25), x)


def test_a_parameter_is_rounded_to_the_dtype_of_x(library):
    for dtype in library.floats:
        x = np.array([-3.0, -7.0], dtype)
        for alpha in (1 / 3, np.float64(1 / 3)):
            actual = hw.leaky_relu(library.array(x), alpha)
            assert_same_bits(library.numpy(actual), hw.leaky_relu(x, 1 / 3))


def test_numbers_and_numpy_arrays_join_a_parameter_of_the_library(library):
    for dtype in library.floats:
        slopes = np.array([0.25, 0.5], dtype)
        for x in (-2.0, -2, np.array(-2.0, "f4"), [-2.0, -2.0]):
            actual = hw.leaky_relu(x, library.array(slopes))
            assert type(actual) is type(library.array(slopes))
            assert library.numpy(actual).tolist() == [-0.5, -1.0]
        assert library.numpy(hw.leaky_relu(-2.0, library.array(slopes))).dtype == dtype


@each_activation
def test_integers_stay_where_the_activation_keeps_them_and_else_become_floats(f, library):
    for code in "bhilB":
        if code == "B" and any(p.bound and p.default < 0 for p in f.parameters.values()):
            continue  # a bound beyond the range of the dtype is the end of the range there
        x = np.array([0, 1, 100, -100 if code != "B" else 3], code)
        foreign = library.array(x)
        kept = computed_in(f, x.dtype) == x.dtype
        like = library.numpy(foreign) if kept else x.astype(library.default_float)
        for operation in (f, f.derivative):
            assert_agrees(f, library, operation(foreign), operation(like))
        value, pullback = f.vjp(foreign)
        assert_agrees(f, library, value, f(like))
        assert_agrees(f, library, dx_of(pullback(3)), dx_of(f.vjp(like)[1](3)))


def test_arrays_without_elements_and_without_axes_keep_their_shape(library):
    for shape in ((), (0,), (3, 0, 2)):
        x = library.array(np.ones(shape, "f4"))
        assert type(hw.relu(x)) is type(x)
        for actual in (hw.relu(x), hw.relu.derivative(x), hw.leaky_relu.vjp(x)[1](1.0)):
            assert library.numpy(actual).shape == shape


def test_the_pullback_says_what_it_keeps(library):
    x = np.ones((40, 50), "f4")
    pullback = hw.leaky_relu.vjp(library.array(x))[1]
    bits = 1 if library.name == "torch" else 32
    assert x.size * bits // 8 <= pullback.nbytes <= x.size * bits // 8 + 16
    assert repr(pullback) == f"<pullback of halfwave.leaky_relu, keeping {pullback.nbytes} bytes>"


# What is refused


def refused(call, *said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    for words in said:
        assert words in str(caught.value)


def test_what_has_no_order_is_refused(library):
    truth, plane = library.array(np.array([True])), library.array(np.array([1j], "c8"))
    for operation in (hw.relu, hw.relu.derivative, hw.relu.vjp):
        refused(lambda op=operation: op(truth), "relu does not take", "bool", "convert x to")
    for operation in (hw.leaky_relu, hw.leaky_relu.derivative, hw.leaky_relu.vjp):
        refused(lambda op=operation: op(plane), "leaky_relu does not take", "complex", "real part")
    x = library.array(np.ones(1, "f4"))
    refused(lambda: hw.leaky_relu(x, plane), "alpha has dtype", "convert it")
    refused(lambda: hw.relu.vjp(x)[1](plane), "g has dtype", "convert it")


def test_what_integers_do_not_hold_is_refused(library):
    x = library.array(np.array([1, -2, 0]))
    refused(lambda: hw.relu.derivative(x, at_kink=0.5), "at_kink is 0.5", "x to a float dtype")
    refused(lambda: hw.relu.vjp(x)[1](0.5), "g is 0.5", "x to a float dtype")
    refused(lambda: hw.relu.vjp(x)[1](np.ones(3)), "g has dtype", "x to a float dtype")


def test_the_options_of_a_ufunc_are_refused(library):
    x = library.array(np.ones(3, "f4"))
    for operation in (hw.relu, hw.leaky_relu, hw.relu.derivative):
        for option, advice in [
            ({"out": np.empty(3, "f4")}, "gives a new array"),
            ({"out": (x,)}, "gives a new array"),
            ({"where": np.array([True, False, True])}, "where()"),
            ({"casting": "safe"}, "convert"),
            ({"order": "F"}, "leave it out"),
        ]:
            refused(
                lambda op=operation, o=option: op(x, **o),
                f"{operation.__qualname__}() has no {next(iter(option))}=",
                library.name,
                advice,
            )
    assert library.numpy(hw.relu(x, out=None)).tolist() == [1.0, 1.0, 1.0]


def test_a_wrong_choice_at_the_kink_is_refused(library):
    x = library.array(np.ones(3, "f4"))
    for at_kink in ("middle", x):
        refused(lambda a=at_kink: hw.relu.derivative(x, at_kink=a), "at_kink is", "'left'")


def test_shapes_that_do_not_fit_are_refused(library):
    x = library.array(np.ones((2, 3), "f4"))
    refused(lambda: hw.relu.vjp(x)[1](np.ones(2, "f4")), "g has shape (2,)", "(2, 3)")
    wide = library.array(np.ones((4, 2, 3), "f4"))
    refused(lambda: hw.leaky_relu.vjp(x, wide), "(4, 2, 3)", "(2, 3)", "broadcast x first")
    pair = library.array(np.ones(2, "f4"))
    for operation in (hw.leaky_relu, hw.leaky_relu.derivative, hw.leaky_relu.vjp):
        said = f"{operation.__qualname__}(): x has shape (2, 3), alpha has shape (2,), which do not"
        for alpha in (pair, np.ones(2, "f4"), [1.0, 1.0]):
            refused(lambda op=operation, a=alpha: op(x, a), said, "give a parameter one value")


def test_a_parameter_that_holds_no_numbers_is_refused(library):
    x = library.array(np.ones(3, "f4"))
    for operation in (hw.leaky_relu, hw.leaky_relu.derivative, hw.leaky_relu.vjp):
        for alpha in ("a", ["a", "b", "c"], None, object(), np.array(["a"]), np.array([{}])):
            refused(lambda op=operation, a=alpha: op(x, a), "alpha is ", "pass a number, an array")


def test_arrays_of_two_libraries_are_refused(library):
    x, masked = library.array(np.ones(3, "f4")), np.ma.array([1.0, 2.0, 3.0])
    others = [LIBRARIES[name] for name in LIBRARIES if name != library.name and name in sys.modules]
    for other in [masked, *(make().array(np.ones(3, "f4")) for make in others)]:
        for operation in (hw.leaky_relu, hw.leaky_relu.derivative, hw.leaky_relu.vjp):
            for pair in ((x, other), (other, x)):
                refused(lambda op=operation, p=pair: op(*p), "compute together", "convert one")


# Float64 in JAX


@pytest.mark.skipif("JAX_ENABLE_X64" in os.environ, reason="this is that process")
def test_jax_holds_the_contract_in_float64():
    pytest.importorskip("jax")
    tests = "jax and (contract or those_of_numpy)"
    done = fresh.run("-m", "pytest", "-q", "-k", tests, __file__, JAX_ENABLE_X64="1")
    assert done.returncode == 0, done.stdout.decode()
