"""When a card comes back: FSRS on whole days, computed from the log of answers each time.

This is the only module that knows the library ``fsrs``. Nothing of the library is stored: the log
is the truth, and a card's state follows from it. The rules, exactly, for whoever writes them again
in another language:

**Days.** ``day(at)`` is the number of days from 1 January 1970 to the local calendar date of the
moment ``at``, less one when the local hour is below 4. *Today* is ``day(now)``. Only whole days
enter the arithmetic.

**Which answers count.** The answers of one card in the order of (``at``, ``uid``). One that is
more than ``AHEAD_DAYS`` = 7 days after today is passed over until its day comes (a clock was
wrong); one of a later day than today, but no more than 7, counts as made today. A day is never
before that of the answer which counted last: ``day = max(day, last)`` (the learner may have changed
zones). Of each day the first answer counts; later ones change nothing.

**The state** is a stability S in days and a difficulty D between 1 and 10. With the grade
G = 3 (knew it, "Good") or 1 (not yet, "Again"), weights w0 … w20 (``WEIGHTS``: the library's own,
but w2 = 5), and F = 0.9 ** (-1 / w20) - 1:

- first answer:  S = w2 if known else w0;  D = clamp(w4 - exp(w5 * (G - 1)) + 1)
- later, t ≥ 1 days after the answer that counted before it:

  R = (1 + F * t / S) ** -w20, the chance that it was still known;

  known:    S' = S * (1 + exp(w8) * (11 - D) * S ** -w9 * (exp((1 - R) * w10) - 1))

  not yet:  S' = min(w11 * D ** -w12 * ((S + 1) ** w13 - 1) * exp((1 - R) * w14),
  S / exp(w17 * w18))

  and S' is at least 0.001;

  D' = clamp(w7 * (w4 - exp(3 * w5) + 1) + (1 - w7) * (D + (10 - D) * -w6 * (G - 3) / 9))

  where clamp keeps a number between 1 and 10, and both lines use the S and D from before.

**The next day.** After "knew it": round(S'), half to even, at least 1 and at most 365 days later
(at a wanted retention of 0.9 the interval *is* the stability). After "not yet": the next day.

**What follows.** A card that is always known comes back after 5, 23, 89 and 291 days, then once a
year. One that was forgotten at first: 1, 2, 6, 17, 44 days. Forgotten after 5 days: 1, 3, 8, 19.
Without our w2 the first interval would be 2 days (w2 = 2.3065): these cards are met at the end of a
section whose exercise was done minutes before, by hand. Lowering the wanted retention to 0.84 would
also give 5 days, but then 39 and 228, too rare for a course of some months. An answer after missed
weeks is credited: the longer t, the smaller R, the larger S' when the card was known all the same.

**A card never answered** is due on the day after it was met, or today where that day is still to
come (a clock was wrong).

**Today's pile**: the cards whose due day is today or before, the most at risk first, at most
``DAILY`` = 20 of them, less the number of different cards that were answered in a review today. The
most at risk has the smallest R today, R rounded to six decimals; cards of one R come by due day,
then in the order of the course. Cards that were never answered come after all others, by due day,
then in the order of the course.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fsrs import Card as LibraryCard
from fsrs import Rating, Scheduler, State
from fsrs.scheduler import DEFAULT_PARAMETERS

AHEAD_DAYS = 7
"""Up to how many days after today an answer counts as made today."""

DAILY = 20
"""How many cards a day asks for at most: some seven minutes."""

FIRST_INTERVAL = 5.0
"""Stability, in days, of a card that was known at the first answer."""

WEIGHTS = (*DEFAULT_PARAMETERS[:2], FIRST_INTERVAL, *DEFAULT_PARAMETERS[3:])
"""The 21 weights of FSRS-6: the library's, with our first interval."""

_NEVER = -(10**9)
"""A day before every day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIBRARY = Scheduler(
    parameters=WEIGHTS,
    desired_retention=0.9,
    learning_steps=(),
    relearning_steps=(),
    maximum_interval=365,
    enable_fuzzing=False,
)


@dataclass(frozen=True)
class Memory:
    """How well a card is known after an answer.

    Attributes
    ----------
    stability
        After how many days the chance to know it has fallen to 0.9.
    difficulty
        From 1 (easy) to 10.
    day, due
        The day of the answer and the day on which the card comes back, numbered from 1970.
    """

    stability: float
    difficulty: float
    day: int
    due: int

    def chance(self, today: int) -> float:
        """Return the chance that the card is still known today, between 0 and 1."""
        card = LibraryCard(1, State.Review, None, self.stability, self.difficulty, _EPOCH, _EPOCH)
        elapsed = timedelta(days=max(0, today - self.day))
        return _LIBRARY.get_card_retrievability(card, _EPOCH + elapsed)


def memory(answers: Iterable[tuple[int, bool]], today: int) -> Memory | None:
    """Compute a card's state from its answers.

    Parameters
    ----------
    answers
        The day of each answer and whether the card was known, in the order they were given.
    today
        The day it is now.

    Returns
    -------
    Memory or None
        None where no answer counts.
    """
    card: LibraryCard = _Card(1, due=_EPOCH)
    last, interval = _NEVER, 0
    for day, known in answers:
        if day > today + AHEAD_DAYS:
            continue
        day = min(day, today)
        if day > last:
            now = _EPOCH + timedelta(days=day)
            card, _ = _LIBRARY.review_card(card, Rating.Good if known else Rating.Again, now)
            last, interval = day, (card.due - now).days if known else 1
    if card.stability is None or card.difficulty is None:
        return None
    return Memory(card.stability, card.difficulty, last, last + interval)


class _Card(LibraryCard):
    """The library's card, copied faster: the library copies it at each of ten thousand answers."""

    def __copy__(self) -> _Card:
        other = object.__new__(_Card)
        vars(other).update(vars(self))
        return other
