"""Records that wait for the store: a JSON-lines file that several processes may append to.

Two rules keep every record. Who takes records out of the file renames it first, to a name of its
own, and then reads it: what others write from then on goes into a new file. Who puts records in
looks, after writing, whether what was opened still goes by the file's name, and writes again where
it does not. A record may so be taken twice; it has a uid, and counts once.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
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

    def append(self, *records: Record) -> None:
        """Keep records: in the file, or in memory when nothing can be written. Never raises."""
        waiting = [*_memory.pop(self._key, []), *records]
        text = "".join(f"\n{json.dumps(item)}\n" for item in waiting)
        try:
            self._append_text(text.encode())
        except OSError:
            _memory[self._key] = waiting

    def read(self) -> list[Record]:
        """Return the records that wait, in files and in memory; broken lines are passed over.

        The file itself is read before those that are being merged, because records move that way.
        """
        texts = [_content(self.path), *map(_content, self._being_merged())]
        return [*_parse(b"\n".join(texts)), *_memory.get(self._key, [])]

    def forget(self) -> None:
        """Drop what waits in this process's memory, for a learner who deletes their record."""
        _memory.pop(self._key, None)

    def drain(self, take: Callable[[list[Record]], None]) -> None:
        """Hand the waiting records on, and remove the files they waited in.

        Parameters
        ----------
        take
            Called with records until none are left. When it raises, nothing is removed.
        """
        if self.in_memory:
            take(_memory[self._key])
            del _memory[self._key]
        if self.path.exists():
            self._set_aside()
        for path in self._being_merged():  # also what a process that was killed set aside
            with contextlib.suppress(FileNotFoundError):  # another process has just merged it
                take(_parse(path.read_bytes()))
                path.unlink()

    def _set_aside(self) -> None:
        name = f"{self.path.stem}.{uuid.uuid4().hex}.merging{self.path.suffix}"
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            os.rename(self.path, self.path.with_name(name))

    def _being_merged(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{self.path.stem}.*.merging{self.path.suffix}"))

    def _append_text(self, data: bytes) -> None:
        """Append in one write, so that lines of several processes do not mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = False
        while not kept:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(file, data) < len(data):
                    raise OSError("the disk is full")
                kept = self._is_still(file)
            finally:
                os.close(file)

    def _is_still(self, file: int) -> bool:
        """Say whether an open file still goes by the name it was opened under."""
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False


_memory: dict[str, list[Record]] = {}
"""What could not be written anywhere, by the path of the file it belongs in."""


def _content(path: Path) -> bytes:
    """Return what a file holds; nothing where it is not there (any more) or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _parse(data: bytes) -> list[Record]:
    """Read the lines that are JSON objects; a line cut short by a full disk is not one."""
    records = []
    for line in data.decode("utf-8", errors="replace").split("\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
