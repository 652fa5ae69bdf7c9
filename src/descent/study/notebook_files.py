"""Reading a notebook file, whatever state it is in, and writing one back.

What can be read is read; for anything else the error says what the file is, and what to do. A
notebook that was read can be copied, compared and written without another surprise.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

from descent.characters import whole_characters
from descent.errors import CourseError

MOST_NESTED = 100
"""Levels of lists and objects in a notebook; a hundred times that would end Python's stack."""

_BYTE_ORDER_MARK = "\ufeff"
_UTF_16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{")
_CONFLICT = re.compile(r"^<{7}( |$)", re.MULTILINE)
_SAVE_AS_UTF_8 = "Open it in a text editor and save it as UTF-8"
_IS_UTF_16 = f"this is saved as UTF-16, which Jupyter does not read. {_SAVE_AS_UTF_8}."
_TOO_DEEP = "this is nested too deeply to be a notebook."
_BEGIN_AGAIN = (
    "An earlier state may be in .ipynb_checkpoints beside it; for your copy of a chapter, descent "
    "reset begins again and keeps this file"
)


class BrokenNotebook(CourseError):
    """A notebook cannot be read; the message says which, why, and what to do."""


def read_code_cells(path: Path) -> list[str]:
    """Return the text of a notebook's code cells, in order.

    Raises
    ------
    BrokenNotebook
        As `read_notebook` does.
    """
    cells = read_notebook(path).cells
    return [whole_characters(cell.source) for cell in cells if cell.cell_type == "code"]


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
        When the file is missing, cannot be read as text, is not JSON, or is not a notebook.
    """
    return parse_notebook(notebook_content(path), path)


def notebook_content(path: Path) -> bytes:
    """Return the bytes of a notebook file.

    Raises
    ------
    BrokenNotebook
        When it is missing, a folder, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BrokenNotebook(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise BrokenNotebook(f"{path}: this is a folder, not a notebook.") from None
    except OSError as error:
        raise BrokenNotebook(f"{path}: cannot be read ({error.strerror}).") from error


def parse_notebook(content: bytes, path: Path) -> Any:
    """Make a notebook of the bytes of a file; ``path`` is what messages call it.

    Raises
    ------
    BrokenNotebook
        As `read_notebook` does.
    """
    import nbformat
    from nbformat.v4.rwbase import rejoin_lines

    data = _json(_text(content, path), path)
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


def notebook_bytes(notebook: Any) -> bytes:
    """Return what is written to disk for a notebook.

    Half of a character, which UTF-8 cannot hold, is written as JSON's escape for it.
    """
    import nbformat

    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    return bytes(text.encode(errors="backslashreplace"))


def _text(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise BrokenNotebook(f"{path}: {_why_not_utf_8(content, error)}") from error
    if text.startswith(("{\0", "\0{")):
        raise BrokenNotebook(f"{path}: {_IS_UTF_16}")
    if not text.strip():
        raise BrokenNotebook(f"{path}: the file is empty. {_BEGIN_AGAIN}.")
    return text


def _why_not_utf_8(content: bytes, error: UnicodeDecodeError) -> str:
    if content.startswith(_UTF_16_STARTS) and _decodes(content, "utf-16"):
        return _IS_UTF_16
    if b"\0" in content:
        return "this is not a notebook, it is not even text."
    line = content.count(b"\n", 0, error.start) + 1
    return (
        f"this is not saved as UTF-8 (byte {content[error.start]:#04x} in line {line}) but in "
        f"another encoding, such as Windows-1252, which Jupyter does not read. {_SAVE_AS_UTF_8}."
    )


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _json(text: str, path: Path) -> Any:
    try:
        data = json.loads(text)
    except RecursionError:
        raise BrokenNotebook(f"{path}: {_TOO_DEEP}") from None
    except ValueError as error:
        raise BrokenNotebook(f"{path}: {_why_not_json(text, error)}") from error
    if not _is_shallow(data):
        raise BrokenNotebook(f"{path}: {_TOO_DEEP}")
    return data


def _why_not_json(text: str, error: ValueError) -> str:
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        return (
            f"Git put two versions into it and marked where they differ (from line {line}: "
            "<<<<<<<). Take one of them whole, git checkout --ours or --theirs and the file's name."
        )
    if not isinstance(error, json.JSONDecodeError):
        return f"this is not a notebook: not JSON ({error})."
    if text[error.pos :].strip() == "" or error.msg.startswith("Unterminated string"):
        return f"it breaks off in line {text.rstrip().count(chr(10)) + 1}. {_BEGIN_AGAIN}."
    return f"this is not a notebook: not JSON at line {error.lineno}. {_BEGIN_AGAIN}."


def _is_shallow(data: Any) -> bool:
    """Say whether lists and objects nest no deeper than `MOST_NESTED`."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MOST_NESTED):
        inner = [list(item.values()) if isinstance(item, dict) else item for item in level]
        level = [
            thing for items in inner for thing in items if isinstance(thing, dict | list) and thing
        ]
        if not level:
            return True
    return False
