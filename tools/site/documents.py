"""The documents of the repository as pages of the site: the same files at the same places."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from texts import formula

ROOT = Path(__file__).parents[2]

FILES = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CITATION.cff", "LICENSE")

CONTENTS = """
```{toctree}
:hidden:

Home <self>
activations/index
kinks
docs/tutorial
docs/contract
docs/health
docs/libraries
docs/performance
CONTRIBUTING
CHANGELOG
SECURITY
```
"""


def write(folder: Path) -> None:
    """Copy them; the README is the first page."""
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / "examples", folder / "examples")
    readme = (ROOT / "README.md").read_text("utf-8")
    (folder / "index.md").write_text(readme + CONTENTS, "utf-8")
    for document in folder.rglob("*.md"):
        document.write_text(_with_formulas(document.read_text("utf-8")), "utf-8")


def _with_formulas(text: str) -> str:
    return re.sub(r"^\$\$\n(.*?)^\$\$$", lambda m: formula(m[1]), text, flags=re.M | re.S)
