"""Reading a file of Python as Python reads it."""

from __future__ import annotations

import tokenize
from pathlib import Path

from descent.errors import CourseError


def read_python(path: Path) -> str:
    """Return the text of a Python file: UTF-8 with or without a mark, or as its first lines say.

    Raises
    ------
    OSError
        When it is not there, or cannot be read.
    CourseError
        When it is in another encoding than it says.
    """
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CourseError(
            f"{path} is not UTF-8, and its first lines do not name the encoding that it is in. "
            "Save it as UTF-8."
        ) from error
