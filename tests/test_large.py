"""Large arrays are computed past the cache and on several threads: the same bits, and no hang.

The threads are OpenMP's, which a forked child does not have.
"""

import os
import sys

import fresh
import numpy as np
import pytest
from bits import assert_same_bits
from operations import defaults_of, each_kind, each_operation
from samples import numbers

import halfwave as hw
from halfwave import _core

threadpoolctl = pytest.importorskip("threadpoolctl")

hw.relu(np.zeros(2**22, "f4"))
POOLS = threadpoolctl.ThreadpoolController().select(user_api="openmp")
if not POOLS:
    pytest.skip("built without OpenMP", allow_module_level=True)

LARGE = 2**22 + 77  # elements; from 8 MiB on there may be two threads
DTYPES = [np.dtype(code) for code in ("f2", "f4", "f8", "i4")]


def many(code, n, seed=0):
    """n numbers, which repeat in no step with threads or cache lines."""
    return np.resize(numbers(np.dtype(code), 100_003, seed=seed), n)


@pytest.fixture(params=[2, 3, 8])
def threads(request):
    """How many threads there are during the test."""
    with POOLS.limit(limits=request.param):
        assert _core.max_threads() == request.param
        yield request.param


def on_one_thread(call):
    with POOLS.limit(limits=1):
        assert _core.max_threads() == 1
        return call()


@each_operation
def test_no_bit_depends_on_the_number_of_threads(op, threads):
    for dtype in DTYPES:
        x = many(dtype, LARGE)
        expected = on_one_thread(lambda x=x: op(x))
        assert_same_bits(op(x), expected)
        assert_same_bits(op(x[::-1]), expected[::-1])
        assert_same_bits(op(x[1:], out=np.empty_like(expected)[1:]), expected[1:])
        if expected.dtype == dtype:
            within = x.copy()
            assert op(within, out=within) is within
            assert_same_bits(within, expected)
        assert_same_bits(op(x, *defaults_of(op)), expected)


@each_kind
def test_no_bit_of_a_pullback_depends_on_the_number_of_threads(f, threads):
    x, g = many("f4", LARGE), many("f4", LARGE, seed=1)
    parameters = [np.linspace(-1, 2, LARGE, dtype="f4") for _ in f.parameters]
    for given in ([], parameters):
        value, pullback = f.vjp(x, *given)
        expected_value, expected_pullback = on_one_thread(lambda given=given: f.vjp(x, *given))
        assert_same_bits(value, expected_value)
        expected = on_one_thread(lambda p=expected_pullback: p(g))
        assert_same_bits(pullback(g), expected)
        assert_same_bits(expected_pullback(g), expected)


# Past the cache


