"""The learner's folder as JupyterLab shows it: beside their copies, their runs and a note.

JupyterLab opens in this folder and shows nothing outside of it; nothing of the learner's is
overwritten here.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from descent.errors import CourseError
from descent.study.files import create_whole

NOTE_FOR_ASSISTANTS = Path(__file__).with_name("work_agents.md")


def furnish(work: Path) -> None:
    """Make the folder if there is none, and in it what a learner's own assistant should read.

    Raises
    ------
    CourseError
        When the folder cannot be made.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(f"{work}: cannot be made ({error.strerror}).") from error
    note = work / "AGENTS.md"
    if not note.exists():
        with contextlib.suppress(CourseError):  # a folder that cannot be written opens all the same
            create_whole(note, NOTE_FOR_ASSISTANTS.read_bytes())


def link_runs(work: Path, runs: Path) -> Path | None:
    """Make ``work/runs`` lead to the folder of the runs, so that their reports open in JupyterLab.

    Returns
    -------
    Path or None
        The link; None where there can be none: something else has the name, or the system makes no
        links (on Windows not everyone may). Reports can be opened from a terminal then.
    """
    link = work / "runs"
    try:
        if link.is_symlink() and link.resolve() != runs.resolve():
            link.unlink()
        if not link.exists():
            link.symlink_to(runs, target_is_directory=True)
        return link if link.resolve() == runs.resolve() else None
    except OSError:
        return None


def lab_state(work: Path) -> Path:
    """Return where JupyterLab keeps which tabs were open: beside the notebooks they show.

    In its usual place this would be shared with every other folder that JupyterLab is used in.
    """
    return work / ".jupyterlab" / "workspaces"


def is_served_from(server_root: str, work: Path) -> bool:
    """Say whether a server's root is this folder, links followed."""
    return bool(server_root) and os.path.realpath(server_root) == os.path.realpath(work)
