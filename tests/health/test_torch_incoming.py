"""Which parameters lead to a layer's units, and whether the loss gradient has reached them."""

import numpy as np
import pytest

from halfwave import health

torch = pytest.importorskip("torch")

from networks import Net, diagonal, units_of, verdicts
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

N = 12
HEALTHY, SILENT, STARVED = range(3)


def trained(net, x, steps=3, optimizer=None, loss=lambda out: out.square().mean()):
    """The report of some steps of training; each step is a forward and a backward pass."""
    optimizer = optimizer or torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 1e-3)
    with health.watch(net) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(net(x)).backward()
            optimizer.step()
    return watch.report()


# A fault of each kind in each kind of layer: the bias makes a unit silent, and a factor of 0 behind
# the rectifier lets no gradient back to another.

torch.manual_seed(0)
LAYERS = {
    "linear": (lambda: nn.Linear(5, 3), (N, 5), -1),
    "linear of a sequence": (lambda: nn.Linear(5, 3), (N, 4, 5), -1),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3), (N, 2, 6), 1),
    "conv2d": (lambda: nn.Conv2d(2, 3, 3), (N, 2, 4, 5), 1),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (N, 2, 3, 3, 3), 1),
    "conv2d in groups": (lambda: nn.Conv2d(3, 3, 3, groups=3), (N, 3, 4, 5), 1),
    "transposed conv1d": (lambda: nn.ConvTranspose1d(2, 3, 3), (N, 2, 4), 1),
    "transposed conv2d": (lambda: nn.ConvTranspose2d(2, 3, 2), (N, 2, 3, 3), 1),
    "transposed conv2d in groups": (lambda: nn.ConvTranspose2d(6, 3, 2, groups=3), (N, 6, 3, 3), 1),
    "transposed conv3d": (lambda: nn.ConvTranspose3d(2, 3, 2), (N, 2, 2, 2, 2), 1),
    "batch norm": (lambda: nn.BatchNorm1d(3), (N, 3), 1),
    "batch norm of images": (lambda: nn.BatchNorm2d(3), (N, 3, 4, 4), 1),
    "instance norm": (lambda: nn.InstanceNorm2d(3, affine=True), (N, 3, 4, 4), 1),
    "group norm": (lambda: nn.GroupNorm(1, 3), (N, 3, 4, 4), 1),
    "layer norm": (lambda: nn.LayerNorm(3), (N, 3), -1),
    "weights and bias by hand": (lambda: ByHand(5, 3), (N, 5), -1),
    "bias first, by hand": (lambda: ByHand(5, 3, lambda x, w, b: b + x @ w), (N, 5), -1),
    "torch.matmul, then +=": (lambda: ByHand(5, 3, in_place), (N, 5), -1),
    "torch.mm": (lambda: ByHand(5, 3, lambda x, w, b: torch.mm(x, w).add(b)), (N, 5), -1),
    "a transposed weight by hand": (lambda: ByHand(3, 3, lambda x, w, b: x @ w.T + b), (N, 3), -1),
    "addmm of a transposed weight": (
        lambda: ByHand(3, 3, lambda x, w, b: torch.addmm(b, x, w.t())),
        (N, 3),
        -1,
    ),
    "torch.addmm": (lambda: ByHand(5, 3, lambda x, w, b: torch.addmm(b, x, w)), (N, 5), -1),
    "addmm(input=)": (
        lambda: ByHand(5, 3, lambda x, w, b: torch.addmm(input=b, mat1=x, mat2=w)),
        (N, 5),
        -1,
    ),
    "F.linear(input=)": (
        lambda: ByHand(3, 3, lambda x, w, b: F.linear(input=x, weight=w, bias=b)),
        (N, 3),
        -1,
    ),
}


class ByHand(nn.Module):
    def __init__(self, features, units, compute=lambda x, w, b: x @ w + b):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self._compute = compute

    def forward(self, x):
        return self._compute(x, self.weight, self.bias)


def in_place(x, w, b):
    h = torch.matmul(x, w)
    h += b
    return h


