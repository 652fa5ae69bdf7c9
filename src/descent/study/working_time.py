"""How long the learner worked, estimated from the times of their checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from descent.study.events import Event

BREAK_MINUTES = 20.0
"""A longer silence than this is a break, of which nothing is counted."""

_NO_WORK = ("clock", "plan")
"""Records that are no step of the work: a clock says for itself what it counts."""


def minutes_worked(events: Iterable[Event]) -> dict[tuple[str, str], float]:
    """Estimate the minutes given to each exercise.

    The time between two records belongs to the exercise of the second: it was spent getting there.
    A silence longer than 20 minutes counts as a break and adds nothing, so the estimate errs on the
    low side. Records of several notebooks are taken in one sequence, so no minute counts twice.

    Parameters
    ----------
    events
        Everything that happened, in all chapters.

    Returns
    -------
    dict
        Minutes by (chapter id, exercise); the exercise is empty for the start of a chapter.
    """
    minutes: dict[tuple[str, str], float] = defaultdict(float)
    for start, end, event in estimated_stretches(events):
        minutes[event.chapter, event.exercise] += (end - start) / 60.0
    return dict(minutes)


def estimated_stretches(events: Iterable[Event]) -> Iterator[tuple[float, float, Event]]:
    """Go through the stretches of time that `minutes_worked` adds up.

    Yields
    ------
    tuple
        When one begins and ends, in seconds since 1970 (UTC), and the record that it led to.
    """
    ordered = sorted(
        (event for event in events if event.kind not in _NO_WORK), key=lambda event: event.at
    )
    for before, event in zip(ordered, ordered[1:], strict=False):
        if event.at - before.at <= 60.0 * BREAK_MINUTES and event.kind != "start":
            yield before.at, event.at, event
