"""No call leaves an object, a reference or memory behind, not even one that is refused."""

import gc
import sys

import numpy as np
import pytest
from operations import ACTIVATIONS, OPERATIONS
from test_callable_errors import (
    DTYPES_REFUSED,
    WRONG_ARGUMENTS,
    WRONG_GRADIENTS,
    WRONG_OPTIONS,
    WRONG_PARAMETERS,
    WRONG_PARAMETERS_OF_VJP,
)

import halfwave as hw

X, OUT, ALPHA, G = (np.ones(3, "f4") for _ in range(4))
DTYPE = np.dtype("f4")


def refused(call):
    def attempt():
        try:
            call()
        except (TypeError, ValueError, OverflowError, AttributeError):
            return
        raise AssertionError("this call should have been refused")

    return attempt


def good_calls():
    """One call for every way through the engine, by what it is."""
    calls = {}
    for op in OPERATIONS:
        for name, x in {
            "float": -1.5,
            "int": -3,
            "array": X,
            "strided": X[::2],
            "list": [1.0, -1.0],
            "float16": X.astype("f2"),
            "integers": np.arange(3),
            "masked": np.ma.array(X),
        }.items():
            calls[f"{op.__qualname__}({name})"] = lambda op=op, x=x: op(x)
        if not op._facts.is_smooth:
            calls[f"{op.__qualname__}(longdouble)"] = lambda op=op: op(X.astype("g"))
        calls[f"{op.__qualname__}(out)"] = lambda op=op: op(X, out=OUT)
        calls[f"{op.__qualname__}(where)"] = lambda op=op: op(X, out=OUT, where=[True, False, True])
        calls[f"repr({op.__qualname__})"] = lambda op=op: repr(op)
    for f in ACTIVATIONS:
        given = [ALPHA] * len(f.parameters)
        calls[f"{f.name}(arrays)"] = lambda f=f, given=given: f(X, *given)
        calls[f"{f.name}.vjp"] = lambda f=f, given=given: f.vjp(X, *given)[1](G)
        if not f._facts.is_learned:
            calls[f"{f.name}.vjp(masked)"] = lambda f=f: f.vjp(np.ma.array(X))[1](G)
        calls[f"{f.name}.derivative(at_kink)"] = lambda f=f: f.derivative(X, at_kink="right")
        calls[f"Activation({f.name})"] = lambda f=f: hw.Activation(f._facts)(X)
    return calls


def wrong_calls():
    """Every call that test_callable_errors.py makes."""
    calls = [call for call, *_ in WRONG_ARGUMENTS + WRONG_PARAMETERS_OF_VJP]
    calls += [lambda call=call: call(hw.leaky_relu) for call, *_ in WRONG_PARAMETERS]
    calls += [lambda o=options: hw.leaky_relu(np.ones(3), **o) for options, *_ in WRONG_OPTIONS]
    for x, _ in DTYPES_REFUSED.values():
        calls += [lambda x=x: hw.relu(x), lambda x=x: hw.relu.vjp(x)]
    _, pullback = hw.relu.vjp(np.ones(3))
    calls += [lambda g=g: pullback(g) for g, *_ in WRONG_GRADIENTS]
    calls += [lambda: hw.relu.gradient, lambda: hw.relu.derivative(X, at_kink="middle")]
    return {f"wrong call {k}": refused(call) for k, call in enumerate(calls)}


EVERY_CALL = good_calls() | wrong_calls()
WATCHED = [X, OUT, ALPHA, G, DTYPE, None, True, np.ufunc, np.ndarray, hw.Activation, *OPERATIONS]
WATCHED += [op.ufunc for op in OPERATIONS]


def left_behind(call):
    """The objects and references that stay after each call, on average.

    Python and NumPy fill caches of their own at first, but not for ever: a leak is in every round.
    """
    for _ in range(20):
        call()
    for _ in range(20):
        stayed = _left_behind_in_one_round(call, times=100)
        if max(stayed) < 0.5:
            break
    return stayed


def _left_behind_in_one_round(call, times):
    gc.collect()
    references = [sys.getrefcount(thing) for thing in WATCHED]
    objects = sys.getallocatedblocks()
    for _ in range(times):
        call()
    gc.collect()
    more_objects = sys.getallocatedblocks() - objects
    counted = [sys.getrefcount(thing) for thing in WATCHED]
    more = [abs(after - before) for before, after in zip(references, counted, strict=True)]
    return max(0, more_objects) / times, max(more) / times


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """What is there before the tests is not looked through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize("call", EVERY_CALL.values(), ids=EVERY_CALL)
def test_a_call_leaves_no_object_and_no_reference_behind(call):
    objects, references = left_behind(call)
    assert objects < 0.5
    assert references < 0.5


def test_the_watch_over_leaks_sees_a_kept_object_and_a_kept_reference():
    kept = []
    assert left_behind(lambda: kept.append(object()))[0] > 0.9
    assert left_behind(lambda: kept.append(X))[1] > 0.9
    assert max(left_behind(lambda: None)) < 0.5


def test_memory_stays_constant_in_a_long_loop():
    resource = pytest.importorskip("resource")
    x, bad = np.ones(1 << 18, "f4"), np.ones(5)

    def everything():
        hw.relu(x), hw.leaky_relu(x, 0.5), hw.leaky_relu(x[::2], x[::2])
        hw.leaky_relu.derivative(x, at_kink="left"), hw.leaky_relu.vjp(x, x)[1](x)
        refused(lambda: hw.leaky_relu(x, bad))(), refused(lambda: hw.relu(x, out=bad))()

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, or bytes on macOS

    for _ in range(20):
        everything()
    before = peak()
    for _ in range(150):
        everything()
    unit = 1 if sys.platform == "darwin" else 1024
    assert (peak() - before) * unit < 8 * x.nbytes
