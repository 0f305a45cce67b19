"""`halfwave bench`: halfwave beside the other libraries of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

import halfwave
from halfwave.cli.activations import complete, find
from halfwave.cli.catalogue import Json
from halfwave.cli.errors import Misuse


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMES", hidden=True, autocompletion=complete),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            help="Threads for each library; 1 unless said, and with --health all cores.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer rounds, and no large arrays.")
    ] = False,
    health: Annotated[
        bool, typer.Option("--health", help="Measure what health.watch costs, and nothing else.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure activations NAMES, or all of them, beside the other libraries that are installed.

    NumPy, torch, JAX, numexpr and numba take turns with halfwave, on one thread unless said
    otherwise. The table has medians and their ratios; in a pipe it is Markdown. All of it takes
    some minutes and up to 3 GiB of memory; --quick takes little of either.

    With --health it is training steps of PyTorch, watched and not, on all cores unless said
    otherwise, and the counting alone.
    """
    activations = [find(name) for name in dict.fromkeys(names or halfwave.activations)]
    from halfwave.cli import report  # slow to import

    if not health:
        report.report_activations(activations, threads=threads, quick=quick, json=json)
    elif names:
        raise Misuse(f"--health measures no activations; leave out {' '.join(names)}")
    else:
        report.report_health(threads=threads, quick=quick, json=json)
