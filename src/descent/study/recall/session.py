"""Reviewing card by card: what comes next is worked out from the record each time.

Nothing is kept here that a crash could lose: each answer goes into the record at once, and a card
that was answered meanwhile in a notebook, or on a machine whose record was merged, is not asked
again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from descent.study.recall.cards import ReviewCard
from descent.study.recall.collecting import all_cards
from descent.study.recall.deck import IN_REVIEW, CardState, Deck, make_deck
from descent.study.store import ProgressStore

LONGEST_SECONDS = 300.0
"""Whoever takes longer over a card has been elsewhere."""


@dataclass(frozen=True)
class Given:
    """An answer given in this session: to which card, whether it was known, after how long."""

    card: ReviewCard
    remembered: bool
    seconds: float


@dataclass
class Session:
    """One sitting.

    Attributes
    ----------
    store
        The record.
    chapter
        The id of the chapter to keep to; empty for all.
    whole_pile
        Whether to ask for everything that is due, beyond what one day should ask.
    clock
        Returns the time, in seconds since 1970 (UTC).
    given
        The answers of this sitting.
    """

    store: ProgressStore
    chapter: str = ""
    whole_pile: bool = False
    clock: Callable[[], float] = time.time
    given: list[Given] = field(default_factory=list)

    def deck(self) -> Deck:
        """Return the cards as they stand now."""
        events = self.store.events()
        cards = all_cards(events)
        if self.chapter:
            cards = [card for card in cards if card.chapter == self.chapter]
        return make_deck(cards, events, self.clock())

    def asked(self, deck: Deck) -> tuple[CardState, ...]:
        """Return what this sitting asks, the most at risk first.

        Who names a chapter wants all that is due of it. A sitting that lasts beyond 04:00 does not
        ask again for what was forgotten in it.
        """
        given = {answer.card.key for answer in self.given}
        pile = deck.due if self.whole_pile or self.chapter else deck.pile
        return tuple(state for state in pile if state.card.key not in given)

    def answer(self, card: ReviewCard, remembered: bool, seconds: float) -> None:
        """Put an answer into the record, at once.

        Parameters
        ----------
        card
            The card.
        remembered
            Whether the learner knew it.
        seconds
            How long they took.
        """
        seconds = min(max(seconds, 0.0), LONGEST_SECONDS)
        self.given.append(Given(card, remembered, seconds))
        record_review(self.store, card, remembered, seconds, IN_REVIEW)


def record_review(
    store: ProgressStore, card: ReviewCard, remembered: bool, seconds: float, where: str
) -> None:
    """Record the answer to a card; ``where`` is ``"page"`` or ``"review"``. Never raises."""
    store.record(
        "review",
        card.chapter,
        card.item,
        remembered=remembered,
        seconds=round(min(seconds, LONGEST_SECONDS), 1),
        where=where,
    )
