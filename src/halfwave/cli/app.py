"""The typer application: which commands there are."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import Annotated

import typer

import halfwave
from halfwave.cli import bench, catalogue, check, draw, evaluate, verify, walk

# Negative numbers look like options; what is neither a number nor an option is refused by
# `activations.refuse_unknown_options`.
NUMBERS = {"ignore_unknown_options": True}

app = typer.Typer(
    help="ReLU, Leaky ReLU and their family: see them, compute them, draw them.",
    epilog="Example: halfwave eval leaky_relu 1 -10 0 15 -20",
    # Help without boxes, which fits a narrow terminal, too.
    rich_markup_mode=None,
    context_settings={"terminal_width": min(80, get_terminal_size().columns)},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"halfwave {halfwave.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


app.command("tour", context_settings=NUMBERS, epilog="Example: halfwave tour 3 -7")(walk.tour)
app.command(
    "eval",
    context_settings=NUMBERS,
    epilog="Example: halfwave eval leaky_relu 1 -10 --alpha 0.1",
)(evaluate.evaluate)
app.command(
    "plot",
    context_settings=NUMBERS,
    epilog="Example: halfwave plot relu leaky_relu --alpha 0.1 -o f.png",
)(draw.plot)
app.command("list", epilog="Example: halfwave list --json")(catalogue.list_all)
app.command("show", epilog="Example: halfwave show leaky_relu")(catalogue.show)
app.command("bench", epilog="Example: halfwave bench relu --quick")(bench.bench)
app.command("verify", epilog="Example: halfwave verify leaky_relu")(verify.verify)
app.command("check", epilog="Example: halfwave check --fail-above 50%")(check.check)