def faulty(name):
    """A network with one layer of a kind: a healthy unit, a silent one and a starved one."""
    make, shape, axis = LAYERS[name]
    layer = make()
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([1.0, -1e4, 1.0]))
    factor = torch.tensor([1.0, 1.0, 0.0]).reshape(
        [3 if a == axis % len(shape) else 1 for a in range(len(shape))]
    )
    net = Net(lambda net, x: torch.relu(net.layer(x)) * factor, layer=layer)
    return net, torch.randn(shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", LAYERS)
def test_every_planted_fault_is_found_and_no_other(name):
    net, x = faulty(name)
    report = trained(net, x)
    assert not report.not_seen
    layer = report["layer"]
    assert layer.not_updated_because is None
    assert layer.steps == 3
    found = verdicts(layer)
    found.pop("always_on", None)
    assert found == {"silent": [SILENT], "not_updated": [SILENT, STARVED], "starved": [STARVED]}
    assert layer.not_updated.tolist() == by_gradients(net, x).tolist()


def by_gradients(net, x):
    """Where the gradients of all that leads to a unit are 0, by a direct look at them."""
    net.zero_grad()
    net(x).square().mean().backward()
    grads = dict(net.layer.named_parameters())
    bias = grads["bias"].grad != 0
    return ~bias  # here no unit's bias has a gradient of 0 alone


@pytest.mark.parametrize("name", LAYERS)
def test_without_the_faults_nothing_is_reported(name):
    net, x = faulty(name)
    with torch.no_grad():
        net.layer.bias.fill_(1.0)
    net._compute = lambda net, x: torch.relu(net.layer(x))
    found = verdicts(trained(net, x)["layer"])
    found.pop("always_on", None)
    assert found == {}


@pytest.mark.parametrize("name", [n for n in LAYERS if isinstance(LAYERS[n][0](), ByHand)])
def test_a_bias_by_hand_is_an_update_where_the_weights_have_none(name):
    net, x = faulty(name)
    layer = trained(net, torch.zeros_like(x))["layer"]
    assert (net.layer.weight.grad == 0).all()
    assert units_of(layer.not_updated) == [SILENT, STARVED]


@pytest.mark.parametrize("minus", [lambda h, b: h - b, lambda h, b: h.sub_(b), torch.subtract])
def test_a_bias_that_is_subtracted_leads_to_the_units(minus):
    net = Net(lambda net, x: torch.relu(net.layer(x)), layer=ByHand(2, 3))
    net.layer._compute = lambda x, w, b: minus(x @ w, b)
    with torch.no_grad():
        net.layer.bias.copy_(torch.tensor([-1.0, 9.0, -2.0]))
    layer = trained(net, torch.zeros(N, 2))["layer"]
    assert units_of(layer.not_updated) == [SILENT]


def test_one_weight_with_a_gradient_is_an_update():
    net = nn.Sequential(nn.Linear(3, 2, bias=False), nn.ReLU())
    x = torch.tensor([[0.0, 0.0, 1.0]])
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, -1.0]]))
    layer = trained(net, x)["0"]
    assert net[0].weight.grad.ne(0).tolist() == [[False, False, True], [False] * 3]
    assert units_of(layer.not_updated) == [1]


# Frozen


@pytest.mark.parametrize("name", ["linear", "conv2d", "transposed conv2d in groups", "batch norm"])
def test_a_layer_whose_parameters_require_no_gradient_is_frozen_and_not_starved(name):
    net, x = faulty(name)
    net.layer.requires_grad_(requires_grad=False)
    net.after = nn.Linear(x.shape[-1] if name in ("linear",) else 1, 1)
    out = Net(
        lambda both, x: both.net(x).mean() * both.scale.weight, net=net, scale=nn.Linear(1, 1)
    )
    layer = trained(out, x, loss=lambda out: out.sum())["net.layer"]
    assert units_of(layer.frozen) == [0, 1, 2]
    assert (layer.not_updated, units_of(layer.starved)) == (None, [])
    assert layer.not_updated_because == "its weights and bias require no gradient"


def test_a_layer_is_not_frozen_while_its_bias_alone_learns():
    net, x = faulty("linear")
    net.layer.weight.requires_grad_(requires_grad=False)
    layer = trained(net, x)["layer"]
    assert units_of(layer.frozen) == []
    assert units_of(layer.not_updated) == [SILENT, STARVED]


