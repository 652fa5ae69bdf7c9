"""What was written, version by version, and what its writer found in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from descent.errors import CourseError
from descent.study.events import Event
from descent.study.header import Written
from descent.study.store import ProgressStore


class AsksInWriting(Protocol):
    """Where written exercises stand: a chapter, or the plan of the sprint."""

    @property
    def id(self) -> str:
        """What stands for it in the record."""

    @property
    def heading(self) -> str:
        """What it is called in a sentence."""

    @property
    def written(self) -> tuple[Written, ...]:
        """Its exercises."""


@dataclass(frozen=True)
class Draft:
    """One version of an answer.

    Attributes
    ----------
    at
        When it was submitted, in seconds since 1970.
    text
        What was written.
    met
        Which points of the rubric its writer found in it, from 0; None before they looked.
    """

    at: float
    text: str
    met: tuple[int, ...] | None = None


def find_written(chapter: AsksInWriting, name: str) -> Written:
    """Return a written exercise of a chapter.

    Raises
    ------
    CourseError
        When it has none of this name.
    """
    for written in chapter.written:
        if written.id == name:
            return written
    names = ", ".join(written.id for written in chapter.written) or "none"
    raise CourseError(
        f"{chapter.heading} has no written exercise '{name}'. Its written exercises: {names}."
    )


def drafts(events: Iterable[Event], chapter_id: str, name: str) -> list[Draft]:
    """Return the versions of an answer, oldest first; a rubric belongs to the version before it."""
    found: list[Draft] = []
    for event in events:
        if (event.chapter, event.exercise) != (chapter_id, name):
            continue
        if event.kind == "write" and isinstance(event.data.get("text"), str):
            found.append(Draft(event.at, event.data["text"]))
        elif event.kind == "assess" and found:
            met = tuple(point for point in event.data.get("met", ()) if isinstance(point, int))
            found[-1] = Draft(found[-1].at, found[-1].text, met)
    return found


def submit(chapter: AsksInWriting, name: str, text: str, store: ProgressStore) -> Draft | None:
    """Keep an answer, where it differs from the version before; return it, None when empty.

    Raises
    ------
    CourseError
        When there is no such exercise, or the answer is no text.
    """
    find_written(chapter, name)
    if not isinstance(text, str):
        raise CourseError(f"An answer is a text between quotes, and {text!r:.40} is none.")
    words = text.strip()
    if not words:
        return None
    before = drafts(store.events(chapter.id), chapter.id, name)
    if before and before[-1].text == words:
        return before[-1]
    event = store.record("write", chapter.id, name, text=words)
    return Draft(event.at, words)


def assess(chapter: AsksInWriting, name: str, met: Iterable[int], store: ProgressStore) -> None:
    """Keep which points of the rubric the latest version meets."""
    points = range(len(find_written(chapter, name).rubric))
    store.record(
        "assess", chapter.id, name, met=sorted({point for point in met if point in points})
    )
