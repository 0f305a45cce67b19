"""The drawing of activations."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import halfwave as hw
from halfwave.facts import Kink
from halfwave.plot import COLOURS, Curve, plot

mpl.use("agg")


@pytest.fixture
def ax():
    return Figure().subplots()


def lines(ax):
    """The drawn lines by their labels, without the axes through the origin and the circles."""
    return {line.get_label(): line for line in ax.get_lines() if line.get_linestyle() != "None"}


def circles(ax):
    """Where the circles are, and whether they are filled."""
    return {
        (float(x), float(y)): circle.get_markerfacecolor() == circle.get_color()
        for circle in ax.get_lines()
        if circle.get_marker() == "o"
        for x, y in zip(*circle.get_data(), strict=True)
    }


def test_function_and_derivative_are_drawn_with_title_and_labels(ax):
    assert plot([hw.relu], ax) is ax
    assert ax.get_title() == "ReLU"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "f(x) and f′(x)")
    assert {"ReLU", "derivative of ReLU"} <= set(lines(ax))
    x, y = lines(ax)["ReLU"].get_data()
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    assert 0.0 in x


def test_derivative_is_not_joined_across_its_jump(ax):
    plot([hw.relu], ax)
    pieces = [line.get_data() for line in ax.get_lines() if len(line.get_xdata()) > 2][1:]
    assert [(x[0], x[-1]) for x, _ in pieces] == [(-5, 0), (0, 5)]
    assert [set(y) for _, y in pieces] == [{0.0}, {1.0}]


def test_kink_has_a_filled_circle_at_the_declared_slope_and_an_open_one_elsewhere(ax):
    plot([hw.relu], ax)
    assert circles(ax) == {(0, 0): True, (0, 1): False}


def test_declared_slope_between_the_sides_leaves_both_open():
    class Middle:
        title, parameters = "Middle", {}
        kinks = (Kink(at=0.0, left=0.0, right=1.0, slope=0.5),)
        derivative = staticmethod(hw.relu.derivative)

        def __call__(self, x):
            return hw.relu(x)

    ax = Figure().subplots()
    plot([Middle()], ax)
    assert circles(ax) == {(0, 0): False, (0, 1): False, (0, 0.5): True}


def test_parameters_go_to_those_that_take_them(ax):
    plot([hw.relu, hw.leaky_relu], ax, alpha=0.25)
    drawn = lines(ax)
    assert "ReLU" in drawn
    x, y = drawn["Leaky ReLU (α = 0.25)"].get_data()
    np.testing.assert_array_equal(y, np.where(x < 0, 0.25 * x, x))
    assert circles(ax) == {(0, 0): True, (0, 1): False, (0, 0.25): True}


def test_lines_differ_in_style_and_colour(ax):
    plot([hw.relu, hw.leaky_relu], ax)
    labelled = [line for label, line in lines(ax).items() if not label.startswith("_")]
    assert [line.get_linestyle() for line in labelled] == ["-", "--", "-.", ":"]
    assert [line.get_color() for line in labelled] == [COLOURS[0]] * 2 + [COLOURS[1]] * 2


def test_derivative_can_be_left_out(ax):
    plot([hw.relu], ax, derivative=False)
    assert circles(ax) == {}
    assert ax.get_ylabel() == "f(x)"


def test_xlim_is_kept(ax):
    plot([hw.leaky_relu], ax, xlim=(1, 3))
    assert circles(ax) == {}
    x, _ = lines(ax)["Leaky ReLU (α = 0.01)"].get_data()
    assert (x[0], x[-1]) == (1, 3)


def test_every_kink_is_seen():
    class Far:
        title, parameters = "Far", {}
        kinks = (Kink(at=6.0, left=1.0, right=0.0, slope=0.0),)
        derivative = staticmethod(hw.relu.derivative)

    assert Curve(Far(), {}).limits() == (-5, 8)


def test_the_line_is_broken_where_the_function_jumps():
    class Step:
        title, parameters = "Step", {}
        kinks = (Kink(at=1.0, left=0.0, right=0.0, slope=0.0, jump=True),)

        def __call__(self, x):
            return np.where(x > 1, 1.0, 0.0)

    x, y = Curve(Step(), {}).value(-5.0, 5.0)
    (gap,) = np.flatnonzero(np.isnan(y))
    assert x[gap] == 1.0
    assert not y[:gap].any()
    assert y[gap + 1 :].all()


def test_method_of_the_activation_draws_on_the_current_axes():
    figure, ax = pyplot.subplots()
    assert hw.leaky_relu.plot(alpha=0.5) is ax
    assert "Leaky ReLU (α = 0.5)" in lines(ax)
    pyplot.close(figure)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([hw.relu], {"alpha": 1}), TypeError, r"plot\(\) has no alpha=; ReLU takes no parameters"),
        (([hw.relu, hw.leaky_relu], {"slope": 1}), TypeError, "ReLU, Leaky ReLU takes alpha"),
        (([hw.leaky_relu], {"alpha": [1, 2]}), TypeError, "alpha is a list; .* pass a number"),
        (([], {}), ValueError, "nothing to plot; pass at least one activation"),
        (([hw.relu], {"xlim": (3, 1)}), ValueError, "pass two finite numbers, the smaller one"),
        (([hw.relu], {"xlim": (0, np.inf)}), ValueError, "pass two finite numbers"),
    ],
)
def test_mistakes_are_refused_with_what_to_do(ax, arguments, error, message):
    activations, options = arguments
    with pytest.raises(error, match=message):
        plot(activations, ax, **options)
    assert ax.get_lines()[:] == []


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None; import halfwave as hw\n"
        "try: hw.relu.plot()\nexcept ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip().endswith("install it with: pip install 'halfwave[plot]'")


def test_plot_module_does_not_import_matplotlib():
    code = "import sys, halfwave.plot; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
