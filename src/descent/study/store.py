"""The learner's record: every check, every hint opened, every chapter begun.

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
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from descent.characters import whole_characters
from descent.grading.report import CORRECT, COULD_NOT_GRADE, NOT_ATTEMPTED
from descent.study.paths import home_folder
from descent.study.pending import PendingFile, Record
from descent.study.repair import is_damage, put_damaged_store_away, refuse_damaged

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
            ``"correct"``, ``"not right yet"``, ``"not attempted"`` or ``"could not grade"``.
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
        try:
            events = self._all_events()
        except (sqlite3.Error, OSError) as error:
            events = self._events_after(error)
        wanted = (event for event in events if chapter_id in (None, event.chapter))
        return sorted(wanted, key=lambda event: (event.at, event.uid))

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
        try:
            self._save([event])
        except (sqlite3.Error, OSError) as error:
            self.pending.append(vars(event))  # before anything else is tried
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
                _insert(connection, events)
                self.pending.drain(lambda records: _insert(connection, _events_from(records)))

    def _all_events(self) -> Iterable[Event]:
        waiting = _events_from(self.pending.read())  # first: from here they go to the file
        found: list[Event] = []
        if self.path.exists():
            with contextlib.closing(_connect(self.path)) as connection:
                found = _select(connection)
        return {event.uid: event for event in (*waiting, *found)}.values()

    def _events_after(self, error: Exception) -> Iterable[Event]:
        """Read the events although the file could not be read: repaired, or without it."""
        if self._repaired(error):
            with contextlib.suppress(sqlite3.Error, OSError):
                return self._all_events()
        else:
            self._explain(error, writing=False)
        return _events_from(self.pending.read())

    def _repaired(self, error: Exception) -> bool:
        """Put a damaged file away; return whether a new one holds what could be read of it."""
        if not is_damage(error):
            return False
        saved: list[Event] = []

        def keep(records: list[Record]) -> None:
            saved.extend(_events_from(records))
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


def summarise(events: Iterable[Event]) -> dict[str, ExerciseState]:
    """Reduce one chapter's events, oldest first, to a state for each exercise.

    A check that could not grade says nothing about an answer, and leaves the state as it was.
    """
    states: dict[str, ExerciseState] = {}
    for event in events:
        if event.kind == "start" or event.outcome == COULD_NOT_GRADE:
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
    mistake = None if mistake is None else whole_characters(mistake)
    return Event(uuid.uuid4().hex, now, kind, chapter_id, exercise, outcome, mistake, seconds)


def _events_from(records: Iterable[Record]) -> list[Event]:
    """Rebuild events from lines of the file beside the store, or rows of a damaged one."""
    events = (_event_from(record) for record in records)
    return [event for event in events if event is not None]


def _event_from(record: Record) -> Event | None:
    """Rebuild an event, or return None where a record is not one."""
    outcome, mistake = record.get("outcome"), record.get("mistake")
    try:
        return Event(
            uid=whole_characters(str(record["uid"])),
            at=float(str(record["at"])),
            kind=whole_characters(str(record["kind"])),
            chapter=whole_characters(str(record["chapter"])),
            exercise=whole_characters(str(record["exercise"])),
            outcome=None if outcome is None else whole_characters(str(outcome)),
            mistake=None if mistake is None else whole_characters(str(mistake)),
            seconds=float(str(record["seconds"])),
        )
    except (KeyError, ValueError):
        return None


def _file_number(path: Path) -> tuple[int, int] | None:
    """Return which file goes by a path now, or None where none does."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


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
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
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
        refuse_damaged(connection)
        connection.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [astuple(event) for event in events],
        )


def _select(connection: sqlite3.Connection) -> list[Event]:
    columns = [field.name for field in fields(Event)]
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM events NOT INDEXED")
    return _events_from(dict(zip(columns, row, strict=True)) for row in rows)
