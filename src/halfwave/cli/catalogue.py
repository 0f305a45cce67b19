"""`halfwave list` and `halfwave show`: what there is, and everything about one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import typer

import halfwave
from halfwave import Activation, Kink
from halfwave.activation import Operation
from halfwave.cli.activations import Name, find
from halfwave.cli.output import on_terminal, print_facts, print_json, print_table

DTYPES = (
    *("float16", "float32", "float64", "longdouble"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
)
EXAMPLE = (-20.0, -10.0, -1.0, 0.0, 1.0, 15.0)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def list_all(json: Json = False) -> None:
    """List the activations."""
    activations = halfwave.activations.values()
    if json:
        print_json([_brief(f) for f in activations])
    elif on_terminal():
        rows = [(f.name, f.title, _defaults(f)) for f in activations]
        print_table(("name", "title", "parameters"), rows)
        print("halfwave show NAME has everything about one.")
    else:
        for f in activations:
            print(f.name, f.formula_text, _call(f), sep="\t")


def _brief(f: Activation) -> dict[str, Any]:
    return {
        "name": f.name,
        "title": f.title,
        "summary": f.summary,
        "formula": f.formula,
        "formula_text": f.formula_text,
        "parameters": [asdict(p) for p in f.parameters.values()],
    }


def _defaults(f: Activation) -> str:
    return ", ".join(f"{p.name}={p.default:.5g}" for p in f.parameters.values())


def _call(f: Activation) -> str:
    arguments = ["x", *(f"{p.name}={p.default!r}" for p in f.parameters.values())]
    return f"{f.name}({', '.join(arguments)})"


def show(name: Name, json: Json = False) -> None:
    """Show everything about activation NAME."""
    f = find(name)
    if json:
        print_json(_everything(f))
    else:
        print_facts(f"{f.title}: halfwave.{_call(f)}", f.summary, _facts(f))


def _everything(f: Activation) -> dict[str, Any]:
    return {
        **_brief(f),
        "words": f.words,
        "derivative_formula": f.derivative_formula,
        "derivative_text": f.derivative_text,
        "kinks": [asdict(kink) for kink in f.kinks],
        "accuracy": f.accuracy,
        "dtypes": _results(f),
        "source": f.source,
        "example": [{"x": x, "value": f(x), "derivative": f.derivative(x)} for x in EXAMPLE],
    }


def _facts(f: Activation) -> Iterator[tuple[str, str]]:
    yield "f(x)", f.formula_text
    yield "in words", f.words
    yield "f′(x)", f.derivative_text
    for kink in f.kinks:
        yield "kink", _told(kink)
    for p in f.parameters.values():
        yield p.name, f"({p.symbol}) {p.meaning} {p.default!r} unless given."
    yield "dtypes", _by_result(f)
    yield "accuracy", f.accuracy
    yield "source", " ".join(f.source.split())
    yield "LaTeX", f"f(x) = {f.formula}"
    yield "", f"f′(x) = {f.derivative_formula}"
    yield "example", _example(f)


def _told(kink: Kink) -> str:
    return f"at x = {kink.at} the derivative is {kink.slope} (left {kink.left}, right {kink.right})"


def _results(operation: Operation) -> dict[str, str | None]:
    """The dtype that comes out for each that goes in, or None where it is refused."""
    return {dtype: _result(operation, dtype) for dtype in _dtypes()}


def _dtypes() -> tuple[str, ...]:
    """The dtypes to ask about: bfloat16, too, where there is one."""
    try:
        import ml_dtypes  # noqa: F401  NumPy knows the name from then on
    except ImportError:
        return DTYPES
    return (DTYPES[0], "bfloat16", *DTYPES[1:])


def _result(operation: Operation, dtype: str) -> str | None:
    try:
        result: np.dtype[Any] = operation(np.empty(0, dtype)).dtype
    except TypeError:
        return None
    return dtype if result == np.dtype(dtype) else result.name


def _by_result(operation: Operation) -> str:
    by_result: dict[str, list[str]] = {}
    for dtype, result in _results(operation).items():
        kind = "kept" if result == dtype else f"give {result}" if result else "refused"
        by_result.setdefault(kind, []).append(dtype)
    return "\n".join(f"{kind}: {', '.join(dtypes)}" for kind, dtypes in by_result.items())


def _example(f: Activation) -> str:
    rows = [(repr(x), repr(f(x)), repr(f.derivative(x))) for x in EXAMPLE]
    columns = zip(("x", "f(x)", "f′(x)"), *rows, strict=True)
    aligned = [[cell.rjust(max(map(len, cells))) for cell in cells] for cells in columns]
    return "\n".join("  ".join(row) for row in zip(*aligned, strict=True))
