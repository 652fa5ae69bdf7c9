"""The learner's own copies of the notebooks: made, brought up to date, begun again."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descent.errors import CourseError
from descent.study.catalog import Chapter, find_chapter, load_catalog
from descent.study.files import (
    create_whole,
    keep_backup,
    move_to_backup,
    remove_leftovers,
    write_whole,
)
from descent.study.notebook_files import (
    BrokenNotebook,
    notebook_bytes,
    notebook_content,
    parse_notebook,
    read_notebook,
)
from descent.study.paths import work_folder

if TYPE_CHECKING:
    from descent.study.merging import Merge

READINGS = 5
"""How often a copy that is saved while it is brought up to date is read anew."""


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
    _remove_leftovers()
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
    backup = _put_away(path, _backups(chapter))
    try:
        write_whole(path, blank)
        write_whole(_base_copy(chapter), blank)
    except CourseError:
        if backup is not None and not path.exists():
            os.rename(backup, path)
        raise
    return backup


def _put_away(path: Path, folder: Path) -> Path | None:
    """Keep a backup of a copy, whatever it is; what is no file is moved."""
    if path.is_dir():
        return move_to_backup(path, folder)
    try:
        return keep_backup(path, path.read_bytes(), folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # it cannot be read, but perhaps moved
        return move_to_backup(path, folder)


def _open(chapter: Chapter) -> Opened:
    path = work_copy(chapter)
    if path.is_dir():
        raise CourseError(
            f"{path} is a folder, not a notebook. descent reset {chapter.id} moves it to your "
            "backups, and makes the copy."
        )
    if path.exists():
        return Opened(chapter, path, created=False)
    if path.is_symlink():
        raise CourseError(
            f"{path} is a link to {path.readlink()}, which is not there. Mend or remove the link."
        )
    blank = _blank(chapter)
    write_whole(_base_copy(chapter), blank)
    return Opened(chapter, path, created=create_whole(path, blank))


def _refresh(chapter: Chapter) -> Refreshed:
    path = work_copy(chapter)
    if not path.exists():
        raise CourseError(f"{chapter.id} has no copy yet: descent open {chapter.id}")
    blank = _blank(chapter)
    for _ in range(READINGS):
        content = notebook_content(path)
        merge = _merged(chapter, content, blank)
        bears_mark = content.startswith(codecs.BOM_UTF8)
        if not merge.changes and not bears_mark and _is_base(chapter, blank):
            return Refreshed(chapter, path, changed=False, lines=_things_to_do(merge))
        backup = keep_backup(path, content, _backups(chapter))
        new = notebook_bytes(merge.notebook)
        if notebook_content(path) == content:
            write_whole(path, new)
            write_whole(_base_copy(chapter), blank)
            lines = [*_things_done(merge), *_things_to_do(merge)]
            if bears_mark:
                lines.append("The byte-order mark before it, which Jupyter does not read, is gone.")
            return Refreshed(chapter, path, changed=True, backup=backup, lines=lines)
    raise CourseError(f"{path} is saved again and again: close it, and descent refresh once more.")


def _merged(chapter: Chapter, content: bytes, blank: bytes) -> Merge:
    from descent.study.merging import merge_notebooks

    local = parse_notebook(content, work_copy(chapter))
    remote = parse_notebook(blank, chapter.notebook)
    return merge_notebooks(_base_notebook(chapter) or remote, local, remote)


def _things_done(merge: Merge) -> list[str]:
    """Say what was changed, one sentence each."""
    lines = [f"{_cells(merge.updated)} brought up to date, {merge.added} new."]
    if merge.healed:
        lines.append(
            f"{_cells(len(merge.healed))} had lost what marks them as the course's, and have it "
            "again."
        )
    for cell in merge.doubles:
        lines.append(f"A second cell was marked '{cell}': its text stays, the mark does not.")
    for cell in merge.kept:
        lines.append(
            f"'{cell}' was changed by you and by the course: yours was kept, "
            "the course's is shown after it."
        )
    for cell in merge.orphaned:
        lines.append(f"'{cell}' is no longer an exercise of the course; your answer was kept.")
    return lines


def _things_to_do(merge: Merge) -> list[str]:
    """Say what the learner alone can put right."""
    return [
        f"'{cell}' is not a code cell in your copy, so it does not run: select it and press Y."
        for cell in merge.asleep
    ]


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _remove_leftovers() -> None:
    """Delete what refreshes that were killed left beside the copies, and beside their backups."""
    for place in (work_folder(), work_folder() / ".base", work_folder() / ".backups"):
        for folder in place.glob("*/"):
            remove_leftovers(folder)


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


def _is_base(chapter: Chapter, blank: bytes) -> bool:
    """Say whether the copy was last brought up to date with this blank notebook."""
    try:
        return _base_copy(chapter).read_bytes() == blank
    except OSError:
        return False


def _backups(chapter: Chapter) -> Path:
    return work_folder() / ".backups" / chapter.part
