"""Array libraries beside NumPy: their arrays out of NumPy's, and back again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import pytest

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


@dataclass(frozen=True)
class Library:
    """How a library's arrays are made and read, and which floats it has."""

    name: str
    array: Callable[[np.ndarray], Any]
    numpy: Callable[[Any], np.ndarray]
    floats: list[np.dtype]
    default_float: np.dtype
    flushes: list[np.dtype]
    """The dtypes whose subnormal numbers the library takes for zeros."""

    def visible(self, *arrays):
        """Where no number is one that this library flushes."""
        dtype = arrays[0].dtype
        if dtype not in self.flushes:
            return np.full(arrays[0].shape, True)
        tiny = ml_dtypes.finfo(dtype).tiny
        with np.errstate(all="ignore"):
            return np.logical_not([(a != 0) & (abs(a) < tiny) for a in arrays]).all(axis=0)


def strict():
    xp = pytest.importorskip("array_api_strict")
    floats = list(map(np.dtype, ("f4", "f8")))
    return Library("array_api_strict", xp.asarray, np.asarray, floats, np.dtype("f8"), [])


def jax():
    jax = pytest.importorskip("jax")
    floats, flushes = [np.dtype("f2"), BFLOAT16, np.dtype("f4")], [BFLOAT16, *map(np.dtype, "fd")]
    if jax.config.jax_enable_x64:  # a process of its own, for what others cannot have
        floats = [np.dtype("f8")]
    return Library("jax", jax.numpy.asarray, np.asarray, floats, floats[-1], flushes)


def torch():
    torch = pytest.importorskip("torch")

    def array(a):
        a = np.array(a)
        if a.dtype == BFLOAT16:
            return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(a)

    def numpy(t):
        t = t.detach()
        if t.dtype == torch.bfloat16:
            return t.contiguous().view(torch.int16).numpy().view(BFLOAT16)
        return t.numpy()

    floats = [np.dtype("f2"), BFLOAT16, np.dtype("f4"), np.dtype("f8")]
    return Library("torch", array, numpy, floats, np.dtype("f4"), [])


LIBRARIES = {"array_api_strict": strict, "jax": jax, "torch": torch}
