"""Where a rectifier stands: its name, what cannot be counted, and whole networks."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfwave import health

torch = pytest.importorskip("torch")

from networks import Net, counts_by_label, counts_of, places, units_of, verdicts, watched
from torch import nn
from torch.nn import functional as F

N = 9


def silence(layer, *units):
    """Plant units that are silent; the others fire."""
    with torch.no_grad():
        layer.bias.fill_(5.0)
        layer.bias[list(units)] = -1e4
    return layer


def silent(report):
    """The silent units of each place."""
    return {name: units_of(layer.silent) for name, layer in report.layers.items()}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# Names


def test_a_place_has_the_dotted_name_of_the_layer_whose_units_it_rectifies():
    net = nn.Sequential(
        nn.Sequential(silence(nn.Linear(4, 3), 0), nn.ReLU()),
        nn.ModuleDict({"inner": nn.Sequential(silence(nn.Linear(3, 2), 1), nn.ReLU())})["inner"],
    )
    report = watched(net, torch.randn(N, 4))
    assert silent(report) == {"0.0": [0], "1.0": [1]}


def test_layers_come_in_order_of_execution():
    net = Net(
        lambda net, x: torch.relu(net.a(torch.relu(net.c(torch.relu(net.b(x)))))),
        a=nn.Linear(2, 2),
        b=nn.Linear(2, 2),
        c=nn.Linear(2, 2),
    )
    assert list(watched(net, torch.randn(N, 2))) == ["b", "c", "a"]


def test_the_second_use_of_a_layer_has_a_number():
    def forward(net, x):
        for _ in range(3):
            x = torch.relu(net.fc(x))
        return x

    net = Net(forward, fc=nn.Linear(2, 2))
    report = watched(net, torch.randn(N, 2), sizes=3)
    assert list(report) == ["fc", "fc#2", "fc#3"]
    assert [layer.samples for layer in report.layers.values()] == [N, N, N]


def test_two_rectifiers_of_one_layer_are_two_places():
    net = Net(lambda net, x: (torch.relu(h := net.fc(x)), torch.relu(-h)), fc=nn.Linear(2, 3))
    x = torch.randn(N, 2)
    report = watched(net, x)
    assert list(report) == ["fc", "fc#2"]
    assert (report["fc"].fired + report["fc#2"].fired).tolist() == [N, N, N]


def test_a_place_without_a_layer_of_its_own_has_its_modules_name_and_a_number():
    block = Net(
        lambda net, x: torch.relu(net.a(x) + x) + net.act(net.b(x) + x),
        a=nn.Linear(3, 3),
        b=nn.Linear(3, 3),
        act=nn.ReLU(),
    )
    net = nn.Sequential(nn.Linear(3, 3), block, block)
    assert list(watched(net, torch.randn(N, 3))) == ["1:1", "1.act:1", "1:2", "1.act:2"]


def test_a_parameter_of_the_model_itself_names_its_units():
    net = Net(lambda net, x: torch.relu(x @ net.weight_of_mine))
    net.weight_of_mine = nn.Parameter(torch.randn(2, 3))
    assert list(watched(net, torch.randn(N, 2))) == ["weight_of_mine"]


WRAPPED = {
    "not at all": lambda net: net,
    "DataParallel": nn.DataParallel,
    "torch.compile": lambda net: torch.compile(net, backend="eager"),
    "torch.compile inside": lambda net: nn.Sequential(
        torch.compile(net[0], backend="eager"), *net[1:]
    ),
    "net.compile()": lambda net: compiled_in_place(net),
    "DataParallel of torch.compile": lambda net: nn.DataParallel(
        torch.compile(net, backend="eager")
    ),
}


def compiled_in_place(net):
    net.compile(backend="eager")
    return net


@pytest.mark.parametrize("way", WRAPPED)
def test_wrappers_change_no_name_and_no_count(way):
    net = nn.Sequential(
        nn.Sequential(silence(nn.Linear(3, 4), 2), nn.ReLU()),
        silence(nn.Linear(4, 2), 0),
        nn.ReLU(),
    )
    report = watched(WRAPPED[way](net), torch.randn(N, 3), sizes=4)
    assert silent(report) == {"0.0": [2], "1": [0]}
    assert [layer.samples for layer in report.layers.values()] == [N, N]


def test_a_place_whose_batch_is_empty_still_counts_as_a_use():
    net = Net(
        lambda net, x: [torch.relu(net.fc(x[x[:, 0] < 0])), torch.relu(net.fc(x[x[:, 0] >= 0]))],
        fc=nn.Linear(1, 2),
    )
    report = watched(net, torch.tensor([[1.0], [2.0], [-1.0]]), sizes=2)
    assert {name: layer.samples for name, layer in report.layers.items()} == {"fc#2": 2, "fc": 1}


# Not seen

X = torch.randn(N, 3)
BY_HAND = {
    "x * (x > 0)": lambda h: h * (h > 0),
    "x * (x > 0).float()": lambda h: h * (h > 0.0).float(),
    "x * (0 < x)": lambda h: h * (0 < h),
    "x * x.gt(0)": lambda h: h * h.gt(0),
    "x * x.gt(other=0)": lambda h: h * h.gt(other=0),
    "x * torch.gt(input=x, other=0)": lambda h: h * torch.gt(input=h, other=0),
    "x * (x >= 0)": lambda h: h * (h >= 0),
    "x * (x > zeros)": lambda h: h * (h > torch.zeros(3)),
    "x * torch.lt(zeros, x)": lambda h: h * torch.lt(torch.zeros(3), h),
    "where": lambda h: torch.where(h > 0, h, torch.zeros(3)),
    "where by a number": lambda h: torch.where(h > 0, h, 0.0),
    "where the other way": lambda h: torch.where(h <= 0, 0.0, h),
    "masked_fill": lambda h: h.masked_fill(h < 0, 0.0),
    "masked_fill_": lambda h: h.masked_fill_(h.lt(0), 0.0),
    "an assignment": lambda h: h.clone().__setitem__(h < 0, 0.0),
    "heaviside": lambda h: h * torch.heaviside(h, torch.zeros(1)),
    "maximum": lambda h: torch.maximum(h, torch.zeros(3)),
    "maximum of zeros": lambda h: torch.maximum(torch.zeros_like(h), h),
    "maximum(other=)": lambda h: torch.maximum(input=h, other=torch.zeros(())),
    "max": lambda h: torch.max(h, torch.zeros(3)),
    "Tensor.max": lambda h: h.max(torch.zeros(3)),
    "fmax": lambda h: torch.fmax(h, torch.zeros(3)),
    "clamp by a tensor": lambda h: h.clamp(min=torch.zeros(3)),
    "clamp by a tensor in place": lambda h: torch.clamp_(h, torch.zeros(())),
}


@pytest.mark.parametrize("way", BY_HAND)
def test_a_rectifier_by_hand_is_listed(way):
    net = Net(lambda net, x: BY_HAND[way](net.block.fc(x)), block=Net(None, fc=nn.Linear(3, 3)))
    report = watched(net, X)
    assert (list(report), places(report)) == ([], ["Net"])
    assert "if that makes a rectifier by hand" in report.not_seen[0].reason


def test_two_ways_by_hand_in_one_module_are_both_listed():
    net = Net(
        lambda net, x: torch.maximum(h := net.fc(x), torch.zeros(3)) + h * (h > 0),
        fc=nn.Linear(3, 3),
    )
    reasons = [entry.reason.split()[0] for entry in watched(net, X).not_seen]
    assert reasons == ["maximum", "gt"]


NO_UNITS = {
    "a mask of the input": lambda net, x: net.fc(x * (x > 0)),
    "a mask of labels": lambda net, x: net.fc(x)[torch.arange(len(x)) > 0],
    "an attention mask": lambda net, x: net.fc(x).masked_fill(torch.ones(1, 3).tril() <= 0, -1e9),
    "a comparison with another number": lambda net, x: (net.fc(x) > 0.5).sum(),
    "a comparison of two layers": lambda net, x: net.fc(x) > net.fc(x),
    "maxout": lambda net, x: torch.maximum(net.fc(x), net.fc(-x)),
    "the largest": lambda net, x: net.fc(x).max(dim=1).values.max(),
    "a floor for a square root": lambda net, x: net.fc(x).clamp(min=1e-8).sqrt(),
    "positions of integers": lambda net, x: net.fc(x)[(torch.arange(4) - 2).clamp(min=0)],
    "softmax": lambda net, x: net.fc(x).softmax(-1),
    "a random mask": lambda net, x: net.fc(x) * (torch.rand(3) > 0.5),
}


@pytest.mark.parametrize("way", NO_UNITS)
def test_what_rectifies_no_units_is_not_listed(way):
    report = watched(Net(NO_UNITS[way], fc=nn.Linear(3, 3)), X)
    assert (list(report), report.not_seen) == ([], ())


UNKNOWN = {
    "the model's own input": (lambda net, x: torch.relu(x), "Net:1", "from no layer"),
    "a function that is not followed": (
        lambda net, x: torch.relu(net.fc(x).softmax(-1)),
        "Net:1",
        "axes={'Net:1': axis}",
    ),
    "heads of an attention": (
        lambda net, x: torch.relu(torch.cat([net.fc(x), net.fc(x)], 1).unflatten(1, (2, 3))),
        "Net:1",
        "axes={'Net:1': axis}",
    ),
    "a unit without an axis": (
        lambda net, x: torch.relu(F.linear(torch.relu(net.fc(x)), net.fc.bias)),
        "Net:1",
        "from no layer",
    ),
    "one number": (lambda net, x: torch.relu(net.fc(x).sum()), "Net:1", "from no layer"),
    "vmap": (
        lambda net, x: torch.func.vmap(lambda x: torch.relu(net.fc(x)))(x),
        "fc",
        "torch.func",
    ),
    "sparse": (lambda net, x: torch.relu(net.fc(x).to_sparse()), "Net:1", "sparse"),
    "meta": (lambda net, x: torch.relu(net.fc(x).to("meta")), "fc", "without memory"),
    "nested": (
        lambda net, x: torch.relu(torch.nested.nested_tensor([net.fc(x), x[:2]])),
        "Net:1",
        "nested",
    ),
    "a subclass": (lambda net, x: torch.relu(net.fc(x).as_subclass(Subclass)), "Net:1", "Subclass"),
    "quantised": (
        lambda net, x: torch.relu(torch.quantize_per_tensor(net.fc(x), 0.1, 10, torch.quint8)),
        "Net:1",
        "quint8",
    ),
}


class Subclass(torch.Tensor):
    pass


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*quantiz.*:UserWarning")
@pytest.mark.parametrize("way", UNKNOWN)
def test_what_cannot_be_counted_is_listed_with_its_place_and_the_reason(way):
    forward, place, words = UNKNOWN[way]
    report = watched(Net(forward, fc=nn.Linear(3, 3)), X)
    assert places(report) == [place]
    assert not report.layers.keys() - {"fc"}
    assert report.not_seen[0].reason.startswith("relu: ")
    assert words in report.not_seen[0].reason


FUSED = {
    "nn.RNN": (nn.RNN(3, 4, nonlinearity="relu"), "rnn_relu"),
    "nn.RNN, bidirectional": (nn.RNN(3, 4, 2, nonlinearity="relu", bidirectional=True), "rnn_relu"),
    "nn.RNNCell": (nn.RNNCell(3, 4, nonlinearity="relu"), "rnn_relu_cell"),
}


@pytest.mark.parametrize("way", FUSED)
def test_a_rectifier_inside_a_kernel_is_listed(way):
    module, function = FUSED[way]
    report = watched(Net(lambda net, x: net.inner(x), inner=module), X)
    assert (list(report), places(report)) == ([], ["inner"])
    assert report.not_seen[0].reason.startswith(f"{function} has its rectifier inside")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_listed_and_the_rest_is_counted():
    net = nn.Sequential(
        nn.Linear(3, 3), nn.ReLU(), torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    )
    report = watched(net, X)
    assert (list(report), places(report)) == (["0"], ["2"])
    assert "TorchScript" in report.not_seen[0].reason


def test_an_exported_program_is_counted():
    net = nn.Sequential(
        *(silence(nn.Conv2d(1, 3, 2), 2), nn.ReLU6(), nn.MaxPool2d(2), nn.Flatten(), nn.ReLU()),
        *(silence(nn.Linear(12, 4), 0), nn.LeakyReLU(0.0), nn.Linear(4, 2), nn.Hardtanh(0, 1)),
    )
    x = torch.randn(N, 1, 5, 5)
    expected = watched(net, x)
    report = watched(torch.export.export(net, (x,)).module(), x)
    assert not report.not_seen
    assert {name: counts_of(layer) for name, layer in report.layers.items()} == {
        name: counts_of(layer) for name, layer in expected.layers.items()
    }


def test_a_place_that_cannot_be_counted_hides_no_other():
    net = Net(
        lambda net, x: torch.relu(net.b(torch.relu(net.a(x).softmax(-1)))),
        a=nn.Linear(3, 3),
        b=silence(nn.Linear(3, 3), 1),
    )
    report = watched(net, X)
    assert (silent(report), places(report)) == ({"b": [1]}, ["Net:1"])


# Axes that the user names

UNNAMED = Net(lambda net, x: torch.relu(x))


@pytest.mark.parametrize(("axis", "fired"), [(-1, [3, 2]), (1, [3, 2])])
def test_a_place_whose_axis_is_named_is_counted(axis, fired):
    x = torch.tensor([[1.0, -1.0], [2.0, 3.0], [1.0, 4.0]])
    report = watched(UNNAMED, x, axes={"Net:1": axis})
    assert (report["Net:1"].fired.tolist(), report.not_seen) == (fired, ())


def test_a_named_axis_before_others_has_positions():
    x = torch.tensor([[[1.0, -1.0], [-2.0, -3.0]], [[-1.0, 2.0], [-1.0, -1.0]]])
    layer = watched(UNNAMED, x, axes={"Net:1": 1})["Net:1"]
    assert (layer.samples, layer.fired.tolist(), units_of(layer.silent)) == (2, [2, 0], [1])


def test_a_name_that_no_place_has_is_told():
    report = watched(UNNAMED, X, axes={"Net:1": 1, "Net:2": 1})
    assert [(e.place, e.reason) for e in report.not_seen] == [
        ("Net:2", "axes names it, and no rectifier of this name was met")
    ]


@pytest.mark.parametrize("axis", [2, -3, 7])
def test_an_axis_that_is_not_there_is_told(axis):
    report = watched(UNNAMED, X, axes={"Net:1": axis})
    assert (list(report), places(report)) == ([], ["Net:1"])
    assert f"axis {axis}" in report.not_seen[0].reason
    assert "(9, 3)" in report.not_seen[0].reason


@pytest.mark.parametrize("axis", ["1", 1.0, None, (1,)])
def test_an_axis_that_is_no_number_is_refused(axis):
    with pytest.raises(TypeError, match="pass an axis's number"):
        health.watch(UNNAMED, axes={"Net:1": axis})


# Whole networks


class BasicBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


def resnet():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        BasicBlock(4),
        BasicBlock(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    silence(net[1], 3)
    silence(net[3].bn1, 0, 2)
    silence(net[3].bn2, 1)
    silence(net[4].bn1)
    silence(net[4].bn2)
    return (
        net,
        torch.randn(N, 1, 6, 6),
        {"1": [3], "3.bn1": [0, 2], "3.relu:1": [1], "4.bn1": [], "4.relu:1": []},
    )


def transformer(*, norm_first=False, activation="relu"):
    layer = nn.TransformerEncoderLayer(
        8, 2, 6, 0.1, activation, batch_first=True, norm_first=norm_first
    )
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    silence(net.layers[0].linear1, 5)
    silence(net.layers[1].linear1, 0, 1)
    return net, torch.randn(N, 4, 8), {"layers.0.linear1": [5], "layers.1.linear1": [0, 1]}


def inception():
    branches = [
        nn.Sequential(silence(nn.Conv2d(2, 3, k, padding=k // 2), k % 3), nn.ReLU()) for k in (1, 3)
    ]
    net = Net(
        lambda net, x: torch.relu(
            net.bn(torch.cat([net.a(x), net.b(x), F.max_pool2d(x, 3, 1, 1)], 1))
        ),
        a=branches[0],
        b=branches[1],
        bn=silence(nn.BatchNorm2d(8), 2, 7),
    )
    return net, torch.randn(N, 2, 5, 5), {"a.0": [1], "b.0": [0], "bn": [2, 7]}


def dense():
    """DenseNet's order: what was joined is normalised, then rectified."""
    net = Net(
        lambda net, x: torch.relu(torch.cat([x := net.a(x), net.b(torch.relu(net.bn(x)))], 1)),
        a=silence(nn.Conv2d(1, 3, 3)),
        bn=silence(nn.BatchNorm2d(3), 0),
        b=silence(nn.Conv2d(3, 2, 3, padding=1), 1),
    )
    return net, torch.randn(N, 1, 6, 6), {"bn": [0], "Net:1": [4]}


