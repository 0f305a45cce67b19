"""Where a rectifier stands: under which name it is counted, along which axis, or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import _C, Tensor, nn

from halfwave.health.rectifier import Rectifier
from halfwave.health.torch.origins import Origin
from halfwave.health.torch.places import Place

NO_LAYER = (
    "its input comes from no layer that is known, so neither is the axis of its units; name it: "
    "axes={{{name!r}: axis}}"
)


class Sites:
    """The places of a model that have been met, and the rectifiers that cannot be counted.

    ``axes`` are those that the user named.
    """

    def __init__(self, axes: Mapping[str, int]) -> None:
        self.places: dict[str, Place] = {}
        self.not_seen: dict[str, str] = {}
        self._axes = axes

    def at(
        self, name: str, rectifier: Rectifier, x: Tensor, origin: Origin | None
    ) -> tuple[Any, Place | None]:
        """The units that a rectifier of x gives, and where to count them; None if that cannot be."""
        origin, reason = self._located(name, x, origin)
        if origin is not None and reason is None:
            place = self.places.get(name) or _new_place(name, rectifier, x, origin)
            reason = _difference(place, rectifier, origin)
            if reason is None:
                self.places[name] = place
                if origin.producer is not None:
                    place.follow(origin.producer)
                return origin.through(place), place
        self.not_seen.setdefault(name, f"{rectifier.kind}: {reason}")
        return origin, None

    def _located(
        self, name: str, x: Tensor, origin: Origin | None
    ) -> tuple[Origin | None, str | None]:
        """Which units the input of a rectifier holds, or why nothing can be counted."""
        reason = unreadable(x)
        if reason:
            return None, reason
        if origin is not None and not origin.lost:
            if self._axes.get(name, origin.axis) % x.ndim != origin.axis:
                return (
                    origin,
                    f"axes names axis {self._axes[name]}, and its units are along {origin.axis}",
                )
            return origin, None
        if name in self._axes:
            return self._named(name, x)
        if origin is None:
            return None, NO_LAYER.format(name=name)
        return origin, f"{origin.lost}; name one: axes={{{name!r}: axis}}"

    def _named(self, name: str, x: Tensor) -> tuple[Origin | None, str | None]:
        """The units along the axis that the user named."""
        axis = self._axes[name]
        if not -x.ndim <= axis < x.ndim:
            return None, f"axes names axis {axis}, and its input has shape {tuple(x.shape)}"
        axis %= x.ndim
        return Origin(axis, x.shape[axis], samples=None if axis == x.ndim - 1 else (0,)), None


def unreadable(x: Tensor) -> str | None:
    """Why a tensor's elements cannot be read."""
    if type(x) not in (Tensor, nn.Parameter):
        return f"a tensor of type {type(x).__name__}, whose elements are not all here"
    if _C._are_functorch_transforms_active():
        return "it runs inside a transform of torch.func, where one tensor stands for many"
    if x.is_quantized:
        return f"a tensor of dtype {x.dtype}, whose elements stand for other numbers"
    if x.layout is not torch.strided or x.is_nested or x.is_meta:
        return "a tensor that is sparse, nested or without memory"
    return None


def _new_place(name: str, rectifier: Rectifier, x: Tensor, origin: Origin) -> Place:
    by_position = origin.samples is None and x.ndim > 2
    return Place(name, rectifier, origin.units, "position" if by_position else "sample")


def _difference(place: Place, rectifier: Rectifier, origin: Any) -> str | None:
    """Why this cannot be counted together with what was counted at the place before."""
    if place.units != origin.units:
        return f"it had {place.units} units before, and now has {origin.units}"
    if place.rectifier != rectifier:
        return f"it was {place.rectifier} before, and now is {rectifier}"
    return None
