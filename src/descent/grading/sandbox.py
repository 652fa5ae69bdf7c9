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
from typing import NoReturn, TypeVar

from descent.shell import ipython_shell

T = TypeVar("T")

MOST_PRINTED = 4_000
"""Characters of the learner's own prints that a report keeps."""

RING_AGAIN = 0.1
"""Seconds between alarms once the limit has passed."""

RING_OFTEN = 2e-5
"""Seconds between alarms for code that swallows them."""

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
    """A time limit passed. Not an Exception, so that `except Exception` does not swallow it.

    Parameters
    ----------
    limit : object, optional
        What `time_limit` gave to the block whose time is over.
    """

    def __init__(self, limit: object = None) -> None:
        super().__init__()
        self.limit = limit

    def is_of(self, limit: object) -> bool:
        """Whether it is the limit of this block that passed, not that of one around it."""
        return self.limit is None or self.limit is limit


def guarded(work: Callable[[], T], otherwise: T, seconds: float = 1.0) -> T:
    """What `work` returns; `otherwise` where a learner's code in it fails, exits or does not end.

    For whatever asks a learner's value to show, compare or convert itself. KeyboardInterrupt, the
    learner's own, passes through.
    """
    limit = None
    try:
        with time_limit(seconds) as limit:
            return work()
    except KeyboardInterrupt:
        raise
    except OutOfTime as late:
        if late.is_of(limit):
            return otherwise
        raise
    except BaseException:
        return otherwise


# ------------------------------------------------------------------------------- the time limit


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[object]:
    """Raise `OutOfTime` in this thread when the block has worked for `seconds`.

    It interrupts Python code; a single long call into a C library is interrupted when it returns,
    which is what `grading.watchdog` is for. Code that swallows the exception meets it again.
    Limits may stand inside one another: the exception knows by `is_of` whose it is.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if hasattr(signal, "setitimer") and on_main_thread:
        limit: contextlib.AbstractContextManager[object] = _Alarm(seconds)
    else:
        limit = _by_thread(seconds)
    with limit as token, _quiet_destructors():
        yield token


@contextlib.contextmanager
def _quiet_destructors() -> Iterator[None]:
    """Drop an `OutOfTime` that rang in a destructor or in the callback of a weak reference.

    Python cannot raise there: it prints what was raised, with a traceback, and goes on. Nothing is
    lost by saying nothing, since the limit rings again. Anything else is reported as ever, and no
    limit rings meanwhile.
    """
    report = sys.unraisablehook

    def report_others(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, OutOfTime):
            _reporting.append(unraisable.exc_type)
            try:
                report(unraisable)
            finally:
                _reporting.pop()

    sys.unraisablehook = report_others
    try:
        yield
    finally:
        sys.unraisablehook = report


_reporting: list[type[BaseException]] = []
"""What a destructor raised and is being reported; empty otherwise. No limit rings meanwhile."""

_alarms: list[_Alarm] = []
"""The limits that are running on the main thread, the outermost first."""


def overdue() -> float:
    """Seconds for which a limit on the main thread has passed, on any clock, without being obeyed;
    negative before that."""
    return max((alarm.overdue() for alarm in tuple(_alarms)), default=-1.0)


def _ring(signum: int, frame: FrameType | None) -> None:
    if frame is None or _reporting or _is_own(frame):
        return
    for alarm in _alarms:
        if alarm.is_over():
            alarm.stop(frame)


class _Alarm:
    """A time limit by SIGALRM. It rings until the block has ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> _Alarm:
        self._rung = 0
        self._started, self._worked_before = monotonic(), thread_time()
        self._left, _ = signal.getitimer(signal.ITIMER_REAL)
        self._before = signal.signal(signal.SIGALRM, _ring)
        _alarms.append(self)
        first = min(self.seconds, self._left or self.seconds)
        signal.setitimer(signal.ITIMER_REAL, first, RING_AGAIN)
        return self

    def __exit__(self, *_: object) -> None:
        _alarms.remove(self)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._before not in (signal.SIG_DFL, None):
            # Else `_ring` stays, and does nothing: an alarm may be on its way still.
            signal.signal(signal.SIGALRM, self._before)
        if self._left:  # a limit around this one goes on counting
            left = max(self._left - (monotonic() - self._started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, RING_AGAIN)

    def overdue(self) -> float:
        """Seconds past the time after which even a busy machine is no excuse."""
        return monotonic() - self._started - PATIENCE * self.seconds

    def is_over(self) -> bool:
        """Whether the block has had its time. Asked on the main thread, whose work counts."""
        return thread_time() - self._worked_before >= self.seconds or self.overdue() >= 0

    def stop(self, frame: FrameType) -> None:
        """Raise `OutOfTime` in the frame that is running.

        An ``except BaseException`` in a loop swallows it and goes round again. Then the alarm
        rings so often that it soon rings between the handler's end and the next ``try``.
        """
        if self._rung and frame.f_code.co_filename.startswith(_PACKAGE):
            return  # a property that is putting something back
        self._rung += 1
        if self._rung == 2:
            signal.setitimer(signal.ITIMER_REAL, RING_OFTEN, RING_OFTEN)
        raise OutOfTime(self)


def _is_own(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename in _OWN_FILES


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[object]:
    """For Windows, and for checks run outside the main thread."""
    target = ctypes.c_ulong(threading.get_ident())
    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    worked = _work_of_this_thread()
    started = monotonic()
    done = threading.Event()

    def ring() -> None:
        wait = seconds
        while not done.wait(wait):
            over = worked() >= seconds or monotonic() - started >= PATIENCE * seconds
            if over and not _reporting:
                raise_in_thread(target, ctypes.py_object(OutOfTime))
            wait = RING_AGAIN

    threading.Thread(target=ring, daemon=True).start()
    try:
        yield done
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
    limit = _address_space() + threads + min(MOST_MEMORY, free_memory())
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


def free_memory() -> int:
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
    """Let `input()` fail at once, and a debugger end: nobody answers them during a check.

    IPython's `exit()` raises SystemExit, as Python's does, and the kernel stays.
    """
    ask, stdin = builtins.input, sys.stdin
    shell = ipython_shell()
    builtins.input, sys.stdin = _refuse, io.StringIO()
    if shell is not None:
        shell.ask_exit = sys.exit
    try:
        yield
    finally:
        builtins.input, sys.stdin = ask, stdin
        if shell is not None:
            del shell.ask_exit  # the instance's; the method of its class is there again


def _refuse(prompt: object = "") -> NoReturn:
    raise EOFError("Nobody answers `input` during a check: take what you need as a parameter.")
