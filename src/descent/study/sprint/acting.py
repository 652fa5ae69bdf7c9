"""Beginning the blocks and breaks of a sprint, one after another."""

from __future__ import annotations

import time
import uuid

from descent.study.days import day_of
from descent.study.sprint.places import source_of, standing_chapters
from descent.study.sprint.plan import Block, Plan
from descent.study.sprint.weekend import Weekend, read_weekend
from descent.study.store import ProgressStore
from descent.study.timing import setting
from descent.study.timing.clock import BREAK, PAUSED, WORK, Clock
from descent.study.timing.setting import ClockError

LONGEST_PAUSE = 4 * 86400.0
"""A sprint that nothing was heard of for so long is over; the next is a new one."""


def weekend_now(plan: Plan, store: ProgressStore) -> Weekend | None:
    """Return the sprint that is under way or was last; None where there was none."""
    return read_weekend(store.events(), plan, time.time())


def begin(plan: Plan, store: ProgressStore, *, anew: bool = False, switch: bool = False) -> Weekend:
    """Begin the sprint, its second day, or what comes next on the day under way.

    Parameters
    ----------
    plan
        The plan.
    store
        The record.
    anew
        Whether to begin a new sprint, whatever became of the last.
    switch
        Whether to stop another clock that is on.

    Raises
    ------
    ClockError
        When a block is under way, another clock is on, or the sprint is over.
    """
    weekend = weekend_now(plan, store)
    if weekend is not None and weekend.current is not None:
        way_on = (
            "Stop it first: descent sprint stop"
            if anew
            else "descent sprint next begins what comes after it."
        )
        raise ClockError(f"The sprint is under way: {weekend.current.what}. {way_on}")
    if anew or weekend is None or _is_long_ago(weekend):
        return _begin_block(plan, store, uuid.uuid4().hex, plan.blocks[0], switch)
    return _begin_block(plan, store, weekend.id, _what_is_next(weekend), switch)


def next_block(plan: Plan, store: ProgressStore) -> Weekend:
    """End what is under way as done, and begin what comes after it on this day.

    Returns
    -------
    Weekend
        How the sprint stands; without a current clock where the day is over.

    Raises
    ------
    ClockError
        When no sprint was begun.
    """
    weekend = _the_weekend(plan, store)
    block, current = weekend.block, weekend.current
    if current is not None:
        setting.finish(current, store) if current.block else setting.stop(store=store)
    if block is not None and (current is None or current.block != block.id):
        setting.finish(_clock_of(weekend, block), store)
    after = _the_weekend(plan, store)
    slots = after.schedule.slots
    if not slots:
        return after
    return _begin_block(plan, store, after.id, slots[0].block, switch=False)


def take_break(plan: Plan, store: ProgressStore) -> Weekend:
    """Interrupt the block that is under way by a break that the plan does not have.

    Raises
    ------
    ClockError
        When no block is under way, or a break is already.
    """
    weekend = _the_weekend(plan, store)
    current = weekend.current
    if current is None:
        raise ClockError("Nothing of the sprint is under way. descent sprint go-on goes on.")
    if not current.works:
        raise ClockError(f"This is a break already: {current.what}. descent sprint go-on ends it.")
    _begin_clock(store, weekend.id, "", "Break", focus=BREAK, block="", switch=True)
    return _the_weekend(plan, store)


def pause(plan: Plan, store: ProgressStore) -> Weekend:
    """Pause the clock: the time until it goes on is neither work nor a break.

    Raises
    ------
    ClockError
        When nothing of the sprint runs.
    """
    if _the_weekend(plan, store).current is None:
        raise ClockError("Nothing of the sprint is under way, so there is nothing to pause.")
    setting.pause(store)
    return _the_weekend(plan, store)


def go_on(plan: Plan, store: ProgressStore) -> Weekend:
    """Go on after a pause, a break, a stop or a crash: with the block that was interrupted.

    Raises
    ------
    ClockError
        When work is under way, another clock is on, or nothing is left.
    """
    weekend = _the_weekend(plan, store)
    current = weekend.current
    if current is not None and current.state == PAUSED:
        setting.go_on(store)
        return _the_weekend(plan, store)
    if current is not None and current.works:
        raise ClockError(f"The clock for {current.what} runs already.")
    if current is not None and current.block:
        return next_block(plan, store)
    if current is not None:
        setting.stop(store=store)
        weekend = _the_weekend(plan, store)
    return _begin_block(plan, store, weekend.id, _what_is_next(weekend), switch=False)


def stop(plan: Plan, store: ProgressStore, at: str = "") -> Weekend:
    """Stop the clock, for the night or for good. What is not done stays so.

    Raises
    ------
    ClockError
        When nothing is under way and no end is to be put right.
    UnknownMoment
        When ``at`` is no time.
    """
    weekend = _the_weekend(plan, store)
    if weekend.current is None and not at:
        raise ClockError("Nothing of the sprint is under way.")
    setting.stop(at, store)
    return _the_weekend(plan, store)


def _the_weekend(plan: Plan, store: ProgressStore) -> Weekend:
    weekend = weekend_now(plan, store)
    if weekend is None:
        raise ClockError("No sprint was begun yet. To begin one: descent sprint begin")
    return weekend


def _is_long_ago(weekend: Weekend) -> bool:
    return weekend.now - weekend.clocks[-1].last_sign > LONGEST_PAUSE


def _what_is_next(weekend: Weekend) -> Block:
    """Return the block to go on with: of the next day, where a night has passed."""
    began = weekend.began(weekend.day)
    is_another_day = began is not None and day_of(weekend.now) != day_of(began)
    if is_another_day and weekend.day + 1 < len(weekend.plan.days):
        return weekend.plan.days[weekend.day + 1].blocks[0]
    slots = weekend.schedule.slots
    if slots:
        return slots[0].block
    raise ClockError(
        "This day of the sprint is over. The next day begins in the morning, with descent sprint "
        "begin; a new sprint, with descent sprint begin --anew."
    )


def _clock_of(weekend: Weekend, block: Block) -> Clock:
    return next(clock for clock in reversed(weekend.clocks) if clock.block == block.id)


def _begin_block(
    plan: Plan, store: ProgressStore, weekend: str, block: Block, switch: bool
) -> Weekend:
    part = source_of(block, standing_chapters()).part
    chapter = part.chapter.id if part is not None else ""
    focus = BREAK if block.is_rest else WORK
    _begin_clock(store, weekend, chapter, block.title, focus=focus, block=block.id, switch=switch)
    return _the_weekend(plan, store)


def _begin_clock(
    store: ProgressStore,
    weekend: str,
    chapter: str,
    title: str,
    *,
    focus: str,
    block: str,
    switch: bool,
) -> None:
    setting.begin(
        chapter,
        title,
        switch=switch,
        store=store,
        sprint=True,
        weekend=weekend,
        focus=focus,
        block=block,
    )
