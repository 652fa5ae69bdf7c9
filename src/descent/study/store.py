"""The learner's record: every check, every hint opened, every chapter begun.

One SQLite file in the user's data folder, written by as many kernels at once as are open. It uses
SQLite's rollback journal and not its write-ahead log, because home folders are often on a network,
where the write-ahead log is not safe. A record that the file cannot take (it is locked, full,
read-only, or made by a newer version of the course) goes to a JSON-lines file beside it and is
merged at the next good opening; a corrupt file is moved to a backup, and what can still be read
of it is kept. Nothing here ever fails a check.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

from descent.grading.report import CORRECT, NOT_ATTEMPTED
from descent.study.paths import home_folder
from descent.study.pending import PendingFile
from descent.study.repair import move_corrupt_store_away

T = TypeVar("T")

VERSION = 1
"""The version of the file's layout, kept in SQLite's ``user_version``."""

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
    seconds REAL NOT NULL
)
"""


class NewerStore(sqlite3.Error):
    """The file was written by a newer version of the course."""


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
        ``check``, ``hint`` or ``start``.
    chapter, exercise
        Where; ``exercise`` is empty for a ``start``.
    outcome, mistake
        What a check answered, and the mistake it named.
    seconds
        How long the check took.
    """

    uid: str
    at: float
    kind: str
    chapter: str
    exercise: str
    outcome: str | None = None
    mistake: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class ExerciseState:
    """How a learner stands with one exercise.

    Attributes
    ----------
    exercise
        Its name.
    tries
        How many checks had something to judge.
    done
        Whether a check has ever answered "correct".
    outcome
        What the latest check answered, or None when there was none.
    last_mistake
        The mistake the latest check named, if it named one.
    hints
        How many hints were opened.
    """

    exercise: str
    tries: int = 0
    done: bool = False
    outcome: str | None = None
    last_mistake: str | None = None
    hints: int = 0


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
            ``"correct"``, ``"not right yet"`` or ``"not attempted"``.
        mistake
            The mistake that was named, if one was.
        seconds
            How long the check took.
        """
        self._record(_new_event("check", chapter_id, exercise, outcome, mistake, seconds))

    def record_hint(self, chapter_id: str, exercise: str) -> None:
        """Record that one more hint of an exercise was opened. Never raises."""
        self._record(_new_event("hint", chapter_id, exercise))

    def record_start(self, chapter_id: str) -> None:
        """Record that work on a chapter began now, which starts the clock. Never raises."""
        self._record(_new_event("start", chapter_id, ""))

    def events(self, chapter_id: str | None = None) -> list[Event]:
        """Return what happened, oldest first, in one chapter or in all of them. Never raises."""
        found: list[Event] = []
        try:
            if self.path.exists():
                found = self._use(lambda connection: _select(connection, chapter_id))
        except (sqlite3.Error, OSError) as error:
            self._explain(error, writing=False)
        waiting = (_event_from(record) for record in self.pending.read())
        known = {event.uid: event for event in found}
        for event in waiting:
            if event is not None and chapter_id in (None, event.chapter):
                known.setdefault(event.uid, event)
        return sorted(known.values(), key=lambda event: (event.at, event.uid))

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

    def _record(self, event: Event) -> None:
        def write(connection: sqlite3.Connection) -> None:
            _insert(connection, [event])
            self._merge_pending(connection)

        try:
            self._use(write)
        except (sqlite3.Error, OSError) as error:
            self.pending.append(vars(event))
            self._explain(error, writing=True)

    def _merge_pending(self, connection: sqlite3.Connection) -> None:
        """Take into the file what could not be written to it before."""

        def take(records: list[dict[str, object]]) -> None:
            events = [_event_from(record) for record in records]
            _insert(connection, [event for event in events if event is not None])

        self.pending.drain(take)

    def _use(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the file opened, repairing it first when it proves to be corrupt."""
        try:
            return self._use_once(action)
        except sqlite3.DatabaseError as error:
            if not _is_corruption(error):
                raise
        self._repair()
        return self._use_once(action)

    def _use_once(self, action: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(_connect(self.path)) as connection:
            return action(connection)

    def _repair(self) -> None:
        backup = move_corrupt_store_away(self.path)
        if backup is None:
            return
        saved = _salvage(backup)
        with contextlib.closing(_connect(self.path)) as connection:
            _insert(connection, saved)
        self._warn(
            f"Your record of progress could not be read. It was moved to {backup}; "
            f"{len(saved)} entries of it were saved, and a new record was begun."
        )

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


def summarise(events: Iterable[Event]) -> dict[str, ExerciseState]:
    """Reduce one chapter's events, oldest first, to a state for each exercise."""
    states: dict[str, ExerciseState] = {}
    for event in events:
        if event.kind == "start":
            continue
        old = states.get(event.exercise, ExerciseState(event.exercise))
        is_check = event.kind == "check"
        states[event.exercise] = ExerciseState(
            exercise=event.exercise,
            tries=old.tries + (is_check and event.outcome != NOT_ATTEMPTED),
            done=old.done or event.outcome == CORRECT,
            outcome=event.outcome if is_check else old.outcome,
            last_mistake=event.mistake if is_check else old.last_mistake,
            hints=old.hints + (event.kind == "hint"),
        )
    return states


def _new_event(
    kind: str,
    chapter_id: str,
    exercise: str,
    outcome: str | None = None,
    mistake: str | None = None,
    seconds: float = 0.0,
) -> Event:
    now = time.time()
    return Event(uuid.uuid4().hex, now, kind, chapter_id, exercise, outcome, mistake, seconds)


def _event_from(record: dict[str, object]) -> Event | None:
    """Rebuild an event from a line of the file beside the store, or None if it is not one."""
    outcome, mistake = record.get("outcome"), record.get("mistake")
    try:
        return Event(
            uid=str(record["uid"]),
            at=float(str(record["at"])),
            kind=str(record["kind"]),
            chapter=str(record["chapter"]),
            exercise=str(record["exercise"]),
            outcome=None if outcome is None else str(outcome),
            mistake=None if mistake is None else str(mistake),
            seconds=float(str(record["seconds"])),
        )
    except (KeyError, ValueError):
        return None


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file, making its table when it is new.

    Raises
    ------
    NewerStore
        When a newer version of the course made it.
    sqlite3.Error, OSError
        When it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        if _version(connection) == 0:
            with _transaction(connection):
                if _version(connection) == 0:  # no other kernel made it while we waited
                    connection.execute(_SCHEMA)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        if _version(connection) > VERSION:
            raise NewerStore(f"layout {_version(connection)}, newer than {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


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
        connection.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [astuple(event) for event in events],
        )


def _select(connection: sqlite3.Connection, chapter_id: str | None) -> list[Event]:
    columns = ", ".join(field.name for field in fields(Event))
    query = f"SELECT {columns} FROM events"
    if chapter_id is None:
        rows = connection.execute(query)
    else:
        rows = connection.execute(f"{query} WHERE chapter = ?", (chapter_id,))
    return [Event(*row) for row in rows]


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _salvage(backup: Path) -> list[Event]:
    """Read the entries of a corrupt file up to the first that cannot be read."""
    saved: list[Event] = []
    columns = ", ".join(field.name for field in fields(Event))
    with (
        contextlib.suppress(sqlite3.Error, OSError),
        contextlib.closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        for row in connection.execute(f"SELECT {columns} FROM events NOT INDEXED"):
            saved.append(Event(*row))
    return saved
