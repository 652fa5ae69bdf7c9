"""How many minutes each exercise of a chapter takes, as its declaration says.

The declarations are read and not imported: importing them loads torch, and they stand in a room
above this one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

DEFAULT_MINUTES = 10
"""What an exercise counts for whose declaration is not found."""

_DECLARATION = re.compile(r'Exercise\(\s*"(\w+)",\s*minutes=(\d+)')
_FOLDER = Path(__file__).parents[2] / "exercises"


def exercise_minutes(chapter_id: str, folder: Path = _FOLDER) -> Mapping[str, int]:
    """Return minutes by the name of the exercise.

    Parameters
    ----------
    chapter_id
        ``ladder/01_scalar_regression`` is declared in ``ladder/scalar_regression``, a file or a
        folder.
    folder
        Where the declarations of all chapters lie.
    """
    part, _, name = chapter_id.partition("/")
    place = folder / part / name.partition("_")[2]
    files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    minutes: dict[str, int] = {}
    for file in files:
        if file.is_file():
            minutes.update(_declared(file, file.stat().st_mtime_ns))
    return minutes


@functools.lru_cache(maxsize=1024)
def _declared(file: Path, changed: int) -> dict[str, int]:
    found = _DECLARATION.findall(file.read_text(encoding="utf-8"))
    return {name: int(minutes) for name, minutes in found}
