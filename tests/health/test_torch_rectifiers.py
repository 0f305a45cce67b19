"""Every way of writing a rectifier in PyTorch is seen, and gives the counts of its activations."""

import numpy as np
import pytest

import halfwave as hw
from halfwave import health

torch = pytest.importorskip("torch")

from direct import assert_counted, counts_of
from networks import SIZES, Net, diagonal, watched
from torch import nn
from torch.nn import functional as F

import halfwave.torch as layers

N = sum(SIZES)
UNITS = (
    *("healthy", "silent", "first sample", "last sample", "always on", "above 6", "zero", "tiny"),
    *("between", "constant", "overflows"),
)
WEIGHTS = [1.0] * (len(UNITS) - 1) + [1e30]


def planted():
    """(samples, units): what each unit gets."""
    rng = np.random.default_rng(5)
    columns = {
        "healthy": rng.normal(0, 4, N),
        "silent": -rng.uniform(0.5, 9, N),
        "first sample": np.where(np.arange(N) == 0, 1, -2.5),
        "last sample": np.where(np.arange(N) == N - 1, 1, -2.5),
        "always on": rng.uniform(0.5, 5.5, N),
        "above 6": rng.uniform(6.5, 9, N),
        "zero": np.where(np.arange(N) % 2, 0.0, -0.0),
        "tiny": np.where(np.arange(N) % 2, 1e-40, -1e-40),
        "between": rng.uniform(-0.9, 0.9, N),
        "constant": np.full(N, 2.5),
        "overflows": np.where(np.arange(N) == 5, 1e30, -1.0),
    }
    return torch.tensor(np.stack([columns[unit] for unit in UNITS], 1), dtype=torch.float32)


X = planted()
FIRED = {"first sample": 1, "last sample": 1, "always on": N, "constant": N, "overflows": 1}


def counted(f):
    """The layer that a linear layer and `f` make, and the counts of the same activations."""
    module = f if isinstance(f, nn.Module) else Call(f)
    net = Net(lambda net, x: net.f(net.fc(x)), fc=diagonal(WEIGHTS), f=module)
    torch.manual_seed(3)
    report = watched(net, X, sizes=SIZES)
    assert not report.not_seen
    assert list(report) == ["fc"]
    torch.manual_seed(3)
    with torch.no_grad():
        inputs = [net.fc(x) for x in torch.split(X, SIZES)]
        outputs = [net.f(x.clone()) for x in inputs]
    return report["fc"], torch.cat(inputs).numpy(), torch.cat(outputs).numpy()


class Call(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


# ReLU itself

RELUS = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu(input=)": lambda x: F.relu(input=x),
    "F.relu in place": lambda x: F.relu(x, True),
    "F.relu(inplace=)": lambda x: F.relu(x, inplace=True),
    "F.relu_": F.relu_,
    "torch.relu": torch.relu,
    "torch.relu(input=)": lambda x: torch.relu(input=x),
    "torch.relu_": torch.relu_,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
    "torch.clamp": lambda x: torch.clamp(x, 0),
    "torch.clamp(min=)": lambda x: torch.clamp(x, min=0.0),
    "torch.clamp(input=)": lambda x: torch.clamp(input=x, min=0),
    "torch.clamp_": lambda x: torch.clamp_(x, min=0),
    "Tensor.clamp": lambda x: x.clamp(0),
    "Tensor.clamp(min=)": lambda x: x.clamp(min=0),
    "Tensor.clamp(0, None)": lambda x: x.clamp(0, None),
    "Tensor.clamp_": lambda x: x.clamp_(min=0),
    "torch.clamp_min": lambda x: torch.clamp_min(x, 0),
    "torch.clamp_min(min=)": lambda x: torch.clamp_min(x, min=0),
    "torch.clamp_min_": lambda x: torch.clamp_min_(x, 0),
    "Tensor.clamp_min": lambda x: x.clamp_min(0.0),
    "Tensor.clamp_min_": lambda x: x.clamp_min_(0),
    "torch.clip": lambda x: torch.clip(x, 0),
    "torch.clip(min=)": lambda x: torch.clip(x, min=0),
    "torch.clip_": lambda x: torch.clip_(x, 0),
    "Tensor.clip": lambda x: x.clip(0),
    "Tensor.clip_": lambda x: x.clip_(min=0),
    "halfwave.torch.ReLU": layers.ReLU(),
    "halfwave.torch.ReLU in place": layers.ReLU(inplace=True),
    "hw.relu": hw.relu,
    "threshold(0, 0)": lambda x: F.threshold(x, 0, 0),
    "a clamp without a ceiling": lambda x: x.clamp(0, np.inf),
    "leaky with slope 0": lambda x: F.leaky_relu(x, 0.0),
}


