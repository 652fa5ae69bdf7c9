"""How a learner stands with each section: done, begun or open.

A section is done when all its exercises are. One without exercises is done when an exercise of a
later section of its chapter is, since it lies on the way there; after the last exercise, when all
exercises of the chapter are. What a learner says they know is done as well, and so is a chapter
without exercises only then.

A section is begun when an exercise of it was tried, or a hint opened. A chapter that was opened and
in which no section is begun now counts as begun at its first section that is not done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from descent.study.events import Event
from descent.study.exercise_states import ExerciseState, summarise
from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.sections import Section

DONE, BEGUN, OPEN = "done", "begun", "open"


@dataclass(frozen=True)
class Standing:
    """How a learner stands with one section.

    Attributes
    ----------
    state
        ``done``, ``begun`` or ``open``.
    exercises_done
        How many of its exercises are done.
    minutes_left
        What is left of its minutes: all, less the share of the exercises that are done.
    """

    state: str
    exercises_done: int
    minutes_left: float


def standings(
    course: CourseMap, events: Iterable[Event], known: Iterable[str] = ()
) -> dict[str, Standing]:
    """Return how a learner stands with every section, by its id.

    Parameters
    ----------
    course
        The map.
    events
        The learner's record.
    known
        Ids of chapters and sections that the learner says they know; others are passed over.
    """
    by_chapter: dict[str, list[Event]] = {}
    for event in events:
        by_chapter.setdefault(event.chapter, []).append(event)
    known_ids = {section.id for name in known for section in course.resolve(name)}
    found: dict[str, Standing] = {}
    for chapter in course.chapters:
        sections = course.sections_of(chapter)
        found |= _of_chapter(chapter, sections, by_chapter.get(chapter.id, []), known_ids)
    return found


def _of_chapter(
    chapter: MapChapter, sections: Sequence[Section], events: list[Event], known: set[str]
) -> dict[str, Standing]:
    states = summarise(events)
    done_now = _done(sections, states)
    is_done = [section.id in known or done_now[section.id] for section in sections]
    begun = {
        section.id
        for section, done in zip(sections, is_done, strict=True)
        if not done and _is_touched(section, states)
    }
    if events and not begun and not all(is_done):
        begun.add(sections[is_done.index(False)].id)
    return {
        section.id: _standing(section, states, done, section.id in begun)
        for section, done in zip(sections, is_done, strict=True)
    }


def _done(sections: Sequence[Section], states: Mapping[str, ExerciseState]) -> dict[str, bool]:
    """Say of each section of one chapter whether its exercises, or later ones, are done."""
    names = [name for section in sections for name in section.exercises]
    later: bool = bool(names) and all(_is_done(name, states) for name in names)
    found: dict[str, bool] = {}
    for section in reversed(sections):
        if section.exercises:
            found[section.id] = all(_is_done(name, states) for name in section.exercises)
            later = later or any(_is_done(name, states) for name in section.exercises)
        else:
            found[section.id] = later
    return found


def _standing(
    section: Section, states: Mapping[str, ExerciseState], done: bool, begun: bool
) -> Standing:
    count = sum(_is_done(name, states) for name in section.exercises)
    if done:
        return Standing(DONE, count, 0.0)
    share = 1.0 - count / len(section.exercises) if section.exercises else 1.0
    return Standing(BEGUN if begun else OPEN, count, section.minutes * share)


def _is_done(name: str, states: Mapping[str, ExerciseState]) -> bool:
    return name in states and states[name].done


def _is_touched(section: Section, states: Mapping[str, ExerciseState]) -> bool:
    return any(
        name in states and (states[name].tries or states[name].hints or states[name].done)
        for name in section.exercises
    )
