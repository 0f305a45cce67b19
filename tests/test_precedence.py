"""Who computes an array that has both NumPy's protocol and a namespace, and what CuPy's does."""

import sys
from contextlib import nullcontext
from types import ModuleType

import numpy as np
import pytest

import halfwave as hw
from halfwave import libraries


class Wrapped(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a library that computes NumPy's own ufuncs, and declines all others."""

    device = nullcontext()

    def __init__(self, array):
        self.array = np.asarray(array)
        self.dtype, self.shape, self.size = self.array.dtype, self.array.shape, self.array.size

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if not self.computes(ufunc):
            return NotImplemented
        return self.wrap(getattr(ufunc, method)(*map(self.unwrap, inputs), **options))

    @staticmethod
    def computes(ufunc):
        return hasattr(np, ufunc.__name__)

    @classmethod
    def wrap(cls, result):
        return cls(result) if isinstance(result, (np.ndarray, np.generic)) else result

    @staticmethod
    def unwrap(value):
        return getattr(value, "array", value)


def namespace(cls, name):
    """NumPy's functions, for arrays of this class."""

    class Namespace(ModuleType):
        def __getattr__(self, function):
            def call(*args, device=None, **options):
                return cls.wrap(getattr(np, function)(*map(cls.unwrap, args), **options))

            return call

    return Namespace(name)


class Declines(Wrapped):
    """Both protocols; leaves the ufuncs of others alone."""

    def __array_namespace__(self, api_version=None):
        return DECLINES


def answering():
    """A class with both protocols that has every ufunc compute it, and the names it is asked."""
    asked = []

    class Answers(Wrapped):
        @staticmethod
        def computes(ufunc):
            asked.append(ufunc.__name__)
            return True

        def __array_namespace__(self, api_version=None):
            raise AssertionError("the ufunc comes first")

    return Answers, asked


class OptsOut(Declines):
    """A namespace, and an express no to NumPy's ufuncs."""

    __array_ufunc__ = None


DECLINES = namespace(Declines, "declining.arrays")

X = np.array([[1.5, -2.5, 0.0], [np.inf, -np.inf, np.nan]], "f4")


def everything(x):
    """What each operation gives for x."""
    value, pullback = hw.leaky_relu.vjp(x, 0.5)
    return [
        hw.relu(x),
        hw.leaky_relu(x, alpha=0.5),
        hw.relu.derivative(x),
        hw.relu.derivative(x, at_kink="right"),
        value,
        pullback(2.0),
        hw.relu.vjp(x)[1](x),
    ]


def assert_computes(cls):
    for actual, expected in zip(everything(cls(X)), everything(X), strict=True):
        assert type(actual) is cls
        np.testing.assert_array_equal(actual.array, expected)
        assert actual.dtype == expected.dtype


def test_a_class_whose_ufunc_protocol_declines_is_computed_by_its_namespace():
    assert_computes(Declines)


def test_a_class_that_opts_out_of_ufuncs_is_its_namespaces():
    assert libraries.find(OptsOut(X)) is libraries.find(Declines(X))
    assert libraries.find(OptsOut(X)).name == "declining"


def test_a_class_whose_ufunc_protocol_answers_is_computed_by_the_compiled_ufuncs():
    cls, asked = answering()
    assert_computes(cls)
    assert {"relu", "leaky_relu", "relu_derivative", "leaky_relu_pullback"} <= {*asked}
    assert libraries.find(cls(X)) is None


def test_it_is_asked_once_per_class():
    cls, asked = answering()
    for _ in range(3):
        assert libraries.find(cls(X)) is None
    assert len(asked) == 1


def test_a_refusal_of_its_dtype_is_an_answer_and_is_told_by_the_call():
    cls, _ = answering()
    with pytest.raises(TypeError, match="relu does not take .*complex.*; pass x.real"):
        hw.relu(cls(X.astype("c8")))
    assert libraries.find(cls(X)) is None


def test_numpy_and_its_subclasses_are_numpys():
    for x in (X, np.float32(1), np.ma.array(X), X.view(np.memmap)):
        assert libraries.find(x) is None
    assert libraries.find(1.0, 2, [1.0], "text", None, object()) is None


# CuPy has no namespace protocol; its module is the namespace. No device is needed to see that.


@pytest.fixture
def stand_in_for_cupy(monkeypatch):
    """A module `cupy` whose arrays are NumPy's within."""

    class ndarray(Wrapped):
        pass

    cupy = namespace(ndarray, "cupy")
    cupy.ndarray = ndarray
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "halfwave.libraries.cupy_arrays", None)
    del sys.modules["halfwave.libraries.cupy_arrays"]  # to be put back as it was
    libraries._adapter.cache_clear()
    yield ndarray
    libraries._adapter.cache_clear()


def test_cupy_arrays_are_computed_by_cupys_functions(stand_in_for_cupy):
    assert_computes(stand_in_for_cupy)
    x = stand_in_for_cupy(X)
    assert libraries.find(x).name == "cupy"
    for operands in ((X, stand_in_for_cupy(np.float32(0.5))), (x, X), (x, [0.5, 1.0, 2.0])):
        assert type(hw.leaky_relu(*operands)) is stand_in_for_cupy
    assert hw.relu.vjp(x)[1].nbytes == X.nbytes


def test_a_real_cupy_array_declines_our_ufuncs_and_goes_to_cupy():
    cupy = pytest.importorskip("cupy")
    nowhere = cupy.cuda.UnownedMemory(4096, 12, None, device_id=0)
    x = cupy.ndarray((3,), "f4", cupy.cuda.MemoryPointer(nowhere, 0))  # needs no device
    assert type(x).__array_ufunc__(x, hw.relu.ufunc, "__call__", x) is NotImplemented
    library = libraries.find(x, 0.5)
    assert library.name == "cupy"
    assert library.nbytes(x) == 12
    if not cupy.cuda.is_available():
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
            hw.relu(x)
