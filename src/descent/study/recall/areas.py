"""Which cards stand where in a chapter's notebook, and which forgotten ones return there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from descent.errors import CourseError
from descent.study.catalog import Chapter
from descent.study.events import Event
from descent.study.recall.cards import ReviewCard
from descent.study.recall.met import chapter_cards

_AREA_CELL = re.compile(r'^# %%.*\brecall="([^"]*)"', re.MULTILINE)


class UnknownSection(CourseError):
    """The chapter has no cards of a section that was asked for."""


def area_cards(
    chapter: Chapter, section: str, events: list[Event]
) -> tuple[list[ReviewCard], list[ReviewCard]]:
    """Return the cards of one place of a chapter.

    Parameters
    ----------
    chapter
        The chapter.
    section
        The section whose cards stand there; empty for the foot of the page, where those stand that
        have no other place.
    events
        What the record holds, oldest first.

    Returns
    -------
    returning, own : list of ReviewCard
        Cards of the chapter's other places whose latest answer was "not yet", and the cards of
        this place.

    Raises
    ------
    UnknownSection
        When the chapter has no cards of this section.
    """
    cards = chapter_cards([chapter], events)
    sections = list(dict.fromkeys(card.section for card in cards if card.section))
    if section and section not in sections:
        known = ", ".join(f'"{name}"' for name in sections) or "none"
        raise UnknownSection(f'No cards of a section "{section}". This chapter has: {known}.')
    places = card_places(chapter)
    own = [card for card in cards if _stands_at(card, section, places)]
    forgotten = _forgotten(chapter, events)
    returning = [card for card in cards if card not in own and card.item in forgotten]
    return returning, own


def _stands_at(card: ReviewCard, section: str, places: set[str]) -> bool:
    return card.section == section if section else card.section not in places


def card_places(chapter: Chapter) -> set[str]:
    """Return the sections that have a place for their cards; those of others stand at the foot."""
    return set(_AREA_CELL.findall(chapter.source.read_text(encoding="utf-8")))


def _forgotten(chapter: Chapter, events: Iterable[Event]) -> set[str]:
    """Return the cards whose latest answer, on whatever day, was "not yet"."""
    latest = {
        event.exercise: event.data.get("remembered")
        for event in events
        if event.kind == "review" and event.chapter == chapter.id
    }
    return {item for item, remembered in latest.items() if remembered is False}
