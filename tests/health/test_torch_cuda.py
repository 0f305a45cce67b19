"""On a GPU: the counts are those of the same outputs here, and nothing waits for it before the report."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device here", allow_module_level=True)

from contextlib import contextmanager

from direct import assert_counted, by_role, counts_of
from nets import Functional, batches, cnn, mlp, seeded
from torch import distributed, nn

from halfwave import health
from halfwave.health.torch.places import Place

CUDA = torch.device("cuda", 0)
MODELS = {
    "mlp": (mlp, batches(6, 8)),
    "cnn": (cnn, batches(6, 3, 8, 8)),
    "functional": (Functional, batches(6, 8)),
    "checkpoint": (lambda: Functional(reentrant=False), batches(6, 8)),
}


@contextmanager
def waiting_is_an_error():
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def outputs(monkeypatch):
    """What is counted at each place, copied here before it is."""
    seen = {}
    count = Place.count

    def spy(self, h, origin, *rest, **options):
        axes = origin.sample_axes(h.ndim)
        copy = h.detach().cpu().double().numpy()
        seen.setdefault(self.name, []).append(by_role(copy, origin.axis, axes))
        return count(self, h, origin, *rest, **options)

    monkeypatch.setattr(Place, "count", spy)
    return seen


def train(model, inputs, autocast=None):
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cuda", enabled=autocast is torch.float16)
    inputs = [x.to(CUDA) for x in inputs]
    yield
    for x in inputs:
        optimizer.zero_grad()
        with torch.autocast("cuda", autocast or torch.float16, enabled=autocast is not None):
            loss = model(x).square().mean()
        scaler.scale(loss).backward()
        if autocast is torch.float16:
            scaler.step(optimizer)  # it asks the device whether a gradient was infinite
            scaler.update()
        else:
            optimizer.step()
    yield


@pytest.mark.parametrize("autocast", [None, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_the_counts_are_those_of_the_outputs(make, inputs, autocast, outputs):
    model = seeded(make).to(CUDA)
    steps = train(model, inputs, autocast)
    with health.watch(model) as watch:
        next(steps)
        next(steps)
    report = watch.report()
    assert report.layers.keys() == outputs.keys()
    for name, layer in report.layers.items():
        expected = counts_of(np.concatenate(outputs[name]))
        assert layer.samples == expected["samples"] == 18
        assert layer.steps == 3
        assert_counted(layer.counts, expected)


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_watching_waits_for_nothing_before_the_report(make, inputs, autocast):
    model = seeded(make).to(CUDA)
    steps = train(model, 30 * inputs, autocast)
    with health.watch(model) as watch:
        next(steps)
        with waiting_is_an_error():
            next(steps)
    assert all(layer.samples == 30 * 18 for layer in watch.report().layers.values())


@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_evaluation_waits_for_nothing_before_the_report(make, inputs):
    model = seeded(make).to(CUDA).eval()
    inputs = [x.to(CUDA) for x in inputs]
    with health.watch(model) as watch, waiting_is_an_error(), torch.no_grad():
        for x in inputs:
            model(x)
    assert all(layer.evaluation.samples == 18 for layer in watch.report().layers.values())


def test_reading_a_count_at_once_would_be_noticed(monkeypatch):
    count = Place.count
    monkeypatch.setattr(
        Place, "count", lambda self, h, *rest, **o: (h.max().item(), count(self, h, *rest, **o))[1]
    )
    model = seeded(mlp).to(CUDA)
    x = batches(6, 8)[0].to(CUDA)
    with health.watch(model), waiting_is_an_error(), pytest.raises(RuntimeError):
        model(x)


def test_watching_changes_no_bit():
    def trained(watched):
        torch.manual_seed(0)
        model = seeded(cnn).to(CUDA)
        steps = train(model, batches(6, 3, 8, 8))
        next(steps)
        if watched:
            with health.watch(model):
                next(steps)
        else:
            next(steps)
        return [t.cpu().numpy().tobytes() for t in model.state_dict().values()]

    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert trained(True) == trained(False)
    finally:
        torch.use_deterministic_algorithms(False)


def test_planted_faults_are_found():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).to(CUDA)
    with torch.no_grad():
        model[0].bias[3] = -1e3  # never fires
        model[0].bias[5] = torch.nan
        model[0].bias[7] = 1e3  # always on
    with health.watch(model) as watch:
        for x in batches(64, 8):
            model(x.to(CUDA)).square().mean().nan_to_num().backward()
    layer = watch.report()["0"]
    assert np.flatnonzero(layer.silent).tolist() == [3]
    assert np.flatnonzero(layer.nonfinite).tolist() == [5]
    assert 7 in np.flatnonzero(layer.always_on)
    assert layer.not_updated[3]


def test_a_model_that_moves_between_devices_goes_on_being_counted():
    model, x = seeded(mlp), batches(6, 8)[0]
    with health.watch(model) as watch:
        model(x).sum().backward()
        model.to(CUDA)(x.to(CUDA)).sum().backward()
        model.to("cpu")(x).sum().backward()
    layer = watch.report()["0"]
    with torch.no_grad():
        fired = (model[0](x) > 0).sum(0).numpy()
    np.testing.assert_array_equal(layer.fired, 3 * fired)
    assert layer.samples == 18


@pytest.mark.skipif(not distributed.is_nccl_available(), reason="this PyTorch has no NCCL")
def test_reports_are_gathered_through_nccl(tmp_path):
    distributed.init_process_group(
        "nccl", init_method=f"file://{tmp_path}/store", rank=0, world_size=1, device_id=CUDA
    )
    try:
        model = nn.parallel.DistributedDataParallel(seeded(mlp).to(CUDA))
        with health.watch(model) as watch:
            for x in batches(6, 8):
                model(x.to(CUDA)).sum().backward()
        report = watch.report()
        assert report.gather()["0"].fired.tolist() == report["0"].fired.tolist()
        assert report.gather()["0"].samples == 18
    finally:
        distributed.destroy_process_group()
