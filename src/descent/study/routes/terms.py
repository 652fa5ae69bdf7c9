"""The words the course teaches, and the places that teach them, from the index of terms."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path("book", "terms.md")

_ENTRY = re.compile(r"^- \*\*(.+?)\*\*(?: \((.*?)\))?: (?=\[)(.*)$", re.MULTILINE)
_OTHER_NAME = re.compile(r"\*([^*]+)\*")
_LINK = re.compile(r"\[((?:\\.|[^\]\\])*)\]\(\.\./solutions/([^)#]+)\.ipynb(?:#([^)]*))?\)")


@dataclass(frozen=True)
class TermPlace:
    """A place that teaches a term.

    Attributes
    ----------
    chapter_id
        The chapter.
    heading
        The heading as it is written; the chapter's title where it is the page's beginning.
    anchor
        What a link to it in markdown ends in; empty for the beginning.
    """

    chapter_id: str
    heading: str
    anchor: str


@dataclass(frozen=True)
class Term:
    """A term under all its names, and its places, the one that teaches it first."""

    names: tuple[str, ...]
    places: tuple[TermPlace, ...]


def read_terms(root: Path) -> list[Term]:
    """Read the index of terms of a course folder; one without it has none."""
    path = root / FILE
    if not path.is_file():
        return []
    found = path.stat()
    return list(_read(path, found.st_mtime_ns, found.st_size))


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> tuple[Term, ...]:
    return tuple(_terms(path.read_text(encoding="utf-8")))


def _terms(text: str) -> Iterator[Term]:
    for shown, others, places in _ENTRY.findall(text):
        names = (shown.strip("`"), *(name.strip("`") for name in _OTHER_NAME.findall(others)))
        links = _LINK.findall(places)
        yield Term(names, tuple(TermPlace(page, _plain(text), at) for text, page, at in links))


def _plain(heading: str) -> str:
    return re.sub(r"\\([\[\]])", r"\1", heading)
