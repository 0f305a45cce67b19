"""The engine's count of what units do is what NumPy counts, in any layout and on any instruction set."""

import ctypes
import os
import signal
import sys
from pathlib import Path

import fresh
import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from samples import TARGETS, edges, numbers, signalling_nans
from test_threads import at_once, turns_of_another_thread_during

from halfwave import _core

LETTERS = {np.dtype(code): code[-1] for code in ("=e", "=f", "=d")} | {
    np.dtype(ml_dtypes.bfloat16): "E"
}
DTYPES = list(LETTERS)
FIELDS = ["fired", "nonfinite", "total", "magnitude", "low", "high"]
FLOORS = [0.0, -0.0, -1.0, 0.1, -0.1, 1e-46, -1e-46, 1e300, -1e300, np.inf, -np.inf, np.nan]
"""Among them what is no float32, rounds to zero there, or is larger than all of them."""

each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def nothing(units):
    """The arrays before anything is counted."""
    counts = [np.zeros(units, "i8") for _ in range(2)]
    sums = [np.zeros(units) for _ in range(2)]
    return [*counts, *sums, np.full(units, np.inf), np.full(units, -np.inf)]


def count(x, samples=(0,), unit=1, positions=(), floor=0.0, into=None):
    """What the engine counts when these axes are the samples, the units and the positions."""
    arrays = nothing(x.shape[unit]) if into is None else into
    dims = [(size, stride) for size, stride in zip(x.shape, x.strides, strict=True)]
    _core.tally(
        *(LETTERS[x.dtype], x.__array_interface__["data"][0]),
        tuple(dims[axis] for axis in samples),
        dims[unit],
        tuple(dims[axis] for axis in positions),
        *(floor, *arrays),
    )
    return arrays


def expected_count(x, samples=(0,), unit=1, positions=(), floor=0.0):
    """The same by its definition."""
    with np.errstate(all="ignore"):
        x = x.astype("f8").transpose(unit, *samples, *positions)
        fires = (x > floor).any(axis=tuple(range(1 + len(samples), x.ndim)))
        finite = np.isfinite(x)
        zeros, rest = np.where(finite, x, 0), tuple(range(1, x.ndim))
        return [
            fires.sum(axis=tuple(range(1, fires.ndim))),
            (~finite).sum(axis=rest),
            zeros.sum(axis=rest),
            np.abs(zeros).sum(axis=rest),
            np.min(x, axis=rest, initial=np.inf, where=finite),
            np.max(x, axis=rest, initial=-np.inf, where=finite),
        ]


def assert_counted(actual, expected, tolerance=1e-12):
    """Fails unless counts and extremes are equal, and sums within so much of the magnitude."""
    magnitude = expected[FIELDS.index("magnitude")]
    for name, got, want in zip(FIELDS, actual, expected, strict=True):
        off = tolerance * magnitude if name in ("total", "magnitude") else 0
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero(~((got == want) | (np.abs(got - want) <= off)))
        assert not wrong.size, f"{name} of {wrong}: {got[wrong]} instead of {want[wrong]}"


def assert_same_counts(actual, expected):
    for got, want in zip(actual, expected, strict=True):
        assert_same_bits(got, want)


def summable(x):
    """The same numbers, but so that no sum of doubles overflows."""
    if x.dtype == np.float64:
        x[np.isfinite(x) & (np.abs(x) > 1e300)] = 1e300
    return x


def whole_numbers(dtype, shape, lowest=-8):
    """Numbers whose sums are exact, in any order."""
    return np.random.default_rng(3).integers(lowest, 9, shape).astype(dtype)


CONTENTS = {
    "any": lambda dtype, n, seed: summable(numbers(dtype, n, seed)),
    "finite": lambda dtype, n, seed: np.random.default_rng(seed).normal(size=n).astype(dtype),
    "positive": lambda dtype, n, seed: np.random.default_rng(seed).random(n).astype(dtype),
    "nan": lambda dtype, n, seed: np.full(n, np.nan).astype(dtype),
}
SIZES = st.one_of(st.integers(0, 5), st.sampled_from([15, 16, 17, 31, 33, 49]))


