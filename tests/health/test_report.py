"""A report of several layers: what it checks, its scalars, and how reports become one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfwave import health

RELU6 = health.Rectifier("relu6", ceiling=6.0)


def layer_with(silent, units=100, activation="relu", **options):
    """Stats of a layer in which so many units are silent."""
    stats = health.Stats(activation)
    outputs = np.ones((4, units))
    outputs[:, :silent] = 0.0
    stats.update(outputs, **options)
    return stats


def report_of(**layers):
    return health.Report.of(layers)


# Looking


def test_a_report_is_a_mapping_of_its_layers_in_order():
    report = report_of(z=layer_with(1), a=layer_with(2))
    assert (list(report), len(report), report.units) == (["z", "a"], 2, 200)
    assert report["a"].silent.sum() == 2
    assert (report.count("silent"), report.count("not_updated")) == (3, 0)
    assert [history.ends for history in report.history.values()] == [[4], [4]]
    assert repr(report) == "<halfwave.health.Report: 3 of 200 units are silent>"


def test_a_layer_that_is_not_there_is_named_beside_those_that_are():
    with pytest.raises(KeyError, match="no layer 'fc3' was counted; .*, and there is fc1, fc2"):
        report_of(fc1=layer_with(0), fc2=layer_with(0))["fc3"]
    with pytest.raises(KeyError, match="there is none"):
        health.Report({})["fc1"]


def test_a_verdict_that_is_not_there_is_named_beside_those_that_are():
    with pytest.raises(ValueError, match="no verdict 'dead'; pass one of silent, "):
        report_of(fc=layer_with(0)).count("dead")


# Checking


@pytest.mark.parametrize("silent", range(101))
def test_a_share_is_accepted_up_to_and_with_the_one_that_is_given(silent):
    """Also 0.29, since 0.29 * 100 is less than 29."""
    report = report_of(fc=layer_with(silent))
    report.check(fail_above=silent / 100)
    if silent:
        with pytest.raises(health.UnhealthyError):
            report.check(fail_above=(silent - 1) / 100)


def test_one_silent_unit_fails_where_none_is_accepted_and_all_pass_where_all_are():
    with pytest.raises(health.UnhealthyError, match="more than 0 % of the units"):
        report_of(fc=layer_with(1)).check(fail_above=0)
    report_of(fc=layer_with(0)).check(fail_above=0)
    report_of(fc=layer_with(100)).check(fail_above=1)


def test_each_layer_is_judged_by_itself_and_named_with_its_evidence():
    report = report_of(fc1=layer_with(0), fc2=layer_with(6), fc3=layer_with(5), fc4=layer_with(9))
    with pytest.raises(health.UnhealthyError) as caught:
        report.check()
    assert str(caught.value) == (
        "more than 5 % of the units are silent or non-finite in "
        "fc2 (6 silent of 100 units on 4 samples in training); "
        "fc4 (9 silent of 100 units on 4 samples in training)"
    )


@pytest.mark.parametrize(("training", "mode"), [(True, "training"), (False, "evaluation")])
def test_each_mode_is_judged_by_itself(training, mode):
    """Over all samples no unit is silent."""
    stats = layer_with(50, training=training)
    stats.update(np.ones((1000, 100)), training=not training)
    assert not stats.layer("fc").silent.any()
    with pytest.raises(health.UnhealthyError, match=rf"50 silent .* on 4 samples in {mode}\)$"):
        report_of(fc=stats).check()


def test_under_leaky_relu_the_negative_side_never_fails():
    stats = health.Stats("leaky_relu")
    stats.update(np.full((5, 10), -0.3))
    report_of(fc=stats).check(fail_above=0)


@pytest.mark.parametrize("rectifier", ["relu", "leaky_relu", health.Rectifier("gelu", None)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_unit_that_was_not_finite_fails_under_every_activation(rectifier, value):
    stats = layer_with(0, activation=rectifier)
    outputs = np.ones((1, 100))
    outputs[0, :7] = value
    stats.update(outputs)
    with pytest.raises(health.UnhealthyError, match=r"\(7 non-finite of 100"):
        report_of(fc=stats).check()


def test_silent_and_non_finite_units_are_added():
    stats = layer_with(3)
    stats.update(np.where(np.arange(100) > 96, np.nan, 0.0)[None])
    report_of(fc=stats).check(fail_above=0.06)
    with pytest.raises(health.UnhealthyError, match="3 silent, 3 non-finite of"):
        report_of(fc=stats).check(fail_above=0.05)


def test_a_report_in_which_nothing_was_counted_is_not_healthy():
    empty = health.Stats("relu")
    empty.update(np.zeros((0, 3)))
    for report in (health.Report({}), report_of(fc=empty)):
        for fail_above in (0, 0.05, 1):
            with pytest.raises(health.UnhealthyError, match="no unit was counted.*not_seen"):
                report.check(fail_above)


@pytest.mark.filterwarnings("error")
def test_a_layer_without_samples_or_without_units_fails_no_other():
    empty, none = health.Stats("relu"), health.Stats("relu")
    empty.update(np.zeros((0, 3)))
    none.update(np.zeros((3, 0)))
    report_of(fc1=empty, fc2=none, fc3=layer_with(0)).check(fail_above=0)


@pytest.mark.parametrize("share", [-0.1, 1.5, 5, math.nan, math.inf])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=f"fail_above is {share}; pass a share from 0 to 1"):
        report_of(fc=layer_with(0)).check(fail_above=share)


# Scalars


@pytest.mark.parametrize("share", ["5%", "0.05", None, True, [0.05]])
def test_what_is_no_number_is_no_share(share):
    with pytest.raises(ValueError, match="pass a share from 0 to 1, such as 0.05"):
        report_of(fc=layer_with(0)).check(share)


def test_names_are_told_to_loggers_in_the_characters_that_all_of_them_take():
    layers = {name: layer_with(1) for name in ("fc1#2", "coefs_[0]", "a b:1", "ß/é", "x,y")}
    names = {
        name.split("/", 1)[1].rpartition("/")[0] for name in health.Report.of(layers).scalars()
    }
    assert names == {"", "fc1:2", "coefs_0", "a b:1", "_/_", "x_y"}


def test_only_reports_of_one_model_are_merged():
    report = report_of(fc=layer_with(0))
    with pytest.raises(ValueError, match="merge reports of one model"):
        report.merge(report_of(other=layer_with(0)))
    for other in ([report], "report", None):
        with pytest.raises(TypeError, match="merge takes reports"):
            report.merge(other)


def test_units_that_fell_silent_fail_the_check():
    stats = health.Stats("relu")
    for value in np.repeat([1.0, 0.0], 20):
        stats.update(np.full((10, 2), value))
    with pytest.raises(health.UnhealthyError, match=r"hidden \(2 fell silent of 2"):
        health.Report.of({"hidden": stats}).check()


def test_the_scalars_are_the_shares_of_units_by_layer_and_in_all():
    small = layer_with(1, units=2, activation=RELU6)
    small.backward([0.0, 1.0])
    scalars = report_of(fc1=small, fc2=layer_with(2, units=6)).scalars()
    assert scalars == {
        "health/silent": 3 / 8,
        "health/fc1/silent": 0.5,
        "health/fc2/silent": 2 / 6,
        "health/fell_silent": 0.0,
        "health/fc1/fell_silent": 0.0,
        "health/fc2/fell_silent": 0.0,
        "health/not_updated": 0.5,
        "health/fc1/not_updated": 0.5,
        "health/starved": 0.0,
        "health/fc1/starved": 0.0,
        "health/frozen": 0.0,
        "health/fc1/frozen": 0.0,
        "health/fc2/frozen": 0.0,
        "health/always_on": 5 / 8,
        "health/fc1/always_on": 0.5,
        "health/fc2/always_on": 4 / 6,
        "health/saturated": 0.0,
        "health/fc1/saturated": 0.0,
        "health/fc2/saturated": 0.0,
        "health/constant": 5 / 8,
        "health/fc1/constant": 0.5,
        "health/fc2/constant": 4 / 6,
        "health/nonfinite": 0.0,
        "health/fc1/nonfinite": 0.0,
        "health/fc2/nonfinite": 0.0,
        "health/dormant": 3 / 8,
        "health/fc1/dormant": 0.5,
        "health/fc2/dormant": 2 / 6,
    }
    assert {type(value) for value in scalars.values()} == {float}


def test_scalars_are_finite_and_what_is_not_known_is_left_out():
    smooth, nan, empty = (
        health.Stats(health.Rectifier(k, f))
        for k, f in [("gelu", None), ("relu", 0.0), ("relu", 0.0)]
    )
    smooth.update(np.ones((2, 3)))
    nan.update(np.full((2, 2), np.nan))
    empty.update(np.zeros((0, 4)))
    scalars = report_of(smooth=smooth, nan=nan, empty=empty).scalars(prefix="")
    assert all(map(math.isfinite, scalars.values()))
    assert (scalars["silent"], scalars["nonfinite"], scalars["nan/nonfinite"]) == (0.0, 0.4, 1.0)
    missing = ("smooth/silent", "smooth/always_on", "not_updated", "starved", "empty/silent")
    assert not scalars.keys() & set(missing)
    assert health.Report({}).scalars() == {}


# Merging

values = st.sampled_from([0.0, -0.0, 1.0, 6.0, 2.5, 1e-300, -1.0, np.nan, np.inf])
matrices = st.lists(st.lists(values, min_size=3, max_size=3), max_size=8).map(
    lambda rows: np.array(rows).reshape(-1, 3)
)
gradients = st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3), max_size=2)
events = st.lists(st.tuples(matrices, st.booleans(), gradients), min_size=1, max_size=6)


def fed(events):
    stats = health.Stats(RELU6)
    for outputs, training, passes in events:
        stats.update(outputs, training=training)
        for gradient in passes:
            stats.backward(gradient)
    return stats


def assert_same_evidence(one, other):
    """Everything but the sums and what follows from them is equal; those, to 1e-12."""
    for name in (
        "samples",
        "steps",
        "fired",
        "nonfinite",
        "min",
        "max",
        "silent",
        "always_on",
        "saturated",
        "constant",
        "not_updated",
        "starved",
        "frozen",
        "firing_rate",
        "why",
    ):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("mean", "dormancy"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)
    assert one.parts.keys() == other.parts.keys()
    for mode, part in one.parts.items():
        assert part.history.samples.sum() == other.parts[mode].history.samples.sum()
        fired = [p.history.fired.sum(axis=0).tolist() for p in (part, other.parts[mode])]
        assert fired[0] == fired[1]


@given(first=events, second=events)
def test_merged_equals_whole(first, second):
    merged = report_of(fc=fed(first)).merge(report_of(fc=fed(second)))
    whole = report_of(fc=fed([*first, *second]))
    assert_same_evidence(merged["fc"], whole["fc"])
    for mode in ("training", "evaluation"):
        one, other = getattr(merged["fc"], mode), getattr(whole["fc"], mode)
        assert (one is None) == (other is None)
        if one is not None:
            assert_same_evidence(one, other)


def test_processes_that_share_each_batch_give_the_report_of_one():
    outputs = np.random.default_rng(0).normal(size=(40, 6, 5)).clip(0)
    gradients = np.eye(5)[[0, 3]]

    def counted(batches):
        stats = health.Stats("relu")
        for batch in batches:
            stats.update(batch)
        return stats

    ranks = [counted(outputs[:, rank::3]) for rank in range(3)]
    alone = counted(outputs)
    for gradient, active in zip(gradients, (0, 2), strict=True):
        alone.backward(gradient)
        for rank, stats in enumerate(ranks):
            stats.backward(gradient * (rank == active))
    first, *others = (report_of(fc=stats) for stats in ranks)
    gathered, whole = first._merged(others, parallel=True)["fc"], report_of(fc=alone)["fc"]
    assert_same_evidence(gathered, whole)
    assert gathered.history.ends == whole.history.ends
    np.testing.assert_array_equal(gathered.history.fired, whole.history.fired)


def test_merging_changes_neither_report_and_with_none_it_is_the_same():
    reports = [report_of(fc=layer_with(3)), report_of(fc=layer_with(4))]
    before = [report.as_data() for report in reports]
    reports[0].merge(reports[1])
    assert [report.as_data() for report in reports] == before
    assert reports[0].merge() == reports[0]


def test_training_alone_and_evaluation_alone_become_one():
    train, evaluate = layer_with(3), layer_with(7, training=False)
    train.backward(np.arange(100))
    merged = report_of(fc=train).merge(report_of(fc=evaluate))["fc"]
    assert (merged.training.silent.sum(), merged.evaluation.silent.sum()) == (3, 7)
    assert (merged.samples, merged.silent.sum(), merged.bound) == (8, 3, None)
    assert merged.evaluation.bound == 1 - 0.05 ** (1 / 4)
    reverse = report_of(fc=evaluate).merge(report_of(fc=train))["fc"]
    assert list(reverse.parts) == list(merged.parts) == ["training", "evaluation"]
    assert_same_evidence(reverse, merged)


def test_a_report_without_a_backward_pass_has_no_say_in_who_was_updated():
    learns, only_looks = layer_with(0, units=3), layer_with(0, units=3)
    learns.backward([0.0, 1.0, 0.0])
    reports = [report_of(fc=stats) for stats in (learns, only_looks)]
    for one, other in (reports, reversed(reports)):
        assert one.merge(other)["fc"].not_updated.tolist() == [True, False, True]
    neither = reports[1].merge(reports[1])["fc"]
    assert (neither.not_updated, neither.not_updated_because) == (
        None,
        "no backward pass was seen",
    )


def test_where_one_report_cannot_know_who_was_updated_both_cannot():
    stats = layer_with(0, units=2)
    stats.backward([0.0, 1.0])
    known = report_of(fc=stats)
    held = known.as_data()
    held["layers"][0] |= {"updated": None, "not_updated_because": "its weights are sharded"}
    unknown = health.Report.from_data(held)
    for one, other in ((known, unknown), (unknown, known)):
        layer = one.merge(other)["fc"]
        assert (layer.not_updated, layer.not_updated_because) == (None, "its weights are sharded")


def test_updated_in_either_report_is_updated():
    one, other = layer_with(0, units=3), layer_with(0, units=3)
    one.backward([1.0, 0.0, 0.0])
    other.backward([0.0, 1.0, 0.0])
    merged = report_of(fc=one).merge(report_of(fc=other))["fc"]
    assert (merged.not_updated.tolist(), merged.steps) == ([False, False, True], 2)


@pytest.mark.parametrize(
    ("first", "second", "parallel", "is_known"),
    [
        ("E", "E", False, True),
        ("T", "E", False, True),
        ("E", "T", False, True),
        ("TE", "E", False, False),
        ("E", "TE", False, False),
        ("TE", "TE", False, False),
        ("TE", "TE", True, True),
    ],
)
def test_a_merged_bound_needs_weights_that_were_the_same(first, second, parallel, is_known):
    one, other = (
        report_of(fc=fed([(np.zeros((2, 3)), mode == "T", []) for mode in modes]))
        for modes in (first, second)
    )
    evaluation = one._merged([other], parallel=parallel)["fc"].evaluation
    assert (evaluation.bound is not None) == is_known


def test_layers_that_one_report_alone_has_are_kept_in_order():
    one = report_of(a=layer_with(1), b=layer_with(2))
    other = report_of(b=layer_with(3), c=layer_with(4))
    merged = one.merge(other, other)
    assert {name: merged[name].samples for name in merged} == {"a": 4, "b": 12, "c": 8}
    assert list(merged) == ["a", "b", "c"]


def test_what_was_not_seen_is_said_once():
    places = [health.NotSeen(place, "fused") for place in "abc"]
    merged = health.Report({}, places[:2], ["compiled"]).merge(
        health.Report({}, places[1:], ["compiled", "sampled"])
    )
    assert merged.not_seen == tuple(places)
    assert merged.notes == ("compiled", "sampled")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (layer_with(0, units=4), "units of fc is 3 here and 4 there; merge reports of one model"),
        (layer_with(0, units=3, activation="leaky_relu"), "rectifier of fc is .*relu.*leaky_relu"),
        (layer_with(0, units=3, positions=True), "sample of fc is sample here and position there"),
    ],
)
def test_reports_of_different_models_are_refused(other, said):
    with pytest.raises(ValueError, match=said):
        report_of(fc=layer_with(0, units=3)).merge(report_of(fc=other))
