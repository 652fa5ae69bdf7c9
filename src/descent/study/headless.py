"""Running a learner's notebook without JupyterLab, and reading what its checks answered."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.grading.report import CORRECT, MIME
from descent.study.catalog import CatalogError, Chapter, course_root, find_chapter
from descent.study.files import grader_metadata, is_check, is_exercise, read_notebook

NO_RESULT = "no result"


@dataclass(frozen=True)
class CheckResult:
    """What one check answered.

    Attributes
    ----------
    exercise
        The exercise's name.
    outcome
        ``correct``, ``not right yet``, ``not attempted``, or ``no result`` when the check did not
        come to an answer.
    message
        What the check said, or the error that stopped it.
    """

    exercise: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class HeadlessReport:
    """The results of one notebook, and what is wrong with the notebook itself.

    Attributes
    ----------
    path
        The notebook.
    results
        One entry per check cell.
    problems
        Renamed or deleted cells, or a kernel that died; empty when there are none.
    """

    path: Path
    results: tuple[CheckResult, ...]
    problems: tuple[str, ...] = ()

    @property
    def all_correct(self) -> bool:
        """Whether every check answered "correct" and nothing is wrong with the notebook."""
        correct = all(result.outcome == CORRECT for result in self.results)
        return correct and not self.problems and bool(self.results)


def check_notebook(
    path: Path, *, cell_seconds: float = 120.0, record: bool = False
) -> HeadlessReport:
    """Run a notebook in a kernel of its own and collect what its checks answered.

    Parameters
    ----------
    path
        The notebook; the file itself is not changed.
    cell_seconds
        The time limit of one cell. A cell that runs longer is interrupted, the others still run.
    record
        Whether the results go into the learner's record of progress, or nowhere.

    Returns
    -------
    HeadlessReport
        The results, and the problems of the notebook.

    Raises
    ------
    BrokenNotebook
        When the file cannot be read or is not a notebook.
    """
    path = Path(path)
    notebook = read_notebook(path)
    problems = missing_cells(notebook, _blank_of(path, notebook))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    if not any(is_check(cell) for cell in notebook.cells):
        return HeadlessReport(path, (), (*problems, "it has no check cells"))
    with _environment(record) as environment:
        trouble = _execute(notebook, path, cell_seconds, environment)
    results = tuple(_result(notebook, cell) for cell in notebook.cells if is_check(cell))
    return HeadlessReport(path, results, (*problems, *trouble))


def missing_cells(notebook: Any, blank: Any) -> list[str]:
    """Compare a notebook's exercise and check cells with the blank notebook's.

    Parameters
    ----------
    notebook
        The learner's.
    blank
        The course's, or None when it is not known which chapter this is.

    Returns
    -------
    list of str
        One clause per cell that was renamed or deleted.
    """
    if blank is None:
        return []
    names = {grader_metadata(cell).get("grade_id") for cell in notebook.cells}
    now = {cell.id: grader_metadata(cell).get("grade_id") for cell in notebook.cells}
    problems = []
    for cell in blank.cells:
        name = grader_metadata(cell).get("grade_id")
        if name is None or name in names:
            continue
        kind = "exercise" if is_exercise(cell) else "check"
        if cell.id not in now:
            problems.append(f"the {kind} cell '{name}' was deleted")
        elif now[cell.id] is None:
            problems.append(f"the {kind} cell '{name}' has lost its name")
        else:
            problems.append(f"the {kind} cell '{name}' was renamed '{now[cell.id]}'")
    return problems


def chapter_of(path: Path, notebook: Any) -> Chapter | None:
    """Return the chapter a notebook belongs to, from its metadata or its file name."""
    named = notebook.metadata.get("descent", {}).get("chapter")
    for name in (named, f"{path.resolve().parent.name}/{path.stem}", path.stem):
        with contextlib.suppress(CatalogError):
            if name:
                return find_chapter(name)
    return None


def _blank_of(path: Path, notebook: Any) -> Any:
    chapter = chapter_of(path, notebook)
    if chapter is None or not chapter.notebook.exists():
        return None
    return read_notebook(chapter.notebook)


@contextlib.contextmanager
def _environment(record: bool) -> Iterator[dict[str, str]]:
    """The kernel's environment: with the learner's own record, or a temporary one."""
    environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with contextlib.suppress(CourseError):
        environment["DESCENT_COURSE"] = str(course_root())
    if record:
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="descent-") as home:
        yield {**environment, "DESCENT_HOME": home}


def _execute(
    notebook: Any, path: Path, cell_seconds: float, environment: dict[str, str]
) -> list[str]:
    """Run every cell in place; return what stopped it, if anything did."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from descent.study.kernel import KernelOfThisPython

    running = [0]

    def remember(cell: Any, cell_index: int) -> None:
        running[0] = cell_index

    client = NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_manager_class=KernelOfThisPython,
        allow_errors=True,
        interrupt_on_timeout=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_start=remember,
    )
    try:
        client.execute(env=environment)
    except DeadKernelError:
        return [f"the kernel died in {_cell_name(notebook, running[0])}"]
    except CellTimeoutError:
        where = _cell_name(notebook, running[0])
        return [f"after {cell_seconds:g} seconds nothing could stop {where}"]
    except (OSError, RuntimeError) as error:
        return [f"no kernel could be started ({error})"]
    return []


def _cell_name(notebook: Any, index: int) -> str:
    name = grader_metadata(notebook.cells[index]).get("grade_id")
    return f"cell {index + 1}" + (f", '{name}'" if name else "")


def _result(notebook: Any, cell: Any) -> CheckResult:
    """Read a check cell's outcome from its outputs."""
    for output in cell.outputs:
        bundle = output.get("data", {}).get(MIME)
        if bundle is not None:
            fields = json.loads(bundle) if isinstance(bundle, str) else bundle
            return CheckResult(
                str(fields["exercise"]), str(fields["outcome"]), str(fields.get("message") or "")
            )
    name = _checked_name(cell)
    return CheckResult(name, NO_RESULT, _error_before(notebook, cell, name))


def _checked_name(cell: Any) -> str:
    """``check(predict)`` → ``predict``."""
    match = re.search(r"\bcheck\(\s*(\w+)", cell.source)
    return match[1] if match else str(grader_metadata(cell).get("grade_id"))


def _error_before(notebook: Any, check: Any, name: str) -> str:
    """Say what stopped a check: the error of the exercise's own cell, else the check's."""
    exercises = [
        cell
        for cell in notebook.cells
        if is_exercise(cell) and re.search(rf"\b{name}\b", cell.source)
    ]
    for cell in (*exercises, check):
        for output in cell.outputs:
            if output.output_type == "error":
                return f"{output.ename}: {output.evalue}"
    return "the check did not run"
