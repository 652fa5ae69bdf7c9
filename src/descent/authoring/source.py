"""Read a chapter source: percent-format Python into cells with a role, a place and a stable id."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jupytext

from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter

Role = Literal["prose", "code", "exercise", "check", "predict", "outcome", "recall", "write"]

_NAMED: tuple[Role, ...] = ("exercise", "check", "predict", "outcome", "recall", "write")
_ANCHORS = ("exercise", "check")

_CELL_LINE = re.compile(r"^# %%", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
# jupytext's own note about blank lines: about the source's layout, not about the notebook.
_LAYOUT_KEYS = ("lines_to_next_cell", "lines_to_end_of_cell_marker")


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter source.

    Attributes
    ----------
    role
        What the cell is for.
    name
        What the cell's role is about: an exercise, a prediction, a section with cards, a written
        exercise. None for prose and ordinary code.
    text
        Its source.
    metadata
        What the author wrote on the ``# %%`` line, all of it.
    number, line
        Its place: counted from one, and the line of its ``# %%``.
    id
        A notebook cell id that survives changes elsewhere in the chapter.
    """

    role: Role
    name: str | None
    text: str
    metadata: dict[str, Any]
    number: int
    line: int
    id: str

    @property
    def label(self) -> str:
        """How a message calls the cell."""
        what = f"{self.role} '{self.name}', " if self.name is not None else ""
        return f"cell {self.number} ({what}line {self.line})"


@dataclass(frozen=True)
class ChapterSource:
    """A chapter source as read: its catalog entry, its name in messages and its cells."""

    chapter: Chapter
    file: str
    cells: tuple[Cell, ...]

    def with_role(self, role: Role) -> list[Cell]:
        """Return the cells of one role, in order."""
        return [cell for cell in self.cells if cell.role == role]

    def problem(self, cell: Cell, message: str) -> str:
        """Return one line about one cell."""
        return f"{self.file}, {cell.label}: {message}"


def read_source(chapter: Chapter, file: str) -> ChapterSource:
    """Read one chapter source.

    Parameters
    ----------
    chapter
        Its catalog entry.
    file
        What messages call the file.

    Raises
    ------
    AuthoringError
        When the file is not cells from the header on, or has a cell that is neither markdown nor
        code.
    """
    text = Path(chapter.source).read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    # The YAML header arrives as a raw cell; the catalog has read it already.
    if cells and cells[0].cell_type == "raw" and cells[0].source.startswith("---"):
        cells = cells[1:]
    lines = [text.count("\n", 0, found.start()) + 1 for found in _CELL_LINE.finditer(text)]
    if len(lines) != len(cells):
        raise AuthoringError(f"{file}: text stands between the header and the first '# %%' line.")
    for number, (cell, line) in enumerate(zip(cells, lines, strict=True), start=1):
        if cell.cell_type not in ("markdown", "code"):
            raise AuthoringError(
                f"{file}, cell {number} (line {line}): a cell is markdown or code, "
                f"not {cell.cell_type}."
            )
    ids = _cell_ids(chapter.id, cells)
    return ChapterSource(
        chapter,
        file,
        tuple(
            _read_cell(cell, number, line, cell_id)
            for number, (cell, line, cell_id) in enumerate(
                zip(cells, lines, ids, strict=True), start=1
            )
        ),
    )


def cell_id(chapter_id: str, key: str) -> str:
    """Derive a notebook cell id from the chapter and a key that does not depend on position."""
    return hashlib.sha256(f"{chapter_id}\n{key}".encode()).hexdigest()[:12]


def _read_cell(cell: Any, number: int, line: int, id_: str) -> Cell:
    metadata = {key: value for key, value in cell.metadata.items() if key not in _LAYOUT_KEYS}
    role, name = _role(cell)
    return Cell(role, name, cell.source, metadata, number, line, id_)


def _role(cell: Any) -> tuple[Role, str | None]:
    for role in _NAMED:
        if role in cell.metadata:
            return role, str(cell.metadata[role])
    return ("prose" if cell.cell_type == "markdown" else "code"), None


def _cell_ids(chapter_id: str, cells: Iterable[Any]) -> list[str]:
    """Number the cells from the nearest anchor above: an exercise, a check or a heading.

    A new cell then changes the ids of its own section at most, not of the rest of the chapter. A
    prediction, a place for cards or a written exercise changes no other cell's id.
    """
    anchors: Counter[str] = Counter()
    in_section: Counter[str] = Counter()
    anchor, ids = "start", []
    for cell in cells:
        role, name = _role(cell)
        if name is not None and role not in _ANCHORS:
            ids.append(cell_id(chapter_id, f"{role} {name}"))
            continue
        heading = _HEADING.search(cell.source) if role == "prose" else None
        if name is not None or heading:
            found = f"{role} {name if heading is None else heading[1]}"
            anchors[found] += 1
            anchor, in_section = f"{found} {anchors[found]}", Counter()
        in_section[role] += 1
        ids.append(cell_id(chapter_id, f"{anchor} / {role} {in_section[role]}"))
    return ids
