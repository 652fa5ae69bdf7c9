"""An author's mistakes in one chapter, found before anything is built."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from descent.authoring.blanking import BEGIN, END, stub_of
from descent.authoring.conventions import convention_messages
from descent.authoring.course import Course
from descent.authoring.declared import exercises_file
from descent.authoring.references import reference_problems
from descent.authoring.source import Cell, ChapterSource
from descent.authoring.study_problems import study_problems

if TYPE_CHECKING:
    from descent.grading import Exercise

LONGEST_LINE = 100
"""Characters of a line that a page shows whole; what a learner fills in must not hide its end."""

_ROLES = ("exercise", "check", "predict", "outcome", "recall", "write")
_METADATA_KEYS = (*_ROLES, "tags", "mystnb")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
# nbgrader cuts regions wherever these words stand in a line.
_REGION_WORDS = re.compile(r"\b(BEGIN|END) SOLUTION\b")
_FOREIGN_MARKERS = re.compile(r"\b(BEGIN|END) (HIDDEN TESTS|MARK SCHEME)\b|### ?(HASHED )?AUTOTEST")


def find_problems(
    source: ChapterSource, course: Course, exercises: Mapping[str, Exercise]
) -> list[str]:
    """List what is wrong with a chapter.

    Parameters
    ----------
    source
        The chapter.
    course
        The course it is part of: its bibliography and the chapters it may need.
    exercises
        What its exercises module declares, by name.

    Returns
    -------
    list of str
        One line for each mistake, naming file and cell; empty when the chapter is right.
    """
    problems = [*_title_problems(source), *_needs_problems(source, course)]
    for cell in source.cells:
        problems += [source.problem(cell, message) for message in _cell_messages(cell)]
        if cell.role != "prose":
            messages = convention_messages(cell.text, course.root)
            problems += [source.problem(cell, message) for message in messages]
    problems += _pairing_problems(source)
    problems += _declaration_problems(source, course, exercises)
    problems += _citation_problems(source, course)
    problems += study_problems(source, course)
    problems += reference_problems(source, course)
    return problems


def _title_problems(source: ChapterSource) -> Iterator[str]:
    wanted = f"# {source.chapter.title}"
    first = source.cells[0] if source.cells else None
    if first is None or first.role != "prose" or first.text.split("\n")[0].strip() != wanted:
        yield f"{source.file}: the first cell must be markdown that begins with '{wanted}'."


def _needs_problems(source: ChapterSource, course: Course) -> Iterator[str]:
    for chapter_id in source.chapter.needs:
        if course.find(chapter_id) is None:
            yield f"{source.file}: field 'needs' names '{chapter_id}', which is not a chapter."


def _cell_messages(cell: Cell) -> Iterator[str]:
    for key in cell.metadata:
        if key not in _METADATA_KEYS:
            yield f"'{key}' is not cell metadata we know; there are {', '.join(_METADATA_KEYS)}."
    if len(set(cell.metadata) & set(_ROLES)) > 1:
        yield "a cell has one role: an exercise or a check, a prediction or its outcome."
    if cell.name is not None and not _NAME.fullmatch(cell.name):
        yield f"'{cell.name}' is not a Python name."
    if _FOREIGN_MARKERS.search(cell.text):
        yield "hidden tests have no place in a chapter; the exercises module judges."
    if cell.role == "exercise":
        yield from _exercise_messages(cell)
    elif cell.role == "check" and cell.text.strip() != f"check({cell.name})":
        yield f"a check cell contains check({cell.name}) and nothing else."
    if cell.role != "exercise" and _REGION_WORDS.search(cell.text):
        yield "a solution region stands outside an exercise cell."


def _exercise_messages(cell: Cell) -> Iterator[str]:
    yield from _line_messages(cell)
    unbalanced = _unbalanced(cell.text)
    if unbalanced is not None:
        yield unbalanced
    elif not _REGION_WORDS.search(cell.text):
        yield f"the exercise has no solution region ({BEGIN} … {END})."
    else:
        in_cell = _definition_message(cell, cell.text, "the cell")
        in_stub = _definition_message(cell, stub_of(cell.text), "the stub")
        # One mistake may show in both; the cell is the place to put it right.
        yield from [message for message in (in_cell, in_stub) if message is not None][:1]


def _line_messages(cell: Cell) -> Iterator[str]:
    for number, line in enumerate(cell.text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            yield (
                f"line {number} of the exercise has {len(line)} characters, and a page shows "
                f"{LONGEST_LINE}: break it."
            )


def _unbalanced(text: str) -> str | None:
    """Say what is wrong with the region markers of an exercise cell, if anything."""
    is_open = False
    for line in text.split("\n"):
        if not _REGION_WORDS.search(line):
            continue
        marker = line.strip()
        if marker not in (BEGIN, END):
            return f"a marker is a line of its own, '{BEGIN}' or '{END}', not '{marker}'."
        if (marker == BEGIN) == is_open:
            return f"'{marker}' " + (
                "stands inside a region that is open already." if is_open else "closes no region."
            )
        is_open = marker == BEGIN
    return f"'{BEGIN}' has no '{END}'." if is_open else None


def _definition_message(cell: Cell, text: str, what: str) -> str | None:
    """Say whether ``text`` is Python that gives the exercise's name a value."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return f"{what} is not Python ({error.msg}, line {error.lineno} of the cell)."
    if cell.name not in _top_level_names(tree):
        return f"{what} does not define '{cell.name}'."
    return None


