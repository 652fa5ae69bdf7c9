"""Slips in formulas: operators, terms, factors, powers, brackets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_number, parameters
from descent.grading.edits.phrases import operand, phrase, where

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_OTHERS: dict[type[ast.operator], list[tuple[str, str]]] = {
    ast.Add: [
        ("-", "{it} were subtracted, not added"),
        ("*", "you multiplied by {it}, not added it"),
    ],
    ast.Sub: [("+", "{it} were added, not subtracted")],
    ast.Mult: [
        ("/", "you divided by {it}, and did not multiply by it"),
        ("+", "you added {it}, and did not multiply by it"),
    ],
    ast.Div: [
        ("*", "you multiplied by {it}, and did not divide by it"),
        ("//", "the division were rounded down to a whole number"),
    ],
    ast.FloorDiv: [
        ("/", "the division were not rounded down to a whole number"),
        ("%", "you took the remainder for the quotient"),
    ],
    ast.Mod: [("//", "you took the quotient for the remainder")],
    ast.MatMult: [("*", "you multiplied element by element, not as matrices")],
    ast.Pow: [("*", "you multiplied by {it} for raising to that power")],
}
_SUMS = (ast.Add, ast.Sub)
_PRODUCTS = (ast.Mult, ast.Div)


def other_operator(code: Code) -> Iterator[Change]:
    """Plus for minus, times for divided by, times for the power, and so on."""
    for node in code.all(ast.BinOp):
        if _is_text(node.left):
            continue
        for sign, clause in _OTHERS.get(type(node.op), ()):
            is_power = isinstance(node.op, ast.Pow)
            role = {"+": "term", "-": "term"}.get(_SIGNS[type(node.op)], "factor")
            it = phrase(code, node.right) if is_power else operand(code, node.right, role)
            if is_power and _is_two(node.right):
                clause = "you doubled where a square belongs"
            text = f"{code.inside(node.left)} {sign} {code.inside(node.right)}"
            yield Change(
                "operator", clause.format(it=it) + where(code, node), [code.put(node, f"({text})")]
            )
    for step in code.all(ast.AugAssign):
        for sign, clause in _OTHERS.get(type(step.op), ())[:1]:
            text = f"{code.text_of(step.target)} {sign}= {code.text_of(step.value)}"
            it = operand(code, step.value, "part")
            yield Change("operator", clause.format(it=it), [code.put(step, text)])


def assigned_for_updated(code: Code) -> Iterator[Change]:
    """`=` where `+=` belongs."""
    for node in code.all(ast.AugAssign):
        text = f"{code.text_of(node.target)} = {code.text_of(node.value)}"
        what = phrase(code, node.target)
        yield Change(
            "not accumulated",
            f"{what} were replaced each time, not updated",
            [code.put(node, text)],
            "is it `+=` or the like?",
        )


def dropped_operand(code: Code) -> Iterator[Change]:
    """A term, a factor, a power or a minus forgotten."""
    for node in code.all(ast.BinOp):
        if _is_text(node.left):
            continue
        at = where(code, node)
        keep_left = [code.put(node, code.inside(node.left))]
        keep_right = [code.put(node, code.inside(node.right))]
        if isinstance(node.op, ast.Pow):
            square = "square" if _is_two(node.right) else "power"
            yield Change("missing power", f"the {square} were missing{at}", keep_left)
            continue
        if isinstance(node.op, ast.Div):
            it = operand(code, node.right, "divisor")
            yield Change("missing factor", f"you did not divide by {_it(it)}{at}", keep_left)
            it = operand(code, node.left, "factor")
            yield Change(
                "missing factor",
                f"{it} were missing above the line{at}",
                [code.put(node, f"(1 / {code.inside(node.right)})")],
            )
            continue
        role = "term" if isinstance(node.op, _SUMS) else "factor"
        if not isinstance(node.op, ast.Mod):
            yield Change(
                f"missing {role}", f"{operand(code, node.right, role)} were missing{at}", keep_left
            )
            if isinstance(node.op, ast.Sub):
                keep_right = [code.put(node, f"(-{code.inside(node.right)})")]
            yield Change(
                f"missing {role}", f"{operand(code, node.left, role)} were missing{at}", keep_right
            )
            if isinstance(node.op, ast.Sub):
                yield Change(
                    f"missing {role}",
                    f"{operand(code, node.left, role)} were missing{at}, and with it the minus",
                    [code.put(node, code.inside(node.right))],
                )
    for unary in code.all(ast.UnaryOp):
        inner = [code.put(unary, code.inside(unary.operand))]
        if isinstance(unary.op, ast.USub):
            what = f" before {phrase(code, unary.operand)}" if is_number(unary.operand) else ""
            yield Change(
                "missing minus", f"the minus{what} were missing{where(code, unary)}", inner
            )
        elif isinstance(unary.op, ast.Invert):
            yield Change("not inverted", f"a `~` were missing{where(code, unary)}", inner)


def other_side(code: Code) -> Iterator[Change]:
    """a − b the wrong way round, a / b upside down, the factors of a matrix product exchanged."""
    clauses = {
        ast.Sub: "you subtracted the wrong way round{at}",
        ast.Div: "the fraction{at} stood upside down",
        ast.MatMult: "the factors of a matrix product{at} stood in the other order",
        ast.FloorDiv: "the quotient{at} stood upside down",
    }
    for node in code.all(ast.BinOp):
        clause = clauses.get(type(node.op))
        if clause and not _is_text(node.left):
            named = [phrase(code, part) for part in (node.left, node.right)]
            told = all(part.startswith("`") for part in named) and " and ".join(named)
            at = where(code, node) + (f" with {told}" if told else "")
            yield Change("other way round", clause.format(at=at), code.swap(node.left, node.right))


def brackets(code: Code) -> Iterator[Change]:
    """Brackets forgotten: a / (b * c), (a + b) / c, (a - b) ** 2, and the like."""
    for node in code.all(ast.BinOp):
        yield from _brackets_right(code, node)
        yield from _brackets_left(code, node)
    for unary in code.all(ast.UnaryOp):
        inner = unary.operand
        if not isinstance(unary.op, ast.USub) or not isinstance(inner, ast.BinOp):
            continue
        if isinstance(inner.op, _SUMS):
            left, right = code.inside(inner.left), code.inside(inner.right)
            yield Change(
                "brackets",
                f"the minus took the first term only{where(code, unary)}",
                [code.put(unary, f"(-{left} {_SIGNS[type(inner.op)]} {right})")],
                "are brackets missing?",
            )


def _brackets_right(code: Code, node: ast.BinOp) -> Iterator[Change]:
    """a / (b * c) → a / b * c, a - (b + c) → a - b + c, a * (b + c) → a * b + c."""
    inner = node.right
    if not isinstance(inner, ast.BinOp) or _is_text(node.left):
        return
    left, middle, right = (code.inside(part) for part in (node.left, inner.left, inner.right))
    outer_sign, inner_sign = _SIGNS[type(node.op)], _SIGNS[type(inner.op)]
    at = where(code, node)
    text = f"(({left} {outer_sign} {middle}) {inner_sign} {right})"
    first, last = phrase(code, inner.left), operand(code, inner.right, "factor")
    if isinstance(node.op, ast.Div) and isinstance(inner.op, _PRODUCTS):
        then = "multiplied by" if isinstance(inner.op, ast.Mult) else "divided by"
        clause = f"you divided by {_it(first)} and then {then} {last}{at}"
    elif isinstance(node.op, ast.Sub) and isinstance(inner.op, _SUMS):
        clause = f"the minus took the first of two terms only{at}"
    elif isinstance(node.op, ast.Mult | ast.Div | ast.MatMult) and isinstance(inner.op, _SUMS):
        done = "divided by" if isinstance(node.op, ast.Div) else "multiplied by"
        last = operand(code, inner.right, "term")
        sense = "added" if isinstance(inner.op, ast.Add) else "subtracted"
        clause = f"you {done} {_it(first)} alone and {sense} {last} afterwards{at}"
    elif isinstance(node.op, ast.Pow | ast.FloorDiv | ast.Mod):
        clause = f"an operation{at} took the first part of what follows it only"
    elif isinstance(node.op, ast.Mult) and isinstance(inner.op, ast.FloorDiv | ast.Mod):
        clause = f"you multiplied first and divided afterwards{at}"
    else:
        return
    yield Change("brackets", clause, [code.put(node, text)], "are brackets missing?")


def _brackets_left(code: Code, node: ast.BinOp) -> Iterator[Change]:
    """(a + b) * c → a + b * c, (a - b) ** 2 → a - b ** 2, (a * b) ** c → a * b ** c."""
    inner = node.left
    if not isinstance(inner, ast.BinOp) or _is_text(inner.left):
        return
    left, middle, right = (code.inside(part) for part in (inner.left, inner.right, node.right))
    outer_sign, inner_sign = _SIGNS[type(node.op)], _SIGNS[type(inner.op)]
    at = where(code, node)
    text = f"({left} {inner_sign} ({middle} {outer_sign} {right}))"
    second = operand(code, inner.right, "part")
    if isinstance(node.op, ast.Pow):
        done = "squared" if _is_two(node.right) else "raised to the power"
        clause = f"only {second} were {done}{at}"
    elif isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.FloorDiv | ast.Mod):
        if not isinstance(inner.op, _SUMS):
            return
        done = "multiplied" if isinstance(node.op, ast.Mult | ast.MatMult) else "divided"
        clause = f"only {second} were {done}{at}"
    else:
        return
    yield Change("brackets", clause, [code.put(node, text)], "are brackets missing?")


def regrouped(code: Code) -> Iterator[Change]:
    """Brackets too many: a * b + c as a * (b + c), a + b / c as (a + b) / c, a // b * c."""
    for node in code.all(ast.BinOp):
        if _is_text(node.left):
            continue
        at = where(code, node)
        sign = _SIGNS[type(node.op)]
        inner = node.left
        if isinstance(inner, ast.BinOp):
            parts = [code.inside(part) for part in (inner.left, inner.right, node.right)]
            text = f"({parts[0]} {_SIGNS[type(inner.op)]} ({parts[1]} {sign} {parts[2]}))"
            if isinstance(node.op, _SUMS) and isinstance(inner.op, (*_PRODUCTS, ast.MatMult)):
                last = operand(code, node.right, "term")
                done = "multiplied" if not isinstance(inner.op, ast.Div) else "divided"
                yield Change(
                    "brackets",
                    f"{last} were {done} as well{at}",
                    [code.put(node, text)],
                    "is a bracket in the wrong place?",
                )
            elif type(node.op) in (ast.Mult, ast.Div) and type(inner.op) in (ast.Div, ast.FloorDiv):
                last = operand(code, node.right, "factor")
                how = "below the line" if isinstance(node.op, ast.Mult) else "above the line"
                yield Change(
                    "brackets",
                    f"{last} stood {how}{at}",
                    [code.put(node, text)],
                    "is a bracket in the wrong place?",
                )
        inner = node.right
        if not isinstance(inner, ast.BinOp) or not isinstance(node.op, _SUMS):
            continue
        if isinstance(inner.op, (*_PRODUCTS, ast.MatMult)):
            parts = [code.inside(part) for part in (node.left, inner.left, inner.right)]
            text = f"(({parts[0]} {sign} {parts[1]}) {_SIGNS[type(inner.op)]} {parts[2]})"
            done = "divided" if isinstance(inner.op, ast.Div) else "multiplied"
            yield Change(
                "brackets",
                f"{operand(code, node.left, 'term')} were {done} as well{at}",
                [code.put(node, text)],
                "is a bracket in the wrong place?",
            )


