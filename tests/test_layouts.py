"""An element's bits depend on that element and the parameters alone, however the arrays lie in memory."""

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from layouts import reversed_bytes, views
from samples import (
    FLOATS,
    HALVES,
    INTEGERS,
    cast_from,
    cast_to,
    computed_in,
    expected_derivative,
    expected_value,
    floats_of,
    numbers,
)

import halfwave as hw

pytestmark = pytest.mark.each_kind

OPERATIONS = {"value": expected_value, "derivative": expected_derivative}
operations = pytest.mark.parametrize("kind", OPERATIONS)
kinds = st.sampled_from(sorted(OPERATIONS))


def dtypes_of(activation):
    return st.sampled_from(floats_of(activation) + INTEGERS)


shapes = st.lists(st.integers(0, 5), max_size=5).map(tuple)
floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)


def operation_of(activation, kind):
    return activation if kind == "value" else activation.derivative


@st.composite
def operands(draw, activation):
    """x and the activation's parameters: numbers, and arrays of any layout and dtype that fit."""
    dtype = draw(dtypes_of(activation))
    count = 1 + len(activation.parameters)
    shapes = draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=5, max_side=6))
    of_x, *of_parameters = shapes.input_shapes
    fitting = st.sampled_from(cast_from(computed_in(activation, dtype)))
    scalars = st.sampled_from([0.01, -0.3, 2, np.float64(0.1), True, 1e-30, -1e30])
    parameters = [draw(scalars | views(shape, draw(fitting))) for shape in of_parameters]
    return draw(views(of_x, dtype)), parameters


@given(data=st.data(), kind=kinds)
def test_any_layout_of_x_and_the_parameters(activation, target, kind, data):
    x, parameters = data.draw(operands(activation))
    expected = OPERATIONS[kind](activation, x, *parameters)
    with np.errstate(all="raise"):
        result = operation_of(activation, kind)(x, *parameters)
    assert_same_bits(result, expected)


@given(data=st.data(), kind=kinds)
def test_any_layout_of_out_with_where(activation, target, kind, data):
    x, parameters = data.draw(operands(activation))
    expected = OPERATIONS[kind](activation, x, *parameters)
    dtype = data.draw(st.sampled_from(cast_to(expected.dtype)))
    out = data.draw(views(expected.shape, dtype, written=True))
    where = data.draw(st.just(True) | views(expected.shape, np.dtype(bool)))
    with np.errstate(all="ignore"):
        model = np.where(where, expected.astype(dtype), out.astype(dtype))
    with np.errstate(all="raise"):
        result = operation_of(activation, kind)(x, *parameters, out=out, where=where)
    assert result is out
    assert_same_bits(out.astype(dtype), model)


@given(data=st.data(), order=st.sampled_from("CFAK"))
def test_the_results_layout_is_what_numpys_ufuncs_give(activation, data, order):
    x = data.draw(views(data.draw(shapes), np.dtype(np.float32)))
    model = np.positive(x, order=order)
    for result in (activation(x, order=order), activation.derivative(x, order=order)):
        assert np.asarray(result).strides == np.asarray(model).strides
    if order == "K":
        assert np.asarray(activation(x)).strides == np.asarray(model).strides


def slices_of(count, length):
    """Where in a buffer of this length `count` elements can lie: forwards or backwards, spread or not."""
    return [
        slice(start, start + count * step, step)
        if step > 0
        else slice(start + (count - 1) * -step, start - 1 if start else None, step)
        for step in (1, 1, 2, 3, -1, -2)
        for start in range(length - (count - 1) * abs(step))
    ]


@given(data=st.data(), kind=kinds)
def test_out_may_overlap_x_and_the_parameters(activation, target, kind, data):
    dtype = data.draw(dtypes_of(activation))
    count = data.draw(st.integers(1, 200))
    buffer = numbers(computed_in(activation, dtype), count * 3 + 70, seed=count)
    places = st.sampled_from(slices_of(count, buffer.size))
    x, out, *parameters = (data.draw(places) for _ in range(2 + len(activation.parameters)))
    model = buffer.copy()
    model[out] = OPERATIONS[kind](activation, model[x], *(model[p] for p in parameters))
    operation_of(activation, kind)(buffer[x], *(buffer[p] for p in parameters), out=buffer[out])
    assert_same_bits(buffer, model)


SHARED_MATRICES = {
    "itself": lambda m: (m, m),
    "transposed": lambda m: (m, m.T),
    "both transposed": lambda m: (m.T, m.T),
    "rows reversed": lambda m: (m, m[::-1]),
    "columns reversed": lambda m: (m, m[:, ::-1]),
    "a row down": lambda m: (m[:-1], m[1:]),
    "a row up": lambda m: (m[1:], m[:-1]),
    "a column right": lambda m: (m[:, :-1], m[:, 1:]),
    "one row into all": lambda m: (m[3], m),
    "one column into all": lambda m: (m[:, 3:4], m),
    "every second into the rest": lambda m: (m[:, ::2], m[:, 1::2]),
}


