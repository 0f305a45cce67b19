"""Faults are planted in units that are known: each is found, and no other is reported."""

import ml_dtypes
import numpy as np
import pytest

from halfwave import health

RELU6 = health.Rectifier("relu6", ceiling=6.0)
N = 135
BATCHES = (64, 128)  # the last one is smaller
UNITS = {
    # unit: the verdicts that it has to get, and no other
    "healthy": set(),
    "silent": {"silent", "dormant"},
    "fires_once_at_the_end": {"dormant"},
    "dormant": {"dormant"},
    "constant": {"constant", "always_on"},
    "saturated": {"saturated", "constant"},
    "often_saturated": set(),
    "always_on": {"always_on"},
    "always_on_but_once": set(),
    "silent_but_for_nan": {"nonfinite", "dormant"},
    "saturated_but_for_inf": {"nonfinite"},
    "constant_but_for_nan": {"nonfinite"},
    "nothing_but_nan": {"nonfinite"},
}
VERDICTS = ["silent", "always_on", "saturated", "constant", "nonfinite", "dormant"]


def planted(n=N):
    """(n, units): outputs of a layer of relu6, a column for each unit of UNITS."""
    rng = np.random.default_rng(7)
    half = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0.5, 5.5, n))
    columns = {
        "healthy": half,
        "silent": np.zeros(n),
        "fires_once_at_the_end": at(n - 1, 4.0, np.zeros(n)),
        "dormant": half / 256,
        "constant": np.full(n, 2.5),
        "saturated": np.full(n, 6.0),
        "often_saturated": np.where(rng.random(n) < 0.5, 6.0, rng.uniform(0.5, 5.5, n)),
        "always_on": rng.uniform(0.5, 5.5, n),
        "always_on_but_once": at(n - 1, 0.0, rng.uniform(0.5, 5.5, n)),
        "silent_but_for_nan": at(n // 2, np.nan, np.zeros(n)),
        "saturated_but_for_inf": at(3, np.inf, np.full(n, 6.0)),
        "constant_but_for_nan": at(0, np.nan, np.full(n, 1.0)),
        "nothing_but_nan": np.full(n, np.nan),
    }
    return np.stack([columns[unit] for unit in UNITS], axis=1)


def at(place, value, column):
    column[place] = value
    return column


def found(layer, verdicts=VERDICTS, units=UNITS):
    """For each unit the verdicts that it got."""
    masks = {v: layer.dormant() if v == "dormant" else getattr(layer, v) for v in verdicts}
    return {
        unit: {verdict for verdict, mask in masks.items() if mask[i]}
        for i, unit in enumerate(units)
    }


def counted(outputs, rectifier=RELU6, batches=BATCHES, **options):
    stats = health.Stats(rectifier)
    for batch in np.split(outputs, batches):
        stats.update(batch, **options)
    return stats.layer("hidden")


def channels(axis):
    """Each unit a channel whose values lie at the four positions of a sample."""
    rows = planted(4 * N).reshape(N, 2, 2, len(UNITS))
    return np.moveaxis(rows, 3, axis)


WAYS = {
    "features": (planted(), {}),
    "units that lead": (planted().T, {"axis": 0}),
    "channels first": (channels(1), {"axis": 1}),
    "channels last": (channels(3), {"axis": -1}),
    "channels between": (channels(2), {"axis": 2}),
    "sequences": (planted(4 * N).reshape(N, 4, -1), {"positions": True}),
    "sequences, units first": (
        np.moveaxis(planted(4 * N).reshape(N, 4, -1), 2, 1),
        {"axis": 1, "positions": True},
    ),
}
each_way = pytest.mark.parametrize("way", WAYS)


@each_way
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", np.longdouble, ml_dtypes.bfloat16])
def test_every_planted_fault_is_found_and_no_other(way, dtype):
    outputs, options = WAYS[way]
    batches = BATCHES if options.get("axis") != 0 else ()
    layer = counted(outputs.astype(dtype), batches=batches, **options)
    assert found(layer) == UNITS


@each_way
def test_merged_reports_find_what_the_whole_finds(way):
    outputs, options = WAYS[way]
    parts = np.split(outputs, BATCHES if options.get("axis") != 0 else ())
    first, *others = (counted(part, batches=(), **options) for part in parts)
    for other in others:
        first = first.merged(other)
    assert found(first) == UNITS


def test_a_fault_that_is_taken_out_is_no_longer_reported():
    """Each detector with the fault and without it: one value decides."""
    for unit, verdict, value in [
        ("silent", "silent", 1e-300),
        ("constant", "constant", 2.5000000000000004),
        ("saturated", "saturated", 5.999999999999999),
        ("always_on", "always_on", 0.0),
        ("always_on", "always_on", 6.0),
        ("silent_but_for_nan", "nonfinite", 0.0),
    ]:
        outputs = planted()
        outputs[N - 1 if unit != "silent_but_for_nan" else N // 2, [*UNITS].index(unit)] = value
        assert verdict in UNITS[unit]
        assert verdict not in found(counted(outputs))[unit], (unit, value)


def test_a_channel_is_silent_only_where_it_is_silent_at_every_position():
    outputs = np.zeros((9, 3, 5, 5))
    outputs[8, 1, 4, 4] = 1.0
    outputs[:, 2] = 1.0
    layer = counted(outputs, batches=(4,), axis=1)
    assert layer.silent.tolist() == [True, False, False]
    assert layer.fired.tolist() == [0, 1, 9]
    assert layer.always_on.tolist() == [False, False, True]
    assert layer.samples == 9


def test_a_channel_that_fires_on_every_sample_is_not_linear_where_it_is_off_at_a_position():
    outputs = np.ones((6, 2, 3))
    outputs[:, 0, 1] = 0.0
    layer = counted(outputs, batches=(), axis=1)
    assert layer.fired.tolist() == [6, 6]
    assert layer.always_on.tolist() == [False, True]


def test_infinity_fires_and_is_no_number():
    layer = counted(np.array([[np.inf, 0.0], [0.0, -np.inf]]), rectifier="relu", batches=())
    assert layer.fired.tolist() == [1, 0]
    assert layer.nonfinite.tolist() == [1, 1]
    assert not layer.silent.any()
    assert (layer.mean.tolist(), layer.max.tolist()) == ([0.0, 0.0], [0.0, 0.0])


def test_one_value_is_not_constant_and_two_are():
    assert counted(np.ones((1, 1)), batches=()).constant.tolist() == [False]
    assert counted(np.ones((2, 1)), batches=()).constant.tolist() == [True]
    assert counted(np.ones((1, 1, 2)), batches=(), axis=1).constant.tolist() == [True]


def test_channels_without_positions_have_no_verdict():
    layer = counted(np.zeros((4, 3, 0)), batches=(), axis=1)
    assert (layer.samples, layer.counts.values) == (4, 0)
    assert set().union(*found(layer, units=range(3)).values()) == set()


# Leaks


def test_under_leaky_relu_no_unit_is_silent_nor_saturated():
    outputs = np.stack([np.full(8, -0.01), np.linspace(-0.02, 3, 8), np.linspace(1, 2, 8)], axis=1)
    layer = counted(outputs, rectifier="leaky_relu", batches=())
    assert layer.fired.tolist() == [0, 7, 8]
    assert found(layer, units=range(3)) == {0: {"constant", "dormant"}, 1: set(), 2: {"always_on"}}


def test_under_a_leaky_relu_without_slope_a_unit_is_silent():
    stats = health.Stats("leaky_relu", alpha=0.0)
    stats.update(np.zeros((3, 1)))
    assert stats.layer("hidden").silent.tolist() == [True]


def test_a_hardtanh_at_its_floor_is_silent_and_at_its_ceiling_saturated():
    outputs = np.array([[-1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]])
    layer = counted(outputs, rectifier=health.Rectifier("hardtanh", -1.0, 1.0), batches=())
    assert layer.silent.tolist() == [True, False, False]
    assert layer.saturated.tolist() == [False, True, False]


# Gradients


def test_a_unit_is_starved_where_it_could_learn_and_no_gradient_arrives():
    units = {
        "silent": {"silent", "not_updated", "dormant"},
        "starved": {"starved", "not_updated"},
        "frozen": {"frozen", "not_updated"},
        "saturated": {"saturated", "constant", "not_updated"},
        "updated": set(),
        "updated_once": set(),
    }
    outputs = np.array([[0.0, 1.0, 1.0, 6.0, 1.0, 0.0], [0.0, 0.0, 0.0, 6.0, 0.0, 1.0]])
    stats = health.Stats(RELU6)
    stats.update(outputs)
    stats.backward(np.array([0, 0, 0, 0, 1, 0]))
    stats.backward(np.array([0, 0, 0, 0, 1, 1]))
    layer = stats.layer("hidden")
    layer.frozen[2] = True
    verdicts = [*VERDICTS, "not_updated", "starved", "frozen"]
    assert found(layer, verdicts, units) == units


# Dormancy


def test_dormancy_is_the_mean_size_over_that_of_the_layer():
    outputs = np.array([[4.0, 0.0, -0.1], [2.0, 0.0, 0.1]])
    layer = counted(outputs, batches=())
    sizes = np.array([3.0, 0.0, 0.1])
    np.testing.assert_allclose(layer.dormancy, sizes / sizes.mean(), rtol=1e-15)
    assert layer.dormant().tolist() == [False, True, False]
    assert layer.dormant(0.1).tolist() == [False, True, True]
    assert layer.dormant(layer.dormancy[0]).all()  # at most: the score itself is dormant


def test_every_unit_of_a_layer_that_is_zero_is_dormant_but_for_what_is_not_known():
    layer = counted(np.array([[0.0, np.nan], [0.0, np.nan]]), batches=())
    np.testing.assert_array_equal(layer.dormancy, [0.0, np.nan])
    assert layer.dormant().tolist() == [True, False]
    assert not counted(np.zeros((0, 2)), batches=()).dormant().any()


# Why


def trained(*rates):
    """Units that fire at these rates: in the first half of the samples, and in the second."""
    rng = np.random.default_rng(0)
    stats = health.Stats("relu")
    for half in (0, 1):
        for _ in range(50):
            stats.update(np.array([rng.random(20) < pair[half] for pair in rates], float).T)
    return stats.layer("hidden")


def test_a_unit_that_fires_no_more_has_fallen_silent_and_no_other_has():
    layer = trained((0.5, 0.0), (0.5, 0.5), (0.0, 0.5), (0.0, 0.0), (0.5, 0.02), (1.0, 0.0))
    assert layer.fell_silent.tolist() == [True, False, False, False, False, True]
    assert layer.silent.tolist() == [False, False, False, True, False, False]
    assert layer.silent_since[[0, 5]].tolist() == [1000, 1000]
    assert layer.why[0] == "fired on none of the samples after 1,000"


def test_a_unit_that_fires_seldom_has_not_fallen_silent_where_chance_explains_it():
    rare = np.zeros((2000, 1))
    rare[:500:200] = 1
    assert not health_of(rare).fell_silent.any()
    rare[:1000:10] = 1
    assert health_of(rare).fell_silent.all()


def test_with_fixed_weights_no_unit_falls_silent_where_the_samples_are_sorted_by_class():
    sorted_by_class = np.repeat(np.eye(3), 200, axis=0)
    batches = range(10, 600, 10)
    layer = counted(sorted_by_class, "relu", batches, training=False)
    assert not layer.fell_silent.any()
    assert counted(sorted_by_class, "relu", batches).fell_silent.tolist() == [True, True, False]
    health.Report({"hidden": layer}).check(fail_above=0)


@pytest.mark.parametrize("rate", [5e-4, 1e-3, 5e-3, 3e-2])
def test_of_thousands_of_units_whose_rate_does_not_change_none_has_fallen_silent(rate):
    outputs = np.random.default_rng(0).random((2000, 5000), np.float32) < rate
    assert not health_of(outputs.astype(np.float32)).fell_silent.any()


def health_of(outputs, activation="relu"):
    stats = health.Stats(activation)
    for batch in np.split(outputs, 20):
        stats.update(batch)
    return stats.layer("hidden")


def test_no_unit_of_a_leaky_rectifier_falls_silent():
    outputs = np.repeat([[1.0], [-0.01]], 1000, axis=0)
    assert health_of(outputs).fell_silent.all()
    assert not health_of(outputs, "leaky_relu").fell_silent.any()


def test_a_unit_that_gave_nan_has_not_fallen_silent():
    outputs = np.repeat([[1.0], [0.0]], 1000, axis=0)
    outputs[5] = np.nan
    assert not health_of(outputs).fell_silent.any()


def test_each_reason_is_given_where_there_is_evidence_and_only_there():
    stats = health.Stats("relu")
    stats.update(np.array([[0, np.nan, 1, 1, 0, 0, 1.0], [0, np.inf, 1, 0, 1, 0, 1]]))
    stats.update(np.array([[0, 0, 0, 1, 0, 0, 1.0]]), training=False)
    layer = stats.layer("hidden")
    layer.frozen[3] = layer.outgoing_zero[3] = True
    assert layer.why == (
        "silent since the first sample",
        "values that were NaN or infinite: 2; silent in evaluation alone",
        "silent in evaluation alone",
        "its incoming parameters require no gradient; its outgoing weights are zero",
        "silent in evaluation alone",
        "silent since the first sample",
        None,
    )


def test_a_normalisation_that_shifts_a_unit_far_below_zero_is_named():
    layer = counted(np.array([[0.0, 0.0, 1.0]]), batches=())
    shifted = health.LayerReport(**{**vars_of(layer), "shift": np.array([-8.0, -2.9, -8.0])})
    assert shifted.why == (
        "silent since the first sample; normalisation shift: -8 times its scale",
        "silent since the first sample",
        None,
    )


def test_a_merged_layer_keeps_the_shift_of_the_report_that_knows_it():
    layer = counted(np.array([[0.0, 1.0]]), batches=())
    earlier, later = (
        health.LayerReport(**{**vars_of(layer), "shift": np.array(shift)})
        for shift in ([-8.0, 0.0], [-9.0, 0.0])
    )
    assert earlier.merged(layer).shift.tolist() == [-8.0, 0.0]
    assert layer.merged(earlier).shift.tolist() == [-8.0, 0.0]
    assert earlier.merged(later).shift.tolist() == [-9.0, 0.0]


def vars_of(layer):
    return {name: getattr(layer, name) for name in layer.__dataclass_fields__}


def test_training_and_evaluation_are_told_apart_and_together_make_the_whole():
    stats = health.Stats("relu")
    stats.update(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    stats.update(np.array([[2.0, 0.0, 0.0]]), training=False)
    layer = stats.layer("hidden")
    assert layer.training.silent.tolist() == [True, False, True]
    assert layer.evaluation.silent.tolist() == [False, True, True]
    assert layer.silent.tolist() == [False, False, True]
    assert (layer.training.samples, layer.evaluation.samples, layer.samples) == (2, 1, 3)
    assert layer.why == (
        "silent in training alone",
        "silent in evaluation alone",
        "silent since the first sample",
    )
