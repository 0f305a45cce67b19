"""What `halfwave bench` prints, and the progress bar until then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import chain
from shutil import get_terminal_size
from statistics import median
from textwrap import fill
from typing import Any

from halfwave import Activation, bench
from halfwave.bench import health
from halfwave.bench.contests import SIZES, Contest, contests, missing, named
from halfwave.bench.machine import machine
from halfwave.bench.processes import Ended
from halfwave.bench.results import Ratio, Result
from halfwave.bench.rounds import FULL, FULL_STEPS, QUICK, QUICK_STEPS, Effort
from halfwave.cli.errors import Misuse
from halfwave.cli.output import on_terminal, print_json, with_progress
from halfwave.cli.ratios import markdown, print_ratios
from halfwave.processors import processors

HOW_TO_READ = (
    "Under a line with halfwave's times are the others' ratios, halfwave's time over theirs: "
    "at 0.25 halfwave takes a quarter of the time."
)

COPIES = "np.copyto computes nothing; it shows what the memory allows."

STEPS = (
    "In brackets: the ratios between which half of the rounds are. step() is a training step: "
    "forward, loss, backward and SGD. The three ways to take it are in turn, step by step, on one "
    "network; what stands before a colon has begun by then. hooks adds (out > 0).sum(0) of each ReLU "
    "to a tensor, of a channel at all positions, and knows no more."
)

NO_TORCH = "training steps are left out, since torch is not installed: pip install torch"

NOISY = 0.2
"""Above this noise a ratio counts as noisy."""

Explain = Callable[[Sequence[Result]], Iterator[str]]
"""How to read the table."""


def report_activations(
    activations: Iterable[Activation], *, threads: int | None, quick: bool, json: bool
) -> None:
    """Hold all contests of these activations, on one thread if not said, and print how they went."""
    planned = [c for f in activations for c in contests(f, SIZES[:-1] if quick else SIZES)]
    _report(planned, QUICK if quick else FULL, threads or 1, _plainly, json=json)


def _plainly(results: Sequence[Result]) -> Iterator[str]:
    yield f"{HOW_TO_READ} {COPIES}"


def report_health(*, threads: int | None, quick: bool, json: bool) -> None:
    """Measure what watching costs, on all cores if not said, as PyTorch trains; print it."""
    torch = find_spec("torch") is not None
    if sys.stderr and not torch:
        print(f"{NO_TORCH}", file=sys.stderr)
    planned = list(health.contests(quick=quick, torch=torch))
    effort = QUICK_STEPS if quick else FULL_STEPS
    _report(planned, effort, threads or processors(), _costs, json=json)


def _costs(results: Sequence[Result]) -> Iterator[str]:
    """What watching costs, in a sentence for each network."""
    trained = [result for result in results if isinstance(result.contest, health.Training)]
    for result in trained:
        network = result.contest.column
        watched, hooked = (
            result.ratio(health.UNWATCHED, of) for of in (health.WATCHED, health.HOOKED)
        )
        yield (
            f"{network} ({health.NETWORKS[network]}): watched, a step takes {_told(watched)} times as "
            f"long as unwatched; with hooks {_told(hooked)} times."
        )
    if trained:
        yield STEPS
    yield HOW_TO_READ


def _told(ratio: Ratio) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(ratio.median, *ratio.quartiles)


def _report(
    planned: Sequence[Contest], effort: Effort, threads: int, explain: Explain, *, json: bool
) -> None:
    if sys.stderr and threads > (cores := processors()):
        print(f"--threads {threads} is more than the cores here ({cores})", file=sys.stderr)
    results = _results(planned, effort, threads)
    contenders = [c for contest in planned for c in contest.operation.contenders]
    absent = missing(contenders)
    here = machine(module for module in named(contenders) if module not in absent)
    if json:
        measured = [result.as_data() for result in results]
        print_json({**here, "threads": threads, "not_installed": absent, "contests": measured})
        return
    _print(_head(here, threads, results))
    print()
    if on_terminal():
        print_ratios(results)
    else:
        print(*markdown(results), sep="\n")
    print()
    _print(chain(explain(results), _foot(results, absent)))


def _results(planned: Sequence[Contest], effort: Effort, threads: int) -> list[Result]:
    results: list[Result] = []
    try:
        with_progress("bench", _kept(bench.run(planned, effort, threads), results), len(planned))
    except Ended as ended:
        raise Misuse(f"{ended}; free some memory, or pass --quick") from ended
    return results


def _kept(results: Iterator[Result], kept: list[Result]) -> Iterator[int]:
    """One step for each result, which is kept."""
    for result in results:
        kept.append(result)
        yield 1


def _print(sentences: Iterable[str]) -> None:
    """Print sentences, each on lines of its own."""
    width = get_terminal_size().columns if on_terminal() else sys.maxsize
    for sentence in sentences:
        print(fill(sentence, width))


def _head(here: dict[str, Any], threads: int, results: Sequence[Result]) -> Iterator[str]:
    """What was measured where, and how sure the ratios are."""
    yield (
        f"{here['processor']}, {here['cores']} cores, {here['instruction_set']}, {here['system']}"
    )
    yield ", ".join(f"{name} {version}" for name, version in here["versions"].items())
    yield f"Medians for float32, {threads} thread{'s' * (threads > 1)}. {noise(results)}"


def noise(results: Sequence[Result]) -> str:
    """How sure the ratios are, and how many of them are not."""
    noises = [ratio.noise for result in results for ratio in result.ratios().values()]
    noisy = sum(each > NOISY for each in noises)
    return (
        f"Noise: half of the rounds are within ±{median(noises or [0.0]):.0%} of their ratio; "
        f"{noisy} of {len(noises)} ratios {'is' if noisy == 1 else 'are'} noisier than ±{NOISY:.0%}."
    )


def _foot(results: Sequence[Result], absent: Sequence[str]) -> Iterator[str]:
    """What is not in the table."""
    if absent:
        yield f"Not installed: {', '.join(absent)}."
    left_out = {name: why for result in results for name, why in result.left_out.items()}
    for name, why in left_out.items():
        yield f"Left out: {name} ({why})"
