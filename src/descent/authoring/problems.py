"""An author's mistakes, one line each."""

from __future__ import annotations

from collections.abc import Iterable

from descent.errors import CourseError


class AuthoringError(CourseError):
    """One or more mistakes in the chapters.

    Parameters
    ----------
    problems
        The mistakes, each one line that names the file and, where there is one, the cell.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))
