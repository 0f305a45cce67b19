"""Stats counts any array exactly: what it says is what a direct computation says."""

import ml_dtypes
import numpy as np
import pytest
from direct import assert_counted, by_role, counts_of
from hypothesis import given
from hypothesis import strategies as st
from layouts import views
from samples import FLOATS, INTEGERS

import halfwave as hw
from halfwave import health

DTYPES = [*FLOATS, *INTEGERS, np.dtype(bool)]
shapes = st.lists(st.integers(0, 5), min_size=2, max_size=4).map(tuple)


def counted(*batches, activation="relu", axis=-1, **options):
    stats = health.Stats(activation)
    for batch in batches:
        stats.update(batch, axis=axis, **options)
    return stats.layer("hidden")


# What is counted


@given(data=st.data(), shape=shapes, dtype=st.sampled_from(DTYPES), positions=st.booleans())
def test_the_counts_of_any_array_are_those_of_a_direct_computation(data, shape, dtype, positions):
    array = data.draw(views(shape, dtype))
    axis = data.draw(st.integers(1, len(shape) - 1))
    with np.errstate(all="ignore"):  # a long double may be beyond float64
        layer = counted(
            array, axis=axis - data.draw(st.sampled_from([0, len(shape)])), positions=positions
        )
    expected = counts_of(by_role(array, axis, range(len(shape)) if positions else (0,)))
    assert_counted(layer.counts, expected)
    assert layer.sample == ("position" if positions else "sample")


