"""Say whether what is generated still says what its sources say, without executing anything."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from descent.authoring.course import Course, load_course
from descent.authoring.declared import declared_exercises, exercises_text
from descent.authoring.learner import learner_notebook
from descent.authoring.listing import listings
from descent.authoring.pages import NOT_HERE, notebook_text
from descent.authoring.problems import AuthoringError
from descent.authoring.solution import solution_page
from descent.authoring.source import ChapterSource, read_source
from descent.authoring.study_cells import HTML_ON_PAGE
from descent.authoring.validate import find_problems
from descent.authoring.written import is_written, write_outputs
from descent.study.catalog import Chapter

PIPELINE_VERSION = 1
"""Raise it when the same source has to make different notebooks."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
"""What has a docstring. A text alone in a cell is none: it is shown."""

_MEASURED = re.compile(r"""\bmeasured\(\s*["']([\w/-]+)["']""")


@dataclass(frozen=True)
class Draft:
    """Both notebooks of a chapter as they should be, the page without what a kernel computes.

    Attributes
    ----------
    code_hash
        Of what decides the outputs that are computed. An executed page carries it in its metadata.
    """

    source: ChapterSource
    learner: str
    page: NotebookNode
    code_hash: str


def draft_chapter(course: Course, chapter: Chapter) -> Draft:
    """Make both notebooks of a chapter in memory.

    Raises
    ------
    AuthoringError
        When the chapter has mistakes; one line for each.
    """
    source = read_source(chapter, course.name_of(chapter.source))
    exercises = declared_exercises(course, chapter)
    problems = find_problems(source, course, exercises)
    if problems:
        raise AuthoringError(problems)
    hashes = {"source_hash": source_hash(course, chapter)}
    page = solution_page(source, course, exercises, hashes)
    write_outputs(page, source, course, exercises)
    learner = notebook_text(learner_notebook(source, course, exercises, hashes))
    return Draft(source, learner, page, code_hash(course, source))


def source_hash(course: Course, chapter: Chapter) -> str:
    """Return the hash of all a chapter is made from: its source, its exercises, the pipeline."""
    source = chapter.source.read_text(encoding="utf-8")
    return _digest(str(PIPELINE_VERSION), source, exercises_text(course.root, chapter))


def code_hash(course: Course, source: ChapterSource) -> str:
    """Return the hash of what decides the outputs that a kernel computes.

    That is the code, and the measurements of ``book/results`` that it reads. Prose,
    comments, docstrings, layout, an exercise's words and all that :mod:`descent.authoring.written`
    writes change without a new run.
    """
    computed = [cell for cell in source.cells if cell.role not in ("prose", *HTML_ON_PAGE)]
    cells = [cell for cell in computed if not is_written(cell)]
    code = [as_computed(cell.text) for cell in cells]
    results = course.root / "book" / "results"
    read = [_text(results / f"{name}.json") or "" for name in measurements_read(source)]
    return _digest(*code, *read)


def measurements_read(source: ChapterSource) -> list[str]:
    """Return the names of the records in ``book/results`` that a chapter's code reads."""
    code = [cell.text for cell in source.cells if cell.role != "prose"]
    return sorted({name for text in code for name in _MEASURED.findall(text)})


def as_computed(code: str) -> str:
    """Return what a kernel computes of the code: without comments, docstrings and layout.

    Code that is no Python (a cell magic) comes back as it is.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITIONS) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def with_outputs(draft: Draft, path: Path) -> NotebookNode | None:
    """Return the page with the outputs it has on disk, or None where they are not of this code."""
    old = read_notebook(path)
    if old is None or old.metadata.get("descent", {}).get("code_hash") != draft.code_hash:
        return None
    page = nbformat.from_dict(draft.page)
    computed, before = _computed_cells(page, draft.source), _computed_cells(old, draft.source)
    if [as_computed(cell.source) for cell in computed] != [
        as_computed(cell.source) for cell in before
    ]:
        return None
    for new, executed in zip(computed, before, strict=True):
        new.outputs = executed.outputs
    mark_executed(page, draft)
    return page


def mark_executed(page: NotebookNode, draft: Draft) -> None:
    """Number the cells as one run from top to bottom does, and note whose outputs they are."""
    count = 0
    for cell in page.cells:
        if cell.cell_type == "code":
            runs_here = not set(NOT_HERE) & set(cell.metadata.get("tags", ()))
            count += runs_here
            cell.execution_count = count if runs_here else None
    page.metadata["descent"]["code_hash"] = draft.code_hash


def _computed_cells(notebook: NotebookNode, source: ChapterSource) -> list[NotebookNode]:
    written = {cell.id for cell in source.cells if is_written(cell)}
    return [c for c in notebook.cells if c.cell_type == "code" and c.id not in written]


def read_notebook(path: Path) -> NotebookNode | None:
    """Read a generated notebook; None where there is none, or nothing that can be read."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception:
        # Whatever is wrong with it, it is made again.
        return None


def stale_files(root: Path) -> list[str]:
    """Say which generated files are not what their sources make, without executing anything.

    Parameters
    ----------
    root
        The course folder.

    Returns
    -------
    list of str
        A sentence for each such file, and one for each author's mistake; empty when all is fresh.
    """
    course = load_course(root)
    sentences = list(course.problems)
    for chapter in course.chapters:
        try:
            sentences += _stale_notebooks(course, chapter)
        except AuthoringError as error:
            sentences += error.problems
    try:
        sentences += [
            f"{course.name_of(path)} does not list the chapters as they are. Run `make chapters`."
            for path, text in listings(course).items()
            if _text(path) != text
        ]
    except AuthoringError as error:
        sentences += error.problems
    return sentences + [
        f"{course.name_of(path)} has no chapter source. Delete it." for path in orphans(course)
    ]


def orphans(course: Course) -> list[Path]:
    """Return the notebooks that no chapter source makes."""
    found = [
        path
        for folder in ("notebooks", "solutions")
        for path in sorted((course.root / folder).glob("*/*.ipynb"))
    ]
    return [
        path
        for path in found
        if not (course.root / "solutions" / path.parent.name / f"{path.stem}.py").is_file()
    ]


def _stale_notebooks(course: Course, chapter: Chapter) -> list[str]:
    draft = draft_chapter(course, chapter)
    page = with_outputs(draft, chapter.solution)
    wanted = {
        chapter.notebook: draft.learner,
        chapter.solution: None if page is None else notebook_text(page),
    }
    return [
        f"{course.name_of(path)} {_what_is_wrong(path, draft)} Run `make chapters`."
        for path, text in wanted.items()
        if text is None or _text(path) != text
    ]


def _what_is_wrong(path: Path, draft: Draft) -> str:
    if not path.is_file():
        return "is missing."
    notebook = read_notebook(path)
    if notebook is None:
        return "cannot be read."
    made_from = notebook.metadata.get("descent", {})
    if made_from.get("source_hash") != draft.page.metadata["descent"]["source_hash"]:
        return f"is older than {draft.source.file} or its exercises."
    if path == draft.source.chapter.solution and "code_hash" not in made_from:
        return "has not been executed."
    return "is not what its source makes: edited by hand, or a title or a citation changed."


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _digest(*parts: str) -> str:
    """Hash texts so that no two lists of texts are confused."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:16]
