"""How `simulate_adam` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

simulate_adam = Exercise("simulate_adam", minutes=20, difficulty=2, returns=np.ndarray)

MANY = 4000


def _quiet(h, start, rate: float, steps: int, betas) -> list[float]:
    """Adam without noise, one number after another."""
    losses = np.zeros(steps + 1)
    for row in start:
        for curvature, at in zip(h, row, strict=True):
            first = second = 0.0
            losses[0] += 0.5 * curvature * at * at
            for t in range(1, steps + 1):
                gradient = curvature * at
                first = betas[0] * first + (1 - betas[0]) * gradient
                second = betas[1] * second + (1 - betas[1]) * gradient * gradient
                size = math.sqrt(second / (1 - betas[1] ** t)) + 1e-8
                at -= rate * first / (1 - betas[0] ** t) / size
                losses[t] += 0.5 * curvature * at * at
    return (losses / len(start)).tolist()


def _after_one_step(h: float, c: float, at: float, rate: float, batch: float) -> float:
    """The first step is η long, to the side that the sign of the noisy gradient says."""
    up = 0.5 * (1 + math.erf(h * at / math.sqrt(2 * c / batch)))
    return 0.5 * h * (up * (at - rate) ** 2 + (1 - up) * (at + rate) ** 2)


def _third_loss(h, c, at, rate, batch, betas) -> float:
    """The expected loss after two steps, by the midpoints of the noise's quantiles."""
    from scipy.stats import norm

    noise = norm.ppf((np.arange(400) + 0.5) / 400) * math.sqrt(c / batch)
    g1 = h * at + noise[:, None]
    theta = at - rate * np.sign(g1)
    g2 = h * theta + noise[None, :]
    first = (betas[0] * (1 - betas[0]) * g1 + (1 - betas[0]) * g2) / (1 - betas[0] ** 2)
    second = (betas[1] * (1 - betas[1]) * g1**2 + (1 - betas[1]) * g2**2) / (1 - betas[1] ** 2)
    theta = theta - rate * first / np.sqrt(second)
    return float(0.5 * h * (theta**2).mean())


@simulate_adam.property("without noise is Adam", trials=4)
def _(answer, draw: Draw) -> None:
    d, steps = min(draw.size, 4), draw.size + 2
    h, start = draw.uniform(0.2, 2, d), draw.normal(min(draw.size, 3), d)
    rate = draw.uniform(0.05, 0.5)
    losses = answer(h, np.zeros(d), start, rate, 2, steps, np.random.default_rng(0))
    expect(losses, "the losses").has_shape(steps + 1)
    wanted = _quiet(h, start, rate, steps, (0.9, 0.999))
    expect(losses, "the losses").close_to(wanted, rtol=1e-5, atol=1e-9)


@simulate_adam.property("takes other betas", trials=2)
def _(answer, draw: Draw) -> None:
    h, start = draw.uniform(0.2, 2, 2), draw.normal(2, 2)
    betas = (draw.uniform(0.3, 0.7), draw.uniform(0.75, 0.95))
    losses = answer(h, np.zeros(2), start, 0.2, 2, 9, np.random.default_rng(0), betas)
    wanted = _quiet(h, start, 0.2, 9, betas)
    expect(losses, "the losses").close_to(wanted, rtol=1e-5, atol=1e-9)


@simulate_adam.property("keeps its epsilon outside the root", trials=2)
def _(answer, draw: Draw) -> None:
    h, start = np.array([1.0]), np.array([[draw.uniform(1, 5) * 1e-8]])
    losses = answer(h, np.zeros(1), start, 1e-8, 2, 4, np.random.default_rng(0))
    wanted = _quiet(h, start, 1e-8, 4, (0.9, 0.999))
    expect(np.asarray(losses) * 1e16, "the losses · 10¹⁶").close_to(
        np.array(wanted) * 1e16, rtol=1e-4
    )


