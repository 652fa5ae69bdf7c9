"""Three questions: what can I start now, what is this for, and what supplies what I am stuck on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.sections import Section
from descent.study.routes.standing import BEGUN, DONE, Standing


@dataclass(frozen=True)
class Startable:
    """What can be started in one chapter: sections whose needs are all done."""

    chapter: MapChapter
    sections: tuple[Section, ...]
    begun: bool


@dataclass(frozen=True)
class Purpose:
    """What something is for later.

    Attributes
    ----------
    sections
        What was asked about.
    direct
        Sections beyond it that need it.
    further
        Chapters that need those in turn, and are none of theirs.
    helped
        Chapters that it makes easier.
    """

    sections: tuple[Section, ...]
    direct: tuple[Section, ...]
    further: tuple[MapChapter, ...]
    helped: tuple[MapChapter, ...]


@dataclass(frozen=True)
class Supply:
    """A section that supplies what somebody is stuck on.

    Attributes
    ----------
    section
        Where to go.
    distance
        0 for the thing itself, 1 for what it needs, 2 for what that needs.
    """

    section: Section
    distance: int


def startable(course: CourseMap, standing: Mapping[str, Standing]) -> list[Startable]:
    """Return what can be started now, what was begun first, then in the course's order."""
    found = []
    for chapter in course.chapters:
        sections = [
            section
            for section in course.sections_of(chapter)
            if standing[section.id].state != DONE
            and all(standing[need.id].state == DONE for need in course.needs(section))
        ]
        begun = [one for one in course.sections_of(chapter) if standing[one.id].state == BEGUN]
        if sections or begun:
            ready = tuple(dict.fromkeys([*begun, *sections]))
            found.append(Startable(chapter, ready, bool(begun)))
    return sorted(found, key=lambda one: not one.begun)  # stable


def purpose(course: CourseMap, sections: Sequence[Section]) -> Purpose:
    """Return what needs some sections later: directly, and further on.

    Parameters
    ----------
    course
        The map.
    sections
        A section, or all sections of a chapter.
    """
    levels = _levels(sections, course.needed_by)
    direct = [section for section, distance in levels if distance == 1]
    chapters = {one.chapter.id for one in (*sections, *direct)}
    beyond = course.sorted(section for section, distance in levels if distance > 1)
    further = [one.chapter for one in beyond if one.chapter.id not in chapters]
    asked = {section.chapter.id for section in sections}
    helped = [one for one in course.chapters if _helpers(course, one) & asked]
    return Purpose(
        tuple(sections),
        tuple(course.sorted(direct)),
        tuple(dict.fromkeys(further)),
        tuple(helped),
    )


def supplies(course: CourseMap, sections: Sequence[Section]) -> list[Supply]:
    """Return the sections that supply some others, themselves first, then the nearest.

    Of equally near ones the latest in the course comes first, since it is fresh and builds on the
    others.
    """
    place = {section.id: number for number, section in enumerate(course.sections)}
    levels = [Supply(section, distance) for section, distance in _levels(sections, course.needs)]
    return sorted(levels, key=lambda one: (one.distance, -place[one.section.id]))


def _helpers(course: CourseMap, chapter: MapChapter) -> set[str]:
    found = (course.chapter(name) for name in chapter.helped_by)
    return {one.id for one in found if one is not None}


def _levels(
    start: Sequence[Section], neighbours: Callable[[Section], Iterable[Section]]
) -> list[tuple[Section, int]]:
    """Go out from some sections level by level; each is met once, at its smallest distance."""
    seen = {section.id for section in start}
    level, distance = list(start), 0
    found = []
    while level:
        found += [(section, distance) for section in level]
        reached = {one.id: one for section in level for one in neighbours(section)}
        level = [one for one in reached.values() if one.id not in seen]
        seen |= set(reached)
        distance += 1
    return found
