"""Which declared mistake an answer makes: the one that behaves the same on the same draws."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator

import numpy as np

from descent.grading.exercise import Mistake, Property
from descent.grading.expectations import Observation
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.trials import Behaviour, Trial
from descent.grading.values import same, to_array

SECONDS = 6.0
"""Time for the whole comparison, so that a slow wrong answer still gets its report soon."""

Behaviours = dict[str, Behaviour]
"""What the declared mistakes of an exercise do at one seed, by their names."""


def diagnose(answer: Behaviour, failed: Property, mistakes: Behaviours) -> Mistake | None:
    """The declared mistake whose record agrees with the answer's, or None.

    It must agree on every trial of the first property that failed. Among several, the one that
    agrees on the most other properties wins. A record that shows a failure in truth values
    alone could be anybody's, so there the agreement must be complete. `mistakes` holds what the
    mistakes did at this seed as far as it has been run, and is added to.
    """
    exercise = answer.exercise
    counts: list[tuple[int, Mistake]] = []
    with _forgotten_when_out_of_time(mistakes), time_limit(SECONDS):
        likely: list[Mistake] = []
        for mistake in exercise.mistakes:
            if mistake.name not in mistakes:
                mistakes[mistake.name] = Behaviour(exercise, mistake.answer, answer.seed)
            other = mistakes[mistake.name]
            if not _agree(answer, other, failed):
                continue
            rest = (prop for prop in exercise.properties if prop is not failed)
            if all(_agree(answer, other, prop) for prop in rest):
                return mistake
            likely.append(mistake)
        if _is_telling(answer, failed):
            for mistake in likely:
                other = mistakes[mistake.name]
                agreed = sum(_agree(answer, other, prop) for prop in exercise.properties)
                counts.append((agreed, mistake))
    return max(counts, key=lambda pair: pair[0])[1] if counts else None


def _is_telling(answer: Behaviour, failed: Property) -> bool:
    """Whether a number is among what was found wrong."""
    return any(
        _is_number(seen)
        for trial in answer.trials(failed)
        for seen in trial.record.observations
        if seen.difference
    )


@contextlib.contextmanager
def _forgotten_when_out_of_time(mistakes: Behaviours) -> Iterator[None]:
    """Go on with what was found by then; a record that was broken off is not kept."""
    try:
        yield
    except OutOfTime:
        mistakes.clear()


def _agree(one: Behaviour, two: Behaviour, prop: Property) -> bool:
    if one is two:
        return True
    pairs = itertools.zip_longest(one.trials(prop), two.trials(prop))
    return all(a and b and _same_trial(a, b) for a, b in pairs)


def _same_trial(one: Trial, two: Trial) -> bool:
    mine, theirs = one.record.observations, two.record.observations
    if len(mine) != len(theirs) or _stopped(one) != _stopped(two):
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
    if not _is_number(mine) and not _is_number(theirs):
        one, two = bool(mine.difference), bool(theirs.difference)
        return one == two
    return same(mine.value, theirs.value)


def _is_number(seen: Observation) -> bool:
    array = to_array(seen.value)
    return array is not None and array.dtype != np.bool_
