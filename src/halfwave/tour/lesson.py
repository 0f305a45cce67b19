"""What the chapters share: the reader's numbers and the networks trained so far."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from halfwave import Activation
from halfwave.tour.blocks import Block, Progress
from halfwave.tour.network import Experiment, Setting

NUMBERS = (1.0, -10.0, 0.0, 15.0, -20.0)


class Lesson:
    """One walk through the chapters.

    Parameters
    ----------
    numbers : sequence of float, optional
        What the activations are applied to; by default 1, −10, 0, 15 and −20.

    Raises
    ------
    ValueError
        If one of them is not a number.

    Examples
    --------
    >>> from halfwave.tour import Lesson
    >>> Lesson([3, -7]).numbers
    (3.0, -7.0)
    """

    def __init__(self, numbers: Sequence[float] = ()) -> None:
        self.numbers = tuple(map(_number, numbers)) or NUMBERS
        self._experiments: dict[tuple[str, Setting], Experiment] = {}

    @property
    def arguments(self) -> list[str]:
        """The numbers as they are typed after a program's name."""
        return [repr(number) for number in self.numbers]

    def train(self, activation: Activation, setting: Setting) -> Generator[Block, None, Experiment]:
        """Report the progress of a training, and return it; one that has been run is kept."""
        key = activation.name, setting
        if key not in self._experiments:
            experiment = Experiment(activation, setting)
            for epoch in experiment.epochs():
                title = f"{activation.title}, first bias {setting.bias:g}, "
                title += f"learning rate {setting.learning_rate:g}"
                what = f"epochs, loss {epoch.loss:.3f}"
                yield Progress(title, epoch.number, setting.epochs, what, measured=True)
            self._experiments[key] = experiment
        return self._experiments[key]


def _number(given: float) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        raise ValueError(f"{given!r} is not a number; pass numbers such as 3 -7 0.5") from None
