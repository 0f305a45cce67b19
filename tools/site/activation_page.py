"""The page of one activation, from its facts."""

from __future__ import annotations

from collections.abc import Iterator

import measured
from graphs import graph
from markdown import code, element, fenced, formula, joined, table
from slopes import HOW_TO_READ, kinks_table, told

from halfwave import Activation, Parameter
from halfwave.facts import Onnx


def activation_page(f: Activation) -> str:
    """The page as Markdown."""
    sections = ((f"## {title}", body) for title, body in _sections(f))
    return joined(
        f"# {f.title}", f.summary, fenced(_call(f), "python"), *map("\n\n".join, sections)
    )


def _sections(f: Activation) -> Iterator[tuple[str, str]]:
    yield "Formula", joined(formula(f"f(x) = {f.formula}"), f.words, _derivative(f))
    yield "Graph", element(f"<figure>{graph(f)}</figure>")
    yield "Kinks", _kinks(f)
    yield "Parameters", _parameters(f)
    yield "Dtypes", _dtypes(f)
    yield "Accuracy", measured.accuracy(f)
    yield "Speed", measured.speed(f)
    yield "Example", fenced(f._facts.example, "pycon")
    yield "Names elsewhere", _elsewhere(f)
    yield "Unit health", _active(f)
    yield "Source", _source(f)


def _call(f: Activation) -> str:
    arguments = ["x", *(f"{p.name}={p.default!r}" for p in f.parameters.values())]
    return f"halfwave.{f.name}({', '.join(arguments)})"


def _derivative(f: Activation) -> str:
    return joined("Its derivative:", formula(rf"f^{{\prime}}(x) = {f.derivative_formula}"))


def _kinks(f: Activation) -> str:
    if not f.kinks:
        return "None: the derivative is continuous."
    return joined(kinks_table(f), HOW_TO_READ)


def _parameters(f: Activation) -> str:
    if not f.parameters:
        return "None."
    listed = "\n".join(map(_parameter, f.parameters.values()))
    return joined(listed, "A parameter is a number, or an array that broadcasts against `x`.")


def _parameter(p: Parameter) -> str:
    elsewhere = ", ".join(map(code, p.aliases))
    more = f" Other libraries call it {elsewhere}." if elsewhere else ""
    return f"- {code(p.name)} ({p.symbol}), {p.default:.10g} by default. {p.meaning}{more}"


def _dtypes(f: Activation) -> str:
    floats = "float16, bfloat16, float32 and float64"
    if not f._facts.is_smooth:
        floats = "float16, bfloat16, float32, float64 and longdouble"
    return f"Floats keep their dtype: {floats}. {f._facts.integers}"


def _elsewhere(f: Activation) -> str:
    rows = [(library, code(call)) for library, call in f._facts.elsewhere]
    return joined(table(("library", "call"), rows) if rows else "", _onnx(f._facts.onnx))


def _onnx(onnx: Onnx | None) -> str:
    if onnx is None:
        return "ONNX has no operator for it."
    attributes = ", ".join(f"{name} = {value}" for name, value in onnx.attributes)
    inputs = ", ".join(map(str, onnx.inputs))
    more = f" with {code(attributes)}" if attributes else ""
    more += f" with the inputs {code(f'x, {inputs}')}" if inputs else ""
    address = f"https://onnx.ai/onnx/operators/onnx__{onnx.operator}.html"
    return f"The operator of ONNX is [{code(onnx.operator)}]({address}){more}."


def _active(f: Activation) -> str:
    side = f._facts.active
    if side is None:
        return "No point divides a side that is active from one that is not."
    ceiling = ""
    if side.ceiling != float("inf"):
        ceiling = f", and is saturated where that reaches {told(f, side.ceiling)}"
    return (
        f"A unit fires where its output is above {told(f, side.floor)}{ceiling}. The slope on the "
        f"other side is {told(f, side.slope)}. [Unit health](../docs/health.md) watches it."
    )


def _source(f: Activation) -> str:
    place = f"src/halfwave/functions/{f.name}"
    files = f"Its facts are in {code(f'{place}.py')}, its arithmetic in {code(f'{place}.h')}."
    return joined(" ".join(f.source.split()), files)
