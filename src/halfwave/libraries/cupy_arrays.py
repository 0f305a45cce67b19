"""CuPy arrays: the functions of the standard, on the device in use.

Nothing imports this module before the user has imported cupy.
"""

from __future__ import annotations

from typing import Any

import cupy

from halfwave.libraries.array_api import Library


class CupyLibrary(Library):
    """Computes CuPy arrays, which have no `__array_namespace__` of their own."""

    def __init__(self) -> None:
        super().__init__(cupy)

    def owns(self, a: Any) -> bool:
        return isinstance(a, cupy.ndarray)

    def as_array(self, value: Any, dtype: Any, like: Any) -> Any:
        with like.device:
            return cupy.asarray(value, dtype=dtype)


LIBRARY = CupyLibrary()
