"""Names, numbers and lists as a reader sees them: short, and nothing but printable characters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from unicodedata import combining, east_asian_width

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "–"
"""What stands in the place of a number that is not known."""


def printable(text: str) -> str:
    """The text in one line: characters that steer a terminal, or break a line, are replaced."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: two for most of East Asia's characters."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def shortened(name: str, width: int) -> str:
    """The name in at most so many columns; what is too much in its middle becomes "…".

    Examples
    --------
    >>> from halfwave.health.views.words import shortened
    >>> shortened("encoder.layers.11.feed_forward.linear1", 20)
    'encoder.la…d.linear1'
    """
    return _cut(printable(name), width, (width - 1) // 2)


def distinct(names: Iterable[str], width: int) -> dict[str, str]:
    """Each name in at most so many columns, no two of them the same.

    What dotted names have in common at their beginning goes first, then columns in their middle;
    names that are still the same get their number in the list.

    Examples
    --------
    >>> from halfwave.health.views.words import distinct
    >>> list(distinct(["encoder.layers.0.linear", "encoder.layers.1.linear"], 20).values())
    ['….0.linear', '….1.linear']
    """
    whole = {name: printable(name) for name in names}
    fit = all(columns(shown) <= width for shown in whole.values())
    return _numbered(dict(whole) if fit else _apart(whole, width), width)


def _apart(whole: Mapping[str, str], width: int) -> dict[str, str]:
    """The names cut to a width; those that become the same are cut once more, by themselves."""
    shown = _cut_alike(_without_common(whole), width)
    for clash in _clashes(shown):
        if len(clash) < len(whole):
            shown |= _apart({name: whole[name] for name in clash}, width)
    return shown


def _without_common(whole: Mapping[str, str]) -> dict[str, str]:
    """The names with "…" in the place of the parts with which all of them begin."""
    parts = [name.split(".") for name in whole.values()]
    shortest = min(map(len, parts))
    alike = next((i for i in range(shortest) if len({p[i] for p in parts}) > 1), shortest)
    alike = min(alike, shortest - 1)
    # A single letter is no longer than what would replace it.
    if len(parts) < 2 or columns(".".join(parts[0][:alike])) < 2:
        return dict(whole)
    return {name: ".".join(["…", *p[alike:]]) for name, p in zip(whole, parts, strict=True)}


def _cut_alike(whole: Mapping[str, str], width: int) -> dict[str, str]:
    """The names cut where most of them stay apart, as near their middle as that allows."""
    middle = (width - 1) // 2
    best: dict[str, str] = {}
    for end in sorted(range(width), key=lambda end: abs(end - middle)):
        cut = {name: _cut(shown, width, end) for name, shown in whole.items()}
        if not best or len(set(cut.values())) > len(set(best.values())):
            best = cut
        if len(set(best.values())) == len(whole):
            break
    return best


def _clashes(shown: Mapping[str, str]) -> list[list[str]]:
    """The names that are shown as the same."""
    groups: dict[str, list[str]] = {}
    for name, short in shown.items():
        groups.setdefault(short, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _numbered(shown: Mapping[str, str], width: int) -> dict[str, str]:
    """The names as they are if no two are the same; else those that are with their number."""
    clashing = {name for clash in _clashes(shown) for name in clash}
    numbered = dict(shown)
    for place, name in enumerate(shown):
        if name in clashing:
            number = f" ({place})"
            numbered[name] = shortened(shown[name], width - len(number)) + number
    # A name may look like another one with its number.
    return _numbered(numbered, width) if clashing else numbered


def _cut(name: str, width: int, end: int) -> str:
    """The name with so many columns of its end, and as many of its beginning as there is room."""
    if _beginning(name, width) == name:
        return name
    kept = _beginning(name[::-1], end)[::-1]
    return f"{_beginning(name, width - 1 - columns(kept))}…{kept}"


def _beginning(text: str, width: int) -> str:
    """As much of the text as fits."""
    if text.isascii():  # a column each, and most names are
        return text[: max(width, 0)]
    taken = 0
    for i, character in enumerate(text):
        taken += columns(character)
        if taken > width:
            return text[:i]
    return text


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to a width, on its left if it is to stand on the right."""
    spaces = " " * (width - columns(text))
    return spaces + text if right else text + spaces


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """The text in lines of at most so many columns, which begin with `first` and `rest`."""
    lines, line, begun = [], first, False
    for word in _pieces(printable(text).split(), width - max(columns(first), columns(rest))):
        if begun and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line, begun = rest, False
        line += f" {word}" if begun else word
        begun = True
    return "\n".join([*lines, line])


def _pieces(words: Iterable[str], width: int) -> Iterator[str]:
    """The words, and those that are wider than a line in parts."""
    for word in words:
        while columns(word) > width:
            part = _beginning(word, width)
            yield part
            word = word[len(part) :]
        yield word


def number(value: float, digits: int = 3) -> str:
    """A number for a table: whole ones with commas, others with so many digits."""
    if math.isnan(value) or math.isinf(value):
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def percent(share: float) -> str:
    """A share such as 0.0047 as "0.47 %"."""
    return UNKNOWN if math.isnan(share) else f"{100 * share:.3g} %"


def span(values: Iterable[int]) -> str:
    """One number, or the least and the largest of several."""
    low, high = min(values := list(values)), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def plural(count: int, noun: str) -> str:
    """The number with its noun, such as "1 unit" and "2 units"."""
    ending = "" if count == 1 else "es" if noun.endswith("ss") else "s"
    return f"{count:,} {noun}{ending}"


def joined(parts: Sequence[str], word: str = "and") -> str:
    """A list in a sentence: "a, b and c"."""
    return f" {word} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def some(parts: Sequence[str], most: int, noun: str) -> str:
    """The first of a list in a sentence, and how many more there are: "a, b and 7 more layers"."""
    left = len(parts) - most
    return (
        joined([*parts[:most], f"{left:,} more {noun}{'s' if left > 1 else ''}"])
        if left > 0
        else joined(parts)
    )


def indices(units: NDArray[np.bool_], most: int = 8) -> str:
    """Which units: "unit 3", "units 3, 6 and 7", "units 3, 6, 7, 9, … (12)"."""
    found = np.flatnonzero(units)
    if len(found) == 1:
        return f"unit {found[0]}"
    if len(found) > most:
        return f"units {', '.join(map(str, found[:most]))}, … ({len(found):,})"
    return f"units {joined([str(unit) for unit in found])}"
