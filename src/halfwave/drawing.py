"""Figures as SVG: as a file, and as an element of a page that decides on the colours."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def needs_matplotlib() -> Iterator[None]:
    """Where an import in the block fails, the error says how to install matplotlib."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            "plotting needs matplotlib; install it with: pip install 'halfwave[plot]'"
        ) from error


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which no window shows.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    return Figure(figsize=(width, height), layout="constrained")


def svg(figure: Figure, letters: str = "path") -> str:
    """The figure as an SVG file, the same each time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    letters : {"path", "none"}, default "path"
        Whether letters are shapes, or text in a font of the reader's.
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "halfwave", "svg.fonttype": letters}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def inline(drawing: str, name: str, alt: str, variables: Mapping[str, str]) -> str:
    """An SVG file as an element of a page.

    Parameters
    ----------
    drawing : str
        The file, as `svg` gives it.
    name : str
        What its identifiers begin with: the figures of one page must not share any.
    alt : str
        The figure in words.
    variables : mapping of str to str
        The page's CSS variable for each colour.
    """

    def in_tag(tag: re.Match[str]) -> str:
        text = tag[0]
        for colour, variable in variables.items():
            text = text.replace(colour, f"var({variable})")
        return re.sub(r'(\bid="|url\(#|href="#)', lambda match: f"{match[1]}{name}-", text)

    # Inside tags alone: what stands between them are words, which may look like a colour.
    element = re.sub(r"<[^>]+>", in_tag, drawing[drawing.index("<svg") :])
    # Without a fill of their own, letters are black on every page.
    begin = f'<svg role="img" aria-label="{escape(alt)}" fill="currentColor" '
    return element.replace("<svg ", begin, 1)
