"""The network's gradients, its counter of units without an update, and its repeatability."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

import halfwave as hw
from halfwave import health
from halfwave.tour.network import Experiment, Layer, Network, Setting, cross_entropy

SMALL = Setting(hidden=(7, 5), bias=0.1, epochs=2, batch=16)


@pytest.fixture(scope="module")
def relu() -> Experiment:
    return Experiment(hw.relu).run()


@pytest.fixture(scope="module")
def leaky() -> Experiment:
    return Experiment(hw.leaky_relu).run()


def fingerprint(experiment: Experiment) -> str:
    parts = [array.tobytes() for layer in experiment.network.layers for array in (layer.W, layer.b)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.parametrize("f", [hw.relu, hw.leaky_relu])
def test_gradients_agree_with_finite_differences(f):
    rng = np.random.default_rng(0)
    network = Network(f.vjp, 6, SMALL, rng)
    x, labels, h = rng.normal(size=(9, 6)), rng.integers(0, 10, 9), 1e-6
    _, g = cross_entropy(network.forward(x), labels)
    network.backward(g)
    gradients = [(layer.dW.copy(), layer.db.copy()) for layer in network.layers]

    def slope(array, index):
        kept, losses = array[index], []
        for step in (h, -h):
            array[index] = kept + step
            losses.append(cross_entropy(network.forward(x), labels)[0])
        array[index] = kept
        return (losses[0] - losses[1]) / (2 * h)

    for layer, (dW, db) in zip(network.layers, gradients, strict=True):
        for array, gradient in ((layer.W, dW), (layer.b, db)):
            measured = [slope(array, index) for index in np.ndindex(array.shape)]
            np.testing.assert_allclose(gradient.ravel(), measured, rtol=1e-5, atol=1e-8)


def test_gradient_check_notices_a_wrong_gradient():
    """The meta-test: the check above tells f′ of ReLU from f′ of Leaky ReLU."""

    def wrong(z):
        return hw.relu(z), hw.leaky_relu.vjp(z, 0.5)[1]

    rng = np.random.default_rng(0)
    network = Network(wrong, 6, SMALL, rng)
    x, labels, h = rng.normal(size=(9, 6)), rng.integers(0, 10, 9), 1e-6
    loss, g = cross_entropy(network.forward(x), labels)
    network.backward(g)
    db, b = network.hidden[0].db.copy(), network.hidden[0].b
    measured = []
    for unit in range(len(b)):
        b[unit] += h
        measured.append((cross_entropy(network.forward(x), labels)[0] - loss) / h)
        b[unit] -= h
    assert not np.allclose(db, measured, rtol=1e-3, atol=1e-6)


def layer_after(W, b, x, f=hw.relu):
    layer = Layer(np.array(W, float), np.array(b, float), f.vjp)
    y = layer.forward(np.array(x, float))
    layer.backward(np.ones_like(y))
    return layer


def updated(layer, f=hw.relu):
    """What the tool says of the layer's units when it is told what the tour tells it."""
    stats = health.Stats(f)
    stats.update(layer.y)
    stats.backward(layer.dW, layer.db)
    return stats.layer("hidden").updated.tolist()


def test_counter_finds_a_planted_dead_unit_and_a_planted_living_one():
    x = [[1, 2], [3, 4]]
    layer = layer_after([[-1, -1], [1, 1]], [0, 0], x)
    assert updated(layer) == [False, True]


def test_counter_sees_a_bias_that_moves_while_every_weight_stays():
    """Pictures that are black all over leave the weights alone, but not the bias."""
    layer = layer_after([[1, 1]], [1], [[0, 0]])
    assert layer.dW.tolist() == [[0, 0]]
    assert updated(layer) == [True]


def test_counter_sees_a_gradient_too_small_to_change_a_weight():
    """Gradients are counted, not differences: w − 0.5 · 1e-300 is w."""
    layer = Layer(np.ones((1, 1)), np.ones(1), hw.relu.vjp)
    layer.backward(np.full_like(layer.forward(np.ones((1, 1))), 1e-300))
    layer.step(0.5)
    assert layer.W[0, 0] == 1
    assert updated(layer) == [True]


def planted(f, bias: float) -> Experiment:
    """A trained network, one of whose units begins with another bias."""
    experiment = Experiment(f, Setting(bias=0.5, learning_rate=0.05, epochs=2))
    experiment.network.hidden[0].b[3] = bias
    return experiment.run()


def test_training_counts_a_planted_dead_unit():
    assert planted(hw.relu, -1e3).without_update == [[3]]


def test_training_counts_no_planted_living_unit():
    assert planted(hw.relu, 0.5).without_update == [[]]


def test_training_counts_no_unit_that_leaks():
    assert planted(hw.leaky_relu, -1e3).without_update == [[]]


def test_one_update_in_the_last_epoch_is_enough():
    """A unit that one picture alone wakes is not counted."""
    experiment = Experiment(hw.relu, Setting(bias=0.5, learning_rate=1e-6, epochs=1))
    z = experiment.network.hidden_inputs(experiment.digits.images)[0][:, 3]
    two_largest = np.sort(z)[-2:]
    experiment.network.hidden[0].b[3] -= two_largest.mean()
    assert experiment.run().without_update == [[]]
    inputs = experiment.network.hidden_inputs(experiment.digits.images)[0][:, 3]
    assert (inputs > 0).sum() == 1


def test_with_relu_a_good_part_of_the_units_stops(relu):
    assert 0.2 <= relu.count_without_update / relu.units <= 0.7
    assert relu.accuracy > 0.9


