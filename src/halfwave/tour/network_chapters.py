"""Chapters 4 and 6: the same network with ReLU and with Leaky ReLU."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from inspect import getsource

from halfwave import activations
from halfwave.tour.blocks import (
    Block,
    Code,
    Formula,
    Heading,
    Progress,
    Prose,
    Section,
    Table,
    Units,
    measured,
)
from halfwave.tour.lesson import Lesson
from halfwave.tour.network import CloseUp, Experiment, Layer, Setting
from halfwave.tour.programs import run

RELU, LEAKY_RELU = activations["relu"], activations["leaky_relu"]

SETTING = Setting()
ZERO_BIAS = replace(SETTING, bias=0.0)
LONG_STEPS = replace(ZERO_BIAS, learning_rate=4 * SETTING.learning_rate)
SETTINGS = (SETTING, ZERO_BIAS, LONG_STEPS)
OTHER_SEEDS = range(1, 6)


def why_that_matters(lesson: Lesson) -> Iterator[Block]:
    """Chapter 4: units of a network with ReLU that get no update."""
    yield Heading(4, "Why that matters: units that stop learning")
    yield from _layer()
    yield from _gradients()
    yield from _setting()
    relu = yield from lesson.train(RELU, SETTING)
    yield from measured(_units_of(relu))
    yield from measured(_close_up(relu))
    yield from _causes(lesson, relu)
    yield from _in_your_own()


def _layer() -> Iterator[Block]:
    yield Prose("A network is made of layers. Each one computes")
    yield Formula(r"y = f(Wx + b)", "y = f(Wx + b)")
    yield Prose("""
x is a column of numbers, the layer's input. W is a matrix with a row of weights for each **unit**
of the layer, b a column with a bias for each unit, and f is applied to every element. Ours reads
a picture of 8 × 8 pixels and says which digit it shows:
""")
    hidden = SETTING.hidden[0]
    yield Table(
        ("layer", "input x", "weights W", "bias b", "f", "output y"),
        (
            ("hidden", "64 pixels", f"{hidden} × 64", f"{hidden}", "ReLU", f"{hidden} numbers"),
            ("last", f"{hidden} numbers", f"10 × {hidden}", "10", "none", "10, one per digit"),
        ),
    )


def _gradients() -> Iterator[Block]:
    yield Section("How a layer learns")
    yield Prose("""
The loss L says how wrong the answers are. A layer is told g, the gradient of L by its output y.
The chain rule gives everything else:
""")
    yield Formula(r"d = g \odot f'(Wx + b)", "d = g ⊙ f′(Wx + b)      (⊙: element by element)")
    yield Formula(
        r"\frac{\partial L}{\partial W} = d\,x^T \qquad \frac{\partial L}{\partial b} = d "
        r"\qquad \frac{\partial L}{\partial x} = W^T d",
        "∂L/∂W = d xᵀ      ∂L/∂b = d      ∂L/∂x = Wᵀ d",
    )
    yield Prose("""
∂L/∂x is the g of the layer before. Over several pictures the gradients of W and b are added up.
A step then moves W and b against their gradients; the **learning rate** says how far. This is the
code that the tour runs, with one picture in each row of `x`. `vjp` returns y and a function, the
pullback, that makes d from g:
""")
    yield Code(getsource(Layer).strip())
    yield Prose("""
Now take a unit whose input, its element of Wx + b, is negative for every picture. There f′ is 0,
so its element of d is 0, its row of ∂L/∂W is 0, and the gradient of its bias is 0. No step changes
it. The next time, the same pictures give it the same negative inputs, and so on for ever.
""")


def _setting() -> Iterator[Block]:
    yield Section("Training it")
    yield Prose("""
The pictures are the handwritten digits that come with scikit-learn. The seed decides which of
them are held out for the test, the first weights, and the order of the pictures.
""")
    yield Table(
        ("setting", "value"),
        (
            ("hidden units", str(SETTING.hidden[0])),
            ("first bias of every hidden unit", f"{SETTING.bias:g}"),
            ("learning rate", f"{SETTING.learning_rate:g}"),
            ("pictures in a step", str(SETTING.batch)),
            ("epochs (times through all pictures)", str(SETTING.epochs)),
            ("seed", str(SETTING.seed)),
        ),
    )
    yield Prose(f"""
