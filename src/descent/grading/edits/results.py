"""Slips in what is returned: order, number, kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import ordinal


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
                    clause = (f"the {ordinal(i)} and the {ordinal(j)} result were returned"
                              f"{_method(code, value)} in the other order")  # fmt: skip
                    yield Change("swapped results", clause, code.swap(one, two))


def too_few_results(code: Code) -> Iterator[Change]:
    """One of several results only, or one lost."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple) and len(value.elts) > 1:
            for i, one in enumerate(value.elts):
                yield Change("one result", f"only the {ordinal(i)} result were returned"
                             + _method(code, value), [code.put(value, code.inside(one))])  # fmt: skip
                if len(value.elts) > 2:
                    rest = [code.text_of(e) for e in value.elts if e is not one]
                    yield Change("lost result", f"the {ordinal(i)} result were missing"
                                 + _method(code, value),
                                 [code.put(value, f"({', '.join(rest)})")])  # fmt: skip


def same_result_twice(code: Code) -> Iterator[Change]:
    """One result in the place of another as well."""
    for value in _returned(code):
        if isinstance(value, ast.Tuple):
            for (i, one), (j, two) in combinations(enumerate(value.elts), 2):
                clause = "the {} result were returned in the place of the {} one as well"
                yield Change("result twice", clause.format(ordinal(i), ordinal(j)),
                             [code.put(two, code.inside(one))])  # fmt: skip
                yield Change("result twice", clause.format(ordinal(j), ordinal(i)),
                             [code.put(one, code.inside(two))])  # fmt: skip


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
    ("{} + 1", "the {result} were one too large"),
    ("{} - 1", "the {result} were one too small"),
    ("round({})", "the {result} were rounded"),
    ("int({})", "the {result} were cut to a whole number"),
    ("abs({})", "you took the absolute value of the {result}"),
    ("{}.log()", "you took the logarithm of the {result}"),
    ("{}.exp()", "you took the exponential of the {result}"),
    ("{}.unsqueeze(-1)", "the {result} had one axis too many, of length 1"),
    ("{}.T", "the {result} were transposed"),
    ("{}.tolist()", "the {result} were a list, not a tensor"),
    ("list({})", "the {result} were a list"),
    ("{}[:-1]", "the {result} lacked its last element"),
    ("{}[1:]", "the {result} lacked its first element"),
    ("{}[0]", "the {result} were its first element only"),
    ("{}[-1]", "the {result} were its last element only"),
    ("{}[::-1]", "the {result} stood in reversed order"),
    ("sorted({})", "the {result} were sorted"),
    ("{} * 100", "the {result} were a percentage"),
    ("{}.softmax(-1)", "the {result} went through a softmax as well"),
    ("{}.relu()", "the {result} went through a ReLU as well"),
    ("{}.numpy()", "the {result} were a numpy array, not a tensor"),
    ("{}.float()", "the {result} were of dtype float32"),
]


def changed_result(code: Code) -> Iterator[Change]:
    """Something more done to a result: negated, halved, averaged, made a plain number."""
    for pattern, clause in _WRAPPED:
        for value in _returned(code):
            results = value.elts if isinstance(value, ast.Tuple) else [value]
            of = f" of `{code.function(value).name}`" if code.is_class else ""
            for place, result in enumerate(results):
                if isinstance(result, ast.Constant | ast.ListComp | ast.Dict):
                    continue
                name = f"{ordinal(place)} result" if len(results) > 1 else "result"
                text = pattern.format(code.inside(result))
                yield Change("changed result", clause.format(result=name + of),
                             [code.put(result, text)])  # fmt: skip


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
                    yield Change("other result", f"{known} were returned for {the}{_method(code, value)}",
                                 [code.put(result, name)])  # fmt: skip


def same_through_call(code: Code) -> Iterator[Change]:
    """`.item()`, `float(…)` and other wrapping of a result forgotten."""
    for value in _returned(code):
        results = value.elts if isinstance(value, ast.Tuple) else [value]
        for place, result in enumerate(results):
            the = f"the {ordinal(place)} result" if len(results) > 1 else "the result"
            if called(result) == "item" and isinstance(result.func, ast.Attribute):  # type: ignore[attr-defined]
                yield Change("tensor for number", f"{the} were a tensor, not a plain number",
                             [code.put(result, code.inside(result.func.value))])  # type: ignore[attr-defined] # fmt: skip


def nothing_returned(code: Code) -> Iterator[Change]:
    """The `return` forgotten."""
    for node in code.all(ast.Return):
        if node.value is not None:
            yield Change("no return", f"nothing were returned{_method(code, node)}",
                         [code.put(node, code.text_of(node.value))], "is a `return` missing?")  # fmt: skip
