"""`halfwave.verify` tries every input, and finds a result that is wrong in one bit at one of them."""

import os
import sys
from itertools import chain, product
from multiprocessing import active_children

import numpy as np
import pytest
from bits import assert_same_bits
from samples import HALVES, all_halves, bits_of, edges
from test_halves import FORMATS
from test_halves import rounded as rounded_by_the_tests

import halfwave as hw
from halfwave import _core, verify
from halfwave.verify import BLOCK, SHOWN, WHAT, Share, Verification, every, sample

FLOAT32 = np.dtype(np.float32)
each_dtype = pytest.mark.parametrize("dtype", [*HALVES, FLOAT32], ids=str)
each_what = pytest.mark.parametrize("what", WHAT)


def verified(*activations, **options):
    """The rows of a verification that is through."""
    verification = Verification(activations, **options)
    assert sum(verification.run()) == verification.size
    return verification.rows


# What is right


@pytest.mark.each_kind
def test_a_piecewise_linear_activation_has_the_bits_of_its_formula(piecewise):
    rows = verified(piecewise)
    assert [row.verdict for row in rows] == ["same bits"] * len(rows)
    assert [(row.dtype, row.what) for row in rows] == [
        (dtype, what) for dtype in verify.DTYPES for what in WHAT
    ]
    assert {row.targets for row in rows} == {tuple(_core.targets())}


def test_the_halves_meet_other_parameters_than_the_default(activation):
    rows = Verification([activation]).rows
    default = {p.name: p.default for p in activation.parameters.values()}
    tried = [set(p.tried or verify.OTHERS) for p in activation.parameters.values()]
    for row in rows:
        others = {tuple(given.values()) for given in row.parameters[1:]}
        assert row.parameters[0] == default
        assert tuple(default.values()) not in others
        every = set(product(*tried)) - {tuple(default.values())}
        assert others == (every if row.dtype != "float32" else set())


def test_processes_find_what_one_process_finds():
    verification = Verification([hw.relu, hw.leaky_relu], ["float16", "bfloat16"])
    assert sum(verification.run(processes=2)) == verification.size
    assert verification.rows == verified(hw.relu, hw.leaky_relu, dtypes=["float16", "bfloat16"])


# The inputs


