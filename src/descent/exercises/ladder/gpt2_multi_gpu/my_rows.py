"""How `my_rows` is judged."""

from __future__ import annotations

from typing import Any

from descent.grading import Draw, Exercise, expect

my_rows = Exercise("my_rows", minutes=10, difficulty=1, returns=list[range | list[int]])


def _rows(found: Any) -> list[list[int]]:
    """Ranges and lists alike as lists."""
    return [[int(row) for row in part] for part in found]


def _one_list(found: Any) -> list[int]:
    """All rows one after another, whatever the micro-batches."""
    return [row for part in _rows(found) for row in part]


@my_rows.property("cuts a process's part of the batch into micro-batches", trials=5)
def _(answer, draw: Draw) -> None:
    size, micro, parts = 1 + draw.size % 4, draw.integers(1, 5), draw.integers(1, 4)
    if micro == parts:
        parts += 1
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
    rows = [row for k in range(size) for row in _one_list(answer(size * micro * 2, micro, k, size))]
    expect(sorted(rows), "the rows of all processes").equals(list(range(size * micro * 2)))


@my_rows.property("gives a single process everything")
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 9)
    expect(_rows(answer(n, n, 0, 1)), "the micro-batches").equals([list(range(n))])


def _expect_refused(answer, *cases: tuple[int, int, int, int]) -> None:
    for batch_size, micro_batch, rank, size in cases:
        try:
            given = len(answer(batch_size, micro_batch, rank, size))
        except ValueError:
            given = -1
        expect(given == -1, "whether ValueError is raised").is_true(
            otherwise=f"{batch_size} rows for {size} processes in micro-batches of {micro_batch} "
            "do not come out even: raise ValueError."
        )
        expect(given, "how many micro-batches are given, −1 for ValueError").equals(-1)


@my_rows.property("raises ValueError where the batch does not divide among the processes")
def _(answer, draw: Draw) -> None:
    size = draw.integers(3, 7)
    rank = draw.integers(0, size)
    _expect_refused(
        answer, (2 * size + draw.integers(1, size), 1, rank, size), (2 * size - 1, 1, 0, size)
    )


@my_rows.property("raises ValueError where there are fewer rows than processes", trials=2)
def _(answer, draw: Draw) -> None:
    size = draw.integers(3, 7)
    _expect_refused(answer, (1, 1, 0, size), (size - 1, 1, size - 1, size))


@my_rows.property("raises ValueError where a share does not divide into micro-batches")
def _(answer, draw: Draw) -> None:
    size, micro = draw.integers(1, 5), draw.integers(2, 5)
    share = micro * draw.integers(1, 4) + draw.integers(1, micro)
    _expect_refused(answer, (size * share, micro, size - 1, size), (size * share, micro, 0, size))


@my_rows.property("raises ValueError where a share is smaller than a micro-batch", trials=2)
def _(answer, draw: Draw) -> None:
    size, micro = draw.integers(2, 5), draw.integers(2, 5)
    _expect_refused(answer, (size * (micro - 1), micro, 0, size), (size, micro * size, 1, size))


@my_rows.right
def right_rows(batch_size, micro_batch, rank, size):
    if batch_size % size:
        raise ValueError("the batch does not divide among the processes")
    share = batch_size // size
    if share % micro_batch:
        raise ValueError("a share does not divide into micro-batches")
    first = rank * share
    return [range(k, k + micro_batch) for k in range(first, first + share, micro_batch)]


_FIRST_TEST = (
    '    if batch_size % size:\n        raise ValueError("the batch does not divide among the '
    'processes")\n'
)
_SECOND_TEST = (
    '    if share % micro_batch:\n        raise ValueError("a share does not divide into '
    'micro-batches")\n'
)
_MICRO_BATCHES = "[range(k, k + micro_batch) for k in range(first, first + share, micro_batch)]"
_CUT_SHORT = _MICRO_BATCHES.replace("k + micro_batch)", "min(k + micro_batch, first + share))")

