"""Each law of choice is recognised in choices that were drawn by it, and an unknown one is not."""

from __future__ import annotations

import numpy as np
import pytest

from descent.exercises.research.adversarial_training.laws_of_choice import (
    CALLS,
    COUNT,
    RIGHT,
    SCORES,
    TEMPERATURES,
    UNKNOWN,
    fitting_law,
    mean_first,
)


def gumbel(rng: np.random.Generator) -> np.ndarray:
    return rng.gumbel(size=len(SCORES))


NOISY = {
    RIGHT: lambda t, rng: SCORES / t + gumbel(rng),
    "all are as likely": lambda t, rng: gumbel(rng),
    "exp(score · T)": lambda t, rng: SCORES * t + gumbel(rng),
    "exp(score), whatever T is": lambda t, rng: SCORES + gumbel(rng),
    "exp(−score / T)": lambda t, rng: -SCORES / t + gumbel(rng),
    "the score itself": lambda t, rng: np.log(SCORES) + gumbel(rng),
    "the largest of score / T + normal noise": lambda t, rng: (
        SCORES / t + rng.normal(size=len(SCORES))
    ),
    "the largest of score / T + u": lambda t, rng: SCORES / t + rng.random(len(SCORES)),
    "the largest of score / T − log u": lambda t, rng: SCORES / t - np.log(rng.random(len(SCORES))),
    "the largest of score / T + log(−log u)": lambda t, rng: SCORES / t - gumbel(rng),
    UNKNOWN: lambda t, rng: np.where(np.arange(len(SCORES)) == 5, 9.0, SCORES / t) + gumbel(rng),
}


def choices(name: str, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Orders in which the scores were handed over, and places in `SCORES`, for each temperature."""
    rng = np.random.default_rng(seed)
    orders = [np.array([rng.permutation(len(SCORES)) for _ in range(CALLS)]) for _ in TEMPERATURES]
    ranks = [
        np.array([np.argsort(-NOISY[name](t, rng))[:COUNT] for _ in range(CALLS)])
        for t in TEMPERATURES
    ]
    return orders, ranks


@pytest.mark.parametrize("name", NOISY)
def test_choices_are_told_by_the_law_that_made_them(name: str) -> None:
    for seed in range(3):
        assert fitting_law(*choices(name, seed)) == name


def test_the_mean_of_the_first_drawn_is_near_what_the_right_law_gives() -> None:
    rng = np.random.default_rng(0)
    firsts = np.array([[np.argmax(SCORES / 1.5 + gumbel(rng))] for _ in range(4000)])
    seen, usual = mean_first(firsts, 1.5)
    assert seen == pytest.approx(usual, abs=0.06)
