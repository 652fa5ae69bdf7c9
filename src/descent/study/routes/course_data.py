"""The map of the course as data, for pages that have no kernel."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap, load_map
from descent.study.routes.named_routes import Route
from descent.study.routes.sections import Section


def course_data(course: CourseMap | None = None) -> dict[str, Any]:
    """Return chapters, sections and routes as JSON values.

    Parameters
    ----------
    course
        The map; by default the course's own.

    Returns
    -------
    dict
        ``chapters``, in the order of the course; a chapter's ``order`` is its place in the order in
        which chapters can be worked through, from 0; ``needs_chapters`` are the chapters that it or
        a section of it needs directly. ``sections``, of the chapters that declare
        them, in the page's order. ``routes``. All ids are full ones.
    """
    course = course or load_map()
    order = {chapter.id: place for place, chapter in enumerate(course.in_order)}
    return {
        "chapters": [_chapter(course, one, order[one.id]) for one in course.chapters],
        "sections": [
            _section(course, section)
            for chapter in course.chapters
            for section in course.sections_of(chapter)
            if not section.is_whole
        ],
        "routes": [_route(course, route) for route in course.routes],
    }


def _chapter(course: CourseMap, chapter: MapChapter, order: int) -> dict[str, Any]:
    return {
        "id": chapter.id,
        "mark": chapter.mark,
        "title": chapter.title,
        "part": chapter.part,
        "hours": chapter.hours,
        "order": order,
        "stands": chapter.stands,
        "needs": _full(course, chapter, chapter.needs),
        "needs_chapters": [need.id for need in course.chapter_needs(chapter)],
        "helped_by": _full(course, chapter, chapter.helped_by),
        "purpose": chapter.purpose,
        "teaches": list(chapter.teaches),
        "exercises": list(chapter.chapter.exercises if chapter.chapter else ()),
        "page": chapter.page,
        "resource": asdict(chapter.resource) if chapter.resource else None,
    }


def _section(course: CourseMap, section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "chapter": section.chapter.id,
        "heading": section.heading,
        "anchor": section.anchor,
        "for": section.purpose,
        "needs": _full(course, section.chapter, section.needs),
        "minutes": section.minutes,
        "exercises": list(section.exercises),
    }


def _route(course: CourseMap, route: Route) -> dict[str, Any]:
    def full(name: str) -> str:
        chapter = course.chapter(name)
        return chapter.id if chapter else name

    return {
        "id": route.id,
        "title": route.title,
        "for": route.for_whom,
        "from": route.source,
        "chapters": [full(name) for name in route.chapters],
        "hours": {full(name): hours for name, hours in route.hours.items()},
        "stops": [{"after": full(stop.after), "with": stop.gained} for stop in route.stops],
    }


def _full(course: CourseMap, near: MapChapter, names: tuple[str, ...]) -> list[str]:
    """Return needs under full ids, what is unknown left out; a whole chapter under its own."""
    found: list[str] = []
    for name in names:
        sections = course.resolve(name, near)
        whole = "/" in name and "#" not in name
        found += [sections[0].chapter.id] if whole and sections else [one.id for one in sections]
    return list(dict.fromkeys(found))
