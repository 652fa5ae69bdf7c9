"""Metrics of a training, one JSON line for each moment: step, time, and named numbers."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from descent.errors import CourseError

Line = dict[str, Any]
"""``{"step": 120, "time": 3.5, "loss": 2.31}``: updates done, seconds trained, numbers."""


class MetricsFile:
    """The file that a training writes its metrics to.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    start : int
        The step from which training goes on. Lines of this step and later ones, written before a
        checkpoint of them could be, are cut, so that the curve has each step once.

    Raises
    ------
    CourseError
        When the file cannot be written.
    """

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        kept = [line for line in read_metrics(path) if line["step"] < start]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, path)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._not_written(error) from error

    def write(self, step: int, time: float, **values: float) -> None:
        """Add a line.

        Parameters
        ----------
        step : int
            Updates done.
        time : float
            Seconds trained, the parts before an interruption included.
        **values : float
            Named numbers; ``_`` in a name is shown as a space.

        Raises
        ------
        CourseError
            When it cannot be written, as on a full disk.
        """
        named = {name.replace("_", " "): float(value) for name, value in values.items()}
        try:
            self._file.write(json.dumps({"step": step, "time": round(time, 3), **named}) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._not_written(error) from error

    def sync(self) -> None:
        """Bring the lines through to the disk: a checkpoint must not outlive its curve."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._not_written(error) from error

    def close(self) -> None:
        """Close the file. A full disk was said when the line was written."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _not_written(self, error: OSError) -> CourseError:
        return CourseError(f"{self.path}: cannot be written ({error.strerror or error}).")


def read_metrics(path: Path) -> list[Line]:
    """Read all lines that are whole; one may be torn where a process was killed.

    Returns
    -------
    list of dict
        Each with ``step`` and ``time``, and of the rest what is a number; empty where there is no
        file.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    lines = []
    for text_line in text.splitlines():
        try:
            line = json.loads(text_line)
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append({name: value for name, value in line.items() if _is_number(value)})
    return [line for line in lines if "time" in line and isinstance(line.get("step"), int)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def last_step(lines: list[Line]) -> int:
    """Return the last step of which there is a number, 0 before any."""
    return int(max((line["step"] for line in lines), default=0))


def latest(lines: list[Line]) -> dict[str, float]:
    """Return the last value of each number; its step and time are not among them."""
    found = {name: value for line in lines for name, value in line.items()}
    return {name: value for name, value in found.items() if name not in ("step", "time")}


def curve(lines: list[Line], name: str) -> tuple[list[int], list[float]]:
    """Pick one named number out of the lines.

    Returns
    -------
    steps : list of int
    values : list of float
    """
    found = [(line["step"], line[name]) for line in lines if name in line]
    return [step for step, _ in found], [value for _, value in found]


def short(value: float) -> str:
    """Write a number for a line of progress: four digits of it, or a whole number whole."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"
