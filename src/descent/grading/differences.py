"""The difference between what came back and what was expected, in words.

Every sentence is true of the values: a factor is told only where several numbers have it, a place
only where all others are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from descent.grading.claims import (
    Claim,
    Right,
    claim_of_all,
    differing,
    factor_of,
    largest,
    precision,
    rounded,
    transformed,
)
from descent.grading.notation import counted, number_text
from descent.grading.places import arrangement, index_text, where_wrong
from descent.grading.shapes import Said, not_numbers, shapes
from descent.grading.values import short, to_array

SYMPTOMS = (
    "none", "type", "shape", "transposed", "length", "nan", "infinite", "sign", "factor",
    "offset", "order", "shift", "dtype", "changes input", "replaces", "ignores argument", "error",
    "slow", "value",
)  # fmt: skip
"""Every symptom a difference or a judgement can carry, as hints may name them in `when`."""

MOST_COMPARED = 20_000
"""With more numbers than this only the simplest is said of them: a check answers soon, and
keeps no copy of them."""


@dataclass(frozen=True)
class Compared:
    """The numbers that a difference is about, and what was asked of them."""

    got: np.ndarray
    want: np.ndarray
    dimensions: Mapping[int, str]


class Difference:
    """A symptom (one of `SYMPTOMS`) and a sentence that says it.

    Of numbers they are found when they are first asked for: of the many answers that a diagnosis
    compares, nobody asks.

    Parameters
    ----------
    symptom, words : str
    compared : Compared, optional
        The numbers of a difference in value, for `over_all_cases`.
    """

    def __init__(self, symptom: str, words: str, compared: Compared | None = None) -> None:
        self._said: Said | None = (symptom, words)
        self._find: Callable[[], Said] = lambda: (symptom, words)
        self.compared = compared

    @classmethod
    def found_later(cls, find: Callable[[], Said], compared: Compared | None) -> Difference:
        """A difference whose symptom and words are what `find` returns."""
        made = cls("value", "", compared)
        made._said, made._find = None, find
        return made

    def _both(self) -> Said:
        if self._said is None:
            with np.errstate(all="ignore"):
                self._said = self._find()
        return self._said

    @property
    def symptom(self) -> str:
        """What kind of difference it is."""
        return self._both()[0]

    @property
    def words(self) -> str:
        """A sentence that says it."""
        return self._both()[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Difference) and self._both() == other._both()

    def __hash__(self) -> int:
        return hash(self._both())

    def __repr__(self) -> str:
        return f"Difference({self.symptom!r}, {self.words!r})"


def difference(
    actual: Any,
    expected: Any,
    rtol: float,
    atol: float | None,
    dimensions: Mapping[int, str] | None = None,
) -> Difference | None:
    """How `actual` differs from the numbers in `expected`, or None where it agrees.

    Parameters
    ----------
    actual, expected
        Numbers, arrays, tensors or lists of numbers, of any shape.
    rtol, atol
        Relative tolerance, and absolute tolerance (default: a tenth of `rtol` times the largest
        expected magnitude, so that float32 answers pass where large numbers cancel).
    dimensions
        Sizes of the inputs and what they are, such as ``{3: "the length of `x`"}``: a wrong
        factor that equals one of them is told as such.
    """
    want = to_array(expected)
    if want is None:
        raise TypeError(f"close_to needs numbers to compare with, not {short(expected)}")
    got = to_array(actual)
    if got is None:
        return Difference(*not_numbers(actual))
    if atol is None:
        atol = 0.1 * rtol * max(largest(want), 1e-3)
    right = Right(rtol, atol)
    if got.shape != want.shape:
        return Difference(
            *shapes(actual, expected, got, want, right.at_least(1e-4, 1e-5 * largest(want)))
        )
    if (got == want).all() or right(got, want).all():
        return None
    if got.dtype == np.bool_ or want.dtype == np.bool_:
        return _truths(got, want)
    compared = Compared(_wide(got), _wide(want), dimensions or {})
    if got.size > MOST_COMPARED:  # not kept until somebody asks
        return Difference(*_numbers(compared, right))
    return Difference.found_later(partial(_numbers, compared, right), compared)


def shape_difference(actual: Any, shape: tuple[int, ...]) -> Difference | None:
    """How the shape of `actual` differs from `shape`; of a list its entries are told."""
    array = to_array(actual)
    if array is None:
        return Difference(*not_numbers(actual))
    if array.shape == shape:
        return None
    like = actual if isinstance(actual, list | tuple) else np.empty(0)
    return Difference("shape", shapes(actual, like, array, np.zeros(shape), None)[1])


def _wide(array: np.ndarray) -> np.ndarray:
    """Double precision, so that differences of integers and halves are exact enough."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


