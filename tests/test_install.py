"""What a build needs and says, what is installed, and what an import costs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import fresh
import pytest

from halfwave.stubs import stub

ROOT = Path(__file__).parents[1]
INSTALLED = metadata.distribution("halfwave")

in_source_tree = pytest.mark.skipif(
    not (ROOT / "CMakeLists.txt").exists(), reason="the source tree is not here"
)

COMMANDS = [
    "apt-get install g++ libhwy-dev",
    "xcode-select --install; brew install highway",
    "conda install -c conda-forge cxx-compiler libhwy",
    "vcpkg install highway",
]


def tool(name):
    """A program of this environment or of the system; the test is skipped where there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here")
    return found


# What is installed


@pytest.fixture
def files():
    """The installed files of the package, without what Python made of them."""
    if (
        json.loads(INSTALLED.read_text("direct_url.json") or "{}")
        .get("dir_info", {})
        .get("editable")
    ):
        pytest.skip("halfwave is installed to be edited")
    return {str(file) for file in INSTALLED.files if file.suffix != ".pyc"}


def test_the_stub_the_examples_and_the_mark_of_types_are_installed(files):
    assert files >= {
        "halfwave/__init__.pyi",
        "halfwave/_core.pyi",
        "halfwave/py.typed",
        "halfwave/examples/dask_cluster.py",
        "halfwave/examples/leaky_relu.py",
        "halfwave/examples/relu.py",
    }


def test_nothing_that_only_a_build_needs_is_installed(files):
    kinds = {Path(file).suffix for file in files if file.startswith("halfwave/")}
    assert kinds <= {".py", ".pyi", ".typed", ".so", ".pyd", ".css", ".js", ".html"}


def test_the_command_is_installed():
    commands = INSTALLED.entry_points.select(group="console_scripts")
    assert [(command.name, command.value) for command in commands] == [
        ("halfwave", "halfwave.cli:main")
    ]


def test_the_extras_are_cli_plot_tour_torch_and_all():
    extras = sorted(INSTALLED.metadata.get_all("Provides-Extra"))
    assert extras == ["all", "cli", "plot", "torch", "tour"]


def test_torch_comes_only_where_it_is_asked_for():
    needed = [line for line in INSTALLED.requires if "torch" in line]
    assert [line.partition("; ")[2] for line in needed] == ['extra == "torch"']


def test_the_stub_is_the_one_that_the_pairs_make():
    [installed] = [f for f in INSTALLED.files if f.as_posix() == "halfwave/__init__.pyi"]
    assert installed.read_text(encoding="utf-8") == stub()


def test_an_import_needs_numpy_and_nothing_else():
    code = """
import sys
before = set(sys.modules)
import halfwave
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(names - sys.stdlib_module_names))
"""
    assert fresh.output_of(code) == "['halfwave', 'numpy']\n"


# What a build says where something is missing


@pytest.fixture
def configure(tmp_path):
    """CMake's first step: its exit status and what it says on stderr."""

    def run(*definitions, **environment):
        done = subprocess.run(
            [tool("cmake"), "-S", ROOT, "-B", tmp_path / "build", *definitions]
            + ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}"]
            + [f"-DPython_EXECUTABLE={sys.executable}"],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )
        return done.returncode, done.stderr

    return run


NO_HIGHWAY = ["-DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON"]


def assert_one_message(outcome, beginning):
    """The build stopped, and said so once, with the commands for every system, unwrapped."""
    status, message = outcome
    assert status != 0
    assert message.count("CMake Error") == 1
    assert beginning in re.sub(r"\s+", " ", message)
    assert [command for command in COMMANDS if command not in message] == []


@in_source_tree
def test_without_highway_the_build_says_how_to_get_it(configure):
    beginning = "halfwave needs Highway 1.0.3 or newer, a SIMD library; CMake found none. Install"
    assert_one_message(configure(*NO_HIGHWAY), beginning)