@pytest.mark.parametrize("way", RELUS)
def test_every_way_of_writing_relu_gives_the_counts_of_its_activations(way):
    layer, x, h = counted(RELUS[way])
    assert_counted(layer.counts, counts_of(h[:, :, None]))
    expected = {unit: int((x[:, i] > 0).sum()) for i, unit in enumerate(UNITS)}
    assert dict(zip(UNITS, layer.fired.tolist(), strict=True)) == expected
    assert expected.items() >= FIRED.items()


@pytest.mark.parametrize("way", RELUS)
def test_every_way_of_writing_relu_finds_what_is_planted_and_nothing_else(way):
    layer, _, _ = counted(RELUS[way])
    assert found(layer) == {
        "silent": {"silent", "zero"},
        "always_on": {"always on", "above 6", "constant"},
        "saturated": set(),
        "constant": {"constant"},
        "nonfinite": {"overflows"},
    }


def found(layer):
    masks = {
        "silent": layer.silent,
        "always_on": layer.always_on,
        "saturated": layer.saturated,
        "constant": layer.constant,
        "nonfinite": layer.nonfinite > 0,
    }
    return {name: {UNITS[i] for i in np.flatnonzero(mask)} for name, mask in masks.items()}


# The family

SILENT = {"silent", "zero"}
PER_CHANNEL = torch.tensor([0.25, -0.25, 0.0, -2.0, *[0.1] * (len(UNITS) - 4)])


def prelu(slopes):
    module = nn.PReLU(len(slopes))
    with torch.no_grad():
        module.weight.copy_(torch.tensor(slopes) if isinstance(slopes, list) else slopes)
    return module


