"""The active side that an activation states is where its slope is that of this side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import halfwave as hw
from halfwave.health import Rectifier

numbers = hnp.arrays(np.float64, 20, elements=st.floats(allow_nan=False, allow_infinity=False))
with_side = [f for f in hw.activations.values() if f._facts.active is not None]


@pytest.mark.parametrize("f", with_side, ids=lambda f: f.name)
@given(x=numbers)
def test_a_unit_fires_where_the_slope_is_not_that_of_the_other_side(f, x):
    if not f._facts.is_exact:  # a value that is rounded to 0 or to infinity shows no slope
        x = x[(x == 0) | ((abs(x) > 1e-150) & (abs(x) < 1e150))]
    side, rectifier = f._facts.active, Rectifier.of(f, {})
    defaults = {p.name: p.default for p in f.parameters.values()}
    other = defaults.get(side.slope, side.slope)
    assert rectifier.silences == (other == 0)
    fires = (f(x) > rectifier.floor) & (f(x) < rectifier.ceiling)
    assert fires.tolist() == (f.derivative(x) != other).tolist()


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.01, Rectifier("leaky_relu", silences=False)),
        (0.0, Rectifier("leaky_relu", silences=True)),
        (-0.1, Rectifier("leaky_relu", None, silences=False)),
    ],
)
def test_a_parameter_decides_what_the_other_side_passes(alpha, expected):
    assert Rectifier.of(hw.leaky_relu, {"alpha": alpha}) == expected
