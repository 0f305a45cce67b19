"""The numbers that are tried, block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("float16", "bfloat16", "float32")
"""Those whose inputs can all be tried."""

LOW = 16
"""Bits that count within a block: few enough for the cache, enough for the calls not to matter."""

BLOCK = 1 << LOW

DRAWN = 1 << 8
"""Numbers in a block of float64: a definition takes as long as a thousand results."""


@dataclass(frozen=True)
class Inputs:
    """Numbers of a dtype, in blocks: their high bits tell the block, their low bits are its own."""

    dtype: str
    blocks: int
    shift: int
    low: Callable[[], NDArray[np.uint32]]
    """A function, sent to a process by its name: where the process dies, numbers would clog the pipe."""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.blocks * self.low().size

    def block(self, number: int) -> NDArray[Any]:
        """One of the blocks."""
        dtype = _dtype(self.dtype)
        bits = np.uint32(number << self.shift) | self.low()
        return bits.astype(f"u{dtype.itemsize}", copy=False).view(dtype)


@dataclass(frozen=True)
class Drawn:
    """float64 numbers at random, in blocks: what a definition in mpmath is tried at."""

    dtype: str = "float64"
    blocks: int = 16

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.blocks * DRAWN

    def block(self, number: int) -> NDArray[Any]:
        """One of the blocks: numbers of every size that mpmath takes, most where functions bend."""
        rng = np.random.default_rng(number)
        signs = rng.choice([-1.0, 1.0], DRAWN)
        bent, far, any_size = np.split(signs, [DRAWN // 2, 3 * DRAWN // 4])
        bent = bent * rng.exponential(3.0, bent.size)
        far = far * np.exp2(rng.uniform(-30.0, 10.0, far.size))
        any_size = any_size * np.exp2(rng.uniform(-1074.0, 500.0, any_size.size))
        return np.concatenate([bent, far, any_size])


def every(dtype: str) -> Inputs:
    """All numbers that a dtype has, in the order of their bits."""
    bits = 8 * _dtype(dtype).itemsize
    return Inputs(dtype, 2 ** (bits - LOW), LOW, _consecutive)


def sample() -> Inputs:
    """Every sign and exponent of float32, each with the same significands: a block for each."""
    return Inputs("float32", 2**9, 23, _significands)


@cache
def _consecutive() -> NDArray[np.uint32]:
    return np.arange(BLOCK, dtype=np.uint32)


@cache
def _significands() -> NDArray[np.uint32]:
    """Those next to the ends and to the middle, and as many others at random."""
    near = np.arange(-4096, 4096)
    others = np.random.default_rng(0).integers(0, 2**23, 2 * near.size)
    return np.unique(np.concatenate([near, 2**22 + near, others]) % 2**23).astype(np.uint32)


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
