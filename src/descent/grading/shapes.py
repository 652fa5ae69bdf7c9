"""A shape that is not the right one, in words: of a list its entries are told, not a shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from descent.grading.claims import Right
from descent.grading.notation import counted
from descent.grading.places import index_text, slice_text
from descent.grading.values import to_array, type_name

Array = np.ndarray
Said = tuple[str, str]
"""A symptom and a sentence."""


def not_numbers(actual: Any) -> Said:
    """What is wrong with a value that is not made of numbers."""
    if actual is None:
        return "none", "It is None. Is a `return` missing?"
    if isinstance(actual, list | tuple):
        if any(part is None for part in actual[:100]):
            place = next(i for i, part in enumerate(actual) if part is None)
            return "type", f"Its entry {index_text((place,))} is None."
        arrays = [to_array(part) for part in actual[:100]]
        if len(arrays) > 1 and all(array is not None for array in arrays):
            shapes_ = list(dict.fromkeys(array.shape for array in arrays if array is not None))
            if all(len(shape) == 1 for shape in shapes_):
                lengths = sorted({shape[0] for shape in shapes_})
                return "shape", f"Its parts have several lengths: {_listed(lengths[:4])}."
            return "shape", f"Its {counted(len(actual), 'part')} do not have the same shape."
        if arrays and arrays[0] is not None:
            place = next(i for i, array in enumerate(arrays) if array is None)
            kind = type_name(actual[place])
            return "type", f"Its entry {index_text((place,))} is of type `{kind}`, not a number."
    return "type", f"It is of type `{type_name(actual)}`, not numbers."


def shapes(actual: Any, expected: Any, got: Array, want: Array, right: Right | None) -> Said:
    """What differs between two shapes, and what is right all the same.

    Parameters
    ----------
    actual, expected : object
        The values, which may be lists.
    got, want : ndarray
        Their numbers.
    right : callable, optional
        Says of every number whether it is right; without it only the shapes are looked at.
    """
    like = actual if got.ndim else expected
    as_list = isinstance(like, list | tuple)
    words = _entries(got.shape, want.shape) if as_list else _shapes(got.shape, want.shape)
    symptom = "length" if got.ndim == want.ndim == 1 else "shape"
    if right is None or got.dtype == np.bool_ != want.dtype:
        return symptom, words
    turned = want.ndim >= 2 and got.shape == want.shape[::-1]
    if turned and right(got.T, want).all():
        return "transposed", f"{words} It is the transpose of the right answer."
    if got.size == want.size > 1:
        if right(got.ravel(), want.ravel()).all():
            return symptom, f"{words} The numbers are right."
        if got.dtype.kind != "c" and right(np.sort(got.ravel()), np.sort(want.ravel())).all():
            return symptom, f"{words} The numbers are right, in another order."
    if symptom == "length" and not as_list:
        gap = got.size - want.size
        words += f" It has {counted(abs(gap), 'number')} too {'many' if gap > 0 else 'few'}."
    return symptom, f"{words} {next(_what_is_right(got, want, right), '')}".rstrip()


def _shapes(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    if not got:
        return f"It is a single number; its shape should be {want}."
    if not want:
        return f"Its shape is {got}; it should be a single number, of shape ()."
    return f"Its shape is {got}; it should be {want}."


def _entries(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    has = (
        f"It has {_of(got)}"
        if got and got[0]
        else "It is empty"
        if got
        else "It is a single number"
    )
    if len(got) == len(want) == 1:
        return f"{has}; it should have {want[0] if got[0] else _of(want)}."
    if not want:
        return f"{has}; it should be a single number."
    return f"{has}; it should have {_of(want)}."


def _of(shape: tuple[int, ...]) -> str:
    first = counted(shape[0], "entry")
    if len(shape) == 1:
        return first
    if len(shape) == 2:
        return f"{first} of {counted(shape[1], 'number')} each"
    return f"{first}, each {' by '.join(map(str, shape[1:]))} numbers"


def _what_is_right(got: Array, want: Array, right: Right) -> Iterator[str]:
    """What more is true, the most telling first."""
    if got.size and want.size and got.ndim == want.ndim == 1:
        yield from _begins_or_ends(got, want, right)
    if got.size > want.size and got.ndim > want.ndim and np.ptp(_real(got)) > 0:
        yield from _right_after_reduction(got, want, right)
    if want.size > got.size and want.ndim > got.ndim and np.ptp(_real(want)) > 0:
        yield from _reduction_of_right(got, want, right)
    n = want.size
    if n > 1 and got.shape == (n, n) and want.ndim <= 2:
        yield (
            f"A column, of shape ({n}, 1), with a row, of shape ({n},), gives such a square: "
            "did one meet the other?"
        )


def _real(array: Array) -> Array:
    return np.abs(array) if array.dtype.kind == "c" else array.astype(float)


def _begins_or_ends(got: Array, want: Array, right: Right) -> Iterator[str]:
    short_, long = min(got.size, want.size), max(got.size, want.size)
    gap, is_short = long - short_, got.size < want.size
    if right(got[:short_], want[:short_]).all():
        if is_short:
            yield f"They are right as far as they go: the last {_so_many(gap)} missing."
        else:
            yield f"The first {_so_many(short_)} right; {gap} more {_follows(gap)}."
    elif right(got[-short_:], want[-short_:]).all():
        if is_short:
            yield f"They are right, but the first {_so_many(gap)} missing."
        else:
            yield f"The last {_so_many(short_)} right; {gap} more {_follows(gap, 'come')} before."
    elif gap == 1 and short_ > 2:
        for place in range(1, long - 1):
            one, other = (
                (np.delete(want, place), got) if is_short else (want, np.delete(got, place))
            )
            if right(other, one).all():
                what = "is missing" if is_short else "is too many"
                yield f"All the others are right: the one at {index_text((place,))} {what}."
                return


def _so_many(count: int) -> str:
    return "is" if count == 1 else f"{count} are"


def _follows(count: int, verb: str = "follow") -> str:
    return f"{verb}s" if count == 1 else verb


def _right_after_reduction(got: Array, want: Array, right: Right) -> Iterator[str]:
    """The mean, sum or one part of what came back is right."""
    for name, function in _REDUCTIONS:
        if want.ndim == 0 and right(function(got, None), want).all():
            yield f"The {name} of its numbers is right."
    if got.ndim == want.ndim + 1:
        for axis in range(got.ndim):
            if got.shape[:axis] + got.shape[axis + 1 :] != want.shape:
                continue
            for place in {0, got.shape[axis] - 1}:
                if right(np.take(got, place, axis), want).all():
                    yield f"Its part {slice_text(axis, place)} alone is right."
            for name, function in _REDUCTIONS:
                if got.ndim > 1 and right(function(got, axis), want).all():
                    yield f"Its {name} over axis {axis} is right."


def _reduction_of_right(got: Array, want: Array, right: Right) -> Iterator[str]:
    """What came back is the mean, the sum or one part of what is right."""
    if want.ndim == got.ndim + 1:
        for axis in range(want.ndim):
            if want.shape[:axis] + want.shape[axis + 1 :] != got.shape:
                continue
            for place in range(min(want.shape[axis], 50)):
                if right(got, np.take(want, place, axis)).all():
                    yield f"It is the part {slice_text(axis, place)} of the right answer alone."
            for name, function in _REDUCTIONS:
                if want.ndim > 1 and right(got, function(want, axis)).all():
                    yield f"It is the {name} of the right numbers over axis {axis}."
    for name, function in _REDUCTIONS:
        if got.ndim == 0 and right(got, function(want, None)).all():
            yield f"It is the {name} of the right numbers."


_REDUCTIONS: tuple[tuple[str, Any], ...] = (("mean", np.mean), ("sum", np.sum))


def _listed(numbers: list[int]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
