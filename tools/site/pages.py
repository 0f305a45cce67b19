"""Writes what Sphinx reads: a page for each activation, the gallery, the kinks, the documents."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from activation_page import activation_page
from graphs import small_graph
from markdown import element, fenced, joined
from slopes import HOW_TO_READ, table_of_all

import halfwave
from halfwave import Activation

ROOT = Path(__file__).parents[2]

LEARN = {
    "docs/tutorial": "Tutorial",
    "docs/health": "Unit health",
    "docs/libraries": "Array libraries",
}
LOOK_UP = {
    "docs/contract": "Contract",
    "kinks": "Kinks",
    "docs/performance": "Performance",
    "CONTRIBUTING": "Add an activation",
    "CHANGELOG": "Changelog",
}

ABOUT = (
    "Activation functions for NumPy, PyTorch, JAX, dask, xarray and pandas: accurate to the last "
    "place, fast, and differentiable with a declared slope at every kink. Each graph leads to its page; "
    "all of them show the same window, from x = −5 to 7."
)


def write(folder: Path) -> None:
    """Write all pages into a folder that is new."""
    activations = list(halfwave.activations.values())
    (folder / "activations").mkdir(parents=True)
    for f in activations:
        page = folder / "activations" / f"{f.name}.md"
        page.write_text(activation_page(f), encoding="utf-8")
    (folder / "index.md").write_text(_index(activations), encoding="utf-8")
    (folder / "kinks.md").write_text(_kinks(activations), encoding="utf-8")
    _copy_documents(folder)


def _index(activations: list[Activation]) -> str:
    linear = [f for f in activations if not f._facts.is_smooth]
    curved = [f for f in activations if f._facts.is_smooth]
    pages = {f"activations/{f.name}": f.title for f in activations}
    return joined(
        "# halfwave",
        ABOUT,
        *("## Piecewise linear", _gallery(linear)),
        *("## Curved", _gallery(curved)),
        _contents("Learn", LEARN),
        _contents("Activations", pages),
        _contents("Look up", LOOK_UP),
    )


def _gallery(activations: Iterable[Activation]) -> str:
    return element(f'<div class="gallery">\n{"".join(map(_tile, activations))}</div>')


def _tile(f: Activation) -> str:
    return (
        f'<a href="activations/{f.name}.html">{small_graph(f)}'
        f"<span>{f.title}</span> <code>{f.name}</code></a>\n"
    )


def _contents(caption: str, pages: dict[str, str]) -> str:
    entries = "\n".join(f"{title} <{page}>" for page, title in pages.items())
    return fenced(f":hidden:\n:caption: {caption}\n\n{entries}", "{toctree}")


def _kinks(activations: Iterable[Activation]) -> str:
    about = "Where the slopes on the two sides differ, and which one the derivative takes."
    return joined("# Kinks", about, HOW_TO_READ, table_of_all(activations))


def _copy_documents(folder: Path) -> None:
    """Copy the documents as they stand, and the programs that they link to."""
    for name in ("docs", "examples"):
        ignored = shutil.ignore_patterns("measured", "*.ipynb")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
