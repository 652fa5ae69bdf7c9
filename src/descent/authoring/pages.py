"""What the learner's notebook and the book page have in common: frame, opening and closing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from descent.authoring.blanking import check_metadata, exercise_metadata
from descent.authoring.course import Course
from descent.authoring.source import Cell, ChapterSource, cell_id
from descent.study.catalog import Chapter
from descent.study.header import Reading

if TYPE_CHECKING:
    from descent.grading import Exercise

_DIFFICULTY = {1: "a warm-up", 2: "the core of the chapter", 3: "a whole piece"}

# Without versions: they would change with the author's machine and say nothing about the chapter.
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}


REAL_RUN = "real-run"
"""An author's tag for a cell that begins a real run: minutes or days, and the learner's choice."""

NOT_HERE = ("skip-execution", "nbval-skip")
"""What keeps such a cell from running where a page is made, checked or tested (nbclient, nbval)."""


def new_notebook(
    source: ChapterSource, cells: list[NotebookNode], hashes: dict[str, str]
) -> NotebookNode:
    """Return a notebook of these cells that says which chapter it is and what it was made from."""
    chapter = source.chapter
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "descent": {
                "chapter": chapter.id,
                "requires": list(chapter.needs),
                "title": chapter.title,
                **hashes,
            },
            "kernelspec": dict(_KERNEL),
            "language_info": dict(_LANGUAGE),
        },
    )


def notebook_text(notebook: NotebookNode) -> str:
    """Return the bytes of a notebook file, as text; equal notebooks give equal text."""
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook, version=4)) + "\n"


def markdown(chapter: Chapter, key: str, text: str) -> NotebookNode:
    """Return a markdown cell that the pipeline writes, with an id from its key."""
    return nbformat.v4.new_markdown_cell(text, id=cell_id(chapter.id, f"made / {key}"))


def authored(cell: Cell, points: int = 0) -> NotebookNode:
    """Return a cell as the author wrote it, with nbgrader's metadata where it is graded.

    Parameters
    ----------
    cell
        The cell of the source.
    points
        What a check cell is worth to nbgrader.
    """
    kept: dict[str, Any] = {
        key: cell.metadata[key] for key in ("mystnb", "tags") if key in cell.metadata
    }
    if REAL_RUN in kept.get("tags", ()):
        kept["tags"] = list(dict.fromkeys([*kept["tags"], *NOT_HERE]))
    if cell.role == "prose":
        return nbformat.v4.new_markdown_cell(cell.text, id=cell.id, metadata=kept)
    if cell.role == "exercise":
        kept["nbgrader"] = exercise_metadata(str(cell.name))
    elif cell.role == "check":
        kept["nbgrader"] = check_metadata(str(cell.name), points)
    return nbformat.v4.new_code_cell(cell.text, id=cell.id, metadata=kept)


def opening(source: ChapterSource, course: Course, way_in: str) -> list[NotebookNode]:
    """Return the title, its number and a line of facts, then the rest of the author's first cell.

    Parameters
    ----------
    way_in
        The last of the facts: where else this chapter can be worked on or read.
    """
    chapter = source.chapter
    _, _, rest = source.cells[0].text.partition("\n")
    facts = " · ".join([_hours(chapter), _prerequisites(chapter, course), way_in])
    cells = [markdown(chapter, "title", f"# {chapter.heading}\n\n{facts}")]
    if rest.strip():
        first = authored(source.cells[0])
        first.source = rest.strip("\n")
        cells.append(first)
    return cells


def turn(exercise: Exercise) -> str:
    """Return the line that stands above an exercise: whose turn it is, how long, how hard."""
    unit = "minute" if exercise.minutes == 1 else "minutes"
    difficulty = f"difficulty {exercise.difficulty} of 3, {_DIFFICULTY[exercise.difficulty]}"
    return f"**Your turn.** `{exercise.name}`: about {exercise.minutes} {unit}; {difficulty}."


def task_cell(chapter: Chapter, exercise: Exercise, text: str) -> NotebookNode:
    """Return the cell above an exercise; it has the same id in the notebook and on the page."""
    return markdown(chapter, f"task {exercise.name}", text)


def closing(chapter: Chapter) -> list[NotebookNode]:
    """Return the readings, from the header."""
    if not chapter.readings:
        return []
    lines = [_reading(reading) for reading in chapter.readings]
    return [markdown(chapter, "readings", "\n".join(["## Readings", "", *lines]))]


def folded(kind: str, summary: str, text: str) -> str:
    """Return markdown that stays closed until the reader opens it."""
    return f'<details class="{kind}"><summary>{summary}</summary>\n\n{text.strip()}\n\n</details>'


def short_id(chapter: Chapter) -> str:
    """Return the shortest name a command understands: ``ladder/01``."""
    return f"{chapter.part}/{chapter.name.split('_')[0]}"


def relative_link(chapter: Chapter, other: Chapter) -> str:
    """Return the link from one chapter to another, the same among notebooks and book pages."""
    start = os.path.dirname(chapter.id)
    return os.path.relpath(f"{other.id}.ipynb", start).replace(os.sep, "/")


def hours_text(chapter: Chapter) -> str:
    """Return the stated hours: "2 hours", "1.5 hours", "1 hour"."""
    return f"{chapter.hours:g} hour{'' if chapter.hours == 1 else 's'}"


def _hours(chapter: Chapter) -> str:
    return f"**About {hours_text(chapter)}**"


def _prerequisites(chapter: Chapter, course: Course) -> str:
    needed = [course.find(chapter_id) for chapter_id in chapter.needs]
    links = [f"[{c.heading}]({relative_link(chapter, c)})" for c in needed if c is not None]
    return f"After {', '.join(links)}" if links else "Needs no other chapter"


def _reading(reading: Reading) -> str:
    text = f"- {{cite:t}}`{reading.key}`, {reading.where.strip().rstrip('.')}."
    return f"{text} Skip: {reading.skip.strip().rstrip('.')}." if reading.skip else text
