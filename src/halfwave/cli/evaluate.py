"""`halfwave eval`: an activation or its derivative, of numbers or of a .npy file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from halfwave.activation import Operation
from halfwave.cli import npy
from halfwave.cli.activations import (
    Name,
    chosen,
    find,
    is_number,
    refuse_unknown_options,
    takes_parameters,
)
from halfwave.cli.errors import Misuse
from halfwave.cli.files import replacing
from halfwave.cli.output import on_terminal, print_json, print_table, with_progress


@takes_parameters
def evaluate(
    context: typer.Context,
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(metavar="NUMBERS|FILE.npy", hidden=True),
    ],
    derivative: Annotated[
        bool, typer.Option("--derivative", help="Evaluate the derivative instead.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The .npy file to write; for x.npy it is x.NAME.npy unless said otherwise.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help='Print JSON; NaN and infinities are "NaN", "Infinity".'),
    ] = False,
    **parameters: float | None,
) -> None:
    """Evaluate activation NAME on NUMBERS, or on a FILE.npy of any size.

    Numbers give a table on a terminal, and one result per line in a pipe.
    """
    refuse_unknown_options(context, [name, *values])
    activation = find(name)
    operation = activation.derivative if derivative else activation
    given = chosen([activation], parameters)
    if not all(map(is_number, values)):
        array = npy.open_array(_file(values))
        target = output or _beside(array.path, operation)
        _report(_evaluate_array(operation, array, target, given, force=force), json=json)
    elif output:
        numbers = np.array([float(value) for value in values])
        _report(_save(operation(numbers, **given), output, force=force), json=json)
    else:
        _print(operation, [float(value) for value in values], given, json=json)


def _file(values: list[str]) -> Path:
    """The one file that was named."""
    path = Path(values[0])
    if len(values) == 1 and (path.exists() or path.suffix == ".npy"):
        return path
    wrong = next(value for value in values if not is_number(value))
    if Path(wrong).exists():
        raise Misuse(f"{wrong!r} stands beside other values; pass one .npy file alone, or numbers")
    raise Misuse(f"{wrong!r} is not a number; pass numbers, or one .npy file that exists")


def _beside(source: Path, operation: Operation) -> Path:
    """`x.npy` becomes `x.leaky_relu.npy`, or `x.leaky_relu.derivative.npy`."""
    return source.with_name(f"{source.name.removesuffix('.npy')}.{operation.__qualname__}.npy")


def _print(
    operation: Operation, numbers: list[float], parameters: Mapping[str, Any], *, json: bool
) -> None:
    pairs = [(x, operation(x, **parameters)) for x in numbers]
    if json:
        key = "derivative" if operation.__name__ == "derivative" else "value"
        print_json([{"x": x, key: y} for x, y in pairs])
    elif on_terminal():
        given = "".join(f", {name}={value!r}" for name, value in parameters.items())
        columns = ("x", f"{operation.__qualname__}(x{given})")
        print_table(columns, [(repr(x), repr(y)) for x, y in pairs], right=columns)
    else:
        print(*(repr(y) for _, y in pairs), sep="\n")


@dataclass(frozen=True)
class Written:
    """A .npy file that was written."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _evaluate_array(
    operation: Operation,
    array: npy.Array,
    target: Path,
    parameters: Mapping[str, Any],
    *,
    force: bool,
) -> Written:
    dtype = npy.result_dtype(operation, array, parameters)
    if target.exists() and target.samefile(array.path):
        raise Misuse(f"{target} is the input; name another file with -o")
    with replacing(target, force=force) as file:
        steps = npy.apply(operation, array, parameters, file)
        with_progress(f"{operation.__qualname__} of {array.path.name}", steps, array.size)
    return Written(target, array.shape, dtype)


def _save(result: NDArray[Any], target: Path, *, force: bool) -> Written:
    with replacing(target, force=force) as file:
        np.save(file, result)
    return Written(target, result.shape, result.dtype)


def _report(written: Written, *, json: bool) -> None:
    dtype = written.dtype.name
    if json:
        print_json({"output": str(written.path), "shape": written.shape, "dtype": dtype})
    elif on_terminal():
        print(f"wrote {written.path}: {dtype}, shape {written.shape}")
    else:
        print(written.path)