my_rows.slip(
    "all_the_same",
    "Every process takes the same rows, the first ones. Then they all compute one gradient, and "
    "the rest of the batch is never seen. The part of process `rank` begins at rank · share.",
    {"first = rank * share": "first = 0"},
)
my_rows.slip(
    "whole_batch",
    "Each process takes the whole batch. Its share is batch_size // size rows.",
    {_MICRO_BATCHES: "[range(k, k + micro_batch) for k in range(0, batch_size, micro_batch)]"},
)
my_rows.slip(
    "ranks_from_one",
    "You begin one share too early: the ranks count from 0, so process 0 begins at row 0.",
    {"first = rank * share": "first = (rank - 1) * share"},
)
my_rows.slip(
    "by_micro_batch",
    "The part of process `rank` begins at rank · share, behind the shares of those before it. You "
    "begin at rank · micro_batch, so that the shares overlap.",
    {"first = rank * share": "first = rank * micro_batch"},
)
my_rows.slip(
    "dealt_out",
    "You deal the rows out like cards. That is a fair share too, but here a process's rows lie "
    "together: rank · share and the ones after it.",
    {
        _MICRO_BATCHES: (
            "[range(rank + k * size, rank + (k + micro_batch) * size, size)"
            " for k in range(0, share, micro_batch)]"
        )
    },
)
my_rows.slip(
    "interleaved",
    "You deal the micro-batches out in turn, one to each process. That is a fair share too, but "
    "here a process's rows lie together: its first micro-batch begins at rank · share, and the "
    "next follows directly.",
    {
        "range(first, first + share, micro_batch)": (
            "range(rank * micro_batch, batch_size, micro_batch * size)"
        )
    },
)
my_rows.slip(
    "not_cut",
    "The share is not cut into micro-batches of `micro_batch` rows.",
    {_MICRO_BATCHES: "[range(first, first + share)]"},
)
my_rows.slip(
    "number_for_length",
    "`micro_batch` is how many rows a micro-batch has; you made that many micro-batches.",
    {
        _MICRO_BATCHES: (
            "[range(first + k * (share // micro_batch), first + (k + 1) * (share // micro_batch))"
            " for k in range(micro_batch)]"
        )
    },
)
my_rows.slip(
    "not_refused",
    "Where the parts do not come out even, you go on with unequal ones. A mean of means is the "
    "mean of the batch only when the parts are equal: raise ValueError.",
    {_FIRST_TEST: "", _SECOND_TEST: "", _MICRO_BATCHES: _CUT_SHORT},
)
my_rows.slip(
    "rows_dropped",
    "Where the parts do not come out even, you drop rows or take some that are not yours, and say "
    "nothing. A mean of means is the mean of the batch only when the parts are equal and whole: "
    "raise ValueError.",
    {
        _FIRST_TEST: "",
        _SECOND_TEST: "",
        _MICRO_BATCHES: _MICRO_BATCHES.replace(
            "range(first, first + share, micro_batch)",
            "range(first, first + share - micro_batch + 1, micro_batch)",
        ),
    },
)
my_rows.slip(
    "nothing_not_refused",
    "Where there are fewer rows than processes you return no rows. That is a batch which does not "
    "divide into equal shares: raise ValueError.",
    {_FIRST_TEST: "    if batch_size < size:\n        return []\n" + _FIRST_TEST},
)
my_rows.slip(
    "share_not_refused",
    "You look whether the batch divides among the processes, but not whether a share divides into "
    "micro-batches.",
    {_SECOND_TEST: "", _MICRO_BATCHES: _CUT_SHORT},
)
my_rows.slip(
    "batch_not_refused",
    "You look whether a share divides into micro-batches, but not whether the batch divides among "
    "the processes: `//` rounds down in silence, and rows are lost.",
    {_FIRST_TEST: ""},
)
my_rows.slip(
    "batch_into_micro_batches",
    "You look whether the batch divides among the processes, and into micro-batches. But it is the "
    "share of a process that is cut: 6 rows for each do not make fours, though 12 do.",
    {"if share % micro_batch": "if batch_size % micro_batch", _MICRO_BATCHES: _CUT_SHORT},
)


my_rows.hint("How many rows has a share? Where does the share of process `rank` begin?")
my_rows.hint("`rows = range(rank * share, (rank + 1) * share)`; a range can be sliced.")
my_rows.hint("12 rows, 2 processes, micro-batches of 3: what has process 1?", when="value")
my_rows.hint(
    "Two things must divide: what are they?",
    when="raises ValueError where the batch does not divide among the processes",
)
