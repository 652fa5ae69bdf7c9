"""The rows of arguments, and lists of names in a sentence."""

from __future__ import annotations

from typing import Any

from descent.grading.questions.cases import Case, Key
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    with_numbers,
)
from descent.grading.questions.snapshots import numbers_in
from descent.grading.values import is_tensor, to_array


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


def is_trivial(results: list[Any]) -> bool:
    """Nothing but zeros: much is right then."""
    rows = [numbers_in(result) for result in results]
    return all(row is not None and not row.any() for row in rows)
