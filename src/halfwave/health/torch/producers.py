"""Layers whose outputs are units: their names, and whether their weights and biases get gradients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from halfwave.health.torch.hooks import Look

PARAMETRISED = "its weight is computed from other parameters"


@dataclass(frozen=True, eq=False)
class Incoming:
    """A parameter that leads to units: along `axis`, which has `groups` runs of them."""

    parameter: nn.Parameter
    axis: int = 0
    groups: int = 1

    def rows(self, gradient: Tensor) -> Tensor:
        """The gradient with a row for each unit."""
        if self.groups > 1:  # of a transposed convolution: its inputs are grouped along axis 0
            gradient = gradient.unflatten(0, (self.groups, -1)).movedim(2, 1).flatten(0, 1)
            return gradient.flatten(1)
        return gradient.movedim(self.axis, 0).reshape(gradient.shape[self.axis], -1)


@dataclass(eq=False)
class Producer:
    """A layer, what leads to its units, and which of them any backward pass has updated.

    ``unknown``: why that cannot be said. ``scale``: the weight and bias by which a normalisation
    stretches and shifts its units.
    """

    name: str
    units: int
    incoming: tuple[Incoming, ...] = ()
    unknown: str | None = None
    scale: tuple[nn.Parameter, nn.Parameter] | None = None
    updated: Any = None
    all_updated: bool = False
    _left: Any = None
    passes: dict[int, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Backward passes seen."""
        return max(self.passes.values(), default=0)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing that leads to the units requires gradients now."""
        return bool(self.incoming) and not any(i.parameter.requires_grad for i in self.incoming)

    def see(self, incoming: Incoming, gradient: Tensor) -> None:
        """Note which units the gradient of one parameter, in one backward pass, would move."""
        if not _is_whole(gradient):
            self.unknown = f"its gradients are of type {type(gradient).__name__}, not whole tensors"
            return
        gradient = gradient.detach()
        if gradient.is_cpu:
            self._see_here(incoming, gradient)
        else:
            self._see_there(incoming, gradient)

    def _see_here(self, incoming: Incoming, gradient: Tensor) -> None:
        """Look at the units alone that no gradient has moved yet; mostly, none has in this one."""
        if self.updated is None:
            self.updated = torch.zeros(self.units, dtype=torch.bool)
        if self._left is None:
            self._left = torch.nonzero(~self.updated.cpu()).flatten()
            self.all_updated = not len(self._left)
        if self.all_updated:
            return
        if incoming.groups > 1 or gradient.index_select(incoming.axis, self._left).any():
            self._see_there(incoming, gradient)
            self._left = None

    def _see_there(self, incoming: Incoming, gradient: Tensor) -> None:
        """Look at all units, without waiting for the device where they are."""
        moved = (incoming.rows(gradient) != 0).any(1)
        self.updated = moved if self.updated is None else self.updated.to(moved.device) | moved

    def lead(self, parameter: nn.Parameter, axis: int) -> None:
        """Note a bias that is added to the units by hand."""
        if all(i.parameter is not parameter for i in self.incoming):
            self.incoming += (Incoming(parameter, axis),)

    def verdict(self) -> tuple[Any, str | None]:
        """Which units were updated, or why that is not known."""
        if self.unknown or not self.incoming:
            return None, self.unknown or "no parameters of its own lead to its units"
        if self.is_frozen and not self.steps:
            return None, "its weights and bias require no gradient"
        if self.updated is None:
            return None, "no backward pass was seen"
        return self.updated.cpu().numpy().copy(), None

    def shift(self) -> Any:
        """A normalisation's shift over its scale, for each unit; None for other layers."""
        if self.scale is None:
            return None
        weight, bias = (p.detach().double().cpu().numpy() for p in self.scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(bias == 0, 0.0, bias / np.abs(weight))


class Sight(Look):
    """The hook on a parameter that leads to a layer's units."""

    def __init__(self, producer: Producer, incoming: Incoming) -> None:
        super().__init__(partial(producer.see, incoming))
        self._producer = producer
        self._key = id(incoming.parameter)
        producer.passes.setdefault(self._key, 0)

    def __call__(self, gradient: Tensor) -> None:
        producer = self._producer
        producer.passes[self._key] += 1
        if not producer.all_updated:  # once they are, all that is left is to count the passes
            super().__call__(gradient)


def verdict(producers: Sequence[Producer]) -> tuple[Any, str | None]:
    """Which units of a place were updated, through whichever of the layers that fed it one by one."""
    if not producers:
        return None, "no single layer feeds it"
    seen = [producer for producer in producers if producer.steps] or producers[-1:]
    verdicts = [producer.verdict() for producer in seen]
    for updated, because in verdicts:
        if updated is None:
            return None, because
    return np.logical_or.reduce([updated for updated, _ in verdicts]), None


def named_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules by their names, which are the same whether they are compiled or not."""
    for name, module in model.named_modules():
        yield ".".join(part for part in name.split(".") if part != "_orig_mod"), module


def _is_whole(gradient: Tensor) -> bool:
    return type(gradient) in (Tensor, nn.Parameter) and gradient.layout is torch.strided


class Producers:
    """The layers of a model that have been met, found by their parameters."""

    def __init__(self, model: nn.Module, where: Callable[[], str]) -> None:
        self._model = model
        self._where = where
        self._owners: dict[int, list[tuple[str, str]]] = {}
        self._known: dict[Any, Producer] = {}

    def __iter__(self) -> Iterator[Producer]:
        return iter(self._known.values())

    @property
    def gradients(self) -> int:
        """How many gradients of their parameters were seen."""
        return sum(sum(producer.passes.values()) for producer in self)

    def find(
        self, units: int, own: Sequence[Incoming | None], before: Producer | None = None
    ) -> Producer:
        """The layer to which these parameters belong, the first of which decides on its name.

        `before`: the layer whose units it passes on one by one, so that what leads to them leads to
        its own.
        """
        present = [i for i in own if i is not None]
        ids = tuple([id(i.parameter) for i in present])
        if (ids, units, before) in self._known:
            return self._known[ids, units, before]
        known = [i for i in present if self._owner(i.parameter)]
        # Without any of their own, layers are told apart by where they run.
        source = tuple(id(i.parameter) for i in known) or self._where()
        key = source, units, before
        if key not in self._known:
            name = self._name(known[0].parameter) if known else self._where()
            incoming, unknown = tuple(known), None if len(known) == len(present) else PARAMETRISED
            if before is not None:
                incoming, unknown = incoming + before.incoming, unknown or before.unknown
            self._known[key] = Producer(name, units, incoming, unknown)
        return self._known[key]

    def tell_apart(self, values: Sequence[Any]) -> bool:
        """Whether parameters among these say which layer it is: some do, and none has two owners."""
        owners = [self._owners.get(id(v)) for v in values if type(v) is nn.Parameter]
        return bool(owners) and all(found and len(found) == 1 for found in owners)

    def _name(self, parameter: Tensor) -> str:
        """The module's name, if the parameter is its weight or bias; else the parameter's own."""
        module, name = self._owner(parameter) or ("", "")
        if name in ("weight", "bias") and module:
            return module
        return f"{module}.{name}" if module else name

    def _owner(self, parameter: Tensor) -> tuple[str, str] | None:
        """The module that has this parameter; of several that share it, the one that runs."""
        if id(parameter) not in self._owners:
            if not isinstance(parameter, nn.Parameter):
                return None
            self._owners = defaultdict(list)
            for module_name, module in named_modules(self._model):
                for name, p in module.named_parameters(recurse=False):
                    self._owners[id(p)].append((module_name, name))
        owners = self._owners.get(id(parameter), [])
        here = self._where() if len(owners) > 1 else ""
        return next((owner for owner in owners if owner[0] == here), *owners[:1] or (None,))
