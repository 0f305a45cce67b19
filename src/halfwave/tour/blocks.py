"""What a chapter is made of. Chapters yield these; the renderers draw them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from halfwave import Activation
from halfwave.plot import Curve

PER_ROW = 8
"""How many hidden units stand in one row of a picture."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One piece of a chapter.

    `measured` marks what comes out of the trained network: another processor may add up a
    matrix product in another order, and then its last digits differ.
    """

    measured: bool = False


@dataclass(frozen=True)
class Heading(Block):
    """The title of a chapter."""

    number: int
    text: str


@dataclass(frozen=True)
class Section(Block):
    """The title of a part of a chapter."""

    text: str


@dataclass(frozen=True)
class Prose(Block):
    """Paragraphs, lists, `code`, **bold** and links, in Markdown."""

    text: str


@dataclass(frozen=True)
class Formula(Block):
    """A formula, in LaTeX and in plain characters."""

    latex: str
    text: str


@dataclass(frozen=True)
class Code(Block):
    """Code to read."""

    source: str
    language: str = "python"


@dataclass(frozen=True)
class Output(Block):
    """What a program printed."""

    text: str


@dataclass(frozen=True)
class Table(Block):
    """A table; the first column names the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Graph(Block):
    """The graph of an activation or of its derivative; `name` is that of its files."""

    name: str
    activation: Activation
    parameters: Mapping[str, float] = field(default_factory=dict)
    derivative: bool = False

    @property
    def title(self) -> str:
        """The activation's title with its parameters, as the figure shows it."""
        title = Curve(self.activation, self.parameters).title
        return f"Derivative of {title}" if self.derivative else title

    @property
    def alt(self) -> str:
        """The graph in words, for those who do not see it."""
        if self.derivative:
            formula = f"f′(x) = {self.activation.derivative_text}"
        else:
            formula = f"f(x) = {self.activation.formula_text}"
        return f"Graph. {self.title}: {formula}."


@dataclass(frozen=True)
class Units(Block):
    """Hidden units, one mark each: filled where it had an update in the last epoch.

    `networks` holds pairs of a network's title and its units.
    """

    name: str
    networks: tuple[tuple[str, tuple[bool, ...]], ...]

    @property
    def alt(self) -> str:
        """The figure in words."""
        counts = [f"{title}: {sum(updated)} of {len(updated)}" for title, updated in self.networks]
        return f"Hidden units with an update in the last epoch. {'; '.join(counts)}."


@dataclass(frozen=True)
class Progress(Block):
    """How far a piece of work is, as in "3 of 60 epochs"; the last one has `step == steps`."""

    title: str
    step: int
    steps: int
    what: str

    @property
    def done(self) -> bool:
        """Whether the work has ended."""
        return self.step == self.steps

    @property
    def summary(self) -> str:
        """The state of the work in one line."""
        return f"{self.title}: {self.step} of {self.steps} {self.what}"


def measured(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same blocks, marked as coming out of the trained network."""
    return (replace(block, measured=True) for block in blocks)


def settled(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks of a page that is read afterwards: of a progress report, the end alone."""
    return (b for b in blocks if not isinstance(b, Progress) or b.done)