def power_of_all(code: Code) -> Iterator[Change]:
    """The power of what stands before it too: a * b ** 2 as (a * b) ** 2."""
    for node in code.all(ast.BinOp):
        inner = node.right
        if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Pow):
            continue
        if isinstance(node.op, (*_SUMS, *_PRODUCTS)):
            base = f"{code.inside(node.left)} {_SIGNS[type(node.op)]} {code.inside(inner.left)}"
            done = "squared" if _is_two(inner.right) else "raised to the power"
            yield Change(
                "brackets",
                f"{operand(code, node.left, 'part')} were {done} as well{where(code, node)}",
                [code.put(node, f"(({base}) ** {code.inside(inner.right)})")],
                "is a bracket in the wrong place?",
            )


def exchanged_weights(code: Code) -> Iterator[Change]:
    """The weights of a sum exchanged: a * x + b * y as b * x + a * y."""
    for node in code.all(ast.BinOp):
        one, two = node.left, node.right
        if not isinstance(node.op, _SUMS) or not isinstance(one, ast.BinOp):
            continue
        if not isinstance(two, ast.BinOp):
            continue
        if isinstance(one.op, ast.Mult) and isinstance(two.op, ast.Mult):
            said = [phrase(code, part) for part in (one.right, two.right)]
            told = all(part.startswith("`") for part in said)
            of = f"{said[0]} and {said[1]}" if told else "two terms"
            yield Change(
                "exchanged weights",
                f"the weights of {of} were exchanged{where(code, node)}",
                code.swap(one.left, two.left),
            )


