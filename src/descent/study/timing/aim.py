"""What a learner means to work at: a chapter, or words."""

from __future__ import annotations

import re

from descent.errors import CourseError
from descent.study.catalog import CatalogError, CourseNotFound, find_chapter
from descent.study.chapter_names import find_exactly
from descent.study.routes.course_map import load_map
from descent.study.store import ProgressStore

_CHAPTER_ID = re.compile(r"[a-z][a-z0-9_]*/\d+_[a-z][a-z0-9_]*")


def aim_of(text: str, store: ProgressStore | None = None) -> tuple[str, str]:
    """Understand what work is for.

    Parameters
    ----------
    text
        A chapter by any of its names, written or not; or words, which are kept as they are. Empty,
        it is the chapter of the latest record.
    store
        The record; by default the learner's own.

    Returns
    -------
    tuple of str
        The id of a chapter, and words; either may be empty.
    """
    text = " ".join(text.split())
    if not text:
        events = (store or ProgressStore()).events()
        return next((event.chapter for event in reversed(events) if event.chapter), ""), ""
    try:
        return find_chapter(text).id, ""
    except (CatalogError, CourseNotFound):
        chapter = text if _CHAPTER_ID.fullmatch(text) else _planned(text)
        return (chapter, "") if chapter else ("", text)


def _planned(text: str) -> str:
    """Return the id of a chapter that is still to be written; empty where none has this name."""
    try:
        found = find_exactly(text, load_map().chapters)
    except CourseError:
        return ""
    return "" if found is None else found.id
