"""What a learner may answer to a prediction, and how sure they may be."""

from __future__ import annotations

import difflib
import math
import re
from numbers import Real
from typing import Any

from descent.errors import CourseError
from descent.grading.notation import number_text
from descent.study.header import Prediction

LEAST_SURE, MOST_SURE = 0.5, 1.0

_PLURAL = re.compile(r"^([a-z]+[^s])s\b")


class NoPrediction(CourseError):
    """What was given is no answer to the question."""


def read_value(prediction: Prediction, value: Any) -> float | str:
    """Return an answer as the record keeps it.

    Parameters
    ----------
    prediction
        What is asked.
    value
        A number (a numpy or torch number will do), or one of the choices in any case of letters.

    Raises
    ------
    NoPrediction
        When it is neither; the message says what is wanted.
    """
    if prediction.choices:
        return _choice(prediction, value)
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, Real) or not math.isfinite(number):
        unit = f" (in {prediction.unit})" if prediction.unit else ""
        raise NoPrediction(f"'{prediction.id}' asks for a number{unit}, and {value!r} is none.")
    return float(number)


def _choice(prediction: Prediction, value: Any) -> str:
    wanted = str(value).strip().casefold()
    for choice in prediction.choices:
        if choice.casefold() == wanted:
            return choice
    near = difflib.get_close_matches(wanted, prediction.choices, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    there_are = ", ".join(map(repr, prediction.choices))
    raise NoPrediction(f"'{prediction.id}' is answered by one of {there_are}.{meant}")


def read_sure(prediction: Prediction, sure: Any) -> float:
    """Return how sure a learner is, from 0.5 (a coin) to 1 (certain).

    Raises
    ------
    NoPrediction
        When it is no number in that range.
    """
    sure = plain(sure)
    is_number = isinstance(sure, Real) and not isinstance(sure, bool)
    if not is_number or not LEAST_SURE <= sure <= MOST_SURE:
        raise NoPrediction(
            f"Say how sure you are of '{prediction.id}': sure=0.5 is a coin, sure=1 is certain; "
            f"{'it is missing' if sure is ... else f'{sure!r} is outside'}."
        )
    return float(sure)


def plain(value: Any) -> Any:
    """Return the number in an array or a tensor of one; anything else as it is."""
    try:
        return value.item() if callable(getattr(value, "item", None)) else value
    except (ValueError, RuntimeError):  # of several numbers none is meant
        return value


def value_text(prediction: Prediction, value: float | str) -> str:
    """Return an answer with its unit: ``3 steps``, ``rises``."""
    if isinstance(value, str):
        return value
    shown = float(f"{value:.4g}")
    return f"{number_text(shown)} {_unit_of(shown, prediction.unit)}".strip()


def _unit_of(number: float, unit: str) -> str:
    """Return the unit as it stands beside a number: one ``step``, two ``steps``."""
    return _PLURAL.sub(r"\1", unit) if number == 1 else unit


def margin_text(prediction: Prediction) -> str:
    """Return what counts as right: ``within 2 steps``, ``within a factor of 2``."""
    if prediction.factor is not None:
        return f"within a factor of {number_text(prediction.factor)}"
    return f"within {value_text(prediction, prediction.within or 0.0)}"
