"""The units of a layer are followed through shapes, sums, pools and parts, and no other is blamed.

The direct computation sends labels the same way: of each element, its unit and its sample.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from networks import SIZES, Net, counts_by_label, counts_of, places, units_of, watched
from torch import nn
from torch.nn import functional as F

N = sum(SIZES)
SILENT = 1
"""The unit that is planted silent in each layer."""


def with_a_silent_unit(layer):
    with torch.no_grad():
        layer.bias.fill_(1.5)
        layer.bias[SILENT : SILENT + 1] = -1e4
    return layer


def labels(y, axis, samples):
    """The unit and the sample of each element of a layer's output."""
    unit = torch.arange(y.shape[axis]).reshape([-1 if a == axis else 1 for a in range(y.ndim)])
    sizes = [y.shape[a] if a in samples else 1 for a in range(y.ndim)]
    sample = torch.arange(int(np.prod(sizes))).reshape(sizes)
    return [label.expand(y.shape).double().clone() for label in (unit, sample)]


def expected_of(net, x, axis, samples):
    """The counts of relu on what `net.path` makes of the layer's output, by labels."""
    with torch.no_grad():
        y = net.layer(x)
        h = torch.relu(net.path(y.clone()))
        unit, sample = (net.path(label) for label in labels(y, axis, samples))
    return counts_by_label(h, unit, sample)


def followed(layer, path):
    """A layer whose output goes through `path` into relu."""
    net = Net(lambda net, x: torch.relu(net.path(net.layer(x))), layer=with_a_silent_unit(layer))
    net.path = path
    return net.train()


# One layer, and how its units go on: (the layer, its input's shape, the axis of its units, those of its
# samples)

torch.manual_seed(0)
LAYERS = {
    "linear": (nn.Linear(5, 6), (N, 5), 1, (0,)),
    "linear of a sequence": (nn.Linear(5, 6), (N, 4, 5), 2, (0, 1)),
    "linear of images": (nn.Linear(5, 6), (N, 2, 3, 5), 3, (0, 1, 2)),
    "linear without a batch": (nn.Linear(5, 6), (5,), 0, ()),
    "bilinear": (nn.Bilinear(3, 3, 6), (N, 3), 1, (0,)),
    "conv1d": (nn.Conv1d(2, 6, 3), (N, 2, 8), 1, (0,)),
    "conv2d": (nn.Conv2d(2, 6, 3), (N, 2, 6, 5), 1, (0,)),
    "conv3d": (nn.Conv3d(2, 6, 2), (N, 2, 3, 4, 3), 1, (0,)),
    "conv2d in groups": (nn.Conv2d(4, 6, 3, groups=2), (N, 4, 6, 5), 1, (0,)),
    "conv2d of channels-last memory": (
        nn.Conv2d(2, 6, 3).to(memory_format=torch.channels_last),
        (N, 2, 6, 5),
        1,
        (0,),
    ),
    "conv1d without a batch": (nn.Conv1d(2, 6, 3), (2, 8), 0, ()),
    "conv2d without a batch": (nn.Conv2d(2, 6, 3), (2, 6, 5), 0, ()),
    "transposed conv1d": (nn.ConvTranspose1d(2, 6, 3), (N, 2, 4), 1, (0,)),
    "transposed conv2d": (nn.ConvTranspose2d(2, 6, 3), (N, 2, 3, 4), 1, (0,)),
    "transposed conv3d": (nn.ConvTranspose3d(2, 6, 2), (N, 2, 2, 3, 2), 1, (0,)),
    "transposed conv2d in groups": (nn.ConvTranspose2d(4, 6, 2, groups=2), (N, 4, 3, 3), 1, (0,)),
    "batch norm": (nn.BatchNorm1d(6), (N, 6), 1, (0,)),
    "batch norm of images": (nn.BatchNorm2d(6), (N, 6, 4, 3), 1, (0,)),
    "batch norm of volumes": (nn.BatchNorm3d(6), (N, 6, 2, 3, 2), 1, (0,)),
    "instance norm": (nn.InstanceNorm2d(6, affine=True), (N, 6, 4, 3), 1, (0,)),
    "group norm": (nn.GroupNorm(3, 6), (N, 6, 4, 3), 1, (0,)),
    "layer norm": (nn.LayerNorm(6), (N, 6), 1, (0,)),
    "layer norm of a sequence": (nn.LayerNorm(6), (N, 4, 6), 2, (0, 1)),
}


