"""A layout says where in memory the samples, the units and the positions of a unit are."""

from itertools import product

import numpy as np
import pytest
from direct import by_role
from hypothesis import given
from hypothesis import strategies as st
from layouts import views

from halfwave.health.layout import Layout, layout


def offsets(dimensions):
    """The distance in bytes of each element of these dimensions."""
    ranges = [[i * stride for i in range(size)] for size, stride in dimensions]
    return [sum(steps) for steps in product(*ranges)]


def places(where):
    """For each unit, where the values of each of its samples are; the samples in any order."""
    samples, positions = offsets(where.samples), offsets(where.positions)
    return [
        sorted(sorted(unit + sample + position for position in positions) for sample in samples)
        for unit in offsets((where.units,))
    ]


def places_of(at):
    """The same, of an array (samples, units, positions) that holds each element's distance."""
    return [
        sorted(sorted(sample.tolist()) for sample in at[:, unit]) for unit in range(at.shape[1])
    ]


def distances(array):
    """How far each element is from the first, in bytes."""
    index = np.indices(array.shape).reshape(array.ndim, *array.shape)
    return sum(i * stride for i, stride in zip(index, array.strides, strict=True))


shapes = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@given(data=st.data(), shape=shapes)
def test_every_element_of_any_array_is_in_its_sample_and_unit_once(data, shape):
    array = data.draw(views(shape, np.dtype(np.float32)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    sample_axes = tuple(a for a in range(len(shape)) if a != axis and data.draw(st.booleans()))
    where = layout(array.shape, array.strides, axis, sample_axes)
    expected = by_role(distances(array), axis, sample_axes)
    assert places(where) == places_of(expected)
    assert (where.sample_count, where.values_per_unit) == (
        expected.shape[0],
        expected.shape[0] * expected.shape[2],
    )


def test_channels_that_were_flattened_with_their_positions_keep_them():
    images = np.arange(2 * 3 * 4 * 5, dtype=np.float64).reshape(2, 3, 4, 5)
    channels_first = images.reshape(2, -1)
    where = layout(channels_first.shape, channels_first.strides, 1, (0,), units=3, inner=20)
    assert places(where) == places_of(by_role(distances(images), 1, (0,)))

    channels_last = images.transpose(0, 2, 3, 1).copy()
    flat = channels_last.reshape(2, -1)
    where = layout(flat.shape, flat.strides, 1, (0,), units=3, inner=1)
    assert places(where) == places_of(by_role(distances(channels_last), 3, (0,)))


def test_samples_that_were_flattened_into_the_units_axis_are_samples():
    sequences = np.zeros((2, 5, 3), np.float32)
    flat = sequences.reshape(-1)
    where = layout(flat.shape, flat.strides, 0, (0,), units=3)
    assert places(where) == places_of(by_role(distances(sequences), 2, (0, 1)))
    assert where.sample_count == 10


@pytest.mark.parametrize(
    ("array", "axis", "expected"),
    [
        (np.zeros((8, 3)), 1, Layout(((8, 24),), (3, 8), ())),
        (np.zeros((8, 3, 4, 4)), 1, Layout(((8, 384),), (3, 128), ((16, 8),))),
        (np.zeros((8, 4, 4, 3)), 3, Layout(((8, 384),), (3, 8), ((16, 24),))),
        (np.zeros((8, 3, 4, 4))[:, :, ::-1, ::-1], 1, Layout(((8, 384),), (3, 128), ((16, -8),))),
        (np.zeros((1, 3, 1, 1)), 1, Layout((), (3, 8), ())),
    ],
)
def test_neighbouring_axes_are_joined_into_one(array, axis, expected):
    assert layout(array.shape, array.strides, axis, (0,)) == expected
