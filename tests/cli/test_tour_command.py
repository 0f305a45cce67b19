"""`halfwave tour`: what it shows is tested in tests/tour, here how it is called."""

import pytest
from command import error_of, on_terminal, output_of, without


def test_negative_numbers_and_a_folder_in_a_pipe(tmp_path):
    shown = output_of("tour", "3", "-7", "-inf", "--save", "new/folder", cwd=tmp_path)
    assert "Applying ReLU on (3.0) gives 3.0" in shown
    assert "Applying Leaky ReLU on (-7.0) gives -0.07" in shown
    assert "Applying ReLU on (-inf) gives 0.0" in shown
    assert "\x1b" not in shown
    written = {path.suffix for path in (tmp_path / "new" / "folder").iterdir()}
    assert written == {".png", ".svg", ".html"}


def test_a_pause_between_the_chapters_of_a_terminal():
    screen = on_terminal("tour", keys="\nq\n")
    assert screen.status == 0
    assert screen.text.count("Enter goes on") == 2


@pytest.mark.parametrize(
    ("option", "moment"), [("--pause", "Enter goes on"), ("--no-pause", "Applying ReLU on")]
)
def test_ctrl_c_ends_it_without_a_word(option, moment):
    screen = on_terminal("tour", option, interrupt_at=moment)
    assert screen.status == 130
    assert "Traceback" not in screen.text
    assert ("Enter goes on" in screen.text) == (option == "--pause")


MISTAKES = {
    ("3", "x"): "'x' is not a number; pass numbers such as 3 -7 0.5",
    (
        "--no-paus",
    ): "no option '--no-paus'; did you mean --no-pause? `halfwave tour --help` shows all",
    ("--save",): "Option '--save' requires an argument",
    ("--save", "file"): "file is not a folder; name a folder that can be written to",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(tmp_path, arguments):
    (tmp_path / "file").touch()
    assert error_of("tour", *arguments, cwd=tmp_path) == MISTAKES[arguments]


@pytest.mark.parametrize("package", ["sklearn", "plotext", "matplotlib", "latex2mathml"])
def test_without_one_of_its_packages(tmp_path, package):
    message = error_of("tour", **without(tmp_path, package))
    assert package in message
    assert message.endswith("pip install 'halfwave[tour]'")
