"""What the server answers at ``/descent/events``: the learner's record, for the pages of the book.

A page that is read under ``make start`` keeps what the learner does in the record of the course,
beside what notebooks and the terminal put there. It reads all events, and adds events that it made.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from descent.errors import CourseError
from descent.study.pending import Record
from descent.study.store import ProgressStore

MOST_BYTES = 4 * 2**20
"""The most that is taken at once. A page sends a part of that, and the rest after it."""

LONGEST_NAME = 200
"""The most characters of a uid, a kind or a name. Those of the course are far shorter."""

_NAMES = ("uid", "kind", "chapter", "exercise")
_NEVER_EMPTY = ("uid", "kind")


class RefusedEvents(CourseError):
    """What was sent is no list of events; the message says which part of it is wrong."""


class EventsHandler(APIHandler):
    """The record: all of it is read, and events are added. None is ever changed or removed."""

    auth_resource = "contents"

    @property
    def content_security_policy(self) -> str:
        """Allow nothing: this is data, whatever a browser takes it for."""
        return "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Send every event, oldest first, and the cookie that adding events asks for."""
        self.xsrf_token  # noqa: B018  (reading it sets the cookie)
        store = ProgressStore()
        events = await asyncio.to_thread(store.events)
        await self._answer(store, {"events": [_json_object(vars(event)) for event in events]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Add the events that are not here yet, and say how many that were."""
        if len(self.request.body) > MOST_BYTES:
            self._refuse(413, f"At most {MOST_BYTES // 2**20} MiB are taken at once.")
            return
        try:
            records = read_events(self.request.body)
        except RefusedEvents as error:
            self._refuse(400, str(error))
            return
        store = ProgressStore()
        stored = await asyncio.to_thread(store.merge, records)
        await self._answer(store, {"stored": stored})

    async def _answer(self, store: ProgressStore, answer: dict[str, Any]) -> None:
        if await asyncio.to_thread(store.is_newer):
            answer["notice"] = (
                "Your record was made by a newer version of this course, so only what was added "
                "since is shown here. Nothing is lost. Bring the course up to date with git pull."
            )
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(answer, allow_nan=False))

    def _refuse(self, status: int, sentence: str) -> None:
        self.set_status(status)
        self.finish(json.dumps({"message": sentence}))


def read_events(body: bytes) -> list[Record]:
    """Read ``{"events": [...]}``, and refuse all of it where one event is not one.

    Raises
    ------
    RefusedEvents
        When it is anything else.
    """
    try:
        sent = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RefusedEvents("What was sent is not JSON.") from None
    events = sent.get("events") if isinstance(sent, dict) else None
    if not isinstance(events, list):
        raise RefusedEvents('What was sent is not {"events": [...]}.')
    for place, event in enumerate(events, start=1):
        problem = _problem(event)
        if problem:
            raise RefusedEvents(f"Event {place} of {len(events)}: {problem}")
    return events


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _problem(event: object) -> str | None:
    """Say in a sentence what is wrong with an event, or return None."""
    if not isinstance(event, dict):
        return "it is not an object."
    for name in _NAMES:
        value = event.get(name)
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            return f"'{name}' must be a text of at most {LONGEST_NAME} characters."
        if not value and name in _NEVER_EMPTY:
            return f"'{name}' must not be empty."
    if not _is_number(event.get("at")):
        return "'at' must be a number of seconds since 1970."
    if not _is_number(event.get("seconds", 0.0)):
        return "'seconds' must be a number."
    if not isinstance(event.get("data", {}), dict):
        return "'data' must be an object."
    for name in ("outcome", "mistake"):
        if not isinstance(event.get(name), str | None):
            return f"'{name}' must be a text or null."
    return None


def _is_number(value: object) -> bool:
    """Say whether JSON gave a finite number; to Python, true and false are numbers too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _json_object(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event that JSON can hold: a number that is none becomes null."""
    return {**event, "data": _finite(event["data"]), "seconds": _finite(event["seconds"])}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def handlers(base_url: str) -> list[tuple[Any, ...]]:
    """Return what is to be added to a server at this address."""
    return [(url_path_join(base_url, "descent/events"), EventsHandler)]
