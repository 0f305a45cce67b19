"""On a real dask cluster: the same bits, of arrays that no worker could hold."""

import os
import pickle
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path

import fresh
import numpy as np
import pytest
from bits import assert_same_bits, differences
from operations import OPERATIONS, REPRESENTATIVES, defaults_of, each_kind
from samples import expected_derivative, expected_pullback, expected_value

import halfwave as hw

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
xr = pytest.importorskip("xarray")

EXAMPLE = Path(__file__).parents[1] / "examples" / "dask_cluster.py"
MIB = 2**20
LIMIT = 512 * MIB
CHUNK = 16 * MIB
SIZE = 576 * MIB

X = np.array([1.5, -2.5, 0.0, -0.0, np.nan, np.inf, -np.inf, -4.0, 7.25], "f4")
G = np.array([2.0, 3.0, 5.0, -7.0, 11.0, np.inf, -np.inf, 13.0, -17.0], "f4")


def processes(limit, **options):
    """A cluster of processes on this machine, each with so many bytes of memory."""
    return distributed.LocalCluster(
        processes=True,
        threads_per_worker=1,
        memory_limit=limit,
        dashboard_address="localhost:0",  # any port: others may run clusters too
        **options,
    )


@pytest.fixture(scope="module")
def cluster():
    with processes(LIMIT, n_workers=2) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        yield client


def mishaps(client):
    """The workers that were paused or lost, by what the scheduler has written down."""
    events = [event for topic in client.get_events().values() for _, event in topic]
    return [
        event
        for event in events
        if isinstance(event, dict)
        and (event.get("status") == "paused" or event.get("action") == "remove-worker")
    ]


# What travels


def test_functions_arrive_at_a_worker_as_themselves(client):
    def arrived(op, ufunc, name):
        return op is eval(name, {"hw": hw}) and ufunc is op.ufunc

    for op in OPERATIONS:
        assert client.submit(arrived, op, op.ufunc, f"hw.{op.__qualname__}").result()


def test_a_pullback_travels_to_a_worker(client):
    for f in REPRESENTATIVES:
        _, pullback = f.vjp(X)
        assert_same_bits(pickle.loads(pickle.dumps(pullback))(G), pullback(G))
        assert_same_bits(client.submit(pullback, G).result(), pullback(G))


def ways(op, x):
    """A function of a lazy array, in every way that dask and xarray have to apply it."""
    defaults = defaults_of(op)
    labelled = xr.DataArray(x, dims="time")
    return [
        op(x),
        op.ufunc(x, *defaults),
        x.map_blocks(op),
        x.map_blocks(op.ufunc, *defaults),
        op(labelled).data,
        xr.apply_ufunc(op, labelled, dask="parallelized", output_dtypes=["f4"]).data,
    ]


def test_every_way_to_apply_a_function_gives_numpy_s_bits(client):
    lazy = da.from_array(X, chunks=4)
    for op in OPERATIONS:
        for got in dask.compute(*ways(op, lazy)):
            assert_same_bits(got, op(X))


def test_every_way_to_a_gradient_gives_numpy_s_bits(client):
    x, g = da.from_array(X, chunks=4), da.from_array(G, chunks=4)
    for f in REPRESENTATIVES:
        value, pullback = f.vjp(x)
        by_block = da.map_blocks(lambda x, g, f=f: f.vjp(x)[1](g), x, g, dtype="f4")
        values, *gradients = dask.compute(value, pullback(g), by_block)
        assert_same_bits(values, f(X))
        for gradient in gradients:
            assert_same_bits(gradient, expected_pullback(f, X, G))


def threads():
    """How many threads the libraries of this process may use, once halfwave has computed."""
    from threadpoolctl import threadpool_info

    hw.relu(np.zeros(4 * MIB, "f4"))
    return [pool["num_threads"] for pool in threadpool_info()]


def test_a_worker_computes_each_chunk_with_one_thread(client):
    pytest.importorskip("threadpoolctl")
    assert set(client.run(os.environ.get, "OMP_NUM_THREADS").values()) == {"1"}
    for counts in client.run(threads).values():
        assert set(counts) == {1}


IN_ONE_PROCESS = """\
import dask.array as da, numpy as np
from test_dask_cluster import threads
x = da.ones(4, chunks=2)
most = x.map_blocks(lambda chunk: np.array([max(threads())]), chunks=(1,), dtype=int)
print(most.compute(scheduler="threads"))
"""


