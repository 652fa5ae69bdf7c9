"""Running somebody else's code: a limit of time and of memory, prints captured, nothing typed."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, thread_time  # bound here, whatever a notebook does to `time`
from types import FrameType
from typing import Any, NoReturn, TypeVar

from descent.shell import ipython_shell

T = TypeVar("T")

MOST_PRINTED = 4_000
"""Characters of the learner's own prints that a report keeps."""

RING_AGAIN = 0.1
"""Seconds between alarms once the limit has passed."""

PATIENCE = 4
"""How many times its limit a block may take on the clock while it has not worked so long: a busy
machine, or a library that is being loaded, is not the learner's endless loop."""

MOST_MEMORY = 8 * 2**30
"""Bytes that an answer may take at most; less where the machine has less to give."""

_THREAD_MEMORY = 256 * 2**20
"""Address space that a library may set aside for each thread it starts, used or not."""

_PACKAGE = str(Path(__file__).resolve().parents[1])
_OWN_FILES = (__file__, contextlib.__file__)


class OutOfTime(BaseException):
    """The time limit passed. Not an Exception, so that `except Exception` does not swallow it."""


def guarded(work: Callable[[], T], otherwise: T, seconds: float = 1.0) -> T:
    """What `work` returns; `otherwise` where a learner's code in it fails, exits or does not end.

    For whatever asks a learner's value to show, compare or convert itself. KeyboardInterrupt, the
    learner's own, passes through.
    """
    try:
        with time_limit(seconds):
            return work()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return otherwise


# ------------------------------------------------------------------------------- the time limit


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in this thread when the block has worked for `seconds`.

    It interrupts Python code; a single long call into a C library is interrupted when it returns,
    which is what `grading.watchdog` is for. Code that swallows the exception meets it again.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if hasattr(signal, "setitimer") and on_main_thread:
        limit: contextlib.AbstractContextManager[None] = _Alarm(seconds)
    else:
        limit = _by_thread(seconds)
    with limit:
        yield


_deadlines: list[float] = []
"""When each limit that is running, the innermost last, has passed by any clock."""


def overdue() -> float:
    """Seconds for which the innermost limit on the main thread has passed and not been obeyed."""
    return monotonic() - _deadlines[-1] if _deadlines else 0.0


class _Alarm:
    """A time limit by SIGALRM. It rings until the block has ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self._armed, self._rung = True, 0
        self._block = _frame_of_block()
        self._tracing = sys.gettrace()
        self._started, self._worked_before = monotonic(), thread_time()
        _deadlines.append(self._started + PATIENCE * self.seconds)
        self._before = signal.signal(signal.SIGALRM, self._ring)
        self._left, _ = signal.setitimer(signal.ITIMER_REAL, self.seconds, RING_AGAIN)

    def __exit__(self, *_: object) -> None:
        self._armed = False
        _deadlines.pop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        if self._rung > 1:
            sys.settrace(self._tracing)
        if self._left:  # a limit around this one goes on counting
            left = max(self._left - (monotonic() - self._started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, RING_AGAIN)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        worked = thread_time() - self._worked_before
        waited = monotonic() - self._started
        over = worked >= self.seconds or waited >= PATIENCE * self.seconds
        if not self._armed or not over or _is_own(frame):
            return
        self._rung += 1
        if self._rung > 1:  # the first was swallowed
            self._raise_on_every_line(frame)
        raise OutOfTime

    def _raise_on_every_line(self, frame: FrameType | None) -> None:
        """Raise at the next line of each of the learner's frames that are running.

        An ``except BaseException`` inside a loop swallows an exception and goes round again; it
        does not swallow one raised in its own handler.
        """
        while frame is not None and frame is not self._block:
            if not frame.f_code.co_filename.startswith(_PACKAGE):
                frame.f_trace = self._at_line
            frame = frame.f_back
        sys.settrace(lambda *_: None)  # without one, no frame is traced

    def _at_line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and self._armed:
            # Tracing ends with this exception: ring at once, for a handler around the handler.
            signal.setitimer(signal.ITIMER_REAL, 1e-6, RING_AGAIN)
            raise OutOfTime
        return self._at_line


def _frame_of_block() -> FrameType | None:
    """The frame with the ``with`` statement, seen from inside the context manager."""
    frame: FrameType | None = sys._getframe(1)
    while _is_own(frame):
        assert frame is not None
        frame = frame.f_back
    return frame


def _is_own(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename in _OWN_FILES


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """For Windows, and for checks run outside the main thread."""
    target = ctypes.c_ulong(threading.get_ident())
    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    worked = _work_of_this_thread()
    started = monotonic()
    done = threading.Event()

    def ring() -> None:
        wait = seconds
        while not done.wait(wait):
            if worked() >= seconds or monotonic() - started >= PATIENCE * seconds:
                raise_in_thread(target, ctypes.py_object(OutOfTime))
            wait = RING_AGAIN

    threading.Thread(target=ring, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        raise_in_thread(target, None)  # one that has not arrived yet


def _work_of_this_thread() -> Callable[[], float]:
    """A function that tells another thread how long this one has worked since now."""
    import time

    if not hasattr(time, "pthread_getcpuclockid"):
        started = monotonic()
        return lambda: monotonic() - started
    clock = time.pthread_getcpuclockid(threading.get_ident())
    before = time.clock_gettime(clock)
    return lambda: time.clock_gettime(clock) - before


# ----------------------------------------------------------------------------- the memory limit


@contextlib.contextmanager
def memory_limit() -> Iterator[None]:
    """Let what asks for more memory than there is end in a MemoryError, not in a dead kernel.

    On Linux; elsewhere, and where a GPU's address space is mapped, there is no such limit.
    """
    if sys.platform != "linux" or os.path.exists("/dev/nvidiactl"):
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    threads = _THREAD_MEMORY * (os.cpu_count() or 1)
    limit = _address_space() + threads + min(MOST_MEMORY, _free_memory())
    resource.setrlimit(resource.RLIMIT_AS, (_smaller(limit, before[0]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _smaller(limit: int, other: int) -> int:
    return limit if other < 0 else min(limit, other)  # −1: there is none


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _free_memory() -> int:
    """What this machine, or the container on it, has left to give."""
    import psutil

    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # ValueError: "max", no limit
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    return max(free, 0)


# -------------------------------------------------------------------------------- in and output


class Printed(io.StringIO):
    """Where the learner's prints go: the first characters are kept, a flood is not."""

    def write(self, text: str) -> int:
        if self.tell() < MOST_PRINTED:
            super().write(text[: MOST_PRINTED - self.tell()])
        return len(text)

    def close(self) -> None:
        """Stay open: the report reads it when the answer has finished."""


@contextlib.contextmanager
def captured_output() -> Iterator[Printed]:
    """Collect prints, and keep displays (plots, widgets) out of the check's output."""
    printed = Printed()
    with contextlib.ExitStack() as stack:
        if ipython_shell() is not None:
            from IPython.utils.capture import capture_output

            stack.enter_context(capture_output(stdout=False, stderr=False, display=True))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        yield printed


@contextlib.contextmanager
def nobody_typing() -> Iterator[None]:
    """Let `input()` fail at once, and a debugger end: nobody answers them during a check."""
    ask, stdin = builtins.input, sys.stdin
    builtins.input, sys.stdin = _refuse, io.StringIO()
    try:
        yield
    finally:
        builtins.input, sys.stdin = ask, stdin


def _refuse(prompt: object = "") -> NoReturn:
    raise EOFError("Nobody answers `input` during a check: take what you need as a parameter.")
