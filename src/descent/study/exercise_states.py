"""How a learner stands with each exercise, from what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descent.grading.report import CORRECT, COULD_NOT_GRADE, NOT_ATTEMPTED
from descent.study.events import Event


@dataclass(frozen=True)
class ExerciseState:
    """How a learner stands with one exercise.

    Attributes
    ----------
    exercise
        Its name.
    tries
        How many checks had something to judge.
    done
        Whether a check has ever answered "correct".
    outcome
        What the latest check answered, or None when there was none.
    last_mistake
        The mistake the latest check named, if it named one.
    hints
        How many hints were opened.
    """

    exercise: str
    tries: int = 0
    done: bool = False
    outcome: str | None = None
    last_mistake: str | None = None
    hints: int = 0


def summarise(events: Iterable[Event]) -> dict[str, ExerciseState]:
    """Reduce one chapter's events, oldest first, to a state for each exercise.

    A check that could not grade says nothing about an answer, and leaves the state as it was.
    """
    states: dict[str, ExerciseState] = {}
    for event in events:
        if event.kind not in ("check", "hint") or event.outcome == COULD_NOT_GRADE:
            continue
        old = states.get(event.exercise, ExerciseState(event.exercise))
        is_check = event.kind == "check"
        states[event.exercise] = ExerciseState(
            exercise=event.exercise,
            tries=old.tries + (is_check and event.outcome != NOT_ATTEMPTED),
            done=old.done or event.outcome == CORRECT,
            outcome=event.outcome if is_check else old.outcome,
            last_mistake=event.mistake if is_check else old.last_mistake,
            hints=old.hints + (event.kind == "hint"),
        )
    return states
