"""What a person means by a name: a chapter, a section, an exercise or a word the course teaches."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from descent.study.anchors import anchor_of, page_anchor
from descent.study.chapter_names import find_exactly, find_named
from descent.study.header import CatalogError
from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.named_routes import Route
from descent.study.routes.page_sections import page_headings
from descent.study.routes.sections import Section
from descent.study.routes.terms import Term, TermPlace
from descent.study.routes.yaml_file import RoutesError
from descent.study.spelling import term_key

MOST_PLACES = 3
"""An exercise's name that so many chapters have is asked back for the chapter."""


@dataclass(frozen=True)
class Place:
    """A place of the course: a section, and in it perhaps a nearer heading.

    Attributes
    ----------
    section
        The section.
    heading
        The heading to go to.
    page
        Its link in the book; None while the chapter is not written.
    """

    section: Section
    heading: str
    page: str | None


@dataclass(frozen=True)
class Found:
    """What a name means.

    Attributes
    ----------
    kind
        ``chapter``, ``section``, ``exercise`` or ``word``.
    label
        How to call it in a sentence.
    places
        Where it is; of a chapter all its sections.
    """

    kind: str
    label: str
    places: tuple[Place, ...]

    @property
    def sections(self) -> list[Section]:
        """The sections of its places, each once."""
        return list({place.section.id: place.section for place in self.places}.values())


def find_route(course: CourseMap, name: str) -> Route:
    """Return the route of this name.

    Raises
    ------
    RoutesError
        When there is none; the message lists those there are.
    """
    wanted = name.strip().casefold()
    for route in course.routes:
        if wanted in (route.id, route.title.casefold()):
            return route
    names = ", ".join(route.id for route in course.routes)
    raise RoutesError(f"There is no route '{name}'. There are: {names}.")


def find_goal(course: CourseMap, name: str, terms: Sequence[Term] = ()) -> MapChapter | Section:
    """Return the chapter or the section that a goal's name means.

    Parameters
    ----------
    course
        The map.
    name
        A chapter by any of its names, written or not; ``chapter#section``; or, where one chapter
        has it, a section's id or an exercise alone; or a word, for the section that teaches it.
    terms
        The words the course teaches.

    Raises
    ------
    CourseError
        When nothing, or more than one thing, answers to the name; the message lists near names.
    """
    if "#" in name:
        return _section_in(course, name)
    chapter = find_exactly(name, course.chapters)
    if chapter is not None:
        return chapter
    wanted = name.strip()
    sections = [one for one in course.sections if not one.is_whole and _own_id(one) == wanted]
    sections = sections or _called(course, wanted)
    if len(sections) == 1:
        return sections[0]
    if sections:
        raise RoutesError(f"'{name}' could be any of: {', '.join(map(short_id, sections))}.")
    word = _word(course, terms, wanted)
    return word.sections[0] if word else find_named(name, course.chapters)


def find_anything(
    course: CourseMap, terms: Sequence[Term], name: str, here: str | None = None
) -> Found:
    """Return what a name means.

    Parameters
    ----------
    course
        The map.
    terms
        The words the course teaches.
    name
        As for :func:`find_goal`; or an exercise, alone or as ``chapter#exercise``; or a word.
    here
        The id of the chapter the learner is in: of exercises with one name its own is meant.

    Raises
    ------
    CourseError
        When nothing answers to the name, or too much; the message lists near names.
    """
    if "#" in name:
        return _in_chapter(course, name)
    chapter = find_exactly(name, course.chapters)
    if chapter is not None:
        return _chapter(course, chapter)
    found = _named(course, terms, name, here)
    if found is not None:
        return found
    try:
        return _chapter(course, find_named(name, course.chapters))
    except CatalogError as error:
        if "could be any" in str(error):
            raise
        near = _near(name, course, terms)
        raise RoutesError(
            f"Nothing here is called '{name}': no chapter, section, exercise or word. {near}"
        ) from error


def short_id(section: Section) -> str:
    """Return how a command takes a section: ``ladder/04#softmax``, or ``ladder/04`` as a whole."""
    if section.is_whole:
        return section.chapter.short
    return f"{section.chapter.short}#{_own_id(section)}"