def _top_level_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        stored = (part for part in ast.walk(node) if isinstance(part, ast.Name))
        names.update(part.id for part in stored if isinstance(part.ctx, ast.Store))
    return names


def _pairing_problems(source: ChapterSource) -> Iterator[str]:
    exercises, checks = source.with_role("exercise"), source.with_role("check")
    yield from _repeated(source, exercises, "an exercise")
    yield from _repeated(source, checks, "a check")
    first = {cell.name: cell for cell in reversed(exercises)}
    checked = {cell.name for cell in checks}
    for cell in first.values():
        if cell.name not in checked:
            yield source.problem(
                cell, f'the exercise has no check cell (# %% check="{cell.name}").'
            )
    for cell in checks:
        if cell.name not in first:
            yield source.problem(cell, "the check has no exercise.")
        elif cell.number < first[cell.name].number:
            yield source.problem(cell, "the check stands before its exercise.")


def _repeated(source: ChapterSource, cells: list[Cell], what: str) -> Iterator[str]:
    seen: dict[str | None, Cell] = {}
    for cell in cells:
        if cell.name in seen:
            where = f"cell {seen[cell.name].number}"
            yield source.problem(cell, f"there is {what} '{cell.name}' already, in {where}.")
        seen.setdefault(cell.name, cell)


def _declaration_problems(
    source: ChapterSource, course: Course, exercises: Mapping[str, Exercise]
) -> Iterator[str]:
    file = course.name_of(exercises_file(course.root, source.chapter))
    cells = source.with_role("exercise")
    for cell in cells:
        if cell.name not in exercises:
            yield source.problem(cell, f"the exercise is not declared in {file}.")
    for name in exercises:
        if name not in {cell.name for cell in cells}:
            yield f"{file}: exercise '{name}' has no cell in {source.file}."
    for name, exercise in exercises.items():
        for key in exercise.unknown_hint_keys():
            yield f"{file}: exercise '{name}' has a hint for '{key}', which nothing can match."


def _citation_problems(source: ChapterSource, course: Course) -> Iterator[str]:
    cited, header = course.bibliography, source.chapter
    for cell in source.with_role("prose"):
        for key in cited.unknown_keys(cell.text):
            yield source.problem(cell, f"'{key}' is not in {cited.file}.")
    for place, reading in enumerate(header.readings, start=1):
        for key in cited.unknown_keys(f"{{cite:t}}`{reading.key}` {reading.where} {reading.skip}"):
            yield f"{source.file}: reading {place} cites '{key}', which is not in {cited.file}."
    for card in header.recall:
        for key in cited.unknown_keys(f"{card.question} {card.answer}"):
            yield f"{source.file}: card '{card.id}' cites '{key}', which is not in {cited.file}."
