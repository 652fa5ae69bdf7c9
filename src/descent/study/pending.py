"""Records that wait for the store: a JSON-lines file that several processes may append to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

Record = dict[str, object]


class PendingFile:
    """A file of JSON lines beside the store, and a list in memory for when that fails too.

    Parameters
    ----------
    path
        The file; it exists only while records wait in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = str(path)

    @property
    def in_memory(self) -> bool:
        """Whether records wait in memory because the file could not be written."""
        return bool(_memory.get(self._key))

    def append(self, record: Record) -> None:
        """Keep a record: in the file, or in memory when nothing can be written. Never raises."""
        waiting = [*_memory.pop(self._key, []), record]
        text = "".join(f"\n{json.dumps(item)}\n" for item in waiting)
        try:
            self._append_text(text.encode())
        except OSError:
            _memory[self._key] = waiting

    def read(self) -> list[Record]:
        """Return the records that wait, in the file and in memory; broken lines are passed over."""
        try:
            data = self.path.read_bytes()
        except OSError:
            data = b""
        return [*_parse(data), *_memory.get(self._key, [])]

    def drain(self, take: Callable[[list[Record]], None]) -> None:
        """Hand the waiting records on, and remove the file.

        Another process may append at any moment. What it wrote before the file was removed is
        seen by the second reading here; what it writes after, it finds removed and writes again.

        Parameters
        ----------
        take
            Called with records until none are left. When it raises, nothing is removed.
        """
        if self.in_memory:
            take(_memory[self._key])
            del _memory[self._key]
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            take(_parse(file.read()))
            self.path.unlink(missing_ok=True)
            late = _parse(file.read())
        for record in late:
            self.append(record)
        if late:
            take(late)

    def _append_text(self, data: bytes) -> None:
        """Append in one write, so that lines of several processes do not mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        removed = True
        while removed:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(file, data) < len(data):
                    raise OSError("the disk is full")
                removed = os.fstat(file).st_nlink == 0
            finally:
                os.close(file)


_memory: dict[str, list[Record]] = {}
"""What could not be written anywhere, by the path of the file it belongs in."""


def _parse(data: bytes) -> list[Record]:
    """Read the lines that are JSON objects; a line cut short by a full disk is not one."""
    records = []
    for line in data.decode("utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
