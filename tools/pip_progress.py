"""How far pip is, in words: which packages, how many megabytes, about how long still.

Standard library only, and no syntax newer than Python 3.7, like ``environment.py``. pip says what
it begins, not how far it is with it: how much there is of the file that it is downloading, and
which packages it has unpacked, is looked up on the disk.
"""

from __future__ import annotations

import glob
import os
import queue
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

LINE_EVERY = 5.0  # seconds between two lines where no terminal is
DRAW_EVERY = 0.3  # seconds between two pictures of the bar on a terminal
BAR = 20  # characters

# Megabytes of the packages that are large; of the others one each. Only to tell how long it takes.
LARGE = {
    "torch": 200,
    "jaxlib": 90,
    "pyarrow": 45,
    "scipy": 35,
    "numpy": 17,
    "transformers": 12,
    "jupyterlab": 12,
    "scikit-learn": 10,
    "pandas": 10,
    "matplotlib": 9,
    "sympy": 6,
    "pillow": 7,
    "mypy": 13,
    "ruff": 12,
    "playwright": 45,
}

# The stages, and the seconds each takes on an ordinary machine and network: what is expected of a
# stage that has not begun.
LOOKING_UP, FETCHING, UNPACKING = "found", "fetched", "unpacked"
USUAL = {LOOKING_UP: 30.0, FETCHING: 120.0, UNPACKING: 120.0}
STAGES = tuple(USUAL)

ARCHIVE = r"([^/\\\s]+\.(?:whl|tar\.gz|zip))"
FILE_LINE = re.compile(
    rf"\s*(?:Downloading|Using cached) (?:\S*/)?{ARCHIVE} \(([\d.]+) (bytes|kB|MB|GB)\)"
)
NAME_LINE = re.compile(r"(Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
LOCAL_LINE = re.compile(rf"Processing (?:.*[/\\])?{ARCHIVE}")
UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}


def plain_name(text: str) -> str:
    """Return a package's name as all spell it: ``Jinja2-3.1.6-py3-none-any.whl`` → ``jinja2``."""
    return re.sub(r"[-_.]+", "-", re.split(r"-\d|==|<|>|\[", text)[0]).lower()