def test_without_a_cluster_one_variable_limits_the_threads_of_a_chunk():
    pytest.importorskip("threadpoolctl")
    here = str(Path(__file__).parent)
    assert fresh.output_of(IN_ONE_PROCESS, OMP_NUM_THREADS="1", PYTHONPATH=here) == "[1 1]\n"


# More than a worker holds


def noise(block_id):
    """A chunk of numbers that belong to its place, with some of the special ones among them."""
    chunk = np.random.default_rng(block_id).standard_normal(CHUNK // 4, dtype="f4")
    chunk[: X.size] = X
    return chunk


def formula_of(op):
    """What the facts' own formula of a function gives for a chunk, in NumPy."""
    f = hw.activations[op.__qualname__.partition(".")[0]]
    expected = expected_value if op is f else expected_derivative
    return lambda chunk: expected(f, chunk)


def wrong(op, x, formula):
    """How many elements of op(x) are not what the formula gives."""
    return da.map_blocks(differences, op(x), x.map_blocks(formula, dtype="f4"), dtype=bool).sum()


def test_every_element_of_an_array_that_no_worker_could_hold_has_numpy_s_bits(client):
    limits = {worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()}
    x = da.map_blocks(noise, chunks=[(CHUNK // 4,) * (SIZE // CHUNK)], dtype="f4", meta=X[:0])
    assert limits == {LIMIT} and x.nbytes == SIZE > LIMIT
    in_turn = zip(range(x.npartitions), cycle(OPERATIONS), strict=False)
    counts = dask.compute(*(wrong(op, x.blocks[k], formula_of(op)) for k, op in in_turn))
    assert counts == (0,) * x.npartitions
    assert mishaps(client) == []


@each_kind
def test_an_element_that_is_wrong_is_counted(f, client):
    lazy = da.from_array(X, chunks=4)
    count = differences(f(X), expected_derivative(f, X)).sum()
    assert wrong(f, lazy, formula_of(f.derivative)).compute() == count > 0


def whole():
    """A task that makes all of it at once, and waits for what happens then."""
    x = np.ones(SIZE // 4, "f4")
    time.sleep(30)
    return x.sum()


def test_a_task_that_takes_too_much_memory_is_noticed():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        processes(LIMIT, n_workers=1) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert mishaps(client) == []
        with pytest.raises(distributed.KilledWorker):
            client.submit(whole).result()
        assert [event["action"] for event in mishaps(client)][-1] == "remove-worker"


# The example


def run_example(size, *arguments):
    """The lines that the example prints, and the group of processes that it ran in."""
    process = subprocess.Popen(
        [sys.executable, EXAMPLE, f"--mib={size // MIB}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "Warning: " not in said
    return printed.splitlines(), process.pid


def test_the_example_computes_more_than_a_worker_holds(client):
    lines, _ = run_example(SIZE, client.scheduler.address)
    *workers, array, lazy, mean, _, head, _, fz, cz, pz, oz = lines
    assert [line.split(": ")[1] for line in workers] == ["512 MiB of memory"] * 2
    assert array == "The array: 576 MiB in 36 chunks"
    assert "dask.array<relu" in lazy
    assert mean == "Its mean: 0.3989, and in theory 1/√(2π) = 0.3989"
    assert head.endswith("equals NumPy")
    for line, alpha in zip((fz, cz, pz, oz), (0.0, 0.01, 0.1, 0.25), strict=True):
        _, given, positive, _, slope, equal = line.split()
        assert (float(given), equal) == (alpha, "True")
        assert float(slope) == pytest.approx(float(positive) * (1 - alpha) + alpha, abs=1e-5)
    assert mishaps(client) == []


def processes_left(group, patience=5.0):
    """Whether a process of this group is there after so many seconds, in which they may end."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


in_groups = pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes here")


@in_groups
def test_the_example_starts_a_cluster_of_its_own_and_leaves_no_process():
    lines, group = run_example(2 * CHUNK)
    assert [line.split()[-1] for line in lines[-4:]] == ["True"] * 4
    assert not processes_left(group)


@in_groups
def test_a_process_that_is_left_is_noticed():
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    assert processes_left(left.pid, patience=0.1)
    left.kill(), left.wait()
    assert not processes_left(left.pid)
