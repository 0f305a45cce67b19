"""On other devices PyTorch's own operations give the counts that the engine gives, and wait for nothing.

There is no such device here: tensors of this processor take the other devices' way.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from direct import assert_counted
from hypothesis import given
from hypothesis import strategies as st
from nets import assert_same, batches, cnn, counted, mlp, seeded
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from halfwave import health
from halfwave.health.counts import MOST_WINDOWS, Counts
from halfwave.health.torch import counts as torch_counts
from halfwave.health.torch import mode as torch_mode
from halfwave.health.torch import places as torch_places
from halfwave.health.torch.counts import DeviceCounts
from halfwave.health.torch.origins import Origin
from halfwave.health.torch.places import Place
from halfwave.health.torch.producers import Producer

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SPECIAL = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e-7, 6.0, 2.5]


@pytest.fixture
def elsewhere(monkeypatch):
    """Tensors here take the way of those on another device."""
    monkeypatch.setattr(torch_places, "_is_read_here", lambda h: False)
    monkeypatch.setattr(Producer, "_see_here", Producer._see_there)


# Counts


@st.composite
def located(draw):
    """A tensor of any strides, which is never empty, and an origin that says where its units are."""
    before, after = (draw(st.lists(st.integers(1, 3), max_size=2)) for _ in range(2))
    outer, units, inner = (draw(st.integers(1, 3)) for _ in range(3))
    shape = (*before, outer * units * inner, *after)
    axis = len(before)
    others = [a for a in range(len(shape)) if a != axis]
    samples = draw(
        st.one_of(
            st.none(),
            st.just(tuple(others[:1])),
            st.sets(st.sampled_from(range(len(shape)))).map(lambda axes: tuple(sorted(axes))),
        )
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    special = torch.tensor(SPECIAL, dtype=torch.float64)
    chosen = torch.randint(0, 40, shape, generator=generator)
    values = torch.where(chosen < len(SPECIAL), special[chosen.clamp(max=len(SPECIAL) - 1)], values)
    order = draw(st.permutations(range(len(shape))))
    strided = values.permute(order).contiguous().permute(*np.argsort(order).tolist())
    h = strided.to(draw(st.sampled_from(DTYPES)))
    return h, Origin(axis, units, inner, samples)


@given(located=located(), threshold=st.sampled_from([0.0, 1.0, -3.0, 0.7, float("inf")]))
def test_the_counts_of_any_tensor_are_those_of_the_engine(located, threshold):
    h, origin = located
    here, there = Counts.none(origin.units), DeviceCounts(origin.units, h.device)
    for _ in range(2):
        torch_places._count_here(here, h, origin, threshold)
        there.count(h, origin, threshold)
    assert_counted(there.here(), vars(here))


@given(located=located())
def test_where_the_input_fires_is_what_the_engine_says(located):
    h, origin = located
    here = Counts.none(origin.units)
    torch_places._count_here(here, h, origin, 0.5)
    fired = torch_counts.fired_there(h, origin, 0.5)
    np.testing.assert_array_equal(fired.numpy(), here.fired)


def test_a_count_that_is_off_by_one_is_noticed(monkeypatch):
    h, origin = torch.ones(3, 2), Origin(1, 2)
    here, there = Counts.none(2), DeviceCounts(2, h.device)
    torch_places._count_here(here, h, origin, 0.0)
    there.count(h, origin, 0.0)
    there.fired[1] += 1
    with pytest.raises(AssertionError):
        assert_counted(there.here(), vars(here))


class Apple(str):
    """Names this processor, and says that it is Apple's GPU, which has no float64."""

    type = "mps"


