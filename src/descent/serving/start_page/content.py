"""What the start page says: the learner's progress, the open notebooks, the runs going on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from descent.serving.start_page.today import Today, today_of
from descent.serving.work_folder import link_runs
from descent.study.parts import find_part
from descent.study.paths import work_folder
from descent.study.progress import DONE, LATER, OPEN, ChapterRow, ProgressTable, table_of
from descent.study.store import ProgressStore


@dataclass(frozen=True)
class Part:
    """A part of the course: its title, and its chapters in order."""

    title: str
    rows: tuple[ChapterRow, ...]

    @property
    def done(self) -> int:
        """How many of its chapters are done."""
        return sum(row.status == DONE for row in self.rows)


@dataclass(frozen=True)
class OpenNotebook:
    """A notebook that has a kernel.

    Attributes
    ----------
    path
        Its path in the learner's folder, with forward slashes.
    title
        What to call it: its chapter, or else its file name.
    state
        ``idle``, ``busy`` or whatever else the server says of the kernel.
    """

    path: str
    title: str
    state: str


@dataclass(frozen=True)
class RunUnderWay:
    """A real run that is going on.

    Attributes
    ----------
    id, state
        Its name, and ``starting`` or ``running``.
    step, steps
        How far it is, and how far it goes.
    report
        The path of its report in the learner's folder, or None when there is none to open yet.
    """

    id: str
    state: str
    step: int
    steps: int
    report: str | None

    @property
    def percent(self) -> int:
        """How much of it is done, from 0 to 100."""
        return min(100, round(100 * self.step / self.steps)) if self.steps else 0


@dataclass(frozen=True)
class StartPage:
    """All that the page says."""

    table: ProgressTable
    parts: tuple[Part, ...]
    notebooks: tuple[OpenNotebook, ...]
    runs: tuple[RunUnderWay, ...]
    today: Today

    @property
    def is_new(self) -> bool:
        """Whether the learner has begun nothing yet."""
        return all(row.status in (OPEN, LATER) for row in self.table.rows)

    @property
    def exercises(self) -> int:
        """How many exercises there are."""
        return sum(len(row.exercises) for row in self.table.rows)

    @property
    def percent(self) -> float:
        """How many of a hundred exercises are done."""
        done = sum(row.done for row in self.table.rows)
        return 100 * done / self.exercises if self.exercises else 0.0

    def state_text(self, row: ChapterRow) -> str:
        """Say how a chapter stands; one that waits says for which numbers: ``after 5, 6``."""
        if row.status != LATER:
            return row.state_text
        waited_for = [
            other.chapter for other in self.table.rows if other.chapter.id in row.waits_for
        ]
        return f"after {', '.join(other.mark for other in waited_for)}"


def start_page(sessions: Sequence[Mapping[str, Any]] = ()) -> StartPage:
    """Gather what the page says. Reads files, so call it outside of a server's event loop.

    Parameters
    ----------
    sessions
        The server's sessions, as its REST interface describes them.

    Raises
    ------
    CourseError
        When the course cannot be read.
    """
    events = ProgressStore().events()
    table = table_of(events)
    grouped = groupby(table.rows, key=lambda row: row.chapter.part)
    parts = tuple(Part(find_part(part).title, tuple(rows)) for part, rows in grouped)
    return StartPage(
        table,
        parts,
        _open_notebooks(sessions, table),
        _runs_under_way(),
        today_of(events, time.time()),
    )


def _open_notebooks(
    sessions: Sequence[Mapping[str, Any]], table: ProgressTable
) -> tuple[OpenNotebook, ...]:
    titles = {f"{row.chapter.id}.ipynb": row.chapter.heading for row in table.rows}
    found = {
        session["path"]: OpenNotebook(
            session["path"],
            titles.get(session["path"], Path(session["path"]).name),
            str((session.get("kernel") or {}).get("execution_state", "unknown")),
        )
        for session in sessions
        if session.get("type") == "notebook"
    }
    return tuple(found[path] for path in sorted(found))


def _runs_under_way() -> tuple[RunUnderWay, ...]:
    from descent.runs.folder.finding import all_runs, runs_folder
    from descent.runs.folder.states import UNDER_WAY

    found = []
    for run in all_runs():
        state = run.status().state
        if state not in UNDER_WAY:
            continue
        linked = link_runs(work_folder(), runs_folder())
        report = (
            f"{linked.name}/{run.id}/{run.report.name}" if linked and run.report.exists() else None
        )
        found.append(RunUnderWay(run.id, state, run.step(), run.steps(), report))
    return tuple(found)
