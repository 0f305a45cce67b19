"""What unit health has to count, computed directly with NumPy."""

import numpy as np


def by_role(array, axis, sample_axes):
    """The array as (samples, units, positions), in the order of its axes."""
    samples = [a for a in range(array.ndim) if a in sample_axes and a != axis]
    positions = [a for a in range(array.ndim) if a not in sample_axes and a != axis]
    sizes = [int(np.prod([array.shape[a] for a in axes])) for axes in (samples, positions)]
    ordered = array.transpose(*samples, axis, *positions)
    return ordered.reshape(sizes[0], array.shape[axis], sizes[1])


def counts_of(outputs, threshold=0.0):
    """The counts of (samples, units, positions), each in the plainest way."""
    with np.errstate(all="ignore"):
        values = outputs.astype(np.float64)
    finite = np.isfinite(values)
    zeroed = np.where(finite, values, 0.0)
    with np.errstate(all="ignore"):
        total, magnitude = zeroed.sum(axis=(0, 2)), abs(zeroed).sum(axis=(0, 2))
    return {
        "samples": values.shape[0],
        "values": values.shape[0] * values.shape[2],
        "fired": (values > threshold).any(axis=2).sum(axis=0),
        "nonfinite": (~finite).sum(axis=(0, 2)),
        "total": total,
        "magnitude": magnitude,
        "low": np.where(finite, values, np.inf).min(axis=(0, 2), initial=np.inf),
        "high": np.where(finite, values, -np.inf).max(axis=(0, 2), initial=-np.inf),
    }


def assert_counted(counts, expected):
    """Counts and ranges are equal, sums to 1e-12 of the sum of magnitudes."""
    for name in ("samples", "values", "fired", "nonfinite", "low", "high"):
        np.testing.assert_array_equal(getattr(counts, name), expected[name], err_msg=name)
    summed = expected["magnitude"] < 1e300  # beyond, the order of the additions decides
    for name in ("total", "magnitude"):
        difference = abs(getattr(counts, name)[summed] - expected[name][summed])
        assert (difference <= 1e-12 * expected["magnitude"][summed]).all(), name
