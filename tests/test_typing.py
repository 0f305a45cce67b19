"""What a type checker and an editor know: the stub that the build makes from the pairs."""

import ast
import inspect
import re
import shutil
import sys
import venv
from pathlib import Path

import fresh
import pytest
from operations import ACTIVATIONS, each_activation

import halfwave as hw
from halfwave import _core, stubs

SOURCES = Path(hw.__file__).parent
BUILT = Path(_core.__file__).parent
STUB = BUILT / "__init__.pyi"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder to import halfwave from. An editable install is first put together in one place."""
    if SOURCES == BUILT:
        return BUILT.parent
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(SOURCES, folder / "halfwave", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(STUB, folder / "halfwave")
    return folder


# The stub itself


def test_the_installed_stub_is_the_one_that_the_pairs_make():
    assert STUB.read_text(encoding="utf-8") == stubs.stub()


def test_the_package_says_that_it_is_typed():
    assert (SOURCES / "py.typed").is_file()


def class_of(f):
    """The class that the stub gives an activation, as a syntax tree."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == f.name:
            return classes[ast.unparse(node.annotation.slice)]
    raise AssertionError(f"the stub does not name {f.name}")


def calls_of(cls):
    return [node for node in cls.body if getattr(node, "name", "") == "__call__"]


@each_activation
def test_the_stub_has_the_signature_of_every_activation(f):
    *_, general = calls_of(class_of(f))
    arguments = general.args
    assert [a.arg for a in arguments.posonlyargs] == ["self", "x"]
    assert [a.arg for a in arguments.args] == list(f.parameters)
    assert [ast.literal_eval(d) for d in arguments.defaults] == [
        known.default for known in f.parameters.values()
    ]
    keywords = inspect.signature(f).parameters.values()
    assert [a.arg for a in arguments.kwonlyargs] == [
        p.name for p in keywords if p.kind is p.KEYWORD_ONLY
    ]


@each_activation
def test_the_stub_has_the_docstring_of_every_activation(f):
    cls = class_of(f)
    for described in (cls, calls_of(cls)[-1]):
        assert ast.get_docstring(described).strip() == inspect.getdoc(f)


def test_the_stub_names_what_the_package_names():
    text = STUB.read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert {f.name for f in ACTIVATIONS} <= names
    (listed,) = re.findall(r"^__all__ = (\[.*?\])", text, re.DOTALL | re.MULTILINE)
    assert sorted(ast.literal_eval(listed)) == sorted(hw.__all__)


# mypy


RIGHT = """\
from typing import Any, assert_type

import halfwave as hw
import numpy as np
from numpy.typing import NDArray

single: NDArray[np.float32] = np.ones(3, np.float32)
double: NDArray[np.float64] = np.ones(3)
integers: NDArray[np.int64] = np.ones(3, np.int64)

assert_type(hw.relu(1.5), float)
assert_type(hw.relu(2), float)
assert_type(hw.relu(single), NDArray[np.float32])
assert_type(hw.relu(double, out=double, where=double > 0), NDArray[np.float64])
assert_type(hw.relu(integers), Any)
assert_type(hw.relu([1.0, -1.0]), Any)

assert_type(hw.leaky_relu(1.5, 0.2), float)
assert_type(hw.leaky_relu(single, alpha=0.2), NDArray[np.float32])
assert_type(hw.leaky_relu(single, alpha=[0.1, 0.2, 0.3]), NDArray[np.float32])
assert_type(hw.leaky_relu(single, double, out=None, order="C"), NDArray[np.float32])
assert_type(hw.leaky_relu([1.0], alpha=0.2), Any)

assert_type(hw.leaky_relu.derivative(1.5), float)
assert_type(hw.leaky_relu.derivative(1.5, 0.2, at_kink="left"), float)
assert_type(hw.leaky_relu.derivative(single, alpha=0.2, at_kink=0.5), NDArray[np.float32])

value, pullback = hw.leaky_relu.vjp(single, alpha=0.2)
assert_type(pullback, hw.Pullback)
assert_type(pullback.nbytes, int)
gradient = pullback(single)

assert_type(hw.leaky_relu.formula, str)
assert_type(hw.leaky_relu.parameters["alpha"].default, float)
assert_type(hw.leaky_relu.kinks[0], hw.Kink)
assert_type(hw.leaky_relu.ufunc, np.ufunc)
assert_type(hw.leaky_relu.derivative.ufunc, np.ufunc)
assert_type(hw.activations["relu"], hw.Activation)
assert_type(hw.__version__, str)
axes = hw.leaky_relu.plot(alpha=0.2)


def rectify(f: hw.Activation, x: NDArray[np.float32]) -> NDArray[np.float32]:
    y: NDArray[np.float32] = f(x)
    return y


rectify(hw.relu, single)
rectify(hw.leaky_relu, single)
"""

