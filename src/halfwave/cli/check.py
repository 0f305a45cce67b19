"""`halfwave check`: the health of a small network's units, and how to check one's own."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from halfwave.cli.catalogue import Json
from halfwave.cli.errors import Misuse
from halfwave.cli.files import refuse_existing, replacing
from halfwave.cli.output import print_json, with_progress
from halfwave.health import Report, UnhealthyError

UNHEALTHY = 1

PYTORCH = (
    "for PyTorch, `from halfwave import health`, put your own loop into `with health.watch(model) as "
    "watch:`, then `print(watch.report())`"
)
SCIKIT_LEARN = (
    "for scikit-learn, load it yourself, `from halfwave import health`, then "
    "`print(health.inspect(model, X))`"
)
OTHERS = "for anything else, give each layer's outputs to `halfwave.health.Stats`"

INSTEAD = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors"), PYTORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), SCIKIT_LEARN),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), OTHERS),
    ".onnx": f"ONNX is not supported yet; {PYTORCH}",
}
"""What to do with a model, by the end of its file's name."""


def check(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", hidden=True)] = None,
    fail_above: Annotated[
        str,
        typer.Option(
            "--fail-above",
            metavar="SHARE",
            help="Exit with 1 if more of a layer's units are silent: 5% or 0.05.",
        ),
    ] = "5%",
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write the report as a page, too.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the page.")] = False,
    json: Json = False,
) -> None:
    """Find the units of a small network that do not learn.

    The network of chapter 4 of the tour is trained on scikit-learn's handwritten digits, and
    watched meanwhile. Its units begin with a bias that silences some of them for ever.

    A MODEL of your own is checked in Python. No model file is opened, since what one unpickles
    may run any code; name yours, and the answer says how to check it.
    """
    if model is not None:
        raise Misuse(_instead(model))
    accepted = _share(fail_above)
    _require("sklearn", "halfwave check needs scikit-learn: pip install 'halfwave[tour]'")
    if html is not None:
        refuse_existing(html, force=force)
        _require(
            "matplotlib", "halfwave check --html needs matplotlib: pip install 'halfwave[plot]'"
        )
    report = _trained()
    if json:
        print_json(report.as_data())
    else:
        print(report)
    if html is not None:
        _write(report, html, force=force)
    _judge(report, accepted)


def _instead(model: Path) -> str:
    """How to check a model of one's own."""
    instead = INSTEAD.get(model.suffix.lower(), f"{PYTORCH}; {SCIKIT_LEARN}; {OTHERS}")
    state = "is not opened" if model.exists() else "does not exist, and would not be opened"
    return f"{model} {state}: halfwave unpickles nothing; {instead}"


def _share(text: str) -> float:
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise Misuse(
            f"--fail-above is {text!r}; pass a share of a layer's units, such as 5% or 0.05"
        )
    return share


def _require(package: str, message: str) -> None:
    if find_spec(package) is None:
        raise Misuse(message)


def _trained() -> Report:
    """What was seen of the tour's network while it was trained."""
    from halfwave.tour.network import Experiment
    from halfwave.tour.network_chapters import RELU, SETTING

    experiment = Experiment(RELU, SETTING)
    with_progress("train", (1 for _ in experiment.epochs()), SETTING.epochs)
    return experiment.report


def _write(report: Report, target: Path, *, force: bool) -> None:
    from halfwave.health.views.page import page

    with replacing(target, force=force, option="--html") as file:
        file.write(page(report).encode())
    if sys.stderr:
        print(f"Wrote {target}. Open it in a browser.", file=sys.stderr)


def _judge(report: Report, accepted: float) -> None:
    """Exit with another status if too many units are silent."""
    try:
        report.check(fail_above=accepted)
    except UnhealthyError as error:
        if sys.stderr:
            print(f"unhealthy: {error}", file=sys.stderr)
        raise typer.Exit(UNHEALTHY) from error
