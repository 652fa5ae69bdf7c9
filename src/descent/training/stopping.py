"""Being asked to stop: by the person, by a cluster that wants its machine, by Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGUSR2") if hasattr(signal, name)
)
"""Slurm warns with SIGUSR2 before it takes a machine away, as submitit asks it to."""


class Stop:
    """Whether someone asked."""

    asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Note it; the loop looks at it between two steps."""
        self.asked = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Catch the signals meanwhile, and put the handlers before them back at the end."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
