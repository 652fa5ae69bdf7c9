"""The locks of a run's folder. Where there are none, runs are told apart by their processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from descent.errors import CourseError
from descent.locks import take

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
        while take(file) is False:
            if time.monotonic() > until:
                raise Locked(refusal)
            time.sleep(0.02)
        yield


def is_locked(path: Path) -> bool | None:
    """Say whether some process holds a lock; None where there is none, or none can be."""
    try:
        with path.open("rb") as file:
            taken = take(file, alone=False)
    except OSError:
        return None
    return None if taken is None else not taken
