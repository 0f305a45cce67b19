"""Where in a tensor the units of a layer are, and how that follows the tensor through operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from halfwave.health.torch.places import Place
    from halfwave.health.torch.producers import Producer


@dataclass(frozen=True)
class Origin:
    """Which units a tensor holds: along `axis`, where entry i belongs to unit ``i // inner % units``.

    ``samples``: the axes each of whose combinations is a sample; None: all but the units'.
    ``producer``: the one layer whose outputs the units are; ``place``: the rectifier they came
    through, with nothing in between that mixes them. ``lost``: why the units are not known.
    """

    axis: int
    units: int
    inner: int = 1
    samples: tuple[int, ...] | None = None
    producer: Producer | None = None
    place: Place | None = None
    lost: str | None = None

    def apart(self) -> Origin:
        """The same units, which are no longer one layer's outputs."""
        return replace(self, producer=None, place=None)

    def through(self, place: Place) -> Origin:
        """The same units, after a rectifier."""
        return Origin(**{**vars(self), "place": place})  # sooner than dataclasses.replace

    def sample_axes(self, ndim: int) -> tuple[int, ...]:
        """The axes whose combinations are samples."""
        return self.samples if self.samples is not None else tuple(range(ndim))

    def fills(self, tensor: torch.Tensor) -> bool:
        """Whether each entry of the tensor's axis is a unit of its own."""
        return bool(tensor.shape[self.axis] == self.units)

    @property
    def where(self) -> tuple[Any, ...]:
        """What two summands have to agree on."""
        return self.axis, self.units, self.inner


def lost(reason: str) -> Origin:
    """Units that are not known, and why."""
    return Origin(0, 0, lost=reason)


Find = Callable[[Any], "Origin | None"]
Rule = Callable[[Find, Any, Sequence[Any], Any], "Origin | None"]
"""From the origins of the arguments, the result (or one of several), and the arguments: its origin."""


# Element by element


def _elementwise(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """One operand's units; of several, where they agree, units that are no one layer's."""
    tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)]
    whole = [t for t in tensors if t.shape == out.shape and not isinstance(t, torch.nn.Parameter)]
    origins = [origin for t in whole if (origin := find(t)) is not None]
    if not origins:
        return None
    first, *others = origins
    if any(o.lost or o.where != first.where for o in others):
        return lost("what is combined here has its units along different axes")
    return first.apart() if len(whole) > 1 else first


# Shapes


