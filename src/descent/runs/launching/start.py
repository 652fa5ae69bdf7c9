"""Starting a run, and continuing one: all is looked at first, then it goes on by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import find_run, task_module
from descent.runs.definition.declaration import Run
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.folder import RunFolder
from descent.runs.folder.finding import make_folder, runs_folder
from descent.runs.folder.learner_model import class_from
from descent.runs.folder.liveness import this_process
from descent.runs.folder.lock import locked
from descent.runs.folder.states import FINISHED, STARTING, UNDER_WAY
from descent.runs.launching.requirements import NotReady, check_requirements
from descent.training.settings import RunSettings, WrongSetting

BY_SIZE = ("multi-gpu", "gpu", "cpu", "smoke")
"""From what asks most of a machine to what asks least; a cluster has to be asked for."""


def fitting_profile(name: str, changes: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """Choose the largest profile that this machine can carry.

    Parameters
    ----------
    name : str
        Of the run.
    changes : mapping, optional
        Settings that differ from the profile.

    Returns
    -------
    profile : str
    why : str
        What the next larger one lacks here; empty when there is none.

    Raises
    ------
    CourseError
        When there is no such run, a setting is wrong, or not even the smallest can be carried.
    """
    run = find_run(name)
    why = ""
    there = [profile for profile in BY_SIZE if profile in profile_names(run)]
    for profile in there:
        try:
            check_requirements(run, settings_of(run, profile, changes), runs_folder())
            return profile, why
        except NotReady as error:
            if profile == there[-1]:
                raise
            why = f"{profile} cannot be carried here. {error}"
    raise CourseError(f"{name} has no profile for a single machine.")


def say_fitting_profile(name: str, changes: Mapping[str, Any] | None = None) -> str:
    """Return the profile of `fitting_profile`, and print which it is, and why no larger one."""
    profile, why = fitting_profile(name, changes)
    print(f"profile {profile}" + (f": {why}" if why else ""))
    return profile


def start_run(
    name: str, profile: str, changes: Mapping[str, Any] | None = None, model: str = ""
) -> RunFolder:
    """Begin a run in the background.

    Parameters
    ----------
    name : str
        Of the run, as in the catalogue.
    profile : str
        Such as ``"smoke"``.
    changes : mapping, optional
        Settings that differ from the profile.
    model : str
        The learner's cells as `learner_model.join_cells` makes them, where their model is to train.

    Returns
    -------
    RunFolder
        The run, under way.

    Raises
    ------
    CourseError
        When there is no such run or profile, a setting is wrong, the machine lacks something, or
        the learner's model breaks the run's contract. Nothing has begun then.
    """
    run = find_run(name)
    asked = {**(changes or {}), **({"model": "mine"} if model else {})}
    settings = settings_of(run, profile, asked)
    check_requirements(run, settings, runs_folder())
    _check_model(run, settings, model)
    changed = {name: getattr(settings, name) for name in asked}
    folder = make_folder(run, profile, settings, changed, model)
    _launch(folder)
    return folder


def resume_run(folder: RunFolder, processes: int | None = None) -> RunFolder:
    """Let a run go on from its newest checkpoint; a finished one whose report is not, to that.

    Parameters
    ----------
    folder : RunFolder
    processes : int, optional
        Another number of them on each machine: the curve stays the same.

    Raises
    ------
    CourseError
        When it is under way, or finished with a whole report; when the machine lacks something;
        or when another command is about to start it.
    """
    with locked(folder.launching_lock, f"{folder.id} is being started by another command."):
        status = folder.status()
        if status.state in UNDER_WAY:
            raise CourseError(f"{folder.id} is {status.state}: there is nothing to resume.")
        if status.state == FINISHED and not status.reason:
            longer = "" if folder.run().sweep else " A longer one is a new run: --set steps=…"
            raise CourseError(f"{folder.id} is finished.{longer}")
        settings = folder.settings()
        if processes is not None:
            settings = replace(settings, processes=processes)
        check_requirements(folder.run(), settings, folder.path)
        asked = folder.asked()
        if processes is not None:
            asked["settings"]["processes"] = processes
            asked["changes"]["processes"] = processes
            folder.write("settings.json", asked)
        _launch(folder)
    return folder


def _check_model(run: Run, settings: RunSettings, model: str) -> None:
    if settings.model == "ours":
        return
    if not model:
        raise WrongSetting(
            "model is 'mine', and no model was handed over: use --model mine, or run(..., "
            "model=YourClass) in a notebook."
        )
    task_module(run).check_model(class_from(model, "trial"), settings)


def _launch(folder: RunFolder) -> None:
    """Start the supervisor as a process of its own, which outlives this one."""
    folder.remove("launcher.json")
    if folder.settings().where == "slurm":
        from descent.runs.launching.slurm import submit, submit_sweep

        folder.remove("program.json")
        folder.note_status(STARTING, "it waits in the cluster's queue")
        jobs = submit_sweep(folder) if folder.run().sweep else {"job": submit(folder)}
        folder.write("launcher.json", jobs)
        return
    folder.note_status(STARTING)
    with (folder.path / "launcher.txt").open("ab") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "descent.runs.launching.supervisor", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    folder.write("launcher.json", this_process(process.pid))
