"""Reading notebooks, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from descent.errors import CourseError


class BrokenNotebook(CourseError):
    """A notebook cannot be read; the message says which and why."""


def read_code_cells(path: Path) -> list[str]:
    """Return the text of a notebook's code cells, in order.

    Raises
    ------
    BrokenNotebook
        As `read_notebook` does.
    """
    return [cell.source for cell in read_notebook(path).cells if cell.cell_type == "code"]


def read_notebook(path: Path) -> Any:
    """Read a notebook file and check that it is one.

    Parameters
    ----------
    path
        An ``.ipynb`` file.

    Returns
    -------
    nbformat.NotebookNode
        The notebook, in the current format, every cell with an id.

    Raises
    ------
    BrokenNotebook
        When the file is missing, is not JSON, or is not a notebook.
    """
    import nbformat
    from nbformat.v4.rwbase import rejoin_lines

    data = _load_json(path)
    if not isinstance(data, dict) or "cells" not in data or "nbformat" not in data:
        raise BrokenNotebook(f"{path}: this is JSON, but not a notebook.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = rejoin_lines(nbformat.from_dict(data))
            if notebook.nbformat != 4 or notebook.nbformat_minor < 5:
                notebook = nbformat.convert(notebook, 4)
                notebook.nbformat_minor = 5
            _, notebook = nbformat.validator.normalize(notebook, strip_invalid_metadata=False)
            nbformat.validate(notebook)
    except Exception as error:  # nbformat lets many kinds through on malformed input
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BrokenNotebook(f"{path}: this is not a valid notebook ({problem}).") from error
    return notebook


def _load_json(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BrokenNotebook(f"{path}: there is no such file.") from None
    except UnicodeDecodeError as error:
        raise BrokenNotebook(f"{path}: this is not a notebook, it is not even text.") from error
    except OSError as error:
        raise BrokenNotebook(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return json.loads(text)
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its text"
        raise BrokenNotebook(f"{path}: this is not a notebook: not JSON at {where}.") from error


def notebook_bytes(notebook: Any) -> bytes:
    """Return what is written to disk for a notebook."""
    import nbformat

    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def grader_metadata(cell: Any) -> dict[str, Any]:
    """Return the nbgrader metadata of a cell, empty for an ordinary one."""
    return dict(cell.get("metadata", {}).get("nbgrader", {}))


def is_exercise(cell: Any) -> bool:
    """Say whether a cell is one the learner fills in."""
    return bool(grader_metadata(cell).get("solution"))


def is_check(cell: Any) -> bool:
    """Say whether a cell judges an answer and belongs to the course."""
    return bool(grader_metadata(cell).get("grade")) and not is_exercise(cell)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by new content, or leave the old one as it was.

    Raises
    ------
    CourseError
        When it cannot be written; nothing has changed then.
    """
    target = path.resolve()
    with _errors_in_words(path):
        temporary = _write_beside(target, data)
        try:
            if target.exists():
                os.chmod(temporary, target.stat().st_mode & 0o777)
            os.replace(temporary, target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


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
        temporary = _write_beside(path, data)
        try:
            os.link(temporary, path)  # fails when another process made the file meanwhile
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            with path.open("xb") as file:
                file.write(data)
        finally:
            temporary.unlink(missing_ok=True)
        return True


def keep_backup(path: Path, folder: Path) -> Path:
    """Copy a file into a folder, under its name and the time; return the copy.

    Raises
    ------
    CourseError
        When the copy cannot be written.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    data = path.read_bytes()
    number = 1
    while True:
        more = "" if number == 1 else f"-{number}"
        backup = folder / f"{path.stem}-{stamp}{more}{path.suffix}"
        if create_whole(backup, data):
            return backup
        number += 1


def _write_beside(path: Path, data: bytes) -> Path:
    """Write a temporary file in the folder of the final one, through to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextlib.contextmanager
def _errors_in_words(path: Path) -> Any:
    try:
        yield
    except OSError as error:
        raise CourseError(f"{path}: cannot be written ({error.strerror or error}).") from error
