"""What watching costs, as data: training steps, watched and not, and the counting alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from halfwave.bench.contests import Contender, Contest, Operation

NETWORKS = {
    "MLP": "784-1024-1024-10 with ReLU; batches of 256",
    "CNN": "32×32×3 images, 3×3 convolutions of 32, 64 and 64 channels with ReLU, max-pooling between "
    "them, and a linear layer to 10; batches of 64",
}
"""The networks that are trained."""

WATCHED, HOOKED, UNWATCHED = map(
    Contender, ("with health.watch(model): step()", "with hooks(model): step()", "step()")
)
"""The ways to take a training step; what stands before a colon has begun when it is timed."""

TRAINING = Operation("training", "value", (WATCHED, HOOKED, UNWATCHED))

COUNTING = Operation(
    "counting",
    "value",
    (
        Contender("stats = health.Stats(); stats.update(x)"),
        Contender("(x > 0).sum(axis=0)"),
        Contender("torch.sum(x > 0, 0)"),
    ),
)
ROWS, QUICK_ROWS, UNITS = 2**17, 2**13, 1024


@dataclass(frozen=True)
class Training(Contest):
    """Training steps of one network."""

    network: str

    @property
    def column(self) -> str:
        """The network."""
        return self.network

    @property
    def stage(self) -> tuple[Any, ...]:
        """Where PyTorch trains it."""
        return "torch_training", "Training", self.network

    def as_data(self) -> dict[str, Any]:
        """What is measured; the size is that of a batch."""
        return {**super().as_data(), "network": self.network}


@dataclass(frozen=True)
class Counting(Contest):
    """One pass over the outputs of a layer."""

    rows: int

    @property
    def column(self) -> str:
        """The shape of the outputs."""
        return f"{self.rows:,}×{UNITS:,}"

    @property
    def stage(self) -> tuple[Any, ...]:
        """Where the outputs are."""
        return "stage", "Outputs", self.rows, UNITS

    def as_data(self) -> dict[str, Any]:
        """What is measured."""
        return {**super().as_data(), "shape": [self.rows, UNITS]}


def contests(*, quick: bool, torch: bool) -> Iterator[Contest]:
    """The networks, if PyTorch is there to train them, and the counting."""
    if torch:
        yield Training("relu", TRAINING, 256, "MLP")
        yield Training("relu", TRAINING, 64, "CNN")
    rows = QUICK_ROWS if quick else ROWS
    yield Counting("relu", COUNTING, rows * UNITS, rows)
