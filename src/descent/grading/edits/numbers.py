"""Slips in the numbers of an answer: off by one, twice, half, none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_number
from descent.grading.edits.phrases import phrase, where


def other_number(code: Code) -> Iterator[Change]:
    """A number one off, or another usual one."""
    for node in code.all(ast.Constant):
        if not is_number(node) or _is_axis(code, node):
            continue
        value = node.value
        assert isinstance(value, int | float)
        others: list[float]
        if isinstance(value, int):
            others = [
                value + 1,
                value - 1,
                *([0] if value > 1 else []),
                *([2 * value] if value > 2 else []),
            ]
        elif value in (0.0, 1.0):
            others = [1.0 - value, 0.5] if value else [1.0]
        else:
            others = [0.0, 1.0, 2 * value, value / 2, 1 - value, value / 10, value * 10]
        for other in dict.fromkeys(others):
            text = f"({other})" if other < 0 else repr(other)
            clause = f"`{value}`{_role(code, node)} were `{other}`{where(code, node)}"
            yield Change("other number", clause, [code.put(node, text)])


def off_by_one(code: Code) -> Iterator[Change]:
    """A length or a count one too large or too small."""
    for node in code.all(ast.Call):
        if called(node) in ("len", "numel", "size"):
            for sign, words in (("-", "one too small"), ("+", "one too large")):
                clause = f"{phrase(code, node)} were {words}{where(code, node)}"
                yield Change(
                    "off by one", clause, [code.put(node, f"({code.text_of(node)} {sign} 1)")]
                )
    for name in code.all(ast.Name):
        if isinstance(name.ctx, ast.Load) and phrase(code, name).startswith("`"):
            parent = code.parent(name)
            if not isinstance(
                parent, ast.Compare | ast.BinOp | ast.Call | ast.Slice | ast.Subscript
            ):
                continue
            for sign, words in (("-", "less"), ("+", "more")):
                clause = f"`{name.id}` were one {words}{where(code, name)}"
                yield Change("off by one", clause, [code.put(name, f"({name.id} {sign} 1)")])


def other_turn(code: Code) -> Iterator[Change]:
    """π doubled, halved, left out, or in degrees."""
    for node in code.all(ast.Attribute):
        if node.attr == "pi":
            text = code.text_of(node)
            for new, said in (
                (f"(2 * {text})", "2π"),
                (f"({text} / 2)", "half of π"),
                ("180", "180 degrees"),
                ("1", "1"),
            ):
                clause = f"{said} stood in the place of π{where(code, node)}"
                yield Change("other number", clause, [code.put(node, new)])


def infinity(code: Code) -> Iterator[Change]:
    """A large number, or 0, for infinity; the sign of infinity turned round."""
    for node in code.all(ast.Attribute):
        if node.attr != "inf":
            continue
        parent = code.parent(node)
        whole = parent if isinstance(parent, ast.UnaryOp) else node
        sign = "-" if isinstance(parent, ast.UnaryOp) else ""
        other = code.text_of(node) if sign else f"(-{code.text_of(node)})"
        turned = (
            "infinity stood for minus infinity" if sign else "minus infinity stood for infinity"
        )
        for text, clause in (
            ("0.0", "0 stood in the place of infinity"),
            (f"{sign}100.0", f"{sign}100 stood in the place of infinity"),
            (f"{sign}1000000000.0", "a large number stood in the place of infinity"),
            (other, turned),
            ("math.nan", "NaN stood in the place of infinity"),
            (f"{sign}1.0", f"{sign}1 stood in the place of infinity"),
        ):
            yield Change("infinity", clause + where(code, node), [code.put(whole, f"({text})")])


def _role(code: Code, node: ast.Constant) -> str:
    """Which number it is: of a call, of a keyword."""
    parent = code.parent(node)
    if isinstance(parent, ast.keyword) and parent.arg:
        return f" for `{parent.arg}`"
    call = code.around(node, ast.Call)
    if isinstance(parent, ast.Call) and isinstance(call, ast.Call) and call is parent:
        return f" in `{called(call)}`" if called(call) else ""
    return ""


def _is_axis(code: Code, node: ast.Constant) -> bool:
    """Whether `axes` has a word for it."""
    parent = code.parent(node)
    return isinstance(parent, ast.keyword) and parent.arg in ("dim", "axis")
