"""The plan of the weekend, as ``book/sprint.yml`` says it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.header import Written
from descent.study.paths import course_root
from descent.study.yaml_text import NotYaml, from_yaml

KINDS = ("work", "explain", "notes", "break", "meal")
RESTS = ("break", "meal")

SPRINT = "sprint"
"""What stands for the chapter in the record of the sprint's written exercises."""


class PlanError(CourseError):
    """The plan cannot be read, or has nothing of the name that was asked for."""


@dataclass(frozen=True)
class Elsewhere:
    """A source outside the course: its title, its address, and what to skip in it."""

    title: str
    url: str
    skip: str = ""


@dataclass(frozen=True)
class Block:
    """One block of the plan.

    Attributes
    ----------
    id
        Its name in the record.
    kind
        ``work``, ``explain``, ``notes``, ``break`` or ``meal``.
    title, do, why
        What it is, what to do, and for what; a rest needs no more than a title.
    minutes
        How long it is planned to take.
    places
        Chapters and sections to do it with, where they stand: ``part/NN_slug#section``.
    otherwise
        What to do it with where none of them stands, or None.
    gives_way
        Whether it is left out first when time runs short.
    """

    id: str
    kind: str
    title: str
    minutes: int
    do: str = ""
    why: str = ""
    places: tuple[str, ...] = ()
    otherwise: Elsewhere | None = None
    gives_way: bool = False

    @property
    def is_rest(self) -> bool:
        """Whether it is a break or a meal."""
        return self.kind in RESTS


@dataclass(frozen=True)
class Day:
    """One day of the plan."""

    title: str
    aim: str
    blocks: tuple[Block, ...]

    @property
    def minutes(self) -> int:
        """How long it takes, rests included."""
        return sum(block.minutes for block in self.blocks)

    @property
    def rest_minutes(self) -> int:
        """How long its rests are."""
        return sum(block.minutes for block in self.blocks if block.is_rest)


@dataclass(frozen=True)
class Skip:
    """Something to leave out, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Plan:
    """The whole weekend; it is also where its written exercises stand, as in a chapter."""

    title: str
    source: str
    days: tuple[Day, ...]
    skips: tuple[Skip, ...]
    written: tuple[Written, ...]

    @property
    def id(self) -> str:
        """What stands for the chapter in the record."""
        return SPRINT

    @property
    def heading(self) -> str:
        """What the weekend is called in a sentence."""
        return self.title

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of all days, in order."""
        return tuple(block for day in self.days for block in day.blocks)

    def block(self, name: str) -> Block | None:
        """Return the block of an id, or None where there is none (any more)."""
        return next((block for block in self.blocks if block.id == name), None)

    def day_of(self, name: str) -> int | None:
        """Return which day a block belongs to, from 0; None where there is no such block."""
        for number, day in enumerate(self.days):
            if any(block.id == name for block in day.blocks):
                return number
        return None


def load_plan(root: Path | None = None) -> Plan:
    """Read the plan.

    Parameters
    ----------
    root
        The course folder; by default the course's own.

    Raises
    ------
    PlanError
        When the file is missing or wrong; the message names the place.
    """
    path = (root or course_root()) / "book" / "sprint.yml"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror}).") from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Plan:
    fields = read_yaml(path)
    try:
        plan = Plan(
            str(fields["title"]),
            str(fields["source"]),
            tuple(_day(day) for day in fields["days"]),
            tuple(Skip(**skip) for skip in fields["skips"]),
            tuple(
                Written(str(one["id"]), one["ask"], tuple(one["rubric"]), one["answer"])
                for one in fields["written"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"{path}: the plan is not complete, or has too much ({error}).") from error
    ids = [block.id for block in plan.blocks]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise PlanError(f"{path}: the id of a block stands twice: {', '.join(sorted(twice))}.")
    return plan


def _day(fields: dict[str, Any]) -> Day:
    return Day(str(fields["title"]), str(fields["aim"]), tuple(map(_block, fields["blocks"])))


def _block(fields: dict[str, Any]) -> Block:
    more = dict(fields)
    otherwise = more.pop("otherwise", None)
    places = tuple(more.pop("places", ()))
    block = Block(**more, places=places, otherwise=Elsewhere(**otherwise) if otherwise else None)
    if block.kind not in KINDS:
        raise ValueError(f"block {block.id} is of no known kind: {block.kind}")
    if not isinstance(block.minutes, int) or block.minutes <= 0:
        raise ValueError(f"block {block.id} needs a whole number of minutes")
    if not block.is_rest and not (block.do and block.why):
        raise ValueError(f"block {block.id} does not say what to do, or why")
    return block


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds names and their values.

    Raises
    ------
    PlanError
        When it is not YAML, or holds something else.
    OSError
        When it cannot be read.
    """
    try:
        fields = from_yaml(path.read_text(encoding="utf-8"))
    except (NotYaml, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: is not YAML ({error}).") from error
    if not isinstance(fields, dict):
        raise PlanError(f"{path}: holds no entries.")
    return fields
