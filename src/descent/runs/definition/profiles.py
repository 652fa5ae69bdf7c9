"""Profiles: the settings of a run for a kind of machine, in a small file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from descent.errors import CourseError
from descent.runs.definition.catalogue import did_you_mean, home_of
from descent.runs.definition.declaration import Run
from descent.training.settings import RunSettings, WrongSetting

WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def profile_names(run: Run) -> list[str]:
    """Return the profiles of a run."""
    return sorted(path.stem for path in (home_of(run) / "profiles").glob("*.toml"))


def read_profile(run: Run, name: str) -> dict[str, Any]:
    """Return what a profile sets.

    Raises
    ------
    CourseError
        When the run has no such profile.
    """
    if name not in profile_names(run):
        raise CourseError(
            f"{run.name} has no profile {name!r}. {did_you_mean(name, profile_names(run))}"
        )
    with (home_of(run) / "profiles" / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def settings_of(run: Run, profile: str, changes: Mapping[str, Any] | None = None) -> RunSettings:
    """Make the settings of a run: its defaults, a profile, and changes on top.

    Parameters
    ----------
    run : Run
    profile : str
        Such as ``"smoke"``.
    changes : mapping, optional
        Values by the setting's name. Text is read as what the setting takes.

    Raises
    ------
    WrongSetting
        When there is no such setting, or a value is not of its kind.
    """
    given = {**read_profile(run, profile), **(changes or {})}
    kinds = get_type_hints(run.settings)
    settings = {field.name: field for field in fields(run.settings)}
    for name in given:
        if name not in settings:
            raise WrongSetting(
                f"{run.name} has no setting {name!r}. {did_you_mean(name, list(settings))}"
            )
    for name, field in settings.items():
        if field.default is MISSING and name not in given:
            raise WrongSetting(f"The profile {profile} of {run.name} does not set {name}.")
    return run.settings(**{name: _read(name, value, kinds[name]) for name, value in given.items()})


def changes_from(assignments: list[str]) -> dict[str, str]:
    """Read ``name=value`` texts of a command line.

    Raises
    ------
    WrongSetting
        When one has no ``=``.
    """
    changes = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise WrongSetting(f"{assignment!r} is not name=value, as in --set steps=500.")
        changes[name.strip()] = value.strip()
    return changes


def _read(name: str, value: Any, kind: type) -> Any:
    """Take a value as what the setting is, or refuse it."""
    found: Any = None
    if isinstance(value, str) and kind is not str:
        found = _read_text(value, kind)
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    elif type(value) is kind:
        found = value
    if found is None:
        raise WrongSetting(f"{name} is {value!r}; it has to be {WORDS[kind]}.")
    return found


def _read_text(text: str, kind: type) -> Any:
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    try:
        return kind(text)
    except ValueError:
        return None
