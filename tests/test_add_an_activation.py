"""The two files of CONTRIBUTING's example are all that a new activation takes."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import fresh
import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ["CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE", "cmake", "src", "examples"]
NAME = "displaced_relu"

pytestmark = pytest.mark.skipif(
    not (ROOT / "CMakeLists.txt").is_file(),
    reason="the source tree is not here: these tests build it with one activation more",
)


def example():
    """The files that CONTRIBUTING shows, by path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    fenced = re.findall(
        r"`(src/halfwave/functions/\S+)`:\n\n *```\w+\n(.*?)\n *```", text, re.DOTALL
    )
    return {path: dedent(code) + "\n" for path, code in fenced}


def source_files():
    """The files of the repository; without git, those that the build needs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0 and "CMakeLists.txt" in listed.stdout:
        return [path for path in listed.stdout.split("\0") if (ROOT / path).is_file()]
    found = [ROOT / name for name in SOURCES]
    return [
        str(path.relative_to(ROOT))
        for start in found
        for path in (start.rglob("*") if start.is_dir() else [start])
        if path.is_file() and "__pycache__" not in path.parts
    ]


def is_of_another_pair(path, kept):
    """Whether this is a file of an activation that is not among these."""
    path = Path(path)
    pairs = path.parent.name == "functions" and path.stem != "__init__"
    return pairs and path.stem not in kept


def copy_of_the_tree(folder, extra, kept=("relu", "leaky_relu")):
    """A copy of the sources with these files added to it; none of them may be there already.

    Of the activations it has but a few, and so is built in a tenth of the time.
    """
    for path in source_files():
        if is_of_another_pair(path, kept):
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    for path, text in extra.items():
        assert not (folder / path).exists()
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def build(tree, target, work, variable="CMAKE_CXX_FLAGS=-DHWY_COMPILE_ONLY_STATIC"):
    """Build the tree: for one instruction set, which takes a third of the time that all take."""
    options = ["-C", f"build-dir={work}", "-C", f"cmake.define.{variable}"]
    how = ["--no-build-isolation", "--no-deps", "--disable-pip-version-check", "--target", target]
    return fresh.run("-m", "pip", "install", *how, str(tree), *options)


def test_the_example_is_two_files_of_one_name():
    assert list(example()) == [f"src/halfwave/functions/{NAME}{end}" for end in (".py", ".h")]


OBJECT = f"""\
import copy, inspect, pickle
import numpy as np
import halfwave as hw

f, x = hw.{NAME}, np.array([-3.0, -0.5, 0.0, np.nan, 2.0])
assert list(hw.activations) == ["{NAME}", "leaky_relu", "relu"]
assert hw.activations["{NAME}"] is f is pickle.loads(pickle.dumps(f)) is copy.deepcopy(f)
assert "{NAME}" in hw.__all__

for code in "efdg":
    single = x.astype(code)
    expected = f._facts.value(np, single, single.dtype.type(-0.5))
    np.testing.assert_array_equal(f(single, -0.5), expected, strict=True)
    np.testing.assert_array_equal(f(single[::2], threshold=-0.5), expected[::2], strict=True)
    np.testing.assert_array_equal(f.ufunc(single, -0.5), expected, strict=True)
    slopes = f._facts.derivative(np, single, single.dtype.type(-0.5))
    np.testing.assert_array_equal(f.derivative(single, -0.5), slopes, strict=True)
    np.testing.assert_array_equal(f.derivative.ufunc(single, -0.5), slopes, strict=True)
assert (f.ufunc.__name__, f.ufunc.nin) == ("{NAME}", 2)
assert f(-3.0) == -0.05 and f(-3, threshold=-1) == -1.0
assert f(np.array([-3, 2], "i1"), -1.0).dtype == "f2"
assert f(x, np.array([[-1.0], [-2.0]])).shape == (2, 5)

assert f.derivative(-0.5, -0.5) == 0.0
assert f.derivative(-0.5, -0.5, at_kink="right") == 1.0
assert f.derivative(x, -0.5, at_kink=0.25).tolist()[1] == 0.25

