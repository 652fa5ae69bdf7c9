"""The chapter that a person names in a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.study.catalog import Chapter
    from descent.study.routes.chapters import MapChapter


def chapter_named(name: str) -> Chapter:
    """Find the chapter a person means, by any of its names.

    Raises
    ------
    CourseError
        When there is none of this name; of one that is not written yet it says what to take.
    """
    from descent.study.catalog import CatalogError, find_chapter

    try:
        return find_chapter(name)
    except CatalogError:
        planned = _planned(name)
        if planned is None:
            raise
    raise CourseError(
        f"{planned.heading} is not written yet. To see what to take until it is: "
        f"descent plan --goal {planned.short}"
    )


def _planned(name: str) -> MapChapter | None:
    """Return the chapter of this name that the map has and that is not written yet."""
    from descent.study.chapter_names import find_exactly
    from descent.study.routes.course_map import load_map

    try:
        found = find_exactly(name, load_map().chapters)
    except CourseError:
        return None
    return None if found is None or found.stands else found
