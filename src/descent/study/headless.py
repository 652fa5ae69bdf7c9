"""Running a learner's notebook without JupyterLab, and reading what its checks answered."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.characters import whole_characters
from descent.errors import CourseError
from descent.grading.report import CORRECT, MIME
from descent.study.catalog import CatalogError, Chapter, course_root, find_chapter
from descent.study.identity import Recognised, cell_name, recognise
from descent.study.marks import is_check, is_exercise, name_of
from descent.study.notebook_files import read_notebook

NO_RESULT = "no result"


@dataclass(frozen=True)
class CheckResult:
    """What one check answered.

    Attributes
    ----------
    exercise
        The exercise's name.
    outcome
        ``correct``, ``not right yet``, ``not attempted``, ``could not grade``, or ``no result``
        when the check did not run to its end.
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
        Cells that are missing or do not run, or a kernel that died; empty when there are none.
    notes
        What was put right for this run, and is worth knowing.
    """

    path: Path
    results: tuple[CheckResult, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
    notebook, problems, notes = _made_ready(path)
    checks = [cell for cell in notebook.cells if is_check(cell)]
    if not checks:
        return HeadlessReport(path, (), (*problems, "it has no check cells"), notes)
    with _environment(record) as environment:
        trouble = _execute(notebook, path, cell_seconds, environment)
    results = tuple(_result(notebook, cell) for cell in checks)
    return HeadlessReport(path, results, (*problems, *trouble), notes)


def _made_ready(path: Path) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Read a notebook with the course's cells known in it; return its problems, and notes."""
    notebook = read_notebook(path)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blank = _blank_of(path, notebook)
    if blank is not None:
        recognised = recognise(notebook, blank)
        notebook = recognised.notebook
        problems, notes = _problems(notebook, blank), _notes(recognised)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.source = whole_characters(cell.source)
    return notebook, problems, notes


def _problems(notebook: Any, blank: Any) -> tuple[str, ...]:
    """Compare a notebook's exercise and check cells with the blank notebook's.

    Returns
    -------
    tuple of str
        One clause per cell that is not there, or does not run.
    """
    found = {cell.id: cell for cell in notebook.cells}
    problems = []
    for cell in blank.cells:
        if name_of(cell) is None:
            continue
        what = f"the {'exercise' if is_exercise(cell) else 'check'} cell '{cell_name(cell)}'"
        if cell.id not in found:
            problems.append(f"{what} is not in it{_BROUGHT_BACK if is_check(cell) else ''}")
        elif found[cell.id].cell_type != cell.cell_type:
            remedy = _BROUGHT_BACK if is_check(cell) else " (select it and press Y)"
            problems.append(f"{what} is not a code cell, so it does not run{remedy}")
    return tuple(problems)


_BROUGHT_BACK = " (descent refresh brings it back)"


def _notes(recognised: Recognised) -> tuple[str, ...]:
    notes = []
    if recognised.healed:
        cells = "1 cell" if len(recognised.healed) == 1 else f"{len(recognised.healed)} cells"
        notes.append(
            f"{cells} had lost what marks them as the course's and were recognised all the same; "
            "descent refresh puts it back"
        )
    for name in recognised.doubles:
        notes.append(
            f"'{name}' marks two cells, the halves of one or a copy: the first is taken for it, "
            "and descent refresh takes the mark from the other"
        )
    return tuple(notes)


def chapter_of(path: Path, notebook: Any) -> Chapter | None:
    """Return the chapter a notebook belongs to.

    Its metadata say so, or its file name; where both are gone, as after a stripping tool and a
    change of name, the call of `chapter` in its first code cell that has one.
    """
    ours = notebook.metadata.get("descent")
    named = ours.get("chapter") if isinstance(ours, Mapping) else None
    in_place = f"{path.resolve().parent.name}/{path.stem}"
    for name in (named, in_place, _chapter_it_calls(notebook), path.stem):
        with contextlib.suppress(CatalogError):
            if isinstance(name, str) and name:
                return find_chapter(name)
    return None


_CALL_OF_CHAPTER = re.compile(r"""^chapter\(\s*["']([^"']+)["']\s*\)""", re.MULTILINE)


def _chapter_it_calls(notebook: Any) -> str | None:
    calls = (
        _CALL_OF_CHAPTER.search(cell.source) for cell in notebook.cells if cell.cell_type == "code"
    )
    return next((call[1] for call in calls if call), None)


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
    name = name_of(notebook.cells[index])
    return f"cell {index + 1}" + (f", '{name}'" if name else "")


def _result(notebook: Any, cell: Any) -> CheckResult:
    """Read a check cell's outcome from its outputs."""
    name = _checked_name(cell)
    for output in cell.get("outputs", ()):
        bundle = output.get("data", {}).get(MIME)
        if bundle is not None:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                fields = json.loads(bundle) if isinstance(bundle, str) else bundle
                outcome, message = str(fields["outcome"]), str(fields.get("message") or "")
                return CheckResult(str(fields["exercise"]), outcome, message)
    return CheckResult(name, NO_RESULT, _error_before(notebook, cell, name))


def _checked_name(cell: Any) -> str:
    """``check(predict)`` → ``predict``."""
    match = re.search(r"\bcheck\(\s*(\w+)", cell.source)
    return match[1] if match else cell_name(cell)


def _error_before(notebook: Any, check: Any, name: str) -> str:
    """Say what stopped a check: the error of the exercise's own cell, else the check's."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    exercises = [cell for cell in notebook.cells if is_exercise(cell) and word.search(cell.source)]
    for cell in (*exercises, check):
        if cell.cell_type != "code":
            return f"the cell '{cell_name(cell)}' is not a code cell"
        for output in cell.outputs:
            if output.output_type == "error":
                return f"{output.ename}: {output.evalue}"
    return "the check did not run"
