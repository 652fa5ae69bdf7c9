"""Putting a damaged store out of the way, once, however many kernels find it, and losing nothing.

What can still be read of it is kept elsewhere before the file is renamed, and nobody can write to
it in between: a process that is killed half way leaves a damaged store, or none, and no gap.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from descent.locks import only_one
from descent.study.pending import Record

_BUSY_SECONDS = 0.5
_LEAST_ROW = 40
"""No row of the table takes fewer bytes, so a file holds no more than its size over this."""


class DamagedStore(sqlite3.DatabaseError):
    """The file is a database, and a page of it is damaged."""


def refuse_damaged(connection: sqlite3.Connection) -> None:
    """Look through the whole file (10 ms for 20 000 records).

    SQLite alone sees a damaged page only when it comes to it, and would go on taking records.

    Raises
    ------
    sqlite3.DatabaseError
        When a page is damaged.
    """
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer is None or answer[0] != "ok":
        raise DamagedStore("a part of the file is damaged")


def is_damage(error: Exception) -> bool:
    """Say whether an error means that the file is damaged or no database, not merely in use."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return damaged or isinstance(error, DamagedStore)


def put_damaged_store_away(path: Path, keep: Callable[[list[Record]], None]) -> Path | None:
    """Rename a damaged store, and the journal that belongs to it, to a backup name.

    Parameters
    ----------
    path
        The SQLite file.
    keep
        Called with the rows that can still be read, before anything is renamed; when it raises,
        nothing is.

    Returns
    -------
    Path or None
        The backup, or None when another process is at it or has already done it.

    Raises
    ------
    sqlite3.Error, OSError
        When the file is in use, or cannot be renamed.
    """
    with only_one(path.with_name(f"{path.name}.repair")) as alone:
        if not alone or not path.exists():
            return None
        with contextlib.closing(_open(path)) as connection:
            if not _shut_others_out(connection):
                return None
            keep(_readable_rows(connection, path.stat().st_size))
            return _rename(path)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
    return connection


def _shut_others_out(connection: sqlite3.Connection) -> bool:
    """Take the file for ourselves; return whether it is damaged, which another may have mended."""
    try:
        connection.execute("BEGIN EXCLUSIVE")
        refuse_damaged(connection)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return True  # one so damaged that it cannot be locked, nobody else can write to either
    return False


def _rename(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    backup = path.with_name(f"{path.stem}-corrupt-{stamp}-{os.getpid()}{path.suffix}")
    # The journal goes first: left behind, it would be played back into the new store.
    for ending in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{backup}{ending}")
    os.replace(path, backup)
    return backup


def _readable_rows(connection: sqlite3.Connection, size: int) -> list[Record]:
    """Read the table past its damaged pages, as far as they leave it whole."""
    try:
        connection.execute("SELECT 1 FROM events LIMIT 0")
    except sqlite3.DatabaseError:
        return []
    try:
        (last,) = connection.execute("SELECT max(rowid) FROM events NOT INDEXED").fetchone()
    except sqlite3.DatabaseError:
        last = size // _LEAST_ROW
    return _rows_between(connection, 1, last or 0)


def _rows_between(connection: sqlite3.Connection, first: int, last: int) -> list[Record]:
    """Read a range of rows; one with a damaged page in it is halved, until the page is passed."""
    if first > last:
        return []
    query = "SELECT * FROM events NOT INDEXED WHERE rowid BETWEEN ? AND ?"
    try:
        found = connection.execute(query, (first, last))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]
    except sqlite3.DatabaseError:
        if first == last:
            return []
    middle = (first + last) // 2
    return [
        *_rows_between(connection, first, middle),
        *_rows_between(connection, middle + 1, last),
    ]
