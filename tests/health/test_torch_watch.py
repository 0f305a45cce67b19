"""Watching a PyTorch model changes nothing about it, and leaves nothing behind."""

import copy
import gc
import io
import pickle
import random
import threading
import weakref

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fresh import output_of
from nets import (
    NOTHING,
    Functional,
    assert_same,
    batches,
    breaking,
    cnn,
    counted,
    mlp,
    random_states,
    seed_all,
    seeded,
    traces,
    trained,
)
from torch import _C, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from halfwave import health
from halfwave.health.torch import mode as torch_mode
from halfwave.health.torch import places as torch_places
from halfwave.health.torch import producers as torch_producers
from halfwave.health.torch import watch as torch_watch
from halfwave.health.torch.watch import Watch

VECTORS = [(x,) for x in batches(6, 8)]
IMAGES = [(x,) for x in batches(4, 3, 8, 8)]
SEQUENCES = [(x,) for x in batches(4, 5, 8)]
X = VECTORS[0][0]


@pytest.fixture(autouse=True)
def _stopped(monkeypatch):
    """A test that fails leaves no watch for the next."""
    start, started = Watch.start, []
    monkeypatch.setattr(Watch, "start", lambda watch: (started.append(watch), start(watch))[1])
    yield
    for watch in started:
        watch.stop()


def encoder_layer(**options):
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)


# The same bits


TRAININGS = {
    "mlp": (mlp, VECTORS),
    "cnn": (cnn, IMAGES),
    "rrelu": (lambda: nn.Sequential(nn.Linear(8, 16), nn.RReLU(), nn.Linear(16, 4)), VECTORS),
    "checkpoint": (lambda: Functional(reentrant=False), VECTORS),
    "reentrant": (
        lambda: Functional(reentrant=True),
        [(x.clone().requires_grad_(),) for (x,) in VECTORS],
    ),
    "encoder layer": (encoder_layer, SEQUENCES),
    "encoder": (lambda: nn.TransformerEncoder(encoder_layer(), 2), SEQUENCES),
    "transformer": (
        lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
        [(x, 2 * x) for (x,) in SEQUENCES],
    ),
}


@pytest.mark.parametrize(("make", "inputs"), TRAININGS.values(), ids=TRAININGS)
def test_a_watched_training_is_the_same_in_every_bit(make, inputs):
    unwatched, _ = trained(make, inputs, watched=False)
    watched, watch = trained(make, inputs, watched=True)
    assert_same(watched, unwatched)
    layers = watch.report().layers
    assert layers
    assert {layer.steps for layer in layers.values()} == {len(inputs)}


def test_a_training_that_drew_one_random_number_is_not_the_same():
    unwatched, _ = trained(mlp, VECTORS, watched=False)
    for draw in (lambda: torch.rand(1), np.random.random, random.random):

        def drawing(draw=draw):
            model = mlp()
            model[1].register_forward_hook(lambda *_: (draw(), None)[1])
            return model

        drawn, _ = trained(drawing, VECTORS, watched=False)
        with pytest.raises(AssertionError):
            assert_same(drawn, unwatched)


def test_a_weight_that_moved_in_its_last_bit_is_not_the_same():
    (losses, weights, *rest), _ = trained(mlp, VECTORS, watched=False)
    moved = copy.deepcopy(weights)
    moved["0.weight"].view(torch.int32)[3, 5] ^= 1
    with pytest.raises(AssertionError):
        assert_same((losses, moved, *rest), (losses, weights, *rest))


def evaluated(model, *inputs, watched, **named):
    model.eval()
    seed_all()
    with torch.no_grad():
        if not watched:
            return (model(*inputs, **named), random_states()), None
        with health.watch(model) as watch:
            return (model(*inputs, **named), random_states()), watch


