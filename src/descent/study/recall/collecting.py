"""All cards there are, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable

from descent.study.catalog import load_catalog
from descent.study.events import Event
from descent.study.recall.cards import ReviewCard
from descent.study.recall.met import chapter_cards


def all_cards(events: Iterable[Event]) -> list[ReviewCard]:
    """Return every card in the order of the course, with when it was met.

    Parameters
    ----------
    events
        What the record holds, in any order.

    Raises
    ------
    CourseError
        When the chapters cannot be read.
    """
    return chapter_cards(load_catalog(), events)
