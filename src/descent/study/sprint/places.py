"""With what a block of the plan is done: sections that stand, or a source outside the course."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descent.study.catalog import CatalogError, Chapter, load_catalog
from descent.study.paths import CourseNotFound
from descent.study.sprint.plan import Block, Elsewhere


@dataclass(frozen=True)
class Part:
    """The sections of one chapter that belong to a block; without any, it is the whole chapter."""

    chapter: Chapter
    headings: tuple[str, ...]

    @property
    def words(self) -> str:
        """The chapter and its sections, in words."""
        sections = "; ".join(f"“{heading}”" for heading in self.headings)
        return f"{self.chapter.heading}{f': {sections}' if sections else ''}"


@dataclass(frozen=True)
class Source:
    """What a block is done with: a part of the course, or else something outside of it."""

    part: Part | None
    elsewhere: Elsewhere | None


def standing_chapters() -> dict[str, Chapter]:
    """Return the chapters that stand, by id; none where the course cannot be read."""
    try:
        return {chapter.id: chapter for chapter in load_catalog()}
    except (CatalogError, CourseNotFound):
        return {}


def source_of(block: Block, chapters: dict[str, Chapter]) -> Source:
    """Say with what a block is done.

    Of the chapters that it names, the first that stands is taken, with all the sections of it that
    are named. A section that the chapter does not have leads to the chapter.

    Parameters
    ----------
    block
        The block.
    chapters
        The chapters that stand, by id.
    """
    named: dict[str, list[str]] = {}
    for place in block.places:
        chapter, _, section = place.partition("#")
        if chapter in chapters:
            named.setdefault(chapter, []).append(section)
    if not named:
        return Source(None, block.otherwise)
    first = chapters[next(iter(named))]
    return Source(Part(first, tuple(_headings(first, named[first.id]))), None)


def _headings(chapter: Chapter, wanted: Iterable[str]) -> Iterable[str]:
    headings = {section.id: section.heading for section in chapter.sections}
    return (headings[name] for name in wanted if name in headings)


def source_in_words(block: Block, chapters: dict[str, Chapter]) -> list[str]:
    """Say with what a block is done, and what to skip, a line each."""
    found = source_of(block, chapters)
    lines = [found.part.words] if found.part is not None else []
    if found.elsewhere is not None:
        lines.append(f"{found.elsewhere.title} ({found.elsewhere.url})")
        if found.elsewhere.skip:
            lines.append(f"Skip: {found.elsewhere.skip}.")
    return lines
