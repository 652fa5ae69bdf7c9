"""How `ppo_update` is judged: by the parameters it leaves, beside gradients made by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import PlainDescent, fill_with_normals, normals, token_tensor
from descent.grading import Draw, Exercise, expect

ppo_update = Exercise("ppo_update", minutes=40, difficulty=3, changes=("model", "optimiser"))


class Linear(nn.Module):
    """A policy and a value that are linear in the observation, with two parameters."""

    def __init__(self, inputs: int, actions: int) -> None:
        super().__init__()
        self.policy = nn.Parameter(torch.zeros(inputs, actions))
        self.value = nn.Parameter(torch.zeros(inputs))

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        return observations @ self.policy, observations @ self.value


def _gradients(policy: Any, value: Any, part: dict[str, Any], numbers: Any) -> tuple[Any, Any]:
    """The gradients of the page's loss at a minibatch, by formulas and without autograd."""
    epsilon, value_weight, entropy_weight, _ = numbers
    seen, n = part["observations"], len(part["actions"])
    scores = seen @ policy
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    gains = part["advantages"] - part["advantages"].mean()
    gains = gains / (math.sqrt((gains**2).mean()) + 1e-8)
    chosen = np.eye(policy.shape[1])[part["actions"]]
    ratios = (chances * chosen).sum(axis=1) * np.exp(-part["log_probs"])
    stopped = np.where(gains > 0, ratios > 1 + epsilon, ratios < 1 - epsilon)
    pull = np.where(stopped, 0.0, -ratios * gains) / n
    at_scores = pull[:, None] * (chosen - chances)
    undecided = -(chances * np.log(chances)).sum(axis=1, keepdims=True)
    at_scores += entropy_weight / n * chances * (np.log(chances) + undecided)
    at_values = value_weight * (seen @ value - part["returns"]) / n
    return seen.T @ at_scores, seen.T @ at_values


def _expected(model: Linear, batch: dict[str, Tensor], order: Any, numbers: Any, rate: float):
    """The parameters after plain descent over all minibatches."""
    policy, value = (p.detach().double().numpy() for p in (model.policy, model.value))
    whole = {name: tensor.double().numpy() for name, tensor in batch.items()}
    whole["actions"] = batch["actions"].numpy()
    for rows in order:
        part = {name: array[rows] for name, array in whole.items()}
        a, b = _gradients(policy, value, part, numbers)
        length = math.sqrt((a**2).sum() + (b**2).sum())
        scale = min(1.0, numbers[3] / (length + 1e-6))
        policy, value = policy - rate * scale * a, value - rate * scale * b
    return policy, value


def _made(draw: Draw, n: int, inputs: int = 3, actions: int = 3, apart: float = 0.4):
    """A model, and a rollout by a policy that was a little different."""
    model = Linear(inputs, actions)
    fill_with_normals(model, draw, scale=0.5)
    seen, acts = normals(draw, n, inputs), token_tensor(draw, actions, n)
    with torch.no_grad():
        now = F.log_softmax(model(seen)[0], dim=1).gather(1, acts[:, None])[:, 0]
    batch = {
        "observations": seen, "actions": acts, "log_probs": now - apart * normals(draw, n) - 0.003,
        "advantages": 2 * normals(draw, n) + 1.0, "returns": normals(draw, n) + 1.0,
    }  # fmt: skip
    return model, batch


LOOSE = 1e6
"""A max_norm that shortens nothing."""


def _judge(
    answer, draw: Draw, order, numbers, n: int, rate: float = 0.3, stale: bool = True, **made
):
    model, batch = _made(draw, n, **made)
    wanted = _expected(model, batch, order, numbers, rate)
    optimiser = PlainDescent(model, rate)
    if stale:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 0.7)
    answer(model, optimiser, batch, order, *numbers)
    expect(model.policy, "the policy's parameters").close_to(wanted[0], 1e-3, 1e-4)
    expect(model.value, "the value's parameters").close_to(wanted[1], 1e-3, 1e-4)
    expect(optimiser.steps, "how many steps were taken").equals(len(order))


def _numbers(draw: Draw, entropy_weight: float = 0.0, max_norm: float = LOOSE):
    return draw.choice([0.1, 0.2]), draw.uniform(0.3, 1.2), entropy_weight, max_norm


