"""The two complete programs and the notebook run as they are."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

RELU = """\
Applying ReLU on (1.0) gives 1.0
Applying ReLU on (-10.0) gives 0.0
Applying ReLU on (0.0) gives 0.0
Applying ReLU on (15.0) gives 15.0
Applying ReLU on (-20.0) gives 0.0
"""

LEAKY_RELU = """\
Applying Leaky ReLU on (1.0) gives 1.0
Applying Leaky ReLU on (-10.0) gives -0.1
Applying Leaky ReLU on (0.0) gives 0.0
Applying Leaky ReLU on (15.0) gives 15.0
Applying Leaky ReLU on (-20.0) gives -0.2
"""


def printed(name: str, *arguments: str) -> str:
    command = [sys.executable, EXAMPLES / name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("name", "expected"), [("relu.py", RELU), ("leaky_relu.py", LEAKY_RELU)])
def test_programs_print_these_lines(name, expected):
    assert printed(name) == expected


def test_programs_take_numbers_and_print_them_in_full():
    assert printed("relu.py", "3", "-7") == (
        "Applying ReLU on (3.0) gives 3.0\nApplying ReLU on (-7.0) gives 0.0\n"
    )
    assert printed("leaky_relu.py", "-1.23456789", "-0.0") == (
        f"Applying Leaky ReLU on (-1.23456789) gives {0.01 * -1.23456789}\n"
        "Applying Leaky ReLU on (-0.0) gives -0.0\n"
    )


def test_programs_are_plain_python():
    for name in ("relu.py", "leaky_relu.py"):
        imports = [line for line in (EXAMPLES / name).read_text().splitlines() if "import" in line]
        assert imports == ["import sys"]


def test_the_package_carries_the_programs():
    from halfwave.tour.programs import example

    for name in ("relu.py", "leaky_relu.py"):
        assert example(name) == (EXAMPLES / name).read_text("utf-8")


def test_the_notebook_runs_and_is_committed_without_outputs():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)

    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()

    headings = [
        output.data["text/markdown"]
        for cell in code
        for output in cell.outputs
        if output.data.get("text/markdown", "").startswith("## ")
    ]
    assert [heading[:5] for heading in headings] == [f"## {n}." for n in range(1, 8)]
