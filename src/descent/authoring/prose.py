"""Markdown as a reader hears it: sentences, with the words and the source line of each.

A formula or a piece of code counts as one word, wherever it stands. Blocks of code, tables,
pictures and directive options are no prose. A sentence goes on through a displayed formula where
the text after it does ("with $$ … $$ where $b$ is …").
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Private characters that stand for what is not words: read aloud they are one word each.
_THING = "\ue000"  # code, a formula in the line, a cited work
_DISPLAY = "\ue001"  # a displayed formula
_BREAK = "\ue002"  # the border of two blocks that stand in one line

# What is no prose, or not all prose, and what it leaves behind; in this order.
_ERASURES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^([ >]*)(`{3,}|~{3,})[^\n]*\n.*?^\1\2`* *$", ""),
    (r"<!--.*?-->|<(svg|style|script)\b.*?</\1>", ""),
    (r"\$\$(.*?)\$\$", lambda formula: _DISPLAY + ("." if _is_closed(formula[1]) else "")),
    (r"\{cite(?::p)?\}`[^`]*`", ""),
    (r"\{cite:t\}`[^`]*`", _THING),
    (r"\{[\w:-]+\}`([^`]*)`", r"\1"),
    (r"(`+)(?!`)(?:(?!\n *\n).)+?\1(?!`)", _THING),
    (r"(?<!\\)\$(?:\\.|[^$\n]|\n(?! *\n))+?(?<!\\)\$", _THING),
    (r"!\[[^\]]*\]\([^)]*\)", ""),
    (r"\[([^\]]*)\]\([^)]*\)", r"\1"),
    (r"</?(?:details|summary|div|figure|figcaption|p|ul|ol|li|br)\b[^>]*>", _BREAK),
    (r"</?[a-zA-Z][^>]*>", ""),
    (r"\*+", ""),
    (r"(?<=\d)[ \u00a0\u2009\u202f](?=\d{3}\b)", ""),
)
_ERASERS = [(re.compile(what, re.M | re.S), left) for what, left in _ERASURES]

_HEADING = re.compile(r"#{1,6} +")
_ITEM = re.compile(r"(?:[-+*]|\d+[.)]) +")
_DIRECTIVE = re.compile(r":{3,}(?:\{[\w-]+\})? *")
_NO_PROSE = re.compile(r"\||:[\w-]+:|(?:-{3,}|\+{3,})$")

_END = re.compile(rf"[.?!…]+[\"”’)\]]*(?=\s+[\"“‘(\[]*([A-Z\d{_THING}{_DISPLAY}]))")
_AFTER_DISPLAY = re.compile(rf"{_DISPLAY}(?=\s+[A-Z])")
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|cf|vs|etc|al|ca|approx|resp|figs?|eqs?|secs?|ch|pp?|vol|Dr|Mrs?|Prof|St)\.$",
    re.IGNORECASE,
)
# Two initials in a row are a name's; one alone may be a matrix that ends its sentence.
_FIRST_INITIAL = re.compile(r"\b[A-Z]\.\s+[A-Z]\.")
_LAST_INITIAL = re.compile(r"\b[A-Z]\.\s+[A-Z]\.$")
_NUMBERED = re.compile(r"\b[Nn]os?\.$")


@dataclass(frozen=True)
class Sentence:
    """One sentence, heading or item of a list.

    Attributes
    ----------
    text
        As read, with "…" for code and formulas.
    line
        The line of the source that it begins on.
    words
        How many it has.
    """

    text: str
    line: int
    words: int

    def opening(self, words: int = 6) -> str:
        """Return how it begins, for a person to find it."""
        found = self.text.split()
        return " ".join(found[:words]) + (" …" if len(found) > words else "")


def sentences(markdown: str, first_line: int = 1) -> list[Sentence]:
    """Read the sentences of a piece of markdown.

    Parameters
    ----------
    markdown
        Its text.
    first_line
        The line of the source that its first line is.
    """
    found = []
    for block in _joined(_blocks(_plain(markdown), first_line)):
        text = " ".join(piece for _, piece in block)
        starts, lines, at = [], [], 0
        for line, piece in block:
            starts.append(at)
            lines.append(line)
            at += len(piece) + 1
        for start, end in _spans(text):
            line = lines[bisect.bisect_right(starts, start) - 1]
            if words := _count(text[start:end]):
                found.append(Sentence(_shown(text[start:end]), line, words))
    return found


def _plain(markdown: str) -> str:
    """Take out what is no prose; every line stays where it is."""
    for eraser, left in _ERASERS:
        markdown = eraser.sub(_leaving(left), markdown)
    return markdown


def _leaving(left: str | Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        kept = left(found) if callable(left) else found.expand(left)
        return kept + "\n" * (found[0].count("\n") - kept.count("\n"))

    return replace


def _is_closed(formula: str) -> bool:
    """Whether a displayed formula ends the sentence it stands in."""
    return bool(re.search(r"\.\s*(?:\\[\])]|\}|\\\w+\{\w+\}|\s)*$", formula))


def _blocks(text: str, first_line: int) -> Iterator[list[tuple[int, str]]]:
    """Yield paragraphs, headings and items of lists, each as its lines with their numbers."""
    block: list[tuple[int, str]] = []
    for number, written in enumerate(text.split("\n"), start=first_line):
        for place, part in enumerate(written.split(_BREAK)):
            line = part.strip().lstrip(">").strip()
            marker = _HEADING.match(line) or _DIRECTIVE.match(line)
            begins = marker or _ITEM.match(line)
            if place or begins or not line or _NO_PROSE.match(line):
                yield block
                block = []
            if begins:
                line = line[begins.end() :]
            if line and not _NO_PROSE.match(line):
                block.append((number, line))
            if marker:
                yield block
                block = []
    yield block


def _joined(blocks: Iterator[list[tuple[int, str]]]) -> Iterator[list[tuple[int, str]]]:
    """Put together again what only a displayed formula between blank lines has parted."""
    held: list[tuple[int, str]] = []
    for block in filter(None, blocks):
        if held and _goes_on(held[-1][1], block[0][1]):
            held = [*held, *block]
            continue
        if held:
            yield held
        held = block
    if held:
        yield held


def _goes_on(before: str, after: str) -> bool:
    if after.startswith(_DISPLAY):
        return before[-1] not in ".?!"
    return before.rstrip(",;:").endswith(_DISPLAY) and after[0].islower()


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    ends = [found.end() for found in _END.finditer(text) if not _is_abbreviation(text, found)]
    ends += [found.end() for found in _AFTER_DISPLAY.finditer(text)]
    for end in [*sorted(ends), len(text)]:
        while start < end and text[start].isspace():
            start += 1
        if start < end:
            yield start, end
        start = end


def _is_abbreviation(text: str, end: re.Match[str]) -> bool:
    before, after = text[: end.end()], end[1]
    if end[0].startswith("…") and not after.isupper():
        return True
    if _NUMBERED.search(before) and after.isdigit():
        return True
    if _FIRST_INITIAL.match(text, end.start() - 1) or _LAST_INITIAL.search(before):
        return True
    return _ABBREVIATION.search(before) is not None


def _count(text: str) -> int:
    return sum(any(c.isalnum() or c in (_THING, _DISPLAY) for c in word) for word in text.split())


def _shown(text: str) -> str:
    return text.replace(_THING, "…").replace(_DISPLAY, "…")
