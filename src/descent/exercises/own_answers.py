"""The learner's own answers, for use outside the notebook they were written in.

An answer is taken from the learner's copy of a chapter: its imports, definitions and constants,
nothing else run. It is judged again before it is handed over, so that what a later chapter or a
real run builds on is known to be right at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.exercises.lookup import UnknownExercise, load_exercises
from descent.grading import judge
from descent.grading.report import CORRECT, COULD_NOT_GRADE, NOT_ATTEMPTED
from descent.study.answers import answers_from_notebook
from descent.study.catalog import Chapter, find_chapter
from descent.study.marks import name_of
from descent.study.notebook_files import read_code_cells, read_notebook
from descent.study.workbook import work_copy


@dataclass(frozen=True)
class OwnAnswer:
    """An answer of the learner's that passed its check, or the reason why there is none.

    Attributes
    ----------
    name
        The exercise.
    chapter
        The chapter it belongs to.
    answer
        The function or class, or None.
    reason
        Why there is none, as the end of a sentence; empty when there is one.
    """

    name: str
    chapter: Chapter
    answer: Any = None
    reason: str = ""


def own_answer(chapter_name: str, name: str) -> OwnAnswer:
    """Take an answer from the learner's copy of a chapter.

    Parameters
    ----------
    chapter_name : str
        Such as ``"ladder/08"``.
    name : str
        The exercise.

    Returns
    -------
    OwnAnswer
        With `answer` None, and the reason, where the notebook is not there, cannot be read, or
        the answer does not pass its check.

    Raises
    ------
    UnknownExercise
        When the chapter has no such exercise.
    """
    chapter = find_chapter(chapter_name)
    exercises = load_exercises(chapter.id)
    if name not in exercises:
        names = ", ".join(exercises)
        raise UnknownExercise(f"{chapter.id} has no exercise `{name}`: it has {names}.")
    try:
        found = _answer_in(work_copy(chapter), chapter, name)
    except CourseError as error:
        return OwnAnswer(name, chapter, reason=f"your notebook could not be used ({error})")
    if found is None and _is_asleep(work_copy(chapter), name):
        reason = f"its cell in {chapter.id} is not a code cell: select it and press Y"
        return OwnAnswer(name, chapter, reason=reason)
    if found is None:
        return OwnAnswer(name, chapter, reason=f"{chapter.id} does not hold yours yet")
    report = judge(exercises[name], found, explain=False)
    outcome = report.outcome
    if outcome == NOT_ATTEMPTED:
        return OwnAnswer(name, chapter, reason=f"{chapter.id} does not hold yours yet")
    if outcome == COULD_NOT_GRADE:
        why = f" ({report.unjudged.reason.rstrip('.')})" if report.unjudged else ""
        reason = f"yours in {chapter.id} could not be judged just now{why}: run this cell again"
        return OwnAnswer(name, chapter, reason=reason)
    if outcome != CORRECT:
        return OwnAnswer(name, chapter, reason=f"yours in {chapter.id} does not pass its check yet")
    return OwnAnswer(name, chapter, answer=found)


def own_cells(chapter_name: str, name: str) -> list[str]:
    """Return the code cells of the learner's copy of a chapter, once an answer in it is judged.

    Parameters
    ----------
    chapter_name : str
        Such as ``"ladder/13"``.
    name : str
        The exercise whose answer is wanted.

    Returns
    -------
    list of str
        From which `study.answers` makes the definitions again, in another process.

    Raises
    ------
    CourseError
        When there is no such chapter or exercise, or no answer that passes its check.
    """
    own = own_answer(chapter_name, name)
    if own.answer is None:
        raise CourseError(f"Your own {name} cannot be taken: {own.reason}.")
    return read_code_cells(work_copy(own.chapter))


def _is_asleep(path: Path, name: str) -> bool:
    """Say whether an exercise's cell was turned into text, which does not run."""
    cells = read_notebook(path).cells if path.is_file() else []
    return any(name_of(cell) == name and cell.cell_type != "code" for cell in cells)


def _answer_in(path: Path, chapter: Chapter, name: str) -> Any:
    if not path.is_file():
        return None
    return getattr(answers_from_notebook(path, chapter), name, None)
