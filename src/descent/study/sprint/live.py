"""The sprint on a terminal's screen, with keys; killed, it leaves all in the record."""

from __future__ import annotations

import contextlib
import select
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from descent.errors import CourseError
from descent.study.sprint import acting
from descent.study.sprint.in_words import rest_of_day
from descent.study.sprint.plan import Plan
from descent.study.sprint.weekend import Weekend
from descent.study.store import ProgressStore
from descent.study.timing.clock import RUNNING, Clock
from descent.study.timing.timer import say_clock, watch

termios: Any = None
tty: Any = None
with contextlib.suppress(ImportError):  # Windows has neither
    import termios
    import tty

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 40
"""The characters of the bar that fills as a block goes on."""

KEYS: dict[str, tuple[str, Callable[[Plan, ProgressStore], Any]]] = {
    "n": ("next", acting.next_block),
    "b": ("break", acting.take_break),
    "p": ("pause", acting.pause),
    "g": ("go on", acting.go_on),
    "s": ("stop", acting.stop),
}
"""What each key does."""


def watch_sprint(console: Console, plan: Plan, store: ProgressStore) -> None:
    """Show the sprint until it stops, or the learner presses Ctrl-C.

    Parameters
    ----------
    console
        Where to show it.
    plan
        The plan.
    store
        The record.
    """
    view = SprintView(plan, store)
    with _keys_at_once():
        watch(console, view.picture, view.wait, store)


class SprintView:
    """What the screen shows, and what a key does.

    Parameters
    ----------
    plan
        The plan.
    store
        The record.
    """

    def __init__(self, plan: Plan, store: ProgressStore) -> None:
        self.plan, self.store = plan, store
        self.trouble = ""
        self._clock: Clock | None = None
        self._weekend: Weekend | None = None

    def picture(self, clock: Clock, more: float, name: str) -> RenderableType:
        """Draw the block or break under way; the record is read again when the clock was."""
        from rich.console import Group
        from rich.text import Text

        if clock is not self._clock:
            self._clock, self._weekend = clock, acting.weekend_now(self.plan, self.store)
        seconds = clock.seconds + (more if clock.state == RUNNING else 0.0)
        lines: list[RenderableType] = [self._first_line(clock, seconds)]
        weekend = self._weekend
        if weekend is not None:
            block = self.plan.block(clock.block)
            if block is not None and block.do:
                lines.append(Text(block.do))
            lines += [Text(line, style="dim") for line in rest_of_day(weekend.schedule, weekend)]
        if self.trouble:
            lines.append(Text(self.trouble, style="yellow"))
        lines.append(Text(self._key_words(), style="dim"))
        return Group(*lines)

    def _first_line(self, clock: Clock, seconds: float) -> RenderableType:
        from rich.text import Text

        block = self.plan.block(clock.block)
        text = Text(clock.what, style="bold")
        before = self._weekend.spent.get(clock.block, 0.0) if self._weekend and block else 0.0
        spent = seconds + max(0.0, before - clock.seconds)
        if block is not None:
            share = min(1.0, spent / (60.0 * block.minutes))
            filled = round(WIDTH * share)
            text.append(f"\n{'█' * filled}{'░' * (WIDTH - filled)} ", style="not bold")
            text.append(f"{say_clock(spent)} of {block.minutes} min", style="not bold")
            if share == 1.0:
                text.append("  time is up", style="yellow")
        else:
            text.append(f"\n{say_clock(spent)}", style="not bold")
        if clock.state != RUNNING:
            text.append("  paused", style="yellow")
        return text

    def _key_words(self) -> str:
        if not sys.stdin.isatty():
            return "Ctrl-C leaves this view; the clock goes on."
        keys = ", ".join(f"{key} {what}" for key, (what, _) in KEYS.items())
        return f"Keys: {keys}. Ctrl-C leaves this view; the clock goes on."

    def wait(self, seconds: float) -> bool:
        """Wait for a key or for some seconds; return whether something was done."""
        key = _key_within(seconds)
        if key not in KEYS:
            return False
        try:
            KEYS[key][1](self.plan, self.store)
            self.trouble = ""
        except CourseError as error:
            self.trouble = str(error)
        return True


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Let keys be read without a return key, where the terminal can."""
    if termios is None or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _key_within(seconds: float) -> str:
    if termios is None or not sys.stdin.isatty():
        time.sleep(seconds)
        return ""
    return sys.stdin.read(1) if select.select([sys.stdin], [], [], seconds)[0] else ""
