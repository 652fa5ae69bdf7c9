"""Hints that are the solution: those that write out most of the reference's expressions."""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from collections.abc import Iterator

from descent.authoring.blanking import BEGIN, END
from descent.authoring.declared import WrittenHint

MOST = 0.5
"""A hint that holds more than this share of the reference gives it away."""

_WRITTEN_OUT = 0.75  # of an expression, which then counts as all of it
_SHORTEST = 3  # tokens: fewer in a row, such as one name, are no piece of an expression

_TOKEN = re.compile(r"\w+|[^\w\s]")
# The same calculation as a person writes it, and without the library's name in front.
_SIGNS = str.maketrans({"−": "-", "·": "*", "×": "*", "`": " ", "’": "'", '"': "'"})
_LIBRARY = re.compile(r"\b(?:np|torch|jnp|jax|math|nn|F)\.")


def giveaways(hints: list[WrittenHint], solution: str) -> list[WrittenHint]:
    """Return those of one exercise's hints that are its solution before the last rung.

    The last of the hints that everybody gets is the last rung; it may say all.

    Parameters
    ----------
    hints
        Of one exercise, in the order they are declared.
    solution
        The code between the markers of its cell, see :func:`solution_code`.
    """
    ladder = [hint for hint in hints if hint.when is None]
    reference = [_tokens(expression) for expression in _expressions(solution)]
    return [
        hint
        for hint in hints
        if hint is not (ladder[-1] if ladder else None) and share(hint.text, reference) > MOST
    ]


def share(hint: str, reference: list[list[str]]) -> float:
    """Return which share of the reference's expressions a hint writes out, by their tokens."""
    said = _tokens(hint)
    counted = [tokens for tokens in reference if len(tokens) >= _SHORTEST]
    total = sum(len(tokens) for tokens in counted)
    given = sum(len(tokens) for tokens in counted if _covered(tokens, said) >= _WRITTEN_OUT)
    return given / total if total else 0.0


def solution_code(cell: str) -> str:
    """Return what stands between the solution markers of an exercise cell, left-aligned."""
    regions, inside = [""], False
    for line in cell.split("\n"):
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
            regions.append("")
        elif inside:
            regions[-1] += f"{line}\n"
    return "".join(textwrap.dedent(region) for region in regions)


def _expressions(code: str) -> Iterator[str]:
    """Yield what the solution computes: values, conditions, what its loops go through."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a region that begins in the middle of a statement
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr):
            if node.value is not None:
                yield ast.unparse(node.value)
        elif isinstance(node, ast.For):
            yield ast.unparse(node.iter)
        elif isinstance(node, ast.If | ast.While):
            yield ast.unparse(node.test)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_LIBRARY.sub("", text.replace("²", "**2").translate(_SIGNS)))


def _covered(tokens: list[str], said: list[str]) -> float:
    """Return which share of an expression's tokens is said, in its order and in pieces."""
    matcher = difflib.SequenceMatcher(None, tokens, said, autojunk=False)
    pieces = [block.size for block in matcher.get_matching_blocks()]
    return sum(size for size in pieces if size >= _SHORTEST) / len(tokens)
