"""Days and weeks as a learner counts them: a night's work belongs to the day before."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from time import localtime

DAY_TURNS = time(4)
"""The local time at which a day begins: who works past midnight is not in a new day yet."""

_FIRST = date(1970, 1, 1)
_YEAR_3000 = 32_503_680_000.0


def is_on_the_calendar(at: float) -> bool:
    """Say whether a moment (seconds since 1970, UTC) can be one at which somebody worked."""
    return 0.0 <= at < _YEAR_3000


def day_number(at: float) -> int:
    """Number the day to which a moment belongs.

    The record keeps seconds in UTC. Which day that was is worked out when it is read, in the zone
    where the learner is now; a change to summer time is the zone's own affair.

    Parameters
    ----------
    at
        The moment, in seconds since 1970 (UTC); on the calendar.

    Returns
    -------
    int
        Days since 1 January 1970.
    """
    return int((at + localtime(at).tm_gmtoff - 3_600 * DAY_TURNS.hour) // 86_400)


def date_of(number: int) -> date:
    """Return the date on which a numbered day begins."""
    return _FIRST + timedelta(days=number)


def day_of(at: float) -> date:
    """Return the day to which a moment (seconds since 1970, UTC) belongs."""
    return date_of(day_number(at))


def week_of(at: float) -> date:
    """Return the Monday of the week to which a moment (seconds since 1970, UTC) belongs."""
    day = day_of(at)
    return day - timedelta(days=day.weekday())


def beginning_of(day: date) -> float:
    """Return when a day begins, in seconds since 1970 (UTC): 04:00 local time."""
    return datetime.combine(day, DAY_TURNS).timestamp()