@ppo_update.property("takes the page's step for one minibatch", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    _judge(answer, draw, [draw.rng.permutation(n)], _numbers(draw), n)


@ppo_update.property("adds a bonus for entropy", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [np.arange(6)], _numbers(draw, draw.uniform(0.2, 0.9)), 6)


@ppo_update.property("goes through all minibatches, in this order, each by itself", trials=4)
def _(answer, draw: Draw) -> None:
    order = [np.array([0, 3, 5]), np.array([6, 1]), np.array([2, 4, 3, 0]), np.array([5, 6, 2])]
    _judge(answer, draw, order, _numbers(draw, 0.1), 9)


@ppo_update.property("normalises advantages within each minibatch", trials=3)
def _(answer, draw: Draw) -> None:
    model, batch = _made(draw, 6)
    batch["advantages"] = torch.tensor([1.0, 2.0, 4.0, 101.0, 105.0, 107.0])
    order, numbers = [np.arange(3), np.arange(3, 6)], _numbers(draw)
    wanted = _expected(model, batch, order, numbers, 0.3)
    answer(model, PlainDescent(model, 0.3), batch, order, *numbers)
    expect(model.policy, "the policy's parameters").close_to(wanted[0], 1e-3, 1e-4)


@ppo_update.property("shortens the gradient of all parameters together", trials=3)
def _(answer, draw: Draw) -> None:
    order = [np.arange(4), np.arange(4, 7)]
    _judge(answer, draw, order, _numbers(draw, 0.1, max_norm=0.2), 7, rate=0.5)


@ppo_update.property("does not shorten a gradient that is short enough", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [np.arange(5)], _numbers(draw, 0.0, max_norm=30.0), 5)


@ppo_update.property("clips: it stops pushing rows that have gone far enough", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [np.arange(8)] * 3, _numbers(draw), 8, apart=1.2)


@ppo_update.property("keeps the old log-probabilities over the whole update", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [np.arange(6)] * 6, _numbers(draw), 6, rate=1.5, apart=0.1)


@ppo_update.property("takes a minibatch of one row, and no minibatch at all")
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [np.array([2])], _numbers(draw, 0.1), 4)
    _judge(answer, draw, [], _numbers(draw), 4)


def _loss_parts(model, part, epsilon):
    """The three parts of the loss, for the right answer below."""
    logits, values = model(part["observations"])
    log_chances = logits.log_softmax(dim=1)
    log_probs = log_chances.gather(1, part["actions"][:, None])[:, 0]
    ratios = (log_probs - part["log_probs"]).exp()
    gains = part["advantages"]
    cut = ratios.clamp(1 - epsilon, 1 + epsilon)
    policy = -torch.minimum(ratios * gains, cut * gains).mean()
    value = (values - part["returns"]).square().mean() / 2
    undecided = -(log_chances.exp() * log_chances).sum(dim=1).mean()
    return policy, value, undecided


@ppo_update.right
def right_update(model, optimiser, batch, order, epsilon, value_weight, entropy_weight, max_norm):
    batch = dict(batch)
    for rows in order:
        part = {name: tensor[torch.as_tensor(rows)] for name, tensor in batch.items()}
        gains = part["advantages"]
        gains = gains - gains.mean()
        part["advantages"] = gains / (gains.square().mean().sqrt() + 1e-8)
        policy, value, undecided = _loss_parts(model, part, epsilon)
        loss = policy + value_weight * value - entropy_weight * undecided
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimiser.step()


