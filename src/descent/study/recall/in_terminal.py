"""A review in the terminal: a card, Enter for the answer, one key, the next."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from descent.study.recall.deck import CardState, Deck
from descent.study.recall.readable import readable
from descent.study.recall.session import Session
from descent.study.recall.words import (
    cards,
    chapter_name,
    clock_warning,
    coming,
    due_today,
    long_pause,
    when,
)

WIDTH = 88
"""No line of a card is longer: a person reads it."""

KNOWN, NOT_YET, LEAVE = {"k", "K", "1"}, {"n", "N", "2"}, {"q", "Q", "\x03", "\x04", "\x1b"}
SHOW = {"\r", "\n", " "}


def at_a_terminal() -> bool:
    """Say whether a person can read and press keys here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def review_in_terminal(
    session: Session,
    read_key: Callable[[], str],
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask card by card until nothing is due or the learner leaves, then say what comes.

    Parameters
    ----------
    session
        The sitting; each answer is in the record before the next card is shown.
    read_key
        Returns the next key pressed; it may raise KeyboardInterrupt or EOFError, which leave.
    console
        Where it is printed.
    clock
        Seconds that only go forward.
    """
    console = console or _console()
    deck = session.deck()
    _say_how_it_begins(session, deck, console)
    while left := session.asked(deck):
        number = len(session.given) + 1
        if not _ask(
            session, left[0], f"{number} of {number - 1 + len(left)}", read_key, console, clock
        ):
            break
        deck = session.deck()
        _say_when_it_returns(session, deck, console)
    _say_how_it_ended(session, deck, console)


def list_in_terminal(session: Session, console: Console | None = None) -> None:
    """List what is due, what comes, and each card's chance to be known; nothing is asked."""
    console = console or _console()
    deck = session.deck()
    _say_how_it_begins(session, deck, console)
    for state in (*deck.due, *deck.later):
        chance = "new" if state.chance is None else f"{state.chance:.0%}"
        day = when(state.due, deck.today).removeprefix("on ")
        name = chapter_name(state.card.chapter)
        question = " ".join(readable(state.card.question).split())
        line = f"{day:<14} {chance:>5}  {name:<13} {question}"
        console.print(Text(line), no_wrap=True, overflow="ellipsis")
    if deck.due or deck.later:
        console.print(coming(deck), highlight=False)


def _console() -> Console:
    console = Console()
    console.width = min(console.width, WIDTH) if console.is_terminal else 200
    return console


def _say_how_it_begins(session: Session, deck: Deck, console: Console) -> None:
    if warning := clock_warning(deck):
        console.print(Text(warning, "yellow"))
    place = f"{chapter_name(session.chapter)}: " if session.chapter and deck.due else ""
    console.print(Text(f"{place}{due_today(deck)}{long_pause(deck)}"))


def _ask(
    session: Session,
    state: CardState,
    place: str,
    read_key: Callable[[], str],
    console: Console,
    clock: Callable[[], float],
) -> bool:
    """Ask one card; return False where the learner leaves, and nothing is recorded."""
    card, begun = state.card, clock()
    console.print()
    kind = " · a new case" if card.transfer else ""
    console.print(Text(f"{place} · {chapter_name(card.chapter)}{kind}", "dim"))
    console.print(Text(readable(card.question), "bold"))
    console.print(Text("Enter: the answer · q: leave", "dim"))
    if _key(read_key, SHOW) in LEAVE:
        return False
    console.print(Padding(Text(readable(card.answer)), (0, 0, 0, 2)))
    console.print(Text("k: knew it · n: not yet · q: leave", "dim"))
    pressed = _key(read_key, KNOWN | NOT_YET)
    if pressed in LEAVE:
        return False
    session.answer(card, pressed in KNOWN, clock() - begun)
    return True


def _key(read_key: Callable[[], str], wanted: set[str]) -> str:
    """Wait for one of the wanted keys, or for one that leaves; all others do nothing."""
    while True:
        try:
            pressed = read_key()
        except (KeyboardInterrupt, EOFError):
            return "q"
        if pressed in wanted | LEAVE:
            return pressed


def _say_when_it_returns(session: Session, deck: Deck, console: Console) -> None:
    for state in deck.later:
        if state.card.key == session.given[-1].card.key:
            word = "Known" if session.given[-1].remembered else "Not yet"
            console.print(Text(f"{word}: back {when(state.due, deck.today)}.", "dim"))


def _say_how_it_ended(session: Session, deck: Deck, console: Console) -> None:
    if not (session.given or deck.later):
        return
    console.print()
    if session.given:
        known = sum(answer.remembered for answer in session.given)
        each = median(answer.seconds for answer in session.given)
        console.print(
            Text(
                f"Done: {cards(len(session.given))}, {known} known, "
                f"{len(session.given) - known} not yet; about {each:.0f} seconds a card."
            )
        )
    left = len(session.asked(deck))
    if left:
        console.print(Text(f"{cards(left).capitalize()} of today left; nothing is lost."))
    console.print(Text(coming(deck)))
