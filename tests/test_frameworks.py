"""torch and JAX are recognised, never imported, and refused: their gradients are never cut off."""

import re
import warnings

import fresh
import numpy as np
import pytest

import halfwave as hw

X = np.array([1.5, -2.5, 0.0], "f4")


def is_refused(call, what, library):
    """`call` raises a TypeError that says what belongs to which library, and what to do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError) as caught:
            call()
    message = str(caught.value)
    assert re.match(f"(an item of )*{what} is a {re.escape(library)}", message), message
    assert "pass" in message and "NumPy array" in message


def refused_everywhere(foreign, number, library):
    """Calls with an array of another library wherever one can stand, and a number of it."""
    f = hw.leaky_relu
    masked = np.ma.array(X)
    return [
        ("x", lambda: hw.relu(foreign)),
        ("x", lambda: f(foreign)),
        ("x", lambda: f(foreign, alpha=0.5)),
        ("x", lambda: f(foreign, out=np.empty(3, "f4"))),
        ("x", lambda: f(number)),
        ("x", lambda: f([number, number])),
        ("x", lambda: f(((number, number), (number, number)))),
        ("x", lambda: f.derivative(foreign)),
        ("x", lambda: f.derivative(foreign, at_kink="left")),
        ("x", lambda: f.derivative([number])),
        ("x", lambda: f.vjp(foreign)),
        ("x", lambda: f.vjp([number])),
        ("alpha", lambda: f(X, foreign)),
        ("alpha", lambda: f(X, alpha=number)),
        ("alpha", lambda: f(1.0, foreign)),
        ("alpha", lambda: f([1.0], [number])),
        ("alpha", lambda: f(masked, alpha=foreign)),
        ("alpha", lambda: f.derivative(X, foreign)),
        ("alpha", lambda: f.derivative(X, foreign, at_kink="left")),
        ("alpha", lambda: f.vjp(X, foreign)),
        ("alpha", lambda: f.vjp(X, alpha=[number])),
        ("g", lambda: f.vjp(X)[1](foreign)),
        ("g", lambda: f.vjp(X)[1](number)),
        ("g", lambda: f.vjp(X)[1]([number, number, number])),
        ("g", lambda: f.vjp(masked)[1](foreign)),
    ]


def out_is_refused(foreign):
    for out in (foreign, (foreign,)):
        with pytest.raises(TypeError, match="out is a .*; pass a NumPy array"):
            hw.relu(X, out=out)


def test_torch_tensors_are_refused():
    torch = pytest.importorskip("torch")
    for kind in ("Tensor", "Parameter"):
        for learns in (False, True):
            tensor = torch.tensor(X, requires_grad=learns)
            if kind == "Parameter":
                tensor = torch.nn.Parameter(tensor, requires_grad=learns)
            number = torch.tensor(0.5, requires_grad=learns)
            for what, call in refused_everywhere(tensor, number, "torch"):
                is_refused(call, what, "torch.")
            out_is_refused(tensor)
            with pytest.raises(ValueError, match="at_kink is tensor"):
                hw.relu.derivative(X, at_kink=number)


def test_torch_gradients_are_not_cut_off():
    torch = pytest.importorskip("torch")

    class Rectifier(torch.autograd.Function):
        """The way round that the error's advice leaves open: out of torch, and back, by hand."""

        @staticmethod
        def forward(ctx, x):
            value, ctx.pullback = hw.leaky_relu.vjp(x.detach().numpy(), alpha=0.5)
            return torch.from_numpy(value)

        @staticmethod
        def backward(ctx, g):
            return torch.from_numpy(ctx.pullback(g.numpy()))

    x = torch.tensor(X, requires_grad=True)
    Rectifier.apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.5, 0.5]


