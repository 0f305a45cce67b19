"""Which axes of an array are samples, units and positions, as the engine's reduction takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

Dimension = tuple[int, int]
"""A size, and the distance of neighbours in bytes."""


@dataclass(frozen=True)
class Layout:
    """Where in memory an array's samples, units, and the positions of a unit within a sample are."""

    samples: tuple[Dimension, ...]
    units: Dimension
    positions: tuple[Dimension, ...]

    @cached_property
    def sample_count(self) -> int:
        """How many samples the array holds."""
        return prod(size for size, _ in self.samples)

    @cached_property
    def values_per_unit(self) -> int:
        """How many values of each unit the array holds: samples times positions."""
        return self.sample_count * prod(size for size, _ in self.positions)


@lru_cache(maxsize=4096)
def layout(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    axis: int,
    sample_axes: tuple[int, ...],
    units: int | None = None,
    inner: int = 1,
) -> Layout:
    """The layout of an array whose units lie along `axis`.

    Parameters
    ----------
    shape, strides : tuple of int
        Of the array; strides in bytes.
    axis : int
        Where the units are, not negative.
    sample_axes : tuple of int
        The axes each of whose combinations is a sample; the others hold positions.
    units, inner : int, optional
        Where the axis holds more than units, since others were flattened into it: entry i belongs
        to unit ``i // inner % units``. After channels-first images `inner` is their height times
        width, after channels-last ones it is 1.

    Examples
    --------
    Two samples of 3 channels of 4 × 4 float32 images, flattened:

    >>> layout((2, 48), (192, 4), axis=1, sample_axes=(0,), units=3, inner=16)
    Layout(samples=((2, 192),), units=(3, 64), positions=((16, 4),))
    """
    step = strides[axis]
    units = shape[axis] if units is None else units
    outer = shape[axis] // (units * inner) if units * inner else 1
    samples = [(shape[a], strides[a]) for a in range(len(shape)) if a != axis and a in sample_axes]
    positions = [
        (shape[a], strides[a]) for a in range(len(shape)) if a != axis and a not in sample_axes
    ]
    (samples if axis in sample_axes else positions).append((outer, step * units * inner))
    positions.append((inner, step))
    return Layout(_joined(samples), (units, step * inner), _joined(positions))


def _joined(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The same elements in as few dimensions as possible, the longest strides first."""
    joined: list[Dimension] = []
    for size, stride in sorted(dimensions, key=lambda d: -abs(d[1])):
        if size == 1:
            continue
        if joined and joined[-1][1] == size * stride:
            joined[-1] = joined[-1][0] * size, stride
        else:
            joined.append((size, stride))
    return tuple(joined)