def _same_order(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """Another shape, in which the elements follow in the same order: view, flatten, squeeze, ..."""
    origin = find(args[0])
    if origin is None or origin.lost:
        return origin
    return reshaped(origin, tuple(args[0].shape), tuple(out.shape))


def reshaped(origin: Origin, old: tuple[int, ...], new: tuple[int, ...]) -> Origin:
    """The same units in another shape of the same elements, one after another."""
    if prod(old) != prod(new) or not prod(old):
        return lost("the units are not known after a change of shape")
    # Elements from one unit to the next, and how many elements there are to all of them.
    step = prod(old[origin.axis + 1 :]) * origin.inner
    samples = origin.samples and tuple(
        now
        for axis in origin.samples
        # An only sample is the only one, whether it has an axis or not.
        if (now := _axis_of(axis, old, new)) >= 0 or old[axis] > 1
    )
    for axis, size in enumerate(new):
        after = prod(new[axis + 1 :])
        if step % after == 0 and after * size % (step * origin.units) == 0:
            inner = step // after
            if _mixes_samples(origin, axis, inner, samples):
                return lost("the samples are not known after a change of shape")
            return replace(origin, axis=axis, inner=inner, samples=samples)
    return lost("the units are spread over several axes after a change of shape")


def _mixes_samples(origin: Origin, axis: int, inner: int, samples: tuple[int, ...] | None) -> bool:
    """Whether samples were split or joined, or lie where only positions of a unit may: beside it."""
    if samples is None:
        return inner > origin.inner
    return -1 in samples or (axis in samples and inner > 1)


def _axis_of(axis: int, old: tuple[int, ...], new: tuple[int, ...]) -> int:
    """Where an axis of the old shape is in the new one; -1 if it was split or joined."""
    after = prod(old[axis + 1 :])
    for k, size in enumerate(new):
        if size == old[axis] and prod(new[k + 1 :]) == after:
            return k
    return -1


def _moved(order: Callable[..., Sequence[int]]) -> Rule:
    """The axes in another order: `order` gives the old axis of each new one."""

    def rule(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
        origin = find(args[0])
        if origin is None or origin.lost:
            return origin
        ndim = args[0].ndim
        old = [axis % ndim for axis in order(ndim, *args[1:], **kwargs)]
        samples = origin.samples and tuple(old.index(axis) for axis in origin.samples)
        return replace(origin, axis=old.index(origin.axis), samples=samples)

    return rule


def _permuted(ndim: int, *dims: Any, **named: Any) -> Sequence[int]:
    given = (*dims, *named.values())
    order: Sequence[int] = given if isinstance(given[0], int) else given[0]
    return order


def _swapped(ndim: int, *dims: int, **named: int) -> Sequence[int]:
    order = list(range(ndim))
    first, second = (*dims, *named.values()) or (-2, -1)
    if ndim > 1:
        order[first], order[second] = order[second], order[first]
    return order


def _reversed(ndim: int) -> Sequence[int]:
    return range(ndim)[::-1]


def _reshaped_in_place(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """Afterwards nobody knows the shape that it had."""
    if find(out) is None:
        return None
    return lost("the units are not known after a change of shape in place")


# Several units, or some


def _dims(args: Sequence[Any], kwargs: Mapping[str, Any], default: Any) -> Any:
    """The axes that an operation is told, by either of their names."""
    given = args[1] if len(args) > 1 else default
    return kwargs.get("dim", kwargs.get("axis", given))


def _joined(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """Tensors one after another: more units, if that is along their axis."""
    tensors = args[0]
    origins = [find(t) for t in tensors]
    known = [o for o in origins if o is not None]
    if not known:
        return None
    dim = _dims(args, kwargs, 0) % out.ndim
    first = known[0]
    if len(known) < len(tensors) or any(o.lost or o.axis != first.axis for o in known):
        return lost("what is joined here has its units along different axes")
    if dim != first.axis:
        same = all(o.where == first.where for o in known)
        return first.apart() if same else lost("what is joined here has different units")
    if any(not o.fills(t) for o, t in zip(known, tensors, strict=True)):
        return lost("what is joined here has its channels flattened into one axis")
    return replace(first.apart(), units=out.shape[dim])


def _parted(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """A part of a tensor of as many axes: fewer units, if that is along their axis."""
    origin = find(args[0])
    if origin is None or origin.lost or out.ndim != args[0].ndim:
        return None
    size = out.shape[origin.axis]
    if size == args[0].shape[origin.axis]:
        return origin.apart()
    return replace(origin.apart(), units=size) if origin.fills(args[0]) else None


def _taken(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """Part of a tensor by numbers and slices, with None for new axes."""
    origin = find(args[0])
    if origin is None or origin.lost:
        return origin
    index = args[1] if isinstance(args[1], tuple) else (args[1],)
    if any(type(i) not in (int, slice, type(None), type(Ellipsis)) for i in index):
        return None
    kept = list(_kept(index, args[0].ndim))
    if origin.axis not in kept:
        return None
    axis = kept.index(origin.axis)
    samples = origin.samples and tuple(kept.index(a) for a in origin.samples if a in kept)
    taken = replace(origin, axis=axis, samples=samples)
    if out.shape[axis] == args[0].shape[origin.axis]:
        return taken
    return replace(taken.apart(), units=out.shape[axis]) if origin.fills(args[0]) else None


def _kept(index: tuple[Any, ...], ndim: int) -> Iterator[int | None]:
    """The old axis of each new one; None where it is new."""
    filled = list(index) if Ellipsis in index else [*index, Ellipsis]
    at, given = filled.index(Ellipsis), sum(i is not None for i in filled) - 1
    filled[at : at + 1] = [slice(None)] * (ndim - given)
    old = iter(range(ndim))
    for i in filled:
        axis = None if i is None else next(old)
        if not isinstance(i, int):
            yield axis


# Positions


def _pooled(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """Other positions; the units' axis is left alone, as long as it is not the last."""
    origin = find(args[0])
    if origin is None or origin.lost:
        return origin
    same = out.ndim == args[0].ndim and origin.axis < out.ndim - 1
    return origin if same and out.shape[origin.axis] == args[0].shape[origin.axis] else None


def _averaged(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """A mean, sum or maximum over axes that hold no units."""
    origin = find(args[0])
    dims = _dims(args, kwargs, ())
    if origin is None or origin.lost or dims is None:
        return None
    ndim = args[0].ndim
    gone = {d % ndim for d in ((dims,) if isinstance(dims, int) else dims)} or {origin.axis}
    kept = list(range(ndim)) if out.ndim == ndim else [a for a in range(ndim) if a not in gone]
    if origin.axis in gone or origin.axis not in kept:
        return None
    samples = origin.samples and tuple(kept.index(a) for a in origin.samples if a in kept)
    return replace(origin, axis=kept.index(origin.axis), samples=samples)


def _copied(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """What is copied into a tensor brings its units along."""
    source = args[1]
    same = isinstance(source, torch.Tensor) and source.shape == out.shape
    return find(source) if same else None


def _recurrent(find: Find, out: Any, args: Sequence[Any], kwargs: Any) -> Origin | None:
    """The outputs and states of a recurrent layer: features along the last axis."""
    return Origin(out.ndim - 1, out.shape[-1])


_ELEMENTWISE = (
    *("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "true_divide", "__add__"),
    *("__radd__", "__iadd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__imul__"),
    *("__isub__", "__itruediv__", "subtract", "multiply", "divide", "clamp_max", "clip_"),
    *("__truediv__", "rsub", "neg", "lerp", "addcmul", "addcdiv", "where", "masked_fill"),
    *("masked_fill_", "nan_to_num", "dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d"),
    *("alpha_dropout", "feature_dropout", "feature_alpha_dropout", "to", "float", "double"),
    *("half", "bfloat16", "type", "type_as", "cpu", "cuda", "contiguous", "clone", "detach"),
    *("requires_grad_", "tanh", "sigmoid", "gelu", "silu", "mish", "softplus", "logsigmoid"),
    *("abs", "pow", "square", "sqrt", "exp", "relu", "relu_", "relu6", "hardtanh", "clamp"),
    *("clamp_", "clamp_min", "clamp_min_", "clip", "leaky_relu", "leaky_relu_", "prelu", "elu"),
    *("selu", "celu", "rrelu", "threshold", "threshold_", "hardswish", "hardsigmoid"),
    *("hardshrink", "softshrink", "tanhshrink", "softsign"),
)
_SAME_ORDER = (
    *("view", "reshape", "flatten", "ravel", "unflatten", "squeeze", "unsqueeze", "view_as"),
    "reshape_as",
)
_IN_PLACE = (
    *("squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "resize_"),
    *("resize_as_", "as_strided_", "set_"),
)
_POOLED = (
    *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("lp_pool1d", "lp_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
    *("adaptive_max_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    *("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices"),
    *("adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices"),
    *("adaptive_max_pool3d_with_indices", "fractional_max_pool2d", "fractional_max_pool3d"),
    *("fractional_max_pool2d_with_indices", "fractional_max_pool3d_with_indices", "lp_pool3d"),
    *("interpolate", "upsample", "pad", "local_response_norm"),
)
_BY_NAME: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_SAME_ORDER, _same_order),
    **dict.fromkeys(_IN_PLACE, _reshaped_in_place),
    "copy_": _copied,
    **dict.fromkeys(_POOLED, _pooled),
    **dict.fromkeys(("mean", "sum", "amax", "amin"), _averaged),
    **dict.fromkeys(("cat", "concat", "concatenate"), _joined),
    **dict.fromkeys(("chunk", "split", "tensor_split"), _parted),
    **dict.fromkeys(
        ("lstm", "gru", "rnn_tanh", "lstm_cell", "gru_cell", "rnn_tanh_cell"), _recurrent
    ),
    "permute": _moved(_permuted),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _moved(_swapped)),
    "t": _moved(_swapped),
    "__getitem__": _taken,
}


def _found() -> Iterator[tuple[Any, Rule]]:
    for name, rule in _BY_NAME.items():
        for place in (torch, torch.Tensor, functional):
            if hasattr(place, name):
                yield getattr(place, name), rule
    for name, order in (("T", _reversed), ("mT", _swapped)):
        yield getattr(torch.Tensor, name).__get__, _moved(order)


RULES = dict(_found())
"""What becomes of the units in PyTorch's functions; in all others they are no longer known."""
