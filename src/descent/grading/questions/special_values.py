"""Right where an argument has a value that makes it not count."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import FEWEST, Key, Said
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_value,
    with_numbers,
)
from descent.grading.questions.rows import is_trivial, listed
from descent.grading.questions.snapshots import alike
from descent.grading.values import short, to_array

_NONE = inspect.Parameter.empty


def right_where(asking: Asking) -> Iterator[Said]:
    """Right where a number or a switch has a value that makes it not count."""
    return _right_where(asking, of_arrays=False)


def right_where_all_is_0(asking: Asking) -> Iterator[Said]:
    """The same for arrays: it tells less, as much is right where much is 0."""
    return _right_where(asking, of_arrays=True)


def _right_where(asking: Asking, of_arrays: bool) -> Iterator[Said]:
    largest = max(map(_size, asking.first.arguments.values()), default=0)
    for key, value in asking.first.arguments.items():
        if of_arrays == (is_scalar(value) or not is_numeric(value)):
            continue
        if of_arrays and _size(value) == largest:
            continue  # the data themselves: without them hardly anything can be wrong
        for special, said in _special_values(asking, key, value):
            if _is_right_there_alone(asking, key, special):
                name = f"`{asking.name(key)}`"
                words = f"It is right where {name} is {said}: look at where {name} enters."
                yield key.name, words
                return


def wrong_only_at(asking: Asking) -> Iterator[Said]:
    """Wrong where a number is 0 or 1, or has its usual value, and right for all others tried."""
    for key, value in asking.first.arguments.items():
        if not is_scalar(value) or value not in (0, 1, asking.default(key)):
            continue
        if any(case.arguments[key] != value for case in asking.cases):
            continue
        right: list[Any] = []
        for case, other in zip(asking.cases * 2, _others(asking, value), strict=False):
            changed = case.but({key: other})
            if asking.right(changed).error is None:
                if not asking.is_right(changed):
                    break
                right.append(other)
        else:
            if len(right) >= FEWEST:
                name, values = f"`{asking.name(key)}`", listed([short(v) for v in right], "or")
                yield (
                    key.name,
                    f"It is wrong where {name} is {short(value)}, and right for {values}.",
                )


def _others(asking: Asking, value: Any) -> list[Any]:
    if isinstance(value, int | np.integer):
        return [type(value)(value + k) for k in (1, 2, 3, -1) if value + k >= 0]
    return [other_value(value, asking.rng) for _ in range(FEWEST)]


def _special_values(
    asking: Asking, key: Key, value: Any
) -> Iterator[tuple[Callable[[Any], Any], str]]:
    usual = asking.default(key)
    if is_scalar(value):
        kind = type(value)
        for constant in (0, 1):
            if value != constant:
                yield _always(kind(constant)), str(constant)
    elif isinstance(value, bool):
        yield lambda v: not v, str(not value)
    elif is_numeric(value):
        array = to_array(value)
        if array is not None and array.dtype.kind in "fi":
            yield lambda v: with_numbers(v, np.zeros_like(to_array(v))), "all 0"
        if array is not None and array.dtype.kind == "b":
            yield lambda v: with_numbers(v, np.ones_like(to_array(v))), "True everywhere"
    if value is not None and usual is None:
        yield lambda v: _NONE, "not given (None)"
    elif usual is not _NONE and is_scalar(usual) and usual not in (0, 1) and usual != value:
        yield lambda v: usual, f"{short(usual)}, as usual"


def _size(value: Any) -> int:
    array = to_array(value) if is_numeric(value) else None
    return 0 if array is None else int(array.size)


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _is_right_there_alone(asking: Asking, key: Key, special: Callable[[Any], Any]) -> bool:
    results: list[Any] = []
    for case in asking.cases:
        value = quietly(special, case.arguments[key])
        there = case.but({key: None if value is _NONE else value})
        if value is None or asking.right(there).error is not None or not asking.is_right(there):
            return False
        results.append(asking.compared(asking.right(there)))
    # What is right there must depend on the rest, or to be right there is no feat.
    different = all(not alike(one, two) for i, one in enumerate(results) for two in results[:i])
    return len(results) >= FEWEST and different and not is_trivial(results)