# ----------------------------------------------------------------------------- the numbers alike


def _numbers(compared: Compared, right: Right) -> Said:
    got, want = compared.got, compared.want
    if (strange := _not_finite(got, want)) is not None:
        return strange
    wrong = ~right(got, want)
    finite = bool(np.isfinite(want).all() and np.isfinite(got).all())
    if not finite or got.size > MOST_COMPARED:
        return "value", _first_wrong(got, want, wrong)
    subject = "It is" if got.size == 1 else "Every number is"
    if got.dtype.kind == "c":
        if right(got, -want).all():
            return "sign", f"{subject} right in size and of the opposite sign."
        return _in_places(got, want, wrong, right)
    if (claim := rounded(got, want)) is not None:
        return claim.symptom, _said(claim, got, want)
    if np.allclose(got, want, rtol=1e-3, atol=1e-3 * max(largest(want), 1e-6)):
        return _nearly(got, want)
    lone = got.size == 1
    if (claim := claim_of_all(got, want, compared.dimensions, lone)) is not None:
        symptom = claim.symptom
        return symptom, _said(claim, got, want)
    if lone:
        return _lone_symptom(got, want), _plainly(got, want)
    return _in_places(got, want, wrong, right)


def _in_places(got: np.ndarray, want: np.ndarray, wrong: np.ndarray, right: Right) -> Said:
    """What is said where no one sentence about the sizes fits all numbers."""
    if got.size == 1:
        return "value", _plainly(got, want)
    arranged = arrangement(got, want, right)
    if arranged is not None:
        return arranged
    real = got.dtype.kind != "c"
    if real and (claim := transformed(got, want)) is not None:
        return claim.symptom, claim.of("Every number is")
    if real and (words := _running(got, want, right)) is not None:
        return "value", words
    if real and _is_cut_at_zero(got, want, right):
        return "value", "All are right but those that should be negative: they are 0."
    if 0 < wrong.sum() < got.size:
        clause = where_wrong(wrong, got, want)
        if clause is not None:
            return "value", f"{clause}: {_example(got, want, wrong)}."
    if real and (words := _by_parts(got, want)) is not None:
        return "value", words
    return "value", _first_wrong(got, want, wrong)


def _said(claim: Claim, got: np.ndarray, want: np.ndarray) -> str:
    if got.size > 1:
        return claim.of("Every number is")
    more = f" {claim.more}" if claim.more else ""
    return f"{_plainly(got, want)[:-1]}: it is {claim.what}.{more}"


def _plainly(got: np.ndarray, want: np.ndarray) -> str:
    is_, right = short(got.ravel()[0].item()), short(want.ravel()[0].item())
    return f"It is {is_} where {right} is right."


def _lone_symptom(got: np.ndarray, want: np.ndarray) -> str:
    """A whole factor is a reason to open the hint for it, and no more."""
    factor = factor_of(got, want)
    if factor is None:
        return "value"
    times = abs(factor) if abs(factor) >= 1 else 1 / abs(factor)
    return "factor" if round(times) > 1 and abs(times - round(times)) < 1e-3 * times else "value"


def _not_finite(got: np.ndarray, want: np.ndarray) -> Said | None:
    """NaN or infinity where the right number is neither."""
    for symptom, name, test, comes_of in (
        ("nan", "NaN (not a number)", np.isnan,
         "It comes of 0/0, inf - inf, or the logarithm or root of a negative number."),
        ("infinite", "infinite", np.isinf,
         "That comes of a division by 0, the logarithm of 0, or a number too large to hold."),
    ):  # fmt: skip
        where = test(got) & ~test(want)
        if symptom == "infinite":
            where |= np.isinf(got) & np.isinf(want) & (got != want)
        if not where.any():
            continue
        if got.size == 1:
            return symptom, f"{_plainly(got, want)} {comes_of}"
        if where.all():
            return symptom, f"Every number is {name}. {comes_of}"
        several = f"{where.sum()} of {where.size} numbers {_verb(where)} {name}"
        return symptom, f"{several}, {_which(where, want)}. {comes_of}"
    return None


