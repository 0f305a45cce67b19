"""A report as plain data and as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave.health.counts import Counts, Floats, History, Ints, Part
from halfwave.health.layer import EVALUATION, TRAINING, Bools, LayerReport
from halfwave.health.rectifier import Rectifier

if TYPE_CHECKING:
    from halfwave.health.report import Report

SCHEMA, VERSION = "halfwave.health", 1

MODES = (TRAINING, EVALUATION)

VERDICTS = (
    *("silent", "fell_silent", "not_updated", "starved", "frozen", "always_on", "saturated"),
    *("constant", "nonfinite", "dormant"),
)
"""The verdicts of a layer, in the order in which they are shown."""


def of_report(report: Report) -> dict[str, Any]:
    """A report as dicts, lists, strings and numbers."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "layers": [_of_layer(layer) for layer in report.layers.values()],
        "not_seen": [{"place": e.place, "reason": e.reason} for e in report.not_seen],
        "notes": list(report.notes),
    }


def _of_layer(layer: LayerReport) -> dict[str, Any]:
    rectifier = layer.rectifier
    return {
        "name": layer.name,
        "kind": rectifier.kind,
        "floor": None if rectifier.floor is None else _of_float(rectifier.floor),
        "ceiling": _of_float(rectifier.ceiling),
        "silences": rectifier.silences,
        "of_input": rectifier.of_input,
        "sample": layer.sample,
        "units": layer.units,
        "samples": layer.samples,
        "bound": layer.bound,
        # For whoever reads the file without halfwave: the units of each verdict.
        "verdicts": {verdict: _units(layer.verdict(verdict)) for verdict in VERDICTS},
        "steps": layer.steps,
        "updated": _listed(layer.updated),
        "not_updated_because": layer.not_updated_because,
        "frozen": _listed(layer.frozen),
        "outgoing_zero": _listed(layer.outgoing_zero),
        "shift": _listed(layer.shift),
        "parts": {mode: _of_part(part) for mode, part in layer.parts.items()},
    }


def _of_part(part: Part) -> dict[str, Any]:
    counts = {name: _listed(value) for name, value in vars(part.counts).items()}
    history = {
        "ends": part.history.ends,
        "fired_by_then": [by_then.tolist() for by_then in part.history.fired_by_then],
        "width": part.history.width,
    }
    return {"fixed": part.fixed, "counts": counts, "history": history}


def _units(verdict: Any) -> list[int] | None:
    listed: list[int] | None = None if verdict is None else np.flatnonzero(verdict).tolist()
    return listed


def _listed(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return [_of_float(v) for v in value.tolist()] if value.dtype.kind == "f" else value.tolist()


def _of_float(number: float) -> float | str:
    """JSON has no NaN and no infinity: they become strings that float() reads."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def to_report(held: Any) -> tuple[dict[str, LayerReport], list[tuple[str, str]], list[str]]:
    """The layers, what was not seen, and the notes of a report that is plain data.

    Raises
    ------
    ValueError
        If it is something else, or of a newer schema.
    """
    if not isinstance(held, Mapping) or held.get("schema") != SCHEMA:
        raise ValueError(f"this is no report of unit health; it lacks schema {SCHEMA!r}")
    if held.get("version") != VERSION:
        raise ValueError(
            f"this report has version {held.get('version')!r} of the schema, and this halfwave "
            f"reads {VERSION}; read it with the halfwave that wrote it"
        )
    try:
        layers: dict[str, LayerReport] = {}
        for layer in map(_to_layer, held["layers"]):
            if layer.name in layers:
                raise ValueError(f"{layer.name} is there twice")
            layers[layer.name] = layer
        not_seen = [(entry["place"], entry["reason"]) for entry in held["not_seen"]]
        return layers, not_seen, list(held["notes"])
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"this report is damaged: {type(error).__name__}: {error}") from error


def _to_layer(held: Mapping[str, Any]) -> LayerReport:
    units, floor = held["units"], held["floor"]
    updated, shift = held["updated"], held["shift"]
    parts = {mode: _to_part(held["parts"][mode], units) for mode in MODES if mode in held["parts"]}
    if not parts:
        raise ValueError(f"{held['name']} has samples of neither {' nor '.join(MODES)}")
    return LayerReport(
        name=held["name"],
        rectifier=Rectifier(
            held["kind"],
            None if floor is None else float(floor),
            float(held["ceiling"]),
            silences=held["silences"],
            of_input=held["of_input"],
        ),
        sample=held["sample"],
        parts=parts,
        steps=_count(held["steps"]),
        updated=None if updated is None else _bools(updated, units),
        not_updated_because=held["not_updated_because"],
        frozen=_bools(held["frozen"], units),
        outgoing_zero=_bools(held["outgoing_zero"], units),
        shift=None if shift is None else _floats(shift, units),
    )


def _to_part(held: Mapping[str, Any], units: int) -> Part:
    counts, history = held["counts"], held["history"]
    fired, nonfinite = (_counts(counts[name], units) for name in ("fired", "nonfinite"))
    total, magnitude, low, high = (
        _floats(counts[name], units) for name in ("total", "magnitude", "low", "high")
    )
    samples, values = _count(counts["samples"]), _count(counts["values"])
    ends = [_count(end) for end in history["ends"]]
    by_then = [_counts(fired, units) for fired in history["fired_by_then"]]
    if len(ends) != len(by_then) or ends != sorted(set(ends)):
        raise ValueError(f"a history with counts of {len(by_then)} windows ends them at {ends}")
    return Part(
        Counts(samples, values, fired, nonfinite, total, magnitude, low, high),
        History(ends, by_then, _positive(history["width"])),
        held["fixed"],
    )


def _count(held: Any) -> int:
    if type(held) is not int or not 0 <= held < 2**63:
        raise ValueError(f"{held!r} is no count")
    return held


def _positive(held: Any) -> float:
    if type(held) not in (int, float) or not 0 < held < math.inf:
        raise ValueError(f"{held!r} is no width")
    return float(held)


def _counts(held: Any, units: int) -> Ints:
    counts: Ints = _array([_count(value) for value in held], np.int64, units)
    return counts


def _bools(held: Any, units: int) -> Bools:
    if not all(isinstance(value, bool) for value in held):
        raise ValueError(f"{held} are not all true or false")
    bools: Bools = _array(held, np.bool_, units)
    return bools


def _floats(held: Any, units: int) -> Floats:
    floats: Floats = _array(held, np.float64, units)
    return floats


def _array(held: Any, dtype: Any, units: int) -> Any:
    array = np.array(held, dtype)
    if array.shape != (units,):
        raise ValueError(f"{len(array)} entries stand for {units} units")
    return array


def to_text(held: Any) -> str:
    """Plain data as JSON."""
    return json.dumps(held, allow_nan=False) + "\n"


def read(path: str | os.PathLike[str]) -> Any:
    """The plain data of a JSON file.

    Raises
    ------
    ValueError
        If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}; pass what to_json wrote") from error
