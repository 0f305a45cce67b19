"""`halfwave plot`."""

import re

import pytest
from command import error_of, on_terminal, output_of, without

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "PNG": b"\x89PNG"}


@pytest.mark.parametrize("suffix", MAGIC)
def test_each_format(tmp_path, suffix):
    assert output_of("plot", "relu", "-o", f"f.{suffix}", cwd=tmp_path) == f"f.{suffix}\n"
    assert (tmp_path / f"f.{suffix}").read_bytes().startswith(MAGIC[suffix])
    assert len(list(tmp_path.iterdir())) == 1


def drawn(folder, *arguments):
    """The text in the figure."""
    output_of("plot", *arguments, "-o", "f.svg", cwd=folder, MPLCONFIGDIR=str(folder))
    return re.findall("<!-- (.*?) -->", (folder / "f.svg").read_text("utf-8"))


def test_several_activations_and_their_derivatives_in_one_figure(tmp_path):
    text = drawn(tmp_path, "relu", "leaky_relu", "relu", "--alpha", "0.25")
    assert text.count("ReLU") == 1
    assert {"Leaky ReLU (α = 0.25)", "derivative of Leaky ReLU (α = 0.25)"} <= set(text)
    assert "derivative of ReLU" in text


def test_without_derivatives(tmp_path):
    text = drawn(tmp_path, "relu", "leaky_relu", "--no-derivative")
    assert "Leaky ReLU (α = 0.01)" in text
    assert not any("derivative" in words for words in text)


def test_a_terminal_is_told(tmp_path):
    screen = on_terminal("plot", "relu", "-o", "f.png", "--derivative", cwd=tmp_path)
    assert screen.lines[-1] == "wrote f.png"


def test_nothing_is_overwritten_without_force(tmp_path):
    (tmp_path / "f.png").write_bytes(b"mine")
    message = error_of("plot", "relu", "-o", "f.png", cwd=tmp_path)
    assert message == "f.png exists; pass --force to overwrite it"
    assert (tmp_path / "f.png").read_bytes() == b"mine"
    output_of("plot", "relu", "-o", "f.png", "--force", cwd=tmp_path)
    assert (tmp_path / "f.png").read_bytes().startswith(MAGIC["png"])


MISTAKES = {
    ("relu", "-o", "f.gif"): "cannot draw f.gif; name a file that ends in .png, .svg or .pdf",
    ("relu", "-o", "f"): "cannot draw f; name a file that ends in .png, .svg or .pdf",
    ("relu",): "Missing option '--output' / '-o'; see `halfwave plot --help`",
    ("-o", "f.png"): "Missing argument 'NAMES'; see `halfwave plot --help`",
    ("relu", "rely", "-o", "f.png"): (
        "no activation 'rely'; did you mean relu? `halfwave list` shows all"
    ),
    ("relu", "--alpha", "1", "-o", "f.png"): "relu takes no parameters; leave out --alpha",
    ("leaky_relu", "--alpha", "nan", "-o", "f.png"): (
        "no graph shows alpha = nan; pass a number from -1e100 to 1e100"
    ),
    ("relu", "--no-deriv", "-o", "f.png"): (
        "no option '--no-deriv'; did you mean --no-derivative? `halfwave plot --help` shows all"
    ),
    ("relu", "-o", "no/f.png"): (
        "cannot write no/f.png: No such file or directory; name another place with -o"
    ),
    ("relu", "-o", "."): "cannot draw .; name a file that ends in .png, .svg or .pdf",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(tmp_path, arguments):
    assert error_of("plot", *arguments, cwd=tmp_path) == MISTAKES[arguments]
    assert not list(tmp_path.iterdir())


def test_without_matplotlib(tmp_path):
    message = error_of(
        "plot", "relu", "-o", "f.png", cwd=tmp_path, **without(tmp_path, "matplotlib")
    )
    assert message == "halfwave plot needs matplotlib: pip install 'halfwave[plot]'"
    assert not (tmp_path / "f.png").exists()
