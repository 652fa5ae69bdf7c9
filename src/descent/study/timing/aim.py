"""What a learner means to work at: a chapter, or words."""

from __future__ import annotations

import re

from descent.study.catalog import CatalogError, CourseNotFound, find_chapter
from descent.study.store import ProgressStore

_CHAPTER_ID = re.compile(r"[a-z][a-z0-9_]*/\d+_[a-z][a-z0-9_]*")


def aim_of(text: str, store: ProgressStore | None = None) -> tuple[str, str]:
    """Understand what work is for.

    Parameters
    ----------
    text
        A chapter by any of its names; or words, which are kept as they are. Empty, it is the
        chapter of the latest record.
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
        return (text, "") if _CHAPTER_ID.fullmatch(text) else ("", text)
