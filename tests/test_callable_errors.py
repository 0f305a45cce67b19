"""Every wrong call is told what was wrong, by value, shape or dtype, and what to do instead."""

from dataclasses import replace

import numpy as np
import pytest
from operations import REPRESENTATIVES, each_kind, each_operation

import halfwave as hw

ALIASES = [
    (op, name, alias)
    for f in REPRESENTATIVES
    for op in (f, f.derivative, f.vjp)
    for name, known in f.parameters.items()
    for alias in known.aliases
]

leaky, relu = hw.leaky_relu, hw.relu
x64, x32, i64 = np.ones(3), np.ones(3, "f4"), np.arange(3)
read_only = np.ones(3)
read_only.flags.writeable = False
HUGE = 10**400


def is_told(call, error, *said):
    """`call` raises exactly `error`, and its message says all of `said` in one line."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    missing = [words for words in said if words not in message]
    assert not missing, f"{missing} is not in: {message}"
    assert "\n" not in message


def test_is_told_sees_a_missing_word_and_a_missing_error():
    def refuse():
        raise ValueError("x has shape (3,)")

    is_told(refuse, ValueError, "(3,)")
    with pytest.raises(AssertionError, match="pass"):
        is_told(refuse, ValueError, "(3,)", "pass")
    with pytest.raises(pytest.fail.Exception):
        is_told(lambda: None, ValueError)


def test_facts_that_do_not_match_the_arithmetic_are_refused():
    few = replace(leaky._facts, parameters=())
    said = [few.name, "do not match its arithmetic", "as many parameters in the .py as in"]
    is_told(lambda: hw.Activation(few), ValueError, *said)
    unknown = replace(relu._facts, name="wavelength")
    is_told(lambda: hw.Activation(unknown), ValueError, "no activation wavelength was compiled")


# Names of arguments and attributes


@pytest.mark.parametrize("op, name, alias", ALIASES, ids=lambda v: getattr(v, "__qualname__", v))
def test_a_parameter_s_name_from_another_library_is_answered_with_ours(op, name, alias):
    for x in (1.0, x32, [1.0]):
        is_told(lambda x=x: op(x, **{alias: 0.5}), TypeError, f"no {alias}=", f"{name}=...")


@each_kind
def test_a_misspelt_parameter_is_answered_with_the_right_name(f):
    for name in f.parameters:
        wrong = name[:-1]
        for op in (f, f.derivative):
            is_told(lambda op=op, w=wrong: op(x64, **{w: 1}), TypeError, f"no {wrong}=", name)


WRONG_ARGUMENTS = [
    (lambda: relu(), TypeError, ["relu() takes x first, by position: relu(x)"]),
    (lambda: leaky(), TypeError, ["takes x first, by position: leaky_relu(x, alpha)"]),
    (lambda: leaky.derivative(), TypeError, ["leaky_relu.derivative() takes x first"]),
    (lambda: leaky.vjp(), TypeError, ["leaky_relu.vjp() takes x first"]),
    (lambda: leaky(x=x64), TypeError, ["takes x first, by position: leaky_relu(x, alpha)"]),
    (lambda: relu(x64, x64), TypeError, ["relu() takes x alone by position", "out=y"]),
    (lambda: leaky(x64, 1, x64), TypeError, ["takes x and alpha by position", "out=y"]),
    (lambda: leaky(x64, 1, alpha=2), TypeError, ["alpha twice", "once"]),
    (lambda: leaky.vjp(x64, 1, alpha=2), TypeError, ["alpha twice", "once"]),
    (lambda: relu(x64, alpha=1), TypeError, ["no alpha=", "out"]),
    (lambda: leaky(x64, ouput=1), TypeError, ["no ouput=", "did you mean out="]),
    (lambda: leaky(x64, beta=1), TypeError, ["no beta=", "it takes x, alpha"]),
    (lambda: leaky.vjp(x64, out=x64), TypeError, ["vjp() has no out=", "alpha"]),
    (lambda: leaky(x64, dtype="f4"), TypeError, ["no dtype=", "convert x", "x.astype("]),
    (lambda: leaky(x64, signature="f->f"), TypeError, ["no signature=", "x.astype("]),
    (lambda: leaky.derivative(x64, at_kik=1), TypeError, ["no at_kik=", "at_kink="]),
    (lambda: leaky.derivative(x64, beta=1), TypeError, ["no beta=", "at_kink"]),
    (lambda: leaky(x64, at_kink="left"), TypeError, ["no at_kink="]),
]


@pytest.mark.parametrize("call, error, said", WRONG_ARGUMENTS)
def test_wrong_arguments(call, error, said):
    is_told(call, error, *said)


ATTRIBUTES = {
    "gradient": "derivative",
    "grad": "derivative",
    "deriv": "derivative",
    "derivate": "derivative",
    "prime": "derivative",
    "backward": "vjp",
    "jvp": "vjp",
    "pullback": "vjp",
    "latex": "formula",
    "params": "parameters",
    "parameter": "parameters",
    "kink": "kinks",
    "ufnuc": "ufunc",
}


@each_kind
@pytest.mark.parametrize("wrong", ATTRIBUTES)
def test_a_near_miss_of_an_attribute_is_answered_with_ours(f, wrong):
    is_told(
        lambda: getattr(f, wrong), AttributeError, f.name, repr(wrong), f"use .{ATTRIBUTES[wrong]}"
    )


@each_operation
def test_an_attribute_far_from_ours_is_just_not_there(op):
    is_told(lambda: op.wavelength, AttributeError, op.__qualname__, "'wavelength'")
    assert not hasattr(op, "__array_ufunc__")
    assert getattr(op, "_ipython_display_", None) is None


def test_every_attribute_that_is_suggested_exists():
    for f in REPRESENTATIVES:
        for ours in ATTRIBUTES.values():
            assert hasattr(f, ours)


# Values of x that have no rectifier


DTYPES_REFUSED = {
    "complex": (np.ones(2, complex), ["complex128", "x.real", "abs(x)"]),
    "Python complex": (1j, ["complex128", "x.real"]),
    "str": ("a", ["str_", "text is not a number", "x.astype(numpy.float64)"]),
    "list of str": (["a", "b"], ["str_", "x.astype(numpy.float64)"]),
    "bytes": (np.array([b"a"]), ["bytes_", "x.astype(numpy.float64)"]),
    "objects": (np.array([1, None]), ["object_", "x.astype(numpy.float64)"]),
    "dates": (np.array(["2020"], "M8[s]"), ["datetime64", "x.astype(numpy.int64)"]),
    "durations": (np.array([1], "m8[s]"), ["timedelta64", "x.astype(numpy.int64)"]),
    "records": (np.zeros(2, [("a", "f4")]), ["void", "records and raw bytes are not numbers"]),
}


@pytest.mark.parametrize("x, said", DTYPES_REFUSED.values(), ids=DTYPES_REFUSED)
@each_kind
def test_a_dtype_without_a_rectifier_is_refused(f, x, said):
    for call in (f, f.derivative, f.vjp):
        is_told(lambda call=call: call(x), TypeError, f.name, *said)
    is_told(lambda: f.derivative(x, at_kink="left"), TypeError, f.name, *said)


@pytest.mark.parametrize("x", [True, np.bool_(True), [True], np.ones(2, bool)], ids=repr)
def test_relu_refuses_truth_values(x):
    for call in (relu, relu.derivative, relu.vjp):
        is_told(lambda call=call: call(x), TypeError, "bool", "x.astype(numpy.int8)")


@each_operation
def test_what_is_not_a_number_at_all_is_refused(op):
    for x in (None, object(), {}, {1.0, 2.0}, (1.0, None), lambda: 1.0):
        is_told(lambda x=x: op(x), TypeError, f"x is {x!r:.60}; pass a number, an array, or a list")


def test_a_ragged_list_is_refused():
    is_told(lambda: relu([1.0, [2.0, 3.0]]), ValueError, "x is a list", "shape", "pass items")
    is_told(lambda: leaky(x64, ([1.0], 2.0)), ValueError, "alpha is a tuple", "shape", "pass items")


def test_a_class_that_takes_no_part_in_ufuncs_is_refused():
    class Aloof:
        __array_ufunc__ = None

    with pytest.raises(TypeError, match="Aloof"):
        relu(Aloof())


# Values of the parameters


WRONG_PARAMETERS = [
    (lambda f: f(x64, np.ones(2)), ValueError, ["(3,)", "(2,)", "broadcast", "give"]),
    (lambda f: f(np.ones((4, 3)), np.ones(4)), ValueError, ["(4, 3)", "(4,)", "shape (n, 1)"]),
    (lambda f: f(x64, 1j), TypeError, ["alpha has dtype complex128", "float64"]),
    (lambda f: f(x32, np.ones(3, complex)), TypeError, ["complex128", "alpha.astype('float32')"]),
    (lambda f: f(x64, "a"), TypeError, ["alpha has dtype <U1", "float64"]),
    (lambda f: f(x64, None), TypeError, ["alpha is None; pass a number, an array"]),
    (lambda f: f(1.0, None), TypeError, ["alpha is None; pass a number, an array"]),
    (lambda f: f(1.0, HUGE), OverflowError, ["1329 bits", "1.8e308"]),
    (lambda f: f(x64, HUGE), OverflowError, ["1329 bits", "1.8e308"]),
    (lambda f: f(1.0, -HUGE), OverflowError, ["1329 bits", "1.8e308"]),
]


@pytest.mark.parametrize("call, error, said", WRONG_PARAMETERS)
def test_wrong_parameters(call, error, said):
    is_told(lambda: call(leaky), error, *said)
    is_told(lambda: call(leaky.derivative), error, *said)


WRONG_PARAMETERS_OF_VJP = [
    (lambda: leaky.vjp(x64, np.ones(2)), ValueError, ["alpha has shape (2,)", "(3,)", "give"]),
    (lambda: leaky.vjp(x64, np.ones((2, 3))), ValueError, ["(2, 3)", "(3,)", "broadcast x first"]),
    (lambda: leaky.vjp(x64, 1j), TypeError, ["alpha has dtype complex128", "float64"]),
    (lambda: leaky.vjp(x64, "a"), TypeError, ["alpha has dtype <U1", "float64"]),
    (lambda: leaky.vjp(x64, None), TypeError, ["alpha is None; pass a number"]),
]


@pytest.mark.parametrize("call, error, said", WRONG_PARAMETERS_OF_VJP)
def test_wrong_parameters_of_vjp(call, error, said):
    is_told(call, error, *said)


def test_an_int_too_large_for_a_float_is_refused():
    is_told(lambda: leaky(HUGE), OverflowError, "1329 bits", "1.8e308")


def test_casting_decides_what_a_parameter_may_be():
    for alpha in (np.ones(3), np.float64(0.5)):
        is_told(
            lambda alpha=alpha: leaky(x32, alpha, casting="safe"),
            TypeError,
            "alpha has dtype float64",
            "float32",
            "casting='safe'",
            "alpha.astype('float32')",
        )


# out=, where=, casting=, order=


WRONG_OPTIONS = [
    ({"out": np.ones(2)}, ValueError, ["out has shape (2,)", "(3,)", "numpy.empty((3,)"]),
    ({"out": (np.ones(2),)}, ValueError, ["out has shape (2,)", "(3,)", "numpy.empty((3,)"]),
    (
        {"out": np.ones(3, "i4")},
        TypeError,
        ["out has dtype int32", "pass an out of dtype float64"],
    ),
    ({"out": read_only}, ValueError, ["out is read-only", "pass a writeable array"]),
    ({"out": [1.0, 2.0, 3.0]}, TypeError, ["out is a list", "pass a NumPy array"]),
    ({"out": 1.0}, TypeError, ["out is a float", "pass a NumPy array"]),
    ({"out": ()}, TypeError, ["one output, and out has 0", "pass out=y"]),
    ({"out": (x64, x64)}, TypeError, ["one output, and out has 2", "pass out=y"]),
    ({"where": [True, False], "out": np.ones(3)}, ValueError, ["where has shape (2,)", "(3,)"]),
    ({"casting": "bad"}, ValueError, ["casting", "'bad'", "'same_kind'"]),
    ({"order": "bad"}, ValueError, ["order", "'bad'", "'K'"]),
]


@pytest.mark.parametrize("options, error, said", WRONG_OPTIONS)
@each_operation
def test_wrong_options(op, options, error, said):
    is_told(lambda: op(x64, **options), error, *said)


@each_operation
def test_nothing_is_written_where_a_call_is_refused(op):
    for out in (np.arange(4.0), np.arange(3)):
        before = out.copy()
        with pytest.raises((TypeError, ValueError)):
            op(x64, out=out)
        assert out.tolist() == before.tolist()


@each_operation
def test_a_read_only_out_is_not_written(op):
    with pytest.raises(ValueError):
        op(-x64, out=read_only)
    assert read_only.tolist() == [1.0, 1.0, 1.0]


# at_kink=


@pytest.mark.parametrize("at_kink", ["middle", "", [1.0], 1j, np.ones(3)], ids=repr)
@each_kind
def test_wrong_slopes_at_the_kink(f, at_kink):
    for x in (x64, 0.0, [1, 2]):
        is_told(
            lambda x=x: f.derivative(x, at_kink=at_kink),
            ValueError,
            f"at_kink is {at_kink!r}; pass 'left', 'right' or a number",
        )


def test_a_slope_that_integers_cannot_hold_is_refused():
    for x in (i64, 0, 5, [0, 1], np.int8(0)):
        is_told(lambda x=x: relu.derivative(x, at_kink=0.5), TypeError, "at_kink is 0.5", "float")


# The gradient that a pullback is given


WRONG_GRADIENTS = [
    (np.ones(2), ValueError, ["g has shape (2,)", "x's shape (3,)", "give"]),
    (np.ones((2, 3)), ValueError, ["g has shape (2, 3)", "x's shape (3,)", "broadcast x first"]),
    (1j, TypeError, ["g has dtype complex128", "float64"]),
    ("a", TypeError, ["g has dtype <U1", "float64"]),
    (None, TypeError, ["g is None; pass a number, an array"]),
]


@pytest.mark.parametrize("g, error, said", WRONG_GRADIENTS)
@each_kind
def test_wrong_gradients(f, g, error, said):
    _, pullback = f.vjp(x64)
    is_told(lambda: pullback(g), error, *said)


def test_a_gradient_that_integers_cannot_hold_is_refused():
    _, pullback = relu.vjp(i64)
    is_told(lambda: pullback(0.5), TypeError, "g has dtype float64", "int64", "x to a float dtype")


# plot


def test_a_parameter_that_a_plot_cannot_draw_is_refused():
    figure = pytest.importorskip("matplotlib.figure")
    ax = figure.Figure().subplots()
    is_told(lambda: relu.plot(ax=ax, alpha=1), TypeError, "no alpha=", "ReLU takes no parameters")
    is_told(lambda: leaky.plot(ax=ax, slope=1), TypeError, "no slope=", "takes alpha")
    is_told(lambda: leaky.plot(ax=ax, alpha=[1, 2]), TypeError, "alpha is a list", "pass")