@given(data=st.data(), sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_batches_of_any_sizes_are_counted_like_their_samples_at_once(data, sizes):
    array = data.draw(views((sum(sizes), 3, 4), np.dtype(np.float32)))
    batches = np.split(array, np.cumsum(sizes)[:-1])
    assert_counted(counted(*batches, axis=1).counts, counts_of(by_role(array, 1, (0,))))


def test_a_matrix_whose_units_lead_has_its_samples_in_columns():
    outputs = np.array([[0.0, 1.0], [0.0, 0.0], [2.0, 3.0]])
    assert_counted(counted(outputs, axis=0).counts, counted_directly(outputs.T))
    assert_counted(counted(outputs, axis=0, positions=True).counts, counted_directly(outputs.T))


def counted_directly(matrix):
    return counts_of(by_role(np.asarray(matrix), 1, (0,)))


def test_a_single_axis_is_one_sample():
    layer = counted(np.array([0.0, 1.0, 2.0]))
    assert (layer.samples, layer.fired.tolist()) == (1, [0, 1, 1])


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists_and_the_like_are_arrays(kind):
    layer = counted(kind([[0, 2], [0, 3]]))
    assert (layer.fired.tolist(), layer.mean.tolist()) == ([0, 2], [0.0, 2.5])


def test_tensors_and_jax_arrays_are_counted_where_numpy_can_read_them():
    outputs = np.array([[0.0, 2.0], [0.0, 3.0]], np.float32)
    for name, array in (("torch", "from_numpy"), ("jax.numpy", "asarray")):
        library = pytest.importorskip(name)
        assert_counted(counted(getattr(library, array)(outputs)).counts, counted_directly(outputs))


def test_an_array_is_not_changed_nor_kept():
    outputs = np.array([[0.0, np.nan], [1.0, -2.0]])
    before = outputs.copy()
    layer = counted(outputs)
    np.testing.assert_array_equal(outputs, before)
    outputs[:] = 9
    assert layer.fired.tolist() == [1, 0]


def test_a_layer_report_does_not_change_when_more_is_counted():
    stats = health.Stats("relu")
    stats.update([[0.0, 1.0]])
    stats.backward([1.0, 0.0])
    before = health.Report.of({"hidden": stats})
    data = before.as_data()
    stats.update([[5.0, 5.0]])
    stats.backward([1.0, 1.0])
    assert before.as_data() == data
    assert stats.layer("hidden").fired.tolist() == [1, 2]


def test_an_empty_batch_counts_nothing():
    layer = counted(np.zeros((0, 3)))
    assert (layer.samples, layer.units, layer.silent.any()) == (0, 3, False)
    assert np.isnan(layer.firing_rate).all()
    assert np.isnan(layer.mean).all()
    assert layer.bound is None


# Thresholds


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("bound", [0.7, 0.001, 0.1, 0.3, -0.7, 1e-6, 6.0])
def test_the_floor_and_the_ceiling_are_those_of_the_outputs_own_dtype(dtype, bound):
    """0.001 in float32 is more than 0.001, and 0.7 less than 0.7."""
    numbers = np.array([-10.0, -1.0, 0.0, 1.0, 10.0]).astype(dtype)
    outputs = np.stack([np.full(5, bound).astype(dtype), np.maximum(numbers, dtype(bound))], axis=1)
    layer = counted(outputs, activation=health.Rectifier("clamp", bound))
    assert layer.silent.tolist() == [True, False]
    assert not layer.always_on.any()

    outputs = np.stack([np.full(5, bound).astype(dtype), np.minimum(numbers, dtype(bound))], axis=1)
    layer = counted(outputs, activation=health.Rectifier("clamp", -20.0, bound))
    assert layer.saturated.tolist() == [True, False]
    assert not layer.always_on.any()


def test_a_ceiling_beyond_the_dtype_is_never_reached():
    outputs = np.full((2, 1), np.finfo(np.float16).max)
    layer = counted(outputs, activation=health.Rectifier("clamp", 0.0, 1e6))
    assert (layer.saturated.tolist(), layer.always_on.tolist()) == ([False], [True])


# Rectifiers


def test_the_rectifier_of_an_activation_has_its_parameters():
    of = {
        "no slope": health.Stats("leaky_relu", alpha=0.0),
        "a slope": health.Stats("leaky_relu"),
        "by itself": health.Stats(hw.leaky_relu, alpha=0.1),
        "it rises again": health.Stats("leaky_relu", alpha=-0.5),
        "unknown slope": health.Stats("leaky_relu", alpha=float("nan")),
        "relu": health.Stats(),
    }
    assert {name: (s.rectifier.floor, s.rectifier.silences) for name, s in of.items()} == {
        "no slope": (0.0, True),
        "a slope": (0.0, False),
        "by itself": (0.0, False),
        "it rises again": (None, False),
        "unknown slope": (None, False),
        "relu": (0.0, True),
    }


def test_an_activation_without_an_active_side_gets_the_statistics_without_the_verdicts():
    layer = counted([[-0.1, 2.0], [-0.1, 3.0]], activation=health.Rectifier("gelu", None))
    assert np.isnan(layer.firing_rate).all()
    for verdict in ("silent", "always_on", "starved"):
        assert not getattr(layer, verdict).any()
        assert layer.verdict(verdict) is None
    assert layer.mean.tolist() == [-0.1, 2.5]
    assert layer.constant.tolist() == [True, False]


# Backward passes


def test_a_unit_is_updated_where_any_gradient_of_any_pass_is_not_zero():
    stats = health.Stats("relu")
    stats.update(np.ones((2, 4)))
    stats.backward(np.zeros((4, 3)), np.zeros(4))
    stats.backward(np.array([[0, 0, 0], [0, -1e-300, 0], [0, 0, 0], [0, 0, 0]]), [0, 0, 1, 0])
    stats.backward(np.zeros((4, 3, 3, 3)))
    layer = stats.layer("hidden")
    assert (layer.steps, layer.not_updated.tolist()) == (3, [True, False, False, True])
    assert layer.starved.tolist() == [True, False, False, True]


def test_a_gradient_of_nan_is_an_update():
    stats = health.Stats("relu")
    stats.backward([np.nan, 0.0])
    stats.update([[1.0, 1.0]])
    assert stats.layer("hidden").not_updated.tolist() == [False, True]


def test_without_a_backward_pass_it_is_not_known_who_was_updated():
    layer = counted([[0.0, 1.0]])
    assert (layer.not_updated, layer.not_updated_because) == (None, "no backward pass was seen")
    assert not layer.starved.any()
    assert layer.verdict("starved") is None


# The bound


def test_the_bound_is_that_of_n_samples_with_fixed_weights():
    layer = counted(np.zeros((100, 2)), training=False)
    assert layer.bound == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-14)
    assert (1 - layer.bound) ** 100 == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("events", "is_known"),
    [
        ("E", True),
        ("EEE", True),
        ("TE", True),
        ("BE", True),
        ("ETT", True),
        ("EBT", True),
        ("TBEETB", True),
        ("ETE", False),
        ("EBE", False),
        ("TETE", False),
        ("EEBEE", False),
    ],
)
def test_there_is_no_bound_once_the_weights_moved_between_evaluations(events, is_known):
    stats = health.Stats("relu")
    do = {
        "T": lambda: stats.update(np.zeros((4, 2))),
        "E": lambda: stats.update(np.zeros((4, 2)), training=False),
        "B": lambda: stats.backward([0.0, 0.0]),
    }
    for event in events:
        do[event]()
    layer = stats.layer("hidden")
    assert (layer.evaluation.bound is not None) == is_known
    assert (layer.bound is not None) == (is_known and "T" not in events)


