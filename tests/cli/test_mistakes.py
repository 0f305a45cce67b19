"""Mistakes on the command line: one line on stderr that says what to do, exit status 2."""

import subprocess
import sys

import pytest
from command import environment, error_of, halfwave, without

MISTAKES = {
    ("eval", "rely", "1"): "no activation 'rely'; did you mean relu? `halfwave list` shows all",
    ("eval", "ReLU", "1"): "no activation 'ReLU'; did you mean relu? `halfwave list` shows all",
    ("eval", "leaky-relu", "1"): (
        "no activation 'leaky-relu'; did you mean leaky_relu? `halfwave list` shows all"
    ),
    ("show", "xyz"): "no activation 'xyz'; `halfwave list` shows all",
    ("eval", "relu", "1", "--alpha", "3"): "relu takes no parameters; leave out --alpha",
    ("eval", "leaky_relu", "1", "--negative-slope", "3"): (
        "no option '--negative-slope'; did you mean --alpha? `halfwave eval --help` shows all"
    ),
    ("eval", "leaky_relu", "1", "--alhpa=3"): (
        "no option '--alhpa'; did you mean --alpha? `halfwave eval --help` shows all"
    ),
    ("eval", "--xyz", "relu", "1"): "no option '--xyz'; `halfwave eval --help` shows all",
    ("eval", "relu", "1", "x"): ("'x' is not a number; pass numbers, or one .npy file that exists"),
    ("eval", "relu", "1", "x.npy"): (
        "'x.npy' is not a number; pass numbers, or one .npy file that exists"
    ),
    ("eval", "relu", "x.npy", "y.npy"): (
        "'x.npy' is not a number; pass numbers, or one .npy file that exists"
    ),
    ("eval", "relu"): "Missing argument 'NUMBERS|FILE.npy'; see `halfwave eval --help`",
    ("eval",): "Missing argument 'NAME'; see `halfwave eval --help`",
    ("eval", "relu", "1", "-o"): "Option '-o' requires an argument",
    ("list", "--jsn"): (
        "No such option: --jsn (Possible options: --json); see `halfwave list --help`"
    ),
    ("show", "relu", "relu"): (
        "Got unexpected extra argument(s) (relu); see `halfwave show --help`"
    ),
    ("evl",): "No such command 'evl'. Did you mean 'eval'?; see `halfwave --help`",
    ("--xyz",): "No such option: --xyz; see `halfwave --help`",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(arguments):
    assert error_of(*arguments) == MISTAKES[arguments]


def test_a_parameter_that_is_no_number():
    message = error_of("eval", "leaky_relu", "1", "--alpha", "x")
    assert message.startswith("Invalid value for '--alpha'")
    assert message.endswith("see `halfwave eval --help`")


def test_a_mistake_in_two_lines_is_told_in_one():
    assert (
        error_of("show", "two\nlines") == r"no activation 'two\nlines'; `halfwave list` shows all"
    )
    assert error_of("eval", "relu", "two\nlines.npy").startswith("cannot read two lines.npy")


@pytest.mark.parametrize("package", ["typer", "rich"])
@pytest.mark.parametrize("arguments", [[], ["list"], ["--help"]], ids=str)
def test_without_the_packages_of_the_command(tmp_path, package, arguments):
    assert error_of(*arguments, **without(tmp_path, package)) == (
        "the halfwave command needs typer and rich: pip install 'halfwave[cli]'"
    )


def test_the_library_does_not_need_the_packages_of_the_command(tmp_path):
    blocked = without(tmp_path, "typer", "rich", "matplotlib", "sklearn")
    done = subprocess.run(
        [sys.executable, "-c", "import halfwave"], check=False, env=environment(**blocked)
    )
    assert done.returncode == 0


def test_a_mistake_of_ours_is_not_hidden():
    broken = "import halfwave.cli.output as output; output.print_json = lambda value: 1 / 0"
    done = halfwave("list", "--json", before=broken)
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
