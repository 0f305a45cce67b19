"""The tour as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from halfwave.tour import blocks as b
from halfwave.tour.figures import inline_svg

TITLE = "ReLU and Leaky ReLU"

_prose = MarkdownIt("commonmark", {"html": False})


def page(chapters: Iterable[Sequence[b.Block]]) -> str:
    """The whole page."""
    chapters = [list(b.settled(chapter)) for chapter in chapters]
    headings = [block for chapter in chapters for block in chapter if isinstance(block, b.Heading)]
    return Template(_resource("page.html")).substitute(
        title=TITLE,
        css=_resource("page.css").strip(),
        contents="\n".join(
            f'<li><a href="#{_anchor(h)}">{escape(h.text)}</a></li>' for h in headings
        ),
        chapters="\n".join(map(_chapter, chapters)),
    )


def _chapter(blocks: Iterable[b.Block]) -> str:
    return "<section>\n" + "\n".join(map(element, blocks)) + "\n</section>"


def element(block: b.Block) -> str:
    """The block as an HTML element."""
    match block:
        case b.Heading():
            return f'<h2 id="{_anchor(block)}">{block.number}. {escape(block.text)}</h2>'
        case b.Section():
            return f"<h3>{escape(block.text)}</h3>"
        case b.Prose():
            return str(_prose.render(block.text.strip())).strip()
        case b.Formula():
            return f'<div class="formula">{convert(block.latex, display="block")}</div>'
        case b.Code():
            return f'<pre tabindex="0"><code>{_coloured(block)}</code></pre>'
        case b.Output():
            return f'<pre class="output" tabindex="0"><samp>{escape(block.text)}</samp></pre>'
        case b.Table():
            return _table(block)
        case b.Graph() | b.Units():
            return f"<figure>\n{inline_svg(block)}</figure>"
        case b.Progress():
            return f'<p class="training">{escape(block.summary)}</p>'
    raise TypeError(f"the page cannot show {type(block).__name__}")


def _coloured(code: b.Code) -> str:
    lexer = get_lexer_by_name(code.language)
    return str(highlight(code.source, lexer, HtmlFormatter(nowrap=True))).rstrip("\n")


def _table(table: b.Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    body = "\n".join(map(_row, table.rows))
    return (
        '<div class="scroll" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _row(row: Sequence[str]) -> str:
    first, *rest = map(escape, row)
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{c}</td>" for c in rest) + "</tr>"


def _anchor(heading: b.Heading) -> str:
    return f"chapter-{heading.number}"


def _resource(name: str) -> str:
    return files("halfwave.tour").joinpath(name).read_text("utf-8")
