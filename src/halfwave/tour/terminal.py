"""The tour in the terminal: rich text, graphs of characters, progress bars."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text
from rich.theme import Theme

from halfwave.tour import blocks as b
from halfwave.tour.characters import graph

WIDEST = 96
"""Longer lines are hard to read, however wide the terminal is."""

THEME = Theme({"markdown.code": "cyan", "markdown.item.bullet": "cyan"})


def console() -> Console:
    """Standard output, at most as wide as a line should be."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A pipe that has no α gets a question mark in its place, and the rest of the tour.
        sys.stdout.reconfigure(errors="replace")
    out = Console(theme=THEME, highlight=False)
    out.width = min(out.width, WIDEST)
    return out


class Terminal:
    """Draws blocks one after the other.

    Parameters
    ----------
    out : rich.console.Console
        Where to draw; it respects NO_COLOR and pipes.
    """

    def __init__(self, out: Console) -> None:
        self.out = out
        self.bar: Bar | None = None

    def draw(self, blocks: Iterable[b.Block]) -> list[b.Block]:
        """Draw the blocks as they come, and return them."""
        drawn = []
        try:
            for block in blocks:
                self._draw(block)
                drawn.append(block)
        finally:
            self._end_bar()
        return drawn

    def wait(self) -> bool:
        """Wait for Enter; False where the reader wants no more."""
        try:
            answer = self.out.input("[dim]Enter goes on, q ends the tour: [/]")
        except EOFError:
            answer = "q"
        return answer.strip().lower() != "q"

    def say(self, line: str) -> None:
        """One line that is not part of a chapter."""
        self.out.print(Text(line), soft_wrap=True)

    def _draw(self, block: b.Block) -> None:
        if isinstance(block, b.Progress):
            self._advance(block)
        else:
            self.out.print(renderable(block, self.out.width))
            if not isinstance(block, b.Code | b.Heading):
                self.out.print()

    def _advance(self, progress: b.Progress) -> None:
        if self.bar is None:
            self.bar = _bar(self.out)
            self.bar.add_task(progress.title, total=progress.steps, what="")
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=progress.step, what=progress.what)
        if progress.done:
            self._end_bar()
            self.out.print()

    def _end_bar(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _bar(out: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}"),
        console=out,
        expand=True,
    )


def renderable(block: b.Block, width: int) -> RenderableType:
    """The block as rich draws it."""
    match block:
        case b.Heading():
            return Padding(Rule(Text(f"{block.number}. {block.text}", "bold")), (1, 0))
        case b.Section():
            return Text(block.text, "bold cyan")
        case b.Prose():
            return Markdown(block.text.strip())
        case b.Formula():
            return Padding(Text(block.text, "bold"), (0, 0, 0, 4), expand=False)
        case b.Code():
            return _code(block)
        case b.Output():
            return _output(block, width)
        case b.Table():
            return _table(block)
        case b.Graph():
            return graph(block, width)
        case b.Units():
            return _units(block)
    raise TypeError(f"the terminal cannot draw {type(block).__name__}")


def _code(code: b.Code) -> RenderableType:
    syntax = Syntax(
        code.source, code.language, theme="ansi_dark", background_color="default", word_wrap=True
    )
    return Padding(syntax, (0, 0, 1, 4), expand=False)


def _output(output: b.Output, width: int) -> RenderableType:
    text = Text(output.text, "green")
    # Indented by less where the lines would no longer fit.
    widest = max(line.cell_len for line in text.split())
    return Padding(text, (0, 0, 0, max(0, min(4, width - widest))), expand=False)


def _table(table: b.Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        grid.add_column(column)
    for row in table.rows:
        grid.add_row(*map(Text, row))
    return grid


def _units(units: b.Units) -> Text:
    lines = Text("● had an update in the last epoch   ○ had none\n")
    for title, updated in units.networks:
        lines.append(f"\n{title}\n", "bold")
        for unit, u in enumerate(updated):
            lines.append(f"{unit:3d}").append(" ● " if u else " ○ ", "magenta")
            if unit % b.PER_ROW == b.PER_ROW - 1 or unit + 1 == len(updated):
                lines.append("\n")
    lines.rstrip()
    return lines
