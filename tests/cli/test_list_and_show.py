"""`halfwave list` and `halfwave show`."""

import json

import numpy as np
import pytest
from command import on_terminal, output_of

import halfwave as hw


def test_list_in_a_pipe_is_one_line_for_each():
    lines = [line.split("\t") for line in output_of("list").splitlines()]
    assert [line[0] for line in lines] == list(hw.activations)
    assert ["leaky_relu", hw.leaky_relu.formula_text, "leaky_relu(x, alpha=0.01)"] in lines


def test_list_on_a_terminal_is_a_table():
    screen = on_terminal("list")
    assert screen.lines[0].split() == ["name", "title", "parameters"]
    assert [line.split()[0] for line in screen.lines[2:-1]] == list(hw.activations)
    assert max(map(len, screen.lines)) < 80


def test_list_on_a_narrow_terminal_breaks_no_word():
    text = "\n".join(on_terminal("list", columns=40).lines)
    for f in hw.activations.values():
        assert f.title in text


def test_list_as_json():
    listed = json.loads(output_of("list", "--json"))
    assert [entry["name"] for entry in listed] == list(hw.activations)
    leaky = next(entry for entry in listed if entry["name"] == "leaky_relu")
    assert leaky["formula"] == hw.leaky_relu.formula
    assert leaky["parameters"][0] | {"aliases": []} == {
        "name": "alpha",
        "default": 0.01,
        "meaning": "Slope where x is negative; any number.",
        "symbol": "α",
        "aliases": [],
        "tried": [],
        "bound": False,
    }


def words(text):
    return " ".join(text.split())


def test_show_tells_every_fact(activation):
    shown = words(output_of("show", activation.name, COLUMNS="200"))
    facts = [activation.title, activation.summary, activation.words, activation.source]
    facts += [activation.formula, activation.formula_text, activation._facts.accuracy]
    facts += [activation.derivative_formula, activation.derivative_text]
    facts += [p.meaning for p in activation.parameters.values()]
    facts += [f"at x = {kink.at} the derivative is {kink.slope}" for kink in activation.kinks]
    for fact in facts:
        assert words(fact) in shown


def test_the_example_is_computed(activation):
    lines = output_of("show", activation.name).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("example"))
    rows = [tuple(line.split()) for line in lines[start + 1 :]]
    assert len(rows) == 6
    for x, value, slope in rows:
        assert value == repr(activation(float(x)))
        assert slope == repr(activation.derivative(float(x)))


def test_show_as_json(activation):
    shown = json.loads(output_of("show", activation.name, "--json"))
    assert shown["accuracy"] == activation._facts.accuracy
    assert shown["kinks"] == json.loads(json.dumps([vars(kink) for kink in activation.kinks]))
    for dtype, result in shown["dtypes"].items():
        if result is None:
            with pytest.raises(TypeError):
                activation(np.empty(0, dtype))
        else:
            assert activation(np.empty(0, dtype)).dtype == np.dtype(result)
    for row in shown["example"]:
        assert row["value"] == activation(row["x"])
        assert row["derivative"] == activation.derivative(row["x"])


@pytest.mark.parametrize("columns", [40, 80])
def test_show_fits_the_terminal(activation, columns):
    screen = on_terminal("show", activation.name, columns=columns)
    assert max(map(len, screen.lines)) <= columns


def test_show_has_no_trailing_spaces(activation):
    assert not any(line.endswith(" ") for line in output_of("show", activation.name).splitlines())