def test_a_layer_that_is_frozen_for_a_while_is_not_frozen():
    net, x = faulty("linear")
    scale = nn.Parameter(torch.ones(()))
    with health.watch(net) as watch:
        for learns in (False, True):
            net.layer.requires_grad_(requires_grad=learns)
            (net(x).sum() * scale).backward()
    layer = watch.report()["layer"]
    assert units_of(layer.frozen) == []
    assert units_of(layer.not_updated) == [SILENT, STARVED]


# Not updated is about the gradient


def silent_and_healthy():
    """A unit that fires always, and one that never does: [healthy, silent]."""
    net = nn.Sequential(diagonal([1.0, 1.0]), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([9.0, 9.0]))
    return net, torch.rand(N, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9),
        lambda p: torch.optim.SGD(p, 1e-3, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 1e-3),
        lambda p: torch.optim.AdamW(p, 1e-3, weight_decay=0.1),
    ],
)
def test_weights_that_move_without_gradient_are_not_updated(make):
    """Momentum of earlier steps and decay move the weights of a unit that is silent by now."""
    net, x = silent_and_healthy()
    optimizer = make(net.parameters())
    net(x).sum().backward()
    optimizer.step()
    with torch.no_grad():
        net[0].bias[1] = -9.0
    before = net[0].weight.detach().clone()
    layer = trained(net, x, optimizer=optimizer, loss=lambda out: out.sum())["0"]
    assert not torch.equal(net[0].weight[1], before[1])
    assert units_of(layer.silent) == [1]
    assert units_of(layer.not_updated) == [1]


def test_a_bias_gradient_of_0_does_not_hide_that_of_the_weights():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with torch.no_grad():
        net[0].bias.fill_(9.0)
    signs = torch.tensor([[1.0], [-1.0]])
    x = torch.tensor([[1.0, 0.5], [0.25, 0.125]])
    layer = trained(net, x, loss=lambda out: (out * signs).sum(), steps=1)["0"]
    assert net[0].bias.grad.tolist() == [0.0, 0.0]
    assert (net[0].weight.grad != 0).all()
    assert units_of(layer.not_updated) == []


def test_one_backward_pass_of_many_is_enough_to_be_updated():
    net, x = silent_and_healthy()
    with health.watch(net) as watch:
        for shift in (-9.0, 9.0, -9.0):
            with torch.no_grad():
                net[0].bias[1] = shift
            net(x).sum().backward()
    layer = watch.report()["0"]
    assert layer.steps == 3
    assert units_of(layer.not_updated) == []


def test_without_a_backward_pass_nothing_is_known_of_updates():
    net, x = silent_and_healthy()
    with health.watch(net) as watch:
        net(x)
    layer = watch.report()["0"]
    assert (layer.steps, layer.not_updated) == (0, None)
    assert layer.not_updated_because == "no backward pass was seen"


# Starved


def starving(after, x=None):
    """Two units that fire, of which the second gets no gradient; `after` is what follows."""
    torch.manual_seed(4)
    net = Net(
        lambda net, x: after(net, torch.relu(net.fc(x))),
        fc=diagonal([1.0, 1.0], bias=1.0),
        out=nn.Linear(2, 1),
    )
    return net, torch.rand(N, 2)


def test_a_unit_whose_outgoing_weights_are_zero_and_fixed_is_starved():
    net, x = starving(lambda net, h: net.out(h))
    with torch.no_grad():
        net.out.weight[:, 1] = 0
    net.out.weight.requires_grad_(requires_grad=False)
    layer = trained(net, x)["fc"]
    assert units_of(layer.starved) == [1]
    assert layer.why[1] == "its outgoing weights are zero"
    assert layer.why[0] is None


def test_a_unit_whose_outputs_are_detached_is_starved():
    net, x = starving(lambda net, h: net.out(torch.stack([h[:, 0], h[:, 1].detach()], 1)))
    assert units_of(trained(net, x)["fc"].starved) == [1]


