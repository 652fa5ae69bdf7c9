"""Reading YAML: one loader, the fast one where it is there, and one kind of error."""

from __future__ import annotations

from typing import Any

from descent.errors import CourseError


class NotYaml(CourseError):
    """A text is not YAML.

    Attributes
    ----------
    problem
        What is wrong with it, in a few words.
    line
        On which of its lines, from 1; None where that is not known.
    """

    def __init__(self, error: Exception) -> None:
        mark = getattr(error, "problem_mark", None)
        self.problem: str = getattr(error, "problem", None) or "unreadable"
        self.line: int | None = mark.line + 1 if mark else None
        super().__init__(str(error))


def from_yaml(text: str) -> Any:
    """Return what a YAML text holds.

    Raises
    ------
    NotYaml
        When it is not YAML.
    """
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise NotYaml(error) from error