WRONG = """\
import halfwave as hw
import numpy as np
from typing import assert_type

x = np.ones(3, np.float32)
hw.leaky_relu(x, negative_slope=1)  # E: call-overload
hw.leaky_relu(x, alhpa=1)  # E: call-overload
hw.leaky_relu(x=x)  # E: call-overload
hw.leaky_relu()  # E: call-overload
hw.relu(x, 1)  # E: call-overload
hw.relu(x, alpha=1)  # E: call-overload
hw.relu(1.0, at_kink="left")  # E: call-overload
hw.leaky_relu.derivative(x, at_kink=[1])  # E: call-overload
hw.leaky_relu.vjp(x, slope=1)  # E: call-arg
hw.leaky_relu.plot(slope=1)  # E: call-arg
hw.sine(x)  # E: attr-defined
hw.relu.gradient(x)  # E: attr-defined
hw.relu = hw.relu  # E: misc
hw.activations["relu"] = hw.relu  # E: index
assert_type(hw.relu(x), float)  # E: assert-type
length: str = hw.relu(1.0)  # E: assignment
"""


def errors_of_mypy(text, folder, work):
    """The line and the code of every error that `mypy --strict` finds in a user's file."""
    (work / "user.py").write_text(text)
    options = ["--strict", "--config-file=", f"--cache-dir={work}", "--no-error-summary"]
    path = {} if folder == BUILT.parent else {"MYPYPATH": str(folder)}
    done = fresh.run("-m", "mypy", *options, str(work / "user.py"), **path)
    said = done.stdout.decode()
    assert done.returncode in (0, 1), said + done.stderr.decode()
    errors = re.findall(r"^(.*):(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    elsewhere = [error for error in errors if Path(error[0]).name != "user.py"]
    assert elsewhere == []
    return sorted({(int(line), code) for _, line, code in errors})


def test_right_code_passes_the_strict_type_checker(folder, tmp_path):
    assert errors_of_mypy(RIGHT, folder, tmp_path) == []


def test_wrong_code_does_not_and_every_mistake_is_seen(folder, tmp_path):
    lines = enumerate(WRONG.splitlines(), 1)
    expected = [(n, line.partition("# E: ")[2]) for n, line in lines if "# E: " in line]
    assert errors_of_mypy(WRONG, folder, tmp_path) == expected


# An editor


@pytest.fixture(scope="module")
def editor(folder, tmp_path_factory):
    """Opens a user's file whose last line is given; the place is the end of that line."""
    jedi = pytest.importorskip("jedi")
    # A bare environment has no import hook of an editable install, which jedi would follow.
    bare = tmp_path_factory.mktemp("bare")
    venv.create(bare, symlinks=True)
    environment = jedi.create_environment(bare, safe=False)
    project = jedi.Project(bare, sys_path=[str(folder), *sys.path])

    def opened(line):
        code = f"import halfwave as hw\nimport numpy as np\nx = np.ones(3)\n{line}"
        return jedi.Script(code, project=project, environment=environment), (4, len(line))

    return opened


@pytest.mark.parametrize(
    "line, completion",
    [
        ("hw.leaky_relu(x, al", "alpha="),
        ("hw.leaky_relu.plot(al", "alpha="),
        ("hw.leak", "leaky_relu"),
        ("hw.relu.deri", "derivative"),
        ("hw.relu.form", "formula"),
        ("hw.leaky_relu.vjp(x)[1].nb", "nbytes"),
    ],
)
def test_an_editor_completes(editor, line, completion):
    code, place = editor(line)
    assert completion in [found.name_with_symbols for found in code.complete(*place)]


@each_activation
def test_an_editor_shows_the_parameters_of_a_call_as_it_is_typed(editor, f):
    code, place = editor(f"hw.{f.name}(")
    shown = [[p.name for p in signature.params] for signature in code.get_signatures(*place)]
    assert ["x", *f.parameters, "out", "where", "casting", "order"] in shown


@each_activation
def test_an_editor_shows_the_docstring(editor, f):
    code, place = editor(f"hw.{f.name}")
    docstrings = [found.docstring() for found in code.infer(*place)]
    assert any(f.summary in docstring for docstring in docstrings)
