"""The `halfwave` command as a process: in a pipe, on a terminal, short of something."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# What the machine that runs the tests may have set.
_UNWANTED = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "PYTHONIOENCODING", "PYTHONUTF8")

BLOCKER = """
import os
from importlib.machinery import PathFinder

blocked, find_spec = os.environ["BLOCKED"].split(), PathFinder.find_spec

def find_all_but_blocked(name, path=None, target=None):
    return None if name.partition(".")[0] in blocked else find_spec(name, path, target)

PathFinder.find_spec = staticmethod(find_all_but_blocked)
"""


def environment(**changes):
    """The present environment variables, without those that change what is printed."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return {**kept, "COLUMNS": "80", "TERM": "xterm-256color", **changes}


def command(*arguments, before=None):
    """The command as the system runs it; `before` is Python that the process starts with."""
    start = (
        ["-c", f"{before}\nfrom halfwave.cli import main\nmain()"] if before else ["-m", "halfwave"]
    )
    return [sys.executable, *start, *map(str, arguments)]


def halfwave(*arguments, cwd=None, before=None, **changes):
    """Run the command in a pipe."""
    return subprocess.run(
        command(*arguments, before=before),
        check=False,
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment(**changes),
    )


def output_of(*arguments, **options):
    """What the command prints; it must succeed and be silent on stderr."""
    done = halfwave(*arguments, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def error_of(*arguments, **options):
    """The one line that the command writes on stderr, without the word that it begins with."""
    done = halfwave(*arguments, **options)
    assert done.returncode == 2, done
    assert done.stdout == ""
    line, rest = done.stderr.split("\n", 1)
    assert rest == ""
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def without(folder: Path, *packages):
    """The environment variables of a Python where these packages are not installed."""
    folder.joinpath("sitecustomize.py").write_text(BLOCKER)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "BLOCKED": " ".join(packages)}


# A shell's background jobs ignore Ctrl-C, and so would their children.
HEED_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # which nohup has switched off
)


@dataclass
class Screen:
    """What a terminal was sent, and how the command ended."""

    text: str
    status: int

    @property
    def lines(self):
        """The lines without escape codes and without the spaces at their ends."""
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.text)
        return [line.rstrip() for line in plain.replace("\r\n", "\n").splitlines()]


def on_terminal(*arguments, columns=80, keys="", interrupt_at=None, cwd=None, before="", **changes):
    """Run the command on a pseudo-terminal so many columns wide, and type the keys.

    It is interrupted as soon as it has printed `interrupt_at`, as Ctrl-C would. `before` is Python
    that the process starts with.
    """
    outside, inside = os.openpty()
    with subprocess.Popen(
        command(*arguments, before=f"{HEED_CTRL_C}\n{before}"),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        cwd=cwd,
        env=environment(COLUMNS=str(columns), **changes),
    ) as process:
        os.close(inside)
        os.write(outside, keys.encode())
        text = ""
        for sent in iter(lambda: _read(outside).decode(errors="ignore"), ""):
            text += sent
            if interrupt_at and interrupt_at in text:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
    os.close(outside)
    return Screen(text, process.returncode)


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that nobody writes to it any more
        return b""
