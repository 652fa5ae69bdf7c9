"""Where the right numbers are: in another order, or everywhere but in one row."""

from __future__ import annotations

import numpy as np

from descent.grading.claims import Right, differing

Array = np.ndarray

MOST_TURNED = 200
"""More numbers, or rows, than this are not looked through for each place that they might have."""


def index_text(index: tuple[int, ...]) -> str:
    """An index as Python has it: `[2]`, `[1, 3]`."""
    return f"`[{', '.join(map(str, index))}]`"


def slice_text(axis: int, place: int) -> str:
    """All that has one index along an axis: `[1]`, `[:, 2]`."""
    return f"`[{', '.join([':'] * axis + [str(place)])}]`"


def slice_noun(axis: int, dimensions: int) -> str:
    """What such a part is called."""
    if dimensions == 2:
        return ("row", "column")[axis]
    return "part"


# ------------------------------------------------------------------------------------ the order


def arrangement(got: Array, want: Array, right: Right) -> tuple[str, str] | None:
    """The symptom and a sentence, where all the right numbers are there in other places."""
    wrong = ~right(got, want)
    if wrong.sum() < 2:  # one wrong number is not in the wrong place
        return None
    if got.ndim == 2:
        found = _of_a_matrix(got, want, right)
        if found is not None:
            return found
    if got.ndim == 1:
        found = _of_a_row(got, want, right)
        if found is not None:
            return found
    if _same_numbers(got, want, right):
        return "order", _in_another_order(got, want, wrong, right)
    return None


def _of_a_matrix(got: Array, want: Array, right: Right) -> tuple[str, str] | None:
    rows, columns = got.shape
    if rows == columns and right(got.T, want).all():
        return "transposed", "It is the transpose of the right answer."
    for axis, noun in enumerate(("rows", "columns")):
        if right(np.flip(got, axis), want).all():
            return "order", f"The {noun} are right, and come in reverse order."
    if _same_rows(got, want, right):
        return "order", "The rows are right and their order is not."
    if _same_rows(got.T, want.T, right):
        return "order", "The columns are right and their order is not."
    return None