def test_jax_arrays_are_refused():
    jnp = pytest.importorskip("jax.numpy")
    for what, call in refused_everywhere(jnp.asarray(X), jnp.asarray(0.5), "jax"):
        is_refused(call, what, "jax")
    out_is_refused(jnp.asarray(X))
    with pytest.raises(ValueError, match="at_kink is Array"):
        hw.relu.derivative(X, at_kink=jnp.asarray(0.5))


def test_jax_tracers_are_refused():
    jax = pytest.importorskip("jax")
    f, x = hw.leaky_relu, jax.numpy.asarray(X)
    transformations = [
        lambda call: jax.jit(call)(x),
        lambda call: jax.vmap(call)(x),
        lambda call: jax.grad(lambda a: call(a).sum())(x),
        lambda call: jax.jit(jax.grad(lambda a: call(a).sum()))(x),
    ]
    calls = [
        ("x", f),
        ("x", f.derivative),
        ("x", lambda a: f.vjp(a)[0]),
        ("x", lambda a: f([a])),
        ("alpha", lambda a: f(X, a)),
        ("alpha", lambda a: f.derivative(1.0, alpha=a)),
        ("alpha", lambda a: f.vjp(X, a)[0]),
        ("g", lambda a: f.vjp(X)[1](a)),
    ]
    for transform in transformations:
        for what, call in calls:
            is_refused(lambda t=transform, c=call: t(c), what, "jax")


# Libraries that are not installed can still be recognised: by where their classes live.


def stand_in(module, **members):
    return type("Tensor", (), {"__module__": module, "__array__": lambda *a, **k: X, **members})()


@pytest.mark.parametrize("module", ["torch", "jax._src.array", "jaxlib._jax", "tensorflow.python"])
def test_an_array_of_a_library_that_differentiates_is_refused(module):
    foreign = stand_in(module)
    for what, call in refused_everywhere(foreign, foreign, module):
        is_refused(call, what, module.partition(".")[0])
    out_is_refused(foreign)


@pytest.mark.parametrize("protocol", ["__dlpack__", "__array_namespace__"])
def test_an_array_that_speaks_an_array_protocol_is_refused(protocol):
    foreign = stand_in("anyone.arrays", **{protocol: lambda self: None})
    for what, call in refused_everywhere(foreign, foreign, "anyone"):
        is_refused(call, what, "anyone.Tensor")


def test_an_object_that_only_converts_is_converted():
    assert hw.relu(stand_in("pictures")).tolist() == [1.5, 0.0, 0.0]


# Nothing is imported that the user has not imported


WATCH = """\
import sys
import numpy
before = set(sys.modules)
{statements}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(new - set(sys.stdlib_module_names) - {{"halfwave", "numpy"}}))
"""

USE = """\
import halfwave as hw
hw.relu([1.0, -1.0]), hw.leaky_relu(2, 0.5), repr(hw.relu), hw.relu._repr_html_(), dir(hw.relu)
value, pullback = hw.leaky_relu.vjp(numpy.ones(3))
pullback(1.0), hw.leaky_relu.derivative(numpy.zeros(3), at_kink="right")
import inspect; inspect.signature(hw.leaky_relu)
try: hw.relu("text")
except TypeError: pass
"""


def third_party_modules(statements):
    """The third-party modules that `statements` import, in a fresh process."""
    return fresh.output_of(WATCH.format(statements=statements)).split()


def test_import_halfwave_imports_numpy_and_nothing_else_third_party():
    assert third_party_modules("import halfwave") == []


def test_using_halfwave_imports_nothing_else_third_party():
    assert third_party_modules(USE) == []


def test_the_watch_over_imports_sees_one():
    assert "pytest" in third_party_modules("import halfwave\nimport pytest")


def test_plotting_alone_imports_matplotlib():
    pytest.importorskip("matplotlib")
    drawn = third_party_modules("import halfwave as hw\nhw.relu.plot()")
    assert "matplotlib" in drawn
    assert {"pandas", "sklearn", "torch"}.isdisjoint(drawn)
