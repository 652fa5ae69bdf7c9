"""What the trainings of a sweep leave in its folder: a small file each, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from descent.runs.definition.sweep import Point, Row
from descent.study.files import write_whole
from descent.training.metrics import Line


class SweepResults:
    """The results of a sweep's trainings, and what failed.

    Parameters
    ----------
    folder : Path
        The run's.
    """

    def __init__(self, folder: Path) -> None:
        self.made = folder / "trainings"
        self.failed = folder / "failures"

    def write(self, point: Point, numbers: Mapping[str, Any], seconds: float) -> None:
        """Keep what a training came to.

        Raises
        ------
        CourseError
            When it cannot be written, as on a full disk.
        """
        row = {**point.values, **numbers, "seconds": round(seconds, 3)}
        _write(self.made, point, row)

    def write_failure(self, point: Point, reason: str) -> None:
        """Keep what a training failed of."""
        _write(self.failed, point, {"reason": reason})

    def forget_failures(self) -> None:
        """Begin anew: what failed is tried once more."""
        shutil.rmtree(self.failed, ignore_errors=True)

    def missing(self, points: Sequence[Point]) -> list[Point]:
        """Return the points that have no result yet, or one that was damaged."""
        return [point for point in points if not _read(_file(self.made, point))]

    def rows(self, points: Sequence[Point]) -> list[Row]:
        """Return the results there are, in the points' order."""
        found = (_read(_file(self.made, point)) for point in points)
        return [row for row in found if row]

    def failures(self, points: Sequence[Point]) -> dict[str, str]:
        """Return the reason of each failure, by the training's name."""
        found = {point.name: _read(_file(self.failed, point)) for point in points}
        return {name: row["reason"] for name, row in found.items() if row}

    def lines(self, points: Sequence[Point]) -> list[Line]:
        """Return the results as metrics: line k is of the training that was the k-th to end."""
        ended = [(point, row) for point in points if (row := _read(_file(self.made, point)))]
        ended.sort(key=lambda found: _file(self.made, found[0]).stat().st_mtime_ns)
        lines: list[Line] = []
        seconds = 0.0
        for number, (point, row) in enumerate(ended, start=1):
            seconds += row.pop("seconds")
            own = {name: row[name] for name in row if name not in point.values}
            numbers = {name: value for name, value in own.items() if value is not None}
            lines.append({"step": number, "time": seconds, **numbers})
        return lines


def _file(folder: Path, point: Point) -> Path:
    return folder / f"{point.name}.json"


def _write(folder: Path, point: Point, content: Row) -> None:
    folder.mkdir(exist_ok=True)
    write_whole(_file(folder, point), (json.dumps(content, indent=1) + "\n").encode())


def _read(path: Path) -> Row:
    """Read one of the files; empty where it is not there, or not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
