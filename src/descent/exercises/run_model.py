"""The learner's model for a real run, as the text of the cells that define it."""

from __future__ import annotations

from typing import Any

from descent.errors import CourseError
from descent.exercises.own_answers import own_cells
from descent.runs.definition.catalogue import find_run
from descent.runs.folder.learner_model import join_cells
from descent.study.cells import cells_defining


def model_text(run_name: str, model: Any) -> str:
    """Return the cells that define the model a run trains.

    Parameters
    ----------
    run_name : str
        Of the run.
    model : str or type
        ``"ours"``, ``"mine"``, or a class.

    Returns
    -------
    str
        For `runs.launch.start_run`; empty for ours.

    Raises
    ------
    CourseError
        When there is no answer that passes its check, or the class's cells cannot be found.
    """
    if model == "ours":
        return ""
    if model == "mine":
        exercise = find_run(run_name).mine
        if exercise is None:
            raise CourseError(
                f"No chapter's exercise is the model of {run_name}. It can be a class of yours: "
                f'run("{run_name}", model=YourClass).'
            )
        chapter, name = exercise
        return join_cells(own_cells(chapter, name), name)
    if not isinstance(model, type):
        raise CourseError(f"model is {model!r}; it can be 'ours', 'mine' or a class of yours.")
    return join_cells(cells_defining(model), model.__name__)
