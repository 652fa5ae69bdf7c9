"""Slips in the order and number of statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import is_known, listed, phrase

_Simple = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)


def dropped_statement(code: Code) -> Iterator[Change]:
    """A statement forgotten."""
    for statement in _statements(code):
        clause = _missing(code, statement)
        if clause:
            yield Change("dropped statement", clause + _at(code, statement), [code.drop(statement)])


def _missing(code: Code, statement: ast.stmt) -> str:
    """What is said where a statement is forgotten; empty for one that cannot be."""
    if isinstance(statement, ast.Expr):
        return f"{_named(code, statement)} were missing"
    if isinstance(statement, ast.If) and not statement.orelse:
        return "a special case were missing"
    if isinstance(statement, ast.For | ast.While):
        return (
            f"{'an inner' if code.around(statement, ast.For, ast.While) else 'a'} loop were missing"
        )
    if isinstance(statement, ast.Raise):
        return "nothing were refused"
    if isinstance(statement, ast.AugAssign):
        known = is_known(code, statement.target)
        return f"{phrase(code, statement.target) if known else 'a counter or sum'} were not updated"
    if isinstance(statement, ast.Assign):
        known = all(is_known(code, target) for target in statement.targets)
        if not known and isinstance(statement.value, ast.Call):
            return f"{_named(code, statement)} were missing"
        return f"{listed([phrase(code, target) for target in statement.targets])} were not set"
    return ""


def not_refused(code: Code) -> Iterator[Change]:
    """None returned, or another error raised, where one is to be raised."""
    for node in code.all(ast.Raise):
        for text, clause in (
            ("return None", "None were returned where an error is to be raised"),
            ("raise AssertionError", "an AssertionError were raised, as `assert` does"),
            ("raise RuntimeError", "an error of another kind were raised"),
        ):
            yield Change("not refused", clause, [code.put(node, text)])


def not_assigned(code: Code) -> Iterator[Change]:
    """A result worked out and thrown away; one name of several not set."""
    for statement in code.all(ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(value, ast.Call):
            name = called(value)
            clause = (
                f"the result of `{name}` were thrown away" if name else "a result were thrown away"
            )
            yield Change(
                "not assigned",
                clause + _at(code, statement),
                [code.put(statement, code.text_of(value))],
                "is it assigned?",
            )
        if isinstance(target, ast.Tuple):
            for element in target.elts:
                if isinstance(element, ast.Starred):
                    continue
                said = phrase(code, element)
                place = target.elts.index(element)
                if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                    what = said if is_known(code, element) else phrase(code, value.elts[place])
                    clause = (
                        f"{what} were not set anew"
                        if is_known(code, element)
                        else f"{what} were left out"
                    )
                else:
                    clause = (
                        f"{said} were not set anew"
                        if is_known(code, element)
                        else (f"one of the values of {phrase(code, value)} were not used")
                    )
                yield Change(
                    "not assigned", clause + _at(code, statement), [code.put(element, "_")]
                )


def one_target_of_many(code: Code) -> Iterator[Change]:
    """One of the targets of `a = b = …` forgotten."""
    for statement in code.all(ast.Assign):
        if len(statement.targets) > 1:
            for target in statement.targets:
                rest = [code.text_of(other) for other in statement.targets if other is not target]
                text = " = ".join([*rest, code.text_of(statement.value)])
                yield Change(
                    "not assigned",
                    f"{phrase(code, target)} were not set{_at(code, statement)}",
                    [code.put(statement, text)],
                )


def exchanged_statements(code: Code) -> Iterator[Change]:
    """Two statements that follow one another in the other order; one moved two places."""
    for block in code.blocks:
        for distance in (1, 2):
            for one, two in zip(block, block[distance:], strict=False):
                if not isinstance(one, (*_Simple, ast.If, ast.For)) or not isinstance(
                    two, (*_Simple, ast.If, ast.For)
                ):
                    continue
                first, second = _named(code, one), _named(code, two)
                clause = f"{second} came before {first}{_at(code, one)}"
                if distance == 1:
                    splices = [code.put(one, code.text_of(two)), code.put(two, code.text_of(one))]
                    yield Change(
                        "order of steps", clause, splices, "in which order do they belong?"
                    )
                else:
                    yield Change(
                        "order of steps",
                        clause,
                        [code.drop(two), code.before(one, code.lines(two, two.col_offset))],
                        "in which order do they belong?",
                    )
                    yield Change(
                        "order of steps",
                        clause,
                        [code.drop(one), code.after(two, code.lines(one, one.col_offset))],
                        "in which order do they belong?",
                    )


def moved_to_end(code: Code) -> Iterator[Change]:
    """A step done at the very end, or at the beginning, of its block."""
    for block in code.blocks:
        inner = [part for part in block if isinstance(part, (*_Simple, ast.If))]
        for statement in inner:
            place = block.index(statement)
            last = block[-1] if not isinstance(block[-1], ast.Return) else None
            lines = code.lines(statement, statement.col_offset)
            if last is not None and place < len(block) - 3:
                yield Change(
                    "order of steps",
                    f"{_named(code, statement)} came last",
                    [code.drop(statement), code.after(last, lines)],
                    "in which order do they belong?",
                )
            if place > 2:
                yield Change(
                    "order of steps",
                    f"{_named(code, statement)} came first",
                    [code.drop(statement), code.before(block[0], lines)],
                    "in which order do they belong?",
                )


def done_twice(code: Code) -> Iterator[Change]:
    """A step done twice."""
    for statement in _statements(code):
        if isinstance(statement, ast.Expr | ast.AugAssign):
            what = _named(code, statement)
            yield Change(
                "done twice",
                f"{what} were done twice{_at(code, statement)}",
                [code.after(statement, code.lines(statement, statement.col_offset))],
            )


def rebound(code: Code) -> Iterator[Change]:
    """`x = x - y` for `x -= y`, and the reverse: a new thing for the same one changed."""
    signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
    for node in code.all(ast.AugAssign):
        sign = signs.get(type(node.op))
        if sign and isinstance(node.target, ast.Name):
            target = code.text_of(node.target)
            text = f"{target} = {target} {sign} {code.inside(node.value)}"
            yield Change(
                "not in place",
                "a step made something new and did not change what was given",
                [code.put(node, text)],
                "is it done in place?",
            )
    for assign in code.all(ast.Assign):
        target_node, value = assign.targets[0], assign.value
        if isinstance(target_node, ast.Name) and isinstance(value, ast.BinOp):
            sign = signs.get(type(value.op))
            if not sign:
                continue
            name = target_node.id
            if code.text_of(value.left) == name:
                text = f"{name} {sign}= {code.text_of(value.right)}"
            elif sign in "+*" and code.text_of(value.right) == name:
                text = f"{name} {sign}= {code.text_of(value.left)}"
            else:
                continue
            yield Change(
                "in place",
                f"{phrase(code, target_node)} were changed in place",
                [code.put(assign, text)],
                "make a new one",
            )
        if isinstance(target_node, ast.Attribute) and not code.text_of(target_node).startswith(
            "self."
        ):
            yield Change(
                "local name",
                f"a local name were given the new `.{target_node.attr}`, and nothing changed "
                "outside",
                [code.put(target_node, "local_")],
            )
    for call in code.all(ast.Call):
        name = called(call)
        if name.endswith("_") and not name.startswith("_") and isinstance(call.func, ast.Attribute):
            plain = name[:-1]
            yield Change(
                "not in place",
                f"`{plain}` stood for `{name}`: nothing is changed in place",
                [code.put(call.func, f"{code.text_of(call.func.value)}.{plain}")],
            )


def _statements(code: Code) -> Iterator[ast.stmt]:
    for node in code.nodes:
        if isinstance(node, ast.stmt):
            yield node


def _named(code: Code, statement: ast.stmt) -> str:
    """What a statement does, as a noun."""
    if isinstance(statement, ast.Expr):
        name = called(statement.value)
        return f"the call of `{name}`" if name else "a step"
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if is_known(code, target):
            return f"the new value of {phrase(code, target)}"
        if isinstance(statement.value, ast.Call) and called(statement.value):
            return (
                f"the call of `{called(statement.value)}`"
                if _sayable(code, statement.value)
                else "a call"
            )
        return "a value on the way"
    if isinstance(statement, ast.If):
        return "a special case"
    return "a loop"


def _sayable(code: Code, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) or called(call) in code.known


def _at(code: Code, statement: ast.stmt) -> str:
    return f" in `{code.function(statement).name}`" if code.is_class else ""
