"""What a notebook uses to commit, recall, write and keep the time: `commit`, `recall`, `clock`."""

from __future__ import annotations

from html import escape
from typing import Any

from descent.notebook import current_chapter
from descent.shell import in_notebook
from descent.study.predictions import commit as predictions
from descent.study.store import ProgressStore
from descent.study.written import in_notebook as writing


def commit(name: str, value: Any = ..., *, sure: Any = ...) -> None:
    """Commit to what will come, before you see it.

    Parameters
    ----------
    name : str
        Which prediction of this chapter; it stands in the cell already.
    value : float or str
        Your answer: a number in the unit that is asked for, or one of the choices.
    sure : float
        How sure you are, from 0.5 (a coin) to 1 (certain).

    Raises
    ------
    NoPrediction
        When the value is no answer to the question, or `sure` is missing.
    """
    print(predictions.commit(current_chapter(), name, value, sure, ProgressStore()))


def outcome(name: str, value: Any) -> None:
    """Compare what came with what you said would come.

    Parameters
    ----------
    name : str
        Which prediction of this chapter.
    value : float or str
        What the cells before this one computed.
    """
    chapter = current_chapter()
    came, words = predictions.see_outcome(chapter, name, value, ProgressStore())
    if not in_notebook():
        print(words)
        return
    from IPython.display import display

    shown = f"{came:.6g}" if isinstance(came, float) else came
    html = (
        f'<div class="descent-outcome" data-chapter="{chapter.id}" data-item="{name}" '
        f'data-value="{escape(shown)}"><p>{escape(words)}</p></div>'
    )
    display({"text/plain": words, "text/html": html}, raw=True)


def write(name: str, text: str) -> None:
    """Keep your answer to a written exercise, and show what a good one contains.

    Parameters
    ----------
    name : str
        Which exercise of this chapter; it stands in the cell already.
    text : str
        Your answer. Every version that you run is kept.
    """
    writing.write(current_chapter(), name, text, ProgressStore())


def recall(section: str = "") -> None:
    """Show the recall cards of a section; without one, those at the foot of the page.

    Parameters
    ----------
    section : str
        The section whose cards are asked for.

    Raises
    ------
    CourseError
        When the chapter has no cards of this section.
    """
    from descent.study.recall.in_notebook import recall as show_cards

    show_cards(current_chapter(), section, ProgressStore())


def clock(what: str = "") -> None:
    """Show the clock of this chapter: begin, pause and stop it, and see what it has counted.

    Parameters
    ----------
    what : str
        What you work at, where the chapter alone does not say it.
    """
    from descent.study.timing.in_notebook import show_clock

    show_clock(current_chapter().id, what)


def sprint() -> None:
    """Show the 24-hour weekend: the block under way, what comes, and your log when it is over."""
    from descent.study.sprint.in_notebook import show_sprint

    show_sprint()


__all__ = ["clock", "commit", "outcome", "recall", "sprint", "write"]
