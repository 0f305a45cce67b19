"""PyTorch's rectifiers: which of its functions are one, and with which parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch
from torch.nn import functional

from halfwave.functions import activations
from halfwave.health.rectifier import Rectifier
from halfwave.libraries.torch_tensors import activated

Find = Callable[..., Rectifier | None]


@dataclass(frozen=True)
class Call:
    """How a function of PyTorch is a rectifier: `find` takes its parameters by these names."""

    parameters: Mapping[str, Any]
    find: Find

    def rectifier(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Rectifier | None:
        """The rectifier that this call computes; None if it is none."""
        if not self.parameters:
            return self.find()
        given = dict(zip(self.parameters, args[1:], strict=False))
        named = {name: kwargs[name] for name in self.parameters if name in kwargs}
        return self.find(**{**self.parameters, **given, **named})


@lru_cache
def _registered(name: str, **values: float) -> Rectifier:
    """An activation of halfwave's own, whose facts know its active side."""
    rectifier = Rectifier.of(activations[name], values)
    # Its other side rises again: the input tells the sides apart.
    return (
        rectifier if rectifier.floor is not None else replace(rectifier, floor=0.0, of_input=True)
    )


_relu = partial(_registered, "relu")


def _leaky_relu(negative_slope: float) -> Rectifier:
    return _registered("leaky_relu", alpha=negative_slope)


def _clamp(min: Any, max: Any) -> Rectifier | None:
    """A clamp from 0 on is a rectifier; another one, or one by a tensor, is not."""
    if isinstance(min, torch.Tensor) or min != 0:
        return None
    if max is None:
        return _registered("relu")
    return None if isinstance(max, torch.Tensor) else _between(0.0, float(max))


def _between(min_val: float, max_val: float) -> Rectifier:
    kind = "hardtanh" if min_val else "relu6" if max_val == 6 else "clipped_relu"
    return Rectifier(kind, float(min_val), float(max_val))


def _prelu(weight: Any) -> Rectifier:
    # Its slope is learned, and may have any sign: only the input tells where it fires.
    return Rectifier("prelu", silences=False, of_input=True)


def _rrelu(lower: float, upper: float) -> Rectifier:
    return Rectifier("rrelu", silences=lower == upper == 0, of_input=lower < 0)


def _threshold(threshold: float, value: float) -> Rectifier:
    return Rectifier("thresholded_relu", float(threshold), of_input=value > threshold)


def _hardswish() -> Rectifier:
    return Rectifier("hardswish", -3.0, of_input=True)


def _leaking(kind: str) -> Find:
    """Above 0 where its input is, with a slope on the other side that is not 0."""

    def find(alpha: float = 1.0) -> Rectifier:
        return Rectifier(kind, silences=alpha == 0, of_input=alpha < 0)

    return find


def _smooth(kind: str) -> Find:
    """Without a side that is not active."""
    return lambda: Rectifier(kind, None, silences=False)


_ALPHA = {"alpha": 1.0}
_BOUNDS = {"min": None, "max": None}

_TABLE: dict[str, Call] = {
    "relu": Call({}, _relu),
    "clamp": Call(_BOUNDS, _clamp),
    "clip": Call(_BOUNDS, _clamp),
    "clamp_min": Call(_BOUNDS, _clamp),
    "leaky_relu": Call({"negative_slope": 0.01}, _leaky_relu),
    "relu6": Call({}, lambda: _between(0.0, 6.0)),
    "hardtanh": Call({"min_val": -1.0, "max_val": 1.0}, _between),
    "prelu": Call({"weight": None}, _prelu),
    "rrelu": Call({"lower": 1 / 8, "upper": 1 / 3}, _rrelu),
    "threshold": Call({"threshold": None, "value": None}, _threshold),
    "elu": Call(_ALPHA, _leaking("elu")),
    "celu": Call(_ALPHA, _leaking("celu")),
    "selu": Call({}, _leaking("selu")),
    "hardswish": Call({}, _hardswish),
    "hardsigmoid": Call({}, lambda: Rectifier("hardsigmoid", 0.0, 1.0)),
    **{
        name: Call({}, _smooth(name))
        for name in ("gelu", "silu", "mish", "softplus", "softshrink", "hardshrink")
    },
}


@dataclass(frozen=True)
class _OwnCall(Call):
    """halfwave's own activations, which come with their facts."""

    def rectifier(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Rectifier | None:
        _, facts, *values = args
        names = (p.name for p in facts.parameters)
        if all(isinstance(value, (int, float)) for value in values):
            return _registered(facts.name, **dict(zip(names, values, strict=False)))
        # A slope for each channel: only the input tells where it fires.
        return Rectifier(facts.name, silences=False, of_input=True)


def _spelled(name: str) -> list[Any]:
    """PyTorch's functions and methods of this name, in place and not."""
    places = (torch, torch.Tensor, functional)
    spellings = (name, f"{name}_", f"_{name}")
    return [getattr(p, s) for p in places for s in spellings if hasattr(p, s)]


CALLS: dict[Any, Call] = {
    function: call for name, call in _TABLE.items() for function in _spelled(name)
} | {activated: _OwnCall({}, _relu)}
"""PyTorch's functions that are rectifiers."""
