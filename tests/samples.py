"""What several test files share: every dtype, numbers that find faults, and what they should give."""

import os
from itertools import product

import ml_dtypes
import numpy as np

from halfwave import _core
from halfwave.facts import evaluate, passing_slope

# HALFWAVE_TARGET limits the tests to one instruction set.
TARGETS = [os.environ["HALFWAVE_TARGET"]] if os.environ.get("HALFWAVE_TARGET") else _core.targets()
HALVES = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
FLOATS = [*HALVES, *map(np.dtype, (np.float32, np.float64, np.longdouble))]
INTEGERS = [np.dtype(code) for code in "bBhHiIlLqQ"]
SLOPES = [0.01, 0.0, -0.0, 0.5, -0.3, 1.0, 1.7, 3.0, np.inf, -np.inf, np.nan, 1e-6, 1e-40]
"""Exact and inexact, above 1, negative, no slope at all, and subnormal (in float16, in float32)."""


def bits_of(dtype):
    """The unsigned integer that an element of this dtype is, as bits."""
    return np.dtype(f"u{dtype.itemsize}")


def all_halves(dtype):
    """All 65,536 numbers of a 16-bit dtype."""
    return np.arange(2**16, dtype=np.uint16).view(dtype)


def edges(dtype):
    """The numbers of a float dtype at which something ends, or begins; both signs of each."""
    info = ml_dtypes.finfo(dtype)
    least, tiny, eps = info.smallest_subnormal, info.tiny, info.eps
    one = dtype.type(1)
    numbers = [0 * one, least, least + least, tiny - least, tiny, tiny + least, eps, one - eps, one]
    numbers += [one + eps, one + one + one, info.max / dtype.type(2), info.max]
    numbers += [dtype.type(np.inf), dtype.type(np.nan)]
    positive = np.array(numbers, dtype)
    return np.concatenate([positive, -positive])


def signalling_nans(dtype):
    """NaNs that an arithmetic instruction reports; long double has no bits to write them in."""
    if dtype.itemsize > 8:
        return np.empty(0, dtype)
    infinity = np.array([np.inf, -np.inf], dtype).view(bits_of(dtype))
    return (infinity + 1).view(dtype)


def numbers(dtype, n, seed=0):
    """n numbers in random order, the edges among them; floats all differ as far as n allows."""
    rng = np.random.default_rng(seed)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        special = np.array([info.min, info.max, 0, 1, info.max // 2], dtype)
        rest = rng.integers(info.min, info.max, n, dtype, endpoint=True)
    else:
        special = np.concatenate([edges(dtype), signalling_nans(dtype)])
        rest = (rng.standard_normal(n) * 10).astype(dtype)
    every = np.concatenate([rest, rng.permuted(special)])[-n:] if n else special[:0]
    return rng.permuted(every)


def parameter_sets(activation, values):
    """Every way of giving the activation's parameters one of these values.

    Of several parameters each takes its own turn, as all ways would be too many.
    """
    count = len(activation.parameters)
    if count < 2:
        return list(product(values, repeat=count))
    half = len(values) // 2
    return [tuple(np.roll(values, half * k)[i] for k in range(count)) for i in range(len(values))]


def known_sets(activation):
    """The parameters at which the error of an activation is known: the defaults, and those tried."""
    known = activation.parameters.values()
    return [tuple(p.default for p in known), *zip(*(p.tried for p in known))]


def off_the_kinks(activation, x, parameters):
    """x, with 1 where expressions cannot tell the side: kinks that are no numbers of the dtype."""
    named = dict(zip(activation.parameters, parameters, strict=True))
    positions = [evaluate(kink.at, named) for kink in activation.kinks]
    eps = float(ml_dtypes.finfo(x.dtype).eps)
    with np.errstate(invalid="ignore"):
        near = [abs(x.astype("f8") - at) < 2 * eps * abs(at) for at in positions]
    return np.where(np.any(near, axis=0), x.dtype.type(1), x)


def moderate(g):
    """The same gradients without infinities, NaN and what is as good as infinite."""
    with np.errstate(invalid="ignore"):  # NumPy does not take the NaN of bfloat16 for one
        return np.clip(np.nan_to_num(g.astype("f8")), -100, 100).astype(g.dtype)


def floats_of(activation):
    """The float dtypes that the activation takes."""
    return [d for d in FLOATS if d != np.longdouble or not activation._facts.is_smooth]


def computed_in(activation, dtype, parameters=()):
    """The dtype of the result for x of this dtype; a bound that is not whole makes floats of integers."""
    kept = dtype.kind != "b" and activation.keeps_integers and all(map(_is_whole, parameters))
    if dtype.kind not in "biu" or kept:
        return dtype.newbyteorder("=")
    return np.dtype({1: np.float16, 2: np.float32}.get(dtype.itemsize, np.float64))


def _is_whole(bound):
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.isinf(bound) | (np.trunc(bound) == bound)))


