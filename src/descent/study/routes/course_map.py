"""The map of the course: all chapters, their sections, and what each needs."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from descent.study.catalog import load_catalog
from descent.study.paths import course_root
from descent.study.routes.chapters import MapChapter, chapter_key, map_chapters
from descent.study.routes.curriculum import read_curriculum
from descent.study.routes.named_routes import Route, read_routes
from descent.study.routes.sections import Section, sections_of


class CourseMap:
    """The chapters and sections of a course, and the routes through them.

    What a chapter or section needs and the course does not have is passed over here, and so are
    rings of needs: a slip of an author stops no learner. ``course_problems`` tells the author.

    Parameters
    ----------
    chapters
        In the order of the course.
    routes
        The named routes.
    """

    def __init__(self, chapters: Sequence[MapChapter], routes: Sequence[Route] = ()) -> None:
        self.chapters = tuple(chapters)
        self.routes = tuple(routes)
        self._by_key = {chapter_key(chapter.id): chapter for chapter in self.chapters}
        self._of_chapter = {chapter.id: sections_of(chapter) for chapter in self.chapters}
        self._by_id = {one.id: one for each in self._of_chapter.values() for one in each}

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in the order in which they can be worked through."""
        return self._in_order

    @cached_property
    def _in_order(self) -> tuple[Section, ...]:
        return tuple(one for chapter in self.in_order for one in self._of_chapter[chapter.id])

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {section.id: place for place, section in enumerate(self._in_order)}

    def chapter(self, name: str) -> MapChapter | None:
        """Return the chapter that an id, or its part and number, means."""
        return self._by_key.get(chapter_key(name))

    def section(self, section_id: str) -> Section | None:
        """Return the section with exactly this id."""
        return self._by_id.get(section_id)

    def sections_of(self, chapter: MapChapter) -> list[Section]:
        """Return a chapter's sections, in the page's order."""
        return self._of_chapter[chapter.id]

    def sorted(self, sections: Iterable[Section]) -> list[Section]:
        """Return sections in the order in which they can be worked through."""
        return sorted(sections, key=lambda section: self._place[section.id])

    def resolve(self, name: str, near: MapChapter | None = None) -> list[Section]:
        """Return the sections that a need means; none where the course does not have it.

        Parameters
        ----------
        name
            ``part/NN`` or an id of a chapter, either perhaps with ``#section``; or the id of a
            section alone.
        near
            The chapter whose section is meant when the id stands alone.
        """
        chapter_name, _, section_id = name.partition("#")
        if "/" not in chapter_name:
            near_id = near.id if near else ""
            found = self._by_id.get(f"{near_id}#{chapter_name}")
            return [found] if found else []
        chapter = self.chapter(chapter_name)
        if chapter is None:
            return []
        sections = self._of_chapter[chapter.id]
        if not section_id or sections[0].is_whole:
            return sections
        found = self._by_id.get(f"{chapter.id}#{section_id}")
        return [found] if found else []

    def needs(self, section: Section) -> tuple[Section, ...]:
        """Return what a section needs directly."""
        return self._needs[section.id]

    @cached_property
    def _needs(self) -> Mapping[str, tuple[Section, ...]]:
        return {section.id: self._resolved(section) for section in self._by_id.values()}

    def _resolved(self, section: Section) -> tuple[Section, ...]:
        found = [one for name in section.needs for one in self.resolve(name, section.chapter)]
        return tuple(dict.fromkeys(one for one in found if one is not section))

    def needed_by(self, section: Section) -> tuple[Section, ...]:
        """Return the sections that need a section directly, in order."""
        return self._needed_by.get(section.id, ())

    @cached_property
    def _needed_by(self) -> Mapping[str, tuple[Section, ...]]:
        found: dict[str, list[Section]] = defaultdict(list)
        for section in self._in_order:
            for need in self._needs[section.id]:
                found[need.id].append(section)
        return {section_id: tuple(sections) for section_id, sections in found.items()}

    def chapter_needs(self, chapter: MapChapter) -> list[MapChapter]:
        """Return the chapters that a chapter, or a section of it, needs directly."""
        names = [*chapter.needs]
        names += [name for one in self._of_chapter[chapter.id] for name in one.needs if "/" in name]
        found = [self.chapter(name.partition("#")[0]) for name in names]
        return list(dict.fromkeys(one for one in found if one is not None and one is not chapter))

    @cached_property
    def in_order(self) -> tuple[MapChapter, ...]:
        """The chapters in the course's order, each after those that it needs."""
        place = {chapter.id: place for place, chapter in enumerate(self.chapters)}
        waiting = {
            chapter.id: {need.id for need in self.chapter_needs(chapter)}
            for chapter in self.chapters
        }
        after: dict[str, list[str]] = defaultdict(list)
        for chapter_id, needs in waiting.items():
            for need in needs:
                after[need].append(chapter_id)
        free = [place[chapter_id] for chapter_id, needs in waiting.items() if not needs]
        heapq.heapify(free)
        ordered: list[MapChapter] = []
        while free:
            chapter = self.chapters[heapq.heappop(free)]
            ordered.append(chapter)
            for chapter_id in after[chapter.id]:
                waiting[chapter_id].discard(chapter.id)
                if not waiting[chapter_id]:
                    heapq.heappush(free, place[chapter_id])
        in_a_ring = [chapter for chapter in self.chapters if chapter not in set(ordered)]
        return (*ordered, *in_a_ring)


def load_map() -> CourseMap:
    """Read the map of the course.

    Raises
    ------
    RoutesError
        When ``book/curriculum.yml`` or ``book/routes.yml`` is wrong.
    CatalogError
        When a chapter's source is.
    """
    root = course_root()
    chapters = map_chapters(load_catalog(), read_curriculum(root))
    return CourseMap(chapters, read_routes(root))
