"""Right for other arguments than those that were given: as which the answer reads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import FEWEST, Case, Key, Said
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_mode,
    other_value,
    with_numbers,
)
from descent.grading.questions.rows import is_trivial, listed, rows_of, sharing_rows, sliced
from descent.grading.questions.snapshots import alike, is_module
from descent.grading.values import short, to_array

_NONE = inspect.Parameter.empty

Change = Callable[[Case], dict[Key, Any] | None]


@dataclass(frozen=True)
class Reading:
    """Other arguments in the place of the given, and the sentence for an answer that takes them so.

    `otherwise` is the sentence where it does so for the given value alone, and not for others.
    """

    change: Change
    about: str
    words: str
    key: Key | None = None
    otherwise: str = ""


def as_if(asking: Asking) -> Iterator[Said]:
    """Right for other numbers and switches than the given, or for two arguments exchanged."""
    return _that_hold(asking, _readings_of_single_values(asking))


def as_if_turned(asking: Asking) -> Iterator[Said]:
    """Right for arrays, lists, texts and networks turned round, cut or otherwise changed."""
    return _that_hold(asking, _readings_of_the_rest(asking))


def _that_hold(asking: Asking, readings: Iterator[Reading]) -> Iterator[Said]:
    for reading in readings:
        if _holds_everywhere(asking, reading):
            if _holds_for_others(asking, reading):
                yield reading.about, reading.words
            elif reading.otherwise:
                yield reading.about, reading.otherwise


def _holds_everywhere(asking: Asking, reading: Reading) -> bool:
    """Whether the answer gives what is right for other arguments, in every case, and never else."""
    results: list[Any] = []
    for case in asking.cases:
        if _holds(asking, reading, case) is not True:
            return False
        results.append(asking.compared(asking.answer(case)))
    return len(results) >= FEWEST and not is_trivial(results)


def _holds(asking: Asking, reading: Reading, case: Case) -> bool | None:
    """None where the two readings are the same, or one is not possible."""
    changes = quietly(reading.change, case)
    if changes is None:
        return None
    wanted, right = asking.right(case.but(changes)), asking.right(case)
    if wanted.error is not None or right.error is not None or asking.same(right, wanted):
        return None
    return asking.same(asking.answer(case), wanted)


def _holds_for_others(asking: Asking, reading: Reading) -> bool:
    """The same for other values of a number, which the cases may all have alike."""
    key = reading.key
    if key is None or not is_scalar(asking.first.arguments[key]):
        return True
    if len({case.arguments[key] for case in asking.cases}) >= FEWEST:
        return True  # other values of it were among the cases
    tried = 0
    for case in asking.cases[:FEWEST]:
        other = other_value(case.arguments[key], asking.rng)
        held = _holds(asking, reading, case.but({key: other}))
        if held is False:
            return False
        tried += held is True
    return tried >= FEWEST - 1


def _readings_of_single_values(asking: Asking) -> Iterator[Reading]:
    arguments = asking.first.arguments
    for key, value in arguments.items():
        yield from _of_defaults(asking, key, value)
    for one, two in combinations(arguments, 2):
        if _are_exchangeable(arguments[one], arguments[two]):
            names = f"`{asking.name(one)}` and `{asking.name(two)}`"
            words = f"It behaves as if {names} had changed places."
            yield Reading(_exchanged(one, two), one.name, words)
    for key, value in arguments.items():
        if isinstance(value, bool) or is_scalar(value):
            for words, change in _readings_of(value, f"`{asking.name(key)}`"):
                yield Reading(_put_through(key, change), key.name, words, key)


def _readings_of_the_rest(asking: Asking) -> Iterator[Reading]:
    for key, value in asking.first.arguments.items():
        if isinstance(value, bool) or is_scalar(value):
            continue
        for words, change in _readings_of(value, f"`{asking.name(key)}`"):
            yield Reading(_put_through(key, change), key.name, words)
    yield from _rows_left_out(asking)


def _exchanged(one: Key, two: Key) -> Change:
    return lambda case: {one: case.arguments[two], two: case.arguments[one]}


def _put_through(key: Key, change: Callable[[Any], Any]) -> Change:
    def changed(case: Case) -> dict[Key, Any] | None:
        value = change(case.arguments[key])
        return None if value is None else {key: value}

    return changed


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _of_defaults(asking: Asking, key: Key, value: Any) -> Iterator[Reading]:
    usual, name = asking.default(key), f"`{asking.name(key)}`"
    if usual is _NONE or usual is value or quietly(alike, usual, value, 0.0):
        return
    empty = value is not None and not is_module(value) and quietly(len, value) == 0
    counts_for_nothing = value is False or (is_scalar(value) and value == 0) or empty
    instead = "None" if usual is None else f"its usual value, {short(usual)}"
    words = f"It takes {name} = {short(value)} for {instead}. Does `if` or `or` make that of it?"
    otherwise = words if counts_for_nothing else ""
    if usual is None and not counts_for_nothing:
        words = f"It behaves as if no {name} were given."
    elif isinstance(usual, bool):
        words = f"It behaves as if {name} were always {usual}."
    elif usual is not None:
        words = f"It uses the usual value of {name}, {short(usual)}, not the one it is given."
    yield Reading(lambda case: {key: usual}, key.name, words, key, otherwise)


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


def _rows_left_out(asking: Asking) -> Iterator[Reading]:
    keys = sharing_rows(asking.first)
    length = rows_of(asking.first.arguments[keys[0]]) if keys else 0
    if length < 2:
        return
    names = listed([f"`{asking.name(key)}`" for key in keys])
    for words, cut in (("last", slice(None, -1)), ("first", slice(1, None))):
        said = f"It is what is right without the {words} entry of {names}."
        yield Reading(_cut(keys, cut), "rows", said)


def _cut(keys: list[Key], where: slice) -> Change:
    return lambda case: {key: sliced(case.arguments[key], where) for key in keys}
