"""A report as a figure: the shares, the raster and the histogram hold the report's numbers."""

import io
import sys
import warnings

import numpy as np
import pytest
import reports

from halfwave import health
from halfwave.drawing import new_figure
from halfwave.health.views import figure

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def mixed():
    return reports.mixed()


def axes_of(drawn):
    """The axes that are seen."""
    return [ax for ax in drawn.get_axes() if ax.axison]


# The strip


def test_each_unit_has_one_share(mixed):
    shares = {name: {k: n for k, n in figure.shares(layer).items() if n} for name, layer in mixed.layers.items()}  # fmt: skip
    assert shares == {
        "early": {"silent": 2, "fell_silent": 1, "healthy": 5},
        "late": {"not_updated": 1, "always_on": 1, "healthy": 2},
        "leaky": {"healthy": 3},
        "broken": {"nonfinite": 1, "healthy": 5},
    }


def test_bars_are_as_wide_as_the_shares(mixed):
    strip = mixed.plot().get_axes()[0]
    widths = {}
    for bar in strip.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        widths.setdefault(row, []).append(round(bar.get_width(), 6))
    assert widths == {0: [2 / 8, 1 / 8, 5 / 8], 1: [1 / 4, 1 / 4, 2 / 4], 2: [1], 3: [round(1 / 6, 6), round(5 / 6, 6)]}  # fmt: skip


def test_more_layers_than_fit_are_drawn_together():
    rows = figure.strip_rows(reports.large(figure.MOST_LAYERS + 5, 10))
    assert len(rows) == figure.MOST_LAYERS + 1
    name, counts = rows[-1]
    assert (name, sum(counts.values())) == ("5 other layers", 50)


# The raster


