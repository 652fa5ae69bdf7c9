"""Where in a result the wrong numbers stand, and how many examples it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from descent.grading.questions.about_results import compared_pairs, near
from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import FEWEST, Case, Key, Result, Said
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_numbers,
    other_value,
    with_numbers,
)
from descent.grading.questions.rows import listed, rows_of, sharing_rows, sliced
from descent.grading.questions.snapshots import alike
from descent.grading.values import is_tensor, to_array


def places_in_it(asking: Asking) -> Iterator[Said]:
    """Wrong numbers that always stand at one end, on the diagonal, above it or below it."""
    wrong = _wrong_places(asking)
    if wrong is None or wrong.all() or not wrong.any():
        return
    for words, where in _regions(wrong.shape):
        if where.any() and not where.all() and (wrong <= where).all():
            yield "places", f"In every case tried, only {words} of the result is wrong."
            return


def _wrong_places(asking: Asking) -> np.ndarray | None:
    """Where the answer was wrong in any case; None where shapes differ, or it is one number."""
    found: list[np.ndarray] = []
    for mine, right in compared_pairs(asking):
        if any(isinstance(part, np.ndarray) and part.ndim for part in _parts(right)):
            return None  # several results
        one, two = to_array(mine), to_array(right)
        if one is None or two is None or one.shape != two.shape or one.size < 3:
            return None
        found.append(~near(one, two))
    if len(found) < FEWEST or len({part.shape for part in found}) > 1:
        return None
    return np.logical_or.reduce(found)


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def mixing(asking: Asking) -> Iterator[Said]:
    """Whether the result in one place depends on the input in another, where it should not, or not
    where it should."""
    for key, value in asking.first.arguments.items():
        array = to_array(value) if is_numeric(value) and not is_scalar(value) else None
        if array is None:
            continue
        for axis in range(min(array.ndim, 2)):
            length = array.shape[axis]
            if length < 2 or (axis == 0 and asking.by_effects):
                continue
            for changed, seen, words in (
                (length - 1, slice(0, length - 1), "last"),
                (0, slice(1, length), "first"),
            ):
                said = _mixes(asking, key, axis, changed, seen, words)
                if said:
                    yield key.name, said
                    return


def _mixes(asking: Asking, key: Key, axis: int, changed: int, seen: slice, words: str) -> str:
    mine: list[bool] = []
    rights: list[bool] = []
    for case in asking.cases:
        other = quietly(_with_other_place, asking, case.arguments[key], axis, changed)
        if other is None:
            return ""
        after = case.but({key: other})
        for ask, found in ((asking.answer, mine), (asking.right, rights)):
            one, two = (_along(asking, ask(each), case, key, axis, seen) for each in (case, after))
            if one is None or two is None or one.shape != two.shape:
                return ""
            found.append(not bool(near(one, two).all()))
        if len(set(rights)) > 1 or len(set(mine)) > 1 or mine == rights:
            return ""
    if len(mine) < FEWEST:
        return ""
    name = f"`{asking.name(key)}`"
    which, others = f"the {words} entry of {name}", "for the other entries"
    array = to_array(asking.first.arguments[key])
    if axis == 1 and array is not None:
        kind = "column" if array.ndim == 2 else "place along the second axis"
        which, others = f"the {words} {kind} of {name}", "at the other places"
    if all(mine):
        return (
            f"When only {which} changes, your result changes {others} too; the right one does not."
        )
    return f"When only {which} changes, the right result changes {others} too; yours does not."


def _with_other_place(asking: Asking, value: Any, axis: int, place: int) -> Any:
    array = to_array(value)
    other = other_numbers(array, asking.rng)
    if array is None or other is None:
        return None
    numbers = array.copy()
    where: list[Any] = [slice(None)] * array.ndim
    where[axis] = place
    numbers[tuple(where)] = np.asarray(other)[tuple(where)]
    return None if alike(numbers, array, 0.0) else with_numbers(value, numbers)


def _along(
    asking: Asking, result: Result, case: Case, key: Key, axis: int, seen: slice
) -> np.ndarray | None:
    """The part of a result that belongs to some places of an input's axis."""
    given = to_array(case.arguments[key])
    numbers = None if result.error is not None else to_array(asking.compared(result))
    if numbers is None or given is None or numbers.ndim <= axis:
        return None
    if numbers.shape[axis] != given.shape[axis]:
        return None
    if given.shape[: axis + 1] != numbers.shape[: axis + 1]:
        return None
    return np.moveaxis(numbers, axis, 0)[seen]


