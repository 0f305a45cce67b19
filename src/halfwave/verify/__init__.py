"""Every input, on every instruction set, against the activation's formula in NumPy.

The inputs are taken block by block, so that what is computed of a block is compared while it is in
the cache; runs of blocks are shared out to processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from halfwave import _core
from halfwave.activation import Activation
from halfwave.verify.inputs import BLOCK, DTYPES, every, is_known, sample
from halfwave.verify.processes import in_processes
from halfwave.verify.reference import HALVES, WHAT, Parameters, differing, rounded
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
    "is_known",
    "rounded",
    "sample",
]

OTHERS = (0.0, -0.0, 0.5, -0.3, 1.7, float("inf"))
"""What the halves are verified with besides the defaults, for every parameter."""


@dataclass
class Row:
    """What was found of one result of an activation at one dtype."""

    activation: str
    what: str
    dtype: str
    inputs: int
    parameters: tuple[dict[str, float], ...]
    targets: tuple[str, ...]
    differences: Differences = field(default_factory=Differences)

    @property
    def verdict(self) -> str:
        """'same bits', 'differs', or 'not verified' where NumPy does not know the dtype."""
        if not self.inputs:
            return "not verified"
        return "differs" if self.differences.count else "same bits"


class Verification:
    """A comparison of activations with their reference.

    float16 and bfloat16 are compared at all 65,536 inputs, with several parameters; float32 with
    the default parameters, at a sample of the inputs or at all 2**32.

    Parameters
    ----------
    activations : iterable of Activation
        Each is asked for its value, its derivative and its vjp.
    dtypes : sequence of str, default all three
        Of "float16", "bfloat16" and "float32".
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
        dtypes: Sequence[str] = DTYPES,
        full: bool = False,
    ) -> None:
        self.rows: list[Row] = []
        self._shares: list[tuple[Share, list[Row]]] = []
        for activation, dtype in product(activations, dtypes):
            self._add(activation, dtype, full)
        self.size = sum(share.size for share, _ in self._shares)

    def _add(self, f: Activation, dtype: str, full: bool) -> None:
        if not is_known(dtype):
            self.rows += [Row(f.name, what, dtype, 0, (), ()) for what in WHAT]
            return
        inputs = every(dtype) if full or dtype in HALVES else sample()
        sets = _parameter_sets(f, dtype)
        by_name = tuple(named(f, values) for values in sets)
        targets = tuple(_core.targets())
        rows = [Row(f.name, what, dtype, inputs.size, by_name, targets) for what in WHAT]
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


def _parameter_sets(f: Activation, dtype: str) -> tuple[Parameters, ...]:
    default = tuple(p.default for p in f.parameters.values())
    others = product(OTHERS, repeat=len(default)) if dtype in HALVES else ()
    return (default, *(values for values in others if values != default))
