"""What to do about what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from halfwave.health.views.summary import named
from halfwave.health.views.verdicts import Finding
from halfwave.health.views.words import joined

if TYPE_CHECKING:
    from halfwave.health.report import Report

MOSTLY = 0.5
"""The share of a layer's units from which on a harmless verdict is worth a word."""


def advice(report: Report, found: Iterable[Finding]) -> list[str]:
    """What to do about what was found; at least one sentence."""
    if not any(layer.samples for layer in report.layers.values()):
        return [_uncounted(report), *([_NOT_SEEN] if report.not_seen else [])]
    found = list(found)
    present = {key for finding in found for key in _keys(report, finding)}
    wanted = [text for key, text in _ADVICE.items() if key in present]
    wanted += [*_shifted(report), *_linear(report, found)]
    if report.not_seen:
        wanted.append(_NOT_SEEN)
    return wanted or ["Nothing: on these samples no unit is silent, starved or non-finite."]


def _keys(report: Report, finding: Finding) -> Iterator[str]:
    """What has advice: the verdict, and of silent units whether it was seen how they came to be."""
    if finding.verdict.name != "silent":
        yield finding.verdict.name
        return
    for name in finding.counts:
        yield "silent" if report.layers[name].training is not None else "silent, and no training"


def _uncounted(report: Report) -> str:
    """What to do where no unit was counted, whether or not the model ran."""
    said = [
        *(["what was not seen"] if report.not_seen else []),
        *(["the notes"] if report.notes else []),
    ]
    if not said:
        return _NOTHING_COUNTED
    return (
        f"See {joined(said)}; if the model's activations are none that can silence a unit (tanh, "
        f"sigmoid), there is nothing to find."
    )


_NOTHING_COUNTED = (
    "Run samples through the network while it is watched: the forward pass has to lie inside "
    "the with block of health.watch(model), and the model that runs has to be the one that is watched."
)

_NOT_SEEN = (
    "Not seen: nothing is known of the units there. Where the reason is the axis, pass "
    "axes={place: axis} to health.watch; else use a rectifier that can be seen, such as torch.relu."
)

_ADVICE = {
    "nonfinite": (
        "Non-finite: mend this first, since what follows a NaN says little. Lower the learning "
        "rate, clip gradients, look at the loss for log(0) and 0/0; with mixed precision use a "
        "GradScaler or bfloat16."
    ),
    "silent": (
        "Silent since the first sample: look at what goes into the units. A large negative bias, "
        "weights that are too small or a normalisation's shift keep them below 0: initialise "
        "again (He's weights, bias 0), or use leaky_relu. More samples may still make one fire."
    ),
    "silent, and no training": (
        "Silent on all these samples: how they came to be was not seen. Watch the training from its "
        "first step: units that are silent from the start point to the initialisation or the "
        "inputs, units that fall silent to the learning rate."
    ),
    "fell_silent": (
        "Fell silent later: updates threw the units out. Lower the learning rate or warm it up, "
        "clip gradients, look for outliers in the inputs then; initialise these units again."
    ),
    "silent_in_training": (
        "Silent in training alone: no gradient reaches these units, so treat them as silent, "
        "whatever they do in evaluation."
    ),
    "silent_in_evaluation": (
        "Silent in evaluation alone: the running statistics of a normalisation may differ from "
        "those of the batches. Check its momentum, the batch size, and that the statistics were "
        "updated; without a normalisation, compare the samples of both."
    ),
    "starved": (
        "Starved: the fault lies after the layer. Look for outgoing weights that are zero, "
        "detach() or no_grad(), a branch whose result is not used, gradients that underflow in "
        "float16."
    ),
    "saturated": (
        "Saturated: the inputs are too large for the ceiling. Scale or normalise them, lower the "
        "learning rate, or use relu."
    ),
    "frozen": (
        "Frozen: nothing, if it is meant. Otherwise set requires_grad, and hand the parameters to "
        "the optimizer."
    ),
    "constant": "Constant: such a unit can be folded into the bias of the layer after it.",
}


def _shifted(report: Report) -> Iterator[str]:
    names = [
        layer.name
        for layer in report.layers.values()
        if any(why and "normalisation shift" in why for why in layer.why)
    ]
    if names:
        yield (
            f"Normalisation shift ({named(report, names)}): the shift of the normalisation before "
            f"these units is far below 0; set it to 0, or exempt it from weight decay and lower "
            f"its learning rate."
        )


def _linear(report: Report, found: Iterable[Finding]) -> Iterator[str]:
    """Only where most of a layer is always on: a few such units are normal."""
    names = [
        name
        for finding in found
        if finding.verdict.name == "always_on"
        for name, count in finding.counts.items()
        if count > MOSTLY * report.layers[name].units
    ]
    if names:
        yield (
            f"Always on ({named(report, names)}): most of the layer is linear for these inputs; "
            f"lower its bias or centre its inputs, else the layer adds little."
        )
