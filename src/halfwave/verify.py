"""Every input, on every instruction set, against the activation's formula in NumPy.

The inputs are taken block by block, so that what is computed of a block is compared while it is in
the cache. A share is a run of blocks, as much as one process checks in a fraction of a second.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from halfwave import _core
from halfwave.activation import Activation

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Array = NDArray[Any]
Parameters = tuple[float, ...]

DTYPES = ("float16", "bfloat16", "float32")
WHAT = ("value", "derivative", "value of vjp", "pullback")

BLOCK = 1 << 16
"""Inputs computed at a time: few enough for the cache, enough for the calls not to matter."""

SHARE = 1 << 8
"""Blocks in a share."""

OTHERS = (0.0, -0.0, 0.5, -0.3, 1.7, float("inf"))
"""What the halves are verified with besides the defaults, for every parameter."""

SHOWN = 3
"""Counter-examples that are kept of a row."""


# Inputs


@dataclass(frozen=True)
class Inputs:
    """Numbers of a dtype, in blocks."""

    dtype: str

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many numbers there are."""
        raise NotImplementedError

    def block(self, number: int) -> Array:
        """One of the blocks."""
        raise NotImplementedError


class Every(Inputs):
    """All numbers that a dtype has, in the order of their bits."""

    @property
    def blocks(self) -> int:
        return self.size // BLOCK

    @property
    def size(self) -> int:
        return int(2 ** (8 * _dtype(self.dtype).itemsize))

    def block(self, number: int) -> Array:
        dtype = _dtype(self.dtype)
        bits = np.arange(number * BLOCK, (number + 1) * BLOCK, dtype=f"u{dtype.itemsize}")
        return bits.view(dtype)


class Sample(Inputs):
    """Every sign and exponent of float32, each with the same significands: a block for each."""

    @property
    def blocks(self) -> int:
        return 2**9

    @property
    def size(self) -> int:
        return int(self.blocks * _significands().size)

    def block(self, number: int) -> Array:
        return (np.uint32(number << 23) | _significands()).view(self.dtype)


@cache
def _significands() -> NDArray[np.uint32]:
    """Those next to the ends and to the middle, and as many others at random."""
    near = np.arange(-4096, 4096)
    others = np.random.default_rng(0).integers(0, 2**23, 2 * near.size)
    return np.unique(np.concatenate([near, 2**22 + near, others]) % 2**23).astype(np.uint32)


# What is computed, and what it has to be


def _computed(f: Activation, x: Array, parameters: Parameters) -> tuple[Array, ...]:
    """What the engine gives for each of WHAT. The gradient pulled back is x itself."""
    value, pullback = f.vjp(x, *parameters)
    return f(x, *parameters), f.derivative(x, *parameters), value, pullback(x)


def _reference(f: Activation, x: Array, parameters: Parameters) -> tuple[Array, ...]:
    """What the facts give for it: of halves computed in float64, which is exact, and rounded once."""
    exact = np.float64 if x.itemsize == 2 else x.dtype
    argument, *numbers = (np.asarray(a, x.dtype).astype(exact) for a in (x, *parameters))
    value = f._facts.value(np, argument, *numbers)
    slope = f._facts.derivative(np, argument, *numbers)
    # By selection: a slope of 0 lets nothing through, not even an infinite gradient.
    pulled = np.where(slope == 0, np.zeros_like(slope), argument * slope)
    value, slope, pulled = (rounded(a, x.dtype) for a in (value, slope, pulled))
    return value, slope, value, pulled


_HALVES = {"float16": (11, -24), "bfloat16": (8, -133)}
"""Significant bits, and the exponent of the smallest subnormal."""


def rounded(exact: Array, dtype: np.dtype[Any]) -> Array:
    """float64 to a half, to nearest, ties to even; other dtypes as they are.

    NumPy's cast to bfloat16 rounds twice. Here `rint` rounds, and every other step is exact.
    """
    if dtype.name not in _HALVES:
        return exact
    digits, least = _HALVES[dtype.name]
    last_place = np.maximum(np.frexp(exact)[1] - digits, least)
    nearest: Array = np.ldexp(np.rint(np.ldexp(exact, -last_place)), last_place)
    return nearest.astype(dtype)


