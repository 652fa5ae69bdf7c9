"""How `red_team_loss` is judged: its value and its gradient, number by number."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

red_team_loss = Exercise(
    "red_team_loss",
    minutes=25,
    difficulty=3,
    changes=("log_probs", "before"),  # handed over themselves: their gradients are looked at
    returns=Tensor,
)


def _advantages(log_probs, before, rewards, weight: float) -> np.ndarray:
    own = [
        float(r) - weight * (float(p) - float(q))
        for p, q, r in zip(log_probs, before, rewards, strict=True)
    ]
    n = len(own)
    return np.array([own[i] - sum(own[j] for j in range(n) if j != i) / (n - 1) for i in range(n)])


def _judge(answer, log_probs, before, rewards, weight: float) -> None:
    expected = _advantages(log_probs.detach(), before.detach(), rewards, weight)
    log_probs, before = log_probs.clone().requires_grad_(True), before.clone().requires_grad_(True)
    loss = answer(log_probs, before, rewards, weight)
    expect(loss, "the loss").has_shape()
    if loss.ndim:
        return
    value = -float((expected * log_probs.detach().double().numpy()).mean())
    expect(loss, "the loss").close_to(value, rtol=1e-3, atol=1e-4)
    expect(loss.requires_grad, "whether a gradient can be asked for").equals(True)
    if not loss.requires_grad:
        return
    gradient, other = torch.autograd.grad(loss, [log_probs, before], allow_unused=True)
    if gradient is None:
        gradient = torch.zeros(len(expected))
    expect(gradient, "the gradient with respect to log_probs").close_to(
        -expected / len(expected), rtol=1e-3, atol=1e-5
    )
    into = 0.0 if other is None else other.abs().max()
    expect(into, "the gradient that goes into `before`").close_to(0.0, atol=1e-9)


def _case(draw: Draw, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    log_probs = -4.0 + normals(draw, n)
    before = log_probs + normals(draw, n)
    rewards = torch.tensor(draw.uniform(0.0, 1.0, n), dtype=torch.float32)
    return log_probs, before, rewards


@red_team_loss.property(
    "raises what was better than the others' mean, and lowers the rest", trials=5
)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_case(draw, draw.size + 2), 0.0)


@red_team_loss.property("takes off what the distance from the model before costs", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_case(draw, draw.size + 2), draw.uniform(0.1, 2.0))


@red_team_loss.property("of the page's four questions is what was worked out by hand")
def _(answer, draw: Draw) -> None:
    log_probs, before = (
        torch.tensor([-3.0, -4.0, -2.0, -3.0]),
        torch.tensor([-4.0, -4.0, -4.0, -4.0]),
    )
    _judge(answer, log_probs, before, torch.tensor([1.0, 0.0, 1.0, 0.0]), 0.3)


@red_team_loss.property("pushes nowhere where all did equally well", trials=3)
def _(answer, draw: Draw) -> None:
    log_probs, _, _ = _case(draw, draw.size + 2)
    _judge(answer, log_probs, log_probs - 0.5, torch.full((len(log_probs),), 0.7), 0.4)


@red_team_loss.property("of two questions compares each with the other", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_case(draw, 2), 0.5)


@red_team_loss.right
def right_loss(log_probs, before, rewards, weight):
    kept = rewards - weight * (log_probs - before).detach()
    n = len(kept)
    others = (kept.sum() - kept) / (n - 1)
    return -((kept - others) * log_probs).mean()


_KEPT = "rewards - weight * (log_probs - before).detach()"
_OTHERS = "(kept.sum() - kept) / (n - 1)"

red_team_loss.slip(
    "gradient_through_the_penalty",
    "The gradient also goes through the penalty. It belongs to the reward, which is a number: "
    "detach it.",
    {".detach()": ""},
)
red_team_loss.slip(
    "sign_of_the_penalty",
    "You *reward* the distance from the model before: the sign of the penalty is turned round, or "
    "the difference is taken as before − now.",
    {"rewards - weight": "rewards + weight"},
)
red_team_loss.slip(
    "penalty_forgotten",
    "The weight changes nothing in your answer: without the penalty the attacker soon asks one "
    "question only.",
    {_KEPT: "rewards"},
)
red_team_loss.slip(
    "no_baseline",
    "You took no mean off. Then every question asked becomes likelier, the useless ones too.",
    {_OTHERS: "0.0 * kept"},
)
red_team_loss.slip(
    "own_reward_in_baseline",
    "Your mean includes the question's own reward: all advantages come out too small, by (n − "
    "1)/n. Take the mean of the *others*.",
    {_OTHERS: "kept.mean()"},
)
red_team_loss.slip(
    "ascends",
    "The loss goes down where good questions get rarer: the sign is missing, or the advantage is "
    "turned round.",
    {"return -(": "return ("},
)
red_team_loss.slip(
    "summed",
    "You summed over the questions. The mean keeps the learning rate's meaning.",
    {"log_probs).mean()": "log_probs).sum()"},
)
red_team_loss.slip(
    "standardised",
    "You divided by the standard deviation. That was not asked for: with one lucky question in a "
    "thousand it blows it up.",
    {
        "return -((kept - others) * log_probs)": (
            "return -((kept - others) / (kept.std() + 1e-8) * log_probs)"
        )
    },
)
red_team_loss.slip(
    "probabilities",
    "You weighed probabilities instead of log-probabilities. Their gradient is too small for "
    "rare questions, the ones that matter.",
    {"* log_probs).mean()": "* log_probs.exp()).mean()"},
)
red_team_loss.slip(
    "baseline_before_penalty",
    "Your mean is that of the rewards before the penalty. Take the mean of what remains after it.",
    {_OTHERS: "(rewards.sum() - rewards) / (n - 1)"},
)
red_team_loss.slip(
    "squared_penalty",
    "You squared the difference of log-probabilities. The penalty is the difference itself, "
    "whose mean is the KL divergence.",
    {"(log_probs - before).detach()": "(log_probs - before).detach().square()"},
)
red_team_loss.slip(
    "size_of_the_difference",
    "You took the size of the difference. Its sign is part of it: only then is the mean the KL "
    "divergence.",
    {"(log_probs - before).detach()": "(log_probs - before).detach().abs()"},
)
red_team_loss.slip(
    "divided_by_n", "You divided the others' sum by n. They are n − 1.", {"/ (n - 1)": "/ n"}
)
red_team_loss.slip(
    "advantage_alone",
    "You left the log-probabilities out: nothing has a gradient.",
    {"* log_probs).mean()": "* log_probs.detach()).mean() + 0.0 * log_probs.sum()"},
)
red_team_loss.slip(
    "mean_penalty",
    "You took the mean penalty off every reward. The mean of the others takes it off again, and "
    "nothing is left of it: each question pays its own.",
    {_KEPT: "rewards - weight * (log_probs - before).detach().mean()"},
)

red_team_loss.slip(
    "before_left_out",
    "You took the log-probability itself for the distance. It is now *minus before*.",
    {"(log_probs - before).detach()": "log_probs.detach()"},
)
red_team_loss.slip(
    "weight_left_out",
    "You took the whole difference off, whatever the weight is.",
    {"weight * (log_probs": "(log_probs"},
)
red_team_loss.slip(
    "penalty_in_the_loss",
    "You added the penalty to the loss, with a gradient of its own. Here it belongs to what a "
    "question earns, a number that the advantage is made of.",
    {
        _KEPT: "rewards",
        "return -((kept - others) * log_probs).mean()": (
            "return (\n"
            "        -((kept - others) * log_probs).mean()\n"
            "        + weight * (log_probs - before.detach()).mean()\n"
            "    )"
        ),
    },
)
red_team_loss.slip(
    "gradient_into_before",
    "A gradient goes into `before`. The model before is a fixed mark: detach it too.",
    {"(log_probs - before).detach()": "(log_probs.detach() - before)"},
)
red_team_loss.slip(
    "gradient_through_now",
    "The gradient also goes through the penalty's log_probs. What a question earns is a number: "
    "detach all of it.",
    {"(log_probs - before).detach()": "(log_probs - before.detach())"},
)
red_team_loss.slip(
    "ratio_for_difference",
    "You took the ratio of the probabilities. The penalty is the difference of their logarithms.",
    {"(log_probs - before).detach()": "(log_probs - before).detach().exp()"},
)
red_team_loss.slip(
    "k3_for_difference",
    "You took an estimate of the KL divergence that is never negative. Here the penalty is the "
    "difference of log-probabilities itself.",
    {
        "(log_probs - before).detach()": (
            "((before - log_probs).exp() - 1 + log_probs - before).detach()"
        )
    },
)
red_team_loss.slip(
    "detached_altogether",
    "You detached log_probs as well: nothing has a gradient, and the model never learns.",
    {"* log_probs).mean()": "* log_probs.detach()).mean()"},
)
red_team_loss.slip(
    "means_multiplied",
    "You multiplied two means. Each question's advantage belongs to its own log-probability.",
    {"((kept - others) * log_probs).mean()": "((kept - others).mean() * log_probs.mean())"},
)
red_team_loss.slip(
    "one_for_each",
    "You return a number for each question. The loss is one number, their mean.",
    {"* log_probs).mean()": "* log_probs)"},
)
red_team_loss.slip(
    "median_for_mean",
    "You took the median off. It is the mean of the others.",
    {_OTHERS: "kept.median()"},
)
red_team_loss.slip(
    "mean_by_n_minus_one",
    "You divided the loss by n − 1. Only the others are n − 1; the loss is a mean over n "
    "questions.",
    {"* log_probs).mean()": "* log_probs).sum() / (n - 1)"},
)
red_team_loss.slip(
    "sum_of_the_others",
    "You took the sum of the others off. It is their mean.",
    {_OTHERS: "kept.sum() - kept"},
)
red_team_loss.slip(
    "largest_for_mean",
    "You took the best question's reward off. It is the mean of the others.",
    {_OTHERS: "kept.max()"},
)

red_team_loss.hint(
    "First what each question earns: reward minus weight times (now − before), as plain numbers."
)
red_team_loss.hint(
    "The baseline of question i is the mean of all the others': (sum − own) / (n − 1)."
)
red_team_loss.hint("Through which of the two log_probs may the gradient go?", when="value")
