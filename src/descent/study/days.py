"""Days and weeks as a learner counts them: a night's work belongs to the day before."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

DAY_TURNS = time(4)
"""The local time at which a day begins: who works past midnight is not in a new day yet."""

_YEAR_3000 = 32_503_680_000.0


def is_on_the_calendar(at: float) -> bool:
    """Say whether a moment (seconds since 1970, UTC) can be one at which somebody worked."""
    return 0.0 <= at < _YEAR_3000


def day_of(at: float) -> date:
    """Return the day to which a moment belongs.

    Parameters
    ----------
    at
        The moment, in seconds since 1970 (UTC).
    """
    local = datetime.fromtimestamp(at)
    return local.date() - timedelta(days=local.time() < DAY_TURNS)


def week_of(at: float) -> date:
    """Return the Monday of the week to which a moment (seconds since 1970, UTC) belongs."""
    day = day_of(at)
    return day - timedelta(days=day.weekday())


def beginning_of(day: date) -> float:
    """Return when a day begins, in seconds since 1970 (UTC): 04:00 local time."""
    return datetime.combine(day, DAY_TURNS).timestamp()
