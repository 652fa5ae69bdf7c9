"""What a notebook uses to be worked on: `chapter`, `check`, `hint`, `mine` and the like."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.exercises.lookup import UnknownExercise, load_exercises
from descent.exercises.references import reference_source
from descent.grading import CheckFailed, Exercise, Hint, Report, judge
from descent.grading.calls import codes_of
from descent.grading.originals import OriginalsInPlace, hidden_builtins, keep_originals, put_back
from descent.grading.report import CORRECT, COULD_NOT_GRADE, NOT_RIGHT, marked_up
from descent.grading.sandbox import guarded
from descent.grading.values import short
from descent.grading.watchdog import ended_checks, watchdog
from descent.shell import in_notebook
from descent.study.catalog import Chapter, find_chapter
from descent.study.paths import home_folder
from descent.study.progress import show_progress
from descent.study.store import ProgressStore

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
    keep_originals()
    _tell_ended_checks(_chapter)
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
        When the answer is not right yet, not attempted, or could not be graded. It shows as one
        line. Not where it could not be graded for want of something that this machine has not
        got: the cells below go on without it. nbgrader's autograder is told all the same.
    CourseError
        When no exercise of the chapter goes by the answer's name.
    """
    names = sys._getframe(1).f_globals
    with OriginalsInPlace():
        exercise = _exercise_for(answer, names)
        with _watched(current_chapter().id, exercise.name, answer):
            chapter = current_chapter()
            report = judge(
                exercise, answer, reference=lambda: reference_source(chapter, exercise.name)
            )
            if report.failure is not None:
                report = _blame_what_it_calls(report, answer, names)
                report = _point_at_hidden_builtins(report, answer, names)
        report = _tell_nbgrader(report)
        _remember(report)
        _show(report.as_bundle())
    if report.outcome != CORRECT and not _goes_on(report):
        raise CheckFailed(report)


def _goes_on(report: Report) -> bool:
    """Whether a notebook goes on though this is not correct: nothing can be done about it here."""
    graded_elsewhere = os.environ.get("NBGRADER_EXECUTION") == "autograde"
    return report.unjudged is not None and report.unjudged.not_installed and not graded_elsewhere


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
    current = current_chapter()
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
    as_html = f'<div class="descent-hint"><em>Hint.</em> {marked_up(text)}</div>'
    _show({"text/plain": f"Hint: {text}", "text/html": as_html})


def mine(chapter_name: str, name: str, otherwise: Any = None) -> Any:
    """Take your own answer to an exercise of an earlier chapter, and say which is in use.

    Parameters
    ----------
    chapter_name : str
        The earlier chapter, such as ``"ladder/08"``.
    name : str
        The exercise: a function or class you wrote there.
    otherwise : object, optional
        What is used instead where yours is not there, or does not pass its check. By default the
        answer of the earlier chapter's own page.

    Returns
    -------
    object
        Yours, or `otherwise`. A line printed under the cell says which, and why.

    Raises
    ------
    UnknownExercise
        When the chapter has no exercise of this name.
    CourseError
        When `otherwise` is not given, and the chapter's source is not there.
    """
    from descent.exercises.own_answers import own_answer

    with _watched(find_chapter(chapter_name).id, name):
        own = own_answer(chapter_name, name)
    if own.answer is None:
        if otherwise is None:
            from descent.exercises.references import reference_answer

            otherwise = reference_answer(chapter_name, name)
        print(f"{name}: the course's; {own.reason}.")
        return otherwise
    print(f"{name}: yours, from {own.chapter.id}.")
    return own.answer


def progress() -> None:
    """Show what is done, what was tried, the minutes spent, and what opens next."""
    show_progress()


def next_hint(exercise: Exercise, opened: list[Hint], seen: set[str]) -> Hint | None:
    """The hint to open: one for what was seen, else the next general one, else None."""
    waiting = [step for step in exercise.hints if step not in opened]
    fitting = [step for step in waiting if step.when in seen]
    general = [step for step in waiting if step.when is None]
    return next(iter([*fitting, *general]), None)


