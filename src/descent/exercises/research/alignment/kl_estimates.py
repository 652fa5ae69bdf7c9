"""How `kl_estimates` is judged: three sums, token by token, and means that are known."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import drawn_lengths, drawn_log_probs, mask_of

kl_estimates = Exercise(
    "kl_estimates", minutes=25, difficulty=2, returns=tuple[Tensor, Tensor, Tensor]
)

NAMES = ("k1", "k2", "k3")


def _by_tokens(policy: Tensor, start: Tensor, mask: Tensor) -> list[list[float]]:
    sums: list[list[float]] = [[], [], []]
    for p_row, q_row, real in zip(
        policy.double().tolist(), start.double().tolist(), mask.tolist(), strict=True
    ):
        of_line = [0.0, 0.0, 0.0]
        for p, q, counts in zip(p_row, q_row, real, strict=True):
            if counts:
                of_line[0] += p - q
                of_line[1] += (p - q) ** 2 / 2
                of_line[2] += math.exp(q - p) - 1 - (q - p)
        for k in range(3):
            sums[k].append(of_line[k])
    return sums


def _expect_sums(answer, policy: Tensor, start: Tensor, mask: Tensor) -> None:
    found = answer(policy, start, mask)
    for name, given, right in zip(NAMES, found, _by_tokens(policy, start, mask), strict=True):
        expect(given, f"{name} of each completion").has_shape(len(policy)).is_finite().close_to(
            right, atol=1e-4
        )


@kl_estimates.property("are sums over the tokens of a completion", trials=5)
def _(answer, draw: Draw) -> None:
    n, places = draw.size + 1, 4
    shape = (draw, n, places)
    _expect_sums(
        answer, drawn_log_probs(*shape), drawn_log_probs(*shape), torch.ones(n, places).bool()
    )


@kl_estimates.property("leave padding out, whatever stands there", trials=4)
def _(answer, draw: Draw) -> None:
    n, places = draw.size + 2, 6
    mask = mask_of(drawn_lengths(draw, n, places), places)
    policy, start = drawn_log_probs(draw, n, places), drawn_log_probs(draw, n, places)
    filling = draw.choice([-math.inf, math.nan])
    _expect_sums(answer, policy.masked_fill(~mask, -2.0), start.masked_fill(~mask, filling), mask)
    _expect_sums(
        answer, policy.masked_fill(~mask, filling), start.masked_fill(~mask, filling), mask
    )


@kl_estimates.property("of the same model are 0", trials=2)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    policy = drawn_log_probs(draw, n, 5)
    _expect_sums(answer, policy, policy.clone(), mask_of(drawn_lengths(draw, n, 5), 5))


@kl_estimates.property("of the page's line “love hate” are what was worked out", trials=1)
def _(answer, draw: Draw) -> None:
    policy, start = torch.tensor([[0.65, 0.1]]).log(), torch.tensor([[0.4, 0.3]]).log()
    _expect_sums(answer, policy, start, torch.ones(1, 2).bool())


@kl_estimates.property("of tokens that differ little agree in the mean, and k3 is never below 0")
def _(answer, draw: Draw) -> None:
    n, places = 6, 3
    policy = drawn_log_probs(draw, n, places)
    start = policy + torch.tensor(draw.normal(n, places, scale=0.3)).float()
    mask = mask_of(drawn_lengths(draw, n, places), places)
    _expect_sums(answer, policy, start, mask)
    expect(answer(policy, start, mask)[2], "k3").is_above(-1e-6)


@kl_estimates.property("let gradients flow, and none of them is NaN", trials=2)
def _(answer, draw: Draw) -> None:
    mask = mask_of([3, 1, 2], 3)
    policy = drawn_log_probs(draw, 3, 3).requires_grad_()
    start = drawn_log_probs(draw, 3, 3)
    filled = start.masked_fill(~mask, draw.choice([-math.inf, math.nan]))
    log_ratio = (policy - start).detach() * mask
    slopes = mask.float(), log_ratio, mask * (1 - (-log_ratio).exp())
    for k, (name, slope) in enumerate(zip(NAMES, slopes, strict=True)):
        given = answer(policy, filled, mask)[k]
        expect(given.requires_grad, f"whether a gradient can flow through {name}").equals(True)
        if given.requires_grad:
            leaves = [g for g in gradients_at_leaves(given.sum()) if g.shape == policy.shape]
            flows = leaves[0] if leaves else torch.zeros(0)
            what = f"the gradient of {name} at the policy's log-probabilities"
            expect(flows, what).is_finite().close_to(slope, atol=1e-5)


@kl_estimates.right
def right_estimates(policy_log_probs, start_log_probs, mask):
    log_ratio = torch.where(mask, policy_log_probs - start_log_probs, 0.0)
    k1 = log_ratio
    k2 = log_ratio.square() / 2
    k3 = (-log_ratio).exp() - 1 + log_ratio
    return k1.sum(dim=1), k2.sum(dim=1), k3.sum(dim=1)


_WHERE = "torch.where(mask, policy_log_probs - start_log_probs, 0.0)"
_SUMS = "k1.sum(dim=1), k2.sum(dim=1), k3.sum(dim=1)"
_K3 = "(-log_ratio).exp() - 1 + log_ratio"
_SLIPS = {
    "sign": (
        "The sign is wrong: you have log q − log p. The samples come from the policy p, so its "
        "log-probability comes first. Yours is negative in the mean, and a penalty with it pays "
        "for going away.",
        {_WHERE: "torch.where(mask, start_log_probs - policy_log_probs, 0.0)"},
    ),
    "k1_sign": (
        "Your k1 has the wrong sign: it is log p − log q, of the policy minus the start.",
        {"k1 = log_ratio\n": "k1 = -log_ratio\n"},
    ),
    "padding_counted": (
        "You counted padding. Nobody chose it, and what a model says there means nothing.",
        {_WHERE: "policy_log_probs - start_log_probs"},
    ),
    "multiplied_by_mask": (
        "You multiplied by the mask. 0 times infinity and 0 times NaN are NaN: choose with "
        "`torch.where`.",
        {_WHERE: "(policy_log_probs - start_log_probs) * mask"},
    ),
    "mean_over_tokens": (
        "You averaged over the tokens: that is the KL per token. The limit of 10 nats is for a "
        "whole completion; sum.",
        {_SUMS: "*(k.sum(dim=1) / mask.sum(dim=1) for k in (k1, k2, k3)),"},
    ),
    "mean_over_places": (
        "You averaged over all places, padding among them. Sum over the real tokens.",
        {_SUMS: "k1.mean(dim=1), k2.mean(dim=1), k3.mean(dim=1)"},
    ),
    "batch_mean": (
        "You averaged over the batch. One number for each completion is asked for.",
        {_SUMS: "k1.sum(dim=1).mean(), k2.sum(dim=1).mean(), k3.sum(dim=1).mean()"},
    ),
    "summed_over_the_batch": (
        "You summed over the wrong axis, over completions. Sum over the tokens of each.",
        {_SUMS: "k1.sum(dim=0), k2.sum(dim=0), k3.sum(dim=0)"},
    ),
    "k2_not_halved": (
        "Your k2 is not halved: it is ½ (log p − log q)².",
        {"log_ratio.square() / 2": "log_ratio.square()"},
    ),
    "k3_ratio_turned_over": (
        "Your k3 has the ratio upside down. r is q/p, the start over the policy, when the "
        "samples "
        "come from the policy; p/q − 1 − log(p/q) estimates another thing.",
        {_K3: "log_ratio.exp() - 1 - log_ratio"},
    ),
    "k3_log_sign": (
        "In your k3 the logarithm has the wrong sign: r − 1 − log r, with log r = log q − log p.",
        {_K3: "(-log_ratio).exp() - 1 - log_ratio"},
    ),
    "k3_without_one": (
        "You left the 1 out of k3. Then it is not 0 where both models agree.",
        {_K3: "(-log_ratio).exp() + log_ratio"},
    ),
    "k3_mixed_ratio": (
        "Your k3 mixes the two ratios: p/q in the exponential, and log q − log p beside it.",
        {_K3: "log_ratio.exp() - 1 + log_ratio"},
    ),
    "ratio_of_completions": (
        "You took the ratio of whole completions and put it into k2 and k3. One token at a time "
        "gives the same mean for k3 with far less spread: sum afterwards.",
        {"k2 = log_ratio.square() / 2\n    k3 = (-log_ratio).exp() - 1 + log_ratio":
         "whole = log_ratio.sum(dim=1, keepdim=True)\n"
         "    k2 = whole.square() / 2\n    k3 = (-whole).exp() - 1 + whole"},
    ),
    "in_bits": (
        "You divided by ln 2. These are nats.",
        {_SUMS: "*(k.sum(dim=1) / 0.6931471805599453 for k in (k1, k2, k3)),"},
    ),
    "weighted_by_probability": (
        "You weighted by the policy's probabilities. The samples come from it: that weighs them "
        "already.",
        {"log_ratio = torch": "weight = torch.where(mask, policy_log_probs, 0.0).exp()\n"
         "    log_ratio = torch",
         _SUMS: "*((weight * k).sum(dim=1) for k in (k1, k2, k3)),"},
    ),
    "absolute": (
        "You took the absolute value of each difference. A sample may well be less likely under "
        "the policy; only the mean cannot be negative.",
        {"k1 = log_ratio\n": "k1 = log_ratio.abs()\n"},
    ),
    "cut_at_zero": (
        "You cut k1 at 0. Its negative values belong to the mean; without them it is too large.",
        {"k1 = log_ratio\n": "k1 = log_ratio.clamp(min=0)\n"},
    ),
    "line_cut_at_zero": (
        "You cut k1 of a completion at 0. Its negative values belong to the mean.",
        {"k1.sum(dim=1)": "k1.sum(dim=1).clamp(min=0)"},
    ),
    "difference_of_probabilities": (
        "You subtracted probabilities. Subtract their logarithms.",
        {_WHERE: "torch.where(mask, policy_log_probs.exp() - start_log_probs.exp(), 0.0)"},
    ),
    "ratio_of_logarithms": (
        "You divided log-probabilities. The logarithm of a ratio is a difference of logarithms.",
        {_WHERE: "torch.where(mask, policy_log_probs / start_log_probs, 0.0)"},
    ),
    "order": (
        "The estimators come back in another order: k1, k2, k3.",
        {_SUMS: "k1.sum(dim=1), k3.sum(dim=1), k2.sum(dim=1)"},
    ),
    "detached": (
        "You cut the gradients off. Some losses train through these numbers.",
        {_WHERE: "torch.where(mask, policy_log_probs - start_log_probs, 0.0).detach()"},
    ),
    "end_left_out": (
        "You left the last real token out. The end was chosen as well.",
        {"torch.where(mask,": "torch.where(mask & (mask.cumsum(1) < mask.sum(1, keepdim=True)),"},
    ),
    "k3_ratio_less_one": (
        "Your k3 is r − 1, which is 0 in the mean whatever the models. Take log r off.",
        {"k3 = (-log_ratio).exp() - 1 + log_ratio":
         "k3 = (-log_ratio).exp() - 1"},
    ),
    "k3_is_k2": (
        "Your k3 is k2 once more.",
        {"k3 = (-log_ratio).exp() - 1 + log_ratio":
         "k3 = k2"},
    ),
    "k2_of_the_ratio": (
        "Your k2 squares the ratio. It is half the square of its *logarithm*.",
        {"k2 = log_ratio.square() / 2":
         "k2 = torch.where(mask, (-log_ratio).exp().square() / 2, 0.0)"},
    ),
    "k2_of_the_line": (
        "You squared the log-ratio of the whole completion for k2. Square token by token, "
        "then sum.",
        {"k2.sum(dim=1)":
         "log_ratio.sum(dim=1).square() / 2"},
    ),
    "k3_of_the_line": (
        "You took the ratio of the whole completion for k3. One token at a time, then sum: "
        "the same mean, with far less spread.",
        {"k3.sum(dim=1)":
         "(-log_ratio.sum(dim=1)).exp() - 1 + log_ratio.sum(dim=1)"},
    ),
    "k2_root": (
        "You took the root of k2's sum. It is half of the sum of squares.",
        {"k2.sum(dim=1)":
         "log_ratio.square().sum(dim=1).sqrt() / 2"},
    ),
    "whole_line_absolute": (
        "You took the absolute value of each completion's k1. A single one may be negative; "
        "only the mean cannot be.",
        {"k1.sum(dim=1)":
         "k1.sum(dim=1).abs()"},
    ),
    "padding_in_k3": (
        "Your k3 has something other than 0 at padding. Make the log-ratio 0 there: then r − "
        "1 − log r is 0 as well.",
        {"k3 = (-log_ratio).exp() - 1 + log_ratio":
         "k3 = torch.where(mask, (-log_ratio).exp(), 0.0) - 1 + log_ratio"},
    ),
    "k1_weighted": (
        "You weighted k1 by the policy's probabilities. The samples come from it: that weighs "
        "them already.",
        {"k1.sum(dim=1)":
         "(torch.where(mask, policy_log_probs, 0.0).exp() * k1).sum(dim=1)"},
    ),
    "k1_per_token": (
        "Your k1 is a mean over tokens, and k2 and k3 are sums. All three are nats per "
        "completion.",
        {"k1.sum(dim=1)":
         "k1.sum(dim=1) / mask.sum(dim=1)"},
    ),
    "k3_batch_mean": (
        "You gave every completion the batch's mean k3. Each has its own.",
        {"k3.sum(dim=1)":
         "k3.sum(dim=1).mean().expand(len(mask))"},
    ),
    "not_summed": (
        "You gave the estimates of the tokens. Sum over those of a completion.",
        {"k1.sum(dim=1), k2.sum(dim=1), k3.sum(dim=1)":
         "k1, k2, k3"},
    ),
    "ratio_limited": (
        "You limited the ratio in k3. It is large where the policy has left what the start "
        "would write: that is what is measured.",
        {"(-log_ratio).exp()":
         "(-log_ratio).clamp(max=1.0).exp()"},
    ),
    "chosen_at_the_end": (
        "Your sums are right, and their gradients at padding are NaN: there 0 is multiplied "
        "by an infinite or unknown number on the way back. Put 0 for the log-ratio of "
        "padding *before* it is squared.",
        {"torch.where(mask, policy_log_probs - start_log_probs, 0.0)":
         "policy_log_probs - start_log_probs",
         "k1.sum(dim=1), k2.sum(dim=1), k3.sum(dim=1)":
         "tuple(torch.where(mask, k, 0.0).sum(dim=1) for k in (k1, k2, k3))"},
    ),
    "padding_by_value": (
        "You left out what is infinite or NaN. Padding may hold ordinary numbers too: the "
        "mask says what is real.",
        {"torch.where(mask, policy_log_probs - start_log_probs, 0.0)":
         "torch.nan_to_num(policy_log_probs - start_log_probs, 0.0, 0.0, 0.0)"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    kl_estimates.slip(_name, _message, _edits)

kl_estimates.hint("One token first: what are k1, k2 and k3 for p = 0.65 and q = 0.4?")
kl_estimates.hint("Make the log-ratio of padding 0 before anything else is done with it.")
kl_estimates.hint("What is 0 · −∞ on a computer?", when="nan")
kl_estimates.hint("Over which distribution is the mean taken? That one's logarithm comes first.",
                  when="sign")  # fmt: skip