class PipProgress:
    """What pip has done so far, from the lines it prints and from what is on the disk.

    Parameters
    ----------
    asked
        The names of the packages that are asked for; more may be needed.
    site_packages
        The folders that packages are unpacked into.
    clock
        Returns the time in seconds.
    """

    def __init__(
        self,
        asked: Iterable[str],
        site_packages: list[Path],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asked = {plain_name(name) for name in asked}
        self.site_packages = site_packages
        self.clock = clock
        self.stage = LOOKING_UP
        self.began = clock()  # the stage
        self.collected: set[str] = set()
        self.fetched: set[str] = set()  # also what was here already
        self.sizes: dict[str, float] = {}  # megabytes of what pip fetches
        self.current = ""  # the file on its way
        self.to_unpack: list[str] = []
        self.there_before: set[str] = set()

    # --- what pip says --------------------------------------------------------------------------

    def hear(self, line: str) -> None:
        """Take in one line of pip's output."""
        file, name, local = FILE_LINE.match(line), NAME_LINE.match(line), LOCAL_LINE.match(line)
        installing = line.startswith("Installing collected packages: ")
        if file or name or local or installing:
            self._finish_current()
        if file:
            self._enter(FETCHING)
            self.current = file.group(1)
            self.sizes[plain_name(self.current)] = float(file.group(2)) * UNITS[file.group(3)]
        elif name:
            self.collected.add(plain_name(name.group(2)))
            if name.group(1) != "Collecting":
                self.fetched.add(plain_name(name.group(2)))
        elif local:
            self.collected.add(plain_name(local.group(1)))
            self.fetched.add(plain_name(local.group(1)))
        elif installing:
            self.there_before = self._on_disk()
            names = line.split(":", 1)[1].split(",")
            self.to_unpack = [plain_name(name.strip()) for name in names]
            self._enter(UNPACKING)

    def _finish_current(self) -> None:
        if self.current:
            self.fetched.add(plain_name(self.current))
            self.current = ""

    def _enter(self, stage: str) -> None:
        if STAGES.index(stage) > STAGES.index(self.stage):
            self.stage, self.began = stage, self.clock()

    # --- what the disk says ---------------------------------------------------------------------

    def _on_disk(self) -> set[str]:
        infos = [info for folder in self.site_packages for info in folder.glob("*.dist-info")]
        return {plain_name(info.name) for info in infos}

    def _unpacked(self) -> list[str]:
        new = self._on_disk() - self.there_before
        return [name for name in self.to_unpack if name in new]

    def _current_megabytes(self) -> float:
        """Return how much of the file on its way is there: pip writes it to a folder of its own."""
        if not self.current:
            return 0.0
        pattern = os.path.join(
            glob.escape(tempfile.gettempdir()), "pip-*", glob.escape(self.current)
        )
        sizes = []
        for path in glob.glob(pattern):
            try:
                sizes.append(os.path.getsize(path) * 1e-6)
            except OSError:  # it was just moved away
                continue
        return min(max(sizes, default=0.0), self.sizes[plain_name(self.current)])

    # --- how far it is --------------------------------------------------------------------------

    def count(self) -> tuple[int, int]:
        """Return how many packages are through this stage, and of how many."""
        if self.stage == UNPACKING:
            return len(self._unpacked()), len(self.to_unpack)
        through = len(self.collected) if self.stage == LOOKING_UP else len(self.fetched)
        return through, len(self.asked | self.collected)

    def megabytes(self) -> float:
        """Return how much was fetched so far."""
        done = sum(size for name, size in self.sizes.items() if name in self.fetched)
        return done + self._current_megabytes()

    def share(self) -> float:
        """Return which part of this stage is done, from 0 to 1, large packages counting more."""
        if self.stage == LOOKING_UP:
            found, total = self.count()
            return found / total if total else 1.0
        if self.stage == UNPACKING:
            return self._weight_of(self._unpacked()) / max(self._weight_of(self.to_unpack), 1.0)
        through = self._weight_of(self.fetched) + self._current_megabytes()
        return through / max(self._weight_of(self.asked | self.collected), through, 1.0)

    def _weight_of(self, names: Iterable[str]) -> float:
        """Return the megabytes of packages: what pip said, else what is usual, at least one."""
        return sum(max(self.sizes.get(name, 0.0), LARGE.get(name, 1.0)) for name in names)

    def seconds_left(self) -> float:
        """Estimate how long all that is left takes, from the pace of this stage."""
        elapsed = self.clock() - self.began
        share = self.share()
        usual = USUAL[self.stage]
        expected = elapsed / share if share > 0.05 and elapsed > 5.0 else max(usual, elapsed * 1.2)
        later = STAGES[STAGES.index(self.stage) + 1 :]
        return max(expected - elapsed, 0.0) + sum(USUAL[stage] for stage in later)

    def overall_share(self) -> float:
        """Return which part of everything is done, from 0 to 1."""
        before = sum(USUAL[stage] for stage in STAGES[: STAGES.index(self.stage)])
        return (before + USUAL[self.stage] * self.share()) / sum(USUAL.values())

    def words(self) -> str:
        """Say how far it is in one line."""
        through, total = self.count()
        parts = [f"{self.stage} {through} of {total} packages"]
        if self.stage == FETCHING:
            parts.append(f"{self.megabytes():.0f} MB")
        parts.append(time_words(self.seconds_left()))
        line = ", ".join(parts)
        size = self.sizes.get(plain_name(self.current), 0.0) if self.current else 0.0
        if size >= 10:
            there = self._current_megabytes()
            line += f" ({plain_name(self.current)}: {there:.0f} of {size:.0f} MB)"
        return line


def time_words(seconds: float) -> str:
    """Say a time that is an estimate."""
    if seconds < 60:
        return "less than a minute left"
    return f"about {seconds / 60:.0f} min left"


# --- showing it ---------------------------------------------------------------------------------


def lines_or_silence(stream: IO[str], seconds: float) -> Iterator[str | None]:
    """Yield the lines of a stream as they come, and None whenever none came for so many seconds."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


class Display:
    """Shows progress: a bar in place on a terminal, a line every few seconds elsewhere."""

    def __init__(self, line_every: float = LINE_EVERY) -> None:
        self.in_place = sys.stdout.isatty()
        self.every = DRAW_EVERY if self.in_place else line_every
        self.last = time.monotonic()

    def update(self, progress: PipProgress) -> None:
        """Show how far it is, unless that was done a moment ago."""
        if time.monotonic() - self.last < self.every:
            return
        self.last = time.monotonic()
        if not self.in_place:
            print("  " + progress.words(), flush=True)
            return
        full = int(BAR * progress.overall_share())
        bar = "[" + "#" * full + "." * (BAR - full) + "]"
        self._draw(f"  {bar} {progress.words()}")

    def close(self) -> None:
        """Leave nothing behind on a terminal."""
        if self.in_place:
            self._draw("")
            print("\r", end="", flush=True)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print("\r" + text[:width].ljust(width), end="", flush=True)
