"""The tutorial: ReLU, its gradient, a network whose units stop learning, and Leaky ReLU.

Chapters are functions that yield blocks; nothing is written down in advance, each block is
computed when it is shown. `run` draws them in the terminal, `save` writes graphs and a page,
`show` displays one chapter in a notebook.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from halfwave.tour.blocks import Block, Graph, Units
from halfwave.tour.chapters import Chapter, chapters
from halfwave.tour.lesson import Lesson
from halfwave.tour.notebook import show

if TYPE_CHECKING:
    from halfwave.tour.terminal import Terminal

__all__ = ["Chapter", "Lesson", "chapters", "run", "save", "show"]

_NEEDED = ("latex2mathml", "markdown_it", "matplotlib", "plotext", "pygments", "rich", "sklearn")


def run(numbers: Sequence[float] = (), pause: bool = True, save: Path | None = None) -> None:
    """Take the tour in the terminal.

    Parameters
    ----------
    numbers : sequence of float, optional
        What the activations are applied to; by default 1, −10, 0, 15 and −20.
    pause : bool, default True
        Whether to wait for Enter between the chapters. Without a terminal there is no pause.
    save : path, optional
        A folder, made if need be, for the graphs (PNG and SVG) and the tour as one HTML page.

    Raises
    ------
    ImportError
        If a package of the `tour` extra is missing.
    ValueError
        If one of the numbers is not a number, or `save` is a file.

    Examples
    --------
    >>> from halfwave import tour
    >>> tour.run([3, -7], pause=False)  # doctest: +SKIP
    """
    _require_packages()
    from halfwave.tour.terminal import Terminal, console

    lesson = Lesson(numbers)
    folder = None if save is None else _folder(save)
    out = console()
    terminal = Terminal(out)
    pause = pause and sys.stdin is not None and sys.stdin.isatty() and out.is_terminal
    shown = _walk(terminal, lesson, pause)
    if folder is not None:
        unseen = [list(chapter(lesson)) for chapter in chapters[len(shown) :]]
        files = _write([*shown, *unseen], folder)
        terminal.say(f"Wrote {len(files)} files. Open {files[-1]} in a browser.")


def _walk(terminal: Terminal, lesson: Lesson, pause: bool) -> list[list[Block]]:
    shown: list[list[Block]] = []
    for chapter in chapters:
        if pause and shown and not terminal.wait():
            break
        shown.append(terminal.draw(chapter(lesson)))
    return shown


def save(directory: str | Path, numbers: Sequence[float] = ()) -> list[Path]:
    """Write the graphs of the tour and the tour as one HTML page.

    Parameters
    ----------
    directory : path
        The folder to write to, made if need be. Files of the same names are replaced.
    numbers : sequence of float, optional
        What the activations are applied to.

    Returns
    -------
    list of Path
        What was written: each graph as PNG and SVG, and last `tour.html`.

    Raises
    ------
    ImportError
        If a package of the `tour` extra is missing.
    ValueError
        If one of the numbers is not a number, or `directory` is a file.

    Examples
    --------
    >>> from halfwave import tour
    >>> files = tour.save("graphs")  # doctest: +SKIP
    """
    _require_packages()
    lesson, folder = Lesson(numbers), _folder(directory)
    return _write([list(chapter(lesson)) for chapter in chapters], folder)


def _write(shown: list[list[Block]], folder: Path) -> list[Path]:
    from halfwave.files import write
    from halfwave.tour.figures import png, svg
    from halfwave.tour.html import page

    figures = [block for block in chain(*shown) if isinstance(block, Graph | Units)]
    written = [write(folder / f"{f.name}.png", png(f)) for f in figures]
    written += [write(folder / f"{f.name}.svg", svg(f)) for f in figures]
    return [*written, write(folder / "tour.html", page(shown))]


def _folder(directory: str | Path) -> Path:
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "is not a folder" if folder.exists() else f"cannot be made: {error.strerror}"
        raise ValueError(f"{folder} {reason}; name a folder that can be written to") from None
    return folder


def _require_packages() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"the tour needs {', '.join(missing)}; install it with: pip install 'halfwave[tour]'"
        )
