"""The learner's model for a real run, as the text of the cells that define it."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.exercises.own import own_cells
from descent.runs.catalogue import find_run
from descent.runs.own import join_cells


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
        chapter, name = find_run(run_name).mine
        return join_cells(own_cells(chapter, name), name)
    if not isinstance(model, type):
        raise CourseError(f"model is {model!r}; it can be 'ours', 'mine' or a class of yours.")
    return join_cells(_cells_of(model), model.__name__)


def _cells_of(model: type) -> list[str]:
    """Find where a class was defined: in the cells run so far, or in a file."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if model.__module__ == "__main__" and shell is not None:
        return [cell for cell in shell.user_ns["In"] if _is_python(shell.transform_cell(cell))]
    try:
        return [Path(inspect.getfile(model)).read_text(encoding="utf-8")]
    except (OSError, TypeError):
        raise CourseError(
            f"The definition of {model.__name__} cannot be found. Define it in a cell of this "
            "notebook, or in a file."
        ) from None


def _is_python(cell: str) -> bool:
    """Say whether a cell could be run at all: the history also holds those with a slip."""
    try:
        ast.parse(cell)
    except SyntaxError:
        return False
    return True