def test_a_unit_whose_gradient_underflows_is_starved():
    net, x = starving(lambda net, h: net.out(h))
    with torch.no_grad():
        net.out.weight[:, 1] = 1e-30
    net.out.weight.requires_grad_(requires_grad=False)
    layer = trained(net, x, loss=lambda out: out.sum() * 1e-20)["fc"]
    assert units_of(layer.starved) == [1]
    assert units_of(layer.outgoing_zero) == []


def test_a_unit_that_saturates_stops_its_gradient_itself_and_is_not_starved():
    net = nn.Sequential(diagonal([1.0, 1.0]), nn.ReLU6(), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([1.0, 99.0]))
    layer = trained(net, torch.rand(N, 2))["0"]
    assert units_of(layer.saturated) == [1]
    assert units_of(layer.not_updated) == [1]
    assert units_of(layer.starved) == []


@pytest.mark.parametrize("flat", [nn.Flatten(), lambda h: h.permute(0, 2, 3, 1).flatten(1)])
def test_outgoing_weights_are_found_behind_a_flatten(flat):
    net = Net(
        lambda net, x: net.out(flat(torch.relu(net.conv(x)))),
        conv=nn.Conv2d(1, 3, 2),
        out=nn.Linear(12, 2),
    )
    with torch.no_grad():
        unit = flat(torch.arange(3.0).reshape(1, 3, 1, 1).expand(1, 3, 2, 2))[0]
        net.out.weight[:, unit == 2] = 0
    layer = trained(net, torch.randn(N, 1, 3, 3), steps=1)["conv"]
    assert units_of(layer.outgoing_zero) == []  # one step has moved them
    net.out.weight.requires_grad_(requires_grad=False)
    with torch.no_grad():
        net.out.weight[:, unit == 2] = 0
    layer = trained(net, torch.randn(N, 1, 3, 3), steps=1)["conv"]
    assert units_of(layer.outgoing_zero) == [2]


def test_outgoing_weights_of_a_convolution_and_behind_a_pool_are_found():
    net = Net(
        lambda net, x: net.out(F.max_pool2d(torch.relu(net.conv(x)), 2)),
        conv=nn.Conv2d(1, 3, 3),
        out=nn.Conv2d(3, 2, 1),
    )
    net.out.weight.requires_grad_(requires_grad=False)
    with torch.no_grad():
        net.conv.bias.fill_(5)
        net.out.weight[:, 0] = 0
    layer = trained(net, torch.randn(N, 1, 6, 6))["conv"]
    assert units_of(layer.outgoing_zero) == [0]
    assert units_of(layer.starved) == [0]


@pytest.mark.parametrize(
    "beside",
    [lambda h: h, lambda h: h.sum(1, keepdim=True), lambda h: nn.BatchNorm1d(3)(h)],
    ids=["residual sum", "reduction", "normalisation"],
)
def test_outgoing_weights_are_not_all_known_where_the_units_lead_elsewhere_too(beside):
    def network(forward):
        net = Net(forward, fc=nn.Linear(4, 3), out=nn.Linear(3, 3))
        with torch.no_grad():
            net.out.weight[:, 0] = 0
        return net

    for forward, zero in (
        (lambda net, h: net.out(h), [0]),
        (lambda net, h: net.out(h) + beside(h), []),
    ):
        net = network(lambda net, x, forward=forward: forward(net, torch.relu(net.fc(x))))
        with health.watch(net) as watch:
            net(torch.randn(N, 4))
        assert units_of(watch.report()["fc"].outgoing_zero) == zero


# A normalisation in between


def normalised():
    net = Net(
        lambda net, x: torch.relu(net.bn(net.conv(x))),
        conv=nn.Conv2d(2, 3, 3),
        bn=nn.BatchNorm2d(3),
    )
    with torch.no_grad():
        net.bn.bias.copy_(torch.tensor([0.0, -50.0, 0.5]))
    return net, torch.randn(N, 2, 5, 5)


def test_what_leads_to_normalised_units_are_the_parameters_of_both_layers():
    net, x = normalised()
    report = trained(net, x)
    assert list(report) == ["bn"]
    found = verdicts(report["bn"])
    assert found == {"silent": [1], "not_updated": [1]}
    assert "normalisation shift" in report["bn"].why[1]


