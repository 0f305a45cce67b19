"""A small network of layers y = f(Wx + b), trained on scikit-learn's handwritten digits.

Plain NumPy; the activation's derivative comes from its `vjp`. Everything follows from one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfwave import Activation, health

Array = NDArray[np.float64]
Pullback = Callable[[Array], Array]
Vjp = Callable[[Array], tuple[Array, Pullback]]

CLASSES = 10
HELD_OUT = 450


@dataclass(frozen=True)
class Setting:
    """What decides a training, apart from the activation.

    Parameters
    ----------
    hidden : tuple of int
        How many units each hidden layer has.
    learning_rate : float
        How far a step goes against the gradient.
    bias : float
        The first value of every hidden unit's bias.
    epochs : int
        How often the training images are gone through.
    batch : int
        How many images a step looks at.
    seed : int
        Decides the split into training and held-out images, the first weights and the order of
        the images.
    """

    hidden: tuple[int, ...] = (16,)
    learning_rate: float = 0.5
    bias: float = -1.0
    epochs: int = 100
    batch: int = 128
    seed: int = 0


@dataclass(frozen=True)
class Digits:
    """Images as rows of pixels between 0 and 1, and the digit that each shows."""

    images: Array
    labels: NDArray[np.intp]
    held_out_images: Array
    held_out_labels: NDArray[np.intp]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave; the report is of the hidden layers' units."""

    number: int
    loss: float
    report: health.Report


class Layer:
    """y = f(Wx + b), for a batch: one image per row of x."""

    def __init__(self, W: Array, b: Array, vjp: Vjp) -> None:
        self.W, self.b, self.vjp = W, b, vjp

    def forward(self, x: Array) -> Array:
        self.x = x
        self.y, self.pullback = self.vjp(x @ self.W.T + self.b)
        return self.y

    def backward(self, g: Array) -> Array:
        d = self.pullback(g)
        self.dW = d.T @ self.x
        self.db = d.sum(axis=0)
        return d @ self.W

    def step(self, learning_rate: float) -> None:
        self.W -= learning_rate * self.dW
        self.b -= learning_rate * self.db


def identity_vjp(z: Array) -> tuple[Array, Pullback]:
    """The last layer has no activation: its numbers go to the softmax as they are."""
    return z, lambda g: g


class Network:
    """Hidden layers with one activation, and a last layer of ten numbers, one for each digit."""

    def __init__(self, vjp: Vjp, inputs: int, setting: Setting, rng: np.random.Generator) -> None:
        sizes = (inputs, *setting.hidden, CLASSES)
        weights = [rng.normal(0, np.sqrt(2 / n), (m, n)) for n, m in pairwise(sizes)]
        self.hidden = [Layer(W, np.full(len(W), setting.bias), vjp) for W in weights[:-1]]
        self.layers = [*self.hidden, Layer(weights[-1], np.zeros(CLASSES), identity_vjp)]

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g: Array) -> None:
        for layer in reversed(self.layers):
            g = layer.backward(g)

    def step(self, images: Array, labels: NDArray[np.intp], learning_rate: float) -> float:
        """One step of gradient descent; returns the loss before it."""
        loss, g = cross_entropy(self.forward(images), labels)
        self.backward(g)
        for layer in self.layers:
            layer.step(learning_rate)
        return loss

    def accuracy(self, images: Array, labels: NDArray[np.intp]) -> float:
        """The share of images whose largest number is that of their digit."""
        return float(np.mean(self.forward(images).argmax(axis=1) == labels))

    def hidden_inputs(self, images: Array) -> list[Array]:
        """For each hidden layer Wx + b, the numbers that go into the activation."""
        inputs = []
        for layer in self.hidden:
            inputs.append(images @ layer.W.T + layer.b)
            images = layer.forward(images)
        return inputs


