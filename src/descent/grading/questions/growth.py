"""What becomes of a result when arguments are doubled or shifted as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from descent.grading.questions.asking import Asking
from descent.grading.questions.cases import FEWEST, Key, Said
from descent.grading.questions.changes import (
    is_scalar,
)
from descent.grading.questions.rows import listed
from descent.grading.questions.snapshots import numbers_in
from descent.grading.values import to_array

_FACTORS = (2.0, 3.0, 0.5)


MOST_TOGETHER = 4
"""With more arguments than this, no groups of them are doubled together."""


_TIMES = {-2: "becomes a quarter", -1: "halves", 0: "stays the same", 1: "doubles",
          2: "becomes four times as large", 3: "becomes eight times as large"}  # fmt: skip


def growth(asking: Asking) -> Iterator[Said]:
    """What becomes of the result when arguments are doubled, alone or together, or shifted."""
    keys = [key for key, value in asking.first.arguments.items() if _can_grow(value)]
    for key in keys:
        said = _grows(asking, (key,))
        if said:
            yield key.name, said
        elif not is_scalar(asking.first.arguments[key]):
            rights, mine = (_moved_by_shift(asking, key, who) for who in ("right", "answer"))
            if (
                len(mine) < FEWEST
                or len(rights) < FEWEST
                or len({*mine}) > 1
                or {*mine} == {*rights}
            ):
                continue
            start = f"If one number is added to all of `{asking.name(key)}`, "
            if not any(rights):
                words = f"the right {asking.which}result stays the same; yours changes."
                yield key.name, start + words
            elif all(rights):
                words = f"your {asking.which}result stays the same; the right one changes."
                yield key.name, start + words
    if len(keys) <= MOST_TOGETHER:
        for count in range(2, len(keys) + 1):
            for together in combinations(keys, count):
                said = _grows(asking, together)
                if said:
                    yield "growth", said


def _can_grow(value: Any) -> bool:
    array = None if isinstance(value, bool) else to_array(value)
    return array is not None and array.dtype.kind == "f" and bool(array.any())


def _grows(asking: Asking, keys: tuple[Key, ...]) -> str:
    """A sentence where the right result grows with these arguments as yours does not."""
    wanted = _power(asking, keys, "right")
    if wanted is None:
        return ""
    fits = _fits(asking, keys, "answer", wanted)
    if len(fits) < FEWEST or 3 * fits.count(False) < 2 * len(fits):
        return ""
    mine = _power(asking, keys, "answer")
    own = "changes" if wanted == 0 else "does not"
    own = own if mine is None else _TIMES[mine]
    names = listed([f"`{asking.name(key)}`" for key in keys])
    doubles = "doubles" if len(keys) == 1 else "double together"
    return f"If {names} {doubles}, the right {asking.which}result {_TIMES[wanted]}; yours {own}."


def _power(asking: Asking, keys: tuple[Key, ...], who: str) -> int | None:
    """The p with f(k·x) = k^p · f(x), for every factor and case, or None."""
    for power in _TIMES:
        fits = _fits(asking, keys, who, power, to_the_end=False)
        if len(fits) >= FEWEST * len(_FACTORS) and all(fits):
            return power
    return None


def _fits(
    asking: Asking, keys: tuple[Key, ...], who: str, power: int, to_the_end: bool = True
) -> list[bool]:
    """Whether f(k·x) = k^p · f(x), for every factor and case in which this can be seen."""
    fits: list[bool] = []
    ask = asking.right if who == "right" else asking.answer
    for case in asking.cases[:FEWEST]:
        for factor in _FACTORS:
            other = asking.scaled(case, keys, factor)
            if other is None:
                continue
            before, after = ask(case), ask(other)
            one = numbers_in(asking.compared(before)) if before.error is None else None
            two = numbers_in(asking.compared(after)) if after.error is None else None
            if one is None or two is None or one.shape != two.shape or not one.any():
                continue
            if not np.isfinite(one).all() or not np.isfinite(two).all():
                continue
            wanted = one * factor**power
            near = 1e-3 * float(np.abs(wanted).max())
            fits.append(bool(np.allclose(two, wanted, rtol=1e-3, atol=near)))
            if not to_the_end and not fits[-1]:
                return fits
    return fits


def _moved_by_shift(asking: Asking, key: Key, who: str) -> list[bool]:
    moved: list[bool] = []
    ask = asking.right if who == "right" else asking.answer
    for case, shift in zip(asking.cases, (1.0, -2.0, 0.5), strict=False):
        other = asking.shifted(case, (key,), shift)
        if other is None:
            continue
        before, after = ask(case), ask(other)
        if before.error is None and after.error is None:
            if numbers_in(asking.compared(before, key)) is None:
                return []
            moved.append(not asking.same(before, after, key))
    return moved
