"""Intervals of shares: those that another library finds, and published ones."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from descent.training.intervals import wilson_interval


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (13, 20), (20, 20), (1, 3)])
def test_the_interval_is_that_of_another_library(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson_interval(hits / n, n) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_is_wilson_s(hits, n, low, high):
    found = wilson_interval(hits / n, n)
    assert found == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
