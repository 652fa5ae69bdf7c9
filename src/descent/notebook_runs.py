"""What a notebook uses of real runs: `run`, which trains, and `recorded`, which shows results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descent.shell import in_notebook

if TYPE_CHECKING:
    from descent.runs.folder import RunFolder


def run(
    name: str, profile: str = "", model: Any = "ours", watch: bool = True, **settings: Any
) -> RunFolder:
    """Begin a real run in the background, and follow it in the cell.

    Interrupting the cell ends the following, not the run.

    Parameters
    ----------
    name : str
        The run, such as ``"nanogpt"``.
    profile : str
        For which kind of machine: ``smoke``, ``cpu``, ``gpu``, ``multi-gpu`` or ``slurm``. Where
        none is named, the largest that this machine can carry; a line says which, and why.
    model : str or type
        ``"ours"``; ``"mine"`` for your answer to the chapter that builds it; or a class that you
        defined in this notebook.
    watch : bool
        Whether to follow it.
    **settings
        Those that differ from the profile, such as ``steps=500``.

    Returns
    -------
    RunFolder
        The run.

    Raises
    ------
    CourseError
        When a setting is wrong, the machine lacks something, or the model cannot be trained by
        the run. Nothing has begun then.
    """
    from descent.exercises.run_model import model_text
    from descent.runs.launching.start import say_fitting_profile, start_run
    from descent.runs.watching.notebook import watch_in_notebook
    from descent.runs.watching.terminal import watch_in_terminal

    if not profile:
        profile = say_fitting_profile(name, settings)
    folder = start_run(name, profile, settings, model_text(name, model))
    if watch and in_notebook():
        watch_in_notebook(folder)
    elif watch:
        watch_in_terminal(folder)
    return folder


def recorded(name: str) -> None:
    """Show the recorded results of a real run beside the published ones, and what was not run.

    Parameters
    ----------
    name : str
        The run, such as ``"nanogpt"``.
    """
    from descent.runs.definition.catalogue import find_run
    from descent.runs.results.records import results_of
    from descent.study.paths import course_root

    text = results_of(find_run(name), course_root())
    if not in_notebook():
        print(text)
        return
    from IPython.display import Markdown, display

    display(Markdown(text))
