"""The compiled module itself: its ufuncs in reductions, its private functions, its type."""

import numpy as np
import pytest
from bits import assert_same_bits

import halfwave as hw
from halfwave import _core

FLOATS = ["f2", "f4", "f8", "g"]


def one_by_one(ufunc, x):
    """What accumulate has to give, each element from the one before it."""
    results = [x[0]]
    for element in x[1:]:
        results.append(ufunc(results[-1], element))
    return np.array(results, x.dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["leaky_relu", "relu_pullback"])
@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 600])
@pytest.mark.parametrize("step", [1, 3, -1])
def test_reductions_of_a_ufunc_with_two_operands_take_one_element_after_another(
    name, dtype, size, step, target
):
    ufunc = getattr(_core, name)
    x = np.random.default_rng(size).uniform(-1.5, 1.5, size * abs(step)).astype(dtype)[::step]
    expected = one_by_one(ufunc, x)
    assert_same_bits(ufunc.accumulate(x), expected)
    assert_same_bits(np.asarray(ufunc.reduce(x)), np.asarray(expected[-1]))
    columns = np.stack([x, x], axis=1)
    assert_same_bits(ufunc.accumulate(columns, axis=0), np.stack([expected, expected], axis=1))


@pytest.mark.parametrize(
    "arguments",
    [
        ("leaky_relu", np.zeros(3), (1.0,)),
        ("leaky_relu", np.zeros(3), ()),
        ("leaky_relu", np.zeros(3), (np.zeros(2),)),
        ("leaky_relu", np.zeros(3), (np.zeros((), "V100000"),)),
        ("leaky_relu", np.zeros(3), (np.zeros(3, ">f8"),)),
        ("leaky_relu", np.zeros(3, int), (np.array(1),)),
        ("relu", np.zeros(6)[::2], ()),
        ("relu", np.zeros(3, ">f4"), ()),
        ("relu", np.zeros(3, complex), ()),
        ("gelu", np.zeros(3), ()),
    ],
)
def test_operands_that_the_engine_cannot_read_are_refused(arguments):
    name, x, parameters = arguments
    with pytest.raises(SystemError):
        _core.record(name, x, parameters)
    with pytest.raises(SystemError):
        _core.apply(name, np.zeros(100, np.uint8), x, parameters)


@pytest.mark.parametrize("bits", [np.zeros(8, "u1"), np.zeros(99, "i8"), np.zeros(99, "u1")[::-2]])
def test_bits_that_are_too_few_or_lie_apart_are_refused(bits):
    with pytest.raises(SystemError):
        _core.apply("relu", bits, np.zeros(3), ())


def test_a_callable_needs_an_activation_and_its_parameters():
    for arguments in [
        ("heaviside", False, (), ()),
        ("leaky_relu", False, (), ()),
        ("leaky_relu", False, (1,), (0.1,)),
        ("leaky_relu", False, ("alpha",), (1,)),
    ]:
        with pytest.raises(ValueError, match=arguments[0]):
            _core.Callable(*arguments)


def test_a_subclass_may_be_called_in_its_own_way():
    class Louder(hw.Activation):
        def __call__(self, x):
            return 2 * hw.relu(x)

    assert Louder(hw.relu._facts)(3.0) == 6.0


def test_a_bool_counts_as_a_number_in_vjp_too():
    value, pullback = hw.leaky_relu.vjp(True)
    assert (value, pullback(0.1)) == (1.0, 0.1)


def test_an_attribute_that_python_looks_for_is_missing_without_advice():
    with pytest.raises(AttributeError, match="^__wrapped__$"):
        _ = hw.relu.__wrapped__


@pytest.mark.parametrize("option", [{"order": "C"}, {"casting": "safe"}])
def test_a_python_number_stays_one_beside_options_that_are_of_arrays_alone(option):
    assert type(hw.relu(1.0, **option)) is float
    assert type(hw.relu(1, **option)) is int