@st.composite
def layers(draw):
    """An array in any layout, with NaN where it has no element; the axes of samples and positions."""
    dtype = draw(st.sampled_from(DTYPES))
    samples, positions = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    shape = [draw(SIZES) for _ in range(1 + samples + positions)]
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 1, 1, 2, -1, -3, 0])) for _ in shape]
    lengths = [n * abs(step) if step else 1 for n, step in zip(shape, steps, strict=True)]
    base = np.full([lengths[axis] for axis in order], np.nan).astype(dtype)
    view = base.transpose(np.argsort(order))[tuple(slice(None, None, s or 1) for s in steps)]
    content = CONTENTS[draw(st.sampled_from(list(CONTENTS)))]
    view[...] = content(dtype, view.size, draw(st.integers(0, 99))).reshape(view.shape)
    axes = draw(st.permutations(range(len(shape))))
    return np.broadcast_to(view, shape), axes[:samples], axes[samples], axes[samples + 1 :]


@given(layers(), st.sampled_from(FLOORS), st.sampled_from(TARGETS))
def test_units_are_counted_in_any_layout(layer, floor, instructions):
    before = _core.target()
    _core.use_target(instructions)
    try:
        assert_counted(count(*layer, floor), expected_count(*layer, floor))
    finally:
        _core.use_target(before)


@given(layers(), st.sampled_from(FLOORS))
def test_no_bit_depends_on_the_instruction_set(layer, floor):
    before, counts = _core.target(), []
    for instructions in TARGETS:
        _core.use_target(instructions)
        counts.append(count(*layer, floor))
    _core.use_target(before)
    for other in counts[1:]:
        assert_same_counts(other, counts[0])


@each_dtype
@pytest.mark.parametrize("lowest", [-8, 0])
def test_every_size_of_every_axis_is_counted(dtype, lowest, target):
    for size in range(71):
        for x, axes in [
            (whole_numbers(dtype, (37, size), lowest), ((0,), 1, ())),
            (whole_numbers(dtype, (size, 37), lowest), ((0,), 1, ())),
            (whole_numbers(dtype, (3, 5, size), lowest), ((0,), 1, (2,))),
            (whole_numbers(dtype, (3, size, 20), lowest), ((0,), 2, (1,))),
            (whole_numbers(dtype, (2, 3, size, 17), lowest), ((0,), 1, (2, 3))),
        ]:
            assert_counted(count(x, *axes), expected_count(x, *axes), tolerance=0)


@each_dtype
def test_one_number_that_is_not_finite_spoils_no_other(dtype, target):
    x = whole_numbers(dtype, (40, 3, 35))
    for axes in [((0, 1), 2, ()), ((0,), 2, (1,)), ((0,), 1, (2,)), ((2,), 1, (0,))]:
        for value in (np.nan, np.inf, -np.inf, *signalling_nans(dtype)):
            for i in (0, 17, 34):
                spoilt = x.copy()
                spoilt[i, 1, i] = value
                assert_counted(count(spoilt, *axes), expected_count(spoilt, *axes), tolerance=0)


