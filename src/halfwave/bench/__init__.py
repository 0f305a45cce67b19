"""halfwave beside the other libraries of this machine: what takes how long.

All contenders of a contest compute the same thing of the same numbers, and take turns within one
run: their ratios then mean something even where the machine is busy and their times do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial

from halfwave.bench.contests import Contender, Contest, is_installed
from halfwave.bench.processes import Worker
from halfwave.bench.results import Result
from halfwave.bench.rounds import Effort, measure


def run(contests: Iterable[Contest], effort: Effort, threads: int) -> Iterator[Result]:
    """Hold the contests, with so many threads for each contender that has no number of its own.

    Raises
    ------
    Ended
        If a process that contenders run in is killed.
    """
    with Worker(threads) as shared:
        for contest in contests:
            with ExitStack() as stack:
                workers = {
                    c: stack.enter_context(Worker(c.threads or threads)) if c.apart else shared
                    for c in contest.operation.contenders
                    if is_installed(c)
                }
                # The shared process forgets the last contest's arrays even where it sits out.
                for worker in {shared, *workers.values()}:
                    worker.ask("open", *contest.stage)
                yield hold(contest, workers, effort)


def hold(contest: Contest, workers: Mapping[Contender, Worker], effort: Effort) -> Result:
    """Let in the contenders that compute what they should, and time them in turns."""
    faults = {c: worker.ask("admit", c.text, c.copies) for c, worker in workers.items()}
    fit = [c for c, fault in faults.items() if fault is None]
    left_out = {c.label: fault for c, fault in faults.items() if fault is not None}
    if contest.operation.contenders[0] not in fit:
        return Result(contest, {}, left_out)
    runs = [partial(workers[c].ask, "seconds", c.text) for c in fit]
    return Result(contest, dict(zip(fit, measure(runs, effort), strict=True)), left_out)
