"""Every input, on every instruction set, against what it has to be.

A piecewise-linear activation is held to the bits of its formula in NumPy, a smooth one to an error:
that which its facts state, or with other parameters than the default that of the contract. The inputs are taken block by block, so that what is computed of a block is compared while it is in
the cache; runs of blocks are shared out to processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from halfwave import _core
from halfwave.activation import Activation
from halfwave.verify.errors import Parameters, limits
from halfwave.verify.exact import has_mpmath
from halfwave.verify.inputs import BLOCK, DTYPES, Drawn, Inputs, every, is_known, sample
from halfwave.verify.processes import in_processes
from halfwave.verify.reference import HALVES, WHAT, differing, rounded
from halfwave.verify.shares import SHARE, SHOWN, Differences, Share, check, named

__all__ = [
    "BLOCK",
    "DTYPES",
    "OTHERS",
    "SHOWN",
    "WHAT",
    "Row",
    "Share",
    "Verification",
    "check",
    "differing",
    "every",
    "has_mpmath",
    "is_known",
    "rounded",
    "sample",
]

OTHERS = (0.0, -0.0, 0.5, -0.3, 1.7, float("inf"))
"""What the halves are verified with besides the defaults, where the facts name no other."""


@dataclass
class Row:
    """What was found of one result of an activation at one dtype."""

    activation: str
    what: str
    dtype: str
    inputs: int
    parameters: tuple[dict[str, float], ...]
    targets: tuple[str, ...]
    limit: float | None = None
    """What the result may be off with the default parameters; None where every bit counts."""

    differences: Differences = field(default_factory=Differences)

    @property
    def verdict(self) -> str:
        """'same bits', 'within 0.94 ULP', 'differs', or 'not verified' without what it needs."""
        if not self.inputs:
            return "not verified"
        if self.differences.count:
            return "differs"
        return "same bits" if self.limit is None else f"within {self.limit:g} ULP"


class Verification:
    """A comparison of activations with their reference.

    float16 and bfloat16 are compared at all 65,536 inputs, with several parameters; float32 with
    the default parameters, at a sample of the inputs or at all 2**32; and float64, of smooth
    activations, at some thousand inputs against their definition in mpmath.

    Parameters
    ----------
    activations : iterable of Activation
        Each is asked for its value, its derivative and its vjp.
    dtypes : sequence of str, default all four
        Of "float16", "bfloat16", "float32" and "float64".
    full : bool, default False
        Whether to try every float32 input.

    Attributes
    ----------
    rows : list of Row
        One for each result of an activation and dtype; filled in by `run`.
    size : int
        How many steps `run` takes.

    Examples
    --------
    >>> import halfwave as hw
    >>> from halfwave.verify import Verification
    >>> verification = Verification([hw.relu], ["float16"])
    >>> sum(verification.run())
    65536
    >>> [row.verdict for row in verification.rows]
    ['same bits', 'same bits', 'same bits', 'same bits']
    """

    def __init__(
        self,
        activations: Iterable[Activation],
        dtypes: Sequence[str] = (*DTYPES, "float64"),
        full: bool = False,
    ) -> None:
        self.rows: list[Row] = []
        self._shares: list[tuple[Share, list[Row]]] = []
        for activation, dtype in product(activations, dtypes):
            self._add(activation, dtype, full)
        self.size = sum(share.size for share, _ in self._shares)

    def _add(self, f: Activation, dtype: str, full: bool) -> None:
        if dtype == "float64" and f._facts.is_exact:
            return
        if not (has_mpmath() if dtype == "float64" else is_known(dtype)):
            self.rows += [Row(f.name, what, dtype, 0, (), ()) for what in WHAT]
            return
        inputs = _inputs(dtype, full)
        sets = _parameter_sets(f, dtype)
        by_name = tuple(named(f, values) for values in sets)
        targets = tuple(_core.targets())
        allowed = (None,) * 4 if f._facts.is_exact else (*limits(f, dtype, sets[0]), None, None)
        rows = [
            Row(f.name, what, dtype, inputs.size, by_name, targets, limit)
            for what, limit in zip(WHAT, allowed, strict=True)
        ]
        self.rows += rows
        for start in range(0, inputs.blocks, SHARE):
            blocks = range(start, min(start + SHARE, inputs.blocks))
            self._shares.append((Share(f, inputs, sets, blocks), rows))

    def run(self, processes: int = 1) -> Iterator[int]:
        """Compare everything; yields how many steps were taken, which add up to `size`."""
        shares = [share for share, _ in self._shares]
        results = in_processes(processes, shares) if processes > 1 else map(check, shares)
        for (share, rows), found in zip(self._shares, results, strict=True):
            for row, differences in zip(rows, found, strict=True):
                row.differences.add(differences)
            yield share.size


def _inputs(dtype: str, full: bool) -> Inputs | Drawn:
    if dtype == "float64":
        return Drawn()
    return every(dtype) if full or dtype in HALVES else sample()


def _parameter_sets(f: Activation, dtype: str) -> tuple[Parameters, ...]:
    known = f.parameters.values()
    default = tuple(p.default for p in known)
    if dtype == "float32":
        return (default,)
    others = product(*(p.tried or OTHERS for p in known))
    return (default, *(values for values in others if values != default))
