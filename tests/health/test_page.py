"""A report as one HTML page: what it holds, and what a browser does with it."""

import re
import sys
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import reports
from chromium import CHROMIUM, Browser

from halfwave import health
from halfwave.health.views import units
from halfwave.health.views.page import page
from halfwave.health.views.verdicts import VERDICTS

pytest.importorskip("matplotlib")

NAMES = ("mixed", "hostile", "smooth", "tiny", "empty", "unfed")

SECTIONS = (
    *("Verdict", "Layers", "When which unit fired", "How often units fire", "Units", "Not seen"),
    *("Notes", "What to do", "What the verdicts mean"),
)


@pytest.fixture(scope="module")
def mixed():
    return reports.mixed()


@pytest.fixture(scope="module")
def pages(mixed):
    return {name: page(getattr(reports, name)()) for name in NAMES}


class Tags(HTMLParser):
    """Every tag must be closed; collects names, attributes, and the cells of the table of units."""

    VOID = frozenset({"meta", "link", "path", "br", "hr", "img", "input", "wbr", "image", "use"})

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.attributes, self.rows, self._in_units = [], [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)
        self._in_units |= dict(attrs).get("id") == "units-table"
        if self._in_units and tag == "tr":
            self.rows.append([])
        if self._in_units and tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if self._in_units and self.open[-1] in ("td", "th", "button"):
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag
        self._in_units &= tag != "table"


# What the page holds


@pytest.mark.parametrize("name", NAMES)
def test_page_is_well_formed_and_its_identifiers_are_unique(pages, name):
    tags = Tags(pages[name])
    assert tags.open == []
    identifiers = [value for key, value in tags.attributes if key == "id"]
    assert len(identifiers) == len(set(identifiers))
    inside = {f"#{value}" for value in identifiers}
    links = [v for k, v in tags.attributes if k in ("href", "src", "xlink:href")]
    assert {link for link in links if not link.startswith("data:")} <= inside
    described = {v for k, v in tags.attributes if k in ("for", "aria-labelledby")}
    assert described <= set(identifiers)


@pytest.mark.parametrize("name", NAMES)
def test_page_has_one_script_and_no_name_becomes_markup(pages, name):
    tags = Tags(pages[name])
    assert (tags.names.count("script"), tags.names.count("h1")) == (1, 1)
    assert {"iframe", "object", "img"}.isdisjoint(tags.names)
    assert [key for key, _ in tags.attributes if key.startswith("on")] == []


def test_sections_come_in_order_and_only_where_there_is_something_to_say(pages):
    def headings(name):
        return tuple(re.findall(r"<h2 id=[^>]*>(.*?)</h2>", pages[name]))

    assert headings("mixed") == SECTIONS
    assert headings("empty") == ("What to do", "What the verdicts mean")
    assert headings("smooth") == ("Verdict", "Layers", "Units", *SECTIONS[-2:])


def test_the_verdict_comes_first(pages):
    headline = re.search("<h1>(.*?)</h1>", pages["mixed"])[1]
    assert headline.startswith(
        "2 of 21 units are silent, 1 fell silent, 1 silent in evaluation alone"
    )
    assert re.search("<h1>(.*?)</h1>", pages["empty"])[1] == "No unit was counted"


def test_each_verdict_has_the_number_of_the_report(mixed, pages):
    tiles = dict(re.findall(r"<dt>([^<]*)</dt><dd><b>([\d,]+)</b>", pages["mixed"]))
    counts = {v.title: sum(map(v.count, mixed.layers.values())) for v in VERDICTS}
    assert tiles == {title: str(count) for title, count in counts.items() if count}


