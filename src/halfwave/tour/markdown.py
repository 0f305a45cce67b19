"""The tour as Markdown, and the page docs/tutorial.md.

A maintainer writes the page and its graphs anew, after a change to the tour, with

    python -m halfwave.tour.markdown docs/tutorial.md

The graphs go to the folder `images` beside the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from halfwave.files import write
from halfwave.tour import blocks as b
from halfwave.tour.chapters import chapters
from halfwave.tour.figures import png
from halfwave.tour.lesson import Lesson

TITLE = "# ReLU and Leaky ReLU\n"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
"""Around what comes out of the trained network, whose last digits depend on the processor."""


def page(blocks: Iterable[b.Block]) -> str:
    """The blocks as one Markdown document."""
    parts = [TITLE]
    for measured, group in groupby(b.settled(blocks), attrgetter("measured")):
        body = "\n\n".join(map(element, group))
        parts.append(f"{BEGIN}\n\n{body}\n\n{END}\n" if measured else f"{body}\n")
    return "\n".join(parts)


def element(block: b.Block) -> str:
    """The block in Markdown."""
    match block:
        case b.Heading():
            return f"## {block.number}. {block.text}"
        case b.Section():
            return f"### {block.text}"
        case b.Prose():
            return block.text.strip()
        case b.Formula():
            return f"$$\n{block.latex}\n$$"
        case b.Code():
            return f"```{block.language}\n{block.source}\n```"
        case b.Output():
            return f"```text\n{block.text}\n```"
        case b.Table():
            return _table(block)
        case b.Graph() | b.Units():
            return f"![{block.alt}](images/{block.name}.png)"
        case b.Progress():
            return f"*{block.summary}*"
    raise TypeError(f"Markdown cannot show {type(block).__name__}")


def _table(table: b.Table) -> str:
    rule = ["---"] * len(table.columns)
    return "\n".join(map(_row, (table.columns, rule, *table.rows)))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(target: Path) -> None:
    """Write the page and its graphs."""
    lesson = Lesson()
    blocks = [block for chapter in chapters for block in chapter(lesson)]
    images = target.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, b.Graph | b.Units):
            write(images / f"{block.name}.png", png(block))
    write(target, page(blocks))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m halfwave.tour.markdown docs/tutorial.md")
    main(Path(sys.argv[1]))
