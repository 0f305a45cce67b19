"""Chapters 1 to 3: what ReLU is, its graph, its gradient."""

from __future__ import annotations

from collections.abc import Iterator

from halfwave import activations
from halfwave.tour.blocks import Block, Code, Formula, Graph, Heading, Output, Prose, Section
from halfwave.tour.lesson import Lesson
from halfwave.tour.programs import array_literal, example, function_in, output_of, run

RELU = activations["relu"]


def what_relu_is(lesson: Lesson) -> Iterator[Block]:
    """Chapter 1: the idea, the formula, the code, an array, and NaN."""
    yield Heading(1, "What ReLU is")
    yield from _idea()
    yield from _plain_python(lesson)
    yield from _array(lesson)
    yield from _nan()


def _idea() -> Iterator[Block]:
    yield Prose("""
The **rectified linear unit**, ReLU for short, lets a positive number through and turns every
other number into 0. Neural networks apply it between their layers. They need a function there
whose graph bends somewhere: without one, many layers in a row compute no more than one layer can.
""")
    yield Formula(f"f(x) = {RELU.formula}", f"f(x) = {RELU.formula_text}")
    yield Prose(RELU.words)
    yield Prose("As a recipe, before any programming language:")
    yield Code("if x is greater than 0:\n    give back x\notherwise:\n    give back 0", "text")


def _plain_python(lesson: Lesson) -> Iterator[Block]:
    program = example("relu.py")
    yield Section("In plain Python")
    yield Code(function_in(program))
    yield Prose(f"Applied to {_listed(lesson)}, one after the other:")
    yield Output(output_of(program, lesson.arguments))
    yield Prose("""
The complete program in one piece. It is `examples/relu.py`, and takes numbers of your own:
`python relu.py 3 -7`.
""")
    yield Code(program.strip())


def _array(lesson: Lesson) -> Iterator[Block]:
    yield Section("On a whole array")
    yield Prose("`hw.relu` does this for every element of an array:")
    yield from run(f"""
import numpy as np
import halfwave as hw

x = np.array({array_literal(lesson.numbers)})
print(hw.relu(x))
""")


def _nan() -> Iterator[Block]:
    yield Section("Where the plain code is wrong")
    yield Prose("""
A calculation without an answer, such as infinity minus infinity, gives NaN: "not a number".
It should be seen, because it says that something went wrong earlier. The plain code hides it.
`max` keeps its first argument unless the second is greater, and nothing is greater or less than
NaN. So `max(0.0, nan)` is 0.0, and the mistake looks like an ordinary result.
""")
    yield from run("""
import halfwave as hw

nan = float("inf") - float("inf")
print("max(0.0, nan) gives", max(0.0, nan))
print("max(nan, 0.0) gives", max(nan, 0.0))
print("hw.relu(nan)  gives", hw.relu(nan))
""")


def the_graph_of_relu(lesson: Lesson) -> Iterator[Block]:
    """Chapter 2: the graph."""
    yield Heading(2, "The graph of ReLU")
    yield Graph("relu", RELU)
    yield Prose("""
Left of 0 the graph lies on the x-axis. Right of 0 it rises by 1 wherever x rises by 1. The two
straight lines meet at x = 0 in a corner, a **kink**.

`hw.relu.plot()` draws this graph with matplotlib, together with the one of the next chapter.
""")


def the_gradient_of_relu(lesson: Lesson) -> Iterator[Block]:
    """Chapter 3: the derivative, its graph, and the choice at 0."""
    yield Heading(3, "The gradient of ReLU")
    yield Prose("""
The derivative f′(x), also called the gradient, says how much f(x) changes where x changes a
little. It is the slope of the graph.
""")
    yield Formula(f"f'(x) = {RELU.derivative_formula}", f"f′(x) = {RELU.derivative_text}")
    yield from run(f"""
import numpy as np
import halfwave as hw

x = np.array({array_literal(lesson.numbers)})
print(hw.relu.derivative(x))
""")
    yield Graph("relu_derivative", RELU, derivative=True)
    yield Prose("""
The derivative jumps from 0 to 1. The filled circle is the value that it takes at x = 0, the open
circle the one that it does not take.
""")
    yield from _value_at_zero()


def _value_at_zero() -> Iterator[Block]:
    yield Section("The value at 0 is a choice")
    yield Prose("The slope from 0 to a point close by depends on the side where that point is:")
    yield from run("""
import halfwave as hw

h = 0.001
print("to the left: ", (hw.relu(0.0) - hw.relu(-h)) / h)
print("to the right:", (hw.relu(h) - hw.relu(0.0)) / h)
""")
    yield Prose("""
The two sides do not agree, so ReLU has no derivative at 0. A program must still give some number
there. Each number from 0 to 1 is a **subgradient**, which means that a line with this slope through
the corner lies nowhere above the graph. halfwave takes 0, as PyTorch does. `at_kink=` chooses
another:
""")
    yield from run("""
import halfwave as hw

print("declared:", hw.relu.derivative(0.0))
for choice in ["left", "right", 0.5]:
    slope = hw.relu.derivative(0.0, at_kink=choice)
    print(f"at_kink={choice!r}:", slope)
""")


def _listed(lesson: Lesson) -> str:
    *most, last = map(str, lesson.numbers)
    return f"{', '.join(most)} and {last}" if most else last
