"""What was seen of a network's units, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from halfwave import files
from halfwave.arrays import is_number
from halfwave.health import data
from halfwave.health.counts import History
from halfwave.health.layer import LayerReport

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

    from halfwave.health.stats import Stats


class UnhealthyError(Exception):
    """Too many units of a network are silent or non-finite, or none were counted.

    Examples
    --------
    >>> from halfwave import health
    >>> try:
    ...     health.Report({}).check()
    ... except health.UnhealthyError as error:
    ...     print(str(error).partition(",")[0])
    no unit was counted
    """


@dataclass(frozen=True)
class NotSeen:
    """Something that may be a rectifier, and was not counted.

    Parameters
    ----------
    place : str
        Where it is in the network.
    reason : str
        Why it was not counted, and what to do.

    Examples
    --------
    >>> from halfwave import health
    >>> report = health.Report({}, [health.NotSeen("head", "a fused kernel computes it")])
    >>> report.not_seen[0].reason
    'a fused kernel computes it'
    """

    place: str
    reason: str


class Report:
    """The units of a network: verdicts by layer, and what could not be seen.

    Parameters
    ----------
    layers : mapping of str to LayerReport
        In order of execution.
    not_seen : sequence of NotSeen, optional
        What could not be counted.
    notes : sequence of str, optional
        What else a reader has to know.

    Examples
    --------
    >>> import numpy as np
    >>> from halfwave import health
    >>> stats = health.Stats("relu")
    >>> stats.update(np.array([[0.0, 1.0], [0.0, 2.0]]))
    >>> report = health.Report.of({"hidden": stats})
    >>> report["hidden"].silent
    array([ True, False])
    >>> report.check(fail_above=0.5)
    """

    def __init__(
        self,
        layers: Mapping[str, LayerReport],
        not_seen: Sequence[NotSeen] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.layers = dict(layers)
        self.not_seen = tuple(not_seen)
        self.notes = tuple(notes)

    @classmethod
    def of(cls, stats: Mapping[str, Stats]) -> Self:
        """The report of layers that were counted by `Stats`, by name.

        Raises
        ------
        ValueError
            If nothing was counted of one of them.
        """
        return cls({name: counted.layer(name) for name, counted in stats.items()})

    def __getitem__(self, name: str) -> LayerReport:
        """The layer of this name.

        Raises
        ------
        KeyError
            If there is none; it says which there are.
        """
        try:
            return self.layers[name]
        except KeyError:
            known = ", ".join(self.layers) or "none"
            raise KeyError(
                f"no layer {name!r} was counted; units have the name of the layer that feeds the "
                f"rectifier, and there is {known}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def units(self) -> int:
        """How many units were counted."""
        return sum(layer.units for layer in self.layers.values())

    @property
    def history(self) -> dict[str, History]:
        """For each layer, on how many samples of each window each unit fired."""
        return {name: layer.history for name, layer in self.layers.items()}

    def count(self, verdict: str) -> int:
        """How many units have a verdict, such as "silent"; where it is not known, none.

        Raises
        ------
        ValueError
            If there is no such verdict.
        """
        if verdict not in data.VERDICTS:
            raise ValueError(
                f"there is no verdict {verdict!r}; pass one of {', '.join(data.VERDICTS)}"
            )
        units = (layer.verdict(verdict) for layer in self.layers.values())
        return sum(int(u.sum()) for u in units if u is not None)

    def check(self, fail_above: float = 0.05) -> None:
        """Raise if too many units of a layer are silent, fell silent, or gave NaN or infinity.

        Training and evaluation are judged each by itself. A unit of Leaky ReLU is never silent.

        Parameters
        ----------
        fail_above : float, default 0.05
            The share of a layer's units, from 0 to 1, that is still accepted.

        Raises
        ------
        UnhealthyError
            If a layer has more than that, or nothing was counted.
        ValueError
            If `fail_above` is not between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> stats = health.Stats("relu")
        >>> stats.update(np.array([[0.0, 1.0], [0.0, 2.0]]))
        >>> health.Report.of({"hidden": stats}).check()
        Traceback (most recent call last):
            ...
        halfwave.health.report.UnhealthyError: more than 5 % of the units are silent or non-finite in \
