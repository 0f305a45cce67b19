"""Counts what a layer's units do, on arrays of any library: what every source feeds."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfwave.activation import Activation
from halfwave.functions import activations
from halfwave.health.counts import Counts, History, Part
from halfwave.health.layer import EVALUATION, TRAINING, Bools, LayerReport
from halfwave.health.layout import Layout, layout
from halfwave.health.rectifier import DTYPES, Rectifier


class Stats:
    """Counts, batch by batch, what the units of one layer do.

    Parameters
    ----------
    activation : str, Activation or Rectifier, default "relu"
        What gives the layer its outputs.
    **parameters : float
        The activation's parameters; the others have their defaults. A `Rectifier` has its own.

    Raises
    ------
    TypeError
        If `activation` is something else, or has no such parameter.
    ValueError
        If there is no activation of this name.

    Examples
    --------
    >>> import numpy as np
    >>> from halfwave import health
    >>> stats = health.Stats("leaky_relu", alpha=0.1)
    >>> stats.update(np.array([[0.5, -0.1], [2.0, -0.2]]))
    >>> layer = stats.layer("hidden")
    >>> layer.fired
    array([2, 0])
    >>> layer.silent    # it leaks: its weights and bias are updated
    array([False, False])
    """

    def __init__(
        self, activation: str | Activation | Rectifier = "relu", **parameters: float
    ) -> None:
        self.rectifier = _rectifier(activation, parameters)
        self.steps = 0
        self._updated: Bools | None = None
        self._parts: dict[str, Part] = {}
        self._positions = False
        self._moved = False  # whether the weights may have been, since the last evaluation

    def update(
        self, activations: Any, axis: int = -1, *, positions: bool = False, training: bool = True
    ) -> None:
        """Count one batch of the activation's outputs.

        Parameters
        ----------
        activations : array_like
            The outputs, real numbers of any shape and dtype. Each entry of the leading axis is a
            sample; in a matrix whose units lead, each column.
        axis : int, default -1
            Where the units are. A unit has a value at each position of the remaining axes, and fires
            on a sample when it does so at any of them.
        positions : bool, default False
            Whether each position is a sample of its own, as in a sequence.
        training : bool, default True
            Whether the weights may change from batch to batch. If not, the report states a bound for
            the firing rate of silent units; the samples then have to differ. It states none once
            there was training, or a backward pass, between two batches of evaluation.

        Raises
        ------
        TypeError
            If the outputs are not real numbers.
        ValueError
            If there is no such axis, or another number of units than before, if the units lead and
            it is open which of several axes the samples are, or if outputs are masked.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> images = np.zeros((8, 3, 4, 4))    # 8 samples of 3 channels
        >>> images[:, 1:] = 1.0
        >>> stats = health.Stats("relu")
        >>> stats.update(images, axis=1)
        >>> stats.layer("conv").fired
        array([0, 8, 8])
        """
        array = _as_array(activations)
        if not -array.ndim <= axis < array.ndim:
            raise ValueError(
                f"axis is {axis}, and the activations have shape {array.shape}; name the axis along "
                f"which the units are"
            )
        axis %= array.ndim
        sample_axes = _sample_axes(array.shape, axis, positions=positions)
        where = layout(array.shape, array.strides, axis, sample_axes)
        self.count(_letter(array.dtype), array.ctypes.data, where, training=training)
        self._positions |= positions

    def count(self, letter: str, address: int, where: Layout, *, training: bool) -> None:
        """Count outputs that lie at this address; the caller vouches for it."""
        part = self.part(where.units[0], training=training)
        part.counts.count(letter, address, where, self.rectifier.threshold)
        part.history.note(part.counts.samples, part.counts.fired)

    def part(self, units: int, *, training: bool) -> Part:
        """Where samples of this mode are counted, for a batch that comes now.

        Raises
        ------
        ValueError
            If the layer had another number of units before.
        """
        if self._units not in (None, units):
            raise ValueError(
                f"these activations have {units} units along their axis, and there were "
                f"{self._units} before; use one Stats for each layer, and name the units' axis"
            )
        mode = TRAINING if training else EVALUATION
        if mode not in self._parts:
            self._parts[mode] = Part(Counts.none(units), History(), fixed=not training)
        elif self._moved:
            self._parts[mode].fixed = False
        self._moved = training
        return self._parts[mode]

    @property
    def _units(self) -> int | None:
        """How many units there are; None where nothing has told yet."""
        for part in self._parts.values():
            return part.counts.units
        return None if self._updated is None else len(self._updated)

    def finished(self) -> dict[str, Part]:
        """What was counted in each mode so far, the last windows ended."""
        return {mode: _finished(part) for mode, part in self._parts.items()}

    def backward(self, *gradients: Any) -> None:
        """Count one backward pass.

        Parameters
        ----------
        *gradients : array_like
            The loss gradients of the layer's incoming weights and biases; the first axis of each
            runs over the units.

        Raises
        ------
        ValueError
            If there is no gradient, or one has another number of units.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> stats = health.Stats("relu")
        >>> stats.update(np.array([[1.0, 2.0, 0.0]]))
        >>> stats.backward(np.array([[0.5, 0.0], [0.0, 0.0], [0.0, 0.0]]), np.zeros(3))
        >>> stats.layer("hidden").starved    # the second fires, and gets no gradient
        array([False,  True, False])
        """
        rows = [np.atleast_1d(gradient) for gradient in gradients]
        units = self._units if self._units is not None or not rows else len(rows[0])
        if not rows or any(len(gradient) != units for gradient in rows):
            shapes = ", ".join(str(gradient.shape) for gradient in rows) or "none"
            raise ValueError(
                f"the gradients' shapes are {shapes}, for {units} units; pass those of the layer's "
                f"weights and biases, with the units along the first axis"
            )
        self.steps += 1
        self._moved = True
        passed = [(g != 0).any(axis=tuple(range(1, g.ndim))) for g in rows]
        updated = np.logical_or.reduce(passed)
        self._updated = updated if self._updated is None else self._updated | updated

    def layer(self, name: str) -> LayerReport:
        """What the counts say, under this name.

        Raises
        ------
        ValueError
            If nothing has been counted.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> stats = health.Stats("relu")
        >>> stats.update(np.array([[0.0, 1.0], [0.0, 2.0]]))
        >>> stats.layer("hidden")
        <LayerReport hidden: 2 units of relu, 2 samples, 1 silent>
        """
        if not self._parts:
            raise ValueError(f"nothing was counted of {name}; call update() first")
        units = next(iter(self._parts.values())).counts.units
        return LayerReport(
            name=name,
            rectifier=self.rectifier,
            sample="position" if self._positions else "sample",
            parts=self.finished(),
            steps=self.steps,
            updated=None if self._updated is None else self._updated.copy(),
            not_updated_because=None if self.steps else "no backward pass was seen",
            frozen=np.zeros(units, bool),
            outgoing_zero=np.zeros(units, bool),
            shift=None,
        )


def _finished(part: Part) -> Part:
    """The part as it is now, its last window ended."""
    counts, history = part.counts.copy(), part.history
    ended = History(list(history.ends), list(history.fired_by_then), history.width)
    ended.end(counts.samples, counts.fired)
    return Part(counts, ended, part.fixed)


def _rectifier(activation: str | Activation | Rectifier, parameters: dict[str, float]) -> Rectifier:
    if isinstance(activation, str):
        if activation not in activations:
            raise ValueError(
                f"there is no activation {activation!r}; pass one of {', '.join(activations)}, or a "
                f"health.Rectifier"
            )
        activation = activations[activation]
    if isinstance(activation, Rectifier):
        if parameters:
            raise TypeError(
                f"{activation.kind} has its parameters in place; leave {min(parameters)!r} out"
            )
        return activation
    if not isinstance(activation, Activation):
        raise TypeError(
            f"the activation is of type {type(activation).__name__}; pass one of halfwave's, its "
            f"name, or a health.Rectifier"
        )
    unknown = parameters.keys() - activation.parameters.keys()
    if unknown:
        raise TypeError(
            f"{activation.name} has no parameter {min(unknown)!r}; it has "
            f"{', '.join(activation.parameters) or 'none'}"
        )
    return Rectifier.of(activation, parameters)


def _sample_axes(shape: tuple[int, ...], axis: int, *, positions: bool) -> tuple[int, ...]:
    """Of the axes beside the units', those along which the samples are."""
    others = tuple(a for a in range(len(shape)) if a != axis)
    if positions:
        return others
    if axis == 0 and len(others) > 1:
        raise ValueError(
            f"the units lead in activations of shape {shape}, and either of the other axes may be "
            f"the samples'; move that axis to the front, as np.moveaxis does, and name the units' axis"
        )
    return others[:1]


@cache
def _letter(dtype: np.dtype[Any]) -> str:
    """The engine's letter of a dtype, "" if it has none; its name takes NumPy longer than a count."""
    return DTYPES.get(dtype.name, "")


def _as_array(activations: Any) -> NDArray[Any]:
    """The outputs as an array that the engine reads: other real numbers become float64."""
    if np.ma.is_masked(activations):
        raise ValueError("some activations are masked; pass an array of those that are to count")
    array = np.asarray(activations)
    if not _letter(array.dtype) and array.dtype.kind not in "biuf":
        raise TypeError(
            f"the activations are of dtype {array.dtype}; pass real numbers, such as float32"
        )
    if array.ndim == 0:
        raise ValueError("the activations are one number; pass an array, with an axis of units")
    if not _letter(array.dtype):
        return array.astype(np.float64)
    # Byte-swapped or misaligned: the engine takes neither.
    plain = array.dtype.isnative and array.flags.aligned
    return array if plain else array.astype(array.dtype.newbyteorder("="))
