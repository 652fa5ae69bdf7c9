"""What is due: the cards the learner has met, put together with the log of their answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from descent.study.days import day_number, is_on_the_calendar
from descent.study.events import Event
from descent.study.recall.cards import Key, ReviewCard
from descent.study.recall.schedule import DAILY, Memory, memory

IN_REVIEW = "review"
"""What an answer's ``where`` says when it was given outside a chapter's page."""


@dataclass(frozen=True)
class CardState:
    """How a card that was met stands today.

    Attributes
    ----------
    card
        The card.
    memory
        What follows from its answers; None where it was never answered.
    due
        The day it comes back, numbered from 1970.
    chance
        The chance that it is still known today; None where it was never answered.
    """

    card: ReviewCard
    memory: Memory | None
    due: int
    chance: float | None


@dataclass(frozen=True)
class Deck:
    """All cards that were met, as they stand on one day.

    Attributes
    ----------
    today
        The day, numbered from 1970.
    pile
        What is asked today, the most at risk first.
    waiting
        What is due as well and more than one day should ask; it comes on the next days.
    later
        What is due on a later day, the earliest first.
    done
        How many different cards were answered in a review today.
    unmet
        How many cards there are that the learner has not met.
    ahead
        The latest day of an answer, where that is after today: a clock was wrong.
    """

    today: int
    pile: tuple[CardState, ...]
    waiting: tuple[CardState, ...]
    later: tuple[CardState, ...]
    done: int
    unmet: int
    ahead: int | None

    @property
    def due(self) -> tuple[CardState, ...]:
        """Everything that is due, the most at risk first."""
        return self.pile + self.waiting

    def expected(self, days: int) -> list[int]:
        """Say how many cards each of the next days asks for, tomorrow first.

        Parameters
        ----------
        days
            For how many days.

        Returns
        -------
        list of int
            What stays over today and on one of the days is asked on the next; what will be
            forgotten by then cannot be known.
        """
        fresh = Counter(state.due - self.today for state in self.later)
        left, counts = len(self.due), []
        for day in range(1, days + 1):
            left += fresh[day]
            counts.append(min(left, DAILY))
            left -= counts[-1]
        return counts


def make_deck(cards: Iterable[ReviewCard], events: Iterable[Event], now: float) -> Deck:
    """Work out what is due.

    Parameters
    ----------
    cards
        Every card, in the order of the course. Answers to a card that is not among them are passed
        over.
    events
        What the record holds, in any order.
    now
        The time, in seconds since 1970 (UTC).
    """
    today = day_number(now)
    answers, done = _answers(events, today)
    latest = max((given[-1][0] for given in answers.values()), default=today)
    all_cards = list(cards)
    found = [_state_of(card, answers.get(card.key, ()), today) for card in all_cards]
    met = [state for state in found if state is not None]
    due = sorted((one for one in met if one.due <= today), key=_risk)
    room = max(0, DAILY - done)
    return Deck(
        today=today,
        pile=tuple(due[:room]),
        waiting=tuple(due[room:]),
        later=tuple(sorted((one for one in met if one.due > today), key=lambda one: one.due)),
        done=done,
        unmet=len(all_cards) - len(met),
        ahead=latest if latest > today else None,
    )


def _answers(
    events: Iterable[Event], today: int
) -> tuple[Mapping[Key, list[tuple[int, bool]]], int]:
    """Return each card's answers, oldest first, and how many cards a review asked for today."""
    reviews = [event for event in events if event.kind == "review"]
    reviews.sort(key=lambda event: (event.at, event.uid))
    answers: dict[Key, list[tuple[int, bool]]] = defaultdict(list)
    asked_today = set()
    for event in reviews:
        known = event.data.get("remembered")
        if not isinstance(known, bool) or not is_on_the_calendar(event.at):
            continue
        day = day_number(event.at)
        key = event.chapter, event.exercise
        answers[key].append((day, known))
        if day == today and event.data.get("where") == IN_REVIEW:
            asked_today.add(key)
    return answers, len(asked_today)


def _state_of(
    card: ReviewCard, answers: Iterable[tuple[int, bool]], today: int
) -> CardState | None:
    """Return how a card stands, or None where it was never met."""
    state = memory(answers, today)
    if state is not None:
        return CardState(card, state, state.due, state.chance(today))
    if card.met_at is None or not is_on_the_calendar(card.met_at):
        return None
    met = day_number(card.met_at)
    return CardState(card, None, met + 1 if met <= today else today, None)


def _risk(state: CardState) -> tuple[bool, float, int]:
    """Sort key: answered cards before new ones, the smaller chance first, then the earlier day."""
    chance = state.chance
    return chance is None, round(chance or 0.0, 6), state.due
