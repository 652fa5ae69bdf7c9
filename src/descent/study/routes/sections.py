"""The sections of the course: what the planner counts in, with their minutes and exercises."""

from __future__ import annotations

from dataclasses import dataclass

from descent.study import header
from descent.study.anchors import page_anchor
from descent.study.routes.chapters import MapChapter
from descent.study.routes.exercise_minutes import DEFAULT_MINUTES, exercise_minutes
from descent.study.routes.page_sections import page_sections

WORDS_A_MINUTE = 60
"""How fast a page is worked through, its cells run and its formulas followed. Only the shares of a
chapter's hours follow from it, not their sum."""


@dataclass(frozen=True)
class Section:
    """One section; a chapter that declares none is one section as a whole.

    Attributes
    ----------
    id
        ``part/NN_slug#section``, or the chapter's id where it is the whole.
    chapter
        The chapter it is in.
    heading
        Its heading, or the chapter's title.
    anchor
        What a link to it ends in; empty for a whole chapter.
    purpose
        What it is for later.
    needs
        As declared: sections of the same chapter, ``part/NN#section`` or ``part/NN``.
    minutes
        Its share of the chapter's hours.
    exercises
        The names of its exercises.
    """

    id: str
    chapter: MapChapter
    heading: str
    anchor: str
    purpose: str
    needs: tuple[str, ...]
    minutes: float
    exercises: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it stands for a whole chapter."""
        return self.id == self.chapter.id

    @property
    def page(self) -> str | None:
        """Its place in the book, with anchor; None while its chapter is not written."""
        page = self.chapter.page
        return page if page is None or self.is_whole else f"{page}#{self.anchor}"


def sections_of(chapter: MapChapter) -> list[Section]:
    """Return a chapter's sections in the page's order.

    The chapter's hours are shared out by the minutes of the exercises and the words to read.
    """
    if chapter.chapter is None or not chapter.chapter.sections:
        return [_whole(chapter)]
    declared = chapter.chapter.sections
    pages = page_sections(chapter.chapter.source, [section.heading for section in declared])
    minutes = exercise_minutes(chapter.id)
    weights = [
        sum(minutes.get(name, DEFAULT_MINUTES) for name in page.exercises)
        + max(page.words, 1) / WORDS_A_MINUTE
        for page in pages
    ]
    scale = chapter.hours * 60.0 / sum(weights)
    return [
        _section(chapter, section, weight * scale, page.exercises)
        for section, page, weight in zip(declared, pages, weights, strict=True)
    ]


def _section(
    chapter: MapChapter, declared: header.Section, minutes: float, exercises: tuple[str, ...]
) -> Section:
    return Section(
        id=f"{chapter.id}#{declared.id}",
        chapter=chapter,
        heading=declared.heading,
        anchor=page_anchor(declared.heading),
        purpose=declared.purpose,
        needs=declared.needs,
        minutes=minutes,
        exercises=exercises,
    )


def _whole(chapter: MapChapter) -> Section:
    return Section(
        id=chapter.id,
        chapter=chapter,
        heading=chapter.title,
        anchor="",
        purpose=chapter.purpose,
        needs=chapter.needs,
        minutes=chapter.hours * 60.0,
        exercises=chapter.chapter.exercises if chapter.chapter else (),
    )
