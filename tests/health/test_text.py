"""A report in the terminal and in a notebook."""

import re
from unicodedata import east_asian_width

import numpy as np
import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from halfwave import health
from halfwave.health.views import summary
from halfwave.health.views.advice import advice
from halfwave.health.views.verdicts import VERDICTS, findings
from halfwave.health.views.words import columns, distinct, shortened, wrapped

ALL = ("mixed", "hostile", "smooth", "tiny", "empty", "unfed")


@pytest.fixture(scope="module")
def mixed():
    return reports.mixed()


def section(text, title):
    """The lines from a title to the next empty line."""
    return re.search(rf"^{title}\n(.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)[1]


def table_of(text):
    """The cells of a report's tables by layer and column, where names and titles have no spaces."""
    cells = {}
    for block in text.split("\n\n"):
        lines = block.split("\n")
        rule = next((i for i, line in enumerate(lines) if line.startswith("---")), None)
        if rule:
            for line in lines[rule + 1 :]:
                name, *values = line.split()
                cells.setdefault(name, []).extend(values)
    return cells


def headline(report):
    """The verdict in one sentence."""
    return summary.headline(report, findings(report))


# The verdict


def test_the_verdict_comes_first_in_words_and_numbers(mixed):
    assert str(mixed).split("\n")[:3] == [
        "Unit health: 2 of 21 units are silent, 1 fell silent, 1 silent in evaluation",
        "alone, 3 got no update, 1 starved, 1 gave NaN or infinity.",
        "21 units in 4 layers; 64 to 640 samples in training and 50 samples in",
    ]


def test_each_verdict_is_counted_and_says_where(mixed):
    text = str(mixed)
    for name, found in (("silent", "early (2 of 8)"), ("non-finite", "broken (1 of 6)")):
        assert re.search(
            rf"^  {name} +{found[found.index('(') + 1]}  in {re.escape(found)}$", text, re.MULTILINE
        )


def test_the_table_has_the_numbers_of_the_report(mixed):
    cells = table_of(str(mixed))
    shown = ("silent", "fell_silent", "not_updated", "starved", "nonfinite", "always_on", "dormant")
    for name, layer in mixed.layers.items():
        verdicts = [v.of(layer) for v in VERDICTS if v.name in shown]
        numbers = ["–" if units is None else str(units.sum()) for units in verdicts]
        assert cells[name] == [layer.kind, str(layer.units), f"{layer.samples:,}", *numbers]


def test_a_place_whose_updates_are_not_known_has_no_say_in_the_backward_passes(mixed):
    """The fault: of broken no backward pass was seen, and of the others 20 or 1."""
    assert (mixed["broken"].updated, mixed["broken"].steps) == (None, 0)
    assert "; 1 to 20 backward passes." in " ".join(str(mixed).split())
    only = health.Report({"broken": mixed["broken"]})
    assert "; no backward passes." in " ".join(str(only).split())


@pytest.mark.parametrize(
    ("training", "evaluation", "expected"),
    [
        (2, 0, "2 of 3 units are silent in training alone, 2 got no update"),
        (3, 1, "1 of 3 units is silent, 2 silent in training alone, 3 got no update"),
        (0, 1, "1 of 3 units is silent in evaluation alone"),
        (1, 3, "1 of 3 units is silent, 2 silent in evaluation alone, 1 got no update"),
        (1, 1, "1 of 3 units is silent, 1 got no update"),
    ],
)
def test_silence_in_one_mode_alone_is_in_the_headline(training, evaluation, expected):
    assert headline(reports.apart(training, evaluation)) == expected


def test_silence_in_one_mode_alone_has_its_line_and_its_units_and_no_column():
    text = str(reports.apart(3, 1))
    assert re.search(r"^  silent in training alone +2  in layer \(2 of 3\)$", text, re.MULTILINE)
    assert "  silent in training alone: units 1 and 2" in section(text, "Which units").split("\n")
    assert table_of(text)["layer"][:4] == ["relu", "3", "200", "1"]
    assert "alone" not in text.split("---")[0].rpartition("\n\n")[2]


def test_few_samples_in_evaluation_do_not_make_a_unit_silent_there():
    stats = health.Stats("relu")
    stats.update(reports.noisy(1000, 4))
    stats.update(np.zeros((20, 4)), training=False)
    assert headline(health.Report.of({"layer": stats})) == "None of 4 units is silent"


def test_columns_without_a_finding_are_left_out_but_for_silent_and_not_updated():
    stats = health.Stats("relu")
    stats.update(reports.noisy(640, 3))
    stats.backward(np.ones((3, 1)))
    text = str(health.Report.of({"layer": stats}))
    assert re.search(r"^layer +kind +units +samples +silent +updated$", text, re.MULTILINE)
    assert text.startswith("Unit health: None of 3 units is silent.")
    assert section(text, "What to do").startswith("- Nothing: ")


# Beside the table


def test_training_and_evaluation_are_told_apart_where_they_differ(mixed):
    assert (
        "- early: 2 silent in training (on 640 samples), 3 in evaluation (on 50 samples).\n"
        in str(mixed)
    )


def test_silence_with_fixed_weights_has_its_bound():
    stats = health.Stats("relu")
    stats.update(np.zeros((640, 2)), training=False)
    text = " ".join(str(health.Report.of({"layer": stats})).split())
    assert (
        "- layer, silent in evaluation: fired on none of 640 samples, so on less than 0.467 % of "
        "all (95 % confidence)." in text
    )


def test_what_is_not_known_has_its_reason_once(mixed):
    assert str(mixed).count("no backward pass was seen") == 1
    assert "Not updated is not known for broken: no backward pass was seen." in str(mixed)


def test_which_units_are_named(mixed):
    which = section(str(mixed), "Which units").split("\n")
    assert which[:5] == [
        "early",
        "  silent: units 2 and 5",
        "  fell silent: unit 7",
        "  silent in evaluation alone: unit 6",
        "  not updated: units 2 and 5",
    ]
    many = health.Stats("relu")
    many.update(np.zeros((5, 12)))
    text = str(health.Report.of({"layer": many}))
    assert "silent: units 0, 1, 2, 3, 4, 5, 6, 7, … (12)" in text


def test_a_unit_that_leaks_raises_no_alarm(mixed):
    assert mixed["leaky"].fired[0] == 0
    assert "leaky" not in section(str(mixed), "Which units")
    assert "leaky_relu: a gradient passes on both sides" in str(mixed)


def test_what_was_not_seen_has_its_place_and_its_reason(mixed):
    assert section(str(mixed), "Not seen") == "- gate: x * (x > 0) cannot be seen"
    assert section(str(mixed), "Notes") == "- counted every second pass"


# What to do


def test_advice_is_for_what_was_found_and_for_nothing_else(mixed):
    begins = re.findall(r"^- ([^:]+):", section(str(mixed), "What to do"), re.MULTILINE)
    assert begins == ["Non-finite", "Silent since the first sample", "Fell silent later", "Silent in evaluation alone", "Starved", "Not seen"]  # fmt: skip


def advised(report):
    """What stands before the colon of each advice."""
    return [entry.partition(":")[0] for entry in advice(report, findings(report))]


def test_where_no_training_was_seen_nothing_is_said_of_the_first_sample():
    trained, evaluated = health.Stats("relu"), health.Stats("relu")
    trained.update(np.zeros((9, 2)))
    evaluated.update(np.zeros((9, 2)), training=False)
    begin, unseen = "Silent since the first sample", "Silent on all these samples"
    assert advised(health.Report.of({"a": trained})) == [begin]
    assert advised(health.Report.of({"b": evaluated})) == [unseen]
    assert advised(health.Report.of({"a": trained, "b": evaluated})) == [begin, unseen]
    assert "initialise again" not in str(health.Report.of({"b": evaluated}))


def test_silence_in_one_mode_alone_has_advice_of_its_own():
    assert advised(reports.apart(2, 0)) == ["Silent in training alone"]
    assert advised(reports.apart(0, 2)) == ["Silent in evaluation alone"]


@pytest.mark.parametrize(
    ("not_seen", "notes", "expected"),
    [
        ([], [], "Run samples through the network"),
        ([], ["the model ran 3 times"], "See the notes; if"),
        ([health.NotSeen("act", "softmax")], [], "See what was not seen; if"),
        ([health.NotSeen("act", "softmax")], ["ran"], "See what was not seen and the notes; if"),
    ],
)
def test_a_model_that_ran_without_rectifiers_is_not_told_to_run(not_seen, notes, expected):
    report = health.Report({}, not_seen, notes)
    assert advice(report, [])[0].startswith(expected)
    assert expected in report._repr_html_()
    assert all(note in report._repr_html_() for note in notes)


def test_an_empty_report_says_what_happened_and_what_to_do():
    assert str(reports.empty()) == (
        "Unit health: No unit was counted.\n\n"
        "What to do\n"
        "- Run samples through the network while it is watched: the forward pass has to\n"
        "  lie inside the with block of health.watch(model), and the model that runs has\n"
        "  to be the one that is watched."
    )


# Eighty columns


@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_eighty_columns(name):
    lines = str(getattr(reports, name)()).split("\n")
    assert max(map(columns, lines)) <= 80


def test_two_hundred_layers_are_shown_in_eighty_columns():
    stats = health.Stats("relu")
    stats.update(np.zeros((5, 3)))
    names = [f"encoder.layers.{i}.feed_forward.intermediate.dense" for i in range(200)]
    text = str(health.Report.of(dict.fromkeys(names, stats)))
    assert max(map(columns, text.split("\n"))) <= 80
    assert "and in 188 more layers" in text


def test_a_name_cannot_steer_the_terminal():
    assert all(c == "\n" or c.isprintable() for c in str(reports.hostile()))


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_fits(name, width):
    assert columns(shortened(name, width)) <= width


@given(st.text(), st.integers(10, 80))
def test_wrapped_lines_fit(text, width):
    assert max(map(columns, wrapped(text, width, "- ", "  ").split("\n"))) <= width


def test_a_wide_character_takes_two_columns():
    assert east_asian_width("层") == "W"
    assert columns("层a\N{COMBINING ACUTE ACCENT}") == 3


def test_shortened_names_stay_apart():
    names = [f"encoder.layers.{i}.feed_forward.linear{j}" for i in range(12) for j in (1, 2)]
    assert len(set(distinct(names, 20).values())) == len(names)


def test_what_all_names_begin_with_is_dropped_first():
    names = [f"model.transformer.layer.{i}.intermediate.dense" for i in (0, 1)]
    assert list(distinct(names, 26).values()) == ["….0.intermediate.dense", "….1.intermediate.dense"]  # fmt: skip
    assert list(distinct(names, 14).values()) == ["….0.int….dense", "….1.int….dense"]
    assert list(distinct([*names, "head"], 26).values())[-1] == "head"


name_lists = st.lists(
    st.lists(st.sampled_from(["a", "layer", "x" * 30, "层" * 9, "\n", "\t", " (1)"]), min_size=1)
    .map(".".join)
    | st.text(),
    unique=True,
)  # fmt: skip


@given(name_lists, st.integers(14, 60))
def test_different_names_are_never_shown_as_the_same(names, width):
    shown = distinct(names, width)
    assert list(shown) == names
    assert len(set(shown.values())) == len(names)
    assert max(map(columns, shown.values()), default=0) <= width


def test_a_table_in_two_parts_names_a_layer_alike_in_both():
    renamed = reports.renamed(reports.mixed(), "model.transformer.{}.intermediate.dense")
    text = str(renamed)
    assert len(re.findall("^---", text, re.MULTILINE)) == 2
    assert list(map(len, table_of(text).values())) == [10] * 4


# In a notebook


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_gets_no_markup_from_names(name):
    html = getattr(reports, name)()._repr_html_()
    assert set(re.findall(r"<(\w+)", html)) <= {"p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip


def test_a_notebook_shows_the_verdict_and_the_layers(mixed):
    html = mixed._repr_html_()
    assert html.startswith("<p><strong>2 of 21 units are silent, ")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', html)
    assert rows == [(name, layer.kind, str(layer.units)) for name, layer in mixed.layers.items()]
