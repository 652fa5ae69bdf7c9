"""The learner's model in a run: their definitions as a file, and the class made of them."""

from __future__ import annotations

from typing import Any

from descent.errors import CourseError
from descent.runs.folder.run_folder import MODEL_FILE, RunFolder
from descent.study.answers import answers_from_cells
from descent.study.python_files import read_python

CELL = "\n# %%\n"


def join_cells(cells: list[str], name: str) -> str:
    """Write code cells as one text, which says first what the model's class is called."""
    return f"# model: {name}\n" + CELL + CELL.join(cells)


def own_class(folder: RunFolder) -> Any:
    """Return the learner's class of a run, or None where ours trains.

    Raises
    ------
    CourseError
        When it cannot be made.
    """
    if folder.settings().model == "ours":
        return None
    path = folder.path / MODEL_FILE
    try:
        text = read_python(path)
    except OSError as error:
        raise CourseError(f"{path}: cannot be read ({error.strerror}).") from error
    return class_from(text, folder.id)


def class_from(text: str, run: str) -> Any:
    """Make the learner's class of the text that `join_cells` made.

    Of the cells, imports, definitions and constants are taken, nothing else is run.

    Parameters
    ----------
    text : str
    run : str
        Names the module it becomes part of.

    Raises
    ------
    CourseError
        When the definitions cannot be made, or the class is not among them.
    """
    first, *cells = text.split(CELL)
    name = first.removeprefix("# model: ").strip()
    found = getattr(answers_from_cells(cells, f"model_of_{run}"), name, None)
    if found is None:
        raise CourseError(
            f"Your cells do not define {name}: a class, as the run's model has to be."
        )
    return found