def _section_in(course: CourseMap, name: str) -> Section:
    chapter_name, _, wanted = name.partition("#")
    chapter = find_named(chapter_name, course.chapters)
    sections = course.sections_of(chapter)
    for section in sections:
        if section.id == f"{chapter.id}#{wanted.strip()}" or wanted.strip() in section.exercises:
            return section
    if sections[0].is_whole:
        raise RoutesError(
            f"{chapter.short} is planned as a whole: it has no sections to name. "
            f"Ask for {chapter.short}."
        )
    names = ", ".join(map(_own_id, sections))
    raise RoutesError(f"{chapter.short} has no section '{wanted}'. There are: {names}.")


def _in_chapter(course: CourseMap, name: str) -> Found:
    """Find ``chapter#exercise`` or ``chapter#section``."""
    chapter_name, _, wanted = name.partition("#")
    chapter = find_named(chapter_name, course.chapters)
    for section in course.sections_of(chapter):
        if wanted.strip() in section.exercises:
            return _exercise(wanted.strip(), [section])
    section = _section_in(course, name)
    return Found("section", f"'{section.heading}'", (_place(section),))


def _chapter(course: CourseMap, chapter: MapChapter) -> Found:
    places = tuple(_place(section) for section in course.sections_of(chapter))
    return Found("chapter", chapter.heading, places)


def _named(course: CourseMap, terms: Sequence[Term], name: str, here: str | None) -> Found | None:
    """Find a section by its id or an exercise by its name, where one is meant; else a word."""
    wanted = name.strip()
    named = _called(course, wanted)
    sections = [one for one in named if one.chapter.id == here] or named
    if len(sections) != 1 or sections[0].is_whole:  # a word may lead to a heading of the page
        word = _word(course, terms, wanted)
        if word is not None or not sections:
            return word
    if len(sections) > MOST_PLACES:
        meant = ", ".join(f"{one.chapter.short}#{wanted}" for one in sections)
        raise RoutesError(f"'{name}' stands in several chapters. Name one: {meant}.")
    if any(wanted in section.exercises for section in sections):
        return _exercise(wanted, sections)
    label = f"'{sections[0].heading if len(sections) == 1 else wanted}'"
    return Found("section", label, tuple(map(_place, sections)))


def _called(course: CourseMap, name: str) -> list[Section]:
    """Return the sections that have a name as their id in the chapter, or as an exercise."""
    return [
        section
        for section in course.sections
        if name in section.exercises or (not section.is_whole and _own_id(section) == name)
    ]


def _own_id(section: Section) -> str:
    return section.id.partition("#")[2]


def _exercise(name: str, sections: Iterable[Section]) -> Found:
    return Found("exercise", f"exercise `{name}`", tuple(map(_place, sections)))


def _word(course: CourseMap, terms: Sequence[Term], name: str) -> Found | None:
    """Find a word of the index of terms, or one that a chapter still to be written will teach."""
    key = term_key(name)
    if not key:
        return None
    places = [
        place
        for term in terms
        if key in map(term_key, term.names)
        for found in term.places
        if (place := _term_place(course, found)) is not None
    ]
    places += [
        _place(section)
        for chapter in course.chapters
        if not chapter.stands and key in map(term_key, chapter.teaches)
        for section in course.sections_of(chapter)
    ]
    return Found("word", f"“{name.strip()}”", tuple(places)) if places else None


def _place(section: Section) -> Place:
    return Place(section, section.heading, section.page)


def _term_place(course: CourseMap, place: TermPlace) -> Place | None:
    """Return the section a term's place lies in, with the place's own heading and link."""
    chapter = course.chapter(place.chapter_id)
    if chapter is None or chapter.chapter is None:
        return None
    sections = {section.heading: section for section in course.sections_of(chapter)}
    current = course.sections_of(chapter)[0]
    if not place.anchor:
        return Place(current, place.heading, chapter.page)
    for heading in page_headings(chapter.chapter.source):
        current = sections.get(heading, current)
        if anchor_of(heading) == place.anchor:
            break
    return Place(current, place.heading, f"{chapter.page}#{page_anchor(place.heading)}")


def _near(name: str, course: CourseMap, terms: Sequence[Term]) -> str:
    names = [alias for one in course.chapters for alias in (one.id, one.slug, one.mark)]
    names += [_own_id(one) for one in course.sections if not one.is_whole]
    names += [exercise for one in course.sections for exercise in one.exercises]
    names += [alias for term in terms for alias in term.names]
    names += [term for one in course.chapters if not one.stands for term in one.teaches]
    near = difflib.get_close_matches(name.strip(), list(dict.fromkeys(names)), n=4)
    return f"Near to it: {', '.join(near)}." if near else "The index of terms lists the words."
