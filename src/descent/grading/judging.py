"""Judging one answer: every property on fresh draws, the first failure explained."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import perf_counter, thread_time  # bound here, whatever an answer does to `time`
from typing import Any

from descent.grading.calls import Call, ignored_argument
from descent.grading.diagnosis import Behaviours, diagnose
from descent.grading.differences import Difference, over_all_cases
from descent.grading.exercise import Exercise, Mistake, Property
from descent.grading.expectations import Observation
from descent.grading.isolation import isolated
from descent.grading.originals import listed, put_back, replaced, with_originals
from descent.grading.report import CORRECT, NOT_ATTEMPTED, NOT_RIGHT, Failure, Report
from descent.grading.sandbox import guarded
from descent.grading.trials import Behaviour, Trial
from descent.grading.values import short

MOST_DIAGNOSING = 10.0
"""Seconds after which a diagnosis that does not keep its own limit is given up."""


def judge(
    exercise: Exercise,
    answer: Any,
    seed: int | None = None,
    seconds: float | None = None,
    explain: bool = True,
    mistakes: Behaviours | None = None,
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
        Whether a failure is compared with the declared mistakes. Without, the judgement ends at
        the first property that fails.
    mistakes : dict, optional
        What the declared mistakes do at this seed. Whoever judges many answers at one seed passes
        the same dict each time, which spares running the mistakes anew.

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
    return judge_behaviour(behaviour, {} if mistakes is None else mistakes)


@with_originals
def judge_behaviour(
    behaviour: Behaviour, mistakes: Behaviours | None, to_the_end: bool = True
) -> Report:
    """Judge what an answer does at one seed.

    Parameters
    ----------
    behaviour : Behaviour
        Its trials are run as far as they are needed.
    mistakes : dict or None
        What the declared mistakes do at this seed, as far as it has been run, and is added to.
        None: a failure is compared with none of them.
    to_the_end : bool
        Whether the properties after the first that fails are tried too.

    Returns
    -------
    Report
    """
    started = perf_counter()
    exercise = behaviour.exercise
    outcomes: dict[str, bool | None] = dict.fromkeys(exercise.rows())
    failed: tuple[Property, Trial] | None = None
    failure: Failure | None = None
    blank = False
    with isolated() as around:
        worked_before = thread_time()
        for prop in exercise.properties:
            last = behaviour.up_to_failure(prop)
            if not last.passed or prop is exercise.properties[-1]:
                _undo_replacements(last)
            outcomes[prop.name] = None if last.mistyped else last.passed
            if exercise.returns is not None and last.watched.has_returned:
                outcomes[exercise.rows()[0]] = last.mistyped is None
            if not last.passed and failed is None:
                failed = prop, last
                blank = last.is_blank and not any(outcomes.values())
                if blank or last.is_slow or not to_the_end:
                    break
            if failed is not None and thread_time() - worked_before > behaviour.limit:
                break  # the report comes soon, with the rest not tried
        if failed is not None and not blank:
            failure = _explained(behaviour, *failed, mistakes)
    seconds_taken = perf_counter() - started
    if blank:
        return Report(exercise.name, NOT_ATTEMPTED, seconds=seconds_taken)
    outcome = CORRECT if failed is None else NOT_RIGHT
    shown, held = around.printed.getvalue(), tuple(outcomes.items())
    return Report(exercise.name, outcome, held, failure, shown, seconds_taken, around.notes)


def _undo_replacements(trial: Trial) -> None:
    """An answer that gives a library's function another value, as in ``np.random.seed = 0``."""
    found = replaced()
    if found:
        put_back()
        words = f"Your code gives {listed(found)} another value. A call has brackets, not `=`."
        trial.trouble = Difference("replaces", words)


def _explained(
    behaviour: Behaviour, prop: Property, trial: Trial, mistakes: Behaviours | None
) -> Failure:
    """The failure of one trial; `mistakes` None compares it with none of them."""
    if trial.mistyped is not None:
        return _mistyped(behaviour.exercise, trial)
    observed, found = _first_trouble(trial)
    call = trial.watched.calls[-1] if trial.watched.calls else None
    words, symptom = found.words, found.symptom
    mistake: Mistake | None = None
    if mistakes is not None and symptom not in ("changes input", "replaces", "slow"):
        mistake = guarded(lambda: diagnose(behaviour, prop, mistakes), None, MOST_DIAGNOSING)
        if mistake is None and call is not None and observed is not None and symptom == "value":
            ignored = _ignored(behaviour.answer, call)
            if ignored:
                symptom = "ignores argument"
                words += f" Your result stays the same when `{ignored}` changes."
        if mistake is None and observed is not None and symptom != "ignores argument":
            found = guarded(lambda: _over_all_cases(found, observed, behaviour, prop), found)
            words, symptom = found.words, found.symptom
    return Failure(
        property=prop.name,
        words=words,
        symptom=symptom,
        call=call.text() if call else None,
        call_returned=short(call.returned) if call and call.finished else None,
        name=observed.name if observed else None,
        returned=short(observed.value, dtype=symptom == "dtype") if observed else None,
        expected=observed.expected if observed else None,
        mistake=mistake.name if mistake else None,
        message=mistake.message if mistake else None,
    )


def _over_all_cases(
    found: Difference, observed: Observation, behaviour: Behaviour, prop: Property
) -> Difference:
    """What is true of this value in every trial that was run."""
    cases = [
        (seen.value, seen.difference, trial.record.dimensions)
        for trial in behaviour.trials(prop)
        for seen in trial.record.observations
        if seen.name == observed.name
    ]
    return over_all_cases(found, cases)


def _mistyped(exercise: Exercise, trial: Trial) -> Failure:
    call, found = trial.watched.mistyped_call, trial.mistyped
    assert call is not None and found is not None
    return Failure(
        property=exercise.rows()[0],
        words=found.words,
        symptom=found.symptom,
        call=call.text(),
        call_returned=short(call.returned),
    )


def _first_trouble(trial: Trial) -> tuple[Observation | None, Difference]:
    if trial.trouble is not None and trial.trouble.symptom == "replaces":
        return None, trial.trouble  # whatever else was seen may come of it
    failed = trial.record.failed
    if failed is not None and failed.difference is not None:
        # A wrong value seen before an error is the cause of it, and is shown first.
        shown = failed if failed.expected is not None else None
        return shown, failed.difference
    if trial.error is not None:
        return None, Difference("error", trial.error.words())
    assert trial.trouble is not None
    return None, trial.trouble


def _ignored(answer: Callable[..., Any], call: Call) -> str | None:
    return guarded(lambda: ignored_argument(answer, call), None)


def _not_callable(exercise: Exercise, answer: Any) -> Report:
    words = (
        f"`{exercise.name}` is {short(answer)}, not something that can be called. "
        "Was the name used for something else after its cell ran? Run that cell again."
    )
    first = exercise.properties[0].name if exercise.properties else ""
    return Report(exercise.name, NOT_RIGHT, failure=Failure(first, words, "type"))
