"""Slips in what is returned: order, number, kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, arguments, called, is_module
from descent.grading.edits.phrases import listed, ordinal, phrase


def _returned(code: Code) -> Iterator[ast.expr]:
    for node in code.all(ast.Return):
        if node.value is not None:
            yield node.value


def _method(code: Code, node: ast.AST) -> str:
    return f" by `{code.function(node).name}`" if code.is_class else ""


def swapped_results(code: Code) -> Iterator[Change]:
    """Two of several results in each other's place."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple):
            for (i, one), (j, two) in combinations(enumerate(value.elts), 2):
                if code.text_of(one) != code.text_of(two):
                    clause = (
                        f"the {ordinal(i)} and the {ordinal(j)} result were returned"
                        f"{_method(code, value)} in the other order"
                    )
                    yield Change("swapped results", clause, code.swap(one, two))


def results_in_a_round(code: Code) -> Iterator[Change]:
    """The last result first, or the first last."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple) and len(value.elts) > 2:
            texts = [code.text_of(element) for element in value.elts]
            for new, moved in (
                ([texts[-1], *texts[:-1]], "the last result were returned first"),
                ([*texts[1:], texts[0]], "the first result were returned last"),
            ):
                yield Change(
                    "swapped results",
                    moved + _method(code, value),
                    [code.put(value, f"({', '.join(new)})")],
                )


def too_few_results(code: Code) -> Iterator[Change]:
    """One of several results only, or one lost."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple) and len(value.elts) > 1:
            for i, one in enumerate(value.elts):
                yield Change(
                    "one result",
                    f"only the {ordinal(i)} result were returned" + _method(code, value),
                    [code.put(value, code.inside(one))],
                )
                if len(value.elts) > 2:
                    rest = [code.text_of(e) for e in value.elts if e is not one]
                    yield Change(
                        "lost result",
                        f"the {ordinal(i)} result were missing" + _method(code, value),
                        [code.put(value, f"({', '.join(rest)})")],
                    )


