"""Counts of tensors on other devices, by PyTorch's own operations; nothing waits for the device."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from halfwave.health.counts import Counts, History, Part
from halfwave.health.torch.origins import Origin


class DeviceCounts:
    """What `Counts` has, as tensors on the device where the outputs are.

    Sums are of float64 where the device has that.
    """

    def __init__(self, units: int, device: torch.device) -> None:
        self.samples = self.values = 0
        self._wide = torch.float32 if device.type == "mps" else torch.float64
        self.fired, self.nonfinite = (
            torch.zeros(units, dtype=torch.int64, device=device) for _ in range(2)
        )
        self.total, self.magnitude = (
            torch.zeros(units, dtype=self._wide, device=device) for _ in range(2)
        )
        self.low = torch.full((units,), torch.inf, dtype=self._wide, device=device)
        self.high = -self.low

    def count(self, h: Tensor, origin: Origin, threshold: float) -> None:
        """Count the outputs that this tensor holds."""
        h = _by_role(h, origin)
        self.samples += h.shape[0]
        self.values += h.shape[0] * h.shape[2]
        self.fired += (h > threshold).any(2).sum(0)
        finite = torch.isfinite(h)
        self.nonfinite += (~finite).sum((0, 2))
        zeroed = torch.where(finite, h, 0)
        self.total += zeroed.sum((0, 2), dtype=self._wide)
        self.magnitude += zeroed.abs().sum((0, 2), dtype=self._wide)
        low = torch.where(finite, h, torch.inf).amin((0, 2)).to(self._wide)
        high = torch.where(finite, h, -torch.inf).amax((0, 2)).to(self._wide)
        self.low = torch.minimum(self.low, low)
        self.high = torch.maximum(self.high, high)

    def here(self) -> Counts:
        """The counts in this process's own memory: this waits for the device."""
        ints = [t.cpu().numpy().copy() for t in (self.fired, self.nonfinite)]
        sums = (self.total, self.magnitude, self.low, self.high)
        return Counts(self.samples, self.values, *ints, *(t.cpu().double().numpy() for t in sums))


def fired_there(h: Tensor, origin: Origin, threshold: float) -> Tensor:
    """On how many samples each unit is above the threshold at any position."""
    return (_by_role(h, origin) > threshold).any(2).sum(0)


def _by_role(h: Tensor, origin: Origin) -> Tensor:
    """The tensor with three axes: samples, units, and the positions of a unit within a sample."""
    h = h.detach()
    axes = origin.sample_axes(h.ndim)
    samples = [a for a in range(h.ndim) if a != origin.axis and a in axes]
    positions = [a for a in range(h.ndim) if a != origin.axis and a not in axes]
    h = h.permute(*samples, origin.axis, *positions)
    at = len(samples)
    h = h.unflatten(at, (-1, origin.units, origin.inner))
    if origin.axis in axes:
        at += 1  # what others were flattened into the axis with are samples, too
    else:
        h = h.movedim(at + 1, at)
    return h.reshape(prod(h.shape[:at]), origin.units, prod(h.shape[at + 1 :]))


def here(part: Any) -> Part:
    """A part that was counted on a device, in this process's own memory, the last window ended."""
    counts = part.counts.here()
    by_then = [fired.cpu().numpy() for fired in part.history.fired_by_then]
    history = History(list(part.history.ends), by_then, part.history.width)
    history.end(counts.samples, counts.fired)
    return Part(counts, history, part.fixed)