def test_with_leaky_relu_none_stops(leaky, relu):
    assert leaky.without_update == [[]]
    assert leaky.accuracy > 0.9
    assert leaky.digits.images.tobytes() == relu.digits.images.tobytes()


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_seeds_show_the_same(seed):
    relu, leaky = (Experiment(f, Setting(seed=seed)).run() for f in (hw.relu, hw.leaky_relu))
    assert 0.2 <= relu.count_without_update / relu.units <= 0.75
    assert leaky.count_without_update == 0
    assert relu.accuracy > 0.7
    assert leaky.accuracy > 0.9


def test_a_unit_without_update_keeps_every_bit(relu):
    for unit in relu.without_update[0]:
        seen = relu.close_up(0, unit)
        assert seen.same_bits
        assert seen.largest_input < 0


def test_a_unit_with_updates_does_not_keep_every_bit(relu):
    living = set(range(relu.units)) - set(relu.without_update[0])
    assert not any(relu.close_up(0, unit).same_bits for unit in living)


def test_same_bits_tells_the_two_zeros_apart(relu):
    from dataclasses import replace

    seen = replace(relu.close_up(0, 0), bias_before=0.0, bias_after=0.0)
    assert not replace(seen, bias_after=-0.0).same_bits


def test_the_same_seed_gives_the_same_bits_again_and_in_another_process(relu):
    again = Experiment(hw.relu).run()
    assert fingerprint(again) == fingerprint(relu)
    assert again.last.loss == relu.last.loss
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import halfwave as hw;"
        "from test_network import Experiment, fingerprint;"
        "print(fingerprint(Experiment(hw.relu).run()))"
    )
    command = [sys.executable, "-c", code, __file__.rpartition("/")[0]]
    other = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert other.strip() == fingerprint(relu)


def test_another_seed_gives_other_bits(relu):
    assert fingerprint(Experiment(hw.relu, Setting(seed=1)).run()) != fingerprint(relu)


def test_training_and_held_out_images_are_disjoint_and_complete(relu):
    digits = relu.digits
    assert (len(digits.images), len(digits.held_out_images)) == (1347, 450)
    everything = np.concatenate([digits.images, digits.held_out_images])
    from sklearn.datasets import load_digits

    order = np.lexsort(everything.T)
    expected = load_digits().data / 16
    np.testing.assert_array_equal(everything[order], expected[np.lexsort(expected.T)])


def test_two_hidden_layers_are_counted_one_by_one():
    experiment = Experiment(hw.relu, Setting(hidden=(12, 6), bias=-1.0, epochs=1)).run()
    assert len(experiment.without_update) == 2
    assert experiment.count_without_update == sum(map(len, experiment.without_update))


# The reports --------------------------------------------------------------------------------------


def watched(experiment: Experiment) -> tuple[list, list]:
    """Train, and look at every step from outside: what fired, and what had a gradient."""
    fired, passed, step = [], [], experiment.network.step

    def seen(images, *others):
        inputs = experiment.network.hidden_inputs(images)
        loss = step(images, *others)
        fired.append([(z > 0).sum(axis=0) for z in inputs])
        hidden = experiment.network.hidden
        passed.append([(layer.dW != 0).any(axis=1) | (layer.db != 0) for layer in hidden])
        return loss

    experiment.network.step = seen
    experiment.run()
    return fired, passed


def test_the_reports_are_those_of_a_direct_count():
    experiment = Experiment(hw.relu, Setting(hidden=(12, 6), bias=-0.5, epochs=3))
    fired, passed = watched(experiment)
    assert list(experiment.report) == list(experiment.last.report) == ["hidden 1", "hidden 2"]
    steps = len(fired) // 3
    for report, since in ((experiment.report, 0), (experiment.last.report, -steps)):
        for layer, by_step, gradients in zip(
            report.layers.values(), zip(*fired[since:]), zip(*passed[since:]), strict=True
        ):
            assert layer.steps == len(by_step)
            assert layer.samples == len(by_step) // steps * len(experiment.digits.images)
            assert layer.fired.tolist() == np.sum(by_step, axis=0).tolist()
            assert layer.updated.tolist() == np.any(gradients, axis=0).tolist()


def test_the_unit_without_update_is_that_of_the_report(relu):
    (layer,) = relu.last.report.layers.values()
    assert np.flatnonzero(layer.not_updated).tolist() == relu.without_update[0]
    assert set(relu.without_update[0]) <= set(np.flatnonzero(layer.silent).tolist())


def test_a_unit_that_leaks_is_never_silent(leaky):
    assert leaky.report.count("silent") == leaky.report.count("not_updated") == 0


def test_the_report_says_when_a_unit_went_silent():
    experiment = Experiment(hw.relu, Setting(bias=0.5, learning_rate=0.05, epochs=4))
    for epoch in experiment.epochs():
        if epoch.number == 2:
            experiment.network.hidden[0].b[3] = -1e3
    whole, last = experiment.report["hidden 1"], experiment.last.report["hidden 1"]
    assert not whole.silent[3]
    assert whole.silent_since[3] == 2 * len(experiment.digits.images)
    assert np.flatnonzero(last.silent).tolist() == [3]
    assert experiment.without_update == [[3]]


def test_the_history_has_windows_of_like_length(relu):
    """Epochs' histories, one after the other, are one history; its last window may be short."""
    samples = relu.report["hidden 1"].history.samples
    assert samples.sum() == 100 * len(relu.digits.images)
    assert len(samples) > 16
    assert samples[:-1].max() < 4 * samples[:-1].min()


def test_before_the_first_epoch_the_report_is_empty():
    assert len(Experiment(hw.relu).report) == 0
