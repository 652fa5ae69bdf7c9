"""Looking at runs: how one stands, all of them, and one until it has ended."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass

from descent.errors import CourseError
from descent.runs.folder import RunFolder
from descent.runs.folder.finding import all_runs
from descent.runs.folder.states import FINISHED, UNDER_WAY
from descent.training.metrics import Line, last_step, latest, short

DAMAGED = "damaged"  # in the list, of a run whose folder cannot be read
PAUSE = 0.5  # seconds between two looks


@dataclass(frozen=True)
class Look:
    """A run at one moment.

    Attributes
    ----------
    state, reason
        How it stands.
    steps
        How many it is to take.
    lines
        Its metrics so far.
    log
        The last lines its processes printed.
    unit
        What it is counted in: steps, or the trainings of a sweep.
    left
        Seconds that are left, as far as is known.
    """

    state: str
    reason: str
    steps: int
    lines: list[Line]
    log: list[str]
    unit: str = "step"
    left: float | None = None

    @property
    def step(self) -> int:
        """How far it is."""
        return last_step(self.lines)

    @property
    def progress(self) -> str:
        """How far it is of how much, and how long it will take still."""
        said = f"{self.unit} {self.step} of {self.steps}"
        return said if self.left is None else f"{said}, about {_in_words(self.left)} left"

    @property
    def words(self) -> str:
        """The latest of each number, in words."""
        return "  ".join(f"{name} {short(value)}" for name, value in latest(self.lines).items())


def look_at(folder: RunFolder, lines: int = 8) -> Look:
    """Return how a run stands now."""
    status = folder.status()  # first: numbers written before its end are then in the metrics
    steps = folder.steps()
    left = seconds_left(folder) if status.state in UNDER_WAY and folder.run().sweep else None
    return Look(
        status.state,
        status.reason,
        steps,
        folder.metrics(),
        _tail(folder, lines),
        folder.unit,
        left,
    )


def seconds_left(folder: RunFolder) -> float | None:
    """Estimate how long a sweep takes still, by the work of its trainings; None before one ended.

    Parameters
    ----------
    folder : RunFolder
    """
    points, settings = folder.points(), folder.settings()
    missing = folder.results.missing(points)
    seconds = sum(row["seconds"] for row in folder.results.rows(points))
    left = sum(point.work for point in missing)
    done = sum(point.work for point in points) - left
    if not done or not seconds:
        return None
    return seconds / done * left / min(settings.workers * settings.nodes, max(1, len(missing)))


def follow(folder: RunFolder) -> Iterator[Look]:
    """Yield looks at a run until it has ended; the last one is of its end."""
    while True:
        look = look_at(folder)
        yield look
        if look.state not in UNDER_WAY:
            return
        time.sleep(PAUSE)


def closing_words(folder: RunFolder, look: Look) -> str:
    """Say how a run ended and what can be done next."""
    lines = [f"{folder.id}: {look.state} at {look.progress}. {look.words}"]
    if look.reason:
        lines.append(look.reason)
    if look.state != FINISHED:
        lines.append(f"To continue it: descent runs resume {folder.id}")
    elif look.reason:
        lines.append(f"To complete its report: descent runs resume {folder.id}")
    if folder.report.exists():
        lines.append(f"Its report: {folder.report}")
    return "\n".join(lines)


def list_in_words(looks: list[tuple[RunFolder, Look]], width: int) -> str:
    """Write a list of runs: a line for each, with its name whole, and what there is to say below.

    Parameters
    ----------
    looks : list of (RunFolder, Look)
        As `listing` gives them.
    width : int
        Of the terminal, in characters.
    """
    rows = [("Run", "State", "Step")]
    rows += [(folder.id, look.state, f"{look.step} of {look.steps}") for folder, look in looks]
    names, states = (max(len(row[i]) for row in rows) for i in range(2))
    lines = [f"{name:<{names}}  {state:<{states}}  {step}" for name, state, step in rows]
    shown = lines[:1]
    for line, (_, look) in zip(lines[1:], looks, strict=True):
        shown.append(line)
        left = "" if look.left is None else look.progress
        for said in (left, look.words, next(iter(look.reason.splitlines()), "")):
            below = textwrap.wrap(said, max(width - 4, 20), break_on_hyphens=False)
            shown += [f"    {part}" for part in below]
    return "\n".join(shown)


def listing() -> list[tuple[RunFolder, Look]]:
    """Return all runs and how they stand, the newest first; one that is damaged says so."""
    return [(folder, _look_anyhow(folder)) for folder in all_runs()]


def _in_words(seconds: float) -> str:
    """Say how long, in seconds, minutes or hours."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.0f} s"


def _look_anyhow(folder: RunFolder) -> Look:
    try:
        return look_at(folder, lines=0)
    except CourseError as error:
        return Look(DAMAGED, str(error), 0, [], [])


def _tail(folder: RunFolder, lines: int) -> list[str]:
    if not lines or not folder.log.exists():
        return []
    with folder.log.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
        return log.read().decode(errors="replace").splitlines()[-lines:]
