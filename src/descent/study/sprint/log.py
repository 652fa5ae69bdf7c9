"""The log of a sprint, day by day: of the learner, or the one that the source published."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from descent.study.days import day_of
from descent.study.paths import course_root
from descent.study.sprint.plan import PlanError, read_yaml
from descent.study.sprint.weekend import Weekend
from descent.study.timing.summary import say_day

WORK, REST, UNKNOWN = "work", "break", "not said"
RESTING = ("break", "meditation")
"""What the published log calls a break."""


@dataclass(frozen=True)
class Entry:
    """One line of a log.

    Attributes
    ----------
    what
        Its words.
    start, minutes
        When it began, in minutes since the day's beginning, and how long it took.
    kind
        ``work``, ``break`` or ``not said``.
    """

    what: str
    start: float
    minutes: float
    kind: str


@dataclass(frozen=True)
class LogDay:
    """One day of a log.

    Attributes
    ----------
    title
        What the day is called.
    started
        Its first minute, as a time of day: ``10:00``.
    minutes
        From its first minute to its last, with what no entry tells of.
    entries
        Its lines, in order.
    """

    title: str
    started: str
    minutes: float
    entries: tuple[Entry, ...]

    def total(self, kind: str) -> float:
        """Return the minutes of one kind of entry."""
        return sum(entry.minutes for entry in self.entries if entry.kind == kind)

    @property
    def untold(self) -> float:
        """The minutes of the day of which no entry tells."""
        return max(0.0, self.minutes - sum(entry.minutes for entry in self.entries))


def total(days: Sequence[LogDay], kind: str) -> float:
    """Return the minutes of one kind of entry over all days."""
    return sum(day.total(kind) for day in days)


def published_log(root: Path | None = None) -> tuple[LogDay, ...]:
    """Read the log that the sprint's source published, entry by entry.

    Parameters
    ----------
    root
        The course folder; by default the course's own.

    Raises
    ------
    PlanError
        When the file is missing or wrong.
    """
    path = (root or course_root()) / "book" / "sprint-log.yml"
    try:
        fields = read_yaml(path)
        return tuple(_published_day(day) for day in fields["days"])
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror}).") from error
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"{path}: is no log ({error}).") from error


def _published_day(fields: dict[str, object]) -> LogDay:
    entries: list[Entry] = []
    at = 0.0
    listed = fields["entries"]
    if not isinstance(listed, list):
        raise TypeError("a day has a list of entries")
    for what, duration in listed:
        minutes = minutes_of(str(duration))
        entries.append(Entry(str(what), at, minutes, _kind_of(str(what))))
        at += minutes
    started, ended = str(fields["started"]), str(fields["ended"])
    length = (_clock(ended) - _clock(started)).total_seconds() / 60
    return LogDay(str(fields["title"]), started, length, tuple(entries))


def _clock(text: str) -> datetime:
    return datetime.strptime(text, "%H:%M")


def minutes_of(text: str) -> int:
    """Read a duration as the published log writes it: ``28 min``, ``1hr 6min``, ``120 mins``.

    Raises
    ------
    ValueError
        When it is written otherwise.
    """
    found = re.fullmatch(r"(?:(\d+)hr )?(\d+) ?mins?", text)
    if found is None:
        raise ValueError(f"{text} is no duration")
    return 60 * int(found[1] or 0) + int(found[2])


def _kind_of(what: str) -> str:
    if set(what) == {"?"}:
        return UNKNOWN
    return REST if what.casefold() in RESTING else WORK


def own_log(weekend: Weekend) -> tuple[LogDay, ...]:
    """Make the log of a learner's sprint; a gap between two clocks is said to be one.

    Parameters
    ----------
    weekend
        The sprint.
    """
    by_day: dict[str, list[tuple[float, float, str, str]]] = {}
    for clock in weekend.clocks:
        for span in clock.spans:
            kind = WORK if clock.works else REST
            day = say_day(day_of(span.start))
            by_day.setdefault(day, []).append((span.start, span.end, clock.what, kind))
    return tuple(_own_day(title, spans) for title, spans in by_day.items())


def _own_day(title: str, spans: list[tuple[float, float, str, str]]) -> LogDay:
    spans = sorted(spans)
    first = at = spans[0][0]
    entries: list[Entry] = []
    for start, end, what, kind in spans:
        start = max(start, at)
        if start - at >= 60.0:
            entries.append(Entry("???", (at - first) / 60, (start - at) / 60, UNKNOWN))
        if end > start:
            entries.append(Entry(what, (start - first) / 60, (end - start) / 60, kind))
        at = max(at, end)
    started = f"{datetime.fromtimestamp(first):%H:%M}"
    return LogDay(title, started, (at - first) / 60, tuple(entries))
