"""The verdicts, what each means, and which units of a report have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from halfwave.health.layer import DORMANT, EVALUATION, EXPECTED, TRAINING, Bools, LayerReport
from halfwave.health.views.words import distinct, some

if TYPE_CHECKING:
    from halfwave.health.report import Report


@dataclass(frozen=True)
class Verdict:
    """A verdict: its name in a report, what it is called, what happened to units, what it means.

    Some are about one mode `alone`; these are no verdicts of a `LayerReport`, and have no column in
    the table by layer.
    """

    name: str
    title: str
    happened: str
    meaning: str
    alarms: bool = True
    alone: str | None = None

    def of(self, layer: LayerReport) -> Bools | None:
        """Which units of a layer have it; None where it is not known of any."""
        return silent_alone(layer, self.alone) if self.alone else layer.verdict(self.name)

    def count(self, layer: LayerReport) -> int:
        """How many units of a layer have it."""
        units = self.of(layer)
        return 0 if units is None else int(units.sum())


def silent_alone(layer: LayerReport, mode: str) -> Bools | None:
    """Units that are silent in one mode and fire in the other; None without samples of both.

    Evaluation often has few samples: there it counts where a unit would have fired `EXPECTED` times
    at its rate in training.
    """
    training, evaluation = layer.training, layer.evaluation
    if not (training and evaluation and training.samples and evaluation.samples):
        return None
    part = training if mode == TRAINING else evaluation
    alone = part.silent & (layer.fired > 0) & ~layer.fell_silent
    if mode == EVALUATION:
        alone &= training.firing_rate * evaluation.samples >= EXPECTED
    return np.asarray(alone)


VERDICTS = (
    Verdict(
        "silent",
        "silent",
        "silent",
        "It fired on none of the samples, and the rectifier passes no gradient there: its weights "
        "and bias are not updated.",
    ),
    Verdict(
        "fell_silent",
        "fell silent",
        "fell silent",
        "It fired at first and then on none of at least a tenth of the samples, where at its old "
        f"rate it would have fired {EXPECTED:.0f} times or more.",
    ),
    Verdict(
        "silent_in_training",
        "silent in training alone",
        "silent in training alone",
        "It fired on none of the samples in training, where gradients come from, and it fires in "
        "evaluation.",
        alone=TRAINING,
    ),
    Verdict(
        "silent_in_evaluation",
        "silent in evaluation alone",
        "silent in evaluation alone",
        "It fired on none of the samples in evaluation, where at its rate in training it would have "
        f"fired {EXPECTED:.0f} times or more.",
        alone=EVALUATION,
    ),
    Verdict(
        "not_updated",
        "not updated",
        "got no update",
        "The gradient of its incoming weights and bias was exactly 0 in each backward pass.",
    ),
    Verdict(
        "starved",
        "starved",
        "starved",
        "It fires and is not frozen, and yet no gradient arrives: the weights that lead out of it "
        "are zero, it is detached, or the gradient underflows.",
    ),
    Verdict(
        "nonfinite",
        "non-finite",
        "gave NaN or infinity",
        "NaN or infinity was among its values.",
    ),
    Verdict(
        "saturated",
        "saturated",
        "saturated",
        "It was at the rectifier's ceiling throughout, where the gradient is 0.",
    ),
    Verdict(
        "frozen",
        "frozen",
        "frozen",
        "Its incoming weights and bias require no gradient.",
        alarms=False,
    ),
    Verdict(
        "constant",
        "constant",
        "constant",
        "It is not silent, and its output never varied: it acts as a bias.",
        alarms=False,
    ),
    Verdict(
        "always_on",
        "always on",
        "always on",
        "It fired at each value that was seen: for these inputs it is linear.",
        alarms=False,
    ),
    Verdict(
        "dormant",
        "dormant",
        "dormant",
        f"Its mean size is at most {DORMANT} times that of its layer's units (Sokar et al. 2023).",
        alarms=False,
    ),
)
"""In the order in which they are shown."""

BY_NAME = {verdict.name: verdict for verdict in VERDICTS}


@dataclass(frozen=True)
class Finding:
    """A verdict that units of some layers have: how many in each."""

    verdict: Verdict
    counts: dict[str, int]

    @property
    def units(self) -> int:
        """In all layers together."""
        return sum(self.counts.values())

    def where(self, report: Report, most: int = 3, width: int = 32) -> str:
        """In which layers, the worst first, as in "fc1 (30 of 256) and fc2 (11 of 128)"."""
        worst = sorted(self.counts, key=lambda name: -self.counts[name])
        short = distinct(report, width)
        parts = [
            f"{short[name]} ({self.counts[name]:,} of {report.layers[name].units:,})"
            for name in worst
        ]
        return some(parts, most, "layer")


def findings(report: Report) -> list[Finding]:
    """Each verdict that a unit has, in the order in which they are shown."""
    found = []
    for verdict in VERDICTS:
        counts = {name: verdict.count(layer) for name, layer in report.layers.items()}
        counts = {name: count for name, count in counts.items() if count}
        if counts:
            found.append(Finding(verdict, counts))
    return found