@pytest.mark.parametrize(
    ("make", "inputs"),
    [(mlp, VECTORS[0]), (cnn, IMAGES[0]), (encoder_layer, SEQUENCES[0])],
    ids=["mlp", "cnn", "encoder layer"],
)
def test_a_watched_evaluation_is_the_same_in_every_bit(make, inputs):
    unwatched, _ = evaluated(seeded(make), *inputs, watched=False)
    watched, watch = evaluated(seeded(make), *inputs, watched=True)
    assert_same(watched, unwatched)
    assert watch.report().layers


def test_the_relu_of_an_encoder_layer_in_evaluation_is_seen():
    layer = seeded(encoder_layer)
    x = SEQUENCES[0][0]
    _, watch = evaluated(layer, x, watched=True)
    seen = watch.report()["linear1"]
    with torch.no_grad():
        attended = layer.norm1(x + layer.self_attn(x, x, x, need_weights=False)[0])
        hidden = layer.linear1(attended).relu()
    np.testing.assert_array_equal(seen.fired, (hidden > 0).sum((0, 1)).numpy())
    assert seen.samples == x.shape[0] * x.shape[1]


def test_attention_leaves_its_bits_where_a_mode_is_active_which_is_why_it_is_suspended():
    class Idle(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    layer = seeded(encoder_layer).eval()
    with torch.no_grad():
        plain = layer(SEQUENCES[0][0])
        with Idle():
            moded = layer(SEQUENCES[0][0])
    with pytest.raises(AssertionError):
        assert_same(moded, plain)


MASK = torch.arange(5) >= torch.tensor([[5], [4], [3], [2]])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_an_encoder_that_packs_what_is_not_masked_keeps_its_bits_and_is_listed():
    def make():
        return nn.TransformerEncoder(encoder_layer(), 2)

    x = SEQUENCES[0][0]
    unwatched, _ = evaluated(seeded(make), x, src_key_padding_mask=MASK, watched=False)
    watched, watch = evaluated(seeded(make), x, src_key_padding_mask=MASK, watched=True)
    assert_same(watched, unwatched)
    report = watch.report()
    assert not report.layers
    assert [entry.place for entry in report.not_seen] == [""]
    assert "enable_nested_tensor=False" in report.not_seen[0].reason


LATER = torch.ones(5, 5).triu(1).bool()
MASKS = {
    "padding": {"src_key_padding_mask": MASK},
    "later": {"src_mask": LATER, "is_causal": True},
    "both": {"src_key_padding_mask": MASK, "src_mask": LATER},
    "infinite": {"src_mask": nn.Transformer.generate_square_subsequent_mask(5)},
    "by head": {"src_mask": torch.randn(8, 5, 5, generator=torch.Generator().manual_seed(0)) > 1},
}


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)
def test_an_encoder_layer_keeps_its_bits_under_a_mask_and_is_seen(masks, norm_first):
    def make():
        return encoder_layer(norm_first=norm_first)

    x = SEQUENCES[0][0]
    unwatched, _ = evaluated(seeded(make), x, **masks, watched=False)
    watched, watch = evaluated(seeded(make), x, **masks, watched=True)
    assert_same(watched, unwatched)
    assert list(watch.report()) == ["linear1"]


def test_under_a_mask_hooks_alone_would_change_the_bits_of_an_encoder_layer(monkeypatch):
    monkeypatch.setattr(torch_watch, "keep_masks", lambda *args: None)
    unwatched, _ = evaluated(seeded(encoder_layer), SEQUENCES[0][0], src_mask=LATER, watched=False)
    watched, _ = evaluated(seeded(encoder_layer), SEQUENCES[0][0], src_mask=LATER, watched=True)
    with pytest.raises(AssertionError):
        assert_same(watched, unwatched)


SLOW = {
    "a hook of the user's": lambda layer: layer.norm1.register_forward_hook(lambda *_: None),
    "another activation": lambda layer: setattr(layer, "activation_relu_or_gelu", 0),
    "another epsilon": lambda layer: setattr(layer.norm2, "eps", 1e-3),
}


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_an_encoder_layer_that_is_not_fused_keeps_a_mask_of_any_numbers(slow):
    def make():
        layer = encoder_layer()
        slow(layer)
        return layer

    slopes = -torch.arange(25.0).view(5, 5) / 8
    unwatched, _ = evaluated(seeded(make), SEQUENCES[0][0], src_mask=slopes, watched=False)
    watched, _ = evaluated(seeded(make), SEQUENCES[0][0], src_mask=slopes, watched=True)
    assert torch.isfinite(unwatched[0]).all()
    assert_same(watched, unwatched)


