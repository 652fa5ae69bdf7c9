"""How `entropy` is judged: beside single numbers, at sizes where a formula rounds to NaN."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

entropy = Exercise("entropy", minutes=12, difficulty=2, returns=Tensor)


def _of_rows(logits: Any) -> list[float]:
    """The entropy of each row, one number after another; nothing at a chance of 0."""
    found = []
    for row in logits.double().tolist():
        weights = [math.exp(value - max(row)) for value in row]
        chances = [weight / sum(weights) for weight in weights]
        found.append(-sum(chance * math.log(chance) for chance in chances if chance > 0))
    return found


def _judge(answer, logits: Any) -> None:
    found = answer(logits)
    expect(found, "the entropies").has_shape(len(logits)).is_finite().close_to(
        _of_rows(logits), 1e-4, 1e-6
    )


@entropy.property("is −Σ π log π of each row, in nats", trials=6)
def _(answer, draw: Draw) -> None:
    _judge(answer, normals(draw, draw.size, 1 + draw.integers(1, 6), scale=2.0))


@entropy.property("is ln k for equal logits, whatever they are", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, torch.full((2, 2 + draw.size), draw.uniform(-50.0, 50.0)))


@entropy.property("takes forbidden actions: 0 · log 0 is 0", trials=3)
def _(answer, draw: Draw) -> None:
    logits = normals(draw, 3, 5)
    logits[0, 1] = logits[1, :4] = logits[2, 3:] = -math.inf
    _judge(answer, logits)


@entropy.property("takes logits in the hundreds, of a policy that is sure", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, normals(draw, 3, 4, scale=300.0))
    _judge(answer, normals(draw, 3, 4) + 800.0)


@entropy.property("counts rare actions in full, each by its logarithm", trials=2)
def _(answer, draw: Draw) -> None:
    gaps = torch.tensor([0.0, -11.0, -12.0, -11.5], dtype=torch.float64)
    logits = gaps + draw.uniform(-1.0, 1.0)
    expect(answer(logits[None]), "the entropies").close_to(_of_rows(logits[None]), 0.01)


@entropy.property("is 0 where there is one action")
def _(answer, draw: Draw) -> None:
    _judge(answer, normals(draw, 3, 1))


@entropy.property("has the right gradient, finite with forbidden actions too", trials=3)
def _(answer, draw: Draw) -> None:
    logits = normals(draw, 2, 4)
    logits[1, 2] = -math.inf
    found = answer(logits.requires_grad_())
    expect(found.requires_grad, "whether a gradient can flow").equals(True)
    if not found.requires_grad:
        return
    leaves = gradients_at_leaves(found.sum())
    gradient = leaves[0] if leaves else torch.zeros(2, 4)
    chances = logits.detach().double().softmax(1)
    surprise = torch.where(chances > 0, -chances.clamp(min=1e-300).log(), 0.0)
    wanted = chances * (surprise - (chances * surprise).sum(1, keepdim=True))
    allowed = logits.detach().isfinite()
    rounded = gradient[allowed].double().round(decimals=5) + 0.0  # what is 0 but for rounding is 0
    expect(rounded, "the gradient at the finite logits").is_finite().close_to(
        wanted[allowed], 1e-3, 2e-5
    )


@entropy.right
def right_entropy(logits):
    log_chances = logits.log_softmax(dim=1)
    chances = log_chances.exp()
    terms = chances * log_chances.masked_fill(chances == 0, 0.0)
    return -terms.sum(dim=1)


_TERMS = "chances * log_chances.masked_fill(chances == 0, 0.0)"
entropy.slip(
    "zero_times_infinity",
    "A forbidden action has a chance of 0 and a logarithm of −∞, and their product is NaN. Put the "
    "logarithm to 0 there before you multiply.",
    {_TERMS: "chances * log_chances"},
)
entropy.slip(
    "nan_to_num_after",
    "The entropy is right, but its gradient is not finite where a chance is 0. A product that is "
    "repaired afterwards has that, and so has a function of π alone, whose slope at 0 is infinite. "
    "Put the logarithm to 0 *before* you multiply.",
    {_TERMS: "torch.nan_to_num(chances * log_chances)"},
)
entropy.slip(
    "sign",
    "The sign is wrong: an entropy is never negative.",
    {"return -terms": "return terms"},
)
entropy.slip(
    "in_bits",
    "You took logarithms to base 2. Asked for are nats.",
    {"return -terms.sum(dim=1)": "return -terms.sum(dim=1) / math.log(2)"},
)
entropy.slip(
    "mean_over_actions",
    "You averaged over the actions. The entropy is a sum over them.",
    {"terms.sum(dim=1)": "terms.mean(dim=1)"},
)
entropy.slip(
    "mean_over_rows",
    "You took the mean over the rows. Each row has its own entropy.",
    {"return -terms.sum(dim=1)": "return -terms.sum(dim=1).mean()"},
)
entropy.slip(
    "wrong_axis",
    "You took the softmax over the rows. A row is one policy: over its actions.",
    {"log_softmax(dim=1)": "log_softmax(dim=0)"},
)
entropy.slip(
    "summed_over_rows",
    "You summed over the rows. Each row has its own entropy, a sum over its actions.",
    {"terms.sum(dim=1)": "terms.sum(dim=0)"},
)
entropy.slip(
    "softmax_then_log",
    "You took the logarithm of a softmax, which is rounded to 0 for logits far below the others. "
    "Take log_softmax.",
    {"log_chances = logits.log_softmax(dim=1)": "log_chances = logits.softmax(dim=1).log()",
     _TERMS: "logits.softmax(dim=1) * log_chances"},
)  # fmt: skip
entropy.slip(
    "exponentials_overflow",
    "You took exponentials of the logits as they are. They may be in the hundreds: log_softmax "
    "subtracts the largest first.",
    {"logits.log_softmax(dim=1)": "(logits.exp() / logits.exp().sum(dim=1, keepdim=True)).log()"},
)
entropy.slip(
    "small_number_in_the_logarithm",
    "You added a small number inside the logarithm. The entropy of a policy with many unlikely "
    "actions is then a little wrong, and below 0 for a sure one.",
    {_TERMS: "chances * (chances + 1e-3).log()"},
)
entropy.slip(
    "surprise_without_chances",
    "You summed −log π without weighing by π. Entropy is the *expected* surprise.",
    {_TERMS: "log_chances.masked_fill(chances == 0, 0.0)"},
)
entropy.slip(
    "cut_off",
    "No gradient flows: the bonus could not change the policy.",
    {"logits.log_softmax": "logits.detach().log_softmax"},
)
entropy.slip(
    "half_cut_off",
    "You cut the chances off from the graph, so half of the gradient is missing.",
    {"log_chances.exp()": "log_chances.exp().detach()"},
)
entropy.slip(
    "share_of_the_most",
    "You divided by ln k. Asked for are nats.",
    {"return -terms.sum(dim=1)": "return -terms.sum(dim=1) / max(math.log(logits.shape[1]), 1e-9)"},
)
entropy.slip(
    "chances_in",
    "You took the logits for log-probabilities. Their exponentials do not add up to 1: take "
    "log_softmax first.",
    {"logits.log_softmax(dim=1)": "logits.clamp(max=50.0)"},
)

entropy.slip(
    "share_of_the_most_unguarded",
    "You divided by ln k, which is 0 for one action. Asked for are nats.",
    {"return -terms.sum(dim=1)": "return -terms.sum(dim=1) / math.log(logits.shape[1])"},
)
entropy.slip(
    "surprise_of_the_likeliest",
    "You took the surprise of the likeliest action. Entropy is the mean surprise over all actions.",
    {"return -terms.sum(dim=1)": "return -log_chances.max(dim=1).values"},
)
entropy.slip(
    "logarithms_limited",
    "You limited the logarithm from below, so rare actions count too little. Only a chance "
    "of 0 needs care.",
    {_TERMS: "chances * log_chances.clamp(min=-10.0)"},
)
entropy.slip(
    "chances_limited",
    "You limited the chances from below. Rare actions then count wrongly: only a chance of "
    "0 needs care.",
    {_TERMS: "chances * chances.clamp(min=1e-3).log()"},
)

entropy.hint("log_softmax, its exponential, their product, a sum. What if a chance is 0?")
entropy.hint("`.masked_fill(chances == 0, 0.0)` on the logarithms, before the product.", when="nan")
entropy.hint("A NaN that is replaced after the product is still there in its gradient.",
             when="nan_to_num_after")  # fmt: skip