@each_dtype
@pytest.mark.parametrize("value", [1, np.inf, 0, -0.0, -1, np.nan, -np.inf])
def test_a_sample_fires_where_any_position_is_above_the_floor(dtype, value, target):
    for positions in (1, 15, 16, 17, 32, 33, 100, 1000):
        x = np.full((positions, 3, 16), -1, dtype)
        x[-1, 0, 0] = x[positions // 2, 1, 1] = x[0, 2, 2] = value
        for samples_last in (x, x.T.copy().T):
            fired, nonfinite = count(samples_last, (1,), 2, (0,))[:2]
            assert fired.tolist() == [value > 0] * 3 + [0] * 13
            assert nonfinite.tolist() == [not np.isfinite(value)] * 3 + [0] * 13


@each_dtype
@pytest.mark.parametrize("floor", FLOORS)
def test_the_floor_is_compared_in_double(dtype, floor, target):
    with np.errstate(all="ignore"):
        neighbours = np.array([floor, 0.1, -0.1, 0, -1]).astype(dtype)
        around = [np.nextafter(neighbours, dtype.type(end)) for end in (np.inf, -np.inf)]
    x = np.concatenate([edges(dtype), neighbours, *around])[None]
    assert_same_bits(count(x, floor=floor)[0], expected_count(x, floor=floor)[0])


@each_dtype
def test_sums_are_of_doubles(dtype, target):
    largest = ml_dtypes.finfo(dtype).max if dtype != np.float64 else 1e300
    least = ml_dtypes.finfo(dtype).smallest_subnormal
    x = np.array([[largest, least]] * 50, dtype)
    for layer in [(x, (0,), 1), (x.T[None].copy(), (0,), 1, (2,))]:
        total = count(*layer)[FIELDS.index("total")]
        np.testing.assert_allclose(total, 50 * x[0].astype("f8"), 1e-12, 0)


@each_dtype
def test_the_lowest_and_the_highest_zero_are_positive(dtype, target):
    for x in (np.full((40, 3), -0.0, dtype), np.full((1, 3, 40), -0.0, dtype)):
        low, high = count(x, (0,), 1, range(2, x.ndim))[4:]
        assert_same_bits(low, np.zeros(3))
        assert_same_bits(high, np.zeros(3))


@each_dtype
def test_counts_are_added_to_what_there_is(dtype, target):
    x = summable(numbers(dtype, 60 * 7 * 20)).reshape(60, 7, 20)
    for axes in [((0, 2), 1, ()), ((0,), 1, (2,)), ((0,), 2, (1,))]:
        parts = count(x[:25], *axes)
        assert count(x[25:], *axes, into=parts) is parts
        assert_counted(parts, count(x, *axes))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3, 0), (0, 0, 0)])
def test_where_there_is_nothing_nothing_changes(shape):
    x = np.empty(shape, "f4")
    assert_same_counts(count(x, (0,), 1, range(2, x.ndim)), nothing(shape[1]))


@pytest.mark.parametrize(
    "axes", [((0,), 1, (2, 3)), ((0,), 2, (1, 3)), ((0, 1), 2, (3,)), ((2,), 1, (0, 3))]
)
def test_no_bit_depends_on_the_number_of_threads(axes):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    pools = threadpoolctl.ThreadpoolController().select(user_api="openmp")
    x = np.random.default_rng(0).standard_normal((300, 130, 128, 1), "f4")
    x[::7, ::3, ::50] = np.nan
    x = np.broadcast_to(x, (*x.shape[:3], 8))  # from 128 MiB on two threads
    counts = []
    for threads in (1, 2, 3, 8):
        with pools.limit(limits=threads):
            counts.append(count(x, *axes))
    assert_counted(counts[0], expected_count(x, *axes))
    for other in counts[1:]:
        assert_same_counts(other, counts[0])


def test_python_threads_may_count_at_once():
    x = np.random.default_rng(0).standard_normal((100, 20, 30), "f4")
    expected = count(x, (0,), 1, (2,))
    for counts in at_once(lambda thread: [count(x, (0,), 1, (2,)) for _ in range(50)]):
        for each in counts:
            assert_same_counts(each, expected)


def test_a_long_count_lets_other_threads_run():
    x = np.ones((1 << 13, 1 << 10), "f4")
    assert turns_of_another_thread_during(lambda: count(x)) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds fetestexcept where Linux has it")
@each_dtype
@pytest.mark.parametrize("raised", [0, 1])  # 1 is FE_INVALID
def test_no_floating_point_flag_is_raised_or_lowered(dtype, raised, target):
    libm = ctypes.CDLL("libm.so.6")
    x = numbers(dtype, 4000).reshape(100, 40)
    libm.feclearexcept(-1)
    libm.feraiseexcept(raised)
    count(x, floor=0.1)
    assert libm.fetestexcept(-1) == raised
    libm.feclearexcept(-1)


