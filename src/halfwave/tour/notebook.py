"""The tour in a notebook."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from halfwave.tour.blocks import Block, Graph, Units, settled
from halfwave.tour.chapters import Chapter
from halfwave.tour.figures import png
from halfwave.tour.lesson import Lesson


def show(chapter: Chapter, lesson: Lesson | None = None) -> None:
    """Run one chapter and display its blocks below the cell.

    Parameters
    ----------
    chapter : callable
        One of `halfwave.tour.chapters`.
    lesson : Lesson, optional
        What the chapters share. Pass the same one each time, and a network that one chapter has
        trained is not trained again by another.

    Raises
    ------
    ImportError
        If IPython is not installed.

    Examples
    --------
    >>> from halfwave import tour
    >>> tour.show(tour.chapters[6], tour.Lesson([3, -7]))  # doctest: +SKIP
    """
    for block in settled(chapter(lesson or Lesson())):
        _display(block)


def _display(block: Block) -> None:
    # Imported here, so that `python -m halfwave.tour.markdown` finds its module not yet loaded.
    from halfwave.tour.markdown import element

    jupyter: Any = import_module("IPython.display")
    if isinstance(block, Graph | Units):
        jupyter.display(jupyter.Image(png(block), alt=block.alt))
    else:
        jupyter.display(jupyter.Markdown(element(block)))
