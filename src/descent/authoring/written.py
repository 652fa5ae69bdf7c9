"""Outputs that a page gets from a declaration, without a kernel.

The card of a passing check follows from the exercise, the table of a run's results from its records
and profiles. Written this way they are never older than what they show, and a new word in a hint, a
new record or another look of the card executes no page again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

from descent.authoring.course import Course
from descent.authoring.source import Cell, ChapterSource

if TYPE_CHECKING:
    from descent.grading import Exercise
    from descent.runs.definition.declaration import Run

_RECORDED = re.compile(r"""\s*recorded\(\s*["'](?P<run>\w+)["']\s*\)\s*""")
# What `descent check` reads from a check's output: the book has no use for it, and warns of it.
FOR_PROGRAMS = "application/vnd.descent."


def is_written(cell: Cell) -> bool:
    """Say whether a cell's output is written from a declaration."""
    return cell.role == "check" or _recorded_run(cell) is not None


def write_outputs(
    page: NotebookNode, source: ChapterSource, course: Course, exercises: Mapping[str, Exercise]
) -> None:
    """Give the page's checks and tables of results their outputs, in place."""
    by_id = {cell.id: cell for cell in source.cells if is_written(cell)}
    for cell in page.cells:
        if cell.id in by_id:
            cell.outputs = [_output(by_id[cell.id], course, exercises)]


def recorded_runs(source: ChapterSource) -> list[Run]:
    """Return the runs whose results a chapter shows."""
    from descent.runs.definition.catalogue import find_run

    names = dict.fromkeys(filter(None, map(_recorded_run, source.cells)))
    return [find_run(name) for name in names]


def _output(cell: Cell, course: Course, exercises: Mapping[str, Exercise]) -> NotebookNode:
    run = _recorded_run(cell)
    data = _card(exercises[str(cell.name)]) if run is None else _results(run, course)
    return nbformat.v4.new_output("display_data", data=data)


def _card(exercise: Exercise) -> dict[str, str]:
    from descent.grading.report import passing_report

    bundle = passing_report(exercise).as_bundle()
    return {kind: shown for kind, shown in bundle.items() if not kind.startswith(FOR_PROGRAMS)}


def _results(run: str, course: Course) -> dict[str, str]:
    from descent.runs.definition.catalogue import find_run
    from descent.runs.results.records import results_of

    text = results_of(find_run(run), course.root)
    return {"text/markdown": text, "text/plain": text}


def _recorded_run(cell: Cell) -> str | None:
    """Return the run whose results a cell shows and nothing else, or None."""
    shown = _RECORDED.fullmatch(cell.text) if cell.role == "code" else None
    return shown["run"] if shown else None
