"""A share: as many blocks of inputs as one process checks in a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from halfwave import _core
from halfwave.activation import Activation
from halfwave.verify.errors import (
    Array,
    Exact,
    Parameters,
    errors,
    limits,
    places,
    places_of_slopes,
)
from halfwave.verify.exact import exact
from halfwave.verify.inputs import Drawn, Inputs
from halfwave.verify.reference import WHAT, differing, pulled, reference

SHARE = 1 << 8
"""Blocks in a share."""

SHOWN = 3
"""Counter-examples that are kept of a row."""


@dataclass(frozen=True)
class CounterExample:
    """An input whose result is not the reference's; the numbers are scalars of its dtype.

    ``expected`` is what the reference gives, or the exact result as a float64; ``off`` by how many
    units in the last place the result is too far from that.
    """

    x: Any
    parameters: dict[str, float]
    got: Any
    expected: Any
    target: str
    off: float | None = None


@dataclass(frozen=True)
class Worst:
    """The largest error with the default parameters, in units in the last place."""

    off: float
    x: Any
    target: str


@dataclass
class Differences:
    """How many there are, the first of them, and the largest error of what is not held to bits."""

    count: int = 0
    first: list[CounterExample] = field(default_factory=list)
    worst: Worst | None = None

    def add(self, other: Differences) -> None:
        """Take in those of another share."""
        self.count += other.count
        self.first += other.first[: SHOWN - len(self.first)]
        if other.worst and (self.worst is None or other.worst.off > self.worst.off):
            self.worst = other.worst


@dataclass(frozen=True)
class Share:
    """Some blocks of inputs, to be tried with each set of parameters."""

    activation: Activation
    inputs: Inputs | Drawn
    parameters: tuple[Parameters, ...]
    blocks: range

    @property
    def size(self) -> int:
        """How many results there are of each kind on each instruction set."""
        return len(self.blocks) * self.inputs.size // self.inputs.blocks * len(self.parameters)


def check(share: Share) -> tuple[Differences, ...]:
    """Judge the results of every instruction set: what is wrong, for each of WHAT."""
    found = tuple(Differences() for _ in WHAT)
    check_block = _check_bits if share.activation._facts.is_exact else _check_errors
    before = _core.target()
    _keep_freed_memory()
    try:
        with np.errstate(all="ignore"):
            for block in share.blocks:
                x = share.inputs.block(block)
                for parameters in share.parameters:
                    check_block(share.activation, x, parameters, found)
    finally:
        _core.use_target(before)
    return found


@cache
def _keep_freed_memory() -> None:
    """Free a large array, once: glibc gives none back from then on that is smaller.

    The arrays of one block then take the memory of the last, without its pages being cleared anew.
    """
    np.empty(1 << 24, np.uint8)


def _check_bits(
    f: Activation, x: Array, parameters: Parameters, found: tuple[Differences, ...]
) -> None:
    """Against the reference, bit for bit."""
    expected = reference(f, x, parameters)
    for target in _core.targets():
        _core.use_target(target)
        for differences, got, right in zip(
            found, _computed(f, x, parameters), expected, strict=True
        ):
            differences.add(_different(f, x, parameters, got, right))


def _check_errors(
    f: Activation, x: Array, parameters: Parameters, found: tuple[Differences, ...]
) -> None:
    """Value and derivative against the exact ones; the vjp against these, bit for bit."""
    dtype = x.dtype.name
    exact_value, exact_slope = exact(f, x, parameters)
    judges = [
        (exact_value, places(exact_value, dtype)),
        (exact_slope, places_of_slopes(f, x, parameters, exact_slope, dtype)),
    ]
    allowed = limits(f, dtype, parameters)
    right: list[tuple[Array, ...]] = []
    for target in _core.targets():
        _core.use_target(target)
        results = value, slope, recorded, gradient = _computed(f, x, parameters)
        if any(_agree(results, others) for others in right):
            continue  # most have: instruction sets that fuse agree, and so do those that do not
        new = [
            _too_far(f, x, parameters, got, judge[0], errors(got, *judge, dtype), most)
            for got, judge, most in zip((value, slope), judges, allowed, strict=True)
        ]
        new.append(_different(f, x, parameters, recorded, value))
        new.append(_different(f, x, parameters, gradient, pulled(f, x, parameters, slope)))
        for differences, more in zip(found, new, strict=True):
            differences.add(more)
        if not any(more.count for more in new):
            right.append(results)


def _agree(results: tuple[Array, ...], others: tuple[Array, ...]) -> bool:
    return not any(differing(*pair).size for pair in zip(results, others, strict=True))


def _different(
    f: Activation, x: Array, parameters: Parameters, got: Array, right: Array
) -> Differences:
    wrong = differing(got, right)
    target = _core.target()
    first = [
        CounterExample(x[i], named(f, parameters), got[i], right[i], target) for i in wrong[:SHOWN]
    ]
    return Differences(wrong.size, first)


def _too_far(
    f: Activation,
    x: Array,
    parameters: Parameters,
    got: Array,
    right: Exact,
    off: Array,
    allowed: float,
) -> Differences:
    at, target = int(off.argmax()), _core.target()
    worst = Worst(float(off[at]), x[at], target)
    wrong = np.flatnonzero(off > allowed) if worst.off > allowed else ()
    first = [
        CounterExample(x[i], named(f, parameters), got[i], right.high[i], target, float(off[i]))
        for i in wrong[:SHOWN]
    ]
    default = parameters == tuple(p.default for p in f.parameters.values())
    return Differences(len(wrong), first, worst if default else None)


def _computed(f: Activation, x: Array, parameters: Parameters) -> tuple[Array, ...]:
    """What the engine gives for each of WHAT."""
    value, pullback = f.vjp(x, *parameters)
    dx = pullback(x)[0] if f._facts.is_learned else pullback(x)
    return f(x, *parameters), f.derivative(x, *parameters), value, dx


def named(f: Activation, values: Parameters) -> dict[str, float]:
    """The parameters by their names."""
    return dict(zip(f.parameters, values, strict=True))
