"""Writing files whole or not at all, and keeping what is replaced.

Whatever is written goes into a hidden file beside the final one first. Its writer holds a lock on
it, so that what a killed process left can be told from what another is writing now.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from descent.errors import CourseError
from descent.locks import take

LEFTOVER_SECONDS = 60.0
"""A hidden file is left alone for so long: its writer may not have come to the lock yet."""

_HIDDEN_NAME = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by new content, or leave the old one as it was.

    Raises
    ------
    CourseError
        When it cannot be written; nothing has changed then.
    """
    target = Path(os.path.realpath(path))
    with _errors_in_words(path), _written_beside(target, data) as hidden:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(hidden, target.stat().st_mode & 0o777)
        os.replace(hidden, target)


def create_whole(path: Path, data: bytes) -> bool:
    """Make a file with this content, unless there is one; never overwrite.

    Returns
    -------
    bool
        Whether the file was made.

    Raises
    ------
    CourseError
        When it cannot be written.
    """
    with _errors_in_words(path):
        if path.exists():
            return False
        with _written_beside(path, data) as hidden:
            try:
                os.link(hidden, path)  # fails when another process made the file meanwhile
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                return _create(path, data)
        return True


def _create(path: Path, data: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def keep_backup(path: Path, data: bytes, folder: Path) -> Path:
    """Keep what a file held in a folder, under its name and the time; return the copy.

    Raises
    ------
    CourseError
        When the copy cannot be written.
    """
    number = 1
    while True:
        more = "" if number == 1 else f"-{number}"
        backup = folder / f"{path.stem}-{_stamp()}{more}{path.suffix}"
        if create_whole(backup, data):
            return backup
        number += 1


def move_to_backup(path: Path, folder: Path) -> Path:
    """Move whatever goes by a path, a folder say, into a new folder of the backups.

    Raises
    ------
    CourseError
        When it cannot be moved; it is where it was then.
    """
    with _errors_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=folder, prefix=f"{path.stem}-{_stamp()}-"))
        os.rename(path, place / path.name)
        return place / path.name


def remove_leftovers(folder: Path) -> None:
    """Delete the hidden files that killed processes left in a folder, and no others.

    One that is locked is being written now, and one that is younger than a minute may be; a date in
    the future, from before the clock was set back, makes no file young.
    """
    for path in folder.glob(".*.tmp"):
        if not _HIDDEN_NAME.fullmatch(path.name) or not path.is_file():
            continue
        with contextlib.suppress(OSError), path.open("r+b") as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            if abs(age) >= LEFTOVER_SECONDS and take(file):
                path.unlink()


@contextlib.contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """Give a hidden file with this content in the folder of the final one, on the disk.

    It is locked while the block runs, and gone after it unless the block renamed it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    hidden = Path(name)
    with os.fdopen(handle, "wb") as file:
        try:
            take(file)  # without locks nothing is ever taken for a leftover
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(hidden, 0o644)
            yield hidden
        finally:
            hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def _errors_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        in_the_way = next((place for place in path.parents if place.is_file()), None)
        why = f"{in_the_way} is a file, not a folder" if in_the_way else error.strerror
        raise CourseError(f"{path}: cannot be written ({why}).") from error
    except OSError as error:
        raise CourseError(f"{path}: cannot be written ({error.strerror or error}).") from error


def _stamp() -> str:
    return time.strftime("%Y%m%d-%H%M%S")
