"""How `clipped_loss` is judged: its value in single numbers, its gradient at every leaf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import judge_loss

clipped_loss = Exercise(
    "clipped_loss",
    minutes=15,
    difficulty=2,
    changes=("log_probs", "old_log_probs", "advantages"),  # handed over, to look at gradients
    returns=Tensor,
)


def _terms(new, old, advantages, epsilon: float) -> tuple[float, list[float]]:
    """The loss, and its derivative by each log-probability: by cases, in single numbers."""
    total, slopes, n = 0.0, [], len(new)
    for now, before, advantage in zip(new, old, advantages, strict=True):
        ratio = math.exp(now - before)
        too_far = ratio > 1 + epsilon if advantage > 0 else ratio < 1 - epsilon
        edge = 1 + epsilon if advantage > 0 else 1 - epsilon
        total -= (edge if too_far else ratio) * advantage / n
        slopes.append(0.0 if too_far else -ratio * advantage / n)
    return total, slopes


def _judge(answer, new: Any, old: Any, advantages: Any, epsilon: float) -> None:
    arrays = {"log_probs": new, "old_log_probs": old, "the advantages": advantages}
    judge_loss(answer, arrays, epsilon, _terms)


@clipped_loss.property("is minus the mean clipped objective, with its gradient", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    old = -np.abs(draw.normal(n)) - 0.1
    new = old + draw.normal(n, scale=0.5) + 0.003
    _judge(answer, new, old, draw.normal(n, scale=2.0) + 0.004, draw.choice([0.1, 0.2, 0.4]))


@clipped_loss.property("has the right gradient in each of the cases: sign × inside or outside")
def _(answer, draw: Draw) -> None:
    old = np.full(6, -2.0)
    new = old + np.log([1.5, 1.1, 0.5, 1.5, 0.9, 0.5])
    size = draw.uniform(0.5, 2.0)
    _judge(answer, new, old, size * np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]), 0.2)


@clipped_loss.property("is minus the mean advantage where nothing has changed", trials=2)
def _(answer, draw: Draw) -> None:
    old = -np.abs(draw.normal(4)) - 0.5
    _judge(answer, old, old, draw.normal(4) + 0.5, 0.2)


@clipped_loss.property("takes log-probabilities down to −100, and a single row")
def _(answer, draw: Draw) -> None:
    _judge(answer, [-99.9], [-100.0], [draw.uniform(1.0, 2.0)], 0.2)
    _judge(answer, [-98.0, -0.1], [-100.0, -0.05], [-1.0, 2.0], 0.2)
    # In float32 the exponential of −100 has hardly a digit left.
    new, old = torch.tensor([-99.9, -100.3]), torch.tensor([-100.0, -100.0])
    wanted, _ = _terms(new.tolist(), old.tolist(), [1.5, -0.7], 0.2)
    expect(answer(new, old, torch.tensor([1.5, -0.7]), 0.2), "the loss").close_to(wanted, 1e-4)


@clipped_loss.property("of numbers without a graph is a number all the same")
def _(answer, draw: Draw) -> None:
    new, old, advantages = normals(draw, 3) - 3, normals(draw, 3) - 3, normals(draw, 3)
    wanted, _ = _terms(new.tolist(), old.tolist(), advantages.tolist(), 0.2)
    expect(answer(new, old, advantages, 0.2), "the loss").close_to(wanted)


@clipped_loss.right
def right_clipped_loss(log_probs, old_log_probs, advantages, epsilon):
    ratios = (log_probs - old_log_probs.detach()).exp()
    gains = advantages.detach()
    cut = ratios.clamp(1 - epsilon, 1 + epsilon)
    both = torch.minimum(ratios * gains, cut * gains)
    return -both.mean()


_BOTH = "torch.minimum(ratios * gains, cut * gains)"
clipped_loss.slip(
    "objective_for_loss",
    "The sign is wrong: a loss is made small, so it is *minus* the objective. Your policy would "
    "unlearn.",
    {"return -both.mean()": "return both.mean()"},
)
clipped_loss.slip(
    "maximum",
    "You took the larger of the two terms of the objective. Then clipping never stops anything "
    "that pays, and the bad cases are flat: take the smaller. (Of *losses*, with the sign turned, "
    "it is the larger.)",
    {_BOTH: "torch.maximum(ratios * gains, cut * gains)"},
)
clipped_loss.slip(
    "clip_alone",
    "You took the clipped term alone. A bad action that has become likelier is never pulled back: "
    "take the smaller of both.",
    {_BOTH: "cut * gains"},
)
clipped_loss.slip(
    "never_clipped",
    "Nothing is clipped, so a few steps on the same rollout may carry the policy anywhere.",
    {_BOTH: "ratios * gains"},
)
clipped_loss.slip(
    "ratio_turned",
    "Your ratio is old over new. It is new over old.",
    {"(log_probs - old_log_probs.detach()).exp()": "(old_log_probs.detach() - log_probs).exp()"},
)
clipped_loss.slip(
    "ratio_of_logarithms",
    "You divided log-probabilities. The ratio of probabilities is the exponential of their "
    "difference.",
    {"(log_probs - old_log_probs.detach()).exp()": "log_probs / old_log_probs.detach()"},
)
clipped_loss.slip(
    "difference_for_ratio",
    "You took the difference of the log-probabilities for the ratio. It is the exponential of it.",
    {"(log_probs - old_log_probs.detach()).exp()": "log_probs - old_log_probs.detach()"},
)
clipped_loss.slip(
    "summed",
    "You summed over the rows. Take the mean.",
    {"both.mean()": "both.sum()"},
)
clipped_loss.slip(
    "advantages_attached",
    "A gradient flows into the advantages. They are measured numbers: through them the *value* "
    "network would learn to flatter the policy.",
    {"advantages.detach()": "advantages"},
)
clipped_loss.slip(
    "old_attached",
    "A gradient flows into the old log-probabilities. They are what was, and cannot be improved.",
    {"old_log_probs.detach()": "old_log_probs"},
)
clipped_loss.slip(
    "new_detached",
    "No gradient flows into the new log-probabilities: they are cut off from the graph, and "
    "nothing is learned.",
    {"(log_probs - old": "(log_probs.detach() + 0 * log_probs - old"},
)
clipped_loss.slip(
    "clamped_log_ratio",
    "You limited the logarithm of the ratio to ±ε. The band is 1 ± ε for the ratio itself.",
    {"cut = ratios.clamp(1 - epsilon, 1 + epsilon)": "cut = ratios.log().clamp(-epsilon, "
     "epsilon).exp()"},
)  # fmt: skip
clipped_loss.slip(
    "one_sided",
    "You limited the ratio from above alone. A bad action is let go at 1 − ε.",
    {"ratios.clamp(1 - epsilon, 1 + epsilon)": "ratios.clamp(max=1 + epsilon)"},
)
clipped_loss.slip(
    "log_probs_for_ratios",
    "You weighted log-probabilities by the advantages, which is the plain policy gradient. After "
    "the first step the actions are no longer the new policy's: the ratio puts that right.",
    {_BOTH: "log_probs * gains"},
)
clipped_loss.slip(
    "a_value_each_row",
    "You return a number for each row. Take the mean.",
    {"both.mean()": "both"},
)

clipped_loss.slip(
    "one_plus_log_ratio",
    "You took the difference of the log-probabilities, or 1 more than it, for the ratio. "
    "That is the ratio's beginning only: take the exponential.",
    {"(log_probs - old_log_probs.detach()).exp()": "1 + (log_probs - old_log_probs.detach())"},
)
clipped_loss.slip(
    "log_probs_cut_off",
    "You cut the new log-probabilities off from the graph, so the policy cannot learn.",
    {"(log_probs - old": "(log_probs.detach() - old"},
)
clipped_loss.slip(
    "objective_limited",
    "You limited ratio · advantage to 1 ± ε. It is the ratio that is limited, before the "
    "advantage multiplies it.",
    {"cut * gains)": "(ratios * gains).clamp(1 - epsilon, 1 + epsilon))"},
)
clipped_loss.slip(
    "normalised_here",
    "You normalised the advantages in here. That is done before, in each minibatch: this "
    "loss takes them as they are.",
    {"advantages.detach()": "((advantages - advantages.mean()) / "
     "(advantages.std(unbiased=False) + 1e-8)).detach()"},
)  # fmt: skip
clipped_loss.slip(
    "smaller_of_the_means",
    "You compared the two means. The smaller term is chosen for each row.",
    {_BOTH: "torch.minimum((ratios * gains).mean(), (cut * gains).mean())"},
)
clipped_loss.slip(
    "quotient_of_exponentials",
    "You divided two exponentials. Of a log-probability near −100 float32 keeps hardly a "
    "digit, or 0, and 0/0 is NaN. Subtract first, then take one exponential.",
    {"(log_probs - old_log_probs.detach()).exp()": "log_probs.exp() / "
     "old_log_probs.detach().exp()"},
)  # fmt: skip
clipped_loss.slip(
    "band_around_zero",
    "You limited the ratio to ± ε. The band is around 1.",
    {"clamp(1 - epsilon, 1 + epsilon)": "clamp(-epsilon, epsilon)"},
)

clipped_loss.hint("e^(new − old) is the ratio. What is the smallest thing that may be multiplied?")
clipped_loss.hint("`.detach()` cuts a tensor off. Which two of the three need it?")
clipped_loss.hint(
    "ρ = 1.5, A = −1: the terms are −1.5 and −1.2, and the loss is 1.5.", when="value"
)

clipped_loss.equivalent(
    "`return -torch.minimum(ratios * fixed, cut * fixed).mean()` → `return "
    "-torch.minimum(cut * fixed, ratios * fixed).mean()`",
    because="the smaller or larger of two does not depend on their order",
)
