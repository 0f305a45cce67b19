"""The `halfwave` command.

This module needs the standard library alone, so that it can say what is missing. It turns every
mistake into one line on stderr and exit status 2; the commands are in the modules beside it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

from halfwave.cli.errors import Misuse

MISUSE, BROKEN_PIPE, INTERRUPTED = 2, 1, 130


def main() -> None:
    """Run the command that the process was started with, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the encoding lacks is no reason to fail.
            stream.reconfigure(errors="replace")
    for name in ("SIGHUP", "SIGTERM"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    sys.exit(run(sys.argv[1:]))


def _end(number: int, _: object) -> None:
    """End as after an error: by default a signal leaves unfinished files behind."""
    sys.exit(128 + number)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status.

    Examples
    --------
    >>> from halfwave.cli import run
    >>> run(["eval", "leaky_relu", "3", "-10"])
    3.0
    -0.1
    0
    """
    try:
        status = _command(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Misuse as misuse:
        return _fail(str(misuse))
    except BrokenPipeError:
        _forget_output()
        return BROKEN_PIPE
    except OSError as error:
        _forget_output()
        where = error.filename or "standard output"
        return _fail(f"cannot use {where}: {error.strerror}; choose another place")
    return status


def _fail(message: str) -> int:
    if sys.stderr:
        print("error:", " ".join(message.splitlines()), file=sys.stderr)
    return MISUSE


def _forget_output() -> None:
    """Send what is still buffered nowhere, or Python complains of it when it ends."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(arguments: Sequence[str]) -> int:
    try:
        import rich  # noqa: F401  the commands import it when they draw
        import typer  # noqa: F401
    except ImportError as error:
        raise Misuse(
            "the halfwave command needs typer and rich: pip install 'halfwave[cli]'"
        ) from error
    from halfwave.cli.app import app

    try:
        return app(list(arguments) or ["--help"], prog_name="halfwave", standalone_mode=False) or 0
    except Exception as error:
        # typer's own errors belong to the click inside it, or beside it in its older releases;
        # this method is what they have in common.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        more = f"; see `{context.command_path} --help`" if context else ""
        raise Misuse(error.format_message().rstrip(".") + more) from error
