"""Every file that the course keeps about a learner in the home folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from descent.study.paths import home_folder
from descent.study.store import ProgressStore

_KINDS = (
    ("the record", ("progress.sqlite3", "progress.sqlite3-*", "progress.sqlite3.repair")),
    ("entries that wait for the record", ("progress-pending*.jsonl",)),
    ("damaged records that were put away", ("progress-corrupt-*",)),
    ("labels and ratings that were given by hand", ("labels",)),
    ("answers whose checks ended a kernel", ("checks",)),
    ("files that were not finished", (".progress*.tmp",)),
)


@dataclass(frozen=True)
class Holding:
    """Some files of one kind.

    Attributes
    ----------
    what
        What they are.
    paths
        The files, or the folders with all that is in them.
    size
        How many bytes they take.
    """

    what: str
    paths: tuple[Path, ...]
    size: int


def holdings(home: Path | None = None) -> list[Holding]:
    """Return what the course keeps about the learner, kind by kind; nothing where it keeps nothing.

    Parameters
    ----------
    home
        The home folder; by default the learner's own.
    """
    home = home or home_folder()
    found = []
    for what, patterns in _KINDS:
        paths = tuple(sorted({path for pattern in patterns for path in home.glob(pattern)}))
        if paths:
            found.append(Holding(what, paths, sum(map(_size, paths))))
    return found


def waiting(store: ProgressStore | None = None) -> int:
    """Return how many entries wait for the record because it could not be written to."""
    return len((store or ProgressStore()).pending.read())


def _size(path: Path) -> int:
    try:
        if path.is_dir() and not path.is_symlink():
            return sum(_size(inside) for inside in path.iterdir())
        return path.lstat().st_size
    except OSError:
        return 0
