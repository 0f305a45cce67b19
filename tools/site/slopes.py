"""Kinks in words and tables: where they are, and which slope each library takes there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markdown import table

from halfwave import Activation, Kink
from halfwave.facts import Slope, evaluate

LIBRARIES = ("PyTorch", "JAX", "TensorFlow")
HEAD = ("at\u00a0x\u00a0=", "left", "right", "halfwave", *LIBRARIES)

HOW_TO_READ = (
    "*Left* and *right* are the slopes on the two sides, *halfwave* is the one that `derivative` and "
    "`vjp` take at the kink; `derivative(x, at_kink=…)` chooses another. Under each library is what its "
    "gradient was seen to take; where TensorFlow has no such function, Keras's on TensorFlow. A dash "
    "means that there is none."
)


def kinks_table(f: Activation) -> str:
    """The kinks of one activation."""
    return table(HEAD, rows(f))


def table_of_all(activations: Iterable[Activation]) -> str:
    """The kinks of all activations that have one."""
    lines = [
        (f"[{f.title}](activations/{f.name}.md)", *row) for f in activations for row in rows(f)
    ]
    return table(("activation", *HEAD), lines)


def rows(f: Activation) -> list[tuple[str, ...]]:
    """A line for each kink."""
    return [_row(f, kink) for kink in f.kinks]


def _row(f: Activation, kink: Kink) -> tuple[str, ...]:
    elsewhere = dict(kink.elsewhere)
    at = told(f, kink.at) + (" (a\u00a0jump)" if kink.jump else "")
    slopes = (told(f, slope) for slope in (kink.left, kink.right))
    taken = (told(f, elsewhere[name]) if name in elsewhere else "–" for name in LIBRARIES)
    return at, *slopes, f"**{told(f, kink.slope)}**", *taken


def told(f: Activation, slope: Slope) -> str:
    """A number, or the expression with the parameters' symbols and what it is by default."""
    if not isinstance(slope, str):
        return _number(slope)
    known = f.parameters
    symbols = re.sub(r"[a-z_]+", lambda name: known[name[0]].symbol, slope)
    default = evaluate(slope, {name: p.default for name, p in known.items()})
    # No line ends within it.
    told = f"{symbols.replace('*', '').replace('-', '−')} = {_number(default)}"
    return told.replace(" ", "\u00a0")


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
