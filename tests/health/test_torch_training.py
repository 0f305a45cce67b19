"""However a PyTorch model is trained, samples and backward passes are counted as they are."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from direct import assert_counted, by_role, counts_of
from nets import (
    NOTHING,
    Functional,
    assert_same,
    batches,
    cnn,
    counted,
    mlp,
    seeded,
    step,
    traces,
    trained,
)
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from halfwave import health
from halfwave.health.torch import mode as torch_mode
from halfwave.health.torch import watch as torch_watch

BATCHES = batches(6, 8)
X = BATCHES[0]


@pytest.fixture(autouse=True)
def _stopped(monkeypatch):
    """A test that fails leaves no watch for the next, and none leaves compiled code."""
    start, started = torch_watch.Watch.start, []
    monkeypatch.setattr(
        torch_watch.Watch, "start", lambda watch: (started.append(watch), start(watch))[1]
    )
    yield
    for watch in started:
        watch.stop()


def hidden(model, *inputs):
    """What the rectifier of an `mlp` gives for these batches, as (samples, units, 1)."""
    with torch.no_grad():
        outputs = [model[0](x).relu().double().numpy() for x in inputs]
    return by_role(np.concatenate(outputs), 1, (0,))


# Gradients


def test_under_accumulation_steps_are_backward_passes():
    model = seeded(mlp)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with health.watch(model) as watch:
        for k in range(6):
            model(X).sum().backward()
            if k % 3 == 2:
                optimizer.step()
                optimizer.zero_grad()
    assert counted(watch) == {"0": (36, 6)}


def test_under_accumulation_a_gradient_that_cancels_the_one_before_counts():
    """It is each gradient that is looked at, not their sum."""
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X).sum().backward()
        (-model(X).sum()).backward()
    assert not model[0].weight.grad.any()
    assert not watch.report()["0"].not_updated.any()


def test_an_optimizer_that_moves_a_weight_without_gradient_does_not_update_it():
    """Momentum and weight decay do."""
    model = seeded(mlp)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    step(model, optimizer, X)
    with torch.no_grad():
        model[0].bias[3], model[0].weight[3] = -100, 0
    before = model[0].bias.detach().clone()
    with health.watch(model) as watch:
        step(model, optimizer, X)
    assert model[0].bias[3] != before[3]
    assert watch.report()["0"].not_updated[3]


def test_with_an_optimizer_for_each_layer_all_are_seen():
    model = seeded(Functional)
    optimizers = [torch.optim.SGD(layer.parameters(), 0.1) for layer in model.children()]
    with health.watch(model) as watch:
        for x in BATCHES:
            model(x).square().mean().backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    assert counted(watch) == {"first": (18, 3), "second": (18, 3)}


def test_two_models_that_train_in_turns_are_counted_apart():
    maker, judge = (
        seeded(mlp),
        seeded(lambda: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))),
    )
    for_maker, for_judge = (torch.optim.Adam(m.parameters()) for m in (maker, judge))
    with health.watch(maker) as of_maker, health.watch(judge) as of_judge:
        for x in BATCHES:
            for_judge.zero_grad()
            (judge(x[:, :4]).mean() - judge(maker(x).detach()).mean()).backward()
            for_judge.step()
            for_maker.zero_grad()
            judge(maker(x)).mean().backward()
            for_maker.step()
    assert counted(of_maker) == {"0": (36, 3)}
    assert counted(of_judge) == {"0": (54, 6)}
    assert traces(maker) == traces(judge) == NOTHING


def test_a_gradient_by_autograd_grad_is_a_backward_pass():
    model = seeded(mlp)
    with health.watch(model) as watch:
        torch.autograd.grad(model(X).sum(), list(model.parameters()))
    assert counted(watch) == {"0": (6, 1)}


def test_of_a_gradient_for_the_inputs_alone_the_weights_get_none():
    model = seeded(mlp)
    x = X.clone().requires_grad_()
    with health.watch(model) as watch:
        torch.autograd.grad(model(x).sum(), x)
    layer = watch.report()["0"]
    assert (layer.steps, layer.not_updated) == (0, None)
    assert layer.not_updated_because == "no backward pass was seen"


def test_a_gradient_of_a_gradient_is_a_backward_pass_and_keeps_its_bits():
    def gradients(watched):
        model = seeded(mlp)
        x = X.clone().requires_grad_()
        watch = health.watch(model)
        if watched:
            watch.start()
        (slope,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
        slope.square().sum().backward()
        watch.stop()
        return [p.grad for p in model.parameters()], watch

    expected, _ = gradients(watched=False)
    actual, watch = gradients(watched=True)
    assert_same(actual, expected)
    assert counted(watch) == {"0": (6, 1)}


def test_a_graph_that_is_kept_may_be_gone_through_twice():
    model = seeded(mlp)
    with health.watch(model) as watch:
        loss = model(X).sum()
        loss.backward(retain_graph=True)
        loss.backward()
    assert counted(watch) == {"0": (6, 2)}


def test_two_forward_passes_with_one_loss_are_one_backward_pass():
    model = seeded(mlp)
    with health.watch(model) as watch:
        (model(X).sum() + model(BATCHES[1]).sum()).backward()
    assert counted(watch) == {"0": (12, 1)}


def test_a_branch_that_is_not_taken_counts_neither_samples_nor_steps():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.unused = (nn.Linear(8, 16) for _ in range(3))

        def forward(self, x):
            return functional.relu((self.left if x.sum() > 0 else self.right)(x))

    model = seeded(Branches)
    with health.watch(model) as watch:
        for x in (X.abs(), -X.abs(), X.abs()):
            model(x).sum().backward()
    assert counted(watch) == {"left": (12, 2), "right": (6, 1)}


def test_a_layer_that_gets_no_samples_in_one_of_its_uses_keeps_the_names_of_the_others():
    """As an expert does to which no sample is sent."""

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.expert = nn.Linear(8, 8)

        def forward(self, x, k):
            return (
                functional.relu(self.expert(x[:k])).sum()
                + functional.relu(self.expert(x[k:])).sum()
            )

    model = seeded(Shared)
    with health.watch(model) as watch:
        model(X, 2).backward()
        model(X, 0).backward()
    assert counted(watch) == {"expert": (2, 2), "expert#2": (10, 2)}


# Precision


def test_under_autocast_outputs_are_counted_in_the_precision_they_have():
    model = seeded(mlp)
    with health.watch(model) as watch:
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(X).float().sum()
        loss.backward()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        outputs = model[0](X).relu()
    assert outputs.dtype == torch.bfloat16
    assert_counted(
        watch.report()["0"].counts, counts_of(by_role(outputs.double().numpy(), 1, (0,)))
    )
    assert counted(watch) == {"0": (6, 1)}


def test_under_a_grad_scaler_the_training_is_the_same_in_every_bit():
    def weights(watched):
        model = seeded(mlp)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu")
        watch = health.watch(model)
        if watched:
            watch.start()
        for x in BATCHES:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(x).float().square().mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        watch.stop()
        return (model.state_dict(), scaler.state_dict()), watch

    expected, _ = weights(watched=False)
    actual, watch = weights(watched=True)
    assert_same(actual, expected)
    assert counted(watch) == {"0": (18, 3)}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_model_of_any_precision_is_counted(dtype):
    model = seeded(mlp).to(dtype)
    with health.watch(model) as watch:
        model(X.to(dtype)).sum().backward()
    assert_counted(watch.report()["0"].counts, counts_of(hidden(model, X.to(dtype))))
    assert counted(watch) == {"0": (6, 1)}


# Checkpoints


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpointed_part_is_counted_once(reentrant):
    plain, model = seeded(Functional), seeded(lambda: Functional(reentrant))
    x = X.clone().requires_grad_()
    with health.watch(plain) as expected, health.watch(model) as watch:
        for _ in range(2):
            plain(x).sum().backward()
            model(x).sum().backward()
    assert watch.report() == expected.report()
    assert counted(watch) == {"first": (12, 2), "second": (12, 2)}


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_model_that_is_checkpointed_as_a_whole_is_counted_once(reentrant):
    plain, model = seeded(Functional), seeded(Functional)
    x = X.clone().requires_grad_()
    with health.watch(plain) as expected, health.watch(model) as watch:
        plain(x).sum().backward()
        checkpoint(model, x, use_reentrant=reentrant).sum().backward()
    assert watch.report() == expected.report()
    assert counted(watch) == {"first": (6, 1), "second": (6, 1)}


def test_a_sequence_of_checkpoints_is_counted_once():
    layers = [layer for _ in range(4) for layer in (nn.Linear(8, 8), nn.ReLU())]

    class Checkpointed(nn.Sequential):
        def forward(self, x):
            return checkpoint_sequential(list(self), 2, x, use_reentrant=False)

    model = Checkpointed(*layers)
    with health.watch(model) as watch:
        model(X).sum().backward()
    assert counted(watch) == {str(k): (6, 1) for k in (0, 2, 4, 6)}


def test_a_forward_pass_within_a_backward_pass_would_be_counted_again(monkeypatch):
    """Were it not for the look at whether a backward pass is going on."""
    monkeypatch.setattr(torch_watch._C, "_current_graph_task_id", lambda: -1)
    model = seeded(Functional)
    with health.watch(model) as watch:
        checkpoint(model, X, use_reentrant=False).sum().backward()
    assert counted(watch)["first"][0] > 6


# torch.compile


@pytest.fixture
def compiled():
    """torch.compile without a compiler, and without what it has compiled before."""
    torch._dynamo.reset()
    yield lambda thing: torch.compile(thing, backend="aot_eager")
    torch._dynamo.reset()


def whole(model, compiled):
    return compiled(model)


def in_place(model, compiled):
    model.compile(backend="aot_eager")
    return model


def step_function(model, compiled):
    return compiled(lambda x: model(x) * 1.0)


ARRANGEMENTS = [whole, in_place, step_function]


@pytest.mark.parametrize("arrange", ARRANGEMENTS)
@pytest.mark.parametrize("when", ["and run before", "before", "after the start"])
def test_a_compiled_model_is_counted(compiled, arrange, when):
    model = seeded(mlp)
    watch = health.watch(model)
    if when == "after the start":
        watch.start()
        call = arrange(model, compiled)
    else:
        call = arrange(model, compiled)
        if when == "and run before":
            call(X).sum().backward()
        watch.start()
    for x in BATCHES:
        call(x).sum().backward()
    watch.stop()
    assert counted(watch) == {"0": (18, 3)}
    assert_counted(watch.report()["0"].counts, counts_of(hidden(model, *BATCHES)))
    call(X)
    assert counted(watch) == {"0": (18, 3)}
    assert traces(model) == NOTHING


def test_the_watch_of_the_compiled_model_is_that_of_the_model_and_says_that_it_ran_uncompiled(
    compiled,
):
    model = seeded(mlp)
    call = compiled(model)
    call(X)
    with health.watch(call) as watch, health.watch(model) as inner:
        call(X).sum().backward()
    assert counted(watch) == counted(inner) == {"0": (6, 1)}
    assert "torch.compile was switched off" in watch.report().notes[0]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_compiled_submodule_is_counted_under_its_own_name(compiled, in_place):
    model = nn.Sequential(seeded(mlp), nn.ReLU(), nn.Linear(4, 2))
    if in_place:
        model[0].compile(backend="aot_eager")
    else:
        model[0] = compiled(model[0])
    model(X)
    with health.watch(model) as watch:
        model(X).sum().backward()
    assert counted(watch) == {"0.0": (6, 1), "0.2": (6, 1)}
    assert "torch.compile was switched off" in watch.report().notes[0]


def test_a_submodule_of_a_compiled_model_is_counted(compiled):
    model = nn.Sequential(seeded(mlp), nn.ReLU(), nn.Linear(4, 2))
    call = compiled(model)
    call(X)
    with health.watch(model[0]) as watch:
        call(X).sum().backward()
    assert counted(watch) == {"0": (6, 1)}


def test_a_compiled_method_within_the_forward_pass_is_counted(compiled):
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8, 16)
            self.inner = compiled(lambda x: functional.relu(self.linear(x)))

        def forward(self, x):
            return self.inner(x)

    model = seeded(Inner)
    model(X)
    with health.watch(model) as watch:
        model(X).sum().backward()
    assert counted(watch) == {"linear": (6, 1)}


def test_compiled_code_shows_nothing_which_is_why_it_is_switched_off(compiled, monkeypatch):
    monkeypatch.setattr(torch_watch._EAGERNESS, "begin", lambda: None)
    monkeypatch.setattr(torch_watch._EAGERNESS, "end", lambda: None)
    model = seeded(mlp)
    call = compiled(lambda x: model(x))
    call(X)
    with health.watch(model) as watch:
        call(X)
    assert counted(watch) != {"0": (6, 0)}


def test_the_users_stance_towards_compiling_is_theirs_again_afterwards(compiled):
    model = seeded(mlp)
    with torch.compiler.set_stance("eager_on_recompile"):
        with health.watch(model), health.watch(model):
            assert traces(model)[3] == "force_eager"
        assert traces(model) == (*NOTHING[:3], "eager_on_recompile")
    assert traces(model) == NOTHING


# Evaluation


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_evaluation_without_gradients_states_a_bound(mode):
    model = seeded(mlp).eval()
    with health.watch(model) as watch, mode():
        for x in BATCHES:
            model(x)
    layer = watch.report()["0"]
    assert layer.bound == pytest.approx(1 - 0.05 ** (1 / 18))
    assert (layer.training, layer.evaluation.samples) == (None, 18)
    assert layer.not_updated is None


def test_a_model_that_was_made_for_inference_states_a_bound():
    with torch.inference_mode():
        model = seeded(mlp).eval()
        with health.watch(model) as watch:
            model(X)
            model(BATCHES[1])
    assert watch.report()["0"].bound is not None


def test_training_states_no_bound():
    model = seeded(mlp)
    with health.watch(model) as watch, torch.no_grad():
        model(X)
    assert watch.report()["0"].bound is None


def moved_by_hand(model):
    with torch.no_grad():
        model[0].weight.add_(1)


def moved_by_optimizer(model):
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    torch.optim.SGD(model.parameters(), 0.1).step()


def trained_a_step(model):
    model.train()
    step(model, torch.optim.SGD(model.parameters(), 0.1), X)
    model.eval()


def with_statistics_moved(model):
    model[1].running_mean.add_(1)


def with_another_parameter(model):
    model[0].weight = nn.Parameter(model[0].weight.detach() + 1)


def with_data_assigned(model):
    model[0].weight.data = model[0].weight.data + 1


def with_data_copied(model):
    """As averaged weights are swapped in."""
    for p in model.parameters():
        p.data.copy_(p.data + 1)


def with_weights_loaded(model):
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})


def with_weights_assigned(model):
    weights = {name: value + 1 for name, value in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)


MOVES = [
    *(moved_by_hand, moved_by_optimizer, trained_a_step, with_statistics_moved),
    *(with_another_parameter, with_data_assigned, with_data_copied),
    *(with_weights_loaded, with_weights_assigned),
]


def normalised():
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


def evaluated_around(between, stop=False):
    model = seeded(normalised).eval()
    watch = health.watch(model).start()
    model(X)
    if stop:
        watch.stop()
    between(model)
    if stop:
        watch.start()
    model(BATCHES[1])
    watch.stop()
    return watch.report()["1"]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("stop", [False, True], ids=["watched", "stopped meanwhile"])
def test_weights_that_moved_between_two_evaluations_leave_no_bound(move, stop):
    layer = evaluated_around(move, stop)
    assert layer.evaluation.samples == 12
    assert layer.evaluation.bound is None


def test_weights_that_stayed_between_two_evaluations_leave_the_bound():
    assert evaluated_around(lambda model: None).bound == pytest.approx(1 - 0.05 ** (1 / 12))
    assert evaluated_around(lambda model: None, stop=True).bound is not None
    assert evaluated_around(lambda model: model.state_dict()).bound is not None
    assert evaluated_around(lambda model: model.requires_grad_(False)).bound is not None


@pytest.mark.parametrize("move", [with_data_copied, with_statistics_moved])
def test_weights_that_moved_would_keep_their_bound_if_nobody_looked(move, monkeypatch):
    monkeypatch.setattr(torch_mode, "_state", lambda tensor: None)
    assert evaluated_around(move).bound is not None


def test_evaluation_and_training_are_told_apart():
    """Running statistics that lag behind silence a unit in evaluation alone."""
    model = seeded(normalised)
    with torch.no_grad():
        model[1].bias.fill_(9)
        model[1].running_mean[2] = 1e3
    with health.watch(model) as watch:
        model(X).sum().backward()
        model.eval()
        with torch.no_grad():
            model(BATCHES[1])
    layer = watch.report()["1"]
    assert layer.evaluation.silent.tolist() == [unit == 2 for unit in range(16)]
    assert not layer.training.silent.any()
    assert not layer.silent.any()
    assert layer.why[2] == "silent in evaluation alone"
    assert (layer.training.samples, layer.evaluation.samples, layer.samples) == (6, 6, 12)


def test_evaluation_that_is_interleaved_with_training_changes_nothing():
    def interleaved(watched):
        model = seeded(cnn)
        optimizer = torch.optim.Adam(model.parameters())
        watch = health.watch(model)
        if watched:
            watch.start()
        outputs = []
        for x in batches(4, 3, 8, 8):
            outputs.append(step(model.train(), optimizer, x))
            with torch.no_grad():
                outputs.append(model.eval()(x))
        watch.stop()
        return (outputs, model.state_dict()), watch

    expected, _ = interleaved(watched=False)
    actual, watch = interleaved(watched=True)
    assert_same(actual, expected)
    layer = watch.report()["6"]
    assert (layer.training.samples, layer.evaluation.samples, layer.steps) == (12, 12, 3)


# Batches


def test_an_empty_batch_is_no_sample_and_its_backward_pass_is_one():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X).sum().backward()
        model(X[:0]).sum().backward()
    assert counted(watch) == {"0": (6, 2)}


def test_where_all_batches_are_empty_nothing_is_counted():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X[:0])
    with pytest.raises(health.UnhealthyError, match="no unit was counted"):
        watch.report().check()


def test_batches_of_any_sizes_are_counted_and_the_last_one_too():
    model = seeded(mlp)
    inputs = [torch.cat(BATCHES)[:n] for n in (6, 1, 17, 3)]
    with health.watch(model) as watch, torch.no_grad():
        for x in inputs:
            model(x)
    layer = watch.report()["0"]
    assert_counted(layer.counts, counts_of(hidden(model, *inputs)))
    assert layer.history.samples.tolist() == [6, 1, 17, 3]


def test_of_every_third_pass_alone_samples_are_counted_and_of_all_the_backward_passes():
    model = seeded(mlp)
    inputs = [torch.cat(BATCHES)[: k + 1] for k in range(7)]
    with health.watch(model, every=3) as watch:
        for x in inputs:
            model(x).sum().backward()
    assert_counted(watch.report()["0"].counts, counts_of(hidden(model, *inputs[::3])))
    assert counted(watch) == {"0": (1 + 4 + 7, 7)}


def test_of_passes_that_are_not_counted_the_gradients_are_seen_after_a_new_start():
    model = seeded(mlp)
    watch = health.watch(model, every=2)
    for _ in range(2):
        with watch:
            model(X).sum().backward()
    assert counted(watch) == {"0": (6, 2)}


def test_every_third_pass_of_a_training_leaves_it_the_same_in_every_bit():
    inputs = [(x,) for x in BATCHES]
    expected, _ = trained(mlp, inputs, watched=False)
    actual, _ = trained(mlp, inputs, watched=True, every=2)
    assert_same(actual, expected)


# Frozen


def test_a_layer_that_is_frozen_and_then_trained_was_not_frozen():
    model = seeded(mlp)
    model[0].requires_grad_(False)
    with health.watch(model) as watch:
        model(X).sum().backward()
        frozen = watch.report()["0"]
        model[0].requires_grad_(True)
        model(X).sum().backward()
    trained_later = watch.report()["0"]
    assert frozen.frozen.all()
    assert frozen.not_updated is None
    assert not frozen.starved.any()
    assert not trained_later.frozen.any()
    assert (trained_later.steps, trained_later.not_updated.any()) == (1, False)


def test_a_layer_that_is_trained_and_then_frozen_was_not_frozen():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X).sum().backward()
        model[0].requires_grad_(False)
        model(X).sum().backward()
    layer = watch.report()["0"]
    assert not layer.frozen.any()
    assert (layer.steps, layer.not_updated.any()) == (1, False)


# Merging


def test_reports_of_the_parts_of_the_data_merge_to_that_of_the_whole():
    model = seeded(cnn).eval()
    images = batches(4, 3, 8, 8, count=6)

    def watched(inputs):
        with health.watch(model) as watch, torch.no_grad():
            for x in inputs:
                model(x)
        return watch.report()

    merged = watched(images[:1]).merge(watched(images[1:4]), watched(images[4:]))
    whole = watched(images)
    for name, layer in whole.layers.items():
        direct = {key: getattr(layer.counts, key) for key in vars(layer.counts)}
        assert_counted(merged[name].counts, direct)
        assert merged[name].bound == layer.bound
        assert merged[name].history.ends == layer.history.ends
        assert_same(merged[name].history.fired, layer.history.fired)
    assert list(merged) == list(whole)


def test_reports_of_the_parts_of_a_training_merge_to_that_of_the_whole():
    model = seeded(mlp)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    whole, parts = health.watch(model).start(), []
    for x in BATCHES:
        with health.watch(model) as part:
            step(model, optimizer, x)
        parts.append(part.report())
    whole.stop()
    merged, layer = parts[0].merge(*parts[1:])["0"], whole.report()["0"]
    direct = {key: getattr(layer.counts, key) for key in vars(layer.counts)}
    assert_counted(merged.counts, direct)
    assert merged.steps == layer.steps == 3
    assert_same(merged.not_updated, layer.not_updated)


def test_a_layer_whose_parameters_are_replaced_goes_on_with_what_was_seen_before():
    model, x = seeded(mlp), torch.randn(32, 8)
    with torch.no_grad():
        model[0].bias[:2] = -100.0
    other = seeded(mlp, seed=1)
    with torch.no_grad():
        other.get_parameter("0.bias")[1:3] = -100.0
    with health.watch(model) as watch:
        model(x).sum().backward()
        model.load_state_dict(other.state_dict(), assign=True)
        model(x).sum().backward()
    layer = watch.report()["0"]
    assert np.flatnonzero(layer.not_updated).tolist() == [1]
    assert layer.steps == 2
