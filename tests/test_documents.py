"""What the documents and the docstrings show is what happens."""

import __future__

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import fresh
import numpy as np
import pytest
from operations import each_activation

import halfwave as hw

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RULES = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)


# Fenced blocks


@dataclass(frozen=True)
class Block:
    """One fenced block of a document, and the text block right under it: what it prints."""

    language: str
    code: str
    output: str | None


FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$"
    r"(?:\n\n(?P=indent)```text\n(?P<output>.*?)^(?P=indent)```$)?",
    re.MULTILINE | re.DOTALL,
)


def blocks_of(text):
    for found in FENCED.finditer(text):
        yield Block(found["language"], dedent(found["code"]), found["output"])


def run_python(blocks):
    """Run the Python of a document from top to bottom, as one program; compare what it prints."""
    names = {"__name__": "__main__", "np": np, "hw": hw, "g": np.ones(5)}
    for block in blocks:
        if block.language not in ("python", "pycon"):
            continue
        if block.code.startswith(">>>"):
            run_examples(block.code, names)
            continue
        printed = io.StringIO()
        # Annotations of a class that is shown out of its context are not looked up.
        code = compile(block.code, "block", "exec", __future__.annotations.compiler_flag)
        with contextlib.redirect_stdout(printed):
            exec(code, names)  # noqa: S102  # the documents are ours
        if block.output is not None:
            assert printed.getvalue() == block.output


def run_examples(text, names):
    """Run what a session with `>>>` shows; compare every answer."""
    case = doctest.DocTestParser().get_doctest(text, names, "block", None, 0)
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=RULES)
    result = runner.run(case, out=said.write, clear_globs=False)
    assert result.failed == 0, said.getvalue()
    names.update(case.globs)


