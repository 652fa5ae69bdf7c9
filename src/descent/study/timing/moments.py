"""Times of day, as people write and say them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from descent.errors import CourseError
from descent.study.days import day_of

_TIME = re.compile(r"(\d{1,2})[:.h](\d{2})")


class UnknownMoment(CourseError):
    """A time was given in a form that is not understood, or that cannot be meant."""


def say_moment(at: float, now: float | None = None) -> str:
    """Say a moment in local time: ``10:05``, or with its date where ``now`` is another day's.

    Parameters
    ----------
    at, now
        In seconds since 1970 (UTC). Without ``now`` the date is left out.
    """
    local = datetime.fromtimestamp(at)
    if now is None or day_of(at) == day_of(now):
        return f"{local:%H:%M}"
    return f"{local:%H:%M} on {local:%a} {local.day} {local:%b}"


def first_after(text: str, start: float) -> float:
    """Return the first moment after another that a time of day can mean.

    Parameters
    ----------
    text
        ``18:30``, or a date and a time, ``2026-11-29 18:30``, which means that moment.
    start
        In seconds since 1970 (UTC).

    Raises
    ------
    UnknownMoment
        When the text is no time.
    """
    return _moment(text, start, latest=False)


def last_before(text: str, end: float) -> float:
    """Return the last moment before another that a time of day can mean, as `first_after`."""
    return _moment(text, end, latest=True)


def _moment(text: str, near: float, *, latest: bool) -> float:
    found = _TIME.fullmatch(text.strip())
    try:
        if found is None:
            return datetime.fromisoformat(text.strip()).timestamp()
        hour, minute = int(found[1]), int(found[2])
        day = datetime.fromtimestamp(near)
        first = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except (ValueError, OverflowError, OSError):
        raise UnknownMoment(
            f"'{text}' is no time. Write it as 18:30, or with its date as 2026-11-29 18:30."
        ) from None
    if latest and first.timestamp() > near:
        first -= timedelta(days=1)
    elif not latest and first.timestamp() < near - 60:  # 18:30 is not before 18:30:20
        first += timedelta(days=1)
    return first.timestamp()
