"""What the measured times say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from halfwave.bench.contests import Contender, Contest


@dataclass(frozen=True)
class Ratio:
    """How long one takes beside another, and between which values half of the rounds lie."""

    median: float
    quartiles: tuple[float, float]

    @property
    def noise(self) -> float:
        """Half the distance of the quartiles, as a fraction of the ratio."""
        low, high = self.quartiles
        return (high - low) / 2 / self.median


@dataclass(frozen=True)
class Result:
    """How a contest went."""

    contest: Contest
    seconds: Mapping[Contender, Sequence[float]]
    """Per call, in each round; halfwave's own come first. Nothing, if halfwave was left out."""
    left_out: Mapping[str, str]
    """Contenders that fail or compute something else, and what they do."""

    def ratio(self, peer: Contender, of: Contender | None = None) -> Ratio:
        """One median over the peer's, halfwave's unless it is that `of` another contender.

        The quartiles are those of each round's own ratio.
        """
        ours, theirs = self.seconds[of or next(iter(self.seconds))], self.seconds[peer]
        rounds = [a / b for a, b in zip(ours, theirs, strict=True)]
        return Ratio(median(ours) / median(theirs), quartiles(rounds))

    def ratios(self) -> dict[Contender, Ratio]:
        """The ratio to each peer."""
        return {peer: self.ratio(peer) for peer in list(self.seconds)[1:]}

    def as_data(self) -> dict[str, Any]:
        """Everything, for JSON; times are seconds per call."""
        return {
            **self.contest.as_data(),
            "rounds": len(next(iter(self.seconds.values()), ())),
            "contenders": [self._contender_as_data(c) for c in self.seconds],
            "left_out": dict(self.left_out),
        }

    def _contender_as_data(self, contender: Contender) -> dict[str, Any]:
        seconds, ratio = self.seconds[contender], self.ratio(contender)
        return {
            "call": contender.label,
            "median": median(seconds),
            "quartiles": quartiles(seconds),
            "ratio": ratio.median,
            "ratio_quartiles": ratio.quartiles,
        }


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Between which values the middle half lies."""
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high
