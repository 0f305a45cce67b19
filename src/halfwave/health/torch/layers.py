"""PyTorch's layers as functions: where their outputs' units are, and which parameters lead to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from halfwave.health.torch.origins import Find, Origin
from halfwave.health.torch.producers import Incoming, Producers

Layer = Callable[[Producers, Find, Any, Sequence[Any], Mapping[str, Any]], "Origin | None"]
"""From the layers met, the origins of the arguments, the result and the arguments: its origin."""


def _given(args: Sequence[Any], kwargs: Mapping[str, Any], names: str) -> list[Any]:
    """The arguments by the names of a function's signature; None where one is not given."""
    order = names.split()
    return [*args[: len(order)], *map(kwargs.get, order[len(args) :])]


def _incoming(parameter: Any, axis: int = 0, groups: int = 1) -> Incoming | None:
    return None if parameter is None else Incoming(parameter, axis, groups)


def _linear(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin | None:
    _, weight, bias = _given(args, kwargs, "input weight bias")
    if weight.ndim != 2:  # one unit, without an axis
        return None
    return _features(layers, out, _incoming(weight), _incoming(bias))


def _features(layers: Producers, out: Tensor, *own: Incoming | None) -> Origin:
    """Units along the last axis; each position is a sample."""
    units = out.shape[-1]
    return Origin(out.ndim - 1, units, producer=layers.find(units, own))


def _bilinear(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin:
    *_, weight, bias = _given(args, kwargs, "input1 input2 weight bias")
    return _features(layers, out, _incoming(weight), _incoming(bias))


def _matmul(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin | None:
    """By a matrix that is a parameter: a layer that is written by hand."""
    _, other = _given(args, kwargs, "input other")
    weight = _matrix(other) if out.ndim else None
    return None if weight is None else _features(layers, out, weight)


def _matrix(tensor: Tensor) -> Incoming | None:
    """A parameter, or the transpose of one, with the units along its last axis."""
    if tensor.ndim != 2:
        return None
    if isinstance(tensor, nn.Parameter):
        return Incoming(tensor, 1)
    base = tensor._base
    is_transpose = isinstance(base, nn.Parameter) and base.ndim == 2 and _is_same(tensor, base.T)
    return Incoming(base, 0) if is_transpose else None


def _is_same(a: Tensor, b: Tensor) -> bool:
    """Whether both are one view of the same memory."""
    return (a.shape, a.stride(), a.data_ptr()) == (b.shape, b.stride(), b.data_ptr())


def _addmm(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin | None:
    bias, _, matrix = _given(args, kwargs, "input mat1 mat2")
    weight = _matrix(matrix)
    if weight is None:
        return None
    vector = bias if bias.shape == out.shape[-1:] else None
    return _features(layers, out, weight, _incoming(vector))


def _convolution(
    dimensions: int, layers: Producers, find: Find, out: Any, args: Any, kwargs: Any
) -> Origin:
    _, weight, bias = _given(args, kwargs, "input weight bias")
    return _channels(dimensions, layers, out, _incoming(weight), _incoming(bias))


def _transposed(
    dimensions: int, layers: Producers, find: Find, out: Any, args: Any, kwargs: Any
) -> Origin:
    names = "input weight bias stride padding output_padding groups"
    _, weight, bias, *_, groups = _given(args, kwargs, names)
    return _channels(dimensions, layers, out, _incoming(weight, 1, groups or 1), _incoming(bias))


def _channels(dimensions: int, layers: Producers, out: Tensor, *own: Incoming | None) -> Origin:
    """Units along the axis before the positions; the one before that, if there is one, has samples."""
    axis = out.ndim - dimensions - 1
    units = out.shape[axis]
    return Origin(axis, units, samples=tuple(range(axis)), producer=layers.find(units, own))


def _unit_norm(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin:
    """A normalisation of each unit by itself: batch and instance norm."""
    x, _, _, weight, bias = _given(args, kwargs, "input running_mean running_var weight bias")
    axis, units, before = 1, out.shape[1], find(x)
    same = before is not None and not before.lost and before.where == (axis, units, 1)
    follows = same and before is not None and before.place is None
    producer = layers.find(
        units,
        (_incoming(bias), _incoming(weight)),
        before.producer if follows and before is not None else None,
    )
    if weight is not None and bias is not None:
        producer.scale = weight, bias
    samples = before.samples if same and before is not None else (0,)
    return Origin(axis, units, samples=samples, producer=producer)


def _group_norm(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin:
    """It mixes the channels of a group: what leads to its units is its own weight and bias alone."""
    _, _, weight, bias = _given(args, kwargs, "input num_groups weight bias")
    producer = layers.find(out.shape[1], (_incoming(bias), _incoming(weight)))
    return Origin(1, out.shape[1], samples=(0,), producer=producer)


def _layer_norm(layers: Producers, find: Find, out: Any, args: Any, kwargs: Any) -> Origin | None:
    """It mixes the features of a position: what leads to its units is its own weight and bias alone."""
    x, shape, weight, bias = _given(args, kwargs, "input normalized_shape weight bias")
    before = find(x)
    if len(shape) != 1:
        return None if before is None else before if before.lost else before.apart()
    axis, units = out.ndim - 1, out.shape[-1]
    same = before is not None and not before.lost and before.axis == axis
    producer = layers.find(units, (_incoming(bias), _incoming(weight)))
    samples = before.samples if same and before is not None else None
    return Origin(axis, units, samples=samples, producer=producer)


_BY_NAME: dict[str, Layer] = {
    "linear": _linear,
    "bilinear": _bilinear,
    **dict.fromkeys(("matmul", "__matmul__", "mm"), _matmul),
    "addmm": _addmm,
    **{f"conv{d}d": partial(_convolution, d) for d in (1, 2, 3)},
    **{f"conv_transpose{d}d": partial(_transposed, d) for d in (1, 2, 3)},
    **dict.fromkeys(("batch_norm", "instance_norm"), _unit_norm),
    "group_norm": _group_norm,
    **dict.fromkeys(("layer_norm", "rms_norm"), _layer_norm),
}


def _found() -> Iterator[tuple[Any, Layer]]:
    for name, layer in _BY_NAME.items():
        # torch.batch_norm and its like take their arguments in another order, and are not public.
        places = (functional,) if "norm" in name else (functional, torch, torch.Tensor)
        for place in places:
            if hasattr(place, name):
                yield getattr(place, name), layer


LAYERS = dict(_found())
"""PyTorch's functions whose outputs are a layer's units."""

CONSUMED = {
    func: axes
    for name, axes in {
        "linear": (-1, 1),
        **dict.fromkeys(("matmul", "__matmul__", "mm"), (-1, 0)),
        **{f"conv{d}d": (-1 - d, 1) for d in (1, 2, 3)},
    }.items()
    for place in (functional, torch, torch.Tensor)
    if (func := getattr(place, name, None)) is not None
}
"""For functions that apply weights to each unit: the units' axis in the input and in the weights."""
