"""Which known mistake an answer makes: the one that behaves the same on the same draws."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

import numpy as np

from descent.grading.exercise import Property
from descent.grading.expectations import Observation
from descent.grading.replay import Replay
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.suspects import Suspect, Suspects
from descent.grading.trials import Behaviour, Trial, call_of
from descent.grading.values import same, to_array

SHARE = 0.3
"""Of the time that an exercise gives to a property, so much is there to find the mistake."""

FEWEST_NUMBERS = 4
"""A guess rests on so many different wrong numbers at least."""

_TYPES = ("none", "type", "dtype")
_SAID_FIRST = (*_TYPES, "shape", "length", "transposed")
"""Symptoms whose words are a diagnosis: a mistake agrees only where it gets the same words."""


@dataclass(frozen=True)
class Finding:
    """The mistake that an answer seems to make.

    Attributes
    ----------
    suspect : Suspect
    differs : Property or None
        Where the two do not behave alike: then it is a guess. None for a verdict: they agree on
        every trial of every property.
    """

    suspect: Suspect
    differs: Property | None = None


@dataclass
class _Found:
    """What was found by the time the search ended, in whatever way it ended."""

    verdict: Suspect | None = None
    likely: list[tuple[Suspect, list[Property]]] = field(default_factory=list)
    """Those that agree wherever the answer fails, with the properties on which they do not."""


def diagnose(answer: Behaviour, failed: Property, suspects: Suspects) -> Finding | None:
    """The known mistake that an answer makes, or seems to make, or None.

    A verdict takes agreement on every trial of every property. Where no mistake has that, a
    declared one is a guess that agrees wherever the answer fails, in several wrong numbers (a few
    counts or truth values could be anybody's), and on most of what holds.

    Parameters
    ----------
    answer : Behaviour
    failed : Property
        The first that failed.
    suspects : Suspects
        The mistakes known, at the answer's seed.
    """
    trial = answer.up_to_failure(failed)
    found = _Found()
    with contextlib.suppress(OutOfTime), time_limit(SHARE * answer.exercise.seconds):
        _search(answer, failed, trial, suspects, found)
    if found.verdict is not None:
        return Finding(found.verdict)
    if not found.likely or _wrong_numbers(answer, failed) < FEWEST_NUMBERS:
        return None
    suspect, differing = min(found.likely, key=lambda pair: len(pair[1]))
    return Finding(suspect, differing[0])


def _search(
    answer: Behaviour, failed: Property, trial: Trial, suspects: Suspects, found: _Found
) -> None:
    others = [prop for prop in answer.exercise.properties if prop is not failed]

    def fails_alike(suspect: Suspect) -> bool:
        """The trial that failed tells most apart and comes first."""
        other = suspect.behaviour
        same_failure = other is answer or _same_trial(trial, other.trial(failed, trial.place))
        return same_failure and _agree(answer, other, failed)

    for suspect in suspects.declared():
        if fails_alike(suspect):
            differing = [prop for prop in others if not _agree(answer, suspect.behaviour, prop)]
            if not differing:
                found.verdict = suspect
                return
            holds = all(trial.passed for prop in differing for trial in answer.trials(prop))
            if holds and len(differing) <= len(others) / 2:
                found.likely.append((suspect, differing))
    if not _is_telling(trial):
        return
    observed = trial.record.failed
    replay = Replay(answer.answer, call_of(observed, trial))
    pairs_too = _wrong_numbers(answer, failed) >= FEWEST_NUMBERS
    for suspect in suspects.edited(trial.seconds, pairs_too):
        other = suspect.behaviour
        if replay.is_telling and not replay.agrees(other.answer):
            continue
        if fails_alike(suspect) and all(_agree(answer, other, prop) for prop in others):
            found.verdict = suspect
            return


def _wrong_numbers(answer: Behaviour, failed: Property) -> int:
    """How many different real numbers are among what was found wrong; other symptoms say it all."""
    wrong = [
        seen
        for trial in answer.trials(failed)
        for seen in trial.record.observations
        if seen.difference and _is_number(seen)
    ]
    if any(seen.difference and seen.difference.symptom in _SAID_FIRST for seen in wrong):
        return 0
    arrays = [to_array(seen.value) for seen in wrong]
    found = [array.ravel() for array in arrays if array is not None and array.dtype.kind == "f"]
    return len(np.unique(np.concatenate(found).round(6))) if found else 0


def _is_telling(trial: Trial) -> bool:
    """Whether a number or a text is among what was found wrong. An error, and a wrong type, say
    themselves what they are."""
    if trial.error is not None or trial.mistyped is not None:
        return False
    failed = trial.record.failed
    if failed is None or (failed.difference and failed.difference.symptom in _TYPES):
        return False
    return any(_says_much(seen) for seen in trial.record.observations if seen.difference)


def _says_much(seen: Observation) -> bool:
    return _is_number(seen) or (isinstance(seen.value, _PLAIN) and len(seen.value) > 0)


_PLAIN = (str, bytes, list, tuple, dict, set)


def _agree(one: Behaviour, two: Behaviour, prop: Property) -> bool:
    if one is two:
        return True
    return all(map(_same_trial, one.trials(prop), two.trials(prop)))


def _same_trial(one: Trial, two: Trial) -> bool:
    mine, theirs = one.record.observations, two.record.observations
    if len(mine) != len(theirs) or _stopped(one) != _stopped(two):
        return False
    if (one.mistyped and one.mistyped.words) != (two.mistyped and two.mistyped.words):
        return False
    if not mine and one.error and two.error and not _says_same(one.error.text, two.error.text):
        return False  # nothing was seen but the error
    return all(map(_same_observation, mine, theirs))


def _says_same(one: str, two: str) -> bool:
    """Whether two error texts agree but for their numbers."""
    return re.sub(r"\d+", "#", one) == re.sub(r"\d+", "#", two)


def _stopped(trial: Trial) -> str | None:
    """How the trial broke off. A changed input does not break it off: the values decide."""
    if trial.error is not None:
        return trial.error.kind
    trouble = trial.trouble
    return trouble.symptom if trouble and trouble.symptom != "changes input" else None


def _same_observation(mine: Observation, theirs: Observation) -> bool:
    one, two = mine.difference, theirs.difference
    if one and two and one.symptom in _SAID_FIRST and one.words != two.words:
        return False
    if mine.is_matched and theirs.is_matched:
        return True
    if _is_number(mine) or _is_number(theirs):
        return same(mine.value, theirs.value)
    if isinstance(mine.value, _PLAIN) and isinstance(theirs.value, _PLAIN):
        return same(mine.value, theirs.value)
    return bool(one) == bool(two)


def _is_number(seen: Observation) -> bool:
    array = to_array(seen.value)
    return array is not None and array.dtype != np.bool_
