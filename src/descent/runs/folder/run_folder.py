"""A run's folder: what was asked, how it stands, and all it leaves."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from descent.runs.definition.catalogue import find_run
from descent.runs.definition.declaration import Run
from descent.runs.folder.liveness import process_lives
from descent.runs.folder.states import LOST, RUNNING, UNDER_WAY, Status
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
