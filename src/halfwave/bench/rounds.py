"""How contenders are timed: in turns, so that whatever slows the machine slows all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Run = Callable[[int], float]
"""Runs a contender so many times, and says how many seconds that took."""

TICK = 1e-3
"""Seconds that a turn takes at least: long beside the steps of the clock."""


@dataclass(frozen=True)
class Effort:
    """How long a contest lasts: so many rounds, and more until so many seconds are measured."""

    rounds: int
    seconds: float


FULL = Effort(rounds=7, seconds=0.5)
QUICK = Effort(rounds=5, seconds=0.1)

# Steps that differ by a hundredth or two take more rounds to tell apart.
FULL_STEPS = Effort(rounds=7, seconds=15.0)
QUICK_STEPS = Effort(rounds=5, seconds=2.0)


def measure(runs: Sequence[Run], effort: Effort) -> list[list[float]]:
    """Seconds per call, of each contender in each round.

    Each round lets another one begin, so that it is not always the first that waits for memory.
    """
    repetitions = [_repetitions(run) for run in runs]
    seconds: list[list[float]] = [[] for _ in runs]
    spent = 0.0
    while len(seconds[0]) < effort.rounds or spent < effort.seconds:
        first = len(seconds[0]) % len(runs)
        for i in (*range(first, len(runs)), *range(first)):
            turn = runs[i](repetitions[i])
            seconds[i].append(turn / repetitions[i])
            spent += turn
    return seconds


def _repetitions(run: Run) -> int:
    """How often a contender runs in a turn; one turn that was held up does not decide it."""
    repetitions = 1
    while min(run(repetitions), run(repetitions)) < TICK:
        repetitions *= 2
    return repetitions