FAMILY = {
    # way: (the function, its kind, from where on a unit fires, the silent units)
    "nn.ReLU6": (nn.ReLU6(), "relu6", 0, SILENT),
    "F.relu6": (F.relu6, "relu6", 0, SILENT),
    "F.relu6 in place": (lambda x: F.relu6(x, inplace=True), "relu6", 0, SILENT),
    "nn.Hardtanh(0, 6)": (nn.Hardtanh(0, 6), "relu6", 0, SILENT),
    "clamp(0, 6)": (lambda x: x.clamp(0, 6), "relu6", 0, SILENT),
    "clamp(min=, max=)": (lambda x: torch.clamp(x, min=0, max=6), "relu6", 0, SILENT),
    "clip_(0, 6)": (lambda x: x.clip_(0, 6), "relu6", 0, SILENT),
    "clamp(0, 20)": (lambda x: x.clamp(0, 20), "clipped_relu", 0, SILENT),
    "nn.Hardtanh": (nn.Hardtanh(), "hardtanh", -1, None),
    "F.hardtanh": (F.hardtanh, "hardtanh", -1, None),
    "F.hardtanh_": (F.hardtanh_, "hardtanh", -1, None),
    "F.hardtanh(-2, 3)": (lambda x: F.hardtanh(x, -2, 3), "hardtanh", -2, None),
    "F.hardtanh(min_val=)": (lambda x: F.hardtanh(x, min_val=-3.0), "hardtanh", -3, None),
    "nn.LeakyReLU": (nn.LeakyReLU(), "leaky_relu", 0, set()),
    "nn.LeakyReLU in place": (nn.LeakyReLU(0.3, inplace=True), "leaky_relu", 0, set()),
    "F.leaky_relu": (F.leaky_relu, "leaky_relu", 0, set()),
    "F.leaky_relu_": (lambda x: F.leaky_relu_(x, 0.2), "leaky_relu", 0, set()),
    "F.leaky_relu of slope 0": (lambda x: F.leaky_relu(x, 0), "leaky_relu", 0, SILENT),
    "F.leaky_relu of a negative slope": (lambda x: F.leaky_relu(x, -0.5), "leaky_relu", 0, set()),
    "F.leaky_relu of slope -1": (
        lambda x: F.leaky_relu(x, negative_slope=-1),
        "leaky_relu",
        0,
        set(),
    ),
    "halfwave.torch.LeakyReLU": (layers.LeakyReLU(0.1), "leaky_relu", 0, set()),
    "halfwave.torch.LeakyReLU of slope 0": (layers.LeakyReLU(0.0), "leaky_relu", 0, SILENT),
    "halfwave.torch.LeakyReLU of a tensor": (layers.LeakyReLU(PER_CHANNEL), "leaky_relu", 0, set()),
    "hw.leaky_relu": (lambda x: hw.leaky_relu(x, alpha=-0.2), "leaky_relu", 0, set()),
    "nn.PReLU": (nn.PReLU(), "prelu", 0, set()),
    "nn.PReLU of slope 0": (prelu([0.0]), "prelu", 0, set()),
    "nn.PReLU of a negative slope": (prelu([-0.25]), "prelu", 0, set()),
    "nn.PReLU per channel": (prelu(PER_CHANNEL), "prelu", 0, set()),
    "torch.prelu": (lambda x: torch.prelu(x, PER_CHANNEL), "prelu", 0, set()),
    "Tensor.prelu": (lambda x: x.prelu(PER_CHANNEL), "prelu", 0, set()),
    "nn.RReLU": (nn.RReLU(), "rrelu", 0, set()),
    "nn.RReLU in place": (nn.RReLU(0.1, 0.9, inplace=True), "rrelu", 0, set()),
    "nn.RReLU that is not training": (nn.RReLU().eval(), "rrelu", 0, set()),
    "nn.RReLU of either sign": (nn.RReLU(-0.5, 0.5), "rrelu", 0, set()),
    "F.rrelu of slope 0": (lambda x: F.rrelu(x, 0.0, 0.0), "rrelu", 0, SILENT),
    "torch.rrelu_": (lambda x: torch.rrelu_(x, training=True), "rrelu", 0, set()),
    "nn.ELU": (nn.ELU(), "elu", 0, set()),
    "nn.ELU(0)": (nn.ELU(0.0), "elu", 0, SILENT),
    "F.elu of a negative alpha": (lambda x: F.elu(x, alpha=-1.0), "elu", 0, set()),
    "F.elu_": (F.elu_, "elu", 0, set()),
    "nn.SELU": (nn.SELU(), "selu", 0, set()),
    "torch.selu_": (torch.selu_, "selu", 0, set()),
    "nn.CELU": (nn.CELU(0.5), "celu", 0, set()),
    "torch.celu_": (torch.celu_, "celu", 0, set()),
    "nn.Threshold": (nn.Threshold(0.1, 0.0), "thresholded_relu", 0.1, None),
    "F.threshold to a value below": (
        lambda x: F.threshold(x, 0.5, -4),
        "thresholded_relu",
        0.5,
        None,
    ),
    "F.threshold to a value above": (
        lambda x: F.threshold(x, 0.5, 20),
        "thresholded_relu",
        0.5,
        None,
    ),
    "F.threshold_": (lambda x: F.threshold_(x, 1, 1), "thresholded_relu", 1, None),
    "nn.Hardswish": (nn.Hardswish(), "hardswish", -3, None),
    "F.hardswish in place": (lambda x: F.hardswish(x, inplace=True), "hardswish", -3, None),
}


@pytest.mark.parametrize("way", FAMILY)
def test_a_unit_of_the_family_fires_where_its_input_is_on_the_active_side(way):
    f, kind, floor, silent = FAMILY[way]
    layer, x, h = counted(f)
    assert layer.kind == kind
    fires = x > np.float32(floor)
    expected = counts_of(h[:, :, None]) | {"fired": fires.sum(axis=0)}
    assert_counted(layer.counts, expected)
    if silent is None:
        silent = {unit for unit, fired in zip(UNITS, fires.T, strict=True) if not fired.any()}
    assert found(layer)["silent"] == silent


@pytest.mark.parametrize(
    "way",
    [w for w, (f, kind, *_) in FAMILY.items() if kind in ("relu6", "hardtanh", "clipped_relu")],
)
def test_a_unit_beyond_the_ceiling_is_saturated(way):
    layer, x, _ = counted(FAMILY[way][0])
    beyond = (x >= layer.rectifier.ceiling).all(axis=0)
    assert found(layer)["saturated"] == {UNITS[i] for i in np.flatnonzero(beyond)}
    assert not (layer.saturated & layer.always_on).any()


