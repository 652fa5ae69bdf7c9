"""Saying loudly that an embedded default stands in for the real data."""

from __future__ import annotations

import sys

from descent.data.fetch import UnavailableFile

_warned_about: set[str] = set()


def warn_once(wanted: str, instead: str, reason: UnavailableFile) -> None:
    """Say, once a process for each data set, that something else is used and why.

    The line goes to standard error: a notebook shows that in colour in the cell's output.

    Parameters
    ----------
    wanted : the data set asked for.
    instead : the `.source` of what is given.
    reason : why the real one could not be had.
    """
    if wanted in _warned_about:
        return
    _warned_about.add(wanted)
    print(
        f"⚠ NOT {wanted.upper()}: this is {instead}. Numbers and pictures will differ from the "
        f"book's. Why: {reason}",
        file=sys.stderr,
        flush=True,
    )
