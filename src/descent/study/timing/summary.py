"""The clock and the time worked, in words: for a terminal, a notebook and the start page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from descent.study.days import day_of, week_of
from descent.study.progress import minutes_text
from descent.study.timing.clock import LOST, PAUSED, RUNNING, Clock
from descent.study.timing.moments import say_moment
from descent.study.timing.names import chapter_names, work_name
from descent.study.timing.worked import Worked

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 24
"""The characters of the longest bar."""


def clock_words(clock: Clock | None, now: float, names: dict[str, str] | None = None) -> str:
    """Say how a clock stands, in one sentence.

    Parameters
    ----------
    clock
        The clock, or None where there is none.
    now
        The time, in seconds since 1970 (UTC).
    names
        The headings of the chapters by their ids; read from the course where none are given.
    """
    if clock is None:
        return "No clock runs. To begin one: descent time begin"
    name = work_name(clock.chapter, clock.what, names)
    counted = minutes_text(clock.seconds / 60)
    begun = say_moment(clock.begun, now)
    if clock.state == RUNNING:
        return f"The clock runs for {name}: {counted} since {begun}."
    if clock.state == PAUSED:
        paused = say_moment(clock.last_sign, now)
        return f"The clock for {name} is paused since {paused}, at {counted}."
    verb = "was lost" if clock.state == LOST else "ended"
    return (
        f"No clock runs. The last, for {name}, {verb} at {say_moment(clock.last_sign, now)} with "
        f"{counted}."
    )


def advice(clock: Clock) -> list[str]:
    """Return what the learner must know of a clock's time, and how to put it right."""
    if not clock.notes:
        return []
    return [*clock.notes, "If you worked longer or less: descent time stop --at 18:30"]


def week_words(worked: Worked, now: float) -> str:
    """Say how much was worked this week and today."""
    week, today = worked.hours_in_week(week_of(now)), worked.hours_in_day(day_of(now))
    return f"This week {minutes_text(60 * week)}, today {minutes_text(60 * today)}."


def as_rich(worked: Worked, now: float, weeks: int) -> RenderableType:
    """Make the log for a terminal: the clocks of some weeks, hours by week and by chapter.

    Parameters
    ----------
    worked
        The time worked.
    now
        The time, in seconds since 1970 (UTC).
    weeks
        How many weeks to show, this one included.
    """
    from rich.console import Group
    from rich.text import Text

    first = week_of(now) - timedelta(days=7 * (weeks - 1))
    names = chapter_names()
    parts: list[RenderableType] = []
    clocks = [clock for clock in worked.clocks if day_of(clock.begun) >= first]
    if clocks:
        parts += [_clock_table(clocks, names), Text("")]
    shown = {week: hours for week, hours in worked.weeks().items() if week >= first}
    if shown:
        parts += [_week_table(shown), Text("")]
    if worked.pieces:
        parts += [_chapter_table(worked, names), Text("")]
    parts.append(Text(week_words(worked, now), style="bold"))
    parts.append(Text("Clocks, and the time between checks; no minute twice.", style="dim"))
    return Group(*parts)


def _clock_table(clocks: list[Clock], names: dict[str, str]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Day", "Time", "Counted", "For"):
        table.add_column(heading, justify="right" if heading == "Counted" else "left")
    before = None
    for clock in clocks:
        day = day_of(clock.begun)
        end = "…" if clock.state in (RUNNING, PAUSED) else say_moment(clock.last_sign)
        name = work_name(clock.chapter, clock.what, names)
        table.add_row(
            "" if day == before else say_day(day),
            f"{say_moment(clock.begun)}–{end}",
            minutes_text(clock.seconds / 60),
            f"{name}{'' if clock.works else ' (a break)'}{' *' if clock.notes else ''}",
        )
        before = day
    if any(clock.notes for clock in clocks):
        table.add_row("", "", "", "* a part is not counted, or no end was said")
    return table


def _week_table(weeks: dict[date, float]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Week from")
    table.add_column("Hours", justify="right")
    table.add_column("")
    most = max(weeks.values(), default=0.0)
    for week, hours in weeks.items():
        bar = "█" * round(BAR * hours / most) if minutes_text(60 * most) != "0 min" else ""
        table.add_row(say_day(week), minutes_text(60 * hours), bar)
    return table


def _chapter_table(worked: Worked, names: dict[str, str]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Chapter")
    table.add_column("Time", justify="right")
    for chapter, hours in sorted(worked.hours_by_chapter().items(), key=lambda item: -item[1]):
        table.add_row(names.get(chapter, chapter) or "no chapter", minutes_text(60 * hours))
    return table


def say_day(day: date) -> str:
    """Say a date: ``Mon 2 Mar 2026``."""
    return f"{day:%a} {day.day} {day:%b} {day.year}"
