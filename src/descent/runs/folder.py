"""A run's folder: what was asked, how it stands, and all it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.runs.catalogue import RUNS, find_run, near
from descent.runs.run import Run
from descent.study.files import write_whole
from descent.study.paths import course_root
from descent.training.metrics import Line, last_step, read_metrics
from descent.training.settings import Settings
from descent.training.stopping import STOP_FILE

STARTING, RUNNING, STOPPED = "starting", "running", "stopped"
FINISHED, FAILED, LOST = "finished", "failed", "lost"
UNDER_WAY = (STARTING, RUNNING)

MODEL_FILE = "model.py"
"""The learner's definitions, where their model is what trains."""


@dataclass(frozen=True)
class Status:
    """How a run stands.

    Attributes
    ----------
    state
        ``starting``, ``running``, ``stopped`` (saved, can continue), ``finished``, ``failed``, or
        ``lost``: its process is gone and did not say why, as when the machine was switched off.
    reason
        Why, in words; empty where there is nothing to say.
    """

    state: str
    reason: str = ""


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
        return f"{self.id}: {self.status().state}, step {self.step()} of {self.steps()}"

    @property
    def id(self) -> str:
        """Its name in lists and commands."""
        return self.path.name

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
        return find_run(self.asked()["run"])

    def settings(self) -> Settings:
        """Return the settings."""
        return self.run().settings(**self.asked()["settings"])

    def trainings(self) -> list[tuple[Settings, Path]]:
        """Return the settings and the folder of each training: one for each seed.

        The first is in the run's own folder, each further one in a folder in it.
        """
        settings = self.settings()
        told = [replace(settings, seed=settings.seed + i, seeds=1) for i in range(settings.seeds)]
        paths = [self.path, *(self.path / f"seed-{each.seed}" for each in told[1:])]
        return list(zip(told, paths, strict=True))

    def steps(self) -> int:
        """Return how many steps it takes, over all trainings."""
        settings = self.settings()
        return settings.steps * settings.seeds

    def curves(self) -> list[list[Line]]:
        """Return the metrics so far of each training that has begun."""
        found = [read_metrics(path / "metrics.jsonl") for _, path in self.trainings()]
        return [lines for lines in found if lines]

    def metrics(self) -> list[Line]:
        """Return the metrics so far; those of several trainings follow one another."""
        steps = self.settings().steps
        curves = enumerate(self.curves())
        return [{**line, "step": line["step"] + i * steps} for i, lines in curves for line in lines]

    def step(self) -> int:
        """Return the last step of which there is a number."""
        return last_step(self.metrics())

    def status(self) -> Status:
        """Return how it stands now; a process that is gone is noticed."""
        launcher = self.read("launcher.json")
        launcher_lives = process_lives(launcher)  # first: its last act is to note the state
        noted = self.read("status.json")
        state = noted.get("state", LOST)
        if state not in UNDER_WAY or launcher_lives:
            return Status(state, noted.get("reason", ""))
        if "job" not in launcher and process_lives(self.read("program.json")):
            return Status(RUNNING, "it trains on, but nothing writes its report")
        return Status(LOST, "its process is gone without a word; what was saved is there")

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


def runs_folder() -> Path:
    """Return where runs are kept: ``DESCENT_RUNS``, else the course's runs/."""
    named = os.environ.get("DESCENT_RUNS")
    return Path(named).expanduser().absolute() if named else course_root() / "runs"


def make_folder(
    run: Run, profile: str, settings: Settings, changes: dict[str, Any], model: str = ""
) -> RunFolder:
    """Make the folder of a new run.

    Parameters
    ----------
    run, profile, settings, changes
        What was asked for.
    model : str
        The source of the learner's definitions, where their model trains.
    """
    stem = f"{run.name}-{profile}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while True:
        path = runs_folder() / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
        except OSError as error:
            raise CourseError(f"{path}: cannot be made ({error.strerror}).") from error
    folder = RunFolder(path)
    asked = {"run": run.name, "profile": profile, "changes": changes, "settings": asdict(settings)}
    folder.write("settings.json", asked)
    if model:
        write_whole(path / MODEL_FILE, model.encode())
    return folder


def all_runs() -> list[RunFolder]:
    """Return all runs, the newest first."""
    found = [path.parent for path in runs_folder().glob("*/settings.json")]
    found.sort(key=lambda path: ((path / "settings.json").stat().st_mtime, path.name), reverse=True)
    runs = [RunFolder(path) for path in found]
    return [run for run in runs if run.asked().get("run") in RUNS]


def find_folder(name: str = "") -> RunFolder:
    """Find a run by its id or the beginning of it; the newest when none is named.

    Raises
    ------
    CourseError
        When there is none, or more than one begins so.
    """
    runs = all_runs()
    if not runs:
        raise CourseError("There are no runs yet. The first: descent run nanogpt --profile smoke")
    if not name:
        return runs[0]
    exact = [run for run in runs if run.id == name]
    begin = exact or [run for run in runs if run.id.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise CourseError(f"{name!r} begins {', '.join(run.id for run in begin)}. Name one.")
    raise CourseError(f"There is no run {name!r}. {near(name, [run.id for run in runs])}")


def this_process(pid: int | None = None) -> dict[str, Any]:
    """Say which process this (or a child) is, so that a later one is not taken for it."""
    import psutil

    pid = pid or os.getpid()
    return {"pid": pid, "began": psutil.Process(pid).create_time(), "host": socket.gethostname()}


def process_lives(noted: dict[str, Any]) -> bool:
    """Say whether a process or job is there; a process on another machine is taken to be."""
    if "job" in noted:
        from descent.runs.slurm import job_lives

        return job_lives(noted["job"])
    if "pid" not in noted or "outcome" in noted:
        return False
    if noted.get("host") != socket.gethostname():
        return True
    import psutil

    try:
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["began"]) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
