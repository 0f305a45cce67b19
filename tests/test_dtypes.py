"""The result's dtype is decided by x alone; no call touches NumPy's floating-point error state."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits
from samples import (
    FLOATS,
    HALVES,
    INTEGERS,
    cast_to,
    computed_in,
    edges,
    expected_value,
    numbers,
    signalling_nans,
)

import halfwave as hw

pytestmark = pytest.mark.each_kind

floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)
bfloat16 = np.dtype(ml_dtypes.bfloat16)

FLOAT_OF = {
    "?": "f2", "b": "f2", "B": "f2", "h": "f4", "H": "f4", "i": "f8", "I": "f8",
    "l": "f8", "L": "f8", "q": "f8", "Q": "f8",
}  # fmt: skip


@pytest.mark.parametrize("code", "efdgbBhHiIlLqQ")
def test_relu_keeps_every_dtype(code):
    assert hw.relu(np.ones(3, code)).dtype == np.dtype(code)
    assert hw.relu(np.ones(3, code)).dtype.char == code


@pytest.mark.parametrize("code", "efdg")
def test_leaky_relu_keeps_every_float_dtype(code):
    assert hw.leaky_relu(np.ones(3, code)).dtype == np.dtype(code)


@pytest.mark.parametrize("code", FLOAT_OF)
def test_leaky_relu_turns_integers_into_numpys_float_for_them(code):
    x = np.ones(3, code)
    assert hw.leaky_relu(x).dtype == np.dtype(FLOAT_OF[code]) == np.sqrt(x).dtype
    assert hw.leaky_relu.derivative(x).dtype == np.dtype(FLOAT_OF[code])


def test_relu_refuses_truth_values_and_leaky_relu_takes_them_as_int8():
    for x in (True, np.True_, np.array([True, False]), [True]):
        with pytest.raises(TypeError, match=r"relu does not take numpy.bool: .*astype"):
            hw.relu(x)
        with pytest.raises(TypeError, match=r"relu does not take numpy.bool: .*astype"):
            hw.relu.derivative(x)
    x = np.array([True, False])
    assert_same_bits(hw.leaky_relu(x), hw.leaky_relu(x.astype(np.int8)))
    assert hw.leaky_relu(True) == 1.0


ALPHAS = [
    0.25, 2, True, np.float16(0.25), np.float32(0.25), np.float64(0.25), np.longdouble(0.25),
    np.int64(2), np.array(0.25), np.array([0.25] * 3), np.array([0.25] * 3, np.longdouble),
    np.array([[2], [3]]), [0.25, 0.5, 0.75],
]  # fmt: skip


@pytest.mark.parametrize("alpha", ALPHAS, ids=lambda a: f"{type(a).__name__} {np.asarray(a).dtype}")
def test_alpha_never_changes_the_dtype(target, alpha):
    for dtype in [*FLOATS, *INTEGERS]:
        x = np.array([-3, 0, 5]).astype(dtype)
        computed = computed_in(hw.leaky_relu, dtype)
        expected = expected_value(hw.leaky_relu, x, alpha)
        assert expected.dtype == computed
        assert_same_bits(hw.leaky_relu(x, alpha), expected)
        assert hw.leaky_relu.derivative(x, alpha).dtype == computed


@floats
def test_out_never_changes_what_is_computed(activation, dtype):
    x = numbers(dtype, 50)
    for other in cast_to(dtype):
        out = np.zeros(50, other)
        assert activation(x, out=out) is out
        with np.errstate(all="ignore"):
            assert_same_bits(out, expected_value(activation, x).astype(other))


@floats
@pytest.mark.parametrize("alpha", [0.01, 1 / 3, -1e-5, 65519.0, 65520.0, 1e39, 6e-8, 1e-41, 1e-320])
def test_a_python_number_is_converted_as_numpy_converts_it(dtype, alpha):
    with np.errstate(all="ignore"):
        converted = np.asarray(alpha).astype(dtype)
    for x in (-np.ones(3, dtype), -np.ones(6, dtype)[::2], np.array(-1.0, dtype), dtype.type(-1)):
        expected = np.broadcast_to(-converted, np.shape(x))
        assert_same_bits(hw.leaky_relu(x, alpha), expected)
        assert_same_bits(hw.leaky_relu.vjp(x, alpha)[0], expected)
        assert_same_bits(-hw.leaky_relu.derivative(x, alpha), expected)


@floats
@pytest.mark.parametrize("alpha", [3, -(2**24) - 1, 2**53 + 1, 2**60 + 2**36 + 1, 10**30])
def test_a_python_int_gives_the_same_bits_in_every_layout_and_call(dtype, alpha):
    x = -np.ones(6, dtype)
    together = hw.leaky_relu(x, alpha)
    assert_same_bits(hw.leaky_relu(x[::2], alpha), together[::2])
    assert_same_bits(hw.leaky_relu(x.reshape(2, 3).T, alpha), together.reshape(2, 3).T)
    assert_same_bits(hw.leaky_relu(x[0], alpha), together[0])
    assert_same_bits(hw.leaky_relu(x, alpha, order="C"), together)
    assert_same_bits(hw.leaky_relu.vjp(x, alpha)[0], together)
    assert_same_bits(-hw.leaky_relu.derivative(x, alpha), together)


def test_python_floats_give_python_floats(activation):
    for x in (-2.5, 0.0, 2.5, float("inf")):
        assert type(activation(x)) is float
        assert activation(x) == activation(np.float64(x))
    assert np.isnan(activation(float("nan")))


@pytest.mark.parametrize("alpha", [0.5, 2, True, np.float64(0.5), np.float32(0.5), np.int8(2)])
def test_a_python_number_stays_one_beside_any_number_for_alpha(alpha):
    for x in (-4, -4.0):
        assert type(hw.leaky_relu(x, alpha)) is float
        assert type(hw.leaky_relu.derivative(x, alpha)) is float
        assert hw.leaky_relu(x, alpha) == -4.0 * float(alpha)


def test_python_ints_give_ints_for_relu_whatever_their_size():
    for x in (
        0,
        1,
        -1,
        255,
        2**31,
        -(2**31),
        2**63 - 1,
        2**63,
        2**64,
        -(2**64),
        10**400,
        -(10**400),
    ):
        assert hw.relu(x) == max(0, x)
        assert type(hw.relu(x)) is int
        assert hw.relu.derivative(x) == (x > 0)
        assert type(hw.relu.derivative(x)) is int


def test_python_ints_give_floats_for_leaky_relu():
    assert [hw.leaky_relu(x, 0.5) for x in (-3, 0, 3)] == [-1.5, 0.0, 3.0]
    assert type(hw.leaky_relu(3)) is float
    assert hw.leaky_relu(-(10**300), 0.5) == -0.5e300


def test_an_int_too_large_for_float_is_refused_with_the_reason():
    for call in (
        lambda: hw.leaky_relu(10**400),
        lambda: hw.leaky_relu(1.0, 10**400),
        lambda: hw.leaky_relu(np.ones(3), 10**400),
    ):
        with pytest.raises(OverflowError, match="too large.*1.8e308"):
            call()


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=lambda d: d.char + str(d))
def test_numpy_scalars_and_0d_arrays_give_scalars(activation, dtype):
    x = numbers(dtype, 40)
    expected = expected_value(activation, x)
    for i, scalar in enumerate(x):
        for single in (scalar, x[i : i + 1].reshape(())):
            assert type(activation(single)) is expected.dtype.type
            assert_same_bits(activation(single), expected[i])


def test_lists_give_arrays(activation):
    assert_same_bits(activation([[1.0, -2.0]]), activation(np.array([[1.0, -2.0]])))
    assert_same_bits(activation([1, -2]), activation(np.array([1, -2])))
    assert_same_bits(activation([]), activation(np.array([])))
    assert_same_bits(activation((1.0, -2.0)), activation(np.array([1.0, -2.0])))


REFUSED = {
    "complex": (np.array([1j]), "complex numbers have no order; pass x.real, x.imag or abs(x)"),
    "clongdouble": (np.ones(1, np.clongdouble), "complex numbers have no order"),
    "python complex": (1j, "complex numbers have no order"),
    "str": (np.array(["a"]), "text is not a number; convert it with x.astype(numpy.float64)"),
    "python str": ("1.0", "text is not a number"),
    "bytes": (np.array([b"a"]), "text is not a number"),
    "StringDType": (np.array(["a"], np.dtypes.StringDType()), "text is not a number"),
    "object": (np.array([1.0, None]), "convert it with x.astype(numpy.float64)"),
    "None": (None, "pass a number, an array, or a list of numbers"),
    "datetime": (np.array(["2020"], "M8[D]"), "dates and durations have no slope"),
    "timedelta": (np.array([1], "m8[s]"), "convert them with x.astype(numpy.int64)"),
    "void": (np.zeros(1, "V4"), "records and raw bytes are not numbers"),
    "float8": (np.ones(1, ml_dtypes.float8_e5m2), "does not take ml_dtypes.float8_e5m2"),
    "int4": (np.ones(1, ml_dtypes.int4), "does not take ml_dtypes.int4"),
    "structured": (np.zeros(1, "f4,f4"), "records and raw bytes are not numbers"),
}


@pytest.mark.parametrize("x, reason", REFUSED.values(), ids=REFUSED)
def test_what_has_no_sign_is_refused_with_why_and_what_to_do(activation, x, reason):
    for call in (activation, activation.derivative, activation.vjp):
        with pytest.raises(TypeError) as refused:
            call(x)
        assert reason in str(refused.value)


NOT_REAL = [
    1j, np.complex64(1 + 2j), np.array([1j]), "a", np.array(["a"]), None, [None],
    np.timedelta64(3), np.datetime64("2020"), np.array([3], "m8[s]"),
]  # fmt: skip


@pytest.mark.parametrize("alpha", NOT_REAL, ids=repr)
def test_an_alpha_that_is_no_real_number_is_refused_by_name(alpha):
    for x in (-1.0, -1, np.ones(3), np.ones(3, np.float32)[::2], np.ones(3, np.int8)):
        for call in (hw.leaky_relu, hw.leaky_relu.derivative, hw.leaky_relu.vjp):
            with pytest.raises(TypeError, match="alpha"):
                call(x, alpha)


def test_an_out_of_the_wrong_shape_or_dtype_is_refused_before_anything_is_written(activation):
    x = np.array([-1.0, 2.0, 3.0])
    for out in (np.full(2, 9.0), np.full((3, 1), 9.0), np.full(3, 9), np.full(3, 9, np.uint8)):
        kept = out.copy()
        for operation in (activation, activation.derivative):
            with pytest.raises(
                (TypeError, ValueError), match=f"out has .*{out.shape[0]}|{out.dtype}"
            ):
                operation(x, out=out)
            assert_same_bits(out, kept)


def test_casting_is_as_in_every_ufunc():
    x = np.array([-1.5, 2.5], np.float32)
    out = np.zeros(2, np.int32)
    with pytest.raises(TypeError, match="out has dtype int32"):
        hw.relu(x, out=out)
    hw.relu(x, out=out, casting="unsafe")
    assert_same_bits(out, np.array([0, 2], np.int32))
    with pytest.raises(TypeError, match="casting='safe'"):
        hw.leaky_relu(x, np.array([0.1]), casting="safe")
    for casting in ("safe", "same_kind", "unsafe"):
        assert_same_bits(hw.leaky_relu(x, 0.5, casting=casting), np.array([-0.75, 2.5], np.float32))


def troublesome(dtype):
    """Numbers of which one or the other raises each of the floating-point flags."""
    return np.concatenate([edges(dtype), signalling_nans(dtype)])


SLOPES = [0.01, 1e300, 1e-300, -1e39, 6e-8, np.inf, np.nan, 10**30]
ARRAYS = [np.array(1e300), np.array([[1e300], [1e-300]]), np.array([[np.nan], [1e-41]], np.float32)]


@floats
@pytest.mark.parametrize("slope", [*SLOPES, *ARRAYS], ids=str)
def test_no_call_touches_the_floating_point_error_state(activation, target, dtype, slope):
    x = troublesome(dtype)
    arguments = [slope] * len(activation.parameters)
    shape = np.broadcast_shapes(x.shape, *(np.shape(a) for a in arguments))
    with np.errstate(all="raise"):
        for call in (activation, activation.derivative):
            for view in (x, x[::2], x[::-1], np.tile(x, (2, 1))):
                call(view, *arguments)
            for other in cast_to(dtype):
                call(x, *arguments, out=np.zeros(shape, other))
            call(x, *arguments, out=np.zeros(shape, dtype), where=np.ones(shape, bool))
            [call(v, *arguments) for v in x]
        for at_kink in ("left", "right", 0.5, np.inf, np.nan, 1e300):
            activation.derivative(x, *arguments, at_kink=at_kink)


@floats
@pytest.mark.parametrize("slope", SLOPES, ids=str)
def test_no_pullback_touches_the_floating_point_error_state(activation, target, dtype, slope):
    x = troublesome(dtype)
    arguments = [slope] * len(activation.parameters)
    with np.errstate(all="raise"):
        for view in (x, x[::2], x[::-1], np.tile(x, (2, 1))):
            value, pullback = activation.vjp(view, *arguments)
            for g in (value, view[::-1], 1e300, 1e-300, np.array(1e300), 2, np.inf):
                pullback(g)


@floats
def test_numpys_own_call_of_the_ufunc_warns_of_no_arithmetic(activation, target, dtype):
    x = troublesome(dtype)
    arguments = [dtype.type(3)] * len(activation.parameters)
    matrix = np.tile(x, (3, 1))
    with np.errstate(all="raise"):
        for operation in (activation, activation.derivative):
            operation.ufunc(x, *arguments)
            operation.ufunc(matrix, *(np.full(x.size, a) for a in arguments))
            operation.ufunc(matrix[:, ::2], *arguments)


def test_the_error_state_of_the_caller_is_left_as_it_was(activation):
    with np.errstate(divide="warn", over="raise", under="ignore", invalid="print"):
        before = np.geterr()
        activation(troublesome(np.dtype(np.float16))[::2])
        activation([1.0, np.nan])
        assert np.geterr() == before


IMPORTS = {
    "ml_dtypes first": "import ml_dtypes, numpy as np, halfwave as hw",
    "halfwave first": "import halfwave as hw, ml_dtypes, numpy as np",
    "halfwave used first": "import halfwave as hw, numpy as np; hw.relu(np.ones(3)); import ml_dtypes",
}
FIRST_USES = {
    "value": "y = f(x)",
    "out": "y = np.zeros(3, x.dtype); assert f(x, out=y) is y",
    "out, where": "y = np.zeros(3, x.dtype); f(x, out=y, where=[True] * 3)",
    "float32 into bfloat16": "y = np.zeros(3, x.dtype); f(x.astype('f4'), out=y)",
    "bfloat16 into float32": "y = np.zeros(3, 'f4'); f(x, out=y); y = y.astype(x.dtype)",
    "strided": "y = f(np.repeat(x, 2)[::2])",
    "scalars": "y = np.array([f(v) for v in x])",
    "vjp": "y, pullback = f.vjp(x); assert pullback(x).dtype == x.dtype",
    "derivative": "assert f.derivative(x).dtype == x.dtype; y = f(x)",
    "at_kink": "assert f.derivative(x, at_kink=1).dtype == x.dtype; y = f(x)",
    "alpha": "hw.leaky_relu(np.ones(3, 'f4'), x); y = f(x)",
    "the ufunc": "y = f.ufunc(x, *(x.dtype.type(p.default) for p in f.parameters.values()))",
}


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("use", FIRST_USES)
def test_bfloat16_works_however_it_is_used_first(name, use):
    check_first_use(IMPORTS["halfwave first"], name, FIRST_USES[use])


@pytest.mark.parametrize("use", ["value", "out"])
@pytest.mark.parametrize("imports", ["ml_dtypes first", "halfwave used first"])
def test_bfloat16_works_whichever_is_imported_first(imports, use):
    for name in ("relu", "leaky_relu"):
        check_first_use(IMPORTS[imports], name, FIRST_USES[use])


def check_first_use(imports, name, use):
    expected = {"relu": [0.0, 0.0, 2.0], "leaky_relu": [-0.02001953125, 0.0, 2.0]}[name]
    program = f"""
{imports}
f = hw.{name}
x = np.array([-2.0, 0.0, 2.0], ml_dtypes.bfloat16)
{use}
assert type(y) is np.ndarray and y.dtype == ml_dtypes.bfloat16, y
assert y.tolist() == {expected}, y.tolist()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{use}\n{done.stderr}"


def test_bfloat16_is_of_ml_dtypes():
    assert bfloat16 == HALVES[1]
    assert hw.relu(np.zeros(3, bfloat16)).dtype == bfloat16


def test_half_precisions_do_not_mix_but_both_take_float32_slopes():
    x, y = (np.array([-1.0, 2.0], dtype) for dtype in HALVES)
    for a, b in ((x, y), (y, x)):
        assert hw.leaky_relu(a, np.float32(0.5)).dtype == a.dtype
        if np.can_cast(b.dtype, a.dtype, "same_kind"):
            assert hw.leaky_relu(a, b).dtype == a.dtype
        else:
            with pytest.raises(TypeError, match="alpha has dtype"):
                hw.leaky_relu(a, b)
