"""Two processes that train on halves of the data give, together, the report of one that has it all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import two_processes as jobs
from nets import assert_same, counted, mlp, seeded
from torch.nn.parallel import DataParallel

from halfwave import health

if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
    pytest.skip("PyTorch was built without gloo", allow_module_level=True)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What two processes report: by job, by what it is, and by rank."""
    folder = tmp_path_factory.mktemp("processes")
    command = [sys.executable, Path(__file__).with_name("two_processes.py")]
    running = [
        subprocess.Popen(
            [*command, str(rank), folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(jobs.WORLD)
    ]
    try:
        for process in running:
            said, _ = process.communicate(timeout=240)
            assert process.returncode == 0, said
    finally:
        for process in running:
            process.kill()
    return {path.stem: health.Report.from_json(path) for path in folder.glob("*.json")}


def gathered(reports, job):
    """The report that both processes have."""
    both = [reports[f"{job} gathered {rank}"] for rank in range(jobs.WORLD)]
    assert both[0] == both[1]
    return both[0]


def assert_whole(actual, expected):
    """The samples, and what is counted of them, of the whole; and its backward passes."""
    assert list(actual) == list(expected)
    for name, layer in expected.layers.items():
        other = actual[name]
        assert (other.samples, other.steps) == (layer.samples, layer.steps)
        for count in ("fired", "nonfinite", "not_updated"):
            np.testing.assert_array_equal(getattr(other, count), getattr(layer, count))
        # The gradients of halves are added in another order than those of the whole.
        for value in ("min", "max", "mean"):
            ours, theirs = getattr(other, value), getattr(layer, value)
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        assert other.history.ends == layer.history.ends
        assert_same(other.history.fired, layer.history.fired)


def test_what_is_gathered_from_halves_of_each_batch_is_what_one_process_counts(reports):
    whole = jobs.trained(seeded(jobs.independent), jobs.IMAGES)
    assert [layer.samples for layer in whole.layers.values()] == [24, 24]
    assert_whole(gathered(reports, "job_training"), whole)


def test_a_report_that_lacks_a_process_is_not_the_whole(reports):
    whole = jobs.trained(seeded(jobs.independent), jobs.IMAGES)
    for rank in range(jobs.WORLD):
        with pytest.raises(AssertionError):
            assert_whole(reports[f"job_training own {rank}"], whole)


def test_with_the_same_weights_the_counts_are_equal_where_one_process_has_fewer_batches(reports):
    model = seeded(mlp)
    with health.watch(model) as watch:
        for x in jobs.VECTORS[:3]:
            model(x).square().sum().backward()
        model(jobs.half(jobs.VECTORS[3], 1)).square().sum().backward()
    layer, expected = gathered(reports, "job_uneven")["0"], watch.report()["0"]
    assert (layer.samples, layer.steps) == (21, 4)
    ours, theirs = vars(layer.counts), vars(expected.counts)
    for name in ("samples", "values", "fired", "nonfinite"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    # Some processors round the product of half a batch in another order than that of a whole one.
    for name in ("total", "magnitude", "low", "high"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6)
    assert layer.history.ends == expected.history.ends
    assert_same(layer.history.fired, expected.history.fired)
    assert_same(layer.not_updated, expected.not_updated)


def test_one_process_alone_may_report(reports):
    layer = reports["job_alone own 1"]["0"]
    assert (layer.samples, layer.steps) == (15, 5)
    assert "job_alone own 0" not in reports


def test_layers_that_one_process_alone_has_met_are_in_what_is_gathered(reports):
    report = gathered(reports, "job_branches")
    samples = {name: layer.samples for name, layer in report.layers.items()}
    assert samples == {"branch0": 6, "0": 12, "branch1": 6}
    assert report.notes == ("note 0", "note 1")


def test_a_group_of_processes_is_gathered_by_itself(reports):
    alone = [reports[f"job_group gathered {rank}"] for rank in range(jobs.WORLD)]
    assert alone == [jobs.inferred(x) for x in jobs.VECTORS[: jobs.WORLD]]


def test_nothing_is_pickled(reports):
    assert gathered(reports, "job_unpickled")["0"].samples == 12


def test_without_processes_gather_says_what_to_call():
    with pytest.raises(RuntimeError, match="call torch.distributed.init_process_group first"):
        jobs.inferred(jobs.VECTORS[0]).gather()


def test_names_are_the_same_with_and_without_a_wrapper(reports):
    model = seeded(mlp)
    wrapper = DataParallel(model)
    with health.watch(wrapper) as wrapped, health.watch(model) as plain:
        wrapper(jobs.VECTORS[0]).sum().backward()
    assert counted(wrapped) == counted(plain) == {"0": (6, 1)}
    assert list(reports["job_training own 0"]) == ["0", "4"]


def test_a_model_that_is_copied_to_several_devices_is_refused():
    wrapper = DataParallel(seeded(mlp))
    wrapper.device_ids = [0, 1]
    with pytest.raises(TypeError, match="use DistributedDataParallel"):
        health.watch(wrapper)
