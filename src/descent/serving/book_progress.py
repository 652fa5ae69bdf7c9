"""How far the building of the book is, from what Sphinx prints: in place or in lines."""

from __future__ import annotations

import re
import shutil
import sys
import time
from types import TracebackType

EVERY = 5.0  # seconds between two lines where there is no terminal
STEP = re.compile(r"(reading sources|writing output)\.\.\. \[ *(\d+)%\]")
# Reading executes no code but parses every notebook; it takes about as long as writing.
BEGINS_AT = {"reading sources": 0, "writing output": 50}


class BookProgress:
    """Shows progress while it is open; leaves a terminal's line empty at the end."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._last = time.monotonic()

    def __enter__(self) -> BookProgress:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was shown in place."""
        if self._in_place:
            print("\r" + " " * (shutil.get_terminal_size().columns - 1), end="\r", flush=True)

    def hear(self, line: str) -> None:
        """Take in a line that Sphinx printed, and show how far it is when there is news."""
        found = STEP.search(line)
        now = time.monotonic()
        if not found or (now - self._last < EVERY and not self._in_place):
            return
        self._last = now
        percent = BEGINS_AT[found[1]] + int(found[2]) // 2
        if not self._in_place:
            print(f"  building the book: {percent} %", flush=True)
            return
        bar = "#" * (percent // 5)
        print(f"\r  building the book [{bar:.<20}] {percent:3d} %", end="", flush=True)
