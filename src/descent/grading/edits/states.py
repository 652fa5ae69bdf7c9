"""Slips in time: the value from before, the value from after, worked out too early or too late."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import phrase, where


def earlier_value(code: Code) -> Iterator[Change]:
    """The old value of a name used after it has been given a new one."""
    for node in code.all(ast.Assign, ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [
            part.id
            for target in targets
            for part in (target.elts if isinstance(target, ast.Tuple) else [target])
            if isinstance(part, ast.Name)
        ]
        for name in names:
            if not _had_value(code, node, name):
                continue
            indent = " " * node.col_offset
            kept = code.before(node, f"{indent}before_ = {name}")
            later = [
                read
                for read in code.loads.get((code.function(node), name), ())
                if code.span(read) > code.span(node) and code.statement(read) is not node
            ]
            said = f"`{name}`" if name in code.known else "an intermediate result"
            for read in later:
                clause = f"the value of {said} from before its change were used{where(code, read)}"
                yield Change("earlier value", clause, [kept, code.put(read, "before_")])


def recorded_late(code: Code) -> Iterator[Change]:
    """What is recorded in a loop worked out after the step, or of all the data."""
    for loop in code.all(ast.For):
        values = _definitions(loop)
        for statement in loop.body:
            is_append = isinstance(statement, ast.Expr) and called(statement.value) == "append"
            if not (is_append or isinstance(statement, ast.AugAssign)):
                continue
            text = _inlined(code, statement, values)
            clause = "what is recorded in the loop were worked out at the end of a pass"
            yield Change(
                "recorded late",
                clause,
                [
                    code.drop(statement),
                    code.after(loop.body[-1], " " * statement.col_offset + text),
                ],
                "record it before the step",
            )
            if isinstance(loop.target, ast.Name):
                whole = text.replace(f"[{loop.target.id}]", "")
                if whole != text:
                    yield Change(
                        "not indexed",
                        "what is recorded were that of all the data",
                        [code.put(statement, whole)],
                    )


def pair_not_shuffled(code: Code) -> Iterator[Change]:
    """One of the two things that go together left in its old order."""
    for loop in code.all(ast.For):
        if called(loop.iter) != "split" or not isinstance(loop.target, ast.Name):
            continue
        split = loop.iter
        assert isinstance(split, ast.Call)
        if not isinstance(split.func, ast.Attribute) or "rand" not in code.text_of(
            loop.iter
        ) + _made(code, split.func.value):
            continue
        order = code.put(split.func.value, f"(order_ := {code.text_of(split.func.value)})")
        batch = loop.target.id
        found: dict[str, list[ast.Subscript]] = {}
        for part in code.all(ast.Subscript):
            inside = any(part is node for statement in loop.body for node in ast.walk(statement))
            if inside and code.text_of(part.slice) == batch:
                found.setdefault(code.text_of(part.value), []).append(part)
        if len(found) < 2:
            continue
        for base, parts in found.items():
            places = [code.put(part, f"{base}[torch.argsort(order_)[{batch}]]") for part in parts]
            said = phrase(code, parts[0].value)
            yield Change(
                "not shuffled together",
                f"{said} stayed in the old order and the rest were shuffled",
                [order, *places],
                "they go together",
            )


def _made(code: Code, node: ast.expr) -> str:
    """How a name was made, as text."""
    if not isinstance(node, ast.Name):
        return ""
    stores = code.stores.get((code.function(node), node.id), ())
    values = [getattr(code.parent(store), "value", None) for store in stores]
    return " ".join(code.text_of(value) for value in values if isinstance(value, ast.expr))


def _had_value(code: Code, node: ast.stmt, name: str) -> bool:
    """Whether a name was given before a statement, by the caller or above."""
    function = code.function(node)
    if name in [a.arg for a in function.args.args]:
        return True
    stores = code.stores.get((function, name), ())
    return any(code.span(store) < code.span(node) for store in stores)


def _definitions(loop: ast.For) -> dict[str, ast.expr]:
    """What the names are that a loop's body sets once each."""
    return {
        statement.targets[0].id: statement.value
        for statement in loop.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def _inlined(code: Code, node: ast.AST, values: dict[str, ast.expr], depth: int = 3) -> str:
    """A node's text with the definitions of its names put in."""
    start, _ = code.span(node)
    text = code.text_of(node).encode()
    for part in sorted(
        ast.walk(node), key=lambda part: -code.span(part)[0] if hasattr(part, "lineno") else 0
    ):
        if (
            isinstance(part, ast.Name)
            and isinstance(part.ctx, ast.Load)
            and part.id in values
            and depth
        ):
            a, b = (place - start for place in code.span(part))
            inner = _inlined(code, values[part.id], values, depth - 1)
            text = text[:a] + f"({inner})".encode() + text[b:]
    return text.decode()