def differing(got: Array, expected: Array) -> NDArray[np.intp]:
    """Where a bit differs, except between two NaNs."""
    bits = f"u{got.itemsize}"
    wrong = got.view(bits) != expected.view(bits)
    if wrong.any():
        wrong &= ~(np.isnan(got) & np.isnan(expected))
    return np.flatnonzero(wrong)


# Shares


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
    np.empty(1 << 24, np.uint8)  # freed at once: glibc then gives back no block smaller than this
    try:
        with np.errstate(all="ignore"):
            for block in share.blocks:
                x = share.inputs.block(block)
                for parameters in share.parameters:
                    _check_block(share.activation, x, parameters, found)
    finally:
        _core.use_target(before)
    return found


def _check_block(
    f: Activation, x: Array, parameters: Parameters, found: tuple[Differences, ...]
) -> None:
    expected = _reference(f, x, parameters)
    for target in _core.targets():
        _core.use_target(target)
        # Where the best instruction set gives the reference's bits, these are the bits that the
        # others are to give as well: comparing them with the reference names the guilty one.
        results = zip(found, _computed(f, x, parameters), expected, strict=True)
        for differences, got, right in results:
            wrong = differing(got, right)
            first = [
                CounterExample(x[i], _named(f, parameters), got[i], right[i], target)
                for i in wrong[:SHOWN]
            ]
            differences.add(Differences(wrong.size, first))


# All of it


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
        inputs = Every(dtype) if full or dtype in _HALVES else Sample(dtype)
        sets = _parameter_sets(f, dtype)
        named = tuple(_named(f, values) for values in sets)
        targets = tuple(_core.targets())
        rows = [Row(f.name, what, dtype, inputs.size, named, targets) for what in WHAT]
        self.rows += rows
        for start in range(0, inputs.blocks, SHARE):
            blocks = range(start, min(start + SHARE, inputs.blocks))
            self._shares.append((Share(f, inputs, sets, blocks), rows))

    def run(self, processes: int = 1) -> Iterator[int]:
        """Compare everything; yields how many steps were taken, which add up to `size`."""
        shares = [share for share, _ in self._shares]
        results = _in_processes(processes, shares) if processes > 1 else map(check, shares)
        for (share, rows), found in zip(self._shares, results, strict=True):
            for row, differences in zip(rows, found, strict=True):
                row.differences.add(differences)
            yield share.size


def is_known(dtype: str) -> bool:
    """Whether the dtype is installed: bfloat16 comes with ml_dtypes."""
    try:
        _dtype(dtype)
    except ImportError:
        return False
    return True


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes  # noqa: F401  NumPy knows the name from then on
    return np.dtype(name)


def _named(f: Activation, values: Parameters) -> dict[str, float]:
    return dict(zip(f.parameters, values, strict=True))


def _parameter_sets(f: Activation, dtype: str) -> tuple[Parameters, ...]:
    default = tuple(p.default for p in f.parameters.values())
    others = product(OTHERS, repeat=len(default)) if dtype in _HALVES else ()
    return (default, *(values for values in others if values != default))


# Processes, not threads: the instruction set in use is that of the whole process


def processors() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _in_processes(processes: int, shares: Sequence[Share]) -> Iterator[tuple[Differences, ...]]:
    """What `check` finds of each share; the processes take the shares in turn."""
    from multiprocessing import get_context

    context = get_context("spawn")  # a fork would inherit locks that other threads hold
    pipes = [context.Pipe(duplex=False) for _ in range(processes)]
    workers = [
        context.Process(target=_check_each, args=(shares[k::processes], sending), daemon=True)
        for k, (_, sending) in enumerate(pipes)
    ]
    try:
        with _ctrl_c_ignored():
            for worker in workers:
                worker.start()
        for _, sending in pipes:
            sending.close()  # so that the worker's end is the only one, and its death is seen
        for k, share in enumerate(shares):
            yield _received(pipes[k % processes][0], share)
    finally:
        for worker in workers:
            if worker.pid:
                worker.terminate()
                worker.join()


def _check_each(shares: Sequence[Share], results: Connection) -> None:
    for share in shares:
        results.send(check(share))


def _received(results: Connection, share: Share) -> tuple[Differences, ...]:
    try:
        found: tuple[Differences, ...] = results.recv()
    except EOFError:
        what = f"{share.activation.name} at {share.inputs.dtype}, blocks {share.blocks}"
        raise RuntimeError(f"the process that was to check {what} has died") from None
    return found


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Processes that are started meanwhile never heed it: who started them ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
