"""`halfwave bench`: halfwave beside the other libraries of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

import halfwave
from halfwave.cli.activations import complete, find
from halfwave.cli.catalogue import Json


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMES", hidden=True, autocompletion=complete),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", metavar="N", min=1, help="Threads for each library.")
    ] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer rounds, and arrays of at most 2^20 elements.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure activations NAMES, or all of them, beside the other libraries that are installed.

    NumPy, torch, JAX, numexpr and numba take turns with halfwave, on one thread unless said
    otherwise. The table has medians and their ratios; in a pipe it is Markdown. All of it takes
    some minutes and up to 3 GiB of memory; --quick takes little of either.
    """
    activations = [find(name) for name in dict.fromkeys(names or halfwave.activations)]
    from halfwave.cli.report import report  # slow to import

    report(activations, threads=threads, quick=quick, json=json)
