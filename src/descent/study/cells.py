"""The cells in which something of a notebook was defined, for use in another process."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.shell import ipython_shell
from descent.study.python_files import read_python


def cells_defining(thing: type | Callable[..., Any]) -> list[str]:
    """Return the code cells run so far, or the file, in which a class or function was defined.

    Parameters
    ----------
    thing : type or callable

    Returns
    -------
    list of str
        From which `study.answers` makes the definitions again. Cells with a slip in them, which
        could not run, are left out.

    Raises
    ------
    CourseError
        When the definition cannot be found, or its file cannot be read as Python.
    """
    shell = ipython_shell()
    if thing.__module__ == "__main__" and shell is not None:
        cells = [cell for cell in shell.user_ns["In"] if cell.strip()] or _compiled(shell)
        return [cell for cell in cells if _is_python(shell.transform_cell(cell))]
    try:
        return [read_python(Path(inspect.getfile(thing)))]
    except (OSError, TypeError):
        raise CourseError(
            f"The definition of {thing.__name__} cannot be found. Define it in a cell of this "
            "notebook, or in a file."
        ) from None


def _compiled(shell: Any) -> list[str]:
    """Return the cells as they were compiled: what tests a notebook keeps no history of it."""
    names = getattr(shell.compile, "_filename_map", {})
    return ["".join(linecache.getlines(name)) for name in names]


def _is_python(cell: str) -> bool:
    try:
        ast.parse(cell)
    except SyntaxError:
        return False
    return True
