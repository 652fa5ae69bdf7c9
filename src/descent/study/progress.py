"""What is done, what was tried, and what opens next."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from descent.shell import in_notebook
from descent.study.catalog import Chapter, load_catalog
from descent.study.events import Event
from descent.study.exercise_states import ExerciseState, summarise
from descent.study.parts import find_part
from descent.study.store import ProgressStore
from descent.study.working_time import minutes_worked

if TYPE_CHECKING:
    from rich.console import RenderableType

DONE, STARTED, OPEN, LATER = "done", "started", "open", "later"


@dataclass(frozen=True)
class ExerciseRow:
    """One exercise of the table: its state, and the estimated minutes given to it."""

    name: str
    state: ExerciseState
    minutes: float

    @property
    def mark(self) -> str:
        """``✓`` done, ``●`` tried, ``○`` not yet."""
        if self.state.done:
            return "✓"
        return "●" if self.state.tries else "○"


@dataclass(frozen=True)
class ChapterRow:
    """One chapter of the table.

    Attributes
    ----------
    chapter
        The chapter.
    exercises
        Its exercises, in order.
    minutes
        Estimated minutes given to it.
    status
        ``done``, ``started``, ``open`` (what it needs is done) or ``later``.
    waits_for
        The ids of the chapters to do first.
    """

    chapter: Chapter
    exercises: tuple[ExerciseRow, ...]
    minutes: float
    status: str
    waits_for: tuple[str, ...]

    @property
    def done(self) -> int:
        """How many exercises are done."""
        return sum(row.state.done for row in self.exercises)

    @property
    def tried(self) -> int:
        """How many exercises were tried and are not done."""
        return sum(row.state.tries > 0 and not row.state.done for row in self.exercises)

    @property
    def marks(self) -> str:
        """One mark per exercise."""
        return "".join(row.mark for row in self.exercises)

    @property
    def state_text(self) -> str:
        """The status in words."""
        if self.status == LATER:
            return f"after {', '.join(_reference(name) for name in self.waits_for)}"
        return "in progress" if self.status == STARTED else self.status


@dataclass(frozen=True)
class NextStep:
    """What to do next: a chapter and, where it was begun, its first exercise that is not done."""

    row: ChapterRow
    exercise: str | None = None


@dataclass(frozen=True)
class ProgressTable:
    """The whole course, chapter by chapter, and what to do next; None when all is done."""

    rows: tuple[ChapterRow, ...]
    next_step: NextStep | None

    @property
    def suggestion(self) -> str:
        """What to do next, in one line."""
        step = self.next_step
        if step is None:
            return "Every chapter is done." if self.rows else "This course has no chapters yet."
        what = f"exercise '{step.exercise}' of " if step.exercise else ""
        return f"Next: {what}{_label(step.row)}.  descent open {_short(step.row.chapter.id)}"

    @property
    def total_text(self) -> str:
        """The totals in one line."""
        exercises = sum(len(row.exercises) for row in self.rows)
        done = sum(row.done for row in self.rows)
        tried = sum(row.tried for row in self.rows)
        time = minutes_text(sum(row.minutes for row in self.rows))
        return f"{done} of {exercises} exercises done, {tried} tried, about {time} of work."


def progress_table(store: ProgressStore | None = None) -> ProgressTable:
    """Put the catalog and the learner's record together.

    Parameters
    ----------
    store
        The record; by default the learner's own.

    Returns
    -------
    ProgressTable
        One row per chapter, and what to do next.
    """
    return table_of((store or ProgressStore()).events())


def table_of(events: list[Event]) -> ProgressTable:
    """Put the catalog and a record that was read already together, as `progress_table` does."""
    minutes = minutes_worked(events)
    chapters = load_catalog()
    by_chapter: dict[str, list[Event]] = {}
    for event in events:
        by_chapter.setdefault(event.chapter, []).append(event)
    exercises = {
        chapter.id: _exercise_rows(chapter, by_chapter.get(chapter.id, []), minutes)
        for chapter in chapters
    }
    done = {name for name, rows in exercises.items() if all(row.state.done for row in rows)}
    started = {event.chapter for event in events}
    rows = []
    for chapter in chapters:
        waits = tuple(name for name in chapter.needs if name in exercises and name not in done)
        worked = sum(value for (name, _), value in minutes.items() if name == chapter.id)
        if exercises[chapter.id] and chapter.id in done:
            status = DONE
        elif chapter.id in started:
            status = STARTED
        else:
            status = LATER if waits else OPEN
        rows.append(ChapterRow(chapter, exercises[chapter.id], worked, status, waits))
    return ProgressTable(tuple(rows), _next_step(rows, events))


def show_progress(store: ProgressStore | None = None) -> None:
    """Show the table: as HTML in a notebook, as a table in a terminal."""
    table = progress_table(store)
    if in_notebook():
        from IPython.display import display

        bundle = {"text/html": as_html(table), "text/plain": as_text(table)}
        display(bundle, raw=True)
        return
    from rich.console import Console

    Console().print(as_rich(table))


def as_text(table: ProgressTable) -> str:
    """Write the table as plain text."""
    width = max((len(_label(row)) for row in table.rows), default=0)
    marks = max((len(row.marks) for row in table.rows), default=0)
    lines = [
        f"{_label(row):<{width}}  {row.marks:<{marks}}  {row.done}/{len(row.exercises)}  "
        f"{minutes_text(row.minutes):>8}  {row.state_text}"
        for row in table.rows
    ]
    return "\n".join([*lines, "✓ done  ● tried  ○ not yet", table.total_text, table.suggestion])


def as_rich(table: ProgressTable) -> RenderableType:
    """Make the table for a terminal; names stay whole in one of 80 columns."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    is_narrow = shutil.get_terminal_size().columns < 80  # then names are what is broken
    grid.add_column("Chapter", no_wrap=not is_narrow, overflow="fold")
    grid.add_column("Exercises", no_wrap=True)
    for heading in ("Done", "Time"):
        grid.add_column(heading, no_wrap=True, justify="right")
    grid.add_column("", min_width=12 if is_narrow else None)
    styles = {DONE: "green", STARTED: "bold", OPEN: "", LATER: "dim"}
    for row in table.rows:
        grid.add_row(
            Text(_label(row)),
            row.marks,
            f"{row.done}/{len(row.exercises)}",
            minutes_text(row.minutes) if row.minutes else "",
            row.state_text.replace(f"{row.chapter.part}/", ""),
            style=styles[row.status],
        )
    key = Text("✓ done  ● tried  ○ not yet", style="dim")
    return Group(grid, key, Text(""), Text(table.total_text), Text(table.suggestion, style="bold"))


