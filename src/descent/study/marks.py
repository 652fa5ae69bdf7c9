"""The marks by which nbgrader, and this course, know a cell: its name, and what it is for.

They stand in the metadata of a cell, where other tools may have left anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def marks_of(cell: Any) -> dict[str, Any]:
    """Return the nbgrader metadata of a cell, empty for an ordinary one."""
    marks = cell.get("metadata", {}).get("nbgrader")
    return dict(marks) if isinstance(marks, Mapping) else {}


def name_of(cell: Any) -> str | None:
    """Return the name nbgrader knows a cell by, its ``grade_id``; None for an ordinary one."""
    name = marks_of(cell).get("grade_id")
    return name if isinstance(name, str) and name else None


def is_exercise(cell: Any) -> bool:
    """Say whether a cell is one the learner fills in."""
    return bool(marks_of(cell).get("solution"))


def is_check(cell: Any) -> bool:
    """Say whether a cell judges an answer and belongs to the course."""
    return bool(marks_of(cell).get("grade")) and not is_exercise(cell)
