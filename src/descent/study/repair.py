"""Moving a corrupt store out of the way, once, however many kernels find it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

_STALE_SECONDS = 10.0


def move_corrupt_store_away(path: Path) -> Path | None:
    """Rename a corrupt store, and the journal that belongs to it, to a backup name.

    Parameters
    ----------
    path
        The SQLite file.

    Returns
    -------
    Path or None
        The backup, or None when another process is at it or has already done it.
    """
    lock = path.with_name(f"{path.name}.repair")
    if not _take(lock):
        return None
    try:
        if not _is_corrupt(path):
            return None
        stamp = time.strftime("%Y%m%d-%H%M%S")
        backup = path.with_name(f"{path.stem}-corrupt-{stamp}-{os.getpid()}{path.suffix}")
        # The journal goes first: left behind, it would be played back into the new store.
        for ending in ("-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}{ending}", f"{backup}{ending}")
        os.replace(path, backup)
        return backup
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    """Become the one process that repairs, unless another is; a lock left by a dead one is old."""
    with contextlib.suppress(OSError):
        if time.time() - lock.stat().st_mtime > _STALE_SECONDS:
            lock.unlink()
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def _is_corrupt(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
            return answer is None or answer[0] != "ok"
    except sqlite3.DatabaseError as error:
        return not isinstance(error, sqlite3.OperationalError)
