"""Ending a check that no time limit can reach.

Compiled code that does not return (a sum over an endless iterator, a product of giant matrices)
cannot be interrupted from within Python. So while a check runs in a kernel, a note of it lies in
the learner's folder, and two watch over it: a thread, which says in the cell what is going on where
the compiled code lets other threads run; and `faulthandler`, which needs nothing of Python. It
writes down where the answer is, and ends the process. JupyterLab then starts the kernel anew and
keeps the notebook; `ended_checks` tells the new kernel what became of the old one. The note serves
a kernel that died of anything else as well, such as want of memory.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import linecache
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import psutil

from descent.grading.calls import LIBRARIES, PACKAGE, codes_of
from descent.grading.sandbox import overdue

SAY_AFTER = 3.0
"""Seconds past a limit after which the cell is told that nothing happens."""

END_AFTER = 45.0
"""Seconds without a sign of life, or past a limit, after which the kernel is ended."""

BEAT = 0.5
"""Seconds between two signs of life."""


@dataclass(frozen=True)
class CheckNote:
    """A check that was begun: what is known of it if its process ends before it does."""

    chapter: str
    exercise: str
    process: int
    process_began: float
    file: str
    """What Python calls the cell, or file, that holds the answer."""
    text: str
    """The text of that cell."""


@dataclass(frozen=True)
class EndedCheck:
    """A check whose process ended before it did.

    `line` is where the answer was when the watchdog ended it; empty where something else did.
    """

    chapter: str
    exercise: str
    text: str
    line: str = ""

    def words(self, kept_in: Path) -> str:
        """What the learner is told, once the text of the answer lies in `kept_in`."""
        if self.line:
            why = (
                f"Your last check of `{self.exercise}` did not end, and could not be stopped, as "
                f"compiled code cannot: it was at `{self.line}`. So the kernel was ended."
            )
        else:
            why = (
                f"The kernel ended during your last check of `{self.exercise}`. If you did not "
                "restart it, the answer took all memory, or ended Python itself."
            )
        return (
            f"{why} The notebook is as it was, its variables are gone: run its cells again. The "
            f"text of your answer is also in {kept_in}."
        )


@contextlib.contextmanager
def watchdog(folder: Path, chapter: str, exercise: str, answer: Any = None) -> Iterator[None]:
    """Watch over the check that the block runs; end the process where nothing else ends it.

    Parameters
    ----------
    folder : Path
        Where notes of checks lie. Where it cannot be written, no note is left.
    chapter, exercise : str
    answer : callable, optional
        The learner's.
    """
    note = _note(chapter, exercise, answer)
    path = folder / f"{note.process}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(note)), encoding="utf-8")
        trace = open(path.with_suffix(".trace"), "w", encoding="utf-8")  # noqa: SIM115
    except OSError:
        trace = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    with trace:
        done = threading.Event()
        keeper = threading.Thread(
            target=_give_signs_of_life,
            args=(done, trace, threading.get_ident(), exercise, sys.stdout),
            daemon=True,
        )
        faulthandler.dump_traceback_later(END_AFTER, exit=True, file=trace)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()
            faulthandler.cancel_dump_traceback_later()
    for written in (path, path.with_suffix(".trace")):
        with contextlib.suppress(OSError):
            written.unlink()


def _note(chapter: str, exercise: str, answer: Any) -> CheckNote:
    codes = codes_of(answer) if answer is not None else []
    file = codes[0].co_filename if codes else ""
    began = psutil.Process().create_time()
    text = "".join(linecache.getlines(file)) if file else ""
    return CheckNote(chapter, exercise, os.getpid(), began, file, text)


def _give_signs_of_life(
    done: threading.Event, trace: TextIO, checking: int, exercise: str, cell: TextIO
) -> None:
    said = False
    while not done.wait(BEAT):
        late = overdue()
        if late <= 0:
            faulthandler.dump_traceback_later(END_AFTER, exit=True, file=trace)
        elif late > SAY_AFTER and not said:
            said = True
            where = _line_of(checking)
            cell.write(
                f"{exercise} is past its time limit and cannot be stopped, as compiled code cannot"
                f"{f': it is at `{where}`' if where else ''}. If it does not come back within "
                f"{END_AFTER:.0f} seconds, the kernel is ended. The notebook keeps all its cells; "
                "variables are lost.\n"
            )
            cell.flush()


def _line_of(thread: int) -> str:
    """The line of the learner's that a thread is at."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((*LIBRARIES, "<frozen", PACKAGE)):
            return linecache.getline(path, frame.f_lineno).strip()
        frame = frame.f_back
    return ""


def ended_checks(folder: Path, chapter: str) -> list[EndedCheck]:
    """The checks of a chapter whose process is gone, each told once: their notes are removed."""
    found = []
    for path in sorted(folder.glob("*.json")):
        note = _read(path)
        if note is None or note.chapter != chapter or _is_running(note):
            continue
        trace = path.with_suffix(".trace")
        found.append(EndedCheck(chapter, note.exercise, note.text, _line_in(trace, note)))
        for read in (path, trace):
            with contextlib.suppress(OSError):
                read.unlink()
    return found


def _read(path: Path) -> CheckNote | None:
    try:
        return CheckNote(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # half written, or no note at all
        return None


def _is_running(note: CheckNote) -> bool:
    try:
        return bool(psutil.Process(note.process).create_time() == note.process_began)
    except psutil.Error:
        return False


def _line_in(trace: Path, note: CheckNote) -> str:
    """The answer's line in what faulthandler wrote, innermost call first."""
    try:
        written = trace.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    place = re.search(rf'File "{re.escape(note.file)}", line (\d+)', written) if note.file else None
    if place is None:
        return "an unknown line" if written else ""
    lines = note.text.splitlines()
    number = int(place[1])
    return lines[number - 1].strip() if number <= len(lines) else f"line {number}"