def input_of(name):
    return torch.randn(LAYERS[name][1], generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", LAYERS)
def test_the_units_of_each_layer_are_counted(name):
    layer, _, axis, samples = LAYERS[name]
    apply = (lambda net, x: torch.relu(net.layer(x, x))) if name == "bilinear" else None
    net = Net(apply or (lambda net, x: torch.relu(net.layer(x))), layer=with_a_silent_unit(layer))
    x = input_of(name)
    report = watched(net, x)
    with torch.no_grad():
        h = net(x)
    assert list(report) == ["layer"]
    assert counts_of(report["layer"]) == counts_by_label(h, *labels(h, axis, samples))
    assert units_of(report["layer"].silent) == [SILENT]


@pytest.mark.parametrize(
    ("name", "word"), [("linear of a sequence", "position"), ("conv2d", "sample")]
)
def test_the_report_says_what_a_sample_is(name, word):
    layer = with_a_silent_unit(LAYERS[name][0])
    assert watched(nn.Sequential(layer, nn.ReLU()), input_of(name))["0"].sample == word


# Shapes

CONV, LINEAR, SEQUENCE = "conv2d", "linear", "linear of a sequence"

PATHS = {
    "nothing": (CONV, lambda y: y),
    "flatten of channels first": (CONV, lambda y: y.flatten(1)),
    "torch.flatten": (CONV, lambda y: torch.flatten(y, 1)),
    "nn.Flatten": (CONV, nn.Flatten()),
    "flatten of positions": (CONV, lambda y: y.flatten(2)),
    "flatten of channels last": (CONV, lambda y: y.permute(0, 2, 3, 1).flatten(1)),
    "flatten of channels-last memory": (
        "conv2d of channels-last memory",
        lambda y: y.contiguous(memory_format=torch.channels_last).flatten(1),
    ),
    "flatten of one column last": (CONV, lambda y: y.permute(0, 2, 1, 3).flatten(1)),
    "view and back": (CONV, lambda y: y.view(N, -1).view(y.shape)),
    "reshape": (CONV, lambda y: y.reshape(len(y), -1)),
    "reshape(shape=)": (CONV, lambda y: torch.reshape(y, shape=(len(y), -1))),
    "unflatten": (CONV, lambda y: y.flatten(1).unflatten(1, (6, -1))),
    "nn.Unflatten": (CONV, nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (4, 3)))),
    "unflatten of positions": (CONV, lambda y: y.flatten(1).unflatten(1, (-1, 3))),
    "permute": (CONV, lambda y: y.permute(0, 2, 3, 1)),
    "permute(dims=)": (CONV, lambda y: y.permute(dims=(0, 2, 3, 1))),
    "torch.permute": (CONV, lambda y: torch.permute(y, (2, 0, 3, 1))),
    "torch.permute(input=)": (CONV, lambda y: torch.permute(input=y, dims=(0, 3, 1, 2))),
    "samples behind": (CONV, lambda y: y.permute(1, 2, 3, 0)),
    "transpose": (CONV, lambda y: y.transpose(1, -1)),
    "transpose(dim0=)": (CONV, lambda y: y.transpose(dim0=0, dim1=2)),
    "swapaxes": (CONV, lambda y: y.swapaxes(axis0=3, axis1=1)),
    "swapdims": (CONV, lambda y: torch.swapdims(y, 0, 1)),
    "mT": (CONV, lambda y: y.mT),
    "T": (LINEAR, lambda y: y.T),
    "t": (LINEAR, lambda y: y.t()),
    "channels-last memory": (CONV, lambda y: y.contiguous(memory_format=torch.channels_last)),
    "to channels-last memory": (CONV, lambda y: y.to(memory_format=torch.channels_last)),
    "unsqueeze": (LINEAR, lambda y: y.unsqueeze(1)),
    "an index of None": (LINEAR, lambda y: y[:, None]),
    "None before all": (CONV, lambda y: y[None, ..., None]),
    "squeeze": (CONV, lambda y: y[:, :, :1, :1].squeeze()),
    "squeeze(dim)": (LINEAR, lambda y: y.unsqueeze(1).unsqueeze(0).squeeze(0)),
    "a sequence as a batch": (SEQUENCE, lambda y: y.reshape(-1, y.shape[-1])),
    "a sequence, transposed": (SEQUENCE, lambda y: y.transpose(1, 2)),
    # Parts
    "the first token": (SEQUENCE, lambda y: y[:, 0]),
    "the last token": (SEQUENCE, lambda y: y[:, -1]),
    "some tokens": (SEQUENCE, lambda y: y[:, 1:3]),
    "every other row": (CONV, lambda y: y[..., ::2, :]),
    "a position": (CONV, lambda y: y[:, :, 1, 2]),
    "a crop": (CONV, lambda y: y[:, :, 1:-1, 1:]),
    "one sample": (CONV, lambda y: y[3]),
    "some samples": (CONV, lambda y: y[2:9]),
    "the first units": (CONV, lambda y: y[:, :4]),
    "the first half of the units": (CONV, lambda y: y.chunk(2, dim=1)[0]),
    "a split": (LINEAR, lambda y: y.split([2, 4], dim=1)[0]),
    "the first half of the samples": (CONV, lambda y: y.chunk(2)[0]),
    # Element by element
    "a scale": (CONV, lambda y: y * 2 / 2),
    "clone": (CONV, lambda y: y.clone()),
    "contiguous": (CONV, lambda y: y.transpose(1, 2).contiguous()),
    "double": (CONV, lambda y: y.double()),
    "dropout": (CONV, lambda y: F.dropout2d(F.dropout(y, 0.5, training=False), training=False)),
    # Positions
    "max pool": (CONV, nn.MaxPool2d(2)),
    "max pool with indices": (CONV, lambda y: F.max_pool2d(y, 2, return_indices=True)[0]),
    "average pool": (CONV, nn.AvgPool2d(2)),
    "adaptive average pool": (CONV, nn.AdaptiveAvgPool2d(1)),
    "adaptive max pool": (CONV, nn.AdaptiveMaxPool2d(2)),
    "adaptive max pool with indices": (
        CONV,
        lambda y: F.adaptive_max_pool2d(y, 2, return_indices=True)[0],
    ),
    "pool and flatten": (CONV, lambda y: F.adaptive_avg_pool2d(y, 1).flatten(1)),
    "mean of positions": (CONV, lambda y: y.mean((2, 3))),
    "mean(dim=)": (CONV, lambda y: y.mean(dim=[-1, -2])),
    "mean(axis=)": (CONV, lambda y: y.mean(axis=(2, 3))),
    "mean, dimensions kept": (CONV, lambda y: y.mean(dim=(2, 3), keepdim=True)),
    "mean over a sequence": (SEQUENCE, lambda y: y.mean(1)),
    "amax": (CONV, lambda y: torch.amax(y, (2, 3))),
    "nearest neighbours": (CONV, lambda y: F.interpolate(y, scale_factor=2)),
    "upsample": (CONV, nn.Upsample(scale_factor=2)),
    "pad with what is there": (CONV, lambda y: F.pad(y, (1, 1, 0, 1), mode="replicate")),
    "1d pools": ("conv1d", lambda y: F.max_pool1d(F.avg_pool1d(y, 2, 1), 2)),
    "3d pools": ("conv3d", lambda y: F.max_pool3d(F.avg_pool3d(y, 2, 1), 1)),
}


