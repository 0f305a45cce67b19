"""Networks whose units are known by construction, and what a direct look at them gives."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from halfwave import health

SAMPLES = 11
SIZES = (4, 4, 3)
"""The batches; the last one is smaller."""


class Net(nn.Module):
    """Modules, and a forward pass that a test writes as a function of them."""

    def __init__(self, forward, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
        self._compute = forward

    def forward(self, *inputs):
        return self._compute(self, *inputs)


def watched(model, *inputs, axes=None, sizes=None):
    """The report of the model on these inputs, in batches of these sizes."""
    batches = zip(*(torch.split(x, sizes or len(x)) for x in inputs), strict=True)
    with health.watch(model, axes=axes) as watch, torch.no_grad():
        for batch in batches:
            model(*(x.clone() for x in batch))
    return watch.report()


def diagonal(weights, bias=0.0):
    """A linear layer that passes each feature to one unit."""
    layer = nn.Linear(len(weights), len(weights))
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.as_tensor(weights)))
        layer.bias.fill_(bias)
    return layer


def units_of(mask):
    """The units of a verdict."""
    return [] if mask is None else np.flatnonzero(mask).tolist()


def verdicts(layer):
    """The verdicts that were given at all, each with its units."""
    masks = {
        "silent": layer.silent,
        "always_on": layer.always_on,
        "saturated": layer.saturated,
        "constant": layer.constant,
        "nonfinite": layer.nonfinite != 0,
        "not_updated": layer.not_updated,
        "frozen": layer.frozen,
        "starved": layer.starved,
    }
    return {name: units for name, mask in masks.items() if (units := units_of(mask))}


def places(report):
    """Where something was not seen."""
    return [entry.place for entry in report.not_seen]


def counts_by_label(h, unit, sample):
    """Counts of outputs of which each element's unit and sample are known by a label of its own."""
    h, unit, sample = (np.asarray(a).ravel() for a in (h, unit, sample))
    units, samples = int(unit.max()) + 1, np.unique(sample)
    fires = np.zeros((len(samples), units), bool)
    rows = np.searchsorted(samples, sample)
    np.logical_or.at(fires, (rows, unit.astype(int)), h > 0)
    of = [h[unit == k] for k in range(units)]
    return {
        "samples": len(samples),
        "fired": fires.sum(axis=0).tolist(),
        "min": [float(values.min(initial=np.inf)) for values in of],
        "max": [float(values.max(initial=-np.inf)) for values in of],
    }


def counts_of(layer):
    """The same of a report."""
    return {
        "samples": layer.samples,
        "fired": layer.fired.tolist(),
        "min": layer.min.tolist(),
        "max": layer.max.tolist(),
    }