@each_operation
@pytest.mark.parametrize("code", ["f2", "f4", "f8"])
def test_no_bit_depends_on_whether_the_result_fits_in_the_cache(op, code):
    x = many(code, 3 * 2**23 // np.dtype(code).itemsize + 77)
    expected = np.concatenate([op(part) for part in np.array_split(x, 97)])
    out = np.zeros_like(expected)
    assert_same_bits(op(x, out=out), expected)
    out[1:] = 7  # a place that no vector is aligned to
    assert_same_bits(op(x[1:], out=out[1:]), expected[1:])
    assert op(x, out=x) is x
    assert_same_bits(x, expected)


@each_kind
def test_no_bit_of_a_pullback_depends_on_whether_it_fits_in_the_cache(f):
    x, g = many("f4", 9 * 2**20 + 77), many("f4", 9 * 2**20 + 77, seed=1)
    value, pullback = f.vjp(x)
    parts = [f.vjp(part) for part in np.array_split(x, 97)]
    assert_same_bits(value, np.concatenate([value for value, _ in parts]))
    pulled = [pull(part) for (_, pull), part in zip(parts, np.array_split(g, 97), strict=True)]
    before = hw.recycle_results(2**28)
    try:
        for _ in range(2):  # the second in memory that was there before
            assert_same_bits(pullback(g), np.concatenate(pulled))
    finally:
        hw.recycle_results(0)
        hw.recycle_results(before)


# A result that lies over its own argument


OVERLAPS = {
    "one behind": lambda a: (a[1:], a[:-1]),
    "one ahead": lambda a: (a[:-1], a[1:]),
    "some behind": lambda a: (a[17:], a[:-17]),
    "every second": lambda a: (a[::2], a[: (a.size + 1) // 2]),
    "from the back": lambda a: (a[::-1], a),
    "rows": lambda a: (a[: 2**21].reshape(1024, -1)[1:], a[: 2**21].reshape(1024, -1)[:-1]),
}


@each_operation
@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_large_result_may_lie_over_its_argument(op, overlap, count):
    a = many("f8", 2**22 + 77)
    x, out = overlap(a)
    with POOLS.limit(limits=count):
        expected = op(x.copy())
        op(x, out=out)
    assert_same_bits(out, expected)


def test_a_large_result_may_lie_over_its_parameter(threads):
    x, a = many("f4", 2**23), many("f4", 2**23 + 1, seed=1)
    expected = hw.leaky_relu(x, a[1:].copy())
    assert_same_bits(hw.leaky_relu(x, a[1:], out=a[:-1]), expected)


# How many threads


THREADS_USED = """\
import os, sys
import numpy as np, halfwave as hw
def threads():
    return len(os.listdir("/proc/self/task"))
x = np.ones({elements}, "f4")
before = threads()
hw.relu(x)
print(threads() - before)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
@pytest.mark.parametrize("wanted", [1, 2, 5])
def test_the_variable_says_how_many_threads_there_are(wanted):
    program = THREADS_USED.format(elements=2**23)
    variables = {"OMP_NUM_THREADS": str(wanted), "OPENBLAS_NUM_THREADS": "1"}
    assert fresh.output_of(program, **variables) == f"{wanted - 1}\n"


@linux
def test_a_small_array_wakes_no_thread():
    program = THREADS_USED.format(elements=2**20)
    variables = {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"}
    assert fresh.output_of(program, **variables) == "0\n"


FORK = """\
import os, warnings
import numpy as np, halfwave as hw
from halfwave import _core
warnings.simplefilter("ignore")  # Python warns of a fork beside threads
x = np.ones(2**23, "f4")
value, pullback = hw.leaky_relu.vjp(x)
print(_core.max_threads())
child = os.fork()
if child == 0:
    assert _core.max_threads() == 1
    for _ in range(3):
        assert hw.relu(x).sum() == 2**23
        assert hw.relu.ufunc(x, out=x) is x
        assert hw.leaky_relu.vjp(x)[1](pullback(x)).sum() == 2**23
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0 if hw.relu(x).sum() == 2**23 else 1)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(_core.max_threads(), int(hw.relu(x).sum()))
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


@needs_fork
@pytest.mark.parametrize("_", range(3))
def test_a_child_forked_from_a_parent_that_used_two_threads_computes_alone(_):
    assert fresh.output_of(FORK, OMP_NUM_THREADS="2").split() == ["2", "0", "2", str(2**23)]


HANG = """\
import ctypes, os, signal, sys, threadpoolctl, warnings
import numpy as np, halfwave as hw
warnings.simplefilter("ignore")
x = np.ones(2**23, "f4")
hw.relu(x)
pools = [pool["filepath"] for pool in threadpoolctl.threadpool_info()]
openmp = next((path for path in pools if "libgomp" in path), None)
if not openmp:
    sys.exit(print("none"))
openmp = ctypes.CDLL(openmp)
child = os.fork()
if child == 0:
    # What the engine would do if it did not know of the fork.
    body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
    openmp.GOMP_parallel(body, None, 2, 0)
    os._exit(0)
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(2)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@needs_fork
@linux
def test_the_hang_that_the_child_is_spared_is_real():
    # In a process of its own, where halfwave's OpenMP is the only one.
    ended = fresh.output_of(HANG, OMP_NUM_THREADS="2")
    if ended == "none\n":
        pytest.skip("this OpenMP is not libgomp")
    assert ended == "-9\n"
