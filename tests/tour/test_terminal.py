"""The tour in a terminal, in a pipe, and without colours."""

import io
import os
import subprocess
import sys
import unicodedata

import pytest
from rich.console import Console

import halfwave as hw
from halfwave import tour
from halfwave.tour.blocks import Block, Graph, Output
from halfwave.tour.characters import graph
from halfwave.tour.terminal import THEME, Terminal

RUN = """
import sys
from pathlib import Path
from halfwave import tour
tour.run([3, -7], pause=len(sys.argv) > 1, save=Path(sys.argv[2]) if len(sys.argv) > 2 else None)
"""


def drawn(blocks, width=80, **options):
    file = io.StringIO()
    out = Console(file=file, width=width, theme=THEME, **options)
    for chapter in blocks:
        Terminal(out).draw(chapter)
    return file.getvalue()


@pytest.fixture(scope="module")
def plain(shown):
    return drawn(shown)


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_is_wider_than_the_terminal(shown, width):
    assert max(map(columns, drawn(shown, width).splitlines())) <= width


def test_no_line_of_code_is_wrapped_at_80_columns(shown, plain):
    lines = {line.strip() for line in plain.splitlines()}
    for chapter in shown:
        for block in chapter:
            for line in getattr(block, "source", "").splitlines():
                assert line.strip() in lines


def test_no_line_of_output_is_wrapped_at_80_columns(shown, plain):
    lines = {line.strip() for line in plain.splitlines()}
    for chapter in shown:
        for block in chapter:
            for line in block.text.splitlines() if isinstance(block, Output) else ():
                assert line.strip() in lines


def test_output_is_indented_as_far_as_it_fits():
    for length, indent in ((76, 4), (78, 2), (80, 0)):
        assert drawn([[Output("x" * length)]]) == f"{' ' * indent}{'x' * length}\n\n"


def test_chapters_are_drawn_in_order(plain):
    titles = ["What ReLU is", "The graph of", "The gradient", "Why that matters", "Leaky ReLU"]
    places = [plain.index(f"{n}. {title}") for n, title in enumerate(titles, 1)]
    assert places == sorted(places)
    assert "Applying Leaky ReLU on (-10.0) gives -0.1" in plain


def test_a_terminal_gets_colours_and_no_color_is_respected(shown, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    colour = "\x1b[35m"
    assert colour in drawn(shown[:2], force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert colour not in drawn(shown[:2], force_terminal=True, color_system="standard")


def test_a_pipe_gets_no_escape_codes_and_no_pause():
    env = {**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", RUN, "pause"]
    run = subprocess.run(
        command,
        check=True,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=env,
    )
    assert "\x1b" not in run.stdout
    assert run.stderr == ""
    assert "Applying ReLU on (-7.0) gives 0.0" in run.stdout
    assert "7. Where to go next" in run.stdout
    assert "100/100 epochs" in run.stdout


def test_a_pipe_that_is_not_unicode_gets_the_tour_too():
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    run = subprocess.run([sys.executable, "-c", RUN], check=True, capture_output=True, env=env)
    assert b"7. Where to go next" in run.stdout


def in_terminal(answers: bytes, *save: str) -> str:
    """What the tour writes to a terminal whose reader types these answers."""
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "pause", *save],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
    )
    os.close(theirs)
    os.write(ours, answers)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # Linux says so when the other end is closed
        pass
    assert process.wait() == 0
    os.close(ours)
    return written.decode()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_pauses_between_chapters_and_q_ends_the_tour():
    written = in_terminal(b"\nq\n")
    assert written.count("Enter goes on") == 2
    assert "2. The graph of ReLU" in written
    assert "3. The gradient of ReLU" not in written


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_tour_that_ends_early_is_saved_as_a_whole(tmp_path):
    written = in_terminal(b"q\n", str(tmp_path))
    assert "Wrote 15 files" in written
    assert "7. Where to go next" in (tmp_path / "tour.html").read_text("utf-8")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_end_of_input_ends_the_tour_without_a_traceback():
    written = in_terminal(b"\x04")
    assert "Traceback" not in written
    assert "2. The graph of ReLU" not in written


def test_graph_of_the_derivative_has_both_circles_and_no_line_between_them():
    text = graph(Graph("g", hw.relu, derivative=True), 80).plain.splitlines()
    rows = {mark: next(i for i, line in enumerate(text) if mark in line) for mark in "○●"}
    column = text[rows["○"]].index("○")
    assert text[rows["●"]].index("●") == column
    between = text[rows["○"] + 1 : rows["●"]]
    assert len(between) > 3
    assert all(line[column] == " " for line in between)


def test_graph_shows_its_title_and_its_axes():
    text = graph(Graph("g", hw.leaky_relu, {"alpha": 0.1}), 72).plain
    assert text.splitlines()[0].split(maxsplit=1) == ["f(x)", "Leaky ReLU (α = 0.1)"]
    assert text.splitlines()[-1].strip() == "x"
    assert max(map(len, text.splitlines())) <= 72


def test_a_block_that_nothing_knows_is_refused():
    with pytest.raises(TypeError, match="cannot draw Block"):
        drawn([[Block()]])


def test_run_refuses_what_is_not_a_number(capsys):
    with pytest.raises(ValueError, match="'x' is not a number; pass numbers such as"):
        tour.run(["x"], pause=False)
    assert capsys.readouterr().out == ""


def test_run_refuses_to_save_into_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ValueError, match="is not a folder; name a folder that can be written to"):
        tour.run([], pause=False, save=tmp_path / "file")
    assert capsys.readouterr().out == ""


def test_a_missing_package_is_named_with_the_extra():
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'sklearn' else find(name)\n"
        "from halfwave import tour\n"
        "try: tour.run()\nexcept ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "the tour needs sklearn; install it with: pip install 'halfwave[tour]'\n"
