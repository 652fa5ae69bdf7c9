"""Slips in the axes of arrays and tensors."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_module
from descent.grading.edits.phrases import phrase, where

_REDUCTIONS = {
    "sum",
    "mean",
    "std",
    "var",
    "max",
    "min",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "softmax",
    "log_softmax",
    "cumsum",
    "norm",
    "all",
    "any",
    "logsumexp",
    "prod",
    "median",
    "sort",
    "argsort",
    "isnan",
    "topk",
    "normalize",
    "flatten",
    "unsqueeze",
    "squeeze",
    "cat",
    "stack",
    "concatenate",
}


def other_axis(code: Code) -> Iterator[Change]:
    """Along another axis, over all axes, with one axis too few."""
    for node in code.all(ast.Call):
        name = called(node)
        for keyword in node.keywords:
            if keyword.arg in ("dim", "axis"):
                yield from _along_another(code, keyword.value, name, f"`{keyword.arg}`")
                outer = code.parent(node)
                if isinstance(outer, ast.Attribute) and outer.attr in ("values", "indices"):
                    yield Change(
                        "all axes",
                        f"the `{name}`{where(code, node)} went over all axes",
                        [code.put(outer, f"{code.text_of(node.func)}()")],
                        "is an axis missing?",
                    )
                elif name not in ("cat", "stack"):
                    yield Change(
                        "all axes",
                        f"the `{name}`{where(code, node)} went over all axes",
                        [code.without(node, keyword, *_keepdim(node))],
                        "is an axis missing?",
                    )
        if name in _REDUCTIONS and node.args:
            place = (
                0 if isinstance(node.func, ast.Attribute) and not is_module(node.func.value) else 1
            )
            if len(node.args) > place:
                axis = node.args[place]
                if isinstance(axis, ast.Constant | ast.UnaryOp | ast.Tuple | ast.Name):
                    yield from _along_another(code, axis, name, "the axis")


def _along_another(code: Code, axis: ast.expr, name: str, what: str) -> Iterator[Change]:
    text = code.text_of(axis)
    at = where(code, axis)
    ask = "is the axis the right one?"
    if isinstance(axis, ast.Tuple):
        for place in range(len(axis.elts)):
            rest = [code.text_of(e) for i, e in enumerate(axis.elts) if i != place]
            yield Change(
                "axis too few",
                f"the `{name}`{at} left out an axis",
                [code.put(axis, f"({', '.join(rest)},)")],
                "is an axis missing?",
            )
        return
    others = {
        "0": ["1", "-1"],
        "1": ["0", "-1", "2"],
        "-1": ["0", "1", "-2"],
        "2": ["1", "-1", "3"],
        "-2": ["-1", "0"],
        "3": ["2", "1"],
        "4": ["3", "-2"],
    }
    for other in others.get(text, ["0", "1", "-1"]):
        clause = f"{what} of a `{name}`{at} were `{other}`, not `{text}`"
        yield Change("other axis", clause, [code.put(axis, other)], ask)
    if text in ("0", "1", "-1"):
        every = "(0, 1)" if text != "-1" else "(-2, -1)"
        if name in ("mean", "sum", "amax", "amin", "var", "std"):
            yield Change(
                "axis too many",
                f"the `{name}`{at} went over one axis too many",
                [code.put(axis, every)],
                ask,
            )


def keepdim(code: Code) -> Iterator[Change]:
    """`keepdim` forgotten, or too much."""
    for node in code.all(ast.Call):
        kept = _keepdim(node)
        for keyword in kept:
            yield Change(
                "keepdim",
                f"`{keyword.arg}` were missing in a `{called(node)}`" + where(code, node),
                [code.without(node, keyword)],
            )
        if not kept and called(node) in ("sum", "mean", "amax", "argmax", "max", "var", "std"):
            for keyword in node.keywords:
                if keyword.arg in ("dim", "axis"):
                    word = "keepdim" if keyword.arg == "dim" else "keepdims"
                    text = f"{code.text_of(keyword)}, {word}=True"
                    yield Change(
                        "keepdim",
                        f"a `{called(node)}`{where(code, node)} kept its axis, with length 1",
                        [code.put(keyword, text)],
                    )


def transposed(code: Code) -> Iterator[Change]:
    """`.T` forgotten or too much; axes moved where they are to be reshaped and the reverse."""
    for node in code.all(ast.Attribute):
        if node.attr in ("T", "mT"):
            yield Change(
                "transpose",
                f"{phrase(code, node.value)} were not transposed{where(code, node)}",
                [code.put(node, code.text_of(node.value))],
                "is a `.T` missing?",
            )
    for product in code.all(ast.BinOp):
        if isinstance(product.op, ast.MatMult):
            for side in (product.left, product.right):
                if isinstance(side, ast.Name | ast.Subscript | ast.Attribute):
                    said = phrase(code, side)
                    yield Change(
                        "transpose",
                        f"{said} were transposed{where(code, side)}",
                        [code.put(side, f"{code.inside(side)}.T")],
                    )
    for call in code.all(ast.Call):
        name = called(call)
        if name in ("transpose", "permute", "swapaxes") and isinstance(call.func, ast.Attribute):
            base = call.func.value
            yield Change(
                "axes not moved",
                f"the axes were not exchanged{where(code, call)}",
                [code.put(call, code.inside(base))],
                f"is a `{name}` missing?",
            )
            if name == "permute":
                sizes = ", ".join(
                    f"{code.inside(base)}.shape[{code.text_of(a)}]" for a in call.args
                )
                yield Change(
                    "reshape for permute",
                    f"the numbers were only reshaped, not permuted{where(code, call)}",
                    [code.put(call, f"{code.inside(base)}.reshape({sizes})")],
                )
        if (
            name in ("reshape", "view")
            and isinstance(call.func, ast.Attribute)
            and len(call.args) == 4
        ):
            parent = code.parent(call)
            outer = code.parent(parent)
            if isinstance(outer, ast.Call) and called(outer) == "transpose":
                a, b, c, d = (code.text_of(argument) for argument in call.args)
                text = f"{code.inside(call.func.value)}.reshape({a}, {c}, {b}, {d})"
                yield Change(
                    "reshape for transpose",
                    "the axes were only reshaped, not exchanged" + where(code, call),
                    [code.put(outer, text)],
                )


def new_axis_elsewhere(code: Code) -> Iterator[Change]:
    """`[None, :]` for `[:, None]`: along another axis, or none."""
    for node in code.all(ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        texts = [code.text_of(part) for part in parts]
        if "None" not in texts:
            continue
        base = code.inside(node.value)
        said = phrase(code, node.value)
        slices = [text for text in texts if text != "None"]
        if len(slices) == 1:
            for place in range(len(texts)):
                new = ["None"] * (len(texts) - 1)
                new.insert(place, slices[0])
                if new != texts:
                    clause = f"{said} lay along another axis{where(code, node)}"
                    yield Change("new axis", clause, [code.put(node, f"{base}[{', '.join(new)}]")])
        for place in [i for i, text in enumerate(texts) if text == "None"]:
            rest = texts[:place] + texts[place + 1 :]
            text = f"{base}[{', '.join(rest)}]" if rest else base
            yield Change(
                "new axis",
                f"a new axis of {said} were missing{where(code, node)}",
                [code.put(node, text)],
            )


def other_index_axis(code: Code) -> Iterator[Change]:
    """`x[:, 0]` for `x[0]`, the parts of an index exchanged."""
    for node in code.all(ast.Subscript):
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            one, two = (code.text_of(part) for part in node.slice.elts)
            if one != two:
                text = f"{code.inside(node.value)}[{two}, {one}]"
                yield Change(
                    "exchanged indices",
                    f"the two indices of {phrase(code, node)} were exchanged",
                    [code.put(node, text)],
                )
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            index = code.text_of(node.slice)
            for other in {"0": ["1", "-1"], "1": ["0", "-1"], "-1": ["0", "1", "-2"]}.get(
                index, []
            ):
                clause = f"you took the size of another axis of {phrase(code, node.value.value)}"
                yield Change(
                    "other axis", clause + where(code, node), [code.put(node.slice, other)]
                )
    for call in code.all(ast.Call):
        if called(call) == "len" and len(call.args) == 1:
            inner = call.args[0]
            for text, words in (
                (f"{code.inside(inner)}.shape[1]", "the size of its second axis"),
                (f"{code.inside(inner)}.size", "the number of all its entries"),
                (f"{code.inside(inner)}.numel()", "the number of all its entries"),
            ):
                clause = f"{words} stood in the place of the length of {phrase(code, inner)}"
                yield Change("other size", clause + where(code, call), [code.put(call, text)])


def mean_of_parts(code: Code) -> Iterator[Change]:
    """The mean of a product as the product of the means; the square of the mean."""
    for node in code.all(ast.Call):
        if called(node) not in ("mean", "sum"):
            continue
        is_function = isinstance(node.func, ast.Attribute) and is_module(node.func.value)
        inner = node.args[0] if is_function and node.args else getattr(node.func, "value", None)
        if not isinstance(inner, ast.BinOp) or (node.args and not is_function) or node.keywords:
            continue
        name = called(node)
        head = code.text_of(node.func) if is_function else ""
        left, right = (
            (f"{head}({code.text_of(p)})" if head else f"{code.inside(p)}.{name}()")
            for p in (inner.left, inner.right)
        )
        if isinstance(inner.op, ast.Mult):
            yield Change(
                "product of means",
                f"you multiplied two `{name}`s, not took the `{name}` "
                f"of a product{where(code, node)}",
                [code.put(node, f"({left} * {right})")],
            )
        if isinstance(inner.op, ast.Pow):
            text = f"({left} ** {code.inside(inner.right)})"
            yield Change(
                "square of mean",
                f"you squared after the `{name}`, not before{where(code, node)}",
                [code.put(node, text)],
            )
        if isinstance(inner.op, ast.Div):
            yield Change(
                "quotient of means",
                f"you divided two `{name}`s, not took the `{name}` of "
                f"a quotient{where(code, node)}",
                [code.put(node, f"({left} / {right})")],
            )


def _keepdim(call: ast.Call) -> list[ast.keyword]:
    return [keyword for keyword in call.keywords if keyword.arg in ("keepdim", "keepdims")]
