"""How `simulate_sgd` is judged."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.optimization.shared import Problem, drawn_problem, stepped
from descent.grading import Draw, Exercise, expect

simulate_sgd = Exercise("simulate_sgd", minutes=12, difficulty=2, returns=np.ndarray)

MANY = 6000
"""So many equal directions that their mean loss is within a few per cent of its expectation."""


def _mean_losses(answer, draw: Draw, h: float, c: float, at: float, rate, batch, steps):
    """The mean loss of a direction over one run of many equal ones, and what is expected."""
    problem = Problem(np.full(MANY, h), np.full(MANY, c), np.full(MANY, at))
    rng = np.random.default_rng(draw.seed())
    losses = answer(*problem, rate, batch, steps, rng)
    single = Problem(np.array([h]), np.array([c]), np.array([at]))
    return np.asarray(losses) / MANY, stepped(single, [rate] * steps, batch)


@simulate_sgd.property("without noise is gradient descent", trials=4)
def _(answer, draw: Draw) -> None:
    h, _, start = drawn_problem(draw, min(draw.size, 5))
    rate, steps = draw.uniform(0.1, 0.9), draw.size + 1
    quiet = Problem(h, np.zeros(len(h)), start)
    losses = answer(*quiet, rate, 3, steps, np.random.default_rng(draw.seed()))
    wanted = stepped(quiet, [rate] * steps, 3)
    expect(losses, "the losses").has_shape(steps + 1)
    expect(losses, "the losses").close_to(wanted, rtol=1e-6, atol=1e-9)


@simulate_sgd.property("over many directions has the loss that the recursion expects", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, at = draw.uniform(0.6, 1.4), draw.uniform(5, 9), draw.uniform(1, 2)
    seen, wanted = _mean_losses(answer, draw, h, c, at, draw.uniform(0.3, 0.8), 3, 6)
    expect(seen, "the mean loss of a direction").close_to(wanted, rtol=0.12, atol=0.01)


@simulate_sgd.property("has more noise at a batch of a quarter", trials=2)
def _(answer, draw: Draw) -> None:
    seen, wanted = _mean_losses(answer, draw, 0.8, draw.uniform(1.5, 3), 1.0, 0.4, 0.25, 4)
    expect(seen, "the mean loss of a direction").close_to(wanted, rtol=0.12, atol=0.01)


@simulate_sgd.property("gives each direction its own noise, with its own variance", trials=3)
def _(answer, draw: Draw) -> None:
    # The first half has no noise and starts at its minimum; only the second half may move.
    half = MANY // 2
    h = np.repeat([1.0, 0.5], half)
    c = np.repeat([0.0, draw.uniform(2, 5)], half)
    start = np.zeros(MANY)
    losses = answer(h, c, start, 0.5, 2, 3, np.random.default_rng(draw.seed()))
    single = Problem(np.array([0.5]), c[-1:], np.zeros(1))
    wanted = stepped(single, [0.5] * 3, 2)
    expect(np.asarray(losses) / half, "the mean loss of a noisy direction").close_to(
        wanted, rtol=0.12, atol=0.005
    )


@simulate_sgd.property("draws from the generator it is given", trials=2)
def _(answer, draw: Draw) -> None:
    problem, seed = drawn_problem(draw, 3), draw.seed()
    first = answer(*problem, 0.3, 2, 3, np.random.default_rng(seed))
    again = answer(*problem, 0.3, 2, 3, np.random.default_rng(seed))
    other = answer(*problem, 0.3, 2, 3, np.random.default_rng(seed + 1))
    expect(again, "the losses, from an equal generator").close_to(first, rtol=1e-12)
    differs = float(np.abs(np.asarray(first) - np.asarray(other)).max())
    expect(differs, "the difference to another seed").is_above(1e-9)


@simulate_sgd.property("of no steps is the loss at the start")
def _(answer, draw: Draw) -> None:
    problem = drawn_problem(draw, min(draw.size, 4))
    losses = answer(*problem, 0.3, 2, 0, np.random.default_rng(1))
    expect(losses, "the losses").close_to(stepped(problem, [], 2), rtol=1e-6)


@simulate_sgd.right
def right_run(h, c, start, rate, batch, steps, rng):
    theta = np.array(start, dtype=float)
    losses = [0.5 * (h * theta**2).sum()]
    for _ in range(steps):
        noise = rng.normal(size=len(h)) * np.sqrt(c / batch)
        theta = theta - rate * (h * theta + noise)
        losses.append(0.5 * (h * theta**2).sum())
    return np.array(losses)


simulate_sgd.slip(
    "one_noise_for_all",
    "You drew one number for all directions. The covariance is diagonal: each direction has its "
    "own, independent noise.",
    {"size=len(h)": "size=1"},
)
simulate_sgd.slip(
    "variance_as_spread",
    "You multiplied standard normal numbers by c/B. That is the variance; the spread is √(c/B).",
    {"np.sqrt(c / batch)": "(c / batch)"},
)
simulate_sgd.slip(
    "batch_ignored",
    "The batch makes no difference to your noise. A mean over B examples has a variance of c/B.",
    {"c / batch": "c"},
)
simulate_sgd.slip(
    "noise_not_times_rate",
    "You added the noise to θ itself. It is part of the gradient, so the rate multiplies it too.",
    {"theta - rate * (h * theta + noise)": "theta - rate * h * theta - noise"},
)
simulate_sgd.slip(
    "curvature_as_noise",
    "You took the curvature for the noise variance. That is c.",
    {"np.sqrt(c / batch)": "np.sqrt(h / batch)"},
)
simulate_sgd.slip(
    "no_first_loss",
    "Your first loss is that after a step. The list begins with the loss at the start: "
    "steps + 1 numbers.",
    {"return np.array(losses)": "return np.array(losses[1:])"},
)
simulate_sgd.slip(
    "loss_without_half",
    "Your losses are twice too large: the loss is ½ Σ hθ².",
    {
        "losses = [0.5 * (h * theta**2).sum()]": "losses = [(h * theta**2).sum()]",
        "losses.append(0.5 * (h * theta**2).sum())": "losses.append((h * theta**2).sum())",
    },
)
simulate_sgd.slip(
    "mean_over_directions",
    "You averaged over the directions. The loss is a sum over them.",
    {
        "losses = [0.5 * (h * theta**2).sum()]": "losses = [0.5 * (h * theta**2).mean()]",
        "losses.append(0.5 * (h * theta**2).sum())": "losses.append(0.5 * (h * theta**2).mean())",
    },
)


@simulate_sgd.mistake(
    "Your noise is drawn once and used at every step. Every step looks at other examples, so it "
    "has "
    "fresh noise."
)
def noise_once(h, c, start, rate, batch, steps, rng):
    theta = np.array(start, dtype=float)
    losses = [0.5 * (h * theta**2).sum()]
    noise = rng.normal(size=len(h)) * np.sqrt(c / batch)
    for _ in range(steps):
        theta = theta - rate * (h * theta + noise)
        losses.append(0.5 * (h * theta**2).sum())
    return np.array(losses)


@simulate_sgd.mistake(
    "Your losses do not depend on `rng`. All noise comes from it: no generator of your own, and no "
    "expectation in the place of noise."
)
def own_generator(h, c, start, rate, batch, steps, rng):
    return right_run(h, c, start, rate, batch, steps, np.random.default_rng(0))


simulate_sgd.slip(
    "no_noise_drawn",
    "You draw no noise: your losses are the same whatever `rng` gives. Here one run is asked for, "
    "and not the expectation over runs.",
    {"noise = rng.normal(size=len(h)) * np.sqrt(c / batch)": "noise = 0.0"},
)
simulate_sgd.slip(
    "uniform_noise",
    "Your noise is uniform from −1 to 1. That has a variance of a third; draw normal numbers.",
    {"rng.normal(size=len(h))": "rng.uniform(-1, 1, size=len(h))"},
)
simulate_sgd.slip(
    "whole_batches",
    "You take a batch below 1 for a batch of 1. Divide the variance by the batch, whatever it is.",
    {"c / batch": "c / max(1, int(batch))"},
)
simulate_sgd.slip(
    "last_loss_only",
    "You return the last loss only. Asked for are all of them, the first before any step.",
    {"return np.array(losses)": "return np.array(losses[-1:])"},
)


@simulate_sgd.mistake(
    "You measured the loss by a noisy batch too. Asked for is the true loss ½ Σ hθ² at the θ that "
    "the noise has led to."
)
def noisy_losses(h, c, start, rate, batch, steps, rng):
    theta = np.array(start, dtype=float)
    losses = [0.5 * (h * theta**2).sum()]
    for _ in range(steps):
        noise = rng.normal(size=len(h)) * np.sqrt(c / batch)
        theta = theta - rate * (h * theta + noise)
        losses.append((0.5 * h * theta**2 + noise * theta).sum())
    return np.array(losses)


simulate_sgd.hint("One step: a gradient hθ plus noise; then θ moves by −η times both.")
simulate_sgd.hint("A normal number with variance s² is s times a standard normal one.")
simulate_sgd.hint("How many losses does a run of no steps have?", when="shape")

simulate_sgd.equivalent(
    "`gradient = h * theta + rng.normal(size=len(h)) * np.sqrt(c / batch)` → "
    "`gradient = h * theta - rng.normal(size=len(h)) * np.sqrt(c / batch)`",
    because="normal noise has the same distribution with either sign",
)
