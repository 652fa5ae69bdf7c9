"""Cards inside a chapter's notebook: a question, "Show the answer", two buttons.

Nothing waits for the learner: the cell ends at once, so that a notebook that is run from top to
bottom, by a person or by a program, goes on. Where no widget can be shown the questions stand there
as text. Colours and formulas are JupyterLab's own, light or dark.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from descent.shell import in_notebook
from descent.study.catalog import Chapter
from descent.study.recall.areas import area_cards
from descent.study.recall.cards import ReviewCard
from descent.study.recall.deck import make_deck
from descent.study.recall.readable import readable
from descent.study.recall.session import record_review
from descent.study.recall.words import when
from descent.study.store import ProgressStore

IN_PAGE = "page"
"""What an answer's ``where`` says when it was given inside a chapter."""

NOTHING_HERE = "No recall cards stand here."
RETURNING = "Once more:"


def recall(chapter: Chapter, section: str, store: ProgressStore) -> None:
    """Show the cards of one place of a chapter; outside a kernel, print their questions.

    Parameters
    ----------
    chapter
        The chapter.
    section
        The section whose cards stand there; empty for the foot of the page.
    store
        The record, which takes each answer at once.

    Raises
    ------
    UnknownSection
        When the chapter has no cards of this section.
    """
    returning, own = area_cards(chapter, section, store.events())
    text = questions(returning, own)
    if not in_notebook() or not (returning or own):
        print(text)
        return
    from IPython.display import display

    bundle = area_widget(returning, own, store)._repr_mimebundle_()
    display({**bundle, "text/plain": text}, raw=True)


def questions(returning: list[ReviewCard], own: list[ReviewCard]) -> str:
    """Return the questions as text, without their answers."""
    lines = [f"— {readable(card.question)}" for card in own]
    if returning:
        lines = [RETURNING, *(f"— {readable(card.question)}" for card in returning), "", *lines]
    return "\n".join(lines).strip() or NOTHING_HERE


def area_widget(returning: list[ReviewCard], own: list[ReviewCard], store: ProgressStore) -> Any:
    """Return the cards as one widget."""
    import ipywidgets

    stopwatch = _Stopwatch()
    parts = [_card_widget(card, store, stopwatch) for card in own]
    if returning:
        again = [_card_widget(card, store, stopwatch) for card in returning]
        parts = [_markdown(f"*{RETURNING}*"), *again, *parts]
    return ipywidgets.VBox(parts)


class _Stopwatch:
    """Counts the seconds since the card before was answered, or the cards were shown."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def lap(self) -> float:
        """Return the seconds, and begin again."""
        before, self._since = self._since, time.monotonic()
        return self._since - before


def _card_widget(card: ReviewCard, store: ProgressStore, stopwatch: _Stopwatch) -> Any:
    """Return one card; its answer, and then its two buttons, come when they are asked for."""
    import ipywidgets

    show = _button("Show the answer", "The answer, and two buttons to say whether you knew it")
    box = ipywidgets.VBox([_markdown(card.question), show])
    question = box.children[0]
    answer = _markdown(card.answer)

    def reveal() -> None:
        known = _button("I knew it", "It comes back in some days")
        not_yet = _button("Not yet", "It comes back with the next cards, and tomorrow")
        _on_click(known, lambda: keep(True))
        _on_click(not_yet, lambda: keep(False))
        box.children = (question, answer, ipywidgets.HBox([known, not_yet]))

    def keep(remembered: bool) -> None:
        record_review(store, card, remembered, stopwatch.lap(), IN_PAGE)
        box.children = (question, answer, _markdown(f"*{_what_comes(card, remembered, store)}*"))

    _on_click(show, reveal)
    return box


def _what_comes(card: ReviewCard, remembered: bool, store: ProgressStore) -> str:
    """Say when a card that was answered comes back."""
    deck = make_deck([card], store.events(card.chapter), time.time())
    back = when(deck.later[0].due, deck.today) if deck.later else "today"
    if remembered:
        return f"You knew it. It comes back in the review {back}."
    return (
        "Not yet. It is asked once more with the next cards of this chapter. "
        f"It comes back in the review {back}."
    )


def _button(words: str, tip: str) -> Any:
    import ipywidgets

    return ipywidgets.Button(description=words, tooltip=tip)


def _on_click(button: Any, do: Callable[[], None]) -> None:
    button.on_click(lambda _: do())


def _markdown(text: str) -> Any:
    """Return a widget that shows Markdown with its formulas as JupyterLab does everywhere."""
    import ipywidgets
    from IPython.display import Markdown

    shown = ipywidgets.Output()
    shown.append_display_data(Markdown(text))
    return shown
