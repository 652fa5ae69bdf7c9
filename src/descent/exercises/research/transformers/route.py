"""How `route` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

route = Exercise(
    "route",
    minutes=25,
    difficulty=3,
    changes=("logits",),  # handed over itself, so that its gradient can be looked at
    returns=tuple[Tensor, Tensor],
)


def _scores(draw: Draw, tokens: int, experts: int) -> Tensor:
    """Scores of which no two of a row are equal."""
    ranks = np.stack([draw.rng.permutation(experts) for _ in range(tokens)])
    return torch.tensor(
        0.35 * ranks + draw.uniform(0, 0.3, tokens, experts), dtype=torch.float32
    ) + normals(draw, 1, 1)


def _routed(logits: Tensor, k: int) -> tuple[np.ndarray, float]:
    """Token after token, by sorting."""
    scores = logits.double().numpy()
    weights, counts, means = (
        np.zeros_like(scores),
        np.zeros(scores.shape[1]),
        np.zeros(scores.shape[1]),
    )
    for i, row in enumerate(scores):
        probabilities = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        best = sorted(range(len(row)), key=lambda e: -row[e])[:k]
        for e in best:
            weights[i, e] = probabilities[e] / sum(probabilities[j] for j in best)
            counts[e] += 1
        means += probabilities / len(scores)
    return weights, float(len(means) * np.dot(counts / counts.sum(), means))


@route.property("gives the page's example, 1.067")
def _(answer, draw: Draw) -> None:
    logits = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]).log()
    weights, balance = answer(logits, 1)
    expect(weights, "the weights").close_to([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], atol=1e-6)
    expect(balance, "the balancing loss").close_to(16 / 15, rtol=1e-4)


@route.property("weighs the best k of each token, and no others", trials=6)
def _(answer, draw: Draw) -> None:
    experts = draw.integers(3, 8)
    logits, k = _scores(draw, draw.size, experts), draw.integers(1, experts)
    weights, _ = answer(logits, k)
    expect(weights, f"the weights (k = {k})").close_to(_routed(logits, k)[0], atol=1e-5)


@route.property("says how unevenly the work is spread", trials=6)
def _(answer, draw: Draw) -> None:
    experts = draw.integers(3, 8)
    logits, k = _scores(draw, draw.size + 1, experts), draw.integers(1, experts)
    logits = logits + 1.503 * torch.arange(experts)  # no multiple of 0.01: no ties
    _, balance = answer(logits, k)
    expect(balance, f"the balancing loss (k = {k})").close_to(_routed(logits, k)[1], rtol=1e-4)
    expect(balance, "the balancing loss").has_shape()


@route.property("takes all experts when k is their number")
def _(answer, draw: Draw) -> None:
    logits = _scores(draw, 4, 3)
    weights, balance = answer(logits, 3)
    expect(weights, "the weights").close_to(logits.softmax(-1), atol=1e-5)
    expect(balance, "the balancing loss").close_to(1.0, rtol=1e-4)


@route.property("sends a gradient through the probabilities and not through the counts")
def _(answer, draw: Draw) -> None:
    logits = (_scores(draw, 5, 4) + 1.003 * torch.arange(4)).requires_grad_()
    _, balance = answer(logits, 2)
    expect(
        getattr(balance, "requires_grad", None), "whether the balancing loss has a gradient"
    ).equals(True)
    if not balance.requires_grad:
        return
    (slope,) = torch.autograd.grad(balance, logits)
    with torch.no_grad():
        chosen = (logits >= logits.sort(descending=True).values[:, 1:2]).float()
        f, p = chosen.sum(0) / chosen.sum(), logits.softmax(-1)
        wanted = 4 * p * (f - (p * f).sum(-1, keepdim=True)) / 5
    expect(slope, "the gradient of the balancing loss").close_to(wanted, atol=1e-5)


@route.property("sends a gradient through the weights")
def _(answer, draw: Draw) -> None:
    logits = _scores(draw, 5, 4).requires_grad_()
    weights, _ = answer(logits, 2)
    expect(getattr(weights, "requires_grad", None), "whether the weights have a gradient").equals(
        True
    )
    if weights.requires_grad:
        kept, mix = _routed(logits.detach(), 2)[0], torch.arange(1.0, 5.0)
        (slope,) = torch.autograd.grad((weights * mix).sum(), logits)
        w = torch.tensor(kept, dtype=torch.float32)
        wanted = w * (mix - (w * mix).sum(-1, keepdim=True))
        expect(slope, "the gradient of a mixture with the weights").close_to(wanted, atol=1e-5)


@route.property("leaves the scores as they are")
def _(answer, draw: Draw) -> None:
    logits = _scores(draw, 4, 5)
    before = logits.clone()
    answer(logits, 2)
    expect(logits, "the scores after the call").equals(before)


@route.right
def right_route(logits, k):
    probabilities = logits.softmax(-1)
    chosen = torch.zeros_like(logits).scatter(1, logits.topk(k).indices, 1.0)
    kept = probabilities * chosen
    weights = kept / kept.sum(-1, keepdim=True)
    shares, means = chosen.mean(0) / k, probabilities.mean(0)
    balance = logits.shape[1] * (shares * means).sum()
    return weights, balance


route.slip(
    "not_renormalised",
    "Your rows do not add up to 1: divide the kept probabilities by their sum.",
    {"weights = kept / kept.sum(-1, keepdim=True)": "weights = kept"},
)
route.slip(
    "equal_weights",
    "All chosen experts get the same weight. They get their softmax "
    "probabilities, divided by their "
    "sum; with equal weights the router would have no gradient.",
    {"weights = kept / kept.sum(-1, keepdim=True)": "weights = chosen / k"},
)
route.slip(
    "logits_renormalised",
    "You weigh by the scores themselves. Weights are made of their softmax.",
    {"kept = probabilities * chosen": "kept = logits * chosen"},
)
route.slip(
    "worst_experts",
    "You choose the experts with the *lowest* scores.",
    {"logits.topk(k)": "logits.topk(k, largest=False)"},
)
route.slip(
    "one_expert_always",
    "You choose one expert whatever k is.",
    {"logits.topk(k).indices": "logits.topk(1).indices"},
)
route.slip(
    "not_times_experts",
    "The factor E is missing, or you took a mean over the experts: an even spread"
    " gives 1, not 1/E.",
    {"logits.shape[1] * (shares": "(shares"},
)
route.slip(
    "times_tokens",
    "You multiplied by the number of tokens. It is the number of experts.",
    {"logits.shape[1] *": "logits.shape[0] *"},
)
route.slip(
    "shares_of_tokens",
    "Your shares add up to k. They are shares of all tokens · k assignments: divide by k.",
    {"chosen.mean(0) / k": "chosen.mean(0)"},
)
route.slip(
    "shares_squared",
    "You multiplied the shares with themselves. The counts have no gradient, so "
    "nothing could learn "
    "from it: one factor is the mean probability P.",
    {"(shares * means)": "(shares * shares)"},
)
route.slip(
    "probabilities_squared",
    "You multiplied the mean probabilities with themselves. One factor is the "
    "share of what was really "
    "assigned.",
    {"(shares * means)": "(means * means)"},
)
route.slip(
    "means_of_the_kept",
    "Your P is the mean of what was kept. It is the mean of the softmax over "
    "*all* experts, so that "
    "those who were not chosen are pushed up.",
    {"probabilities.mean(0)": "weights.mean(0)"},
)
route.slip(
    "no_gradient",
    "Your balancing loss has no gradient: P must not be detached.",
    {"probabilities.mean(0)": "probabilities.detach().mean(0)"},
)
route.slip(
    "spread_over_tokens",
    "Your softmax runs over the tokens. Each token shares itself out among the experts.",
    {"logits.softmax(-1)": "logits.softmax(0)"},
)
route.slip(
    "softmax_of_zeros",
    "You set the scores of the others to 0 and took the softmax. A score of 0 still gets a weight.",
    {"weights = kept / kept.sum(-1, keepdim=True)": "weights = (logits * chosen).softmax(-1)"},
)
route.slip(
    "softmax_of_zeros_then_hidden",
    "You set the scores of the others to 0 and took the softmax: they had their say in the "
    "sum, and your rows do not add up to 1.",
    {
        "weights = kept / kept.sum(-1, keepdim=True)": "weights = (logits * chosen).softma"
        "x(-1) * chosen"
    },
)
route.slip(
    "weights_detached",
    "Your weights have no gradient, so the router would never learn whom to choose.",
    {"return weights, balance": "return weights.detach(), balance"},
)
route.slip(
    "experts_choose",
    "In yours each expert chooses its tokens. Here each token chooses its k experts.",
    {"scatter(1, logits.topk(k).indices": "scatter(0, logits.topk(min(k, len(logits)), 0).indices"},
)
route.slip(
    "shares_of_weight",
    "Your shares are means of the weights. They are *counts*: what part of all assignments "
    "went to the expert.",
    {"chosen.mean(0) / k": "weights.detach().mean(0)"},
)
route.slip(
    "shares_of_weight_with_a_gradient",
    "Your shares are means of the weights, and send a gradient of their own. They are *counts*: "
    "what part of all assignments went to the expert.",
    {"chosen.mean(0) / k": "weights.mean(0)"},
)
route.slip(
    "shares_of_first_choices",
    "Your shares count first choices alone. All k assignments of a token count.",
    {
        "chosen.mean(0) / k": "torch.zeros_like(logits).scatter(1, logits.topk(1).indices,"
        " 1.0).mean(0)"
    },
)
route.slip(
    "better_than_even",
    "You chose every expert with a probability above 1/E. A token has the best k, no more "
    "and no fewer.",
    {
        "torch.zeros_like(logits).scatter(1, logits"
        ".topk(k).indices, 1.0)": "(probabilities >= 1 / logits.shape[1]).float()"
    },
)
route.slip(
    "times_k",
    "You multiplied by k. The factor is the number of experts.",
    {"logits.shape[1] *": "k *"},
)
route.slip(
    "means_of_what_was_chosen",
    "Your P leaves out the experts that were not chosen. It is the mean of the softmax "
    "over *all* of them.",
    {"probabilities.mean(0)": "kept.mean(0)"},
)
route.slip(
    "sigmoid",
    "You used a sigmoid. The probabilities of a token's experts add up to 1: softmax.",
    {"logits.softmax(-1)": "logits.sigmoid()"},
)


route.equivalent(
    "`probabilities = logits.softmax(-1)` → `probabilities = logits.softmax(+1)`",
    because="the scores are a table: its last dimension is dimension 1",
)
route.equivalent(
    "`weights = kept / kept.sum(-1, keepdim=True)` → `weights = kept / kept.sum(+1, keepdim=True)`",
    because="the scores are a table: its last dimension is dimension 1",
)


route.hint(
    "Probabilities, a table of 0 and 1 for who was chosen, then both results from these two."
)
route.hint("`torch.zeros_like(logits).scatter(1, logits.topk(k).indices, 1.0)` marks the chosen.")
route.hint("By hand: f = (2/3, 1/3), P = (0.6, 0.4). Which of the two do you have?", when="value")
route.hint("An even spread must give exactly 1, whatever E and k are.", when="factor")