def current_chapter() -> Chapter:
    if _chapter is None:
        raise CourseError("Run the first code cell of the notebook: it says which chapter this is.")
    return _chapter


def _exercise_for(answer: Any, names: dict[str, Any]) -> Exercise:
    """The exercise an answer belongs to: by the name it is bound to, else by its own name."""
    exercises = load_exercises(current_chapter().id)
    own_name = (
        answer if isinstance(answer, str)
        else guarded(lambda: str(getattr(answer, "__name__", "")), "")
    )  # fmt: skip
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
    for name, exercise in load_exercises(current_chapter().id).items():
        calls_it = name in used and name != report.exercise and callable(names.get(name))
        if not calls_it:
            continue
        if judge(exercise, names[name], explain=False).outcome not in (CORRECT, COULD_NOT_GRADE):
            assert report.failure is not None
            words = (
                f"Your answer calls `{name}`, which does not pass its own check yet. Mend that "
                f"first: run `check({name})`."
            )
            failure = replace(report.failure, message=words, mistake=None, symptom="error")
            return replace(report, failure=failure)
    return report


def _point_at_hidden_builtins(report: Report, answer: Any, names: dict[str, Any]) -> Report:
    """Say so where an answer stops with an error, and `sum` is a number in this notebook."""
    assert report.failure is not None
    hidden = hidden_builtins(answer, names) if report.failure.symptom == "error" else []
    notes = [
        f"In this notebook the name `{name}` stands for {short(names[name])}, and hides Python's "
        f"own. To have that back, run `del {name}`."
        for name in hidden
    ]
    return replace(report, notes=(*report.notes, *notes))


def _tell_nbgrader(report: Report) -> Report:
    """nbgrader knows no outcome but right and wrong: no points are lost without a word."""
    if report.outcome != COULD_NOT_GRADE or os.environ.get("NBGRADER_EXECUTION") != "autograde":
        return report
    note = (
        "nbgrader gives this cell 0 points, as it gives every cell that stops. Run its autograder "
        "again for this submission; until then give the points by hand."
    )
    return replace(report, notes=(*report.notes, note))


def _watched(
    chapter_id: str, exercise: str, answer: Any = None
) -> contextlib.AbstractContextManager[None]:
    """In a kernel, see to it that the block ends."""
    if not in_notebook():
        return contextlib.nullcontext()
    return watchdog(_checks_folder(), chapter_id, exercise, answer)


def _checks_folder() -> Path:
    return home_folder() / "checks"


def _tell_ended_checks(chapter: Chapter) -> None:
    """Say what became of checks in a kernel that ended, and keep the answers' texts."""
    for ended in ended_checks(_checks_folder(), chapter.id):
        kept_in = _checks_folder() / f"{ended.exercise}.py"
        with contextlib.suppress(OSError):
            kept_in.write_text(ended.text, encoding="utf-8")
        # Where no line of the answer is known, the learner may have ended the kernel themselves.
        outcome = NOT_RIGHT if ended.line else COULD_NOT_GRADE
        ProgressStore().record_check(chapter.id, ended.exercise, outcome)
        words = ended.words(kept_in)
        _show({"text/plain": words, "text/html": f"<p>{marked_up(words)}</p>"})


def _remember(report: Report) -> None:
    failure = report.failure
    if failure is not None:
        _failures[report.exercise] = {failure.symptom, failure.property, failure.mistake or ""}
    ProgressStore().record_check(
        current_chapter().id,
        report.exercise,
        report.outcome,
        mistake=failure.mistake if failure else None,
        seconds=report.seconds,
    )


def _show(bundle: dict[str, Any]) -> None:
    """A rich output in a notebook, plain text in a terminal."""
    if not in_notebook():
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(bundle, raw=True)


__all__ = [
    "CheckFailed",
    "chapter",
    "check",
    "hint",
    "mine",
    "next_hint",
    "progress",
    "put_back",
]
