"""References from one chapter's prose to another: "[rung 13](13_causal_transformer.ipynb)".

The number of a chapter is in its file's name. Prose repeats it, so that a sentence reads well on
paper too; that it is the right one is checked here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from descent.authoring.course import Course
from descent.authoring.source import ChapterSource
from descent.study.catalog import Chapter

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s#]+)\.ipynb(?:#[^)\s]*)?\)")
_ENDS_IN_NUMBER = re.compile(r"[\w ]*\d+")


def reference_problems(source: ChapterSource, course: Course) -> Iterator[str]:
    """Yield a line for each link to a chapter that does not exist, or is called by a wrong number.

    Parameters
    ----------
    source
        The chapter whose prose is read.
    course
        The chapters it may refer to.
    """
    for cell in source.with_role("prose"):
        for text, path in _LINK.findall(cell.text):
            other = course.find(posixpath.normpath(posixpath.join(source.chapter.part, path)))
            if other is None:
                yield source.problem(cell, f"a link leads to '{path}.ipynb', which is no chapter.")
            elif not _is_right(" ".join(text.split()), other):
                yield source.problem(
                    cell, f"a link calls {other.id} '{text}'; it is '{other.reference}'."
                )


def _is_right(text: str, other: Chapter) -> bool:
    """Say whether a link's text, where it gives a number, is the chapter's reference."""
    return not _ENDS_IN_NUMBER.fullmatch(text) or text.casefold() == other.reference.casefold()