def _same_rows(got: Array, want: Array, right: Right) -> bool:
    """Whether each row of the one is a row of the other, each once."""
    left = list(range(len(want)))
    if len(left) > MOST_TURNED:
        return False
    for row in got:
        found = next((i for i in left if right(row, want[i]).all()), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _of_a_row(got: Array, want: Array, right: Right) -> tuple[str, str] | None:
    if got.size == 2:
        if right(got[::-1], want).all():
            return "order", "The two numbers are exchanged."
        return None
    for places, words in ((1, "one place"), (2, "two places")):
        if got.size - places < 2 or differing(want) < 2:
            continue
        if right(got[places:], want[:-places]).all() and differing(want[:-places]) > 1:
            return "shift", f"The right numbers come {words} too late."
        if right(got[:-places], want[places:]).all() and differing(want[places:]) > 1:
            return "shift", f"The right numbers come {words} too early."
    if right(got[::-1], want).all():
        return "order", "The right numbers come in reverse order."
    return None


def _same_numbers(got: Array, want: Array, right: Right) -> bool:
    return bool(right(np.sort(got.ravel()), np.sort(want.ravel())).all())


def _in_another_order(got: Array, want: Array, wrong: Array, right: Right) -> str:
    if wrong.sum() == 2:
        one, two = (tuple(int(i) for i in place) for place in np.argwhere(wrong))
        return f"The numbers at {index_text(one)} and {index_text(two)} are exchanged."
    if got.ndim == 1 and got.dtype.kind != "c":
        up, right_up = (bool((np.diff(array) >= 0).all()) for array in (got, want))
        down, right_down = (bool((np.diff(array) <= 0).all()) for array in (got, want))
        if up or down:
            order = "smallest to the largest" if up else "largest to the smallest"
            return f"The numbers are right, but sorted from the {order}."
        if right_up or right_down:
            order = "smallest to the largest" if right_up else "largest to the smallest"
            return f"The numbers are right; they should be sorted from the {order}."
        for places in range(3, got.size - 2) if got.size <= MOST_TURNED else ():
            if right(np.roll(want, places), got).all():
                return f"The right numbers come in a circle, {places} places too late."
    return "The numbers are right and their order is not."


# ----------------------------------------------------------------------------------- the places


def where_wrong(wrong: Array, got: Array, want: Array) -> str | None:
    """A sentence, without its point, that says which numbers are wrong; None without a pattern.

    Some are right and some are wrong.
    """
    if got.ndim == 1:
        found = _in_a_row(wrong)
    else:
        found = _in_parts(wrong) or (_in_a_square(wrong) if wrong.ndim == 2 else None)
    return found or (None if want.dtype.kind == "c" else _by_size(wrong, want))


def _in_a_row(wrong: Array) -> str | None:
    places = np.flatnonzero(wrong)
    count, size = places.size, wrong.size
    if size < 3:
        return None
    if count == 1:
        first_or_last = {0: "the first", size - 1: "the last"}.get(int(places[0]))
        return f"All are right but {first_or_last}" if first_or_last else None
    if count == 2 and wrong[0] and wrong[-1]:
        return "All are right but the first and the last"
    left = size - count
    if wrong[-count:].all() and left > 1:
        return f"The first {left} are right, and all from {index_text((int(places[0]),))} on wrong"
    if wrong[:count].all() and left > 1:
        return f"The last {left} are right, and all before {index_text((count,))} wrong"
    return None


def _in_parts(wrong: Array) -> str | None:
    """Wrong numbers in one row or column alone, or in whole rows or columns."""
    dimensions = wrong.ndim
    for axis in range(dimensions):
        others = tuple(other for other in range(dimensions) if other != axis)
        some, all_ = np.any(wrong, axis=others), np.all(wrong, axis=others)
        if some.size < 2 or some.all():
            continue
        noun, places = slice_noun(axis, dimensions), np.flatnonzero(some)
        if places.size == 1 and wrong.sum() > 1:
            where = slice_text(axis, int(places[0]))
            if all_[places[0]]:
                return f"All are right but {noun} {where}"
            return f"Those that are wrong are all in {noun} {where}"
        if (some == all_).all() and places.size <= 4:
            listed = [slice_text(axis, int(place)) for place in places]
            return f"All are right but the {noun}s {', '.join(listed[:-1])} and {listed[-1]}"
    return None


def _in_a_square(wrong: Array) -> str | None:
    rows, columns = wrong.shape
    if min(rows, columns) < 3:
        return None
    row, column = np.indices(wrong.shape)
    border = (row == 0) | (column == 0) | (row == rows - 1) | (column == columns - 1)
    patterns = {
        "All are right but those at the border": border,
        "All are right but those inside the border": ~border,
    }
    if rows == columns:
        patterns |= {
            "All are right but the diagonal": row == column,
            "Only the diagonal is right": row != column,
            "All are right but those above the diagonal": row < column,
            "All are right but those below the diagonal": row > column,
            "All above the diagonal are right, and no others": row >= column,
            "All below the diagonal are right, and no others": row <= column,
        }
    return next((words for words, mask in patterns.items() if (wrong == mask).all()), None)


def _by_size(wrong: Array, want: Array) -> str | None:
    """Wrong numbers exactly where the right ones are 0, or negative, or neither."""
    if wrong.size < 3:
        return None
    patterns = {
        "It is right only where 0 is right": want != 0,
        "All are right but those that should be 0": want == 0,
        "All are right but those that should be negative": want < 0,
        "All are right but those that should be positive": want > 0,
    }
    return next(
        (words for words, mask in patterns.items()
         if mask.any() and not mask.all() and (wrong == mask).all()), None)  # fmt: skip
