"""How `momentum_step` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_tensor

momentum_step = Exercise("momentum_step", minutes=5, difficulty=1, returns=tuple[Tensor, Tensor])


@momentum_step.property("pushes the velocity, then moves by the new velocity", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    theta, velocity, gradient = drawn_tensor(draw, n), drawn_tensor(draw, n), drawn_tensor(draw, n)
    rate, m = draw.uniform(0.05, 0.5), draw.uniform(0.3, 0.95)
    new_theta, new_velocity = answer(theta, velocity, gradient, rate, m)
    rows = np.stack([theta, velocity, gradient])
    expect(new_velocity, "the new velocity").close_to(np.array([0, m, 1]) @ rows)
    expect(new_theta, "the new theta").close_to(np.array([1, -rate * m, -rate]) @ rows)


@momentum_step.property("is plain gradient descent when momentum is 0")
def _(answer, draw: Draw) -> None:
    theta, gradient, rate = drawn_tensor(draw, 3), drawn_tensor(draw, 3), draw.uniform(0.05, 0.5)
    new_theta, new_velocity = answer(theta, drawn_tensor(draw, 3), gradient, rate, 0.0)
    expect(new_theta, "the new theta").close_to(theta.numpy() + rate * -gradient.numpy())
    expect(new_velocity, "the new velocity").close_to(gradient)


@momentum_step.property("adds up pushes that agree to g·(1 − mᵏ)/(1 − m)", trials=3)
def _(answer, draw: Draw) -> None:
    gradient, m = drawn_tensor(draw, 2), draw.choice([0.5, 0.8, 0.9])
    theta, velocity = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for _ in range(6):
        theta, velocity = answer(theta, velocity, gradient, 0.1, m)
    expect(velocity, "the velocity after 6 steps").close_to(gradient * (1 - m**6) / (1 - m))
    lengths = sum((1 - m**k) / (1 - m) for k in range(1, 7))
    expect(theta, "theta after 6 steps from 0").close_to(-0.1 * lengths * gradient)


@momentum_step.property("takes a matrix of parameters as well", trials=1)
def _(answer, draw: Draw) -> None:
    theta, gradient = drawn_tensor(draw, 2, 3), drawn_tensor(draw, 2, 3)
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
    "Your velocity is the move itself, −η times the page's: the learning rate and the minus are in "
    "it. Here v = m·v + g, and θ moves by −η·v."
)
def velocity_is_the_move(theta, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return theta + velocity, velocity


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