def complement(code: Code) -> Iterator[Change]:
    """a for 1 - a."""
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Sub) and is_number(node.left) and node.left.value == 1:  # type: ignore[attr-defined]
            it = phrase(code, node.right)
            yield Change(
                "complement",
                f"{it} itself stood where one minus it belongs{where(code, node)}",
                [code.put(node, code.inside(node.right))],
            )


def squares(code: Code) -> Iterator[Change]:
    """The power of another part: a ** 2 * b, |a| for a ** 2."""
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Pow) and _is_two(node.right):
            yield Change(
                "absolute for square",
                f"you took absolute values for squares{where(code, node)}",
                [code.put(node, f"abs({code.text_of(node.left)})")],
            )
            inner = node.left
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, _SUMS):
                sign = _SIGNS[type(inner.op)]
                text = f"({code.inside(inner.left)} ** 2 {sign} {code.inside(inner.right)} ** 2)"
                yield Change(
                    "squared apart",
                    f"each part were squared by itself{where(code, node)}",
                    [code.put(node, text)],
                    "square the whole",
                )


def other_rounding(code: Code) -> Iterator[Change]:
    """A whole-number division rounded up, or to the nearest."""
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.FloorDiv):
            left, right = code.inside(node.left), code.inside(node.right)
            at = where(code, node)
            for text, clause in (
                (f"(-(-{left} // {right}))", f"a division were rounded up, not down{at}"),
                (f"round({left} / {right})", f"a division were rounded to the nearest{at}"),
                (f"int({left} / {right} + 0.5)", f"a division were rounded to the nearest{at}"),
            ):
                yield Change("other rounding", clause, [code.put(node, text)])


