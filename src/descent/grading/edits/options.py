"""Slips in the options of a call: left out, turned, added."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import where

_ADDED = {
    "cross_entropy": ("reduction='sum'", "label_smoothing=0.1", "reduction='none'"),
    "std": ("correction=0", "ddof=1"),
    "var": ("correction=1", "ddof=1"),
    "argsort": ("descending=True",),
    "sorted": ("reverse=True",),
    "topk": ("largest=False",),
    "Linear": ("bias=False",),
    "Conv2d": ("bias=False",),
    "zip": ("strict=False",),
    "SGD": ("momentum=0.9", "weight_decay=0.0005"),
    "LayerNorm": ("bias=False",),
    "DataLoader": ("shuffle=True", "drop_last=True"),
    "register_buffer": ("persistent=False",),
    "AdamW": ("weight_decay=0.0",),
    "BatchNorm2d": ("affine=False",),
    "Embedding": ("padding_idx=0",),
    "backward": ("retain_graph=True",),
}


def dropped_option(code: Code) -> Iterator[Change]:
    """A keyword argument, or the last positional one, left out."""
    for node in code.all(ast.Call):
        name = called(node)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in ("dim", "axis", "keepdim"):
                what = f"`{keyword.arg}`" + (
                    f" were not given to `{name}`" if name else " were not given"
                )
                yield Change(
                    "dropped option", what + where(code, node), [code.without(node, keyword)]
                )
            elif keyword.arg is None:
                yield Change(
                    "dropped option",
                    f"the settings were not handed to `{name}`",
                    [code.without(node, keyword)],
                )
        if len(node.args) > 1 and name not in ("range", "arange"):
            last = node.args[-1]
            known = name in code.known or isinstance(node.func, ast.Attribute)
            the = f" of `{name}`" if known else " of a call"
            yield Change(
                "dropped argument",
                f"the last argument{the} were left out{where(code, node)}",
                [code.without(node, last)],
            )


def turned_option(code: Code) -> Iterator[Change]:
    """True for False; a missing option set."""
    for node in code.all(ast.Constant):
        if isinstance(node.value, bool):
            parent = code.parent(node)
            what = f"`{parent.arg}`" if isinstance(parent, ast.keyword) else "a switch"
            call = code.parent(parent) if isinstance(parent, ast.keyword) else parent
            of = f" of `{called(call)}`" if called(call) else ""
            yield Change(
                "turned option",
                f"{what}{of} were {not node.value}{where(code, node)}",
                [code.put(node, str(not node.value))],
            )


def added_option(code: Code) -> Iterator[Change]:
    """An option set that is not to be: `reduction="sum"`, `reverse=True`."""
    for node in code.all(ast.Call):
        name = called(node)
        present = {keyword.arg for keyword in node.keywords}
        for option in _ADDED.get(name, ()):
            if option.split("=")[0] not in present:
                comma = ", " if node.args or node.keywords else ""
                text = f"{code.text_of(node)[:-1]}{comma}{option})"
                shown = option.replace("'", '"')
                yield Change(
                    "added option",
                    f"`{name}`{where(code, node)} had `{shown}`",
                    [code.put(node, text)],
                )
    usual = {
        "reduction": ("'mean'", "'sum'", "'none'"),
        "correction": ("1", "0"),
        "ddof": ("0", "1"),
        "mode": ("'fan_in'", "'fan_out'"),
        "errors": ("'ignore'", "'strict'"),
    }
    for node in code.all(ast.Call):
        for keyword in node.keywords:
            for other in usual.get(keyword.arg or "", ()):
                if other != code.text_of(keyword.value):
                    yield Change(
                        "other option",
                        f"`{keyword.arg}` of `{called(node)}` were {other}",
                        [code.put(keyword.value, other)],
                    )
