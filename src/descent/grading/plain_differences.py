"""The difference between two texts, lists, dictionaries or sets, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from descent.grading.differences import Difference
from descent.grading.values import same, short, type_name


def plain_difference(actual: Any, expected: Any) -> Difference:
    """How `actual` differs from `expected`, which is not a number and not equal to it."""
    if actual is None:
        return Difference("none", "It is None. Is a `return` missing?")
    if isinstance(expected, str | bytes) and isinstance(actual, type(expected)):
        return _texts(actual, expected)
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        return _sequences(actual, expected)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _dictionaries(actual, expected)
    if isinstance(expected, set | frozenset) and isinstance(actual, set | frozenset):
        return _sets(actual, expected)
    if isinstance(actual, type(expected)) or isinstance(expected, type(actual)):
        return Difference("value", "It is another value.")
    words = f"It is of type `{type_name(actual)}`; it should be of type `{type_name(expected)}`."
    return Difference("type", words)


def _texts(actual: Sequence[Any], expected: Sequence[Any]) -> Difference:
    if not actual:
        return Difference("value", "It is empty.")
    first = _first_different(actual, expected)
    if first == len(actual):
        return Difference("length", f"It ends too soon: {short(expected[first:])} is missing.")
    if first == len(expected):
        return Difference("length", f"It goes on too long, with {short(actual[first:])}.")
    return Difference("value", f"It is right up to place {first}, and different from there on.")


def _sequences(actual: Sequence[Any], expected: Sequence[Any]) -> Difference:
    if not actual or not expected:
        words = "It is empty." if expected else "It should be empty."
        return Difference("length", words)
    gap = len(actual) - len(expected)
    first = _first_different(actual, expected)
    if gap and first == min(len(actual), len(expected)):
        which = actual[first] if gap > 0 else expected[first]
        said = "is too much" if gap > 0 else "is missing"
        rest = "" if abs(gap) == 1 else f", and {abs(gap) - 1} after it"
        words = f"It is right as far as it goes, but {short(which)}{rest} {said}."
        return Difference("length", words)
    if not gap and _in_another_order(actual, expected):
        backwards = same(list(actual)[::-1], list(expected))
        words = (
            "It is right read backwards."
            if backwards
            else ("Its entries are right and their order is not.")
        )
        return Difference("order", words)
    length = f"It has {len(actual)} entries; it should have {len(expected)}. " if gap else ""
    return Difference(
        "length" if gap else "value",
        f"{length}Entry {first} is {short(actual[first])} where {short(expected[first])} is right.",
    )


def _in_another_order(actual: Sequence[Any], expected: Sequence[Any]) -> bool:
    left = list(expected)
    for entry in actual:
        place = next((i for i, other in enumerate(left) if same(entry, other, 0.0)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _first_different(actual: Sequence[Any], expected: Sequence[Any]) -> int:
    pairs = enumerate(zip(actual, expected, strict=False))
    least = min(len(actual), len(expected))
    return next((i for i, (one, two) in pairs if not same(one, two, 0.0)), least)


def _dictionaries(actual: dict[Any, Any], expected: dict[Any, Any]) -> Difference:
    missing = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    if missing:
        return Difference("length", f"The key {short(missing[0])}{_more(missing)} is missing.")
    if extra:
        words = f"The key {short(extra[0])}{_more(extra)} does not belong there."
        return Difference("length", words)
    for key, wanted in expected.items():
        if not same(actual[key], wanted, 0.0):
            words = f"At key {short(key)} is {short(actual[key])} where {short(wanted)} is right."
            return Difference("value", words)
    return Difference("value", "It is another value.")


def _sets(actual: Any, expected: Any) -> Difference:
    missing, extra = list(expected - actual), list(actual - expected)
    if missing:
        return Difference("value", f"{short(missing[0])}{_more(missing)} is missing.")
    return Difference("value", f"{short(extra[0])}{_more(extra)} does not belong there.")


def _more(entries: list[Any]) -> str:
    return f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
