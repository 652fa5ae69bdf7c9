"""Committing to a prediction, and seeing what came, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from descent.errors import CourseError
from descent.study.catalog import Chapter
from descent.study.header import Prediction
from descent.study.predictions.answers import margin_text, read_sure, read_value, value_text
from descent.study.predictions.scoring import (
    Standing,
    as_recorded,
    events_of,
    is_right,
    standing,
)
from descent.study.store import ProgressStore


def find_prediction(chapter: Chapter, name: str) -> Prediction:
    """Return a prediction that a chapter asks for.

    Raises
    ------
    CourseError
        When it asks for none of this name.
    """
    for prediction in chapter.predictions:
        if prediction.id == name:
            return prediction
    names = ", ".join(prediction.id for prediction in chapter.predictions) or "none"
    raise CourseError(f"{chapter.heading} has no prediction '{name}'. Its predictions: {names}.")


def commit(chapter: Chapter, name: str, value: Any, sure: Any, store: ProgressStore) -> str:
    """Record what a learner says will come, and return the answer to them.

    Parameters
    ----------
    value
        Their answer; ``...`` is none yet.
    sure
        How sure they are, from 0.5 to 1.

    Raises
    ------
    NoPrediction
        When the answer is none, or ``sure`` is missing.
    """
    prediction = find_prediction(chapter, name)
    if value is ...:
        return f"No prediction yet: put your answer in place of the first ... and {_SURE}."
    said, how_sure = read_value(prediction, value), read_sure(prediction, sure)
    before = standing(events_of(store.events(chapter.id), chapter.id, name))
    if (before.said, before.sure) == (said, how_sure):
        return f"Committed: {in_words(prediction, said, how_sure)}."
    store.record("predict", chapter.id, name, value=said, sure=how_sure)
    if before.came is None:
        return f"Committed: {in_words(prediction, said, how_sure)}. Now run what follows."
    if before.said is None:
        return "You have seen what came, so this one is kept and not counted."
    kept = in_words(prediction, before.said, before.sure)
    return f"You have seen what came. What counts is what you said before: {kept}."


_SURE = "say how sure you are, from sure=0.5 (a coin) to sure=1 (certain)"


def see_outcome(chapter: Chapter, name: str, value: Any, store: ProgressStore) -> tuple[Any, str]:
    """Record what came, once, and return it with what is to be said of it."""
    prediction = find_prediction(chapter, name)
    came = as_recorded(value)
    stand = standing(events_of(store.events(chapter.id), chapter.id, name))
    if stand.came is None:
        store.record("outcome", chapter.id, name, value=came)
    return came, comparison(prediction, stand, came)


def comparison(prediction: Prediction, stand: Standing, came: float | str) -> str:
    """Say what came, and how it stands to what was said; the book's pages use the same words."""
    if stand.said is None:
        return _came(prediction, came)
    said = in_words(prediction, stand.said, stand.sure)
    if not is_right(prediction, stand.said, came):
        return f"You said {said}. {_came(replace(prediction, unit=''), came)}"
    if value_text(prediction, stand.said) == value_text(prediction, came):
        return f"{_came(prediction, came)} That is what you said: {said}."
    margin = margin_text(prediction)
    return f"{_came(prediction, came)} You said {said}: {margin}, so it counts as right."


def _came(prediction: Prediction, came: float | str) -> str:
    shown = value_text(prediction, came)
    return f"What came: {shown}." if prediction.choices else f"It is {shown}."


def in_words(prediction: Prediction, said: float | str, sure: float | None) -> str:
    """Return an answer and how sure one was: ``3 steps, 70 % sure``."""
    return f"{value_text(prediction, said)}, {100 * (sure or 0.5):.0f} % sure"
