"""How `adam_step` is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import BETAS, MISTAKES, adam_moves, drawn_tensor, spoiled_adam, weighted_mean

adam_step = Exercise("adam_step", minutes=15, difficulty=2, returns=tuple[Tensor, Tensor, Tensor])


@adam_step.property(
    "takes a first step as long as the learning rate, against the gradient", trials=4
)
def _(answer, draw: Draw) -> None:
    n, rate = draw.size, draw.uniform(0.05, 0.5)
    theta, g = drawn_tensor(draw, n), drawn_tensor(draw, n) + 3.0
    g = g * torch.tensor(draw.rng.choice([-1.0, 1.0], n))
    zero = torch.zeros(n, dtype=torch.float64)
    new_theta, m, v = answer(theta, g, zero, zero, 1, rate)
    step = rate * g / (g.abs() + 1e-8)  # with its ε: theta and step can all but cancel
    expect(new_theta, "theta").close_to(theta - step, rtol=1e-5, atol=1e-7)
    expect(m, "m").close_to(0.1 * g)
    expect(v, "v").close_to(0.001 * g**2)


@adam_step.property("follows the algorithm over several steps", trials=5)
def _(answer, draw: Draw) -> None:
    steps = min(draw.size, 5)
    gradients, theta = draw.normal(steps, 3) + 0.5, drawn_tensor(draw, 3)
    betas = draw.uniform(0.3, 0.7), draw.uniform(0.8, 0.97)
    rate, epsilon = draw.uniform(0.05, 0.5), draw.choice([0.1, 0.5])
    m = v = torch.zeros(3, dtype=torch.float64)
    expected = theta.numpy() + adam_moves(gradients, rate, betas, epsilon)[-1]
    for t, g in enumerate(gradients, start=1):
        theta, m, v = answer(theta, torch.tensor(g), m, v, t, rate, betas, epsilon)
    expect(theta, f"theta after {steps} steps").close_to(expected)
    weight1, weight2 = 1 - betas[0] ** steps, 1 - betas[1] ** steps
    expect(m, "m").close_to(weight1 * weighted_mean(gradients, betas[0]))
    expect(v, "v").close_to(weight2 * weighted_mean(gradients**2, betas[1]))


@adam_step.property("does not care how large gradients are, down to the size of epsilon", trials=3)
def _(answer, draw: Draw) -> None:
    zero, size = torch.zeros(2, dtype=torch.float64), draw.choice([1e-6, 1e-5, 1e3])
    g = torch.tensor([size, -size], dtype=torch.float64)
    theta, _, _ = answer(zero, g, zero, zero, 1, 0.1)
    expect(theta, f"the first step for gradients of {size:g}").close_to([-0.1, 0.1], rtol=0.02)


@adam_step.property("stays put, and finite, when every gradient is 0")
def _(answer, draw: Draw) -> None:
    theta = drawn_tensor(draw, 2, 3)
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
    expect(theta, "theta after 3 steps from 0").close_to(adam_moves(gradients, 1e-3)[-1])


def _adam_mistake(name: str, message: str, **habits: bool) -> None:
    """Declare a mistake of adam_step that is one bad habit."""

    def wrong(theta, gradient, m, v, t, learning_rate=1e-3, betas=BETAS, epsilon=1e-8):
        return spoiled_adam(theta, gradient, m, v, t, learning_rate, betas, epsilon, **habits)

    wrong.__name__ = name
    adam_step.mistake(message)(wrong)


for _name, (_message, _habits) in MISTAKES.items():
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
