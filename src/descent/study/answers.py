"""A learner's notebook as a module: their imports, definitions and constants, and nothing else.

Experiments, plots and training loops of a notebook are not run. What is kept is run in the order it
was written, so a later definition replaces an earlier one, as in the notebook.
"""

from __future__ import annotations
import __future__ as future

import ast
import contextlib
import linecache
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from descent.errors import CourseError
from descent.study.catalog import Chapter
from descent.study.notebook_files import read_code_cells
from descent.study.python_files import read_python

_PYTHON_CELL_MAGICS = ("time", "timeit", "capture", "prun")
_PURE_FUNCTIONS = {"abs", "bool", "dict", "float", "frozenset", "int", "len", "list", "max"}
_PURE_FUNCTIONS |= {"min", "range", "round", "set", "sorted", "str", "sum", "tuple"}
_PURE_NODES = (
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Subscript,
    ast.Slice,
    ast.Attribute,
    ast.Starred,
    ast.keyword,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)
_Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class AnswersError(CourseError):
    """A learner's notebook cannot be made into a module; the message names the cell and line."""


def answers_from_cells(sources: list[str], name: str) -> ModuleType:
    """Make a module of the imports, definitions and constants of a notebook's code cells.

    Parameters
    ----------
    sources
        The text of the code cells, in order.
    name
        The module's name. It is put in ``sys.modules``, so that its classes can be pickled;
        a module made before under this name is replaced.

    Returns
    -------
    types.ModuleType
        The module. Tracebacks through it show the learner's lines.

    Raises
    ------
    AnswersError
        When a cell is not Python, or a definition cannot be made.
    """
    files = [f"<{name}, cell {number}>" for number in range(1, len(sources) + 1)]
    return _make_module(list(zip(files, sources, strict=True)), name)


def answers_from_notebook(path: Path, chapter: Chapter) -> ModuleType:
    """Make a module of a learner's notebook.

    Parameters
    ----------
    path
        Their copy.
    chapter
        The chapter it is a copy of, which names the module.

    Raises
    ------
    BrokenNotebook
        When the file cannot be read.
    AnswersError
        When a cell is not Python, or a definition cannot be made.
    """
    return answers_from_cells(read_code_cells(path), f"answers_{chapter.part}_{chapter.name}")


def answers_from_source(
    path: Path, name: str, given: Mapping[str, Any] | None = None
) -> ModuleType:
    """Make a module of a percent-format ``.py`` file; tracebacks show its own lines.

    Parameters
    ----------
    path
        The file.
    name
        The module's name, as for `answers_from_cells`.
    given
        What some names mean in it, whatever the file imports under them.

    Raises
    ------
    AnswersError
        When the file cannot be read or is not Python, or a definition cannot be made.
    """
    try:
        source = read_python(path)
    except (OSError, CourseError) as error:
        raise AnswersError(f"{path}: cannot be read ({error}).") from error
    return _make_module([(str(path), source)], name, given or {})


def _make_module(
    cells: list[tuple[str, str]], name: str, given: Mapping[str, Any] = MappingProxyType({})
) -> ModuleType:
    replaced = sys.modules.get(name)
    if replaced is not None and not hasattr(replaced, "__descent_answers__"):
        raise ValueError(f"{name} is the name of a module that is not made of answers")
    module = ModuleType(name)
    module.__dict__["__descent_answers__"] = True
    sys.modules[name] = module
    keeper = _Keeper(module, given)
    for file, source in cells:
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        for statement in _parse(source, file).body:
            keeper.take(statement, file)
    return module


