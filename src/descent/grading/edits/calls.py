"""Slips in calls as such: one forgotten, done twice, in another order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_module
from descent.grading.edits.phrases import phrase, where

_WRAPPERS = {
    "float",
    "int",
    "round",
    "abs",
    "list",
    "tuple",
    "sorted",
    "reversed",
    "set",
    "str",
    "sqrt",
    "log",
    "exp",
    "relu",
    "tanh",
    "softmax",
    "log_softmax",
    "sigmoid",
    "asarray",
    "array",
    "tensor",
    "deepcopy",
    "copy",
    "ceil",
    "floor",
    "enumerate",
    "normalize",
    "square",
    "no_grad",
    "softmax_with_temperature",
    "dropout",
    "pad",
}


_METHODS = {
    "item": "`.item()`",
    "detach": "`.detach()`",
    "clone": "`.clone()`",
    "copy": "`.copy()`",
    "float": "`.float()`",
    "double": "`.double()`",
    "mean": "the mean",
    "sum": "the sum",
    "sqrt": "the square root",
    "log": "the logarithm",
    "exp": "the exponential",
    "abs": "the absolute value",
    "flatten": "`.flatten(…)`",
    "clamp": "the clamping",
    "lower": "`.lower()`",
    "T": "the transpose",
    "long": "`.long()`",
    "to": "`.to(…)`",
    "tolist": "`.tolist()`",
    "softmax": "the softmax",
    "cumsum": "the running sum",
    "square": "the square",
    "norm": "the norm",
    "contiguous": "`.contiguous(…)`",
    "requires_grad_": "`.requires_grad_(…)`",
    "eval": "`.eval()`",
    "tril": "the triangle",
    "masked_fill": "the mask",
    "astype": "`.astype(…)`",
    "sort": "the sorting",
    "bool": "`.bool()`",
    "reshape": "`.reshape(…)`",
    "view": "`.view(…)`",
    "view_as": "`.view_as(…)`",
    "unsqueeze": "`.unsqueeze(…)`",
    "squeeze": "`.squeeze(…)`",
    "manual_seed": "the seed",
    "transpose": "`.transpose(…)`",
    "permute": "`.permute(…)`",
    "unfold": "an `.unfold(…)`",
    "int": "`.int()`",
    "size": "the size",
}

_NOT_FORGOTTEN = {"range", "arange", "zip", "max", "min", "isinstance", "getattr", "setattr"}


def forgotten_call(code: Code) -> Iterator[Change]:
    """What a call does not done at all: `x` for `f(x)` and for `x.f()`."""
    for node in code.all(ast.Call):
        name = called(node)
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
            if _is_statement(code, node) or code.text_of(node.func.value) == "self":
                continue
            if not node.args or name in _METHODS:
                what = _METHODS.get(name, f"a `{name}`")
                yield Change(
                    "forgotten call",
                    f"{what} were missing{where(code, node)}",
                    [code.put(node, code.inside(node.func.value))],
                )
        elif (
            node.args
            and not _is_statement(code, node)
            and not isinstance(node.args[0], ast.Starred)
        ):
            known = name in _WRAPPERS or name in code.known or isinstance(node.func, ast.Attribute)
            what = f"a `{name}`" if known and name else "a step"
            if len(node.args) == 1 or (known and name not in _NOT_FORGOTTEN):
                yield Change(
                    "forgotten call",
                    f"{what} were missing{where(code, node)}",
                    [code.put(node, code.inside(node.args[0]))],
                )
    for attribute in code.all(ast.Attribute):
        if attribute.attr in ("values", "indices") and isinstance(attribute.ctx, ast.Load):
            other = "indices" if attribute.attr == "values" else "values"
            if not isinstance(code.parent(attribute), ast.Call):
                yield Change(
                    "other attribute",
                    f"`.{other}` stood for `.{attribute.attr}`" + where(code, attribute),
                    [code.put(attribute, f"{code.text_of(attribute.value)}.{other}")],
                )


def nested_order(code: Code) -> Iterator[Change]:
    """f(g(x)) where g(f(x)) belongs."""
    for node in code.all(ast.Call):
        inner = node.args[0] if node.args else None
        if isinstance(inner, ast.Call) and inner.args:
            rest = [code.text_of(a) for a in (*node.args[1:], *node.keywords)]
            others = [code.text_of(a) for a in (*inner.args[1:], *inner.keywords)]
            first = ", ".join([code.text_of(inner.args[0]), *rest])
            text = f"{code.text_of(node.func)}({first})"
            text = f"{code.text_of(inner.func)}({', '.join([text, *others])})"
            one, two = _step(code, node), _step(code, inner)
            yield Change(
                "order of steps",
                f"{one} came before {two}{where(code, node)}, not after it",
                [code.put(node, text)],
            )
    for node in code.all(ast.Call):
        outer = node.func
        if isinstance(outer, ast.Attribute) and isinstance(outer.value, ast.Call):
            inner = outer.value
            if isinstance(inner.func, ast.Attribute) and not is_module(inner.func.value):
                given = [code.text_of(a) for a in (*node.args, *node.keywords)]
                others = [code.text_of(a) for a in (*inner.args, *inner.keywords)]
                text = f"{code.inside(inner.func.value)}.{outer.attr}({', '.join(given)})"
                text = f"{text}.{inner.func.attr}({', '.join(others)})"
                clause = f"`{outer.attr}` came before `{inner.func.attr}`{where(code, node)}"
                yield Change("order of steps", clause + ", not after it", [code.put(node, text)])


def summed_loss(code: Code) -> Iterator[Change]:
    """A loss or gradient that is a sum over the batch, or divided once more."""
    for node in code.all(ast.Call):
        name = called(node)
        if name not in code.known and name != "cross_entropy" or _is_statement(code, node):
            continue
        if not (
            name.endswith("loss") or "entropy" in name or "error" in name or "gradient" in name
        ):
            continue
        if not node.args:
            continue
        size = f"len({code.text_of(node.args[-1])})"
        text = code.text_of(node)
        at = where(code, node)
        if "gradient" in name:
            scaled = [f"tuple(part_ {sign} {size} for part_ in {text})" for sign in "*/"]
        else:
            scaled = [f"({text} {sign} {size})" for sign in "*/"]
        if "batch_size" in code.text and "batch_size" not in text:
            weight = f"{size} / batch_size"
            fixed = f"tuple(part_ * {weight} for part_ in {text})"
            new = fixed if "gradient" in name else f"({text} * {weight})"
            yield Change(
                "fixed divisor",
                f"what `{name}` gives were divided by the size of a full "
                f"batch in the last, shorter one too{at}",
                [code.put(node, new)],
            )
        for new, clause in zip(
            scaled,
            ("summed over the batch, not averaged", "divided by the size of the batch once more"),
            strict=True,
        ):
            yield Change(
                "sum for mean", f"what `{name}` gives were {clause}{at}", [code.put(node, new)]
            )
        root = f"({text}) ** 0.5"
        if "gradient" not in name:
            yield Change(
                "root too much",
                f"you took a square root of what `{name}` gives{at}",
                [code.put(node, f"({root})")],
            )
            yield Change(
                "sign",
                f"what `{name}` gives had the other sign{at}",
                [code.put(node, f"(-{text})")],
            )


def twice(code: Code) -> Iterator[Change]:
    """A function applied twice, or a root where none belongs."""
    for node in code.all(ast.Call):
        name = called(node)
        if _is_statement(code, node) or not name:
            continue
        text = code.text_of(node)
        if name in ("mean", "sum", "var", "square"):
            yield Change(
                "root too much",
                f"you took a square root of the `{name}`{where(code, node)}",
                [code.put(node, f"(({text}) ** 0.5)")],
            )
        if name in ("std", "sqrt", "norm"):
            yield Change(
                "square too much",
                f"you squared the `{name}`{where(code, node)}",
                [code.put(node, f"(({text}) ** 2)")],
            )
        known = name in code.known or is_module(getattr(node.func, "value", node))
        if len(node.args) == 1 and not node.keywords and known:
            yield Change(
                "done twice",
                f"`{name}` were applied twice{where(code, node)}",
                [code.put(node, f"{code.text_of(node.func)}({text})")],
            )


def _step(code: Code, call: ast.Call) -> str:
    return (
        phrase(code, call.func)
        if isinstance(call.func, ast.Subscript | ast.Attribute) and not is_module(call.func.value)
        else f"`{called(call)}`"
    )


def _is_statement(code: Code, node: ast.AST) -> bool:
    return isinstance(code.parent(node), ast.Expr)
