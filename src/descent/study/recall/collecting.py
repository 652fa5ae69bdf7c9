"""All cards there are, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable

from descent.study.catalog import load_catalog
from descent.study.events import Event
from descent.study.predictions.answers import value_text
from descent.study.predictions.history import Made, misses
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
    happened, chapters = list(events), load_catalog()
    missed = [_card_of(made) for made in misses(happened, chapters)]
    return [*chapter_cards(chapters, happened), *missed]


def _card_of(made: Made) -> ReviewCard:
    """Make the card that a missed prediction becomes: it asks for the reason."""
    prediction, stand = made.prediction, made.standing
    assert stand.said is not None and stand.came is not None and stand.came_at is not None
    return missed_prediction(
        made.chapter.id,
        prediction.id,
        prediction.ask,
        value_text(prediction, stand.said),
        value_text(prediction, stand.came),
        prediction.because,
        stand.came_at,
    )
