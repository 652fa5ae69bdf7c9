"""The places of a definition at which a machine may change it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sites(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """Every statement and expression of every function, with the statement it stands in.

    Docstrings, signatures and decorators are left out.
    """
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for statement in body(function):
                yield from _within(statement)


def body(function: Function) -> list[ast.stmt]:
    """The statements of a function, without its docstring."""
    has_docstring = ast.get_docstring(function, clean=False) is not None
    return function.body[1:] if has_docstring else function.body


def _within(statement: ast.stmt) -> Iterator[tuple[ast.AST, ast.stmt]]:
    if isinstance(statement, Function | ast.ClassDef):
        return  # visited as a function of its own
    yield statement, statement
    for _, value in ast.iter_fields(statement):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.stmt):
                yield from _within(child)
            elif isinstance(child, ast.AST):
                for node in ast.walk(child):
                    yield node, statement