def test_the_table_has_the_evidence_of_every_unit(mixed, pages):
    head, *rows = Tags(pages["mixed"]).rows
    assert tuple(head) == units.HEADINGS
    assert len(rows) == mixed.units
    for name, unit, verdicts, *numbers, why in rows:
        layer, i = mixed[name], int(unit)
        expected = [v.title for v in VERDICTS if (u := v.of(layer)) is not None and u[i]]  # fmt: skip
        assert verdicts == ", ".join(expected)
        assert why == (layer.why[i] or "")
        assert numbers[:2] == [f"{layer.samples:,}", f"{layer.fired[i]:,}"]
        shown = [layer.firing_rate[i] * 100, layer.mean[i], layer.min[i], layer.max[i], layer.dormancy[i]]  # fmt: skip
        assert [float(n.removesuffix(" %")) for n in numbers[2:7]] == pytest.approx(shown, rel=5e-3)
        assert numbers[7] == str(layer.steps)
        quiet = {"silent", "fell silent"} & set(expected)
        assert numbers[8] == (f"{layer.silent_since[i]:,}" if quiet else "–")


def test_the_gravest_units_come_first(mixed):
    first = [(unit.layer.name, unit.index) for unit in units.chosen(mixed, 5)]
    assert first == [("broken", 4), ("early", 2), ("early", 5), ("early", 7), ("early", 6)]


def test_a_table_that_leaves_units_out_says_so():
    report = reports.large(3, 2000, windows=8)
    text = units.section(report)
    assert text.count("<tr data-layer=") == units.MOST_ROWS
    assert "The table has 5,000 of 6,000 units" in text
    assert text.count("<td>fell silent</td>") == 600


def test_a_healthy_network_is_a_small_page():
    """The fault: a raster and a histogram of each layer, all alike."""
    text = page(reports.among_healthy(0, 33))
    assert re.findall('id="(raster|rates)-[0-9]+-figure_1"', text) == ["raster"] * 3 + ["rates"] * 4
    assert text.count("30 healthy layers are not drawn.") == 2
    assert len(text) < 4e5


def test_names_that_become_short_stay_apart_on_the_page():
    pattern = "model.transformer.encoder.{}.feed_forward_network.projection"
    text = page(reports.renamed(reports.among_healthy(3, 0), pattern))
    where = re.search("<dd><b>3</b> <span>in (.*?)</span>", text)[1]
    assert re.findall(r"(\S+) \(1 of 4\)", where) == [
        f"….layer{i}.feed_fo…work.projection" for i in range(3)
    ]


