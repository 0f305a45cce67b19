"""A kernel that is wrong at one input on one instruction set: `halfwave verify` finds it."""

import json
import re

import pytest
from test_add_an_activation import build, copy_of_the_tree, installed, pytestmark  # noqa: F401

from halfwave import _core

# 1.5 and one unit in the last place: no half. The last instruction set is what every processor has.
WRONG = """
#if HWY_TARGET == HWY_STATIC_TARGET
    x = IfThenElse(Eq(x, Set(d, 1.5000001f)), Set(d, -2), x);
#endif
    return """

VERIFY = """\
import sys
from halfwave.cli import run
sys.exit(run(["verify", "--dtype", "float32", "--json"]) != 1)
"""


def plant(tree):
    """Make the value of the one pair wrong."""
    header = tree / "src/halfwave/functions/relu.h"
    code, count = re.subn("return ", WRONG, header.read_text(encoding="utf-8"), count=1)
    assert count == 1
    header.write_text(code, encoding="utf-8")


def test_a_wrong_kernel_is_found_with_its_input_and_its_instruction_set(tmp_path):
    pytest.importorskip("typer")
    tree = copy_of_the_tree(tmp_path / "tree", {}, kept=["relu"])
    plant(tree)
    done = build(tree, str(tmp_path / "site"), tmp_path / "build", "CMAKE_CXX_FLAGS_RELEASE=-O0")
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-4000:]
    rows = json.loads(installed(tmp_path / "site")("-c", VERIFY))
    differing = {row["what"]: row["differing"] for row in rows}
    assert differing == {"value": 1, "derivative": 0, "value of vjp": 1, "pullback": 0}
    for row in rows[0], rows[2]:
        assert row["counter_examples"] == [
            {
                "x": {"value": 1.5000001192092896, "bits": "0x3fc00001"},
                "parameters": {},
                "got": {"value": 0.0, "bits": "0x00000000"},
                "expected": {"value": 1.5000001192092896, "bits": "0x3fc00001"},
                "target": _core.targets()[-1],
                "off": None,
            }
        ]