def cross_entropy(logits: Array, labels: NDArray[np.intp]) -> tuple[float, Array]:
    """The mean of −log(softmax) at the labels, and its gradient."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    g = np.exp(log_softmax)
    g[rows, labels] -= 1
    return -float(log_softmax[rows, labels].mean()), g / len(labels)


class Experiment:
    """One training of one network, and what it shows about the hidden units.

    Parameters
    ----------
    activation : Activation
        The hidden layers' f.
    setting : Setting, optional
        Everything else.

    Examples
    --------
    >>> import halfwave as hw
    >>> from halfwave.tour.network import Experiment, Setting
    >>> experiment = Experiment(hw.leaky_relu, Setting(epochs=2)).run()
    >>> experiment.without_update
    [[]]
    """

    def __init__(self, activation: Activation, setting: Setting | None = None) -> None:
        self.activation = activation
        self.setting = setting or Setting()
        self.rng = np.random.default_rng(self.setting.seed)
        self.digits = split(self.rng)
        inputs = self.digits.images.shape[1]
        self.network = Network(activation.vjp, inputs, self.setting, self.rng)
        self.never_positive_at_first = self.never_positive()
        self._reports: list[health.Report] = []

    def run(self) -> Experiment:
        """Train to the end, without a report."""
        for _ in self.epochs():
            pass
        return self

    def epochs(self) -> Iterator[Epoch]:
        """Train, one epoch at a time."""
        for number in range(1, self.setting.epochs + 1):
            self.before = [(layer.W.copy(), layer.b.copy()) for layer in self.network.hidden]
            self.last = self._epoch(number)
            self._reports.append(self.last.report)
            yield self.last

    def _epoch(self, number: int) -> Epoch:
        hidden = {f"hidden {n}": layer for n, layer in enumerate(self.network.hidden, 1)}
        stats = {name: health.Stats(self.activation) for name in hidden}
        losses = []
        for batch in self.batches():
            images, labels = self.digits.images[batch], self.digits.labels[batch]
            losses.append(self.network.step(images, labels, self.setting.learning_rate))
            for name, layer in hidden.items():
                stats[name].update(layer.y)
                stats[name].backward(layer.dW, layer.db)
        return Epoch(number, float(np.mean(losses)), health.Report.of(stats))

    def batches(self) -> list[NDArray[np.intp]]:
        order = self.rng.permutation(len(self.digits.images))
        return np.split(order, range(self.setting.batch, len(order), self.setting.batch))

    @property
    def units(self) -> int:
        """How many hidden units there are."""
        return sum(self.setting.hidden)

    @property
    def report(self) -> health.Report:
        """What the hidden layers' units did in all epochs so far."""
        return health.Report({}).merge(*self._reports)

    @property
    def without_update(self) -> list[list[int]]:
        """For each hidden layer, the units whose gradient was 0 in every step of the last epoch."""
        return [_not_updated(layer) for layer in self.last.report.layers.values()]

    @property
    def count_without_update(self) -> int:
        """How many hidden units had no update in the last epoch."""
        return sum(map(len, self.without_update))

    @property
    def accuracy(self) -> float:
        """The share of the held-out images that are recognised."""
        return self.network.accuracy(self.digits.held_out_images, self.digits.held_out_labels)

    @property
    def recognised(self) -> int:
        """How many of the held-out images are recognised."""
        return round(self.accuracy * len(self.digits.held_out_labels))

    def never_positive(self) -> int:
        """How many hidden units have an input of 0 or less on every training image."""
        inputs = self.network.hidden_inputs(self.digits.images)
        return sum(int((z.max(axis=0) <= 0).sum()) for z in inputs)

    def close_up(self, layer: int, unit: int) -> CloseUp:
        """One unit before and after the last epoch."""
        now = self.network.hidden[layer]
        W, b = self.before[layer]
        inputs = self.network.hidden_inputs(self.digits.images)[layer]
        return CloseUp(
            weights_before=W[unit],
            weights_after=now.W[unit],
            bias_before=float(b[unit]),
            bias_after=float(now.b[unit]),
            largest_input=float(inputs[:, unit].max()),
        )


def _not_updated(layer: health.LayerReport) -> list[int]:
    assert layer.not_updated is not None  # an epoch has backward passes
    units: list[int] = np.flatnonzero(layer.not_updated).tolist()
    return units


@dataclass(frozen=True)
class CloseUp:
    """One hidden unit before and after the last epoch, and its largest input afterwards."""

    weights_before: Array
    weights_after: Array
    bias_before: float
    bias_after: float
    largest_input: float

    @property
    def same_bits(self) -> bool:
        """Whether no bit of the weights and the bias changed."""
        before = (*self.weights_before, self.bias_before)
        after = (*self.weights_after, self.bias_after)
        return np.array(before).tobytes() == np.array(after).tobytes()


@cache
def _bundled() -> tuple[Array, NDArray[np.intp]]:
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    return bunch.data / 16, bunch.target


def split(rng: np.random.Generator) -> Digits:
    """The bundled digits, shuffled and split into training and held-out images."""
    images, labels = _bundled()
    order = rng.permutation(len(images))
    train, test = order[HELD_OUT:], order[:HELD_OUT]
    return Digits(images[train], labels[train], images[test], labels[test])
