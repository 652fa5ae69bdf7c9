"""Which known mistake an answer makes: the one that behaves the same on the same draws."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from descent.grading.exercise import Property
from descent.grading.expectations import Observation
from descent.grading.replay import Replay
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.suspects import Suspect, Suspects
from descent.grading.trials import Behaviour, Trial, call_of
from descent.grading.values import same, to_array

SHARE, MOST_SECONDS = 0.2, 1.2
"""Of the time that an exercise gives to a property, so much is there to find the mistake, and in
seconds no more than that: a report is awaited."""

UNHURRIED_SECONDS = 60.0
_unhurried = False

LITTLE, MUCH = 2, 8
"""How much must speak for an edit of the machine's, and for a pair of edits or a guess. A real
number that is wrong counts 2, a whole one 1 (a count could be anybody's), a text or list 3."""

_TYPES = ("none", "type", "dtype")
_SHAPES = ("shape", "length")
_SAID_FIRST = (*_TYPES, *_SHAPES, "transposed")
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


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """In this block nobody waits for the report: what is found depends on no busy machine."""
    global _unhurried
    before, _unhurried = _unhurried, True
    try:
        yield
    finally:
        _unhurried = before


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
    limit = UNHURRIED_SECONDS if _unhurried else min(SHARE * answer.exercise.seconds, MOST_SECONDS)
    with contextlib.suppress(OutOfTime), time_limit(limit):
        _search(answer, failed, trial, suspects, found)
    if found.verdict is not None:
        return Finding(found.verdict)
    if not found.likely or _evidence(answer, failed) < MUCH:
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
    evidence = 0 if _says_itself(trial) else _evidence(answer, failed)
    if evidence < LITTLE:
        return
    observed = trial.record.failed
    replay = Replay(answer.answer, call_of(observed, trial))
    for suspect in suspects.edited(trial.seconds, pairs_too=evidence >= MUCH):
        other = suspect.behaviour
        if replay.is_telling and not replay.agrees(other.answer):
            continue
        if fails_alike(suspect) and all(_agree(answer, other, prop) for prop in others):
            found.verdict = suspect
            return


def _says_itself(trial: Trial) -> bool:
    """Whether what went wrong is an error or a wrong type, which have words of their own."""
    failed = trial.record.failed
    wrong = failed.difference if failed is not None else None
    return (
        trial.error is not None
        or trial.mistyped is not None
        or (wrong is not None and wrong.symptom in _TYPES)
    )


def _evidence(answer: Behaviour, failed: Property) -> int:
    """How much is known of what was wrong, see `LITTLE`; none where words say it all."""
    real: set[float] = set()
    whole: set[float] = set()
    texts = 0
    for trial in answer.trials(failed):
        for seen in trial.record.observations:
            if seen.difference is None:
                continue
            if seen.difference.symptom in _SAID_FIRST[:-1]:
                return LITTLE if seen.difference.symptom in _SHAPES else 0
            array = to_array(seen.value)
            if array is not None and array.dtype != np.bool_:
                numbers = array.astype(np.complex128).ravel()[:20].round(6)
                for number in numbers.tolist():
                    (whole if number == round(number.real) else real).add(number.real)
            elif isinstance(seen.value, _PLAIN) and len(seen.value) > 0:
                texts += 1
    return 2 * len(real) + len(whole) + 3 * texts


_PLAIN = (str, bytes, list, tuple, dict, set)


def _agree(one: Behaviour, two: Behaviour, prop: Property) -> bool:
    if one is two:
        return True
    return all(map(_same_trial, one.trials(prop), two.trials(prop)))


def _same_trial(one: Trial, two: Trial) -> bool:
    mine, theirs = one.record.observations, two.record.observations
    if one.passed != two.passed and "changes input" not in (_trouble(one), _trouble(two)):
        return False
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
    return _trouble(trial) if _trouble(trial) != "changes input" else None


def _trouble(trial: Trial) -> str | None:
    return trial.trouble.symptom if trial.trouble is not None else None


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
