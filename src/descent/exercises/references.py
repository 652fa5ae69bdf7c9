"""The course's own answers, as its chapters write them.

The judgement never looks at them. The diagnosis makes mistakes of them by edits, the audit grades
the graders with them, and `mine` hands them over where a learner's own answer is not there.
"""

from __future__ import annotations

import ast
import contextlib
from functools import cache
from types import ModuleType
from typing import Any

from descent.errors import CourseError
from descent.grading.sources import Source
from descent.study.answers import answers_from_source
from descent.study.catalog import Chapter, find_chapter
from descent.study.python_files import read_python


def reference_module(chapter: Chapter) -> ModuleType:
    """All that a chapter defines, with the course's answers to its exercises.

    What the chapter takes from earlier ones is the course's too.

    Raises
    ------
    AnswersError
        When the chapter's source is not there, or cannot be made into a module.
    """
    when = chapter.source.stat().st_mtime_ns if chapter.source.is_file() else 0
    return _module(chapter.id, when)


@cache
def _module(chapter_id: str, when: int) -> ModuleType:
    chapter = find_chapter(chapter_id)
    name = f"reference_{chapter.part}_{chapter.name}"
    return answers_from_source(chapter.source, name, {"mine": _course_answer})


def _course_answer(chapter_name: str, name: str, otherwise: Any = None) -> Any:
    """What stands for `mine` in a module of references."""
    return reference_answer(chapter_name, name)


def reference_answer(chapter_name: str, name: str) -> Any:
    """The course's own answer to an exercise.

    Raises
    ------
    CourseError
        When the chapter's source is not there, or has no such exercise.
    """
    chapter = find_chapter(chapter_name)
    answer = getattr(reference_module(chapter), name, None)
    if answer is None:
        raise CourseError(f"{chapter.id} has no answer `{name}`.")
    return answer


def reference_source(chapter: Chapter, name: str) -> Source | None:
    """The text of the course's own answer, or None where the chapter's source is not there."""
    with contextlib.suppress(CourseError, OSError):
        written = read_python(chapter.source)
        for statement in ast.parse(written).body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name == name:
                text = ast.get_source_segment(written, statement)
                assert text is not None
                return Source(name, text, vars(reference_module(chapter)))
    return None
