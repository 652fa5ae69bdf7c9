"""A notebook cut down to its imports, definitions and checks: no training, no pictures."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from descent.study.marks import is_check, is_exercise

FOLDER = Path("_build/light")
"""Where the cut notebooks are, below the course's folder: nbval finds none outside it."""

_ALWAYS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FREE_CALLS = {"dict", "float", "frozenset", "int", "len", "list", "max", "min", "range", "round"}
_FREE_CALLS |= {"set", "sorted", "str", "sum", "tuple", "mine"}


def light_notebook(page: NotebookNode) -> NotebookNode:
    """Return a chapter's page with its experiments left out and all that is graded left in.

    Parameters
    ----------
    page
        A chapter's page.

    Returns
    -------
    NotebookNode
        Exercise and check cells whole; of other code cells imports, definitions, constants and the
        line that says which chapter this is. No outputs.
    """
    cut = nbformat.from_dict(page)
    defined = set(vars(builtins))
    cells = []
    for cell in cut.cells:
        if cell.cell_type != "code":
            continue
        if not (is_exercise(cell) or is_check(cell)):
            cell.source = _cheap_statements(cell.source, defined)
        else:
            defined |= _bound_names(ast.parse(cell.source).body)
        cell.outputs, cell.execution_count = [], None
        cells += [cell] if cell.source.strip() else []
    cut.cells = cells
    return cut


def write_light_notebook(page: Path, path: Path) -> None:
    """Cut the page down and write the result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(light_notebook(nbformat.read(page, as_version=4)), path)


def _cheap_statements(code: str, defined: set[str]) -> str:
    """Return the statements of a cell that cost nothing, and note the names they define.

    Parameters
    ----------
    defined
        The names that earlier cells define; those of this cell are added, and what an experiment
        would have worked out is taken away.
    """
    kept = []
    for statement in ast.parse(code).body:
        bound = _bound_names([statement])
        if _is_cheap(statement, defined):
            kept.append(statement)
            defined |= bound
        else:
            defined -= bound
    return "\n\n".join(ast.unparse(statement) for statement in kept)


def _is_cheap(statement: ast.stmt, defined: set[str]) -> bool:
    if isinstance(statement, _ALWAYS) or _names_the_chapter(statement):
        return True
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    nodes = list(ast.walk(statement.value))
    if any(isinstance(node, ast.Subscript) for node in nodes):
        return False  # an experiment may have put there what is taken out
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    free = all(isinstance(call, ast.Name) and call.id in _FREE_CALLS for call in calls)
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return free and read <= defined


def _names_the_chapter(statement: ast.stmt) -> bool:
    """Whether this is ``chapter("ladder/01_…")``, without which nothing is judged."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return False
    return call.func.id == "chapter"


def _bound_names(statements: list[ast.stmt]) -> set[str]:
    """Return the names that statements bind at the level of the notebook."""
    names = set()
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {(a.asname or a.name).partition(".")[0] for a in statement.names}
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            nodes = ast.walk(statement)
            names |= {n.id for n in nodes if isinstance(n, ast.Name)
                      and not isinstance(n.ctx, ast.Load)}  # fmt: skip
    return names
