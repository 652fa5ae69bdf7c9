"""Judging one answer: every property on fresh draws, the first failure explained."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter, thread_time  # bound here, whatever an answer does to `time`
from typing import Any

from descent.grading.calls import (
    Call,
    LearnerError,
    WatchedAnswer,
    ignored_argument,
    learner_error,
    text_of,
)
from descent.grading.diagnosis import Behaviours, diagnose
from descent.grading.differences import Difference
from descent.grading.draws import Draw, draws_for
from descent.grading.exercise import Exercise, Property
from descent.grading.expectations import Observation, Record, recording
from descent.grading.isolation import isolated
from descent.grading.known_state import restored_state, seed_everything
from descent.grading.originals import listed, put_back, replaced, with_originals
from descent.grading.report import CORRECT, NOT_ATTEMPTED, NOT_RIGHT, Failure, Report
from descent.grading.sandbox import OutOfTime, guarded, time_limit
from descent.grading.values import short, type_name

MOST_DIAGNOSING = 10.0
"""Seconds after which a diagnosis that does not keep its own limit is given up."""


@dataclass
class Trial:
    """One run of a property on one draw."""

    record: Record
    watched: WatchedAnswer
    error: LearnerError | None = None
    trouble: Difference | None = None

    @property
    def passed(self) -> bool:
        """Nothing was found wrong."""
        return self.error is None and self.trouble is None and self.record.failed is None


@with_originals
def judge(
    exercise: Exercise,
    answer: Any,
    seed: int | None = None,
    seconds: float | None = None,
    explain: bool = True,
    behaviours: Behaviours | None = None,
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
        Whether a failure is compared with the declared mistakes.
    behaviours : dict, optional
        What the mistakes do at this seed. Whoever judges many answers at one seed passes the same
        dict each time, which spares running the mistakes anew.

    Returns
    -------
    Report
        Never raises for anything that the answer does; KeyboardInterrupt passes through.
    """
    started = perf_counter()
    if not callable(answer):
        return _not_callable(exercise, answer)
    seed = secrets.randbits(32) if seed is None else seed
    held: dict[str, bool | None] = {known.name: None for known in exercise.properties}
    failed: tuple[Property, Trial] | None = None
    failure: Failure | None = None
    blank = False
    limit = seconds or exercise.seconds
    with isolated() as around:
        worked_before = thread_time()
        for place, known in enumerate(exercise.properties):
            seed_here = property_seed(seed, place)
            last = _up_to_failure(each_trial(exercise, known, answer, seed_here, seconds))
            if not last.passed or known is exercise.properties[-1]:
                _undo_replacements(last)
            held[known.name] = last.passed
            if not last.passed and failed is None:
                failed = known, last
                blank = _is_blank(last) and not any(held.values())
                if blank or not explain or _is_slow(last):
                    break
            if failed is not None and thread_time() - worked_before > limit:
                break  # the report comes soon, with the rest not tried
        if failed is not None and not blank:
            known_behaviours = {} if behaviours is None else behaviours
            failure = _explain(exercise, answer, seed, *failed, explain, known_behaviours)
    seconds_taken = perf_counter() - started
    if blank:
        return Report(exercise.name, NOT_ATTEMPTED, seconds=seconds_taken)
    outcome = CORRECT if failed is None else NOT_RIGHT
    shown = around.printed.getvalue()
    return Report(
        exercise.name, outcome, tuple(held.items()), failure, shown, seconds_taken, around.notes
    )


def property_seed(seed: int, place: int) -> int:
    """Different draws for every property of one check."""
    return seed + 1_000 * place


def each_trial(
    exercise: Exercise,
    known: Property,
    answer: Callable[..., Any],
    seed: int,
    seconds: float | None = None,
) -> Iterator[Trial]:
    """The trials of one property, smallest first, which share one time limit."""
    limit = seconds or exercise.seconds
    worked = 0.0
    for draw in draws_for(seed, known.trials):
        before = thread_time()
        yield _run_trial(exercise, known, answer, draw, limit, limit - worked)
        worked += thread_time() - before


