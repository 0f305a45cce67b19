"""Help, encodings, colours, pipes, and activations that nobody has told the command of."""

import os
import re
import subprocess
import sys

import pytest
from command import command, environment, error_of, halfwave, on_terminal, output_of

import halfwave as hw

COMMANDS = ["tour", "eval", "plot", "list", "show", "bench", "verify", "check"]
CALLS = [["list"], ["show", "leaky_relu"], ["eval", "leaky_relu", "-3"], ["--help"]]
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-9]")


# Help -------------------------------------------------------------------------------------------


def test_alone_it_shows_the_help():
    assert output_of() == output_of("--help")
    listed = output_of().partition("Commands:")[2]
    assert re.findall(r"^  (\w+)  ", listed, re.MULTILINE) == COMMANDS


def test_version():
    assert output_of("--version") == f"halfwave {hw.__version__}\n"


def test_the_help_names_the_completion_for_shells():
    assert "--install-completion" in output_of("--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_and_an_example_that_works(name, tmp_path):
    shown = output_of(name, "--help")
    assert max(map(len, shown.splitlines())) <= 80
    example = shown.partition("Example: halfwave ")[2].split()
    assert example[0] == name
    if name not in ("tour", "bench"):  # they take their time, and have tests of their own
        assert output_of(*example, cwd=tmp_path)


@pytest.mark.parametrize("name", ["tour", "eval", "list", "show"])
def test_help_on_a_narrow_terminal(name):
    assert max(map(len, output_of(name, "--help", COLUMNS="40").splitlines())) <= 40


def test_names_complete_in_the_shell():
    asked = {
        "_HALFWAVE_COMPLETE": "complete_bash",
        "COMP_WORDS": "halfwave show rel",
        "COMP_CWORD": "2",
    }
    assert output_of(**asked).split() == [name for name in hw.activations if name.startswith("rel")]


# Where the output goes --------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", CALLS, ids=str)
def test_no_escape_codes_in_a_pipe(arguments):
    assert "\x1b" not in output_of(*arguments)


@pytest.mark.parametrize("arguments", CALLS, ids=str)
def test_no_colours_on_request(arguments):
    assert not COLOUR.search(on_terminal(*arguments, NO_COLOR="1").text)


def test_a_terminal_gets_bold_heads():
    assert "\x1b[1m" in on_terminal("list").text
    assert "\x1b" not in on_terminal("list", TERM="dumb").text


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.mark.parametrize("changes", ENCODINGS, ids=str)
def test_no_encoding_is_too_poor(changes):
    assert "x)" in output_of("show", "leaky_relu", **changes)
    assert on_terminal("eval", "leaky_relu", "-3", **changes).status == 0


@pytest.mark.parametrize("arguments", CALLS, ids=str)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(arguments, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        command(*arguments),
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED=unbuffered),
    ) as process:
        os.close(writing)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (1, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a full device")
@pytest.mark.parametrize("arguments", CALLS, ids=str)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written(arguments, unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*arguments),
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(PYTHONUNBUFFERED=unbuffered),
        )
    assert done.returncode == 2
    assert done.stderr == (
        b"error: cannot use standard output: No space left on device; choose another place\n"
    )


def test_python_dash_m_and_the_script_are_the_same():
    script = os.path.join(os.path.dirname(sys.executable), "halfwave")
    if not os.path.exists(script):
        pytest.skip("the script is not installed")
    done = subprocess.run([script, "list"], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == output_of("list")


def test_light_commands_import_nothing_heavy():
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    heavy = {"matplotlib", "sklearn", "scipy", "plotext", "rich.console", "halfwave.tour"}
    for arguments in (["list"], ["eval", "relu", "1"]):
        assert not heavy & set(halfwave(*arguments, before=tell).stderr.split())


# A third activation -------------------------------------------------------------------------------

THIRD = """
import halfwave
from types import SimpleNamespace
from halfwave import Parameter

class Operation:
    def __init__(self, name, function):
        self.__name__ = name.rpartition(".")[2]
        self.__qualname__ = name
        self.function = function

    def __call__(self, x, theta_low=1.0):
        return self.function(x, theta_low)

third = Operation("threshold", lambda x, theta_low: x if x > theta_low else theta_low)
third.derivative = Operation("threshold.derivative", lambda x, theta_low: float(x > theta_low))
third.name, third.formula_text = "threshold", "max(θ, x)"
third.parameters = {
    "theta_low": Parameter("theta_low", 1.0, "Where it starts.", "θ", aliases=("bend",))
}
halfwave.activations = {**halfwave.activations, "threshold": third}
"""


def test_a_third_activation_needs_no_edit():
    assert "--theta-low <float>" in output_of("eval", "--help", before=THIRD)
    assert "Where it starts (threshold: 1.0)." in output_of("plot", "--help", before=THIRD)
    assert "threshold(x, theta_low=1.0)" in output_of("list", before=THIRD)
    evaluate = ("eval", "threshold", "-5", "1.5")
    assert output_of(*evaluate, before=THIRD) == "1.0\n1.5\n"
    assert output_of(*evaluate, "--theta-low", "-2", before=THIRD) == "-2.0\n1.5\n"
    assert output_of(*evaluate, "--derivative", before=THIRD) == "0.0\n1.0\n"


def test_each_activation_says_what_it_takes():
    assert error_of("eval", "leaky_relu", "1", "--theta-low", "2", before=THIRD) == (
        "leaky_relu takes --alpha; leave out --theta-low"
    )
    assert error_of("eval", "threshold", "1", "--alpha", "2", before=THIRD) == (
        "threshold takes --theta-low; leave out --alpha"
    )
    assert error_of("eval", "threshold", "1", "--bend", "2", before=THIRD) == (
        "no option '--bend'; did you mean --theta-low? `halfwave eval --help` shows all"
    )


def test_the_commands_name_no_activation_and_no_parameter():
    folder = os.path.join(os.path.dirname(hw.__file__), "cli")
    names = {*hw.activations, *(name for f in hw.activations.values() for name in f.parameters)}
    modules = [name for name in os.listdir(folder) if name.endswith(".py")]
    assert modules
    for module in modules:
        with open(os.path.join(folder, module), encoding="utf-8") as file:
            code = re.sub(r'"""[\s\S]*?"""|#.*|epilog="[^"]*"', "", file.read())
        # As a text or an option: `lower` and `offset` are words of other things, too.
        assert not names & set(re.findall(r"""["'](?:--)?(\w+)["']""", code)), module
