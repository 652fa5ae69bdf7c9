"""Taking in the record of another machine, or of the book in a browser."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.events import Event, events_from
from descent.study.store import VERSION, ProgressStore

_SQLITE = b"SQLite format 3\0"


class UnreadableRecord(CourseError):
    """A file holds no record that can be taken in; the message says what to do."""


@dataclass(frozen=True)
class Merged:
    """What became of a file that was taken in.

    Attributes
    ----------
    new, known
        How many of its events were added, and how many were here already.
    passed_over
        Which of its lines, from 1, are no events; of a database, which of its rows.
    """

    new: int
    known: int
    passed_over: tuple[int, ...]


def merge_record(path: Path, store: ProgressStore | None = None) -> Merged:
    """Add the events of a file to the record. One that is there already counts once.

    Parameters
    ----------
    path
        JSON lines, from ``descent record export`` or a page of the book; or the database of
        another machine, ``progress.sqlite3``.
    store
        The record; by default the learner's own.

    Raises
    ------
    UnreadableRecord
        When the file cannot be read, holds no event, or was written by a newer version of the
        course. Nothing has changed then.
    """
    store = store or ProgressStore()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableRecord(f"{path} cannot be read ({error.strerror}).") from error
    is_database = data.startswith(_SQLITE)
    entries = _rows_of(path) if is_database else _lines_of(path, data)
    events, passed_over = _sorted_out(entries)
    if not events:
        raise UnreadableRecord(f"{path} holds no entry of a record. {_WANTED}")
    new = store.merge([vars(event) for event in events.values()])
    return Merged(new, len(events) - new, tuple(passed_over))


_WANTED = (
    "What can be taken in is a .jsonl file, from descent record export or saved by a page of the "
    "book, or another machine's progress.sqlite3."
)

_Entries = list[tuple[int, dict[str, Any] | None]]


def _sorted_out(entries: _Entries) -> tuple[dict[str, Event], list[int]]:
    events: dict[str, Event] = {}
    passed_over = []
    for number, entry in entries:
        found = events_from([entry] if entry is not None else [])
        if found:
            events[found[0].uid] = found[0]
        else:
            passed_over.append(number)
    return events, passed_over


def _lines_of(path: Path, data: bytes) -> _Entries:
    entries: _Entries = []
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        entries.append((number, entry if isinstance(entry, dict) else None))
        if isinstance(entry, dict):
            _refuse_newer(path, entry.get("layout", VERSION))
    return entries


def _rows_of(path: Path) -> _Entries:
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
            _refuse_newer(path, connection.execute("PRAGMA user_version").fetchone()[0])
            found = connection.execute("SELECT * FROM events NOT INDEXED")
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found]
    except sqlite3.Error as error:
        raise UnreadableRecord(
            f"{path} is a database that cannot be read ({error}). On the machine it comes from, "
            "descent record export FILE.jsonl writes a file that can."
        ) from error
    return [(number, row) for number, row in enumerate(rows, start=1)]


def _refuse_newer(path: Path, layout: object) -> None:
    if isinstance(layout, int) and layout > VERSION:
        raise UnreadableRecord(
            f"{path} was written by a newer version of the course (layout {layout}; this one knows "
            f"{VERSION}). Nothing was taken in. Bring this course up to date (git pull), then "
            "merge again."
        )
