"""Wrong answers made by machine: what a grader must reject if it judges at all."""

from __future__ import annotations

import ast
import itertools
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from descent.grading.sites import sites
from descent.grading.values import independent_copy, is_tensor, same, to_array


@dataclass
class Mutant:
    """A changed answer, what was changed, and whether the change ever showed.

    A transposed vector is the same vector: a mutant that never returned or changed anything
    different says nothing about the grader.
    """

    name: str
    answer: Any = None
    showed: bool = True


# ---------------------------------------------------------------- generic mutants of a function


def generic_mutants(reference: Callable[..., Any]) -> list[Mutant]:
    """Wrappers of a right function that spoil what it returns, or what it was given."""
    spoilers: dict[str, Callable[[Any], Any]] = {
        "sign flipped": lambda value: -value,
        "transposed": lambda value: value.T if value.ndim > 1 else value,
        "rounded to integers": lambda value: value // 1,
        "one added": lambda value: value + 1,
    }
    return [
        Mutant("returns None", lambda *args, **kwargs: None),
        Mutant("returns a constant", lambda *args, **kwargs: 0.5),
        Mutant("returns its input", _returns_its_input),
        _memorised(reference),
        _changes_its_input(reference),
        *(_spoiled(reference, name, change) for name, change in spoilers.items()),
    ]


def _returns_its_input(*args: Any, **kwargs: Any) -> Any:
    return args[0] if args else next(iter(kwargs.values()), None)


def _memorised(reference: Callable[..., Any]) -> Mutant:
    mutant = Mutant("memorised first case", showed=False)
    first: list[Any] = []

    def answer(*args: Any, **kwargs: Any) -> Any:
        result = reference(*args, **kwargs)
        first.append(independent_copy(result))
        mutant.showed |= not same(result, first[0])
        return independent_copy(first[0])

    mutant.answer = answer
    return mutant


def _changes_its_input(reference: Callable[..., Any]) -> Mutant:
    mutant = Mutant("changes its input", showed=False)

    def answer(*args: Any, **kwargs: Any) -> Any:
        result = independent_copy(reference(*args, **kwargs))
        for value in (*args, *kwargs.values()):
            mutant.showed |= _spoil(value)
        return result

    mutant.answer = answer
    return mutant


def _spoiled(reference: Callable[..., Any], name: str, change: Callable[[Any], Any]) -> Mutant:
    mutant = Mutant(name, showed=False)

    def answer(*args: Any, **kwargs: Any) -> Any:
        result = reference(*args, **kwargs)
        changed = _on_numbers(result, change)
        mutant.showed |= not same(result, changed)
        return changed

    mutant.answer = answer
    return mutant


def _on_numbers(value: Any, change: Callable[[Any], Any]) -> Any:
    """`change` applied to every array of real numbers inside `value`."""
    if isinstance(value, tuple):
        return tuple(_on_numbers(part, change) for part in value)
    if is_tensor(value):
        return value if str(value.dtype) == "torch.bool" else change(value)
    array = to_array(value)
    if array is None or array.dtype.kind not in "fiu":
        return value
    return change(array if array.ndim else array[()])


def _spoil(value: Any) -> bool:
    """Change `value` in place; False for what cannot be changed."""
    if is_tensor(value):
        value.detach().add_(1)
    elif isinstance(value, np.ndarray) and value.size and value.dtype.kind in "fiu":
        value += np.ones((), dtype=value.dtype)
    elif isinstance(value, list) and value:
        value.append(value[0])
    else:
        return False
    return True


# ------------------------------------------------------- syntax-tree mutants of a source text

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_NAMES = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin",
    "argmin": "argmax", "zeros": "ones", "ones": "zeros", "zeros_like": "ones_like",
    "exp": "log", "log": "exp", "train": "eval", "eval": "train", "append": "extend",
    "permutation": "permuted",
}  # fmt: skip


@dataclass(frozen=True)
class SourceMutant:
    """A changed source text; `name` shows the statement before and after."""

    name: str
    source: str


def source_mutants(source: str) -> list[SourceMutant]:
    """Every single-place change of a definition that usually makes it wrong.

    Operators and comparisons swapped, constants shifted, keyword arguments dropped, arguments
    and tuple elements swapped, statements deleted, conditions negated, `sum` for `mean`, and so
    on. Docstrings, annotations and decorators stay.
    """
    tree = ast.parse(source)
    whole = pickle.dumps(tree)  # many times quicker to read again than a deep copy
    found: dict[str, SourceMutant] = {}
    for place, (node, statement) in enumerate(sites(tree)):
        before = _shown(statement)
        for variant in range(len(list(_changes(node)))):
            changed = pickle.loads(whole)
            same_node, same_statement = next(itertools.islice(sites(changed), place, None))
            list(_changes(same_node))[variant]()
            after = _shown(same_statement)
            if after != before:
                name = f"`{before}` → `{after}`"
                found.setdefault(name, SourceMutant(name, _unparsed(changed)))
    return [*found.values(), *_deletions(tree, whole)]


def _unparsed(tree: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(tree))


def _shown(statement: ast.stmt) -> str:
    """A statement's own line: of a loop or condition only its head."""
    text = ast.unparse(statement)
    return text.splitlines()[0] if hasattr(statement, "body") else " ".join(text.split())


def _changes(node: ast.AST) -> Iterator[Callable[[], None]]:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        yield lambda: setattr(node, "op", _OPERATORS[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield lambda: node.ops.__setitem__(0, _COMPARISONS[type(node.ops[0])]())
    if isinstance(node, ast.BoolOp):
        yield lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    if isinstance(node, ast.Constant):
        yield from _constant_changes(node)
    if isinstance(node, ast.Call):
        yield from _call_changes(node)
    if isinstance(node, ast.Name | ast.Attribute):
        attribute = "id" if isinstance(node, ast.Name) else "attr"
        if getattr(node, attribute) in _NAMES:
            yield lambda: setattr(node, attribute, _NAMES[getattr(node, attribute)])
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield lambda: node.elts.__setitem__(slice(0, 2), [node.elts[1], node.elts[0]])
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))


def _constant_changes(node: ast.Constant) -> Iterator[Callable[[], None]]:
    value = node.value
    if isinstance(value, bool):
        yield lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield lambda: setattr(node, "value", value + 1)
        yield lambda: setattr(node, "value", value - 1)
    elif isinstance(value, float):
        yield lambda: setattr(node, "value", value * 2)


def _call_changes(node: ast.Call) -> Iterator[Callable[[], None]]:
    if len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield lambda: node.args.__setitem__(slice(0, 2), [node.args[1], node.args[0]])
    for place in range(len(node.keywords)):
        yield lambda place=place: node.keywords.pop(place) and None  # type: ignore[misc]


def _deletions(tree: ast.AST, whole: bytes) -> Iterator[SourceMutant]:
    """Each statement in turn replaced by `pass`; a `return` would be the generic None."""
    kept = (ast.Return, ast.FunctionDef, ast.ClassDef, ast.Pass, ast.Import, ast.ImportFrom)
    statements = list(dict.fromkeys(id(statement) for _, statement in sites(tree)))
    for place in range(len(statements)):
        changed = pickle.loads(whole)
        ordered = list({id(statement): statement for _, statement in sites(changed)}.values())
        doomed = ordered[place]
        if isinstance(doomed, kept):
            continue
        for parent in ast.walk(changed):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and doomed in block:
                    block[block.index(doomed)] = ast.Pass()
        yield SourceMutant(f"`{_shown(doomed)}` deleted", _unparsed(changed))
