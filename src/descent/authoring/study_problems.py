"""An author's mistakes in what a chapter asks to be recalled, predicted and written."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from descent.authoring.course import Course
from descent.authoring.source import Cell, ChapterSource, Role

MOST_PREDICTIONS = 5
"""More of them in one chapter are no longer a surprise each."""

_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_WRITE = re.compile(r'write\("(\w+)", """\\?\n*"""\)')


def study_problems(source: ChapterSource, course: Course) -> Iterator[str]:
    """Say what is wrong with a chapter's sections, cards, predictions and written exercises.

    Yields
    ------
    str
        One line for each mistake, naming the file and the cell or the field.
    """
    yield from _section_problems(source, course)
    yield from _card_problems(source)
    yield from _prediction_problems(source)
    yield from _one_cell_each(source, "write", [entry.id for entry in source.chapter.written])
    for cell in source.with_role("write"):
        call = _WRITE.fullmatch(cell.text.strip())
        if call is None or call[1] != cell.name:
            yield source.problem(cell, f'it is write("{cell.name}", """…""") with an empty text.')


def _section_problems(source: ChapterSource, course: Course) -> Iterator[str]:
    headings = Counter(
        found for cell in source.with_role("prose") for found in _HEADING.findall(cell.text)
    )
    for section in source.chapter.sections:
        if headings[section.heading] != 1:
            times = headings[section.heading]
            yield (
                f"{source.file}: section '{section.id}' has the heading '{section.heading}', which "
                f"stands {times} times in the chapter."
            )
        for need in section.needs:
            if not _is_known(need, source, course):
                yield f"{source.file}: section '{section.id}' needs '{need}', which is not there."


def _is_known(need: str, source: ChapterSource, course: Course) -> bool:
    """Whether a need names a section before this one, or a chapter that the course has."""
    chapter_name, _, section = need.partition("#")
    if "/" not in chapter_name:
        return need in {known.id for known in source.chapter.sections}
    chapter = next((c for c in course.chapters if is_called(c.id, chapter_name)), None)
    if chapter is None:
        return False
    return not section or section in {known.id for known in chapter.sections}


def is_called(chapter_id: str, name: str) -> bool:
    """Say whether a chapter goes by a name as headers write it: ``ladder/03`` or its whole id."""
    return chapter_id == name or chapter_id.startswith(f"{name}_")


def _card_problems(source: ChapterSource) -> Iterator[str]:
    sections = {section.id for section in source.chapter.sections}
    for card in source.chapter.recall:
        if sections and card.section not in sections:
            yield f"{source.file}: card '{card.id}' names the section '{card.section}'."
    with_cards = {card.section for card in source.chapter.recall}
    for cell in source.with_role("recall"):
        if cell.name not in with_cards:
            yield source.problem(cell, f"no card has the section '{cell.name}'.")
        if cell.text.strip() != f'recall("{cell.name}")':
            yield source.problem(cell, f'it is recall("{cell.name}") and nothing else.')


def _prediction_problems(source: ChapterSource) -> Iterator[str]:
    names = [entry.id for entry in source.chapter.predictions]
    if len(names) > MOST_PREDICTIONS:
        yield f"{source.file}: {len(names)} predictions; at most {MOST_PREDICTIONS} a chapter."
    yield from _one_cell_each(source, "predict", names)
    yield from _one_cell_each(source, "outcome", names)
    asked = {cell.name: cell.number for cell in source.with_role("predict")}
    for cell in source.with_role("predict"):
        if cell.text.strip() != f'commit("{cell.name}", ..., sure=...)':
            yield source.problem(cell, f'it is commit("{cell.name}", ..., sure=...).')
    for cell in source.with_role("outcome"):
        if not _calls_outcome(cell):
            yield source.problem(cell, f'it is outcome("{cell.name}", value) and nothing else.')
        if cell.number < asked.get(cell.name, 0):
            yield source.problem(cell, "the outcome stands before its prediction.")


def _one_cell_each(source: ChapterSource, role: Role, names: list[str]) -> Iterator[str]:
    cells = Counter(cell.name for cell in source.with_role(role))
    for name in names:
        if cells[name] != 1:
            yield f"{source.file}: '{name}' has {cells[name]} {role} cells; it takes one."
    for cell in source.with_role(role):
        if cell.name not in names:
            yield source.problem(cell, f"'{cell.name}' is not declared in the header.")


def _calls_outcome(cell: Cell) -> bool:
    try:
        match ast.parse(cell.text).body:
            case [ast.Expr(ast.Call(ast.Name("outcome"), [ast.Constant(name), _], []))]:
                return bool(name == cell.name)
    except SyntaxError:
        pass
    return False
