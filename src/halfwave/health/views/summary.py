"""What a report says, in words and numbers: the same in the terminal, the notebook and the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halfwave.health.layer import EVALUATION, TRAINING, LayerReport
from halfwave.health.views.verdicts import VERDICTS, Finding, Verdict
from halfwave.health.views.words import (
    UNKNOWN,
    distinct,
    joined,
    number,
    percent,
    plural,
    some,
    span,
)

if TYPE_CHECKING:
    from halfwave.health.report import Report

MOST_REMARKS = 8
"""Of how many layers it is said one by one that training and evaluation differ."""

ALWAYS_SHOWN = ("silent", "not_updated")


def headline(report: Report, found: Iterable[Finding]) -> str:
    """The verdict on the network in one sentence."""
    if not any(layer.samples for layer in report.layers.values()):
        return "No unit was counted"
    units = plural(report.units, "unit")
    if all(layer.verdict("silent") is None for layer in report.layers.values()):
        begin = [f"{units} counted, of which none can be called silent"]
    else:
        begin = [f"None of {units} is silent"]
    alarms = [f for f in found if f.verdict.alarms]
    if alarms:
        first, *alarms = alarms
        happened = first.verdict.happened
        if happened.startswith("silent"):
            happened = f"{'is' if first.units == 1 else 'are'} {happened}"
        begin = [f"{first.units:,} of {units} {happened}"]
    return ", ".join([*begin, *(f"{f.units:,} {f.verdict.happened}" for f in alarms)])


def facts(report: Report) -> str:
    """What was looked at: layers, units, samples, backward passes."""
    layers = list(report.layers.values())
    known_updates = [layer for layer in layers if layer.updated is not None]
    seen = [
        f"{span(counts)} {_noun(layers, counts)} in {mode}"
        for mode in (TRAINING, EVALUATION)
        if (counts := [layer.parts[mode].counts.samples for layer in layers if mode in layer.parts])
    ]
    # A place of which it is not known what was updated has no say in how often that was tried.
    steps = span(layer.steps for layer in known_updates or layers)
    passes = "backward pass" if steps == "1" else "backward passes"
    return (
        f"{plural(report.units, 'unit')} in {plural(len(layers), 'layer')}; {joined(seen)}; "
        f"{steps if steps != '0' else 'no'} {passes}."
    )


def _noun(layers: list[LayerReport], counts: list[int]) -> str:
    kinds = list(dict.fromkeys(layer.sample for layer in layers))
    plural_s = "" if counts == [1] else "s"
    return " or ".join(f"{kind}{plural_s}" for kind in kinds)


# By layer


@dataclass(frozen=True)
class Column:
    """A column of the table by layer: its title, a cell for each layer, where the cells stand."""

    title: str
    cells: list[str]
    right: bool = True


def by_layer(report: Report, found: Iterable[Finding]) -> list[Column]:
    """The table by layer but for their names, in order of execution."""
    layers = list(report.layers.values())
    present = {finding.verdict.name for finding in found} | set(ALWAYS_SHOWN)
    return [
        Column("kind", [layer.kind for layer in layers], right=False),
        Column("units", [number(layer.units) for layer in layers]),
        Column("samples", [number(layer.samples) for layer in layers]),
        *(
            Column(verdict.title, [_cell(verdict, layer) for layer in layers])
            for verdict in VERDICTS
            if verdict.name in present and not verdict.alone
        ),
    ]


def _cell(verdict: Verdict, layer: LayerReport) -> str:
    units = verdict.of(layer)
    return UNKNOWN if units is None else number(int(units.sum()))


# What has to be said beside the table


def remarks(report: Report) -> Iterator[str]:
    """What the numbers alone do not say: the modes, bounds, what is not known, leaks."""
    yield from _modes(report)
    yield from _bounds(report)
    yield from _unknown(report)
    yield from _unjudged(report)


def _modes(report: Report) -> Iterator[str]:
    short = distinct(report, 40)
    differ = [
        (short[name], layer.sample, layer.training, layer.evaluation)
        for name, layer in report.layers.items()
        if layer.training is not None
        and layer.evaluation is not None
        and (layer.training.silent != layer.evaluation.silent).any()
    ]
    for name, sample, training, evaluation in differ[:MOST_REMARKS]:
        yield (
            f"{name}: {training.silent.sum():,} silent in training (on "
            f"{plural(training.samples, sample)}), {evaluation.silent.sum():,} in evaluation (on "
            f"{plural(evaluation.samples, sample)})."
        )
    if len(differ) > MOST_REMARKS:
        yield f"Training and evaluation differ in {len(differ) - MOST_REMARKS:,} more layers."


def _bounds(report: Report) -> Iterator[str]:
    """One sentence for each number of samples, of evaluation where training moved the weights."""
    known: dict[tuple[str, int, str, float], list[str]] = {}
    for layer in report.layers.values():
        part = layer if layer.bound is not None else layer.evaluation
        if part is not None and part.bound is not None and part.silent.any():
            silent = "silent" if TRAINING in part.parts else "silent in evaluation"
            key = (silent, part.samples, layer.sample, part.bound)
            known.setdefault(key, []).append(layer.name)
    for (silent, samples, noun, bound), names in known.items():
        yield (
            f"{named(report, names)}, {silent}: fired on none of {plural(samples, noun)}, so on less "
            f"than {percent(bound)} of all (95 % confidence)."
        )


def _unknown(report: Report) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for layer in report.layers.values():
        if layer.not_updated is None:
            reason = layer.not_updated_because or "the reason is not known"
            reasons.setdefault(reason, []).append(layer.name)
    for reason, names in reasons.items():
        where = "" if len(names) == len(report) else f" for {named(report, names)}"
        yield f"Not updated is not known{where}: {reason}."


def _unjudged(report: Report) -> Iterator[str]:
    leaks = {layer.kind for layer in report.layers.values() if not layer.rectifier.silences}
    smooth = {layer.kind for layer in report.layers.values() if layer.rectifier.floor is None}
    if leaks - smooth:
        yield (
            f"{joined(sorted(leaks - smooth))}: a gradient passes on both sides, so units that "
            f"never fire are updated and are not silent."
        )
    if smooth:
        yield (
            f"{joined(sorted(smooth))}: nothing divides an active side from another, so there is "
            f"no firing rate and no unit is silent."
        )


def named(report: Report, names: list[str], most: int = 3) -> str:
    short = distinct(report, 32)
    return some([short[name] for name in names], most, "layer")
