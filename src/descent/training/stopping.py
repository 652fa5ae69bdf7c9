"""How a training ends: at its last step, or asked to stop by a person, a cluster, Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

FINISHED, STOPPED = "finished", "stopped"

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR2") if hasattr(signal, name)
)
"""Slurm warns with SIGUSR2 before it takes a machine away, as submitit asks it to."""

STOP_FILE = "stop"
LOOK_SECONDS = 1.0  # between two looks at the file, which may be on a slow file system


class Stop:
    """Whether someone asked, by a signal, or by a file where no signal can reach.

    Parameters
    ----------
    file : Path, optional
        Asks by being there.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.signalled = False
        self.next_look = 0.0

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; the loop looks at it between two steps."""
        self.signalled = True

    @property
    def asked(self) -> bool:
        """Whether it is time to save and end."""
        if self.file and not self.signalled and time.monotonic() >= self.next_look:
            self.signalled = self.file.exists()
            self.next_look = time.monotonic() + LOOK_SECONDS
        return self.signalled


@contextmanager
def stop_on_request(file: Path) -> Iterator[Stop]:
    """Catch the signals meanwhile, and put the handlers before them back at the end."""
    stop = Stop(file)
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
