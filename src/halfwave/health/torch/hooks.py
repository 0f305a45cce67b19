"""How a watch is in a model and leaves nothing there: its hooks, its mode on the stack, the frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import _C
from torch.compiler import is_compiling
from torch.overrides import TorchFunctionMode


class Look:
    """A hook that a copy of what it hangs on does not have, and that is not pickled."""

    def __init__(self, look: Callable[..., Any]) -> None:
        self._look = look

    def __call__(self, *args: Any) -> Any:
        # What is traced becomes a program, in which the look would be; its tensors are no samples.
        return None if is_compiling() or _C._get_tracing_state() else self._look(*args)

    @property
    def __name__(self) -> str:
        """TorchScript compiles hooks, and asks for this first."""
        raise AttributeError("a watched model cannot be scripted; call stop() of its watch first")

    __torch_unserializable__ = True  # PyTorch need not warn that it leaves it out

    def __deepcopy__(self, memo: Any) -> Any:
        return _NOTHING

    def __reduce__(self) -> Any:
        return _NOTHING.__reduce__()


_NOTHING = nullcontext().__exit__
"""What hangs in the place of a hook on a copy: it takes anything, and needs no halfwave to be loaded."""


def put_on(mode: TorchFunctionMode) -> None:
    """Put a mode beneath the others, so that these still end as they should where it is left there.

    An interrupt leaves it there. The mode of the default device has to be the lowest.
    """
    others = [_C._pop_torch_function_stack() for _ in range(_C._len_torch_function_stack())]
    default = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    lowest = [others.pop()] if others and others[-1] is default else []
    for each in (*lowest, mode, *reversed(others)):
        _C._push_on_torch_function_stack(each)


def take_off(mode: TorchFunctionMode) -> None:
    """Take a mode off the stack of modes, wherever it is."""
    above = []
    while _C._len_torch_function_stack():
        top = _C._pop_torch_function_stack()
        if top is mode:
            break
        above.append(top)
    for other in reversed(above):
        _C._push_on_torch_function_stack(other)


def first_local(frame: Any) -> Any:
    """What ``self`` is in a frame."""
    names = frame.f_locals
    first = names.get("self")
    if type(names) is dict:
        # Up to Python 3.12 a copy, which would keep every tensor of the frame alive until its end.
        names.clear()
    return first