def cast_to(dtype):
    """The dtypes that this one becomes by same-kind casting."""
    return [d for d in FLOATS + INTEGERS if np.can_cast(dtype, d, "same_kind")]


def cast_from(dtype):
    """The dtypes that become this one by same-kind casting."""
    return [d for d in FLOATS + INTEGERS if np.can_cast(d, dtype, "same_kind")]


def expected_value(activation, x, *parameters):
    """What the value has to be, in the dtype that x decides.

    That is what the facts' own formula gives, or for a smooth activation, whose error other tests
    hold, what the engine gives where all lies side by side: it must give that in every layout.
    """
    return _expected(activation, "value", x, parameters)


def expected_derivative(activation, x, *parameters):
    """The same of the derivative."""
    return _expected(activation, "derivative", x, parameters)


def expected_pullback(activation, x, g, *parameters):
    """g f'(x) by selection: a slope of 0 passes nothing, NaN in x passes g.

    A smooth activation of halves is computed in float32, and rounded once.
    """
    dtype = computed_in(activation, np.asarray(x).dtype, parameters)
    half = dtype.itemsize == 2 and dtype.kind not in "iu"
    wide = np.float32 if half and not activation._facts.is_exact else _held_in(dtype)
    with np.errstate(all="ignore"):
        x, g = (np.asarray(a).astype(dtype).astype(wide) for a in (x, g))
        parameters = [_as(p, dtype).astype(wide) for p in parameters or _defaults(activation)]
        slope = expected_derivative(activation, x, *parameters)
        slope = np.where(np.isnan(x), passing_slope(activation._facts, parameters), slope)
        return np.where(slope == 0, slope.dtype.type(0), g * slope).astype(dtype)


def _expected(activation, what, x, parameters):
    dtype = computed_in(activation, np.asarray(x).dtype, parameters)
    with np.errstate(all="ignore"):
        wide = _held_in(dtype)
        parameters = [_as(p, dtype) for p in parameters or _defaults(activation)]
        operands = [np.asarray(x).astype(dtype).astype(wide), *parameters]
        if activation._facts.is_exact:
            result = np.asarray(getattr(activation._facts, what)(np, *operands))
            return _saturated(result, dtype) if dtype.kind in "iu" else result.astype(dtype)
        operation = activation if what == "value" else activation.derivative
        side_by_side = [np.ascontiguousarray(a) for a in np.broadcast_arrays(*operands)]
        return np.asarray(operation(*side_by_side)).reshape(
            np.broadcast_shapes(*map(np.shape, operands))
        )


def _saturated(result, dtype):
    """Integers of a dtype; a bound beyond its range is the end of the range."""
    limits = np.iinfo(dtype)
    return np.clip(result, limits.min, limits.max).astype(dtype)


def _held_in(dtype):
    """A dtype that holds numbers of this one and the bounds of integers, which may lie beyond it."""
    return np.dtype(np.longdouble) if dtype.kind in "iu" else dtype


def _as(parameter, dtype):
    return np.asarray(parameter).astype(_held_in(dtype))


def _defaults(activation):
    return [p.default for p in activation.parameters.values()]
