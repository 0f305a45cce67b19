"""A share: as many blocks of inputs as one process checks in a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from halfwave import _core
from halfwave.activation import Activation
from halfwave.verify.inputs import Inputs
from halfwave.verify.reference import WHAT, Array, Parameters, differing, reference

SHARE = 1 << 8
"""Blocks in a share."""

SHOWN = 3
"""Counter-examples that are kept of a row."""


@dataclass(frozen=True)
class CounterExample:
    """An input whose result is not the reference's; the numbers are scalars of its dtype."""

    x: Any
    parameters: dict[str, float]
    got: Any
    expected: Any
    target: str


@dataclass
class Differences:
    """How many there are, and the first of them."""

    count: int = 0
    first: list[CounterExample] = field(default_factory=list)

    def add(self, other: Differences) -> None:
        """Take in those of another share."""
        self.count += other.count
        self.first += other.first[: SHOWN - len(self.first)]


@dataclass(frozen=True)
class Share:
    """Some blocks of inputs, to be tried with each set of parameters."""

    activation: Activation
    inputs: Inputs
    parameters: tuple[Parameters, ...]
    blocks: range

    @property
    def size(self) -> int:
        """How many results there are of each kind on each instruction set."""
        return len(self.blocks) * self.inputs.size // self.inputs.blocks * len(self.parameters)


def check(share: Share) -> tuple[Differences, ...]:
    """Compare every instruction set with the reference: what differs, for each of WHAT."""
    found = tuple(Differences() for _ in WHAT)
    before = _core.target()
    _keep_freed_memory()
    try:
        with np.errstate(all="ignore"):
            for block in share.blocks:
                x = share.inputs.block(block)
                for parameters in share.parameters:
                    _check_block(share.activation, x, parameters, found)
    finally:
        _core.use_target(before)
    return found


@cache
def _keep_freed_memory() -> None:
    """Free a large array, once: glibc gives none back from then on that is smaller.

    The arrays of one block then take the memory of the last, without its pages being cleared anew.
    """
    np.empty(1 << 24, np.uint8)


def _check_block(
    f: Activation, x: Array, parameters: Parameters, found: tuple[Differences, ...]
) -> None:
    expected = reference(f, x, parameters)
    for target in _core.targets():
        _core.use_target(target)
        results = zip(found, _computed(f, x, parameters), expected, strict=True)
        for differences, got, right in results:
            wrong = differing(got, right)
            first = [
                CounterExample(x[i], named(f, parameters), got[i], right[i], target)
                for i in wrong[:SHOWN]
            ]
            differences.add(Differences(wrong.size, first))


def _computed(f: Activation, x: Array, parameters: Parameters) -> tuple[Array, ...]:
    """What the engine gives for each of WHAT."""
    value, pullback = f.vjp(x, *parameters)
    return f(x, *parameters), f.derivative(x, *parameters), value, pullback(x)


def named(f: Activation, values: Parameters) -> dict[str, float]:
    """The parameters by their names."""
    return dict(zip(f.parameters, values, strict=True))
