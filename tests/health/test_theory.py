"""How often the layers of random networks are dead is what theory says.

A layer without biases, whose weights are symmetric about 0, is given something that is not all 0. Each
of its N units then fires with probability 1/2, whatever the others do: so the layer is dead with
probability 2^-N, and after it every layer is. A network with layers of N_1, N_2, ... units is born dead
on a given input with probability 1 - (1 - 2^-N_1)(1 - 2^-N_2)... (L. Lu, Y. Shin, Y. Su and G. E.
Karniadakis, Dying ReLU and initialization: theory and numerical examples, Communications in
Computational Physics 28 (2020)), and no weight of it gets a gradient.

Two inputs at an angle of t: a unit with Gaussian weights is silent on both with probability
(pi - t) / 2 pi (W. F. Sheppard, 1899), the arc-cosine kernel of degree 0 of Y. Cho and L. Saul (2009).
On n inputs that are symmetric about 0 and independent, it is silent on all with probability 2^-n.

A frequency passes where it lies between the quantiles of the binomial distribution that leave out one
in 100,000 on both sides together. The random numbers are the same every time.
"""

import math
from itertools import pairwise

import numpy as np
import pytest

from halfwave import health

LEFT_OUT = 1e-5
WIDTHS = (3, 2, 4, 3)
INPUTS = 5
NETWORKS = 4000


def binomial(trials, probability):
    """The probability of each number of successes."""
    if probability in (0, 1):
        return np.eye(trials + 1)[trials if probability else 0]
    successes = np.arange(trials + 1)
    log_factorials = np.cumsum(np.log(np.maximum(successes, 1)))
    ways = log_factorials[-1] - log_factorials - log_factorials[::-1]
    logs = successes * math.log(probability) + successes[::-1] * math.log1p(-probability)
    return np.exp(ways + logs)


def assert_probable(count, trials, probability):
    below = np.cumsum(binomial(trials, probability))
    low, high = np.searchsorted(below, [LEFT_OUT / 2, 1 - LEFT_OUT / 2])
    assert low <= count <= high, f"{count} of {trials}, and {low} to {high} were expected"


def silent_by_stats(weights, inputs):
    """Which units of each layer `Stats` calls silent on the inputs."""
    h, silent = inputs, []
    for matrix in weights:
        h = np.maximum(h @ matrix.T, 0)
        stats = health.Stats("relu")
        stats.update(h, training=False)
        silent.append(stats.layer("hidden").silent)
    return silent


def random_weights(random, shift=0.0):
    sizes = (INPUTS, *WIDTHS)
    return [random.normal(shift, 1, (n, m)) for m, n in pairwise(sizes)]


def layers_alive(networks):
    """For each network, whether each layer has a unit that is not silent."""
    return np.array([[not units.all() for units in silent] for silent in networks])


def assert_born_dead_as_theory_says(networks):
    alive = layers_alive(networks)
    before = np.ones(len(alive), bool)
    survival = 1.0
    for layer, width in zip(alive.T, WIDTHS, strict=True):
        assert not layer[~before].any()
        assert_probable(int((before & ~layer).sum()), int(before.sum()), 2.0**-width)
        survival *= 1 - 2.0**-width
        assert_probable(int((~layer).sum()), len(alive), 1 - survival)
        before = layer


@pytest.fixture(scope="module")
def counted():
    """What `Stats` says of a few thousand networks, each on one input of its own."""
    random = np.random.default_rng(20)
    return [
        silent_by_stats(random_weights(random), random.uniform(1, 2, (1, INPUTS)))
        for _ in range(NETWORKS)
    ]


def test_layers_are_born_dead_as_often_as_theory_says(counted):
    assert_born_dead_as_theory_says(counted)


@pytest.mark.parametrize("layer", range(len(WIDTHS)))
def test_units_after_a_living_layer_are_silent_half_of_the_time(counted, layer):
    alive = layers_alive(counted)
    before = alive[:, layer - 1] if layer else np.ones(len(alive), bool)
    silent = np.array([silent[layer] for silent in counted])[before]
    assert_probable(int(silent.sum()), silent.size, 0.5)
    by_number = np.bincount(silent.sum(1), minlength=WIDTHS[layer] + 1)
    for number, networks in enumerate(by_number):
        assert_probable(int(networks), len(silent), binomial(WIDTHS[layer], 0.5)[number])


def test_weights_that_are_not_symmetric_are_noticed():
    random = np.random.default_rng(20)
    networks = [
        silent_by_stats(random_weights(random, shift=0.1), random.uniform(1, 2, (1, INPUTS)))
        for _ in range(NETWORKS)
    ]
    with pytest.raises(AssertionError, match="were expected"):
        assert_born_dead_as_theory_says(networks)


