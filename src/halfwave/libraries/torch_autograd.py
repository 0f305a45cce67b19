"""How PyTorch differentiates an activation: by its portable expression, or by the compiled kernels.

The kernels read and write the memory of plain tensors, and keep one bit per element for the way
back, or x where the activation is smooth. Everything else (other devices, `torch.func`, `torch.compile`, forward mode, subclasses) goes
by the expression, whose operations PyTorch itself can transform.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import _C
from torch.autograd import forward_ad
from torch.autograd.function import Function
from torch.compiler import is_compiling
from torch.jit import is_tracing

from halfwave import _core
from halfwave.facts import Facts, passing_slope

_LETTERS = {torch.float16: "e", torch.bfloat16: "E", torch.float32: "f", torch.float64: "d"}
_PLAIN = {torch.Tensor, torch.nn.Parameter}


def is_transformed() -> bool:
    """Whether something besides autograd follows each operation: a compiler, a transform, a mode.

    What the kernels do would escape it. Only the first and the last of these have a public name.
    """
    return (
        is_compiling()
        or _C._are_functorch_transforms_active()
        or _C._len_torch_dispatch_stack() > 0
        or forward_ad._current_level >= 0
        or is_tracing()
    )


def fits_kernels(x: Any) -> bool:
    """Whether the compiled kernels can read x, and nothing needs to see them do it."""
    return (
        type(x) in _PLAIN
        and x.is_cpu
        and x.dtype in _LETTERS
        and x.layout is torch.strided
        and not is_transformed()
        and not x.is_neg()  # a view that changes the sign of what it reads
        and not x.is_nested
        # A batch of gradients (is_grads_batched) looks plain and has no memory of its own, and the
        # zeros that autograd makes where no gradient comes have none at all.
        and _C._has_storage(x)
        and (x.data_ptr() != 0 or x.numel() == 0)
    )


# By the compiled kernels


def compute(op: str, name: str, x: torch.Tensor, parameters: tuple[float, ...]) -> torch.Tensor:
    """The value or the derivative, without a way back."""
    result = torch.empty_like(x)
    source = _laid_out_like(result, x)
    addresses = source.data_ptr(), result.data_ptr()
    _core.compute_at(name, op, _LETTERS[x.dtype], x.numel(), addresses, parameters)
    return result


def record(
    name: str, x: torch.Tensor, parameters: tuple[float, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The value, and one bit per element for the pullback."""
    value, n = torch.empty_like(x), x.numel()
    source = _laid_out_like(value, x)
    bits = x.new_empty(_core.gate_bytes(n), dtype=torch.uint8)
    addresses = source.data_ptr(), value.data_ptr(), bits.data_ptr()
    _core.compute_at(name, "record", _LETTERS[x.dtype], n, addresses, parameters)
    return value, bits


