"""How `path_counts` is judged."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

path_counts = Exercise("path_counts", minutes=6, difficulty=1)


def _pascal(blocks: int) -> list[int]:
    row = [1]
    for _ in range(blocks):
        row = [a + b for a, b in zip([0, *row], [*row, 0], strict=True)]
    return row


@path_counts.property("counts the paths by how many branches they go through", trials=6)
def _(answer, draw: Draw) -> None:
    expect(answer(draw.size), "the counts").equals(_pascal(draw.size))


@path_counts.property("has one path where there is no block", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(0), "the counts for no block").equals([1])


@path_counts.property("gives exact whole numbers for many blocks", trials=1)
def _(answer, draw: Draw) -> None:
    counts = list(answer(60))
    expect(len(counts), "how many counts there are").equals(61)
    expect([str(count) for count in counts] == [str(c) for c in _pascal(60)], "exact").is_true(
        otherwise="For 60 blocks the counts are not exact whole numbers: stay with Python's int."
    )


@path_counts.mistake(
    "You counted all paths together. Return one count for each length, 0 … blocks."
)
def all_together(blocks):
    return [2**blocks]


@path_counts.mistake("The path that passes by every block is missing: lengths start at 0.")
def without_the_shortcut(blocks):
    return _pascal(blocks)[1:]


@path_counts.mistake("The path through every branch is missing: there are blocks + 1 lengths.")
def without_the_longest(blocks):
    return _pascal(blocks)[:-1]


@path_counts.mistake(
    "You counted orders. Which branches a path takes matters, not in which order: they stand in a "
    "row, and 2 of 3 blocks can be chosen in 3 ways, not 6."
)
def orders(blocks):
    return [math.perm(blocks, k) for k in range(blocks + 1)]


@path_counts.mistake("Your counts are those of one block more.")
def one_block_more(blocks):
    return _pascal(blocks + 1)


@path_counts.mistake(
    "You doubled from length to length. There are 2 to the power of blocks paths in all; of length "
    "k there are as many as ways to choose k blocks."
)
def powers_of_two(blocks):
    return [2**k for k in range(blocks + 1)]


@path_counts.mistake("You returned shares. Return the counts, whole numbers.")
def shares(blocks):
    return [count / 2**blocks for count in _pascal(blocks)]


path_counts.hint("Multiply out (1 + a)(1 + b)(1 + c). How many terms have two letters?")


path_counts.hint("How many ways are there to choose k of the blocks? `math.comb`.")


path_counts.hint("For 3 blocks: [1, 3, 3, 1].", when="length")


path_counts.hint("For 3 blocks: [1, 3, 3, 1].", when="value")