@operations
@floats
@pytest.mark.parametrize("shared", SHARED_MATRICES)
def test_matrices_may_share_their_memory(activation, kind, dtype, shared):
    buffer = numbers(dtype, 30 * 30).reshape(30, 30)
    model = buffer.copy()
    x, out = SHARED_MATRICES[shared](model)
    out[...] = OPERATIONS[kind](activation, x.copy())
    x, out = SHARED_MATRICES[shared](buffer)
    operation_of(activation, kind)(x, out=out)
    assert_same_bits(buffer, model)


@operations
@floats
def test_one_array_may_be_x_and_the_parameters_and_out(activation, target, kind, dtype):
    x = numbers(dtype, 700)
    count = len(activation.parameters)
    for step in (1, 2, -1):
        changed = x[::step].copy()
        expected = OPERATIONS[kind](activation, changed.copy(), *[changed.copy()] * count)
        operation_of(activation, kind)(changed, *[changed] * count, out=changed)
        assert_same_bits(changed, expected)


def test_where_may_share_its_memory_with_out():
    x = np.array([5, 6, -7, 8], np.int8)
    where = np.array([True, False, True, True])
    assert_same_bits(hw.relu(x, out=where.view(np.int8), where=where), np.array([5, 0, 0, 8], "i1"))


@floats
@pytest.mark.parametrize("offset", [-16, -7, -1, 1, 2, 3, 8, 17])
def test_out_may_overlap_x_by_a_part_of_an_element(activation, target, dtype, offset):
    size = 100 * dtype.itemsize
    raw = np.zeros(size + 40, np.uint8)
    x, out = (raw[at : at + size].view(dtype) for at in (20, 20 + offset))
    x[...] = numbers(dtype, 100)
    before = raw.copy()
    expected = expected_value(activation, x.copy())
    assert_same_bits(activation(x, out=out).copy(), expected)
    untouched = np.ones(raw.size, bool)
    untouched[20 + offset : 20 + offset + size] = False
    assert_same_bits(raw[untouched], before[untouched])


@operations
@floats
def test_every_length_at_every_alignment_and_nothing_beside_it_is_written(
    activation, target, kind, dtype
):
    base = numbers(dtype, 300)
    expected = OPERATIONS[kind](activation, base)
    operation = operation_of(activation, kind)
    sentinel = dtype.type(77)
    for offset in range(64 // dtype.itemsize + 1):
        for n in [*range(70), 127, 128, 129, 191, 200]:
            out = np.full(n + 66, sentinel)
            operation(base[offset : offset + n], out=out[offset : offset + n])
            model = np.full(n + 66, sentinel)
            model[offset : offset + n] = expected[offset : offset + n]
            assert_same_bits(out, model)


@operations
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=lambda dtype: dtype.char)
def test_an_element_alone_gives_the_bits_it_gives_in_a_long_array(activation, target, kind, dtype):
    x = numbers(dtype, 1100)
    operation = operation_of(activation, kind)
    together = operation(x)
    assert_same_bits(np.concatenate([operation(x[i : i + 1]) for i in range(x.size)]), together)
    assert_same_bits(np.array([operation(v) for v in x]), together)
    assert_same_bits(operation(np.repeat(x, 3)[::3]), together)
    if dtype not in HALVES[1:]:
        assert_same_bits(operation(reversed_bytes(x)), together)


@operations
@pytest.mark.parametrize("n", [511, 512, 513, 1024, 1025, 5000, 70_000])
def test_blocks_of_strided_data_join_without_a_seam(activation, target, kind, n):
    x = numbers(np.dtype(np.float32), 3 * n)
    operation = operation_of(activation, kind)
    for step in (2, 3, -1, -3):
        expected = OPERATIONS[kind](activation, x[::step].copy())
        assert_same_bits(operation(x[::step]), expected)
        out = np.zeros_like(x)
        operation(x[::step], out=out[::step])
        assert_same_bits(out[::step], expected)


@operations
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 5)])
def test_empty_arrays_stay_empty(activation, kind, shape):
    for dtype in floats_of(activation) + INTEGERS:
        operation = operation_of(activation, kind)
        expected = np.empty(shape, computed_in(activation, dtype))
        assert_same_bits(operation(np.empty(shape, dtype)), expected)
        assert_same_bits(operation(np.empty(shape, dtype), out=expected.copy()), expected)


@operations
def test_zero_dimensional_arrays_give_scalars_as_ufuncs_do(activation, kind):
    operation = operation_of(activation, kind)
    for dtype in floats_of(activation):
        result = operation(np.array(-2.5, dtype))
        assert type(result) is dtype.type
        assert_same_bits(result, OPERATIONS[kind](activation, np.array(-2.5, dtype)))
        out = np.array(9, dtype)
        assert operation(np.array(-2.5, dtype), out=out) is out
        assert_same_bits(out, result)
