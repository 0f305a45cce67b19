"""A function applied to a .npy file of any size, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from halfwave.activation import Operation
from halfwave.cli.errors import Misuse

BLOCK = 1 << 20
"""Elements that are mapped and computed at a time."""


@dataclass(frozen=True)
class Array:
    """An array in a .npy file, of which only the header has been read."""

    path: Path
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    offset: int

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The elements in the order of the file; each block is mapped when it is asked for."""
        for start in range(0, self.size, BLOCK):
            yield np.asarray(
                np.memmap(
                    self.path,
                    self.dtype,
                    mode="r",
                    offset=self.offset + start * self.dtype.itemsize,
                    shape=(min(BLOCK, self.size - start),),
                )
            )


def open_array(path: Path) -> Array:
    """Read the header of a .npy file.

    Raises
    ------
    Misuse
        If it cannot be read, is not a .npy file, is cut short, or holds Python objects.
    """
    if path.is_dir():
        raise Misuse(f"{path} is a directory; name a .npy file")
    if path.exists() and not path.is_file():
        raise Misuse(f"{path} is not a regular file, so it cannot be mapped; save it as one")
    try:
        with open(path, "rb") as file:
            array = Array(path, *_header(file), file.tell())
            missing = array.offset + array.size * array.dtype.itemsize - file.seek(0, 2)
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror}; check the name") from error
    except ValueError as error:
        raise Misuse(f"{path} is not a .npy file; write it with numpy.save") from error
    if array.dtype.hasobject:
        raise Misuse(f"{path} holds pickled Python objects; save it with a numeric dtype")
    if missing > 0:
        raise Misuse(f"{path} is cut short: {missing} bytes are missing; write it again")
    return array


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    # Version 3.0 is for structured dtypes whose field names are not Latin-1.
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)
    if version not in read:
        raise ValueError(f"version {version}")
    shape, fortran_order, dtype = read[version](file)
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {shape}")
    return shape, fortran_order, dtype


def result_dtype(
    operation: Operation, array: Array, parameters: Mapping[str, Any]
) -> np.dtype[Any]:
    """The dtype that the operation gives.

    Raises
    ------
    Misuse
        If it does not take the array's.
    """
    try:
        dtype: np.dtype[Any] = operation(np.empty(0, array.dtype), **parameters).dtype
    except TypeError as error:
        raise Misuse(f"{array.path}: {error}") from error
    return dtype


def apply(
    operation: Operation, array: Array, parameters: Mapping[str, Any], file: BinaryIO
) -> Iterator[int]:
    """Write the result as a .npy file of the same shape and memory order.

    Yields how many elements each block had, when it is written.
    """
    dtype = result_dtype(operation, array, parameters)
    header = {
        "descr": npy.dtype_to_descr(dtype),
        "fortran_order": array.fortran_order,
        "shape": array.shape,
    }
    npy.write_array_header_1_0(file, header)
    result = np.empty(min(BLOCK, array.size), dtype)
    for block in array.blocks():
        part = result[: block.size]
        operation(block, **parameters, out=part)
        file.write(part.view(np.uint8).data)
        yield block.size
