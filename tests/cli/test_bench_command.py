"""`halfwave bench`: what it measures is tested in tests/test_bench.py, here what it prints."""

import json
import re

import pytest
from command import error_of, halfwave, on_terminal, output_of, without

import halfwave as hw
from halfwave.bench import contests
from halfwave.bench.contests import Contender, Contest, Operation
from halfwave.bench.results import Result
from halfwave.cli.ratios import duration, markdown, print_ratios
from halfwave.cli.report import noise

# Small arrays and few rounds: none of these tests is about a time.
BRIEF = """
from halfwave import processors
from halfwave.bench import contests, rounds
processors.processors = lambda: 2
contests.SIZES = (3, 64)
rounds.FULL = rounds.QUICK = rounds.Effort(rounds=2, seconds=0.0)
rounds.FULL_STEPS = rounds.QUICK_STEPS = rounds.FULL
from halfwave.bench import health
health.ROWS, health.UNITS = 24, 5
"""
OTHERS = ("torch", "jax", "numexpr", "numba")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The environment variables of a Python that has NumPy and none of the others."""
    return without(tmp_path_factory.mktemp("alone"), *OTHERS)


@pytest.fixture(scope="module")
def printed(alone):
    """What a pipe gets."""
    return output_of("bench", "relu", "--threads", "2", before=BRIEF, **alone)


@pytest.fixture(scope="module")
def measured(alone):
    """What is in the JSON."""
    return json.loads(output_of("bench", "--json", before=BRIEF, **alone))


def test_a_pipe_gets_markdown(printed):
    table = [line for line in printed.splitlines() if line.startswith("|")]
    assert table[:2] == ["| float32 | a float | 3 | 64 |", "| --- | ---: | ---: | ---: |"]
    assert all(line.count("|") == 5 for line in table)
    (ours,) = (line for line in table if line.startswith("| **`hw.relu(x)`** |"))
    theirs = next(line for line in table if line.startswith("| `np.maximum(x, 0)` |"))
    assert re.fullmatch(r"\| \*\*`hw\.relu\(x\)`\*\*( \| [\d.]+ [nµm]?s){3} \|", ours)
    assert re.fullmatch(r"\| `np\.maximum\(x, 0\)`( \| [\d.]+ \([\d.]+ [nµm]?s\)){3} \|", theirs)


def test_the_surroundings_and_how_to_read_it_are_told(printed):
    text = " ".join(printed.split())
    assert f"halfwave {hw.__version__}, python" in text
    assert hw._core.target() in text
    assert "Medians for float32, 2 threads. Noise: half of the rounds are within ±" in text
    assert "at 0.25 halfwave takes a quarter of the time" in text
    assert text.endswith("Not installed: jax, numba, numexpr, torch.")


def test_a_contender_that_is_wrong_is_named_below_and_not_in_the_table(alone):
    plant = """
