"""The fourth outcome: a check that could not judge, by no fault of the answer's.

Four things keep a check from judging: it has a fault of its own; data that it needs is not there;
the kernel has no memory, threads or files left, or lacks a library; or other programs have left it
no time. What came out of the answer's own code is never one of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, thread_time  # bound here, whatever an answer does to `time`
from types import FrameType

from descent.errors import CourseError, NotInstalled
from descent.grading.calls import PACKAGE, WatchedAnswer, learner_error, text_of
from descent.grading.exercise import Exercise
from descent.grading.report import COULD_NOT_GRADE, Report, Unjudged
from descent.grading.sandbox import OutOfTime, free_memory
from descent.grading.values import type_name

GRADER, DATA, KERNEL, BUSY = "grader", "data", "kernel", "busy"
CAUSES = (GRADER, DATA, KERNEL, BUSY)

LITTLE_MEMORY = 200 * 2**20
"""With fewer bytes than this free, a check cannot be held to need them."""

MANY_THREADS = 500
"""With more threads than this in a kernel, a library that cannot start its own is not at fault."""

WAITED = 0.5
"""A busy machine lets a thread wait for a processor for this share of the time at least."""

_NO_MORE = {
    errno.ENOMEM: "memory", errno.EAGAIN: "processes", errno.EMFILE: "open files",
    errno.ENFILE: "open files", errno.ENOSPC: "room on the disk",
}  # fmt: skip
_DATA_ROOM = str(Path(PACKAGE) / "data")
_OF_A_CALL = WatchedAnswer.__call__.__code__


def could_not_grade(
    exercise: Exercise,
    why: Unjudged,
    seconds: float = 0.0,
    printed: str = "",
    notes: tuple[str, ...] = (),
) -> Report:
    """The report of a check that could not judge: no property is ticked, none is crossed."""
    rows = tuple((row, None) for row in exercise.rows())
    return Report(exercise.name, COULD_NOT_GRADE, rows, None, printed, seconds, notes, unjudged=why)


@dataclass
class Circumstances:
    """What the kernel had left when a judgement began; made just before it."""

    free: int = field(default_factory=free_memory)
    threads: int = field(default_factory=threading.active_count)
    files_left: int | None = field(default_factory=lambda: _files_left())

    def blame(
        self,
        error: BaseException,
        watched: WatchedAnswer,
    ) -> Unjudged | None:
        """Why an error that ended a trial is not the answer's, or None where it is, or may be.

        Parameters
        ----------
        error : BaseException
            What came out of the property.
        watched : WatchedAnswer
            The answer as the property saw it in this trial.
        """
        if isinstance(error, KeyboardInterrupt | OutOfTime):
            return None
        if _is_of_the_courses_data(error):
            return _data(error)
        if isinstance(error, NotInstalled):
            remedy = "All other exercises go on without it."
            return Unjudged(KERNEL, text_of(error), remedy, not_installed=True)
        began = bool(watched.calls) or _passes_through(error, _OF_A_CALL)
        lacking = _lacking(error)
        if lacking and (not began or self._was_short_of(lacking)):
            return _kernel(lacking)
        if not began:
            return None if _is_learners(error, watched) else fault_of_the_check(error)
        return None

    def _was_short_of(self, lacking: str) -> bool:
        """Whether it was so before the answer began."""
        if lacking == "memory":
            return self.free < LITTLE_MEMORY
        if lacking == "threads":
            return self.threads > MANY_THREADS
        return lacking == "open files" and self.files_left is not None and self.files_left < 16


@dataclass
class Clock:
    """The time since a trial began: on the clock, at work, and spent waiting for a processor."""

    began: float = field(default_factory=monotonic)
    worked_before: float = field(default_factory=thread_time)
    waited_before: float | None = field(default_factory=lambda: _seconds_waited())

    def out_of_time(self, late: BaseException, allowed: float) -> Unjudged | None:
        """Why time ran out on the clock though the answer has not had it, or None where it had.

        An answer that sleeps or waits for something has had its time: only a thread that would
        have worked, and was not let, counts as kept from working.
        """
        took, worked = monotonic() - self.began, thread_time() - self.worked_before
        if worked >= 0.75 * allowed:
            return None
        if _is_loading(late):
            return _busy(allowed, worked, "A library was still being loaded when time was over.")
        waited = self._waited()
        if waited is not None and waited >= WAITED * (took - worked):
            return _busy(allowed, worked, "The machine was too busy with other things.")
        return None

    def _waited(self) -> float | None:
        now = _seconds_waited()
        if now is None or self.waited_before is None:
            return None
        return now - self.waited_before


# ------------------------------------------------------------------------------- whose error it is


def _frames(error: BaseException) -> Iterator[FrameType]:
    seen: set[int] = set()
    part: BaseException | None = error
    while part is not None and id(part) not in seen:
        seen.add(id(part))
        yield from (frame for frame, _ in traceback.walk_tb(part.__traceback__))
        part = part.__cause__


def _passes_through(error: BaseException, code: object) -> bool:
    return any(frame.f_code is code for frame in _frames(error))


def _is_learners(error: BaseException, watched: WatchedAnswer) -> bool:
    return learner_error(error, watched.answer) is not None


def _is_of_the_courses_data(error: BaseException) -> bool:
    """Raised by the course where it reads or fetches data, whoever asked for it."""
    if not isinstance(error, CourseError | OSError):
        return False
    return any(frame.f_code.co_filename.startswith(_DATA_ROOM) for frame in _frames(error))


def _lacking(error: BaseException) -> str | None:
    """What there is no more of."""
    if isinstance(error, MemoryError) or type_name(error) == "OutOfMemoryError":
        return "memory"
    if isinstance(error, RuntimeError) and "can't start new thread" in text_of(error):
        return "threads"
    return _NO_MORE.get(error.errno or 0) if isinstance(error, OSError) else None


def _is_loading(late: BaseException) -> bool:
    return any(frame.f_code.co_filename.startswith("<frozen importlib") for frame in _frames(late))


# ------------------------------------------------------------------------------------- the words


def fault_of_the_check(error: BaseException) -> Unjudged:
    """For an error of a property's own: right answers meet it too."""
    frame = None
    for frame in _frames(error):  # noqa: B007  (the innermost is wanted)
        pass
    where = ""
    if frame is not None:
        name = Path(frame.f_code.co_filename).name
        where = f" in {frame.f_code.co_name}, {name}"
    return Unjudged(
        GRADER,
        "The check itself stopped with an error before it could judge.",
        "Run it again, as it draws other inputs each time; if it stops again, please report it.",
        f"{type_name(error)}: {text_of(error)}{where}",
    )


def _data(error: BaseException) -> Unjudged:
    return Unjudged(
        DATA,
        f"The check needs data that it could not get. {_sentence(text_of(error))}".rstrip(),
        "Once the data is there, run the check again.",
    )


def _kernel(lacking: str) -> Unjudged:
    return Unjudged(
        KERNEL,
        f"This kernel has no more {lacking}, so nothing can be judged in it.",
        "Close what you do not need, restart the kernel, run its cells, and check again.",
    )


def _busy(limit: float, worked: float, reason: str) -> Unjudged:
    return Unjudged(
        BUSY,
        f"{reason} Of the {limit:g} seconds that your code may work it got {worked:.1f}.",
        "When other notebooks and programs are done, run the check again.",
    )


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


# ----------------------------------------------------------------------------- what is measured


def _seconds_waited() -> float | None:
    """How long this thread has waited for a processor, ready to work; None where none tells."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        place = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        return int(place.read_text().split()[1]) * 1e-9
    return None


def _files_left() -> int | None:
    """How many more files this process may open; None where none tells."""
    with contextlib.suppress(OSError, ImportError, ValueError):
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return most - len(os.listdir("/proc/self/fd"))
    return None
