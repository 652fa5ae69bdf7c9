"""Which arguments are not used, or not as they should be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from descent.grading.questions.asking import FEWEST, Asking, Aspect, Case, Key, Result, quietly
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_mode,
    other_numbers,
    with_numbers,
)
from descent.grading.questions.snapshots import alike, is_module, numbers_in
from descent.grading.values import is_tensor, short, to_array

Said = tuple[str, str]
"""What a sentence is about (of two about the same, one is said), and the sentence."""

_NONE = inspect.Parameter.empty


# ------------------------------------------------------------------ as if it were something else


def as_if(asking: Asking) -> Iterator[Said]:
    """Right for other arguments than the given: their usual values, exchanged, turned round."""
    for changes, about, words in _other_readings(asking):
        if _holds_everywhere(asking, changes):
            yield about, words


Reading = Callable[[Case], dict[Key, Any] | None]


def _holds_everywhere(asking: Asking, reading: Reading) -> bool:
    """Whether the answer gives what is right for other arguments, in every case, and never else."""
    results: list[Any] = []
    for case in asking.cases:
        changes = quietly(reading, case)
        if changes is None:
            return False
        other = case.but(changes)
        wanted, mine = asking.right(other), asking.answer(case)
        if wanted.error is not None or not asking.same(mine, wanted):
            return False
        if asking.same(asking.right(case), wanted):
            return False  # the two readings are the same here
        results.append(asking.compared(wanted))
    return len(results) >= FEWEST and not _is_trivial(results)


def _other_readings(asking: Asking) -> Iterator[tuple[Reading, str, str]]:
    arguments = asking.first.arguments
    for key, value in arguments.items():
        yield from _of_defaults(asking, key, value)
    for one, two in combinations(arguments, 2):
        if _are_exchangeable(arguments[one], arguments[two]):
            names = f"`{asking.name(one)}` and `{asking.name(two)}`"
            yield (
                _exchanged(one, two),
                one.name,
                f"It behaves as if {names} had changed places.",
            )
    for key, value in arguments.items():
        for words, change in _readings_of(value, f"`{asking.name(key)}`"):
            yield _put_through(key, change), key.name, words
    yield from _rows_left_out(asking)


def _exchanged(one: Key, two: Key) -> Reading:
    return lambda case: {one: case.arguments[two], two: case.arguments[one]}


def _put_through(key: Key, change: Callable[[Any], Any]) -> Reading:
    def reading(case: Case) -> dict[Key, Any] | None:
        value = change(case.arguments[key])
        return None if value is None else {key: value}

    return reading


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _of_defaults(asking: Asking, key: Key, value: Any) -> Iterator[tuple[Reading, str, str]]:
    usual, name = asking.default(key), f"`{asking.name(key)}`"
    if usual is _NONE or usual is value or quietly(alike, usual, value, 0.0):
        return
    empty = value is not None and not is_module(value) and quietly(len, value) == 0
    if usual is None and (value is False or (is_scalar(value) and value == 0) or empty):
        words = f"It takes {name} = {short(value)} for None. Is that what `if` or `or` makes of it?"
    elif usual is None:
        words = f"It behaves as if no {name} were given."
    elif isinstance(usual, bool):
        words = f"It behaves as if {name} were always {usual}."
    else:
        words = f"It uses the usual value of {name}, {short(usual)}, not the one it is given."
    yield lambda case: {key: usual}, key.name, words


def _are_exchangeable(one: Any, two: Any) -> bool:
    if is_scalar(one) and is_scalar(two):
        return bool(one != two)
    if isinstance(one, str) and isinstance(two, str):
        return one != two
    if is_module(one) or is_module(two) or type(one) is not type(two):
        return False
    return is_numeric(one) and is_numeric(two) and not alike(to_array(one), to_array(two), 0.0)


def _readings_of(value: Any, name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Other values that a value may be taken for, each with its sentence."""
    if isinstance(value, bool):
        yield f"It takes {name} the wrong way round.", lambda v: not v
    elif is_scalar(value):
        yield from _readings_of_scalar(value, name)
    elif isinstance(value, str):
        for words, change in (
            ("in lower case", str.lower),
            ("in upper case", str.upper),
            ("stripped of its spaces", str.strip),
            ("reversed", lambda v: v[::-1]),
            ("without its last letter", lambda v: v[:-1]),
            ("without its first letter", lambda v: v[1:]),
        ):
            yield f"It is what is right for {name} {words}.", change
    elif is_module(value):
        now, then = ("evaluation", "training") if value.training else ("training", "evaluation")
        words = f"It is what is right for {name} in {now} mode; it comes in {then} mode."
        yield words, lambda v: quietly(other_mode, v)
    elif isinstance(value, list | tuple) and not is_numeric(value):
        yield from _readings_of_list(name)
    elif is_numeric(value):
        yield from _readings_of_array(value, name)


