"""Judging studies: fits, exponents and intervals, on data from laws that the grader knows.

A study has no single right number. What can be held against it: that it finds the law the data
came from, within a stated tolerance; that its intervals hold the truth as often as they say, and
are no wider than needed; and that it refuses data from which nothing can be concluded. Each is
said with `expect` of a value that the answer returned, so that a report shows the case that failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from descent.grading import Draw, expect

Interval = tuple[float, float]

UNLUCKY = 1e-4
"""The chance, at most, that honest intervals fail a coverage check by bad luck."""


@dataclass(frozen=True)
class PowerLaw:
    """``y = floor + scale · x^(−exponent)``: a law that the grader knows."""

    scale: float
    exponent: float
    floor: float = 0.0

    def __call__(self, x: Any) -> Any:
        """The law's exact values, of x's shape."""
        return self.floor + self.scale * np.asarray(x, dtype=float) ** -self.exponent

    def measured(self, x: Any, noise: float, draw: Draw) -> np.ndarray:
        """What a study would measure: each value times its own ``exp(noise · N(0, 1))``."""
        exact = self(x)
        return exact * np.exp(noise * draw.rng.normal(size=np.shape(exact)))


def drawn_law(draw: Draw, floor: bool = False) -> PowerLaw:
    """A law with scale 0.5 to 20, exponent 0.1 to 0.9, and floor 0.5 to 2 or none."""
    scale, exponent = draw.uniform(0.5, 20.0), draw.uniform(0.1, 0.9)
    return PowerLaw(scale, exponent, draw.uniform(0.5, 2.0) if floor else 0.0)


def spread_over(draw: Draw, count: int, decades: float, start: float = 1.0) -> np.ndarray:
    """`count` different sizes, evenly spread over so many decades from `start`, in any order."""
    return draw.rng.permutation(start * np.logspace(0.0, decades, count))


# ------------------------------------------------------------------------------------- intervals


@dataclass(frozen=True)
class Case:
    """One repetition of a study: what the answer is called with, and what it should find.

    `needed` is an honest interval from the same data; an answer's may be wider, within reason.
    """

    arguments: tuple[Any, ...]
    truth: float
    needed: Interval


def fewest_hits(repeats: int, level: float) -> int:
    """How many of `repeats` intervals of this level hold the truth at the least.

    Honest intervals fall below it with a chance of at most `UNLUCKY`.
    """
    chances = [
        math.comb(repeats, hits) * level**hits * (1 - level) ** (repeats - hits)
        for hits in range(repeats + 1)
    ]
    return int(np.searchsorted(np.cumsum(chances), UNLUCKY, side="right"))


def covers_as_often_as_it_says(
    answer: Callable[..., Interval],
    cases: Sequence[Case],
    level: float,
    forgiven: float = 0.0,
    widest: float = 2.0,
) -> None:
    """Expect that the answer's intervals hold the truth in `level` of the cases, and are not wide.

    Parameters
    ----------
    answer : called with each case's arguments; returns (low, high).
    cases : some 40 or more, each with data of its own.
    level : what the intervals claim, between 0 and 1.
    forgiven : how much less than `level` is accepted besides bad luck: a bootstrap of few runs is
        known to cover too seldom, and a page that asks for one must not refuse it.
    widest : how many times as wide as the needed ones the intervals may be, in the median.
    """
    given = [answer(*case.arguments) for case in cases]
    if not all(_is_interval(interval) for interval in given):
        wrong = next(interval for interval in given if not _is_interval(interval))
        expect(wrong, "the interval").is_a(tuple)
        expect(wrong, "low and high of the interval").has_shape(2)
        expect(wrong, "the interval").is_finite()
        return
    for interval in given[:3]:
        expect(interval[1], "the upper end").is_above(interval[0] - 1e-12)
    _expect_coverage(given, cases, level, forgiven)
    _expect_narrow(given, cases, widest)


def _is_interval(value: Any) -> bool:
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return all(np.ndim(end) == 0 and np.isfinite(end) for end in value)


def _expect_coverage(
    given: list[Interval], cases: Sequence[Case], level: float, forgiven: float
) -> None:
    """Where too few hold the truth, the case shown is the first of those that do not."""
    truths = [case.truth for case in cases]
    missed = [
        (interval, truth)
        for interval, truth in zip(given, truths, strict=True)
        if not interval[0] <= truth <= interval[1]
    ]
    hits = len(cases) - len(missed)
    if hits >= fewest_hits(len(cases), level - forgiven):
        return
    (low, high), truth = missed[0]
    tally = f"{hits} of {len(cases)} intervals hold the truth, {level:.0%} should; here"
    if low > truth:
        expect(low, f"{tally} the lower end").is_below(truth)
    else:
        expect(high, f"{tally} the upper end").is_above(truth)


def _expect_narrow(given: list[Interval], cases: Sequence[Case], widest: float) -> None:
    """An interval from 0 to 1 000 always holds the truth, and says nothing."""
    needed = np.array([case.needed[1] - case.needed[0] for case in cases])
    ratios = np.array([high - low for low, high in given]) / needed
    if np.median(ratios) <= widest:
        return
    worst = int(np.argmax(ratios))
    low, high = given[worst]
    name = f"intervals are {np.median(ratios):.1f} times as wide as needed; here the upper end"
    expect(high, name).is_below(low + widest * needed[worst])


# -------------------------------------------------------------------------------------- refusals


def refusal(answer: Callable[..., Any], *arguments: Any, **keywords: Any) -> tuple[Any, str]:
    """What a call gave, None where it raised; and the exception's name, "nothing" where none.

    Every kind of ValueError goes by that name. A stub is let through: it is no refusal.
    """
    try:
        return answer(*arguments, **keywords), "nothing"
    except NotImplementedError:
        raise
    except ValueError:
        return None, "ValueError"
    except Exception as error:
        return None, type(error).__name__


def refuses(answer: Callable[..., Any], *arguments: Any, because: str, **keywords: Any) -> None:
    """Expect a ValueError: from such data nothing can be concluded, `because` of this."""
    _, raised = refusal(answer, *arguments, **keywords)
    expect(raised, f"what it raises for {because}").equals("ValueError")


def does_not_refuse(
    answer: Callable[..., Any], *arguments: Any, although: str, **keywords: Any
) -> Any:
    """Expect an answer: these data are poor or odd, but they suffice. It is returned, or None."""
    returned, raised = refusal(answer, *arguments, **keywords)
    expect(raised, f"what it raises for {although}").equals("nothing")
    return returned


# ----------------------------------------------------------------------------------- conclusions


def concludes(
    answer: Callable[..., str], *evidence: Any, right: str, choices: Sequence[str]
) -> None:
    """Expect the one conclusion that the evidence allows, and that it is one of the choices."""
    given = answer(*evidence)
    listed = ", ".join(repr(choice) for choice in choices)
    expect(given in choices, f"whether the conclusion is one of {listed}").equals(True)
    expect(given, "the conclusion from this evidence").equals(right)
