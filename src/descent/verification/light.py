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

_IMPORT = ast.Import | ast.ImportFrom
_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
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
    cutter = _Cutter()
    cells = []
    for cell in cut.cells:
        if cell.cell_type != "code":
            continue
        if is_exercise(cell) or is_check(cell):
            cutter.keep(ast.parse(cell.source).body)
        else:
            cell.source = cutter.cheap_part(cell.source)
        cell.outputs, cell.execution_count = [], None
        cells += [cell] if cell.source.strip() else []
    cut.cells = cells
    return cut


def write_light_notebook(page: Path, path: Path) -> None:
    """Cut the page down and write the result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(light_notebook(nbformat.read(page, as_version=4)), path)


class _Cutter:
    """Keeps of one cell after another what costs nothing, and knows what is defined by then."""

    def __init__(self) -> None:
        self.defined = set(vars(builtins))
        self.reads: dict[str, set[str]] = {}  # function or class → the names it reads
        self.worked_on: set[str] = set()  # what an experiment that was left out may have filled
        self.fixed = set(vars(builtins))  # what no experiment fills: types, imports, definitions

    def keep(self, statements: list[ast.stmt]) -> None:
        """Note what statements define that are kept."""
        self.defined |= _bound_names(statements)
        for statement in statements:
            if isinstance(statement, _IMPORT | _DEFINITION):
                self.fixed |= _bound_names([statement])
            if isinstance(statement, _DEFINITION):
                self.reads[statement.name] = _read_names(statement)

    def cheap_part(self, code: str) -> str:
        """Return the statements of a cell that cost nothing."""
        kept = []
        for statement in ast.parse(code).body:
            if self._is_cheap(statement):
                kept.append(statement)
                self.keep([statement])
            else:
                self.defined -= _bound_names([statement])
                self._note_work(statement)
        return "\n\n".join(ast.unparse(statement) for statement in kept)

    def _is_cheap(self, statement: ast.stmt) -> bool:
        if isinstance(statement, _IMPORT | _DEFINITION) or _names_the_chapter(statement):
            return True
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            return False
        nodes = list(ast.walk(statement.value))
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        free = all(isinstance(call, ast.Name) and call.id in _FREE_CALLS for call in calls)
        taken_from = [node.value for node in nodes if isinstance(node, ast.Subscript)]
        taken_from += [call for call in nodes if isinstance(call, ast.Call) and _needs_one(call)]
        filled = any((_read_names(one) - self.fixed) & self.worked_on for one in taken_from)
        return free and not filled and _read_names(statement) <= self.defined

    def _note_work(self, statement: ast.stmt) -> None:
        """Everything that a statement reads, itself or in what it calls, may be changed by it."""
        waiting = list(_read_names(statement))
        while waiting:
            name = waiting.pop()
            if name not in self.worked_on:
                self.worked_on.add(name)
                waiting += self.reads.get(name, ())


def _names_the_chapter(statement: ast.stmt) -> bool:
    """Whether this is ``chapter("ladder/01_…")``, without which nothing is judged."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return False
    return call.func.id == "chapter"


def _needs_one(call: ast.Call) -> bool:
    """Whether a call fails on an empty list: the extreme of none is an error."""
    return isinstance(call.func, ast.Name) and call.func.id in {"max", "min"}


def _read_names(node: ast.AST) -> set[str]:
    names = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


def _bound_names(statements: list[ast.stmt]) -> set[str]:
    """Return the names that statements bind at the level of the notebook."""
    names = set()
    for statement in statements:
        if isinstance(statement, _IMPORT):
            names |= {(a.asname or a.name).partition(".")[0] for a in statement.names}
        elif isinstance(statement, _DEFINITION):
            names.add(statement.name)
        else:
            nodes = ast.walk(statement)
            names |= {n.id for n in nodes if isinstance(n, ast.Name)
                      and not isinstance(n.ctx, ast.Load)}  # fmt: skip
    return names
