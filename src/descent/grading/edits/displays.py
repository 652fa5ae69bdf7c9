"""Slips in what stands side by side: lists, tuples, tables, alternatives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code
from descent.grading.edits.phrases import phrase, where


def exchanged_elements(code: Code) -> Iterator[Change]:
    """Two elements of a list or tuple exchanged, one left out."""
    for node in code.all(ast.List, ast.Tuple):
        parent = code.parent(node)
        is_result = isinstance(parent, ast.Return) and isinstance(node, ast.Tuple)
        if not isinstance(node.ctx, ast.Load) or is_result or len(node.elts) < 2:
            continue
        if isinstance(parent, ast.Subscript) and parent.slice is node:
            continue
        what = "a list" if isinstance(node, ast.List) else "a tuple"
        at = where(code, node)
        for one, two in combinations(node.elts[:4], 2):
            if code.text_of(one) != code.text_of(two):
                splices = [code.put(one, code.text_of(two)), code.put(two, code.text_of(one))]
                said = [phrase(code, part) for part in (one, two)]
                named = all(part.startswith("`") for part in said)
                which = f"{said[0]} and {said[1]}" if named else "two elements"
                yield Change("exchanged elements", f"{which} of {what} were exchanged{at}", splices)
        brackets = "[]" if isinstance(node, ast.List) else "()"
        for element in node.elts[:4]:
            rest = ", ".join(code.text_of(part) for part in node.elts if part is not element)
            comma = "," if brackets == "()" and len(node.elts) == 2 else ""
            yield Change(
                "lost element",
                f"an element of {what} were missing{at}",
                [code.put(node, f"{brackets[0]}{rest}{comma}{brackets[1]}")],
            )


def exchanged_entries(code: Code) -> Iterator[Change]:
    """The values of a table exchanged, an entry left out."""
    for node in code.all(ast.Dict):
        for one, two in combinations(node.values, 2):
            if code.text_of(one) != code.text_of(two):
                yield Change(
                    "exchanged entries",
                    "two entries of a table were exchanged",
                    code.swap(one, two),
                )
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        for key, _ in pairs:
            rest = [f"{code.text_of(k)}: {code.text_of(v)}" for k, v in pairs if k is not key]
            yield Change(
                "lost entry",
                "an entry of a table were missing",
                [code.put(node, f"{{{', '.join(rest)}}}")],
            )
    for comp in code.all(ast.DictComp):
        yield Change(
            "exchanged entries",
            "keys and values of a table were exchanged",
            code.swap(comp.key, comp.value),
        )


def lost_alternative(code: Code) -> Iterator[Change]:
    """One of the alternatives of a pattern left out."""
    for node in code.all(ast.Constant):
        if isinstance(node.value, str) and "|" in node.value:
            parts = node.value.split("|")
            for place in range(len(parts)):
                rest = "|".join(parts[:place] + parts[place + 1 :])
                yield Change(
                    "lost alternative",
                    "an alternative of a pattern were missing",
                    [code.put(node, repr(rest))],
                )


def exchanged_parts(code: Code) -> Iterator[Change]:
    """Two parts of one thing exchanged: `ids[1:]` and `ids[:-1]`."""
    by_statement: dict[tuple[ast.stmt, str], list[ast.Subscript]] = {}
    for node in code.all(ast.Subscript):
        if isinstance(node.ctx, ast.Load):
            key = code.statement(node), code.text_of(node.value)
            by_statement.setdefault(key, []).append(node)
    for nodes in by_statement.values():
        for one, two in combinations(nodes[:6], 2):
            if code.text_of(one) != code.text_of(two):
                said = phrase(code, one.value)
                yield Change(
                    "exchanged parts",
                    f"two parts of {said} were exchanged{where(code, one)}",
                    code.swap(one, two),
                )
                yield Change(
                    "same part",
                    f"one part of {said} stood in two places{where(code, one)}",
                    [code.put(two, code.text_of(one))],
                )
                yield Change(
                    "same part",
                    f"one part of {said} stood in two places{where(code, one)}",
                    [code.put(one, code.text_of(two))],
                )
