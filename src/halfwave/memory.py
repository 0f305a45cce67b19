"""The memory of large results."""

import sys
from operator import index

from halfwave import _core

SMALLEST = 2**25
"""Bytes of the smallest result that is recycled: 32 MiB."""


def recycle_results(limit_bytes: int) -> int:
    """Keep the memory of large results for the results to come.

    Most of the time that a large result takes is the system's: it hands out fresh pages and zeroes
    each when it is first written. With recycling, the memory of a result of 32 MiB or more is kept
    once its array is gone, and given to the next result of about that size. The system may take
    what is kept whenever it runs short of memory. It holds for the whole process, and is off unless
    this is called.

    Parameters
    ----------
    limit_bytes : int
        How many bytes are kept at most, in results that are gone: at least 2**25, the size of the
        smallest that is recycled, or 0 to keep none and give all that is kept back.

    Returns
    -------
    int
        The limit until now.

    Raises
    ------
    TypeError
        If the limit is not an integer.
    ValueError
        If it is negative, or too small for any result.
    NotImplementedError
        On Windows, whose memory cannot be lent back.

    Notes
    -----
    Arrays are never shared or moved: memory is kept after its last array is gone, and arrays that
    outlive a change of the limit stay as they are. `tracemalloc` counts arrays as ever, and not
    what is kept. Blocks are mapped in huge pages where the system has them, and marked with
    MADV_FREE while they are kept; NumPy's memory handlers (NEP 49) make it possible. Results of
    dask, torch or JAX have their own memory and are not recycled.

    Examples
    --------
    >>> import halfwave as hw
    >>> hw.recycle_results(2**30)
    0
    >>> hw.recycle_results(0)
    1073741824
    """
    limit = index(limit_bytes)
    if limit < 0 or 0 < limit < SMALLEST:
        raise ValueError(
            f"limit_bytes is {limit}, and the smallest result that is recycled has {SMALLEST} "
            f"bytes; pass at least that, or 0 to keep none"
        )
    return _core.recycle_results(min(limit, sys.maxsize))