@simulate_adam.property("with noise steps to the side of the noisy gradient", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, at = draw.uniform(0.5, 1.5), draw.uniform(2, 5), draw.uniform(0.5, 1.5)
    rate, batch = draw.uniform(0.4, 0.8), draw.choice([0.5, 4.0])
    start = np.full((MANY, 3), at)
    args = np.full(3, h), np.full(3, c), start, rate, batch, 2
    losses = np.asarray(answer(*args, np.random.default_rng(draw.seed()))) / 3
    wanted = [0.5 * h * at**2, _after_one_step(h, c, at, rate, batch),
              _third_loss(h, c, at, rate, batch, (0.9, 0.999))]  # fmt: skip
    expect(losses, "the mean loss of a direction").close_to(wanted, rtol=0.08, atol=0.0)


@simulate_adam.property("gives each replica and each direction its own noise", trials=2)
def _(answer, draw: Draw) -> None:
    # The first direction has no noise; the second has nothing else.
    h, c, rate = np.array([1.0, 0.5]), np.array([0.0, draw.uniform(2, 5)]), 0.5
    losses = answer(h, c, np.zeros((MANY, 2)), rate, 2, 2, np.random.default_rng(draw.seed()))
    wanted = [0.0, 0.5 * 0.5 * rate**2, _third_loss(0.5, c[1], 0.0, rate, 2, (0.9, 0.999))]
    expect(losses, "the losses").close_to(wanted, rtol=0.08, atol=1e-6)
    # Of two far-apart directions in one replica, the noise alone says which steps are alike.
    wide = answer(np.ones(MANY), np.full(MANY, 1e4), np.ones((1, MANY)), 0.5, 1, 1,
                  np.random.default_rng(draw.seed()))  # fmt: skip
    wanted_wide = _after_one_step(1.0, 1e4, 1.0, 0.5, 1)
    expect(np.asarray(wide)[-1] / MANY, "the mean loss of many directions").close_to(
        wanted_wide, rtol=0.08
    )


@simulate_adam.property("draws from the generator it is given, and takes no steps if asked")
def _(answer, draw: Draw) -> None:
    h, c, start, seed = np.ones(2), np.ones(2), draw.normal(2, 2), draw.seed()
    first = answer(h, c, start, 0.3, 2, 3, np.random.default_rng(seed))
    again = answer(h, c, start, 0.3, 2, 3, np.random.default_rng(seed))
    other = answer(h, c, start, 0.3, 2, 3, np.random.default_rng(seed + 1))
    expect(again, "the losses, from an equal generator").close_to(first, rtol=1e-12)
    differs = float(np.abs(np.asarray(first) - np.asarray(other)).max())
    expect(differs, "the difference to another seed").is_above(1e-9)
    none = answer(h, c, start, 0.3, 2, 0, np.random.default_rng(seed))
    expect(none, "the losses of no steps").close_to(_quiet(h, start, 0.3, 0, (0.9, 0.999)))


@simulate_adam.right
def right_run(h, c, start, rate, batch, steps, rng, betas=(0.9, 0.999)):
    theta = np.array(start, dtype=float)
    beta1, beta2 = betas
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    losses = [0.5 * (h * theta**2).sum(axis=1).mean()]
    for t in range(1, steps + 1):
        gradient = h * theta + rng.normal(size=theta.shape) * np.sqrt(c / batch)
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        size = np.sqrt(v / (1 - beta2**t)) + 1e-8
        theta = theta - rate * m / (1 - beta1**t) / size
        losses.append(0.5 * (h * theta**2).sum(axis=1).mean())
    return np.array(losses)


simulate_adam.slip(
    "no_bias_correction",
    "You left out both bias corrections. The first steps are then three times too long.",
    {"v / (1 - beta2**t)": "v", "m / (1 - beta1**t)": "m"},
)
simulate_adam.slip(
    "corrects_the_first_only",
    "You corrected m and not v. Early on v is far too small, and the steps too long.",
    {"v / (1 - beta2**t)": "v"},
)
simulate_adam.slip(
    "counts_from_zero",
    "Your corrections count one step too many. At the first step t is 1.",
    {"v / (1 - beta2**t)": "v / (1 - beta2 ** (t + 1))", "m / (1 - beta1**t)":
     "m / (1 - beta1 ** (t + 1))"},
)  # fmt: skip
simulate_adam.slip(
    "same_noise_for_replicas",
    "All your replicas get the same noise, so their mean is no calmer than one of them.",
    {"size=theta.shape": "size=len(h)"},
)
simulate_adam.slip(
    "same_noise_for_directions",
    "All directions of a replica get the same noise. The covariance is diagonal: each has its own.",
    {"size=theta.shape": "size=(len(theta), 1)"},
)
simulate_adam.slip(
    "variance_as_spread",
    "You multiplied standard normal numbers by c/B. That is the variance; the spread is √(c/B).",
    {"np.sqrt(c / batch)": "(c / batch)"},
)
simulate_adam.slip(
    "batch_ignored",
    "The batch makes no difference to your noise. A mean over B examples has the variance c/B.",
    {"np.sqrt(c / batch)": "np.sqrt(c)"},
)
simulate_adam.slip(
    "square_without_noise",
    "Your v squares the gradient without its noise. Adam never sees that; at small batches the "
    "noise is nearly all of v.",
    {"gradient**2": "(h * theta) ** 2"},
)
simulate_adam.slip(
    "epsilon_inside",
    "Your epsilon stands inside the root. There it is 10⁻⁴ to everything outside it.",
    {"np.sqrt(v / (1 - beta2**t)) + 1e-8": "np.sqrt(v / (1 - beta2**t) + 1e-8)"},
)
simulate_adam.slip(
    "betas_ignored",
    "You use 0.9 and 0.999 whatever `betas` says.",
    {"= betas": "= 0.9, 0.999"},
)
simulate_adam.slip(
    "mean_over_directions",
    "You averaged over the directions. Sum over directions, average over replicas.",
    {
        "losses = [0.5 * (h * theta**2).sum(axis=1).mean()]":
        "losses = [0.5 * (h * theta**2).mean()]",
        "losses.append(0.5 * (h * theta**2).sum(axis=1).mean())":
        "losses.append(0.5 * (h * theta**2).mean())",
    },
)  # fmt: skip
simulate_adam.slip(
    "loss_of_the_mean",
    "You took the loss of the mean replica. The noise cancels in it. Asked for is the mean of the "
    "replicas' losses.",
    {
        "losses = [0.5 * (h * theta**2).sum(axis=1).mean()]":
        "losses = [0.5 * (h * theta.mean(axis=0) ** 2).sum()]",
        "losses.append(0.5 * (h * theta**2).sum(axis=1).mean())":
        "losses.append(0.5 * (h * theta.mean(axis=0) ** 2).sum())",
    },
)  # fmt: skip
simulate_adam.slip(
    "moving_target",
    "You moved θ with this step's gradient in place of its average m.",
    {"rate * m / (1 - beta1**t)": "rate * gradient"},
)


simulate_adam.slip(
    "betas_swapped",
    "You took the two betas the other way round: the first belongs to m, the second to v.",
    {"= betas": "= betas[1], betas[0]"},
)
simulate_adam.slip(
    "largest_square",
    "You divide by the largest square so far. Adam's v is a moving average of squares.",
    {"v = beta2 * v + (1 - beta2) * gradient**2": "v = np.maximum(v, gradient**2)",
     "v / (1 - beta2**t)": "v"},
)  # fmt: skip
simulate_adam.slip(
    "sign_only",
    "Every one of your steps is η long: only the sign of m is left. Adam divides m by √v, and "
    "the two differ where gradients disagree.",
    {"rate * m / (1 - beta1**t) / size": "rate * np.sign(m)"},
)
simulate_adam.slip(
    "shared_squares",
    "All your replicas share one v. Each is a run of its own: v has the shape of θ.",
    {"(1 - beta2) * gradient**2": "(1 - beta2) * (gradient**2).mean(axis=0)"},
)
simulate_adam.slip(
    "corrected_kept",
    "You wrote the corrected m and v over the averages, so the next step averages corrected "
    "numbers and corrects again. Correct copies.",
    {"size = np.sqrt(v / (1 - beta2**t)) + 1e-8":
     "m, v = m / (1 - beta1**t), v / (1 - beta2**t)\n        size = np.sqrt(v) + 1e-8",
     "rate * m / (1 - beta1**t) / size": "rate * m / size"},
)  # fmt: skip
simulate_adam.slip(
    "losses_of_each",
    "You return the losses of each replica. Asked for is their mean, one number a step.",
    {"losses.append(0.5 * (h * theta**2).sum(axis=1).mean())":
     "losses.append(0.5 * (h * theta**2).sum(axis=1))",
     "losses = [0.5 * (h * theta**2).sum(axis=1).mean()]":
     "losses = [0.5 * (h * theta**2).sum(axis=1)]",
     "return np.array(losses)": "return np.array(losses).T"},
)  # fmt: skip


simulate_adam.hint(
    "Keep θ, m and v as arrays of shape (replicas, d); one draw of noise has it too."
)
simulate_adam.hint(
    "The order of a step: gradient with noise, m, v, corrections with t = 1, 2, …, move."
)
simulate_adam.hint(
    "Sum over directions and average over replicas: which axis is which?", when="factor"
)

simulate_adam.equivalent(
    "`gradient = h * theta + rng.normal(size=theta.shape) * np.sqrt(c / batch)` → "
    "`gradient = h * theta - rng.normal(size=theta.shape) * np.sqrt(c / batch)`",
    because="normal noise has the same distribution with either sign",
)
