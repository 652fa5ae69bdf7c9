"""Which arguments are not used, and which are used that should not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import FEWEST, Aspect, Key, Result, Said
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_numbers,
    with_numbers,
)
from descent.grading.questions.rows import listed, rows_of
from descent.grading.values import to_array


def ignored(asking: Asking) -> Iterator[Said]:
    """Arguments whose change makes no difference, and should; those that should make none."""
    aspects = asking.aspects()
    unused = [aspect for aspect in aspects if _is_ignored(asking, aspect)]
    arguments = {aspect.key for aspect in aspects}
    if len(arguments) > 1 and arguments == {aspect.key for aspect in unused}:
        yield "all", "Your result is the same whatever the arguments are."
        return
    for aspect in unused:
        if aspect.kind == "seed":
            yield aspect.key.name, f"{asking.yours} is the same however {aspect.label} is seeded."
    unused = [aspect for aspect in unused if aspect.kind != "seed"]
    if unused:
        alone = len(unused) == 1 and unused[0].kind in ("value", "mode")
        verb = "changes" if alone else "change"
        names = listed([aspect.label for aspect in unused], "or")
        names = names.replace(", the numbers in ", ", ").replace(" or the numbers in ", " or ")
        yield unused[0].key.name, f"{asking.yours} stays the same when {names} {verb}."
    if asking.knows:
        for aspect in aspects:
            if aspect not in unused and _is_extra(asking, aspect):
                verb = "changes" if aspect.kind in ("value", "mode", "seed") else "change"
                yield (
                    aspect.key.name,
                    f"{asking.yours} changes when {aspect.label} {verb}; the right one does not.",
                )


def _is_ignored(asking: Asking, aspect: Aspect) -> bool:
    tried = moved = 0
    for case, other in asking.changed(aspect):
        mine, now = asking.answer(case), asking.answer(other)
        if mine.error is not None or now.error is not None:
            continue
        if not asking.identical(mine, now, aspect.key) or _is_nothing(asking, mine, aspect.key):
            return False
        if asking.knows:
            before, after = asking.right(case), asking.right(other)
            if before.error is not None or after.error is not None:
                continue
            moved += not asking.same(before, after, aspect.key)
        tried += 1
        if asking.knows and tried - moved > 1:
            return False
    return tried >= FEWEST and (not asking.knows or 3 * moved >= 2 * tried)


def _is_nothing(asking: Asking, result: Result, without: Key) -> bool:
    """No result at all: nothing came back and nothing else was changed."""
    return not asking.knows and asking.compared(result, without) is None


def _is_extra(asking: Asking, aspect: Aspect) -> bool:
    tried = moved = 0
    for case, other in asking.changed(aspect):
        before, after = asking.right(case), asking.right(other)
        if before.error is not None or after.error is not None:
            continue
        if not asking.identical(before, after, aspect.key):
            return False
        mine, now = asking.answer(case), asking.answer(other)
        if mine.error is not None or now.error is not None:
            continue
        tried += 1
        moved += not asking.same(mine, now, aspect.key)
        if tried - moved > 1:
            return False
    return tried >= FEWEST and 3 * moved >= 2 * tried


def ignored_rows(asking: Asking) -> Iterator[Said]:
    """Entries of an array or list that make no difference, and should."""
    if not asking.knows:
        return
    for key, value in asking.first.arguments.items():
        length = rows_of(value) if is_numeric(value) and not is_scalar(value) else 0
        if not 2 <= length <= 12:
            continue
        unused = [i for i in range(length) if _row_is_ignored(asking, key, i)]
        where = _said_places(unused, length)
        if where:
            yield key.name, f"{where} of `{asking.name(key)}` makes no difference to your result."


def _said_places(places: list[int], length: int) -> str:
    if not places or len(places) == length:
        return ""
    if places == [0]:
        return "The first entry"
    if places == [length - 1]:
        return "The last entry"
    if length > 2 and places == list(range(1, length)):
        return "Whatever comes after the first entry"
    if length > 2 and places == list(range(length - 1)):
        return "Whatever comes before the last entry"
    return ""


def _row_is_ignored(asking: Asking, key: Key, place: int) -> bool:
    tried = moved = 0
    for case in asking.cases:
        other = quietly(_with_other_row, asking, case.arguments[key], place)
        if other is None:
            return False
        changed = case.but({key: other})
        mine, now = asking.answer(case), asking.answer(changed)
        if now.error is not None or not asking.identical(mine, now, key):
            return False
        after = asking.right(changed)
        if after.error is not None:
            continue
        tried += 1
        moved += not asking.same(asking.right(case), after, key)
        if tried - moved > 1:
            return False
    return tried >= FEWEST and 3 * moved >= 2 * tried


def _with_other_row(asking: Asking, value: Any, place: int) -> Any:
    if isinstance(value, list | tuple):
        other = other_numbers(value[place], asking.rng)
        if other is None:
            return None
        parts = list(value)
        parts[place] = other
        return type(value)(parts)
    array = to_array(value)
    changed = other_numbers(array[place : place + 1], asking.rng) if array is not None else None
    if array is None or changed is None:
        return None
    numbers = array.copy()
    numbers[place] = changed[0]
    return with_numbers(value, numbers)
