"""`halfwave verify`: every input against the reference, on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from textwrap import wrap
from typing import Annotated, Any

import numpy as np
import typer

import halfwave
from halfwave.cli.activations import complete, find
from halfwave.cli.catalogue import Json
from halfwave.cli.errors import Misuse
from halfwave.cli.output import on_terminal, print_json, print_table, with_progress
from halfwave.processors import processors
from halfwave.verify import Row, Verification, has_mpmath, is_known

DIFFERENT = 1
NO_BFLOAT16 = "bfloat16 is not verified without ml_dtypes: pip install ml_dtypes"
NO_FLOAT64 = "float64 is not verified without mpmath: pip install mpmath"


class Dtype(str, Enum):
    """The dtypes that are verified: at all inputs, and float64 at some."""

    float16 = "float16"
    bfloat16 = "bfloat16"
    float32 = "float32"
    float64 = "float64"


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMES", hidden=True, autocompletion=complete),
    ] = None,
    dtype: Annotated[
        Dtype | None, typer.Option(help="Verify this dtype alone.", show_default=False)
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Try all 4,294,967,296 float32 inputs, not a sample of them."),
    ] = False,
    json: Json = False,
) -> None:
    """Verify activations NAMES, or all of them.

    Value, derivative and vjp, with the pullback of g = x, are judged on each instruction set of
    this processor: at every float16 and bfloat16 input, with several parameters, and at a sample
    of the float32 inputs. Those that are piecewise linear are compared with their formula in NumPy,
    bit for bit; of smooth ones the error is measured, in float64 against mpmath. The exit status is
    1 if a bit differs, or an error is larger than it is stated to be.
    """
    activations = [find(name) for name in dict.fromkeys(names or halfwave.activations)]
    dtypes = [dtype.value] if dtype else [d.value for d in Dtype]
    if dtypes == ["bfloat16"] and not is_known("bfloat16"):
        raise Misuse(NO_BFLOAT16)
    if dtypes == ["float64"] and not has_mpmath():
        raise Misuse(NO_FLOAT64)
    verification = Verification(activations, dtypes, full)
    steps = verification.run(processors() if full or len(activations) > 1 else 1)
    with_progress("verify", steps, verification.size)
    if json:
        print_json([_everything(row) for row in verification.rows])
    else:
        _print(verification.rows, full=full)
    missing = {row.dtype for row in verification.rows if not row.inputs}
    for name, told in (("bfloat16", NO_BFLOAT16), ("float64", NO_FLOAT64)):
        if sys.stderr and name in missing:
            print(told, file=sys.stderr)
    if any(row.differences.count for row in verification.rows):
        raise typer.Exit(DIFFERENT)


def _print(rows: list[Row], *, full: bool) -> None:
    if on_terminal():
        targets = next((row.targets for row in rows if row.inputs), ())
        print(f"On {', '.join(targets)}:\n")
        columns = ("activation", "what", "dtype", "inputs", "verdict")
        cells = [(*_result(row), f"{row.inputs:,}", row.verdict) for row in rows]
        print_table(columns, cells, right=["inputs"])
        if not full and any(row.dtype == "float32" for row in rows):
            print("\nThe float32 inputs are a sample; --full tries every one.")
    else:
        for row in rows:
            print(*_result(row), row.inputs, ",".join(row.targets), row.verdict, sep="\t")
    for row in rows:
        for line in _counter_examples(row):
            print(line)


def _result(row: Row) -> tuple[str, str, str]:
    return row.activation, row.what, row.dtype


def _counter_examples(row: Row) -> Iterator[str]:
    """What differs in a row, the first of it in full."""
    if row.differences.count:
        yield f"\n{', '.join(_result(row))}: {row.differences.count:,} results differ, such as"
    for found in row.differences.first:
        given = "".join(f", {name} = {value}" for name, value in found.parameters.items())
        yield f"  on {found.target} at x = {_told(found.x)}{given}:"
        off = "" if found.off is None else f", off by {found.off:.3g} ULP"
        told = f"{_told(found.got)} instead of {_told(found.expected)}{off}"
        yield from wrap(told, 79, initial_indent="    ", subsequent_indent="    ")


def _told(number: Any) -> str:
    return f"{number} ({_bits(number)})"


def _bits(number: Any) -> str:
    size = number.dtype.itemsize
    return f"0x{int(np.asarray(number).view(f'u{size}')):0{2 * size}x}"


def _everything(row: Row) -> dict[str, Any]:
    return {
        "activation": row.activation,
        "what": row.what,
        "dtype": row.dtype,
        "inputs": row.inputs,
        "parameters": row.parameters,
        "targets": row.targets,
        "verdict": row.verdict,
        "limit": row.limit,
        "worst": row.differences.worst
        and {"off": row.differences.worst.off, "x": _number(row.differences.worst.x)},
        "differing": row.differences.count,
        "counter_examples": [
            {
                "x": _number(found.x),
                "parameters": found.parameters,
                "got": _number(found.got),
                "expected": _number(found.expected),
                "target": found.target,
                "off": found.off,
            }
            for found in row.differences.first
        ],
    }


def _number(number: Any) -> dict[str, Any]:
    return {"value": float(number), "bits": _bits(number)}
