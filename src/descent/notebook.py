"""What a notebook uses: `chapter`, `check`, `hint`, `mine`, `progress`, `recorded` and `run`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from descent.errors import CourseError
from descent.exercises.lookup import UnknownExercise, load_exercises
from descent.grading import CheckFailed, Exercise, Hint, Report, judge
from descent.grading.calls import codes_of
from descent.grading.report import CORRECT, MIME, marked_up
from descent.study.catalog import Chapter, find_chapter
from descent.study.progress import show_progress
from descent.study.store import ProgressStore

if TYPE_CHECKING:
    from descent.runs.folder import RunFolder

_chapter: Chapter | None = None
_failures: dict[str, set[str]] = {}  # exercise → symptom, property and mistake of its last check
_opened: dict[str, list[Hint]] = {}  # exercise → hints already shown


def chapter(chapter_id: str) -> None:
    """Say which chapter this notebook is, and set the plotting style of the course.

    Parameters
    ----------
    chapter_id : str
        Such as ``"ladder/01_scalar_regression"``.

    Raises
    ------
    CourseError
        When there is no such chapter.
    """
    global _chapter
    _chapter = find_chapter(chapter_id)
    load_exercises(_chapter.id)
    ProgressStore().record_start(_chapter.id)
    _failures.clear()
    _opened.clear()
    if "matplotlib" in sys.modules:
        from descent.figures.style import use_style

        use_style()


def check(answer: Any) -> None:
    """Judge your answer to an exercise and show what was found.

    Parameters
    ----------
    answer : callable
        The function or class you wrote, under the name the exercise gave it.

    Raises
    ------
    CheckFailed
        When the answer is not right yet, or not attempted. It shows as one line.
    CourseError
        When no exercise of the chapter goes by the answer's name.
    """
    names = sys._getframe(1).f_globals
    exercise = _exercise_for(answer, names)
    report = judge(exercise, answer)
    if report.failure is not None:
        report = _blame_what_it_calls(report, answer, names)
    _remember(report)
    _show(report.as_text(), report.as_html(), report.as_json())
    if report.outcome != CORRECT:
        raise CheckFailed(report)


def hint(answer: Any) -> None:
    """Open the next hint of an exercise, the one that fits your last check first.

    Parameters
    ----------
    answer : callable or str
        Your function or class, or the exercise's name.
    """
    exercise = _exercise_for(answer, sys._getframe(1).f_globals)
    opened = _opened.setdefault(exercise.name, [])
    step = next_hint(exercise, opened, _failures.get(exercise.name, set()))
    current = _current_chapter()
    if step is None:
        page = f"solutions/{current.part}/{current.name}.ipynb"
        text = (
            "That was the last hint. The worked solution is folded on this chapter's page of the "
            f"book, and in `{page}`. Read it, close it, and write your own."
        )
    else:
        opened.append(step)
        text = step.text
        ProgressStore().record_hint(current.id, exercise.name)
    _show(f"Hint: {text}", f'<div class="descent-hint"><em>Hint.</em> {marked_up(text)}</div>')


def mine(chapter_name: str, name: str, otherwise: Any) -> Any:
    """Take your own answer to an exercise of an earlier chapter, and say which is in use.

    Parameters
    ----------
    chapter_name : str
        The earlier chapter, such as ``"ladder/08"``.
    name : str
        The exercise: a function or class you wrote there.
    otherwise : object
        What is used instead where yours is not there, or does not pass its check.

    Returns
    -------
    object
        Yours, or `otherwise`. A line printed under the cell says which, and why.

    Raises
    ------
    UnknownExercise
        When the chapter has no exercise of this name.
    """
    from descent.exercises.own_answers import own_answer

    own = own_answer(chapter_name, name)
    if own.answer is None:
        print(f"{name}: the course's; {own.reason}.")
        return otherwise
    print(f"{name}: yours, from {own.chapter.id}.")
    return own.answer


def progress() -> None:
    """Show what is done, what was tried, the minutes spent, and what opens next."""
    show_progress()


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
    from descent.figures.style import in_notebook
    from descent.runs.launch import say_fitting_profile, start_run
    from descent.runs.watch import watch_in_notebook, watch_in_terminal

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
    from descent.runs.catalogue import find_run
    from descent.runs.records import results_of
    from descent.study.paths import course_root

    text = results_of(find_run(name), course_root())
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
        return
    from IPython.display import Markdown, display

    display(Markdown(text))


def next_hint(exercise: Exercise, opened: list[Hint], seen: set[str]) -> Hint | None:
    """The hint to open: one for what was seen, else the next general one, else None."""
    waiting = [step for step in exercise.hints if step not in opened]
    fitting = [step for step in waiting if step.when in seen]
    general = [step for step in waiting if step.when is None]
    return next(iter([*fitting, *general]), None)


def _current_chapter() -> Chapter:
    if _chapter is None:
        raise CourseError("Run the first code cell of the notebook: it says which chapter this is.")
    return _chapter


def _exercise_for(answer: Any, names: dict[str, Any]) -> Exercise:
    """The exercise an answer belongs to: by the name it is bound to, else by its own name."""
    exercises = load_exercises(_current_chapter().id)
    own_name = answer if isinstance(answer, str) else getattr(answer, "__name__", "")
    bound = [name for name in exercises if names.get(name) is answer]
    for name in (own_name, *bound) if own_name in bound else (*bound, own_name):
        if name in exercises:
            return exercises[name]
    called = f"`{own_name}`" if own_name else "that"
    raise UnknownExercise(
        f"No exercise of this chapter is called {called}. Its exercises are: "
        f"{', '.join(exercises)}. Give your answer the name that its cell had."
    )


def _blame_what_it_calls(report: Report, answer: Any, names: dict[str, Any]) -> Report:
    """Say so where an answer fails because an earlier answer that it calls is not right."""
    used = {name for code in codes_of(answer) for name in code.co_names}
    for name, exercise in load_exercises(_current_chapter().id).items():
        calls_it = name in used and name != report.exercise and callable(names.get(name))
        if calls_it and judge(exercise, names[name], explain=False).outcome != CORRECT:
            assert report.failure is not None
            words = (
                f"Your answer calls `{name}`, which does not pass its own check yet. Mend that "
                f"first: run `check({name})`."
            )
            failure = replace(report.failure, message=words, mistake=None, symptom="error")
            return replace(report, failure=failure)
    return report


def _remember(report: Report) -> None:
    failure = report.failure
    if failure is not None:
        _failures[report.exercise] = {failure.symptom, failure.property, failure.mistake or ""}
    ProgressStore().record_check(
        _current_chapter().id,
        report.exercise,
        report.outcome,
        mistake=failure.mistake if failure else None,
        seconds=report.seconds,
    )


def _show(text: str, as_html: str, as_json: dict[str, Any] | None = None) -> None:
    """A rich output in a notebook, plain text in a terminal."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
        return
    from IPython.display import display

    bundle: dict[str, Any] = {"text/plain": text, "text/html": as_html}
    if as_json is not None:
        bundle[MIME] = as_json
    display(bundle, raw=True)


__all__ = [
    "CheckFailed",
    "chapter",
    "check",
    "hint",
    "mine",
    "next_hint",
    "progress",
    "recorded",
    "run",
]
