"""One page about a learner's work, made of what was recorded and of nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from descent.study.catalog import Chapter, load_catalog
from descent.study.days import day_of, is_on_the_calendar, week_of
from descent.study.events import Event
from descent.study.exercise_states import ExerciseState
from descent.study.export.figures import week_bars
from descent.study.export.saving import save_new
from descent.study.predictions.answers import value_text
from descent.study.predictions.history import Made, history
from descent.study.progress import minutes_text, progress_table
from descent.study.recall.readable import readable
from descent.study.store import ProgressStore
from descent.study.timing.summary import say_day
from descent.study.timing.worked import Worked, time_worked
from descent.study.written.drafts import Draft, drafts

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ChapterLine:
    """What was recorded of one chapter."""

    chapter: Chapter
    hours: float
    first: date
    last: date
    exercises: tuple[ExerciseState, ...]

    @property
    def done(self) -> int:
        """How many exercises are done."""
        return sum(state.done for state in self.exercises)


@dataclass(frozen=True)
class CardLine:
    """The reviews of one chapter's cards: how many cards, how many reviews, how many remembered."""

    name: str
    cards: int
    reviews: int
    remembered: int


@dataclass(frozen=True)
class WrittenLine:
    """A written exercise: its question, its versions, and the points of its rubric."""

    ask: str
    versions: tuple[Draft, ...]
    points: int


@dataclass(frozen=True)
class Report:
    """All that the page says."""

    made: date
    first: date | None
    last: date | None
    hours: float
    this_week: float
    days: int
    weeks: dict[date, float]
    other_hours: float
    chapters: tuple[ChapterLine, ...]
    cards: tuple[CardLine, ...]
    predictions: tuple[Made, ...]
    written: tuple[WrittenLine, ...]

    @property
    def done(self) -> int:
        """How many exercises are done."""
        return sum(line.done for line in self.chapters)

    @property
    def bars(self) -> str:
        """The picture of the weeks."""
        return week_bars(self.weeks)


def report_on(store: ProgressStore, now: float) -> Report:
    """Gather what the page says.

    Parameters
    ----------
    store
        The record.
    now
        The time, in seconds since 1970 (UTC).

    Raises
    ------
    CourseError
        When the course cannot be read.
    """
    events = [event for event in store.events() if is_on_the_calendar(event.at)]
    catalog = load_catalog()
    worked = time_worked(events, now)
    weeks, days = worked.weeks(), worked.days()
    known = {chapter.id for chapter in catalog}
    hours = worked.hours_by_chapter()
    return Report(
        made=day_of(now),
        first=day_of(events[0].at) if events else None,
        last=day_of(events[-1].at) if events else None,
        hours=sum(days.values()),
        this_week=weeks.get(week_of(now), 0.0),
        days=len(days),
        weeks=weeks,
        other_hours=sum(value for chapter, value in hours.items() if chapter not in known),
        chapters=_chapter_lines(store, events, worked),
        cards=_card_lines(events, catalog),
        predictions=tuple(history(events, catalog)),
        written=_written_lines(events, catalog),
    )


def _chapter_lines(
    store: ProgressStore, events: Sequence[Event], worked: Worked
) -> tuple[ChapterLine, ...]:
    hours = worked.hours_by_chapter()
    times: dict[str, list[float]] = {}
    for event in events:
        times.setdefault(event.chapter, []).append(event.at)
    lines = []
    for row in progress_table(store).rows:
        touched = times.get(row.chapter.id)
        if touched:
            states = tuple(exercise.state for exercise in row.exercises)
            first, last = day_of(touched[0]), day_of(touched[-1])
            spent = hours.get(row.chapter.id, 0.0)
            lines.append(ChapterLine(row.chapter, spent, first, last, states))
    return tuple(lines)


def _card_lines(events: Sequence[Event], catalog: Sequence[Chapter]) -> tuple[CardLine, ...]:
    headings = {chapter.id: chapter.heading for chapter in catalog}
    reviews: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "review":
            reviews.setdefault(event.chapter, []).append(event)
    return tuple(
        CardLine(
            headings.get(chapter, chapter),
            len({event.exercise for event in found}),
            len(found),
            sum(event.data.get("remembered") is True for event in found),
        )
        for chapter, found in reviews.items()
    )


def _written_lines(events: Sequence[Event], catalog: Sequence[Chapter]) -> tuple[WrittenLine, ...]:
    lines = []
    for chapter in catalog:
        for written in chapter.written:
            versions = drafts(events, chapter.id, written.id)
            if versions:
                lines.append(WrittenLine(written.ask, tuple(versions), len(written.rubric)))
    return tuple(lines)


def report_html(report: Report) -> str:
    """Return the page: one file, with nothing from elsewhere, for a screen and for paper."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = say_day
    environment.filters["readable"] = readable
    environment.filters["hours"] = lambda hours: minutes_text(60 * hours)
    environment.filters["moment_day"] = lambda at: say_day(day_of(at))
    environment.globals["value_text"] = value_text
    return environment.get_template("report.html").render(report=report)


def write_report(path: Path, *, replace: bool = False, store: ProgressStore | None = None) -> None:
    """Write the page to a file.

    Raises
    ------
    CourseError
        When the course cannot be read, the file is there and not to be replaced, or it cannot be
        written.
    """
    html = report_html(report_on(store or ProgressStore(), time.time()))
    save_new(path, html.encode(), replace=replace)
