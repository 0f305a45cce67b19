"""Every activation and its derivative, for tests that hold for each of them."""

import pytest

import halfwave as hw

ACTIVATIONS = list(hw.activations.values())


def kind_of(f):
    """All that the engine knows of an activation."""
    return len(f.parameters), f.keeps_integers, f.keeps_bits


# The engine knows no activation by name: what it does to one it does to all of its kind. So the tests
# of layouts, dtypes and calls run on one of each, and those of what is computed on all.
REPRESENTATIVES = list(
    {kind_of(f): f for f in [*reversed(ACTIVATIONS), hw.relu, hw.leaky_relu]}.values()
)
OPERATIONS = [op for f in REPRESENTATIVES for op in (f, f.derivative)]
EXACT_OPERATIONS = [op for f in ACTIVATIONS if f._facts.is_exact for op in (f, f.derivative)]

each_activation = pytest.mark.parametrize("f", ACTIVATIONS, ids=lambda f: f.name)
each_kind = pytest.mark.parametrize("f", REPRESENTATIVES, ids=lambda f: f.name)
each_exact_kind = pytest.mark.parametrize(
    "f", [f for f in REPRESENTATIVES if f._facts.is_exact], ids=lambda f: f.name
)
each_operation = pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.__qualname__)


def parameters_of(op):
    """The parameters of an activation or of a derivative, by name."""
    return hw.activations[op.__qualname__.partition(".")[0]].parameters


def defaults_of(op):
    """The parameters' defaults, in the order of the call."""
    return [known.default for known in parameters_of(op).values()]


def named(op, values):
    """The parameters given by name."""
    return dict(zip(parameters_of(op), values, strict=True))


def dx_of(pulled):
    """What a pullback gives for x; of an activation whose parameters are learned, the first."""
    return pulled[0] if isinstance(pulled, tuple) else pulled
