"""Builds the site from the registry and the documents: `python tools/site/build.py build/site`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pages
from links import faults
from sphinx.cmd import build as sphinx

STRICT = ("-n", "-W", "--keep-going", "-q")
"""Every warning is an error, and all of them are told."""


def main(target: Path) -> int:
    """Build it; says what is wrong with the links, and gives the exit status."""
    source = target.with_name(f"{target.name}-source")
    shutil.rmtree(source, ignore_errors=True)
    pages.write(source)
    here = str(Path(__file__).parent)
    trees = str(source / ".doctrees")
    status = sphinx.main([*STRICT, "-c", here, "-d", trees, str(source), str(target)])
    found = list(faults(target))
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return status or bool(found)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/site/build.py build/site")
    sys.exit(main(Path(sys.argv[1])))