@pytest.mark.parametrize("fixed", ["conv", "bn"])
def test_it_is_frozen_only_if_both_layers_are(fixed):
    net, x = normalised()
    getattr(net, fixed).requires_grad_(requires_grad=False)
    layer = trained(net, x)["bn"]
    assert units_of(layer.frozen) == []
    assert units_of(layer.not_updated) == [1]
    net.requires_grad_(requires_grad=False)
    scale = nn.Parameter(torch.ones(()))
    with health.watch(net) as watch:
        (net(x).sum() * scale).backward()
    assert units_of(watch.report()["bn"].frozen) == [0, 1, 2]


def test_a_normalisation_that_scales_by_0_still_learns():
    net, x = normalised()
    with torch.no_grad():
        net.bn.weight.fill_(0.0)
        net.bn.bias.fill_(1.0)
    layer = trained(net, x, steps=1)["bn"]
    assert units_of(layer.constant) == [0, 1, 2]
    assert units_of(layer.not_updated) == []


def test_a_normalisation_without_parameters_passes_on_what_leads_to_its_input():
    net, x = normalised()
    net.bn = nn.BatchNorm2d(3, affine=False)
    report = trained(net, x)
    assert list(report) == ["bn"]
    assert units_of(report["bn"].not_updated) == []


def test_a_normalisation_behind_a_rectifier_leads_to_its_units_alone():
    """The convolution learns by another way; the units behind the normalisation do not."""
    net = Net(
        lambda net, x: (h := torch.relu(net.conv(x))).sum() + torch.relu(net.bn(h)).sum(),
        conv=nn.Conv2d(2, 3, 3),
        bn=nn.BatchNorm2d(3),
    )
    with torch.no_grad():
        net.bn.bias.fill_(-50.0)
    report = trained(net, torch.randn(N, 2, 5, 5))
    assert list(report) == ["conv", "bn"]
    assert units_of(report["conv"].not_updated) == []
    assert units_of(report["bn"].not_updated) == [0, 1, 2]


def test_a_bias_behind_the_rectifier_does_not_lead_to_its_units():
    net, x = silent_and_healthy()
    net = Net(lambda net, x: torch.relu(net.fc(x)) + net.after, fc=net[0])
    net.after = nn.Parameter(torch.zeros(2))
    with torch.no_grad():
        net.fc.bias[1] = -9.0
    layer = trained(net, x, loss=lambda out: out.sum())["fc"]
    assert (net.after.grad != 0).all()
    assert units_of(layer.not_updated) == [1]


def test_one_normalisation_behind_two_layers_has_the_parameters_of_each():
    """Of the second use the layer before is frozen: nothing but the normalisation learns there."""
    net = Net(
        lambda net, x: torch.relu(net.bn(net.a(x))).sum() + torch.relu(net.bn(net.b(x))).sum() * 0,
        a=nn.Linear(2, 3),
        b=nn.Linear(2, 3),
        bn=nn.BatchNorm1d(3),
    )
    net.bn.requires_grad_(requires_grad=False)
    report = trained(net, torch.randn(N, 2))
    assert list(report) == ["bn", "bn#2"]
    assert units_of(report["bn"].not_updated) == []
    assert units_of(report["bn#2"].not_updated) == [0, 1, 2]
    net.requires_grad_(requires_grad=False)
    net.bn.requires_grad_()
    report = trained(net, torch.randn(N, 2))
    assert [units_of(layer.not_updated) for layer in report.layers.values()] == [[], []]
    assert [layer.steps for layer in report.layers.values()] == [3, 3]


def test_normalisations_without_parameters_are_told_apart():
    net = Net(
        lambda net, x: torch.relu(
            F.batch_norm(
                net.b(torch.relu(F.batch_norm(net.a(x), None, None, training=True))),
                None,
                None,
                training=True,
            )
        ),
        a=nn.Linear(2, 3),
        b=nn.Linear(3, 4),
    )
    report = trained(net, torch.randn(N, 2))
    assert [(name, layer.units) for name, layer in report.layers.items()] == [
        ("Net", 3),
        ("Net#2", 4),
    ]
    assert [units_of(layer.not_updated) for layer in report.layers.values()] == [[], []]