_LOSS = "policy + value_weight * value - entropy_weight * undecided"
_NORMAL = 'part["advantages"] = gains / (gains.square().mean().sqrt() + 1e-8)'
ppo_update.slip(
    "gradients_kept",
    "You never clear the gradients, so every step repeats all earlier ones, and whatever stood "
    "there before.",
    {"optimiser.zero_grad()": "pass"},
)
ppo_update.slip(
    "cleared_too_late",
    "You clear the gradients before the loop, not in it: they add up over the minibatches.",
    {"    for rows in order:": "    optimiser.zero_grad()\n    for rows in order:",
     "        optimiser.zero_grad()\n        loss": "        loss"},
)  # fmt: skip
ppo_update.slip(
    "cleared_before_the_step",
    "You clear the gradients between backward and step, so the step does nothing.",
    {"        optimiser.zero_grad()\n        loss.backward()\n":
     "        loss.backward()\n        optimiser.zero_grad()\n"},
)  # fmt: skip
ppo_update.slip(
    "entropy_penalised",
    "You *add* the entropy to the loss, which makes the policy sure sooner. A bonus is taken off.",
    {"- entropy_weight * undecided": "+ entropy_weight * undecided"},
)
ppo_update.slip(
    "entropy_forgotten",
    "The entropy bonus is missing.",
    {" - entropy_weight * undecided": ""},
)
ppo_update.slip(
    "value_forgotten",
    "The value loss is missing: the value function learns nothing.",
    {"value_weight * value": "0 * value"},
)
ppo_update.slip(
    "value_not_weighted",
    "The value loss is not multiplied by its weight.",
    {"value_weight * value": "value"},
)
ppo_update.slip(
    "value_weighted_twice",
    "Your value loss is twice as large: it is *half* the mean squared error.",
    {"value_weight * value": "value_weight * 2 * value"},
)
ppo_update.slip(
    "advantages_not_normalised",
    "The advantages are not normalised.",
    {_NORMAL: 'part["advantages"] = gains + part["advantages"].mean()'},
)
ppo_update.slip(
    "centred_only",
    "You took the mean off the advantages, and did not divide by their spread.",
    {_NORMAL: 'part["advantages"] = gains'},
)
ppo_update.slip(
    "normalised_over_the_rollout",
    "You normalised the advantages over the whole rollout. Here it is done in each minibatch.",
    {"batch = dict(batch)": "batch = dict(batch)\n    every = batch['advantages']\n"
     "    batch['advantages'] = (every - every.mean()) / (every.std(unbiased=False) + 1e-8)",
     "gains = gains - gains.mean()": "pass", _NORMAL: "pass"},
)  # fmt: skip
ppo_update.slip(
    "sample_spread",
    "Your spread of the advantages divides by n − 1; a minibatch of one row gives NaN. Use "
    "`normalised`.",
    {"gains.square().mean().sqrt()": "gains.std()"},
)
ppo_update.slip(
    "old_log_probs_anew",
    "You computed the old log-probabilities anew for each minibatch. All ratios are 1 then and "
    "nothing is ever clipped: they are those of the rollout.",
    {"policy, value, undecided = _loss_parts": "with torch.no_grad():\n"
     "            part['log_probs'] = model(part['observations'])[0].log_softmax(dim=1).gather("
     "1, part['actions'][:, None])[:, 0]\n        policy, value, undecided = _loss_parts"},
)  # fmt: skip
ppo_update.slip(
    "not_shortened",
    "The gradient is not shortened to `max_norm` before the step; after it, it is too late.",
    {"nn.utils.clip_grad_norm_(model.parameters(), max_norm)": "pass"},
)
ppo_update.slip(
    "shortened_one_by_one",
    "You shortened each parameter's gradient by itself. The length is that of all together, so "
    "that the direction stays.",
    {"nn.utils.clip_grad_norm_(model.parameters(), max_norm)": "[nn.utils.clip_grad_norm_([one], "
     "max_norm) for one in model.parameters()]"},
)  # fmt: skip
ppo_update.slip(
    "entries_limited",
    "You limited each entry of the gradient. The *length* is limited, so that the direction stays.",
    {"nn.utils.clip_grad_norm_(model.parameters(), max_norm)":
     "nn.utils.clip_grad_value_(model.parameters(), max_norm)"},
)  # fmt: skip
ppo_update.slip(
    "whole_batch_each_time",
    "You take every step on the whole rollout. Each minibatch has its own rows.",
    {"tensor[torch.as_tensor(rows)] for": "tensor for"},
)
ppo_update.slip(
    "one_step_only",
    "You take a single step, on the last minibatch.",
    {"for rows in order:": "for rows in order[-1:]:"},
)
ppo_update.slip(
    "uphill",
    "The sign of the policy's loss is wrong: the policy unlearns.",
    {"policy + value_weight": "-policy + value_weight"},
)
ppo_update.slip(
    "own_order",
    "You went through the minibatches backwards. Their order is given.",
    {"for rows in order:": "for rows in order[::-1]:"},
)

