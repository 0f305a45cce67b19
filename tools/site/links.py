"""What is wrong with the links of a folder of pages: dead ones, and requests to the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
"""Elements whose address a browser asks for when it opens the page."""

TOLD = ("canonical", "author", "license")
"""Relations of a link element that are told, and not asked for."""


@dataclass
class Page(HTMLParser):
    """The anchors of a page, where its links go, and what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element is called, links to or loads."""
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        address = values.get(LOADED.get(tag, ""))
        if address is not None and values.get("rel") not in TOLD:
            self.loads.append(address)


def faults(folder: Path) -> Iterator[str]:
    """Each fault of each page, in words."""
    for path in sorted(folder.rglob("*.html")):
        page, name = _read(path), path.relative_to(folder)
        for link in (*page.links, *page.loads):
            if _is_within(link) and not _leads_somewhere(path, link):
                yield f"{name}: {link} leads nowhere"
        for address in page.loads:
            if not _is_within(address) and not address.startswith("data:"):
                yield f"{name}: {address} is asked of the network"


def _is_within(link: str) -> bool:
    parts = urlsplit(link)
    return not parts.scheme and not parts.netloc


def _leads_somewhere(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target.suffix != ".html" or anchor in _read(target).anchors


@cache
def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page
