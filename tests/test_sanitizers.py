"""Under `make sanitize` the sanitizers are really on: they see a planted fault."""

import os
from pathlib import Path

import fresh
import pytest

from halfwave import _core

pytestmark = pytest.mark.skipif(
    not os.environ.get("HALFWAVE_SANITIZE"), reason="only make sanitize builds with the sanitizers"
)


def test_an_access_past_the_end_of_an_array_is_seen():
    code = "x = np.ones(1000); hw.relu(np.lib.stride_tricks.as_strided(x, (1100,)))"
    done = fresh.run("-c", f"import numpy as np, halfwave as hw; {code}")
    assert done.returncode != 0
    assert b"AddressSanitizer" in done.stderr
    assert b"_core" in done.stderr


def test_the_engine_reports_undefined_behaviour():
    assert b"__ubsan_handle_" in Path(_core.__file__).read_bytes()
