"""Slips in conditions and branches."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code
from descent.grading.edits.phrases import named_in, phrase, where

_NEAR: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">", ">="),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<", "!="),
    ast.GtE: (">", "<="),
    ast.Eq: ("!=", ">=", "<="),
    ast.NotEq: ("==", ">", "<"),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}
_SIGN = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


def other_comparison(code: Code) -> Iterator[Change]:
    """`<` for `<=`, and the like."""
    for node in code.all(ast.Compare):
        if len(node.ops) != 1:
            for place, op in enumerate(node.ops):
                left = node.left if place == 0 else node.comparators[place - 1]
                old = _SIGN[type(op)]
                for new in _NEAR[type(op)][:1]:
                    yield Change(
                        "comparison",
                        f"`{new}` stood for `{old}` in a condition{_of(code, node)}",
                        [code.operator(left, node.comparators[place], old, new)],
                    )
            continue
        old = _SIGN[type(node.ops[0])]
        for new in _NEAR[type(node.ops[0])]:
            clause = f"`{new}` stood for `{old}` in a comparison{_of(code, node)}"
            text = f"{code.inside(node.left)} {new} {code.inside(node.comparators[0])}"
            yield Change("comparison", clause, [code.put(node, text)])


def truth_for_none(code: Code) -> Iterator[Change]:
    """`if p:` for `if p is not None:`."""
    for node in code.all(ast.Compare):
        right = node.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            it = phrase(code, node.left)
            negated = isinstance(node.ops[0], ast.Is | ast.Eq)
            text = f"(not {code.inside(node.left)})" if negated else code.inside(node.left)
            yield Change(
                "truth for None",
                f"{it} were taken for absent where it is 0 or empty",
                [code.put(node, text)],
                "ask whether it is None",
            )


def always_or_never(code: Code) -> Iterator[Change]:
    """A branch dropped: always the one, always the other; the condition inverted."""
    for node in code.all(ast.If, ast.IfExp):
        about = _about(code, node)
        for value in ("False", "True"):
            taken = "never held" if value == "False" else "always held"
            yield Change("branch", f"{about} {taken}", [code.put(node.test, value)])
        text = f"(not ({code.text_of(node.test)}))"
        yield Change(
            "inverted condition",
            f"{about} were turned round",
            [code.put(node.test, text)],
        )
    for loop in code.all(ast.While):
        yield Change("branch", "a `while` loop never ran", [code.put(loop.test, "False")])
    for part in code.all(ast.comprehension):
        for test in part.ifs:
            named = named_in(code, test)
            about = f" with {' and '.join(f'`{n}`' for n in named)}" if named else ""
            yield Change(
                "branch",
                f"nothing were left out by the condition{about} in a loop",
                [code.put(test, "True")],
            )
            yield Change(
                "inverted condition",
                f"the condition{about} in a loop were turned round",
                [code.put(test, f"(not ({code.text_of(test)}))")],
            )


def exchanged_branches(code: Code) -> Iterator[Change]:
    """An `elif` as an `if` of its own: both branches run."""
    for node in code.all(ast.If):
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            inner = node.orelse[0]
            start = code.span(node.body[-1])[1]
            text = "\n".join(code.lines(part, node.col_offset) for part in [inner])
            yield Change(
                "if for elif",
                "two conditions were both tried, one after the other",
                [(start, code.span(node)[1], "\n" + text)],
                "is it `elif`?",
            )
        elif node.orelse:
            start = code.span(node.body[-1])[1]
            text = "\n".join(code.lines(part, node.col_offset) for part in node.orelse)
            yield Change(
                "else dropped",
                "what belongs under `else` were done in both cases",
                [(start, code.span(node)[1], "\n" + text)],
                "is an `else` missing?",
            )


def out_of_branch(code: Code) -> Iterator[Change]:
    """A statement of a branch done in any case."""
    for node in code.all(ast.If):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr) and len(node.body) > 1:
                text = code.lines(statement, node.col_offset)
                clause = f"a part of what {_about(code, node)} guards were done in any case"
                yield Change("branch", clause, [code.drop(statement), code.before(node, text)])
                yield Change("branch", clause, [code.drop(statement), code.after(node, text)])


def and_or(code: Code) -> Iterator[Change]:
    """`and` for `or`, a part of a condition dropped."""
    for node in code.all(ast.BoolOp):
        new, old = ("or", "and") if isinstance(node.op, ast.And) else ("and", "or")
        text = f" {new} ".join(code.inside(value) for value in node.values)
        at = where(code, node)
        yield Change("and or", f"`{new}` stood for `{old}`{at}", [code.put(node, f"({text})")])
        for place, value in enumerate(node.values):
            rest = [code.inside(v) for i, v in enumerate(node.values) if i != place]
            named = named_in(code, value)
            about = f" with {' and '.join(f'`{n}`' for n in named)}" if named else ""
            yield Change(
                "part of condition",
                f"a part{about} of a condition were missing",
                [code.put(node, f"({f' {old} '.join(rest)})")],
            )
    for product in code.all(ast.BinOp):
        if isinstance(product.op, ast.BitAnd | ast.BitOr):
            new, old = ("|", "&") if isinstance(product.op, ast.BitAnd) else ("&", "|")
            sides = code.inside(product.left), code.inside(product.right)
            at = where(code, product)
            yield Change(
                "and or",
                f"`{new}` stood for `{old}`{at}",
                [code.put(product, f"({sides[0]} {new} {sides[1]})")],
            )
            for side in sides:
                yield Change(
                    "part of condition",
                    f"a part of a condition were missing{at}",
                    [code.put(product, side)],
                )


def _about(code: Code, node: ast.If | ast.IfExp | ast.While) -> str:
    """Which condition it is."""
    named = named_in(code, node.test)
    names = " and ".join(f"`{name}`" for name in named)
    return f"the condition on {names}" if named else "a condition"


def _of(code: Code, node: ast.Compare) -> str:
    named = named_in(code, node)
    return f" with {' and '.join(f'`{name}`' for name in named)}" if named else ""
