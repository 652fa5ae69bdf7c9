"""What is true of every number that came back, given the right ones: the square, the reciprocal.

A claim is made only where it holds of all numbers, to a tolerance, and where it tells something:
one number may be 2 times too large for many reasons, five different ones hardly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from descent.grading.notation import number_text

SLACK = 2e-4
"""Relative tolerance of a claim: single precision, and sums of many terms, must not hide it."""

BY_CHANCE = 40
"""A lone number that is a whole multiple of 1/this is round: too much fits it by chance."""

Array = np.ndarray


@dataclass(frozen=True)
class Right:
    """Says of every number whether it is right, to the tolerance of a check."""

    rtol: float
    atol: float

    def __call__(self, one: Array, two: Array) -> Array:
        """An array of truth values."""
        return np.asarray(np.isclose(one, two, rtol=self.rtol, atol=self.atol, equal_nan=True))

    def at_least(self, rtol: float, atol: float) -> Right:
        """No stricter than this."""
        return Right(max(self.rtol, rtol), max(self.atol, atol))


@dataclass(frozen=True)
class Claim:
    """What every number is: ``"the square of the right one"``, after "It is" or "Every number is".

    `more` is a sentence of its own that goes with it.
    """

    symptom: str
    what: str
    more: str = ""

    def of(self, subject: str) -> str:
        """The claim as a sentence about `subject`, such as ``"Every number is"``."""
        return f"{subject} {self.what}.{f' {self.more}' if self.more else ''}"


def agree(one: Array, two: Array, slack: float = SLACK) -> bool:
    """Whether all numbers agree, each to its own size."""
    return bool(np.allclose(one, two, rtol=slack, atol=0.1 * slack * largest(two)))


def largest(array: Array) -> float:
    """The largest finite magnitude, 0 where there is none."""
    return float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))


def differing(array: Array) -> int:
    """How many clearly different numbers there are, up to 3."""
    ordered = np.sort(array.ravel())
    steps = np.diff(ordered) > 1e-3 * max(largest(array), 1e-300)
    return min(1 + int(steps.sum()), 3) if ordered.size else 0


def claim_of_all(
    got: Array, want: Array, dimensions: Mapping[int, str], lone: bool = False
) -> Claim | None:
    """The first claim that holds of all numbers. Both arrays are real, finite and differ.

    Parameters
    ----------
    got, want : ndarray
    dimensions : dict
        Sizes of the inputs and what they are.
    lone : bool
        Whether it is one number: then only a claim that hardly holds by chance is made.
    """
    got, want = got.ravel(), want.ravel()
    if lone:
        return _of_a_lone_number(got, want)
    same = _the_same_everywhere(got, want)
    if same is not None:
        return same
    if agree(got, -want):
        return Claim("sign", "right in size and of the opposite sign")
    if (want < 0).any() and agree(got, np.abs(want)):
        return Claim("sign", "the right one without its sign")
    return factor_claim(got, want, dimensions) or _offset_claim(got, want)


def transformed(got: Array, want: Array) -> Claim | None:
    """The claim that every number is a function of the right one, if it is one that is known."""
    got, want = got.ravel(), want.ravel()
    fitting = list(_transforms_that_fit(got, want))
    return fitting[0] if fitting and _are_telling(got, want) else None


def rounded(got: Array, want: Array) -> Claim | None:
    """The claim that every number is the right one rounded, or cut off."""
    got, want = got.ravel(), want.ravel()
    if not got.any():
        return None
    if (got == np.rint(got)).all() and (want != np.rint(want)).any():
        down, cut = (got == np.floor(want)).all(), (got == np.trunc(want)).all()
        if down and cut:
            return Claim("value", "the right one without what stands after the point",
                         "Does `//` or `int` cut it off?")  # fmt: skip
        if down or cut:
            how = "rounded down (`//`, `floor`)" if down else "cut off at the point (`int`)"
            return Claim("value", f"the right one {how}")
        if (got == np.rint(want)).all():
            return Claim("value", "the right one rounded to a whole number")
        if (got == np.ceil(want)).all():
            return Claim("value", "the right one rounded up to a whole number")
    for decimals in (1, 2, 3, 4):
        places = np.round(want, decimals)
        fits = np.allclose(got, places, rtol=1e-9, atol=1e-12)
        if fits and (got != np.rint(got)).any() and not np.allclose(places, want, rtol=1e-9):
            plural = "" if decimals == 1 else "s"
            return Claim("value", f"the right one rounded to {decimals} decimal{plural}")
    return None


def precision(got: Array, want: Array) -> str | None:
    """The name of the type that holds every number that came back, and not the right ones."""
    if differing(got) < 3 or want.size < 3:
        return None
    forms = {"float16": _float16, "bfloat16": _bfloat16, "float32": _float32}
    for name, form in forms.items():
        held = form(got) == got
        if held.all() and (form(want) != want).sum() >= 3:
            return name
    return None


def _float16(array: Array) -> Array:
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float64)


def _float32(array: Array) -> Array:
    with np.errstate(over="ignore"):
        return array.astype(np.float32).astype(np.float64)


def _bfloat16(array: Array) -> Array:
    with np.errstate(over="ignore"):
        bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


# ----------------------------------------------------------------------------------- the claims


def _the_same_everywhere(got: Array, want: Array) -> Claim | None:
    if not got.any():
        return Claim("value", "0")
    if (got == got[0]).all() and differing(want) > 1:
        return Claim("value", f"the same, {number_text(got[0])}")
    return None


def factor_of(got: Array, want: Array) -> float | None:
    """The one number k with got = k·want, or None."""
    got, want = got.ravel(), want.ravel()
    usable = np.abs(want) > 1e-9 * largest(want)
    beside = np.abs(got[~usable])
    if not usable.any() or (beside > 1e-9 * max(largest(got), 1e-300)).any():
        return None
    ratios = got[usable] / want[usable]
    factor = float(np.median(ratios))
    fits = abs(factor) > 1e-9 and np.allclose(ratios, factor, rtol=SLACK, atol=0.0)
    return factor if fits else None


def factor_claim(got: Array, want: Array, dimensions: Mapping[int, str]) -> Claim | None:
    """One factor for several numbers: for two where it is a whole one, else for three."""
    factor = factor_of(got, want)
    if factor is None or abs(factor - 1) < SLACK:
        return None
    several = differing(np.abs(want[np.abs(want) > 1e-9 * largest(want)]))
    times = abs(factor) if abs(factor) >= 1 else 1 / abs(factor)
    telling = abs(times - round(times)) < SLACK * times
    if several < (2 if telling else 3):
        return None
    words, more = say_factor(factor), ""
    if telling and round(times) in dimensions:
        more = f"{round(times)} is also {dimensions[round(times)]}."
    elif (want >= 0).all() and abs(want.sum() - 1) < SLACK < abs(got.sum() - 1):
        more = f"The right numbers add up to 1; these add up to {number_text(float(got.sum()))}."
    return Claim("factor", words, more)


_BASES = {
    1 / math.log(2): "A logarithm to base 2 is so many times the natural one.",
    math.log(2): "That is ln 2: the natural logarithm is so many times the one to base 2.",
    1 / math.log(10): "That is 1 / ln 10: a logarithm to base 10 is so many times the natural one.",
    math.log(10): "That is ln 10: the natural logarithm is so many times the one to base 10.",
}


def say_factor(factor: float) -> str:
    """``2 times too large``, ``too small by 0.4 %``, ``1.37 times the right one``."""
    large = abs(factor) >= 1
    times = abs(factor) if large else 1 / abs(factor)
    sign = " and of the opposite sign" if factor < 0 else ""
    if abs(times - round(times)) < SLACK * times and round(times) > 1:
        return f"{round(times)} times too {'large' if large else 'small'}{sign}"
    if times < 1.1:
        share = number_text(100 * abs(abs(factor) - 1))
        return f"too {'large' if large else 'small'} by {share} %{sign}"
    base = next((more for value, more in _BASES.items() if abs(factor / value - 1) < SLACK), "")
    words = f"{number_text(factor)} times the right one"
    return f"{words}. {base.rstrip('.')}" if base else words


def _offset_claim(got: Array, want: Array) -> Claim | None:
    offsets = got - want
    offset = float(np.median(offsets))
    if differing(want) < 2 or not np.allclose(offsets, offset, rtol=SLACK, atol=1e-9):
        return None
    size = number_text(abs(offset))
    if abs(offset) <= SLACK * largest(want) or np.ptp(want) < SLACK * abs(offset):
        return None
    return Claim("offset", f"too {'large' if offset > 0 else 'small'} by the same amount, {size}")


Function = Callable[[Array], Array]

_TRANSFORMS: tuple[tuple[str, Function], ...] = (
    ("the square of the right one", np.square),
    ("the square root of the right one", np.sqrt),
    ("1 divided by the right one", np.reciprocal),
    ("1 minus the right one", lambda want: 1 - want),
    ("the logarithm of the right one", np.log),
    ("minus the logarithm of the right one", lambda want: -np.log(want)),
    ("e to the power of the right one", np.exp),
    ("the square of the right one with the opposite sign", lambda want: -np.square(want)),
)


def _transforms_that_fit(got: Array, want: Array) -> Iterator[Claim]:
    with np.errstate(all="ignore"):
        for words, function in _TRANSFORMS:
            made = function(want)
            # Each number to its own size: a small one is no excuse for another.
            if np.isfinite(made).all() and np.allclose(got, made, rtol=SLACK, atol=1e-12):
                yield Claim("value", words)


def _are_telling(got: Array, want: Array) -> bool:
    """Whether the numbers that are wrong are of several sizes."""
    wrong = ~np.isclose(got, want, rtol=SLACK, atol=0.0)
    return differing(want[wrong]) >= 2


def _of_a_lone_number(got: Array, want: Array) -> Claim | None:
    """Only what hardly holds by chance: of a number with digits, and one claim alone."""
    (is_,), (right,) = got, want
    if agree(got, -want):
        return Claim("sign", "right in size and of the opposite sign")
    if any(abs(value * BY_CHANCE - round(value * BY_CHANCE)) < 1e-3 for value in (is_, right)):
        return None
    fitting = list(_transforms_that_fit(got, want))
    return fitting[0] if len(fitting) == 1 else None