def u_net():
    net = Net(
        lambda net, x: torch.relu(
            net.head(
                torch.cat(
                    [net.up(d := torch.relu(net.down(x))), F.interpolate(d, scale_factor=2)], 1
                )
            )
        ),
        down=silence(nn.Conv2d(1, 3, 2, 2), 1),
        up=nn.ConvTranspose2d(3, 2, 2, 2),
        head=silence(nn.Conv2d(5, 4, 1), 0, 3),
    )
    return net, torch.randn(N, 1, 6, 6), {"down": [1], "head": [0, 3]}


def conv_next():
    net = Net(
        lambda net, x: (
            x
            + net.out(torch.relu(net.fc(net.norm(net.conv(x).permute(0, 2, 3, 1))))).permute(
                0, 3, 1, 2
            )
        ),
        conv=nn.Conv2d(4, 4, 3, padding=1, groups=4),
        norm=nn.LayerNorm(4),
        fc=silence(nn.Linear(4, 5), 4),
        out=nn.Linear(5, 4),
    )
    return net.to(memory_format=torch.channels_last), torch.randn(N, 4, 5, 5), {"fc": [4]}


def mixer():
    net = Net(
        lambda net, x: (
            torch.relu(net.tokens(x.transpose(1, 2))).transpose(1, 2) + torch.relu(net.channels(x))
        ),
        tokens=silence(nn.Linear(4, 4), 3),
        channels=silence(nn.Linear(6, 6), 2),
    )
    return net, torch.randn(N, 4, 6), {"tokens": [3], "channels": [2]}