@each_dtype
def test_full_is_every_number_once(dtype):
    inputs = every(dtype.name)
    assert inputs.blocks * BLOCK == inputs.size == 2 ** (8 * dtype.itemsize)
    for number in (0, 1, inputs.blocks // 2, inputs.blocks - 1):
        number = min(number, inputs.blocks - 1)
        first = number * BLOCK
        bits = np.arange(first, first + BLOCK, dtype=np.uint64).astype(bits_of(dtype))
        assert_same_bits(inputs.block(number).view(bits_of(dtype)), bits)


def test_the_shares_of_a_full_run_are_every_block_once():
    shares = [share for share, _ in Verification([hw.relu], ["float32"], full=True)._shares]
    assert list(chain.from_iterable(share.blocks for share in shares)) == list(
        range(2**32 // BLOCK)
    )


def test_the_sample_of_float32_has_every_sign_exponent_and_edge():
    inputs = sample()
    assert inputs.size == sum(inputs.block(k).size for k in range(inputs.blocks)) > 2**23
    significands = inputs.block(0).view(np.uint32)
    assert np.unique(significands).size == significands.size
    for number in (1, 255, 256, 511):  # sign and exponent
        bits = inputs.block(number).view(np.uint32)
        assert_same_bits(bits, significands + np.uint32(number << 23))
    assert np.isin(edges(FLOAT32).view(np.uint32) & 0x7FFFFF, significands).all()


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: str(f.dtype))
def test_halves_are_rounded_once_as_in_the_tests_of_the_halves(format):
    with np.errstate(all="ignore"):
        every = all_halves(format.dtype).astype(np.float64)
        middles = (every[:-1] + every[1:]) / 2
        for exact in (every, middles, np.nextafter(middles, 0), 1.0009765625 * every):
            expected = rounded_by_the_tests(exact, format)
            assert_same_bits(verify.rounded(exact, format.dtype), expected)


# What is compared


def bits_at(number, dtype):
    return int(np.array(number, dtype).view(bits_of(dtype)))


def from_bits(bits, dtype):
    """An array of one number."""
    return np.array([bits], bits_of(dtype)).view(dtype)


@each_dtype
def test_one_bit_the_sign_of_a_zero_and_a_hidden_nan_differ(dtype):
    one, nan, minus_zero = (bits_at(number, dtype) for number in (1, np.nan, -0.0))
    for got, expected in [(one, one + 1), (0, minus_zero), (nan, 0), (one, nan), (0, 1)]:
        got, expected = from_bits(got, dtype), from_bits(expected, dtype)
        assert verify.differing(got, expected).tolist() == [0]
        assert verify.differing(expected, got).tolist() == [0]


@each_dtype
def test_any_nan_is_as_good_as_any_other(dtype):
    infinity, minus_zero = bits_at(np.inf, dtype), bits_at(-0.0, dtype)
    nans = [from_bits(infinity + k, dtype) for k in (1, 2, minus_zero + 1)]
    for got in nans:
        for expected in nans:
            with np.errstate(invalid="ignore"):  # signalling NaNs
                assert verify.differing(got, expected).size == 0


# What is found


class Planted:
    """An activation, one of whose results is wrong at some of its inputs."""

    def __init__(self, activation, what, wrong, put=lambda right: -right):
        self._activation = activation
        self._what = what
        self._wrong = wrong
        self._put = put
        self.name, self.parameters = activation.name, activation.parameters
        self._facts = activation._facts

    def _spoilt(self, what, x, result, *parameters):
        if what == self._what:
            at = self._wrong(x, *parameters)
            result[at] = self._put(result[at])
        return result

    def __call__(self, x, *parameters):
        return self._spoilt("value", x, self._activation(x, *parameters), *parameters)

    def derivative(self, x, *parameters):
        slope = self._activation.derivative(x, *parameters)
        return self._spoilt("derivative", x, slope, *parameters)

    def vjp(self, x, *parameters):
        value, pullback = self._activation.vjp(x, *parameters)
        value = self._spoilt("value of vjp", x, value, *parameters)
        return value, lambda g: self._spoilt("pullback", x, pullback(g), *parameters)


def checked(f, x):
    """What is found in the block of this one number."""
    block = int(x.view(bits_of(x.dtype))) // BLOCK
    return verify.check(Share(f, every(x.dtype.name), ((),), range(block, block + 1)))


@each_what
@each_dtype
@pytest.mark.parametrize("target", _core.targets())
def test_one_wrong_result_on_one_instruction_set_is_found_and_named(what, dtype, target):
    f = Planted(hw.relu, what, lambda x: (x == 3) & (_core.target() == target))
    found = dict(zip(WHAT, checked(f, dtype.type(3)), strict=True))
    assert [other for other in WHAT if found[other].count] == [what]
    assert found[what].count == 1
    [example] = found[what].first
    right = 1 if what == "derivative" else 3
    assert_same_bits(example.x, dtype.type(3))
    assert_same_bits(example.got, dtype.type(-right))
    assert_same_bits(example.expected, dtype.type(right))
    assert (example.parameters, example.target) == ({}, target)


@pytest.mark.parametrize("put", [0.0, np.nan, np.inf])
def test_a_nan_that_is_hidden_and_a_number_that_becomes_nan_are_found(put):
    where = np.isnan if put == 0 else lambda x: x == -2
    f = Planted(hw.relu, "value", where, lambda _: put)
    row, *_ = verified(f, dtypes=["float16"])
    numbers = 2046 if put == 0 else 1
    assert row.differences.count == numbers * len(_core.targets())


def test_what_is_wrong_for_another_parameter_alone_is_found():
    other = verify.OTHERS[3]
    f = Planted(hw.leaky_relu, "derivative", lambda x, alpha: (x == 3) & (alpha == other))
    rows = verified(f, dtypes=["bfloat16"])
    [row] = [row for row in rows if row.verdict != "same bits"]
    assert row.differences.count == len(_core.targets())
    assert all(found.parameters == {"alpha": other} for found in row.differences.first)


def test_full_finds_what_the_sample_does_not_hold():
    x = np.uint32(0x41234567).view(np.float32)
    f = Planted(hw.relu, "value", lambda y: y == x)
    assert verified(f, dtypes=["float32"])[0].verdict == "same bits"
    value, *others = checked(f, x)
    assert value.count == len(_core.targets())
    assert [found.x for found in value.first] == [x] * min(SHOWN, len(_core.targets()))
    assert [other.count for other in others] == [0, 0, 0]


def test_everything_is_counted_and_the_first_is_kept():
    f = Planted(hw.relu, "value", lambda x: x > 0)
    row, *_ = verified(f, dtypes=["float16"])
    assert row.differences.count == 31744 * len(_core.targets())  # infinity is one of them
    first = [found.x for found in row.differences.first]
    assert_same_bits(first, all_halves(HALVES[0])[1 : SHOWN + 1])
    assert {found.target for found in row.differences.first} == {_core.targets()[0]}


# What is left behind, and what is missing


def test_the_instruction_set_in_use_is_in_use_again(target):
    verified(hw.relu, dtypes=["float16"])
    assert _core.target() == target
    for _ in Verification([hw.relu], ["float16", "float32"]).run():
        break
    assert _core.target() == target


def test_the_instruction_set_in_use_is_in_use_again_after_an_error(target):
    f = Planted(hw.relu, "value", lambda x: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        verified(f, dtypes=["float16"])
    assert _core.target() == target


def test_whoever_stops_early_leaves_no_process_behind():
    run = Verification([hw.relu], ["float32"], full=True).run(processes=2)
    next(run)
    assert len(active_children()) == 2
    run.close()
    assert active_children() == []


class Deadly(Planted):
    """Ends the process that it is sent to."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_process_that_dies_is_an_error_and_no_success():
    verification = Verification([hw.relu, Deadly(hw.relu, "value", np.isnan)], ["float16"])
    with pytest.raises(RuntimeError, match="the process that was to check relu at float16"):
        sum(verification.run(processes=2))


def test_without_ml_dtypes_bfloat16_is_not_verified_and_the_others_are(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    rows = verified(hw.relu, dtypes=["float16", "bfloat16"])
    verdicts = {row.dtype: row.verdict for row in rows}
    assert verdicts == {"float16": "same bits", "bfloat16": "not verified"}
    assert {row.inputs for row in rows if row.dtype == "bfloat16"} == {0}
