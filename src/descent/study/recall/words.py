"""The words of recall, the same in the terminal, in the notebook and on the start page."""

from __future__ import annotations

from descent.study.days import date_of
from descent.study.parts import find_part
from descent.study.recall.deck import Deck

FIRST_CARDS = (
    "There are no cards for you yet. Those of a section come to you once you answered them in the "
    "chapter or did the section's exercises. To begin: descent open ladder/01"
)


LONG_PAUSE = 14
"""Days that a card is late before it is said what a pause does."""


def cards(number: int) -> str:
    """``1 card``, ``3 cards``, ``no cards``."""
    return "1 card" if number == 1 else f"{number or 'no'} cards"


def when(day: int, today: int) -> str:
    """Say a day as a person would: ``tomorrow``, ``on Friday``, ``on 4 March``, ``in May 2028``."""
    ahead, date = day - today, date_of(day)
    if ahead <= 1:
        return "today" if ahead <= 0 else "tomorrow"
    if ahead < 7:
        return f"on {date:%A}"
    if ahead < 300:
        return f"on {date.day} {date:%B}"
    return f"in {date:%B %Y}"


def chapter_name(chapter_id: str) -> str:
    """``ladder/04_softmax_classification`` → ``rung 4``."""
    part, _, name = chapter_id.partition("/")
    number = name.partition("_")[0]
    return find_part(part).reference(int(number)) if number.isdecimal() else chapter_id


def due_today(deck: Deck) -> str:
    """Say in one line what today asks for, what waits beyond it, or why there is nothing."""
    if not (deck.due or deck.later):
        return FIRST_CARDS
    if not deck.pile and deck.waiting:
        return (
            f"You did {cards(deck.done)} today, which is enough for a day. "
            f"{cards(len(deck.waiting)).capitalize()} will wait."
        )
    if not deck.pile:
        first = deck.later[0].due
        number = sum(state.due == first for state in deck.later)
        return f"Nothing is due today. Next: {cards(number)} {when(first, deck.today)}."
    words = f"Due today: {cards(len(deck.pile))}."
    if deck.waiting:
        words += f" {len(deck.waiting)} more will wait for the next days."
    return words


def long_pause(deck: Deck) -> str:
    """Say what a pause of weeks does to the cards; empty where there was none."""
    late = max((deck.today - state.due for state in deck.due if state.memory), default=0)
    if late < LONG_PAUSE:
        return ""
    return (
        " You have been away. Nothing is held against you: a card that you still know after so "
        "long counts for more, and comes back later."
    )


def coming(deck: Deck) -> str:
    """Say in one line what tomorrow and the next seven days ask for."""
    days = deck.expected(7)
    return f"Tomorrow: {cards(days[0])}. In the next seven days: {sum(days)}."


def clock_warning(deck: Deck) -> str:
    """Say so where the record holds answers of later days; empty where it holds none."""
    if deck.ahead is None:
        return ""
    return (
        f"Your record has answers of {date_of(deck.ahead):%d %B %Y}, and this machine's clock says "
        f"{date_of(deck.today):%d %B %Y}. Nothing is lost; set the clock if it is wrong."
    )