def squeeze_and_excite():
    net = Net(
        lambda net, x: torch.relu(
            (h := net.conv(x))
            * net.b(torch.relu(net.a(h.mean((2, 3))))).sigmoid()[:, :, None, None]
        ),
        conv=silence(nn.Conv2d(1, 4, 3), 1),
        a=silence(nn.Linear(4, 2), 0),
        b=nn.Linear(2, 4),
    )
    with torch.no_grad():
        net.a.weight.abs_()[:, 1] = 0
    return net, torch.randn(N, 1, 5, 5), {"a": [0], "conv": [1]}


def generator():
    net = nn.Sequential(
        nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), silence(nn.BatchNorm2d(2), 0), nn.ReLU(),
        nn.ConvTranspose2d(2, 4, 2, 2), silence(nn.GroupNorm(2, 4), 3), nn.ReLU(),
    )  # fmt: skip
    return net, torch.randn(N, 3), {"2": [0], "5": [3]}


def recurrent():
    net = Net(
        lambda net, x: torch.relu(net.fc(torch.relu(net.lstm(x)[0])[:, -1])),
        lstm=nn.LSTM(3, 4, batch_first=True),
        fc=silence(nn.Linear(4, 3), 2),
    )
    return net, torch.randn(N, 5, 3), {"Net:1": [], "fc": [2]}