def same_result_twice(code: Code) -> Iterator[Change]:
    """One result in the place of another as well."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple):
            for (i, one), (j, two) in combinations(enumerate(value.elts), 2):
                clause = "the {} result were returned in the place of the {} one as well"
                yield Change(
                    "result twice",
                    clause.format(ordinal(i), ordinal(j)),
                    [code.put(two, code.inside(one))],
                )
                yield Change(
                    "result twice",
                    clause.format(ordinal(j), ordinal(i)),
                    [code.put(one, code.inside(two))],
                )


_WRAPPED = [
    ("-{}", "the sign of the {result} were turned round"),
    ("{} * 2", "the {result} were doubled"),
    ("{} / 2", "the {result} were halved"),
    ("{}.mean()", "the {result} were averaged to one number"),
    ("{}.sum()", "the {result} were summed to one number"),
    ("{}.item()", "the {result} were a plain number, not a tensor"),
    ("{}.detach()", "the {result} were detached from its graph"),
    ("{} ** 0.5", "you took the square root of the {result}"),
    ("{} ** 2", "you squared the {result}"),
    ("1 - {}", "you returned one minus the {result}"),
    ("1 / {}", "the {result} stood upside down"),
    ("{} / 0.6931471805599453", "the {result} were a logarithm to base 2"),
    ("math.log({})", "you took the logarithm of the {result}"),
    ("{} + 1", "the {result} were one too large"),
    ("{} - 1", "the {result} were one too small"),
    ("round({})", "the {result} were rounded"),
    ("int({})", "the {result} were cut to a whole number"),
    ("abs({})", "you took the absolute value of the {result}"),
    ("{}.log()", "you took the logarithm of the {result}"),
    ("{}.exp()", "you took the exponential of the {result}"),
    ("{}.unsqueeze(-1)", "the {result} had one axis too many, of length 1"),
    ("{}.T", "the {result} were transposed"),
    ("{}[:-1]", "the {result} lacked its last element"),
    ("{}[1:]", "the {result} lacked its first element"),
    ("{}[0]", "the {result} were its first element only"),
    ("{}[-1]", "the {result} were its last element only"),
    ("{}[::-1]", "the {result} stood in reversed order"),
    ("sorted({})", "the {result} were sorted"),
    ("{} * 100", "the {result} were a percentage"),
    ("{}.softmax(-1)", "the {result} went through a softmax as well"),
    ("{}.relu()", "the {result} went through a ReLU as well"),
    ("{}.requires_grad_()", "the {result} required a gradient"),
    ("{}.squeeze()", "the {result} lost its axes of length 1"),
    ("{}.double()", "the {result} were of dtype float64"),
    ("float({})", "the {result} were a plain number, not a tensor"),
    ("{}.flatten()", "the {result} were laid flat"),
    ("{}.float()", "the {result} were of dtype float32"),
]


_TYPES = [
    ("{}.tolist()", "the {result} were a list, not a tensor"),
    ("list({})", "the {result} were a list"),
    ("{}.numpy()", "the {result} were a numpy array, not a tensor"),
    ("tuple({})", "the {result} were a tuple"),
    ("torch.tensor({})", "the {result} were a tensor"),
    ("[{}]", "the {result} stood in a list of its own"),
]


def changed_result(code: Code) -> Iterator[Change]:
    """Something more done to a result: negated, halved, averaged, made a plain number."""
    yield from _wrapped(code, _WRAPPED)


def other_type(code: Code) -> Iterator[Change]:
    """A result of another type, with what is in it right."""
    yield from _wrapped(code, _TYPES)


def _wrapped(code: Code, patterns: list[tuple[str, str]]) -> Iterator[Change]:
    for pattern, clause in patterns:
        for value in _returned(code):
            results = value.elts if isinstance(value, ast.Tuple) else [value]
            of = f" of `{code.function(value).name}`" if code.is_class else ""
            for place, result in enumerate(results):
                if isinstance(result, ast.Constant | ast.ListComp | ast.Dict):
                    continue
                name = f"{ordinal(place)} result" if len(results) > 1 else "result"
                text = pattern.format(code.inside(result))
                yield Change(
                    "changed result", clause.format(result=name + of), [code.put(result, text)]
                )


_STEPS = [
    ("-{}", "{it} had the other sign"),
    ("{}.exp()", "an exponential of {it} were taken"),
    ("{}.log()", "a logarithm of {it} were taken"),
    ("({} ** 0.5)", "a square root of {it} were taken"),
    ("({} ** 2)", "{it} were squared"),
    ("({} * 2)", "{it} were doubled"),
    ("({} / 2)", "{it} were halved"),
    ("({} + 1)", "{it} were one more"),
    ("({} - 1)", "{it} were one less"),
    ("{}.mean()", "{it} were averaged to one number"),
    ("{}.sum()", "{it} were summed to one number"),
    ("abs({})", "{it} lost its sign"),
    ("{}.softmax(-1)", "{it} went through a softmax as well"),
    ("{}.T", "{it} were transposed"),
    ("{}.sort().values", "{it} were sorted"),
    ("round({})", "{it} were rounded"),
    ("int({})", "{it} were cut to a whole number"),
]


def changed_step(code: Code) -> Iterator[Change]:
    """The same with what is worked out on the way, or recorded."""
    values = [node.value for node in code.all(ast.Assign) if not isinstance(node.value, ast.Tuple)]
    values += [
        call.args[0] for call in code.all(ast.Call) if called(call) == "append" and call.args
    ]
    values += [node.value for node in code.all(ast.AugAssign)]
    for pattern, clause in _STEPS:
        for value in values:
            if not isinstance(value, ast.Constant | ast.List | ast.Dict | ast.ListComp | ast.Tuple):
                text = pattern.format(code.inside(value))
                yield Change(
                    "changed step", clause.format(it=phrase(code, value)), [code.put(value, text)]
                )


def cut_chain(code: Code) -> Iterator[Change]:
    """The last steps of a chain of calls forgotten: `x.float()` of `x.float().mean().item()`."""
    for value in _returned(code):
        for result in value.elts if isinstance(value, ast.Tuple) else [value]:
            names: list[str] = []
            node: ast.expr = result
            while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if is_module(node.func.value):
                    break
                names.append(f"`{called(node)}`")
                node = node.func.value
                if len(names) > 1:
                    yield Change(
                        "forgotten calls",
                        f"{listed(names[::-1])} were missing at the end",
                        [code.put(result, code.inside(node))],
                    )


def returned_part(code: Code) -> Iterator[Change]:
    """A parameter or something on the way returned in the place of the result."""
    for value in _returned(code):
        results = value.elts if isinstance(value, ast.Tuple) else [value]
        function = code.function(value)
        names = [a.arg for a in function.args.args if a.arg != "self"]
        names += [name for (f, name) in code.stores if f is function and name not in names]
        for place, result in enumerate(results):
            the = f"the {ordinal(place)} result" if len(results) > 1 else "the result"
            for name in names:
                if name != code.text_of(result):
                    known = f"`{name}`" if name in code.known else "an intermediate result"
                    yield Change(
                        "other result",
                        f"{known} were returned for {the}{_method(code, value)}",
                        [code.put(result, name)],
                    )


def same_through_call(code: Code) -> Iterator[Change]:
    """`.item()`, `float(…)` and other wrapping of a result forgotten."""
    for value in _returned(code):
        results = value.elts if isinstance(value, ast.Tuple) else [value]
        for place, result in enumerate(results):
            the = f"the {ordinal(place)} result" if len(results) > 1 else "the result"
            if not isinstance(result, ast.Call) or called(result) != "item":
                continue
            if isinstance(result.func, ast.Attribute):
                yield Change(
                    "tensor for number",
                    f"{the} were a tensor, not a plain number",
                    [code.put(result, code.inside(result.func.value))],
                )


def nothing_returned(code: Code) -> Iterator[Change]:
    """The `return` forgotten."""
    for node in code.all(ast.Return):
        if node.value is not None:
            yield Change(
                "no return",
                f"nothing were returned{_method(code, node)}",
                [code.put(node, code.text_of(node.value))],
                "is a `return` missing?",
            )


def result_and_parameter(code: Code) -> Iterator[Change]:
    """A result multiplied with a parameter, divided by it, or by its length."""
    for value in _returned(code):
        results = value.elts if isinstance(value, ast.Tuple) else [value]
        for argument in arguments(code.function(value)):
            kind = code.text_of(argument.annotation) if argument.annotation else ""
            name = argument.arg
            if any(word in kind for word in ("Tensor", "ndarray", "list", "Array")):
                size = f"len({name})"
                done = [
                    (f"{{}} * {size}", "the {r} were multiplied by the length of `{n}`"),
                    (f"{{}} / {size}", "the {r} were divided by the length of `{n}`"),
                ]
            elif kind in ("int", "float"):
                done = [
                    (f"{{}} * {name}", "the {r} were multiplied by `{n}`"),
                    (f"{{}} / {name}", "the {r} were divided by `{n}`"),
                ]
            else:
                continue
            for place, result in enumerate(results):
                said = f"{ordinal(place)} result" if len(results) > 1 else "result"
                for pattern, clause in done:
                    yield Change(
                        "changed result",
                        clause.format(r=said, n=name),
                        [code.put(result, pattern.format(code.inside(result)))],
                    )
