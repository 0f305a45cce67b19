"""Whatever a model calls, a watch neither fails nor keeps anything alive, and says what it lost."""

import weakref

import numpy as np
import pytest

from halfwave import health

torch = pytest.importorskip("torch")

from networks import Net, units_of, watched
from torch import nn
from torch.nn import functional as F

X = torch.randn(12, 4)

CALLS = {
    "where by names": lambda h: torch.where(condition=h > 1, input=h, other=-h),
    "mm by name": lambda h: torch.mm(h, mat2=torch.eye(4)),
    "mean over NumPy's 1": lambda h: h.mean(np.int64(1), keepdim=True),
    "permute by NumPy's numbers": lambda h: h.permute(np.int64(0), np.int64(1)),
    "copy by name": lambda h: torch.zeros(12, 4).copy_(other=h),
    "nested": lambda h: torch.nested.nested_tensor([h[:2], h[2:]]).to_padded_tensor(0.0)[0],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_that_no_rule_expects_computes_what_it_computes_unwatched(call):
    net = Net(lambda net, x: call(torch.relu(net.fc(x))), fc=nn.Linear(4, 4))
    with torch.no_grad():
        expected = net(X)
        with health.watch(net) as watch:
            assert torch.equal(net(X), expected)
    assert watch.report()["fc"].samples == 12


def test_what_a_rule_does_not_expect_is_not_seen(monkeypatch):
    from halfwave.health.torch import mode

    def fails(*given):
        raise ValueError("planted")

    monkeypatch.setitem(
        mode._ACTIONS, torch.Tensor.mul, lambda m, f, out, a, k: m.carry(f, out, a, k, fails)
    )
    report = watched(Net(lambda net, x: torch.relu(net.fc(x) * 2), fc=nn.Linear(4, 4)), X)
    assert [entry.reason for entry in report.not_seen][-1] == (
        "mul could not be followed (ValueError: planted)"
    )


def test_a_tensor_that_the_model_drops_is_freed():
    alive = []

    class Model(nn.Module):  # the frame in question is that of a method of its own
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            big = self.fc(x) * 2
            kept = weakref.ref(big)
            h = torch.relu(x + self.fc(x))
            del big
            alive.append(kept() is not None)
            return h

    watched(Model(), X)
    assert alive == [False]


OVERWRITTEN = {
    "an assignment": lambda h, g: h.__setitem__((slice(None), slice(2)), g[:, :2]),
    "index_add_": lambda h, g: h.index_add_(1, torch.tensor([0, 1, 2, 3]), g),
}


@pytest.mark.parametrize("write", OVERWRITTEN.values(), ids=OVERWRITTEN)
def test_what_was_written_into_is_no_longer_one_layer_s(write):
    def forward(net, x):
        h = net.a(x).clone()
        write(h, net.b(x))
        return torch.relu(h)

    report = watched(Net(forward, a=nn.Linear(4, 4), b=nn.Linear(4, 4)), X)
    assert len(report) == 0
    assert "has written into what a layer gave" in report.not_seen[0].reason


ELSEWHERE = {
    "einsum": lambda h: torch.einsum("ij,kj->ik", h, h).sum(),
    "softmax": lambda h: F.softmax(h, 1).sum(),
    "stack": lambda h: torch.stack([h, h]).sum(),
    "a part of another tensor": lambda h: (
        torch.zeros(12, 9).index_copy(1, torch.arange(4), h).sum()
    ),
}


@pytest.mark.parametrize("use", ELSEWHERE.values(), ids=ELSEWHERE)
def test_outgoing_weights_are_not_all_known_where_anything_else_takes_the_units(use):
    def forward(net, x):
        h = torch.relu(net.fc(x))
        return net.out(h) + use(h)

    net = Net(forward, fc=nn.Linear(4, 4), out=nn.Linear(4, 1))
    with torch.no_grad():
        net.out.weight[:, 0] = 0
    assert units_of(watched(net, X)["fc"].outgoing_zero) == []


def test_outgoing_weights_are_not_all_known_where_the_model_returns_the_units():
    def forward(net, x):
        h = torch.relu(net.fc(x))
        return {"out": net.out(h), "features": h}

    net = Net(forward, fc=nn.Linear(4, 4), out=nn.Linear(4, 1))
    with torch.no_grad():
        net.out.weight[:, 0] = 0
    assert units_of(watched(net, X)["fc"].outgoing_zero) == []


def test_a_rectifier_around_attention_is_not_missed_without_a_word():
    class Attention(nn.MultiheadAttention):
        def forward(self, query, key, value, **options):
            return super().forward(F.relu(query), key, value, **options)

    net = Net(lambda net, x: net.attention(x, x, x)[0], attention=Attention(4, 2))
    report = watched(net, torch.randn(5, 2, 4))
    assert [entry.place for entry in report.not_seen] == ["attention"]


@pytest.mark.parametrize("name", ["greater", "greater_equal", "less", "less_equal", "gt_"])
def test_every_name_of_a_comparison_with_0_is_listed(name):
    net = Net(lambda net, x: (h := net.fc(x)) * getattr(h.clone(), name)(0), fc=nn.Linear(4, 4))
    assert any("compares units with 0" in entry.reason for entry in watched(net, X).not_seen)


def test_a_frozen_layer_does_not_fall_silent_where_the_samples_are_sorted():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].requires_grad_(requires_grad=False)
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        net[0].bias.zero_()
    with health.watch(net) as watch:
        for sign in (1.0, -1.0):
            for _ in range(50):
                net(sign * torch.rand(10, 1)).sum().backward()
    layer = watch.report()["0"]
    assert units_of(layer.frozen) == [0, 1]
    assert not layer.fell_silent.any()


def test_a_unit_that_fires_in_evaluation_alone_is_not_starved():
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
    with torch.no_grad():
        net[0].weight.fill_(1)
        net[0].bias.fill_(-1)
    with health.watch(net) as watch:
        net(torch.zeros(8, 1)).sum().backward()
        net.eval()
        with torch.no_grad():
            net(torch.full((8, 1), 3.0))
    layer = watch.report()["0"]
    assert units_of(layer.not_updated) == [0]
    assert units_of(layer.starved) == []
    assert layer.why == ("silent in training alone",)
