"""The processes that contenders run in, seen from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryFile
from typing import Any, Self

# What libraries ask before they start threads; NPROC is XLA's.
_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")


def environment(threads: int) -> dict[str, str]:
    """The environment variables that give every library so many threads."""
    names = ["NPROC", *(f"{name}_NUM_THREADS" for name in _THREADS)]
    return {**os.environ, **dict.fromkeys(names, str(threads))}


class Ended(RuntimeError):
    """A process ended before it had answered: it was killed, or failed."""


class Worker:
    """A process that `halfwave.bench.worker` runs in, with so many threads."""

    def __init__(self, threads: int) -> None:
        self._complaints = TemporaryFile("w+")  # noqa: SIM115  it lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "halfwave.bench.worker"],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def ask(self, *request: Any) -> Any:
        """Send a request, and wait for the answer.

        Raises
        ------
        Ended
            If the process has ended; it says how.
        """
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] and pipes[1]
        try:
            print(json.dumps(request), file=pipes[0], flush=True)
            return json.loads(pipes[1].readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise Ended(self._last_words()) from None

    def _last_words(self) -> str:
        status = self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().strip().rpartition("\n")[2]
        return f"the process that measures ended with status {status}" + (said and f" ({said})")
