"""How deeply each chapter is verified today, and why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from descent.authoring.course import Course
from descent.study.catalog import Chapter
from descent.verification.fingerprints import Fingerprint, fingerprint
from descent.verification.imports import ImportGraph
from descent.verification.records import Record, read_record

PLAN_VARIABLE = "DESCENT_VERIFICATION_PLAN"
"""Names the file that holds the plan of a test session; without one every chapter is whole."""

QUARTER = 4
"""One chapter in four is verified as a whole each day where only a room changed."""

ROTATION = 8
"""One chapter in eight is verified as a whole each day where nothing changed."""

BUDGET = 20 * 60.0
"""Seconds on two quiet cores that all chapters together may take: with the checks of the code
before and beside them the whole stays within half an hour."""

LIGHT_SECONDS = 15.0
"""What a light verification costs in processor seconds, more rather than less."""

WHOLE_SECONDS = 90.0
"""What is expected of a whole one where no record says it."""


class Depth(StrEnum):
    """How much of a chapter is verified.

    ``WHOLE``: the audit with all seeds and mutants, both notebooks, the page. ``LIGHT``: the audit
    at one seed, imports, definitions and checks of the notebook. ``TRUSTED``: nothing, its record
    holds.
    """

    WHOLE = "whole"
    LIGHT = "light"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class Step:
    """One chapter's part in a plan."""

    chapter: str
    depth: Depth
    reason: str


def everything(course: Course, reason: str = "everything is verified") -> list[Step]:
    """Plan every chapter as a whole."""
    return [Step(chapter.id, Depth.WHOLE, reason) for chapter in course.chapters]


def only(course: Course, chapters: Iterable[Chapter]) -> list[Step]:
    """Plan some chapters as a whole, and nothing of the others."""
    chosen = {chapter.id for chapter in chapters}
    return [
        Step(chapter.id, Depth.WHOLE, "asked for")
        if chapter.id in chosen
        else Step(chapter.id, Depth.TRUSTED, "not asked for")
        for chapter in course.chapters
    ]


def what_changed(course: Course, day: int, budget: float = BUDGET) -> list[Step]:
    """Plan by what changed since each chapter was last verified as a whole.

    Parameters
    ----------
    course
        All chapters of it are planned.
    day
        The number of the day, by which the rotating parts are chosen.
    budget
        Seconds on two cores for all chapters together. Chapters that no longer fit are verified
        lightly, and the plan says so; their records stay old, so that the next session takes them.
    """
    graph = ImportGraph()
    records = {chapter.id: read_record(course.root, chapter) for chapter in course.chapters}
    wanted = [
        _step(chapter, place, day, records[chapter.id], fingerprint(course, chapter, graph))
        for place, chapter in enumerate(course.chapters)
    ]
    return _within(budget, wanted, records, day)


def _step(chapter: Chapter, place: int, day: int, record: Record | None, now: Fingerprint) -> Step:
    if record is None:
        return Step(chapter.id, Depth.WHOLE, "never verified as a whole")
    if changed := _differing(record.fingerprint.own, now.own):
        return Step(chapter.id, Depth.WHOLE, f"changed: {', '.join(changed)}")
    rooms = _differing(record.fingerprint.rooms, now.rooms)
    rooms += [f"the version of {name}" for name in
              _differing(record.fingerprint.versions, now.versions)]  # fmt: skip
    if rooms:
        reason = f"changed below it: {', '.join(rooms)}"
        if (place + day) % QUARTER == 0:
            return Step(chapter.id, Depth.WHOLE, f"{reason}; its turn among a quarter")
        return Step(chapter.id, Depth.LIGHT, reason)
    if (place + day) % ROTATION == 0:
        return Step(chapter.id, Depth.WHOLE, "unchanged; its turn in the rotation")
    return Step(chapter.id, Depth.TRUSTED, "unchanged since it was verified")


def _within(
    budget: float, wanted: list[Step], records: dict[str, Record | None], day: int
) -> list[Step]:
    """Verify lightly what would burst the budget, another part of it each day."""
    left = 2 * budget - sum(LIGHT_SECONDS for step in wanted if step.depth is not Depth.TRUSTED)
    planned = {step.chapter: step for step in wanted}
    whole = [step for step in wanted if step.depth is Depth.WHOLE]
    turn = day % max(len(whole), 1)
    for step in [*whole[turn:], *whole[:turn]]:
        record = records[step.chapter]
        left -= (record.seconds if record else WHOLE_SECONDS) - LIGHT_SECONDS
        if left < 0:
            reason = f"{step.reason}; TOO MUCH CHANGED AT ONCE: run `make test-all`"
            planned[step.chapter] = Step(step.chapter, Depth.LIGHT, reason)
    return list(planned.values())


def _differing(old: dict[str, str], new: dict[str, str]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def write_plan(path: Path, plan: list[Step]) -> None:
    """Write a plan where a test session finds it."""
    path.write_text(json.dumps({step.chapter: step.depth for step in plan}), encoding="utf-8")


def planned(depth: Depth, chapters: Iterable[Chapter]) -> list[Chapter]:
    """Return those of the chapters that this session verifies at a depth.

    Without a plan, as when pytest is called by hand, every chapter is whole.
    """
    path = os.environ.get(PLAN_VARIABLE)
    plan = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return [c for c in chapters if plan.get(c.id, Depth.WHOLE if not path else None) == depth]
