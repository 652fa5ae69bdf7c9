"""The learner's record at ``/descent/events``: read by a page, added to by a page."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from programs import PATIENCE

from descent.serving.record_api import MOST_BYTES
from descent.study.store import VERSION, ProgressStore

ADDRESS = "/descent/events"
EVENT = {"uid": "a1", "at": 1.7e9, "kind": "review", "chapter": "ladder/01_one", "exercise": "x"}


@pytest.fixture
def store(start_environment: dict[str, str]) -> Iterator[ProgressStore]:
    """Return the record of the running course, empty at first and removed at the end."""
    store = ProgressStore(Path(start_environment["DESCENT_HOME"]) / "progress.sqlite3")
    for path in (store.path, store.pending.path):
        path.unlink(missing_ok=True)
    yield store
    for path in (store.path, store.pending.path):
        path.unlink(missing_ok=True)


class Reply:
    """What the server answered."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers = status, headers
        self.said: dict[str, Any] = json.loads(body) if body else {}


@pytest.fixture
def ask(served) -> Callable[..., Reply]:
    """Return a function that asks the server, logged in by the token unless told otherwise."""

    def ask(method: str, body: Any = None, **headers: str) -> Reply:
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        own = headers or {"Authorization": f"token {served.token}"}
        with closing(HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)) as connection:
            connection.request(method, ADDRESS, body=sent, headers=own)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    return ask


def test_events_are_added_once_and_read_again(
    ask: Callable[..., Reply], store: ProgressStore
) -> None:
    event = {**EVENT, "data": {"remembered": True, "seconds": 4.5}}
    assert ask("POST", {"events": [event]}).said == {"stored": 1}
    assert ask("POST", {"events": [event, {**event, "uid": "a2"}]}).said == {"stored": 1}
    assert [kept.data for kept in store.events()] == [event["data"]] * 2
    store.record_check("ladder/01_one", "predict", "correct", seconds=0.1)
    reply = ask("GET")
    assert [one["kind"] for one in reply.said["events"]] == ["review", "review", "check"]
    assert reply.said["events"][2]["outcome"] == "correct"
    assert reply.said["events"][0]["data"] == event["data"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


@pytest.mark.parametrize(
    "body, words",
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"events": [{"at": NaN}]}', "is not JSON"),
        ([], 'is not {"events": [...]}'),
        ({"events": {}}, 'is not {"events": [...]}'),
        ({"events": [EVENT, 7]}, "Event 2 of 2: it is not an object."),
        ({"events": [{**EVENT, "uid": ""}]}, "'uid' must not be empty."),
        ({"events": [{**EVENT, "uid": 7}]}, "'uid' must be a text"),
        (
            {"events": [{**EVENT, "exercise": "x" * 201}]},
            "'exercise' must be a text of at most 200",
        ),
        ({"events": [{**EVENT, "at": "now"}]}, "'at' must be a number of seconds since 1970."),
        ({"events": [{**EVENT, "at": True}]}, "'at' must be a number of seconds since 1970."),
        ({"events": [{**EVENT, "at": 10**400}]}, "'at' must be a number of seconds since 1970."),
        ({"events": [{**EVENT, "data": []}]}, "'data' must be an object."),
        ({"events": [{**EVENT, "outcome": 1}]}, "'outcome' must be a text or null."),
    ],
)
def test_what_is_no_event_is_refused_in_a_sentence_and_nothing_is_kept(
    ask: Callable[..., Reply], store: ProgressStore, body: Any, words: str
) -> None:
    reply = ask("POST", body)
    assert reply.status == 400
    assert words in reply.said["message"]
    assert store.events() == []


def test_too_much_at_once_is_refused(ask: Callable[..., Reply], store: ProgressStore) -> None:
    reply = ask("POST", {"events": [{**EVENT, "data": {"text": "x" * MOST_BYTES}}]})
    assert (reply.status, reply.said) == (413, {"message": "At most 4 MiB are taken at once."})
    assert store.events() == []


def test_without_the_login_nothing_is_read_or_added(
    ask: Callable[..., Reply], store: ProgressStore
) -> None:
    store.record_check("ladder/01_one", "predict", "correct")
    for reply in (ask("GET", Accept="*/*"), ask("POST", {"events": [EVENT]}, Accept="*/*")):
        assert reply.status == 403
        assert "events" not in reply.said
    assert len(store.events()) == 1


def test_a_page_of_another_site_cannot_add_events(
    ask: Callable[..., Reply], served, store: ProgressStore
) -> None:
    """A login by cookie needs the token of the cookie too, which only our own pages can read."""
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)) as connection:
        connection.request("GET", f"{ADDRESS}?token={served.token}")
        response = connection.getresponse()
        response.read()
        cookies = "; ".join(
            cookie.split(";")[0] for cookie in response.headers.get_all("Set-Cookie")
        )
    assert ask("POST", {"events": [EVENT]}, Cookie=cookies).status == 403
    assert store.events() == []
    [token] = re.findall(r"_xsrf=([^;]+)", cookies)
    headers = {"Cookie": cookies, "X-XSRFToken": token}
    assert ask("POST", {"events": [EVENT]}, **headers).said == {"stored": 1}
    stranger = {**headers, "Origin": "http://elsewhere.example"}
    assert ask("POST", {"events": [{**EVENT, "uid": "b"}]}, **stranger).status == 404


def test_a_record_of_a_newer_version_is_said_so_and_loses_nothing(
    ask: Callable[..., Reply], store: ProgressStore
) -> None:
    store.record_start("ladder/01_one")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    reply = ask("POST", {"events": [EVENT]})
    assert reply.said["stored"] == 1
    assert "made by a newer version of this course" in reply.said["notice"]
    reply = ask("GET")
    assert [event["uid"] for event in reply.said["events"]] == ["a1"]
    assert "Nothing is lost." in reply.said["notice"]
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    assert [event.kind for event in store.events()] == ["review", "start"]
