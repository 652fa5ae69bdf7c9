"""The learner's notebook: stubs under the line that says how long each takes, no outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from descent.authoring.blanking import cut_solutions
from descent.authoring.course import Course
from descent.authoring.pages import authored, closing, new_notebook, opening, task_cell, turn
from descent.authoring.source import ChapterSource
from descent.authoring.study_cells import STUDY_ROLES, foot_cells, notebook_cell

if TYPE_CHECKING:
    from descent.grading import Exercise


def learner_notebook(
    source: ChapterSource,
    course: Course,
    exercises: Mapping[str, Exercise],
    hashes: dict[str, str],
) -> NotebookNode:
    """Make the notebook a learner fills in.

    Parameters
    ----------
    source
        A chapter without mistakes.
    course
        The course it is part of.
    exercises
        Its declared exercises: the points of a check are the difficulty of its exercise.
    hashes
        What it is made from, for its metadata.
    """
    chapter = source.chapter
    # The server that runs JupyterLab serves the book under /book/.
    way_in = f"[Read it in the book](/book/solutions/{chapter.id}.html)"
    cells = opening(source, course, way_in)
    for written in source.cells[1:]:
        if written.role == "exercise":
            # A cell of its own: it merges into a copy that a learner has begun, whatever they
            # wrote in the cells around it.
            exercise = exercises[str(written.name)]
            cells.append(task_cell(chapter, exercise, turn(exercise)))
        points = exercises[str(written.name)].difficulty if written.role == "check" else 0
        is_study = written.role in STUDY_ROLES
        cells.append(notebook_cell(source, written) if is_study else authored(written, points))
    cells += closing(chapter) + foot_cells(source)
    for cell in cells:
        # A page's folding and captions mean nothing here.
        cell.metadata.pop("mystnb", None)
        if cell.cell_type == "markdown":
            cell.source = course.bibliography.spell_out(cell.source)
    return cut_solutions(new_notebook(source, cells, hashes))
