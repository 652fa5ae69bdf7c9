"""Being the only process that does something, for as long as it lives."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Hold the lock of a file while the block runs.

    The lock is the system's: it goes with the process that holds it, however that ends, so no
    clock is asked whether it is stale. The file is made if need be, and stays: were it removed, a
    process that had already opened it and one that made it again would both be the only one.

    Parameters
    ----------
    path
        The file, in a folder that is there.

    Yields
    ------
    bool
        Whether the lock is held; not where another process holds it, or where the file system
        has no locks.

    Raises
    ------
    OSError
        When the file cannot be made.
    """
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