def _it(said: str) -> str:
    """`bandwidth` of "the divisor `bandwidth`": where the verb says the role already."""
    return said.removeprefix("the divisor ").removeprefix("the factor ")


def _is_two(node: ast.AST) -> bool:
    return is_number(node) and node.value == 2  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


_NOT_SPLIT = {
    "range",
    "len",
    "append",
    "item",
    "mean",
    "sum",
    "tensor",
    "array",
    "list",
    "min",
    "max",
}


def function_of_part(code: Code) -> Iterator[Change]:
    """f(a + b) as f(a) + b or a + f(b), and f(a) + b as f(a + b): eps outside the root."""
    for call in code.all(ast.Call):
        inner = call.args[0] if len(call.args) == 1 and not call.keywords else None
        name = called(call)
        if not name or not _is_sayable(code, call) or name in _NOT_SPLIT:
            continue
        head = code.text_of(call.func)
        at = where(code, call)
        if isinstance(inner, ast.BinOp) and type(inner.op) in _SIGNS:
            sign = _SIGNS[type(inner.op)]
            left, right = code.inside(inner.left), code.inside(inner.right)
            for text, out in (
                (f"({head}({left}) {sign} {right})", inner.right),
                (f"({left} {sign} {head}({right}))", inner.left),
            ):
                said = operand(code, out, "part")
                yield Change(
                    "brackets",
                    f"{said} stood outside the `{name}`{at}",
                    [code.put(call, text)],
                    "is a bracket in the wrong place?",
                )
        parent = code.parent(call)
        if inner is not None and isinstance(parent, ast.BinOp) and parent.left is call:
            sign = _SIGNS[type(parent.op)]
            said = operand(code, parent.right, "part")
            text = f"{head}({code.inside(inner)} {sign} {code.inside(parent.right)})"
            yield Change(
                "brackets",
                f"{said} stood inside the `{name}`{at}",
                [code.put(parent, text)],
                "is a bracket in the wrong place?",
            )


def scaled(code: Code) -> Iterator[Change]:
    """A parameter twice, half, or with the other sign, in one place."""
    for function in code.functions:
        for name in parameters(function):
            for read in code.loads.get((function, name), ()):
                parent = code.parent(read)
                if not isinstance(parent, ast.BinOp | ast.UnaryOp | ast.Call | ast.Tuple):
                    continue
                at = where(code, read)
                for text, clause in (
                    (f"(2 * {name})", f"`{name}` were doubled{at}"),
                    (f"({name} / 2)", f"`{name}` were halved{at}"),
                    (f"(-{name})", f"`{name}` had the other sign{at}"),
                    (f"({name} ** 2)", f"`{name}` were squared{at}"),
                ):
                    yield Change("scaled", clause, [code.put(read, text)])


def _is_sayable(code: Code, call: ast.Call) -> bool:
    """Whether the function's name may be named."""
    if isinstance(call.func, ast.Attribute):
        return True
    return isinstance(call.func, ast.Name) and call.func.id in code.known
