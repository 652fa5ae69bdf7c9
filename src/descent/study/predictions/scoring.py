"""What was said against what came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from descent.study.events import Event
from descent.study.header import Prediction
from descent.study.predictions.answers import plain


@dataclass(frozen=True)
class Standing:
    """How a learner stands with one prediction.

    Attributes
    ----------
    said, sure, at
        The answer that counts, how sure they were, and when they gave it (seconds since 1970); None
        where there is none.
    came, came_at
        What came, and when it was first seen; None as long as it was not.
    late
        Whether an answer was given only after what came had been seen. It does not count.
    """

    said: float | str | None = None
    sure: float | None = None
    at: float | None = None
    came: float | str | None = None
    came_at: float | None = None
    late: bool = False


def standing(events: Iterable[Event]) -> Standing:
    """Reduce the events of one prediction, oldest first.

    The last answer before the first look at the outcome counts, and what came at that look.
    """
    said: tuple[float | str, float, float] | None = None
    came: float | str | None = None
    came_at: float | None = None
    late = False
    for event in events:
        value = event.data.get("value")
        if not isinstance(value, int | float | str):
            continue
        if event.kind == "outcome" and came is None:
            came, came_at = value, event.at
        elif event.kind == "predict" and came is None:
            said = value, float(event.data.get("sure", 0.5)), event.at
        elif event.kind == "predict":
            late = late or said is None
    answer, sure, at = said or (None, None, None)
    return Standing(answer, sure, at, came, came_at, late)


def is_right(prediction: Prediction, said: float | str, came: float | str) -> bool:
    """Say whether an answer is as near to what came as the question asks."""
    if isinstance(said, str) or isinstance(came, str):
        return said == came
    if prediction.factor is not None:
        if said == came:
            return True
        ratio = said / came if came else 0.0
        return 1 / prediction.factor <= ratio <= prediction.factor
    return abs(said - came) <= (prediction.within or 0.0) + 1e-9 * abs(came)


def was_right(prediction: Prediction, stand: Standing) -> bool | None:
    """Say whether the answer that counts was right; None where nothing is to be compared."""
    if stand.said is None or stand.came is None:
        return None
    return is_right(prediction, stand.said, stand.came)


def events_of(events: Iterable[Event], chapter_id: str, item: str) -> list[Event]:
    """Return the events of one prediction."""
    kinds = ("predict", "outcome")
    return [e for e in events if e.kind in kinds and (e.chapter, e.exercise) == (chapter_id, item)]


def as_recorded(value: Any) -> float | str:
    """Return what an experiment computed as the record keeps it: a number, or a word."""
    number = plain(value)
    return str(number) if isinstance(number, str) else float(number)
