"""The constants in the sources are those that the scripts in tools/polynomials find."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "tools" / "polynomials"
SCRIPTS = sorted(path.stem for path in TOOLS.glob("*.py") if path.stem != "minimax")
SOURCES = ("_core/*-inl.h", "functions/*.h", "special.py")
pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="the source tree is not here")


def lines_of_sources():
    paths = [path for pattern in SOURCES for path in (ROOT / "src" / "halfwave").glob(pattern)]
    return {line for path in paths for line in path.read_text(encoding="utf-8").splitlines()}


def missing(printed, lines):
    """The printed lines that stand in no source."""
    return [line for line in printed.splitlines() if line.strip() and line not in lines]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_constants_are_those_that_are_found(script):
    command = [sys.executable, str(TOOLS / f"{script}.py")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout
    assert missing(done.stdout, lines_of_sources()) == []


def test_a_constant_that_is_another_is_missing():
    lines = lines_of_sources()
    line = next(line for line in sorted(lines) if "kLog2E = 0x1.7" in line)
    assert missing(line, lines) == []
    assert missing(line.replace("0x1.7", "0x1.6"), lines) != []