def _readings_of_scalar(value: Any, name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    kind = type(value)
    for constant in (0, 1):
        if value != constant:
            yield f"It behaves as if {name} were {constant}.", _constant(kind(constant))
    yield f"It is what is right for −{name}.", lambda v: -v if v else None
    if isinstance(value, int | np.integer):
        yield f"It is what is right for {name} + 1.", lambda v: v + 1
        yield f"It is what is right for {name} − 1.", lambda v: v - 1
        yield f"It is what is right for 2 · {name}.", lambda v: 2 * v
        yield f"It is what is right for half of {name}.", lambda v: v // 2 if v % 2 == 0 else None
        return
    yield f"It is what is right for 1 − {name}.", lambda v: kind(1 - v)
    yield f"It is what is right for 1 / {name}.", lambda v: kind(1 / v)
    yield f"It is what is right for {name} squared.", lambda v: v * v
    yield f"It is what is right for the square root of {name}.", lambda v: kind(v**0.5)
    yield f"It is what is right for 2 · {name}.", lambda v: 2 * v
    yield f"It is what is right for half of {name}.", lambda v: v / 2


def _readings_of_list(name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    for words, change in (
        ("reversed", lambda v: v[::-1]),
        ("sorted", lambda v: type(v)(sorted(v))),
        ("without its last entry", lambda v: v[:-1] if len(v) > 1 else None),
        ("without its first entry", lambda v: v[1:] if len(v) > 1 else None),
        ("without what occurs a second time", lambda v: type(v)(dict.fromkeys(v))),
    ):
        yield f"It is what is right for {name} {words}.", change


def _readings_of_array(value: Any, name: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    array = to_array(value)
    if array is None:
        if isinstance(value, list | tuple) and len(value) > 1:
            yield f"It is what is right for {name} in reversed order.", lambda v: v[::-1]
        return

    def by(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
        def changed(v: Any) -> Any:
            numbers = to_array(v)
            return None if numbers is None else with_numbers(v, change(numbers))

        return changed

    is_float = array.dtype.kind == "f"
    if is_float or array.dtype.kind == "i":
        yield f"It behaves as if {name} were all 0.", by(np.zeros_like)
        yield f"It behaves as if {name} were all 1.", by(np.ones_like)
    if is_float:
        yield f"It is what is right for −{name}.", by(np.negative)
        yield f"It is what is right for the absolute values of {name}.", by(np.abs)
        yield f"It is what is right for {name} squared.", by(np.square)
        yield f"It is what is right for {name} rounded.", by(np.round)
        yield f"It is what is right for {name} without its mean.", by(lambda a: a - a.mean())
    elif array.dtype.kind == "i":
        yield f"It is what is right for {name} + 1.", by(lambda a: a + 1)
        yield f"It is what is right for {name} − 1.", by(lambda a: a - 1)
    elif array.dtype.kind == "b":
        yield f"It takes {name} the wrong way round.", by(np.logical_not)
    if array.ndim and array.shape[0] > 1:
        yield f"It is what is right for {name} reversed.", by(lambda a: a[::-1])
        yield f"It is what is right for {name} sorted.", by(lambda a: np.sort(a, axis=0))
        yield f"It is what is right for {name} one place on.", by(lambda a: np.roll(a, 1, axis=0))
        yield (
            f"It is what is right for {name} one place back.",
            by(lambda a: np.roll(a, -1, axis=0)),
        )
    if array.ndim >= 2:
        yield f"It is what is right for {name} transposed.", by(lambda a: a.swapaxes(-1, -2))
        if array.shape[-1] > 1:
            yield (
                f"It is what is right for {name} with its last axis reversed.",
                by(lambda a: a[..., ::-1]),
            )


def _rows_left_out(asking: Asking) -> Iterator[tuple[Reading, str, str]]:
    keys = sharing_rows(asking.first)
    length = rows_of(asking.first.arguments[keys[0]]) if keys else 0
    if length < 2:
        return
    names = listed([f"`{asking.name(key)}`" for key in keys])
    for words, cut in (("last", slice(None, -1)), ("first", slice(1, None))):
        yield (
            _cut(keys, cut),
            "rows",
            f"It is what is right without the {words} entry of {names}.",
        )


def _cut(keys: list[Key], where: slice) -> Reading:
    return lambda case: {key: sliced(case.arguments[key], where) for key in keys}


def listed(names: list[str], word: str = "and") -> str:
    """Names in a sentence."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def rows_of(value: Any) -> int:
    """The length of the first axis, 0 where there is none."""
    if isinstance(value, list | tuple):
        return len(value)
    array = to_array(value)
    return array.shape[0] if array is not None and array.ndim else 0


def sliced(value: Any, where: Any) -> Any:
    """Some rows of an array, tensor or list."""
    if isinstance(value, list | tuple):
        return value[where]
    array = to_array(value)
    assert array is not None
    if is_tensor(value) and value.requires_grad and not value.is_leaf:
        return value[where]
    return with_numbers(value, array[where])


def sharing_rows(case: Case) -> list[Key]:
    """The arguments with a first axis of the most common length: those that hold the examples."""
    lengths = {
        key: rows_of(value)
        for key, value in case.arguments.items()
        if not key.of_object and is_numeric(value) and not is_scalar(value) and rows_of(value)
    }
    if not lengths:
        return []
    counts = list(lengths.values())
    usual = max(counts, key=counts.count)
    if counts.count(usual) == 1:
        usual = counts[-1] if len(counts) == 1 else 0
    return [key for key, length in lengths.items() if length == usual]


# ---------------------------------------------------------------------- used, and not to be used


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


# ------------------------------------------------------------------------ right at special values


def right_where(asking: Asking) -> Iterator[Said]:
    """Right where a number or a switch has a value that makes it not count."""
    return _right_where(asking, of_arrays=False)


def right_where_all_is_0(asking: Asking) -> Iterator[Said]:
    """The same for arrays: it tells less, as much is right where much is 0."""
    return _right_where(asking, of_arrays=True)


def _right_where(asking: Asking, of_arrays: bool) -> Iterator[Said]:
    for key, value in asking.first.arguments.items():
        if of_arrays == (is_scalar(value) or not is_numeric(value)):
            continue
        for special, said in _special_values(asking, key, value):
            if _is_right_there_alone(asking, key, special):
                name = f"`{asking.name(key)}`"
                words = f"It is right where {name} is {said}: look at where {name} enters."
                yield key.name, words
                return


def _special_values(
    asking: Asking, key: Key, value: Any
) -> Iterator[tuple[Callable[[Any], Any], str]]:
    usual = asking.default(key)
    if is_scalar(value):
        kind = type(value)
        for constant in (0, 1):
            if value != constant:
                yield _constant(kind(constant)), str(constant)
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
    return len(results) >= FEWEST and different and not _is_trivial(results)


def _is_trivial(results: list[Any]) -> bool:
    rows = [numbers_in(result) for result in results]
    return all(row is not None and not row.any() for row in rows)


# ------------------------------------------------------------------------------------- how it grows

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
