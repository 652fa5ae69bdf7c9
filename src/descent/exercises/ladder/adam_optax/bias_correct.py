"""How `bias_correct` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_tensor

bias_correct = Exercise("bias_correct", minutes=5, difficulty=1, returns=Tensor)


@bias_correct.property("divides by the sum of the weights so far", trials=6)
def _(answer, draw: Draw) -> None:
    average, beta, t = drawn_tensor(draw, draw.size), draw.uniform(0.5, 0.99), draw.integers(2, 9)
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
    value, beta = drawn_tensor(draw, 2, 2), draw.choice([0.9, 0.999])
    expect(answer((1 - beta) * value, beta, 1), "the corrected average").close_to(value)


@bias_correct.property("changes nothing when beta is 0, or after very many steps", trials=2)
def _(answer, draw: Draw) -> None:
    average = drawn_tensor(draw, 3)
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


@bias_correct.mistake(
    "Your t is one too small from the second step on. t is how many updates there were: at t = 2 "
    "divide by 1 − β²."
)
def counts_from_zero_after_the_first(average, beta, t):
    return average / (1 - beta ** max(t - 1, 1))


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
