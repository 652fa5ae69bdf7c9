"""Reading a data file of the book, with errors that name the file and the place."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.yaml_text import NotYaml, from_yaml


class RoutesError(CourseError):
    """The map of the course cannot answer; the message says what to do."""


def read_mapping(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds, which is names and their fields.

    Raises
    ------
    RoutesError
        When the file is missing, is not YAML or holds anything else.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise RoutesError(f"{path}: cannot be read ({error.strerror}).") from error
    return _read(path, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> dict[str, Any]:
    try:
        fields = from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RoutesError(f"{path}: cannot be read ({error}).") from error
    except NotYaml as error:
        where = f" line {error.line}" if error.line else ""
        raise RoutesError(f"{path}{where}: is not YAML ({error.problem}).") from error
    if not isinstance(fields, dict):
        raise RoutesError(f"{path}: holds no entries.")
    return {str(name): value for name, value in fields.items()}