def _which(where: np.ndarray, want: np.ndarray) -> str:
    """Where they are: what the right ones have in common, else the first."""
    if where.sum() > 1 or want.size > 2:
        kinds = {"0 is": want == 0, "-inf is": np.isneginf(want.real)}
        for words, kind in kinds.items():
            if (where == kind).all():
                return f"just where {words} right"
    first = tuple(int(i) for i in np.argwhere(where)[0])
    return f"{'the first' if where.sum() > 1 else 'the one'} at {index_text(first)}"


def _nearly(got: np.ndarray, want: np.ndarray) -> Said:
    gap = number_text(float(np.max(np.abs(got - want))))
    words = f"It is nearly right: off by {gap}{' at most' if got.size > 1 else ''}."
    held_by = precision(got, want)
    if held_by is None:
        return "value", words
    return "dtype", f"{words} Every number is one that {held_by} can hold: was it used on the way?"


def _running(got: np.ndarray, want: np.ndarray, right: Right) -> str | None:
    if got.ndim != 1 or got.size < 3 or differing(want) < 2:
        return None
    for one, two, words in (
        (got, want, "Each number is the sum of the right ones up to there."),
        (want, got, "The right numbers are the sums of these up to there."),
    ):
        if right(one, np.cumsum(two)).all() and not right(one[1:], two[1:]).all():
            return words
    return None


def _by_parts(got: np.ndarray, want: np.ndarray) -> str | None:
    """Every row, or column, right but for a factor or a number of its own."""
    if got.ndim != 2 or min(got.shape) < 2:
        return None
    for noun, theirs, right in (("row", got, want), ("column", got.T, want.T)):
        if right.shape[1] < 3 or any(differing(row) < 3 for row in right):
            continue
        pairs = list(zip(theirs, right, strict=True))
        if all(factor_of(*pair) is not None for pair in pairs):
            words = f"Each {noun} is the right one times a number of its own."
            adds_up = np.allclose(right.sum(axis=1), 1) and not np.allclose(theirs.sum(axis=1), 1)
            return words + f" Each right {noun} adds up to 1." * bool(adds_up)
        if all(_is_shifted(*pair) for pair in pairs):
            return f"Each {noun} is the right one with the same number added to all of it."
    return None


def _is_shifted(got: np.ndarray, want: np.ndarray) -> bool:
    gaps = got - want
    return bool(np.ptp(gaps) <= 2e-4 * max(np.ptp(want), 1e-300)) and differing(want) > 2


def _is_cut_at_zero(got: np.ndarray, want: np.ndarray, right: Right) -> bool:
    below = want < 0
    telling = below.any() and (want > 0).any()
    return bool(telling and (got[below] == 0).all() and right(got, want)[~below].all())


