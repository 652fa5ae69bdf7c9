"""How long the learner worked, estimated from the times of their checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from descent.study.events import Event

BREAK_MINUTES = 20.0
"""A longer silence than this is a break, of which nothing is counted."""


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
    ordered = sorted(events, key=lambda event: event.at)
    for before, event in zip(ordered, ordered[1:], strict=False):
        gap = (event.at - before.at) / 60.0
        if gap <= BREAK_MINUTES and event.kind != "start":
            minutes[event.chapter, event.exercise] += gap
    return dict(minutes)
