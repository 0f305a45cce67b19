"""The calls of other libraries that the facts name compute what halfwave does, and the slopes that
the facts tell of them are those that their gradients take at the kinks."""

import re

import numpy as np
import pytest
import scipy.special
from samples import known_sets

import halfwave as hw
from halfwave.facts import evaluate

ACTIVATIONS = list(hw.activations.values())
X = np.concatenate([np.linspace(-9.0, 9.0, 289), [-1e-3, 1e-3]])  # in steps of 1/16


def sets(f, call):
    """The defaults, and what is tried of the parameters, where the call takes all of them."""
    known = [dict(zip(f.parameters, values, strict=True)) for values in known_sets(f)]
    return known if f.parameters.keys() <= set(re.findall(r"\w+", call)) else known[:1]


def of_torch(call, x, parameters):
    torch = pytest.importorskip("torch")
    function = eval(f"lambda x: {call}", {"torch": torch, **parameters})
    x = torch.tensor(x, requires_grad=True)
    y = function(x)
    return y.detach().numpy(), torch.autograd.grad(y.sum(), x)[0].numpy()


def of_jax(call, x, parameters):
    jax = pytest.importorskip("jax")
    function = eval(f"lambda x: {call}", {"jax": jax, **parameters})
    y, pullback = jax.vjp(function, jax.numpy.asarray(x, "float32"))
    return np.asarray(y), np.asarray(pullback(jax.numpy.ones_like(y))[0])


def of_tensorflow(call, x, parameters):
    tf, keras = pytest.importorskip("tensorflow"), pytest.importorskip("keras")
    function = eval(f"lambda x: {call}", {"tf": tf, "keras": keras, **parameters})
    x = tf.Variable(np.float32(x))
    with tf.GradientTape() as tape:
        y = function(x)
    return y.numpy(), tape.gradient(y, x).numpy()


def of_numpy(call, x, parameters):
    return eval(call, {"np": np, "scipy": scipy, "x": x, **parameters}), None


CALLERS = {
    "PyTorch": of_torch,
    "JAX": of_jax,
    "TensorFlow": of_tensorflow,
    "Keras": of_tensorflow,
    "NumPy": of_numpy,
    "SciPy": of_numpy,
}


@pytest.mark.parametrize(
    ("f", "library", "call"),
    [(f, *named) for f in ACTIVATIONS for named in f._facts.elsewhere],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_call_computes_what_halfwave_does(f, library, call):
    for parameters in sets(f, call):
        computed, _ = CALLERS[library](call, X, parameters)
        np.testing.assert_allclose(computed, f(X, **parameters), rtol=1e-4, atol=1e-5)


def call_of_slopes(f, name):
    """The call whose slopes the facts tell under a library's name: of TensorFlow also Keras's."""
    calls = dict(f._facts.elsewhere)
    return calls.get(name) or (calls.get("Keras") if name == "TensorFlow" else None)


@pytest.mark.parametrize("library", ["PyTorch", "JAX", "TensorFlow"])
@pytest.mark.parametrize("f", [f for f in ACTIVATIONS if f.kinks], ids=lambda f: f.name)
def test_the_slopes_at_the_kinks_are_those_that_a_library_takes(f, library):
    call = call_of_slopes(f, library)
    told = [dict(kink.elsewhere).get(library) for kink in f.kinks]
    if call is None:
        assert told == [None] * len(told)
        return
    for parameters in sets(f, call):
        at = [evaluate(kink.at, parameters) for kink in f.kinks]
        _, slopes = CALLERS[library](call, np.array(at), parameters)
        expected = [evaluate(slope, parameters) for slope in told]
        np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=0)
