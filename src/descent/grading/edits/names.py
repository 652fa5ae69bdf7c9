"""Slips in names: another variable of the same kind, two exchanged, an argument not used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, Splice, arguments, called, defaults, is_number
from descent.grading.edits.phrases import phrase, where
from descent.grading.sites import Function

_USUAL = {
    "momentum": ("0.1", "0.9"),
    "learning_rate": ("0.1", "0.01", "0.001"),
    "lr": ("0.001", "0.01"),
    "eps": ("1e-5", "1e-8", "0.0"),
    "epsilon": ("1e-8", "1e-5", "0.0"),
    "temperature": ("1.0",),
    "stride": ("1", "2"),
    "padding": ("0", "1"),
    "p": ("0.5",),
    "k": ("1", "1.0"),
    "batch_size": ("1",),
    "epochs": ("1",),
    "beta": ("0.9",),
    "beta1": ("0.9",),
    "beta2": ("0.999",),
    "weight_decay": ("0.0",),
    "decay": ("0.0", "0.1"),
    "smoothing": ("0.0", "0.1"),
    "h": ("1e-4", "1e-5"),
    "size": ("4",),
    "dropout": ("0.0", "0.1"),
    "seed": ("0",),
    "classes": ("10",),
    "generator": ("None",),
    "rng": ("np.random.default_rng(0)", "np.random"),
}
_BY_TYPE = {"float": ("1.0", "0.0"), "int": ("1", "0"), "bool": ("True", "False")}


def argument_not_used(code: Code) -> Iterator[Change]:
    """An argument replaced everywhere by its default, its usual value, or what does nothing."""
    for function in code.functions:
        given = defaults(function)
        for argument in arguments(function):
            name = argument.arg
            reads = code.loads.get((function, name), [])
            if not reads:
                continue
            values: list[tuple[str, str]] = []
            if name in given:
                values.append((code.text_of(given[name]), "its default"))
            values += [(usual, "a usual value") for usual in _USUAL.get(name, ())]
            kind = code.text_of(argument.annotation) if argument.annotation else ""
            values += [(plain, "") for plain in _BY_TYPE.get(kind, ())]
            for text in dict.fromkeys(text for text, _ in values):
                why = dict(reversed(values))[text]
                shown = "" if text.startswith("np.") else f" {text}"
                clause = f"`{name}` were always{shown}" + (f", {why}" if why and shown else "")
                if name in ("generator", "rng"):
                    clause = f"what is drawn did not come from `{name}`"
                yield Change(
                    "argument not used",
                    clause,
                    [code.put(read, text) for read in reads],
                    "use the argument",
                )


def other_default(code: Code) -> Iterator[Change]:
    """A default of the signature changed."""
    others = {"True": ["False"], "False": ["True"], "None": ["0"]}
    for function in code.functions:
        for name, default in defaults(function).items():
            text = code.text_of(default)
            new = others.get(text, [])
            if is_number(default):
                value = default.value  # type: ignore[attr-defined]
                new = [usual for usual in _USUAL.get(name, ()) if float(usual) != value]
                new += [repr(value + 1), repr(value * 10), repr(value / 10)]
                new += [repr(type(value)(0))] if value else ["1"]
            for other in new:
                yield Change(
                    "other default",
                    f"the default of `{name}` were not `{text}`",
                    [code.put(default, other)],
                )


def exchanged_parameters(code: Code) -> Iterator[Change]:
    """Two parameters of the same type exchanged everywhere."""
    for function in code.functions:
        for one, two in combinations(arguments(function), 2):
            if _kind(code, one) != _kind(code, two):
                continue
            pairs = [(read, two.arg) for read in code.loads.get((function, one.arg), ())]
            pairs += [(read, one.arg) for read in code.loads.get((function, two.arg), ())]
            if pairs:
                yield Change(
                    "exchanged names",
                    f"`{one.arg}` and `{two.arg}` were exchanged",
                    [code.put(read, name) for read, name in pairs],
                )


def exchanged_values(code: Code) -> Iterator[Change]:
    """The two sides of `a, b = …` exchanged: names or values."""
    for node in code.all(ast.Assign):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, two in combinations(value.elts, 2):
                if code.text_of(one) != code.text_of(two):
                    yield _exchanged(code, one, two, "two values were")
        elif isinstance(target, ast.Tuple):
            for one, two in combinations(target.elts, 2):
                yield _exchanged(code, one, two, f"two of the values of {phrase(code, value)} were")
    for loop in code.all(ast.For, ast.comprehension):
        if isinstance(loop.target, ast.Tuple):
            for one, two in combinations(loop.target.elts, 2):
                if not isinstance(one, ast.Starred) and not isinstance(two, ast.Starred):
                    yield _exchanged(code, one, two, "two values that a loop gives were")


def _exchanged(code: Code, one: ast.expr, two: ast.expr, what: str) -> Change:
    said = [phrase(code, part) for part in (one, two)]
    if all(part.startswith("`") for part in said):
        what = f"{said[0]} and {said[1]} were"
    splices = [code.put(one, code.text_of(two)), code.put(two, code.text_of(one))]
    return Change("exchanged names", f"{what} exchanged", splices)


def exchanged_occurrences(code: Code) -> Iterator[Change]:
    """Two names of one kind exchanged within one statement."""
    by_statement: dict[ast.stmt, list[ast.Name]] = {}
    for node in code.all(ast.Name):
        if isinstance(node.ctx, ast.Load):
            by_statement.setdefault(code.statement(node), []).append(node)
    for names in by_statement.values():
        function = code.function(names[0])
        present = list(dict.fromkeys(node.id for node in names))
        for one, two in combinations(present, 2):
            if _same_kind(code, function, one, two):
                swapped = {one: two, two: one}
                splices = [code.put(n, swapped[n.id]) for n in names if n.id in swapped]
                what = _pair(code, one, two)
                yield Change(
                    "exchanged names", f"{what} were exchanged{where(code, names[0])}", splices
                )


def other_name(code: Code) -> Iterator[Change]:
    """Another variable of the same kind read in one place."""
    for node in code.all(ast.Name):
        if not isinstance(node.ctx, ast.Load) or _is_called(code, node):
            continue
        function = code.function(node)
        for other in _names(code, function):
            if other != node.id and _same_kind(code, function, node.id, other):
                yield _taken(code, [node], other)


def other_name_in_statement(code: Code) -> Iterator[Change]:
    """Another variable of the same kind everywhere in one statement, or in all that follow."""
    by_statement: dict[tuple[ast.stmt, str], list[ast.Name]] = {}
    for node in code.all(ast.Name):
        if isinstance(node.ctx, ast.Load):
            by_statement.setdefault((code.statement(node), node.id), []).append(node)
    for (_, name), reads in by_statement.items():
        if len(reads) > 1:
            function = code.function(reads[0])
            for other in _names(code, function):
                if other != name and _same_kind(code, function, name, other):
                    yield _taken(code, reads, other)


def any_other_name(code: Code) -> Iterator[Change]:
    """Any other variable at all in one place."""
    for node in code.all(ast.Name):
        if not isinstance(node.ctx, ast.Load) or _is_called(code, node):
            continue
        function = code.function(node)
        if (function, node.id) not in code.stores and node.id not in _parameters(function):
            continue
        for other in _names(code, function):
            if other != node.id and not _same_kind(code, function, node.id, other):
                yield _taken(code, [node], other)


def _taken(code: Code, reads: list[ast.Name], other: str) -> Change:
    node = reads[0]
    was = phrase(code, node)
    new = f"`{other}`" if other in code.known else "another intermediate result"
    call = code.around(node, ast.Call)
    at = where(code, node)
    if isinstance(call, ast.Call) and node in call.args and called(call) in code.known:
        at += f", in the call of `{called(call)}`"
    clause = f"{new} stood in the place of {was}{at}"
    if not new.startswith("`") and was == "an intermediate result":
        clause = f"one intermediate result stood in the place of another{at}"
    return Change("other name", clause, [code.put(read, other) for read in reads])


def other_attribute(code: Code) -> Iterator[Change]:
    """Another attribute of the same object: the running mean for the running variance."""
    found: dict[str, set[str]] = {}
    for node in code.all(ast.Attribute):
        if not _is_called(code, node):
            found.setdefault(code.text_of(node.value), set()).add(node.attr)
    for node in code.all(ast.Attribute):
        if not isinstance(node.ctx, ast.Load) or _is_called(code, node):
            continue
        base = code.text_of(node.value)
        for other in sorted(found.get(base, set()) | _partners(node.attr)):
            if other != node.attr:
                new = f"{base}.{other}"
                told = other in code.known or base not in ("self",)
                said = f"`.{other}`" if told else "another attribute"
                clause = f"{said} stood in the place of `.{node.attr}`{where(code, node)}"
                yield Change("other attribute", clause, [code.put(node, new)])


def other_of_two(code: Code) -> Iterator[Change]:
    """`norm1` for `norm2`: names that differ in a digit at the end."""
    for node in code.all(ast.Attribute):
        digit = node.attr[-1:]
        if digit in ("1", "2", "3"):
            for other in {"1": "2", "2": "1", "3": "21"}[digit]:
                name = node.attr[:-1] + other
                clause = f"`.{name}` stood in the place of `.{node.attr}`{where(code, node)}"
                text = f"{code.text_of(node.value)}.{name}"
                yield Change("other attribute", clause, [code.put(node, text)])
    for statement in code.all(ast.Expr):
        text = code.lines(statement, statement.col_offset)
        for old, new in (("2", "1"), ("1", "2")):
            found = re.search(rf"\.(\w+){old}\b", text)
            if found:
                more = re.sub(rf"\.(\w+){old}\b", rf".\g<1>{new}", text)
                clause = f"it were done to `.{found[1]}{new}` as well as to `.{found[1]}{old}`"
                yield Change("too much", clause, [code.after(statement, more)])


_PARTNERS = [
    ("weight", "bias"),
    ("running_mean", "running_var"),
    ("values", "indices"),
    ("in_channels", "out_channels"),
    ("parameters", "buffers"),
]


def _partners(name: str) -> set[str]:
    return {other for pair in _PARTNERS if name in pair for other in pair}


def exchanged_arguments(code: Code) -> Iterator[Change]:
    """Two arguments of a call exchanged."""
    for node in code.all(ast.Call):
        plain = [a for a in node.args if not isinstance(a, ast.Starred | ast.GeneratorExp)]
        name = called(node)
        the = f" of `{name}`" if name in code.known or isinstance(node.func, ast.Attribute) else ""
        for one, two in combinations(plain, 2):
            if code.text_of(one) != code.text_of(two):
                i, j = plain.index(one) + 1, plain.index(two) + 1
                yield Change(
                    "exchanged arguments",
                    f"two arguments of a call{the} were exchanged ({i} and {j})",
                    code.swap(one, two),
                )


_CHANGED = [
    ("{}.softmax(-1)", "`{}` went through a softmax first"),
    ("{}.log_softmax(-1)", "`{}` went through a log-softmax first"),
    ("{}.exp()", "you took the exponential of `{}` first"),
    ("{}.log()", "you took the logarithm of `{}` first"),
    ("{}.abs()", "`{}` lost its signs first"),
    ("{}.flip(0)", "`{}` were turned round along its first axis"),
    ("{}.flip(-1)", "`{}` were turned round along its last axis"),
    ("{}.flip(-2, -1)", "`{}` were turned upside down"),
    ("{}.sort().values", "`{}` were sorted first"),
]


def changed_parameter(code: Code) -> Iterator[Change]:
    """Something done to a tensor that was given before it is used."""
    for function in code.functions:
        for argument in arguments(function):
            kind = code.text_of(argument.annotation) if argument.annotation else ""
            reads = code.loads.get((function, argument.arg), ())
            if kind != "Tensor" or not reads:
                continue
            for pattern, clause in _CHANGED:
                text = pattern.format(argument.arg)
                yield Change(
                    "changed argument",
                    clause.format(argument.arg),
                    [code.put(read, text) for read in reads],
                )


def ignored_entirely(code: Code) -> Iterator[Change]:
    """A parameter overwritten by a neutral tensor."""
    for function in code.functions:
        for argument in arguments(function):
            reads = code.loads.get((function, argument.arg), [])
            kind = code.text_of(argument.annotation) if argument.annotation else ""
            if "Tensor" in kind and reads:
                for make, words in (("zeros_like", "zeros"), ("ones_like", "ones")):
                    splices = [code.put(read, f"torch.{make}({argument.arg})") for read in reads]
                    yield Change("argument not used", f"`{argument.arg}` were all {words}", splices)


def _names(code: Code, function: Function) -> list[str]:
    stored = [name for (owner, name) in code.stores if owner is function and name != "_"]
    return list(dict.fromkeys([*_parameters(function), *stored]))


def _parameters(function: Function) -> list[str]:
    return [argument.arg for argument in arguments(function)]


def _kind(code: Code, argument: ast.arg) -> str:
    return code.text_of(argument.annotation) if argument.annotation else ""


def _same_kind(code: Code, function: Function, one: str, two: str) -> bool:
    """Whether two names are alike: of one type, or assigned, or given by a loop, together."""
    return bool(_kinds(code, function, one) & _kinds(code, function, two))


def _kinds(code: Code, function: Function, name: str) -> set[str]:
    cache = code.kinds
    if (function, name) not in cache:
        kinds = {_kind(code, a) for a in arguments(function) if a.arg == name}
        for store in code.stores.get((function, name), ()):
            parent = code.parent(store)
            if isinstance(parent, ast.Tuple):
                kinds.add(f"together at {code.span(parent)}")
                kinds |= {
                    kind
                    for other in parent.elts
                    if isinstance(other, ast.Name)
                    for a in arguments(function)
                    if a.arg == other.id and (kind := _kind(code, a))
                }
            value = getattr(parent, "value", None)
            kinds |= _value_kinds(code, function, value)
            if isinstance(parent, ast.For) and called(parent.iter) == "range":
                kinds.add("int")
        cache[function, name] = kinds
    return cache[function, name]


def _value_kinds(code: Code, function: Function, value: ast.AST | None) -> set[str]:
    """What an assigned value is like: called the same way, or made of a parameter."""
    if isinstance(value, ast.Call) and called(value):
        return {f"by {called(value)}"}
    if isinstance(value, ast.BinOp):
        names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        return {_kind(code, a) for a in arguments(function) if a.arg in names}
    if isinstance(value, ast.Name | ast.Subscript):
        inner = value.value if isinstance(value, ast.Subscript) else value
        return {
            _kind(code, a)
            for a in arguments(function)
            if isinstance(inner, ast.Name) and a.arg == inner.id
        }
    return set()


def _pair(code: Code, one: str, two: str) -> str:
    if one in code.known and two in code.known:
        return f"`{one}` and `{two}`"
    return "two intermediate results"


def _is_called(code: Code, node: ast.AST) -> bool:
    parent = code.parent(node)
    return isinstance(parent, ast.Call) and parent.func is node


def stale_value(code: Code) -> Iterator[Change]:
    """A new value given to a name too early: the parameters of a tuple assignment one by one."""
    for node in code.all(ast.Assign):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            lines: list[str] = []
            indent = " " * node.col_offset
            for one, new in zip(target.elts, value.elts, strict=False):
                lines.append(f"{code.text_of(one)} = {code.text_of(new)}")
            splices: list[Splice] = [code.put(node, f"\n{indent}".join(lines))]
            yield Change(
                "one after another",
                "two values were updated one after the other, the second from the new first",
                splices,
                "compute both, then assign both",
            )
