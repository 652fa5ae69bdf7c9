"""The record as a table for people: one row an event, in local time, with plain words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from descent.study.days import is_on_the_calendar
from descent.study.events import Event

COLUMNS = (
    "Date",
    "Time",
    "Time zone",
    "What happened",
    "Chapter",
    "About",
    "Outcome",
    "Mistake",
    "Seconds",
    "Details",
    "Id",
)
"""The headings of the columns."""

_WORDS = {
    "check": "answer checked",
    "hint": "hint opened",
    "start": "chapter opened",
    "review": "card reviewed",
    "predict": "prediction made",
    "outcome": "outcome seen",
    "write": "answer written",
    "assess": "answer compared with its rubric",
    "plan": "plan chosen",
}

_INTERNAL = ("clock", "step", "weekend")
"""What belongs to an event and says nothing to a person."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""


def csv_text(events: Iterable[Event]) -> str:
    """Write events as CSV.

    Parameters
    ----------
    events
        In the order in which they are to stand.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in _row(event)] for event in events)
    return out.getvalue()


def _row(event: Event) -> tuple[str, ...]:
    data = dict(event.data)
    what = _WORDS.get(event.kind, event.kind)
    if event.kind == "clock":
        what = f"clock: {data.pop('action', '')}"
    seconds = event.seconds or data.pop("seconds", "")
    return (
        *_local(event.at),
        what,
        event.chapter,
        event.exercise,
        event.outcome or "",
        event.mistake or "",
        f"{seconds:.1f}" if isinstance(seconds, int | float) else str(seconds),
        "; ".join(
            f"{_spaced(name)}: {_said(name, value)}"
            for name, value in data.items()
            if name not in _INTERNAL
        ),
        event.uid,
    )


def _local(at: float) -> tuple[str, str, str]:
    if not is_on_the_calendar(at):
        return "", "", ""
    local = datetime.fromtimestamp(at).astimezone()
    zone = f"{local:%z}"
    return f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}", f"UTC{zone[:3]}:{zone[3:5]}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "when" and isinstance(value, int | float) and is_on_the_calendar(value):
        return f"{datetime.fromtimestamp(value):%Y-%m-%d %H:%M}"
    return str(value)


def _plain(cell: str) -> str:
    """Keep a spreadsheet from taking what a learner wrote for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
