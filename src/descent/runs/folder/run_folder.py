"""A run's folder: what was asked, how it stands, and all it leaves."""

from __future__ import annotations

import contextlib
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import find_run
from descent.runs.definition.declaration import Run
from descent.runs.definition.sweep import Point
from descent.runs.folder.liveness import process_lives
from descent.runs.folder.lock import is_locked, locked
from descent.runs.folder.states import FINISHED, LOST, RUNNING, STOPPED, UNDER_WAY, Status
from descent.runs.folder.sweep_results import SweepResults
from descent.study.files import write_whole
from descent.training.metrics import Line, last_step, read_metrics
from descent.training.settings import Settings
from descent.training.stopping import STOP_FILE

MODEL_FILE = "model.py"
"""The learner's definitions, where their model is what trains."""


class RunFolder:
    """One run on disk.

    Parameters
    ----------
    path : Path or str
        Its folder, which has ``settings.json`` in it.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        """Show how it stands, as the last line of a cell does."""
        return f"{self.id}: {self.status().state}, {self.unit} {self.step()} of {self.steps()}"

    @property
    def id(self) -> str:
        """Its name in lists and commands."""
        return self.path.name

    @property
    def training_lock(self) -> Path:
        """What the process that trains here holds a lock on, as long as it lives."""
        return self.path / "training.lock"

    @property
    def launching_lock(self) -> Path:
        """What is held while the run is looked at and started."""
        return self.path / "launching.lock"

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints are."""
        return self.path / "checkpoints"

    @property
    def stop_file(self) -> Path:
        """What asks it to stop where no signal can: on another machine."""
        return self.path / STOP_FILE

    @property
    def log(self) -> Path:
        """What its processes print."""
        return self.path / "log.txt"

    @property
    def report(self) -> Path:
        """Its report, a notebook."""
        return self.path / "report.ipynb"

    def asked(self) -> dict[str, Any]:
        """Return ``run``, ``profile``, ``changes`` and ``settings`` as they were asked for."""
        return self.read("settings.json")

    def run(self) -> Run:
        """Return the catalogue's entry."""
        return find_run(str(self.asked().get("run")))

    def settings(self) -> Any:
        """Return the settings.

        Raises
        ------
        CourseError
            When ``settings.json`` is not what a run was asked for, as when it was edited.
        """
        run, asked = self.run(), self.asked()
        try:
            return run.settings(**asked["settings"])
        except (CourseError, KeyError, TypeError) as error:
            raise CourseError(f"{self.path / 'settings.json'} cannot be used: {error}") from error

    @property
    def unit(self) -> str:
        """What its progress is counted in: the trainings of a sweep, else steps."""
        return "training" if self.run().sweep else "step"

    @property
    def results(self) -> SweepResults:
        """What the trainings of a sweep leave."""
        return SweepResults(self.path)

    def points(self) -> list[Point]:
        """Return the trainings of a sweep; none of another run."""
        sweep = self.run().sweep
        return sweep.points(self.settings()) if sweep else []

    def trainings(self) -> list[tuple[Settings, Path]]:
        """Return the settings and the folder of each training: one for each seed.

        The first is in the run's own folder, each further one in a folder in it.
        """
        settings = self.settings()
        each = [replace(settings, seed=settings.seed + i, seeds=1) for i in range(settings.seeds)]
        paths = [self.path, *(self.path / f"seed-{further.seed}" for further in each[1:])]
        return list(zip(each, paths, strict=True))

    def steps(self) -> int:
        """Return how many steps it takes, over all trainings; of a sweep, how many trainings."""
        if self.run().sweep:
            return len(self.points())
        settings = self.settings()
        return settings.steps * settings.seeds

    def curves(self) -> list[list[Line]]:
        """Return the metrics so far of each training that has begun."""
        found = [read_metrics(path / "metrics.jsonl") for _, path in self.trainings()]
        return [lines for lines in found if lines]

    def metrics(self) -> list[Line]:
        """Return the metrics so far; those of several trainings follow one another.

        Of a sweep, a line for each training that has ended, in the order in which they did.
        """
        if self.run().sweep:
            return self.results.lines(self.points())
        steps = self.settings().steps
        curves = enumerate(self.curves())
        return [{**line, "step": line["step"] + i * steps} for i, lines in curves for line in lines]

    def step(self) -> int:
        """Return the last step of which there is a number."""
        return last_step(self.metrics())

    def status(self) -> Status:
        """Return how it stands now.

        Whether it trains is read from the trainer's lock, not from what was noted. Of a run whose
        processes are gone, what the trainer said of its end counts more than what was noted.
        """
        launcher_lives = process_lives(self.read("launcher.json"))  # first: it ends by noting
        trains = self.trainer_lives()
        noted = self.read("status.json")
        state, reason = str(noted.get("state", LOST)), str(noted.get("reason", ""))
        if trains and not launcher_lives:
            return Status(RUNNING, "it trains on, but nothing writes its report")
        if trains and state not in UNDER_WAY:
            return Status(RUNNING)
        if launcher_lives:
            return Status(state, reason)
        outcome = self.read("program.json").get("outcome")
        if outcome in (FINISHED, STOPPED) and outcome != state:
            return Status(outcome, reason or "its report is not complete: what writes it was ended")
        if state in UNDER_WAY:
            return Status(LOST, "its process is gone without a word; what was saved is there")
        return Status(state, reason)

    def trainer_lives(self) -> bool:
        """Say whether a process trains here; one on another machine is taken to, unlocked."""
        locked = is_locked(self.training_lock)
        if locked is not None or "job" in self.read("launcher.json"):
            return bool(locked)
        return process_lives(self.read("program.json"))  # of a run before there was the lock

    def only_trainer(self) -> AbstractContextManager[None]:
        """Hold the lock of what trains here: two would write one curve and the same files.

        Raises
        ------
        Locked
            When another process trains here.
        """
        return locked(
            self.training_lock,
            f"Another process trains {self.id} already. To end that one: descent runs stop "
            f"{self.id}",
        )

    def note_status(self, state: str, reason: str = "") -> None:
        """Write down how it stands."""
        self.write("status.json", {"state": state, "reason": reason})

    def read(self, name: str) -> dict[str, Any]:
        """Read one of its small files; empty where it is not there or not whole."""
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace one of its small files, whole or not at all."""
        write_whole(self.path / name, (json.dumps(content, indent=1) + "\n").encode())

    def remove(self, name: str) -> None:
        """Remove one of its small files."""
        with contextlib.suppress(FileNotFoundError):
            (self.path / name).unlink()
