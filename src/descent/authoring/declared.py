"""The exercises that a chapter's module in ``descent.exercises`` declares.

A module is one file, ``<slug>.py``, or a folder ``<slug>/`` whose ``__init__`` imports every
exercise from the file it is declared in, and lists them in ``__all__`` in the chapter's order.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter

if TYPE_CHECKING:
    from descent.grading import Exercise


@dataclass(frozen=True)
class WrittenHint:
    """A hint as it stands in the exercises module.

    Attributes
    ----------
    exercise
        The exercise it belongs to.
    text
        What it says.
    when
        Its occasion; None for one that everybody gets in turn.
    file, line
        Where it is written.
    """

    exercise: str
    text: str
    when: str | None
    file: str
    line: int


@dataclass(frozen=True)
class WrittenText:
    """A text of the exercises module that a learner may read, and where it is written."""

    text: str
    file: str
    line: int


@dataclass(frozen=True)
class Written:
    """What an exercises module says, in its order: its hints, and all its texts with them."""

    hints: list[WrittenHint]
    texts: list[WrittenText]


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
    members = vars(module)
    for value in [members[key] for key in members.get("__all__", members)]:
        if not isinstance(value, Exercise) or any(value is known for known in found.values()):
            continue
        if value.name in found:
            raise AuthoringError(f"{file}: exercise '{value.name}' is declared twice.")
        found[value.name] = value
    return found


def read_written(course: Course, chapter: Chapter) -> Written:
    """Read what a chapter's exercises module says, with the lines.

    The module is read, not imported: the libraries that graders use take seconds to load.

    Raises
    ------
    AuthoringError
        When a file of the module is not Python.
    """
    written = Written([], [])
    for path in exercises_files(course.root, chapter):
        file = course.name_of(path)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            reason = f"{error.msg}, line {error.lineno}"
            raise AuthoringError(f"{file}: is not Python ({reason}).") from error
        written.hints.extend(_hints(tree, file))
        written.texts.extend(_texts(tree, file))
    return written


def _hints(tree: ast.Module, file: str) -> Iterator[WrittenHint]:
    exercises = _exercise_names(tree)
    for statement in tree.body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="hint", value=owner)) as call):
                variable = ast.unparse(owner)
                said = dict(zip(("text", "when"), map(_constant, call.args), strict=False))
                said |= {word.arg: _constant(word.value) for word in call.keywords if word.arg}
                exercise, when = exercises.get(variable, variable), said.get("when") or None
                yield WrittenHint(exercise, said.get("text", ""), when, file, call.lineno)


def _exercise_names(tree: ast.Module) -> dict[str, str]:
    """Return the names of the exercises by the variables that hold them."""
    names = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=variable)],
                value=ast.Call(func=ast.Name(id="Exercise"), args=[ast.Constant(value=name), *_]),
            ):
                names[variable] = str(name)
    return names


def _texts(tree: ast.Module, file: str) -> Iterator[WrittenText]:
    """Yield the texts of several words that are not docstrings."""
    nodes = list(ast.walk(tree))
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in alone and " " in _constant(node):
            yield WrittenText(_constant(node), file, node.lineno)


def _constant(node: ast.expr) -> str:
    """Return a text as far as it is written out."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_constant(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
