"""The site is built without a warning, and every activation has its page with all its parts."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

import halfwave as hw

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "tools" / "site"

PARTS = (
    *("Formula", "Graph", "Kinks", "Parameters", "Dtypes", "Accuracy", "Speed", "Example"),
    *("Names elsewhere", "Unit health", "Source"),
)

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="the source tree is not here")


@pytest.fixture
def links(monkeypatch):
    """The module that checks links."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import links

    return links


def text_of(page):
    """The words of a page, without its elements."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_the_site_has_all_pages_and_no_dead_link(tmp_path):
    for module in ("sphinx", "myst_parser", "furo", "latex2mathml", "matplotlib"):
        pytest.importorskip(module)
    command = [sys.executable, str(TOOLS / "build.py"), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    gallery = (tmp_path / "site" / "index.html").read_text("utf-8")
    kinks = text_of(tmp_path / "site" / "kinks.html")
    for f in hw.activations.values():
        assert f'<a href="activations/{f.name}.html"><svg' in gallery
        assert f.title in kinks or not f.kinks
        check_page(f, tmp_path / "site" / "activations" / f"{f.name}.html")


def check_page(f, page):
    """The page has every part, and in it what the facts say."""
    source, text = page.read_text("utf-8"), text_of(page)
    headings = re.findall(r"<h2>(.*?)<a", source)
    assert tuple(headings) == PARTS, f.name
    assert source.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"') >= 2
    assert source.count('<svg role="img"') == 1
    said = [f.title, f.summary, f.words, f.accuracy, *(p.meaning for p in f.parameters.values())]
    said += [f._facts.integers, *f._facts.example.strip().splitlines()]
    said += [call for _, call in f._facts.elsewhere]
    said += [f._facts.onnx.operator] if f._facts.onnx else []
    for words in (*said, f.source):
        assert plain(words) in plain(text), (f.name, words)


def plain(text):
    """Text with neither marks nor breaks, which a page sets in its own way."""
    return re.sub(r"[\s'\"’‘“”`*_–-]+", "", text)


def test_a_dead_link_and_a_request_to_the_network_are_found(links, tmp_path):
    (tmp_path / "other.html").write_text('<h1 id="here"></h1>')
    (tmp_path / "page.html").write_text(
        '<a href="other.html#here"></a><a href="https://example.org/"></a>'
        '<a href="gone.html"></a><a href="other.html#gone"></a><a href="#gone"></a>'
        '<img src="gone.png"><script src="https://example.org/x.js"></script>'
    )
    assert list(links.faults(tmp_path)) == [
        "page.html: gone.html leads nowhere",
        "page.html: other.html#gone leads nowhere",
        "page.html: #gone leads nowhere",
        "page.html: gone.png leads nowhere",
        "page.html: https://example.org/x.js is asked of the network",
    ]
