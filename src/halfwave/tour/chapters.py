"""The chapters of the tour, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from halfwave import activations
from halfwave.tour.blocks import Block, Code, Heading, Output, Prose, Section, measured
from halfwave.tour.leaky_relu_chapter import leaky_relu
from halfwave.tour.lesson import Lesson
from halfwave.tour.network_chapters import the_same_network_with_leaky_relu, why_that_matters
from halfwave.tour.programs import run
from halfwave.tour.relu_chapters import the_gradient_of_relu, the_graph_of_relu, what_relu_is

Chapter = Callable[[Lesson], Iterator[Block]]


def where_to_go_next(lesson: Lesson) -> Iterator[Block]:
    """Chapter 7: what to try, and what to read."""
    yield Heading(7, "Where to go next")
    yield Prose("""
- `halfwave tour 3 -7` takes the tour with your numbers; `halfwave tour --save DIR` writes its
  graphs and the whole tour as one HTML page.
- `halfwave plot relu leaky_relu --alpha 0.1 -o graph.png` draws several functions in one figure.
- `halfwave list` names every function that there is, and `halfwave show leaky_relu` tells all
  about one.
- `halfwave eval leaky_relu 3 -7` computes; it also takes a `.npy` file.
- `help(hw.leaky_relu)` in Python shows what it takes and returns.
""")
    yield from measured(_try_a_setting())
    yield Section("The papers")
    yield Prose(_sources())


def _try_a_setting() -> Iterator[Code | Output | Prose]:
    yield Prose("The network of chapter 4 is yours to change. With another bias and seed:")
    yield from run("""
import halfwave as hw
from halfwave.tour.network import Experiment, Setting

for f in [hw.relu, hw.leaky_relu]:
    experiment = Experiment(f, Setting(bias=-0.5, seed=7)).run()
    print(f.title, "without update:", experiment.without_update)
""")


def _sources() -> str:
    return "\n".join(
        f"- {activations[name].title}: {' '.join(activations[name].source.split())}"
        for name in ("relu", "leaky_relu")
    )


chapters: tuple[Chapter, ...] = (
    what_relu_is,
    the_graph_of_relu,
    the_gradient_of_relu,
    why_that_matters,
    leaky_relu,
    the_same_network_with_leaky_relu,
    where_to_go_next,
)
"""Functions that take a `Lesson` and yield the blocks of a chapter."""
