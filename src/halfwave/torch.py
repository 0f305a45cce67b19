"""Layers for PyTorch, one for each activation: they stand wherever those of `torch.nn` do.

>>> import torch
>>> import halfwave.torch
>>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), halfwave.torch.LeakyReLU(alpha=0.1))
>>> network[1]
LeakyReLU(alpha=0.1)
"""

from __future__ import annotations

import re
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

try:
    import torch
except ImportError as missing:
    raise ImportError(
        "halfwave.torch needs PyTorch, which is not installed: pip install torch"
    ) from missing

from halfwave import calls
from halfwave.arrays import is_number
from halfwave.functions import activations
from halfwave.libraries.torch_tensors import LIBRARY

if TYPE_CHECKING:
    from halfwave.facts import Facts


# Not by way of the activation: torch.compile no longer looks into one that was allowed in the graph.
_FACTS = {name: f._facts for name, f in activations.items()}


def activate(x: torch.Tensor, name: str, *parameters: Any) -> torch.Tensor:
    """The activation of this name, as the layers call it.

    A function of Python's own, so that `torch.compile` looks into it and `torch.fx` does not.
    """
    if not isinstance(x, torch.Tensor):
        raise TypeError(
            f"a layer takes a tensor, and x is of type {type(x).__name__}; pass torch.tensor(x)"
        )
    value: torch.Tensor = LIBRARY.value(_FACTS[name], x, list(parameters))
    return value


torch.fx.wrap("activate")


class Layer(torch.nn.Module):
    """A layer that computes an activation; the layers of this module are its subclasses."""

    _facts: ClassVar[Facts]
    __signature__: ClassVar[Signature]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        for name, value in _bind(type(self), args, kwargs).items():
            setattr(self, name, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parameters = [getattr(self, p.name) for p in self._facts.parameters]
        if not self.inplace:
            return activate(x, self._facts.name, *parameters)
        # From a copy: what the way back keeps must not be written over.
        value = activate(x.clone(), self._facts.name, *parameters)
        if value.dtype != x.dtype:
            raise TypeError(
                f"inplace=True, and x of dtype {x.dtype} does not hold {value.dtype}; pass floats"
            )
        return x.copy_(value)

    def extra_repr(self) -> str:
        shown = [f"{p.name}={_shown(getattr(self, p.name))}" for p in self._facts.parameters]
        return ", ".join([*shown, "inplace=True"] if self.inplace else shown)


def _shown(value: float | torch.Tensor) -> str:
    """A parameter on one line: a number, or the shape of many, and whether it is learned."""
    if not isinstance(value, torch.Tensor):
        return str(value)
    if value.numel() == 1 and not value.is_meta:
        shown = f"{value.item():g}"
    else:
        shown = f"tensor of shape {tuple(value.shape)}"
    return f"{shown}, learned" if isinstance(value, torch.nn.Parameter) else shown


def _bind(cls: type[Layer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The values of a layer's arguments by name; numbers as floats."""
    facts = cls._facts
    try:
        bound = cls.__signature__.bind(*args, **kwargs)
    except TypeError as wrong:
        ours = [p.name for p in facts.parameters if not kwargs.keys().isdisjoint(p.aliases)]
        told = (
            f"here it is called {ours[0]}" if ours else f"it is {cls.__name__}{cls.__signature__}"
        )
        raise TypeError(f"{cls.__name__}: {wrong}; {told}") from None
    bound.apply_defaults()
    for p in facts.parameters:
        value = bound.arguments[p.name]
        if is_number(value):
            number = calls.as_float(value, cls.__name__)
            weight = torch.nn.Parameter(torch.tensor(number)) if facts.is_learned else None
            bound.arguments[p.name] = number if weight is None else weight
        elif not isinstance(value, torch.Tensor):
            raise TypeError(f"{cls.__name__}: {p.name} is {value!r}; pass a number or a tensor")
    return bound.arguments


def _layer(facts: Facts) -> type[Layer]:
    """The layer of an activation."""
    names = {p.name: p.default for p in facts.parameters} | {"inplace": False}
    parameters = [
        Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=d) for n, d in names.items()
    ]
    name = re.sub(r"\W", "", facts.title)
    attributes = {
        "_facts": facts,
        "__signature__": Signature(parameters),
        "__constants__": list(names),
        "__doc__": _DOC.format(
            facts=facts,
            name=name,
            parameters=_parameter_section(facts),
            kept="its argument" if facts.is_smooth else "one bit per element",
        ),
        "__module__": __name__,
    }
    return type(name, (Layer,), attributes)


def _parameter_section(facts: Facts) -> str:
    return "".join(
        f"{p.name} : float or Tensor, default {p.default!r}\n    {p.meaning} A `torch.nn.Parameter` "
        f"is learned.\n"
        for p in facts.parameters
    )


_DOC = """\
{facts.summary}

    {name}(x) = {facts.formula_text}

Parameters
----------
{parameters}inplace : bool, default False
    Whether x itself becomes the result, as in `torch.nn`. That saves no memory here.

Notes
-----
On the processor the layer keeps {kept} for the way back.

References
----------
{facts.source}
"""

_LAYERS = {cls.__name__: cls for cls in (_layer(f._facts) for f in activations.values())}
globals().update(_LAYERS)
__all__ = [*_LAYERS]  # noqa: PLE0604


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:  # the layers are made above, where type checkers do not see them

    def __getattr__(name: str) -> type[Layer]: ...