from halfwave import relu
from halfwave.facts import Peers
object.__setattr__(relu._facts, "peers", Peers(value=("np.minimum(x, 0)", "np.maximum(x, 0)")))
"""
    printed = output_of("bench", "relu", before=BRIEF + plant, **alone)
    assert "| `np.maximum(x, 0)` |" in printed
    assert "| `np.minimum(x, 0)` |" not in printed
    assert "\nLeft out: np.minimum(x, 0) (gives other values)\n" in printed


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_a_bar_shows_how_far_it_is(alone, columns):
    screen = on_terminal("bench", "relu", before=BRIEF, columns=columns, **alone)
    assert screen.status == 0
    assert "100%" in screen.text
    lines = screen.lines
    assert max(map(len, lines)) <= columns
    (head,) = (line for line in lines if line.startswith("float32"))
    assert head.split() == ["float32", "a", "float", "3", "64"]
    assert any(line.startswith("  np.maximum(x, 0) ") for line in lines)
    assert any(" ns)" in line for line in lines) == (columns == 120)


def test_json_has_everything(measured):
    assert measured["instruction_set"] == hw._core.target()
    assert measured["versions"]["halfwave"] == hw.__version__
    assert {"processor", "cores", "system"} <= measured.keys()
    assert (measured["threads"], measured["not_installed"]) == (1, sorted(OTHERS))
    found = {(c["activation"], c["operation"], c["size"]) for c in measured["contests"]}
    operations = [("number", 1)]
    operations += [(o, n) for o in ("value", "out", "derivative", "pullback") for n in (3, 64)]
    assert found == {(f, *operation) for f in hw.activations for operation in operations}


def test_the_ratios_in_json_are_those_of_the_medians_in_it(measured):
    for contest in measured["contests"]:
        ours, *theirs = contest["contenders"]
        assert ours["call"].startswith(("hw.", "pullback = hw."))
        assert ours["ratio"] == 1.0
        assert contest["rounds"] == 2
        assert contest["left_out"] == {}
        for peer in theirs:
            assert peer["ratio"] == ours["median"] / peer["median"]
            low, high = peer["quartiles"]
            assert 0 < low <= peer["median"] <= high


def test_quick_leaves_out_the_largest_arrays(alone):
    quick = json.loads(output_of("bench", "relu", "--quick", "--json", before=BRIEF, **alone))
    assert {contest["size"] for contest in quick["contests"]} == {1, 3}


# What watching costs


def test_what_watching_costs_is_told_of_each_network():
    pytest.importorskip("torch")
    printed = output_of("bench", "--health", before=BRIEF)
    table = [line for line in printed.splitlines() if line.startswith("|")]
    assert table[0] == "| float32 | MLP | CNN | 24×5 |"
    assert [line.split(" | ")[0] for line in table[2:]] == [
        "| **`with health.watch(model): step()`**",
        "| `with hooks(model): step()`",
        "| `step()`",
        "| **`stats = health.Stats(); stats.update(x)`**",
        "| `(x > 0).sum(axis=0)`",
        "| `torch.sum(x > 0, 0)`",
    ]
    assert "Medians for float32, 2 threads." in printed
    for network in ("MLP", "CNN"):
        ratio = r"[\d.]+ \[[\d.]+, [\d.]+\] times"
        cost = rf"watched, a step takes {ratio} as long as unwatched; with hooks {ratio}\."
        assert re.search(rf"\n{network} \(.*\): {cost}\n", printed)
    assert "np.copyto" not in printed
    assert "jax" not in printed


def test_without_torch_only_the_counting_is_measured(alone):
    done = halfwave("bench", "--health", "--threads", "1", before=BRIEF, **alone)
    assert done.returncode == 0
    assert done.stderr == (
        "training steps are left out, since torch is not installed: pip install torch\n"
    )
    assert "| float32 | 24×5 |" in done.stdout
    assert "step()" not in done.stdout
    assert "1 thread." in done.stdout
    assert done.stdout.endswith("\nNot installed: torch.\n")


def test_what_watching_costs_as_json(alone):
    done = halfwave("bench", "--health", "--json", before=BRIEF, **alone)
    measured = json.loads(done.stdout)
    assert (measured["threads"], measured["not_installed"]) == (2, ["torch"])
    (counting,) = measured["contests"]
    assert (counting["operation"], counting["shape"]) == ("counting", [24, 5])
    calls = [contender["call"] for contender in counting["contenders"]]
    assert calls == ["stats = health.Stats(); stats.update(x)", "(x > 0).sum(axis=0)"]


# How times and ratios are shown


def results(*ratios):
    """A contest that halfwave takes 1 µs for, with peers at these ratios."""
    contenders = tuple(Contender(f"peer{number}()") for number in range(len(ratios) + 1))
    contest = Contest("relu", Operation("value", "value", contenders), 2**20)
    seconds = [1e-6, *(1e-6 / ratio for ratio in ratios)]
    return [Result(contest, {c: [s] * 2 for c, s in zip(contenders, seconds, strict=True)}, {})]


def test_ratios_have_two_digits_that_count():
    cells = [line.split(" | ")[1] for line in markdown(results(0.00345, 0.25, 1.5, 12.0))]
    assert cells[2:] == [
        "1.0 µs |",
        "0.0034 (290 µs) |",
        "0.25 (4.0 µs) |",
        "1.50 (667 ns) |",
        "12.00 (83 ns) |",
    ]


def test_times_are_in_the_unit_that_suits_them():
    times = (2.3e-8, 9.94e-7, 9.996e-7, 1.35e-6, 0.01249, 0.1, 2.0, 75.0)
    assert [duration(seconds) for seconds in times] == [
        *("23 ns", "994 ns", "1.0 µs", "1.4 µs", "12 ms", "100 ms", "2.0 s", "75.0 s")
    ]


@pytest.mark.parametrize("columns", [50, 69, 70, 80])
def test_every_label_is_whole_however_narrow_the_terminal_is(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    every = [c for f in hw.activations.values() for c in contests.contests(f)]
    labels = {c.label for contest in every for c in contest.operation.contenders}
    print_ratios([Result(c, {k: [1e-6] * 2 for k in c.operation.contenders}, {}) for c in every])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)
    if columns < 70:
        printed = "".join("".join(lines).split())
        assert [label for label in labels if "".join(label.split()) not in printed] == []


def test_on_a_narrow_terminal_the_numbers_stand_below_the_label(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    print_ratios(results(0.25))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["float32", "    2^20", "", "peer0()", "  1.0 µs", "  peer1()", "    0.25"]


@pytest.mark.parametrize(
    ("spreads", "said"),
    [
        ([], "0 of 0 ratios are noisier than ±20%."),
        ([0.1, 0.2], "0 of 2 ratios are noisier than ±20%."),
        ([0.1, 0.3, 0.1], "1 of 3 ratios is noisier than ±20%."),
    ],
)
def test_the_noise_is_that_of_most_ratios_and_how_many_are_worse(spreads, said):
    contenders = tuple(Contender(f"peer{number}()") for number in range(len(spreads) + 1))
    contest = Contest("relu", Operation("value", "value", contenders), 64)
    rounds = [[1.0] * 3, *([1 / (1 + 2 * s), 1.0, 1 / (1 - 2 * s)] for s in spreads)]
    held = Result(contest, dict(zip(contenders, rounds, strict=True)), {})
    told, noisy = noise([held]).split("; ")
    median = 15 if len(spreads) == 2 else 10 if spreads else 0
    assert told == f"Noise: half of the rounds are within ±{median}% of their ratio"
    assert noisy == said


def test_losses_are_red_and_stand_where_they_are(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_ratios(results(0.25, 1.5, 0.5))
    printed = capsys.readouterr().out
    assert [float(ratio) for ratio in re.findall(r"\d\.\d\d", printed)] == [0.25, 1.5, 0.5]
    assert re.findall(r"\x1b\[31m *([^\x1b]*)", printed) == ["1.50"]


# Mistakes


MISTAKES = {
    ("relu", "--health"): "--health measures no activations; leave out relu",
    ("rely",): "no activation 'rely'; did you mean relu? `halfwave list` shows all",
    ("--thread", "2"): (
        "No such option: --thread (Possible options: --health, --threads); see `halfwave bench --help`"
    ),
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(arguments):
    assert error_of("bench", *arguments) == MISTAKES[arguments]


def test_there_is_at_least_one_thread():
    assert error_of("bench", "--threads", "0").startswith("Invalid value for '--threads'")


def test_more_threads_than_cores_are_told(alone):
    done = halfwave("bench", "relu", "--threads", "3", before=BRIEF, **alone)
    assert done.returncode == 0
    assert done.stderr == "--threads 3 is more than the cores here (2)\n"


def test_a_process_that_ends_is_one_line_that_says_what_to_do():
    plant = """
import os
from halfwave.bench import processes
processes.environment = lambda threads: {**os.environ, "HALFWAVE_TARGET": "ABACUS"}
"""
    message = error_of("bench", "relu", before=plant)
    assert message.startswith("the process that measures ended with status 1 (ImportError: HALF")
    assert message.endswith("free some memory, or pass --quick")


def test_ctrl_c_ends_it_without_a_word():
    screen = on_terminal("bench", "--quick", interrupt_at="bench")
    assert screen.status == 130
    assert "Traceback" not in screen.text


def test_importing_the_command_imports_no_library():
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    assert not {*OTHERS, "halfwave.bench"} & set(halfwave("list", before=tell).stderr.split())
