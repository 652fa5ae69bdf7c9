"""The exercises that a chapter's module in ``descent.exercises`` declares.

A module is one file, ``<slug>.py``, or a folder ``<slug>/`` whose ``__init__`` imports every
exercise from the file it is declared in.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter

if TYPE_CHECKING:
    from descent.grading import Exercise


@dataclass(frozen=True)
class Message:
    """A text of an exercises module that a learner may read.

    Attributes
    ----------
    kind
        Whether it is a hint or says what a mistake is.
    exercise
        The exercise it belongs to.
    text
        What it says.
    when
        The occasion of a hint; None for one that stands in the ladder of all, and for a mistake.
    file, line
        Where it is written.
    """

    kind: Literal["hint", "mistake"]
    exercise: str
    text: str
    when: str | None
    file: str
    line: int


def exercises_file(root: Path, chapter: Chapter) -> Path:
    """Return where the chapter's exercises are declared: a module, or the ``__init__`` of one."""
    part = root / "src" / "descent" / "exercises" / chapter.part
    folder = part / chapter.slug / "__init__.py"
    return folder if folder.is_file() else part / f"{chapter.slug}.py"


def exercises_files(root: Path, chapter: Chapter) -> list[Path]:
    """Return all files of the exercises module, none where there is no module."""
    path = exercises_file(root, chapter)
    if path.name == "__init__.py":
        return sorted(path.parent.rglob("*.py"))
    return [path] if path.is_file() else []


def exercises_text(root: Path, chapter: Chapter) -> str:
    """Return the text of the exercises module, empty where there is none."""
    return "".join(path.read_text(encoding="utf-8") for path in exercises_files(root, chapter))


def declared_exercises(course: Course, chapter: Chapter) -> dict[str, Exercise]:
    """Load what the chapter's exercises module declares.

    The file of this course folder is loaded, whichever copy of the package is installed, so that
    what is built is what the author sees.

    Returns
    -------
    dict
        Exercises by name; empty where there is no module.

    Raises
    ------
    AuthoringError
        When the module cannot be imported, or declares one name twice.
    """
    from descent.grading import Exercise

    path = exercises_file(course.root, chapter)
    if not path.is_file():
        return {}
    file = course.name_of(path)
    name = f"_authored_{chapter.part}_{chapter.slug}"
    folders = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # What an earlier load left of a folder's files would hide what the author has changed since.
    for loaded in [other for other in sys.modules if other.startswith(f"{name}.")]:
        del sys.modules[loaded]
    # A class defined in the module may look its module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise AuthoringError(f"{file}: cannot be imported ({reason}).") from error
    found: dict[str, Exercise] = {}
    for value in vars(module).values():
        if not isinstance(value, Exercise) or any(value is known for known in found.values()):
            continue
        if value.name in found:
            raise AuthoringError(f"{file}: exercise '{value.name}' is declared twice.")
        found[value.name] = value
    return found


def written_messages(course: Course, chapter: Chapter) -> list[Message]:
    """Read the hints and the mistakes' messages of a chapter, with their lines.

    The module is read, not imported: the libraries that graders use take seconds to load.

    Raises
    ------
    AuthoringError
        When a file of the module is not Python.
    """
    found: list[Message] = []
    for path in exercises_files(course.root, chapter):
        file = course.name_of(path)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            reason = f"{error.msg}, line {error.lineno}"
            raise AuthoringError(f"{file}: is not Python ({reason}).") from error
        names = _exercise_names(tree)
        for kind, call in _message_calls(tree):
            assert isinstance(call.func, ast.Attribute)
            variable = ast.unparse(call.func.value)
            when = next((_constant(word.value) for word in call.keywords if word.arg == "when"), "")
            text = _constant(call.args[0]) if call.args else ""
            place = file, call.lineno
            found.append(Message(kind, names.get(variable, variable), text, when or None, *place))
    return found


def _exercise_names(tree: ast.Module) -> dict[str, str]:
    """Return the names of the exercises by the variables that hold them."""
    return {
        statement.targets[0].id: _constant(statement.value.args[0])
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func).endswith("Exercise")
        and statement.value.args
    }


def _message_calls(tree: ast.Module) -> Iterator[tuple[Literal["hint", "mistake"], ast.Call]]:
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            if _is_call_of("hint", statement.value):
                yield "hint", statement.value  # type: ignore[misc]
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for decorator in statement.decorator_list:
                if _is_call_of("mistake", decorator):
                    yield "mistake", decorator  # type: ignore[misc]


def _is_call_of(method: str, node: ast.expr) -> bool:
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return is_method and node.func.attr == method  # type: ignore[attr-defined]


def _constant(node: ast.expr) -> str:
    """Return a text as far as it is written out."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_constant(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""
