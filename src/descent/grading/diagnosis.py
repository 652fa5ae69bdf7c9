"""Which declared mistake an answer makes: the one that behaves the same on the same draws."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from descent.grading.exercise import Exercise, Mistake, Property
from descent.grading.expectations import Observation
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.values import same, to_array

if TYPE_CHECKING:
    from descent.grading.judging import Trial

SECONDS = 6.0
"""Time for the whole comparison, so that a slow wrong answer still gets its report soon."""


def diagnose(
    exercise: Exercise,
    answer: Callable[..., Any],
    seed: int,
    failed: Property,
    behaviours: Behaviours,
) -> Mistake | None:
    """The declared mistake whose record agrees with the answer's, or None.

    It must agree on every trial of the first property that failed. Among several, the one that
    agrees on the most other properties wins. A record that shows a failure in truth values
    alone could be anybody's, so there the agreement must be complete. `behaviours` holds what the
    mistakes did at this seed as far as it is known, and is added to.
    """
    candidates: list[tuple[int, Mistake]] = []
    with _forgotten_when_out_of_time(behaviours), time_limit(SECONDS):
        own = _Behaviour(exercise, answer, seed)
        telling = any(_is_number(seen) for trial in own.trials(failed)
                      for seen in trial.record.observations if seen.difference)  # fmt: skip
        for mistake in exercise.mistakes:
            if mistake.name not in behaviours:
                behaviours[mistake.name] = _Behaviour(exercise, mistake.answer, seed)
            other = behaviours[mistake.name]
            if not own.agrees(other, failed):
                continue
            agreed = sum(own.agrees(other, known) for known in exercise.properties)
            if agreed == len(exercise.properties):
                return mistake
            if telling:
                candidates.append((agreed, mistake))
    return max(candidates, key=lambda pair: pair[0])[1] if candidates else None


@contextlib.contextmanager
def _forgotten_when_out_of_time(behaviours: Behaviours) -> Iterator[None]:
    """Go on with what was found by then; a record that was broken off is not kept."""
    try:
        yield
    except OutOfTime:
        behaviours.clear()


class _Behaviour:
    """An answer's trials, property by property, run only as far as a comparison needs them."""

    def __init__(self, exercise: Exercise, answer: Callable[..., Any], seed: int) -> None:
        self.exercise, self.answer, self.seed = exercise, answer, seed
        self._run: dict[str, list[Trial]] = {}
        self._rest: dict[str, Iterator[Trial]] = {}

    def trials(self, known: Property) -> Iterator[Trial]:
        from descent.grading.judging import each_trial, property_seed  # they call each other

        if known.name not in self._rest:
            seed = property_seed(self.seed, self.exercise.properties.index(known))
            self._rest[known.name] = each_trial(self.exercise, known, self.answer, seed)
            self._run[known.name] = []
        run = self._run[known.name]
        yield from list(run)
        for trial in self._rest[known.name]:
            run.append(trial)
            yield trial

    def agrees(self, other: _Behaviour, known: Property) -> bool:
        pairs = itertools.zip_longest(self.trials(known), other.trials(known))
        return all(one and two and _same_trial(one, two) for one, two in pairs)


Behaviours = dict[str, _Behaviour]
"""What the declared mistakes of an exercise do at one seed, by their names."""


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