class NoFloat64(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        assert not isinstance(out, torch.Tensor) or out.dtype != torch.float64, func
        return out


@given(located=located().filter(lambda pair: pair[0].dtype != torch.float64))
def test_where_there_is_no_float64_sums_are_of_float32(located):
    h, origin = located
    here = Counts.none(origin.units)
    torch_places._count_here(here, h, origin, 0.0)
    with NoFloat64():
        there = DeviceCounts(origin.units, Apple("cpu"))
        there.count(h, origin, 0.0)
        with pytest.raises(AssertionError):
            there.total.double()
    expected, rounding = vars(here), 1e-6 * here.magnitude
    counts = there.here()
    assert (abs(counts.total - here.total) <= rounding).all()
    assert (abs(counts.magnitude - here.magnitude) <= rounding).all()
    counts.total, counts.magnitude = here.total, here.magnitude
    assert_counted(counts, expected)


# Models


class Slopes(nn.Module):
    """Rectifiers whose input alone tells where they fire, and others."""

    def __init__(self):
        super().__init__()
        self.linear, self.slopes = nn.Linear(8, 6), nn.PReLU(6)

    def forward(self, x):
        h = self.linear(x)
        return torch.cat(
            [
                self.slopes(h),
                functional.leaky_relu(self.linear(x), -0.5),
                functional.hardswish(self.linear(x)),
                functional.threshold(self.linear(x), 0.2, 5.0),
                functional.relu6(20 * self.linear(x)),
                functional.gelu(self.linear(x)),
            ],
            -1,
        )


def flattened():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.ReLU(), nn.Linear(180, 4))


def channels_last():
    return cnn().to(memory_format=torch.channels_last)


def transposed():
    return nn.Sequential(
        nn.ConvTranspose2d(4, 6, 3, groups=2), nn.ReLU(), nn.Conv2d(6, 4, 3, groups=2), nn.ReLU6()
    )


MODELS = {
    "mlp": (mlp, batches(6, 8)),
    "sequence": (mlp, batches(4, 5, 8)),
    "cnn": (cnn, batches(4, 3, 8, 8)),
    "channels last": (
        channels_last,
        [x.to(memory_format=torch.channels_last) for x in batches(4, 3, 8, 8)],
    ),
    "flattened": (flattened, batches(4, 3, 8, 8)),
    "transposed": (transposed, batches(4, 4, 6, 6)),
    "volumes": (lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.ELU()), batches(2, 2, 4, 4, 4)),
    "signals": (lambda: nn.Sequential(nn.Conv1d(2, 3, 2), nn.ReLU()), batches(3, 2, 9)),
    "slopes": (Slopes, batches(6, 8)),
    "encoder layer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        batches(4, 5, 8),
    ),
}


def watched(make, inputs, count=1):
    model = seeded(make)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with health.watch(model) as watch:
        for _ in range(count):
            for x in inputs:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            model(inputs[0])
    return watch.report(), model.state_dict()


def assert_same_layers(actual, expected):
    assert list(actual) == list(expected)
    for name, layer in expected.layers.items():
        other = actual[name]
        assert other.parts.keys() == layer.parts.keys()
        for mode, part in layer.parts.items():
            assert_counted(other.parts[mode].counts, vars(part.counts))
            assert other.parts[mode].fixed == part.fixed
            assert other.parts[mode].history.ends == part.history.ends
            assert_same(other.parts[mode].history.fired, part.history.fired)
        assert (other.steps, other.sample, other.rectifier) == (
            layer.steps,
            layer.sample,
            layer.rectifier,
        )
        assert_same(other.not_updated, layer.not_updated)


@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_a_model_has_the_same_report_on_another_device(make, inputs, elsewhere, monkeypatch):
    there, weights = watched(make, inputs)
    monkeypatch.undo()
    here, same_weights = watched(make, inputs)
    assert_same_layers(there, here)
    assert_same(weights, same_weights)


def test_a_history_of_many_batches_is_the_same_on_another_device(elsewhere, monkeypatch):
    there = [watched(mlp, batches(6, 8)[:1], count)[0] for count in (1, 70, 75)]
    monkeypatch.undo()
    here = [watched(mlp, batches(6, 8)[:1], count)[0] for count in (1, 70, 75)]
    for ours, theirs in zip(here, there, strict=True):
        assert ours["0"].history.samples.sum() == ours["0"].training.samples
        assert_same_layers(theirs, ours)
    assert 64 == MOST_WINDOWS  # so that 70 and 75 batches leave windows of several


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_model_of_any_precision_has_the_same_report_on_another_device(
    dtype, elsewhere, monkeypatch
):
    def make():
        return mlp().to(dtype)

    inputs = [x.to(dtype) for x in batches(6, 8)]
    there, _ = watched(make, inputs)
    monkeypatch.undo()
    assert_same_layers(there, watched(make, inputs)[0])