def test_a_column_of_the_raster_is_as_wide_as_its_window():
    stats = health.Stats("relu")
    for samples, rate in ((30, 1.0), (10, 0.5), (20, 0.0)):
        stats.update((np.arange(samples)[:, None] < rate * samples).astype(float))
    rates = figure.binned(stats.layer("unit"))
    values, widths = np.unique(rates[0], return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert abs(widths / figure.COLUMNS - np.array([20, 10, 30]) / 60).max() < 2 / figure.COLUMNS


def test_the_raster_holds_the_firing_rates(mixed):
    layer = mixed["early"]
    history = layer.history
    rates = np.sort(history.fired / history.samples[:, None], axis=1)
    middles = (np.arange(figure.COLUMNS) + 0.5) * 640 / figure.COLUMNS
    windows = np.searchsorted(history.ends, middles, "right")
    assert np.array_equal(np.sort(figure.binned(layer).T, axis=1), rates[windows])


def test_thousands_of_units_are_binned_and_keep_their_mean():
    rng, stats = np.random.default_rng(0), health.Stats("relu")
    for _ in range(4):
        stats.update((rng.random((16, 20_000)) < 0.3).astype("f4"))
    layer = stats.layer("wide")
    rates = figure.binned(layer)
    assert rates.shape == (figure.ROWS, figure.COLUMNS)
    sizes = np.diff([*(np.arange(figure.ROWS) * 20_000 // figure.ROWS), 20_000])
    assert np.average(rates.mean(axis=1), weights=sizes) == pytest.approx(layer.firing_rate.mean())


def test_never_has_a_colour_of_its_own_but_for_units_that_leak():
    from matplotlib.colors import to_hex

    def colours(activation):
        stats = health.Stats(activation)
        stats.update(np.full((8, 1), -0.01 if activation == "leaky_relu" else 0.0))
        picture = figure.raster(stats.layer("unit"))
        return {(to_hex(pixel[:3]), round(pixel[3], 3)) for pixel in picture.reshape(-1, 4)}

    assert colours("relu") == {(figure.NEVER, 1.0)}
    assert colours("leaky_relu") == {(figure.FIRES, figure.PALEST)}


def test_units_that_stopped_first_stand_at_the_top(mixed):
    rates = figure.binned(mixed["early"])
    assert (rates[:2] == 0).all()
    assert (rates[2, : figure.COLUMNS // 2 - 8] > 0).all()
    assert (rates[2, figure.COLUMNS // 2 + 8 :] == 0).all()


def test_layers_with_the_most_findings_are_drawn_and_the_others_counted():
    healthy, silent = health.Stats("relu"), health.Stats("relu")
    healthy.update(reports.noisy(64, 4))
    silent.update(np.zeros((64, 4)))
    stats = {"a": healthy, "b": silent, "c": healthy, "d": silent}
    layers, left_out = figure.worst(health.Report.of(stats), 2)
    assert [layer.name for layer in layers] == ["b", "d"]
    assert left_out == "2 healthy layers are not drawn"


@pytest.mark.parametrize(
    ("findings", "healthy", "places", "left_out"),
    [
        (1, 9, [9, 0, 1, 2], "6 healthy layers are not drawn"),
        (0, 33, [0, 1, 2], "30 healthy layers are not drawn"),
        (0, 4, [0, 1, 2], "1 healthy layer is not drawn"),
        (2, 3, [3, 4, 0, 1, 2], ""),
        (5, 2, [2, 3, 4, 5, 6], "2 healthy layers are not drawn"),
        (7, 1, [1, 2, 3, 4, 5], "2 more layers with findings and 1 healthy layer are not drawn"),
    ],
)
def test_findings_are_drawn_first_and_few_healthy_layers(findings, healthy, places, left_out):
    layers, said = figure.worst(reports.among_healthy(findings, healthy), 5)
    assert [layer.name for layer in layers] == [f"layer{place}" for place in places]
    assert said == left_out


def test_a_layer_whose_finding_has_no_share_of_its_own_is_not_healthy():
    saturated = health.Stats(health.Rectifier("relu6", ceiling=6.0))
    saturated.update(np.full((9, 2), 6.0))
    assert figure._graveness(saturated.layer("layer")) == 1.0
    assert figure._graveness(reports.apart(0, 3)["layer"]) == 1.0


def test_a_figure_says_what_it_leaves_out():
    drawn = reports.among_healthy(1, 9).plot()
    titles = [part.get_suptitle() for part in drawn.subfigs]
    said = "(6 healthy layers are not drawn)"
    assert titles[1:] == [f"When which unit fired {said}", f"How often units fire {said}"]


def test_a_layer_has_one_name_in_the_whole_figure():
    """The fault: a title that is no layer's name, among them, changed how they were shortened."""
    pattern = "model.transformer.encoder.layers.{}.attention.projection"
    drawn = reports.renamed(reports.among_healthy(2, 40), pattern).plot()
    strip, *panels = axes_of(drawn)
    titles = {ax.get_title(loc="left") for ax in panels} - {"these 5 layers together"}
    assert titles == {f"….layer{i}.attention.projection" for i in (0, 1, 2, 40, 41)}
    assert titles <= {text.get_text() for text in strip.texts}


def test_an_empty_report_has_no_axis():
    drawn = reports.empty().plot()
    assert axes_of(drawn) == []
    assert [text.get_text() for text in drawn.get_axes()[0].texts] == ["No layers: nothing is drawn."]  # fmt: skip


# The histogram


def test_the_histogram_counts_each_unit_once(mixed):
    ax = new_figure(4, 3).subplots()
    figure.draw_rates(ax, list(mixed.layers.values()), "all")
    heights = [round(bar.get_height()) for bar in ax.patches]
    assert sum(heights) == mixed.units
    assert heights[figure.BINS :] == [2, 1, 1]  # silent, leaky and never on, always on


# Any report


@pytest.mark.parametrize("name", ["mixed", "hostile", "smooth", "tiny", "empty", "unfed"])
def test_any_report_can_be_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        drawn = getattr(reports, name)().plot()
        drawn.savefig(io.BytesIO(), format="png", dpi=40)
    for ax in axes_of(drawn):
        assert ax.get_xlabel()


@pytest.mark.parametrize(("layers", "units"), [(100, 20), (1, 20_000)])
def test_a_large_report_stays_a_figure_of_moderate_size(layers, units):
    drawn = reports.large(layers, units, windows=2).plot()
    drawn.savefig(io.BytesIO(), format="png", dpi=40)
    assert drawn.get_size_inches()[1] < 30


def test_drawing_leaves_pyplot_alone(mixed):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    mixed.plot()
    assert pyplot.get_fignums() == before


def test_without_matplotlib_the_error_names_the_command(mixed, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'halfwave\[plot\]'"):
        mixed.plot()
