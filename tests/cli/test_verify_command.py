"""`halfwave verify`: what it finds is tested in tests/test_verify.py, here how it is told."""

import json

import pytest
from command import error_of, halfwave, on_terminal, output_of, without

from halfwave import _core

WHAT = ["value", "derivative", "value of vjp", "pullback"]
TARGETS = _core.targets()

# All of them take minutes.
TWO = """
import halfwave
halfwave.activations = {name: halfwave.activations[name] for name in ("relu", "hardswish")}
"""

# One input of one result on one instruction set.
PLANTED = """
import numpy as np
from halfwave import _core
from halfwave.verify import shares
computed = shares._computed
def wrong(f, x, parameters):
    value, *others = computed(f, x, parameters)
    value[(x == 1.5) & (_core.target() == _core.targets()[-1])] = -2.0
    return value, *others
shares._computed = wrong
"""


def test_a_pipe_gets_a_line_for_each_result():
    lines = output_of("verify", "relu", "--dtype", "float16").splitlines()
    targets = ",".join(TARGETS)
    assert [line.split("\t") for line in lines] == [
        ["relu", what, "float16", "65536", targets, "same bits"] for what in WHAT
    ]


def test_json():
    rows = json.loads(output_of("verify", "leaky_relu", "--dtype", "bfloat16", "--json"))
    assert [row["what"] for row in rows] == WHAT
    value = rows[0]
    assert value["parameters"][0] == {"alpha": 0.01}
    assert {"alpha": "Infinity"} in value["parameters"]
    del value["parameters"]
    assert value == {
        "activation": "leaky_relu",
        "what": "value",
        "dtype": "bfloat16",
        "inputs": 65536,
        "targets": TARGETS,
        "verdict": "same bits",
        "limit": None,
        "worst": None,
        "differing": 0,
        "counter_examples": [],
    }


def test_an_error_in_json():
    rows = json.loads(output_of("verify", "hardswish", "--dtype", "float16", "--json"))
    value, derivative, *others = rows
    for row in (value, derivative):
        assert row["verdict"] == f"within {row['limit']:g} ULP"
        assert 0 < row["worst"]["off"] <= row["limit"] <= 0.51
        assert row["worst"]["x"].keys() == {"value", "bits"}
    assert [row["verdict"] for row in others] == ["same bits"] * 2


def test_a_terminal_gets_a_progress_bar_and_a_table():
    screen = on_terminal("verify", "relu", "--dtype", "float16")
    assert screen.status == 0
    assert "━" in screen.text and "100%" in screen.text
    assert f"On {', '.join(TARGETS)}:" in screen.lines
    assert ["relu", "derivative", "float16", "65,536", "same", "bits"] in [
        line.split() for line in screen.lines
    ]
    assert "--full" not in screen.text


def test_a_terminal_is_told_of_the_sample_and_of_all_activations():
    screen = on_terminal("verify", before=TWO)
    assert "The float32 inputs are a sample; --full tries every one." in screen.lines
    assert max(map(len, screen.lines)) <= 80
    for name, dtypes in (("relu", 3), ("hardswish", 4)):  # float64 where an error is measured
        assert sum(line.split()[:1] == [name] for line in screen.lines) == dtypes * len(WHAT)


def test_a_long_counter_example_fits_on_a_terminal():
    screen = on_terminal("verify", "relu", "--dtype", "float32", before=PLANTED)
    assert screen.status == 1
    assert max(map(len, screen.lines)) <= 80


@pytest.mark.parametrize("full", [[], ["--full"]])
def test_full_is_for_float32_alone(full):
    assert output_of("verify", "relu", "--dtype", "float16", *full).count("65536") == len(WHAT)


def test_what_differs_is_shown_and_is_exit_status_1():
    done = halfwave("verify", "relu", "--dtype", "float16", before=PLANTED)
    assert (done.returncode, done.stderr) == (1, "")
    first, *others = done.stdout.splitlines()
    assert first.endswith("\tdiffers")
    assert [line.rpartition("\t")[2] for line in others[:3]] == ["same bits"] * 3
    assert others[3:] == [
        "",
        "relu, value, float16: 1 results differ, such as",
        f"  on {TARGETS[-1]} at x = 1.5 (0x3e00):",
        "    -2.0 (0xc000) instead of 1.5 (0x3e00)",
    ]
    assert others[-1] in on_terminal("verify", "relu", "--dtype", "float16", before=PLANTED).lines


def test_what_differs_in_json():
    done = halfwave("verify", "relu", "--dtype", "float16", "--json", before=PLANTED)
    assert done.returncode == 1
    value, *others = json.loads(done.stdout)
    assert (value["verdict"], value["differing"]) == ("differs", 1)
    assert value["counter_examples"] == [
        {
            "x": {"value": 1.5, "bits": "0x3e00"},
            "parameters": {},
            "got": {"value": -2.0, "bits": "0xc000"},
            "expected": {"value": 1.5, "bits": "0x3e00"},
            "target": TARGETS[-1],
            "off": None,
        }
    ]
    assert [row["differing"] for row in others] == [0, 0, 0]


NEEDED = "bfloat16 is not verified without ml_dtypes: pip install ml_dtypes"


def test_without_ml_dtypes_bfloat16_is_not_verified_and_that_is_said(tmp_path):
    done = halfwave("verify", "relu", **without(tmp_path, "ml_dtypes"))
    assert (done.returncode, done.stderr) == (0, NEEDED + "\n")
    verdicts = {line.split("\t")[2]: line.split("\t")[-1] for line in done.stdout.splitlines()}
    assert verdicts["bfloat16"] == "not verified"
    assert verdicts["float16"] == verdicts["float32"] == "same bits"


def test_bfloat16_alone_without_ml_dtypes_is_a_mistake(tmp_path):
    blocked = without(tmp_path, "ml_dtypes")
    assert error_of("verify", "--dtype", "bfloat16", **blocked) == NEEDED


@pytest.mark.parametrize("moment", ["verify", "0:"])
def test_ctrl_c_ends_it_without_a_word(moment):
    screen = on_terminal("verify", "relu", "--full", "--dtype", "float32", interrupt_at=moment)
    assert screen.status == 130
    assert "Traceback" not in screen.text
    assert "same bits" not in screen.text


def test_the_variable_for_the_instruction_set_does_not_narrow_it():
    lines = output_of("verify", "relu", "--dtype", "float16", HALFWAVE_TARGET=TARGETS[-1])
    assert lines.splitlines()[0].split("\t")[4] == ",".join(TARGETS)


MISTAKES = {
    ("rely",): "no activation 'rely'; did you mean relu? `halfwave list` shows all",
    ("--ful",): "No such option: --ful (Possible options: --full); see `halfwave verify --help`",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(arguments):
    assert error_of("verify", *arguments) == MISTAKES[arguments]


def test_a_dtype_that_no_judge_knows_is_refused():
    message = error_of("verify", "--dtype", "longdouble")
    assert "'--dtype'" in message
    assert "'longdouble' is not one of 'float16', 'bfloat16', 'float32', 'float64'" in message
