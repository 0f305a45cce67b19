"""The measurement of accuracy sees an error of one place, and none where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import halfwave as hw

TOOLS = Path(__file__).parent.parent / "tools" / "measure"

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="the source tree is not here")


@pytest.fixture
def accuracy(monkeypatch):
    """The script as a module."""
    for library in ("jax", "torch"):
        pytest.importorskip(library)
    monkeypatch.syspath_prepend(str(TOOLS))
    import accuracy

    return accuracy


def test_a_planted_error_is_seen(accuracy, monkeypatch):
    def planted(x):
        value = hw.relu(x)
        value[x == 1.0] = np.nextafter(np.float32(1.0), np.float32(2.0))
        slope = hw.relu.derivative(x)
        slope[x == 2.0] = np.nan
        return value, slope

    monkeypatch.setattr(accuracy, "contenders", lambda f: [("planted", planted)])
    found = accuracy.worst(hw.relu, accuracy.sample(), 1)["planted"]
    assert found == {"value": {"error": 1.0, "at": 1.0}, "derivative": {"error": None, "at": 2.0}}


def test_what_is_exact_has_no_error(accuracy):
    found = accuracy.worst(hw.relu, accuracy.sample(), accuracy.STEP)
    assert set(found) == {"halfwave", "PyTorch", "JAX"}
    for quantities in found.values():
        assert [of["error"] for of in quantities.values()] == [0.0, 0.0]


def test_the_file_is_whole_or_not_there(accuracy, monkeypatch, tmp_path):
    monkeypatch.setattr(accuracy, "TARGET", tmp_path / "measured" / "accuracy.json")
    accuracy._write(json.dumps({}))
    assert [path.name for path in accuracy.TARGET.parent.iterdir()] == ["accuracy.json"]
