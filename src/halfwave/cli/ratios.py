"""The table of `halfwave bench`: a line for each contender, a column for each size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from halfwave.bench.results import Result

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

NARROW = 70
"""Columns of a terminal below which a label has lines of its own, and its numbers the next."""

WIDE = 120
"""Columns of a terminal on which the others' times have room beside their ratios."""


@dataclass(frozen=True)
class Cell:
    """The time of one call; for the others also halfwave's time over it."""

    seconds: float
    ratio: float | None

    def told(self, *, fully: bool) -> str:
        """halfwave's time, or the ratio of another; fully, that one's time beside it."""
        time = duration(self.seconds)
        if self.ratio is None:
            return time
        ratio = f"{self.ratio:.2f}" if self.ratio >= 0.1 else f"{self.ratio:.2g}"
        return f"{ratio} ({time})" if fully else ratio


Section = dict[str, dict[str, Cell]]
"""A line of cells, by column, for each contender; the first is halfwave's, the others' beside it."""


def sections(results: Iterable[Result]) -> list[Section]:
    """The lines of the table: contests that differ in size alone are one section."""
    found: dict[str, Section] = {}
    for result in results:
        for number, (contender, seconds) in enumerate(result.seconds.items()):
            if number == 0:
                section = found.setdefault(contender.label, {})
            ratio = result.ratio(contender).median if number else None
            line = section.setdefault(contender.label, {})
            line[result.contest.column] = Cell(median(seconds), ratio)
    return list(found.values())


def columns(results: Iterable[Result]) -> list[str]:
    """The heads of the columns, in the order in which they were measured."""
    return list(dict.fromkeys(result.contest.column for result in results))


def duration(seconds: float) -> str:
    """A time in two digits or three, such as 35 ns, 1.4 µs or 121 ms."""
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        number = seconds * factor
        if number < 999.5:
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
    return f"{seconds:.1f} s"


def print_ratios(results: Sequence[Result]) -> None:
    """Print the table on a terminal; where halfwave takes longer, the ratio is red."""
    from rich.console import Console, Group

    console = Console(highlight=False)
    if console.width < NARROW:
        console.print(Group(*_lines(results)))
    else:
        console.print(_table(results, fully=console.width >= WIDE))


def _table(results: Sequence[Result], *, fully: bool) -> Table:
    """Labels on the left, the numbers beside them."""
    from rich import box
    from rich.table import Table

    heads = columns(results)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False)
    table.add_column("float32", overflow="fold")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for section in sections(results):
        for number, (label, line) in enumerate(section.items()):
            table.add_row(_label(label, number), *(_text(line.get(h), fully=fully) for h in heads))
        table.add_section()
    return table


def _lines(results: Sequence[Result]) -> Iterator[RenderableType]:
    """Each label over the full width, its numbers on the line below."""
    from rich.text import Text

    heads, found = columns(results), sections(results)
    cells = [cell for section in found for line in section.values() for cell in line.values()]
    width = max(map(len, (*heads, *(cell.told(fully=False) for cell in cells))))
    yield Text("float32", "bold")
    yield _aligned([Text(head, "bold") for head in heads], width)
    for section in found:
        yield Text()
        for number, (label, line) in enumerate(section.items()):
            yield _label(label, number)
            yield _aligned([_text(line.get(head), fully=False) for head in heads], width)


def _aligned(texts: Iterable[Text], width: int) -> Text:
    """Texts to the right of columns so wide, on one indented line."""
    from rich.text import Text

    line = Text()
    for text in texts:
        line.append(" " * (2 + width - len(text))).append_text(text)
    line.rstrip()
    return line


def _label(label: str, number: int) -> RenderableType:
    """A contender's label: bold for halfwave's, which is the first of a section; else indented."""
    from rich.padding import Padding
    from rich.text import Text

    text = Text(label, overflow="fold")
    if number == 0:
        text.stylize("bold")
    return Padding(text, (0, 0, 0, 2 * (number > 0)))


def _text(cell: Cell | None, *, fully: bool) -> Text:
    from rich.text import Text

    if cell is None:
        return Text()
    style = "red" if cell.ratio is not None and cell.ratio > 1 else ""
    return Text(cell.told(fully=fully), style)


def markdown(results: Sequence[Result]) -> Iterator[str]:
    """The lines of the table in Markdown."""
    heads = columns(results)
    yield _row("float32", heads)
    yield _row("---", ["---:"] * len(heads))
    for section in sections(results):
        for number, (label, line) in enumerate(section.items()):
            name = f"`{label}`" if number else f"**`{label}`**"
            yield _row(name, [line[h].told(fully=True) if h in line else "" for h in heads])


def _row(first: str, others: Iterable[str]) -> str:
    return f"| {' | '.join((first, *others))} |"
