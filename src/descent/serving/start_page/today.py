"""What the start page says of today: the clock and the hours, the cards, the plan, the sprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from descent.errors import CourseError
from descent.study.catalog import load_catalog
from descent.study.days import day_of, week_of
from descent.study.events import Event
from descent.study.progress import minutes_text
from descent.study.recall.collecting import all_cards
from descent.study.recall.deck import make_deck
from descent.study.routes.chosen import last_choice
from descent.study.routes.course_map import load_map
from descent.study.routes.current import current_plan
from descent.study.routes.show_plan import plan_title
from descent.study.timing.clock import Clock, latest_clock
from descent.study.timing.summary import clock_words
from descent.study.timing.worked import recent_time


@dataclass(frozen=True)
class PlanToday:
    """The plan that was chosen last.

    Attributes
    ----------
    title
        What it is, or what is wrong with it.
    next
        What comes next in it, or empty.
    chapter
        The id of the chapter to open for that, where it stands; else empty.
    """

    title: str
    next: str = ""
    chapter: str = ""


@dataclass(frozen=True)
class Today:
    """What belongs to today.

    Attributes
    ----------
    week, day
        The time worked this week and today, in words.
    clock
        The clock that is on, in a sentence; empty where none is.
    sprint
        Whether that clock belongs to the 24-hour weekend.
    cards, waiting
        How many recall cards are asked today, and how many more are due.
    plan
        The plan chosen last, or None.
    """

    week: str
    day: str
    clock: str
    sprint: bool
    cards: int
    waiting: int
    plan: PlanToday | None


def today_of(events: Sequence[Event], now: float) -> Today:
    """Gather what belongs to today.

    Parameters
    ----------
    events
        The record, oldest first.
    now
        The time, in seconds since 1970 (UTC).

    Raises
    ------
    CourseError
        When the chapters cannot be read.
    """
    worked = recent_time(events, now)
    deck = make_deck(all_cards(events), events, now)
    clock = latest_clock(worked.clocks)
    clock = clock if clock is not None and clock.is_on else None
    return Today(
        week=minutes_text(60 * worked.hours_in_week(week_of(now))),
        day=minutes_text(60 * worked.hours_in_day(day_of(now))),
        clock=_words(clock, now),
        sprint=clock is not None and bool(clock.sprint),
        cards=len(deck.pile),
        waiting=len(deck.waiting),
        plan=_plan(events),
    )


def _words(clock: Clock | None, now: float) -> str:
    if clock is None:
        return ""
    names = {chapter.id: chapter.heading for chapter in load_catalog()} if clock.chapter else {}
    return clock_words(clock, now, names)


def _plan(events: Sequence[Event]) -> PlanToday | None:
    """Return the plan and its next section; one the course no longer has says so, and no more."""
    if last_choice(events) is None:
        return None
    try:
        plan = current_plan(load_map(), events)
    except CourseError as error:
        return PlanToday(str(error))
    if plan is None:
        return None
    if not plan.steps:
        return PlanToday(plan_title(plan), "All of it is done.")
    section = plan.steps[0].section
    chapter = section.chapter.heading
    heading = chapter if section.is_whole else f"{section.heading}, in {chapter}"
    return PlanToday(
        plan_title(plan), heading, section.chapter.id if section.chapter.stands else ""
    )
