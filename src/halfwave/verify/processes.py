"""Processes, not threads: the instruction set in use is that of the whole process."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from halfwave.verify.shares import Differences, Share, check

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def in_processes(processes: int, shares: Sequence[Share]) -> Iterator[tuple[Differences, ...]]:
    """What `check` finds of each share; the processes take the shares in turn."""
    from multiprocessing import get_context, resource_tracker

    context = get_context("spawn")  # a fork would inherit locks that other threads hold
    pipes = [context.Pipe(duplex=False) for _ in range(processes)]
    workers = [
        context.Process(target=_check_each, args=(shares[k::processes], sending), daemon=True)
        for k, (_, sending) in enumerate(pipes)
    ]
    try:
        resource_tracker.ensure_running()  # up to Python 3.11 it would let Ctrl-C through again
        with _ctrl_c_put_off():
            for worker in workers:
                worker.start()
        for _, sending in pipes:
            sending.close()  # so that the worker's end is the only one, and its death is seen
        for k, share in enumerate(shares):
            yield _received(pipes[k % processes][0], share)
    finally:
        for worker in workers:
            if worker.pid:
                worker.terminate()
                worker.join()


def _check_each(shares: Sequence[Share], results: Connection) -> None:
    for share in shares:
        results.send(check(share))


def _received(results: Connection, share: Share) -> tuple[Differences, ...]:
    try:
        found: tuple[Differences, ...] = results.recv()
    except EOFError:
        what = f"{share.activation.name} at {share.inputs.dtype}, blocks {share.blocks}"
        raise RuntimeError(f"the process that was to check {what} has died") from None
    return found


@contextmanager
def _ctrl_c_put_off() -> Iterator[None]:
    """Processes that are started meanwhile never heed it: who started them ends them, afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