value, pullback = f.vjp(x, threshold=-0.5)
np.testing.assert_array_equal(value, f(x, -0.5))
assert pullback(np.full(5, np.inf)).tolist() == [0.0, 0.0, np.inf, np.inf, np.inf]
assert pullback.nbytes < x.nbytes

assert (f.formula, f.formula_text) == (r"\\max(\\theta, x)", "max(θ, x)")
assert f.parameters["threshold"].default == -0.05
assert str(inspect.signature(f)).startswith("(x, /, threshold=-0.05, *, out=None")
assert inspect.getdoc(f).startswith("Displaced rectified linear unit")
assert "threshold : float or array_like, default -0.05" in f.__doc__
assert f.formula in f._repr_html_() and f.formula_text in repr(f)
try:
    f(x, floor=1)
except TypeError as error:
    assert "here it is called threshold" in str(error)
"""

EXAMPLE = f"""\
import doctest, halfwave as hw
case = doctest.DocTestParser().get_doctest(hw.{NAME}.__doc__, {{}}, "{NAME}", None, 0)
assert case.examples and doctest.DocTestRunner().run(case).failed == 0
"""

PLOT = f"""\
import matplotlib; matplotlib.use("agg")
import halfwave as hw
labels = [line.get_label() for line in hw.{NAME}.plot(threshold=-1).get_lines()]
assert "Displaced ReLU (θ = -1)" in labels, labels
"""


def installed(site):
    """Runs Python with the library that is installed in `site`."""
    # Without the module `site` no import hook of an editable install comes before this path.
    path = os.pathsep.join([str(site), *filter(None, sys.path)])

    def run(*arguments):
        done = fresh.run("-S", *arguments, PYTHONPATH=path)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    return run


def is_in_the_stub(stub):
    """The stub names the new activation, with its signature and its docstring."""
    assert f"\n{NAME}: Final[_DisplacedRelu]\n" in stub
    assert f'    "{NAME}",\n' in stub
    assert "threshold: ArrayLike = -0.05" in stub
    assert "Displaced rectified linear unit" in stub


def is_in_the_commands(python):
    """Every command knows the new activation, and takes its parameter as an option."""
    assert NAME in python("-m", "halfwave", "list")
    shown = python("-m", "halfwave", "show", NAME)
    for fact in ("Displaced ReLU", "max(θ, x)", "threshold", "The lowest value; any number."):
        assert fact in shown
    assert python("-m", "halfwave", "eval", NAME, "-3", "2").split() == ["-0.05", "2.0"]
    given = python("-m", "halfwave", "eval", NAME, "-3", "2", "--threshold=-1", "--json")
    assert [row["value"] for row in json.loads(given)] == [-1.0, 2.0]


def test_two_files_are_all_that_a_new_activation_takes(tmp_path):
    tree = copy_of_the_tree(tmp_path / "tree", example())
    done = build(tree, str(tmp_path / "site"), tmp_path / "build")
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-4000:]
    python = installed(tmp_path / "site")
    python("-c", OBJECT)
    python("-c", EXAMPLE)
    is_in_the_stub((tmp_path / "site/halfwave/__init__.pyi").read_text(encoding="utf-8"))
    if find_spec("matplotlib"):
        python("-c", PLOT)
    if find_spec("typer"):
        is_in_the_commands(python)


@pytest.mark.parametrize("missing", [".py", ".h"])
def test_half_a_pair_stops_the_build_and_says_what_is_missing(missing, tmp_path):
    half = {path: code for path, code in example().items() if not path.endswith(missing)}
    assert len(half) == 1
    tree = copy_of_the_tree(tmp_path / "tree", half)
    done = build(tree, str(tmp_path / "site"), tmp_path / "build")
    said = " ".join((done.stdout + done.stderr).decode().split())
    assert done.returncode != 0
    assert f"halfwave: the activation {NAME} has no {NAME}{missing}" in said
    assert "write the other one, or remove this one" in said
    assert not (tmp_path / "site").exists()