ppo_update.slip(
    "value_towards_the_advantages",
    "You train the values towards the advantages. Their targets are the returns.",
    {
        "policy, value, undecided = _loss_parts(model, part, epsilon)": (
            "part['returns'] = part['advantages']\n        policy, value, undecided = "
            "_loss_parts(model, part, epsilon)"
        )
    },
)
ppo_update.slip(
    "likeliest_for_the_taken",
    "You took the log-probability of the likeliest action. It is that of the action which "
    "was *taken*.",
    {
        "policy, value, undecided = _loss_parts(model, part, epsilon)": (
            "part['actions'] = model(part['observations'])[0].argmax(dim=1)\n        "
            "policy, value, undecided = _loss_parts(model, part, epsilon)"
        )
    },
)
ppo_update.slip(
    "half_twice",
    "Your value loss is half of what it should be: `value_loss` halves it already.",
    {"value_weight * value": "value_weight * value / 2"},
)
ppo_update.slip(
    "entropy_summed",
    "You summed the entropies of the rows. Take their mean.",
    {"- entropy_weight * undecided": "- entropy_weight * undecided * len(rows)"},
)
ppo_update.slip(
    "entropy_of_the_taken",
    "For the entropy you took the mean of −log π of the actions taken. It is right on "
    "average, and noisy; its gradient is another. Use `entropy`.",
    {
        "- entropy_weight * undecided": (
            "+ entropy_weight * "
            "model(part['observations'])[0].log_softmax(dim=1).gather(1, "
            "part['actions'][:, None]).mean()"
        )
    },
)
ppo_update.slip(
    "returns_of_other_rows",
    "Your returns are those of the rollout's first rows, and not of the minibatch's.",
    {
        'gains = part["advantages"]\n': (
            "part['returns'] = batch['returns'][: len(rows)]\n        gains = "
            'part["advantages"]\n'
        )
    },
)
ppo_update.slip(
    "one_step_for_all",
    "You add the gradients up over all minibatches and take one step at the end. Each "
    "minibatch has a step of its own.",
    {
        "    for rows in order:": "    optimiser.zero_grad()\n    for rows in order:",
        "        optimiser.zero_grad()\n        loss": "        loss",
        (
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n        "
            "optimiser.step()"
        ): ("    nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n    optimiser.step()"),
    },
)
ppo_update.slip(
    "first_minibatch_only",
    "You stop after the first minibatch. Every one has its step.",
    {"for rows in order:": "for rows in order[:1]:"},
)

ppo_update.slip(
    "column_against_a_row",
    "You took a column (n, 1) from a row (n,), of values or of returns. That broadcasts to "
    "n × n without an error, and the value learns the mean.",
    {"loss = policy +": ("value = (model(part['observations'])[1] - "
         "part['returns'][:, None]).square().mean() / "
         "2\n        loss = policy +")},
)  # fmt: skip
ppo_update.slip(
    "logits_for_log_probs",
    "You took logits for log-probabilities. Take log_softmax first: the ratio is one of "
    "probabilities.",
    {"loss = policy +": ("chosen = "
         "model(part['observations'])[0].gather(1, "
         "part['actions'][:, None])[:, 0]\n        ratios "
         "= (chosen - part['log_probs']).exp()\n        "
         "cut = ratios.clamp(1 - epsilon, 1 + "
         "epsilon)\n        gains = "
         "part['advantages']\n        policy = "
         "-torch.minimum(ratios * gains, cut * "
         "gains).mean()\n        loss = policy +")},
)  # fmt: skip
ppo_update.slip(
    "clip_alone",
    "You took the clipped term alone. A bad action that has become likelier is never pulled "
    "back: use `clipped_loss`, with its minimum.",
    {"loss = policy +": ("chances = "
         "model(part['observations'])[0].log_softmax(dim=1)\n        "
         "taken = chances.gather(1, part['actions'][:, "
         "None])[:, 0]\n        cut = (taken - "
         "part['log_probs']).exp().clamp(1 - epsilon, 1 + "
         "epsilon)\n        policy = -(cut * "
         "part['advantages']).mean()\n        loss = "
         "policy +")},
)  # fmt: skip
ppo_update.slip(
    "never_clipped",
    "Nothing is clipped in your update, so a few steps on the same rollout may carry the "
    "policy anywhere.",
    {("policy, value, undecided = _loss_parts(model, "
         "part, epsilon)"): ("policy, value, undecided = _loss_parts(model, "
         "part, 1e9)")},
)  # fmt: skip

ppo_update.hint("Cut the rows out of every tensor of the batch first; then only the part is used.")
ppo_update.hint("Clear, backward, shorten, step: in this order, in each minibatch.")
ppo_update.hint("A minibatch of one row: its normalised advantage is 0.", when="nan")
ppo_update.hint("Set entropy_weight and value_weight to 0 in thought. Which parameters move then?",
                when="value")  # fmt: skip

ppo_update.equivalent(
    "`log_probs = logits.log_softmax(dim=1).gather(1, part['actions'][:, None])[:, "
    "0]` → `log_probs = logits.log_softmax(dim=1).gather(1, part['actions'][:, "
    "None])[:, -1]`",
    because="there is one column",
)
