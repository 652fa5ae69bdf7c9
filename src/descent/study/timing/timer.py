"""A clock on a terminal's screen, which leaves signs of life while it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from descent.study.store import ProgressStore
from descent.study.timing.clock import ALIVE_SECONDS, RUNNING, Clock
from descent.study.timing.names import chapter_names, work_name
from descent.study.timing.setting import current_clock, leave_sign

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LOOK_SECONDS = 5.0
"""How often the record is read: another terminal, or a notebook, may stop the clock."""


class Heartbeat:
    """Leaves a sign of life of the clock that runs, every five minutes; one for each process.

    Parameters
    ----------
    store
        The record.
    """

    def __init__(self, store: ProgressStore) -> None:
        self.store = store

    def beat(self, clock: Clock | None) -> None:
        """Leave a sign if it is time to. Never raises."""
        now = time.time()
        if clock is None or clock.state != RUNNING:
            return
        if not 0 <= now - _beats.get(clock.id, 0.0) < ALIVE_SECONDS:
            _beats[clock.id] = now
            leave_sign(clock.id, store=self.store)


_beats: dict[str, float] = {}
"""When this process last left a sign of a clock, by its name."""


def watch(
    console: Console,
    picture: Callable[[Clock, float, str], RenderableType] | None = None,
    wait: Callable[[float], object] = time.sleep,
    store: ProgressStore | None = None,
) -> Clock | None:
    """Show the clock that is on until it is stopped, or the learner presses Ctrl-C.

    Nothing is kept in this process: killed, it leaves a record from which the next goes on.

    Parameters
    ----------
    console
        Where to show it.
    picture
        What to show of a clock, the seconds since the record was read, and the clock's name.
    wait
        Waits for some seconds; where it returns true, the record is read again at once.
    store
        The record; by default the learner's own.

    Returns
    -------
    Clock or None
        How the clock stands in the end.
    """
    from rich.live import Live

    store = store or ProgressStore()
    clock, heartbeat = current_clock(store), Heartbeat(store)
    show, names = picture or clock_picture, chapter_names()
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while clock is not None and clock.is_on:
                heartbeat.beat(clock)
                read_at, name = time.time(), work_name(clock.chapter, clock.what, names)
                for _ in range(int(LOOK_SECONDS)):
                    live.update(show(clock, time.time() - read_at, name), refresh=True)
                    if wait(1.0):
                        break
                clock = current_clock(store)
    except KeyboardInterrupt:
        clock = current_clock(store)
        if clock is not None and clock.state == RUNNING:
            leave_sign(clock.id, watched=False, store=store)
    return clock


def clock_picture(clock: Clock, more: float, name: str) -> RenderableType:
    """Draw a clock for a terminal.

    Parameters
    ----------
    clock
        The clock as it was read.
    more
        The seconds since then, which a clock that runs has counted.
    name
        What it is for.
    """
    from rich.text import Text

    seconds = clock.seconds + (max(0.0, more) if clock.state == RUNNING else 0.0)
    text = Text(f"{say_clock(seconds)}  ", style="bold")
    text.append(name, style="not bold")
    text.append("" if clock.state == RUNNING else "  (paused)", style="yellow")
    text.append("\nCtrl-C leaves this view; the clock goes on.", style="dim")
    return text


def say_clock(seconds: float) -> str:
    """Write a time as a clock does: ``0:48:05``."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
