"""How `my_rows` is judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from descent.grading import Draw, Exercise, expect

my_rows = Exercise("my_rows", minutes=10, difficulty=1)


def _rows(found: Any) -> Any:
    """Ranges and lists alike as lists; anything else as it is."""
    try:
        return [[int(row) for row in part] for part in found]
    except TypeError:
        return list(found) if isinstance(found, Iterable) else found


def _one_list(found: Any) -> list[int]:
    """All rows one after another, in micro-batches or not."""
    return [row for part in found for row in (part if isinstance(part, list) else [part])]


def _verdict(answer, *arguments: int) -> Any:
    """What comes back, or the word "ValueError" where that was raised."""
    try:
        return _rows(answer(*arguments))
    except ValueError:
        return "ValueError"


@my_rows.property("cuts a process's part of the batch into micro-batches", trials=5)
def _(answer, draw: Draw) -> None:
    size, micro, parts = 1 + draw.size % 4, draw.integers(1, 5), draw.integers(1, 4)
    rank = draw.integers(0, size)
    first = rank * micro * parts
    wanted = [[first + k * micro + i for i in range(micro)] for k in range(parts)]
    found = _rows(answer(size * micro * parts, micro, rank, size))
    expect(len(found), "the number of micro-batches").equals(parts)
    expect(_one_list(found), "all its rows").equals([row for part in wanted for row in part])
    expect(found, "the micro-batches").equals(wanted)


@my_rows.property("leaves no row out and gives none twice", trials=3)
def _(answer, draw: Draw) -> None:
    size, micro = 1 + draw.size, draw.integers(1, 4)
    rows = [
        row
        for k in range(size)
        for row in _one_list(_rows(answer(size * micro * 2, micro, k, size)))
    ]
    expect(sorted(rows), "the rows of all processes").equals(list(range(size * micro * 2)))


@my_rows.property("gives a single process everything")
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 9)
    expect(_rows(answer(n, n, 0, 1)), "the micro-batches").equals([list(range(n))])


@my_rows.property("raises ValueError where parts would not be equal")
def _(answer, draw: Draw) -> None:
    for arguments, why in (
        ((10, 1, 0, 4), "10 rows for 4 processes"),
        ((12, 4, 1, 2), "6 rows for each, in fours"),
        ((4, 4, 0, 2), "2 rows for each, in fours"),
    ):
        expect(_verdict(answer, *arguments) == "ValueError", why).is_true(
            otherwise=f"{why[0].upper() + why[1:]} do not come out even: raise ValueError."
        )


def _refuse(batch_size, micro_batch, size) -> None:
    if batch_size % (size * micro_batch):
        raise ValueError("parts would not be equal")


@my_rows.mistake(
    "Every process takes the same rows, the first ones. Then they all compute one gradient, and "
    "the rest of the batch is never seen. The part of process `rank` begins at rank · share."
)
def all_the_same(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    return [range(k, k + micro_batch) for k in range(0, batch_size // size, micro_batch)]


@my_rows.mistake("Each process takes the whole batch. Its share is batch_size // size rows.")
def whole_batch(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    return [range(k, k + micro_batch) for k in range(0, batch_size, micro_batch)]


@my_rows.mistake(
    "You deal the rows out like cards. That is a fair share too, but here a process's rows lie "
    "together: rank · share and the ones after it."
)
def dealt_out(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    rows = list(range(rank, batch_size, size))
    return [rows[k : k + micro_batch] for k in range(0, len(rows), micro_batch)]


@my_rows.mistake(
    "You deal the micro-batches out in turn, one to each process. That is a fair share too, but "
    "here a process's rows lie together: its first micro-batch begins at rank · share, and the "
    "next follows directly."
)
def interleaved(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    starts = range(rank * micro_batch, batch_size, micro_batch * size)
    return [range(k, k + micro_batch) for k in starts]


@my_rows.mistake(
    "You return the rows one after another. What is asked for is a list of micro-batches, each a "
    "range (or a list) of `micro_batch` rows."
)
def flat(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    return list(range(rank * share, (rank + 1) * share))


@my_rows.mistake("The share is not cut into micro-batches of `micro_batch` rows.")
def not_cut(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    return [range(rank * share, (rank + 1) * share)]


@my_rows.mistake(
    "`micro_batch` is how many rows a micro-batch has; you made that many micro-batches."
)
def number_for_length(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    length = max(share // micro_batch, 1)
    rows = range(rank * share, (rank + 1) * share)
    return [rows[k : k + length] for k in range(0, share, length)]


@my_rows.mistake(
    "Where the parts do not come out even, you go on with unequal ones, or drop rows. A mean of "
    "means is the mean of the batch only when the parts are equal: raise ValueError."
)
def not_refused(batch_size, micro_batch, rank, size):
    share = batch_size // size
    rows = range(rank * share, (rank + 1) * share)
    return [rows[k : k + micro_batch] for k in range(0, share, micro_batch)]


@my_rows.mistake(
    "You look whether the batch divides among the processes, but not whether a share divides into "
    "micro-batches."
)
def share_not_refused(batch_size, micro_batch, rank, size):
    if batch_size % size:
        raise ValueError("not even")
    return not_refused(batch_size, micro_batch, rank, size)


my_rows.hint("How many rows has a share? Where does the share of process `rank` begin?")


my_rows.hint("`rows = range(rank * share, (rank + 1) * share)`; a range can be sliced.")


my_rows.hint("12 rows, 2 processes, micro-batches of 3: what has process 1?", when="value")


my_rows.hint(
    "Two things must divide: what are they?",
    when="raises ValueError where parts would not be equal",
)
