"""HALFWAVE_TARGET chooses the instruction set; what is exact has the same bits on every one."""

from pathlib import Path

import fresh
import pytest

from halfwave import _core

PROGRAM = f"""\
import hashlib, sys
import numpy as np
import halfwave as hw
sys.path.insert(0, {str(Path(__file__).parent)!r})
from operations import EXACT_OPERATIONS
from samples import numbers
print(hw._core.target())
for op in EXACT_OPERATIONS:
    for code in ("f2", "f4", "f8", "i2"):
        value = op(numbers(np.dtype(code), 5003))
        value[np.isnan(value)] = 0 if value.dtype.kind in "iu" else np.nan
        print(hashlib.sha256(value.tobytes()).hexdigest())
"""


def target_and_bits(**environment):
    """The instruction set that a fresh process uses, and digests of what it computes."""
    target, *digests = fresh.output_of(PROGRAM, **environment).split()
    return target, digests


@pytest.fixture(scope="module")
def bits():
    """The digests that every instruction set should give."""
    digests = target_and_bits(HALFWAVE_TARGET="")[1]
    assert len(set(digests)) > 8  # some are alike: relu6 is clipped_relu by default
    return digests


@pytest.mark.parametrize("target", _core.targets())
def test_the_variable_chooses_the_instruction_set_and_no_bit_depends_on_it(target, bits):
    assert target_and_bits(HALFWAVE_TARGET=target) == (target, bits)


def test_an_empty_variable_chooses_the_best_instruction_set(bits):
    assert target_and_bits(HALFWAVE_TARGET="") == (_core.targets()[0], bits)


@pytest.mark.parametrize("wrong", ["ABACUS", "avx2", "AVX2 ", "0"])
def test_an_instruction_set_that_is_not_there_is_refused(wrong):
    assert fresh.error_of("import halfwave", HALFWAVE_TARGET=wrong) == (
        f"ImportError: HALFWAVE_TARGET is {wrong}, which this machine does not have: "
        f"set it to one of {', '.join(_core.targets())}, or unset it"
    )


def test_a_target_that_is_not_there_is_refused_and_changes_nothing():
    before = _core.target()
    with pytest.raises(ValueError, match=r"no instruction set 'ABACUS' here; this machine has \w+"):
        _core.use_target("ABACUS")
    assert _core.target() == before