def test_a_model_that_moves_to_another_device_goes_on_being_counted(monkeypatch):
    model = seeded(mlp)
    x = batches(6, 8)[0]
    with health.watch(model) as watch:
        model(x).sum().backward()
        with monkeypatch.context() as patch:
            patch.setattr(torch_places, "_is_read_here", lambda h: False)
            patch.setattr(Producer, "_see_here", Producer._see_there)
            model(x).sum().backward()
        model(x).sum().backward()
    assert counted(watch) == {"0": (18, 3)}
    with torch.no_grad():
        fired = (model[0](x) > 0).sum(0).numpy()
    np.testing.assert_array_equal(watch.report()["0"].fired, 3 * fired)
    assert watch.report()["0"].history.fired.sum(0).tolist() == (3 * fired).tolist()


# Waiting


WAITS = {
    *(torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default),
    *(torch.ops.aten.is_nonzero.default, torch.ops.aten.equal.default),
    *(torch.ops.aten.masked_select.default, torch.ops.aten._unique2.default),
    *(torch.ops.aten.index.Tensor, torch.ops.aten.unique_consecutive.default),
}
"""Operations that wait for a device, since the size or value of what they give is known there alone.

An index may be a mask, and then has the size of what is in it.
"""

READS = {
    *(torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.item),
    *(torch.Tensor.__bool__, torch.Tensor.__int__, torch.Tensor.__float__, torch.Tensor.__index__),
    *(torch.Tensor.__array__, torch.Tensor.nonzero, torch.Tensor.data_ptr),
}


class Waited(Exception):
    pass


class NoWaiting(TorchDispatchMode):
    """Fails where an operation would wait for a device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in WAITS or (
            func is torch.ops.aten._to_copy.default and "device" in (kwargs or {})
        ):
            raise Waited(str(func))
        return func(*args, **(kwargs or {}))


class NoReading(TorchFunctionMode):
    """Fails where Python would read a tensor's elements."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in READS:
            raise Waited(str(func))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def unread(monkeypatch):
    """No tensor may be read where outputs and gradients are counted."""

    def without_reading(function):
        def called(*args, **kwargs):
            with NoReading():
                return function(*args, **kwargs)

        return called

    for owner, name in ((Place, "before"), (Place, "count"), (Producer, "see")):
        monkeypatch.setattr(owner, name, without_reading(getattr(owner, name)))


@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_neither_counts_nor_gradients_wait_for_the_device(make, inputs, elsewhere, unread):
    model = seeded(make)
    with health.watch(model) as watch:
        with NoWaiting():
            for x in inputs:
                model(x).square().mean().backward()
        assert all(samples for samples, _ in counted(watch).values())


@pytest.mark.parametrize(("make", "inputs"), MODELS.values(), ids=MODELS)
def test_evaluation_does_not_wait_for_the_device(make, inputs, elsewhere, unread, monkeypatch):
    monkeypatch.setattr(torch_mode, "_state", id)  # it reads weights that are on this processor
    model = seeded(make).eval()
    with health.watch(model) as watch:
        with NoWaiting(), torch.no_grad():
            for x in inputs:
                model(x)
        assert all(samples for samples, _ in counted(watch).values())


def test_many_batches_do_not_wait_for_the_device(elsewhere, unread):
    model = seeded(mlp)
    with health.watch(model) as watch, NoWaiting():
        for _ in range(2 * MOST_WINDOWS):
            model(batches(6, 8)[0]).sum().backward()
    assert counted(watch) == {"0": (12 * MOST_WINDOWS, 2 * MOST_WINDOWS)}


@pytest.mark.parametrize(
    "wait",
    [
        lambda h: h.sum().item(),
        lambda h: bool((h > 0).any()),
        lambda h: h[h > 0],
        lambda h: h.nonzero(),
        lambda h: h.cpu(),
        lambda h: h.tolist(),
        lambda h: torch.equal(h, h),
    ],
)
@pytest.mark.parametrize("place", ["counts", "gradients"])
def test_counting_that_waits_for_the_device_is_noticed(elsewhere, unread, monkeypatch, wait, place):
    owner, name = (DeviceCounts, "count") if place == "counts" else (Producer, "_see_here")
    tensors = lambda given: [a for a in given if isinstance(a, torch.Tensor)]
    monkeypatch.setattr(owner, name, lambda self, *given: wait(*tensors(given)))
    model = seeded(mlp)
    with health.watch(model), NoWaiting(), pytest.raises(Waited):
        model(batches(6, 8)[0]).sum().backward()


def test_a_report_waits_for_the_device_and_nothing_before(elsewhere, unread):
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(batches(6, 8)[0]).sum().backward()
        with NoReading(), pytest.raises(Waited):
            watch.report()
