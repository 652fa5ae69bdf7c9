"""The learner's own copies of the notebooks: made, brought up to date, begun again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.catalog import Chapter, find_chapter, load_catalog
from descent.study.files import (
    BrokenNotebook,
    create_whole,
    keep_backup,
    notebook_bytes,
    read_notebook,
    write_whole,
)
from descent.study.paths import work_folder


@dataclass(frozen=True)
class Opened:
    """A learner's copy, and whether it was made now."""

    chapter: Chapter
    path: Path
    created: bool


@dataclass(frozen=True)
class Refreshed:
    """What bringing one copy up to date did.

    Attributes
    ----------
    chapter, path
        Whose copy, and where it is.
    changed
        Whether the file was written.
    backup
        The copy of it as it was, when it was changed.
    lines
        What a person should know, one sentence each.
    """

    chapter: Chapter
    path: Path
    changed: bool
    backup: Path | None = None
    lines: list[str] = field(default_factory=list)


def work_copy(chapter: Chapter) -> Path:
    """Return the path of the learner's copy of a chapter, made or not."""
    return work_folder() / chapter.part / f"{chapter.name}.ipynb"


def open_chapter(name: str) -> Opened:
    """Make the learner's copy of a chapter if there is none; an existing one is never touched.

    Parameters
    ----------
    name
        The chapter, as :func:`descent.study.catalog.find_chapter` understands it.

    Raises
    ------
    CourseError
        When there is no such chapter, it has not been built, or the copy cannot be written.
    """
    return _open(find_chapter(name))


def refresh(name: str | None = None) -> list[Refreshed]:
    """Bring changes of the course into the learner's copies.

    Parameters
    ----------
    name
        One chapter; by default every chapter that has a copy.

    Returns
    -------
    list of Refreshed
        One entry per copy. When all were asked for, a copy that cannot be read is left alone and
        says so in its entry.

    Raises
    ------
    CourseError
        When the one chapter asked for has no copy, or its copy cannot be read.
    """
    if name is not None:
        return [_refresh(find_chapter(name))]
    results = []
    for chapter in load_catalog():
        path = work_copy(chapter)
        if not path.exists() or not chapter.notebook.exists():
            continue
        try:
            results.append(_refresh(chapter))
        except CourseError as error:
            results.append(Refreshed(chapter, path, changed=False, lines=[str(error)]))
    return results


def reset(name: str) -> Path | None:
    """Put the blank notebook in place of the learner's copy, and keep a backup of theirs.

    Parameters
    ----------
    name
        The chapter.

    Returns
    -------
    Path or None
        The backup, or None when there was no copy.

    Raises
    ------
    CourseError
        When there is no such chapter or a file cannot be written; the copy is as it was then.
    """
    chapter = find_chapter(name)
    path = work_copy(chapter)
    blank = _blank(chapter)
    backup = keep_backup(path, _backups(chapter)) if path.exists() else None
    write_whole(path, blank)
    write_whole(_base_copy(chapter), blank)
    return backup


def _open(chapter: Chapter) -> Opened:
    path = work_copy(chapter)
    if path.exists():
        return Opened(chapter, path, created=False)
    blank = _blank(chapter)
    write_whole(_base_copy(chapter), blank)
    return Opened(chapter, path, created=create_whole(path, blank))


def _refresh(chapter: Chapter) -> Refreshed:
    from descent.study.merging import merge_notebooks

    path, base_path = work_copy(chapter), _base_copy(chapter)
    if not path.exists():
        raise CourseError(f"{chapter.id} has no copy yet: descent open {chapter.id}")
    blank = _blank(chapter)
    if base_path.exists() and base_path.read_bytes() == blank:
        return Refreshed(chapter, path, changed=False)
    local = read_notebook(path)
    remote = read_notebook(chapter.notebook)
    merge = merge_notebooks(_base_notebook(chapter) or remote, local, remote)
    backup = keep_backup(path, _backups(chapter))
    write_whole(path, notebook_bytes(merge.notebook))
    write_whole(base_path, blank)
    cells = "1 cell" if merge.updated == 1 else f"{merge.updated} cells"
    lines = [f"{cells} brought up to date, {merge.added} new."]
    for cell in merge.kept:
        lines.append(
            f"'{cell}' was changed by you and by the course: yours was kept, "
            "the course's is shown after it."
        )
    for cell in merge.orphaned:
        lines.append(f"'{cell}' is no longer an exercise of the course; your answer was kept.")
    return Refreshed(chapter, path, changed=True, backup=backup, lines=lines)


def _blank(chapter: Chapter) -> bytes:
    try:
        return chapter.notebook.read_bytes()
    except OSError as error:
        raise CourseError(
            f"{chapter.id} has no notebook yet ({chapter.notebook}): make chapters"
        ) from error


def _base_copy(chapter: Chapter) -> Path:
    return work_folder() / ".base" / chapter.part / f"{chapter.name}.ipynb"


def _base_notebook(chapter: Chapter) -> Any:
    """Read the blank notebook a copy was made from; None when it is lost or cannot be read."""
    try:
        return read_notebook(_base_copy(chapter))
    except BrokenNotebook:
        return None


def _backups(chapter: Chapter) -> Path:
    return work_folder() / ".backups" / chapter.part
