"""What ladder/08_adam_optax is judged by.

The oracles use none of the recursions of the page. A corrected moving average is the weighted mean
of all gradients so far, with weights that fall by β for each step back, and so it is computed here;
own Adam is held against ``optax.adam`` as well.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from descent.grading import Draw, Exercise, expect

BETAS = (0.9, 0.999)


def _tensor(draw: Draw, *shape: int) -> torch.Tensor:
    return torch.tensor(draw.normal(*shape), dtype=torch.float64)


def _weighted_mean(history: np.ndarray, beta: float) -> np.ndarray:
    """The mean over the first axis where the last entry counts 1, the one before β, and so on."""
    weights = beta ** np.arange(len(history) - 1, -1, -1.0)
    return np.tensordot(weights / weights.sum(), history, axes=1)


def _adam_moves(
    gradients: np.ndarray, rate: float, betas: tuple[float, float] = BETAS, epsilon: float = 1e-8
) -> np.ndarray:
    """The sum of Adam's steps along given gradients, shape (T, …), after each of them."""
    seen = [gradients[: t + 1] for t in range(len(gradients))]
    ratios = [
        _weighted_mean(g, betas[0]) / (np.sqrt(_weighted_mean(g**2, betas[1])) + epsilon)
        for g in seen
    ]
    return -rate * np.cumsum(ratios, axis=0)


# ---------------------------------------------------------------------- momentum_step

momentum_step = Exercise("momentum_step", minutes=5, difficulty=1)