def _regions(shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    names = {1: ("number",), 2: ("row", "column")}.get(len(shape), ())
    for axis, name in enumerate(names):
        for place, word in ((0, "first"), (-1, "last")):
            where = np.zeros(shape, dtype=bool)
            np.moveaxis(where, axis, 0)[place] = True
            yield f"the {word} {name}", where
    if len(shape) == 2 and min(shape) > 1:
        yield "the diagonal", np.eye(*shape, dtype=bool)
        yield "what lies above the diagonal", np.triu(np.ones(shape, dtype=bool), 1)
        yield "what lies below the diagonal", np.tril(np.ones(shape, dtype=bool), -1)
        yield "the upper triangle, with the diagonal,", np.triu(np.ones(shape, dtype=bool))
        yield "the lower triangle, with the diagonal,", np.tril(np.ones(shape, dtype=bool))


_CONDITIONS: tuple[tuple[str, str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("negative", "elsewhere", lambda a: a < 0),
    ("positive", "elsewhere", lambda a: a > 0),
    ("0", "elsewhere", lambda a: a == 0),
    ("above 1", "elsewhere", lambda a: a > 1),
    ("below 1", "elsewhere", lambda a: a < 1),
    ("True", "where it is False", lambda a: a == 1),
    ("False", "where it is True", lambda a: a == 0),
)


def where_input_is(asking: Asking) -> Iterator[Said]:
    """Number by number: wrong where an input has one sign, right where it has the other."""
    keys: list[Key | None] = [
        key
        for key, value in asking.first.arguments.items()
        if not isinstance(value, bool) and to_array(value) is not None
    ]
    for key in [*keys, None]:
        seen = [_beside(asking, case, key) for case in asking.cases]
        rows = [row for row in seen if row is not None]
        if len(rows) < min(FEWEST, len(asking.cases)) or not rows:
            continue
        inputs, wrong = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        is_truth = inputs.dtype.kind == "b"
        for words, otherwise, condition in _CONDITIONS:
            if (words in ("True", "False")) != is_truth:
                continue
            holds = condition(inputs)
            enough = holds.sum() >= FEWEST <= (~holds).sum()
            if enough and wrong[holds].mean() > 0.8 and not wrong[~holds].any():
                name = f"your {asking.which}result" if key is None else f"`{asking.name(key)}`"
                where = f"it is wrong where {name} is {words}, and right {otherwise}"
                yield "where" if key is None else key.name, f"Number by number, {where}."
                break


def _beside(asking: Asking, case: Case, key: Key | None) -> tuple[np.ndarray, np.ndarray] | None:
    """An input's numbers, and whether the numbers in the same places of the result are wrong.

    Without a key, the result's own numbers.
    """
    mine = to_array(asking.compared(asking.answer(case)))
    right = to_array(asking.compared(asking.right(case)))
    given = mine if key is None else to_array(case.arguments[key])
    if given is None or mine is None or right is None or mine.shape != right.shape:
        return None
    if given.shape != right.shape:
        return None
    return given.ravel(), ~near(mine, right).ravel()


def examples(asking: Asking) -> Iterator[Said]:
    """Right for one example and wrong for several, or the reverse."""
    keys = sharing_rows(asking.first)
    if not keys:
        return
    length = rows_of(asking.first.arguments[keys[0]])
    names = listed([f"`{asking.name(key)}`" for key in keys])
    entry = "row" if all(_is_table(asking.first.arguments[key]) for key in keys) else "entry"
    entries = {"row": "rows", "entry": "entries"}[entry]
    if length >= 2:
        alone = [
            asking.is_right(one)
            for case, place in zip(asking.cases, (0, length - 1, length // 2), strict=False)
            if (one := _with(case, keys, slice(place, place + 1))) is not None
            and asking.right(one).error is None
        ]
        if len(alone) >= FEWEST and all(alone) and not _is_constant(asking, keys):
            yield (
                "rows",
                f"It is right for one {entry} of {names} alone, and wrong for {length}: look at "
                f"what depends on the other {entries}, or on how many there are.",
            )
    elif length == 1:
        more = [
            asking.is_right(case)
            for count in (2, 3, 4)
            if (case := _repeated(asking, keys, count)) is not None
            and asking.right(case).error is None
        ]
        if len(more) >= FEWEST and all(more):
            yield (
                "rows",
                f"It is right for two and more {entries} of {names}, and wrong for one alone: look "
                "at what becomes of an axis of length 1.",
            )


def _is_table(value: Any) -> bool:
    array = to_array(value)
    return array is not None and array.ndim >= 2


def _with(case: Case, keys: list[Key], where: slice) -> Case | None:
    changes = {key: quietly(sliced, case.arguments[key], where) for key in keys}
    return None if any(part is None for part in changes.values()) else case.but(changes)


def _is_constant(asking: Asking, keys: list[Key]) -> bool:
    """Whether what is right for one example is the same whichever it is."""
    one = _with(asking.first, keys, slice(0, 1))
    if one is None:
        return True
    others = {key: quietly(other_value, one.arguments[key], asking.rng) for key in keys}
    changes = {key: value for key, value in others.items() if value is not None}
    return asking.same(asking.right(one), asking.right(one.but(changes)))


def _repeated(asking: Asking, keys: list[Key], count: int) -> Case | None:
    changes: dict[Key, Any] = {}
    for key in keys:
        value = asking.first.arguments[key]
        others = [quietly(other_value, value, asking.rng) for _ in range(count - 1)]
        if any(other is None for other in others):
            return None
        if isinstance(value, list | tuple):
            joined = list(value)
            for other in others:
                joined += list(other)
            changes[key] = type(value)(joined)
            continue
        if is_tensor(value) and value.requires_grad:
            return None
        parts = [to_array(part) for part in (value, *others)]
        if any(part is None or part.ndim == 0 for part in parts):
            return None
        changes[key] = with_numbers(value, np.concatenate([p for p in parts if p is not None]))
    return asking.first.but(changes)
