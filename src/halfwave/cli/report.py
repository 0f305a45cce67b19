"""What `halfwave bench` prints, and the progress bar until then."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from shutil import get_terminal_size
from statistics import median
from textwrap import fill
from typing import Any

from halfwave import Activation, bench
from halfwave.bench.contests import LIBRARIES, SIZES, Contest, contests, missing
from halfwave.bench.machine import machine
from halfwave.bench.processes import Ended
from halfwave.bench.results import Result
from halfwave.bench.rounds import FULL, QUICK, Effort
from halfwave.cli.errors import Misuse
from halfwave.cli.output import on_terminal, print_json, with_progress
from halfwave.cli.ratios import markdown, print_ratios
from halfwave.processors import processors

HOW_TO_READ = (
    "Under a line with halfwave's times are the others' ratios, halfwave's time over theirs: "
    "at 0.25 halfwave takes a quarter of the time. np.copyto computes nothing; it shows what "
    "the memory allows."
)

NOISY = 0.2
"""Above this noise a ratio counts as noisy."""


def report(activations: Iterable[Activation], *, threads: int, quick: bool, json: bool) -> None:
    """Hold all contests of these activations, and print how they went."""
    if sys.stderr and threads > (cores := processors()):
        print(f"--threads {threads} is more than the cores here ({cores})", file=sys.stderr)
    planned = [c for f in activations for c in contests(f, SIZES[:-1] if quick else SIZES)]
    results = _results(planned, QUICK if quick else FULL, threads)
    absent = missing(c for contest in planned for c in contest.operation.contenders)
    here = machine(module for module in LIBRARIES.values() if module not in absent)
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
    _print(_foot(results, absent))


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
    """How to read the table, and what is not in it."""
    yield HOW_TO_READ
    if absent:
        yield f"Not installed: {', '.join(absent)}."
    left_out = {name: why for result in results for name, why in result.left_out.items()}
    for name, why in left_out.items():
        yield f"Left out: {name} ({why})"