def _up_to_failure(trials: Iterator[Trial]) -> Trial:
    """The first trial that failed, or the last one."""
    for trial in trials:
        if not trial.passed:
            break
    return trial


def _undo_replacements(trial: Trial) -> None:
    """An answer that gives a library's function another value, as in ``np.random.seed = 0``."""
    found = replaced()
    if found:
        put_back()
        words = f"Your code gives {listed(found)} another value. A call has brackets, not `=`."
        trial.trouble = Difference("replaces", words)


def _run_trial(
    exercise: Exercise,
    known: Property,
    answer: Callable[..., Any],
    draw: Draw,
    limit: float,
    left: float,
) -> Trial:
    seed_everything(draw.seed())
    with recording() as record:
        watched = WatchedAnswer(answer, exercise.name, exercise.changes, record)
        trial = Trial(record, watched)
        own_limit = None
        try:
            with restored_state(), time_limit(max(left, 0.01)) as own_limit:
                known.run(watched, draw)
        except KeyboardInterrupt:
            raise
        except OutOfTime as late:
            if not late.is_of(own_limit):
                raise
            words = f"Your code was stopped: it was still running after {limit:g} seconds."
            trial.trouble = Difference("slow", f"{words} Does a loop end?")
        except BaseException as error:
            _note_error(trial, error)
    if trial.passed and watched.changed:
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(watched.changed))
        trial.trouble = Difference(
            "changes input", f"Your code changed its input {names}. Work on a copy, or make a "
            "new array.")  # fmt: skip
    return trial


def _note_error(trial: Trial, error: BaseException) -> None:
    watched = trial.watched
    trial.error = learner_error(error, watched.answer)
    if trial.error is not None or trial.record.failed is not None:
        return
    if isinstance(error, TypeError) and _never_ran(watched):
        words = f"Your code could not be called as the exercise says: {text_of(error)}."
        trial.trouble = Difference("error", words)
    elif not watched.calls or watched.calls[-1].returned is None:
        trial.trouble = Difference("none", "It returned None. Is a `return` missing?")
    else:
        # What came back broke the property itself, such as one number where two were asked for.
        words = f"What came back could not be used ({type_name(error)}: {text_of(error)})."
        trial.trouble = Difference("type", words)


def _never_ran(watched: WatchedAnswer) -> bool:
    return bool(watched.calls) and not watched.calls[-1].finished


def _is_blank(trial: Trial) -> bool:
    return trial.error is not None and trial.error.is_stub


def _is_slow(trial: Trial) -> bool:
    return trial.trouble is not None and trial.trouble.symptom == "slow"


def _explain(
    exercise: Exercise,
    answer: Callable[..., Any],
    seed: int,
    known: Property,
    trial: Trial,
    compare: bool,
    behaviours: Behaviours,
) -> Failure:
    observed, found = _first_trouble(trial)
    call = trial.watched.calls[-1] if trial.watched.calls else None
    words = found.words
    symptom = found.symptom
    mistake = None
    if compare and symptom not in ("changes input", "replaces", "slow"):
        mistake = guarded(
            lambda: diagnose(exercise, answer, seed, known, behaviours), None, MOST_DIAGNOSING
        )
        if mistake is None and call is not None and observed is not None and symptom == "value":
            ignored = _ignored(answer, call)
            if ignored:
                symptom = "ignores argument"
                words += f" Your result stays the same when `{ignored}` changes."
    return Failure(
        property=known.name,
        words=words,
        symptom=symptom,
        call=call.text() if call else None,
        call_returned=short(call.returned) if call and call.finished else None,
        name=observed.name if observed else None,
        returned=short(observed.value) if observed else None,
        expected=observed.expected if observed else None,
        mistake=mistake.name if mistake else None,
        message=mistake.message if mistake else None,
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
