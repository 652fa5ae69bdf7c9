"""The days of a learner: each turns at 04:00 by the clock on the wall; a late evening counts.

The record keeps seconds since 1970 in UTC. Which day that was is worked out when it is read, in the
zone where the learner is now; a change to summer time is the zone's own affair. Days are numbered:
day 0 is 1 January 1970.
"""

from __future__ import annotations

import time
from datetime import date, timedelta

TURNS_AT_HOUR = 4
"""The local hour at which a day begins."""

_FIRST = date(1970, 1, 1)


def day_of(at: float) -> int | None:
    """Number the day of a moment.

    Parameters
    ----------
    at
        Seconds since 1970 (UTC).

    Returns
    -------
    int or None
        Days since 1 January 1970; None where no calendar reaches the moment.
    """
    try:
        offset = time.localtime(at).tm_gmtoff
    except (OverflowError, ValueError, OSError):
        return None
    return int((at + offset - 3_600 * TURNS_AT_HOUR) // 86_400)


def date_of(day: int) -> date:
    """Return the calendar date on which a numbered day began."""
    return _FIRST + timedelta(days=day)
