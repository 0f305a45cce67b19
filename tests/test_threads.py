"""Calls from many Python threads are safe, and long ones let the others run meanwhile."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import fresh
import numpy as np
import pytest
from bits import assert_same_bits
from operations import defaults_of, each_kind, each_operation
from samples import numbers

import halfwave as hw

THREADS = 8
SIZES = [1, 7, 64, 1000, 8191, 8192, 8193, 70_001]  # the GIL is released from 32 KiB on
DTYPES = [np.dtype(code) for code in ("f2", "f4", "f8", "i4")]


# Many threads at once


@pytest.fixture
def eager_switching():
    """Python threads take turns a thousand times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(work):
    """What `work(thread)` gives in many threads that start together."""
    start = threading.Barrier(THREADS)

    def run(thread):
        start.wait()
        return work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@each_operation
def test_threads_that_share_x_and_not_out_get_the_right_bits(op, eager_switching):
    shared = [numbers(dtype, n, seed=n) for dtype in DTYPES for n in SIZES]
    expected = [op(x) for x in shared]
    strided = [op(x[::2]) for x in shared]

    def work(thread):
        for turn in range(len(shared)):
            k = (turn + thread) % len(shared)
            out = np.empty_like(expected[k])
            assert op(shared[k], out=out) is out
            assert_same_bits(out, expected[k])
            assert_same_bits(op(shared[k][::2]), strided[k])
            assert_same_bits(op(shared[k], *defaults_of(op)), expected[k])

    at_once(work)


@each_kind
def test_threads_that_share_a_pullback_get_the_right_bits(f, eager_switching):
    x, g = numbers(np.dtype("f4"), 70_001), numbers(np.dtype("f4"), 70_001, seed=1)
    value, pullback = f.vjp(x)
    expected = pullback(g)

    def work(thread):
        for _ in range(5):
            own_value, own_pullback = f.vjp(x)
            assert_same_bits(own_value, value)
            assert_same_bits(own_pullback(g), expected)
            assert_same_bits(pullback(g), expected)

    at_once(work)


def test_threads_that_meet_a_mistake_are_all_told(eager_switching):
    def work(thread):
        for _ in range(50):
            with pytest.raises(TypeError, match="here it is called alpha"):
                hw.leaky_relu(1.0, negative_slope=thread)

    at_once(work)


FIRST_BFLOAT16 = """\
import sys, threading
import ml_dtypes, numpy as np
import halfwave as hw
sys.setswitchinterval(5e-6)
x = np.arange(-50, 50).astype(ml_dtypes.bfloat16)
start, results = threading.Barrier(8), []
def work():
    start.wait()
    results.append(hw.leaky_relu(x, 0.5))
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads], [t.join() for t in threads]
assert len(results) == 8 and all((r == hw.leaky_relu(x, 0.5)).all() for r in results)
"""


def test_threads_that_bring_the_first_bfloat16_together_all_get_it():
    fresh.output_of(FIRST_BFLOAT16)


FORK = """\
import os, sys
import numpy as np
import halfwave as hw
x = np.linspace(-1, 1, 1 << 22, dtype="f4")
expected = hw.leaky_relu(x).sum()
child = os.fork()
if child == 0:
    os._exit(0 if hw.leaky_relu(x).sum() == expected else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_computes_after_its_parent_has():
    fresh.output_of(FORK)


# Other threads run while a long call runs


def turns_of_another_thread_during(call):
    """How often a second Python thread had its turn while `call` ran.

    The interpreter is told to take the lock from nobody, so that the second thread has a turn
    only when the call itself gives up the lock. A busy machine may not wake it up in time: ask
    a few times.
    """
    turns, stop, started = 0, threading.Event(), threading.Event()

    def count():
        nonlocal turns
        while not stop.is_set():
            turns += 1
            started.set()
            time.sleep(1e-4)

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    other = threading.Thread(target=count)
    other.start()
    try:
        started.wait()
        for _ in range(20):
            before = turns
            call()
            if turns > before:
                return turns - before
        return 0
    finally:
        stop.set()
        other.join()
        sys.setswitchinterval(usual)


@each_operation
def test_long_calls_let_other_threads_run(op):
    x = np.ones(1 << 23, "f4")
    out = np.empty_like(x)
    assert turns_of_another_thread_during(lambda: op(x, out=out)) > 0
    assert turns_of_another_thread_during(lambda: op.ufunc(x, *defaults_of(op), out)) > 0
    assert turns_of_another_thread_during(lambda: op(x[::2], out=out[::2])) > 0


@each_kind
def test_long_vjps_and_pullbacks_let_other_threads_run(f):
    x = np.ones(1 << 23, "f4")
    _, pullback = f.vjp(x)
    assert turns_of_another_thread_during(lambda: f.vjp(x)) > 0
    assert turns_of_another_thread_during(lambda: pullback(x)) > 0


def test_the_count_of_turns_sees_a_call_that_keeps_the_lock():
    many = list(range(1 << 22))
    assert turns_of_another_thread_during(lambda: sum(many)) == 0
    assert turns_of_another_thread_during(lambda: hw.relu(1.0)) == 0