@in_source_tree
def test_an_older_highway_is_named(configure, tmp_path):
    (tmp_path / "hwy-config.cmake").write_text("add_library(hwy::hwy INTERFACE IMPORTED)")
    (tmp_path / "hwy-config-version.cmake").write_text("set(PACKAGE_VERSION 0.16.0)")
    outcome = configure(
        f"-DCMAKE_PREFIX_PATH={tmp_path}",
        "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF",
        "-DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF",
        "-DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON",
    )
    assert_one_message(outcome, "halfwave needs Highway 1.0.3 or newer; CMake found only 0.16.0.")


@in_source_tree
def test_without_a_compiler_the_build_says_how_to_get_one(configure):
    beginning = "halfwave needs a C++17 compiler; CMake found none. Install"
    assert_one_message(configure(CXX="/nowhere/c++"), beginning)


@in_source_tree
def test_once_all_is_there_the_next_build_finds_it(configure):
    assert configure(CXX="/nowhere/c++")[0] != 0
    assert configure(*NO_HIGHWAY)[0] != 0
    found = [definition.replace("=ON", "=OFF") for definition in NO_HIGHWAY]
    status, message = configure(*found)
    assert status == 0, message


# The source distribution


@in_source_tree
def test_the_source_distribution_has_all_that_a_build_needs(tmp_path):
    pytest.importorskip("scikit_build_core")
    code = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=True)
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        packed = {name.partition("/")[2] for name in tar.getnames()}
    needed = {
        path.relative_to(ROOT).as_posix()
        for folder in ("src", "cmake", "examples")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed | {"CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE"} <= packed
    assert {name for name in packed if name.startswith(("build/", ".venv", "dist/"))} == set()


# make


@in_source_tree
def test_make_alone_lists_every_target_with_one_line_of_help():
    listed = subprocess.run([tool("make"), "-C", ROOT], check=True, capture_output=True, text=True)
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    lines = re.findall(r"^  (\w+) +(\S.*)$", listed.stdout, re.MULTILINE)
    assert [name for name, _ in lines] == targets.split()


@pytest.fixture
def prepare(tmp_path):
    """`tools/prepare.sh` on a made-up system whose only programs are the given scripts."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "bin").mkdir()

    def run(python=sys.executable, **scripts):
        for name in ("sh", "tail", "sort"):
            (tmp_path / "bin" / name).symlink_to(shutil.which(name))
        for name, script in scripts.items():
            program = tmp_path / "bin" / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        done = subprocess.run(
            ["sh", "tools/prepare.sh", python],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": str(tmp_path / "bin"), "CXX": "/nowhere/c++", "HOME": "/nowhere"},
        )
        assert done.returncode == 1
        return done.stdout + done.stderr

    return run


@in_source_tree
def test_without_root_make_prints_the_one_command_and_stops(prepare):
    said = prepare(id="echo 1000", apt_get="exit 1")
    assert re.search(r"run: sudo apt-get update && sudo apt-get install -y g\+\+.*\n$", said)
    assert said.count("\n") == 1


@in_source_tree
def test_on_macos_make_prints_the_one_command_and_stops(prepare):
    said = prepare(id="echo 0", uname="echo Darwin")
    assert said.endswith("Please run: xcode-select --install; brew install highway\n")


@in_source_tree
def test_root_on_debian_gets_the_packages_installed(prepare, tmp_path):
    prepare(id="echo 0", apt_get=f'echo "$@" >> "{tmp_path}/asked"; [ "$1" = update ]')
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["update", "install"]
    assert "g++" in asked[1].split()


@in_source_tree
def test_without_a_python_that_is_new_enough_make_says_so_and_stops(prepare):
    said = prepare(python="python3", python3="exit 1")
    assert said.startswith("halfwave needs Python 3.11 or newer, and there is none here.")
    assert said.endswith("make PYTHON=/path/to/python3\n")
