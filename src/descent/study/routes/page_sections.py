"""The sections of a chapter's page: their words and their exercises, read from the source."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_EXERCISE = re.compile(r'\bexercise="([^"]*)"')
_HEADING = re.compile(r"^# #{2,3} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class PageSection:
    """A stretch of a page.

    Attributes
    ----------
    heading
        The text of its heading; None for what stands before the first.
    words
        How many words there are to read, in prose and in the code that is given.
    exercises
        The names of its exercises, in order.
    begins
        Whether its heading stands at its beginning, and not further up.
    """

    heading: str | None
    words: int
    exercises: tuple[str, ...]
    begins: bool = True


def page_sections(source: Path, headings: Sequence[str]) -> list[PageSection]:
    """Divide a page among its declared sections.

    A section reaches from its heading to the next that is declared. The first has the opening of
    the page as well, and the last what closes it, so every word and exercise belongs to one.

    Parameters
    ----------
    source
        The chapter's source.
    headings
        The headings of the declared sections, in the page's order.

    Returns
    -------
    list of PageSection
        One for each heading, in the order given; a heading that the page does not have has
        no words and no exercises.
    """
    found = source.stat()
    divided: dict[str, tuple[int, tuple[str, ...]]] = dict.fromkeys(headings, (0, ()))
    current = next(iter(headings), None)
    for part in _parts(source, found.st_mtime_ns, found.st_size):
        if part.heading in divided:
            current = part.heading
        if current is not None:
            words, exercises = divided[current]
            divided[current] = (words + part.words, exercises + part.exercises)
    return [PageSection(heading, *divided[heading]) for heading in headings]


def page_headings(source: Path) -> list[str]:
    """Return the headings of a page, its title aside, in order."""
    found = source.stat()
    parts = _parts(source, found.st_mtime_ns, found.st_size)
    return [part.heading for part in parts if part.heading is not None and part.begins]


@functools.lru_cache(maxsize=256)
def _parts(source: Path, changed: int, size: int) -> tuple[PageSection, ...]:
    """Cut a source at every heading but the title, and between its cells."""
    return tuple(_cut(source.read_text(encoding="utf-8")))


def _cut(text: str) -> Iterator[PageSection]:
    heading: str | None = None
    cells = _CELL.split(text)
    for line, body in zip(cells[1::2], cells[2::2], strict=True):
        if "[markdown]" not in line:
            exercises = tuple(_EXERCISE.findall(line))
            yield PageSection(heading, 0 if exercises else _words(body), exercises, begins=False)
            continue
        before, *rest = _HEADING.split(body)
        yield PageSection(heading, _words(before), (), begins=False)
        for heading, prose in zip(rest[::2], rest[1::2], strict=True):
            yield PageSection(heading, _words(prose), ())


def _words(prose: str) -> int:
    words = prose.split()
    return len(words) - words.count("#")
