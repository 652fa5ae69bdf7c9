"""One thing that happened, as the record keeps it, and how it is read back from anywhere.

The same nine fields stand in the database, in the file beside it, in an exported file and in the
storage of a browser that reads the book without a server.
"""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from descent.characters import whole_characters

PREDICTION = "prediction:"
"""What the item of a review begins with where its card is a prediction that was missed.

A prediction and a card of one chapter may have the same id; their reviews must not mix.
"""


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    uid
        A name of its own, so that a record merged twice counts once.
    at
        When it happened, in seconds since 1970 (UTC).
    kind
        ``check``, ``hint``, ``start`` (a chapter was opened), ``review`` (a card), ``predict`` and
        ``outcome`` (a prediction, and what came), ``write`` and ``assess`` (a written exercise, and
        its rubric), ``clock``, ``plan``. A kind that this version does not know is kept.
    chapter, exercise
        What it is about: a chapter's id and, in it, the name of an exercise, a card, a prediction
        or a written exercise. Either may be empty.
    outcome, mistake
        What a check answered, and the mistake it named.
    seconds
        How long the check took.
    data
        What else belongs to its kind, as JSON values.
    """

    uid: str
    at: float
    kind: str
    chapter: str
    exercise: str
    outcome: str | None = None
    mistake: str | None = None
    seconds: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


def new_event(
    kind: str,
    chapter_id: str,
    item: str,
    outcome: str | None = None,
    mistake: str | None = None,
    seconds: float = 0.0,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Return an event that happens now."""
    chapter_id, item = whole_characters(chapter_id), whole_characters(item)
    mistake = None if mistake is None else whole_characters(mistake)
    uid = uuid.uuid4().hex
    return Event(
        uid, time.time(), kind, chapter_id, item, outcome, mistake, seconds, dict(data or {})
    )


def events_from(records: Iterable[Mapping[str, object]]) -> list[Event]:
    """Rebuild events from JSON objects or rows; what is no event is passed over."""
    events = (_event_from(record) for record in records)
    return [event for event in events if event is not None]


def data_text(event: Event) -> str | None:
    """Return an event's data as JSON text, or None where it has none."""
    if not event.data:
        return None
    return whole_characters(json.dumps(dict(event.data), ensure_ascii=False))


def _event_from(record: Mapping[str, object]) -> Event | None:
    outcome, mistake = record.get("outcome"), record.get("mistake")
    try:
        event = Event(
            uid=whole_characters(str(record["uid"])),
            at=_number_from(record["at"]),
            kind=whole_characters(str(record["kind"])),
            chapter=whole_characters(str(record["chapter"])),
            exercise=whole_characters(str(record["exercise"])),
            outcome=None if outcome is None else whole_characters(str(outcome)),
            mistake=None if mistake is None else whole_characters(str(mistake)),
            seconds=_number_from(record.get("seconds") or 0.0),
            data=_data_from(record.get("data")),
        )
    except (KeyError, ValueError):
        return None
    return event if math.isfinite(event.at) and event.uid else None


def _number_from(value: object) -> float:
    return value if isinstance(value, float) else float(str(value))


def _data_from(value: object) -> dict[str, Any]:
    """Read an event's data: an object, the text of one, or nothing.

    Raises
    ------
    ValueError
        When it is anything else.
    """
    if value is None or value == "":
        return {}
    found = json.loads(whole_characters(value)) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise ValueError("an event's data is an object")
    return dict(found)
