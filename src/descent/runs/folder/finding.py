"""The folders of all runs: making one, and finding one again."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import RUNS, did_you_mean
from descent.runs.definition.declaration import Run
from descent.runs.folder.run_folder import MODEL_FILE, RunFolder
from descent.study.files import write_whole
from descent.study.paths import course_root
from descent.training.settings import RunSettings


def runs_folder() -> Path:
    """Return where runs are kept: ``DESCENT_RUNS``, else the course's runs/."""
    named = os.environ.get("DESCENT_RUNS")
    return Path(named).expanduser().absolute() if named else course_root() / "runs"


def make_folder(
    run: Run, profile: str, settings: RunSettings, changes: dict[str, Any], model: str = ""
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
    return [run for run in runs if str(run.asked().get("run")) in RUNS]


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
    raise CourseError(f"There is no run {name!r}. {did_you_mean(name, [run.id for run in runs])}")