The first bias of {SETTING.bias:g} is there on purpose: it pushes the input of every unit down.
""")


def _units_of(experiment: Experiment) -> Iterator[Block]:
    setting, units = experiment.setting, experiment.units
    steps = len(experiment.batches())
    yield Section("Which units were updated")
    yield Prose(f"""
In the last epoch **{experiment.count_without_update} of the {units} hidden units got no update**
to their weights and bias: in each of the {steps} steps, every element of their gradient was
exactly 0. {_which(experiment)}
""")
    yield Units(f"units_{experiment.activation.name}", (_row(experiment),))
    yield Prose(f"""
After {setting.epochs} epochs the network recognises {_accuracy(experiment)} of the
{len(experiment.digits.held_out_labels)} pictures that it has not seen
({experiment.recognised} of them).
""")


def _close_up(experiment: Experiment) -> Iterator[Block]:
    if not experiment.count_without_update:
        return
    unit = experiment.without_update[0][0]
    seen = experiment.close_up(0, unit)
    pictures = len(experiment.digits.labels)
    yield Section(f"Unit {unit} from close up")
    yield Table(
        ("", "before the last epoch", "after it"),
        (
            ("bias", repr(seen.bias_before), repr(seen.bias_after)),
            ("first weight", *_both(seen, 0)),
            ("last weight", *_both(seen, -1)),
        ),
    )
    same = "not one bit changed" if seen.same_bits else "some changed"
    yield Prose(f"""
Of its {len(seen.weights_after)} weights and its bias, {same}. Its largest input over all
{pictures} training pictures is {seen.largest_input:.4g}.
""")


def _both(seen: CloseUp, weight: int) -> tuple[str, str]:
    return repr(float(seen.weights_before[weight])), repr(float(seen.weights_after[weight]))


def _causes(lesson: Lesson, relu: Experiment) -> Iterator[Block]:
    later = relu.count_without_update - relu.never_positive_at_first
    joined = f"{later} more" if later else "none"
    yield Section("Why they stopped")
    yield Prose(
        f"""
Before the first step, {relu.never_positive_at_first} of the {relu.units} units already had an
input of 0 or less for every training picture: their weights could not make up for a bias of
{relu.setting.bias:g}. During the training, {joined} joined them.

A learning rate that is too high leads to the same end. One step too long throws the weights of
a unit so far that its input is negative for every picture, and then no gradient brings it back.
To see both causes apart, the same network once more with a first bias of 0, then with steps four
times as long, too:
""",
        measured=True,
    )
    rows = []
    for setting in SETTINGS:
        experiment = yield from lesson.train(RELU, setting)
        rows.append((*_setting_cells(setting), *_result_cells(experiment)))
    yield Table(
        ("first bias", "learning rate", "units without update", "recognised"),
        tuple(rows),
        measured=True,
    )
    yield from measured(_if_all_stopped(experiment))


def _if_all_stopped(experiment: Experiment) -> Iterator[Block]:
    if experiment.count_without_update == experiment.units:
        yield Prose("""
In the last row every hidden unit has stopped. All of them give 0 for every training picture, so
the last layer says the same about each, and the network does no better than guessing.
""")


def _in_your_own() -> Iterator[Block]:
    yield Section("In a network of your own")
    yield Prose("""
The tour did not count any of this itself. `halfwave.health` does, in every network: a
`health.Stats` for each layer is told after each step what the units gave,
`stats.update(layer.y)`, and what gradients their weights and biases got,
`stats.backward(layer.dW, layer.db)`. This is its report of the training above:
""")
    yield from measured(
        run("""
import halfwave as hw
from halfwave.tour.network import Experiment

experiment = Experiment(hw.relu).run()
print(experiment.report)
""")
    )
    yield Prose("""
A unit is **silent** if it gave 0 for every picture, **not updated** if its gradient was 0 in every
step, and **dormant** if what it gave was next to nothing beside the others of its layer.

- `halfwave check --html check.html` trains this network and draws the report as a page, which
  also shows when each unit fell silent.
- In PyTorch, `health.watch(model)` goes around a training loop that stays as it is.
- Of scikit-learn's networks, `health.inspect(model, X)` gives the report.
""")


def the_same_network_with_leaky_relu(lesson: Lesson) -> Iterator[Block]:
    """Chapter 6: no unit without an update, and accuracy beside accuracy."""
    yield Heading(6, "The same network with Leaky ReLU")
    yield Prose("""
