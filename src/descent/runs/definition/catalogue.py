"""The runs there are. Each is a folder beside this room; none is listed anywhere."""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import descent.runs
from descent.errors import CourseError
from descent.runs.definition.declaration import Run


def discover() -> dict[str, Run]:
    """Find the runs: every folder of `descent.runs` that has profiles, in the chapters' order.

    Returns
    -------
    dict
        What each folder declares as ``RUN``, by its name, which is the folder's.

    Raises
    ------
    CourseError
        When a run is not called what its folder is.
    """
    homes = [
        path.parent for place in descent.runs.__path__ for path in Path(place).glob("*/profiles")
    ]
    found = []
    for home in homes:
        run: Run = import_module(f"descent.runs.{home.name}").RUN
        if run.name != home.name:
            raise CourseError(f"The run in {home} is called {run.name}: give both one name.")
        found.append(run)
    return {run.name: run for run in sorted(found, key=lambda run: (run.chapter, run.name))}


RUNS: dict[str, Run] = discover()


def find_run(name: str) -> Run:
    """Return a run by its name.

    Raises
    ------
    CourseError
        When there is none; the message lists those there are.
    """
    if name in RUNS:
        return RUNS[name]
    raise CourseError(f"There is no run {name!r}. {did_you_mean(name, list(RUNS))}")


def home_of(run: Run) -> Path:
    """Return the folder of a run's module, script and profiles."""
    (place,) = import_module(f"descent.runs.{run.name}").__path__
    return Path(place)


def task_module(run: Run) -> ModuleType:
    """Import what a run trains, with ``make_task`` and ``check_model``. It takes torch's second."""
    return import_module(f"descent.runs.{run.name}.task")


def did_you_mean(name: str, names: list[str]) -> str:
    """Say which of some names was probably meant, or list them all."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There {'is' if len(names) == 1 else 'are'} {', '.join(names)}."