def test_without_matplotlib_the_error_names_the_command(mixed, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'halfwave\[plot\]'"):
        mixed.to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_every_figure_has_words(pages):
    drawings = re.findall("<svg [^>]*>", pages["mixed"])
    assert len(drawings) == 2 + 4 + 5
    assert all(re.search('role="img" aria-label="[^"]{20,}"', svg) for svg in drawings)
    assert 'aria-label="When each unit of early fired, over 640 samples: 2 silent, 1 fell silent, 5 none of these of 8 units."' in pages["mixed"]  # fmt: skip


def test_figures_follow_the_page_in_the_dark(pages):
    drawings = "".join(re.findall(r"<svg.*?</svg>", pages["mixed"], re.DOTALL))
    tags = "".join(re.findall("<[^>]*>", drawings))
    assert re.findall(r"[ :\"]#[0-9a-f]{6}\b", tags) == []
    assert "prefers-color-scheme: dark" in pages["mixed"]


def test_a_name_that_looks_like_a_colour_stays_a_name(pages):
    texts = [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", pages["hostile"])]
    assert any("fill: #d55e0" in text for text in texts)


def test_the_page_is_the_same_whatever_the_users_style(mixed, pages):
    from matplotlib import rc_context

    with rc_context({"axes.facecolor": "#123456", "font.size": 30}):
        assert page(mixed) == pages["mixed"]


def test_two_hundred_layers_of_a_thousand_units_stay_below_six_megabytes(tmp_path):
    path = tmp_path / "large.html"
    reports.large(200, 1000, windows=4).to_html(path)
    assert path.stat().st_size < 6e6


def test_long_names_everywhere_stay_below_six_megabytes():
    stats = health.Stats("relu")
    stats.update(np.zeros((2, 1000)))
    names = [f"{i}{'<層>' * 3000}{i}" for i in range(200)]
    layers = health.Report.of(dict.fromkeys(names, stats)).layers
    layers = {name: health.LayerReport(**vars(layer) | {"name": name}) for name, layer in layers.items()}  # fmt: skip
    not_seen = tuple(health.NotSeen(name, name) for name in names)
    assert len(page(health.Report(layers, not_seen * 5, tuple(names))).encode()) < 6e6


# What a browser does with it

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def written(pages, tmp_path):
    def write(name):
        path = tmp_path / f"{name}.html"
        path.write_text(pages[name], "utf-8")
        return path

    return write


@pytest.fixture
def opened(browser, written):
    browser.open(written("mixed"))
    return browser


SHOWN = "[...document.querySelectorAll('#units-table tbody tr:not([hidden])')]"


def column(browser, heading):
    """The texts of a column's rows that are shown."""
    place = units.HEADINGS.index(heading)
    return browser.value(f"{SHOWN}.map(row => row.cells[{place}].textContent)")


def status(browser):
    return browser.value("document.getElementById('units-status').textContent")


def sorts(browser):
    return browser.value("[...document.querySelectorAll('#units-table thead th')].map(h => h.ariaSort)")  # fmt: skip


@needs_chromium
@pytest.mark.parametrize("name", NAMES)
def test_the_browser_finds_no_error_and_asks_for_nothing(browser, written, name):
    path = written(name)
    browser.open(path)
    assert browser.errors == []
    assert {url for url in browser.asked if not url.startswith("data:")} == {path.as_uri()}


@needs_chromium
def test_a_page_that_asks_or_fails_is_noticed(browser, tmp_path):
    """The meta-test of the one above."""
    path = tmp_path / "asks.html"
    path.write_text(
        '<link rel="icon" href="data:,"><img src="http://picture.invalid/x.png">'
        "<script>console.error('no'); missing()</script>"
    )
    browser.open(path)
    assert "http://picture.invalid/x.png" in browser.asked
    assert any("no" in error for error in browser.errors)
    assert any("Uncaught" in error for error in browser.errors)


@needs_chromium
def test_a_script_in_the_page_that_is_not_ours_does_not_run(browser, tmp_path, pages):
    path = tmp_path / "planted.html"
    planted = "<script>window.planted = 1</script><img src='http://picture.invalid/x.png'></main>"
    path.write_text(pages["mixed"].replace("</main>", planted, 1), "utf-8")
    browser.open(path)
    assert browser.value("window.planted === undefined")
    assert len(browser.errors) == 2


@needs_chromium
def test_no_name_becomes_an_element(browser, written):
    browser.open(written("hostile"))
    assert browser.value("document.querySelectorAll('main script, main img').length") == 0
    texts = browser.value(f"{SHOWN}.map(row => row.cells[0].textContent)")
    assert '<script>alert("x")</script>' in texts
    assert "a & b &amp; 'c' $d $$ ${headline}" in texts


@needs_chromium
def test_a_click_sorts_and_a_second_one_turns_the_order(opened, mixed):
    rates = sorted(float(f"{100 * r:.3g}") for layer in mixed.layers.values() for r in layer.firing_rate)  # fmt: skip
    button = f"thead th:nth-child({units.HEADINGS.index('firing rate') + 1}) button"
    for order, expected in (("ascending", rates), ("descending", rates[::-1])):
        opened.click(f"#units-table {button}")
        assert [
            float(text.removesuffix(" %")) for text in column(opened, "firing rate")
        ] == expected
        assert sorts(opened)[units.HEADINGS.index("firing rate")] == order
    assert sorts(opened).count("none") == len(units.HEADINGS) - 1


@needs_chromium
def test_what_is_not_known_stands_last_in_either_order(opened):
    button = f"thead th:nth-child({units.HEADINGS.index('silent since') + 1}) button"
    for expected in (["0", "0", "320"], ["320", "0", "0"]):
        opened.click(f"#units-table {button}")
        texts = column(opened, "silent since")
        assert texts[:3] == expected
        assert set(texts[3:]) == {"–"}


@needs_chromium
def test_units_sort_as_numbers_and_layers_as_words(opened):
    opened.click("#units-table thead th:nth-child(2) button")
    assert column(opened, "unit") == sorted(column(opened, "unit"), key=int)
    opened.click("#units-table thead th:nth-child(1) button")
    assert column(opened, "layer") == sorted(column(opened, "layer"))


@needs_chromium
@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_alone_reaches_a_heading_and_sorts(opened, key):
    for _ in range(60):
        opened.press("Tab")
        if opened.value("document.activeElement.textContent") == "max":
            break
    assert opened.value("document.activeElement.matches('#units-table th button:focus-visible')")
    assert opened.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    opened.press(key)
    assert sorts(opened)[units.HEADINGS.index("max")] == "ascending"
    texts = [float(text) for text in column(opened, "max")]
    assert texts == sorted(texts)


@needs_chromium
def test_the_first_tab_offers_to_skip_to_the_report(opened):
    opened.press("Tab")
    assert opened.value("document.activeElement.textContent") == "Skip to the report"
    assert opened.value("document.activeElement.getBoundingClientRect().left") >= 0
    opened.press("Enter")
    assert opened.value("document.activeElement.tagName") == "MAIN"


@needs_chromium
def test_typing_filters_and_the_count_is_announced(opened, mixed):
    assert status(opened) == f"{mixed.units} of {mixed.units} rows shown"
    opened.click("#filter-words")
    opened.type("LATE starved")
    assert column(opened, "layer") == ["late"]
    assert status(opened) == f"1 of {mixed.units} rows shown"
    assert opened.value("document.getElementById('units-status').ariaLive") == "polite"
    opened.type("x")
    assert column(opened, "layer") == []
    assert status(opened) == f"0 of {mixed.units} rows shown"


@needs_chromium
def test_keys_choose_a_verdict_and_a_layer(opened, mixed):
    opened.value("document.getElementById('filter-verdict').focus()")
    opened.type("si")
    assert column(opened, "unit") == ["2", "5"]
    assert status(opened) == f"2 of {mixed.units} rows shown"
    opened.press("Tab")
    opened.type("leaky")
    assert status(opened) == f"0 of {mixed.units} rows shown"
    opened.value("document.getElementById('filter-verdict').focus()")
    opened.type("all")
    assert column(opened, "unit") == ["0", "1", "2"]


@needs_chromium
def test_a_long_table_shows_its_beginning_until_all_of_it_is_wanted(browser, tmp_path):
    path = tmp_path / "long.html"
    reports.large(1, 300, windows=2).to_html(path)
    browser.open(path)
    assert (len(column(browser, "unit")), status(browser)) == (100, "100 of 300 rows shown; 300 match")  # fmt: skip
    browser.click("#units-more")
    assert (len(column(browser, "unit")), status(browser)) == (300, "300 of 300 rows shown")
    assert browser.value("document.getElementById('units-more').hidden")


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1280, 2560])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_never_wider_than_the_window(browser, written, name, width, dark):
    browser.open(written(name), width, dark=dark)
    wanted, given = browser.value("(e => [e.scrollWidth, e.clientWidth])(document.documentElement)")
    assert wanted <= given <= width


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_the_page(opened, written, dark):
    """WCAG's contrast of 4.5 to 1, for each colour of words."""
    opened.open(written("mixed"), dark=dark)
    pairs = opened.value(
        "['body', '.facts', 'nav a', '.tiles span', 'figcaption', 'thead button', '#units-status']"
        ".map(s => [getComputedStyle(document.querySelector(s)).color,"
        "getComputedStyle(document.body).backgroundColor])"
    )
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def contrast(*colours):
    def luminance(colour):
        parts = np.array([int(n) / 255 for n in re.findall(r"\d+", colour)[:3]])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)
