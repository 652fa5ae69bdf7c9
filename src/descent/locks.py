"""Locks on files that no process can forget: the system lets go when the holder ends.

Any room may use them. The file of a lock is made if need be, and stays when the lock is let go:
were it removed, a process that had opened it and one that made it again would both believe to be
alone.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows has no such locks
    import fcntl

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What a file system answers that keeps no locks."""


def take(file: IO[bytes], alone: bool = True) -> bool | None:
    """Take the lock of an open file if it is free, for as long as the file is open.

    Parameters
    ----------
    file
        Open in whatever mode.
    alone
        Whether nobody else may hold it; otherwise those may who do not want it alone either.

    Returns
    -------
    bool or None
        Whether it was taken; None where there are no locks.
    """
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


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Hold the lock of a file while the block runs, if it is free.

    Yields whether it is held: not where another process holds it, or where there are no locks.

    Raises
    ------
    OSError
        When the file cannot be made.
    """
    with path.open("ab") as file:
        yield bool(take(file))


@contextlib.contextmanager
def in_turn(path: Path, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file while the block runs; wait for it where another process has it.

    `on_waiting` is called once before the waiting. Where there are no locks, nobody waits.

    Raises
    ------
    OSError
        When the file cannot be made.
    """
    with path.open("ab") as file:
        if take(file) is False:
            on_waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
