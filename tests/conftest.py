"""What several test files share as fixtures."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from operations import ACTIVATIONS, REPRESENTATIVES
from samples import TARGETS

from halfwave import _core

# A slow machine is no failure; and no fixture here is changed by an example.
settings.register_profile(
    "halfwave",
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("halfwave")


GROUPS = {
    "activation": ACTIVATIONS,
    "piecewise": [f for f in ACTIVATIONS if f._facts.is_exact],  # held to bits
    "inexact": [f for f in ACTIVATIONS if not f._facts.is_exact],  # held to an error
    "smooth": [f for f in ACTIVATIONS if f._facts.is_smooth],  # whose pullback needs x
}


def pytest_generate_tests(metafunc):
    """A test that takes an activation runs on every one; marked `each_kind`, on one of each kind."""
    for name in GROUPS.keys() & set(metafunc.fixturenames):
        few = metafunc.definition.get_closest_marker("each_kind")
        chosen = [f for f in GROUPS[name] if not few or f in REPRESENTATIVES]
        metafunc.parametrize(name, chosen, ids=lambda f: f.name)


def pytest_collection_modifyitems(items):
    """Leave out what the contract refuses: smooth activations of long double."""
    items[:] = [item for item in items if not _is_refused(getattr(item, "callspec", None))]


def _is_refused(callspec):
    dtype = callspec and callspec.params.get("dtype")
    if not isinstance(dtype, np.dtype) or dtype.newbyteorder("=") != np.longdouble:
        return False
    given = (callspec.params.get(name) for name in ("activation", "inexact", "smooth", "f", "op"))
    return any(f is not None and f._facts.is_smooth for f in given)


@pytest.fixture(params=TARGETS)
def target(request):
    """Every instruction set of this machine, in use during the test."""
    before = _core.target()
    _core.use_target(request.param)
    yield request.param
    _core.use_target(before)
