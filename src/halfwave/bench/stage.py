"""Where contenders that are expressions are let in and timed."""

from __future__ import annotations

import re
from importlib import import_module
from timeit import Timer
from typing import Any

import numpy as np
from numpy.typing import NDArray

import halfwave
from halfwave.bench.contests import LIBRARIES, NUMBER, Role, libraries

ARRAYS = {"x": 0, "g": 1, "y": 2}
"""The arrays that an expression may name, and the seeds of their numbers."""

X = -1.5
"""The one float."""

TAIL = 1e-6
"""How far a smooth function may be off, since most of the others lose the digits of its tail."""

# How a library makes an array in its own memory from one of NumPy's.
_OWN = {"torch": "torch.tensor", "jax": "jax.numpy.array"}


class Stage:
    """One contest: its arrays, and the contenders that were let in."""

    def __init__(self, activation: str, operation: str, role: Role, size: int) -> None:
        self._activation = halfwave.activations[activation]
        self._is_number = operation == NUMBER
        self._role = role
        self._size = size
        self._arrays: dict[tuple[str, str], Any] = {}
        self._timers: dict[str, Timer] = {}
        self._namespaces: list[dict[str, Any]] = []

    def admit(self, text: str, copies: bool) -> str | None:
        """Let a contender in if it computes what it should; else say what it does."""
        setup, _, call = text.rpartition("; ")
        try:
            names = self._names(text)
            self._namespaces.append(names)
            exec(setup, names)  # noqa: S102  the text is that of an activation's own facts
            result = eval(call, names)
        except Exception as error:  # noqa: BLE001  another library's, of any kind
            return f"{type(error).__name__}: {error}".partition("\n")[0]
        fault = None if copies else self._fault(result, names)
        if fault is None:
            self._timers[text] = Timer(call, globals=names)
        return fault

    def seconds(self, text: str, repetitions: int) -> float:
        """How long so many calls take."""
        return self._timers[text].timeit(repetitions)

    def close(self) -> None:
        """Let go of the arrays, even where numba keeps what it has compiled and its globals."""
        for names in self._namespaces:
            names.clear()

    def _names(self, text: str) -> dict[str, Any]:
        """What the names in an expression mean; arrays are those of the library that it names."""
        used = libraries(text)
        library = next(filter(_OWN.__contains__, used), "np")
        return {
            "hw": halfwave,
            **{name: import_module(LIBRARIES[name]) for name in used},
            **{p.name: p.default for p in self._activation.parameters.values()},
            **{a: self._array(library, a) for a in ARRAYS if re.search(rf"\b{a}\b", text)},
        }

    def _array(self, library: str, name: str) -> Any:
        if self._is_number:
            return X
        if (library, name) not in self._arrays:
            array = self._numbers(name)
            module, _, function = _OWN.get(library, "numpy.asarray").rpartition(".")
            self._arrays[library, name] = getattr(import_module(module), function)(array)
        return self._arrays[library, name]

    def _numbers(self, name: str) -> NDArray[np.float32]:
        return np.resize(_numbers(name), self._size)

    def _fault(self, result: Any, names: dict[str, Any]) -> str | None:
        """What is wrong with a result, of which a thousand elements are looked at."""
        dx_or_value = result[0] if isinstance(result, tuple) else result  # then the parameters'
        found = np.asarray(dx_or_value)
        indices = np.arange(0, self._size, max(1, self._size // 1000))
        x, g = (_numbers(a)[indices % _numbers(a).size] for a in ("x", "g"))
        if self._is_number:
            x, found = np.array([X]), found.reshape(1)
        if (found.shape, found.dtype) != ((self._size,), x.dtype):
            return f"gives {found.dtype} of shape {found.shape}"
        atol = TAIL if self._activation._facts.is_smooth else 0
        right = np.allclose(found[indices], self._expected(x, g), rtol=1e-6, atol=atol)
        return None if right else "gives other values"

    def _expected(self, x: NDArray[Any], g: NDArray[Any]) -> Any:
        """What the portable expression gives, a smooth one in double precision."""
        facts = self._activation._facts
        if facts.is_smooth:
            x = x.astype(np.float64)
        parameters = [x.dtype.type(p.default) for p in facts.parameters]
        if self._role == "value":
            return facts.value(np, x, *parameters)
        slopes = facts.derivative(np, x, *parameters)
        return slopes if self._role == "derivative" else g * slopes


class Outputs(Stage):
    """Outputs of ReLU in so many rows: how many of each unit's are above 0 is counted."""

    def __init__(self, rows: int, units: int) -> None:
        super().__init__("relu", "fired", "value", rows * units)
        self._shape = rows, units

    def _names(self, text: str) -> dict[str, Any]:
        return {"health": import_module("halfwave.health"), **super()._names(text)}

    def _numbers(self, name: str) -> NDArray[np.float32]:
        return np.maximum(super()._numbers(name), 0).reshape(self._shape)

    def _fault(self, result: Any, names: dict[str, Any]) -> str | None:
        """What is wrong with a count: that of halfwave's is in its `stats`."""
        found = names["stats"].layer("x").fired if "stats" in names else np.asarray(result)
        right = np.array_equal(found, np.count_nonzero(self._array("np", "x"), axis=0))
        return None if right else "counts something else"


def _numbers(name: str) -> NDArray[np.float32]:
    """Normally distributed, both signs in no order; larger arrays repeat them."""
    return np.random.default_rng(ARRAYS[name]).standard_normal(2**16, dtype=np.float32)
