"""Where PyTorch takes training steps, each in another way of looking at them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from timeit import Timer
from typing import Any, Self

import torch
from torch import Tensor, nn

from halfwave import health
from halfwave.bench.health import HOOKED, UNWATCHED, WATCHED


class Training:
    """One network in training, and the ways of looking at it that were let in."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._model, self._step = self.new()
        self._ways: dict[str, AbstractContextManager[Any]] = {}

    def new(self) -> tuple[nn.Module, Callable[[], None]]:
        """The network before anything has trained it, and its step: always the same numbers."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model, inputs = _NETWORKS[self._network]()
            labels = torch.randint(10, inputs.shape[:1])
        loss = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

        def step() -> None:
            optimizer.zero_grad()
            loss(model(inputs), labels).backward()
            optimizer.step()

        return model, step

    def admit(self, text: str, copies: bool) -> str | None:
        """Let a way in if it leaves the training as it is."""
        same = all(map(torch.allclose, self._trained(_WAYS[text]), self._trained(nullcontext)))
        if not same:
            return "changes the training"
        self._ways[text] = _WAYS[text](self._model)
        return None

    def _trained(self, way: Callable[[nn.Module], AbstractContextManager[Any]]) -> list[Tensor]:
        """The parameters of a new network after two steps."""
        model, step = self.new()
        with way(model):
            step()
            step()
        return list(model.parameters())

    def seconds(self, text: str, repetitions: int) -> float:
        """How long so many steps take, once the way has been begun and a step was taken."""
        with self._ways[text]:
            self._step()
            return Timer(self._step).timeit(repetitions)

    def close(self) -> None:
        """Let go of the network."""
        del self._model, self._step, self._ways


class Hooks:
    """The usual recipe: a hook on each ReLU adds up where its outputs are above 0.

    It counts a channel at each position.
    """

    def __init__(self, model: nn.Module) -> None:
        self.fired: dict[nn.Module, Any] = {}
        self._modules = [module for module in model.modules() if isinstance(module, nn.ReLU)]
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        self._handles = [module.register_forward_hook(self._add) for module in self._modules]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _add(self, module: nn.Module, args: Any, out: Tensor) -> None:
        fired = (out > 0).sum((0, *range(2, out.ndim)))
        self.fired[module] = self.fired.get(module, 0) + fired


_WAYS: dict[str, Callable[[nn.Module], AbstractContextManager[Any]]] = {
    WATCHED.text: health.watch,
    HOOKED.text: Hooks,
    UNWATCHED.text: nullcontext,
}


def _mlp() -> tuple[nn.Module, Tensor]:
    linear = (nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU())
    return nn.Sequential(*linear, nn.Linear(1024, 10)), torch.randn(256, 784)


def _cnn() -> tuple[nn.Module, Tensor]:
    convolutions = (
        *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten()),
    )
    return nn.Sequential(*convolutions, nn.Linear(1024, 10)), torch.randn(64, 3, 32, 32)


_NETWORKS = {"MLP": _mlp, "CNN": _cnn}
