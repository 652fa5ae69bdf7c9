"""Judgements as they are kept: a file of JSON lines to which lines are only ever added.

Several kernels may write to one file at once. A line is written in one go, begins on a line of its
own, and counts only if it is whole: what a full disk or a killed kernel cut short is passed over,
and harms no other. A judgement that is taken back stays in the file, and a line after it says so.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from typing import Any

from descent.errors import CourseError
from descent.study.paths import home_folder

FOLDER = "labels"
"""Where the files are, in the learner's home folder."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Line = dict[str, Any]


class Judgements:
    """What was judged in one named set; everything is read from the file each time.

    Parameters
    ----------
    name : str
        What the set is called: letters, digits, ``-`` and ``_``.
    kind : str
        What is judged; sets of two kinds may have one name.

    Raises
    ------
    CourseError
        When the name is none.
    """

    def __init__(self, name: str, kind: str) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CourseError(
                f"{name!r} cannot be the name of a set: take up to 64 letters, digits, - and _."
            )
        self.name = name
        self.path = home_folder() / FOLDER / f"{kind}-{name}.jsonl"
        self._session = uuid.uuid4().hex

    def give(self, item: str, value: float | None) -> None:
        """Keep a judgement; a later one of the same item counts in its place.

        Parameters
        ----------
        item : str
            What was judged.
        value : float or None
            The judgement; None where it was passed over.

        Raises
        ------
        CourseError
            When it cannot be written. Then it does not count.
        """
        self.add(kind="judged", item=item, value=value)

    def undo(self) -> str | None:
        """Take back the last judgement: this tool's own, else the last of all.

        Returns
        -------
        str or None
            The item it was about; None where there is nothing to take back.

        Raises
        ------
        CourseError
            When that cannot be written.
        """
        standing = self._standing()
        own = [line for line in standing if line.get("session") == self._session]
        if not standing:
            return None
        last = (own or standing)[-1]
        self.add(kind="undone", of=last["uid"])
        return str(last["item"])

    def now(self) -> dict[str, float | None]:
        """Return what each item was judged last, in the order of their first judgements."""
        return {line["item"]: line["value"] for line in self._standing()}

    def add(self, **line: Any) -> None:
        """Write any line.

        Raises
        ------
        CourseError
            When it cannot be written whole.
        """
        known = {"uid": uuid.uuid4().hex, "at": time.time(), "session": self._session}
        # A newline before it: the line before may have been cut short.
        data = f"\n{json.dumps({**known, **line})}\n".encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(file, data) < len(data):
                    raise OSError("the disk is full")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise CourseError(
                f"This was not kept: {self.path} cannot be written ({error.strerror or error})."
            ) from error

    def lines(self) -> list[Line]:
        """Return all lines that are whole; none where there is no file.

        Raises
        ------
        CourseError
            When the file is there and cannot be read.
        """
        try:
            text = self.path.read_bytes().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CourseError(f"{self.path} cannot be read ({error.strerror or error}).") from error
        return [line for line in map(_parsed, text.split("\n")) if line is not None]

    def _standing(self) -> list[Line]:
        """Return the judgements that were not taken back, oldest first."""
        lines = self.lines()
        undone = {line.get("of") for line in lines if line.get("kind") == "undone"}
        return [line for line in lines if _is_judgement(line) and line["uid"] not in undone]


def _parsed(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and isinstance(line.get("uid"), str) else None


def _is_judgement(line: Line) -> bool:
    value = line.get("value")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        line.get("kind") == "judged"
        and isinstance(line.get("item"), str)
        and "value" in line
        and (number or value is None)
    )
