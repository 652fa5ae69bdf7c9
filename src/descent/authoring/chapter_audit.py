"""Grading the graders of whole chapters, each against its own source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from descent.authoring.blanking import stub_of
from descent.authoring.source import Cell, read_source
from descent.exercises.lookup import load_exercises
from descent.exercises.references import reference_module
from descent.grading.audit import Depth, Score, audit
from descent.study.catalog import Chapter, find_chapter, load_catalog


def audit_chapter(chapter: Chapter, depth: Depth = Depth.WHOLE) -> list[Score]:
    """Audit every exercise of a chapter against its own source.

    The reference is the source's definition; the blank is the stub that the learner gets.

    Parameters
    ----------
    chapter : Chapter
    depth : Depth
        How much is tried.

    Returns
    -------
    list of Score
        One for each exercise, in the order of the chapter; a chapter without exercises gives none.
    """
    source = read_source(chapter, str(chapter.source))
    module = reference_module(chapter)
    exercises = load_exercises(chapter.id)
    return [
        audit(exercises[cell.name], module, cell.text, _blank(cell, module), depth)
        for cell in source.with_role("exercise")
        if cell.name is not None
    ]


def references(chapter: Chapter) -> dict[str, Any]:
    """The reference answer of every exercise of a chapter, by name."""
    module = reference_module(chapter)
    return {name: getattr(module, name) for name in load_exercises(chapter.id)}


def grade_the_graders(
    chapters: Iterable[str] = (),
    depth: Depth = Depth.WHOLE,
    report: Callable[[str], object] = print,
) -> bool:
    """Print the score of every grader.

    Parameters
    ----------
    chapters : iterable of str
        Chapter names; none means all.
    depth : Depth
        How much is tried.
    report : callable
        Told one line at a time.

    Returns
    -------
    bool
        Whether no fault was found.
    """
    chosen = [find_chapter(name) for name in chapters] or load_catalog()
    scores: list[Score] = []
    for chapter in chosen:
        report(chapter.id)
        found = audit_chapter(chapter, depth)
        for score in found:
            report(f"  {score.line()}")
            for fault in score.faults:
                report(f"      {fault}")
        report(f"  {summary(found)}")
        scores += found
    report(summary(scores))
    return not any(score.faults for score in scores)


def summary(scores: list[Score]) -> str:
    """The closing line of the table."""
    wrong = sum(score.mutants - len(score.equivalents) for score in scores)
    return (
        f"{len(scores)} exercises, {sum(score.mistakes for score in scores)} named mistakes, "
        + (f"of which, taken out in turn, {sum(score.misnamed for score in scores)} are misnamed "
           f"and {sum(score.guessed for score in scores)} get a guess, "
           if wrong else "")
        + (f"{sum(score.killed for score in scores)} of {wrong} mutants killed, "
           f"{sum(len(score.equivalents) for score in scores)} marked equivalent, "
           if wrong else "")
        + f"{sum(len(score.faults) for score in scores)} faults"
    )  # fmt: skip


def _blank(cell: Cell, module: ModuleType) -> Any:
    assert cell.name is not None
    namespace = dict(vars(module))
    exec(compile(stub_of(cell.text), f"<blank {cell.name}>", "exec"), namespace)
    return namespace[cell.name]
