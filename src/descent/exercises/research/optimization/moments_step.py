"""How `moments_step` is judged."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.optimization.shared import drawn_problem
from descent.grading import Draw, Exercise, expect

moments_step = Exercise(
    "moments_step", minutes=8, difficulty=1, returns=tuple[np.ndarray, np.ndarray]
)


def _case(draw: Draw):
    """Start, spread, curvature and noise of each direction, rate and batch."""
    h, c, mean = drawn_problem(draw, min(draw.size, 5))
    return mean, draw.uniform(0.1, 2.0, len(h)), h, c, draw.uniform(0.1, 1.2), draw.uniform(2, 9)


def _two_point(mean, variance, h, c, rate, batch):
    """Exact moments of θ − η (hθ + ε), where θ and ε take two values each with the same moments."""
    after = []
    for theta in (mean + np.sqrt(variance), mean - np.sqrt(variance)):
        for noise in (np.sqrt(c / batch), -np.sqrt(c / batch)):
            after.append(theta - rate * (h * theta + noise))
    return np.mean(after, axis=0), np.var(after, axis=0)


def _expect_moments(answer, case) -> None:
    mean, variance = answer(*case)
    wanted_mean, wanted_variance = _two_point(*case)
    expect(mean, "the mean after the step").close_to(wanted_mean, rtol=1e-6, atol=1e-9)
    expect(variance, "the variance after the step").close_to(wanted_variance, rtol=1e-6, atol=1e-9)


@moments_step.property("gives the mean and the variance after a step")
def _(answer, draw: Draw) -> None:
    _expect_moments(answer, _case(draw))


@moments_step.property("on the page's two directions gives means 0.2 and −1.6", trials=1)
def _(answer, draw: Draw) -> None:
    h, c = np.array([2.0, 0.5]), np.array([3.0, 1.0])
    mean, variance = answer(np.array([1.0, -2.0]), np.zeros(2), h, c, 0.4, 4)
    expect(mean, "the mean").close_to([0.2, -1.6], rtol=1e-9)
    expect(variance, "the variance").close_to([0.12, 0.04], rtol=1e-9)


@moments_step.property("lets a batch be smaller than 1", trials=2)
def _(answer, draw: Draw) -> None:
    *first, _ = _case(draw)
    _expect_moments(answer, (*first, 0.25))


@moments_step.property("also at a rate past stability, and at rate 0", trials=2)
def _(answer, draw: Draw) -> None:
    mean, variance, h, c, _, batch = _case(draw)
    _expect_moments(answer, (mean, variance, h, c, 2.5 / h.min(), batch))
    _expect_moments(answer, (mean, variance, h, c, 0.0, batch))


@moments_step.right
def right_step(mean, variance, h, c, rate, batch):
    shrink = 1 - rate * h
    return shrink * mean, shrink**2 * variance + rate**2 * c / batch


moments_step.slip(
    "noise_not_squared",
    "The rate multiplies the noise, so it enters the variance squared: η²c/B, not ηc/B.",
    {"rate**2 * c": "rate * c"},
)
moments_step.slip(
    "variance_shrinks_once",
    "You shrank the variance by 1 − ηh. A number that is multiplied by a has its variance "
    "multiplied by a²: (1 − ηh)².",
    {"shrink**2": "shrink"},
)
moments_step.slip(
    "variance_kept",
    "You added the noise to the old variance without shrinking it. The step pulls every possible θ "
    "towards 0, so it narrows the spread too.",
    {"shrink**2 * variance": "variance"},
)
moments_step.slip(
    "batch_multiplies",
    "You multiplied by the batch. A mean over B examples has a B-th of the variance of one.",
    {"c / batch": "c * batch"},
)
moments_step.slip(
    "batch_squared",
    "You divided by B². The variance of a mean falls with B; it is its spread that falls with √B.",
    {"c / batch": "c / batch**2"},
)
moments_step.slip(
    "root_of_batch",
    "You divided the variance by √B. That is how the spread falls; the variance falls with B.",
    {"c / batch": "c / np.sqrt(batch)"},
)
moments_step.slip(
    "noise_as_spread",
    "You took c for a standard deviation and squared it. It is a variance already.",
    {"rate**2 * c": "rate**2 * c**2"},
)
moments_step.slip(
    "curvature_as_noise",
    "You took the curvature h for the noise. On the page's standard problem they are equal, in "
    "general they are not: the noise is c.",
    {"rate**2 * c": "rate**2 * h"},
)
moments_step.slip(
    "no_noise",
    "Your variance forgets the noise of this step's gradient: η²c/B.",
    {" + rate**2 * c / batch": ""},
)
moments_step.slip(
    "curvature_forgotten",
    "You shrank every direction by 1 − η. The gradient is hθ, so a direction shrinks by 1 − ηh.",
    {"1 - rate * h": "1 - rate + 0 * h"},
)


moments_step.slip(
    "first_order",
    "You shrank the variance by 1 − 2ηh. That is (1 − ηh)² without its last term, η²h², which at "
    "large rates decides about stability.",
    {"shrink**2 * variance": "(1 - 2 * rate * h) * variance"},
)
moments_step.slip(
    "second_moment",
    "You return E[θ²] where the variance is asked for: the squared mean is in it too.",
    {"shrink**2 * variance": "shrink**2 * (variance + mean**2)"},
)
moments_step.slip(
    "noise_times_curvature",
    "You multiplied the noise by the curvature. Only the true gradient is hθ; ε is added to it as "
    "it is.",
    {"rate**2 * c": "(rate * h) ** 2 * c"},
)
moments_step.slip(
    "noise_in_the_mean",
    "You moved the mean by the noise. Its mean is 0: it spreads θ, and moves it nowhere.",
    {"return shrink * mean,": "return shrink * mean - rate * np.sqrt(c / batch),"},
)
moments_step.slip(
    "whole_batches",
    "You rounded the batch to a whole number, at least 1. In this model it may be a quarter.",
    {"c / batch": "c / max(1, int(batch))"},
)


moments_step.hint("Write θ′ = θ − η(hθ + ε) and collect what stands before θ and before ε.")
moments_step.hint("var(aθ + bε) = a² var(θ) + b² var(ε) where θ and ε are independent.")
moments_step.hint("How large is var(ε) for a mean over B examples, if one has c?", when="value")
