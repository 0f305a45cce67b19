"""What unit health knows of a rectifier: from where on a unit fires, and what its other side passes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from halfwave.facts import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from halfwave.activation import Activation
    from halfwave.facts import Slope


DTYPES = {"float16": "e", "bfloat16": "E", "float32": "f", "float64": "d"}
"""The dtypes of outputs, and the engine's letter for each."""


@dataclass(frozen=True)
class Rectifier:
    """A rectifier with its parameters in place, for `Stats` to count one that halfwave has not.

    Parameters
    ----------
    kind : str
        Its name, such as ``"relu6"``.
    floor : float or None, default 0.0
        A unit fires where the rectifier's output is above it. None: where it fires is not known from
        the output, or it fires everywhere (gelu, tanh), and no unit is called silent, always on or
        starved.
    ceiling : float, default inf
        A unit is saturated where the output has reached it.
    silences : bool, default True
        Whether the slope below the floor is 0, so that a unit that never fires passes no gradient.
    of_input : bool, default False
        Whether it was told from the rectifier's input where a unit fires, since the output does not
        tell; the input has to be above the floor.

    Examples
    --------
    >>> import numpy as np
    >>> from halfwave import health
    >>> stats = health.Stats(health.Rectifier("relu6", ceiling=6.0))
    >>> stats.update(np.array([[0.0, 6.0, 2.0], [1.0, 6.0, 3.0]]))
    >>> stats.layer("hidden").saturated
    array([False,  True, False])
    """

    kind: str
    floor: float | None = 0.0
    ceiling: float = math.inf
    silences: bool = True
    of_input: bool = False

    @classmethod
    def of(cls, activation: Activation, parameters: Mapping[str, float]) -> Rectifier:
        """An activation with these parameters; the others have their defaults."""
        side = activation._facts.active
        if side is None:
            return cls(activation.name, None, silences=False)
        values = {p.name: p.default for p in activation.parameters.values()} | {**parameters}

        def number(value: Slope) -> float:
            return float(evaluate(value, values))

        slope = number(side.slope)
        # Where the other side rises again, the output does not tell the sides apart.
        floor = number(side.floor) if slope >= 0 else None
        return cls(activation.name, floor, number(side.ceiling), silences=slope == 0)

    @cached_property
    def threshold(self) -> float:
        """What an output has to exceed to be counted as fired: nothing does where there is no floor."""
        return math.inf if self.floor is None else self.floor

    def is_at_ceiling(self, outputs: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where outputs have reached the ceiling, in whichever dtype they were computed."""
        return np.asarray(outputs >= self.ceiling) | np.isin(outputs, _roundings(self.ceiling))

    def is_above_floor(self, outputs: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where outputs are above the floor, in whichever dtype they were computed."""
        return np.asarray(outputs > self.threshold) & ~np.isin(outputs, _roundings(self.threshold))


@lru_cache
def rounded(number: float, letter: str) -> float:
    """The number as outputs of a dtype have it: 0.7 in float32 is less than 0.7, 0.001 is more."""
    if letter == "E":  # the upper half of a float32, and NumPy has none of its own
        bits = int(np.float32(rounded(number, "f")).view(np.uint32))
        upper = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000  # ties go to the even one
        return float(np.uint32(upper).view(np.float32))
    with np.errstate(over="ignore"):
        return float(np.dtype(letter).type(number))


def _roundings(number: float) -> list[float]:
    return [rounded(number, letter) for letter in DTYPES.values()]