def _laid_out_like(result: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """x, or where x has gaps or repeats, its copy in `result`, which may be overwritten."""
    return x if x.stride() == result.stride() else result.copy_(x)


class Gate:
    """What the kernels need beside the bits: the activation, and in what order x lay in memory."""

    def __init__(self, name: str, parameters: tuple[float, ...], value: torch.Tensor) -> None:
        self.name = name
        self.parameters = parameters
        self.strides = value.stride()

    def pull(self, bits: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """g * f′(x), differentiable in g."""
        if not fits_kernels(g):
            return passed(self._slopes(bits, g), g)
        if g.requires_grad and torch.is_grad_enabled():
            pulled: torch.Tensor = Pull.apply(g, bits, self)
            return pulled
        return self.compute(bits, g)

    def compute(self, bits: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        result = g.new_empty_strided(g.shape, self.strides)
        source = _laid_out_like(result, g)
        addresses = bits.data_ptr(), source.data_ptr(), result.data_ptr()
        letter = _LETTERS[g.dtype]
        _core.compute_at(self.name, "apply", letter, g.numel(), addresses, self.parameters)
        return result

    def _slopes(self, bits: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """f′(x) for a g that the kernels cannot read, such as a batch of them."""
        slopes = np.ones(g.numel())
        at = slopes.ctypes.data
        addresses = bits.data_ptr(), at, at
        _core.compute_at(self.name, "apply", "d", slopes.size, addresses, self.parameters)
        return torch.from_numpy(slopes).to(g.dtype).as_strided(g.shape, self.strides)


class Kernel(Function):
    """The value; keeps one bit per element."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, name: str, parameters: tuple[float, ...]) -> Any:
        value, bits = record(name, x, parameters)
        ctx.save_for_backward(bits)
        ctx.gate = Gate(name, parameters, value)
        return value

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Any:
        return ctx.gate.pull(*ctx.saved_tensors, g), None, None


class Pull(Function):
    """g * f′(x), by the bits; linear in g, and so its own derivative."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, bits: torch.Tensor, gate: Gate) -> Any:
        ctx.save_for_backward(bits)
        ctx.gate = gate
        return gate.compute(bits, g)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Any:
        return ctx.gate.pull(*ctx.saved_tensors, g), None, None


class ArgumentKernel(Function):
    """The value; keeps x."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, facts: Facts, parameters: tuple[float, ...]) -> Any:
        ctx.save_for_backward(x)
        ctx.facts, ctx.parameters = facts, parameters
        return compute("value", facts.name, x, parameters)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return pull(ctx.facts, x, g, ctx.parameters), None, None


def pull(
    facts: Facts, x: torch.Tensor, g: torch.Tensor, parameters: tuple[float, ...]
) -> torch.Tensor:
    """g * f′(x), differentiable in both."""
    followed = torch.is_grad_enabled() and (g.requires_grad or x.requires_grad)
    if followed or not (fits_kernels(x) and fits_kernels(g)):
        return passed(slope_of(facts, x, *(x.new_tensor(p) for p in parameters)), g)
    result = torch.empty_like(x)
    argument = _laid_out_like(result, x)
    source = _laid_out_like(torch.empty_like(x), g) if g.stride() != result.stride() else g
    addresses = argument.data_ptr(), source.data_ptr(), result.data_ptr()
    letter = _LETTERS[x.dtype]
    _core.compute_at(facts.name, "pullback", letter, x.numel(), addresses, parameters)
    return result


# By the portable expression


class Expression(Function):
    """The value, with the slope that is declared at kinks."""

    generate_vmap_rule = True

    @staticmethod
    def forward(facts: Facts, x: torch.Tensor, *parameters: torch.Tensor) -> Any:
        return facts.value(torch, x, *parameters)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.facts, *operands = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*operands)
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor | None) -> Any:
        _, *needed = ctx.needs_input_grad
        operands = ctx.saved_tensors  # once: a checkpoint computes them for each time
        gradients = _passed_where(needed, ctx.facts, operands, [g] * len(needed))
        pairs = zip(gradients, operands, strict=True)
        return None, *(d if d is None else d.sum_to_size(a.shape) for d, a in pairs)


class ForwardExpression(Expression):
    """The same with forward mode, which `torch.compile` does not take."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: torch.Tensor | None) -> Any:
        moving = [t is not None for t in tangents]
        passing = _passed_where(moving, ctx.facts, ctx.saved_tensors, tangents)
        return sum(t for t in passing if t is not None)


def _passed_where(
    wanted: Sequence[bool], facts: Facts, operands: Sequence[torch.Tensor], gradients: Sequence[Any]
) -> list[torch.Tensor | None]:
    """Of x and each parameter, what passes of its gradient; None where that is not wanted."""
    slopes = [slope_of(facts, *operands)]
    if any(wanted[1:]):
        slopes += parameter_slopes_of(facts, *operands)
    return [
        passed(slope, g) if want and g is not None else None
        for slope, want, g in zip_longest(slopes, wanted, gradients)
    ]


def slope_of(facts: Facts, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
    """The derivative with respect to x, of the value's shape; where x is NaN, gradients pass."""
    x, *spread = torch.broadcast_tensors(x, *parameters)
    slope = facts.derivative(torch, x, *spread)
    passing = passing_slope(facts, spread) * torch.ones_like(slope)
    return torch.where(torch.isnan(x), passing, slope)


def parameter_slopes_of(
    facts: Facts, x: torch.Tensor, *parameters: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """The derivatives with respect to each parameter, of the value's shape."""
    x, *spread = torch.broadcast_tensors(x, *parameters)
    value, pullback = torch.func.vjp(lambda *p: facts.value(torch, x, *p), *spread)
    slopes: tuple[torch.Tensor, ...] = pullback(torch.ones_like(value))
    return slopes


def passed(slope: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """slope * g, where a slope of 0 passes nothing, even of an infinite g.

    Differentiable in both: an infinity never meets a 0, so no derivative of this is NaN, and the
    derivative with respect to a slope of 0 is still g.
    """
    silent = slope == 0
    product = slope * torch.where(silent, torch.nan_to_num(g, 0.0, 0.0, 0.0), g)
    return torch.where(silent, product + 0.0, product)  # + 0.0: never -0.0
