"""Asking a wrong answer one question after another, the most telling first."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from descent.grading.calls import Call
from descent.grading.known_state import restored_state
from descent.grading.questions.about_arguments import ignored, ignored_rows
from descent.grading.questions.about_places import (
    examples,
    mixing,
    places_in_it,
    where_input_is,
)
from descent.grading.questions.about_results import (
    changed_at_all,
    hidden,
    parts_of_it,
    slopes,
    traits,
)
from descent.grading.questions.about_traces import (
    is_repeatable,
    left_behind,
    randomness,
    unrepeatable,
)
from descent.grading.questions.asking import Asking
from descent.grading.questions.cases import FEWEST, Enough, Said
from descent.grading.questions.growth import growth
from descent.grading.questions.readings import as_if, as_if_turned
from descent.grading.questions.special_values import (
    right_where,
    right_where_all_is_0,
    wrong_only_at,
)
from descent.grading.sandbox import guarded

SECONDS = 0.3
"""Of work, after which nothing more is asked."""

PATIENCE = 3.0
"""Times `SECONDS`, after which not even what was found is waited for."""

MOST = 2
"""Sentences at most."""

Question = Callable[[Asking], Iterator[Said]]

_FOR_A_WRONG_RESULT: tuple[Question, ...] = (
    parts_of_it, as_if, randomness, where_input_is, places_in_it, mixing, ignored, as_if_turned,
    wrong_only_at, examples, right_where, left_behind, ignored_rows, growth, right_where_all_is_0,
)  # fmt: skip
_EXPLAINING_ALL: tuple[Question, ...] = (as_if, as_if_turned)
_FOR_A_RIGHT_ONE: tuple[Question, ...] = (
    traits, slopes, randomness, left_behind, hidden, changed_at_all,
)  # fmt: skip
_WITHOUT_A_RIGHT_ONE: tuple[Question, ...] = (randomness, ignored)


def isolate(
    answer: Callable[..., Any],
    right: Callable[..., Any] | None,
    call: Call,
    seed: int,
    seconds: float = SECONDS,
) -> list[str]:
    """Where to look for what is wrong, as far as the answer itself tells when it is asked.

    The call is done again with other arguments, by the answer and by a right one. Whatever is said
    was seen in at least three different cases.

    Parameters
    ----------
    answer : callable
        The learner's function or class.
    right : callable or None
        A right answer, where there is one.
    call : Call
        The one that failed: of the function, or of a method. Nothing is asked about a call that
        makes an object.
    seed : int
        Fixes the random numbers.
    seconds : float
        Of work, after which nothing more is asked.

    Returns
    -------
    list of str
        Two sentences at most, the most telling first; none where nothing is known for sure. It
        never raises because of what the answer does.
    """
    said: dict[str, str] = {}
    guarded(lambda: _ask(answer, right, call, seed, seconds, said), None, PATIENCE * seconds)
    return list(said.values())[:MOST]


def _ask(
    answer: Callable[..., Any],
    right: Callable[..., Any] | None,
    call: Call,
    seed: int,
    seconds: float,
    said: dict[str, str],
) -> None:
    if not call.finished or (call.method is None and issubclass(type(answer), type)):
        return
    if call.method is not None and call.made is None:
        return
    with (
        contextlib.suppress(Enough), restored_state(), contextlib.redirect_stdout(io.StringIO())
    ):  # fmt: skip
        asking = Asking(answer, right, call, seed, seconds)
        for question in _questions(asking):
            if said and question is right_where_all_is_0:
                return
            for about, sentence in question(asking):
                if question in _EXPLAINING_ALL:
                    _keep(said, ("parts", "object"))
                if about not in said:
                    said[about] = _there(asking, sentence) if said else sentence
                if len(said) == MOST or question in _EXPLAINING_ALL:
                    return


def _keep(said: dict[str, str], about: tuple[str, ...]) -> None:
    """Forget what was said about anything else: what comes now says why."""
    for key in [key for key in said if key not in about]:
        del said[key]


def _there(asking: Asking, sentence: str) -> str:
    """A sentence that follows another about one of several results."""
    is_of_part = asking.part is not None and sentence.startswith("It ")
    return f"There, it {sentence.removeprefix('It ')}" if is_of_part else sentence


def _questions(asking: Asking) -> tuple[Question, ...]:
    if asking.answer(asking.first).error is not None:
        return ()
    if asking.knows and not is_repeatable(asking, "right"):
        return ()  # something in the arguments remembers what was done to it
    if not is_repeatable(asking):
        return (unrepeatable,)
    is_right = asking.knows and asking.is_right(asking.first)
    asking.find_cases(wrong=not is_right)
    if is_right:
        return _FOR_A_RIGHT_ONE
    if not asking.knows:
        return _WITHOUT_A_RIGHT_ONE
    if asking.by_effects:
        return (changed_at_all, *_FOR_A_WRONG_RESULT)
    return _FOR_A_WRONG_RESULT if len(asking.cases) >= FEWEST else (randomness, ignored)