def test_an_encoder_layer_with_gradients_keeps_a_mask_of_any_numbers():
    slopes = -torch.arange(25.0).view(5, 5) / 8
    layer = seeded(encoder_layer).eval()
    expected = layer(SEQUENCES[0][0], src_mask=slopes)
    with health.watch(layer):
        assert_same(layer(SEQUENCES[0][0], src_mask=slopes), expected)


def test_an_encoder_that_packs_nothing_is_seen_under_a_mask():
    def make():
        return nn.TransformerEncoder(encoder_layer(), 2, enable_nested_tensor=False)

    x = SEQUENCES[0][0]
    unwatched, _ = evaluated(seeded(make), x, src_key_padding_mask=MASK, watched=False)
    watched, watch = evaluated(seeded(make), x, src_key_padding_mask=MASK, watched=True)
    assert_same(watched, unwatched)
    assert list(watch.report()) == ["layers.0.linear1", "layers.1.linear1"]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize(
    "masks",
    [
        {},
        {"tgt_mask": LATER, "tgt_is_causal": True},
        {"src_key_padding_mask": MASK, "memory_key_padding_mask": MASK},
        {"src_mask": LATER, "src_key_padding_mask": MASK, "tgt_key_padding_mask": MASK},
    ],
    ids=lambda masks: " ".join(masks) or "none",
)
def test_a_transformer_keeps_its_bits_in_evaluation(masks):
    def make():
        return nn.Transformer(8, 2, 2, 1, 16, batch_first=True)

    x = SEQUENCES[0][0]
    unwatched, _ = evaluated(seeded(make), x, 2 * x, **masks, watched=False)
    watched, watch = evaluated(seeded(make), x, 2 * x, **masks, watched=True)
    assert_same(watched, unwatched)
    assert "decoder.layers.0.linear1" in watch.report().layers


def test_passes_that_are_not_counted_keep_their_bits_too():
    layer = seeded(encoder_layer).eval()
    with torch.no_grad():
        expected = layer(SEQUENCES[0][0], src_mask=LATER)
        with health.watch(layer, every=2), health.watch(layer, every=3):
            for _ in range(3):
                assert_same(layer(SEQUENCES[0][0], src_mask=LATER), expected)


# Nothing is left behind


def test_while_it_watches_there_are_hooks_and_afterwards_there_are_none():
    model = seeded(mlp)
    watch = health.watch(model).start()
    model(X).sum().backward()
    modules, parameters, modes, stance = traces(model)
    assert modules
    assert parameters == {"0.weight": 1, "0.bias": 1}
    assert (modes, stance) == (0, "force_eager")
    watch.stop()
    assert traces(model) == NOTHING


def failing(kind, error):
    """A model that raises there, and the call that makes it do so."""
    model = seeded(breaking)

    def forward():
        model[2].error = error
        model(X)

    def backward():
        model(X).register_hook(raising)
        out = model(X)
        out.register_hook(raising)
        out.sum().backward()

    def hook():
        handle = model[3].register_forward_hook(raising)
        try:
            model(X)
        finally:
            handle.remove()

    def own_hook():
        handle = model.register_forward_pre_hook(raising)
        try:
            model(X)
        finally:
            handle.remove()

    def arguments():
        model(X[:, 1:])

    def raising(*args):
        raise error

    return model, {f.__name__: f for f in (forward, backward, hook, own_hook, arguments)}[kind]


@pytest.mark.parametrize("kind", ["forward", "backward", "hook", "own_hook", "arguments"])
def test_an_exception_comes_through_and_leaves_nothing_behind(kind):
    model, fail = failing(kind, RuntimeError("planted"))
    reason = "shapes cannot be multiplied" if kind == "arguments" else "planted"
    with pytest.raises(RuntimeError, match=reason), health.watch(model):
        fail()
    assert traces(model) == NOTHING


