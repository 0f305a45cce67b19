"""Watches a PyTorch model while it trains or infers, and changes nothing about that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import get_ident
from types import FrameType, TracebackType
from typing import Any, Self

import torch
from torch import _C, nn
from torch.compiler import set_stance
from torch.jit import ScriptModule
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.utils.hooks import RemovableHandle

from halfwave.health.report import NotSeen, Report
from halfwave.health.torch.fused import keep_masks
from halfwave.health.torch.hooks import Look, first_local, put_on, take_off
from halfwave.health.torch.mode import Mode
from halfwave.health.torch.producers import named_modules

SCRIPT = "TorchScript, which runs where nothing can be seen; watch the model before it is scripted"
ATTENTION = (
    "a forward pass of its own around that of nn.MultiheadAttention, where nothing is looked at"
)
NESTED = (
    "nn.TransformerEncoder packs what is not masked into a nested tensor, and computes that in a fused "
    "kernel; make it with enable_nested_tensor=False"
)
EAGER = (
    "The model is compiled: while it was watched, torch.compile was switched off, so that it ran "
    "slower, and with other roundings than the compiled code."
)
UNCALLED = (
    "The model was not called while it was watched: where a part of it is, or its forward method, watch "
    "the module that is called."
)
UNSTARTED = (
    "The watch has not been started: run the model in a with block, or call start() before it."
)
THREADS = (
    "Forward passes in several threads at once: of these, one was counted, and the others not."
)


class Watch:
    """Watches the units of a model from `start` to `stop`, or in a ``with`` block.

    `halfwave.health.watch` makes one.
    """

    def __init__(self, model: nn.Module, every: int, axes: Mapping[str, int]) -> None:
        if not isinstance(every, int) or every < 1:
            raise ValueError(
                f"every is {every!r}; pass 1 to count each forward pass, 2 for every other"
            )
        if not isinstance(axes, Mapping):
            raise TypeError(f"axes is {axes!r:.60}; pass the units' axis by place, {{name: axis}}")
        for name, axis in axes.items():
            if not isinstance(axis, int) or isinstance(axis, bool):
                raise TypeError(
                    f"axes names {axis!r} for {name!r}; pass an axis's number, such as 1"
                )
        _refuse(model)
        self._model = model
        self._every = every
        self._axes = dict(axes)
        self._mode = Mode(_unwrapped(model), self._axes)
        self._handles: list[RemovableHandle] = []
        self._depth = 0
        self._thread = get_ident()
        self._forwards = 0
        self._was_started = False
        self._is_active = False
        self._is_away: list[nn.Module] = []
        self._notes: dict[str, None] = {}

    # From start to stop

    def start(self) -> Self:
        """Begin to watch; what was counted before is kept.

        Raises
        ------
        RuntimeError
            If the watch has been started already.
        """
        if self._handles:
            raise RuntimeError("this watch has been started; call stop() first")
        self._was_started = True
        _EAGERNESS.begin()
        if any(map(_is_compiled, self._model.modules())):
            self._notes[EAGER] = None
        self._hook(self._model, self._enter, self._leave)
        self._mode.hook()
        for name, module in named_modules(_unwrapped(self._model)):
            if isinstance(module, nn.MultiheadAttention):
                if type(module).forward is not nn.MultiheadAttention.forward:
                    self._mode.sites.not_seen.setdefault(name, ATTENTION)
                self._hook(module, self._look_away, self._look_again)
            if isinstance(module, nn.TransformerEncoder):
                self._hook(module, partial(self._look_away_if_nested, name), self._look_again)
        for module in self._model.modules():  # after attention's own hooks, which look away
            if isinstance(module, nn.TransformerEncoderLayer):
                keep = Look(partial(keep_masks, module, _is_ours))
                handle = module.self_attn.register_forward_pre_hook(keep, with_kwargs=True)
                self._handles.append(handle)
        return self

    def stop(self) -> None:
        """Watch no more: the model is as it was before. `report` still tells what was seen."""
        self._close()
        if self._handles:
            _EAGERNESS.end()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._mode.unhook()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def report(self) -> Report:
        """What was seen so far; on a GPU this waits for it. Also while the watch goes on."""
        places = self._mode.sites.places.items()
        layers = {name: place.layer() for name, place in places if place.is_counted}
        not_seen = {**_scripted(self._model), **self._mode.sites.not_seen}
        for name in self._axes.keys() - layers.keys() - not_seen.keys():
            not_seen[name] = "axes names it, and no rectifier of this name was met"
        entries = (NotSeen(*entry) for entry in (*not_seen.items(), *self._mode.missed))
        return Report(layers, tuple(entries), (*self._notes, *self._passes(bool(layers))))

    def _passes(self, counted: bool) -> Iterator[str]:
        """What has to be said of the forward passes that were seen."""
        if not self._forwards:
            yield UNCALLED if self._was_started else UNSTARTED
        elif not counted:
            times = f"{self._forwards:,} time{'s' * (self._forwards != 1)}"
            yield f"The model ran {times}, and no rectifier was counted."
        if self._every > 1:
            yield f"Of every {self._every:,} forward passes one was counted."

    def _hook(
        self, module: nn.Module, before: Callable[..., None], after: Callable[..., None]
    ) -> None:
        before, after = (Look(partial(self._look_here, look)) for look in (before, after))
        self._handles += [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after, always_call=True),
        ]

    def _look_here(self, look: Callable[..., None], *args: Any) -> None:
        """Look, unless a forward pass is going on in another thread."""
        if self._depth and self._thread != get_ident():
            self._notes[THREADS] = None
        else:
            look(*args)

    # Forward passes

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self._depth and _calls(module) < 2:
            # The last pass was interrupted from the keyboard: that calls no hook.
            self._close()
        self._depth += 1
        self._thread = get_ident()
        # Inside backward a checkpoint computes what was counted before.
        if self._depth > 1 or _C._current_graph_task_id() != -1:
            return
        self._forwards += 1
        if (self._forwards - 1) % self._every == 0:
            self._mode.begin()
            put_on(self._mode)
            self._is_active = True

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._depth:
            self._depth -= 1
        if not self._depth:
            self._mode.lead_elsewhere(output)
            self._close()

    def _close(self) -> None:
        if self._is_active:
            take_off(self._mode)
            self._mode.forget()
        self._is_active = False
        self._is_away.clear()
        self._depth = 0

    def _look_away(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Attention leaves its fast path, and its bits, where a mode is active."""
        if self._is_active:
            self._mode.lead_elsewhere([*args, *kwargs.values()])
            self._is_away.append(module)
            take_off(self._mode)

    def _look_away_if_nested(
        self, name: str, module: nn.TransformerEncoder, args: Any, kwargs: Any
    ) -> None:
        """So does an encoder that packs what is not masked into a nested tensor."""
        mask = kwargs.get("src_key_padding_mask", args[2] if len(args) > 2 else None)
        follows = torch.is_grad_enabled() and any(p.requires_grad for p in module.parameters())
        if mask is not None and module.use_nested_tensor and not module.training and not follows:
            self._mode.sites.not_seen[name] = NESTED
            self._look_away(module, args, kwargs)

    def _look_again(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._is_away and self._is_away[-1] is module:
            self._is_away.pop()
            if not self._is_away:
                put_on(self._mode)


class _Eagerness:
    """Keeps torch.compile switched off as long as anything is watched: compiled code shows nothing."""

    def __init__(self) -> None:
        self._watches = 0
        self._stance: Any = None

    def begin(self) -> None:
        if not self._watches:
            self._stance = set_stance("force_eager")
        self._watches += 1

    def end(self) -> None:
        self._watches -= 1
        if not self._watches:
            self._stance.__exit__(None, None, None)


_EAGERNESS = _Eagerness()


def _refuse(model: nn.Module) -> None:
    if isinstance(model, ScriptModule):
        raise TypeError(f"the model is {SCRIPT}")
    if isinstance(model, DataParallel) and len(model.device_ids) > 1:
        raise TypeError(
            "DataParallel copies the model at each forward pass, and the copies cannot be watched; "
            "use DistributedDataParallel, and report.gather()"
        )


def _is_ours(hook: Any) -> bool:
    return isinstance(hook, Look)


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, whose names are the same with and without wrappers."""
    while True:
        if isinstance(model, (DistributedDataParallel, DataParallel)):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        else:
            return model


def _is_compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or module._compiled_call_impl is not None


def _scripted(model: nn.Module) -> dict[str, str]:
    """The modules of TorchScript, without those inside them."""
    found: dict[str, str] = {}
    for name, module in named_modules(_unwrapped(model)):
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(module, ScriptModule) and not inside:
            found[name] = SCRIPT
    return found


def _calls(module: nn.Module) -> int:
    """How many calls of this module are going on."""
    calls = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is nn.Module._call_impl.__code__ and first_local(frame) is module:
            calls += 1
        frame = frame.f_back
    return calls
