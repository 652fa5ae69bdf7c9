"""Running an answer through a property, draw by draw, and keeping what it did."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import thread_time  # bound here, whatever an answer does to `time`
from typing import Any

from descent.grading.calls import Call, LearnerError, WatchedAnswer, learner_error, text_of
from descent.grading.differences import Difference
from descent.grading.draws import Draw, draw_for
from descent.grading.exercise import Exercise, Property
from descent.grading.expectations import Observation, Record, recording
from descent.grading.known_state import restored_state, seed_everything
from descent.grading.methods import parameters_of
from descent.grading.report import Unjudged
from descent.grading.sandbox import OutOfTime, guarded, time_limit
from descent.grading.unjudged import Circumstances, Clock
from descent.grading.values import type_name


@dataclass
class Trial:
    """One run of a property on one draw: its `place` among them, and the seconds it worked.

    `unjudged` says why it could not be judged; `raised` is an error that came out of the property
    itself, after the answer had returned.
    """

    record: Record
    watched: WatchedAnswer
    error: LearnerError | None = None
    trouble: Difference | None = None
    unjudged: Unjudged | None = None
    raised: BaseException | None = None
    place: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Nothing was found wrong."""
        sound = self.error is None and self.trouble is None and self.mistyped is None
        return sound and self.record.failed is None and self.unjudged is None

    @property
    def mistyped(self) -> Difference | None:
        """How the type of what came back differs from what the exercise says."""
        return self.watched.mistyped

    @property
    def is_blank(self) -> bool:
        """The answer's own stub was met."""
        return self.error is not None and self.error.is_stub

    @property
    def is_slow(self) -> bool:
        """The time limit stopped it."""
        return self.trouble is not None and self.trouble.symptom == "slow"


def call_of(observed: Observation | None, trial: Trial) -> Call | None:
    """The call whose result was wrong; the last one, where no result was."""
    calls = trial.watched.calls
    if observed is not None and observed.call is not None and observed.call < len(calls):
        return calls[observed.call]
    return calls[-1] if calls else None


class Behaviour:
    """What an answer does at one seed.

    Its trials are run when they are first asked for, and kept: the judgement asks for them up to
    the first failure, the diagnosis for those that a comparison needs.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
    seed : int
        Fixes the draws.
    seconds : float, optional
        A time limit for each property in place of the exercise's own.

    Attributes
    ----------
    limit : float
        The one that holds, in seconds.
    circumstances : Circumstances or None
        What the kernel had left when a judgement began: an error may then be found not to be the
        answer's.
    """

    def __init__(
        self,
        exercise: Exercise,
        answer: Callable[..., Any],
        seed: int,
        seconds: float | None = None,
    ) -> None:
        self.exercise, self.answer, self.seed = exercise, answer, seed
        self.limit = seconds or exercise.seconds
        self.circumstances: Circumstances | None = None
        self._done: dict[tuple[str, int], Trial] = {}
        self._worked: dict[str, float] = {}

    @functools.cached_property
    def changes(self) -> tuple[str, ...]:
        """What the answer may change in place, by its own names for it."""
        exercise = self.exercise
        if not exercise.changes or exercise.plain is None:
            return exercise.changes
        nothing: list[str] = []
        own = guarded(lambda: parameters_of(self.answer), nothing)
        pairs = zip(exercise.plain.parameters, own, strict=False)
        renamed = {ours: theirs for ours, theirs in pairs if ours not in own}
        return tuple(renamed.get(name, name) for name in exercise.changes)

    def trial(self, prop: Property, place: int) -> Trial:
        """One trial of a property. All trials of a property share one time limit."""
        key = prop.name, place
        if key not in self._done:
            self._done[key] = self._run(prop, place)
        return self._done[key]

    def trials(self, prop: Property) -> Iterator[Trial]:
        """The trials of one property, smallest first."""
        return (self.trial(prop, place) for place in range(prop.trials))

    def run_all(self) -> None:
        """Run every trial of every property."""
        for prop in self.exercise.properties:
            for _ in self.trials(prop):
                pass

    def stopped_with(self, kind: str) -> bool:
        """Whether a trial that was run ended in an error of this kind."""
        return any(trial.error and trial.error.kind == kind for trial in self._done.values())

    def up_to_failure(self, prop: Property) -> Trial:
        """The first trial of a property that failed, or the last one."""
        for trial in self.trials(prop):
            if not trial.passed:
                break
        return trial

    def _run(self, prop: Property, place: int) -> Trial:
        seed = self.seed + 1_000 * self.exercise.properties.index(prop)  # other draws for each
        worked = self._worked.get(prop.name, 0.0)
        before = thread_time()
        trial = _run_trial(self, prop, draw_for(seed, place), self.limit - worked)
        trial.seconds = thread_time() - before
        trial.place = place
        self._worked[prop.name] = worked + trial.seconds
        return trial


def _run_trial(behaviour: Behaviour, prop: Property, draw: Draw, left: float) -> Trial:
    exercise = behaviour.exercise
    seed_everything(draw.seed())
    with recording() as record:
        watched = WatchedAnswer(
            behaviour.answer, exercise.name, behaviour.changes, record, exercise.returns
        )
        trial = Trial(record, watched)
        own_limit, seconds, clock = None, max(left, 0.01), Clock()
        try:
            with (
                watched.methods_recorded(), restored_state(), time_limit(seconds) as own_limit
            ):  # fmt: skip
                prop.run(watched, draw)
        except KeyboardInterrupt:
            raise
        except OutOfTime as late:
            if not late.is_of(own_limit):
                raise
            trial.unjudged = clock.out_of_time(late, seconds)
            words = (
                f"Your code was stopped: it was still running after {behaviour.limit:g} seconds."
            )
            trial.trouble = Difference("slow", f"{words} Does a loop end?")
        except BaseException as error:
            if behaviour.circumstances is not None:
                trial.unjudged = behaviour.circumstances.blame(error, watched)
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
    elif not watched.calls or watched.calls[-1].may_cause(error):
        trial.trouble = Difference("none", "It returned None. Is a `return` missing?")
    else:
        # What came back broke the property itself, such as one number where two were asked for.
        trial.raised = error
        words = f"What came back could not be used ({type_name(error)}: {text_of(error)})."
        trial.trouble = Difference("type", words)


def _never_ran(watched: WatchedAnswer) -> bool:
    return bool(watched.calls) and not watched.calls[-1].finished