@pytest.mark.parametrize("name", PATHS)
def test_units_are_followed_on_their_way_to_the_rectifier(name):
    of, path = PATHS[name]
    layer, _, axis, samples = LAYERS[of]
    net, x = followed(layer, path), input_of(of)
    report = watched(net, x)
    assert not report.not_seen
    (counted,) = report.layers.values()
    assert counts_of(counted) == expected_of(net, x, axis, samples)
    assert units_of(counted.silent) == [SILENT]


# Several summands, several parts


def two_convolutions(combine, **options):
    """Two layers of 6 and 6 channels, both with the same silent unit; `combine` makes one of both."""
    torch.manual_seed(1)
    modules = {name: with_a_silent_unit(nn.Conv2d(2, 6, 3, **options)) for name in ("a", "b")}
    return Net(lambda net, x: torch.relu(combine(net.a(x), net.b(x))), **modules)


COMBINED = {
    # way: what is made of two layers' outputs, and the silent units then
    "a sum": (lambda a, b: a + b, [1]),
    "a sum in place": (lambda a, b: a.add_(b), [1]),
    "+=": (lambda a, b: a.__iadd__(b), [1]),
    "torch.add": (lambda a, b: torch.add(a, b, alpha=2), [1]),
    "cat": (lambda a, b: torch.cat([a, b], 1), [1, 7]),
    "cat(dim=)": (lambda a, b: torch.cat([a, b], dim=-3), [1, 7]),
    "cat(axis=)": (lambda a, b: torch.cat([a, b], axis=1), [1, 7]),
    "cat(tensors=)": (lambda a, b: torch.cat(tensors=[a, b], dim=1), [1, 7]),
    "concat of three": (lambda a, b: torch.concat([a, b, a], 1), [1, 7, 13]),
    "cat along positions": (lambda a, b: torch.cat([a, b], 2), [1]),
    "cat along samples": (lambda a, b: torch.cat([a, b]), [1]),
    "cat, flattened": (lambda a, b: torch.cat([a, b], 1).flatten(1), [1, 7]),
    "cat of halves": (lambda a, b: torch.cat([a.chunk(2, 1)[0], b], 1), [1, 4]),
    "where": (lambda a, b: torch.where(torch.ones(4, 3) == 1, a, b), [1]),
    "lerp": (lambda a, b: torch.lerp(a, b, 0.5), [1]),
}


