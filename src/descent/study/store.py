"""The learner's record: every check, hint, review, prediction and text, every chapter begun.

One SQLite file in the user's data folder, written by as many kernels at once as are open. It uses
SQLite's rollback journal and not its write-ahead log, because home folders are often on a network,
where the write-ahead log is not safe. A record that the file cannot take (it is locked, full,
read-only, or made by a newer version of the course) goes to a JSON-lines file beside it and is
merged at the next good opening. A damaged file takes no more records: it is moved to a backup, and
all that can still be read of it is kept. Nothing here ever fails a check.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from descent.study.events import Event, data_text, events_from, new_event
from descent.study.exercise_states import ExerciseState, summarise
from descent.study.former_ids import with_present_names
from descent.study.paths import home_folder
from descent.study.pending import PendingFile, Record
from descent.study.repair import is_damage, put_damaged_store_away, refuse_damaged

VERSION = 2
"""The layout, kept in SQLite's ``user_version``. The first had no ``data``."""

BUSY_SECONDS = 0.5
"""How long a record waits for another writer before it goes to the file beside the store."""

_SCHEMA = """
CREATE TABLE events (
    uid TEXT PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    chapter TEXT NOT NULL,
    exercise TEXT NOT NULL,
    outcome TEXT,
    mistake TEXT,
    seconds REAL NOT NULL,
    data TEXT
)
"""


class NewerStore(sqlite3.Error):
    """The file was written by a newer version of the course."""


class ProgressStore:
    """The learner's record.

    Parameters
    ----------
    path
        The SQLite file; by default ``progress.sqlite3`` in ``DESCENT_HOME`` or the user's data
        folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = home_folder() / "progress.sqlite3" if path is None else Path(path)
        self.pending = PendingFile(self.path.with_name(f"{self.path.stem}-pending.jsonl"))

    def record_check(
        self,
        chapter_id: str,
        exercise: str,
        outcome: str,
        mistake: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Record what a check answered. Never raises.

        Parameters
        ----------
        chapter_id, exercise
            What was checked.
        outcome
            ``"correct"``, ``"not right yet"``, ``"not attempted"`` or ``"could not grade"``.
        mistake
            The mistake that was named, if one was.
        seconds
            How long the check took.
        """
        self._record(new_event("check", chapter_id, exercise, outcome, mistake, seconds))

    def record_hint(self, chapter_id: str, exercise: str) -> None:
        """Record that one more hint of an exercise was opened. Never raises."""
        self._record(new_event("hint", chapter_id, exercise))

    def record_start(self, chapter_id: str) -> None:
        """Record that work on a chapter began now, which starts the clock. Never raises."""
        self._record(new_event("start", chapter_id, ""))

    def record(self, kind: str, chapter_id: str, item: str, **data: Any) -> Event:
        """Record anything else that happened. Never raises.

        Parameters
        ----------
        kind
            Of what kind it is, see :class:`Event`.
        chapter_id, item
            What it is about; empty where it is about the whole chapter, or no chapter.
        data
            What belongs to the kind, as JSON values.

        Returns
        -------
        Event
            What was recorded, with its uid and its time.
        """
        event = new_event(kind, chapter_id, item, data=data)
        self._record(event)
        return event

    def merge(self, records: Iterable[Record]) -> int:
        """Add events of another machine or of the book; those that are here already count once.

        Parameters
        ----------
        records
            Events as JSON objects; what is no event is passed over.

        Returns
        -------
        int
            How many were new.
        """
        known = {event.uid for event in self.events()}
        new = {event.uid: event for event in events_from(records) if event.uid not in known}
        if new:
            self._record(*new.values())
        return len(new)

    def events(self, chapter_id: str | None = None) -> list[Event]:
        """Return what happened, oldest first, in one chapter or in all of them. Never raises."""
        try:
            events = self._all_events()
        except (sqlite3.Error, OSError) as error:
            events = self._events_after(error)
        named = with_present_names(list(events))
        wanted = (event for event in named if chapter_id in (None, event.chapter))
        return sorted(wanted, key=lambda event: event.at)  # of one moment in the order they came

    def is_newer(self) -> bool:
        """Say whether a newer version of the course made the file: this one cannot read it."""
        try:
            if self.path.exists():
                _connect(self.path).close()
        except NewerStore:
            return True
        except (sqlite3.Error, OSError):
            pass
        return False

    def exercise_states(self, chapter_id: str) -> dict[str, ExerciseState]:
        """Return how the learner stands with each exercise of a chapter that was ever touched."""
        return summarise(self.events(chapter_id))

    def hints_opened(self, chapter_id: str, exercise: str) -> int:
        """Return how many hints of an exercise were opened."""
        return self._state(chapter_id, exercise).hints

    def last_mistake(self, chapter_id: str, exercise: str) -> str | None:
        """Return the mistake that the latest check of an exercise named, if it named one."""
        return self._state(chapter_id, exercise).last_mistake

    def _state(self, chapter_id: str, exercise: str) -> ExerciseState:
        return self.exercise_states(chapter_id).get(exercise, ExerciseState(exercise))

    def _record(self, *events: Event) -> None:
        try:
            self._save(list(events))
        except (sqlite3.Error, OSError) as error:
            self.pending.append(*map(vars, events))  # before anything else is tried
            if not self._repaired(error):
                self._explain(error, writing=True)

    def _save(self, events: list[Event]) -> None:
        """Write events to the file, and those that could not be written to it before.

        Another process may have put the file away while it was written to. Then what was written
        went with it, and is written again.
        """
        written_to = None
        while written_to is None or written_to != _file_number(self.path):
            written_to = _file_number(self.path)
            with contextlib.closing(_connect(self.path)) as connection:
                _bring_up_to_date(connection)
                _insert(connection, events)
                self.pending.drain(lambda records: _insert(connection, events_from(records)))

    def _all_events(self) -> Iterable[Event]:
        waiting = events_from(self.pending.read())  # first: from here they go to the file
        found: list[Event] = []
        if self.path.exists():
            with contextlib.closing(_connect(self.path)) as connection:
                found = _select(connection)
        return {event.uid: event for event in (*found, *waiting)}.values()

    def _events_after(self, error: Exception) -> Iterable[Event]:
        """Read the events although the file could not be read: repaired, or without it."""
        if self._repaired(error):
            with contextlib.suppress(sqlite3.Error, OSError):
                return self._all_events()
        else:
            self._explain(error, writing=False)
        return events_from(self.pending.read())

    def _repaired(self, error: Exception) -> bool:
        """Put a damaged file away; return whether a new one holds what could be read of it."""
        if not is_damage(error):
            return False
        saved: list[Event] = []

        def keep(records: list[Record]) -> None:
            saved.extend(events_from(records))
            self.pending.append(*map(vars, saved))
            if self.pending.in_memory:
                raise OSError("nothing can be written beside it")

        try:
            backup = put_damaged_store_away(self.path, keep)
            if backup is not None:
                self._warn(
                    f"Your record of progress was damaged. It was moved to {backup}; {len(saved)} "
                    "entries of it were saved, and a new record was begun with them."
                )
            self._save([])
        except (sqlite3.Error, OSError):
            return False
        return True

    def _explain(self, error: Exception, *, writing: bool) -> None:
        if isinstance(error, NewerStore):
            reason = "was made by a newer version of this course (git pull brings it)"
        else:
            reason = f"cannot be used now ({error})"
        if not writing:
            self._warn(f"Your record of progress, {self.path}, {reason}.")
        elif self.pending.in_memory:
            self._warn(
                f"Your record of progress, {self.path}, {reason}, and nothing can be written "
                "beside it. Results are kept until this kernel or command ends."
            )
        else:
            self._warn(
                f"Your record of progress, {self.path}, {reason}. "
                f"Nothing is lost: results go to {self.pending.path} and are merged later."
            )

    def _warn(self, message: str) -> None:
        """Say something once in a process; not a Python warning, which could be an error."""
        if message not in _already_said:
            _already_said.add(message)
            print(f"descent: {message}", file=sys.stderr)