def test_a_detector_that_misses_one_dead_layer_in_four_is_noticed(counted):
    missed = list(counted)
    dead = [k for k, silent in enumerate(counted) if silent[0].all()]
    for k in dead[::4]:
        missed[k] = [np.zeros(width, bool) for width in WIDTHS]
    with pytest.raises(AssertionError, match="were expected"):
        assert_born_dead_as_theory_says(missed)


@pytest.mark.parametrize("angle", [0.0, 0.5, math.pi / 2, 2.5, math.pi])
def test_on_two_inputs_units_are_silent_as_often_as_their_angle_says(angle):
    inputs = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    weights = np.random.default_rng(21).normal(size=(NETWORKS, 2))
    (silent,) = silent_by_stats([weights], 3 * inputs)
    assert_probable(int(silent.sum()), NETWORKS, (math.pi - angle) / (2 * math.pi))


@pytest.mark.parametrize("samples", range(1, 9))
def test_on_symmetric_inputs_units_are_silent_on_all_as_often_as_a_coin_falls(samples):
    """Each unit has inputs of its own, so that units are independent."""
    random = np.random.default_rng(22)
    before = np.einsum(
        "sui,ui->su", random.normal(size=(samples, NETWORKS, 3)), np.ones((NETWORKS, 3))
    )
    stats = health.Stats("relu")
    stats.update(np.maximum(before, 0), training=False)
    layer = stats.layer("hidden")
    assert_probable(int(layer.silent.sum()), NETWORKS, 0.5**samples)
    assert_probable(int(layer.fired.sum()), NETWORKS * samples, 0.5)


def test_the_bound_holds_in_19_of_20_cases():
    """A unit that fires as rarely as the bound says is silent on n samples with probability 1/20."""
    random, samples = np.random.default_rng(23), 40
    stats = health.Stats("relu")
    stats.update(np.zeros((samples, 1)), training=False)
    bound = stats.layer("hidden").bound
    stats = health.Stats("relu")
    stats.update((random.random((samples, NETWORKS)) < bound) * 1.0, training=False)
    assert_probable(int(stats.layer("hidden").silent.sum()), NETWORKS, 0.05)


@pytest.mark.parametrize(("trials", "probability"), [(5, 0.25), (40, 0.5), (7, 0.0), (3, 1.0)])
def test_the_binomial_distribution_is_the_binomial_distribution(trials, probability):
    expected = [
        math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k)
        for k in range(trials + 1)
    ]
    np.testing.assert_allclose(binomial(trials, probability), expected, rtol=1e-12)


# PyTorch


@pytest.fixture(scope="module")
def trained():
    """What is said of networks of PyTorch after a step, and what `Stats` says of the same."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(24)
    sizes = (INPUTS, *WIDTHS)
    by_watch, by_stats, updated = [], [], []
    for _ in range(NETWORKS // 4):
        linear = [torch.nn.Linear(m, n, bias=False) for m, n in pairwise(sizes)]
        layers = [module for layer in linear for module in (layer, torch.nn.ReLU())]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1, bias=False))
        x = torch.rand(1, INPUTS) + 1
        with health.watch(model) as watch:
            model(x).sum().backward()
        reports = list(watch.report().layers.values())
        by_watch.append([layer.silent for layer in reports])
        updated.append([~layer.not_updated for layer in reports])
        weights = [layer.weight.detach().numpy() for layer in linear]
        by_stats.append(silent_by_stats(weights, x.numpy()))
    return by_watch, by_stats, updated


def test_networks_of_pytorch_are_born_dead_as_often_as_theory_says(trained):
    by_watch, _, _ = trained
    assert_born_dead_as_theory_says(by_watch)


def test_a_watch_and_stats_say_the_same_of_each_network(trained):
    by_watch, by_stats, _ = trained
    for watched, counted in zip(by_watch, by_stats, strict=True):
        for ours, theirs in zip(watched, counted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_no_unit_of_a_network_that_is_born_dead_is_updated(trained):
    by_watch, _, updated = trained
    alive = layers_alive(by_watch).all(1)
    assert 0 < alive.sum() < len(alive)
    for network, lives in zip(updated, alive, strict=True):
        assert any(units.any() for units in network) == lives


def test_in_the_last_layer_the_units_that_fire_are_those_that_are_updated(trained):
    by_watch, _, updated = trained
    for silent, moved in zip(by_watch, updated, strict=True):
        np.testing.assert_array_equal(moved[-1], ~silent[-1])


def test_units_that_fire_are_updated_where_a_unit_fires_in_each_layer_after_them(trained):
    """With weights that are not 0, the gradient passes: all paths would have to cancel."""
    by_watch, _, updated = trained
    for silent, moved in zip(by_watch, updated, strict=True):
        if all(not units.all() for units in silent):
            for ours, theirs in zip(moved, silent, strict=True):
                np.testing.assert_array_equal(ours, ~theirs)