def convolutional():
    """LeNet's order, with dropout and a flatten before its features are rectified."""
    net = nn.Sequential(
        silence(nn.Conv2d(1, 3, 3), 2), nn.MaxPool2d(2), nn.ReLU(inplace=True), nn.Dropout2d(0.2),
        silence(nn.Conv2d(3, 4, 2), 0), nn.Flatten(), nn.ReLU(), nn.Dropout(0.2),
        silence(nn.Linear(36, 5), 1, 3), nn.ReLU(),
    )  # fmt: skip
    return net, torch.randn(N, 1, 10, 10), {"0": [2], "4": [0], "8": [1, 3]}


NETWORKS = {
    "ResNet": resnet,
    "Transformer": transformer,
    "Transformer, normalised first": lambda: transformer(norm_first=True),
    "Transformer with a function": lambda: transformer(activation=torch.relu),
    "Inception": inception,
    "DenseNet": dense,
    "U-Net": u_net,
    "ConvNeXt": conv_next,
    "MLP-Mixer": mixer,
    "Squeeze-and-Excite": squeeze_and_excite,
    "DCGAN": generator,
    "LSTM": recurrent,
    "LeNet": convolutional,
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_planted_unit_of_a_network_is_found_and_no_other(name, training):
    net, x, expected = NETWORKS[name]()
    report = watched(net.train(training), x, sizes=4)
    assert not report.not_seen
    assert silent(report) == expected
    found = {place: verdicts(layer) for place, layer in report.layers.items()}
    others = {place: found[place].keys() - {"silent", "always_on"} for place in found}
    # What is normalised in Inception are silent units, too: 0 throughout, then a constant.
    constant = {"bn": {"constant"}} if name == "Inception" else {}
    assert {place: names for place, names in others.items() if names} == constant


# Networks of chance

WAYS = [
    *(torch.relu, F.relu, F.relu_, lambda x: x.clamp(min=0), lambda x: torch.clip(x, 0)),
    *(lambda x: x.relu_(), lambda x: F.relu(input=x), lambda x: torch.clamp_min(input=x, min=0)),
]
BLOCKS = ["conv", "relu", "bn", "pool", "dropout", "residual", "linear", "flatten", "relu"]


class Stack(nn.Module):
    """Blocks one after the other on images; it knows where its units are and what they are called."""

    def __init__(self, blocks, ways):
        super().__init__()
        self.layers = nn.ModuleList()
        self.blocks, self.ways = blocks, ways
        self.met = None

    def forward(self, x):
        self.at, self.uses, name = 0, Counter(), None
        for place, block in enumerate(self.blocks):
            x, name = getattr(self, block)(x, name, self.ways[place % len(self.ways)])
        return x

    def layer(self, make):
        """The next layer, made when it is first met, with a silent unit."""
        if self.at == len(self.layers):
            self.layers.append(silence(make(), 0))
        self.at += 1
        return self.layers[self.at - 1], f"layers.{self.at - 1}"

    def conv(self, x, name, way):
        if x.ndim == 2:
            return x, name
        layer, name = self.layer(lambda: nn.Conv2d(x.shape[1], 3, 3, padding=1))
        return layer(x), name

    def bn(self, x, name, way):
        kind = nn.BatchNorm2d if x.ndim == 4 else nn.BatchNorm1d
        layer, name = self.layer(lambda: kind(x.shape[1]))
        return layer(x), name

    def linear(self, x, name, way):
        layer, name = self.layer(lambda: nn.Linear(x.shape[1], 4))
        return (
            (layer(x), name)
            if x.ndim == 2
            else (layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), name)
        )

    def pool(self, x, name, way):
        return (F.avg_pool2d(x, 2, 1) if x.ndim == 4 and min(x.shape[2:]) > 1 else x), name

    def dropout(self, x, name, way):
        return F.dropout(x, 0.5, training=False), name

    def residual(self, x, name, way):
        return x + x.neg().neg(), None

    def flatten(self, x, name, way):
        return (x.mean((2, 3)), name) if x.ndim == 4 else (x, name)

    def relu(self, x, name, way):
        if self.met is not None and name is not None:
            self.uses[name] += 1
            use = self.uses[name]
            self.met[name if use == 1 else f"{name}#{use}"] = x.detach().clone()
        elif self.met is not None:
            self.uses[""] += 1
            self.met[f"Stack:{self.uses['']}"] = x.detach().clone()
        return way(x), name


