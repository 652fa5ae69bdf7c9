"""Grading the graders of whole chapters: every reference, blank, named mistake and mutant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from descent.authoring.blanking import stub_of
from descent.authoring.source import Cell, read_source
from descent.exercises.lookup import load_exercises
from descent.grading.audit import Score, audit
from descent.study.answers import answers_from_source
from descent.study.catalog import Chapter, find_chapter, load_catalog


def grade_chapter(chapter: Chapter, seeds: Iterable[int] = range(3)) -> list[Score]:
    """Audit every exercise of a chapter against its own source.

    The reference is the source's definition; the blank is the stub that the learner gets.

    Parameters
    ----------
    chapter : Chapter
    seeds : iterable of int
        The references and the mistakes are tried on each.

    Returns
    -------
    list of Score
        One for each exercise, in the order of the chapter.
    """
    source = read_source(chapter, str(chapter.source))
    module = answers_from_source(chapter.source)
    exercises = load_exercises(chapter.id)
    seeds = list(seeds)
    return [
        audit(exercises[cell.name], module, cell.text, _blank(cell, module), seeds)
        for cell in source.with_role("exercise")
        if cell.name is not None
    ]


def references(chapter: Chapter) -> dict[str, Any]:
    """The reference answer of every exercise of a chapter, by name."""
    module = answers_from_source(chapter.source)
    return {name: getattr(module, name) for name in load_exercises(chapter.id)}


def grade_the_graders(
    chapters: Iterable[str] = (), report: Callable[[str], object] = print
) -> bool:
    """Print the score of every grader.

    Parameters
    ----------
    chapters : iterable of str
        Chapter names; none means all.
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
        for score in grade_chapter(chapter):
            scores.append(score)
            report(f"  {score.line()}")
            for fault in score.faults:
                report(f"      {fault}")
    report(summary(scores))
    return not any(score.faults for score in scores)


def summary(scores: list[Score]) -> str:
    """The closing line of the table."""
    made = sum(score.mutants - len(score.excused) for score in scores)
    return (
        f"{len(scores)} exercises, {sum(score.mistakes for score in scores)} named mistakes, "
        f"{sum(score.killed for score in scores)} of {made} mutants killed, "
        f"{sum(len(score.excused) for score in scores)} marked equivalent, "
        f"{sum(len(score.faults) for score in scores)} faults"
    )


def _blank(cell: Cell, module: ModuleType) -> Any:
    assert cell.name is not None
    namespace = dict(vars(module))
    exec(compile(stub_of(cell.text), f"<blank {cell.name}>", "exec"), namespace)
    return namespace[cell.name]
