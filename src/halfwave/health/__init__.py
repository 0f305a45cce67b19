"""Unit health: find the units of a network that do not learn, each verdict with its evidence.

>>> import numpy as np
>>> from halfwave import health
>>> stats = health.Stats("relu")
>>> stats.update(np.array([[0.0, 1.0], [0.0, 2.0]]), training=False)
>>> health.Report.of({"hidden": stats})
<halfwave.health.Report: 1 of 2 units is silent>
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from halfwave.health.estimators import inspect
from halfwave.health.layer import LayerReport
from halfwave.health.rectifier import Rectifier
from halfwave.health.report import NotSeen, Report, UnhealthyError
from halfwave.health.stats import Stats

if TYPE_CHECKING:
    from halfwave.health.torch.watch import Watch

__all__ = [  # one by one: type checkers read no starred names
    "LayerReport",
    "NotSeen",
    "Rectifier",
    "Report",
    "Stats",
    "UnhealthyError",
    "inspect",
    "watch",
]


def watch(model: Any, every: int = 1, axes: Mapping[str, int] | None = None) -> Watch:
    """Watch the units of a PyTorch model during training or inference.

    Nothing about the training changes: the same losses, weights and random numbers.

    Parameters
    ----------
    model : torch.nn.Module
        The network; each rectifier that its forward pass computes is seen.
    every : int, default 1
        Of how many forward passes one is counted. Backward passes are all seen.
    axes : mapping of str to int, optional
        The units' axis at places where it cannot be known, by the names in ``report.not_seen``.

    Returns
    -------
    Watch
        A context manager, with ``report()``, and with ``start()`` and ``stop()`` for notebooks.

    Raises
    ------
    TypeError
        If `model` is not a PyTorch model, or an axis is no number.
    ValueError
        If `every` is less than 1.

    Examples
    --------
    >>> from halfwave import health
    >>> with health.watch(model) as watch:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         train(x, y)
    >>> print(watch.report())  # doctest: +SKIP
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"health.watch takes a torch.nn.Module, and model is of type {type(model).__name__}; "
            f"for other frameworks pass the activations to health.Stats"
        )
    from halfwave.health.torch.watch import Watch

    return Watch(model, every, axes or {})
