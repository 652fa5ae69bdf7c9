"""A study is judged on data from a known law, and the report shows the case that failed."""

from __future__ import annotations

import numpy as np
import pytest

from descent.exercises.studies import (
    Case,
    PowerLaw,
    concludes,
    covers_as_often_as_it_says,
    does_not_refuse,
    drawn_law,
    fewest_hits,
    refusal,
    refuses,
    spread_over,
)
from descent.grading import Draw, Exercise, judge

LEVEL = 0.9
Z = 1.6449  # the normal quantile of 0.95


def mean_cases(draw: Draw) -> list[Case]:
    """Sixty samples of ten normal numbers, whose mean is to be found; the spread is 1."""
    cases = []
    for _ in range(60):
        truth = draw.normal()
        sample = truth + draw.rng.normal(size=10)
        half = Z / np.sqrt(10)
        cases.append(Case((sample,), truth, (sample.mean() - half, sample.mean() + half)))
    return cases


def interval_of_mean(factor: float = 1.0, shift: float = 0.0):
    def mean_interval(sample):
        half = factor * Z / np.sqrt(len(sample))
        return sample.mean() + shift - half, sample.mean() + shift + half

    return mean_interval


@pytest.fixture
def study() -> Exercise:
    exercise = Exercise("mean_interval", minutes=5, difficulty=2)

    @exercise.property("covers as often as it says", trials=1)
    def _(answer, draw: Draw) -> None:
        covers_as_often_as_it_says(answer, mean_cases(draw), LEVEL)

    return exercise


def test_a_law_gives_its_values_and_noise_multiplies_them() -> None:
    law = PowerLaw(scale=3.0, exponent=0.5, floor=1.0)
    assert law(4.0) == pytest.approx(2.5)
    x = np.full(20_000, 4.0)
    logs = np.log(law.measured(x, 0.1, Draw(0, 1)) / 2.5)
    assert logs.mean() == pytest.approx(0.0, abs=0.005) and logs.std() == pytest.approx(
        0.1, abs=0.005
    )
    assert np.array_equal(law.measured(x, 0.0, Draw(0, 1)), law(x))


def test_drawn_laws_and_sizes_are_what_they_say() -> None:
    assert drawn_law(Draw(1, 1)).floor == 0 and drawn_law(Draw(1, 1), floor=True).floor >= 0.5
    sizes = spread_over(Draw(1, 1), 7, decades=2, start=10)
    assert len(set(sizes)) == 7 and sizes.min() == 10 and sizes.max() == pytest.approx(1000)
    assert list(sizes) != sorted(sizes)


def test_nearly_all_honest_counts_are_enough() -> None:
    counts = np.random.default_rng(0).binomial(60, 0.9, size=100_000)
    assert np.mean(counts < fewest_hits(60, 0.9)) < 3e-4
    assert 40 < fewest_hits(60, 0.9) < 50


@pytest.mark.parametrize("seed", range(10))
def test_an_honest_interval_passes(study, seed) -> None:
    assert judge(study, interval_of_mean(), seed=seed).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (interval_of_mean(factor=0.4), "intervals hold the truth, 90% should"),
        (interval_of_mean(shift=0.8), "the lower end"),
        (interval_of_mean(shift=-0.8), "the upper end"),
        (interval_of_mean(factor=5.0), "times as wide as needed"),
    ],
)
def test_a_wrong_interval_is_shown_with_the_case_that_failed(study, answer, said) -> None:
    report = judge(study, answer, seed=0)
    assert report.outcome == "not right yet"
    failure = report.failure
    assert said in failure.name
    assert failure.call.startswith("mean_interval(sample=")
    low, high = (float(end) for end in failure.call_returned.strip("()").split(","))
    assert float(failure.returned) in (low, high)


@pytest.mark.parametrize("returned", [0.5, (0.1, float("nan")), (1, 2, 3), None])
def test_what_is_no_interval_is_refused_in_words(study, returned) -> None:
    assert judge(study, lambda sample: returned, seed=0).outcome == "not right yet"


def test_ends_in_the_wrong_order_are_no_interval(study) -> None:
    report = judge(study, lambda sample: interval_of_mean()(sample)[::-1], seed=0)
    assert report.outcome == "not right yet" and report.failure.name == "the upper end"


def careful(x):
    if len(x) < 3:
        raise ValueError("too few")
    return sum(x)


def test_refusals_are_told_by_their_exception() -> None:
    assert refusal(careful, [1]) == (None, "ValueError")
    assert refusal(careful, [1, 2, 3]) == (6, "nothing")
    assert refusal(careful, None) == (None, "TypeError")
    refuses(careful, [1, 2], because="two points")
    assert does_not_refuse(careful, [3, 2, 1], although="points in any order") == 6
    with pytest.raises(AssertionError, match="three points"):
        refuses(careful, [1, 2, 3], because="three points")
    with pytest.raises(AssertionError, match="one point"):
        does_not_refuse(careful, [1], although="one point")


def test_a_stub_is_no_refusal() -> None:
    def stub(x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        refuses(stub, [1], because="one point")


def test_a_conclusion_is_one_of_the_choices_and_the_right_one() -> None:
    choices = ["too small", "too large"]
    concludes(lambda rate: "too large", 3.0, right="too large", choices=choices)
    with pytest.raises(AssertionError):
        concludes(lambda rate: "too small", 3.0, right="too large", choices=choices)
    with pytest.raises(AssertionError, match="one of"):
        concludes(lambda rate: "large", 3.0, right="too large", choices=choices)
