"""Deleting all that the course keeps about a learner."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from descent.errors import CourseError
from descent.study.export.holdings import holdings
from descent.study.paths import home_folder
from descent.study.store import ProgressStore


@dataclass(frozen=True)
class Deleted:
    """What was deleted, and what is in the folder still because it is not the course's."""

    paths: tuple[Path, ...]
    others: tuple[Path, ...]


def delete_record(home: Path | None = None) -> Deleted:
    """Delete the record, what waits for it, its backups and the answers that were kept.

    The learner's notebooks are elsewhere and stay. So does whatever in the folder is not the
    course's; the folder itself goes when it is empty.

    Parameters
    ----------
    home
        The home folder; by default the learner's own.

    Raises
    ------
    CourseError
        When something cannot be deleted; the message says what is left.
    """
    home = home or home_folder()
    paths = tuple(path for holding in holdings(home) for path in holding.paths)
    left = [path for path in paths if not _is_gone(path)]
    ProgressStore(home / "progress.sqlite3").pending.forget()
    if left:
        names = ", ".join(map(str, left))
        raise CourseError(f"This could not be deleted: {names}. Close what uses it, and try again.")
    with contextlib.suppress(OSError):
        home.rmdir()
    others = tuple(sorted(home.iterdir())) if home.is_dir() else ()
    return Deleted(paths, others)


def _is_gone(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
