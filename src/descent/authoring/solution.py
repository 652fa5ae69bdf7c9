"""The book page: tasks in view, hints and solutions folded, every cell ready to be executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from descent.authoring.blanking import stub_of
from descent.authoring.course import Course
from descent.authoring.pages import (
    authored,
    closing,
    folded,
    new_notebook,
    opening,
    short_id,
    task_cell,
    turn,
)
from descent.authoring.source import Cell, ChapterSource
from descent.authoring.study_cells import HTML_ON_PAGE, folded_cells, foot_of_page, page_cell
from descent.study.catalog import Chapter

if TYPE_CHECKING:
    from descent.grading import Exercise, Hint

_FOLD_WORDS = {"code_prompt_show": "Show what came", "code_prompt_hide": "Hide what came"}

_SYMPTOMS = {
    "none": "when nothing comes back",
    "type": "when the kind of thing is wrong",
    "shape": "when the shape is wrong",
    "transposed": "when the result is transposed",
    "length": "when the length is wrong",
    "nan": "when NaN appears",
    "infinite": "when infinity appears",
    "sign": "when the sign is wrong",
    "factor": "when the result is off by a factor",
    "offset": "when the result is off by a constant",
    "order": "when the order is wrong",
    "shift": "when the result is off by one place",
    "dtype": "when the dtype is wrong",
    "changes input": "when an input is changed",
    "ignores argument": "when an argument makes no difference",
    "error": "when your code raises an error",
    "slow": "when it takes too long",
    "value": "when the numbers are wrong",
}


def solution_page(
    source: ChapterSource,
    course: Course,
    exercises: Mapping[str, Exercise],
    hashes: dict[str, str],
) -> NotebookNode:
    """Make the book page, not yet executed.

    Its exercise and check cells carry nbgrader's metadata and its solution regions keep their
    markers, so that an instructor can use it as the source of an nbgrader assignment.

    Parameters
    ----------
    source
        A chapter without mistakes.
    course
        The course it is part of.
    exercises
        Its declared exercises.
    hashes
        What it is made from, for its metadata.
    """
    chapter = source.chapter
    cells = opening(source, course, _way_in(chapter))
    for cell in source.cells[1:]:
        if cell.role == "exercise":
            cells += _exercise_cells(chapter, cell, exercises[str(cell.name)])
        elif cell.role == "check":
            cells.append(authored(cell, exercises[str(cell.name)].difficulty))
        elif cell.role in HTML_ON_PAGE:
            cells.append(page_cell(source, cell))
        else:
            cells.append(authored(cell))
    _fold_outcomes(source, cells)
    return new_notebook(source, cells + closing(chapter) + foot_of_page(source), hashes)


def _fold_outcomes(source: ChapterSource, cells: list[NotebookNode]) -> None:
    """Keep out of sight what a prediction is about, until it is made."""
    folded = folded_cells(source)
    outcomes = {cell.id for cell in source.with_role("outcome")}
    for cell in cells:
        if cell.id in folded:
            tags = ["remove-input", "hide-output"] if cell.id in outcomes else ["hide-output"]
            cell.metadata["tags"] = list(dict.fromkeys([*cell.metadata.get("tags", []), *tags]))
            cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), **_FOLD_WORDS}


def _way_in(chapter: Chapter) -> str:
    link = f'<a class="open-in-lab" data-notebook="work/{chapter.id}.ipynb" href="#">'
    return f"{link}Open in JupyterLab</a>, or type `descent open {short_id(chapter)}`"


def _exercise_cells(chapter: Chapter, cell: Cell, exercise: Exercise) -> list[NotebookNode]:
    """Return the task with its hints, then the solution, which stays closed until asked for."""
    solution = authored(cell)
    solution.metadata["tags"] = [*solution.metadata.get("tags", []), "hide-input"]
    solution.metadata["mystnb"] = {
        **solution.metadata.get("mystnb", {}),
        "code_prompt_show": "Solution",
        "code_prompt_hide": "Hide the solution",
    }
    return [task_cell(chapter, exercise, _task(cell, exercise)), solution]


def _task(cell: Cell, exercise: Exercise) -> str:
    general = [hint for hint in exercise.hints if hint.when is None]
    for_symptoms = [hint for hint in exercise.hints if hint.when is not None]
    hints = [folded("hint", f"Hint {n}", hint.text) for n, hint in enumerate(general, start=1)]
    hints += [folded("hint", f"Hint {_occasion(hint)}", hint.text) for hint in for_symptoms]
    return "\n\n".join([turn(exercise), f"```python\n{stub_of(cell.text)}\n```", *hints])


def _occasion(hint: Hint) -> str:
    """Say when a hint is for you, without giving away which mistakes are known."""
    return _SYMPTOMS.get(str(hint.when), "for a particular mistake")
