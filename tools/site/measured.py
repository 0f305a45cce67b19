"""What was measured, from the files in docs/measured; where there is none, how to make it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from markdown import code, fenced, joined, table

from halfwave import Activation
from halfwave.bench.contests import Contest, Operation
from halfwave.cli.ratios import duration

FOLDER = Path(__file__).parents[2] / "docs" / "measured"

ACCURACY = "python tools/measure/accuracy.py"
SPEED = "halfwave bench --json > docs/measured/speed.json"

DTYPES = ("float16", "bfloat16", "float32", "float64")
OURS = "**halfwave**"
OTHERS = "The accuracy of other libraries' version"

UNIT = (
    "Largest errors found with the default parameters, in units in the last place (ULP) of the exact "
    "result; a result rounded once is within 0.5. In brackets the x at which they were found. An error of "
    "1.7e+07 (2^24) in float32, or of 9e+15 (2^53) in float64, leaves no digit: the result is 0."
)

SAMPLE = (
    "The others were tried at {float32:,} numbers of float32 and {float64:,} of float64. Subnormal "
    "numbers and results are left out, since XLA takes them for 0."
)

HOW_TO_READ = (
    "In bold the times of halfwave. Under them the ratios of the others, halfwave's time over theirs: "
    "at 0.25 halfwave takes a quarter of the time."
)


def accuracy(f: Activation) -> str:
    """The errors of halfwave, beside those of other libraries where they were measured."""
    data = _read("accuracy.json")
    others = data.get("activations", {}).get(f.name, {})
    # Those of one dtype stand together, halfwave's own first.
    rows = sorted([*_stated(f), *_found(f, others)], key=lambda row: DTYPES.index(row[0]))
    found = table(("dtype", "", "value", "derivative"), rows) if rows else ""
    if not others:
        return joined(f.accuracy, UNIT if rows else "", found, _missing(OTHERS, f, ACCURACY))
    return joined(f.accuracy, UNIT, found, SAMPLE.format(**data["inputs"]), _where(data))


def _stated(f: Activation) -> Iterator[tuple[str, ...]]:
    for m in f._facts.measured:
        value, slope = _error(m.value, m.value_at), _error(m.derivative, m.derivative_at)
        yield m.dtype, OURS, value, slope


def _found(f: Activation, dtypes: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The errors in the file: halfwave's, too, unless the facts state them."""
    for dtype, contenders in dtypes.items():
        for name, errors in contenders.items():
            if name == "halfwave" and f._facts.measured:
                continue
            value, slope = _error(**errors["value"]), _error(**errors["derivative"])
            yield dtype, OURS if name == "halfwave" else name, value, slope


def _error(error: float | None, at: float) -> str:
    """An error, and where it was found: none where a result overflowed or is NaN and should not."""
    if error == 0:
        return "0"
    off = "infinite" if error is None else f"{error:,.3g}" if error < 1e3 else f"{error:.1e}"
    return f"{off} ({at:.4g})"


def speed(f: Activation) -> str:
    """How long halfwave takes, and the ratios to the others."""
    data = _read("speed.json")
    contests = [c for c in data.get("contests", ()) if c["activation"] == f.name]
    if not contests:
        return _missing("The speed", f, SPEED)
    columns = list(dict.fromkeys(map(_column, contests)))
    rows = [(name, *(cells.get(c, "") for c in columns)) for name, cells in _lines(contests)]
    return joined(HOW_TO_READ, table(("", *columns), rows), _where(data))


def _lines(contests: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    """A line for each call under the one of halfwave that it is beside: its cells by column."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for contest in contests:
        for number, contender in enumerate(contest["contenders"]):
            cell = f"{contender['ratio']:.2g}" if number else f"**{duration(contender['median'])}**"
            line = lines.setdefault((contest["operation"], contender["call"]), {})
            line[_column(contest)] = cell
    for (_, call), cells in lines.items():
        yield code(call), cells


def _column(contest: dict[str, Any]) -> str:
    operation = Operation(contest["operation"], "value", ())
    return Contest(contest["activation"], operation, contest["size"]).column


def _where(data: dict[str, Any]) -> str:
    command = data.get("command", SPEED)  # `halfwave bench` writes none
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return (
        f"Measured on {data['processor']}, {data['cores']} cores, {data['instruction_set']}, with "
        f"{versions}, by {code(command)}."
    )


def _missing(what: str, f: Activation, command: str) -> str:
    about = f"{what} of {f.title} is not in this copy of the site. This measures it:"
    return joined(about, fenced(command, "console"))


@cache
def _read(name: str) -> dict[str, Any]:
    path = FOLDER / name
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
