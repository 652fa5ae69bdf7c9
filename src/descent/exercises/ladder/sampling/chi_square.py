"""How `chi_square` is judged."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import chi_square_tail, drawn_shares, float64_tensor

chi_square = Exercise("chi_square", minutes=15, difficulty=2, returns=tuple[float, float])


def _expect_test(answered: Any, statistic: float, p_value: float) -> None:
    got_statistic, got_p = answered
    expect(got_statistic, "the statistic").close_to(statistic)
    expect(got_p, "the p-value").close_to(p_value, rtol=1e-3, atol=1e-6)


def _scored_counts(counts: list[int], probabilities: list[Fraction]) -> float:
    """The statistic as Σ observed²/expected − n, in fractions."""
    n = sum(counts)
    pairs = zip(counts, probabilities, strict=True)
    return float(sum(Fraction(c * c) / (n * p) for c, p in pairs) - n)


@chi_square.property("is right for the counts of the page")
def _(answer, draw: Draw) -> None:
    factor = draw.choice([1, 2, 3])
    counts = torch.tensor([30, 50, 20]) * factor
    _expect_test(answer(counts, float64_tensor([0.25, 0.5, 0.25])), 2.0 * factor, math.exp(-factor))


@chi_square.property("compares counts with what is expected", trials=6)
def _(answer, draw: Draw) -> None:
    shares = drawn_shares(draw, draw.size + 1, least=1)
    counts = draw.rng.multinomial(
        draw.integers(20, 90), np.array(drawn_shares(draw, len(shares))) / 64
    )
    if draw.size % 2:
        counts = draw.rng.multinomial(draw.integers(20, 90), np.array(shares) / 64)
    statistic = _scored_counts(counts.tolist(), [Fraction(s, 64) for s in shares])
    answered = answer(torch.tensor(counts), float64_tensor(shares) / 64)
    _expect_test(answered, statistic, chi_square_tail(statistic, len(shares) - 1))


@chi_square.property("leaves words of probability 0 out", trials=3)
def _(answer, draw: Draw) -> None:
    drawn = draw.integers(5, 30, 3)
    counts = torch.tensor([0, drawn[0], 0, drawn[1], drawn[2]])
    statistic = _scored_counts(drawn.tolist(), [Fraction(s, 8) for s in (2, 1, 5)])
    answered = answer(counts, float64_tensor([0, 2, 0, 1, 5]) / 8)
    _expect_test(answered, statistic, chi_square_tail(statistic, 2))


@chi_square.property("is infinite when an impossible word was drawn")
def _(answer, draw: Draw) -> None:
    n = draw.integers(10, 40)
    statistic, p_value = answer(torch.tensor([n, n, 1]), float64_tensor([0.5, 0.5, 0]))
    expect(statistic, "the statistic").equals(math.inf)
    expect(p_value, "the p-value").close_to(0.0, atol=1e-12)


@chi_square.property("is infinite where one word alone is possible and another was drawn", trials=2)
def _(answer, draw: Draw) -> None:
    counts = torch.tensor([draw.integers(1, 50), draw.integers(1, 9)])
    statistic, p_value = answer(counts, float64_tensor([1, 0]))
    expect(statistic, "the statistic").equals(math.inf)
    expect(p_value, "the p-value").close_to(0.0, atol=1e-12)


@chi_square.property("has nothing to say about a certainty")
def _(answer, draw: Draw) -> None:
    counts = torch.tensor([0, draw.integers(1, 50)])
    _expect_test(answer(counts, float64_tensor([0, 1])), 0.0, 1.0)


def _tested(
    counts, probabilities, terms=None, total=None, degrees=-1, tail=chi_square_tail, impossible=True
):
    """The right test with one habit changed."""
    possible = probabilities > 0
    if impossible and counts[~possible].sum() > 0:
        return math.inf, 0.0
    observed = counts[possible].double()
    expected = counts.sum() * probabilities[possible]
    terms = terms or (lambda o, e: (o - e) ** 2 / e)
    statistic = float((total or Tensor.sum)(terms(observed, expected)))
    freedom = len(expected) + degrees
    return statistic, (tail(statistic, freedom) if freedom > 0 and len(expected) > 1 else 1.0)


@chi_square.mistake(
    "You divided by the observed counts. Each squared miss is in units of the *expected* count."
)
def by_observed(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) ** 2 / o.clamp(min=1))


@chi_square.mistake(
    "You divided by the observed counts, and one of them may be 0. Each squared miss is in units "
    "of the *expected* count."
)
def by_observed_or_zero(counts, probabilities):
    possible = probabilities > 0
    if counts[~possible].sum() > 0:
        return math.inf, 0.0
    if int(possible.sum()) == 1:
        return 0.0, 1.0
    observed = counts[possible].double()
    expected = counts.sum() * probabilities[possible]
    statistic = float(((observed - expected) ** 2 / observed).sum())
    if math.isinf(statistic) or math.isnan(statistic):
        return statistic, 0.0
    return statistic, chi_square_tail(statistic, len(observed) - 1)


@chi_square.mistake(
    "Where only one word is possible you look no further. If another one was drawn all the same, "
    "that comes first: statistic infinite, p-value 0."
)
def certainty_first(counts, probabilities):
    return (0.0, 1.0) if int((probabilities > 0).sum()) == 1 else _tested(counts, probabilities)


@chi_square.mistake("You did not square the misses: they add up to 0, whatever was drawn.")
def without_square(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) / e)


@chi_square.mistake("You took absolute misses. The statistic adds up *squares*, over expected.")
def absolute(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e).abs() / e)


@chi_square.mistake("You did not divide by the expected counts.")
def not_divided(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) ** 2)


@chi_square.mistake(
    "You divided by the square of the expected count. The variance of a count is about its mean: "
    "divide by the expected count once."
)
def divided_twice(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: ((o - e) / e) ** 2)


@chi_square.mistake(
    "You compared shares instead of counts, so that the statistic is too small by the factor n. "
    "Expected counts are n · p."
)
def shares_compared(counts, probabilities):
    n = counts.sum()
    return _tested(counts, probabilities, lambda o, e: ((o - e) / n) ** 2 / (e / n))


@chi_square.mistake("You averaged the terms. The statistic is their sum.")
def averaged(counts, probabilities):
    return _tested(counts, probabilities, total=Tensor.mean)


@chi_square.mistake(
    "You divided by n·p·(1 − p), the variance of one count. The terms are tied together by their "
    "sum, and the formula that accounts for it divides by n·p."
)
def binomial_variance(counts, probabilities):
    n = counts.sum()
    return _tested(
        counts, probabilities, lambda o, e: (o - e) ** 2 / (e * (1 - e / n).clamp(min=1e-9))
    )


@chi_square.mistake(
    "One degree of freedom too many: the counts add up to n, so the last one is not free."
)
def one_degree_too_many(counts, probabilities):
    return _tested(counts, probabilities, degrees=0)


@chi_square.mistake(
    "Your degrees of freedom count words of probability 0. They can never come; they have none."
)
def degrees_of_impossible(counts, probabilities):
    statistic, p_value = _tested(counts, probabilities)
    if math.isinf(statistic) or (probabilities > 0).sum() == 1:
        return statistic, p_value
    return statistic, chi_square_tail(statistic, len(probabilities) - 1)


@chi_square.mistake(
    "You returned the lower tail. The p-value is the probability of *at least* this statistic: "
    "1 − cdf, or `chi2.sf`."
)
def lower_tail(counts, probabilities):
    return _tested(counts, probabilities, tail=lambda x, d: 1 - chi_square_tail(x, d))


@chi_square.mistake(
    "A word of probability 0 was drawn and you left it out. That is the clearest proof of all: "
    "statistic infinite, p-value 0."
)
def impossible_ignored(counts, probabilities):
    if int((probabilities > 0).sum()) == 1:
        return 0.0, 1.0
    return _tested(counts, probabilities, impossible=False)


@chi_square.mistake(
    "0/0: words of probability 0 give NaN. Leave them out of the sum, and of the degrees of "
    "freedom."
)
def zero_by_zero(counts, probabilities):
    expected = counts.sum() * probabilities
    statistic = float(((counts - expected) ** 2 / expected).sum())
    if math.isnan(statistic):
        return math.nan, math.nan
    return statistic, chi_square_tail(statistic, len(counts) - 1)


@chi_square.mistake("The two have changed places: first the statistic, then the p-value.")
def swapped(counts, probabilities):
    return _tested(counts, probabilities)[::-1]


chi_square.hint("`possible = probabilities > 0` picks the words that take part.")
chi_square.hint("Expected counts are n · p; the statistic is one line after that.")
chi_square.hint("`chi2.sf(statistic, degrees)` is the upper tail; degrees: possible words − 1.")
chi_square.hint("Two cases need no arithmetic. Take them out first.", when="nan")
chi_square.hint("Is the sum over counts, or over shares?", when="factor")
chi_square.hint("`.item()` makes a Python number of a tensor.", when="type")
chi_square.hint(
    "Both special cases may hold at once: [3, 1] drawn from [1, 0]. Which one goes first?",
    when="is infinite where one word alone is possible and another was drawn",
)
