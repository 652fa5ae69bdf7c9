"""What the code of a cell keeps to, since a learner reads it and runs it in a notebook."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from descent.study.measurements import FOLDER, measurement_names

PUBLIC = ("descent", "descent.data", "descent.figures")
"""What a notebook imports from. Everything deeper may move."""

_FORMATTER_MARK = re.compile(r"#\s*fmt:\s*(?:skip|off|on)\b")


def convention_messages(code: str, root: Path) -> Iterator[str]:
    """Say where the code of a cell is not what a learner should see.

    Parameters
    ----------
    code
        The text of the cell. Where it is not Python (a magic, a slip that is reported elsewhere),
        only the marks in it are looked for.
    root
        The course folder, whose measurements the code may show.

    Yields
    ------
    str
        One message for each mistake.
    """
    mark = _FORMATTER_MARK.search(code)
    if mark is not None:
        yield f"'{mark[0]}' does nothing here, where no formatter runs, and every learner sees it."
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _import_messages(node)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_messages(node)
        elif isinstance(node, ast.Call):
            yield from _measured_messages(node, root)


def _import_messages(node: ast.Import) -> Iterator[str]:
    for alias in node.names:
        if _is_ours(alias.name):
            yield (
                f"'import {alias.name}' brings in more than is public; write 'from … import' with "
                f"{_either(PUBLIC)}."
            )


def _from_messages(node: ast.ImportFrom) -> Iterator[str]:
    module = "." * node.level + (node.module or "")
    if node.level == 0 and not _is_ours(module):
        return
    if module not in PUBLIC:
        yield f"a chapter imports from {_either(PUBLIC)}, not from '{module}', which may move."
        return
    public = import_module(module).__all__
    for alias in node.names:
        if alias.name not in public:
            yield f"'{alias.name}' is not a public name of '{module}' (not in its __all__)."
    names = {alias.name for alias in node.names}
    if module == "descent" and "check" in names and "hint" not in names:
        yield "the report of a check says `hint(…)`: import 'hint' beside 'check'."


def _measured_messages(node: ast.Call, root: Path) -> Iterator[str]:
    """What a page shows must be known without running it, so that a new record makes it stale."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "measured"):
        return
    match node.args:
        case [ast.Constant(value=str(name))] if not node.keywords:
            if name not in measurement_names(root):
                yield f"measured('{name}'): there is no {FOLDER / name}.json."
        case _:
            yield "measured(…) takes the record's name as a text in quotes, and nothing else."


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "descent"


def _either(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
