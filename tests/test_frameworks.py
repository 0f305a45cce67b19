"""What no adapter computes is recognised, and refused; and nothing is imported to recognise it."""

import re
import warnings

import fresh
import numpy as np
import pytest
from libraries import LIBRARIES

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


# Where an array of a library that is computed does not belong


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_array_is_copied_out_of_its_library(name):
    library = LIBRARIES[name]()
    foreign, number = library.array(X), library.array(np.array(0.5, "f4"))
    f, masked = hw.leaky_relu, np.ma.array(X)
    for what, call in [
        ("x", lambda: f([number, number])),
        ("x", lambda: f.derivative(((number, number), (number, number)))),
        ("x", lambda: f.vjp([number])),
        ("alpha", lambda: f(X, alpha=[number])),
        ("alpha", lambda: f(foreign, alpha=[number])),
        ("g", lambda: f.vjp(X)[1](foreign)),
        ("g", lambda: f.vjp(X)[1](number)),
        ("g", lambda: f.vjp(masked)[1](foreign)),
    ]:
        is_refused(call, what, "jax" if name == "jax" else f"{name}.")
    with pytest.raises(TypeError, match=r"take the vjp of an x of g's library, or pass numpy.asar"):
        f.vjp(X)[1](foreign)
    out_is_refused(foreign)
    with pytest.raises(ValueError, match="at_kink is "):
        hw.relu.derivative(X, at_kink=number)


def test_no_tracer_is_copied_out_of_jax():
    jax = pytest.importorskip("jax")
    _, pullback = hw.leaky_relu.vjp(X)
    for transform in (jax.jit, jax.grad, lambda call: jax.jit(jax.grad(call))):
        traced = transform(lambda g: pullback(g).sum())
        is_refused(lambda t=traced: t(jax.numpy.float32(1)), "g", "jax")
        traced = transform(lambda x: hw.relu([x, x]).sum())
        is_refused(lambda t=traced: t(jax.numpy.float32(1)), "x", "jax")


# Libraries that are not installed are recognised by where their classes live


def stand_in(module, **members):
    return type("Tensor", (), {"__module__": module, "__array__": lambda *a, **k: X, **members})()


@pytest.mark.parametrize("module", ["torch", "jax._src.array", "jaxlib._jax", "tensorflow.python"])
def test_an_array_of_a_library_that_differentiates_is_refused(module):
    foreign = stand_in(module)
    for what, call in refused_everywhere(foreign, foreign, module):
        is_refused(call, what, module.partition(".")[0])
    out_is_refused(foreign)


def test_an_array_that_lends_its_memory_and_has_no_namespace_is_refused():
    foreign = stand_in("anyone.arrays", __dlpack__=lambda self: None)
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


def test_an_adapter_is_imported_with_its_framework_alone():
    seen = """
print(*(name for name in sys.modules if name.startswith("halfwave.libraries.")))
"""
    assert fresh.output_of("import sys, numpy\n" + USE + seen) == "\n"
    pytest.importorskip("jax")
    with_jax = "import sys, numpy, jax.numpy as jnp\n" + USE
    assert fresh.output_of(with_jax + seen) == "\n"
    adapters = fresh.output_of(with_jax + "hw.relu(jnp.ones(3))" + seen).split()
    assert adapters == ["halfwave.libraries.array_api", "halfwave.libraries.jax_arrays"]


def test_the_watch_over_imports_sees_one():
    assert "pytest" in third_party_modules("import halfwave\nimport pytest")


def test_plotting_alone_imports_matplotlib():
    pytest.importorskip("matplotlib")
    drawn = third_party_modules("import halfwave as hw\nhw.relu.plot()")
    assert "matplotlib" in drawn
    assert {"pandas", "sklearn", "torch"}.isdisjoint(drawn)
