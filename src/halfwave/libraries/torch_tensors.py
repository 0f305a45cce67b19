"""PyTorch tensors: computed in PyTorch, differentiated there, by the compiled kernels where they fit.

Nothing imports this module before the user has imported torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import _C
from torch.compiler import is_compiling
from torch.jit import is_tracing
from torch.overrides import handle_torch_function

from halfwave import _core
from halfwave.arrays import is_number
from halfwave.libraries.array_api import Library
from halfwave.libraries.torch_autograd import (
    ArgumentKernel,
    Expression,
    ForwardExpression,
    Gate,
    Kernel,
    compute,
    fits_kernels,
    is_transformed,
    passed,
    pull,
    record,
    slope_of,
)
from halfwave.pullback import Pullback

if TYPE_CHECKING:
    from halfwave.facts import Facts


class TorchLibrary(Library):
    """Computes tensors: the plain ones of the processor by the kernels, others by the expressions.

    The kernels were faster than the expressions at every size that was measured.
    """

    def __init__(self) -> None:
        super().__init__(torch)

    def value(self, facts: Facts, x: Any, parameters: list[Any]) -> Any:
        # Only the mode sees which activation this is; what it calls comes here again, without it.
        if not is_compiling() and _C._is_torch_function_mode_enabled():
            return handle_torch_function(activated, (x,), x, facts, *parameters)
        numbers = _as_numbers(parameters)
        if numbers is None or not fits_kernels(x):
            return super().value(facts, x, parameters)
        if x.requires_grad and torch.is_grad_enabled():
            if facts.is_smooth:
                return ArgumentKernel.apply(x, facts, numbers)
            return Kernel.apply(x, facts.name, numbers)
        return compute("value", facts.name, x, numbers)

    def derivative(self, facts: Facts, x: Any, parameters: list[Any], at_kink: Any = None) -> Any:
        numbers = _as_numbers(parameters)
        by_kernels = at_kink is None and fits_kernels(x) and not _is_followed(x)
        if numbers is None or not by_kernels:
            return super().derivative(facts, x, parameters, at_kink)
        return compute("derivative", facts.name, x, numbers)

    def vjp(self, facts: Facts, x: Any, parameters: list[Any]) -> tuple[Any, Pullback]:
        numbers = _as_numbers(parameters)
        if numbers is None or not fits_kernels(x) or _is_followed(x):
            return super().vjp(facts, x, parameters)
        if facts.is_smooth:
            return compute("value", facts.name, x, numbers), TensorPullback(self, facts, x, numbers)
        value, bits = record(facts.name, x, numbers)
        return value, BitsPullback(self, facts, bits, Gate(facts.name, numbers, value), value)

    def pullback(self, facts: Facts, x: Any, parameters: list[Any], g: Any) -> Any:
        if not x.is_floating_point():
            return super().pullback(facts, x, parameters, g)
        slope = slope_of(facts, x, *parameters)
        return passed(slope, self.gradient(g, slope))

    def owns(self, a: Any) -> bool:
        return isinstance(a, torch.Tensor)

    def is_kind(self, a: Any, *kinds: str) -> bool:
        return _kind(a.dtype) in kinds

    def as_array(self, value: Any, dtype: Any, like: Any) -> Any:
        # A NumPy array is copied: PyTorch takes no negative strides, and warns of read-only memory.
        plain = value if is_number(value) else np.array(value)
        return torch.as_tensor(plain, dtype=dtype, device=like.device)

    def astype(self, a: Any, dtype: Any) -> Any:
        return a.to(dtype)

    def nbytes(self, a: Any) -> int:
        return int(a.nbytes)

    def _argument(self, facts: Facts, x: Any, like: Any) -> Any:
        # Most calls; and torch.compile looks into this, but not into NumPy's dtypes.
        if self.owns(x) and x.is_floating_point():
            return x
        return super()._argument(facts, x, like)

    def _value(self, facts: Facts, x: Any, *parameters: Any) -> Any:
        """The expression, with a way back where anything differentiates."""
        # A trace of torch.jit keeps no Function that is written in Python.
        followed = not is_tracing() and (is_transformed() or _is_followed(x, *parameters))
        if not (followed and x.is_floating_point()):
            return facts.value(torch, x, *parameters)
        function = Expression if torch.compiler.is_compiling() else ForwardExpression
        return function.apply(facts, x, *parameters)


class BitsPullback(Pullback):
    """Keeps one bit per element."""

    def __init__(
        self,
        library: TorchLibrary,
        facts: Facts,
        bits: torch.Tensor,
        gate: Gate,
        value: torch.Tensor,
    ) -> None:
        super().__init__(facts, [])
        self._library = library
        self._bits = bits
        self._gate = gate
        self._like = value.new_empty(()).expand(value.shape)  # its shape and dtype, no memory

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes

    def __call__(self, g: Any, /) -> Any:
        return self._gate.pull(self._bits, self._library.gradient(g, self._like))


class TensorPullback(Pullback):
    """Keeps a reference to x."""

    def __init__(
        self, library: TorchLibrary, facts: Facts, x: torch.Tensor, parameters: tuple[float, ...]
    ) -> None:
        super().__init__(facts, list(parameters))
        self._library = library
        self._x = x
        self._numbers = parameters

    @property
    def nbytes(self) -> int:
        return int(self._x.nbytes)

    def __call__(self, g: Any, /) -> Any:
        gradient = self._library.gradient(g, self._x)
        return pull(self._facts, self._x, gradient, self._numbers)


def _kind(dtype: torch.dtype) -> str:
    """The standard's name for what kind of number a dtype holds."""
    if dtype.is_complex or dtype.is_floating_point:
        return "complex floating" if dtype.is_complex else "real floating"
    return "bool" if dtype == torch.bool else "integral"


def _is_followed(*operands: torch.Tensor) -> bool:
    """Whether autograd records what is done to these."""
    return torch.is_grad_enabled() and any(t.requires_grad for t in operands)


def _as_numbers(parameters: list[Any]) -> tuple[float, ...] | None:
    """The parameters as the kernels take them; None where one is an array, or learns."""
    for p in parameters:
        if type(p) is not float:  # what most calls have
            numbers = [p.item() if _is_constant(p) else p for p in parameters]
            return tuple(map(float, numbers)) if all(map(is_number, numbers)) else None
    return tuple(parameters)


def _is_constant(parameter: Any) -> bool:
    """Whether a parameter is one number of PyTorch's that does not learn."""
    single = fits_kernels(parameter) and parameter.ndim == 0
    return single and not parameter.requires_grad


LIBRARY = TorchLibrary()


def activated(x: Any, facts: Facts, *parameters: Any) -> Any:
    """The value of an activation, as a `TorchFunctionMode` meets it."""
    return LIBRARY.value(facts, x, list(parameters))


def compute_quickly(operation: Any, x: torch.Tensor, *parameters: Any) -> Any:
    """The call of an operation on a tensor with plain numbers; all else is for `_general`.

    The engine comes here first, since on a small tensor everything around the kernel counts; and
    so does torch.compile after it broke the graph.
    """
    for p in parameters:
        if type(p) is not float:
            return NotImplemented
    return getattr(LIBRARY, operation._method)(operation._facts, x, list(parameters))


_core.ways.update(dict.fromkeys((torch.Tensor, torch.nn.Parameter), compute_quickly))
