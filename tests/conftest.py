"""What several test files share as fixtures."""

import pytest
from hypothesis import HealthCheck, settings
from samples import TARGETS

import halfwave as hw
from halfwave import _core

# A slow machine is no failure; and no fixture here is changed by an example.
settings.register_profile(
    "halfwave",
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("halfwave")


@pytest.fixture(params=hw.activations.values(), ids=hw.activations)
def activation(request):
    """Every activation."""
    return request.param


@pytest.fixture(params=TARGETS)
def target(request):
    """Every instruction set of this machine, in use during the test."""
    before = _core.target()
    _core.use_target(request.param)
    yield request.param
    _core.use_target(before)
