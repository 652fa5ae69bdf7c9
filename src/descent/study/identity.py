"""Which cell of a learner's notebook is which cell of the course.

A cell's id is looked at first. Tools rewrite or drop ids (Colab, strippers of outputs), so what is
not known by its id is known by nbgrader's name for it, else by its text, and an answer by the
function or class that it defines. Each cell of the course is found at most once, in the order of
the notebook; what is found gets the course's id and marks back.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from descent.study.marks import is_check, is_exercise, marks_of, name_of

_DEFINITION = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)

Key = Callable[[Any], Iterable[Hashable]]
"""Gives what a cell may be known by; two cells are the same where they share one of these."""


@dataclass
class Recognised:
    """A learner's notebook with the course's cells known in it.

    Attributes
    ----------
    notebook
        A copy of it, in which those cells have the course's ids and marks, and no others do.
    healed
        What the cells are called that had lost, or changed, their id or their marks.
    doubles
        Names that stood on a second cell too: a copy, or the other half of a cell that was split.
    """

    notebook: Any
    healed: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)


def recognise(notebook: Any, *blanks: Any) -> Recognised:
    """Find the course's cells in a learner's notebook.

    Parameters
    ----------
    notebook
        The learner's.
    *blanks
        The course's blank notebooks it may have been made from, the newest last.

    Returns
    -------
    Recognised
        A copy in which every cell of the course is marked as one.
    """
    found = Recognised(copy.deepcopy(notebook))
    pairs = _pairs(found.notebook.cells, [cell for blank in blanks for cell in blank.cells])
    newest = {cell.id: cell for blank in blanks for cell in blank.cells}
    names = {name_of(cell) for cell in newest.values()} - {None}
    for place, cell in enumerate(found.notebook.cells):
        theirs = newest.get(pairs.get(place, ""))
        if theirs is None:
            name = name_of(cell)
            if name in names:
                cell.metadata.pop("nbgrader")
                found.doubles.append(str(name))
        elif cell.id != theirs.id or _role(cell) != _role(theirs):
            found.healed.append(cell_name(theirs))
            cell.id = theirs.id
            _mark(cell, theirs)
    return found


def cell_name(cell: Any) -> str:
    """Return what a person may call a cell: nbgrader's name for it, else its id."""
    return name_of(cell) or str(cell.id)


def _pairs(cells: list[Any], theirs: list[Any]) -> dict[int, str]:
    """Return the course's id for each place in the notebook that holds a cell of the course."""
    pairs: dict[int, str] = {}
    for key in (_id, _name, _text, _defined):
        waiting: dict[Hashable, list[str]] = {}
        for cell in theirs:
            for value in key(cell) if key is not _defined or is_exercise(cell) else ():
                waiting.setdefault(value, []).append(cell.id)
        for place, cell in enumerate(cells):
            if place in pairs:
                continue
            claimed = set(pairs.values())
            ids = (found for value in key(cell) for found in waiting.get(value, ()))
            new = next((found for found in ids if found not in claimed), None)
            if new is not None:
                pairs[place] = new
    return pairs


def _id(cell: Any) -> Iterable[Hashable]:
    return (cell.id,)


def _name(cell: Any) -> Iterable[Hashable]:
    name = name_of(cell)
    return () if name is None else (name,)


def _text(cell: Any) -> Iterable[Hashable]:
    text = cell.source.strip()
    return ((cell.cell_type, text),) if text else ()


def _defined(cell: Any) -> Iterable[Hashable]:
    return _DEFINITION.findall(cell.source) if cell.cell_type == "code" else ()


def _role(cell: Any) -> tuple[str | None, bool, bool]:
    return name_of(cell), is_exercise(cell), is_check(cell)


def _mark(cell: Any, theirs: Any) -> None:
    cell.metadata.pop("nbgrader", None)
    marks = marks_of(theirs)
    if marks:
        cell.metadata["nbgrader"] = marks
