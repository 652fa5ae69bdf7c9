"""How `fewest_micro_batches` is judged: by counting idle ticks."""

from __future__ import annotations

from fractions import Fraction

from descent.grading import Draw, Exercise, expect

fewest_micro_batches = Exercise(
    "fewest_micro_batches", minutes=15, difficulty=2, returns=int | None
)


def _idle(stages: int, micro_batches: int) -> Fraction:
    """Idle slots over all slots, counted in the forward half; the other half is its mirror."""
    ticks = 0
    while ticks < micro_batches + stages - 1:
        ticks += 1
    slots = stages * ticks
    return Fraction(slots - stages * micro_batches, slots)


def _oracle(stages: int, batch_size: int, bubble: float) -> int | None:
    for m in range(1, batch_size + 1):
        if batch_size % m == 0 and _idle(stages, m) <= Fraction(bubble):
            return m
    return None


def _expect(answer, stages: int, batch_size: int, bubble: float) -> None:
    expect(answer(stages, batch_size, bubble), "micro-batches").equals(
        _oracle(stages, batch_size, bubble)
    )


@fewest_micro_batches.property("keeps the bubble as small as asked", trials=6)
def _(answer, draw: Draw) -> None:
    stages = 2 + draw.size % 7
    for bubble in (0.07, 0.3, 0.21):
        _expect(answer, stages, 2 ** draw.integers(6, 9), bubble)


@fewest_micro_batches.property("divides the batch into equal parts", trials=5)
def _(answer, draw: Draw) -> None:
    for batch_size in (60, 90, 49, 120):
        _expect(answer, 3 + draw.size % 4, batch_size, draw.choice((0.11, 0.23, 0.34)))


@fewest_micro_batches.property("may have a bubble of exactly what was asked")
def _(answer, draw: Draw) -> None:
    # These shares are binary fractions, and nothing is rounded.
    for stages, batch_size, bubble in ((2, 6, 0.25), (4, 12, 0.5), (4, 36, 0.25), (8, 98, 0.125)):
        _expect(answer, stages, batch_size, bubble)


@fewest_micro_batches.property("is None where single rows are still too few")
def _(answer, draw: Draw) -> None:
    for stages, batch_size, bubble in ((8, 16, 0.11), (2, 5, 0.0), (4, 1, 0.5), (3, 7, 0.21)):
        _expect(answer, stages, batch_size, bubble)


@fewest_micro_batches.property("is 1 for one stage, which never waits")
def _(answer, draw: Draw) -> None:
    _expect(answer, 1, 1 + draw.size, 0.0)
    _expect(answer, 1, 12, 0.4)


@fewest_micro_batches.property("is a batch of single rows where that is needed", trials=1)
def _(answer, draw: Draw) -> None:
    for stages, batch_size, bubble in ((3, 13, 0.14), (2, 3, 0.25), (5, 31, 0.12)):
        _expect(answer, stages, batch_size, bubble)


@fewest_micro_batches.right
def right_fewest(stages, batch_size, bubble):
    for m in range(1, batch_size + 1):
        idle = (stages - 1) / (m + stages - 1)
        if batch_size % m == 0 and idle <= bubble:
            return m
    return None


fewest_micro_batches.slip(
    "idle_over_work",
    "You divided the idle ticks by the working ones. The bubble is their share of *all* ticks: "
    "(S − 1)/(M + S − 1).",
    {"/ (m + stages - 1)": "/ m"},
)
fewest_micro_batches.slip(
    "s_idle_ticks",
    "You count S idle ticks. The last stage waits for S − 1 others.",
    {"(stages - 1) / (m + stages - 1)": "stages / (m + stages)"},
)
fewest_micro_batches.slip(
    "uneven_parts",
    "Your number does not divide the batch, so the micro-batches are unequal and the slowest sets "
    "the pace.",
    {"batch_size % m == 0 and ": ""},
)
fewest_micro_batches.slip(
    "strictly_smaller",
    "A bubble of exactly what was asked is small enough.",
    {"idle <= bubble": "idle < bubble"},
)
fewest_micro_batches.slip(
    "most_of_them",
    "That is the largest number that does. Smaller micro-batches use a GPU worse: the fewest are "
    "wanted.",
    {"range(1, batch_size + 1)": "range(batch_size, 0, -1)"},
)
fewest_micro_batches.slip(
    "single_rows_left_out",
    "A micro-batch may be a single row: try batch_size itself too.",
    {"batch_size + 1": "batch_size"},
)
fewest_micro_batches.slip(
    "rows_of_one",
    "You returned the rows in a micro-batch. The number of micro-batches is asked for.",
    {"return m": "return batch_size // m"},
)
fewest_micro_batches.slip(
    "single_rows_for_none",
    "Where even single rows leave too large a bubble, say None.",
    {"return None": "return batch_size"},
)

fewest_micro_batches.slip(
    "all_ticks_one_more",
    "You divided by M + S. A half has M + S − 1 ticks: the last micro-batch starts at tick M − 1, "
    "and has S stages to go through.",
    {"/ (m + stages - 1)": "/ (m + stages)"},
)
fewest_micro_batches.slip(
    "zero_for_none",
    "Where even single rows leave too large a bubble, say None. 0 micro-batches are no answer.",
    {"return None": "return 0"},
)
fewest_micro_batches.slip(
    "powers_of_two_only",
    "You try powers of two only. Any number that divides the batch will do, such as 3 of 12.",
    {"range(1, batch_size + 1)": "(2**k for k in range(batch_size.bit_length()))"},
)
fewest_micro_batches.slip(
    "at_least_one_for_each_stage",
    "You begin at as many micro-batches as stages. Fewer may do where a large bubble is allowed.",
    {"range(1, batch_size + 1)": "range(stages, batch_size + 1)"},
)
fewest_micro_batches.slip(
    "none_for_no_bubble",
    "You answer None where no bubble at all is allowed. One stage never waits, so it keeps that "
    "with 1 micro-batch.",
    {"    for m in": "    if bubble == 0:\n        return None\n    for m in"},
)
fewest_micro_batches.slip(
    "share_of_work",
    "You hold the working ticks to the limit, and not the waiting ones. The bubble is "
    "(S − 1)/(M + S − 1).",
    {"(stages - 1) / (m + stages - 1)": "m / (m + stages - 1)"},
)
fewest_micro_batches.hint("Of M + S − 1 ticks, how many is a stage idle in each half?")
fewest_micro_batches.hint("Only divisors of the batch come into question. Which of them first?")
fewest_micro_batches.hint(
    "Go through the numbers from 1 to the batch size, pass over those that do not divide it, and "
    "stop at the first whose bubble is small enough. If none is, say so.",
)
fewest_micro_batches.hint("Is a batch of one row allowed?", when="none")

fewest_micro_batches.equivalent(
    "`for micro_batches in range(1, batch_size + 1):` → "
    "`for micro_batches in range(1, batch_size + 2):`",
    because="one more than the batch never divides it",
)