@pytest.mark.parametrize("way", COMBINED)
def test_units_of_several_layers_are_counted_together(way):
    combine, silent = COMBINED[way]
    net = two_convolutions(combine)
    x = input_of("conv2d")
    report = watched(net, x, sizes=None)
    with torch.no_grad():
        h = net(x)
        units = [labels(net.a(x), 1, (0,))[0] for _ in "ab"]
    assert not report.not_seen
    (counted,) = report.layers.values()
    assert counted.name == "Net:1"
    assert units_of(counted.silent) == silent
    assert counted.fired.sum() > 0
    by_channel = h.flatten(1).unflatten(1, (counted.units, -1))
    assert counted.fired.tolist() == (by_channel > 0).any(2).sum(0).tolist()
    assert units


def test_summands_that_disagree_are_listed():
    net = Net(lambda net, x: torch.relu(net.a(x) + net.a(x).transpose(1, 2)), a=nn.Linear(4, 4))
    report = watched(net, torch.randn(5, 4, 4))
    assert places(report) == ["Net:1"]
    assert "different axes" in report.not_seen[0].reason


def test_parts_of_one_layer_are_units_of_their_own():
    net = Net(
        lambda net, x: [torch.relu(part) for part in net.a(x).chunk(3, dim=-1)],
        a=with_a_silent_unit(nn.Linear(5, 6)),
    )
    x = input_of("linear")
    report = watched(net, x)
    with torch.no_grad():
        h = torch.relu(net.a(x))
    fired = [layer.fired.tolist() for layer in report.layers.values()]
    assert fired == (h > 0).sum(0).reshape(3, 2).tolist()
    assert [units_of(layer.silent) for layer in report.layers.values()] == [[1], [], []]


# In place


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.unsqueeze_(0),
        lambda y: y.transpose_(0, 1),
        lambda y: y.t_(),
        lambda y: y.unsqueeze_(1).squeeze_(1),
        lambda y: y.swapaxes_(0, 1),
    ],
)
def test_a_shape_that_changes_in_place_blames_no_wrong_unit(change):
    net = Net(lambda net, x: torch.relu(change(net.a(x))), a=nn.Linear(4, 4))
    report = watched(net, torch.randn(4, 4))
    assert (list(report), places(report)) == ([], ["Net:1"])
    assert "in place" in report.not_seen[0].reason


MIXED = {
    **{name: LAYERS[name] for name in ("conv2d", "linear", "linear of a sequence", "group norm")},
    "one channel": (nn.Conv2d(2, 1, 3), (N, 2, 6, 5), 1, (0,)),
    "one feature": (nn.Linear(5, 1), (N, 4, 5), 2, (0, 1)),
    "one sample": (nn.Conv2d(2, 4, 3), (1, 2, 6, 5), 1, (0,)),
}

MIXING = {
    "samples beside a unit": ("linear of a sequence", lambda y: y.transpose(0, 2).flatten()),
    "samples joined with positions": ("conv2d", lambda y: y.transpose(1, 2).flatten(0, 1)),
    "half of what holds all units of some samples": (
        "linear of a sequence",
        lambda y: y.flatten().chunk(2)[0],
    ),
    "what was flattened, joined": ("conv2d", lambda y: torch.cat([y.flatten(1), y.flatten(1)], 1)),
    "samples of one channel": ("one channel", lambda y: y.transpose(0, 1).flatten(0, 1)),
}


