"""The benchmark: who competes, what is checked before anything is timed, and what the times say.

No time is asserted: where a time matters, the clock is a made-up one.
"""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

import halfwave as hw
from halfwave import bench
from halfwave.bench import contests, health, stage
from halfwave.bench.contests import Contender, Contest, Operation
from halfwave.bench.processes import Ended, Worker, environment
from halfwave.bench.results import Ratio, Result
from halfwave.bench.rounds import TICK, Effort, measure
from halfwave.bench.stage import Outputs, Stage
from halfwave.facts import Peers

BRIEF = Effort(rounds=3, seconds=0.0)
OURS, SLOW, FAST, WRONG = map(Contender, ("ours()", "slow()", "fast()", "wrong()"))
CONTEST = Contest("relu", Operation("value", "value", (OURS, SLOW, FAST, WRONG)), 64)
SMALL = Contest("relu", CONTEST.operation, 5).stage


# Rounds


def planted(seconds, log=None, name=None):
    """A contender that takes so many seconds a call, by its own account."""

    def run(repetitions):
        if log is not None:
            log.append(name)
        return repetitions * seconds

    return run


def test_each_contender_is_timed_in_each_round():
    seconds = [2.0**-20, 2.0**-13, 1.0]
    assert measure([planted(s) for s in seconds], BRIEF) == [[s] * 3 for s in seconds]


def test_a_turn_is_long_beside_the_clock_s_steps():
    turns = []
    measure([lambda n: turns.append(n * 2.0**-20) or turns[-1]], BRIEF)
    assert min(turns[-3:]) >= TICK > max(turns[:-5])


def test_one_turn_that_was_held_up_does_not_shorten_the_others():
    turns = []

    def run(repetitions):
        turns.append(repetitions)
        return repetitions * 2.0**-20 + (1.0 if len(turns) == 1 else 0.0)

    measure([run], BRIEF)
    assert turns[-1] * 2.0**-20 >= TICK


def test_the_rounds_begin_with_each_in_turn():
    log = []
    measure([planted(1.0, log, name) for name in "abc"], BRIEF)
    assert "".join(log) == "aabbcc" + "abc" + "bca" + "cab"  # the first six find the repetitions


def test_rounds_go_on_until_enough_is_measured():
    assert [len(s) for s in measure([planted(1.0)] * 2, Effort(3, seconds=10.0))] == [5, 5]


# Results


def result(ours, **theirs):
    peers = {Contender(f"{name}()"): seconds for name, seconds in theirs.items()}
    return Result(CONTEST, {OURS: ours, **peers}, {})


def test_a_ratio_is_that_of_the_medians_and_its_quartiles_are_those_of_the_rounds():
    ratio = result([1.0, 2.0, 3.0, 9.0, 2.0], slow=[4.0, 4.0, 6.0, 9.0, 4.0]).ratio(SLOW)
    assert ratio == Ratio(0.5, (0.5, 0.5))
    assert ratio.noise == 0.0
    spread = result([1.0, 2.0, 3.0], slow=[1.0, 1.0, 1.0]).ratio(SLOW)
    assert spread == Ratio(2.0, (1.5, 2.5))
    assert spread.noise == 0.25


def test_wins_and_losses_are_both_in_the_result():
    ratios = result([2.0] * 3, slow=[8.0] * 3, fast=[1.0] * 3).ratios()
    assert {c.text: ratio.median for c, ratio in ratios.items()} == {"slow()": 0.25, "fast()": 2.0}


def test_a_ratio_may_be_that_of_another_contender():
    ratio = result([1.0] * 3, slow=[4.0, 4.0, 6.0], fast=[2.0] * 3).ratio(FAST, of=SLOW)
    assert ratio == Ratio(2.0, (2.0, 2.5))


def test_the_data_for_json_is_complete():
    data = result([2.0, 2.0, 2.0], slow=[4.0, 8.0, 16.0]).as_data()
    assert json.loads(json.dumps(data)) == {
        "activation": "relu",
        "operation": "value",
        "size": 64,
        "dtype": "float32",
        "rounds": 3,
        "contenders": [
            {
                "call": "ours()",
                "median": 2.0,
                "quartiles": [2.0, 2.0],
                "ratio": 1.0,
                "ratio_quartiles": [1.0, 1.0],
            },
            {
                "call": "slow()",
                "median": 8.0,
                "quartiles": [6.0, 12.0],
                "ratio": 0.25,
                "ratio_quartiles": [0.1875, 0.375],
            },
        ],
        "left_out": {},
    }


# A contest


class Planted:
    """A worker whose contenders take so many seconds a call, or are at fault."""

    def __init__(self, seconds, faults=()):
        self.seconds, self.faults = seconds, dict(faults)
        self.timed = set()

    def ask(self, method, text, argument):
        if method == "admit":
            return self.faults.get(text)
        self.timed.add(text)
        return argument * self.seconds[text]


