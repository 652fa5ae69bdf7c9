"""Where the course lies, and where a learner's own files lie."""

from __future__ import annotations

import os
from pathlib import Path

from descent.errors import CourseError


class CourseNotFound(CourseError):
    """No course folder was found."""


def is_course(folder: Path) -> bool:
    """Say whether a folder holds the course, which is to say its chapters."""
    return (folder / "solutions").is_dir()


def course_root() -> Path:
    """Find the folder of the course.

    ``DESCENT_COURSE`` is looked at first, then the checkout this package sits in, then the current
    folder and those above it.

    Returns
    -------
    Path
        The folder that holds ``solutions/`` and ``notebooks/``.

    Raises
    ------
    CourseNotFound
        When none of these places holds the course.
    """
    named = os.environ.get("DESCENT_COURSE")
    if named:
        folder = Path(named).expanduser().resolve()
        if not is_course(folder):
            raise CourseNotFound(
                f"DESCENT_COURSE is {folder}, which has no solutions folder in it."
            )
        return folder
    here = Path.cwd()
    checkout = Path(__file__).resolve().parents[3]
    for folder in (checkout, here, *here.parents):
        if is_course(folder):
            return folder
    raise CourseNotFound(
        f"No course was found in {here} or above it. "
        "Go to the folder you cloned, or set DESCENT_COURSE to it."
    )


def work_folder() -> Path:
    """Return the folder of the learner's own copies: ``DESCENT_WORK``, else the course's work/."""
    named = os.environ.get("DESCENT_WORK")
    return Path(named).expanduser().absolute() if named else course_root() / "work"


def home_folder() -> Path:
    """Return the folder of the learner's records: ``DESCENT_HOME``, else the user's data folder."""
    named = os.environ.get("DESCENT_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("descent", appauthor=False))
