"""Which cards of a chapter the learner has met: nothing is asked from what was never opened.

A card is met when it was answered, in the page or in a review, or when the exercises of its section
are all done. A section without exercises counts as met when those of the whole chapter are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from descent.grading.report import CORRECT
from descent.study.catalog import Chapter
from descent.study.events import Event
from descent.study.recall.cards import ReviewCard
from descent.study.routes.page_sections import page_sections

FirstDone = Mapping[tuple[str, str], float]
"""When an exercise first passed its check, by (chapter id, exercise)."""


def chapter_cards(chapters: Iterable[Chapter], events: Iterable[Event]) -> list[ReviewCard]:
    """Return every card of these chapters in the order of the course, with when it was met.

    Parameters
    ----------
    chapters
        Chapters of the catalog.
    events
        What the record holds, in any order.
    """
    done = _first_done(events)
    return [card for chapter in chapters for card in _cards_of(chapter, done)]


def _first_done(events: Iterable[Event]) -> FirstDone:
    first: dict[tuple[str, str], float] = {}
    for event in events:
        if event.kind == "check" and event.outcome == CORRECT:
            key = event.chapter, event.exercise
            first[key] = min(event.at, first.get(key, event.at))
    return first


def _cards_of(chapter: Chapter, done: FirstDone) -> list[ReviewCard]:
    of_section = _section_exercises(chapter) if any(key[0] == chapter.id for key in done) else {}
    return [
        ReviewCard(
            chapter=chapter.id,
            item=card.id,
            question=card.question,
            answer=card.answer,
            section=card.section,
            transfer=card.transfer,
            met_at=_all_done(chapter.id, of_section.get(card.section) or chapter.exercises, done),
        )
        for card in chapter.recall
    ]


def _section_exercises(chapter: Chapter) -> Mapping[str, tuple[str, ...]]:
    parts = page_sections(chapter.source, [section.heading for section in chapter.sections])
    return {
        section.id: part.exercises for section, part in zip(chapter.sections, parts, strict=True)
    }


def _all_done(chapter_id: str, exercises: tuple[str, ...], done: FirstDone) -> float | None:
    """Return when the last of these exercises was done; None where one is not."""
    times = [done.get((chapter_id, name)) for name in exercises]
    known = [at for at in times if at is not None]
    return max(known) if known and len(known) == len(times) else None
