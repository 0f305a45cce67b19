"""A pass is counted as in a watch of its own, whatever the passes before it did."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from nets import seeded
from torch import nn
from torch.nn import functional

from halfwave import health
from halfwave.health.torch import steps as torch_steps
from halfwave.health.torch.mode import Mode
from halfwave.health.torch.steps import Steps, is_plain_and_same

UNITS = 6


class Changing(nn.Module):
    """Does what it is told in each pass."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, UNITS)
        self.shared = nn.Linear(UNITS, UNITS)
        self.norm = nn.BatchNorm1d(UNITS)
        self.free = nn.Parameter(torch.randn(UNITS, UNITS))
        self.table = nn.ParameterList([self.a.weight])  # a parameter with two owners

    def forward(self, x, program):
        kept = x
        for name in program:
            x = OPERATIONS[name](self, x, kept)
            kept = x if name == "keep" else kept
        return x


OPERATIONS = {
    "a": lambda net, x, kept: net.a(x),
    "b": lambda net, x, kept: net.b(x),
    "shared": lambda net, x, kept: net.shared(x),
    "norm": lambda net, x, kept: net.norm(x),
    "matmul": lambda net, x, kept: x @ net.free,
    "transposed": lambda net, x, kept: x @ net.free.T,
    "relu": lambda net, x, kept: torch.relu(x),
    "relu_": lambda net, x, kept: functional.relu(x.clone(), inplace=True),
    "relu6": lambda net, x, kept: functional.relu6(x),
    "ceiling 1": lambda net, x, kept: torch.clamp(x, 0, 1),
    "ceiling 2": lambda net, x, kept: torch.clamp(x, 0.0, 2.0),
    "no rectifier": lambda net, x, kept: torch.clamp(x, -1, 1),
    "leaky": lambda net, x, kept: functional.leaky_relu(x, 0.1),
    "double": lambda net, x, kept: x * 2,
    "halve": lambda net, x, kept: x * 0.5,
    "keep": lambda net, x, kept: x,
    "residual": lambda net, x, kept: x + kept,
    "joined": lambda net, x, kept: torch.cat([x, kept])[: len(x)],
    "reshape": lambda net, x, kept: x.reshape(2, -1, UNITS).flatten(0, 1),
    "another layout": lambda net, x, kept: x.T.contiguous().T,
    "overwritten": lambda net, x, kept: x.clone().index_fill_(1, torch.tensor([0]), 0.0),
}

operations = st.sampled_from([*OPERATIONS, *4 * ("b", "shared", "relu")])
rows = st.sampled_from([2, 4])


@st.composite
def similar_passes(draw):
    """Passes of (operations, rows, training): after the first, at most a few operations differ."""
    first = draw(st.lists(operations, min_size=2, max_size=10))
    passes = [(first, draw(rows), draw(st.booleans()))]
    for _ in range(draw(st.integers(1, 4))):
        program, count, training = passes[-1]
        for at in draw(st.sets(st.integers(0, len(program)), max_size=2)):
            others = draw(st.lists(operations, max_size=2))  # none: the operation is left out
            program = [*program[:at], *others, *program[at + 1 :]]
        change = draw(st.integers(0, 3)) == 0
        passes.append((program, draw(rows) if change else count, training != change))
    return passes


def run(model, each, seed):
    program, rows, training = each
    model.train(training)
    generator = torch.Generator().manual_seed(seed)
    model(torch.randn(rows, UNITS, generator=generator), program)


def alone(each, seed):
    """One pass in a watch of its own."""
    model = seeded(Changing)
    with health.watch(model) as watch:
        run(model, each, seed)
    return watch.report()


@given(together=similar_passes())
def test_a_pass_is_counted_as_in_a_watch_of_its_own(together):
    assert_counted_apart(together)


def assert_counted_apart(together):
    model = seeded(Changing)
    with health.watch(model) as watch:
        for seed, each in enumerate(together):
            run(model, each, seed)
            model.load_state_dict(seeded(Changing).state_dict())  # what batch norm has averaged
    report = watch.report()
    apart = [alone(each, seed) for seed, each in enumerate(together)]
    # What cannot be counted together with what came before is listed instead.
    for name, layer in report.layers.items():
        if name in report_names(report.not_seen):
            continue
        theirs = [r[name] for r in apart if name in r.layers]
        assert layer.samples == sum(each.samples for each in theirs)
        np.testing.assert_array_equal(layer.fired, sum(each.fired for each in theirs))
    names = {name for r in apart for name in (*r.layers, *report_names(r.not_seen))}
    assert set(report.layers) | report_names(report.not_seen) == names


