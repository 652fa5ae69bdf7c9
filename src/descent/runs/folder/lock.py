"""Locks on a run's folder that no process can forget: the system lets go when the holder ends."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from descent.errors import CourseError

fcntl: Any = None
with suppress(ImportError):  # not everywhere are there such locks
    import fcntl

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What a file system answers that keeps no locks: runs are then told apart by their processes."""

PATIENCE = 5.0  # seconds; whoever only looks holds the lock for a moment


class Locked(CourseError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, refusal: str) -> Iterator[None]:
    """Hold a lock, alone among all processes.

    Parameters
    ----------
    path : Path
        The lock's file, made if it is not there. It stays when the lock is let go.
    refusal : str
        What to say when another process holds it.

    Raises
    ------
    Locked
        With `refusal`.
    CourseError
        When the file cannot be made.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise CourseError(f"{path}: cannot be made ({error.strerror}).") from error
    with file:
        until = time.monotonic() + PATIENCE
        while _taken(file, alone=True) is False:
            if time.monotonic() > until:
                raise Locked(refusal)
            time.sleep(0.02)
        yield


def is_locked(path: Path) -> bool | None:
    """Say whether some process holds a lock; None where there is none, or none can be."""
    try:
        with path.open("rb") as file:
            taken = _taken(file, alone=False)
    except OSError:
        return None
    return None if taken is None else not taken


def _taken(file: IO[bytes], alone: bool) -> bool | None:
    """Take the lock if it is free, for as long as the file is open; None where none can be."""
    if fcntl is None:
        return None
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise
    return True