@pytest.mark.parametrize("way", MIXING)
def test_a_shape_in_which_units_or_samples_are_not_told_apart_is_listed(way):
    name, path = MIXING[way]
    layer, shape, *_ = MIXED[name]
    report = watched(followed(layer, path), torch.randn(shape))
    assert (list(report), places(report)) == ([], ["Net:1"])


def test_a_last_batch_of_one_sample_that_is_squeezed_is_counted():
    net = followed(nn.Conv2d(2, 6, 3), lambda y: F.adaptive_avg_pool2d(y, 1).squeeze())
    report = watched(net, input_of("conv2d"), sizes=(6, 4, 1))
    assert not report.not_seen
    assert (report["layer"].samples, units_of(report["layer"].silent)) == (N, [SILENT])


def test_the_user_names_the_axis_where_it_is_not_known():
    net = Net(lambda net, x: torch.relu(net.a(x).t_()), a=with_a_silent_unit(nn.Linear(5, 6)))
    x = input_of("linear")
    report = watched(net, x, axes={"Net:1": 0})
    assert units_of(report["Net:1"].silent) == [SILENT]


# A channel, a sample


def test_a_channel_is_silent_only_where_no_position_of_any_sample_fires():
    """One value of all fires: the first or the last position, of the first or the last sample."""
    for sample in (0, N - 1):
        for position in (0, 19):
            x = torch.full((N, 2, 20), -1.0)
            x[sample, 0, position] = 1.0
            conv = nn.Conv1d(2, 2, 1, groups=2, bias=False)
            nn.init.ones_(conv.weight)
            layer = watched(nn.Sequential(conv, nn.ReLU()), x, sizes=SIZES)["0"]
            assert (layer.fired.tolist(), layer.silent.tolist()) == ([1, 0], [False, True])


# Architectures of chance

RELUS = [
    *(torch.relu, F.relu, nn.ReLU(), nn.ReLU(inplace=True), F.relu_, lambda x: x.relu_()),
    *(
        lambda x: x.clamp(min=0),
        lambda x: torch.clamp_min(x, 0),
        lambda x: torch.clip(input=x, min=0),
    ),
]

MOVES = st.one_of(
    st.permutations(range(4)).map(
        lambda order: lambda y: y.permute(*order[: y.ndim]) if y.ndim == 4 else y
    ),
    st.integers(0, 3).map(lambda at: lambda y: y.flatten(min(at, y.ndim - 1))),
    st.integers(0, 3).map(lambda at: lambda y: y.flatten(0, min(at, y.ndim - 1))),
    st.tuples(st.integers(0, 3), st.sampled_from([2, 3])).map(lambda at: lambda y: parted(y, *at)),
    st.integers(0, 4).map(lambda at: lambda y: y.unsqueeze(min(at, y.ndim))),
    st.just(lambda y: y.squeeze()),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
        lambda pair: lambda y: y.transpose(*(axis % y.ndim for axis in pair))
    ),
    st.integers(0, 3).map(
        lambda axis: lambda y: y[(slice(None),) * (axis % y.ndim) + (slice(0, 2),)]
    ),
    st.integers(0, 3).map(lambda axis: lambda y: y.chunk(2, axis % y.ndim)[0]),
    st.just(lambda y: y.contiguous()),
)


def parted(y, axis, size):
    """One axis as two."""
    axis %= y.ndim
    return y.unflatten(axis, (-1, size)) if y.shape[axis] % size == 0 else y


def chained(moves):
    def path(y):
        for move in moves:
            y = move(y) if y.ndim < 7 else y
        return y

    return path


@given(
    name=st.sampled_from(list(MIXED)),
    moves=st.lists(MOVES, max_size=4),
    relu=st.sampled_from(RELUS),
)
@settings(max_examples=150)
def test_any_shapes_give_the_counts_of_the_labels_or_are_listed(name, moves, relu):
    layer, shape, axis, samples = MIXED[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(8))
    net = followed(layer, chained(moves))
    expected = expected_of(net, x, axis, samples)
    net._compute = lambda net, x: relu(net.path(net.layer(x)))
    report = watched(net, x)
    assert len(report) + len(report.not_seen) == 1
    for counted in report.layers.values():
        assert counts_of(counted) == expected
