"""`halfwave check`: what the verdicts mean is tested in tests/health, here how they are told."""

import json
import pickle

import pytest
from command import error_of, halfwave, on_terminal, output_of, without

import halfwave as hw
from halfwave.cli import run
from halfwave.health import Report
from halfwave.tour.network import Experiment

pytest.importorskip("sklearn")

# The tour's network, of which nothing is silent.
HEALTHY = """
from dataclasses import replace
from halfwave.tour import network_chapters as chapters
chapters.SETTING = replace(chapters.SETTING, bias=0.5, learning_rate=0.05, epochs=2)
"""


@pytest.fixture(scope="module")
def report():
    return Experiment(hw.relu).run().report


@pytest.fixture
def refusal(capsys):
    """Runs the command in this process; gives the one line that it writes on stderr."""

    def refusal(*arguments):
        assert run(["check", *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        return printed.err.removeprefix("error: ").rstrip("\n")

    return refusal


# The report ---------------------------------------------------------------------------------------


def test_the_report_is_that_of_the_tour_s_network_and_too_many_units_are_exit_status_1(report):
    done = halfwave("check")
    assert done.returncode == 1
    assert done.stdout == f"{report}\n"
    assert done.stderr == (
        "unhealthy: more than 5 % of the units are silent or non-finite in hidden 1 (7 silent of 16 "
        "units on 134,700 samples in training)\n"
    )


def test_a_healthy_network_is_exit_status_0():
    (layer,) = json.loads(output_of("check", "--json", before=HEALTHY))["layers"]
    assert layer["verdicts"]["silent"] == []


@pytest.mark.parametrize("share", ["43.75%", "44 %", " 0.4375 ", "100%", "1"])
def test_a_share_that_is_not_exceeded_is_exit_status_0(share, report, capsys):
    """7 of 16 are 43.75 %."""
    assert run(["check", "--fail-above", share]) == 0
    assert capsys.readouterr().out == f"{report}\n"


@pytest.mark.parametrize("share", ["43.74%", "0.43", "0", "0 %"])
def test_a_share_that_is_exceeded_is_exit_status_1(share):
    assert run(["check", "--fail-above", share]) == 1


def test_json_is_the_report(report):
    done = halfwave("check", "--json")
    assert done.returncode == 1
    assert Report.from_data(json.loads(done.stdout)) == report


def test_a_terminal_gets_a_progress_bar_and_the_report(report):
    screen = on_terminal("check", "--fail-above", "50%")
    assert screen.status == 0
    assert "━" in screen.text and "train" in screen.text
    assert set(str(report).splitlines()) <= set(screen.lines)


def test_ctrl_c_ends_it_without_a_word():
    slow = "import time; from halfwave.tour import network\n" + (
        "step = network.Network.step\n"
        "network.Network.step = lambda *given: time.sleep(0.05) or step(*given)"
    )
    screen = on_terminal("check", interrupt_at="train", before=slow)
    assert screen.status == 130
    assert "Traceback" not in screen.text
    assert "silent" not in screen.text


# The page -----------------------------------------------------------------------------------------


def test_html_is_written_beside_the_report(tmp_path, report):
    pytest.importorskip("matplotlib")
    done = halfwave("check", "--fail-above", "50%", "--html", "check.html", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{report}\n")
    assert done.stderr == "Wrote check.html. Open it in a browser.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["check.html"]
    assert "hidden 1" in (tmp_path / "check.html").read_text("utf-8")


def test_html_is_written_of_an_unhealthy_network_too(tmp_path):
    pytest.importorskip("matplotlib")
    assert halfwave("check", "--html", tmp_path / "check.html").returncode == 1
    assert (tmp_path / "check.html").exists()


def test_nothing_is_overwritten_without_force(tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "check.html"
    page.write_text("kept")
    message = error_of("check", "--html", "check.html", cwd=tmp_path)
    assert message == "check.html exists; pass --force to overwrite it"
    assert page.read_text() == "kept"
    done = halfwave("check", "--fail-above", "50%", "--html", page, "--force")
    assert (done.returncode, done.stderr) == (0, f"Wrote {page}. Open it in a browser.\n")
    assert "hidden 1" in page.read_text("utf-8")


def test_a_page_that_cannot_be_written_loses_no_report(tmp_path, report):
    pytest.importorskip("matplotlib")
    done = halfwave("check", "--html", "no/check.html", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, f"{report}\n")
    assert done.stderr == (
        "error: cannot write no/check.html: No such file or directory; name another place with "
        "--html\n"
    )
    assert error_of("check", "--html", ".", cwd=tmp_path) == ". is a directory; name a file in it"


# What is missing ----------------------------------------------------------------------------------


def test_without_scikit_learn(tmp_path):
    assert error_of("check", **without(tmp_path, "sklearn")) == (
        "halfwave check needs scikit-learn: pip install 'halfwave[tour]'"
    )


def test_without_matplotlib_there_is_no_page_but_a_report(tmp_path):
    blocked = without(tmp_path, "matplotlib")
    assert error_of("check", "--html", "check.html", **blocked) == (
        "halfwave check --html needs matplotlib: pip install 'halfwave[plot]'"
    )
    assert "silent" in output_of("check", "--fail-above", "50%", **blocked)


# Models -------------------------------------------------------------------------------------------

PYTORCH = (
    "for PyTorch, `from halfwave import health`, put your own loop into "
    "`with health.watch(model) as watch:`, then `print(watch.report())`"
)
SCIKIT_LEARN = (
    "for scikit-learn, load it yourself, `from halfwave import health`, then "
    "`print(health.inspect(model, X))`"
)
OTHERS = "for anything else, give each layer's outputs to `halfwave.health.Stats`"

MODELS = {
    "model.pt": PYTORCH,
    "model.pth": PYTORCH,
    "model.ckpt": PYTORCH,
    "model.safetensors": PYTORCH,
    "MODEL.PT": PYTORCH,
    "model.pkl": SCIKIT_LEARN,
    "model.joblib": SCIKIT_LEARN,
    "model.h5": OTHERS,
    "model.keras": OTHERS,
    "model.onnx": f"ONNX is not supported yet; {PYTORCH}",
    "model": f"{PYTORCH}; {SCIKIT_LEARN}; {OTHERS}",
}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_answered_with_what_to_do_instead(model, tmp_path, monkeypatch, refusal):
    monkeypatch.chdir(tmp_path)
    (tmp_path / model).write_bytes(b"bytes")
    assert refusal(model) == f"{model} is not opened: halfwave unpickles nothing; {MODELS[model]}"


def test_a_model_that_is_a_folder_is_answered_alike(tmp_path, monkeypatch, refusal):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    assert refusal("saved") == (
        f"saved is not opened: halfwave unpickles nothing; {MODELS['model']}"
    )


def test_a_model_that_does_not_exist_is_answered_alike():
    assert error_of("check", "model.pt") == (
        "model.pt does not exist, and would not be opened: halfwave unpickles nothing; " + PYTORCH
    )


class Trap:
    """Unpickled, it writes a file."""

    def __reduce__(self):
        return open, ("sprung", "w")


def test_nothing_is_unpickled(tmp_path, monkeypatch, refusal):
    monkeypatch.chdir(tmp_path)
    trap = pickle.dumps(Trap())
    for name in ("model.pkl", "model.pt", "model.joblib", "model"):
        (tmp_path / name).write_bytes(trap)
        refusal(name)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap).close()
    assert (tmp_path / "sprung").exists()


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", ["x", "", "%", "-5%", "101%", "5", "nan", "inf", "5%%"])
def test_what_is_no_share_is_refused(share, refusal):
    assert refusal(f"--fail-above={share}") == (
        f"--fail-above is {share!r}; pass a share of a layer's units, such as 5% or 0.05"
    )


def test_an_option_that_does_not_exist():
    assert error_of("check", "--fail") == (
        "No such option: --fail (Possible options: --fail-above); see `halfwave check --help`"
    )
