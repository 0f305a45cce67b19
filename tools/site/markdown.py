"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell is told from the bars between cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def code(text: str) -> str:
    """Text as code within a line."""
    return f"`{text}`"


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"


def element(html: str) -> str:
    """An element of HTML as it stands."""
    return f"```{{raw}} html\n{html.strip()}\n```"


def formula(latex: str) -> str:
    """A formula on a line of its own."""
    return f"$$\n{latex}\n$$"


def joined(*parts: str) -> str:
    """Parts with a blank line between them; an empty one is left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
