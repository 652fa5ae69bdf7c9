"""nbgrader's part: its metadata on cells, and its preprocessors to cut solutions out and lock."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import Config

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = "# Your code goes here.\nraise NotImplementedError"

_PREPROCESSORS = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
)


def exercise_metadata(name: str) -> dict[str, Any]:
    """Return nbgrader's metadata (schema 3) for the cell of an exercise."""
    return _metadata(name, solution=True, grade=False)


def check_metadata(name: str, points: int) -> dict[str, Any]:
    """Return nbgrader's metadata (schema 3) for the cell that checks an exercise."""
    return _metadata(f"check-{name}", solution=False, grade=True) | {"points": points}


def _metadata(grade_id: str, solution: bool, grade: bool) -> dict[str, Any]:
    return {
        "grade": grade,
        "grade_id": grade_id,
        "locked": grade,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }


def cut_solutions(notebook: NotebookNode) -> NotebookNode:
    """Turn a notebook with solutions into the learner's, in place, as nbgrader would.

    Solution regions become stubs, outputs go, cells are locked and get their checksums.
    """
    config = Config({"ClearSolutions": {"code_stub": {"python": STUB}}})
    resources: dict[str, Any] = {}
    for preprocessor in _PREPROCESSORS:
        notebook, resources = preprocessor(config=config).preprocess(notebook, resources)
    return notebook


def stub_of(text: str) -> str:
    """Return the source of an exercise cell with its solution regions cut out."""
    cell = nbformat.v4.new_code_cell(text, id="stub")
    cell.metadata["nbgrader"] = exercise_metadata("stub")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    return str(cut_solutions(notebook).cells[0].source)
