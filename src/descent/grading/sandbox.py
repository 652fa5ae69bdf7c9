"""Running somebody else's code: a time limit, captured prints, random states put back."""

# ruff: noqa: NPY002  (it is numpy's legacy global state that learners' code may touch)

from __future__ import annotations

import contextlib
import ctypes
import io
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from types import FrameType

import numpy as np

MOST_PRINTED = 4_000
"""Characters of the learner's own prints that a report keeps."""


RING_AGAIN = 0.1
"""Seconds between alarms once the limit has passed."""

PATIENCE = 4
"""How many times its limit a block may take on the clock while it has not worked so long: a busy
machine, or a library that is being loaded, is not the learner's endless loop."""


class OutOfTime(BaseException):
    """The time limit passed. Not an Exception, so that `except Exception` does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in this thread when the block has worked for `seconds`.

    It interrupts Python code; a single long call into a C library is interrupted when it returns.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if hasattr(signal, "setitimer") and on_main_thread:
        limit = _by_signal(seconds)
    else:
        limit = _by_thread(seconds)
    with limit:
        yield


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    armed = True
    started, worked_before = time.monotonic(), time.thread_time()

    def ring(signum: int, frame: FrameType | None) -> None:
        worked = time.thread_time() - worked_before
        waited = time.monotonic() - started
        if armed and (worked >= seconds or waited >= PATIENCE * seconds):
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    # It rings again: a bare `except:` inside a loop swallows the first one.
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, RING_AGAIN)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # a limit around this one goes on counting
            left = max(left - (time.monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, RING_AGAIN)


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """For Windows, and for checks run outside the main thread."""
    target = ctypes.c_ulong(threading.get_ident())
    timer = threading.Timer(
        seconds,
        lambda: ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(OutOfTime)),
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
        if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
            from IPython.utils.capture import capture_output

            stack.enter_context(capture_output(stdout=False, stderr=False, display=True))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        yield printed


@contextlib.contextmanager
def restored_state() -> Iterator[None]:
    """Put back the global random states, torch's gradient mode and default dtype."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch_state = torch.get_rng_state()
        gradients, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    with np.errstate(all="ignore"), np.printoptions(), warnings.catch_warnings():
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            if torch is not None:
                torch.set_rng_state(torch_state)
                torch.set_grad_enabled(gradients)
                torch.set_default_dtype(dtype)


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and (where it is loaded) torch's global generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        # `torch.manual_seed` asks for every accelerator too, and where none is started yet keeps
        # the whole stack of every call for later: hundreds of times the cost of the seeding.
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
