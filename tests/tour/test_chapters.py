"""What the chapters show: in order, and computed."""

import re
from itertools import pairwise

import numpy as np
import pytest

import halfwave as hw
from halfwave.tour import Lesson, chapters
from halfwave.tour.blocks import (
    Block,
    Code,
    Formula,
    Graph,
    Heading,
    Output,
    Progress,
    Prose,
    Units,
)
from halfwave.tour.chapters import where_to_go_next
from halfwave.tour.leaky_relu_chapter import leaky_relu
from halfwave.tour.programs import array_literal, function_in, output_of
from halfwave.tour.relu_chapters import the_gradient_of_relu, what_relu_is


def outputs(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Output)]


def test_chapters_come_in_order(shown):
    first_blocks = [chapter[0] for chapter in shown]
    assert [(type(b), b.number) for b in first_blocks] == [(Heading, n) for n in range(1, 8)]
    assert [b.text for b in first_blocks] == [
        "What ReLU is",
        "The graph of ReLU",
        "The gradient of ReLU",
        "Why that matters: units that stop learning",
        "Leaky ReLU",
        "The same network with Leaky ReLU",
        "Where to go next",
    ]


def test_each_chapter_has_its_formulas_and_graphs(shown):
    formulas = [[b.text for b in chapter if isinstance(b, Formula)] for chapter in shown]
    assert formulas[0] == ["f(x) = max(0, x)"]
    assert "y = f(Wx + b)" in formulas[3]
    assert formulas[4][0] == "f(x) = 1(x<0)(αx) + 1(x≥0)(x)"
    graphs = [[b.name for b in chapter if isinstance(b, Graph | Units)] for chapter in shown]
    assert graphs == [
        [],
        ["relu"],
        ["relu_derivative"],
        ["units_relu"],
        ["leaky_relu", "leaky_relu_alpha_0.1", "leaky_relu_derivative"],
        ["units_relu_and_leaky_relu"],
        [],
    ]


def test_the_default_numbers_give_the_lines_of_the_programs(shown):
    assert outputs(shown[0])[0].splitlines() == [
        "Applying ReLU on (1.0) gives 1.0",
        "Applying ReLU on (-10.0) gives 0.0",
        "Applying ReLU on (0.0) gives 0.0",
        "Applying ReLU on (15.0) gives 15.0",
        "Applying ReLU on (-20.0) gives 0.0",
    ]
    assert "Applying Leaky ReLU on (-10.0) gives -0.1" in outputs(shown[4])[0].splitlines()


def test_the_readers_numbers_are_computed():
    numbers = np.random.default_rng(5).normal(0, 100, 3).tolist()
    lesson = Lesson(numbers)
    relu, leaky = list(what_relu_is(lesson)), list(leaky_relu(lesson))
    assert outputs(relu)[0].splitlines() == [
        f"Applying ReLU on ({x}) gives {hw.relu(x)}" for x in numbers
    ]
    assert outputs(leaky)[0].splitlines() == [
        f"Applying Leaky ReLU on ({x}) gives {hw.leaky_relu(x)}" for x in numbers
    ]
    assert outputs(relu)[1] == str(hw.relu(np.array(numbers)))
    gradient = list(the_gradient_of_relu(lesson))
    assert outputs(gradient)[0] == str(hw.relu.derivative(np.array(numbers)))


def test_an_output_after_code_is_what_that_code_prints(shown):
    """Nothing canned: run the code that the reader sees, and get the output that they see."""
    for chapter in shown:
        for code, output in pairwise(chapter):
            if isinstance(code, Code) and isinstance(output, Output):
                assert output_of(code.source) == output.text


def test_output_is_computed_when_it_is_shown(monkeypatch):
    """The meta-test of the one above: change a function, and the tour shows the change."""
    monkeypatch.setattr(hw, "relu", hw.leaky_relu)
    assert "nan\nmax(nan, 0.0)" not in outputs(list(what_relu_is(Lesson([-10.0]))))[1]
    assert outputs(list(what_relu_is(Lesson([-10.0]))))[1] == "[-0.1]"


def test_the_nan_that_the_plain_code_hides_is_shown(shown):
    assert outputs(shown[0])[2].splitlines() == [
        "max(0.0, nan) gives 0.0",
        "max(nan, 0.0) gives nan",
        "hw.relu(nan)  gives nan",
    ]


def test_the_value_at_0_is_shown_as_a_choice(shown):
    assert outputs(shown[2])[1:] == [
        "to the left:  0.0\nto the right: 1.0",
        "declared: 0.0\nat_kink='left': 0.0\nat_kink='right': 1.0\nat_kink=0.5: 0.5",
    ]


def test_the_network_chapters_tell_what_was_trained(shown, lesson):
    (relu, leaky) = (
        next(e for (name, _), e in lesson._experiments.items() if name == wanted)
        for wanted in ("relu", "leaky_relu")
    )
    text = " ".join(b.text for b in shown[3] if isinstance(b, Prose))
    assert f"**{relu.count_without_update} of the 16 hidden units got no update**" in text
    listed = re.search(r"They are the units ([\d, ]+)\.", text)
    assert [int(unit) for unit in listed[1].split(", ")] == relu.without_update[0]
    assert "not one bit changed" in text
    after = " ".join(b.text for b in shown[5] if isinstance(b, Prose))
    assert f"**{leaky.count_without_update} of the 16 hidden units got no update**" in after
    assert f"{leaky.recognised} of the 450" in after.replace("\n", " ")


def test_a_network_is_trained_once_for_all_chapters(shown):
    titles = [b.title for chapter in shown for b in chapter if isinstance(b, Progress) and b.done]
    assert len(titles) == len(set(titles)) == 6 + 1


def test_the_last_chapter_names_the_papers(lesson):
    text = " ".join(b.text for b in where_to_go_next(lesson) if isinstance(b, Prose))
    assert "Fukushima" in text
    assert "Maas" in text


def test_every_chapter_says_what_it_is_about():
    assert all(re.match(rf"Chapter {n}: ", c.__doc__) for n, c in enumerate(chapters, 1))


@pytest.mark.parametrize("given", ["x", None])
def test_what_is_not_a_number_is_refused(given):
    with pytest.raises(ValueError, match=r"is not a number; pass numbers such as 3 -7 0\.5"):
        Lesson([given])


def test_numbers_without_a_literal_are_typed_as_a_reader_would():
    assert array_literal([1.0, float("nan"), float("-inf")]) == (
        '[1.0, float("nan"), float("-inf")]'
    )


def test_infinities_and_nan_are_taken_too():
    assert outputs(list(what_relu_is(Lesson([float("inf"), float("nan")]))))[1] == "[inf nan]"


def test_function_in_finds_the_first_function():
    assert function_in("import sys\n\ndef f(x):\n    return x\n\ndef g(): ...\n") == (
        "def f(x):\n    return x"
    )


def test_output_of_gives_the_programs_arguments_back():
    import sys

    before = list(sys.argv)
    assert output_of("import sys\nprint(sys.argv[1:])", ["3.0"]) == "['3.0']"
    assert sys.argv == before
