"""The callable object: what hw.relu is, beside what it computes."""

import copy
import gc
import inspect
import pickle
import pydoc
import weakref
from html.parser import HTMLParser

import fresh
import numpy as np
import pytest
from bits import assert_same_bits
from operations import ACTIVATIONS, OPERATIONS, dx_of, each_activation, each_operation

import halfwave as hw
from halfwave.facts import evaluate

EVERY_PICKLABLE = [each for f in ACTIVATIONS for op in (f, f.derivative) for each in (op, op.ufunc)]
EVERY_PICKLABLE += [f.vjp for f in ACTIVATIONS]

each_picklable = pytest.mark.parametrize("thing", EVERY_PICKLABLE, ids=repr)


# What it is called and what it says of itself


def test_the_registry_maps_every_public_name_to_its_activation():
    assert list(hw.activations) == sorted(hw.activations)
    assert {"relu", "leaky_relu"} <= set(hw.activations)
    for name, f in hw.activations.items():
        assert isinstance(f, hw.Activation)
        assert getattr(hw, name) is f
        assert f.name == name
        assert name in hw.__all__


def test_the_registry_and_the_facts_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        hw.activations["swish"] = hw.relu  # type: ignore[index]
    with pytest.raises(TypeError):
        hw.leaky_relu.parameters["beta"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        hw.leaky_relu.kinks[0].slope = 1.0  # type: ignore[misc]


def test_every_public_name_is_there():
    for name in hw.__all__:
        assert hasattr(hw, name)


@each_activation
def test_an_activation_carries_the_names_of_a_function(f):
    assert f.__name__ == f.__qualname__ == f.name
    assert f.__module__ == "halfwave"
    assert f.derivative.__name__ == "derivative"
    assert f.derivative.__qualname__ == f"{f.name}.derivative"
    assert f.derivative.__module__ == "halfwave"


@each_operation
def test_the_ufunc_is_a_true_ufunc_that_takes_x_and_the_parameters(op):
    parameters = inspect.signature(op).parameters.values()
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert isinstance(op.ufunc, np.ufunc)
    assert op.ufunc.nin == len(positional)
    assert op.ufunc.nout == 1
    assert op.ufunc.__name__ == op.__qualname__.replace(".", "_")


@each_activation
def test_the_signature_is_that_of_the_call(f):
    parameters = inspect.signature(f).parameters
    options = {"out": None, "where": True, "casting": "same_kind", "order": "K"}
    assert list(parameters) == ["x", *f.parameters, *options]
    assert parameters["x"].kind is inspect.Parameter.POSITIONAL_ONLY
    for name, known in f.parameters.items():
        assert parameters[name].default == known.default
        assert parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name, default in options.items():
        assert parameters[name].default == default
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


@each_activation
def test_the_derivative_has_the_same_signature_and_at_kink(f):
    own = dict(inspect.signature(f.derivative).parameters)
    at_kink = own.pop("at_kink")
    assert at_kink.default is None
    assert at_kink.kind is inspect.Parameter.KEYWORD_ONLY
    assert own == dict(inspect.signature(f).parameters)


@each_activation
def test_the_vjp_has_the_activation_s_parameters(f):
    parameters = dict(inspect.signature(f).parameters)
    for option in ("out", "where", "casting", "order"):
        del parameters[option]
    assert dict(inspect.signature(f.vjp).parameters) == parameters
    assert f.name in repr(f.vjp)
    assert f.name in repr(f.vjp(1.0)[1])


@each_activation
def test_a_call_bound_by_the_signature_is_a_call(f):
    x = np.array([-2.0, 3.0])
    bound = inspect.signature(f).bind(x)
    bound.apply_defaults()
    assert_same_bits(f(*bound.args, **bound.kwargs), f(x))


@each_activation
def test_the_docstring_says_everything_that_a_user_needs(f):
    doc = inspect.getdoc(f)
    for section in ("Parameters", "Returns", "Raises", "Notes", "References", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc
    for fact in (f.summary, f.formula_text, f.derivative_text, f.source):
        assert " ".join(fact.split()) in " ".join(doc.split())
    for name, known in f.parameters.items():
        assert f"\n{name} : float or array_like, default {known.default}" in doc
    assert max(map(len, doc.splitlines())) <= 100


@each_operation
def test_help_shows_the_docstring_of_this_very_function(op):
    shown = pydoc.render_doc(op, renderer=pydoc.plaintext)
    for line in inspect.getdoc(op).splitlines():
        assert line in shown


@each_activation
def test_the_repr_names_the_call_and_the_formula(f):
    assert repr(f).startswith(f"<halfwave.{f.name}(x")
    assert f.formula_text in repr(f)
    for name, known in f.parameters.items():
        assert f"{name}={known.default}" in repr(f)
    assert f.name in repr(f.derivative)
    assert f.derivative_text in repr(f.derivative)


class Outline(HTMLParser):
    """The text of a page, and the elements that were opened and not closed."""

    def __init__(self, page):
        super().__init__()
        self.text, self.open = "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@each_activation
def test_a_notebook_shows_the_facts(f):
    page = Outline(f._repr_html_())
    assert page.open == []
    for fact in (f.title, f.summary, f"${f.formula}$", f"${f.derivative_formula}$"):
        assert fact in page.text
    for known in f.parameters.values():
        assert known.name in page.text and known.symbol in page.text
        assert known.meaning in page.text


def test_the_outline_sees_an_element_left_open():
    assert Outline("<p>ReLU").open == ["p"]
    with pytest.raises(AssertionError):
        Outline("<p><b>ReLU</p>")


@each_activation
def test_the_facts_are_there_and_agree_with_each_other(f):
    for name in ("title", "summary", "words", "source", "formula", "formula_text"):
        assert getattr(f, name).strip()
    for name in ("derivative_formula", "derivative_text"):
        assert getattr(f, name).strip()
    for name, known in f.parameters.items():
        assert known.name == name
        assert name not in known.aliases
        assert known.symbol in f.formula_text + f.derivative_text


@each_activation
def test_the_declared_slope_of_a_kink_is_what_the_derivative_gives_there(f):
    defaults = {name: known.default for name, known in f.parameters.items()}
    others = [defaults | {name: v} for name, known in f.parameters.items() for v in known.tried]
    for kink in f.kinks:
        # The sides of an ELU differ where alpha is not 1.
        assert any(evaluate(kink.left, p) != evaluate(kink.right, p) for p in [defaults, *others])
        at, left, right, slope = (
            evaluate(v, defaults) for v in (kink.at, kink.left, kink.right, kink.slope)
        )
        assert f.derivative(float(at)) == slope
        assert f.derivative(float(at), at_kink="left") == left
        assert f.derivative(float(at), at_kink="right") == right
        assert f.derivative(float(at), at_kink=0.25) == 0.25


@each_activation
def test_plot_draws_on_the_axes_it_is_given(f):
    figure = pytest.importorskip("matplotlib.figure")
    ax = figure.Figure().subplots()
    assert f.plot(ax=ax, **{name: 0.5 for name in f.parameters}) is ax
    assert len(ax.get_lines()) > 1
    assert ax.get_title() == f.title


# Hashing, references and copies


@each_operation
def test_it_is_a_key_and_can_be_referred_to_weakly(op):
    assert {op: 1}[op] == 1
    assert weakref.ref(op)() is op
    assert len({*OPERATIONS, *OPERATIONS}) == len(OPERATIONS)


@each_picklable
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_gives_the_very_same_object(thing, protocol):
    assert pickle.loads(pickle.dumps(thing, protocol)) is thing


@each_picklable
def test_copying_gives_the_very_same_object(thing):
    assert copy.copy(thing) is thing
    assert copy.deepcopy({"key": [thing]})["key"][0] is thing


@each_picklable
def test_cloudpickle_gives_the_very_same_object(thing):
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(cloudpickle.dumps(thing)) is thing


@each_activation
def test_a_pullback_pickles_with_what_it_keeps(f):
    x, g = np.array([-2.0, 0.0, np.nan, 3.0]), np.array([5.0, 6.0, 7.0, 8.0])
    _, pullback = f.vjp(x)
    restored = pickle.loads(pickle.dumps(pullback))
    assert_same_bits(dx_of(restored(g)), dx_of(pullback(g)))
    assert restored.nbytes == pullback.nbytes


FRESH = """\
import pickle, sys
things = [pickle.loads(data) for data in pickle.load(sys.stdin.buffer)]
import halfwave as hw
operations = [op for f in hw.activations.values() for op in (f, f.derivative)]
expected = [each for op in operations for each in (op, op.ufunc)]
expected += [f.vjp for f in hw.activations.values()]
assert all(a is b for a, b in zip(things, expected * 6, strict=True)), things
"""


def test_a_fresh_process_unpickles_them_before_it_has_imported_halfwave():
    assert pickle.HIGHEST_PROTOCOL == 5
    pickled = [pickle.dumps(thing, p) for p in range(6) for thing in EVERY_PICKLABLE]
    fresh.output_of(FRESH, data=pickle.dumps(pickled))


def test_an_activation_that_nobody_holds_is_collected():
    mine = hw.Activation(hw.relu._facts)
    gone = weakref.ref(mine), weakref.ref(mine.derivative)
    assert mine(-2.0) == 0.0
    del mine
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