BETWEEN_FORBIDDEN_PAGES = """\
import ctypes, math, mmap, sys
import numpy as np
sys.path.insert(0, {here!r})
from test_tally import LETTERS, _core, count
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 3 * page)
all_three = np.frombuffer(memory, np.uint8)
for forbidden in (0, 2 * page):
    address = ctypes.c_void_p(all_three.ctypes.data + forbidden)
    assert ctypes.CDLL(None).mprotect(address, ctypes.c_size_t(page), 0) == 0
allowed = all_three[page : 2 * page]
for target in _core.targets():
    _core.use_target(target)
    for dtype in LETTERS:
        for size in range(1, 71):
            for shape, axes in [((5, size), ((0,), 1)), ((2, 3, size), ((0,), 1, (2,)))]:
                n = math.prod(shape) * dtype.itemsize
                for place in allowed[:n], allowed[-n:]:
                    count(place.view(dtype).reshape(shape), *axes)
print("nothing else was read", flush=True)
last = allowed[-64:].view("f4").reshape(1, 16)
count(np.lib.stride_tricks.as_strided(last, (1, 17)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forbids pages as Linux does")
@pytest.mark.skipif("HALFWAVE_SANITIZE" in os.environ, reason="the sanitizers see it by themselves")
def test_no_memory_is_read_but_what_is_described():
    done = fresh.run("-c", BETWEEN_FORBIDDEN_PAGES.format(here=str(Path(__file__).parent)))
    assert done.stdout.decode() == "nothing else was read\n", done.stderr.decode()
    assert done.returncode == -signal.SIGSEGV  # a count of one more value is seen


def broken(**changes):
    """The arguments of a call that counts three units, but for these."""
    x = np.ones((2, 3), "f4")
    names = ["dtype", "address", "samples", "units", "positions", "floor", *FIELDS]
    good = ["f", x.ctypes.data, ((2, 12),), (3, 4), (), 0.0, *nothing(3)]
    return list((dict(zip(names, good, strict=True)) | changes).values()), x


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "g"},
        {"dtype": "i"},
        {"samples": (3,)},
        {"samples": ((2, 12, 1),)},
        {"samples": ((-2, 12),)},
        {"positions": ((-1, 0),)},
        {"units": (-3, 4)},
        {"units": (4, 4)},
        {"fired": np.zeros(3)},
        {"nonfinite": np.zeros(3, "i4")},
        {"total": np.zeros(3, ">f8")},
        {"magnitude": np.zeros((3, 1))},
        {"low": np.zeros(6)[::2]},
        {"high": np.zeros(4)},
        {"high": np.frombuffer(bytes(24))},
    ],
)
def test_what_the_engine_cannot_count_into_is_refused(change):
    arguments, _x = broken(**change)
    with pytest.raises(SystemError):
        _core.tally(*arguments)


def test_values_without_memory_are_refused():
    arguments, _x = broken(address=0)
    with pytest.raises(ValueError, match="no memory"):
        _core.tally(*arguments)


@each_dtype
@pytest.mark.parametrize("field", FIELDS)
def test_a_wrong_count_is_found(dtype, field):
    x = whole_numbers(dtype, (40, 20))
    counts = count(x)
    wrong = counts[FIELDS.index(field)]
    wrong[7] = np.nextafter(wrong[7], np.inf) if field in ("low", "high") else wrong[7] + 1
    with pytest.raises(AssertionError, match=f"{field} of \\[7\\]"):
        assert_counted(counts, expected_count(x))


@each_dtype
def test_a_number_more_or_less_is_found(dtype):
    x = whole_numbers(dtype, (3, 5, 33), lowest=1)
    for size in (32, 34):
        other = np.resize(x, (3, 5, size))
        with pytest.raises(AssertionError, match="total"):
            assert_counted(count(other, (0,), 1, (2,)), expected_count(x, (0,), 1, (2,)))