@pytest.fixture
def as_a_program(monkeypatch, tmp_path):
    """A program's own surroundings: no arguments, an empty folder, no window, nothing recycled."""
    monkeypatch.setattr(sys, "argv", ["program.py"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use("agg")
    before = hw.recycle_results(0)
    yield
    hw.recycle_results(before)


@each_document
def test_the_python_of_a_document_runs_and_prints_what_is_shown(document, as_a_program):
    blocks = list(blocks_of(document.read_text(encoding="utf-8")))
    if any("halfwave.tour" in block.code for block in blocks):
        pytest.importorskip("sklearn")
    for library in ("array_api_strict", "dask", "jax", "pandas", "sklearn", "torch", "xarray"):
        if any(re.search(rf"(import|from) {library}\b", block.code) for block in blocks):
            pytest.importorskip(library)
    run_python(blocks)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(hw.relu(-2.0))\n```\n\n```text\n-2.0\n```\n",
        "```python\n>>> hw.relu(-2.0)\n-2.0\n```\n",
        "1. A list:\n\n   ```pycon\n   >>> hw.relu(-2.0)\n   -2.0\n   ```\n",
        "```python\nassert hw.relu(-2.0) == -2.0\n```\n",
    ],
)
def test_a_document_that_shows_something_else_is_caught(text):
    with pytest.raises(AssertionError):
        run_python(blocks_of(text))


# Commands


NOT_RUN = {
    "halfwave tour": "tests/tour runs it",
    "halfwave bench": "measures time, for minutes",
    "python -m": "measures time, draws the tutorial's pages, or starts a cluster",
    "pip install": "installs",
    ".venv/bin/python -m": "installs",
    "git clone": "needs the network",
    "git diff": "is for the reader's own change",
}


def commands_of(text):
    """The commands of the console blocks, without their comments and variables."""
    for block in blocks_of(text):
        for line in block.code.splitlines() if block.language == "console" else ():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                del words[0]
            if words:
                yield words


def run_command(words):
    """Run a command of ours; see that a target of make exists; know the others."""
    if words[0] == "make" and (ROOT / "Makefile").is_file():
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), words
    elif words[0] == "halfwave" and " ".join(words[:2]) not in NOT_RUN:
        done = fresh.run("-m", *words)
        assert done.returncode == 0, done.stderr.decode()
    else:
        assert words[0] == "make" or " ".join(words[:2]) in NOT_RUN, words


@each_document
def test_the_commands_of_a_document_run(document, as_a_program):
    pytest.importorskip("typer")
    pytest.importorskip("matplotlib")
    np.save("x.npy", np.array([1.0, -10.0]))  # the reader's own file
    for words in commands_of(document.read_text(encoding="utf-8")):
        run_command(words)


@pytest.mark.parametrize("line", ["halfwave evaluate relu 1", "halfwave eval sine 1", "sudo ls"])
def test_a_command_that_fails_is_caught(line):
    pytest.importorskip("typer")
    (words,) = commands_of(f"```console\nVARIABLE=1 {line}  # a comment\n```\n")
    assert words == line.split()
    with pytest.raises(AssertionError):
        run_command(words)


# The README's table of other people's spellings


def spellings():
    """Every call of ours in the README's tables."""
    text = (ROOT / "README.md").read_text(encoding="utf-8") if DOCUMENTS else ""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return sorted({code for row in rows for code in re.findall(r"`(hw\.[^`]+)`", row)})


@pytest.mark.parametrize("code", spellings())
def test_every_call_in_the_readme_s_tables_is_a_call(code):
    x = np.array([1.0, -10.0, 0.0])
    assert eval(code, {"hw": hw, "x": x, "y": np.empty(3), "a": 0.5}).shape == x.shape


# Links


def broken_links(document, text):
    """The links to files that are not there, and to headings that no line is."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, heading = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = document.parent / path if path else document
        if not file.exists() or (heading and heading not in headings_of(file.read_text("utf-8"))):
            yield target


def headings_of(text):
    lines = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in lines]


@pytest.mark.skipif(not (ROOT / "CMakeLists.txt").is_file(), reason="the source tree is not here")
@each_document
def test_the_links_of_a_document_lead_somewhere(document):
    assert list(broken_links(document, document.read_text(encoding="utf-8"))) == []


def test_a_link_that_leads_nowhere_is_found():
    here = Path(__file__)
    text = f"# A b\n[1]({here.name}) [2](gone.md) [3](#a-b) [4](#c) [5](https://example.org/x)"
    broken = broken_links(here, text.replace("(#", f"({here.name}#"))
    assert list(broken) == ["gone.md", f"{here.name}#a-b", f"{here.name}#c"]
    assert headings_of(text) == ["a-b"]


# Docstrings


MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(hw.__path__, "halfwave.")
    if not re.search(r"__main__|\._core|\.examples", module.name)
)


@pytest.mark.parametrize("name", ["halfwave", *MODULES])
def test_the_examples_in_a_module_s_docstrings_run(name, as_a_program):
    try:
        module = importlib.import_module(name)
    except ImportError as missing:
        pytest.skip(str(missing))
    for case in doctest.DocTestFinder().find(module):
        said = io.StringIO()
        result = doctest.DocTestRunner(optionflags=RULES).run(case, out=said.write)
        assert result.failed == 0, said.getvalue()


@each_activation
def test_every_activation_shows_an_example_and_it_runs(f):
    assert ">>> hw." in f.__doc__
    run_examples(f.__doc__, {})


def test_a_docstring_that_shows_something_else_is_caught():
    with pytest.raises(AssertionError, match=r"Expected:\s+-2"):
        run_examples(">>> import halfwave as hw\n>>> hw.relu(-2.0)\n-2.0\n", {})


# The other files of the repository


@pytest.mark.skipif(not (ROOT / "CITATION.cff").is_file(), reason="the source tree is not here")
def test_every_file_names_the_version_that_is_installed():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == hw.__version__
    assert citation["license"] == "MIT"
    assert {"cff-version", "message", "title", "type", "authors"} <= set(citation)
    assert f"## [{hw.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'version = "{hw.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
