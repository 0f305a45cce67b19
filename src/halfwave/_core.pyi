from collections.abc import Callable as Function
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

class Callable:
    ufunc: np.ufunc
    keeps_integers: bool
    keeps_bits: bool
    def __new__(
        cls, name: str, is_derivative: bool, names: tuple[str, ...], defaults: tuple[float, ...], /
    ) -> Self: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

def names() -> list[str]: ...
def targets() -> list[str]: ...
def target() -> str: ...
def use_target(name: str, /) -> None: ...
def record(
    name: str, x: NDArray[Any], parameters: tuple[NDArray[Any], ...], /
) -> tuple[NDArray[Any], NDArray[np.uint8]]: ...
def apply(
    name: str, bits: NDArray[np.uint8], g: NDArray[Any], parameters: tuple[NDArray[Any], ...], /
) -> NDArray[Any]: ...
def compute_at(
    name: str,
    op: str,
    dtype: str,
    n: int,
    addresses: tuple[int, ...],
    parameters: tuple[float, ...],
    /,
) -> None: ...
def tally(
    dtype: str,
    address: int,
    samples: tuple[tuple[int, int], ...],
    units: tuple[int, int],
    positions: tuple[tuple[int, int], ...],
    floor: float,
    fired: NDArray[np.int64],
    nonfinite: NDArray[np.int64],
    total: NDArray[np.float64],
    magnitude: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    /,
) -> None: ...
def gate_bytes(n: int, /) -> int: ...
def recycle_results(bytes: int, /) -> int: ...
def recycled_bytes() -> int: ...
def max_threads() -> int: ...

ways: dict[type, Function[..., Any]]

def __getattr__(name: str) -> np.ufunc: ...
