"""Arrays of any layout, for hypothesis to draw."""

import numpy as np
from hypothesis import strategies as st
from samples import numbers


def reversed_bytes(x):
    """The same numbers in the other byte order."""
    return x.astype(x.dtype.newbyteorder())


@st.composite
def views(draw, shape, dtype, written=False):
    """An array of this shape with axes in any order, any strides, offset, alignment, byte order.

    A written one has no two elements in one place, and may be written.
    """
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 1, 2, 3, -1, -2] + [0] * (not written))) for _ in shape]
    lengths = [n * abs(step) if step else 1 for n, step in zip(shape, steps, strict=True)]
    offset = draw(st.integers(0, 9))
    base = _misaligned if draw(st.booleans()) else _aligned
    stored = dtype.newbyteorder() if dtype.kind in "iuf" and draw(st.booleans()) else dtype
    content = _content(dtype, offset + int(np.prod(lengths)), draw(st.integers(0, 99)))
    flat = base(content.astype(stored))[offset:]
    array = flat.reshape([lengths[axis] for axis in order]).transpose(np.argsort(order))
    array = array[(..., *(slice(None, None, step or 1) for step in steps))]
    array = array if written else np.broadcast_to(array, shape)
    if not written and draw(st.booleans()):
        array.flags.writeable = False
    return array


def _content(dtype, n, seed):
    if dtype == bool:
        return np.random.default_rng(seed).random(n) < 0.5
    return numbers(dtype, n, seed)


def _aligned(content):
    return content


def _misaligned(content):
    """The same array at an address that is no multiple of anything."""
    raw = np.zeros(content.nbytes + 1, np.uint8)
    raw[1:] = content.view(np.uint8)
    return raw[1:].view(content.dtype)