class _Keeper:
    """Decides about one statement after another, and runs those that are kept."""

    def __init__(self, module: ModuleType, given: Mapping[str, Any]) -> None:
        self.module = module
        self.given = given
        self.flags = 0
        self.constants: set[str] = set()

    def take(self, statement: ast.stmt, file: str) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._note_future(statement)
            self._run(statement, file)
            self.module.__dict__.update(self.given)
        elif isinstance(statement, _Definition):
            self.constants.discard(statement.name)
            self._run(statement, file)
        elif isinstance(statement, _Assignment):
            self._take_assignment(statement, file)
        elif isinstance(statement, ast.For | ast.AsyncFor):
            self._forget(_names(statement.target))

    def _take_assignment(self, statement: _Assignment, file: str) -> None:
        """Keep a constant; forget one that is given a value the experiments worked out."""
        if statement.value is None:  # an annotation alone
            return
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if not all(isinstance(target, ast.Name | ast.Tuple | ast.List) for target in targets):
            return
        names = [name for target in targets for name in _names(target)]
        adds = isinstance(statement, ast.AugAssign)
        if not self._is_pure(statement.value) or (adds and not self.constants.issuperset(names)):
            self._forget(names)
            return
        try:
            self._run(statement, file)
        except AnswersError as error:
            if not isinstance(error.__cause__, LookupError | AttributeError):
                raise
            # It takes out what an experiment would have put in: `best = results["Adam"]`.
            self._forget(names)
        else:
            self.constants.update(names)

    def _forget(self, names: list[str]) -> None:
        for name in names:
            if name in self.constants:
                self.constants.discard(name)
                self.module.__dict__.pop(name, None)

    def _is_pure(self, value: ast.expr) -> bool:
        """Say whether an expression is made of literals and of names this module has."""
        for node in ast.walk(value):
            if isinstance(node, ast.Name):
                if node.id not in self.module.__dict__ and node.id not in _PURE_FUNCTIONS:
                    return False
            elif isinstance(node, ast.Call):
                if not self._is_pure_call(node):
                    return False
            elif not isinstance(node, _PURE_NODES):
                return False
        return True

    def _is_pure_call(self, node: ast.Call) -> bool:
        if not isinstance(node.func, ast.Name):
            return False
        if node.func.id == "mine":  # an earlier answer of theirs is as good as a definition
            return "mine" in self.module.__dict__
        if node.keywords:
            return False
        return node.func.id in _PURE_FUNCTIONS and node.func.id not in self.module.__dict__

    def _note_future(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Apply ``from __future__ import …`` to the cells that follow, as a notebook does."""
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                self.flags |= getattr(getattr(future, alias.name, None), "compiler_flag", 0)

    def _run(self, statement: ast.stmt, file: str) -> None:
        tree = ast.Module(body=[statement], type_ignores=[])
        try:
            code = compile(tree, file, "exec", flags=self.flags, dont_inherit=True)
            exec(code, self.module.__dict__)
        except (Exception, SystemExit) as error:
            what = getattr(statement, "name", None) or "this"
            hint = ""
            if isinstance(error, NameError):
                hint = " Only imports, definitions and constants are taken from the notebook."
            raise AnswersError(
                f"{_cell(file)}, line {statement.lineno}: {what} cannot be defined "
                f"({type(error).__name__}: {error}).{hint}"
            ) from error


def _parse(source: str, file: str) -> ast.Module:
    """Parse a cell; one with IPython's magics is first made plain Python, line for line."""
    cell_magic = re.match(r"\s*%%(\w+)", source)
    if cell_magic:
        if cell_magic[1] not in _PYTHON_CELL_MAGICS:
            return ast.Module(body=[], type_ignores=[])
        before, line_end, rest = source[cell_magic.start(1) :].partition("\n")
        source = "\n" * source[: cell_magic.start(1)].count("\n") + line_end + rest
    with contextlib.suppress(SyntaxError):
        return _parse_python(source, file)
    from IPython.core.inputtransformer2 import TransformerManager

    text = source.lstrip("\n")  # IPython would remove these lines, and shift the others
    before = "\n" * (len(source) - len(text))
    try:
        return _parse_python(before + TransformerManager().transform_cell(text), file)
    except SyntaxError as error:  # of ours, or of IPython, where a cell's indentation is wrong
        raise AnswersError(f"{_cell(file)}, line {error.lineno}: {error.msg}.") from error


def _parse_python(source: str, file: str) -> ast.Module:
    try:
        return ast.parse(source, file)
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte; far too many brackets
        raise AnswersError(f"{_cell(file)}: this is not Python ({error or 'too deep'}).") from error


def _cell(file: str) -> str:
    """Name a cell in a message: its file name without the brackets that mark it as no file."""
    return file.strip("<>")


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
