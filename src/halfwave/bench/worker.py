"""The process that contenders run in: each line that it reads is a request in JSON.

It is a process of its own because libraries read how many threads they may have when they are
loaded, and because some of what is measured changes the process for good.
"""

from __future__ import annotations

import json
import os
import re
import sys
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
        fault = None if copies else self._fault(result)
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
            array = np.resize(_numbers(name), self._size)
            module, _, function = _OWN.get(library, "numpy.asarray").rpartition(".")
            self._arrays[library, name] = getattr(import_module(module), function)(array)
        return self._arrays[library, name]

    def _fault(self, result: Any) -> str | None:
        """What is wrong with a result, of which a thousand elements are looked at."""
        found = np.asarray(result)
        indices = np.arange(0, self._size, max(1, self._size // 1000))
        x, g = (_numbers(a)[indices % _numbers(a).size] for a in ("x", "g"))
        if self._is_number:
            x, found = np.array([X]), found.reshape(1)
        if (found.shape, found.dtype) != ((self._size,), x.dtype):
            return f"gives {found.dtype} of shape {found.shape}"
        right = np.allclose(found[indices], self._expected(x, g), rtol=1e-6, atol=0)
        return None if right else "gives other values"

    def _expected(self, x: NDArray[Any], g: NDArray[Any]) -> Any:
        """What the portable expression gives."""
        facts = self._activation._facts
        parameters = [x.dtype.type(p.default) for p in facts.parameters]
        if self._role == "value":
            return facts.value(np, x, *parameters)
        slopes = facts.derivative(np, x, *parameters)
        return slopes if self._role == "derivative" else g * slopes


def _numbers(name: str) -> NDArray[np.float32]:
    """Normally distributed, both signs in no order; larger arrays repeat them."""
    return np.random.default_rng(ARRAYS[name]).standard_normal(2**16, dtype=np.float32)


def serve() -> None:
    """Answer every request: a new stage, or a method of the present one."""
    # What a library prints must not stand between the answers.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        stage: Any = None
        for line in sys.stdin:
            method, *arguments = json.loads(line)
            if method == "open":
                if stage:
                    stage.close()
                stage, answer = Stage(*arguments), None
            else:
                answer = getattr(stage, method)(*arguments)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
