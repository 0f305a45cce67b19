"""What is counted of each unit, and when it fired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from halfwave import _core
from halfwave.health.layout import Layout
from halfwave.health.rectifier import rounded

MOST_WINDOWS = 64
"""A history that reaches so many windows joins them in pairs."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Counts:
    """One pass over a layer's outputs: what there is per unit.

    ``samples`` and ``values`` are the same for all units: a unit of a convolution has a value at each
    position of a sample. ``nonfinite`` counts NaN and infinity, and they are in none of the four that
    follow: ``total`` is the sum of the values and ``magnitude`` that of their sizes; ``low`` and
    ``high`` are inf and -inf where there are none. Infinity is above every floor, and so it fires.
    """

    samples: int
    values: int
    fired: Ints
    nonfinite: Ints
    total: Floats
    magnitude: Floats
    low: Floats
    high: Floats

    @classmethod
    def none(cls, units: int) -> Self:
        """Before the first sample."""
        fired, nonfinite = (np.zeros(units, np.int64) for _ in range(2))
        total, magnitude = (np.zeros(units) for _ in range(2))
        low, high = np.full(units, np.inf), np.full(units, -np.inf)
        return cls(0, 0, fired, nonfinite, total, magnitude, low, high)

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.fired)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What there is per unit, in the order in which the engine takes it."""
        return self.fired, self.nonfinite, self.total, self.magnitude, self.low, self.high

    def count(self, letter: str, address: int, layout: Layout, threshold: float) -> None:
        """Count what lies in memory: one call of the engine."""
        _core.tally(
            *(letter, address, layout.samples, layout.units, layout.positions),
            rounded(threshold, letter),
            *self.arrays,
        )
        self.samples += layout.sample_count
        self.values += layout.values_per_unit

    def add(self, other: Counts) -> None:
        """Count what the other has counted."""
        self.samples += other.samples
        self.values += other.values
        for ours, theirs in zip(self.arrays[:4], other.arrays[:4], strict=True):
            ours += theirs
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)

    def copy(self) -> Self:
        """The same counts, which change no more."""
        return type(self)(self.samples, self.values, *(a.copy() for a in self.arrays))


@dataclass
class History:
    """On how many samples each unit had fired by then, at the ends of windows of samples.

    A window ends with the batch in which it has as many samples as it should; when there are too
    many windows, neighbours are joined to windows of twice the mean length.
    """

    ends: list[int] = field(default_factory=list)
    fired_by_then: list[Any] = field(default_factory=list)
    width: float = 1

    def note(self, samples: int, fired: Any) -> None:
        """End the window if so many samples are enough; `fired` is an array that can be copied."""
        if samples - (self.ends[-1] if self.ends else 0) < self.width:
            return
        self.end(samples, fired)

    def end(self, samples: int, fired: Any) -> None:
        """End the window here, unless it is empty."""
        if samples == (self.ends[-1] if self.ends else 0):
            return
        self.ends.append(samples)
        self.fired_by_then.append(fired.clone() if hasattr(fired, "clone") else fired.copy())
        if len(self.ends) == MOST_WINDOWS:
            # Not rounded: processes that share each batch then end their windows with it.
            self._lengthen(2 * samples / MOST_WINDOWS)

    def _lengthen(self, width: float) -> None:
        """Join windows that are shorter; the last one ends where it did."""
        by_then = dict(zip(self.ends, self.fired_by_then, strict=True))
        ends = [0]
        for end in self.ends:
            if end - ends[-1] >= width or end == self.ends[-1]:
                ends.append(end)
        self.width, self.ends = width, ends[1:]
        self.fired_by_then = [by_then[end] for end in self.ends]

    @property
    def samples(self) -> Ints:
        """How many samples each window has."""
        ends = np.array([0, *self.ends], np.int64)
        return ends[1:] - ends[:-1]

    @property
    def fired(self) -> Ints:
        """On how many samples of each window each unit fired: (windows, units)."""
        if not self.ends:
            return np.zeros((0, 0), np.int64)
        by_then = np.stack([np.zeros_like(self.fired_by_then[0]), *self.fired_by_then])
        return np.diff(by_then, axis=0)

    def followed_by(self, other: History) -> History:
        """One history after the other, in windows of the longer of their widths."""
        joined = History(width=max(self.width, other.width))
        samples, by_then = 0, np.zeros(0, np.int64)
        for more, fired in (*self._windows(), *other._windows()):
            samples, by_then = samples + more, by_then + fired if samples else fired
            joined.note(samples, by_then)
        joined.end(samples, by_then)
        return joined

    def beside(self, other: History) -> History:
        """Two histories of the same time, as several processes have them."""
        if self.width != other.width and self.ends and other.ends:
            return self._beside_by_share(other)
        # They ended their windows together, until one of them had no more samples.
        joined = History(width=self.width)
        ours, theirs = list(self._windows()), list(other._windows())
        both = min(len(ours), len(theirs))
        for (a, fired_a), (b, fired_b) in zip(ours[:both], theirs[:both], strict=True):
            joined._append(a + b, fired_a + fired_b)
        for samples, fired in (*ours[both:], *theirs[both:]):
            joined._append(samples, fired)
        return joined

    def _beside_by_share(self, other: History) -> History:
        """At each end of the fewer windows, the end of the others with most nearly the same share."""
        few, many = sorted((self, other), key=lambda history: len(history.ends))
        joined = History(width=few.width)
        shares = np.array(many.ends) / many.ends[-1]
        for end, fired in zip(few.ends, few.fired_by_then, strict=True):
            same = int(np.abs(shares - end / few.ends[-1]).argmin())
            joined.end(end + many.ends[same], fired + many.fired_by_then[same])
        return joined

    def _windows(self) -> Any:
        return zip(self.samples.tolist(), self.fired, strict=True)

    def _append(self, samples: int, fired: Ints) -> None:
        last, by_then = (self.ends[-1], self.fired_by_then[-1]) if self.ends else (0, 0)
        self.end(last + samples, by_then + fired)


@dataclass
class Part:
    """The samples of one mode, training or evaluation: their counts and their history.

    ``fixed``: the weights were the same at all of them, and no sample is known to repeat.
    """

    counts: Counts
    history: History
    fixed: bool

    def merged(self, other: Part, *, parallel: bool, moved: bool = False) -> Part:
        """Both; `parallel`: seen at the same time; `moved`: the weights may have, in between."""
        counts = self.counts.copy()
        counts.add(other.counts)
        join = self.history.beside if parallel else self.history.followed_by
        return Part(counts, join(other.history), self.fixed and other.fixed and not moved)
