"""Slips with what is drawn: not shuffled, with replacement, from another generator."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called


def not_shuffled(code: Code) -> Iterator[Change]:
    """The order left as it is, drawn with replacement, or drawn twice."""
    for node in code.all(ast.Call):
        name = called(node)
        if name not in ("permutation", "randperm") or not node.args:
            continue
        n, is_torch = code.text_of(node.args[0]), name == "randperm"
        base = (
            code.text_of(node.func.value) if isinstance(node.func, ast.Attribute) else "np.random"
        )
        given = "".join(f", {code.text_of(k)}" for k in node.keywords if k.arg == "generator")
        plain = f"torch.arange({n})" if is_torch else f"np.arange({n})"
        drawn = (
            f"torch.randint({n}, ({n},){given})"
            if is_torch
            else f"{base}.integers(0, {n}, size={n})"
        )
        flipped = f"{code.text_of(node)}.flip(0)" if is_torch else f"{code.text_of(node)}[::-1]"
        sorted_ = (
            f"{code.text_of(node)}.sort().values" if is_torch else f"np.sort({code.text_of(node)})"
        )
        for text, clause in (
            (plain, "nothing were shuffled"),
            (drawn, "you drew with replacement, so that some come twice and others never"),
            (sorted_, "what was shuffled were sorted again"),
            (flipped, "the shuffled order were turned round"),
        ):
            yield Change("not shuffled", clause, [code.put(node, text)])
    for node in code.all(ast.Call):
        if called(node) in ("minibatches", "batches") and node.args:
            head, arguments = code.text_of(node.func), [code.text_of(a) for a in node.args]
            if len(arguments) == 3 and called(node) == "minibatches":
                n, size, _ = arguments
                yield Change(
                    "not shuffled",
                    "nothing were shuffled",
                    [code.put(node, f"np.split(np.arange({n}), range({size}, {n}, {size}))")],
                )
            if called(node) == "batches":
                text = f"{head}({', '.join(arguments[:-1])})"
                yield Change("not shuffled", "nothing were shuffled", [code.put(node, text)])
