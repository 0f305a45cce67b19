"""Programs that the tour shows: each is run when it is shown."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.resources import files

from halfwave.tour.blocks import Code, Output


def example(name: str) -> str:
    """The source of one of the complete programs that come with the package."""
    return files("halfwave").joinpath("examples", name).read_text("utf-8")


def function_in(source: str) -> str:
    """The first function that a program defines."""
    functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    return ast.get_source_segment(source, next(functions)) or ""


def output_of(source: str, arguments: Sequence[str] = ()) -> str:
    """Run a program with arguments, and return what it printed."""
    printed, argv = io.StringIO(), sys.argv
    sys.argv = ["program.py", *arguments]
    try:
        with redirect_stdout(printed):
            # The programs are the tour's own; what the reader gives are its arguments.
            exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    finally:
        sys.argv = argv
    return printed.getvalue().rstrip("\n")


def run(source: str) -> tuple[Code, Output]:
    """A program and what it prints."""
    source = source.strip("\n")
    return Code(source), Output(output_of(source))


def array_literal(numbers: Sequence[float]) -> str:
    """The numbers as a reader would type them."""
    return "[" + ", ".join(_literal(number) for number in numbers) + "]"


def _literal(number: float) -> str:
    return repr(number) if abs(number) < float("inf") else f'float("{number}")'
