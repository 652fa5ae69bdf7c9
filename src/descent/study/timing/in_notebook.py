"""The clock in a notebook: a small timer with buttons, and a line where there is no kernel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any

from descent.errors import CourseError
from descent.shell import in_notebook
from descent.study.progress import minutes_text
from descent.study.store import ProgressStore
from descent.study.timing.clock import LOST, PAUSED, RUNNING, Clock
from descent.study.timing.names import work_name
from descent.study.timing.setting import begin, current_clock, go_on, pause, stop
from descent.study.timing.summary import advice, clock_words
from descent.study.timing.timer import Heartbeat

REDRAW_SECONDS = 15.0
"""How often the minutes are drawn anew."""


def show_clock(chapter_id: str, what: str = "") -> None:
    """Show the clock for a chapter: a timer in a notebook, one line elsewhere.

    Parameters
    ----------
    chapter_id, what
        What a clock begun with its button is for: a chapter, and words.
    """
    if not in_notebook():
        print(clock_words(current_clock(), time.time()))
        return
    from IPython.display import display

    timer = NotebookTimer(chapter_id, what)
    timer.keep_up()
    display(timer.box)


class NotebookTimer:
    """Three buttons and the minutes, for one chapter.

    Everything it shows is read from the record, so a kernel that ends takes nothing with it, and a
    clock begun in a terminal shows here.

    Parameters
    ----------
    chapter_id, what
        What its clock is for.
    store
        The record; by default the learner's own.
    """

    def __init__(self, chapter_id: str, what: str = "", store: ProgressStore | None = None) -> None:
        import ipywidgets as widgets

        self.chapter_id, self.what = chapter_id, what
        self.store = store or ProgressStore()
        self.heartbeat = Heartbeat(self.store)
        self.words = widgets.HTML()
        self.begin = widgets.Button(description="Begin", icon="play")
        self.pause = widgets.Button(description="Pause", icon="pause")
        self.stop = widgets.Button(description="Stop", icon="stop")
        self.begin.on_click(lambda _: self._do(self._begin))
        self.pause.on_click(lambda _: self._do(lambda: pause(self.store)))
        self.stop.on_click(lambda _: self._do(lambda: stop(store=self.store)))
        buttons = widgets.HBox([self.begin, self.pause, self.stop])
        self.box = widgets.VBox([self.words, buttons])
        self.draw()

    def keep_up(self) -> None:
        """Draw the minutes anew, and leave signs of life, until another clock is shown."""
        keep_up("clock", self._tick)

    def draw(self, trouble: str = "") -> None:
        """Show how the clock stands now, and what went wrong if something did."""
        clock = current_clock(self.store)
        lines = [trouble] if trouble else []
        if clock is not None and (clock.is_on or clock.state == LOST):
            lines += advice(clock)
        shown = [f"<b>{escape(self._state(clock))}</b>", *map(escape, lines)]
        self.words.value = "<br>".join(shown)
        is_on = clock is not None and clock.is_on
        running = clock is not None and clock.state == RUNNING
        self.begin.description = self._begin_label(clock)
        self.begin.disabled = running and self._is_mine(clock)
        self.pause.disabled = not running
        self.stop.disabled = not is_on

    def _state(self, clock: Clock | None) -> str:
        if clock is None or not clock.is_on:
            return "No clock runs."
        name = "" if self._is_mine(clock) else f" for {work_name(clock.chapter, clock.what)}"
        state = "paused" if clock.state == PAUSED else "running"
        return f"{minutes_text(clock.seconds / 60)}{name}, {state}"

    def _begin_label(self, clock: Clock | None) -> str:
        if clock is None or not clock.is_on:
            return "Begin"
        if self._is_mine(clock):
            return "Go on"
        return "Switch to this"

    def _is_mine(self, clock: Clock | None) -> bool:
        aim = (self.chapter_id, self.what)
        return clock is not None and (clock.chapter, clock.what) == aim

    def _begin(self) -> None:
        clock = current_clock(self.store)
        if clock is not None and clock.state == PAUSED and self._is_mine(clock):
            go_on(self.store)
        else:
            # The button says "Switch to this" where another clock is on.
            switch = self.begin.description == self._begin_label(clock)
            begin(self.chapter_id, self.what, switch=switch, store=self.store)

    def _do(self, act: Any) -> None:
        trouble = ""
        try:
            act()
        except CourseError as error:
            trouble = str(error)
        self.draw(trouble)

    def _tick(self) -> None:
        self.heartbeat.beat(current_clock(self.store))
        self.draw()


def keep_up(kind: str, tick: Callable[[], None]) -> None:
    """Call a function every quarter of a minute, in place of the one of its kind before.

    A timer that was shown earlier in this kernel stands still then; its buttons go on working.
    """
    _ticking[kind] = tick

    def run() -> None:
        while _ticking[kind] == tick:
            time.sleep(REDRAW_SECONDS)
            if _ticking[kind] == tick:
                tick()

    threading.Thread(target=run, name=f"descent-{kind}", daemon=True).start()


_ticking: dict[str, Callable[[], None]] = {}