hidden (1 silent of 2 units on 2 samples in training)
        """
        if isinstance(fail_above, bool) or not is_number(fail_above) or not 0 <= fail_above <= 1:
            raise ValueError(
                f"fail_above is {fail_above!r}; pass a share from 0 to 1, such as 0.05"
            )
        if not any(layer.samples for layer in self.layers.values()):
            raise UnhealthyError(
                "no unit was counted, so nothing is known of this network: run samples through it "
                "while it is watched, and see report.not_seen"
            )
        faults = [fault for layer in self.layers.values() for fault in _faults(layer, fail_above)]
        if faults:
            raise UnhealthyError(
                f"more than {100 * fail_above:.3g} % of the units are silent or non-finite in "
                + "; ".join(faults)
            )

    def merge(self, *others: Report) -> Report:
        """This and reports of the same model on other samples, one after the other.

        Raises
        ------
        ValueError
            If a layer differs in its rectifier, in its number of units, or in what was counted as a
            sample.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> monday, tuesday = health.Stats("relu"), health.Stats("relu")
        >>> monday.update(np.array([[0.0, 0.0], [0.0, 2.0]]))
        >>> tuesday.update(np.array([[1.0, 0.0]]))
        >>> week = health.Report.of({"fc": monday}).merge(health.Report.of({"fc": tuesday}))
        >>> week["fc"].fired
        array([1, 1])
        """
        return self._merged(others, parallel=False)

    def gather(self, group: Any = None) -> Report:
        """The reports of all processes of `torch.distributed` as one, on each of them.

        Every process has to call this: it waits for the others. Samples and counts are added. A
        backward pass that they go through together is one; a unit counts as updated where it was
        in any process.

        Parameters
        ----------
        group : torch.distributed.ProcessGroup, optional
            The processes; by default all.

        Raises
        ------
        RuntimeError
            If `torch.distributed` has not been started.
        """
        from halfwave.health.torch.gather import gathered

        first, *others = map(Report.from_data, gathered(self.as_data(), group))
        return first._merged(others, parallel=True)

    def _merged(self, others: tuple[Report, ...] | list[Report], *, parallel: bool) -> Report:
        layers = dict(self.layers)
        for other in others:
            if not isinstance(other, Report):
                raise TypeError(f"merge takes reports, as in a.merge(b, c), and not {other!r:.60}")
            if self.layers and other.layers and not self.layers.keys() & other.layers.keys():
                raise ValueError(
                    f"{next(iter(other.layers))} and the other layers there are none of those here, "
                    f"such as {next(iter(self.layers))}; merge reports of one model"
                )
            for name, layer in other.layers.items():
                known = layers.get(name)
                layers[name] = known.merged(layer, parallel=parallel) if known else layer
        reports = (self, *others)
        not_seen = dict.fromkeys(entry for report in reports for entry in report.not_seen)
        notes = dict.fromkeys(note for report in reports for note in report.notes)
        return Report(layers, tuple(not_seen), tuple(notes))

    def scalars(self, prefix: str = "health/") -> dict[str, float]:
        """The shares of units with each verdict as a flat dict, for TensorBoard, W&B or MLflow.

        Parameters
        ----------
        prefix : str, default "health/"
            What each name begins with.

        Returns
        -------
        dict of str to float
            ``health/silent`` over all layers, ``health/fc1/silent`` for one, and so on; what is not
            known is left out. Characters that loggers refuse are replaced: ``fc1#2`` is ``fc1:2``.

        Examples
        --------
        >>> import numpy as np
        >>> from halfwave import health
        >>> stats = health.Stats("relu")
        >>> stats.update(np.array([[0.0, 1.0], [0.0, 2.0]]))
        >>> health.Report.of({"fc1": stats}).scalars()["health/fc1/silent"]
        0.5
        """
        shares: dict[str, float] = {}
        for verdict in data.VERDICTS:
            units = {name: layer.verdict(verdict) for name, layer in self.layers.items()}
            known = {name: u for name, u in units.items() if u is not None and u.size}
            if known:
                together = np.concatenate(list(known.values()))
                shares[f"{prefix}{verdict}"] = float(together.mean())
            for name, u in known.items():
                shares[f"{prefix}{_loggable(name)}/{verdict}"] = float(u.mean())
        return shares

    # Files

    def as_data(self) -> dict[str, Any]:
        """Everything as dicts, lists, strings and numbers, with the version of their schema."""
        return data.of_report(self)

    @classmethod
    def from_data(cls, held: Any) -> Self:
        """A report from what `as_data` gives.

        Raises
        ------
        ValueError
            If it is something else, or of a newer schema.
        """
        layers, not_seen, notes = data.to_report(held)
        return cls(layers, [NotSeen(place, reason) for place, reason in not_seen], notes)

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write everything to a JSON file, which replaces one of the same name.

        Parameters
        ----------
        path : str or PathLike
            Where to. If writing fails, a file that was there before is still there.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> from halfwave import health
        >>> stats = health.Stats("relu")
        >>> stats.update(np.array([[0.0, 1.0]]))
        >>> report = health.Report.of({"hidden": stats})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report.to_json(f"{folder}/health.json")
        ...     health.Report.from_json(f"{folder}/health.json") == report
        True
        """
        files.write(path, data.to_text(self.as_data()))

    @classmethod
    def from_json(cls, path: str | PathLike[str]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If the file holds something else, or is of a newer schema.
        """
        return cls.from_data(data.read(path))

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write one HTML page, which asks the network for nothing and replaces one of that name.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        from halfwave.health.views.page import page

        files.write(path, page(self))

    def plot(self) -> Figure:
        """Draw the layers, when which unit fired, and how often units fire.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        from halfwave.health.views.figure import draw

        return draw(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Report) and self.as_data() == other.as_data()

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        from halfwave.health.views.text import text

        return text(self)

    def __repr__(self) -> str:
        from halfwave.health.views.summary import headline
        from halfwave.health.views.verdicts import findings

        return f"<halfwave.health.Report: {headline(self, findings(self))}>"

    def _repr_html_(self) -> str:
        from halfwave.health.views.text import html

        return html(self)


def _faults(layer: LayerReport, fail_above: float) -> Iterator[str]:
    """What is wrong with a layer in each mode that was seen."""
    for mode, part in (("training", layer.training), ("evaluation", layer.evaluation)):
        if part is None or not part.samples:
            continue
        kinds = {
            "silent": part.silent,
            "fell silent": part.fell_silent,
            "non-finite": part.nonfinite > 0,
        }
        bad = np.logical_or.reduce(list(kinds.values()))
        # A share, since 0.29 * 100 is less than 29.
        if bad.any() and bad.mean() > fail_above:
            counts = ", ".join(f"{int(u.sum()):,} {kind}" for kind, u in kinds.items() if u.any())
            yield (
                f"{layer.name} ({counts} of {layer.units:,} units on {part.samples:,} samples in "
                f"{mode})"
            )


def _loggable(name: str) -> str:
    """The name in the characters that MLflow takes, who takes the fewest."""
    plain = name.translate({ord("#"): ":", ord("["): None, ord("]"): None})
    return re.sub(r"[^\w\-. :/]", "_", plain, flags=re.ASCII)
