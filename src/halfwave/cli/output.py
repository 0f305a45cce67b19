"""How results are printed: as JSON, as a table on a terminal, as plain lines in a pipe."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

GAP = "   "
"""Between two columns."""


def on_terminal() -> bool:
    """Whether someone looks at the output."""
    return bool(sys.stdout) and sys.stdout.isatty()


def print_json(value: Any) -> None:
    """Print as JSON, which has no NaN and no infinity: they become strings that float() reads."""
    print(json.dumps(_jsonable(value), indent=2, allow_nan=False))


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> None:
    """Print a table, or each row as facts where the terminal is too narrow for the columns.

    The columns in `right` are aligned there.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    console = Console(highlight=False)
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    if sum(widths) + len(GAP) * (len(columns) - 1) > console.width:
        for row in rows:
            console.print(_facts(zip(columns, row, strict=True), console.width), "", sep="\n")
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def print_facts(title: str, summary: str, facts: Iterable[tuple[str, str]]) -> None:
    """Print a title, a sentence, and labelled facts below them, wrapped beside their labels."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(title, "bold"), Text(fill(summary, console.width)), "", sep="\n")
    console.print(_facts(facts, console.width), soft_wrap=True)


def _facts(facts: Iterable[tuple[str, str]], width: int) -> Text:
    from rich.text import Text

    facts = list(facts)
    indent = len(GAP) + max(len(label) for label, _ in facts)
    lines = []
    for label, fact in facts:
        for line in fact.splitlines():
            for piece in wrap(line, max(24, width - indent), break_on_hyphens=False):
                lines.append(Text.assemble((label.ljust(indent), "bold"), piece))
                label = ""
    return Text("\n").join(lines)


def with_progress(title: str, steps: Iterable[int], total: int) -> None:
    """Go through the steps; where stderr is a terminal, a bar there shows how far they are."""
    if not (sys.stderr and sys.stderr.isatty()):
        for _ in steps:
            pass
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    what = TextColumn("{task.description}", markup=False)
    columns = (what, BarColumn(), TaskProgressColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        for step in steps:
            progress.advance(task, step)