# Shared, reused, parametrised


def test_a_module_that_is_used_twice_has_a_place_for_each_use():
    net = Net(
        lambda net, x: torch.relu(net.fc(torch.relu(net.fc(x)))), fc=diagonal([1.0, 1.0, 1.0])
    )
    with torch.no_grad():
        net.fc.bias.copy_(torch.tensor([1.0, -2.0, -0.75]))
    x = torch.rand(N, 3)
    report = trained(net, x, steps=1)
    assert list(report) == ["fc", "fc#2"]
    assert [units_of(layer.silent) for layer in report.layers.values()] == [[1], [1, 2]]
    assert [layer.steps for layer in report.layers.values()] == [1, 1]
    # Its parameters are the same: what has updated them has done so for both.
    assert report["fc"].not_updated.tolist() == report["fc#2"].not_updated.tolist()


def test_layers_that_share_their_weights_are_told_apart():
    net = Net(
        lambda net, x: torch.relu(net.a(x)).sum() + torch.relu(net.b(x)).sum(),
        a=diagonal([1.0, 1.0], bias=1.0),
        b=nn.Linear(2, 2),
    )
    net.b.weight = net.a.weight
    with torch.no_grad():
        net.b.bias.copy_(torch.tensor([-9.0, 1.0]))
    report = trained(net, torch.rand(N, 2), steps=1)
    assert list(report) == ["a", "b"]
    assert [units_of(layer.silent) for layer in report.layers.values()] == [[], [0]]


PARAMETRISED = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "the older weight_norm": nn.utils.weight_norm,
}


def test_a_layer_that_is_made_by_its_first_batch_is_known():
    net = nn.Sequential(nn.LazyLinear(3), nn.LeakyReLU())
    layer = watched_once(net)["0"]
    assert (layer.units, layer.steps, units_of(layer.not_updated)) == (3, 1, [])


def test_a_layer_that_is_pruned_keeps_its_name():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    prune.l1_unstructured(net[0], "weight", 2)
    layer = watched_once(net)["0"]
    assert layer.not_updated_because == "its weight is computed from other parameters"


def watched_once(net):
    """The report of one backward pass."""
    with health.watch(net) as watch:
        net(torch.rand(N, 3) + 9).sum().backward()
    return watch.report()


def test_a_normalisation_that_has_no_bias_is_known_by_its_weight():
    net = nn.Sequential(nn.RMSNorm(3), nn.ReLU())
    with torch.no_grad():
        net[0].weight[1] = 0.0
    assert verdicts(watched_once(net)["0"]) == {
        "silent": [1],
        "always_on": [0, 2],
        "not_updated": [1],
    }


def test_a_normalisation_without_parameters_says_so():
    net = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3, elementwise_affine=False), nn.ReLU())
    layer = watched_once(net)["1"]
    assert layer.not_updated_because == "no parameters of its own lead to its units"


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("way", PARAMETRISED)
def test_of_computed_weights_it_is_not_said_whether_they_were_updated(way):
    net = nn.Sequential(PARAMETRISED[way](nn.Linear(3, 3)), nn.ReLU())
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([3.0, -99.0, 3.0]))
    report = trained(net, torch.rand(N, 3))
    assert list(report) == ["0"]
    layer = report["0"]
    assert units_of(layer.silent) == [1]
    assert (layer.not_updated, units_of(layer.starved)) == (None, [])
    assert layer.not_updated_because == "its weight is computed from other parameters"


def test_of_several_layers_together_it_is_not_said_whether_they_were_updated():
    net = Net(lambda net, x: torch.relu(net.a(x) + net.b(x)), a=nn.Linear(2, 3), b=nn.Linear(2, 3))
    layer = trained(net, torch.rand(N, 2))["Net:1"]
    assert layer.not_updated is None
    assert layer.not_updated_because == "no single layer feeds it"


def test_a_gradient_that_is_no_number_counts_as_an_update():
    net, x = silent_and_healthy()
    layer = trained(net, x, steps=1, loss=lambda out: (out * np.nan).sum())["0"]
    assert units_of(layer.not_updated) == []
