"""What several exercises of research/optimization draw from and compare with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from descent.grading import Draw


class Problem(NamedTuple):
    """A noisy quadratic: curvatures, noise of one example, and where training starts."""

    h: np.ndarray
    c: np.ndarray
    start: np.ndarray


def drawn_problem(draw: Draw, d: int) -> Problem:
    """A problem of d directions; every curvature is below 2, and no noise equals a curvature."""
    h, c = draw.uniform(0.1, 1.9, d), draw.uniform(0.2, 3.0, d)
    return Problem(h, c + 0.005, draw.normal(d, scale=2.0))


def stepped(problem: Problem, rates: list[float], batch: float) -> list[float]:
    """The expected loss before the first step and after each, one direction after another."""
    losses = np.zeros(len(rates) + 1)
    for h, c, at in zip(*(part.tolist() for part in problem), strict=True):
        second = at * at
        losses[0] += 0.5 * h * second
        for k, rate in enumerate(rates):
            second = second - 2 * rate * h * second + (rate * h) ** 2 * second
            second += rate * rate * c / batch
            losses[k + 1] += 0.5 * h * second
    return losses.tolist()
