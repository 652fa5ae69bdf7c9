"""What is wrong with the map of the course, in words for its authors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from descent.study.anchors import page_anchor
from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.named_routes import Route
from descent.study.routes.page_sections import page_headings
from descent.study.routes.sections import Section


def course_problems(course: CourseMap) -> list[str]:
    """Return one sentence for each thing that an author has to put right.

    Looked for: ids that mean nothing, needs that go in a ring, a section that needs a chapter
    which its own chapter does not need, a section that needs a later one of its page, headings
    that are not on the page, chapters that nobody gave a purpose, and routes that name unknown
    chapters or put one before another that it needs.
    """
    above = _chapters_above(course)
    found = list(_rings(course, above))
    for chapter in course.chapters:
        found += _of_chapter(course, chapter)
        for section in course.sections_of(chapter):
            if not section.is_whole:
                found += _of_section(course, section, above[chapter.id])
        found += _of_headings(course.sections_of(chapter))
    for route in course.routes:
        found += _of_route(course, route, above)
    return found


def _of_chapter(course: CourseMap, chapter: MapChapter) -> Iterator[str]:
    for name in chapter.needs:
        if not course.resolve(name):
            yield f"{chapter.id}: needs '{name}', which the course does not have."
    for name in chapter.helped_by:
        if course.chapter(name) is None:
            yield f"{chapter.id}: is helped by '{name}', which the course does not have."
    has_curriculum = any(one.purpose for one in course.chapters)
    if has_curriculum and not chapter.purpose:
        yield f"{chapter.id}: book/curriculum.yml does not say what it is for."
    if not chapter.stands and chapter.resource is None:
        yield (
            f"{chapter.id}: is not written, and book/curriculum.yml has no title, hours and "
            "resource for it."
        )


def _of_section(course: CourseMap, section: Section, above: set[str]) -> Iterator[str]:
    page = course.sections_of(section.chapter)
    for name in section.needs:
        found = course.resolve(name, section.chapter)
        if not found:
            yield f"{section.id}: needs '{name}', which the course does not have."
            continue
        other = found[0].chapter
        if other is not section.chapter and other.id not in above:
            yield (
                f"{section.id}: needs '{name}', but {section.chapter.id} does not need "
                f"{other.id}, nor does what it needs. Add it to the header's needs."
            )
        if other is section.chapter and page.index(found[0]) >= page.index(section):
            yield f"{section.id}: needs '{name}', which does not stand before it on the page."


def _of_headings(sections: Sequence[Section]) -> Iterator[str]:
    if sections[0].is_whole or sections[0].chapter.chapter is None:
        return
    chapter = sections[0].chapter
    headings = page_headings(sections[0].chapter.chapter.source)
    count = Counter(page_anchor(heading) for heading in (chapter.title, *headings))
    for section in sections:
        if section.heading not in headings:
            yield f"{section.id}: the page has no heading '{section.heading}'."
        elif count[section.anchor] > 1:
            yield (
                f"{section.id}: two headings of the page have one link, '#{section.anchor}'. "
                "Change one of them."
            )


def _of_route(course: CourseMap, route: Route, above: Mapping[str, set[str]]) -> Iterator[str]:
    chapters: list[MapChapter] = []
    for name in route.chapters:
        chapter = course.chapter(name)
        if chapter is None:
            yield f"route {route.id}: has '{name}', which the course does not have."
            continue
        for earlier in chapters:
            if chapter.id in above[earlier.id]:
                yield f"route {route.id}: has {earlier.id} before {chapter.id}, which it needs."
        if chapter in chapters:
            yield f"route {route.id}: has {chapter.id} twice."
        chapters.append(chapter)
    for stop in route.stops:
        if course.chapter(stop.after) not in chapters:
            yield f"route {route.id}: stops after '{stop.after}', which is not on it."


def _chapters_above(course: CourseMap) -> dict[str, set[str]]:
    """Return the ids of all chapters that each chapter needs, by its header and what follows."""
    direct = {
        chapter.id: {
            found.id for name in chapter.needs if (found := course.chapter(name.partition("#")[0]))
        }
        for chapter in course.chapters
    }
    above: dict[str, set[str]] = {}
    for chapter_id in direct:
        seen: set[str] = set()
        waiting = list(direct[chapter_id])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += direct[other]
        above[chapter_id] = seen
    return above


def _rings(course: CourseMap, above: Mapping[str, set[str]]) -> Iterator[str]:
    rings = {
        tuple(sorted(other for other in needed if chapter_id in above[other]))
        for chapter_id, needed in above.items()
        if chapter_id in needed
    }
    for ring in sorted(rings):
        yield f"{', '.join(ring)}: need each other, in a ring."
