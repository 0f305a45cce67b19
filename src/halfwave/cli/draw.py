"""`halfwave plot`: activations in one figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfwave.cli.activations import (
    chosen,
    complete,
    find,
    refuse_unknown_options,
    takes_parameters,
)
from halfwave.cli.errors import Misuse
from halfwave.cli.files import refuse_existing, replacing
from halfwave.cli.output import on_terminal

SUFFIXES = (".png", ".svg", ".pdf")
LIMIT = 1e100
"""What matplotlib finds ticks for, with room to spare."""


@takes_parameters
def plot(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAMES", hidden=True, autocompletion=complete),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The figure to write: .png, .svg or .pdf.",
            show_default=False,
        ),
    ],
    derivative: Annotated[
        bool, typer.Option("--derivative/--no-derivative", help="Draw the derivatives, too.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    **parameters: float | None,
) -> None:
    """Draw the activations NAMES and their derivatives in one figure."""
    refuse_unknown_options(context, names)
    activations = [find(name) for name in dict.fromkeys(names)]
    given = chosen(activations, parameters)
    for name, value in given.items():
        if not abs(value) <= LIMIT:
            raise Misuse(f"no graph shows {name} = {value}; pass a number from -1e100 to 1e100")
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise Misuse(f"cannot draw {output}; name a file that ends in .png, .svg or .pdf")
    refuse_existing(output, force=force)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Misuse("halfwave plot needs matplotlib: pip install 'halfwave[plot]'") from error
    from halfwave import plot

    figure = Figure(layout="constrained")
    plot.plot(activations, figure.subplots(), derivative=derivative, **given)
    with replacing(output, force=force) as file:
        figure.savefig(file, format=suffix[1:], dpi=200)
    print(f"wrote {output}" if on_terminal() else output)