@pytest.mark.parametrize("kind", ["forward", "backward", "hook", "own_hook", "arguments"])
def test_after_an_exception_the_next_pass_is_counted(kind):
    model, fail = failing(kind, RuntimeError("planted"))
    with health.watch(model) as watch:
        with pytest.raises(RuntimeError):
            fail()
        assert _C._len_torch_function_stack() == 0
        before = watch.report().layers
        model(X)
        after = watch.report().layers
    assert after["3"].samples - (before["3"].samples if "3" in before else 0) == len(X)


@pytest.mark.parametrize(
    ("place", "method"),
    [
        (torch_places.Place, "count"),
        (torch_mode.Mode, "find"),
        (torch_mode.Mode, "begin"),
        (torch_producers.Producer, "see"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_exception_inside_the_counting_leaves_nothing_behind(monkeypatch, place, method):
    def fail(*args, **kwargs):
        raise ZeroDivisionError

    model = seeded(mlp)
    watch = health.watch(model).start()
    with monkeypatch.context() as patch:
        patch.setattr(place, method, fail)
        with pytest.raises(ZeroDivisionError):
            model(X).sum().backward()
    assert _C._len_torch_function_stack() == 0
    before = counted(watch).get("0", (0, 0))[0]
    model(X)
    assert counted(watch)["0"][0] == before + len(X)
    watch.stop()
    assert traces(model) == NOTHING


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_leaves_nothing_behind(error):
    model, fail = failing("forward", error())
    with pytest.raises(error), health.watch(model):
        fail()
    assert traces(model) == NOTHING


def test_after_an_interrupt_the_next_pass_is_counted():
    model, fail = failing("forward", KeyboardInterrupt())
    watch = health.watch(model).start()
    with pytest.raises(KeyboardInterrupt):
        fail()
    model(X).sum().backward()
    assert _C._len_torch_function_stack() == 0
    watch.stop()
    assert counted(watch) == {"0": (12, 1), "3": (6, 1)}  # the first layer had been computed
    assert traces(model) == NOTHING


def test_an_interrupt_inside_attention_leaves_nothing_behind():
    model = nn.Sequential(seeded(encoder_layer), nn.Linear(8, 4), nn.ReLU()).eval()

    def interrupt(*args):
        raise KeyboardInterrupt

    watch = health.watch(model).start()
    handle = model[0].self_attn.register_forward_pre_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        model(SEQUENCES[0][0])
    handle.remove()
    model(SEQUENCES[0][0])
    watch.stop()
    assert counted(watch) == {"0.linear1": (20, 0), "1": (20, 0)}
    assert traces(model) == NOTHING


def test_a_watch_keeps_no_tensor_of_a_pass():
    model = seeded(mlp)
    with health.watch(model):
        seen = weakref.ref(model(X))
        gc.collect()
        assert seen() is None


# Recursion, generators, threads


class Recursive(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.error = None

    def forward(self, x, depth=2):
        h = functional.relu(self.linear(x))
        if not depth and self.error:
            raise self.error
        return self(h, depth - 1) if depth else h


def test_a_model_that_calls_itself_is_watched_from_the_outermost_call_on():
    model = seeded(Recursive)
    with health.watch(model) as watch:
        model(X).sum().backward()
    assert counted(watch) == {"linear": (6, 1), "linear#2": (6, 1), "linear#3": (6, 1)}
    assert traces(model) == NOTHING


def test_a_model_that_calls_itself_may_be_interrupted():
    model = seeded(Recursive)
    watch = health.watch(model).start()
    model.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        model(X)
    model.error = None
    model(X)
    assert _C._len_torch_function_stack() == 0
    watch.stop()
    assert counted(watch) == {"linear": (12, 0), "linear#2": (12, 0), "linear#3": (12, 0)}


def test_a_generator_that_is_left_open_holds_the_watch_and_then_ends_it():
    model = seeded(mlp)

    def losses():
        with health.watch(model):
            while True:
                yield model(X).sum()

    running = losses()
    next(running)
    assert _C._len_torch_function_stack() == 0
    running.close()
    assert traces(model) == NOTHING


def test_a_model_may_give_its_outputs_one_by_one():
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = mlp()

        def forward(self, xs):
            return (self.layers(x) for x in xs)

    model = seeded(Stream)
    with health.watch(model) as watch:
        outside = [out.shape for out in model([X, X])]
    assert len(outside) == 2
    assert _C._len_torch_function_stack() == 0
    assert not watch.report().layers  # computed after the forward pass had returned


def test_of_passes_in_two_threads_at_once_one_is_counted_and_a_note_says_so():
    inside, go_on = threading.Event(), threading.Event()

    class Waiting(nn.Module):
        def forward(self, x):
            if threading.current_thread() is other:
                inside.set()
                assert go_on.wait(60)
            return x

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), Waiting(), nn.Linear(16, 4), nn.ReLU())
    left = []
    other = threading.Thread(target=lambda: (model(X), left.append(_C._len_torch_function_stack())))
    with health.watch(model) as watch:
        other.start()
        assert inside.wait(60)
        model(X)
        assert _C._len_torch_function_stack() == 0
        go_on.set()
        other.join()
    assert left == [0]
    assert counted(watch) == {"0": (6, 0), "3": (6, 0)}
    assert "several threads" in watch.report().notes[0]
    assert traces(model) == NOTHING


def test_passes_in_several_threads_one_after_the_other_are_all_counted():
    model = seeded(mlp)
    with health.watch(model) as watch:
        for _ in range(3):
            thread = threading.Thread(target=lambda: model(X).sum().backward())
            thread.start()
            thread.join()
    assert counted(watch) == {"0": (18, 3)}
    assert watch.report().notes == ()


# Several watches, start and stop


@pytest.mark.parametrize("first_to_stop", [0, 1])
def test_two_watches_of_one_model_count_apart(first_to_stop):
    model = seeded(mlp)
    watches = [health.watch(model), health.watch(model)]
    watches[0].start()
    model(X).sum().backward()
    watches[1].start()
    model(X).sum().backward()
    watches[first_to_stop].stop()
    model(X).sum().backward()
    watches[1 - first_to_stop].stop()
    passes = [(2, 2), (3, 1)][first_to_stop]
    assert [counted(w) for w in watches] == [{"0": (6 * n, n)} for n in passes]
    assert traces(model) == NOTHING


@pytest.mark.parametrize("outer_starts_first", [True, False])
@pytest.mark.parametrize("outer_stops_first", [True, False])
def test_a_model_and_its_submodule_are_watched_at_once(outer_starts_first, outer_stops_first):
    model = nn.Sequential(seeded(mlp), nn.ReLU(), nn.Linear(4, 2))
    outer, inner = health.watch(model), health.watch(model[0])
    for watch in (outer, inner) if outer_starts_first else (inner, outer):
        watch.start()
    model(X).sum().backward()
    first, last = (outer, inner) if outer_stops_first else (inner, outer)
    first.stop()
    model(X).sum().backward()
    last.stop()
    n_outer, n_inner = (1, 2) if outer_stops_first else (2, 1)
    assert counted(outer) == {"0.0": (6 * n_outer, n_outer), "0.2": (6 * n_outer, n_outer)}
    assert counted(inner) == {"0": (6 * n_inner, n_inner)}
    assert traces(model) == NOTHING


def test_a_submodule_may_be_called_by_itself_and_only_its_own_watch_counts_that():
    model = nn.Sequential(seeded(mlp), nn.ReLU())
    with health.watch(model) as outer, health.watch(model[0]) as inner:
        model[0](X)
    assert counted(outer) == {}
    assert counted(inner) == {"0": (6, 0)}


def test_start_twice_is_an_error_and_stop_twice_is_none():
    model = seeded(mlp)
    watch = health.watch(model).start()
    with pytest.raises(RuntimeError, match=r"has been started; call stop\(\) first"):
        watch.start()
    watch.stop()
    watch.stop()
    assert traces(model) == NOTHING


def test_stop_without_start_changes_nothing():
    model, other = seeded(mlp), seeded(mlp)
    with health.watch(other) as running:
        health.watch(model).stop()
        other(X)
    assert counted(running) == {"0": (6, 0)}
    assert traces(model) == NOTHING


def test_a_watch_that_is_started_again_goes_on_counting():
    model = seeded(mlp)
    watch = health.watch(model)
    with watch:
        model(X).sum().backward()
    model(X).sum().backward()
    with watch:
        model(X).sum().backward()
    assert counted(watch) == {"0": (12, 2)}


def test_a_report_is_taken_while_it_watches_and_does_not_change_later():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X).sum().backward()
        early = watch.report()
        held = early.as_data()
        model(X).sum().backward()
        late = watch.report()
    assert early.as_data() == held
    assert (early["0"].samples, late["0"].samples) == (6, 12)


@pytest.mark.parametrize("kind", ["report", "stop"])
def test_within_a_forward_pass_one_may_report_or_stop(kind):
    model = seeded(breaking)
    watch = health.watch(model)
    model[2].register_forward_hook(lambda *_: (getattr(watch, kind)(), None)[1])
    watch.start()
    model(X)
    assert _C._len_torch_function_stack() == 0
    assert counted(watch) == {"0": (6, 0)} | ({"3": (6, 0)} if kind == "report" else {})
    watch.stop()


def test_a_watch_that_is_started_within_a_forward_pass_begins_with_the_next():
    model = seeded(breaking)
    watch = health.watch(model)
    handle = model[2].register_forward_hook(lambda *_: (watch.start(), None)[1])
    model(X)
    handle.remove()
    assert counted(watch) == {}
    model(X)
    watch.stop()
    assert counted(watch) == {"0": (6, 0), "3": (6, 0)}
    assert traces(model) == NOTHING


def test_of_parameters_that_are_replaced_meanwhile_neither_old_nor_new_ones_keep_a_hook():
    model = seeded(mlp)
    old = model[0].weight
    with health.watch(model):
        model(X).sum().backward()
        model.load_state_dict(seeded(mlp, seed=1).state_dict(), assign=True)
        model(X).sum().backward()
    assert model[0].weight is not old
    assert not old._backward_hooks
    assert traces(model) == NOTHING


# Copies


def saved_and_loaded(model):
    file = io.BytesIO()
    torch.save(model, file)
    assert b"halfwave" not in file.getvalue()
    file.seek(0)
    return torch.load(file, weights_only=False)


def pickled(model):
    text = pickle.dumps(model)
    assert b"halfwave" not in text
    return pickle.loads(text)


@pytest.mark.parametrize("copied", [copy.deepcopy, saved_and_loaded, pickled])
def test_a_copy_that_is_made_while_the_model_is_watched_is_not_watched(copied):
    model = seeded(lambda: nn.Sequential(encoder_layer(), nn.Linear(8, 4), nn.ReLU()))
    x = SEQUENCES[0][0]
    with health.watch(model) as watch:
        model(x).sum().backward()
        before = watch.report()
        twin = copied(model)
        out = twin(x)
        out.sum().backward()
        assert watch.report() == before
    assert not any(p._backward_hooks for p in twin.parameters())
    assert out.shape == (4, 5, 4)
    with health.watch(twin) as other:
        twin(x)
    assert counted(other) == {"0.linear1": (20, 0), "1": (20, 0)}


def test_a_model_that_was_saved_while_watched_is_loaded_where_there_is_no_halfwave(tmp_path):
    model = seeded(mlp)
    with health.watch(model):
        model(X).sum().backward()
        torch.save(model, tmp_path / "model.pt")
    code = (
        "import sys, torch; sys.modules['halfwave'] = None\n"
        f"model = torch.load({str(tmp_path / 'model.pt')!r}, weights_only=False)\n"
        "print(model(torch.ones(2, 8)).shape)"
    )
    assert output_of(code).strip() == "torch.Size([2, 4])"


def test_the_state_dict_of_a_watched_model_is_that_of_the_model():
    unwatched = seeded(mlp).state_dict()
    model = seeded(mlp)
    with health.watch(model):
        assert_same(model.state_dict(), unwatched)
        model.load_state_dict(unwatched)


# Beside what else looks at a model


@pytest.mark.filterwarnings("error::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:`torch.jit.trace")
def test_a_trace_of_a_watched_model_is_that_of_the_model():
    expected = torch.jit.trace(seeded(mlp), X).code
    model = seeded(mlp)
    with health.watch(model) as watch:
        traced = torch.jit.trace(model, X, check_trace=False)
        assert counted(watch) == {}
        assert_same(traced(X), model(X))
    assert traced.code == expected
    assert counted(watch) == {"0": (6, 0)}


def test_a_symbolic_trace_of_a_watched_model_is_that_of_the_model():
    expected = torch.fx.symbolic_trace(seeded(mlp)).code
    model = seeded(mlp)
    with health.watch(model) as watch:
        traced = torch.fx.symbolic_trace(model)
        assert_same(traced(X), model(X))
    assert traced.code == expected
    assert counted(watch) == {"0": (6, 0)}


@pytest.mark.filterwarnings("ignore:`torch.jit.script")
def test_a_watched_model_is_not_scripted_and_one_that_is_scripted_not_watched():
    model = seeded(mlp)
    with health.watch(model), pytest.raises(AttributeError, match=r"call stop\(\) of its watch"):
        torch.jit.script(model)
    with pytest.raises(TypeError, match="watch the model before it is scripted"):
        health.watch(torch.jit.script(model))


@pytest.mark.filterwarnings("ignore:`torch.jit.script")
def test_a_part_that_is_scripted_is_listed():
    model = nn.Sequential(torch.jit.script(seeded(mlp)), nn.Linear(4, 3), nn.ReLU())
    with health.watch(model) as watch:
        model(X)
    assert counted(watch) == {"1": (6, 0)}
    assert [entry.place for entry in watch.report().not_seen] == ["0"]


@pytest.mark.parametrize("strict", [True, False])
def test_an_export_of_a_watched_model_is_that_of_the_model(strict):
    expected = str(torch.export.export(seeded(mlp), (X,), strict=strict).graph)
    model = seeded(mlp)
    with health.watch(model) as watch:
        exported = torch.export.export(model, (X,), strict=strict)
        assert counted(watch) == {}
        assert_same(exported.module()(X), model(X))
    assert str(exported.graph) == expected
    assert traces(model) == NOTHING


def test_transforms_of_torch_func_go_on_and_are_listed():
    model = seeded(mlp)
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights):
        return torch.func.functional_call(model, weights, (X,)).square().sum()

    expected = torch.func.grad(loss)(weights)
    with health.watch(model) as watch:
        assert_same(torch.func.grad(loss)(weights), expected)
    report = watch.report()
    assert not report.layers
    assert "torch.func" in report.not_seen[0].reason


