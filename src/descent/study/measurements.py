"""What was measured beforehand: the records of ``book/results``, for a page to show.

A page computes what it can in a minute. What takes longer (three seeds of a race, a table of
ablations) is measured once by a program of ``benchmarks/``, which writes a record: the numbers, and
when, where and by which command they came about. Records of real runs are in a folder of their
own, ``runs``, and written by ``descent runs record``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.paths import course_root

FOLDER = Path("book/results")
"""Where the records are, below the course's folder."""


class UnknownMeasurement(CourseError):
    """There is no record of this name, or it cannot be read."""


def measured(name: str) -> dict[str, Any]:
    """Return what was measured beforehand: one record of ``book/results``.

    Parameters
    ----------
    name : str
        The record's file name without its ending, such as ``"nanogpt_ablation"``; that of a real
        run with its folder: ``"runs/mnist_scaling-cpu-2-cores"``.

    Returns
    -------
    dict
        The numbers, with ``what``, ``date``, ``hardware`` and ``command``, which makes them again.

    Raises
    ------
    UnknownMeasurement
        When there is no such record; the message lists those there are. Or when its file is
        damaged.
    CourseNotFound
        When no course folder is found.
    """
    root = course_root()
    names = measurement_names(root)
    if name not in names:
        there = f"There are: {', '.join(names)}." if names else "There are none."
        raise UnknownMeasurement(f"Nothing was measured under the name {name!r}. {there}")
    path = root / FOLDER / f"{name}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnknownMeasurement(
            f"{path} cannot be read ({error}). "
            f"`git checkout -- {FOLDER}/{name}.json` brings it back."
        ) from error
    if not isinstance(record, dict):
        raise UnknownMeasurement(f"{path} is no record: it holds no table of names and values.")
    return record


def measurement_names(root: Path) -> list[str]:
    """Return the names of the records that a course folder holds, in order."""
    own = sorted(path.stem for path in (root / FOLDER).glob("*.json"))
    return own + sorted(f"runs/{path.stem}" for path in (root / FOLDER / "runs").glob("*.json"))