def held(worker):
    return bench.hold(CONTEST, dict.fromkeys(CONTEST.operation.contenders, worker), BRIEF)


SECONDS = {"ours()": 0.5, "slow()": 4.0, "fast()": 0.25, "wrong()": 1.0}


def test_a_slow_contender_comes_out_slow_and_a_fast_one_fast():
    ratios = held(Planted(SECONDS)).ratios()
    assert (ratios[SLOW].median, ratios[FAST].median) == (0.125, 2.0)


def test_a_wrong_contender_is_named_and_never_timed():
    worker = Planted(SECONDS, {"wrong()": "gives other values"})
    found = held(worker)
    assert found.left_out == {"wrong()": "gives other values"}
    assert list(found.seconds) == [OURS, SLOW, FAST]
    assert worker.timed == {"ours()", "slow()", "fast()"}


def test_without_halfwave_there_is_no_contest():
    worker = Planted(SECONDS, {"ours()": "TypeError: no"})
    found = held(worker)
    assert (found.seconds, found.left_out) == ({}, {"ours()": "TypeError: no"})
    assert worker.timed == set()


# What is let in


def own_calls():
    """halfwave's calls on Python's and NumPy's numbers, and the NumPy idioms beside them."""
    for f in hw.activations.values():
        for contest in contests.contests(f, sizes=[5]):
            for c in contest.operation.contenders:
                if set(contests.libraries(c.text)) <= {"np"} and not c.apart:
                    yield pytest.param(contest, c, id=f"{contest.operation.name}: {c.text}")


def stage_of(contest):
    module, name, *arguments = contest.stage
    assert (module, name) == ("stage", "Stage")
    return Stage(*arguments)


@pytest.mark.parametrize(("contest", "contender"), list(own_calls()))
def test_halfwave_and_the_idioms_compute_what_the_portable_expression_does(contest, contender):
    assert stage_of(contest).admit(contender.text, contender.copies) is None


FAULTS = {
    "np.minimum(x, 0)": "gives other values",
    "np.maximum(x[::-1], 0)": "gives other values",
    "np.maximum(x, 0)[1:]": "gives float32 of shape (4,)",
    "np.maximum(x, 0).astype('f8')": "gives float64 of shape (5,)",
    "np.copyto(y, x)": "gives object of shape ()",
    "np.maximum(x, 1 / 0)": "ZeroDivisionError: division by zero",
    "np.max imum": "SyntaxError: invalid syntax (<string>, line 1)",
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_computes_something_else_is_told(text):
    assert Stage("relu", "value", "value", 5).admit(text, False) == FAULTS[text]


def test_the_last_element_of_a_large_array_is_looked_at_too():
    late = "np.where(np.arange(x.size) < x.size - 1000, np.maximum(x, 0), np.float32(7))"
    assert Stage("relu", "value", "value", 10**6).admit(late, False) == "gives other values"


def test_only_the_call_is_timed_and_by_the_clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    timer = stage.Timer
    monkeypatch.setattr(
        stage, "Timer", lambda call, globals: timer(call, timer=lambda: clock.now, globals=globals)
    )
    monkeypatch.setattr(hw, "clock", clock, raising=False)
    held = Stage("relu", "value", "value", 5)
    assert held.admit("hw.clock.sleep(100.0); hw.clock.sleep(3.0)", True) is None
    assert held.seconds("hw.clock.sleep(100.0); hw.clock.sleep(3.0)", 4) == 12.0


# Who competes


def test_every_activation_is_measured_in_every_operation_and_size(activation):
    found = {(c.operation.name, c.size) for c in contests.contests(activation)}
    sizes = (64, 2**14, 2**22)
    assert found >= {("number", 1), ("threads", 2**26), ("recycled", 2**26), ("out", 2**26)}
    assert found >= {(o, n) for o in ("value", "out", "derivative", "pullback") for n in sizes}


def test_without_peers_an_activation_stands_beside_its_portable_expression(activation):
    bare = hw.Activation(replace(activation._facts, peers=Peers()))
    for contest in contests.contests(bare, sizes=[5]):
        operation = contest.operation
        if operation.name in ("value", "derivative"):
            (_, expression) = operation.contenders
            assert f"_facts.{operation.role}" in expression.text
            assert stage_of(contest).admit(expression.text, False) is None


def test_every_peer_is_an_expression(activation):
    for texts in vars(activation._facts.peers).values():
        for text in texts:
            ast.parse(text.rpartition("; ")[2], mode="eval")


def test_what_is_not_installed_is_found_missing(monkeypatch):
    monkeypatch.setitem(contests.LIBRARIES, "nowhere", "no_such_module")
    absent, present = Contender("nowhere.relu(x, np)"), Contender("np.nowhere(x)")
    assert contests.missing([absent, present]) == ["no_such_module"]
    assert not contests.is_installed(absent)
    assert contests.is_installed(present)


def test_what_is_installed_computes_what_halfwave_does():
    every = [c for f in hw.activations.values() for c in contests.contests(f, sizes=[5])]
    assert [r.left_out for r in bench.run(every, BRIEF, threads=1) if r.left_out] == []


# What watching costs


def test_without_torch_the_counting_alone_is_measured():
    assert [c.column for c in health.contests(quick=False, torch=True)] == [
        *("MLP", "CNN", "131,072×1,024")
    ]
    assert [c.column for c in health.contests(quick=True, torch=False)] == ["8,192×1,024"]


def test_what_measures_activations_imports_no_health():
    text = "import sys, halfwave.bench.stage, halfwave.bench.health; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", text], text=True).split()
    assert "halfwave.bench.health" in modules
    assert not {"halfwave.health", "torch"} & set(modules)