@momentum_step.property("pushes the velocity, then moves by the new velocity", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    theta, velocity, gradient = _tensor(draw, n), _tensor(draw, n), _tensor(draw, n)
    rate, m = draw.uniform(0.05, 0.5), draw.uniform(0.3, 0.95)
    new_theta, new_velocity = answer(theta, velocity, gradient, rate, m)
    rows = np.stack([theta, velocity, gradient])
    expect(new_velocity, "the new velocity").close_to(np.array([0, m, 1]) @ rows)
    expect(new_theta, "the new theta").close_to(np.array([1, -rate * m, -rate]) @ rows)


@momentum_step.property("is plain gradient descent when momentum is 0")
def _(answer, draw: Draw) -> None:
    theta, gradient, rate = _tensor(draw, 3), _tensor(draw, 3), draw.uniform(0.05, 0.5)
    new_theta, new_velocity = answer(theta, _tensor(draw, 3), gradient, rate, 0.0)
    expect(new_theta, "the new theta").close_to(theta.numpy() + rate * -gradient.numpy())
    expect(new_velocity, "the new velocity").close_to(gradient)


@momentum_step.property("adds up pushes that agree to g·(1 − mᵏ)/(1 − m)", trials=3)
def _(answer, draw: Draw) -> None:
    gradient, m = _tensor(draw, 2), draw.choice([0.5, 0.8, 0.9])
    theta, velocity = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for _ in range(6):
        theta, velocity = answer(theta, velocity, gradient, 0.1, m)
    expect(velocity, "the velocity after 6 steps").close_to(gradient * (1 - m**6) / (1 - m))
    lengths = sum((1 - m**k) / (1 - m) for k in range(1, 7))
    expect(theta, "theta after 6 steps from 0").close_to(-0.1 * lengths * gradient)


@momentum_step.property("takes a matrix of parameters as well", trials=1)
def _(answer, draw: Draw) -> None:
    theta, gradient = _tensor(draw, 2, 3), _tensor(draw, 2, 3)
    new_theta, new_velocity = answer(theta, torch.zeros_like(theta), gradient, 0.1, 0.9)
    expect(new_velocity, "the velocity").close_to(gradient)
    expect(new_theta, "theta").close_to(theta - 0.1 * gradient)


@momentum_step.mistake(
    "You moved theta by the old velocity. Bring the velocity up to date first; the new "
    "one moves theta."
)
def old_velocity(theta, velocity, gradient, learning_rate, momentum):
    return theta - learning_rate * velocity, momentum * velocity + gradient


@momentum_step.mistake(
    "Your velocity is a mean: you multiplied the gradient by 1 − m. Here it is a sum, m·v "
    "+ g, which is what "
    "makes steady pushes add up."
)
def averaged_velocity(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return theta - learning_rate * velocity, velocity


@momentum_step.mistake(
    "The learning rate is applied twice: once to the gradient in the velocity and once to "
    "the velocity. It belongs "
    "to the move alone."
)
def rate_twice(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return theta - learning_rate * velocity, velocity


@momentum_step.mistake(
    "You put the learning rate into the velocity. That is another convention; here v = "
    "m·v + g, and η multiplies v "
    "when theta moves."
)
def rate_in_velocity(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return theta - velocity, velocity


@momentum_step.mistake(
    "You added the velocity, and it points uphill like the gradient. Subtract it."
)
def climbed(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return theta + learning_rate * velocity, velocity


@momentum_step.mistake(
    "Your velocity subtracts the gradient while theta subtracts the velocity: two "
    "minuses, and you climb. Here the "
    "velocity collects the gradients as they are."
)
def negative_push(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - gradient
    return theta - learning_rate * velocity, velocity


@momentum_step.mistake(
    "This is Nesterov's variant, which looks one step ahead. The heavy ball moves by −η·v "
    "with the new v."
)
def nesterov(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return theta - learning_rate * (gradient + momentum * velocity), velocity


@momentum_step.mistake(
    "The velocity is forgotten: theta moves by the gradient alone. Move it by the new velocity."
)
def without_memory(theta, velocity, gradient, learning_rate, momentum):
    return theta - learning_rate * gradient, momentum * velocity + gradient


@momentum_step.mistake(
    "Nothing slows the ball: you left out m. The old velocity is multiplied by m before the push."
)
def no_friction(theta, velocity, gradient, learning_rate, momentum):
    velocity = velocity + gradient
    return theta - learning_rate * velocity, velocity


@momentum_step.mistake(
    "The two results have changed places: return theta first, then the velocity."
)
def swapped_results(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return velocity, theta - learning_rate * velocity


momentum_step.hint("Two lines, in this order: the new velocity, then the new theta.")
momentum_step.hint("velocity = momentum · velocity + gradient. Which velocity does theta move by?")
momentum_step.hint(
    "Follow the example by hand: θ = 1, v = 0, g = 2, η = 0.1, m = 0.9.", when="value"
)
momentum_step.hint(
    "`velocity *= m` writes into the tensor you were given; `m * velocity` does not.",
    when="changes input",
)
momentum_step.hint("Downhill is against the velocity.", when="sign")

# --------------------------------------------------------------------- update_moments

update_moments = Exercise("update_moments", minutes=6, difficulty=1)


@update_moments.property("mixes the old averages with the gradient and its square", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    m, v, g = _tensor(draw, n), _tensor(draw, n).abs(), _tensor(draw, n)
    beta1, beta2 = draw.uniform(0.3, 0.6), draw.uniform(0.7, 0.95)
    new_m, new_v = answer(m, v, g, beta1, beta2)
    expect(new_m, "m").close_to(np.average([m, g], axis=0, weights=[beta1, 1 - beta1]))
    squares = np.square(g.numpy())
    expect(new_v, "v").close_to(np.average([v, squares], axis=0, weights=[beta2, 1 - beta2]))


@update_moments.property("gives weighted means of all gradients after several updates", trials=3)
def _(answer, draw: Draw) -> None:
    gradients = draw.normal(4, 3)
    m = v = torch.zeros(3, dtype=torch.float64)
    for g in gradients:
        m, v = answer(m, v, torch.tensor(g), 0.8, 0.95)
    expect(m, "m after 4 updates").close_to((1 - 0.8**4) * _weighted_mean(gradients, 0.8))
    expect(v, "v after 4 updates").close_to((1 - 0.95**4) * _weighted_mean(gradients**2, 0.95))


@update_moments.property("forgets: without gradient, each shrinks by its own beta")
def _(answer, draw: Draw) -> None:
    m, v = _tensor(draw, 2, 2), _tensor(draw, 2, 2).abs()
    new_m, new_v = answer(m, v, torch.zeros_like(m), 0.5, 0.75)
    expect(new_m, "m").close_to(m / 2)
    expect(new_v, "v").close_to(v * 3 / 4)


@update_moments.mistake("The betas have changed places: β₁ belongs to m and β₂ to v.")
def swapped_betas(m, v, gradient, beta1, beta2):
    return beta2 * m + (1 - beta2) * gradient, beta1 * v + (1 - beta1) * gradient**2


@update_moments.mistake(
    "The weights are the wrong way round: β is the share of the old average that is kept, "
    "1 − β the share of the new."
)
def swapped_weights(m, v, gradient, beta1, beta2):
    return (1 - beta1) * m + beta1 * gradient, (1 - beta2) * v + beta2 * gradient**2


@update_moments.mistake(
    "The factor 1 − β is missing: these are sums that grow tenfold and a thousandfold, "
    "not averages."
)
def sums(m, v, gradient, beta1, beta2):
    return beta1 * m + gradient, beta2 * v + gradient**2


@update_moments.mistake("Your v averages the gradient, not its square. Square each entry first.")
def without_square(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient


@update_moments.mistake(
    "Your v averages the gradient's absolute value. The second moment is of the square."
)
def absolute(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * abs(gradient)


@update_moments.mistake(
    "Your v takes the square of the mean, m², where it should take the mean of the "
    "square: use the gradient itself. "
    "In m opposite gradients cancel, and v must not."
)
def square_of_mean(m, v, gradient, beta1, beta2):
    m = beta1 * m + (1 - beta1) * gradient
    return m, beta2 * v + (1 - beta2) * m**2


@update_moments.mistake(
    "You subtracted the mean before squaring. That would be the variance; Adam's second "
    "moment is of the gradient itself."
)
def variance(m, v, gradient, beta1, beta2):
    m = beta1 * m + (1 - beta1) * gradient
    return m, beta2 * v + (1 - beta2) * (gradient - m) ** 2


@update_moments.mistake(
    "Your v is of the summed gradient: one number for all entries. Square entry by entry, "
    "so that each parameter has "
    "a scale of its own."
)
def summed_gradient(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient.sum() ** 2


@update_moments.mistake(
    "Your v averages the squares over all entries: every parameter gets the same scale. "
    "Square entry by entry."
)
def one_scale(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * (gradient**2).mean()


@update_moments.mistake(
    "Your v adds up the squares of all entries: one number for all of them, and a larger one the "
    "more parameters there are. Square entry by entry, and sum nothing."
)
def summed_squares(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * (gradient**2).sum()


@update_moments.mistake("You squared 1 − β as well: only the gradient is squared.")
def squared_weight(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + ((1 - beta2) * gradient) ** 2


@update_moments.mistake("The results have changed places: return m, then v.")
def swapped_moments(m, v, gradient, beta1, beta2):
    return beta2 * v + (1 - beta2) * gradient**2, beta1 * m + (1 - beta1) * gradient


update_moments.hint(
    "Two lines of the same form. What goes in differs: the gradient, and its square."
)
update_moments.hint("new average = β · old average + (1 − β) · new value, entry by entry.")
update_moments.hint("Which beta goes with which average?", when="value")
update_moments.hint("What are the weights of old and new? Together they are 1.", when="factor")
update_moments.hint("A square is never negative. Where was it taken?", when="sign")
update_moments.hint(
    "Make new tensors: `m.mul_(…)` and `m *= …` change the one you were given.",
    when="changes input",
)

# ----------------------------------------------------------------------- bias_correct

bias_correct = Exercise("bias_correct", minutes=5, difficulty=1)


@bias_correct.property("divides by the sum of the weights so far", trials=6)
def _(answer, draw: Draw) -> None:
    average, beta, t = _tensor(draw, draw.size), draw.uniform(0.5, 0.99), draw.integers(2, 9)
    weights = sum((1 - beta) * beta**k for k in range(t))
    expect(answer(average, beta, t), "the corrected average").close_to(average / weights)


@bias_correct.property("gives a constant back exactly, however few the steps", trials=4)
def _(answer, draw: Draw) -> None:
    constant, beta = draw.uniform(1.0, 4.0), draw.choice([0.9, 0.99])
    average = 0.0
    for _ in range(draw.size):
        average = beta * average + (1 - beta) * constant
    corrected = answer(torch.tensor([average]), beta, draw.size)
    expect(corrected, f"after {draw.size} times the same value").close_to(np.array([constant]))


@bias_correct.property("gives the value itself at step 1")
def _(answer, draw: Draw) -> None:
    value, beta = _tensor(draw, 2, 2), draw.choice([0.9, 0.999])
    expect(answer((1 - beta) * value, beta, 1), "the corrected average").close_to(value)


@bias_correct.property("changes nothing when beta is 0, or after very many steps", trials=2)
def _(answer, draw: Draw) -> None:
    average = _tensor(draw, 3)
    expect(answer(average, 0.0, 3), "with beta 0").close_to(average)
    expect(answer(average, 0.9, 1000), "after 1000 steps").close_to(average)


@bias_correct.mistake(
    "You divided by 1 − β, which is right at step 1 only. The weights after t steps add "
    "up to 1 − βᵗ."
)
def first_step_only(average, beta, t):
    return average / (1 - beta)


@bias_correct.mistake("It is β to the power t, not β times t: `beta**t`.")
def times_t(average, beta, t):
    return average / (1 - beta * t)


@bias_correct.mistake(
    "You divided by βᵗ, the weight that is missing. Divide by the weight that is there, 1 − βᵗ."
)
def missing_weight(average, beta, t):
    return average / beta**t if beta else average / (beta**t + 1e-300)


@bias_correct.mistake("The power is taken of β alone: 1 − βᵗ, not (1 − β)ᵗ.")
def power_of_difference(average, beta, t):
    return average / (1 - beta) ** t


@bias_correct.mistake("You multiplied by 1 − βᵗ. The average is too small, so divide.")
def multiplied(average, beta, t):
    return average * (1 - beta**t)


@bias_correct.mistake(
    "Your t is one too small: t is how many updates there were, and is 1 after the first."
)
def counts_from_zero(average, beta, t):
    return average / torch.tensor(1 - beta ** (t - 1))


@bias_correct.mistake("Your t is one too large: t counts the updates already, from 1 on.")
def counts_too_far(average, beta, t):
    return average / (1 - beta ** (t + 1))


@bias_correct.mistake(
    "There is no root here. The root comes later, in Adam's step, after both corrections."
)
def rooted(average, beta, t):
    return average / math.sqrt(1 - beta**t)


bias_correct.hint("What do the weights (1 − β)βᵏ for k = 0 … t − 1 add up to?")
bias_correct.hint("Divide by 1 − βᵗ.")
bias_correct.hint("Try t = 1 by hand: 0.4 with β = 0.9 should give 4.", when="factor")
bias_correct.hint("Try t = 2 by hand: 0.76 with β = 0.9 should give 4.", when="value")
bias_correct.hint("Is the divisor 0 for some t? It should be 1 − β at t = 1.", when="infinite")
bias_correct.hint("Both beta and t decide the divisor.", when="ignores argument")

# -------------------------------------------------------------------------- adam_step

adam_step = Exercise("adam_step", minutes=15, difficulty=2)


@adam_step.property(
    "takes a first step as long as the learning rate, against the gradient", trials=4
)
def _(answer, draw: Draw) -> None:
    n, rate = draw.size, draw.uniform(0.05, 0.5)
    theta, g = _tensor(draw, n), _tensor(draw, n) + 3.0
    g = g * torch.tensor(draw.rng.choice([-1.0, 1.0], n))
    zero = torch.zeros(n, dtype=torch.float64)
    new_theta, m, v = answer(theta, g, zero, zero, 1, rate)
    expect(new_theta, "theta").close_to(theta.numpy() - rate * np.sign(g.numpy()), rtol=1e-5)
    expect(m, "m").close_to(0.1 * g)
    expect(v, "v").close_to(0.001 * g**2)


@adam_step.property("follows the algorithm over several steps", trials=5)
def _(answer, draw: Draw) -> None:
    steps = min(draw.size, 5)
    gradients, theta = draw.normal(steps, 3) + 0.5, _tensor(draw, 3)
    betas = draw.uniform(0.3, 0.7), draw.uniform(0.8, 0.97)
    rate, epsilon = draw.uniform(0.05, 0.5), draw.choice([0.1, 0.5])
    m = v = torch.zeros(3, dtype=torch.float64)
    expected = theta.numpy() + _adam_moves(gradients, rate, betas, epsilon)[-1]
    for t, g in enumerate(gradients, start=1):
        theta, m, v = answer(theta, torch.tensor(g), m, v, t, rate, betas, epsilon)
    expect(theta, f"theta after {steps} steps").close_to(expected)
    weight1, weight2 = 1 - betas[0] ** steps, 1 - betas[1] ** steps
    expect(m, "m").close_to(weight1 * _weighted_mean(gradients, betas[0]))
    expect(v, "v").close_to(weight2 * _weighted_mean(gradients**2, betas[1]))


@adam_step.property("does not care how large gradients are, down to the size of epsilon", trials=3)
def _(answer, draw: Draw) -> None:
    zero, size = torch.zeros(2, dtype=torch.float64), draw.choice([1e-6, 1e-5, 1e3])
    g = torch.tensor([size, -size], dtype=torch.float64)
    theta, _, _ = answer(zero, g, zero, zero, 1, 0.1)
    expect(theta, f"the first step for gradients of {size:g}").close_to([-0.1, 0.1], rtol=0.02)


@adam_step.property("stays put, and finite, when every gradient is 0")
def _(answer, draw: Draw) -> None:
    theta = _tensor(draw, 2, 3)
    zero = torch.zeros_like(theta)
    new_theta, m, v = answer(theta, zero, zero, zero, draw.integers(1, 5))
    expect(new_theta, "theta").close_to(theta)
    expect(m, "m").close_to(zero)
    expect(v, "v").close_to(zero)


@adam_step.property("has the defaults η = 0.001, β = (0.9, 0.999), ε = 1e-8", trials=2)
def _(answer, draw: Draw) -> None:
    gradients, theta = draw.normal(3, 2), torch.zeros(2, dtype=torch.float64)
    gradients[:, 1] = 1e-8  # as small as epsilon itself
    m = v = torch.zeros(2, dtype=torch.float64)
    for t, g in enumerate(gradients, start=1):
        theta, m, v = answer(theta, torch.tensor(g), m, v, t)
    expect(theta, "theta after 3 steps from 0").close_to(_adam_moves(gradients, 1e-3)[-1])


def _adam(theta, gradient, m, v, t, learning_rate=1e-3, betas=BETAS, epsilon=1e-8, **habits):
    """A step of Adam with one bad habit, named by keyword: what the mistakes below share."""
    beta1, beta2 = betas[::-1] if habits.get("swapped") else betas
    old_m = m
    scale = gradient
    scale = gradient.sum() + 0 * gradient if habits.get("summed") else scale
    scale = (gradient**2).mean().sqrt() + 0 * gradient if habits.get("one_scale") else scale
    m = beta1 * m + (1 - beta1) * gradient
    scale = m if habits.get("square_of_mean") else scale
    v = beta2 * v + (1 - beta2) * scale**2
    t = t - 1 if habits.get("from_zero") else t
    t = t + 1 if habits.get("ahead") else t
    divisor1, divisor2 = (torch.tensor(1 - beta**t) for beta in (beta1, beta2))
    m_hat = m if habits.get("m_bare") else m / divisor1
    v_hat = v if habits.get("v_bare") else v / divisor2
    m_hat = gradient if habits.get("no_first") else m_hat
    m_hat = old_m / divisor1 if habits.get("old_m") else m_hat
    if habits.get("stores_corrected"):
        m, v = m_hat, v_hat
    root = v_hat.sqrt() + epsilon
    root = (v_hat + epsilon).sqrt() if habits.get("inside") else root
    root = v_hat + epsilon if habits.get("no_root") else root
    root = v_hat.sqrt() if habits.get("no_epsilon") else root
    root = v.sqrt() / divisor2 + epsilon if habits.get("root_first") else root
    root = (v.sqrt() + epsilon) / divisor2.sqrt() if habits.get("epsilon_early") else root
    rate = -learning_rate if habits.get("climbs") else learning_rate
    rate = rate**2 if habits.get("rate_twice") else rate
    return theta - rate * m_hat / root, m, v


def _adam_mistake(name: str, message: str, **habits: bool) -> None:
    """Declare a mistake of adam_step that is one bad habit."""

    def wrong(theta, gradient, m, v, t, learning_rate=1e-3, betas=BETAS, epsilon=1e-8):
        return _adam(theta, gradient, m, v, t, learning_rate, betas, epsilon, **habits)

    wrong.__name__ = name
    adam_step.mistake(message)(wrong)


_MISTAKES = {
    "no_correction": (
        "The bias correction is missing. m and v start at 0 and are too small at first, v far "
        "more than m, and the "
        "first step comes out three times too long.",
        {"m_bare": True, "v_bare": True},
    ),
    "first_moment_uncorrected": (
        "You corrected v and not m. Both averages start at 0: divide m by 1 − β₁ᵗ too.",
        {"m_bare": True},
    ),
    "second_moment_uncorrected": (
        "You corrected m and not v. Both averages start at 0: divide v by 1 − β₂ᵗ too.",
        {"v_bare": True},
    ),
    "epsilon_inside": (
        "Your epsilon is inside the root. Added to the squared gradient, 1e-8 swamps "
        "gradients of 1e-4; take the root "
        "of v̂ first, then add ε.",
        {"inside": True},
    ),
    "no_root": (
        "You divided by v̂ without its root. v̂ is a squared size: only its root has the "
        "units of the gradient, and "
        "cancels them.",
        {"no_root": True},
    ),
    "root_before_correction": (
        "You took the root of v before correcting it. Correct first, v̂ = v/(1 − β₂ᵗ), then "
        "take the root.",
        {"root_first": True},
    ),
    "no_epsilon": (
        "There is no epsilon: where every gradient so far was 0 you divide 0 by 0.",
        {"no_epsilon": True},
    ),
    "counter_from_zero": (
        "Your step counter is one behind. The first step has t = 1; with t − 1 the first "
        "correction divides by 0.",
        {"from_zero": True},
    ),
    "counter_ahead": (
        "Your step counter is one ahead: the correction of the first step is 1 − β, with t = 1.",
        {"ahead": True},
    ),
    "epsilon_before_correction": (
        "Your ε is added to √v before v is corrected, so that in the first steps it weighs up to "
        "thirty times too much. Correct v first, then take the root, then add ε.",
        {"epsilon_early": True},
    ),
    "betas_swapped": (
        "The betas have changed places: β₁ belongs to m and β₂ to v.",
        {"swapped": True},
    ),
    "first_moment_unused": (
        "Your step uses the gradient itself in place of m̂. That is RMSprop: it has the "
        "scale, but no momentum.",
        {"no_first": True},
    ),
    "old_first_moment": (
        "Your step uses the m from before the update. Bring m up to date with the new "
        "gradient first.",
        {"old_m": True},
    ),
    "square_of_mean": (
        "Your v averages m². The second moment is of the gradient itself: opposite gradients "
        "must not cancel in it.",
        {"square_of_mean": True},
    ),
    "summed_gradient": (
        "Your v is of the summed gradient, one number for all entries. Square entry by entry.",
        {"summed": True},
    ),
    "one_scale": (
        "Your v averages the squares over all entries, so that all parameters share a scale. "
        "Square entry by entry.",
        {"one_scale": True},
    ),
    "stored_corrected": (
        "You returned the corrected averages. The correction is for this step; what goes on "
        "to the next step is the "
        "plain m and v, or they are corrected again and again.",
        {"stores_corrected": True},
    ),
    "climbed": (
        "You added the step. Subtract it: m̂ points uphill, like the gradient.",
        {"climbs": True},
    ),
    "rate_twice": ("The learning rate is in your step twice.", {"rate_twice": True}),
}

for _name, (_message, _habits) in _MISTAKES.items():
    _adam_mistake(_name, _message, **_habits)

adam_step.hint(
    "Four lines: update both moments, correct both, move theta, return theta with the "
    "plain m and v."
)
adam_step.hint("You have written the first two: `update_moments` and `bias_correct`.")
adam_step.hint(
    "theta − η · m̂ / (√v̂ + ε): where does ε stand, and under what is the root?", when="value"
)
adam_step.hint("At t = 1 with g = 4: m = 0.4, m̂ = 4, v = 0.016, v̂ = 16, ratio 1.", when="factor")
adam_step.hint("Something was divided by 0. Is t = 1 at the first step? Is ε there?", when="nan")
adam_step.hint(
    "Something was divided by 0. Is t = 1 at the first step? Is ε there?", when="infinite"
)
adam_step.hint("Use new tensors: `m = beta1 * m + …`, not `m *= beta1`.", when="changes input")

# ------------------------------------------------------------------------------- Adam

Adam = Exercise("Adam", minutes=30, difficulty=3, seconds=20.0)


def _leaf(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).requires_grad_()


class _Parameters:
    """What an optimiser is made with: the tensors themselves, shown with their first values.

    A check hands copies to an answer, whatever it calls the argument. This one is its own copy,
    because an optimiser is meant to change its parameters.
    """

    def __init__(self, *tensors: torch.Tensor) -> None:
        self.tensors = tensors
        self.shown = repr([np.round(tensor.detach().numpy(), 3).tolist() for tensor in tensors])

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __getitem__(self, place: int) -> torch.Tensor:
        return self.tensors[place]

    def __deepcopy__(self, memo: dict[int, Any]) -> _Parameters:
        return self

    def __repr__(self) -> str:
        return self.shown


class _Once:
    """Parameters as an iterator: after one walk through it, it is empty."""

    def __init__(self, *tensors: torch.Tensor) -> None:
        self.left = list(tensors)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return self

    def __next__(self) -> torch.Tensor:
        if not self.left:
            raise StopIteration
        return self.left.pop(0)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Once:
        return self

    def __repr__(self) -> str:
        return "an iterator over parameters"


def _drive(
    optimiser: Any, parameters: list[torch.Tensor], gradients: list[np.ndarray | None]
) -> None:
    """Clear, give every parameter its gradient, step."""
    optimiser.zero_grad()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
    optimiser.step()


@functools.cache
def _optax_path() -> Callable[[Any, Any], Any]:
    """optax.adam(0.02) along given gradients as one compiled function, made once a process."""
    transformation = optax.adam(0.02)

    def advance(carried: Any, gradient: Any) -> Any:
        theta, state = carried
        updates, state = transformation.update(gradient, state, theta)
        return (optax.apply_updates(theta, updates), state), None

    def path(theta: Any, gradients: Any) -> Any:
        return jax.lax.scan(advance, (theta, transformation.init(theta)), gradients)[0][0]

    return jax.jit(path)


@Adam.property("moves one parameter as the algorithm says", trials=4)
def _(answer, draw: Draw) -> None:
    steps, n = min(draw.size, 5), 3
    start, gradients = draw.normal(n), draw.normal(steps, n) + 0.5
    betas = draw.uniform(0.3, 0.7), draw.uniform(0.8, 0.97)
    rate, epsilon = draw.uniform(0.05, 0.5), draw.choice([0.1, 0.5])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=rate, betas=betas, eps=epsilon)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expected = start + _adam_moves(gradients, rate, betas, epsilon)[-1]
    expect(parameter, f"the parameter after {steps} steps").close_to(expected)
    expect(parameter.requires_grad and parameter.is_leaf, "still a leaf").is_true(
        otherwise="afterwards the parameter is no leaf that requires a gradient"
    )


@Adam.property("keeps the state of each parameter apart", trials=3)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(3, 2), draw.normal(4, 3, 2)
    gradients *= np.array([1.0, 5.0, 0.1])[:, None]
    gradients += np.array([0.0, 5.0, 0.0])[:, None]
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), 0.1)
    for gradient in gradients:
        _drive(optimiser, parameters, list(gradient))
    expected = starts + _adam_moves(gradients, 0.1)[-1]
    for place, parameter in enumerate(parameters):
        expect(parameter, f"parameter {place} after 4 steps").close_to(expected[place])


@Adam.property("takes parameters of different shapes, a single number too", trials=2)
def _(answer, draw: Draw) -> None:
    shapes: tuple[tuple[int, ...], ...] = ((2, 3), (3,), ())
    starts = [np.asarray(draw.normal(*shape)) for shape in shapes]
    gradients = [np.asarray(draw.normal(3, *shape)) for shape in shapes]
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), 0.1)
    for t in range(3):
        _drive(optimiser, parameters, [g[t] for g in gradients])
    for parameter, start, g in zip(parameters, starts, gradients, strict=True):
        expected = start + _adam_moves(g, 0.1)[-1]
        expect(parameter, f"the one of shape {start.shape} after 3 steps").close_to(expected)


@Adam.property("accepts an iterator, as model.parameters() is one", trials=2)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(2, 3), draw.normal(3, 2, 3)
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Once(*parameters), lr=0.1)
    for gradient in gradients:
        _drive(optimiser, parameters, list(gradient))
    expected = starts + _adam_moves(gradients, 0.1)[-1]
    for place in range(2):
        expect(parameters[place], f"parameter {place} after 3 steps").close_to(expected[place])


@Adam.property("leaves a parameter without gradient alone, its state and count too", trials=2)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(3, 2), draw.normal(4, 3, 2) + 1.0
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), lr=0.1)
    for t, gradient in enumerate(gradients):
        # The one in the middle has a gradient every second time, the others always.
        _drive(optimiser, parameters, [gradient[0], gradient[1] if t % 2 else None, gradient[2]])
        if t == 0:
            expect(parameters[1], "a parameter that never had a gradient").close_to(starts[1])
    for place, taken, name in (
        (0, slice(None), "the parameter before it after 4 steps"),
        (1, slice(1, None, 2), "one with a gradient every second time"),
        (2, slice(None), "the parameter after it after 4 steps"),
    ):
        expected = starts[place] + _adam_moves(gradients[taken, place], 0.1)[-1]
        expect(parameters[place], name).close_to(expected)


@Adam.property("takes a gradient of 0 for a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    start, gradients = draw.normal(2), np.zeros((3, 2))
    gradients[0] = draw.choice([-1.0, 1.0]) * np.array([1.0, 2.0])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=0.1)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expected = start + _adam_moves(gradients, 0.1)[-1]
    expect(parameter, "after one gradient and two that are 0").close_to(expected)


@Adam.property("sets every gradient to None in zero_grad, and nothing else", trials=1)
def _(answer, draw: Draw) -> None:
    parameters = [_leaf(draw.normal(2)), _leaf(draw.normal(3))]
    optimiser = answer(_Parameters(*parameters))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    before = [parameter.detach().clone() for parameter in parameters]
    optimiser.zero_grad()
    expect(sum(p.grad is None for p in parameters), "how many of 2 gradients are None").equals(2)
    left = sum(float(p.grad.sum()) for p in parameters if p.grad is not None)
    expect(left, "the sum of all gradients that are left").close_to(0.0, atol=1e-6)
    expect(parameters[0], "a parameter after zero_grad").close_to(before[0])


@Adam.property("leaves the gradients as they are in step", trials=1)
def _(answer, draw: Draw) -> None:
    parameter, gradient = _leaf(draw.normal(3)), draw.normal(3)
    _drive(answer(_Parameters(parameter)), [parameter], [gradient])
    expect(parameter.grad is not None, "the gradient is still there").is_true(
        otherwise="after step() the parameter's gradient is gone"
    )
    expect(parameter.grad, "the gradient after step()").close_to(gradient)


@Adam.property("equals optax.adam to 1e-6 over 100 steps", trials=1)
def _(answer, draw: Draw) -> None:
    start, gradients = draw.normal(4), draw.normal(100, 4) * np.array([1.0, 1e-2, 1e2, 1e-5])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=0.02)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    with jax.enable_x64(True):
        library = np.asarray(_optax_path()(jnp.asarray(start), jnp.asarray(gradients)))
    expect(parameter, "the parameter after 100 steps").close_to(library, rtol=0.0, atol=1e-6)


@Adam.property("has the defaults lr = 0.001, betas = (0.9, 0.999), eps = 1e-8", trials=2)
def _(answer, draw: Draw) -> None:
    gradients = draw.normal(3, 2)
    gradients[:, 1] = 1e-8
    parameter = _leaf(np.zeros(2))
    optimiser = answer(_Parameters(parameter))
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expect(parameter, "the parameter after 3 steps from 0").close_to(
        _adam_moves(gradients, 1e-3)[-1]
    )


class _Optimiser:
    """A right Adam, which the mistakes below spoil by a habit or a method."""

    habits: dict[str, bool] = {}

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.t = [0] * len(self.parameters)

    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is not None:
                    self.move(i, p, p.grad)

    def move(self, i, p, gradient):
        self.t[i] += 1
        new, self.m[i], self.v[i] = _adam(
            p,
            gradient,
            self.m[i],
            self.v[i],
            self.t[i],
            self.lr,
            self.betas,
            self.eps,
            **self.habits,
        )
        p.copy_(new)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None


for _name in (
    "no_correction",
    "epsilon_inside",
    "no_root",
    "counter_from_zero",
    "counter_ahead",
    "betas_swapped",
    "first_moment_unused",
    "summed_gradient",
    "square_of_mean",
    "climbed",
    "rate_twice",
    "stored_corrected",
    "second_moment_uncorrected",
):
    _message, _habits = _MISTAKES[_name]
    Adam.mistake(_message)(type(_name, (_Optimiser,), {"habits": _habits}))


@Adam.mistake(
    "All parameters share one state. The average of one parameter's gradients says "
    "nothing about another's: keep an m, "
    "a v and a t for each."
)
class shared_state(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.shared = [0.0, 0.0]

    def move(self, i, p, gradient):
        self.t[i] += 1
        new, *self.shared = _adam(
            p, gradient, *self.shared, self.t[i], self.lr, self.betas, self.eps, **self.habits
        )
        p.copy_(new)


@Adam.mistake(
    "All parameters share one m, one v and one count: each takes its step with the averages of "
    "the others, and t runs on for every parameter. Keep an m, a v and a t for each."
)
class shared_state_and_count(shared_state):
    def move(self, i, p, gradient):
        self.t[i] = sum(self.t)
        super().move(i, p, gradient)
        self.t = [self.t[i]] + [0] * (len(self.t) - 1)


@Adam.mistake(
    "Every m and v has the shape of the first parameter. Make them with "
    "`torch.zeros_like(p)`, for each p."
)
class first_shape(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.m = [torch.zeros_like(self.parameters[0]) for _ in self.parameters]
        self.v = [torch.zeros_like(self.parameters[0]) for _ in self.parameters]

    def step(self):  # of its own, so that what stops here counts as the answer's error
        super().step()


@Adam.mistake(
    "Your settings do not reach the step: it uses the defaults of `adam_step`. Hand on "
    "self.lr, self.betas and self.eps."
)
class ignores_settings(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters)


@Adam.mistake(
    "The learning rate reaches the step, and betas and eps do not: it uses their defaults. Hand "
    "on self.betas and self.eps."
)
class ignores_betas(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters, lr)


@Adam.mistake(
    "Your step counter moves on for every parameter, not for every step: with three "
    "parameters it counts by threes, and "
    "the bias correction fades too early."
)
class counts_every_parameter(_Optimiser):
    def move(self, i, p, gradient):
        self.t = [sum(self.t[:1]) + 1] * len(self.t)
        new, self.m[i], self.v[i] = _adam(
            p, gradient, self.m[i], self.v[i], self.t[0], self.lr, self.betas, self.eps
        )
        p.copy_(new)


@Adam.mistake(
    "One counter serves all parameters, so that it runs on for a parameter that had no "
    "gradient. Its averages did not: "
    "count for each parameter the steps it took part in."
)
class one_counter(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.steps = 0

    def step(self):
        self.steps += 1
        super().step()

    def move(self, i, p, gradient):
        self.t[i] = self.steps - 1
        super().move(i, p, gradient)


@Adam.mistake(
    "You treat a missing gradient as zero: the parameter coasts on its old average. Skip "
    "a parameter whose grad is None."
)
class missing_is_zero(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                self.move(i, p, torch.zeros_like(p) if p.grad is None else p.grad)


@Adam.mistake(
    "At a parameter without gradient your step ends, and those after it do not move. Skip that "
    "parameter alone: `continue`, not `return` or `break`."
)
class stops_at_missing(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    return
                self.move(i, p, p.grad)


@Adam.mistake(
    "Your step stops where p.grad is None. That is a parameter that took no part in the loss: "
    "skip it with `continue`."
)
class computes_with_none(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                self.move(i, p, p.grad)


@Adam.mistake(
    "You skip a parameter whose gradient is 0. A zero is a gradient too: the averages take it "
    "in, and the step goes on along m. Skip only where grad is None."
)
class skips_zeros(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is not None and p.grad.any():
                    self.move(i, p, p.grad)


@Adam.mistake(
    "torch is recording your step for `backward`, and forbids writing into a parameter "
    "meanwhile. Put `with torch.no_grad():` around it."
)
class recorded(_Optimiser):
    def step(self):
        for i, p in enumerate(self.parameters):
            if p.grad is not None:
                self.move(i, p, p.grad)


@Adam.mistake(
    "Your zero_grad stops where a gradient is None already, as all are before the first "
    "`backward`. Set `p.grad = None`, whatever it was."
)
class zeroes_none(_Optimiser):
    def zero_grad(self):
        for p in self.parameters:
            p.grad.zero_()


@Adam.mistake(
    "Your zero_grad fills the gradients with zeros. Set them to None: a zero gradient is "
    "still a gradient, and the "
    "parameter would coast."
)
class fills_with_zeros(_Optimiser):
    def zero_grad(self):
        for p in self.parameters:
            p.grad = None if p.grad is None else torch.zeros_like(p)


@Adam.mistake(
    "Your zero_grad does nothing: gradients of the next batch would be added to those of this one."
)
class keeps_gradients(_Optimiser):
    def zero_grad(self):
        pass


@Adam.mistake(
    "The parameters do not move. Did you make new tensors, as in `p = p - …`? The model "
    "holds the old ones: write into "
    "them with `p.copy_(…)` or `p -= …`. (Or was an iterator walked through before you "
    "made a list of it?)"
)
class new_tensors(_Optimiser):
    def move(self, i, p, gradient):
        super().move(i, p.detach().clone(), gradient)


@Adam.mistake(
    "With an iterator, nothing moves: it was empty after the first walk through it. Begin with "
    "`self.parameters = list(parameters)`."
)
class walks_twice(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters, lr, betas, eps)
        if isinstance(parameters, _Once):
            self.parameters = []


@Adam.mistake("Your averages start from 0 again at every step. Make them once, in `__init__`.")
class forgets(_Optimiser):
    def step(self):
        self.m, self.v = [0 * m for m in self.m], [0 * v for v in self.v]
        self.t = [0] * len(self.t)
        super().step()


@Adam.mistake(
    "Your averages are reset, but the step counter runs on. Both belong to the whole run: "
    "make them once, in `__init__`."
)
class forgets_averages(_Optimiser):
    def step(self):
        self.m, self.v = [0 * m for m in self.m], [0 * v for v in self.v]
        super().step()


@Adam.mistake(
    "m and v are one and the same tensor, so that writing into one changes the other. Make "
    "zeros for each of them."
)
class aliased_tensors(_Optimiser):
    def move(self, i, p, gradient):
        self.t[i] += 1
        (beta1, beta2), t, state = self.betas, self.t[i], self.m[i]
        state.mul_(beta1).add_((1 - beta1) * gradient)
        state.mul_(beta2).add_((1 - beta2) * gradient**2)
        m_hat, v_hat = state / (1 - beta1**t), state / (1 - beta2**t)
        p.copy_(p - self.lr * m_hat / (v_hat.sqrt() + self.eps))


@Adam.mistake(
    "m and v are one and the same list: `self.m = self.v = …` gives it two names, and what you "
    "store in v is found in m at the next step. Make two lists."
)
class aliased_lists(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.v = self.m


@Adam.mistake(
    "You clear the gradients in step. Leave them: clearing is what zero_grad is for, and "
    "a caller may look at them."
)
class clears_in_step(_Optimiser):
    def step(self):
        super().step()
        self.zero_grad()


@Adam.mistake("A weight decay is in your step, coupled to the gradient. Plain Adam has none.")
class decays(_Optimiser):
    def move(self, i, p, gradient):
        super().move(i, p, gradient + 0.01 * p)


Adam.hint(
    "In `__init__`: a list of the parameters, the settings, and for each parameter an m, "
    "a v and a count."
)
Adam.hint(
    "In `step`, under `torch.no_grad()`: for each parameter with a gradient, count, call "
    "`adam_step`, store, `p.copy_(…)`."
)
Adam.hint("`zero_grad` sets `p.grad = None` for each parameter.")
Adam.hint("Writing into a parameter needs `with torch.no_grad():` around it.", when="error")
Adam.hint(
    "Compare one parameter, one step, with `adam_step` by hand; then two steps; then two "
    "parameters.",
    when="value",
)
Adam.hint("Is t = 1 when the first step is taken? Count before you use it.", when="nan")
Adam.hint("Is t = 1 when the first step is taken? Count before you use it.", when="infinite")
Adam.hint(
    "What happens to m, v and t of a parameter that is skipped? Nothing.",
    when="leaves a parameter without gradient alone, its state and count too",
)

# ---------------------------------------------------------------------------- loss_fn

# JAX compiles every operation for every shape it meets, so the shapes here are few and fixed, and
# the mistakes count with numpy unless they are being traced.

loss_fn = Exercise("loss_fn", minutes=12, difficulty=2, seconds=20.0)

N, WIDTHS = 2, (4, 3, 3)
Params = list[dict[str, Any]]


def _params(draw: Draw, widths: tuple[int, ...] = WIDTHS) -> Params:
    return [
        {
            "w": jnp.asarray(draw.normal(a, c), jnp.float32),
            "b": jnp.asarray(draw.normal(c), jnp.float32),
        }
        for a, c in zip(widths[:-1], widths[1:], strict=True)
    ]


def _last_layer(bias: list[float]) -> dict[str, Any]:
    """A last layer that gives every example the same logits."""
    weight = np.zeros(WIDTHS[-2:], np.float32)
    return {"w": jnp.asarray(weight), "b": jnp.asarray(np.array(bias, np.float32))}


def _batch(draw: Draw, n: int = N) -> tuple[jax.Array, jax.Array]:
    x = jnp.asarray(draw.normal(n, WIDTHS[0]), jnp.float32)
    return x, jnp.asarray(draw.integers(0, WIDTHS[-1], n))


def _cross_entropy(params: Params, x: Any, y: Any) -> float:
    """Example by example: the log of how many times likelier all classes are than the true one."""
    layers = [(np.asarray(layer["w"], float), np.asarray(layer["b"], float)) for layer in params]
    losses = []
    for row, label in zip(np.asarray(x, float), np.asarray(y), strict=True):
        for place, (w, b) in enumerate(layers):
            row = (np.maximum(row, 0.0) if place else row) @ w + b
        losses.append(np.logaddexp.reduce(row - row[label]))
    return float(np.mean(losses))


@loss_fn.property("is the mean cross-entropy of the network's logits", trials=5)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    expect(answer(params, x, y), "the loss").close_to(_cross_entropy(params, x, y), atol=1e-5)


@loss_fn.property("can be differentiated by JAX", trials=1)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    layers = tuple(params)
    # The shapes say that it traced; nothing is compiled.
    slopes = jax.eval_shape(jax.grad(answer), layers, x, y)
    expect(jax.tree.map(lambda leaf: leaf.shape, slopes), "the shapes of the gradient").equals(
        jax.tree.map(lambda leaf: leaf.shape, layers)
    )


@loss_fn.property("works for one example and a single layer", trials=3)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw, (WIDTHS[0], WIDTHS[-1])), _batch(draw, 1)
    loss = _cross_entropy(params, x, y)
    expect(answer(params, x, y), "the loss of one example").close_to(loss, atol=1e-5)


@loss_fn.property("is right when logits are in the hundreds", trials=3)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    shifted = np.asarray(params[-1]["b"]) + np.array([0.0, 300.0, -200.0], np.float32)
    params[-1]["b"] = jnp.asarray(shifted)
    y = jnp.asarray(np.array([2, int(y[1])]))  # one class at least is all but impossible
    expect(answer(params, x, y), "the loss").close_to(_cross_entropy(params, x, y), atol=1e-5)


@loss_fn.property(
    "is a natural number of nats: ln 3 when three classes are equally likely", trials=1
)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    params[-1] = _last_layer([0.0, 0.0, 0.0])
    expect(answer(params, x, y), "the loss").close_to(math.log(3))


def _library(params: Params) -> Any:
    """jnp where JAX is tracing, else numpy."""
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(params))
    return jnp if traced else np


def _log_probabilities(params: Params, x: Any, axis: int = 1) -> tuple[Any, Any, Any]:
    """The library to count with, the logits, and the logarithm of their softmax."""
    xp = _library(params)
    x = xp.asarray(x)
    for place, layer in enumerate(params):
        x = (xp.maximum(x, 0) if place else x) @ xp.asarray(layer["w"]) + xp.asarray(layer["b"])
    shifted = x - x.max(axis=axis, keepdims=True)
    return xp, x, shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))


@loss_fn.mistake(
    "You summed over the batch. The loss is a mean, so that batches of any size can be compared."
)
def summed_loss(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.sum(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "The minus is missing: a log-probability is negative, and the loss is its negative."
)
def without_minus(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return xp.mean(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "You averaged over the classes too, wrong ones included. Pick the true class of each "
    "example, then average over examples."
)
def mean_of_onehot(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p * (xp.arange(log_p.shape[1]) == xp.asarray(y)[:, None]))


@loss_fn.mistake(
    "You used the logits as if they were log-probabilities. Take log_softmax of them first."
)
def without_softmax(params, x, y):
    xp, logits, _ = _log_probabilities(params, x)
    return -xp.mean(logits[xp.arange(len(y)), y])


@loss_fn.mistake(
    "You averaged the probabilities of the true classes. The loss is the mean of −log of them."
)
def without_log(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(xp.exp(log_p)[xp.arange(len(y)), y])


@loss_fn.mistake(
    "Your softmax runs over the batch (axis 0). Probabilities add to 1 over the classes, axis 1."
)
def softmax_over_batch(params, x, y):
    xp, _, log_p = _log_probabilities(params, x, axis=0)
    return -xp.mean(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "`log_p[:, y]` picks, for every example, the classes of all examples. Pair them: "
    "`log_p[jnp.arange(n), y]`."
)
def every_pair(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p[:, y])


@loss_fn.mistake(
    "You took the most likely class in place of the true one: the labels y do not count."
)
def predicted_class(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p.max(axis=1))


@loss_fn.mistake("You returned one loss for each example. The loss is one number: their mean.")
def per_example(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -log_p[xp.arange(len(y)), y]


@loss_fn.mistake(
    "Logits in the hundreds break it: softmax first and log afterwards overflows, or "
    "takes the log of 0. Use a form that "
    "does both at once, such as `jax.nn.log_softmax`."
)
def unstable(params, x, y):
    xp, logits, _ = _log_probabilities(params, x)
    raised = xp.exp(logits)
    return -xp.mean(xp.log((raised / raised.sum(axis=1, keepdims=True))[xp.arange(len(y)), y]))


def _padded(epsilon: float) -> None:
    def wrong(params, x, y):
        xp, _, log_p = _log_probabilities(params, x)
        return -xp.mean(xp.log(xp.exp(log_p)[xp.arange(len(y)), y] + epsilon))

    wrong.__name__ = f"padded_by_{epsilon:g}"
    loss_fn.mistake(
        f"You added {epsilon:g} to the probability before its log, so that no example can lose "
        f"more than {-math.log(epsilon):.1f} nats, however wrong. `jax.nn.log_softmax` needs no "
        "such padding."
    )(wrong)


for _epsilon in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12):
    _padded(_epsilon)


@loss_fn.mistake("Your logarithm is to base 2. Nats are natural logarithms.")
def in_bits(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p[xp.arange(len(y)), y]) / math.log(2)


@loss_fn.mistake(
    "The softmax is applied twice: `log_softmax`, and the cross-entropies of optax, want "
    "logits, not probabilities."
)
def softmax_twice(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    p = xp.exp(log_p)
    return -xp.mean((p - xp.log(xp.exp(p).sum(axis=1, keepdims=True)))[xp.arange(len(y)), y])


@loss_fn.mistake(
    "The numbers are right, and JAX cannot differentiate them: plain numpy "
    "needs numbers where JAX sends "
    "tracers. Write jnp for np, and return the array as it is."
)
def plain_numpy(params, x, y):
    _, _, log_p = _log_probabilities(params, x)
    return -np.mean(np.asarray(log_p)[np.arange(len(y)), np.asarray(y)])


@loss_fn.mistake(
    "You turn the loss into a Python number, with float() or .item(). JAX sends tracers, which "
    "have no number yet: return the array as it is."
)
def as_float(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return float(-xp.mean(log_p[xp.arange(len(y)), y]))


loss_fn.hint(
    "Three parts: `logits(params, x)`, the log of its softmax, minus the mean over the "
    "true classes."
)
loss_fn.hint("`jax.nn.log_softmax(…)[jnp.arange(len(y)), y]` picks one entry of each row.")
loss_fn.hint("Is it one number for the whole batch?", when="shape")
loss_fn.hint("Sum, mean over examples, or mean over everything?", when="factor")
loss_fn.hint("Is there plain numpy (np) or a float() somewhere? JAX needs jnp.", when="error")
loss_fn.hint(
    "exp of 300 is infinite in float32. Which function takes log and softmax together?", when="nan"
)
loss_fn.hint(
    "exp of 300 is infinite in float32. Which function takes log and softmax together?",
    when="infinite",
)

loss_fn.equivalent(
    "transposed",
    because="the loss is one number; only under tracing, where nothing can be compared, it seems "
    "to differ",
)

# ------------------------------------------------------------------------- train_step

train_step = Exercise("train_step", minutes=10, difficulty=2, seconds=20.0)


class SquaredError:
    """(w·x + b − y)² with parameters in any nest, which prints as its formula."""

    def __call__(self, params: Any, x: Any, y: Any) -> Any:
        w, b = jax.tree.leaves(params)[::-1]
        return (w * x + b - y) ** 2

    def __repr__(self) -> str:
        return "(w·x + b − y)²"


class Case:
    """A batch of one number, and parameters whose loss and slopes there are known."""

    def __init__(self, draw: Draw) -> None:
        self.w, self.b, self.x, self.y = (draw.normal() for _ in range(4))
        self.params = {"w": jnp.float32(self.w), "b": jnp.float32(self.b)}
        self.batch = jnp.float32(self.x), jnp.float32(self.y)
        self.loss_fn = SquaredError()
        self.loss = self._height(self.w, self.b)
        # Central differences, exact on a quadratic for any step.
        self.dw = (self._height(self.w + 1, self.b) - self._height(self.w - 1, self.b)) / 2
        self.db = (self._height(self.w, self.b + 1) - self._height(self.w, self.b - 1)) / 2

    def _height(self, w: float, b: float) -> float:
        return float((np.polyval([w, b], self.x) - self.y) ** 2)


def _transformation(
    rule: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> optax.GradientTransformation:
    return optax.GradientTransformation(lambda params: 0, rule)


def _plain_descent(rate: float) -> optax.GradientTransformation:
    def update(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda leaf: -rate * leaf, g), state

    return _transformation(update)


@train_step.property("adds the optimiser's updates to the parameters", trials=4)
def _(answer, draw: Draw) -> None:
    rate, case = draw.uniform(0.05, 0.3), Case(draw)
    plain = _plain_descent(rate)
    params, state, found = answer(case.loss_fn, plain, case.params, 0, *case.batch)
    expect(params["w"], "w").close_to(case.w - rate * case.dw, atol=1e-4)
    expect(params["b"], "b").close_to(case.b - rate * case.db, atol=1e-4)
    expect(found, "the loss").close_to(case.loss, atol=1e-4)


@train_step.property("gives the optimiser its state, and hands the new state on", trials=2)
def _(answer, draw: Draw) -> None:
    case, state = Case(draw), draw.integers(1, 5)

    def growing(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda leaf: -0.01 * state * leaf, g), state + 1

    optimiser = _transformation(growing)
    params, new_state, _ = answer(case.loss_fn, optimiser, case.params, state, *case.batch)
    expect(new_state, "the new state").equals(state + 1)
    expect(params["w"], "w").close_to(case.w - 0.01 * state * case.dw, atol=1e-4)
    expect(params["b"], "b").close_to(case.b - 0.01 * state * case.db, atol=1e-4)


@train_step.property("gives the optimiser the gradient and the parameters, once", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    seen: list[Any] = []

    def decaying(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        seen.append(g)
        params = jax.tree.map(lambda leaf: 0.0 * leaf, g) if params is None else params
        return jax.tree.map(lambda slope, leaf: -0.1 * slope - 0.5 * leaf, g, params), state

    optimiser = _transformation(decaying)
    params, _, _ = answer(case.loss_fn, optimiser, case.params, 0, *case.batch)
    expect(len(seen), "how often update was called").equals(1)
    expected = 0.5 * case.w - 0.1 * case.dw, 0.5 * case.b - 0.1 * case.db
    expect(params["w"], "w under an optimiser that uses w").close_to(expected[0], atol=1e-4)
    expect(params["b"], "b under an optimiser that uses b").close_to(expected[1], atol=1e-4)


@train_step.property("keeps the nest of the parameters", trials=1)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    nested = [{"layer": (case.params["b"], [case.params["w"]])}]
    params, _, _ = answer(case.loss_fn, _plain_descent(0.0), nested, 0, *case.batch)
    expect(str(jax.tree.structure(params)), "the structure").equals(str(jax.tree.structure(nested)))


@train_step.property("can be compiled: every number stays an array", trials=1)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    step = functools.partial(answer, case.loss_fn, _plain_descent(0.1))
    shapes = jax.eval_shape(step, case.params, 0, *case.batch)  # it traces, nothing is compiled
    expect(shapes[2].shape, "the shape of the loss under jit").equals(())


def _train(loss_fn, optimiser, params, state, x, y, **habits):
    """A training step with one bad habit, named by keyword."""
    loss, gradient = jax.value_and_grad(loss_fn)(params, x, y)
    updates, new_state = optimiser.update(
        gradient, state, None if habits.get("hides_params") else params
    )
    if habits.get("updates_twice"):
        updates, new_state = optimiser.update(updates, new_state, params)
    if habits.get("calls_twice"):
        new_state = optimiser.update(gradient, state, params)[1]
    updates = gradient if habits.get("skips_optimiser") else updates
    sign = -1.0 if habits.get("subtracts") else 1.0
    moved = jax.tree.map(lambda leaf, update: leaf + sign * update, params, updates)
    moved = updates if habits.get("returns_updates") else moved
    moved = params if habits.get("returns_old") else moved
    loss = loss_fn(moved, x, y) if habits.get("loss_after") else loss
    return moved, state if habits.get("old_state") else new_state, loss


def _train_mistake(name: str, message: str, habit: str) -> None:
    def wrong(loss_fn, optimiser, params, state, x, y):
        return _train(loss_fn, optimiser, params, state, x, y, **{habit: True})

    wrong.__name__ = name
    train_step.mistake(message)(wrong)


_train_mistake(
    "subtracted",
    "You subtracted the updates. The sign is in them already: they are to be added.",
    "subtracts",
)
_train_mistake(
    "skipped_optimiser",
    "You added the gradient itself. The optimiser turns it into an update first: "
    "`optimiser.update(gradient, state, params)`.",
    "skips_optimiser",
)
_train_mistake(
    "old_state",
    "You returned the old state. The optimiser's memory is in the new one, the second "
    "thing that "
    "update returns: without it every step is Adam's first.",
    "old_state",
)
_train_mistake(
    "hidden_params",
    "You did not hand the params to update. Some transformations need them, weight decay "
    "for "
    "one: `optimiser.update(gradient, state, params)`.",
    "hides_params",
)
_train_mistake(
    "loss_after",
    "You returned the loss after the step. Return the one from before, which "
    "`jax.value_and_grad` gives with the gradient.",
    "loss_after",
)
_train_mistake(
    "updated_twice",
    "You sent the updates through the optimiser a second time. Once is a step.",
    "updates_twice",
)
_train_mistake(
    "called_twice",
    "You called `update` twice, once for each result. It returns both: "
    "`updates, state = optimiser.update(…)`.",
    "calls_twice",
)
_train_mistake(
    "returned_updates",
    "You returned the updates in place of the parameters. Add them on: "
    "`optax.apply_updates(params, updates)`.",
    "returns_updates",
)
_train_mistake(
    "returned_old",
    "You returned the old parameters. `apply_updates` changes nothing in place: return "
    "what it "
    "gives back.",
    "returns_old",
)


@train_step.mistake(
    "You turn the loss into a Python number, with float() or .item(). Under `jax.jit`, which "
    "comes next, there is no number in it yet: return the array as it is."
)
def float_loss(loss_fn, optimiser, params, state, x, y):
    moved, state, loss = _train(loss_fn, optimiser, params, state, x, y)
    return moved, state, float(loss)


@train_step.mistake(
    "`jax.value_and_grad` gives the value first and the gradient second; you took them the other "
    "way round."
)
def gradient_first(loss_fn, optimiser, params, state, x, y):
    gradient, loss = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimiser.update(gradient, state, params)
    return optax.apply_updates(params, updates), state, loss


@train_step.mistake(
    "Parameters and updates are nests, and + does not reach into them. Use "
    "`optax.apply_updates(params, updates)`, or `jax.tree.map`."
)
def added_nests(loss_fn, optimiser, params, state, x, y):
    loss, gradient = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimiser.update(gradient, state, params)
    return params + updates, state, loss


@train_step.mistake("The results are in another order: return (params, state, loss).")
def loss_first(loss_fn, optimiser, params, state, x, y):
    moved, state, loss = _train(loss_fn, optimiser, params, state, x, y)
    return loss, moved, state


@train_step.mistake(
    "You made a fresh state. Use the one you were given, which holds what earlier steps left."
)
def fresh_state(loss_fn, optimiser, params, state, x, y):
    return _train(loss_fn, optimiser, params, optimiser.init(params), x, y)


train_step.hint("Three lines: loss and gradient, updates and state, new parameters.")
train_step.hint(
    "`jax.value_and_grad(loss_fn)` is a function of (params, x, y) that returns the loss "
    "and the gradient."
)
train_step.hint(
    "`optax.apply_updates(params, updates)` adds; the minus is in the updates.", when="sign"
)
train_step.hint(
    "Which state do you return: the one that came in, or the one update gave back?",
    when="gives the optimiser its state, and hands the new state on",
)
train_step.hint("In which order are params, state and loss returned?", when="type")
train_step.hint("In which order are params, state and loss returned?", when="error")

train_step.equivalent(
    "transposed",
    because="the loss is one number; only under tracing, where nothing can be compared, it seems "
    "to differ",
)
train_step.equivalent(
    "`return (optax.apply_updates(params, updates), state, loss)` → "
    "`return (optax.apply_updates(updates, params), state, loss)`",
    because="a sum does not depend on the order of its terms",
)

# ---------------------------------------------------------------------- clipped_adamw

clipped_adamw = Exercise("clipped_adamw", minutes=10, difficulty=2, seconds=20.0)


def _walk(transformation: Any, start: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The parameters after every step; they are held one by one, in a nest."""
    params = _nested(start)
    state, path = transformation.init(params), []
    for gradient in gradients:
        updates, state = transformation.update(_nested(gradient), state, params)
        params = jax.tree.map(lambda leaf, update: leaf + update, params, updates)
        path.append([float(leaf) for leaf in jax.tree.leaves(params)])
    return np.array(path)


def _nested(numbers: np.ndarray) -> Any:
    first, second, third = (jnp.float32(number) for number in numbers)
    return {"a": [first, second], "b": (third,)}


def _adamw_path(
    start: np.ndarray, gradients: np.ndarray, rate: float, decay: float, longest: float
) -> np.ndarray:
    """The same from the definition, in float64."""
    lengths = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    steps = np.diff(
        _adam_moves(gradients * np.minimum(1, longest / lengths), 1.0), axis=0, prepend=0.0
    )
    theta, path = start.astype(float), []
    for step in steps:
        theta = theta + rate * (step - decay * theta)
        path.append(theta)
    return np.array(path)


def _case(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    start = np.round(2 + draw.rng.random(3), 2)
    sizes = np.array([[0.02], [8.0], [2.0]])
    return start, sizes * (draw.normal(3, 3) + np.array([1.0, -1.0, 1.0]))


@clipped_adamw.property("clips, takes Adam's ratio, decays and scales, in this order", trials=4)
def _(answer, draw: Draw) -> None:
    start, gradients = _case(draw)
    rate, decay, longest = (
        draw.uniform(0.05, 0.2),
        draw.uniform(0.1, 0.4),
        draw.choice([0.08, 0.12]),
    )
    path = _walk(answer(rate, decay, longest), start, gradients)
    expected = _adamw_path(start, gradients, rate, decay, longest)
    expect(path[0], "the parameters after 1 step").close_to(expected[0], atol=1e-4)
    expect(path[-1], "the parameters after 3 steps").close_to(expected[-1], atol=1e-4)


@clipped_adamw.property("is Adam when there is no decay and nothing to clip", trials=2)
def _(answer, draw: Draw) -> None:
    start, gradients = _case(draw)
    path = _walk(answer(0.1, 0.0, 1e6), start, gradients)
    expect(path[-1], "the parameters after 3 steps").close_to(
        start + _adam_moves(gradients, 0.1)[-1], atol=1e-4
    )


@clipped_adamw.property("shrinks every weight by the same factor when gradients are 0", trials=1)
def _(answer, draw: Draw) -> None:
    start, _ = _case(draw)
    path = _walk(answer(0.1, 0.5, 1.0), start, np.zeros((3, 3)))
    expect(path[-1], "the parameters after 3 steps").close_to(0.95**3 * start, atol=1e-4)


def _chain_mistake(
    name: str, message: str, parts: Callable[[float, float, float], list[Any]]
) -> None:
    def wrong(learning_rate, weight_decay, max_norm):
        return optax.chain(*parts(learning_rate, weight_decay, max_norm))

    wrong.__name__ = name
    clipped_adamw.mistake(message)(wrong)


_clip, _ratio, _decay, _rate = (
    optax.clip_by_global_norm,
    optax.scale_by_adam,
    optax.add_decayed_weights,
    optax.scale_by_learning_rate,
)

_chain_mistake(
    "coupled_decay",
    "Your decay comes before Adam's ratio: it is divided by √v̂ like the gradient. That "
    "is L2 "
    "regularisation. Decoupled decay is added after scale_by_adam.",
    lambda r, d, c: [_clip(c), _decay(d), _ratio(), _rate(r)],
)
_chain_mistake(
    "decay_before_clip",
    "Your decay comes first, so that it is clipped and divided by √v̂ with the gradient. "
    "The "
    "order is: clip, ratio, decay, learning rate.",
    lambda r, d, c: [_decay(d), _clip(c), _ratio(), _rate(r)],
)
_chain_mistake(
    "decay_after_rate",
    "Your decay comes after the learning rate: it is not scaled by it, and has the wrong "
    "sign, "
    "so that weights grow. Scaling comes last.",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r), _decay(d)],
)
_chain_mistake(
    "clipped_after",
    "You clip after Adam's ratio: that limits the step, not the gradient, and one "
    "enormous "
    "gradient still enters the averages. Clip first.",
    lambda r, d, c: [_ratio(), _clip(c), _decay(d), _rate(r)],
)
_chain_mistake(
    "clipped_last",
    "You clip at the very end, where the update has long been made. Clip the gradient, first.",
    lambda r, d, c: [_ratio(), _decay(d), _rate(r), _clip(c)],
)
_chain_mistake(
    "unclipped",
    "Nothing is clipped: `max_norm` plays no part.",
    lambda r, d, c: [_ratio(), _decay(d), _rate(r)],
)
_chain_mistake(
    "clipped_by_value",
    "You clip each entry by itself, or each tensor, which turns the gradient to another "
    "direction. "
    "Scale it as a whole: clip_by_global_norm.",
    lambda r, d, c: [optax.clip(c), _ratio(), _decay(d), _rate(r)],
)
_chain_mistake(
    "climbing",
    "Your updates point uphill. They are going to be added, so the sign must be in them: "
    "scale_by_learning_rate(η), or scale(−η).",
    lambda r, d, c: [_clip(c), _ratio(), _decay(d), optax.scale(r)],
)
_chain_mistake(
    "rate_twice_in_chain",
    "The learning rate is applied twice: optax.adam contains it. Use scale_by_adam, the "
    "ratio "
    "alone, or leave out the last part.",
    lambda r, d, c: [_clip(c), optax.adam(r), _decay(d), _rate(r)],
)
_chain_mistake(
    "decay_unscaled",
    "Your decay is subtracted after the learning rate has been applied, so that it is not "
    "multiplied by η and weights vanish fast. Add it before the learning rate.",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r), _decay(-d)],
)
_chain_mistake(
    "decay_scaled_twice",
    "Your decay is multiplied by the learning rate twice. The last part of the chain, or "
    "optax.adamw, does it already: hand it weight_decay as it is.",
    lambda r, d, c: [_clip(c), _ratio(), _decay(r * d), _rate(r)],
)
_chain_mistake(
    "decay_for_beta",
    "The second argument of optax.adamw is b1, so that your decay became the memory of m. "
    "Write `weight_decay=weight_decay`.",
    lambda r, d, c: [_clip(c), optax.adamw(r, d)],
)
_chain_mistake(
    "always_rescaled",
    "You give every gradient the length max_norm, small ones too. Clipping only shortens: a "
    "gradient that is short enough stays as it is.",
    lambda r, d, c: [optax.normalize_by_update_norm(c), _ratio(), _decay(d), _rate(r)],
)
_chain_mistake(
    "undecayed",
    "There is no weight decay in your chain.",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r)],
)
_chain_mistake(
    "without_ratio",
    "Adam's ratio is missing: this is gradient descent with clipping and decay.",
    lambda r, d, c: [_clip(c), _decay(d), _rate(r)],
)
_chain_mistake(
    "without_rate",
    "The learning rate is missing, and with it the minus sign.",
    lambda r, d, c: [_clip(c), _ratio(), _decay(d)],
)

clipped_adamw.hint("Four parts in `optax.chain`, in the order in which the docstring names them.")
clipped_adamw.hint(
    "clip_by_global_norm, scale_by_adam, add_decayed_weights, scale_by_learning_rate."
)
clipped_adamw.hint("Who adds the minus: scale(−η), or scale_by_learning_rate(η)?", when="sign")
clipped_adamw.hint("Is the decay divided by √v̂ on its way? Is it multiplied by η?", when="value")
clipped_adamw.hint(
    "optax.adam(η) contains a learning rate; scale_by_adam() does not.", when="factor"
)

# ------------------------------------------------------------------------------ sweep

sweep = Exercise("sweep", minutes=25, difficulty=3)

RATES = (0.001, 0.01, 0.1, 1.0, 10.0)


class Table:
    """A training run that only looks its loss up, and remembers what it was asked."""

    def __init__(self, rates: list[float], seeds: list[int], losses: np.ndarray) -> None:
        self.rates, self.seeds, self.losses = rates, seeds, losses
        self.asked: list[tuple[float, int]] = []

    def __call__(self, learning_rate: float, seed: int) -> float:
        rate, wanted = float(learning_rate), int(seed)
        self.asked.append((rate, wanted))
        near = [
            place
            for place, known in enumerate(self.rates)
            if math.isclose(known, rate, rel_tol=1e-5)
        ]
        if not near:
            raise ValueError(
                f"measure was called with the learning rate {learning_rate}, which is none of "
                "learning_rates. It is measure(learning_rate, seed)"
            )
        return float(self.losses[near[0], self.seeds.index(wanted) if wanted in self.seeds else 0])

    def __repr__(self) -> str:
        return f"a run whose losses are {self.losses.tolist()} (row: rate, column: seed)"


def _plain(values: Any) -> np.ndarray:
    """The numbers with −1 for infinity, which no loss of these tables is."""
    array = np.asarray(values, dtype=float)
    return np.where(np.isposinf(array), -1.0, array)


def _sweep(answer: Any, losses: np.ndarray, seeds: list[int]) -> tuple[Any, Table, list[float]]:
    rates = list(RATES[: len(losses)])
    table = Table(rates, seeds, losses)
    return answer(table, rates, seeds), table, rates


def _expect_report(found: Any, losses: np.ndarray, rates: list[float]) -> None:
    """All four entries, from the losses of the table one row at a time."""
    rows = [row if np.isfinite(row).all() else None for row in losses]
    means = [-1.0 if row is None else math.fsum(row) / len(row) for row in rows]
    spreads = [
        -1.0 if row is None else math.sqrt(math.fsum((row - mean) ** 2) / (len(row) - 1) / len(row))
        for row, mean in zip(rows, means, strict=True)
    ]
    expect(_plain(found["losses"]), "losses (−1 stands for inf)").close_to(
        np.where(np.isfinite(losses), losses, -1.0)
    )
    expect(_plain(found["mean"]), "mean (−1 stands for inf)").close_to(np.array(means))
    expect(_plain(found["error"]), "error (−1 stands for inf)").close_to(
        np.array(spreads), atol=1e-6
    )
    order = sorted((mean, rate) for mean, rate in zip(means, rates, strict=True) if mean >= 0)
    expect(found["best"], "best").close_to(order[0][1])


def _losses(draw: Draw, rates: int, seeds: int) -> np.ndarray:
    return np.asarray(draw.uniform(0.1, 3.0, rates, seeds)) + 0.0


@sweep.property("reports every loss, the means, their errors and the best rate", trials=5)
def _(answer, draw: Draw) -> None:
    losses = _losses(draw, 2 + draw.size % 4, draw.choice([3, 4]))
    seeds = draw.choice([[0, 1, 2, 3], [7, 3, 11, 5]])[: losses.shape[1]]
    found, _, rates = _sweep(answer, losses, seeds)
    _expect_report(found, losses, rates)


@sweep.property("trains once for each rate with each of the seeds", trials=2)
def _(answer, draw: Draw) -> None:
    seeds = [7, 3, 11]
    _, table, rates = _sweep(answer, _losses(draw, 3, 3), seeds)
    expect([s for _, s in sorted(set(table.asked))], "the seeds, rate by rate").equals(
        sorted(seeds) * 3
    )
    expect(len(table.asked) == len(set(table.asked)), "no run twice").is_true(
        otherwise=f"Of 9 runs you made {len(table.asked)}. A run may take an hour: call measure "
        "once for each pair, and keep what it says."
    )


def _diverged(draw: Draw) -> np.ndarray:
    """Four rates with three seeds; at the last two a run ends in nan, or in inf."""
    losses, ends = _losses(draw, 4, 3), draw.choice([[math.nan, math.inf], [math.inf, math.nan]])
    losses[2, draw.integers(0, 3)] = ends[0]
    losses[3] = [0.01, ends[1], 0.02]  # its survivors are the best of all
    return losses


@sweep.property(
    "reports a run that ends in nan or inf as inf, and the others as they are", trials=3
)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, _ = _sweep(answer, losses, [4, 9, 2])
    expect(_plain(found["losses"]), "losses (−1 stands for inf)").close_to(
        np.where(np.isfinite(losses), losses, -1.0)
    )


@sweep.property("counts a rate as diverged when any of its runs is nan or inf", trials=4)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, rates = _sweep(answer, losses, [4, 9, 2])
    expect(_plain(found["mean"]), "mean (−1 stands for inf)").close_to(
        np.array([*losses[:2].mean(axis=1), -1.0, -1.0])
    )
    expect(found["best"], "best").close_to(rates[int(losses[0].sum() > losses[1].sum())])


@sweep.property("gives a rate that diverged an error of inf", trials=2)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, _ = _sweep(answer, losses, [4, 9, 2])
    whole = [math.sqrt(math.fsum((row - row.mean()) ** 2) / 6) for row in losses[:2]]
    expect(_plain(found["error"]), "error (−1 stands for inf)").close_to(
        np.array([*whole, -1.0, -1.0]), atol=1e-6
    )


@sweep.property("chooses by the mean, not by the luckiest run", trials=2)
def _(answer, draw: Draw) -> None:
    base = draw.uniform(0.5, 1.0)
    # Of the three in the middle the second has the lowest mean, by little and with a wide spread.
    middle = base * np.array([[1.0, 1.0], [0.3, 1.64], [0.1, 3.0]])
    losses = np.array([[3.0, 2.5], *middle, [4.0, 3.5]])
    found, _, rates = _sweep(answer, losses, [0, 1])
    _expect_report(found, losses, rates)


@sweep.property("takes the smallest of equally good rates", trials=1)
def _(answer, draw: Draw) -> None:
    losses = np.array([[2.0, 1.0], [0.5, 0.75], [0.75, 0.5], [1.0, 1.0]])
    found, _, rates = _sweep(answer, losses, [0, 1])
    expect(found["best"], "best").close_to(rates[1])


def _report(measure, learning_rates, seeds, **habits):
    """A sweep with one bad habit, named by keyword."""
    used = [seeds[0]] * len(seeds) if habits.get("one_seed") else seeds
    used = list(range(len(seeds))) if habits.get("own_seeds") else used
    if habits.get("arguments"):
        learning_rates, used = used, learning_rates
    losses = np.array([[measure(rate, seed) for seed in used] for rate in learning_rates])
    losses = losses.T.copy() if habits.get("transposed") else losses
    finite = np.isfinite(losses)
    whole = finite.all(axis=1)
    if not habits.get("keeps_nan"):
        losses[~finite] = np.nan if habits.get("marks_nan") else np.inf
    if habits.get("whole_row"):
        losses[~whole] = np.inf
    if habits.get("nan_to_num"):
        losses = np.nan_to_num(np.where(finite, losses, np.nan))
    shown = np.where(finite, losses, np.nan)
    mean = np.nanmean(shown, axis=1) if habits.get("survivors") else losses.mean(axis=1)
    mean = np.median(losses, axis=1) if habits.get("median") else mean
    ddof = 0 if habits.get("divides_by_s") else 1
    spread = np.full(len(losses), 0.0 if habits.get("zero_error") else np.inf)
    for row in np.flatnonzero(np.full(len(whole), True) if habits.get("nan_to_num") else whole):
        spread[row] = np.std(losses[row], ddof=ddof)
    if habits.get("survivors") or habits.get("survivor_error"):
        spread = np.nanstd(shown, axis=1, ddof=ddof)
    divisor = math.sqrt(len(seeds) - bool(habits.get("fewer")))
    divisor = 1.0 if habits.get("deviation") else divisor
    error = spread / (len(seeds) if habits.get("no_root") else divisor)
    if habits.get("nan_error"):
        error = np.where(whole, error, np.nan)
    score = losses.min(axis=1) if habits.get("luckiest") else mean
    score = mean + error if habits.get("adds_error") else score
    place = int(np.argmax(score)) if habits.get("worst") else int(np.argmin(score))
    if habits.get("last_tie"):
        place = len(score) - 1 - int(np.argmin(score[::-1]))
    best = place if habits.get("index") else learning_rates[place]
    best = float(mean.min()) if habits.get("best_loss") else best
    return {"losses": losses, "mean": mean, "error": error, "best": best}


def _sweep_mistake(name: str, message: str, habit: str) -> None:
    def wrong(measure, learning_rates, seeds):
        return _report(measure, learning_rates, seeds, **{habit: True})

    wrong.__name__ = name
    sweep.mistake(message)(wrong)


_sweep_mistake(
    "survivors",
    "You averaged the runs that survived. A rate at which some seeds diverge is a bad "
    "rate, and so it "
    "gets the best mean: leave diverged runs in, as inf.",
    "survivors",
)
_sweep_mistake(
    "keeps_nan",
    "A nan is still in your losses. `np.argmin` takes nan for the smallest number, so "
    "that the rate that "
    "diverged wins: make it inf first.",
    "keeps_nan",
)
_sweep_mistake(
    "marks_nan",
    "You mark diverged runs with nan. The page asks for inf, which is never the lowest, while "
    "`np.argmin` takes nan for the smallest number.",
    "marks_nan",
)
_sweep_mistake(
    "nan_to_num",
    "`np.nan_to_num` turns nan into 0, the best loss there can be. A diverged run counts as inf.",
    "nan_to_num",
)
_sweep_mistake(
    "whole_row",
    "You overwrote every run of a rate that diverged. In `losses` only the diverged run is inf; "
    "the mean and the error of that rate are inf by themselves.",
    "whole_row",
)
_sweep_mistake(
    "survivor_error",
    "Your error of a rate that diverged is that of the runs that survived. The page asks for inf "
    "there.",
    "survivor_error",
)
_sweep_mistake(
    "zero_error",
    "A rate that diverged has an error of 0 in your report, as if it were known exactly. The "
    "page asks for inf there.",
    "zero_error",
)
_sweep_mistake(
    "no_root",
    "You divided the standard deviation by S. The standard error divides by √S.",
    "no_root",
)
_sweep_mistake(
    "fewer",
    "You divided by √(S − 1) outside as well. The S − 1 belongs inside the standard deviation; "
    "its division is by √S.",
    "fewer",
)
_sweep_mistake(
    "swapped_arguments",
    "The arguments of measure have changed places: measure(learning_rate, seed).",
    "arguments",
)
_sweep_mistake(
    "nan_error",
    "The error of a rate with a diverged run comes out as nan (inf − inf). The page asks "
    "for inf there.",
    "nan_error",
)
_sweep_mistake(
    "luckiest",
    "You chose the rate of the best single run. Among many runs one is lucky: choose by "
    "the mean over the "
    "seeds.",
    "luckiest",
)
_sweep_mistake(
    "adds_error",
    "You chose by the mean plus its error. That is cautious, and another rule: the page asks for "
    "the lowest mean.",
    "adds_error",
)
_sweep_mistake(
    "index", "You returned the place of the best rate in the list. Return the rate itself.", "index"
)
_sweep_mistake(
    "best_loss",
    "You returned the lowest mean loss as `best`. Return the learning rate that reached it.",
    "best_loss",
)
_sweep_mistake("worst", "You took the rate with the highest loss. Lower is better.", "worst")
_sweep_mistake(
    "last_tie",
    "Of equally good rates you took the largest. The page asks for the smallest, which is "
    "the safer.",
    "last_tie",
)
_sweep_mistake(
    "one_seed",
    "Every run of a rate has the same seed: the spread is 0, and you know no more than "
    "from one run.",
    "one_seed",
)
_sweep_mistake(
    "own_seeds", "You used 0, 1, 2, … as seeds. Use the seeds you were given.", "own_seeds"
)
_sweep_mistake(
    "deviation",
    "Your `error` is the standard deviation of the runs. The standard error of their mean "
    "is that over √S.",
    "deviation",
)
_sweep_mistake(
    "divides_by_s",
    "Your standard deviation divides by S. With a few seeds it is too small: divide by S "
    "− 1 (`ddof=1`).",
    "divides_by_s",
)
_sweep_mistake(
    "transposed",
    "Rows and columns of your table have changed places: a row is a rate, a column a seed.",
    "transposed",
)
_sweep_mistake(
    "median",
    "You took the median over the seeds. The page asks for the mean, which a diverged run "
    "spoils, as it should.",
    "median",
)

sweep.hint("Two loops fill the table: a row for each learning rate, a column for each seed.")
sweep.hint("`losses[~np.isfinite(losses)] = np.inf`, then the mean along axis 1, then `np.argmin`.")
sweep.hint("`np.std(…, axis=1, ddof=1) / np.sqrt(S)` for rows without inf; inf for the others.")
sweep.hint("inf − inf is nan: compute the error for whole rows only.", when="nan")
sweep.hint("Which axis belongs to the seeds?", when="transposed")
sweep.hint("Count the divisions: S − 1 inside the root, and √S.", when="factor")
sweep.hint(
    "What does np.argmin say to a list with a nan in it? Try.",
    when="counts a rate as diverged when any of its runs is nan or inf",
)
