"""One layer's units: the verdicts, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from halfwave.health.counts import Counts, Floats, History, Ints, Part
from halfwave.health.rectifier import Rectifier

TRAINING, EVALUATION = "training", "evaluation"

DORMANT = 0.025
"""The score up to which Sokar et al. call a unit dormant."""

EXPECTED = 15.0
"""A unit that should have fired so often since it last did has fallen silent: by chance, with
e^−15, one of three million does."""

FAR_BELOW = -3.0
"""A normalisation's shift, in units of its scale, that explains why a unit is silent."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerReport:
    """What was seen of the units that one rectifier follows, and what that says about them.

    Arrays have one entry per unit. The verdicts are taken over all samples that were seen;
    ``training`` and ``evaluation`` are the same report of those samples alone.

    Attributes
    ----------
    name : str
        The dotted name of the layer whose outputs are the units.
    rectifier : Rectifier
        What gave the units their outputs.
    sample : str
        What was counted as a sample: "sample", an entry of the leading axis, or "position", one of
        a sequence.
    parts : mapping of str to Part
        The counts and the history of the samples of each mode, "training" and "evaluation".
    steps : int
        Backward passes seen.
    updated : array of bool or None
        Where incoming weights or bias had a gradient other than 0; None where that is not known.
    not_updated_because : str or None
        Why `updated` and `not_updated` are None.
    frozen : array of bool
        Where the incoming weights and bias require no gradient.
    outgoing_zero : array of bool
        Where all weights that the layers after it apply to the unit are zero; False where the
        layers after it are not known.
    shift : array of float or None
        A normalisation's shift of each unit, in units of its scale; None where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from halfwave import health
    >>> stats = health.Stats("relu")
    >>> stats.update(np.array([[0.0, 1.0], [0.0, 0.0]]))
    >>> stats.layer("hidden").silent
    array([ True, False])
    """

    name: str
    rectifier: Rectifier
    sample: str
    parts: Mapping[str, Part]
    steps: int
    updated: Bools | None
    not_updated_because: str | None
    frozen: Bools
    outgoing_zero: Bools
    shift: Floats | None

    # What was counted

    @cached_property
    def counts(self) -> Counts:
        """All samples together."""
        together = Counts.none(self.units)
        for part in self.parts.values():
            together.add(part.counts)
        return together

    @property
    def kind(self) -> str:
        """The rectifier's name, such as relu or leaky_relu."""
        return self.rectifier.kind

    @property
    def units(self) -> int:
        """How many units there are."""
        return next(iter(self.parts.values())).counts.units

    @property
    def samples(self) -> int:
        """How many samples were seen."""
        return self.counts.samples

    @property
    def fired(self) -> Ints:
        """On how many samples each unit fired; a channel fires where it does at any position."""
        return self.counts.fired

    @property
    def nonfinite(self) -> Ints:
        """How many values of each unit were NaN or infinite."""
        return self.counts.nonfinite

    @cached_property
    def firing_rate(self) -> Floats:
        """The share of the samples on which each unit fired; NaN where that has no meaning."""
        if self.rectifier.floor is None or not self.samples:
            return np.full(self.units, np.nan)
        return self.fired / self.samples

    @cached_property
    def mean(self) -> Floats:
        """The mean of each unit's finite outputs; NaN where there are none."""
        return self._average(self.counts.total)

    @property
    def min(self) -> Floats:
        """The least finite output of each unit."""
        return self.counts.low

    @property
    def max(self) -> Floats:
        """The largest finite output of each unit."""
        return self.counts.high

    @property
    def history(self) -> History:
        """On how many samples of each window each unit fired, in training if that was seen."""
        return self._shown.history

    @property
    def _shown(self) -> Part:
        return self.parts[TRAINING if TRAINING in self.parts else EVALUATION]

    @cached_property
    def silent_since(self) -> Ints:
        """After how many samples of the history each unit fired no more, up to its windows."""
        history = self.history
        fired = history.fired > 0
        if not len(fired):
            return np.zeros(self.units, np.int64)
        last = len(fired) - np.argmax(fired[::-1], axis=0) - 1
        ends = np.array(history.ends, np.int64)
        return np.where(fired.any(axis=0), ends[last], 0)

    # The verdicts

    @cached_property
    def silent(self) -> Bools:
        """Units that fired on no sample, where the rectifier's other side has slope 0."""
        if self.rectifier.floor is None or not self.rectifier.silences:
            return np.zeros(self.units, bool)
        # NaN is not above 0: a unit that gave one is no silent unit.
        return np.asarray(self._finite & (self.fired == 0))

    @cached_property
    def fell_silent(self) -> Bools:
        """Units that fired, and then did not on so many samples that chance does not explain it.

        At their rate up to then they would have fired `EXPECTED` times since, or more; and that was at
        least a tenth of the samples ago. While the weights stay the same, as frozen ones do, none does:
        then it is the samples that differ, as where they are sorted by class.
        """
        history, rectifier = self.history, self.rectifier
        can_fall = rectifier.floor is not None and rectifier.silences and not self._shown.fixed
        if not can_fall or not history.ends:
            return np.zeros(self.units, bool)
        end, since = history.ends[-1], self.silent_since
        # All firings of a unit whose rate has not changed fall before then with the probability
        # (since / end) to the power of their number. Its rate up to then says too little: the last
        # firing ends that time, so that the rate of a unit that seldom fires comes out too high.
        surprise = history.fired.sum(axis=0) * np.log(end / np.maximum(since, 1))
        fell = (since <= 0.9 * end) & (surprise >= EXPECTED)
        return np.asarray(self._finite & ~self.frozen & fell)

    @cached_property
    def always_on(self) -> Bools:
        """Units that were above the floor and below the ceiling throughout: linear there."""
        if self.rectifier.floor is None or self.rectifier.of_input:
            return np.zeros(self.units, bool)
        inside = self.rectifier.is_above_floor(self.min) & ~self.rectifier.is_at_ceiling(self.max)
        return self._finite & inside

    @cached_property
    def saturated(self) -> Bools:
        """Units that were at the ceiling throughout: they fire, and pass no gradient."""
        return self._finite & self.rectifier.is_at_ceiling(self.min)

    @cached_property
    def constant(self) -> Bools:
        """Units that are not silent and whose output never varied: a bias in disguise."""
        if self.counts.values < 2:
            return np.zeros(self.units, bool)
        return np.asarray(self._finite & (self.min == self.max) & ~self.silent)

    @property
    def not_updated(self) -> Bools | None:
        """Units whose incoming weights and bias had a gradient of exactly 0 in every backward pass."""
        return None if self.updated is None else ~self.updated

    @cached_property
    def starved(self) -> Bools:
        """Units that fire, are not frozen, and were not updated: no gradient arrives.

        A saturated unit stops its gradient itself, and is not starved; nor is one that is silent in
        training and fires in evaluation alone.
        """
        if self.updated is None or self.rectifier.floor is None:
            return np.zeros(self.units, bool)
        trained = self.training or self
        return (trained.fired > 0) & ~trained.saturated & ~self.frozen & ~self.updated

    @cached_property
    def dormancy(self) -> Floats:
        """Each unit's mean size over that of its layer (Sokar et al. 2023); NaN without values."""
        size = self._average(self.counts.magnitude)
        known = size[~np.isnan(size)]
        layer = known.mean() if known.size else 0.0
        return size / layer if layer > 0 else size  # 0 of 0 is dormant

    def dormant(self, tau: float = DORMANT) -> Bools:
        """Units whose dormancy is at most `tau`."""
        return self.dormancy <= tau

    @property
    def bound(self) -> float | None:
        """The firing rate that a silent unit is below with 95 % confidence, 1 − 0.05^(1/n).

        None unless the weights were the same at all n samples, which have to be independent:
        neighbours in a sequence are not.
        """
        fixed = all(part.fixed for part in self.parts.values()) and self.sample == "sample"
        return float(-np.expm1(np.log(0.05) / self.samples)) if fixed and self.samples else None

    @cached_property
    def why(self) -> tuple[str | None, ...]:
        """For each unit what is known of the reason for its verdicts; None where nothing is."""
        return tuple(
            "; ".join(reasons) or None for reasons in map(self._reasons, range(self.units))
        )

    def _reasons(self, unit: int) -> list[str]:
        reasons = []
        if self.nonfinite[unit]:
            reasons.append(f"values that were NaN or infinite: {self.nonfinite[unit]:,}")
        if self.silent[unit]:
            begun = self.training is not None
            reasons.append(f"silent {'since the first sample' if begun else 'on all samples seen'}")
            if self.shift is not None and self.shift[unit] <= FAR_BELOW:
                reasons.append(f"normalisation shift: {self.shift[unit]:.3g} times its scale")
        elif self.fell_silent[unit]:
            reasons.append(f"fired on none of the samples after {self.silent_since[unit]:,}")
        elif self.evaluation is not None and self.evaluation.silent[unit]:
            reasons.append("silent in evaluation alone")
        elif self.training is not None and self.training.silent[unit]:
            reasons.append("silent in training alone")
        if self.frozen[unit]:
            reasons.append("its incoming parameters require no gradient")
        if self.outgoing_zero[unit]:
            reasons.append("its outgoing weights are zero")
        return reasons

    def verdict(self, name: str) -> Bools | None:
        """Which units have a verdict, such as "silent"; None where it is not known of any."""
        told = {
            "silent": self.rectifier.floor is not None,
            "fell_silent": self.rectifier.floor is not None,
            "always_on": self.rectifier.floor is not None and not self.rectifier.of_input,
            "starved": self.rectifier.floor is not None and self.updated is not None,
        }
        if not self.samples or not told.get(name, True):
            return None
        units = self.dormant() if name == "dormant" else getattr(self, name)
        return None if units is None else np.asarray(units != 0)

    # Parts

    @cached_property
    def training(self) -> Self | None:
        """The samples that were seen in training mode; None if there are none."""
        return self._of(TRAINING) if TRAINING in self.parts else None

    @cached_property
    def evaluation(self) -> Self | None:
        """The samples that were seen in evaluation mode; None if there are none."""
        return self._of(EVALUATION) if EVALUATION in self.parts else None

    def _of(self, mode: str) -> Self:
        return replace(self, parts={mode: self.parts[mode]})

    def merged(self, other: LayerReport, *, parallel: bool = False) -> Self:
        """This and what was seen of the same layer on other samples.

        Raises
        ------
        ValueError
            If the layers differ in their rectifier, in their number of units, or in what was
            counted as a sample.
        """
        for what in ("rectifier", "units", "sample"):
            ours, theirs = getattr(self, what), getattr(other, what)
            if ours != theirs:
                raise ValueError(
                    f"{what} of {self.name} is {ours} here and {theirs} there; merge reports of one "
                    f"model"
                )
        updated, because = _updated(self, other)
        return replace(
            self,
            parts=_merged_parts(self.parts, other.parts, parallel=parallel),
            # Processes side by side go through one backward pass together.
            steps=max(self.steps, other.steps) if parallel else self.steps + other.steps,
            updated=updated,
            not_updated_because=because,
            frozen=self.frozen & other.frozen,
            outgoing_zero=self.outgoing_zero & other.outgoing_zero,
            shift=self.shift if other.shift is None else other.shift,
        )

    @property
    def _finite(self) -> Bools:
        """Units of which there are values, none of them NaN or infinite."""
        return np.asarray((self.nonfinite == 0) & (self.counts.values > 0))

    def _average(self, sums: Floats) -> Floats:
        finite = self.counts.values - self.nonfinite
        averages = np.full(self.units, np.nan)
        np.divide(sums, finite, out=averages, where=finite > 0)
        return averages

    def __repr__(self) -> str:
        return (
            f"<LayerReport {self.name}: {self.units} units of {self.kind}, {self.samples} samples, "
            f"{int(self.silent.sum())} silent>"
        )


def _updated(a: LayerReport, b: LayerReport) -> tuple[Bools | None, str | None]:
    """Updated in either; what has seen no backward pass has no say."""
    seen = [r for r in (a, b) if r.steps > 0]
    for report in seen or [a]:
        if report.updated is None:
            return None, report.not_updated_because
    known = [r.updated for r in seen if r.updated is not None]
    return np.logical_or.reduce(known), None


def _merged_parts(
    a: Mapping[str, Part], b: Mapping[str, Part], *, parallel: bool
) -> dict[str, Part]:
    # Between two evaluations, one after the other, weights moved that were trained at all.
    moved = not parallel and (TRAINING in a or TRAINING in b)
    return {
        mode: a[mode].merged(b[mode], parallel=parallel, moved=moved)
        if mode in a and mode in b
        else (a.get(mode) or b[mode])
        for mode in (TRAINING, EVALUATION)
        if mode in a or mode in b
    }
