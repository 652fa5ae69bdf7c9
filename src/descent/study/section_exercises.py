"""Which exercises stand in which section of a chapter, read from the chapter's source."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from descent.study.catalog import Chapter

_HEADING_OR_EXERCISE = re.compile(
    r'^# ## (?P<heading>.+?)\s*$|^# %%.*\bexercise="(?P<exercise>[^"]*)"', re.MULTILINE
)


def section_exercises(chapter: Chapter) -> Mapping[str, tuple[str, ...]]:
    """Return the exercises of each section of a chapter, in the page's order.

    Parameters
    ----------
    chapter
        A chapter of the catalog.

    Returns
    -------
    mapping
        Names of exercises by the section's id. An exercise under a heading that is no section of
        the header belongs to none.
    """
    ids = {section.heading: section.id for section in chapter.sections}
    found: dict[str, tuple[str, ...]] = {section.id: () for section in chapter.sections}
    for heading, exercise in _by_heading(chapter.source, chapter.source.stat().st_mtime_ns):
        if heading in ids:
            found[ids[heading]] += (exercise,)
    return found


@functools.lru_cache(maxsize=256)
def _by_heading(source: Path, changed: int) -> tuple[tuple[str, str], ...]:
    """Return (heading, exercise) for each exercise cell of a source."""
    heading, found = "", []
    for match in _HEADING_OR_EXERCISE.finditer(source.read_text(encoding="utf-8")):
        heading = match["heading"] or heading
        if match["exercise"]:
            found.append((heading, match["exercise"]))
    return tuple(found)