def report_names(not_seen):
    return {entry.place for entry in not_seen}


def taken(monkeypatch):
    """Counts the steps that were taken again."""
    steps = []
    before = Mode._take
    monkeypatch.setattr(
        Mode, "_take", lambda mode, step, *rest: (steps.append(step), before(mode, step, *rest))[1]
    )
    return steps


def test_a_pass_like_the_last_takes_its_steps_again(monkeypatch):
    steps = taken(monkeypatch)
    program = ["b", "relu", "keep", "b", "norm", "relu_", "residual", "shared", "double", "leaky"]
    model = seeded(Changing)
    with health.watch(model):
        run(model, (program, 4, True), 0)
        assert not steps
        run(model, (program, 4, True), 1)
    names = [step.func.__name__ for step in steps]
    assert names == [
        *("linear", "relu", "linear", "add_", "batch_norm", "clone", "relu"),
        *("add", "linear", "mul", "leaky_relu"),
    ]


def test_a_step_that_is_taken_for_another_would_be_noticed(monkeypatch):
    together = [(["b", "relu"], 2, True), (["shared", "relu"], 2, True)]
    assert_counted_apart(together)
    monkeypatch.setattr(Mode, "_comes_again", lambda mode, step, args, kwargs: True)
    with pytest.raises(AssertionError):
        assert_counted_apart(together)


def test_weights_of_another_shape_are_another_layer():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with health.watch(model) as watch:
        for units in (4, 4, 5, 5):
            model[0].weight.data = torch.ones(units, 3)
            model[0].bias.data = torch.zeros(units)
            model(torch.ones(2, 3))
    report = watch.report()
    assert report["0"].samples == 4
    assert [entry.reason for entry in report.not_seen] == [
        "relu: it had 4 units before, and now has 5"
    ]


def test_a_bound_of_another_shape_is_followed_again():
    class Bounded(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.low = nn.Linear(3, 4), nn.Parameter(torch.zeros(4))

        def forward(self, x):
            return torch.relu(torch.clamp(self.fc(x), self.low))

    model = Bounded()
    with health.watch(model) as watch:
        for shape in ((4,), (4,), (2, 1, 4), (2, 1, 4)):
            model.low.data = torch.zeros(shape)
            model(torch.ones(3, 3))
    assert watch.report()["fc"].samples == 2 * 3  # broadcast, nobody knows its units
    assert [entry.place for entry in watch.report().not_seen] == ["Bounded:1", "Bounded"]


def test_more_steps_than_are_kept_are_counted_as_well(monkeypatch):
    monkeypatch.setattr(torch_steps, "MOST_STEPS", 3)
    model = seeded(Changing)
    with health.watch(model) as watch:
        for seed in range(3):
            run(model, (["b", "relu", "norm", "relu", "shared", "relu"], 4, True), seed)
    assert [layer.samples for layer in watch.report().layers.values()] == [12, 12, 12]


def test_steps_hold_no_tensor_of_a_pass():
    steps = Steps(nn.Linear(2, 2))
    held = steps.operands(lambda tensor: None, (torch.ones(3), 1, "text", (2, 3), None), {})
    assert not any(isinstance(each, torch.Tensor) for each in held)


@pytest.mark.parametrize("given", [[torch.ones(2)], (torch.ones(2),), [1], {"a": 1}, slice(1)])
def test_what_may_change_unseen_comes_not_again(given):
    assert Steps(nn.Linear(2, 2)).operands(lambda tensor: None, (given,), {}) is None


@pytest.mark.parametrize(
    ("a", "expected", "same"),
    [
        *((1, 1, True), (1, 2, False), (1, 1.0, False), (True, 1, False), ("a", "a", True)),
        *(((1, 2), (1, 2), True), ((1, 2), (1, 3), False), ((torch.ones(2),), (1,), False)),
        (torch.ones(2), 1, False),
    ],
)
def test_numbers_and_text_are_the_same_where_they_are_equal(a, expected, same):
    assert is_plain_and_same(a, expected) is same
