"""What a chapter or a clock is called in a sentence."""

from __future__ import annotations

from descent.errors import CourseError
from descent.study.routes.course_map import load_map
from descent.study.timing.clock import Clock


def chapter_names() -> dict[str, str]:
    """Return the heading of every chapter, written or not; none where the course has no map."""
    try:
        return {chapter.id: chapter.heading for chapter in load_map().chapters}
    except CourseError:
        return {}


def clock_name(clock: Clock) -> str:
    """Say what a clock is for: its words, its chapter, or both."""
    return work_name(clock.chapter, clock.what)


LONGEST = 60
"""A name of more characters is cut where a clock is spoken of; the record has it whole."""


def work_name(chapter_id: str, what: str, names: dict[str, str] | None = None) -> str:
    """Say what work was for: its words, its chapter, or both."""
    names = chapter_names() if names is None and chapter_id else names or {}
    words = what if len(what) <= LONGEST else f"{what[:LONGEST]}…"
    parts = (names.get(chapter_id, chapter_id), words)
    return ", ".join(part for part in parts if part) or "no chapter"
