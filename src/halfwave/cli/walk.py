"""`halfwave tour`: the tutorial."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfwave.cli.activations import is_number, refuse_unknown_options
from halfwave.cli.errors import Misuse


def tour(
    context: typer.Context,
    numbers: Annotated[
        list[str] | None,
        typer.Argument(metavar="NUMBERS", hidden=True),
    ] = None,
    pause: Annotated[
        bool, typer.Option("--pause/--no-pause", help="Wait for Enter between the chapters.")
    ] = True,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="DIR",
            help="Write the graphs and the tour as one HTML page to this folder.",
        ),
    ] = None,
) -> None:
    """Learn ReLU and Leaky ReLU, live, on your own NUMBERS if you like."""
    words = numbers or []
    refuse_unknown_options(context, words)
    for word in words:
        if not is_number(word):
            raise Misuse(f"{word!r} is not a number; pass numbers such as 3 -7 0.5")
    from halfwave import tour

    try:
        tour.run([float(word) for word in words], pause=pause, save=save)
    except OSError as error:
        if save is None or isinstance(error, BrokenPipeError):
            raise
        raise Misuse(f"cannot write to {save}: {error.strerror}; name another folder") from error
    except ImportError as error:
        # The tour's own message has no name; anything else is a broken installation.
        if error.name:
            raise
        raise Misuse(str(error)) from error
    except ValueError as error:
        raise Misuse(str(error)) from error
