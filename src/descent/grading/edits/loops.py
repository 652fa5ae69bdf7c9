"""Slips in loops: their ends, what stands inside and outside, where they stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, Splice, called
from descent.grading.edits.phrases import phrase

_Loop = ast.For | ast.comprehension
_Held = (ast.For, ast.While)


def after_first_pass(code: Code) -> Iterator[Change]:
    """The `return` inside the loop, or a `break` at its end."""
    for loop in code.all(ast.For, ast.While):
        last = loop.body[-1]
        indent = " " * last.col_offset
        block = code.block(loop)
        following = block[block.index(loop) + 1 :]
        name = _loop(code, loop)
        yield Change(
            "stops early",
            f"{name} ended after its first pass",
            [code.after(last, f"{indent}break")],
            "does it stop or return too early?",
        )
        if following and isinstance(following[-1], ast.Return) and len(following) > 1:
            text = code.lines(following[-1], last.col_offset)
            yield Change(
                "stops early",
                f"the `return` stood inside {name}",
                [code.after(last, text)],
                "does it return too early?",
            )


def other_range(code: Code) -> Iterator[Change]:
    """One pass too many, one too few, from 1, from 0."""
    for node in code.all(ast.Call):
        if called(node) not in ("range", "arange") or not node.args:
            continue
        head, given = code.text_of(node.func), [code.text_of(a) for a in node.args]
        rest = [code.text_of(k) for k in node.keywords]
        counts = "the counting" if called(node) == "arange" else "a loop"
        if len(given) == 1:
            end = code.inside(node.args[0])
            new = [
                ([f"{end} - 1"], f"{counts} ended one too early"),
                ([f"{end} + 1"], f"{counts} went one too far"),
                (["1", end], f"{counts} began at 1, not at 0"),
                (["1", f"{end} + 1"], f"{counts} ran from 1, not from 0, to the number itself"),
            ]
        else:
            start, end, *step = [code.inside(a) for a in node.args]
            new = [
                ([start, f"{end} - 1", *step], f"{counts} ended one too early"),
                ([start, f"{end} + 1", *step], f"{counts} went one too far"),
                ([f"{start} + 1", end, *step], f"{counts} began one too late"),
                ([f"{start} - 1", end, *step], f"{counts} began one too early"),
                (["0", end, *step], f"{counts} began at 0"),
            ]
            if step:
                whole = f"{end} - {end} % ({step[0]})"
                new += [
                    ([start, end], f"{counts} went on by one each time"),
                    ([start, whole, *step], "the last, shorter part were left out"),
                    (
                        [start, f"{end} - {step[0]} + 1", *step],
                        "the last, shorter part were left out",
                    ),
                    ([start, f"{end} - {step[0]}", *step], f"the last part{''} were left out"),
                    ([start, f"{end} + {step[0]}", *step], "there were a part too many at the end"),
                ]
            else:
                new += [
                    ([end], f"{counts} began at 0"),
                    ([start, f"{start} + {end}"], f"{counts} went on for as many as its end says"),
                ]
        for arguments, clause in new:
            text = f"{head}({', '.join([*arguments, *rest])})"
            yield Change("loop's end", clause, [code.put(node, text)])


def passes_lost(code: Code) -> Iterator[Change]:
    """The first or the last pass lost, all but one lost, the order reversed."""
    for loop in code.all(ast.For, ast.comprehension):
        over = code.text_of(loop.iter)
        name = _loop(code, loop)
        for text, clause in (
            (f"list({over})[:-1]", f"the last pass of {name} were missing"),
            (f"list({over})[1:]", f"the first pass of {name} were missing"),
            (f"list({over})[:1]", f"{name} had its first pass only"),
            (f"list({over})[-1:]", f"{name} had its last pass only"),
            (f"reversed(list({over}))", f"{name} ran backwards"),
            (f"sorted({over})", f"{name} went through its values sorted"),
        ):
            yield Change("passes", clause, [code.put(loop.iter, text)])
    for loop in code.all(ast.For, ast.comprehension):
        iterated = loop.iter
        if isinstance(iterated, ast.Subscript) and isinstance(iterated.slice, ast.Slice):
            yield Change(
                "passes",
                f"{_loop(code, loop)} went through all, and left none out",
                [code.put(iterated, code.text_of(iterated.value))],
            )


def dropped_last_batch(code: Code) -> Iterator[Change]:
    """The last, shorter batch left out of `x.split(n)`."""
    for node in code.all(ast.Call):
        if called(node) == "split" and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            text, size = code.text_of(node), code.text_of(node.args[0])
            yield Change(
                "last batch",
                "the last, shorter batch were left out",
                [code.put(node, f"[part for part in {text} if len(part) == {size}]")],
                "its examples count too",
            )
    for loop in code.all(ast.For):
        if called(loop.iter) in ("minibatches", "batches"):
            text = code.text_of(loop.iter)
            short = f"(lambda all_: [p for p in all_ if _size(p) == _size(all_[0])])(list({text}))"
            short = short.replace("_size(p)", "len(p if not isinstance(p, tuple) else p[0])")
            short = short.replace(
                "_size(all_[0])", "len(all_[0] if not isinstance(all_[0], tuple) else all_[0][0])"
            )
            yield Change(
                "last batch",
                "the last, shorter batch were left out",
                [code.put(loop.iter, short)],
                "its examples count too",
            )


def moved_out(code: Code) -> Iterator[Change]:
    """A statement of a loop done once, before or after it."""
    for loop in code.all(ast.For, ast.While):
        if isinstance(loop, ast.While):
            continue
        inner = _is_inner(code, loop)
        each = "for each pass of the outer loop" if inner else "for all"
        for statement in loop.body:
            if _leaves(statement):
                continue
            what = _statement(code, statement)
            text = code.lines(statement, loop.col_offset)
            out = code.drop(statement)
            yield Change(
                "moved out of the loop",
                f"{what} only once {each}, after {_loop(code, loop)}",
                [out, code.after(loop, text)],
                "does it stand inside the loop?",
            )
            yield Change(
                "moved out of the loop",
                f"{what} only once {each}, before {_loop(code, loop)}",
                [out, code.before(loop, text)],
                "does it stand inside the loop?",
            )
        for place in range(1, len(loop.body) - 1):
            rest = loop.body[place:]
            splices: list[Splice] = [code.drop(part) for part in rest]
            lines = "\n".join(code.lines(part, loop.col_offset) for part in rest)
            if any(map(_leaves, rest)):
                continue
            yield Change(
                "moved out of the loop",
                f"the last {len(rest)} steps of {_loop(code, loop)} were done only "
                f"once {each}, after it",
                [*splices, code.after(loop, lines)],
                "do they stand inside the loop?",
            )


def moved_in(code: Code) -> Iterator[Change]:
    """What belongs before a loop, or after it, done in every pass; a counter that starts again."""
    for loop in code.all(ast.For, ast.While):
        block = code.block(loop)
        at = block.index(loop)
        first = loop.body[0]
        indent = first.col_offset
        ranked = list(reversed(block[:at]))
        for statement in ranked:
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.AugAssign):
                for what, kept in _restarts(code, statement):
                    text = " " * indent + kept
                    yield Change(
                        "begins again",
                        f"{what} began again in every pass of {_loop(code, loop)}",
                        [code.before(first, text)],
                    )
        outer = code.around(loop, ast.For, ast.While)
        if outer is not None:
            upper = code.block(outer)
            for statement in reversed(upper[: upper.index(outer)]):
                if isinstance(statement, ast.Assign | ast.AnnAssign):
                    for what, kept in _restarts(code, statement):
                        yield Change(
                            "begins again",
                            f"{what} began again in every pass of the inner loop",
                            [code.before(first, " " * indent + kept)],
                        )
        if not isinstance(loop, ast.For):
            continue
        for statement in block[at + 1 : at + 3]:
            if isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign | ast.If):
                text = code.lines(statement, indent)
                what = _statement(code, statement)
                yield Change(
                    "moved into the loop",
                    f"{what} in every pass of {_loop(code, loop)}, not once after it",
                    [code.drop(statement), code.after(loop.body[-1], text)],
                )


def computed_once(code: Code) -> Iterator[Change]:
    """What the inner loop goes through worked out once, before the outer loop."""
    for loop in code.all(ast.For):
        outer = code.around(loop, ast.For, ast.While)
        if outer is None or not isinstance(loop.iter, ast.Call):
            continue
        made = f"{' ' * outer.col_offset}once_ = list({code.text_of(loop.iter)})"
        yield Change(
            "worked out once",
            f"the values of the inner loop, with `{called(loop.iter)}`, were worked out once, "
            "before "
            "the outer loop",
            [code.before(outer, made), code.put(loop.iter, "once_")],
            "they belong anew to every pass",
        )
    for assign in code.all(ast.Assign):
        around = code.around(assign, ast.For)
        if around is not None and assign in around.body and isinstance(assign.value, ast.Call):
            text = code.lines(assign, around.col_offset)
            what = phrase(code, assign.value)
            yield Change(
                "worked out once",
                f"{what} were worked out once, before {_loop(code, around)}",
                [code.drop(assign), code.before(around, text)],
            )


def exchanged_loops(code: Code) -> Iterator[Change]:
    """The inner loop outside and the outer inside."""
    for loop in code.all(ast.For):
        if len(loop.body) == 1 and isinstance(loop.body[0], ast.For):
            inner = loop.body[0]
            yield Change(
                "loops exchanged",
                "the two loops were nested the other way round",
                [*_exchange(code, loop, inner)],
            )
    for comp in code.all(ast.ListComp):
        element = comp.elt
        if isinstance(element, ast.ListComp):
            yield Change(
                "loops exchanged",
                "rows and columns were exchanged",
                [*_exchange(code, comp.generators[0], element.generators[0])],
            )
        if len(comp.generators) == 2:
            yield Change(
                "loops exchanged",
                "the two loops were nested the other way round",
                [*_exchange(code, *comp.generators)],
            )


def continue_break(code: Code) -> Iterator[Change]:
    """`break` for `continue`, `return` for either, and the reverse."""
    others = {ast.Continue: ("continue", "break"), ast.Break: ("break", "continue")}
    for node in code.all(ast.Continue, ast.Break):
        old, new = others[type(node)]
        yield Change("break", f"`{new}` stood for `{old}`", [code.put(node, new)])
        yield Change("break", f"the `{old}` were missing", [code.put(node, "pass")])


def _restarts(code: Code, statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """What an assignment of plain beginnings sets, one by one and all together."""
    text = code.text_of(statement)
    if isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
            for one, new in pairs:
                yield _beginning(code, one, new), f"{code.text_of(one)} = {code.text_of(new)}"
            numbers = [p for p in pairs if not isinstance(p[1], ast.List | ast.Dict)]
            if 1 < len(numbers) < len(pairs):
                names = ", ".join(code.text_of(one) for one, _ in numbers)
                values = ", ".join(code.text_of(new) for _, new in numbers)
                yield "several values", f"{names} = {values}"
            yield "everything", text
        elif isinstance(target, ast.Name | ast.Attribute | ast.Tuple):
            yield _beginning(code, target, value), text
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        name, value_text = code.text_of(statement.target), code.text_of(statement.value)
        yield _beginning(code, statement.target, statement.value), f"{name} = {value_text}"
    elif isinstance(statement, ast.Expr) and called(statement.value):
        yield f"what `{called(statement.value)}` does", text


def _beginning(code: Code, target: ast.expr, value: ast.expr) -> str:
    said = phrase(code, target)
    if said.startswith("`"):
        return said
    if isinstance(value, ast.List | ast.Dict):
        return "a list" if isinstance(value, ast.List) else "a table"
    name = code.text_of(target)
    counted = any(code.text_of(node.target) == name for node in code.all(ast.AugAssign))
    if counted or isinstance(value, ast.Constant):
        return "a counter or sum"
    return phrase(code, value) if isinstance(value, ast.Call) else "a value"


def _statement(code: Code, statement: ast.stmt) -> str:
    """What a statement does, as the beginning of a clause that goes on "only once"."""
    if isinstance(statement, ast.Expr) and (name := called(statement.value)):
        return f"`{name}` were called"
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        said = phrase(code, target)
        if said.startswith("`"):
            return f"{said} were set"
        if isinstance(statement, ast.AugAssign):
            return "a counter or sum were updated"
        if isinstance(statement.value, ast.Call) and called(statement.value):
            return f"{phrase(code, statement.value)} were worked out"
        return "a value were worked out"
    if isinstance(statement, ast.If):
        return "a condition were tried"
    if isinstance(statement, ast.For):
        return "an inner loop were run"
    return "a step were done"


def _loop(code: Code, loop: _Loop | ast.While) -> str:
    if isinstance(loop, ast.comprehension):
        return "a loop"
    outer = code.around(loop, *_Held)
    if outer is not None:
        return "the inner loop"
    if any(isinstance(node, _Held) for part in loop.body for node in ast.walk(part)):
        return "the outer loop"
    return "the loop"


def _leaves(statement: ast.stmt) -> bool:
    """Whether it may end the pass or the loop that it stands in."""
    ends = (ast.Break, ast.Continue, ast.Return, ast.FunctionDef)
    return any(isinstance(node, ends) for node in ast.walk(statement))


def _is_inner(code: Code, loop: ast.AST) -> bool:
    return code.around(loop, *_Held) is not None


def _exchange(code: Code, one: _Loop, two: _Loop) -> Iterator[Splice]:
    for field in ("target", "iter"):
        a, b = getattr(one, field), getattr(two, field)
        yield code.put(a, code.text_of(b))
        yield code.put(b, code.text_of(a))