@given(
    blocks=st.lists(st.sampled_from(BLOCKS), min_size=2, max_size=8),
    ways=st.lists(st.sampled_from(WAYS), min_size=1, max_size=3),
)
@settings(max_examples=100)
def test_networks_of_chance_are_counted_as_by_hand(blocks, ways):
    torch.manual_seed(3)
    net = Stack(["conv", *blocks], ways)
    x = torch.randn(5, 2, 4, 4)
    with torch.no_grad():
        net(x)  # makes the layers
        net.met = {}
        net(x)
    met, net.met = net.met, None
    report = watched(net, x)
    assert not report.not_seen
    assert list(report) == list(met)
    for name, h in met.items():
        images = report[name].sample == "sample"
        shape = [1, h.shape[1], *[1] * (h.ndim - 2)]
        unit = torch.arange(h.shape[1]).reshape(shape).expand(h.shape)
        by_batch = torch.arange(5).reshape(5, *[1] * (h.ndim - 1))
        by_position = torch.arange(h[:, :1].numel()).reshape(h[:, :1].shape)
        sample = (by_batch if images else by_position).expand(h.shape)
        assert counts_of(report[name]) == counts_by_label(torch.relu(h), unit, sample)
        if ":" not in name:
            assert 0 in units_of(report[name].silent)
