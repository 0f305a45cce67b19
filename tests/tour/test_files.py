"""What the tour writes: graphs, the HTML page, and the page in the documentation."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from halfwave import files, tour
from halfwave.tour import html, markdown
from halfwave.tour.blocks import Graph, Units
from halfwave.tour.figures import png, svg

DOCS = Path(__file__).parents[2] / "docs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
GRAPHS = [
    "leaky_relu",
    "leaky_relu_alpha_0.1",
    "leaky_relu_derivative",
    "relu",
    "relu_derivative",
    "units_relu",
    "units_relu_and_leaky_relu",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour") / "new" / "folder"
    tour.save(folder)
    return folder


@pytest.fixture(scope="module")
def page(shown):
    return html.page(shown)


def test_save_writes_every_graph_twice_and_the_page(folder):
    expected = {f"{name}.{kind}" for name in GRAPHS for kind in ("png", "svg")} | {"tour.html"}
    assert {path.name for path in folder.iterdir()} == expected


def test_graphs_are_whole_images(folder):
    for name in GRAPHS:
        with Image.open(folder / f"{name}.png") as image:
            image.load()
            assert image.width >= 1000
        root = ET.parse(folder / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_same_figure_is_the_same_file(blocks):
    for block in blocks:
        if isinstance(block, Graph | Units):
            assert png(block) == png(block)
            assert svg(block) == svg(block)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        files.write(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert target.read_text() == "old"


class Tags(HTMLParser):
    """Every tag must be closed; collects names, attributes and identifiers."""

    VOID = frozenset({"meta", "link", "path", "br", "hr", "img"})

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_page_is_well_formed_and_its_identifiers_are_unique(page):
    tags = Tags(page)
    assert tags.open == []
    identifiers = [value for name, value in tags.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    assert tags.names.count("h2") == 7
    assert tags.names.count("math") >= 7
    assert tags.names.count("svg") == len(GRAPHS)


def test_page_points_at_nothing_outside_itself(page):
    tags = Tags(page)
    links = [v for k, v in tags.attributes if k in ("href", "src", "xlink:href", "srcset")]
    assert all(link.startswith(("#", "data:,")) for link in links)
    inside = {f"#{value}" for name, value in tags.attributes if name == "id"}
    assert {link for link in links if link.startswith("#")} <= inside
    assert {ref[4:-1] for ref in re.findall(r"url\(#[^)]*\)", page)} <= inside
    assert "script" not in tags.names
    assert "@import" not in page


def test_graphs_of_the_page_have_words_and_follow_the_page_in_the_dark(page):
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', page)
    assert labels[0] == "Graph. ReLU: f(x) = max(0, x)."
    assert len(labels) == len(GRAPHS)
    assert "prefers-color-scheme: dark" in page
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b", drawings) == []


def visit(page: Path, *options: str) -> tuple[str, list[str]]:
    """Open a page in Chromium; returns its document and what the page asked the network for."""
    log = page.parent / "net.json"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        f"--user-data-dir={page.parent / 'profile'}", f"--log-net-log={log}", "--dump-dom",
        "--proxy-server=http://127.0.0.1:9", *options, page.as_uri(),
    ]  # fmt: skip
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    asked = [
        event["params"] for event in json.loads(log.read_text())["events"] if "params" in event
    ]
    # What Chromium asks for itself, such as the time, has no origin.
    pages_own = [p for p in asked if p.get("initiator", "not an origin") != "not an origin"]
    return run.stdout, [p["url"] for p in pages_own if "url" in p]


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@needs_chromium
def test_browser_shows_every_chapter_and_asks_for_nothing(page, tmp_path):
    path = tmp_path / "tour.html"
    path.write_text(page, "utf-8")
    document, asked = visit(path)
    assert asked == []
    headings = re.findall(r'<h2 id="chapter-(\d)">', document)
    assert headings == list("1234567")


@needs_chromium
def test_a_page_that_asks_for_something_is_noticed(tmp_path):
    """The meta-test of the one above."""
    path = tmp_path / "asks.html"
    path.write_text(
        '<img src="http://picture.invalid/x.png">'
        '<style>p {background: url("https://background.invalid/x.png")}</style><p>x'
    )
    _, asked = visit(path)
    assert set(asked) >= {"http://picture.invalid/x.png", "https://background.invalid/x.png"}


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_page_is_never_wider_than_the_window(page, tmp_path, width):
    """A frame of that width reports, through its title, how wide the page in it wants to be."""
    (tmp_path / "tour.html").write_text(page, "utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe src="tour.html" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>onload = () => { const e = frames[0].document.documentElement;"
        "document.title = e.scrollWidth + ' ' + e.clientWidth }</script>"
    )
    document, _ = visit(frame, "--allow-file-access-from-files")
    wanted, given = map(int, re.search(r"<title>(\d+) (\d+)</title>", document).groups())
    assert wanted <= given <= width


def without_measured(text: str) -> str:
    """The page without what comes out of the trained network."""
    between = f"{re.escape(markdown.BEGIN)}.*?{re.escape(markdown.END)}"
    return re.sub(between, "(measured)", text, flags=re.DOTALL)


def test_tutorial_in_the_documentation_is_fresh(blocks):
    committed = (DOCS / "tutorial.md").read_text("utf-8")
    assert without_measured(committed) == without_measured(markdown.page(blocks)), (
        "run: python -m halfwave.tour.markdown docs/tutorial.md"
    )


def test_tutorial_holds_its_measured_parts_apart():
    committed = (DOCS / "tutorial.md").read_text("utf-8")
    assert "hidden units got no update" in committed
    kept = without_measured(committed)
    assert "hidden units got no update" not in kept
    assert "Applying ReLU on (-10.0) gives 0.0" in kept


def test_images_of_the_tutorial_are_there():
    committed = (DOCS / "tutorial.md").read_text("utf-8")
    named = set(re.findall(r"\(images/([^)]+)\)", committed))
    assert named == {f"{name}.png" for name in GRAPHS}
    assert named <= {path.name for path in (DOCS / "images").iterdir()}


def test_maintainers_command_writes_page_and_images(tmp_path, blocks):
    markdown.main(tmp_path / "docs" / "tutorial.md")
    assert (tmp_path / "docs" / "tutorial.md").read_text("utf-8") == markdown.page(blocks)
    written = {path.name for path in (tmp_path / "docs" / "images").iterdir()}
    assert written == {f"{name}.png" for name in GRAPHS}