def test_the_data_of_what_watching_costs_say_what_was_measured():
    mlp, _, counting = health.contests(quick=True, torch=True)
    assert mlp.as_data() == {
        "activation": "relu",
        "operation": "training",
        "size": 256,
        "dtype": "float32",
        "network": "MLP",
    }
    assert counting.as_data() == {
        "activation": "relu",
        "operation": "counting",
        "size": 8192 * 1024,
        "dtype": "float32",
        "shape": [8192, 1024],
    }


def test_who_counts_something_else_is_told():
    outputs = Outputs(50, 7)
    ours, numpy, _ = (c.text for c in health.COUNTING.contenders)
    assert [outputs.admit(text, False) for text in (ours, numpy)] == [None, None]
    assert outputs.admit("(x >= 0).sum(axis=0)", False) == "counts something else"
    assert outputs.admit("(x > 0).sum(axis=1)", False) == "counts something else"
    some = "stats = health.Stats(); stats.update(x[1:])"
    assert outputs.admit(some, False) == "counts something else"


@pytest.fixture(scope="module", params=health.NETWORKS)
def training(request):
    pytest.importorskip("torch")
    from halfwave.bench.torch_training import Training

    return Training(request.param)


def test_every_way_to_train_is_let_in_and_timed(training):
    for way in health.TRAINING.contenders:
        assert training.admit(way.text, False) is None
        assert training.seconds(way.text, 1) > 0


def test_a_way_that_changes_the_training_is_told(training, monkeypatch):
    from halfwave.bench import torch_training

    def freeze(model):
        next(model.parameters()).requires_grad_(False)
        return torch_training.nullcontext()

    monkeypatch.setitem(torch_training._WAYS, "freezing", freeze)
    assert training.admit("freezing", False) == "changes the training"


def test_the_hooks_count_what_the_watch_does(training):
    from halfwave import health as unit_health
    from halfwave.bench.torch_training import Hooks

    model, step = training.new()
    with Hooks(model) as hooks, unit_health.watch(model) as watch:
        step()
    fired = [layer.fired for layer in watch.report().layers.values()]
    assert len(fired) == len(hooks.fired) > 1
    for units, positions in zip(fired, hooks.fired.values(), strict=True):
        assert ((units > 0) == (positions.numpy() > 0)).all()
        assert (units <= positions.numpy()).all()


def test_only_the_steps_are_timed_and_what_looks_at_them_has_begun(training, monkeypatch):
    from halfwave.bench import torch_training

    log = []

    class Way:
        def __init__(self, model):
            pass

        def __enter__(self):
            log.append("begin")

        def __exit__(self, *_):
            log.append("end")

    monkeypatch.setitem(torch_training._WAYS, "way", Way)
    monkeypatch.setattr(training, "_step", lambda: log.append("step"))
    training.admit("way", False)
    log.clear()
    training.seconds("way", 2)
    assert log == ["begin", "step", "step", "step", "end"]


# The processes


def test_each_library_is_told_how_many_threads_it_may_have():
    told = environment(3)
    for name in ("OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "NPROC"):
        assert told[name] == "3"


def test_a_process_has_its_number_of_threads_and_what_is_printed_there_spoils_no_answer():
    with Worker(3) as process:
        process.ask("open", *SMALL)
        text = "import os; print('noise') or np.zeros(int(os.environ['OMP_NUM_THREADS']))"
        assert process.ask("admit", text, False) == "gives float64 of shape (3,)"


def test_a_process_that_ends_is_told():
    with Worker(1) as process:
        process.ask("open", *SMALL)
        process._process.kill()
        with pytest.raises(Ended, match="the process that measures ended with status -9"):
            process.ask("admit", "np.maximum(x, 0)", False)


def test_the_last_line_that_a_process_wrote_says_why_it_ended():
    with Worker(1) as process, pytest.raises(Ended, match=r"status 1 \(KeyError: 'rely'\)"):
        process.ask("open", "stage", "Stage", "rely", "value", "value", 5)
