"""hw.recycle_results keeps the memory of large results: bounded, safe, and the system's to take."""

import ctypes
import os
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fresh
import numpy as np
import pytest
from bits import assert_same_bits
from samples import numbers

import halfwave as hw
from halfwave import _core

if sys.platform == "win32":
    pytest.skip("results are recycled on Linux and macOS alone", allow_module_level=True)

MIB = 2**20
SMALLEST = 32 * MIB
X = numbers(np.dtype("f4"), SMALLEST // 4)
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def recycling():
    """Results are recycled during the test, up to 256 MiB."""
    before = hw.recycle_results(256 * MIB)
    yield
    hw.recycle_results(0)
    hw.recycle_results(before)


def address(array):
    return array.__array_interface__["data"][0]


def handler_of(array):
    from numpy._core.multiarray import get_handler_name

    return get_handler_name(array if array.base is None else array.base)


def test_it_is_off_until_it_is_asked_for():
    program = """\
import numpy as np, halfwave as hw
from numpy._core.multiarray import get_handler_name
print(get_handler_name(hw.relu(np.zeros(2**23, "f4"))), hw.recycle_results(0))
"""
    assert fresh.output_of(program).split() == ["default_allocator", "0"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: hw.relu(X),
        lambda: hw.leaky_relu(X, alpha=0.5),
        lambda: hw.relu.derivative(X),
        lambda: hw.relu(X.reshape(1024, -1).T),
        lambda: hw.relu(np.repeat(X, 2)[::2]),
        lambda: hw.leaky_relu(X.reshape(2, -1), np.float32([[1], [2]])),
        lambda: hw.relu.vjp(X)[0],
        lambda: hw.relu.vjp(X)[1](X),
    ],
)
def test_the_memory_of_a_large_result_is_kept_for_the_next(call):
    hw.recycle_results(0)
    expected = call()
    assert handler_of(expected) == "default_allocator"
    hw.recycle_results(256 * MIB)
    result = call()
    assert handler_of(result) == "halfwave_recycling"
    assert_same_bits(result, expected)
    where = address(result)
    result.fill(np.nan)
    del result
    assert _core.recycled_bytes() == SMALLEST
    again = call()
    assert address(again) == where
    assert _core.recycled_bytes() == 0
    assert_same_bits(again, expected)


def test_smaller_results_and_the_arrays_of_others_are_left_alone():
    assert handler_of(hw.relu(X[:-1])) == "default_allocator"
    assert handler_of(np.zeros(SMALLEST, "u1")) == "default_allocator"
    hw.relu(X)
    assert handler_of(np.zeros(SMALLEST, "u1")) == "default_allocator"


