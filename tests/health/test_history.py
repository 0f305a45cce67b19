"""The history says when units fired, in windows of samples, however many batches there were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfwave import health
from halfwave.health.counts import MOST_WINDOWS, History


def drawn(least, most):
    """Sizes of batches; in half of the cases so many that windows are joined."""
    return st.builds(
        lambda n, high, seed: np.random.default_rng(seed).integers(least, high, n).tolist(),
        st.one_of(st.integers(1, MOST_WINDOWS - 1), st.integers(MOST_WINDOWS, 400)),
        st.integers(least + 1, most),
        st.integers(0, 999),
    )


sizes = drawn(0, 40)


def layer_of(*batches, training=True):
    stats = health.Stats("relu")
    for batch in batches:
        stats.update(batch, training=training)
    return stats.layer("hidden")


def batches_of(sizes, units=3):
    outputs = np.random.default_rng(len(sizes)).normal(size=(sum(sizes), units)).clip(0)
    return outputs, np.split(outputs, np.cumsum(sizes)[:-1])


def assert_tells(history, outputs):
    """Windows without gaps, and in each of them what fired on its samples."""
    ends = np.cumsum(history.samples)
    assert ends.tolist() == history.ends
    assert (history.samples > 0).all()
    assert history.samples.sum() == len(outputs)
    by_then = np.cumsum(outputs > 0, axis=0)
    np.testing.assert_array_equal(np.cumsum(history.fired, axis=0), by_then[ends - 1])


# Windows


@given(sizes=sizes)
def test_the_windows_are_without_gaps_and_tell_what_fired_in_each(sizes):
    outputs, batches = batches_of(sizes)
    history = layer_of(*batches).history
    if outputs.size:
        assert_tells(history, outputs)
    assert len(history.ends) < MOST_WINDOWS


def test_few_batches_are_a_window_each():
    _, batches = batches_of([4, 9, 1])
    assert layer_of(*batches).history.samples.tolist() == [4, 9, 1]


def test_a_history_that_is_full_joins_its_windows_in_pairs():
    history = History()
    for end in range(1, MOST_WINDOWS + 1):
        history.note(10 * end, np.array([end]))
    assert history.samples.tolist() == [20] * (MOST_WINDOWS // 2)
    assert history.fired.tolist() == [[2]] * (MOST_WINDOWS // 2)
    assert history.width == 20


def test_a_window_is_of_so_many_samples_and_not_of_so_many_batches():
    """Once the windows have a width, ten batches of 1 sample are no more than one of 10."""
    batches = [np.ones((10, 1))] * 640 + [np.ones((1, 1))] * 640
    history = layer_of(*batches).history
    assert history.samples.sum() == 7040
    *windows, last = history.samples.tolist()
    assert set(windows) == {history.width}
    assert last <= history.width


def test_the_last_samples_are_a_window_even_where_they_do_not_fill_one():
    batches = [np.zeros((10, 1))] * 100 + [np.ones((3, 1))]
    history = layer_of(*batches).history
    assert history.ends[-1] == 1003
    assert history.fired[-1].tolist() == [3]


def test_looking_at_a_layer_does_not_end_a_window():
    batches = [np.ones((5, 1))] * 150
    looked, alone = health.Stats("relu"), health.Stats("relu")
    for batch in batches:
        looked.update(batch)
        looked.layer("hidden")
        alone.update(batch)
    reports = [health.Report.of({"hidden": stats}) for stats in (looked, alone)]
    assert reports[0] == reports[1]


def test_the_history_of_training_is_shown_where_there_is_one():
    stats = health.Stats("relu")
    stats.update(np.ones((3, 1)), training=False)
    assert stats.layer("hidden").history.ends == [3]
    stats.update(np.ones((5, 1)))
    layer = stats.layer("hidden")
    assert layer.history.ends == [5]
    assert layer.evaluation.history.ends == [3]


# Silent since


def test_a_unit_is_silent_since_the_end_of_the_window_in_which_it_fired_last():
    outputs = np.zeros((40, 4))
    outputs[[0, 12, 39], [1, 2, 3]] = 1.0
    layer = layer_of(*np.split(outputs, 4))
    assert layer.silent_since.tolist() == [0, 10, 20, 40]
    assert layer.silent.tolist() == [True, False, False, False]


@given(sizes=sizes)
def test_after_silent_since_a_unit_fired_no_more(sizes):
    outputs, batches = batches_of(sizes, units=2)
    outputs[outputs < 1.5] = 0  # seldom, so that the last time differs
    layer = layer_of(*batches)
    for unit, since in enumerate(layer.silent_since):
        assert not outputs[since:, unit].any()
        assert since == 0 or layer.history.fired[layer.history.ends.index(since), unit] > 0


def test_without_samples_no_unit_is_silent_since():
    assert layer_of(np.zeros((0, 2))).silent_since.tolist() == [0, 0]


# Two histories


@given(first=sizes, second=sizes)
def test_one_history_after_the_other_is_the_history_of_both(first, second):
    outputs, batches = batches_of([*first, *second])
    halves = layer_of(*batches[: len(first)]), layer_of(*batches[len(first) :])
    joined = halves[0].history.followed_by(halves[1].history)
    assert len(joined.ends) < MOST_WINDOWS
    if outputs.size:
        assert_tells(joined, outputs)


def test_what_follows_is_in_windows_of_the_longer_width():
    long, short = layer_of(*[np.ones((10, 1))] * 64), layer_of(*[np.ones((3, 1))] * 9)
    assert (long.history.width, short.history.width) == (20, 1)
    for one, other in ((long, short), (short, long)):
        *windows, last = one.history.followed_by(other.history).samples.tolist()
        assert min(windows) >= 20
        assert sum(windows) + last == 667


def test_a_unit_that_fell_silent_in_the_first_report_is_silent_since_then_in_both():
    first, second = np.ones((20, 2)), np.zeros((30, 2))
    second[29, 1] = 1.0
    merged = layer_of(first).merged(layer_of(*np.split(second, 3)))
    assert merged.silent_since.tolist() == [20, 50]


@given(sizes=drawn(1, 9))
def test_processes_that_halve_each_batch_have_the_history_of_one(sizes):
    _, batches = batches_of([2 * size for size in sizes])
    ranks = [layer_of(*(batch[rank::2] for batch in batches)) for rank in (0, 1)]
    gathered = ranks[0].history.beside(ranks[1].history)
    alone = layer_of(*batches).history
    assert gathered.ends == alone.ends
    np.testing.assert_array_equal(gathered.fired, alone.fired)


@given(sizes=st.lists(sizes, min_size=2, max_size=4))
def test_histories_side_by_side_lose_no_sample(sizes):
    layers = [layer_of(*batches_of(of_one)[1]) for of_one in sizes]
    joined = layers[0].history
    for layer in layers[1:]:
        joined = joined.beside(layer.history)
    assert len(joined.ends) < MOST_WINDOWS
    assert joined.samples.sum() == sum(layer.samples for layer in layers)
    if joined.ends:
        assert joined.fired.sum(axis=0).tolist() == sum(layer.fired for layer in layers).tolist()
    assert (joined.samples > 0).all()


def test_a_process_that_has_fewer_batches_ends_earlier():
    joined = layer_of(*[np.ones((10, 1))] * 3).merged(
        layer_of(*[np.ones((10, 1))] * 2), parallel=True
    )
    assert joined.history.samples.tolist() == [20, 20, 10]


def test_so_does_one_of_three_whose_windows_were_joined():
    first, second, third = (layer_of(*[np.ones((10, 1))] * n) for n in (64, 64, 80))
    joined = first.history.beside(second.history).beside(third.history)
    assert joined.samples.tolist() == [60] * 32 + [20] * 8


@pytest.mark.parametrize("order", [1, -1])
def test_windows_of_two_widths_are_matched_in_time(order):
    """One more batch, and a history has joined its windows in pairs where the other has not."""
    fires_first = [np.ones((10, 1))] * 32 + [np.zeros((10, 1))] * 31
    layers = [layer_of(*fires_first), layer_of(*fires_first, np.zeros((10, 1)))][::order]
    assert sorted(len(layer.history.ends) for layer in layers) == [32, 63]
    merged = layers[0].merged(layers[1], parallel=True)
    assert merged.history.samples.sum() == 1270
    assert merged.history.fired.sum() == 640
    assert abs(merged.silent_since[0] - 640) <= 40  # a window's width