def test_hardsigmoid_fires_above_minus_three_and_saturates_at_three():
    for f in (nn.Hardsigmoid(), F.hardsigmoid, lambda x: F.hardsigmoid(x, inplace=True)):
        layer, x, h = counted(f)
        assert layer.fired.tolist() == (h > 0).sum(axis=0).tolist()
        assert layer.saturated.tolist() == (x >= 3).all(axis=0).tolist()
        assert found(layer)["saturated"] == {"above 6"}


SMOOTH = {
    "nn.GELU": (nn.GELU(), "gelu"),
    "F.gelu of tanh": (lambda x: F.gelu(x, approximate="tanh"), "gelu"),
    "nn.SiLU": (nn.SiLU(), "silu"),
    "F.silu in place": (lambda x: F.silu(x, inplace=True), "silu"),
    "nn.Mish": (nn.Mish(), "mish"),
    "nn.Softplus": (nn.Softplus(), "softplus"),
}


@pytest.mark.parametrize("way", SMOOTH)
def test_a_smooth_rectifier_has_the_statistics_and_not_the_verdicts(way):
    f, kind = SMOOTH[way]
    layer, _, h = counted(f)
    assert layer.kind == kind
    finite = np.where(np.isfinite(h), h, 0).astype(np.float64)
    assert layer.samples == N
    assert np.allclose(layer.mean, finite.sum(0) / (N - layer.nonfinite), rtol=1e-12, atol=1e-300)
    never_varies = np.isfinite(h).all(axis=0) & (h.min(axis=0) == h.max(axis=0))
    assert found(layer) == {
        "silent": set(),
        "always_on": set(),
        "saturated": set(),
        "constant": {UNITS[i] for i in np.flatnonzero(never_varies)},
        "nonfinite": {"overflows"},
    }
    assert np.isnan(layer.firing_rate).all()
    assert not layer.starved.any()


# What is none

NO_RECTIFIERS = {
    "clamp(min=1e-8)": lambda x: x.clamp(min=1e-8),
    "clamp(-1, 1)": lambda x: torch.clamp(x, -1, 1),
    "clamp(max=0)": lambda x: x.clamp(max=0),
    "clamp(max=6)": lambda x: x.clip(max=6),
    "clamp_min(-1)": lambda x: x.clamp_min(-1),
    "clamp_(1, 2)": lambda x: x.clamp_(1, 2),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "abs": torch.abs,
    "nothing": lambda x: x,
}


@pytest.mark.parametrize("way", NO_RECTIFIERS)
def test_what_is_no_rectifier_is_neither_counted_nor_listed(way):
    report = watched(Net(lambda net, x: NO_RECTIFIERS[way](net.fc(x)), fc=diagonal(WEIGHTS)), X)
    assert (list(report), report.not_seen) == ([], ())


def test_a_clamp_that_is_no_rectifier_passes_its_units_on():
    net = Net(lambda net, x: net.fc(x).clamp(-9, 9).relu(), fc=diagonal(WEIGHTS))
    assert list(watched(net, X)) == ["fc"]


# Watching changes nothing


@pytest.mark.parametrize("f", [nn.RReLU(), nn.RReLU(-0.5, 0.5), nn.ReLU(inplace=True), nn.PReLU()])
def test_the_outputs_and_the_random_state_are_the_same_bits(f):
    net = nn.Sequential(nn.Linear(len(UNITS), 5), f)

    def run():
        torch.manual_seed(1)
        return [net(X), torch.rand(3)]

    expected = run()
    with health.watch(net):
        actual = run()
    assert all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def test_leaky_relu_fails_no_check_however_negative():
    net = nn.Sequential(diagonal([1.0] * 3, bias=-100), nn.LeakyReLU())
    report = watched(net, torch.ones(4, 3))
    assert report["0"].fired.tolist() == [0, 0, 0]
    report.check(fail_above=0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_every_float_dtype_is_counted(dtype):
    net = nn.Sequential(diagonal(WEIGHTS[:-1]).to(dtype), nn.ReLU6())
    x = X[:, :-1].to(dtype)
    layer = watched(net, x, sizes=SIZES)["0"]
    with torch.no_grad():
        h = net(x).double().numpy()
    assert_counted(layer.counts, counts_of(h[:, :, None]))
    assert found(layer)["saturated"] == {"above 6"}
