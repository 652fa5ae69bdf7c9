"""All cards there are, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable

from descent.study.catalog import Chapter, load_catalog
from descent.study.events import Event
from descent.study.predictions.answers import value_text
from descent.study.predictions.history import misses
from descent.study.recall.cards import ReviewCard, missed_prediction
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
    chapters, known = load_catalog(), list(events)
    return [*chapter_cards(chapters, known), *_missed(chapters, known)]


def _missed(chapters: list[Chapter], events: list[Event]) -> list[ReviewCard]:
    """Return a card for each prediction that came otherwise than was said."""
    cards = []
    for made in misses(sorted(events, key=lambda event: event.at), chapters):
        stand, prediction = made.standing, made.prediction
        assert stand.said is not None and stand.came is not None and stand.came_at is not None
        said = value_text(prediction, stand.said)
        came = value_text(prediction, stand.came)
        cards.append(
            missed_prediction(
                made.chapter.id,
                prediction.id,
                prediction.ask,
                said,
                came,
                prediction.because,
                stand.came_at,
            )
        )
    return cards
