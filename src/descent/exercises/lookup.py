"""Finding the exercises of a chapter."""

from __future__ import annotations

import importlib
import importlib.util

from descent.errors import CourseError
from descent.grading import Exercise


class UnknownExercise(CourseError):
    """No such chapter or exercise; the message lists those there are."""


def module_name(chapter_id: str) -> str:
    """The module that declares a chapter's exercises.

    ``ladder/01_scalar_regression`` is judged by ``descent.exercises.ladder.scalar_regression``.
    """
    part, _, name = chapter_id.partition("/")
    return f"descent.exercises.{part}.{name.partition('_')[2]}"


def load_exercises(chapter_id: str) -> dict[str, Exercise]:
    """The exercises of a chapter by name, in the order of their declaration.

    Raises
    ------
    UnknownExercise
        When nothing is declared for this chapter.
    """
    name = module_name(chapter_id)
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise UnknownExercise(f"There is no chapter `{chapter_id}` with exercises in this course.")
    members = vars(importlib.import_module(name))
    # A folder's `__init__` says the order; its imports are sorted.
    listed = [members[key] for key in members.get("__all__", members)]
    return {member.name: member for member in listed if isinstance(member, Exercise)}