Only f changes. The seed is the same, so the split, the first weights and the order of the
pictures are the same, too.
""")
    relu = yield from lesson.train(RELU, SETTING)
    leaky = yield from lesson.train(LEAKY_RELU, SETTING)
    yield from measured(_side_by_side(relu, leaky))
    yield Prose("""
A negative input now has slope α, so d is α times g and not 0. It is a small gradient, but the
unit hears from every picture, and its weights and bias move.
""")
    yield from _all_settings(lesson)
    yield from measured(_other_seeds())


def _side_by_side(relu: Experiment, leaky: Experiment) -> Iterator[Block]:
    yield Prose(f"""
In the last epoch **{leaky.count_without_update} of the {leaky.units} hidden units got no update**;
with ReLU it was {relu.count_without_update}.
""")
    yield Units("units_relu_and_leaky_relu", (_row(relu), _row(leaky)))
    yield Table(
        ("", "units without update", "recognised"),
        tuple((e.activation.title, *_result_cells(e)) for e in (relu, leaky)),
    )
    yield Prose(f"""
Leaky ReLU recognises {leaky.recognised} of the {len(leaky.digits.held_out_labels)} held-out
pictures, {_compared(leaky.recognised, relu.recognised)} ReLU. With this seed, the
{relu.units - relu.count_without_update} units that still learn with ReLU are enough for
{_accuracy(relu)}. The other {relu.count_without_update} take part in every multiplication, and give
0 for every training picture.
""")


def _compared(ours: int, theirs: int) -> str:
    if ours == theirs:
        return "as many as"
    return f"{abs(ours - theirs)} {'more' if ours > theirs else 'fewer'} than"


def _all_settings(lesson: Lesson) -> Generator[Block, None, None]:
    yield Prose("And in the other two settings of chapter 4:")
    rows = []
    for setting in SETTINGS:
        relu = yield from lesson.train(RELU, setting)
        leaky = yield from lesson.train(LEAKY_RELU, setting)
        rows.append((*_setting_cells(setting), *_result_cells(relu), *_result_cells(leaky)))
    yield Table(
        ("first bias", "learning rate", *_columns("ReLU"), *_columns("Leaky ReLU")),
        tuple(rows),
        measured=True,
    )


def _other_seeds() -> Iterator[Block]:
    yield Section("Other seeds")
    yield Prose("""
Which units stop, and how many, depends on the first weights. Both networks once more, with other
seeds:
""")
    pairs = []
    for seed in OTHER_SEEDS:
        relu, leaky = (Experiment(f, replace(SETTING, seed=seed)).run() for f in (RELU, LEAKY_RELU))
        pairs.append((relu, leaky))
        yield Progress("ReLU and Leaky ReLU", len(pairs), len(OTHER_SEEDS), "seeds")
    yield Table(
        ("seed", *_columns("ReLU"), *_columns("Leaky ReLU")),
        tuple((str(r.setting.seed), *_result_cells(r), *_result_cells(k)) for r, k in pairs),
    )
    relu, leaky = max(pairs, key=lambda pair: pair[1].recognised - pair[0].recognised)
    yield Prose(f"""
The two are furthest apart with seed {relu.setting.seed}. There {_learning(relu)} with ReLU, and it
recognises {_accuracy(relu)} of the held-out pictures; with Leaky ReLU {_learning(leaky)}, and it
recognises {_accuracy(leaky)}.
""")


def _learning(experiment: Experiment) -> str:
    return f"{experiment.units - experiment.count_without_update} of {experiment.units} units learn"


def _which(experiment: Experiment) -> str:
    units = experiment.without_update[0]
    return f"They are the units {', '.join(map(str, units))}." if units else ""


def _row(experiment: Experiment) -> tuple[str, tuple[bool, ...]]:
    layers = zip(experiment.setting.hidden, experiment.without_update, strict=True)
    updated = (unit not in stopped for units, stopped in layers for unit in range(units))
    return experiment.activation.title, tuple(updated)


def _accuracy(experiment: Experiment) -> str:
    return f"{100 * experiment.accuracy:.1f} %"


def _setting_cells(setting: Setting) -> tuple[str, str]:
    return f"{setting.bias:g}", f"{setting.learning_rate:g}"


def _columns(title: str) -> tuple[str, str]:
    return f"{title}: without update", f"{title}: recognised"


def _result_cells(experiment: Experiment) -> tuple[str, str]:
    return f"{experiment.count_without_update} of {experiment.units}", _accuracy(experiment)
