"""Right for other arguments than those that were given: as which the answer reads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import FEWEST, Case, Key, Said
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_mode,
    with_numbers,
)
from descent.grading.questions.rows import is_trivial, listed, rows_of, sharing_rows, sliced
from descent.grading.questions.snapshots import alike, is_module
from descent.grading.values import short, to_array

_NONE = inspect.Parameter.empty

Reading = Callable[[Case], dict[Key, Any] | None]


def as_if(asking: Asking) -> Iterator[Said]:
    """Right for other numbers and switches than the given, or for two arguments exchanged."""
    return _that_hold(asking, _readings_of_single_values(asking))


def as_if_turned(asking: Asking) -> Iterator[Said]:
    """Right for arrays, lists, texts and networks turned round, cut or otherwise changed."""
    return _that_hold(asking, _readings_of_the_rest(asking))


def _that_hold(asking: Asking, readings: Iterator[tuple[Reading, str, str]]) -> Iterator[Said]:
    for reading, about, words in readings:
        if _holds_everywhere(asking, reading):
            yield about, words


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
    return len(results) >= FEWEST and not is_trivial(results)


def _readings_of_single_values(asking: Asking) -> Iterator[tuple[Reading, str, str]]:
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
        if isinstance(value, bool) or is_scalar(value):
            for words, change in _readings_of(value, f"`{asking.name(key)}`"):
                yield _put_through(key, change), key.name, words


def _readings_of_the_rest(asking: Asking) -> Iterator[tuple[Reading, str, str]]:
    for key, value in asking.first.arguments.items():
        if isinstance(value, bool) or is_scalar(value):
            continue
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
