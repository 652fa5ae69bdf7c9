"""The difference between two texts, lists, dictionaries or sets, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from descent.grading.differences import Difference
from descent.grading.notation import counted
from descent.grading.values import same, short, type_name

MOST_NAMED = 3
"""So many missing or superfluous entries are told by name."""

Said = tuple[str, str]
"""A symptom and a sentence."""


def plain_difference(actual: Any, expected: Any) -> Difference:
    """How `actual` differs from `expected`, which is not a number and not equal to it."""
    if actual is None:
        return Difference("none", "It is None. Is a `return` missing?")
    for kinds, differ in _KINDS:
        if isinstance(actual, kinds) and isinstance(expected, kinds):
            return Difference(*(differ(actual, expected) or _plainly(actual, expected)))
    if isinstance(actual, type(expected)) or isinstance(expected, type(actual)):
        return Difference(*_plainly(actual, expected))
    return Difference(*_of_another_kind(actual, expected))


def _of_another_kind(value: Any, expected: Any) -> Said:
    return "type", f"It is {_kind(value)}; it should be {_kind(expected)}."


def _plainly(value: Any, expected: Any) -> Said:
    is_, should = short(value), short(expected)
    if is_ == should:
        return "value", "It is another value."
    return "value", f"It is {is_} where {should} is right."


_NAMES = {str: "a text", bytes: "bytes", list: "a list", tuple: "a tuple", dict: "a dictionary",
          set: "a set", frozenset: "a frozenset", bool: "a truth value", int: "a whole number",
          float: "a number"}  # fmt: skip


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), f"of type `{type_name(value)}`")


# ---------------------------------------------------------------------------------------- texts


def _of_texts(value: Any, expected: Any) -> Said | None:
    if type(value) is not type(expected) and isinstance(value, bytes) != isinstance(
        expected, bytes
    ):
        return _of_another_kind(value, expected)
    if not value:
        return "value", f"It is empty where {short(expected)} is right."
    if value.strip() == expected.strip():
        return "value", "It is right but for white space at its ends."
    if value.lower() == expected.lower():
        return "value", "It is right but for small and capital letters."
    if type(value)().join(value.split()) == type(value)().join(expected.split()):
        return "value", "It is right but for white space."
    if value == expected[::-1] and len(value) > 2:
        return "order", "It is the right one read from its end."
    return _as_far_as(value, expected)


def _as_far_as(value: Any, expected: Any) -> Said | None:
    """Two texts with a common beginning, or a common end."""
    gap = abs(len(value) - len(expected))
    unit = counted(gap, "byte" if isinstance(value, bytes) else "character")
    if expected.startswith(value):
        return "length", f"It is right as far as it goes, and {unit} too short."
    if value.startswith(expected):
        return "length", f"It begins with the right one and goes on, {unit} too long."
    if expected.endswith(value):
        return "length", f"It is the end of the right one, without the first {unit}."
    if value.endswith(expected):
        return "length", f"It ends with the right one, with {unit} before it."
    common = next(i for i, pair in enumerate(zip(value, expected, strict=False))
                  if pair[0] != pair[1])  # fmt: skip
    if common < 3:
        return None
    here, there = short(value[common : common + 12]), short(expected[common : common + 12])
    return (
        "value",
        f"It is right up to place {common}, and goes on with {here} where {there} is right.",
    )


# ---------------------------------------------------------------------------------------- lists


def _of_lists(value: Sequence[Any], expected: Sequence[Any]) -> Said | None:
    if type(value) is not type(expected) and same(list(value), list(expected), rtol=0.0):
        kinds = f"it is {_kind(value)}; it should be {_kind(expected)}"
        return "type", f"Its entries are right, but {kinds}."
    if len(value) != len(expected):
        words = f"It has {_count(value)}; it should have {len(expected) or 'none'}."
        return "length", f"{words} {_what_is_right(value, expected)}".rstrip()
    wrong = [i for i, pair in enumerate(zip(value, expected, strict=True))
             if not same(*pair, rtol=0.0)]  # fmt: skip
    if not wrong:
        return None
    if len(wrong) > 1:
        if _equal(value[::-1], expected):
            return "order", "The right entries come in reverse order."
        if _same_entries(value, expected):
            return "order", "The entries are right and their order is not."
    return "value", _which_are_wrong(value, expected, wrong)


def _which_are_wrong(value: Sequence[Any], expected: Sequence[Any], wrong: list[int]) -> str:
    place = wrong[0]
    inner = f"{short(value[place])} where {short(expected[place])} is right"
    if len(value) == 1:
        return f"Its only entry is {inner}."
    if len(wrong) == 1:
        return f"All entries are right but `[{place}]`: it is {inner}."
    if wrong == list(range(place, len(value))) and place > 1:
        return f"The first {place} entries are right, and all from `[{place}]` on wrong: {inner}."
    every = "All" if len(wrong) == len(value) else f"{len(wrong)} of"
    return f"{every} {counted(len(value), 'entry')} are wrong, the first: {inner}."


def _count(value: Sequence[Any]) -> str:
    return counted(len(value), "entry") if len(value) else "no entries"


def _what_is_right(value: Sequence[Any], expected: Sequence[Any]) -> str:
    gap = len(expected) - len(value)
    if not len(value):
        return ""
    if gap > 0:
        if _equal(value, expected[: len(value)]):
            return f"They are right as far as they go: {_named(expected[len(value) :])} missing."
        if _equal(value, expected[gap:]):
            return f"They are right, but before them {_named(expected[:gap])} missing."
    elif len(expected):
        right = "one is" if len(expected) == 1 else f"{len(expected)} are"
        if _equal(value[: len(expected)], expected):
            return f"The first {right} right; {_named(value[len(expected) :])} too many."
        if _equal(value[-len(expected) :], expected):
            return f"The last {right} right; {_named(value[: -len(expected)])} too many before."
    return _missing_and_more(value, expected)


def _equal(one: Sequence[Any], two: Sequence[Any]) -> bool:
    return same(list(one), list(two), rtol=0.0)


def _same_entries(one: Sequence[Any], two: Sequence[Any]) -> bool:
    if len(one) > 1000:
        return False
    left = list(two)
    for entry in one:
        place = next((i for i, other in enumerate(left) if same(entry, other, rtol=0.0)), None)
        if place is None:
            return False
        del left[place]
    return True


def _missing_and_more(value: Sequence[Any], expected: Sequence[Any]) -> str:
    if max(len(value), len(expected)) > 1000:
        return ""
    missing, more = _left_over(expected, value), _left_over(value, expected)
    if missing and not more:
        return f"Of the right ones {_named(missing)} missing."
    if more and not missing:
        return f"The right ones are there; {_named(more)} too many."
    return ""


def _left_over(one: Sequence[Any], two: Sequence[Any]) -> list[Any]:
    left = list(one)
    for entry in two:
        place = next((i for i, other in enumerate(left) if same(entry, other, rtol=0.0)), None)
        if place is not None:
            del left[place]
    return left


def _named(entries: Sequence[Any]) -> str:
    """``'a' is``, ``'a' and 'b' are``, ``'a', 'b', 'c' and 4 more are``."""
    shown = [short(entry) for entry in entries[:MOST_NAMED]]
    if len(entries) == 1:
        return f"{shown[0]} is"
    if len(entries) > MOST_NAMED:
        return f"{', '.join(shown)} and {len(entries) - MOST_NAMED} more are"
    return f"{', '.join(shown[:-1])} and {shown[-1]} are"


# ------------------------------------------------------------------------- dictionaries and sets


def _of_dictionaries(value: dict[Any, Any], expected: dict[Any, Any]) -> Said | None:
    missing = [key for key in expected if key not in value]
    more = [key for key in value if key not in expected]
    if missing or more:
        return "length", _too_few_or_many(missing, more, "key")
    wrong = [key for key in expected if not same(value[key], expected[key], rtol=0.0)]
    if not wrong:
        return None
    first = wrong[0]
    inner = f"{short(value[first])} where {short(expected[first])} is right"
    if len(wrong) == 1 < len(expected):
        return "value", f"All is right but what it has for {short(first)}: {inner}."
    return "value", f"The keys are right. For {short(first)} it has {inner}."


def _of_sets(value: Any, expected: Any) -> Said | None:
    missing, more = (sorted(part, key=short) for part in (expected - value, value - expected))
    if not missing and not more:
        return None
    return "value", _too_few_or_many(missing, more, "entry")


def _too_few_or_many(missing: list[Any], more: list[Any], noun: str) -> str:
    words = []
    if missing:
        noun = counted(len(missing), noun).partition(" ")[2]
        words.append(f"the {noun} {_named(missing)} missing")
    if more:
        words.append(f"{_named(more)} too many")
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}."


_KINDS: tuple[tuple[tuple[type, ...], Callable[[Any, Any], Said | None]], ...] = (
    ((str, bytes), _of_texts),
    ((list, tuple), _of_lists),
    ((dict,), _of_dictionaries),
    ((set, frozenset), _of_sets),
)
