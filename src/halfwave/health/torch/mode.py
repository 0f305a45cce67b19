"""The mode that sees what a model's forward pass computes, and counts at its rectifiers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch._ops import OpOverload, OpOverloadPacket
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from halfwave.health.torch.hooks import first_local
from halfwave.health.torch.layers import CONSUMED, LAYERS, Layer
from halfwave.health.torch.origins import RULES, Origin, Rule, lost
from halfwave.health.torch.places import Outgoing, Place
from halfwave.health.torch.producers import Producer, Producers, Sight, named_modules
from halfwave.health.torch.rectifiers import CALLS, Call
from halfwave.health.torch.sites import Sites, unreadable
from halfwave.health.torch.steps import NO_STEP, Known, Step, Steps, is_plain_and_same

Action = Callable[["Mode", Any, Any, Sequence[Any], Mapping[str, Any]], bool]
"""What is done after a call (mode, function, result, args, kwargs), and whether it has the same
outcome when it comes again with the same operands."""

BY_HAND = (
    "compares units with 0, or with a tensor: if that makes a rectifier by hand, such as x * (x > 0), "
    "it was not counted; use torch.relu"
)
LARGER = (
    "takes the larger of two tensors: if that makes a rectifier by hand, it was not counted; use "
    "torch.relu"
)
FUSED = "has its rectifier inside a fused kernel, which shows nothing of it"


class Mode(TorchFunctionMode):
    """Follows the units of layers through a forward pass, and counts where they are rectified.

    ``where`` names the innermost module of the model that runs.
    """

    def __init__(self, model: nn.Module, axes: Mapping[str, int]) -> None:
        super().__init__()
        self.sites = Sites(axes)
        self.missed: dict[tuple[str, str], None] = {}
        self._model = model
        self._layers = Producers(model, self._where)
        self._hooks: dict[tuple[int, int], RemovableHandle] = {}
        self._hooked: dict[int, int] = {}  # of how many of a producer's parameters
        self._weights_at: dict[str, Any] = {}
        self._training = True
        self._weights: Any = None
        self._names: dict[int, str] = {}
        self._origins: dict[int, tuple[ref[Tensor], Origin]] = {}
        self._steps = Steps(model)
        self._uses: dict[str, int] = {}

    # One forward pass

    def begin(self) -> None:
        """A forward pass begins."""
        self.forget()
        self._steps.begin()
        self._training = self._model.training
        if not self._training:
            held = (*self._model.parameters(), *self._model.buffers())
            self._weights = hash((self._layers.gradients, *map(_state, held)))

    def forget(self) -> None:
        """Forget the tensors of a forward pass."""
        self._origins.clear()
        self._uses.clear()

    def hook(self) -> None:
        """Look at gradients again, of the layers that were met before."""
        for place in self.sites.places.values():
            for producer in place.producers:
                self._hook(producer)

    def unhook(self) -> None:
        """Look at gradients no more."""
        for handle in self._hooks.values():
            handle.remove()
        self._hooks.clear()
        self._hooked.clear()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        step = self._steps.next
        if step.func is func and self._comes_again(step, args, kwargs):
            return self._take(step, args, kwargs or {})
        action = _ACTIONS.get(func, _NEW)
        if action is _NEW:
            action = _ACTIONS[func] = _action_of(func)
        kwargs = kwargs or {}
        if action is None:
            out = func(*args, **kwargs)
            if isinstance(out, (Tensor, tuple, list)) and _tensors(out):
                self.lead_elsewhere([*args, *kwargs.values()])
            return out
        args, kwargs = (args, kwargs) if args else _by_position(kwargs)
        if not args:
            return func(**kwargs)
        if isinstance(action, Call):
            return self.rectify(func, args, kwargs, action)
        return self._follow(func, args, kwargs, action)

    # The steps of a pass, most of which come again in each

    def _comes_again(self, step: Step, args: Sequence[Any], kwargs: Any) -> bool:
        """Whether a call is that of the last pass: the same units in the same shape, all else the same."""
        operands, names = ((*args, *kwargs.values()), tuple(kwargs)) if kwargs else (args, ())
        if len(operands) != len(step.operands) or names != step.names:
            return False
        for a, expected in zip(operands, step.operands, strict=True):
            if a is expected:
                continue
            if type(expected) is not Known:
                if not is_plain_and_same(a, expected):
                    return False
            elif (
                type(a) is not Tensor
                or self.find(a) is not expected.origin
                or a.shape != expected.shape
            ):
                return False
        if step.place is None:
            return True
        return self._uses.get(step.base, 0) + 1 == step.use and unreadable(args[0]) is None

    def _take(self, step: Step, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The step again, whose outcome is known."""
        out = step.func(*args, **kwargs)
        if step.place is not None:
            self._uses[step.base] = step.use
            self._count(step.place, out, step.origin, None)
        elif out.shape != step.shape:  # a weight's memory was replaced by that of another shape
            action = _ACTIONS[step.func]
            action = _bound if isinstance(action, Call) else action
            action(self, step.func, out, args, kwargs)
            self._steps.put(NO_STEP)
            return out
        self.tag(out, step.origin)
        self._steps.go_on()
        return out

    def _follow(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], action: Action
    ) -> Any:
        """A call that is not that of the last pass."""
        operands = self._steps.operands(self.find, args, kwargs)
        out = func(*args, **kwargs)
        step = NO_STEP
        if action(self, func, out, args, kwargs) and operands is not None and type(out) is Tensor:
            step = Step(func, operands, tuple(kwargs), self.find(out), out.shape)
        self._steps.put(step)
        return out

    # Origins

    def find(self, tensor: Any) -> Origin | None:
        """Which units a tensor holds, if that is known."""
        known = self._origins.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def tag(self, tensor: Any, origin: Origin | None) -> None:
        """Note which units a tensor holds."""
        if origin is None:
            self._origins.pop(id(tensor), None)
        else:
            self._origins[id(tensor)] = ref(tensor), origin

    def carry(
        self, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any], rule: Rule
    ) -> bool:
        """Follow units through an operation."""
        led_in = self._places_of(args)
        for tensor in _tensors(out):
            origin = self._told(func, rule, self.find, tensor, args, kwargs)
            self.tag(tensor, origin)
            if origin is not None:
                led_in.discard(origin.place)
        for place in led_in:
            place.leads_elsewhere = True
        return True

    def lead_elsewhere(self, values: Any) -> None:
        """Note that the units in these go where their weights are not seen."""
        for place in self._places_of(values):
            place.leads_elsewhere = True

    def _places_of(self, values: Any) -> set[Any]:
        """The rectifiers through which units in these came."""
        return {o.place for a in _tensors(values) if (o := self.find(a)) is not None and o.place}

    def _told(self, func: Any, rule: Callable[..., Any], *given: Any) -> Origin | None:
        """What a rule says; a call that it was not made for must not fail because of that."""
        try:
            origin: Origin | None = rule(*given)
        except Exception as error:  # noqa: BLE001  whatever it is, the model's own call was right
            self.miss(f"could not be followed ({type(error).__name__}: {error})", func)
            return None
        return origin

    def produce(
        self, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any], layer: Layer
    ) -> bool:
        """Begin with the units of a layer; its input's units have these weights before them."""
        if not isinstance(out, Tensor):
            return False
        self._lead_out(func, args, kwargs)
        self.tag(out, self._told(func, layer, self._layers, self.find, out, args, kwargs))
        return self._layers.tell_apart((*args[1:], *kwargs.values()))

    def add(
        self, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any], rule: Rule
    ) -> bool:
        """Follow units through a sum or difference, which may be that of weights and bias by hand."""
        self.carry(func, out, args, kwargs, rule)
        origin = self.find(out)
        if origin is None or origin.producer is None or origin.place is not None:
            return True
        for bias in args:
            if isinstance(bias, nn.Parameter):
                axis = origin.axis - out.ndim + bias.ndim
                if axis >= 0 and bias.numel() == bias.shape[axis] == origin.units:
                    origin.producer.lead(bias, axis)
        return True

    def _lead_out(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Note the weights that a layer applies to units which come from a rectifier."""
        origin, consumed = self.find(args[0]), CONSUMED.get(func)
        if origin is None or origin.place is None:
            return
        if consumed is None:
            origin.place.leads_elsewhere = True
            return
        weight = args[1] if len(args) > 1 else kwargs.get("weight", kwargs.get("other"))
        key = id(weight), origin.inner
        if key in origin.place.outgoing:
            return
        axis, of_weight = consumed
        fits = isinstance(weight, nn.Parameter) and origin.axis == args[0].ndim + axis
        if fits and weight.shape[of_weight:][:1] == args[0].shape[origin.axis :][:1]:
            outgoing = Outgoing(weight, of_weight, origin.units, origin.inner)
            origin.place.outgoing[key] = outgoing
        else:
            origin.place.leads_elsewhere = True

    # Rectifiers

    def rectify(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], call: Call) -> Any:
        """Count what a rectifier gives."""
        x, rectifier = args[0], call.rectifier(args, kwargs)
        if rectifier is None:
            return self._follow(func, args, kwargs, _bound)
        origin, step = self.find(x), NO_STEP
        if not isinstance(x, Tensor) or not (x.is_floating_point() or x.is_quantized):
            out = func(*args, **kwargs)
        elif not x.numel():  # nothing to count, but the next use of the layer is still the next
            self._name(origin)
            out = func(*args, **kwargs)
        else:
            operands = self._steps.operands(self.find, args, kwargs)
            name = self._name(origin)
            origin, place = self.sites.at(name, rectifier, x, origin)
            fired = place.before(x, origin) if place and rectifier.of_input else None
            out = func(*args, **kwargs)
            if place:
                self._count(place, out, origin, fired)
            self.tag(out, origin)
            producer = origin.producer if origin and place and not rectifier.of_input else None
            if producer and operands is not None:
                used = producer.name, self._uses[producer.name]
                step = Step(func, operands, tuple(kwargs), origin, out.shape, place, *used)
        self._steps.put(step)
        return out

    def _count(self, place: Place, out: Tensor, origin: Any, fired: Any) -> None:
        if origin.producer is not None:
            self._hook(origin.producer)
        part = place.count(out, origin, fired, training=self._training)
        if not self._training:
            first = self._weights_at.setdefault(place.name, self._weights)
            part.fixed &= first == self._weights

    def _name(self, origin: Origin | None) -> str:
        """The producer's name, or the module's with a number; with another for each further use."""
        producer = None if origin is None else origin.producer
        base = self._where() if producer is None else producer.name
        use = self._uses[base] = self._uses.get(base, 0) + 1
        return f"{base}:{use}" if producer is None else base if use == 1 else f"{base}#{use}"

    def _hook(self, producer: Producer) -> None:
        """See the gradients of what leads to a layer's units."""
        if self._hooked.get(id(producer)) == len(producer.incoming):
            return
        hooked = 0
        for incoming in producer.incoming:
            key = id(producer), id(incoming.parameter)
            if incoming.parameter.requires_grad and key not in self._hooks:
                sight = Sight(producer, incoming)
                self._hooks[key] = incoming.parameter.register_hook(sight)
            hooked += key in self._hooks
        self._hooked[id(producer)] = hooked

    # Names

    def _where(self) -> str:
        """The name of the innermost module of the model whose forward pass runs."""
        if not self._names:
            self._names = {id(m): name for name, m in named_modules(self._model)}
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_varnames[:1] == ("self",):
                module = first_local(frame)
                if isinstance(module, nn.Module) and id(module) in self._names:
                    return self._names[id(module)] or type(module).__name__
        return type(self._model).__name__

    def miss(self, reason: str, func: Any) -> None:
        """Note what may be a rectifier and is not counted."""
        self.missed[self._where(), f"{func.__name__.strip('_')} {reason}"] = None

    def note_larger(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """`maximum(x, zeros)` or `clamp(x, min=zeros)`, where x holds units and zeros none."""
        lower = args[1] if len(args) > 1 else kwargs.get("other", kwargs.get("min"))
        pair = args[0], lower
        if isinstance(lower, Tensor) and sum(self.find(a) is not None for a in pair) == 1:
            self.miss(LARGER, func)


def _state(tensor: Tensor) -> Any:
    """What is not the same once a tensor has been written to, or has other memory.

    Writes through ``.data``, as averaged weights are swapped in, are in no version: a parameter's
    element in the middle tells of them, where that waits for no device.
    """
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout is not torch.strided:
        return id(tensor)
    version = None if tensor.is_inference() else tensor._version
    is_near = isinstance(tensor, nn.Parameter) and tensor.is_cpu and tensor.numel() > 0
    middle = tensor[tuple(size // 2 for size in tensor.shape)].item() if is_near else None
    return tensor.data_ptr(), version, middle


def _by_position(kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The first argument by its position: PyTorch's own functions take it by name, too."""
    if "condition" in kwargs:  # of where, which comes before its input
        return (), kwargs
    first = next((name for name in ("input", "tensors", "x", "a", "x1") if name in kwargs), None)
    if first is None:
        return (), kwargs
    return (kwargs[first],), {name: kwargs[name] for name in kwargs if name != first}


def _tensors(out: Any) -> list[Tensor]:
    """The tensors of a result or of arguments, which may be lists of them; soon for a few."""
    if isinstance(out, Tensor):
        return [out]
    found: list[Tensor] = []
    if isinstance(out, (tuple, list, dict)):
        for item in out.values() if isinstance(out, dict) else out:
            if isinstance(item, Tensor):
                found.append(item)
            elif isinstance(item, (tuple, list, dict)):
                found += _tensors(item)
    return found


# What is done at each function; None: nothing. A `Call` is a rectifier. Filled as functions are met.

_NEW = object()


def _action_of(func: Any) -> Action | None:
    """What to do at a function that is met for the first time."""
    name = getattr(func, "__name__", "")
    if isinstance(func, (OpOverload, OpOverloadPacket)):
        # An exported program calls PyTorch's operators themselves; they are named as its functions.
        name = name.partition(".")[0]
        for place in (torch, Tensor, functional):
            same = getattr(place, name, None)
            # Normalisations take their arguments in another order there.
            if same in _ACTIONS and "norm" not in name:
                action: Action | None = _ACTIONS[same]
                return action
    if "relu" in name:
        return _fused
    writes = name == "__setitem__" or (name.endswith("_") and not name.startswith("_"))
    return _overwrite if writes and getattr(Tensor, name, None) is func else None


def _overwrite(
    mode: Mode, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    """`x[:, 0] = y` and its kin: what was known of x no longer holds."""
    mode.lead_elsewhere([*args, *kwargs.values()])
    if mode.find(args[0]) is not None:
        mode.tag(args[0], lost(f"{func.__name__.strip('_')} has written into what a layer gave"))
    return False


def _fused(mode: Mode, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    mode.miss(FUSED, func)
    return False


def _compare(
    mode: Mode, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    """`x > 0` or `x > zeros`, where x holds units and zeros none."""
    operands = (*args, *kwargs.values())
    others = [a for a in operands if mode.find(a) is None]
    if len(others) == 1 and (isinstance(others[0], Tensor) or others[0] == 0):
        mode.miss(BY_HAND, func)
    return False


def _larger(
    mode: Mode, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    mode.note_larger(func, args, kwargs)
    return False


def _bound(mode: Mode, func: Any, out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """A clamp that is no rectifier."""
    mode.note_larger(func, args, kwargs)
    rule = RULES.get(func)
    return mode.carry(func, out, args, kwargs, rule) if rule else False


def _by_name(action: Action, *names: str) -> dict[Any, Action]:
    return {
        getattr(place, name): action
        for name in names
        for place in (torch, Tensor)
        if hasattr(place, name)
    }


_ACTIONS: dict[Any, Any] = {
    **_by_name(
        _compare,
        *(
            "gt",
            "ge",
            "lt",
            "le",
            "__gt__",
            "__ge__",
            "__lt__",
            "__le__",
            "gt_",
            "ge_",
            "lt_",
            "le_",
        ),
        *("greater", "greater_equal", "less", "less_equal", "heaviside"),
    ),
    **_by_name(_larger, "maximum", "max", "fmax"),
    **{func: partial(Mode.carry, rule=rule) for func, rule in RULES.items()},
    **_by_name(
        partial(Mode.add, rule=RULES[Tensor.add]),
        *("add", "add_", "__add__", "__radd__", "__iadd__"),
        *("sub", "sub_", "__sub__", "__isub__", "subtract"),
    ),
    **{func: partial(Mode.produce, layer=layer) for func, layer in LAYERS.items()},
    **CALLS,
}
