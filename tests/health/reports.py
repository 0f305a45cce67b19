"""Reports of which every number is known, for the tests of how they look."""

from dataclasses import replace

import numpy as np

from halfwave import health

SMOOTH = health.Rectifier("gelu", None, silences=False)

HOSTILE = (
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "a & b &amp; 'c' $d $$ ${headline}",
    "</script></style></table><h1>",
    "new\nline\ttab\x1b[31mred\x00",
    "层" * 60,
    "x" * 5000,
    "fill: #d55e00; id=\"x\" url(#a) href=\"#b\"",
)  # fmt: skip


def noisy(samples, units, seed=0):
    """Outputs of a rectifier: each unit fires on about half of the samples."""
    return np.maximum(np.random.default_rng(seed).normal(size=(samples, units)), 0)


def mixed():
    """Each verdict somewhere: silent, fell silent, starved, NaN, leaky, and evaluation apart.

    early: units 2 and 5 silent, 7 fell silent after 320 of 640 samples, all updated but 2 and 5.
    late: unit 1 starved, unit 3 always on. leaky: unit 0 never fires. broken: NaN in unit 4, no
    backward pass. In evaluation unit 6 of early does not fire, on 50 samples.
    """
    early, late, leaky, broken = (
        health.Stats(name) for name in ("relu", "relu", "leaky_relu", "relu")
    )
    for batch in range(20):
        outputs = noisy(32, 8, batch)
        outputs[:, [2, 5]] = 0
        outputs[:, 7] *= batch < 10
        early.update(outputs)
        early.backward(np.delete(np.eye(8), [2, 5], axis=1))
        outputs = noisy(32, 4, batch)
        outputs[:, 3] += 0.5
        late.update(outputs)
        late.backward(np.delete(np.eye(4), 1, axis=1))
    outputs = noisy(50, 8)
    outputs[:, [2, 5, 6]] = 0
    early.update(outputs, training=False)
    negative = np.random.default_rng(1).normal(size=(64, 3))
    negative[:, 0] = -abs(negative[:, 0])
    leaky.update(np.where(negative > 0, negative, 0.01 * negative))
    leaky.backward(np.ones((3, 2)))
    outputs = noisy(64, 6)
    outputs[9, 4] = np.nan
    broken.update(outputs)
    stats = {"early": early, "late": late, "leaky": leaky, "broken": broken}
    report = health.Report.of(stats)
    zero = np.arange(4) == 1
    layers = report.layers | {"late": replace(report["late"], outgoing_zero=zero)}
    not_seen = (health.NotSeen("gate", "x * (x > 0) cannot be seen"),)
    return health.Report(layers, not_seen, ("counted every second pass",))


def apart(training, evaluation):
    """One layer of three units: how many of the first are silent in each mode, of 100 samples."""
    stats = health.Stats("relu")
    for mode, silent in ((True, training), (False, evaluation)):
        outputs = noisy(100, 3) + 0.1
        outputs[:, :silent] = 0
        stats.update(outputs, training=mode)
    stats.backward(np.eye(3)[:, training:])
    return health.Report.of({"layer": stats})


def renamed(report, pattern):
    """The same layers by other names, each with its old one in it."""
    names = {name: pattern.format(name) for name in report}
    layers = {new: replace(report[old], name=new) for old, new in names.items()}
    return health.Report(layers)


def among_healthy(findings, healthy):
    """So many layers with a silent unit after so many without."""
    stats = {}
    for place in range(healthy + findings):
        stats[f"layer{place}"] = health.Stats("relu")
        outputs = noisy(64, 4, place)
        outputs[:, 0] *= place < healthy
        stats[f"layer{place}"].update(outputs)
    return health.Report.of(stats)


def hostile():
    """Names, reasons and notes that a page must not take for markup."""
    stats = {name: health.Stats("relu") for name in HOSTILE}
    for each in stats.values():
        each.update(np.eye(4)[:, :3] * [0, 1, 1])
    layers = health.Report.of(stats).layers
    places = tuple(health.NotSeen(name, name) for name in HOSTILE)
    return health.Report(layers, places, HOSTILE)


def large(layers, units, windows=8):
    """Many layers of many units, a tenth of which fall silent."""
    report = {}
    for layer in range(layers):
        stats = health.Stats("relu")
        for window in range(windows):
            outputs = noisy(32, units, layer * windows + window)
            outputs[:, ::10] *= window < 4
            stats.update(outputs)
        report[f"backbone.stage{layer // 20}.block{layer % 20}.convolution"] = stats
    return health.Report.of(report)


def smooth():
    """A layer whose units neither fire nor are silent."""
    stats = health.Stats(SMOOTH)
    stats.update(np.random.default_rng(0).normal(size=(10, 4)))
    return health.Report.of({"feed_forward": stats})


def tiny():
    """One unit, one window."""
    stats = health.Stats("relu")
    stats.update(np.array([[0.0], [1.0]]))
    return health.Report.of({"unit": stats})


def empty():
    """Nothing was counted, and nothing seen."""
    return health.Report({})


def unfed():
    """A layer of which no sample was seen, and one without units."""
    unfed, without = health.Stats("relu"), health.Stats("relu")
    unfed.update(np.zeros((0, 4)))
    without.update(np.zeros((3, 0)))
    return health.Report.of({"unfed": unfed, "without": without})