_already_said: set[str] = set()


def _file_number(path: Path) -> tuple[int, int] | None:
    """Return which file goes by a path now, or None where none does."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file.

    Raises
    ------
    NewerStore
        When a newer version of the course made it.
    sqlite3.Error, OSError
        When it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
    try:
        if _version(connection) > VERSION:
            raise NewerStore(f"layout {_version(connection)}, newer than {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the table when the file is new, and give an older one what it lacks."""
    if _version(connection) == VERSION:
        return
    with _transaction(connection):
        version = _version(connection)  # another kernel may have done it while we waited
        if version == 0:
            connection.execute(_SCHEMA)
        elif version == 1:
            connection.execute("ALTER TABLE events ADD COLUMN data TEXT")
        if version < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing, having waited for other writers before the first read."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _insert(connection: sqlite3.Connection, events: list[Event]) -> None:
    with _transaction(connection):
        refuse_damaged(connection)
        connection.executemany(
            "INSERT OR IGNORE INTO events VALUES (:uid, :at, :kind, :chapter, :exercise, :outcome, "
            ":mistake, :seconds, :data)",
            [{**vars(event), "data": data_text(event)} for event in events],
        )


def _select(connection: sqlite3.Connection) -> list[Event]:
    if _version(connection) == 0:
        return []  # another kernel has made the file, and not yet its table
    found = connection.execute("SELECT * FROM events NOT INDEXED")
    columns = [column[0] for column in found.description]
    return events_from(dict(zip(columns, row, strict=True)) for row in found)