def _first_wrong(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    if got.size == 1:
        return _plainly(got, want)
    example = _example(got, want, wrong)
    signs = ""
    if got.dtype.kind != "c" and wrong.all() and _signs_are_telling(got, want):
        signs = " Every sign is right."
    if wrong.all():
        return f"All {counted(got.size, 'number')} are wrong, the first: {example}.{signs}"
    first = "" if wrong.sum() == 1 else ", the first"
    share = f"{wrong.sum()} of {counted(got.size, 'number')} {_verb(wrong)} wrong"
    return f"{share}{first}: {example}."


def _verb(where: np.ndarray) -> str:
    return "is" if where.sum() == 1 else "are"


def _example(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    """The first wrong number."""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    is_, should = short(got[place].item()), short(want[place].item())
    return f"{is_} at {index_text(place)}, where {should} is right"


def _signs_are_telling(got: np.ndarray, want: np.ndarray) -> bool:
    return (
        bool((np.sign(got) == np.sign(want)).all()) and min((want > 0).sum(), (want < 0).sum()) > 1
    )


def _truths(got: np.ndarray, want: np.ndarray) -> Difference:
    if want.dtype != np.bool_ or got.dtype != np.bool_:
        is_ = "truth values, True or False" if got.dtype == np.bool_ else "numbers"
        should = "truth values, True or False" if want.dtype == np.bool_ else "numbers"
        if got.size == 1:
            return Difference("value", _plainly(got, want))
        return Difference("value", f"It is made of {is_}; it should be made of {should}.")
    if got.size == 1:
        return Difference("value", f"It is {short(got.item())} and should be {short(want.item())}.")
    wrong = got != want
    if wrong.all():
        return Difference("value", "Every truth value is the opposite of the right one.")
    count = int(wrong.sum())
    words = f"{count} of {got.size} truth values {_verb(wrong)} wrong"
    if (got == got.ravel()[0]).all() and got.size > 2:
        return Difference("value", f"{words}: all are {bool(got.ravel()[0])}.")
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Difference(
        "value", f"{words}, {'the one' if count == 1 else 'the first'} at {index_text(first)}."
    )


# ------------------------------------------------------------------------------------- all cases

Case = tuple[Any, Difference | None, Mapping[int, str]]
"""The value of one case, how it differs from the right one, and the sizes of its inputs."""


def over_all_cases(shown: Difference, cases: Sequence[Case]) -> Difference:
    """What is true in every case that was tried, where it says more than the one that is shown.

    A lone number is twice the right one for many reasons; that it is so in five cases tells.

    Parameters
    ----------
    shown : Difference
        Of the case that a report shows.
    cases : list
        Every case of the same observation, right ones too.

    Returns
    -------
    Difference
        `shown` itself where there is nothing to add.
    """
    if shown.compared is None:
        return shown
    pairs = [pair for case in cases if (pair := _pair_of(case)) is not None]
    if len(pairs) < len(cases) or sum(_is_wrong(case) for case in cases) < 2:
        return shown
    if (found := _as_large_as_an_input(pairs)) is not None:
        return Difference("factor", found, shown.compared)
    if any(pair.got.size > 1 for pair in pairs) or shown.compared.got.size > 1:
        return shown
    got = np.concatenate([pair.got.ravel() for pair in pairs])
    want = np.concatenate([pair.want.ravel() for pair in pairs])
    if differing(want) < 3 or got.dtype.kind == "c":
        return shown
    claim = rounded(got, want) or claim_of_all(got, want, {}) or transformed(got, want)
    if claim is None:
        return shown
    said = Claim(claim.symptom, claim.what).of(f"In each of the {len(pairs)} cases tried it is")
    return Difference(claim.symptom, said, shown.compared)


def _is_wrong(case: Case) -> bool:
    return case[1] is not None


def _pair_of(case: Case) -> Compared | None:
    """The numbers of one case; None where they cannot be compared."""
    value, found, dimensions = case
    if found is not None:
        pair = found.compared
    else:
        array = to_array(value)
        usable = array is not None and array.dtype != np.bool_ and array.size <= MOST_COMPARED
        pair = Compared(_wide(array), _wide(array), dimensions) if usable else None  # type: ignore[arg-type]
    if pair is None or not (np.isfinite(pair.got).all() and np.isfinite(pair.want).all()):
        return None
    return pair if pair.got.dtype.kind != "c" else None


def _as_large_as_an_input(pairs: Sequence[Compared]) -> str | None:
    """Whether the factor of every case is the same size of its inputs: one was not divided by."""
    factors = []
    for pair in pairs:
        if not pair.want.any() and not pair.got.any():
            continue
        if (factor := factor_of(pair.got, pair.want)) is None or factor <= 0:
            return None
        factors.append((factor, pair.dimensions))
    for description in dict.fromkeys(name for _, sizes in factors for name in sizes.values()):
        known = [
            (factor, next((n for n, name in sizes.items() if name == description), 1))
            for factor, sizes in factors
        ]
        if len({size for _, size in known if size > 1}) < 2:
            continue
        for words, power in (("large", 1), ("small", -1)):
            if all(abs(factor / float(size) ** power - 1) < 1e-3 for factor, size in known):
                sizes_seen = sorted({size for _, size in known if size > 1})
                listed = f"{', '.join(map(str, sizes_seen[:-1]))} and {sizes_seen[-1]}"
                return (
                    f"In every case tried it is as many times too {words} as {description} says: "
                    f"{listed} times."
                )
    return None


def dimensions_of(arguments: Mapping[str, Any]) -> dict[int, str]:
    """Sizes found in named inputs: what a stray factor of n may come from.

    A size that two different axes share names the first; 1 is no telling size.
    """
    found: dict[int, str] = {}
    for name, value in arguments.items():
        array = to_array(value)
        if array is None or array.ndim == 0:
            continue
        axes = ("length",) if array.ndim == 1 else ("number of rows", "number of columns")
        for size, axis in zip(array.shape, axes, strict=False):
            if size > 1:
                found.setdefault(size, f"the {axis} of `{name}`")
    return found
