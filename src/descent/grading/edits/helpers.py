"""The earlier answers that an answer calls: whoever writes their work out again may slip there."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent
from types import FunctionType

from descent.grading.edits.code import Code
from descent.grading.sources import Source


def helpers_of(source: Source, code: Code) -> Iterator[Source]:
    """Functions of the same module that a definition calls, and those that they call."""
    seen = {source.name}
    waiting = [code]
    while waiting:
        for name in _called_names(waiting.pop(0)):
            helper = source.namespace.get(name)
            if name in seen or not isinstance(helper, FunctionType):
                continue
            seen.add(name)
            if helper.__module__ == source.namespace.get("__name__"):
                text = _text_of(helper)
                if text:
                    found = Source(name, text, source.namespace)
                    yield found
                    waiting.append(Code(found))


def _called_names(code: Code) -> Iterator[str]:
    for node in code.all(ast.Call):
        if isinstance(node.func, ast.Name):
            yield node.func.id


def _text_of(function: FunctionType) -> str:
    """A function's definition; empty where it cannot be read."""
    try:
        text = dedent(inspect.getsource(function))
        definition = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    is_plain = isinstance(definition, ast.FunctionDef) and definition.name == function.__name__
    return text if is_plain and not definition.decorator_list else ""  # type: ignore[attr-defined]
