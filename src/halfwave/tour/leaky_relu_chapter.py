"""Chapter 5: Leaky ReLU."""

from __future__ import annotations

from collections.abc import Iterator

from halfwave import activations
from halfwave.tour.blocks import Block, Code, Formula, Graph, Heading, Output, Prose, Section
from halfwave.tour.lesson import Lesson
from halfwave.tour.programs import array_literal, example, function_in, output_of, run

LEAKY_RELU = activations["leaky_relu"]
ALPHA = LEAKY_RELU.parameters["alpha"].default


def leaky_relu(lesson: Lesson) -> Iterator[Block]:
    """Chapter 5: the formula, the graph, the gradient and the code of Leaky ReLU."""
    yield Heading(5, "Leaky ReLU")
    yield from _formula()
    yield from _graph()
    yield from _gradient()
    yield from _plain_python(lesson)
    yield from _array(lesson)


def _formula() -> Iterator[Block]:
    yield Prose("""
ReLU has slope 0 where x is negative, and that is what stops a unit. Leaky ReLU has a small slope
α there instead: a negative number is multiplied by α, a little of it leaks through.
""")
    yield Formula(f"f(x) = {LEAKY_RELU.formula}", f"f(x) = {LEAKY_RELU.formula_text}")
    yield Prose(f"""
Read it like this: {LEAKY_RELU.words}

The slope α, `alpha` in code, is {ALPHA} unless you pass another.
""")


def _graph() -> Iterator[Block]:
    yield Section("Its graph")
    yield Graph("leaky_relu", LEAKY_RELU)
    yield Prose(f"""
With α = {ALPHA} the left part is almost flat: at x = -5 it is at {LEAKY_RELU(-5.0)}. A larger
slope shows it better:
""")
    yield Graph("leaky_relu_alpha_0.1", LEAKY_RELU, {"alpha": 0.1})


def _gradient() -> Iterator[Block]:
    yield Section("Its gradient")
    f = LEAKY_RELU
    yield Formula(f"f'(x) = {f.derivative_formula}", f"f′(x) = {f.derivative_text}")
    yield Graph("leaky_relu_derivative", f, derivative=True)
    yield Prose(f"""
Left of 0 the slope is {f.derivative(-1.0)}: small, but not 0. At 0 itself the two sides disagree
again, and the declared value is α, as in PyTorch; `at_kink=` chooses another.
""")


def _plain_python(lesson: Lesson) -> Iterator[Block]:
    program = example("leaky_relu.py")
    yield Section("In plain Python")
    yield Code(function_in(program))
    yield Prose("Applied to the same numbers:")
    yield Output(output_of(program, lesson.arguments))
    yield Prose("The complete program in one piece, `examples/leaky_relu.py`:")
    yield Code(program.strip())


def _array(lesson: Lesson) -> Iterator[Block]:
    yield Section("On a whole array")
    yield from run(f"""
import numpy as np
import halfwave as hw

x = np.array({array_literal(lesson.numbers)})
print(hw.leaky_relu(x))
print(hw.leaky_relu(x, alpha=0.5))
print(hw.leaky_relu.derivative(x))
""")
