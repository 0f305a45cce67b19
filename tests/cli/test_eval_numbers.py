"""`halfwave eval` of numbers."""

import io
import json
import math
from contextlib import redirect_stdout

import numpy as np
import pytest
from command import on_terminal, output_of
from hypothesis import given, settings
from hypothesis import strategies as st

import halfwave as hw
from halfwave.cli import run

AWKWARD = ["-1e3", "-inf", "nan", "-0.0", "-.5", "1e-320", "-infinity", "1_000", "-nan"]


def test_negative_and_special_numbers_are_no_options():
    printed = output_of("eval", "leaky_relu", *AWKWARD).splitlines()
    assert printed == [repr(hw.leaky_relu(float(number))) for number in AWKWARD]


def test_minus_zero_is_shown_as_such():
    assert output_of("eval", "leaky_relu", "-0.0") == "-0.0\n"
    assert output_of("eval", "relu", "-0.0") == "0.0\n"


def test_options_stand_anywhere():
    printed = output_of("eval", "--alpha", "-0.5", "leaky_relu", "-10", "--derivative", "-3")
    assert printed == "-0.5\n-0.5\n"


@settings(max_examples=5)
@given(numbers=st.lists(st.floats(), min_size=1, max_size=200), alpha=st.floats())
def test_prints_exactly_what_halfwave_gives(numbers, alpha):
    printed = output_of("eval", "leaky_relu", *map(repr, numbers), "--alpha", repr(alpha))
    assert printed.splitlines() == [repr(hw.leaky_relu(x, alpha)) for x in numbers]


@given(numbers=st.lists(st.floats(), min_size=1), derivative=st.booleans())
def test_each_activation_prints_exactly_what_it_gives(activation, numbers, derivative):
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert (
            run(["eval", activation.name, *map(repr, numbers), *["--derivative"] * derivative]) == 0
        )
    operation = activation.derivative if derivative else activation
    assert printed.getvalue().splitlines() == [repr(operation(x)) for x in numbers]


def test_json_is_valid_where_numbers_are_not_finite():
    printed = output_of("eval", "leaky_relu", "-2", "nan", "inf", "-inf", "-0.0", "--json")
    rows = json.loads(printed, parse_constant=pytest.fail)
    assert rows == [
        {"x": -2.0, "value": -0.02},
        {"x": "NaN", "value": "NaN"},
        {"x": "Infinity", "value": "Infinity"},
        {"x": "-Infinity", "value": "-Infinity"},
        {"x": 0.0, "value": 0.0},
    ]
    assert math.copysign(1, rows[-1]["value"]) == -1


def test_json_of_the_derivative_says_so():
    assert json.loads(output_of("eval", "relu", "3", "--derivative", "--json")) == [
        {"x": 3.0, "derivative": 1.0}
    ]


def test_a_table_on_a_terminal():
    screen = on_terminal(
        "eval", "leaky_relu", "1", "-10", "--alpha", "0.1", NO_COLOR="1", TERM="dumb"
    )
    assert [line.rstrip() for line in screen.lines] == [
        "    x   leaky_relu(x, alpha=0.1)",
        "────────────────────────────────",
        "  1.0                        1.0",
        "-10.0                       -1.0",
    ]


def test_a_narrow_terminal_breaks_no_number():
    number = "0.12345678901234568"
    screen = on_terminal("eval", "leaky_relu", number, columns=40)
    assert screen.text.count(number) == 2
    assert all(len(line) <= 40 for line in screen.lines if "\x1b" not in line)


def test_numbers_are_saved_where_an_output_is_named(tmp_path):
    assert output_of("eval", "relu", "3", "-4", "-o", "y.npy", cwd=tmp_path) == "y.npy\n"
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), [3.0, 0.0])