class Noting(TorchFunctionMode):
    """Notes the functions that it sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("inside", [True, False])
def test_another_mode_beside_ours_sees_what_it_would_see_without(inside):
    def seen(watched):
        model, mode = seeded(mlp), Noting()
        watch = health.watch(model)
        if watched and not inside:
            watch.start()
        with mode:
            if watched and inside:
                watch.start()
            model(X)
            if watched and inside:
                watch.stop()
        watch.stop()
        return mode.seen, watch

    expected, _ = seen(watched=False)
    actual, watch = seen(watched=True)
    assert actual == expected
    assert counted(watch) == {"0": (6, 0)}


def test_a_default_device_may_be_set_while_a_model_is_watched():
    model = seeded(mlp)
    with torch.device("cpu"), health.watch(model) as watch:
        model(X)
    with watch, torch.device("cpu"):
        model(X)
    try:
        with watch:
            torch.set_default_device("cpu")
            model(X)
            torch.set_default_device(None)
            model(X)
        assert _C._len_torch_function_stack() == 0
    finally:
        torch.set_default_device(None)
    assert counted(watch) == {"0": (24, 0)}


def test_modes_that_end_by_an_interrupt_end_as_they_should():
    model, fail = failing("forward", KeyboardInterrupt())
    watch = health.watch(model).start()
    with pytest.raises(KeyboardInterrupt), torch.device("meta"), Noting():
        fail()
    assert torch.empty(1).device.type == "cpu"
    model(X)
    assert _C._len_torch_function_stack() == 0
    watch.stop()
    assert traces(model) == NOTHING


def test_a_default_device_may_be_changed_after_an_interrupt():
    model, fail = failing("forward", KeyboardInterrupt())
    torch.set_default_device("cpu")
    try:
        with health.watch(model):
            with pytest.raises(KeyboardInterrupt):
                fail()
            torch.set_default_device("meta")
            assert torch.empty(1).device.type == "meta"
    finally:
        torch.set_default_device(None)
    assert torch.empty(1).device.type == "cpu"
    assert traces(model) == NOTHING


def test_fake_tensors_go_through_and_are_listed():
    model = seeded(mlp)
    with health.watch(model) as watch, FakeTensorMode(allow_non_fake_inputs=True):
        model(torch.ones(6, 8))
    with watch:
        model.to("meta")(X.to("meta"))
    report = watch.report()
    assert not report.layers
    assert "FakeTensor" in report.not_seen[0].reason


def test_a_count_of_floating_point_operations_is_the_same():
    def flops(watched):
        model = seeded(mlp)
        watch = health.watch(model)
        if watched:
            watch.start()
        with FlopCounterMode(display=False) as counter:
            model(X).sum().backward()
        watch.stop()
        return counter.get_total_flops()

    assert flops(watched=True) == flops(watched=False) > 0


def test_averaged_weights_are_copied_from_a_watched_model_and_used_beside_it():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(X).sum().backward()
        averaged = torch.optim.swa_utils.AveragedModel(model)
        averaged.update_parameters(model)
        averaged(X)
    assert counted(watch) == {"0": (6, 1)}


def test_hooks_of_the_users_that_change_inputs_and_outputs_go_on():
    model = seeded(mlp)
    model.register_forward_pre_hook(lambda module, args: (2 * args[0],))
    model.register_forward_hook(lambda module, args, out: out + 1)
    expected = model(X)
    with health.watch(model) as watch:
        assert_same(model(X), expected)
    with torch.no_grad():
        fired = (model[0](2 * X) > 0).sum(0)
    np.testing.assert_array_equal(watch.report()["0"].fired, fired.numpy())


def test_where_the_model_itself_is_not_called_a_note_says_so():
    model = seeded(mlp)
    with health.watch(model) as watch:
        model.forward(X)
    assert counted(watch) == {}
    assert "watch the module that is called" in watch.report().notes[0]
    with watch:
        model(X)
    assert watch.report().notes == ()


def test_a_mode_that_the_forward_pass_enters_and_leaves_open_is_left_alone():
    """As `set_default_device` within a forward pass does."""

    class Leaving(nn.Module):
        def forward(self, x):
            noting.__enter__()
            return x

    noting = Noting()
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), Leaving(), nn.ReLU())
    with health.watch(model) as watch:
        model(X)
        assert _C._len_torch_function_stack() == 1
        noting.__exit__(None, None, None)
    assert counted(watch)["0"] == (6, 0)
    assert traces(model) == NOTHING


def test_what_is_computed_outside_the_forward_pass_is_not_the_models():
    model = seeded(mlp)
    with health.watch(model) as watch:
        functional.relu(1 - model(X)).sum().backward()
        functional.relu(model[0](X))
    assert counted(watch) == {"0": (6, 1)}
    assert watch.report().not_seen == ()