def as_html(table: ProgressTable) -> str:
    """Make the table for a notebook; it takes its colours from the page, light or dark."""
    rows = "".join(_html_row(row) for row in table.rows)
    heads = ("Chapter", "Exercises", "Done", "Tried", "Time", "")
    head = "".join(f'<th style="{_CELL}">{text}</th>' for text in heads)
    return (
        '<div style="color:inherit;background:transparent;line-height:1.5">'
        f'<table style="border-collapse:collapse;color:inherit"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        '<div style="opacity:.75">✓ done&emsp;● tried&emsp;○ not yet</div>'
        f"<div>{escape(table.total_text)}</div><div><b>{escape(table.suggestion)}</b></div></div>"
    )


def minutes_text(minutes: float) -> str:
    """Say a time as a person would: ``""``, ``12 min`` or ``1 h 05``."""
    whole = round(minutes)
    if whole == 0:
        return "0 min"
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60:02d}"


_CELL = (
    "text-align:left;padding:.15em .9em .15em 0;color:inherit;background:transparent;"
    "border:0;border-bottom:1px solid rgba(128,128,128,.35)"
)


def _html_row(row: ChapterRow) -> str:
    marks = " ".join(
        f'<span title="{escape(_tip(exercise), quote=True)}">{exercise.mark}</span>'
        for exercise in row.exercises
    )
    cells = (
        escape(_label(row)),
        marks,
        f"{row.done}/{len(row.exercises)}",
        str(row.tried or ""),
        minutes_text(row.minutes),
        escape(row.state_text),
    )
    faint = ";opacity:.65" if row.status == LATER else ""
    inner = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
    return f'<tr style="background:transparent{faint}">{inner}</tr>'


def _tip(exercise: ExerciseRow) -> str:
    tries, hints = exercise.state.tries, exercise.state.hints
    return (
        f"{exercise.name}: {'done' if exercise.state.done else exercise.state.outcome or 'not yet'}"
        f", {tries} {'try' if tries == 1 else 'tries'}, {hints} {'hint' if hints == 1 else 'hints'}"
        f", {minutes_text(exercise.minutes)}"
    )


def _exercise_rows(
    chapter: Chapter, events: list[Event], minutes: dict[tuple[str, str], float]
) -> tuple[ExerciseRow, ...]:
    states = summarise(events)
    return tuple(
        ExerciseRow(
            name, states.get(name, ExerciseState(name)), minutes.get((chapter.id, name), 0.0)
        )
        for name in chapter.exercises
    )


def _next_step(rows: list[ChapterRow], events: list[Event]) -> NextStep | None:
    """Go on with the chapter worked at last, else open the next one."""
    latest = {event.chapter: event.at for event in events}
    started = [row for row in rows if row.status == STARTED]
    if started:
        row = max(started, key=lambda row: latest[row.chapter.id])
        left = [exercise.name for exercise in row.exercises if not exercise.state.done]
        return NextStep(row, left[0] if left else None)
    return next((NextStep(row) for row in rows if row.status == OPEN), None)


def _label(row: ChapterRow) -> str:
    return row.chapter.heading


def _reference(chapter_id: str) -> str:
    """``ladder/01_scalar_regression`` → ``rung 1``."""
    part, _, name = chapter_id.partition("/")
    return find_part(part).reference(int(name.partition("_")[0]))


def _short(chapter_id: str) -> str:
    """``ladder/01_scalar_regression`` → ``ladder/01``, which `descent open` understands."""
    return chapter_id.partition("_")[0]