def test_no_more_is_kept_than_the_limit():
    for limit in (SMALLEST, 3 * SMALLEST, 256 * MIB):
        hw.recycle_results(limit)
        for quarters in (4, 5, 9, 20, 4, 6):
            hw.relu(np.ones(SMALLEST // 16 * quarters, "f4"))
            assert _core.recycled_bytes() <= limit
        assert _core.recycled_bytes() >= SMALLEST


def test_a_result_above_the_limit_is_given_back_and_those_kept_stay():
    hw.recycle_results(SMALLEST)
    hw.relu(X)
    hw.relu(np.ones(2 * X.size, "f4"))
    assert _core.recycled_bytes() == SMALLEST


def test_a_kept_block_serves_no_result_that_would_waste_a_fifth_of_it():
    large = hw.relu(np.ones(X.size * 2, "f4"))
    where = address(large)
    del large
    assert address(hw.relu(X)) != where
    assert address(hw.relu(np.ones(X.size * 2 - 5, "f4"))) == where


def test_a_lower_limit_gives_back_what_is_above_it():
    results = [hw.relu(X) for _ in range(3)]
    del results
    assert _core.recycled_bytes() == 3 * SMALLEST
    assert hw.recycle_results(2 * SMALLEST) == 256 * MIB
    assert _core.recycled_bytes() == 2 * SMALLEST
    assert hw.recycle_results(0) == 2 * SMALLEST
    assert _core.recycled_bytes() == 0


def test_arrays_outlive_a_change_of_the_limit():
    expected, result = hw.relu(X).copy(), hw.relu(X)
    hw.recycle_results(0)
    hw.relu(X)
    assert_same_bits(result, expected)
    del result
    assert _core.recycled_bytes() == 0


def test_arrays_outlive_the_interpreter():
    program = """\
import atexit, sys
import numpy as np, halfwave as hw
hw.recycle_results(2**28)
sys.kept = np.kept = [hw.relu(np.ones(2**23, "f4")) for _ in range(3)]
atexit.register(lambda: print(int(sys.kept[0].sum())))
"""
    assert fresh.output_of(program) == f"{2**23}\n"


@pytest.mark.parametrize("size", [X.size // 1000, X.size + 1, X.size * 3])
def test_arrays_can_be_resized(size):
    result = hw.relu(X)
    expected = np.resize(result, min(size, X.size))
    result.resize(size, refcheck=False)
    assert_same_bits(result[: expected.size], expected)
    assert not result[expected.size :].any()
    del result
    hw.relu(X)


def test_tracemalloc_sees_arrays_and_not_what_is_kept():
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = hw.relu(X)
        during = tracemalloc.get_traced_memory()[0]
        del result
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0 <= during - before - X.nbytes < 10_000
    assert abs(after - before) < 10_000


def test_threads_that_recycle_at_once_get_the_right_bits():
    expected = [hw.relu(X[k:]) if k else hw.relu(X) for k in range(4)]
    hw.recycle_results(2 * SMALLEST)
    inputs = [np.concatenate([X, X[:k]]) for k in range(4)]
    start = threading.Barrier(4)

    def work(thread):
        start.wait()
        for turn in range(6):
            k = (thread + turn) % 4
            result = hw.relu(inputs[k])
            assert_same_bits(result[k : X.size], expected[k])
            if turn == 3:
                hw.recycle_results((2 + thread) * SMALLEST)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert _core.recycled_bytes() <= 5 * SMALLEST


FORK = """\
import os, threading, warnings
import numpy as np, halfwave as hw
warnings.simplefilter("ignore")  # Python warns of a fork beside threads
hw.recycle_results(2**28)
x = np.ones(2**23, "f4")
stop = threading.Event()
def churn():
    while not stop.is_set():
        hw.relu(x)
churning = threading.Thread(target=churn)
churning.start()
kept = hw.relu(x)
for _ in range(20):
    child = os.fork()
    if child == 0:
        ok = kept.sum() == 2**23 and all(hw.relu(x).sum() == 2**23 for _ in range(2))
        os._exit(0 if ok and hw.recycle_results(0) == 2**28 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
churning.join()
print("survived")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_meanwhile_recycles_on():
    assert fresh.output_of(FORK) == "survived\n"


# The system takes what is kept when it runs short


def resident_bytes(start):
    """The bytes in memory of the mapping that holds an address."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            first, last = (int(end, 16) for end in name.split("-"))
            inside = first <= start < last
        elif inside and name == "Rss:":
            return int(values[0]) * 1024
    raise AssertionError("no such mapping")


def reclaim(start, bytes):
    """What the system does to these pages when it runs short of memory (madvise(2))."""
    MADV_PAGEOUT = 21
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(bytes), MADV_PAGEOUT):
        pytest.skip(f"no MADV_PAGEOUT here: {os.strerror(ctypes.get_errno())}")


@linux
def test_what_is_kept_is_taken_under_memory_pressure_and_what_is_used_is_not():
    result = hw.relu(X)
    expected, start = result.copy(), address(result)
    reclaim(start, X.nbytes)
    assert_same_bits(result, expected)
    del result
    assert resident_bytes(start) >= X.nbytes
    reclaim(start, X.nbytes)
    assert resident_bytes(start) < X.nbytes // 100
    assert_same_bits(hw.relu(X), expected)
    assert _core.recycled_bytes() == SMALLEST


CGROUP = Path("/sys/fs/cgroup/memory")

PRESSURE = """\
import os, sys
import numpy as np, halfwave as hw
from halfwave import _core
group, recycles = sys.argv[1], sys.argv[2] == "recycles"
with open(group + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
if recycles:
    hw.recycle_results(2**28)
held = hw.relu(np.ones(2**25, "f4"))
if recycles:
    del held
    assert _core.recycled_bytes() == 2**27
needed = np.ones(260 * 2**20, "u1")
print(needed.sum())
"""


@pytest.fixture
def small_group():
    """A control group whose processes have 350 MiB of memory together, or a skip."""
    group = CGROUP / f"halfwave-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(350 * MIB))
    except OSError as error:
        pytest.skip(f"no memory control group of one's own: {error.strerror}")
    yield str(group)
    group.rmdir()


@linux
def test_a_process_short_of_memory_gets_what_is_kept(small_group):
    done = fresh.run("-c", PRESSURE, small_group, "recycles", OMP_NUM_THREADS="1")
    assert done.stdout.decode() == f"{260 * MIB}\n", done.stderr.decode()


@linux
def test_the_same_process_is_killed_where_the_result_is_still_held(small_group):
    done = fresh.run("-c", PRESSURE, small_group, "holds", OMP_NUM_THREADS="1")
    assert done.returncode == -9


ADDRESSES = """import resource
import numpy as np, halfwave as hw
x = np.ones(2**25, "f4")
hw.recycle_results(2**30)
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 400 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
results = [hw.relu(x[: 2**23 + 2**20 * k]) for k in range(6)]
del results
print(int(hw.relu(np.broadcast_to(np.float32(1), 2**25)).sum()), int(hw.relu(x).sum()))
"""


@linux
def test_what_is_kept_is_given_back_where_addresses_are_short():
    assert fresh.output_of(ADDRESSES, OMP_NUM_THREADS="1").split() == [str(2**25)] * 2


# Mistakes


@pytest.mark.parametrize("limit", [-1, 1, SMALLEST - 1, np.int64(5)])
def test_a_limit_below_the_smallest_result_is_refused(limit):
    with pytest.raises(ValueError, match=f"limit_bytes is {limit}, .* or 0 to keep none"):
        hw.recycle_results(limit)
    assert hw.recycle_results(256 * MIB) == 256 * MIB


@pytest.mark.parametrize("limit", [1e9, "1", None, [2**30]])
def test_a_limit_that_is_no_integer_is_refused(limit):
    with pytest.raises(TypeError, match="integer"):
        hw.recycle_results(limit)


def test_a_limit_beyond_all_memory_is_no_limit():
    hw.recycle_results(2**80)
    assert hw.recycle_results(0) == sys.maxsize
