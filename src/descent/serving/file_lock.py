"""A lock that programs started at the same time hold in turn; one that is killed lets go of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def file_lock(path: Path, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file, which is made if there is none and stays empty.

    Parameters
    ----------
    path
        The file.
    on_waiting
        Called once when another program has the lock, before waiting for it.

    Raises
    ------
    OSError
        When the file cannot be made.
    """
    try:
        import fcntl
    except ImportError:  # Windows: go without
        yield
        return
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            on_waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
