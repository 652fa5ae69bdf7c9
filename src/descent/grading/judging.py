"""Judging one answer: every property on fresh draws, the first failure explained."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from time import perf_counter, thread_time  # bound here, whatever an answer does to `time`
from typing import Any

from descent.grading.differences import Difference
from descent.grading.exercise import Exercise, Property
from descent.grading.explaining import explain as explanation
from descent.grading.isolation import isolated
from descent.grading.originals import listed, put_back, replaced, with_originals
from descent.grading.report import CORRECT, NOT_ATTEMPTED, NOT_RIGHT, Failure, Report, Unjudged
from descent.grading.sandbox import guarded
from descent.grading.suspects import Reference, Suspects, no_reference
from descent.grading.trials import Behaviour, Trial
from descent.grading.unjudged import Circumstances, could_not_grade, fault_of_the_check
from descent.grading.values import short


def judge(
    exercise: Exercise,
    answer: Any,
    seed: int | None = None,
    seconds: float | None = None,
    explain: bool = True,
    reference: Reference = no_reference,
) -> Report:
    """Judge `answer` by `exercise`.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
        The learner's function, class or other callable.
    seed : int, optional
        Fixes the draws; by default they are fresh at every call.
    seconds : float, optional
        A time limit for each property in place of the exercise's own.
    explain : bool
        Whether a failure is compared with known mistakes. Without, the judgement ends at the first
        property that fails.
    reference : callable, optional
        Gives the text of a right answer, of which the diagnosis makes mistakes of its own. It is
        called after a failure; the judgement never looks at it.

    Returns
    -------
    Report
        Never raises for anything that the answer does; KeyboardInterrupt passes through.
    """
    if not callable(answer):
        return _not_callable(exercise, answer)
    seed = secrets.randbits(32) if seed is None else seed
    behaviour = Behaviour(exercise, answer, seed, seconds)
    if not explain:
        return judge_behaviour(behaviour, None, to_the_end=False)
    return judge_behaviour(behaviour, Suspects(exercise, seed, reference))


@with_originals
def judge_behaviour(
    behaviour: Behaviour, suspects: Suspects | None, to_the_end: bool = True
) -> Report:
    """Judge what an answer does at one seed.

    Parameters
    ----------
    behaviour : Behaviour
        Its trials are run as far as they are needed.
    suspects : Suspects or None
        The known wrong answers at this seed. None: a failure is compared with none of them.
    to_the_end : bool
        Whether the properties after the first that fails are tried too.

    Returns
    -------
    Report
    """
    started = perf_counter()
    exercise = behaviour.exercise
    failure: Failure | None = None
    behaviour.circumstances = Circumstances()
    with isolated() as around:
        tried = _try_properties(behaviour, to_the_end)
        if tried.failed is not None and not tried.is_blank and tried.unjudged is None:
            tried.unjudged = _fault_of_the_check(*tried.failed, suspects)
            if tried.unjudged is None:
                failure = explanation(behaviour, *tried.failed, suspects)
    seconds, shown = perf_counter() - started, around.printed.getvalue()
    if tried.unjudged is not None:
        return could_not_grade(exercise, tried.unjudged, seconds, shown, around.notes)
    if tried.is_blank:
        return Report(exercise.name, NOT_ATTEMPTED, seconds=seconds)
    outcome = CORRECT if failure is None else NOT_RIGHT
    held = tuple(tried.outcomes.items())
    return Report(exercise.name, outcome, held, failure, shown, seconds, around.notes)


@dataclass
class _Tried:
    """What came of an answer's properties.

    `outcomes` has for each line of the report whether it holds, None where it was not tried;
    `failed` is the first property that failed and its trial; `unjudged` says why nothing can be
    said of the answer.
    """

    outcomes: dict[str, bool | None]
    failed: tuple[Property, Trial] | None = None
    unjudged: Unjudged | None = None
    is_blank: bool = False


def _try_properties(behaviour: Behaviour, to_the_end: bool) -> _Tried:
    exercise = behaviour.exercise
    tried = _Tried(dict.fromkeys(exercise.rows()))
    worked_before = thread_time()
    for prop in exercise.properties:
        last = behaviour.up_to_failure(prop)
        if last.unjudged is not None:
            tried.unjudged = last.unjudged if tried.failed is None else None
            break
        if not last.passed or prop is exercise.properties[-1]:
            _undo_replacements(last)
        _note_outcome(exercise, prop, last, tried.outcomes)
        if not last.passed and tried.failed is None:
            tried.failed = prop, last
            tried.is_blank = last.is_blank and not any(tried.outcomes.values())
            if tried.is_blank or last.is_slow or not to_the_end:
                break
        if tried.failed is not None and thread_time() - worked_before > behaviour.limit:
            break  # the report comes soon, with the rest not tried
    return tried


def _note_outcome(
    exercise: Exercise, prop: Property, last: Trial, outcomes: dict[str, bool | None]
) -> None:
    """A property tells nothing of what has the wrong type; the line on types says that."""
    outcomes[prop.name] = None if last.mistyped else last.passed
    first = exercise.rows()[0]
    if exercise.returns is not None and last.watched.has_returned and outcomes[first] is not False:
        outcomes[first] = last.mistyped is None


def _fault_of_the_check(prop: Property, trial: Trial, suspects: Suspects | None) -> Unjudged | None:
    """Why a property that stopped with an error of its own is at fault, if a right answer tells."""
    if trial.raised is None or suspects is None:
        return None
    right = guarded(suspects.right, None)
    if right is None:
        return None
    other = Behaviour(suspects.exercise, right, suspects.seed).trial(prop, trial.place)
    return fault_of_the_check(other.raised) if other.raised is not None else None


def _undo_replacements(trial: Trial) -> None:
    """An answer that gives a library's function another value, as in ``np.random.seed = 0``."""
    found = replaced()
    if found:
        put_back()
        words = f"Your code gives {listed(found)} another value. A call has brackets, not `=`."
        trial.trouble = Difference("replaces", words)


def _not_callable(exercise: Exercise, answer: Any) -> Report:
    words = (
        f"`{exercise.name}` is {short(answer)}, not something that can be called. "
        "Was the name used for something else after its cell ran? Run that cell again."
    )
    first = exercise.properties[0].name if exercise.properties else ""
    return Report(exercise.name, NOT_RIGHT, failure=Failure(first, words, "type"))
