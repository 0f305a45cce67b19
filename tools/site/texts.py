"""Pieces of Markdown that several pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from latex2mathml.converter import convert


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar within a cell does not end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines)


def formula(latex: str) -> str:
    """A formula as MathML, which browsers show without a script."""
    return raw(f'<div class="formula">{convert(latex.strip(), display="block")}</div>')


def raw(html: str) -> str:
    """HTML as it stands."""
    return f"```{{raw}} html\n{html}\n```"


def code(language: str, text: str) -> str:
    """A program, which may itself have fences."""
    return f"````{language}\n{text.strip()}\n````"


def folded(summary: str, body: str) -> str:
    """What is shown after a click."""
    begin = raw(f'<details class="source"><summary>{summary}</summary>')
    return f"{begin}\n\n{body}\n\n{raw('</details>')}"
