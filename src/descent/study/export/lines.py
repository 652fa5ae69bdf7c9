"""The record as JSON lines: one event a line, as the book's pages save and load them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from descent.study.events import Event
from descent.study.store import VERSION


def json_lines(events: Iterable[Event]) -> str:
    """Write events as JSON lines; each says the layout it is written in.

    Parameters
    ----------
    events
        In the order in which they are to stand.
    """
    lines = (
        json.dumps({**vars(event), "data": dict(event.data), "layout": VERSION}, ensure_ascii=False)
        for event in events
    )
    return "".join(f"{line}\n" for line in lines)