# What is refused


@pytest.mark.parametrize(
    ("array", "options", "error", "said"),
    [
        (np.zeros((2, 3)), {"axis": 2}, ValueError, r"axis is 2.*shape \(2, 3\).*name the axis"),
        (np.zeros((2, 3)), {"axis": -3}, ValueError, "axis is -3"),
        (np.zeros((3, 2, 2)), {"axis": 0}, ValueError, r"the units lead.*\(3, 2, 2\).*moveaxis"),
        (np.zeros((2, 3), complex), {}, TypeError, "complex128; pass real numbers"),
        (np.array([["a", "b"]]), {}, TypeError, "pass real numbers"),
        (np.array([[1, None]]), {}, TypeError, "object; pass real numbers"),
        (np.zeros((2, 3), "M8[s]"), {}, TypeError, "pass real numbers"),
        (np.zeros((2, 3), "f4,f4"), {}, TypeError, "pass real numbers"),
        (np.ma.masked_equal([[1.0, 2.0, 3.0]], 2), {}, ValueError, "some activations are masked"),
        (np.float32(1), {}, ValueError, "one number; pass an array"),
        (np.zeros((2, 4)), {}, ValueError, "4 units.*3 before.*one Stats for each layer"),
        (np.zeros((2, 4)), {"training": False}, ValueError, "4 units.*3 before"),
    ],
)
def test_activations_that_cannot_be_counted_are_refused_and_change_nothing(
    array, options, error, said
):
    stats = health.Stats("relu")
    stats.update(np.ones((5, 3)))
    before = health.Report.of({"hidden": stats})
    with pytest.raises(error, match=said):
        stats.update(array, **options)
    assert health.Report.of({"hidden": stats}) == before


@pytest.mark.parametrize(
    ("gradients", "said"),
    [
        ([], "shapes are none, for 3 units; pass"),
        ([np.zeros((2, 3))], r"\(2, 3\), for 3 units"),
        ([np.zeros(3), np.zeros((1, 3))], r"\(3,\), \(1, 3\), for 3 units"),
        ([0.0], r"\(1,\), for 3 units"),
    ],
)
def test_gradients_of_another_layer_are_refused_and_change_nothing(gradients, said):
    stats = health.Stats("relu")
    stats.update(np.ones((5, 3)))
    with pytest.raises(ValueError, match=said):
        stats.backward(*gradients)
    assert stats.layer("hidden").steps == 0


def test_activations_of_another_number_of_units_than_the_gradients_are_refused():
    stats = health.Stats("relu")
    stats.backward(np.zeros((4, 2)), np.zeros(4))
    with pytest.raises(ValueError, match="3 units.*4 before"):
        stats.update(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("arguments", "parameters", "error", "said"),
    [
        (["rely"], {}, ValueError, "no activation 'rely'; pass one of .*relu"),
        ([max], {}, TypeError, "builtin_function_or_method; pass one of halfwave's"),
        (["relu"], {"alpha": 0.1}, TypeError, "relu has no parameter 'alpha'; it has none"),
        (["leaky_relu"], {"slope": 0.1}, TypeError, "no parameter 'slope'; it has alpha"),
        ([health.Rectifier("relu6", 0.0, 6.0)], {"ceiling": 5.0}, TypeError, "leave 'ceiling' out"),
    ],
)
def test_an_activation_that_is_not_known_is_refused(arguments, parameters, error, said):
    with pytest.raises(error, match=said):
        health.Stats(*arguments, **parameters)


def test_a_layer_of_which_nothing_was_counted_is_refused():
    with pytest.raises(ValueError, match=r"nothing was counted of fc1; call update\(\) first"):
        health.Stats("relu").layer("fc1")
