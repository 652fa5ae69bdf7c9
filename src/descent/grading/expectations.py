"""`expect(value)`: what a property says an answer must be, and the record of what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from descent.grading.differences import Difference, difference, shape_difference
from descent.grading.plain_differences import plain_difference
from descent.grading.sandbox import guarded
from descent.grading.small_copies import strongly
from descent.grading.values import (
    independent_copy,
    is_tensor,
    same,
    short,
    to_array,
    type_name,
    worth_keeping,
)

NOTHING: Any = object()
"""Stands where a call of the answer has not returned, or where what it gave is not kept."""

_ANOTHER = Difference("value", "It is another value.")

THE_RESULT = "the result"
"""The name of a value that a property gives none."""

MOST_PARTS = 20
"""So many parts of what a call returned are looked through for a value."""


@dataclass
class Observation:
    """One value handed to `expect`, and the first thing found wrong with it.

    `call` is the place, in the record, of the call that the value came from. `compared` says
    whether it was held against a value, and not against a bound alone.
    """

    name: str
    value: Any
    expected: str | None = None
    difference: Difference | None = None
    call: int | None = None
    compared: bool = False

    @property
    def is_matched(self) -> bool:
        """Whether it was found to be the value that it should be."""
        return self.compared and self.difference is None


@dataclass
class Record:
    """All observations of one trial. It does not stop at a failure: a longer record tells one
    mistake from another.

    `returned` is what each call of the answer gave, `NOTHING` while it has not; `referred` are the
    places of the calls that an observation is about.
    """

    observations: list[Observation] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    dimensions: Mapping[int, str] = field(default_factory=dict)
    referred: set[int] = field(default_factory=set)

    @property
    def failed(self) -> Observation | None:
        """The first observation that was not as expected."""
        return next((seen for seen in self.observations if seen.difference), None)

    def call_of(self, value: Any) -> int | None:
        """The place of the call that returned `value`, whole or as one of its parts.

        Of several, such as two that returned the same small number, it is the first that no
        observation is about yet. A value that was worked out from what came back is taken to be of
        the last call.
        """
        found = len(self.returned) - 1 if self.returned else None
        for place, given in enumerate(self.returned):
            if given is not NOTHING and _is_or_holds(given, value):
                found = place
                if place not in self.referred:
                    break
        if found is not None:
            self.referred.add(found)
        return found


def _is_or_holds(given: Any, value: Any) -> bool:
    given = strongly(given)
    parts = given if isinstance(given, list | tuple) else ()
    return given is value or any(strongly(part) is value for part in parts[:MOST_PARTS])


_current: list[Record] = []


@contextmanager
def recording() -> Iterator[Record]:
    """Collect every `expect` inside the block."""
    record = Record()
    _current.append(record)
    try:
        yield record
    finally:
        _current.remove(record)


class Expectation:
    """What a value must be. Every method returns the expectation, so that they chain."""

    def __init__(self, value: Any, observation: Observation, record: Record | None) -> None:
        self._value = value
        self._seen = observation
        self._record = record

    def close_to(self, expected: Any, rtol: float = 1e-4, atol: float | None = None) -> Expectation:
        """The same shape, and numbers within ``rtol·|expected| + atol``.

        `atol` defaults to a tenth of `rtol` times the largest expected magnitude. Any library's
        numbers are accepted, in any precision.
        """
        self._seen.compared = True
        dimensions = self._record.dimensions if self._record else {}
        found = difference(self._value, expected, rtol, atol, dimensions)
        return self._note(found, short(expected))

    def equals(self, expected: Any) -> Expectation:
        """Exactly this: for integers, strings, tuples, booleans and shapes."""
        value = self._value
        if to_array(expected) is not None and not _is_list_of_words(value, expected):
            found = difference(value, expected, rtol=0.0, atol=0.0)
        elif same(_plain(value), _plain(expected), rtol=0.0):
            found = None
        else:
            found = guarded(lambda: plain_difference(value, expected), _ANOTHER)
        self._seen.compared = True
        return self._note(found, short(expected))

    def has_shape(self, *shape: int) -> Expectation:
        """The value has these dimensions; no arguments mean a single number."""
        found = shape_difference(self._value, shape)
        return self._note(found, f"shape {shape}")

    def has_dtype(self, dtype: str) -> Expectation:
        """The value's dtype has this name, such as ``"float32"``."""
        actual = str(getattr(self._value, "dtype", type_name(self._value)))
        actual = actual.removeprefix("torch.")
        words = f"Its dtype is {actual}; it should be {dtype}."
        return self._note(None if actual == dtype else Difference("dtype", words), dtype)

    def is_finite(self) -> Expectation:
        """No NaN and no infinity."""
        array = to_array(self._value)
        if array is None:
            found: Difference | None = Difference("type", "It is not made of numbers.")
        elif np.isnan(array).any():
            found = Difference("nan", "It contains NaN (not a number).")
        else:
            infinite = Difference("infinite", "It contains infinity.")
            found = infinite if np.isinf(array).any() else None
        return self._note(found, "finite numbers")

    def is_below(self, bound: float) -> Expectation:
        """Every number is smaller than `bound`."""
        return self._within(-np.inf, bound, f"below {short(bound)}")

    def is_above(self, bound: float) -> Expectation:
        """Every number is larger than `bound`."""
        return self._within(bound, np.inf, f"above {short(bound)}")

    def is_between(self, low: float, high: float) -> Expectation:
        """Every number lies in [low, high]."""
        return self._within(low, high, f"from {short(low)} to {short(high)}", closed=True)

    def is_a(self, *types: type) -> Expectation:
        """The value is an instance of one of `types`."""
        wanted = " or ".join(f"`{kind.__name__}`" for kind in types)
        value = self._value
        if isinstance(value, types):
            return self._note(None, wanted)
        words = f"It is of type `{type_name(value)}`; it should be {wanted}."
        return self._note(Difference("none" if value is None else "type", words), wanted)

    def is_true(self, otherwise: str) -> Expectation:
        """The value is true; `otherwise` is what the learner is told if not."""
        try:
            holds = bool(self._value)
        except (ValueError, RuntimeError):  # an array of several truth values
            holds = False
        return self._note(None if holds else Difference("value", otherwise), None)

    def _within(self, low: float, high: float, wanted: str, closed: bool = False) -> Expectation:
        array = to_array(self._value)
        if array is None:
            words = f"It is of type `{type_name(self._value)}`, not numbers."
            return self._note(Difference("type", words), wanted)
        if np.isnan(array).any():
            return self._note(Difference("nan", "It contains NaN (not a number)."), wanted)
        inside = (array >= low) & (array <= high) if closed else (array > low) & (array < high)
        words = f"It is not {wanted}." if array.size == 1 else f"Not every number is {wanted}."
        return self._note(None if inside.all() else Difference("value", words), wanted)

    def _note(self, found: Difference | None, expected: str | None) -> Expectation:
        if found is not None and self._seen.difference is None:
            self._seen.difference = found
            self._seen.expected = expected
            if self._record is None:
                raise AssertionError(f"{self._seen.name}: {found.words}")
        return self


def expect(value: Any, name: str = THE_RESULT) -> Expectation:
    """Begin an expectation about `value`, called `name` in messages.

    Inside a check it is recorded and the property goes on; outside one a failure raises
    AssertionError at once.
    """
    record = _current[-1] if _current else None
    call = record.call_of(value) if record is not None else None
    kept = worth_keeping(value)
    if kept is value:
        value = kept = _snapshot(value)
    observation = Observation(name, kept, call=call)
    if record is not None:
        record.observations.append(observation)
    return Expectation(value, observation, record)


def _snapshot(value: Any) -> Any:
    """What is kept of a value: a copy, so that later changes in place do not rewrite the past."""
    if callable(value):  # of a function or a network only its type is looked at
        return value
    return value.detach().clone() if is_tensor(value) else independent_copy(value)


def _is_list_of_words(value: Any, expected: Any) -> bool:
    """An empty list may be one of numbers or of words: what came back decides."""
    return (
        isinstance(expected, list)
        and not expected
        and isinstance(value, list)
        and (to_array(value) is None)
    )


def _plain(value: Any) -> Any:
    """torch.Size and named tuples compare as the tuples they are."""
    return tuple(value) if isinstance(value, tuple) else value
