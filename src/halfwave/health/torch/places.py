"""The places in a model where a rectifier stands: what was counted there, and the evidence beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from halfwave.health.counts import Counts, History, Part
from halfwave.health.layer import EVALUATION, TRAINING, LayerReport
from halfwave.health.layout import Layout, layout
from halfwave.health.rectifier import Rectifier
from halfwave.health.stats import Stats
from halfwave.health.torch.counts import DeviceCounts, fired_there, here
from halfwave.health.torch.origins import Origin
from halfwave.health.torch.producers import Producer, verdict

_LETTERS = {torch.float16: "e", torch.bfloat16: "E", torch.float32: "f", torch.float64: "d"}


@dataclass(frozen=True, eq=False)
class Outgoing:
    """Weights that a later layer applies to the units: along `axis`, laid out as in their origin."""

    weight: nn.Parameter
    axis: int
    units: int
    inner: int

    def is_zero(self) -> Any:
        """Where all weights of a unit are zero."""
        columns = self.weight.detach().movedim(self.axis, 0).flatten(1)
        by_unit = columns.unflatten(0, (-1, self.units, self.inner))
        zero: Any = (by_unit == 0).all(3).all(2).all(0).cpu().numpy()
        return zero


@dataclass(eq=False)
class Place:
    """A rectifier that stands after one layer, or at one place of a module."""

    name: str
    rectifier: Rectifier
    units: int
    sample: str
    producers: list[Producer] = field(default_factory=list)
    is_frozen: bool = True
    leads_elsewhere: bool = False
    outgoing: dict[tuple[int, int], Outgoing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stats = Stats(self.rectifier)
        self._elsewhere: dict[tuple[bool, torch.device], Part] = {}

    # Counting

    def follow(self, producer: Producer) -> None:
        """Note the layer that feeds the place: another one where its parameters were replaced."""
        if all(known is not producer for known in self.producers):
            self.producers.append(producer)

    def before(self, x: Tensor, origin: Origin) -> Any:
        """On how many samples the input fires each unit, which the output does not tell."""
        if not _is_read_here(x):
            return fired_there(x, origin, self.rectifier.threshold)
        counts = Counts.none(self.units)
        _count_here(counts, x, origin, self.rectifier.threshold)
        return counts.fired

    def count(self, h: Tensor, origin: Origin, fired: Any, *, training: bool) -> Any:
        """Count the outputs; `fired` is what the input told. Returns the part they were counted in."""
        threshold = self.rectifier.threshold if fired is None else torch.inf
        if _is_read_here(h):
            part: Any = self._stats.part(self.units, training=training)
            _count_here(part.counts, h, origin, threshold)
        else:
            part = self._part_on(h.device, training=training)
            part.counts.count(h, origin, threshold)
        if fired is not None:
            part.counts.fired += fired
        part.history.note(part.counts.samples, part.counts.fired)
        if self.is_frozen:
            self.is_frozen = bool(self.producers) and self.producers[-1].is_frozen
        return part

    def _part_on(self, device: torch.device, *, training: bool) -> Any:
        key = training, device
        if key not in self._elsewhere:
            counts: Any = DeviceCounts(self.units, device)
            self._elsewhere[key] = Part(counts, History(), fixed=not training)
        return self._elsewhere[key]

    # What came of it

    @property
    def is_counted(self) -> bool:
        """Whether anything was: an error may come before the first sample."""
        return bool(self._elsewhere or self._stats.finished())

    def layer(self) -> LayerReport:
        """The report of this place; this waits for the devices where something was counted."""
        parts = self._stats.finished()
        for (training, _), part in self._elsewhere.items():
            mode, there = (TRAINING if training else EVALUATION), here(part)
            known = parts.get(mode)
            parts[mode] = known.merged(there, parallel=False, moved=False) if known else there
        updated, because = verdict(self.producers)
        return LayerReport(
            name=self.name,
            rectifier=self.rectifier,
            sample=self.sample,
            parts=parts,
            steps=sum(producer.steps for producer in self.producers),
            updated=updated,
            not_updated_because=because,
            frozen=np.full(self.units, self.is_frozen),
            outgoing_zero=self._outgoing_zero(),
            shift=self.producers[-1].shift() if self.producers else None,
        )

    def _outgoing_zero(self) -> Any:
        """Where the weights that lead out are zero, all of which have to be known."""
        zero = [outgoing.is_zero() for outgoing in self.outgoing.values()]
        if self.leads_elsewhere or not zero:
            return np.zeros(self.units, bool)
        return np.logical_and.reduce(zero)


def _is_read_here(h: Tensor) -> bool:
    """Whether the engine reads this tensor's memory."""
    return h.is_cpu and h.dtype in _LETTERS


def _count_here(counts: Counts, h: Tensor, origin: Origin, threshold: float) -> None:
    if h.is_neg():  # a view that changes the sign of what it reads
        h = h.resolve_neg()
    size, axes = h.element_size(), origin.samples
    where = _layout(h.shape, h.stride(), size, origin.axis, axes, origin.units, origin.inner)
    counts.count(_LETTERS[h.dtype], h.data_ptr(), where, threshold)


@lru_cache(maxsize=4096)
def _layout(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    size: int,
    axis: int,
    samples: tuple[int, ...] | None,
    units: int,
    inner: int,
) -> Layout:
    """The layout of a tensor, whose strides are in elements of so many bytes."""
    in_bytes = tuple(size * stride for stride in strides)
    sample_axes = Origin(axis, units, samples=samples).sample_axes(len(shape))
    return layout(tuple(shape), in_bytes, axis, sample_axes, units, inner)
