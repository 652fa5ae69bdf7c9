"""From a trial that failed to what the learner is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from descent.grading.diagnosis import Finding, diagnose
from descent.grading.differences import Difference, over_all_cases
from descent.grading.exercise import Property
from descent.grading.expectations import THE_RESULT, Observation
from descent.grading.questions import isolate
from descent.grading.report import Failure
from descent.grading.sandbox import guarded
from descent.grading.suspects import Suspects
from descent.grading.trials import Behaviour, Trial, call_of
from descent.grading.values import short

SAYS_ALL = ("changes input", "replaces", "slow")
"""Symptoms whose words are the whole diagnosis: no mistake is looked for."""

SAID_BY_WORDS = (*SAYS_ALL, "none", "type", "dtype", "error")
"""Symptoms whose words say where to look: nothing is asked of the answer."""

_SUBJECTLESS = ("It", "Its", "Not", "Every")
"""First words of a difference that leave open what they are about."""

MOST_DIAGNOSING = 10.0
"""Seconds after which a diagnosis that does not keep its own limit is given up."""


def explain(
    behaviour: Behaviour, prop: Property, trial: Trial, suspects: Suspects | None
) -> Failure:
    """What went wrong in a trial, and why, as far as that can be known.

    Parameters
    ----------
    behaviour : Behaviour
        The answer's.
    prop : Property
        The first that failed.
    trial : Trial
        The one that failed it.
    suspects : Suspects or None
        The known wrong answers. None: it is compared with none of them.
    """
    observed, found = _first_trouble(trial)
    call = trial.watched.mistyped_call or call_of(observed, trial)
    words, symptom = found.words, found.symptom
    finding: Finding | None = None
    isolated: tuple[str, ...] = ()
    if suspects is not None and symptom not in SAYS_ALL:
        finding = guarded(lambda: diagnose(behaviour, prop, suspects), None, MOST_DIAGNOSING)
        may_ask = symptom not in SAID_BY_WORDS and not behaviour.exercise.compiled
        if finding is None and call is not None and may_ask:
            isolated = tuple(isolate(behaviour.answer, _right(suspects), call, behaviour.seed))
            if isolated and "stays the same when" in isolated[0]:
                symptom = "ignores argument"
        if finding is None and observed is not None and symptom != "ignores argument":
            found = guarded(lambda: _over_all_trials(found, observed, behaviour, prop), found)
            words, symptom = found.words, found.symptom
    return Failure(
        property=prop.name if trial.mistyped is None else behaviour.exercise.rows()[0],
        words=_with_subject(words, observed),
        symptom=symptom,
        call=call.text() if call else None,
        call_returned=short(call.returned) if call and call.finished else None,
        name=observed.name if observed else None,
        returned=short(observed.value, dtype=symptom == "dtype") if observed else None,
        expected=observed.expected if observed else None,
        mistake=_name(finding),
        message=_message(finding),
        guess=finding is not None and finding.differs is not None,
        isolated=isolated,
    )


def _with_subject(words: str, observed: Observation | None) -> str:
    """The difference in words, with what it is about: a property looks at many things."""
    first, _, rest = words.partition(" ")
    if observed is None or observed.name == THE_RESULT or first not in _SUBJECTLESS:
        return words
    name = observed.name
    if " " in name and name.split()[0].isascii():  # words, and no symbol such as α
        name = f"{name[0].upper()}{name[1:]}"
    return f"{name}: {first.lower()} {rest}"


def _over_all_trials(
    found: Difference, observed: Observation, behaviour: Behaviour, prop: Property
) -> Difference:
    """What is true of this value in every trial of the property."""
    cases = [
        (seen.value, seen.difference, trial.record.dimensions)
        for trial in behaviour.trials(prop)
        for seen in trial.record.observations
        if seen.name == observed.name
    ]
    return over_all_cases(found, cases)


def _name(finding: Finding | None) -> str | None:
    """A declared mistake's own name; the machine's edits have none."""
    if finding is None or finding.suspect.mistake is None or finding.differs is not None:
        return None
    return finding.suspect.mistake.name


def _message(finding: Finding | None) -> str | None:
    if finding is None:
        return None
    message = finding.suspect.message
    if finding.differs is None:
        return message
    return (
        f"This looks like a known mistake: “{message}” But then “{finding.differs.name}” would "
        "come out differently, so it is not quite that, or not that alone."
    )


def _first_trouble(trial: Trial) -> tuple[Observation | None, Difference]:
    if trial.trouble is not None and trial.trouble.symptom == "replaces":
        return None, trial.trouble  # whatever else was seen may come of it
    if trial.mistyped is not None:
        return None, trial.mistyped
    failed = trial.record.failed
    if failed is not None and failed.difference is not None:
        # A wrong value seen before an error is the cause of it, and is shown first.
        shown = failed if failed.expected is not None else None
        return shown, failed.difference
    if trial.error is not None:
        return None, Difference("error", trial.error.words())
    assert trial.trouble is not None
    return None, trial.trouble


def _right(suspects: Suspects) -> Callable[..., Any] | None:
    return guarded(suspects.right, None)
