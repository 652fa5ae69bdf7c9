"""Build the chapters: check, draft, execute what changed, write what differs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from descent.authoring.course import Course, load_course
from descent.authoring.execute import execute as execute_page
from descent.authoring.freshness import Draft, draft_chapter, mark_executed, with_outputs
from descent.authoring.listing import listings
from descent.authoring.pages import notebook_text
from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter


@dataclass(frozen=True)
class Built:
    """What building one chapter did.

    Attributes
    ----------
    chapter
        Its id; None for the lists of chapters.
    written
        The files whose content changed.
    executed
        Whether the page was run.
    seconds
        How long it took.
    """

    chapter: str | None
    written: tuple[Path, ...]
    executed: bool
    seconds: float


def build_chapters(
    root: Path,
    only: str | Iterable[str] | None = None,
    execute: bool = True,
    force: bool = False,
    report: Callable[[str], object] = print,
) -> list[Built]:
    """Make the notebooks and the lists of chapters from the chapter sources.

    Parameters
    ----------
    root
        The course folder.
    only
        Chapters to build: ids, beginnings of ids, parts or slugs. The lists are always made.
    execute
        Whether to run pages whose code changed. Without, such a page is written with no outputs.
    force
        Run the pages even where nothing changed.
    report
        Told one line about each chapter as it is done.

    Returns
    -------
    list of Built
        One for each chapter, and a last one for the lists.

    Raises
    ------
    AuthoringError
        When chapters have mistakes or do not run. The others are built all the same; the error
        has one line for each mistake.
    """
    course = load_course(root)
    problems = list(course.problems)
    built = []
    for chapter in course.select(only):
        try:
            done = _build_chapter(course, chapter, execute, force)
        except AuthoringError as error:
            problems += error.problems
            report(f"{chapter.id}: not built")
            continue
        built.append(done)
        report(f"{chapter.id}: {_what_was_done(done)}")
    try:
        built.append(_build_listings(course))
    except AuthoringError as error:
        problems += error.problems
    if problems:
        raise AuthoringError(problems)
    return built


def _build_chapter(course: Course, chapter: Chapter, execute: bool, force: bool) -> Built:
    started = time.perf_counter()
    draft = draft_chapter(course, chapter)
    page = None if execute and force else with_outputs(draft, chapter.solution)
    is_run = page is None and execute
    if page is None:
        page = _executed(draft, course) if execute else draft.page
    texts = {chapter.notebook: draft.learner, chapter.solution: notebook_text(page)}
    return Built(chapter.id, _write_changed(texts), is_run, time.perf_counter() - started)


def _executed(draft: Draft, course: Course) -> NotebookNode:
    page = nbformat.from_dict(draft.page)
    execute_page(page, draft.source, course.root)
    # The checks passed. What they show is written, so that it is the same as without a run.
    written = {cell.id: cell.outputs for cell in draft.page.cells if cell.get("outputs")}
    for cell in page.cells:
        if cell.id in written:
            cell.outputs = written[cell.id]
    mark_executed(page, draft)
    return page


def _build_listings(course: Course) -> Built:
    started = time.perf_counter()
    written = _write_changed(listings(course))
    return Built(None, written, False, time.perf_counter() - started)


def _write_changed(texts: dict[Path, str]) -> tuple[Path, ...]:
    """Write the files whose content differs, each whole or not at all."""
    changed = [
        path
        for path, text in texts.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.write_text(texts[path], encoding="utf-8")
        os.replace(unfinished, path)
    return tuple(changed)


def _what_was_done(built: Built) -> str:
    if built.executed:
        return f"executed in {built.seconds:.0f} s"
    return "written" if built.written else "unchanged"
