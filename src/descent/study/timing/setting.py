"""Beginning, pausing and stopping a clock. There is one at a time."""

from __future__ import annotations

import time
import uuid
from typing import Any

from descent.errors import CourseError
from descent.study.store import ProgressStore
from descent.study.timing.clock import (
    ALIVE,
    BEGIN,
    GO_ON,
    LONGEST_STRETCH,
    LOST,
    NAMELESS,
    PAUSE,
    PAUSED,
    RUNNING,
    STOP,
    Clock,
    latest_clock,
    read_clocks,
)
from descent.study.timing.moments import first_after, last_before, say_moment
from descent.study.timing.names import clock_name


class ClockError(CourseError):
    """The clock cannot do what was asked; the message says what runs and what to do."""


def current_clock(store: ProgressStore | None = None) -> Clock | None:
    """Return the clock that runs or is paused, else the latest one; None where there is none."""
    return latest_clock(_clocks(store or ProgressStore()))


def begin(
    chapter_id: str = "",
    what: str = "",
    *,
    switch: bool = False,
    at: str = "",
    store: ProgressStore | None = None,
    **data: Any,
) -> Clock:
    """Begin a clock.

    Parameters
    ----------
    chapter_id, what
        What it is for: a chapter, words, or both.
    switch
        Whether to stop the clock that is on, if one is.
    at
        When it began, where that is not now: a time of day before now.
    data
        What else the event carries: ``sprint``, ``focus`` and the like.

    Raises
    ------
    ClockError
        When a clock is on, and is not to be stopped, or ``at`` cannot be meant; nothing has changed
        then.
    UnknownMoment
        When ``at`` is no time.
    """
    store = store or ProgressStore()
    now = time.time()
    if at:
        data["when"] = _begun_at(at, now)
    on = [clock for clock in _clocks(store) if clock.is_on]
    if on and not switch:
        raise ClockError(_says_it_is_on(on[-1], now))
    for clock in on:
        _write(store, clock, STOP)
    name = uuid.uuid4().hex
    store.record("clock", chapter_id, what, action=BEGIN, clock=name, step=0, **data)
    return _again(store, name)


def pause(store: ProgressStore | None = None) -> Clock:
    """Pause the clock that runs.

    Raises
    ------
    ClockError
        When none runs.
    """
    store = store or ProgressStore()
    clock = _the_clock(store, "pause")
    if clock.state == PAUSED:
        raise ClockError(f"The clock for {clock_name(clock)} is paused already.")
    if clock.state != RUNNING:
        raise ClockError(f"No clock runs. {_last_words(clock)}")
    _write(store, clock, PAUSE)
    return _again(store, clock.id)


def go_on(store: ProgressStore | None = None) -> Clock:
    """Let the clock go on that is paused, that was lost, or that was stopped last.

    Raises
    ------
    ClockError
        When one runs, or there was none.
    """
    store = store or ProgressStore()
    clock = _the_clock(store, "go on")
    if clock.state == RUNNING:
        raise ClockError(f"The clock for {clock_name(clock)} runs already.")
    _write(store, clock, GO_ON)
    return _again(store, clock.id)


def stop(at: str = "", store: ProgressStore | None = None) -> Clock:
    """Stop the clock that is on; with a time of day, put the end of the latest one right.

    Parameters
    ----------
    at
        When the work ended, such as ``18:30``: the first such time after the clock began.

    Raises
    ------
    ClockError
        When there is no clock to stop, or the end is still to come, or cannot be meant.
    UnknownMoment
        When ``at`` is no time.
    """
    store = store or ProgressStore()
    clock = _the_clock(store, "stop")
    if at:
        _write(store, clock, STOP, when=_end_at(at, clock))
        return _again(store, clock.id)
    if not clock.is_on and clock.state != LOST:
        raise ClockError(f"No clock runs. {_last_words(clock)}")
    for other in _clocks(store):
        if other.is_on or other.id == clock.id:
            _write(store, other, STOP)
    return _again(store, clock.id)


def finish(clock: Clock, store: ProgressStore) -> None:
    """Stop a clock if it is on, and say that what it was for is done."""
    _write(store, clock, STOP, finished=True)


def leave_sign(clock_id: str, *, watched: bool = True, store: ProgressStore | None = None) -> None:
    """Leave a sign of life of a clock that runs. Never raises.

    Parameters
    ----------
    clock_id
        Whose.
    watched
        Whether the timer stays on the screen, so that its silence would mean something.
    """
    store = store or ProgressStore()
    clock = _find(store, clock_id)
    if clock is not None and clock.state in (RUNNING, LOST):
        more = {} if watched else {"watched": False}
        _write(store, clock, ALIVE, **more)


def _clocks(store: ProgressStore) -> list[Clock]:
    return read_clocks(store.events(), time.time())


def _find(store: ProgressStore, name: str) -> Clock | None:
    return next((clock for clock in _clocks(store) if clock.id == name), None)


def _again(store: ProgressStore, name: str) -> Clock:
    clock = _find(store, name)
    if clock is None:
        raise ClockError("The record could not keep the clock. descent record where says why.")
    return clock


def _the_clock(store: ProgressStore, wish: str) -> Clock:
    clock = current_clock(store)
    if clock is None:
        raise ClockError(f"There is no clock to {wish}. To begin one: descent time begin")
    return clock


def _write(store: ProgressStore, clock: Clock, action: str, **data: Any) -> None:
    name = {} if clock.id.startswith(NAMELESS) else {"clock": clock.id}
    store.record(
        "clock", clock.chapter, clock.what, action=action, step=clock.steps, **name, **data
    )


def _begun_at(text: str, now: float) -> float:
    begun = last_before(text, now)
    if not 0 <= now - begun <= LONGEST_STRETCH:
        raise ClockError(
            f"A clock cannot begin at {say_moment(begun, now)}: it begins now, or within the last "
            "16 hours."
        )
    return begun


def _end_at(at: str, clock: Clock) -> float:
    end = first_after(at, clock.begun)
    if end > time.time() + 1:
        raise ClockError(
            f"The clock for {clock_name(clock)} began at {say_moment(clock.begun, time.time())}, "
            f"and {at} after that is still to come. A clock ends now, or has ended."
        )
    if not 0 <= end - clock.begun + 60 <= LONGEST_STRETCH:
        raise ClockError(
            f"The clock for {clock_name(clock)} began at {say_moment(clock.begun, time.time())}. "
            f"It cannot have ended at {say_moment(end, time.time())}: that is before it began, or "
            "more than 16 hours after."
        )
    return max(end, clock.begun)


def _says_it_is_on(clock: Clock, now: float) -> str:
    begun, name = say_moment(clock.begun, now), clock_name(clock)
    if clock.state == RUNNING:
        state = f"A clock runs since {begun} for {name}."
    else:
        state = f"A clock is paused that was begun at {begun} for {name}."
    return (
        f"{state} Stop it (descent time stop), or begin the new one with --switch, which stops it."
    )


def _last_words(clock: Clock) -> str:
    when = say_moment(clock.last_sign, time.time())
    verb = "was lost" if clock.state == LOST else "ended"
    return f"The last, for {clock_name(clock)}, {verb} at {when}."
