"""How `policy_loss` is judged: token after token with Python's floats, and its gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import drawn_lengths, drawn_log_probs, mask_of

policy_loss = Exercise("policy_loss", minutes=40, difficulty=3, returns=tuple[Tensor, float, float])


def _expected(new, old, start, mask, rewards, weight, clip) -> tuple[float, float, float, Tensor]:
    """Loss, KL and clip fraction, and the loss's derivative by every new log-probability."""
    n, places = mask.shape
    kls = [
        sum((old[i, t] - start[i, t]).item() for t in range(places) if mask[i, t]) for i in range(n)
    ]
    total, clipped, count = 0.0, 0, int(mask.sum())
    gradient = torch.zeros(n, places)
    for i in range(n):
        advantage = rewards[i].item() - weight * kls[i]
        for t in range(places):
            if not mask[i, t]:
                continue
            ratio = math.exp((new[i, t] - old[i, t]).item())
            outside = min(max(ratio, 1 - clip), 1 + clip)
            total += min(ratio * advantage, outside * advantage)
            clipped += ratio != outside
            if ratio * advantage <= outside * advantage:
                gradient[i, t] = -ratio * advantage / count
    return -total / count, sum(kls) / n, clipped / count, gradient


class Case:
    """A batch of completions, with log-probabilities at all places."""

    def __init__(self, draw: Draw, n: int, places: int, full: bool = False) -> None:
        lengths = [places] * n if full else drawn_lengths(draw, n, places)
        self.mask = mask_of(lengths, places)
        self.old = drawn_log_probs(draw, n, places)
        self.start = drawn_log_probs(draw, n, places)
        shift = torch.tensor([draw.choice([0.03, 0.13, 0.45, -0.04, -0.16, -0.5])
                              for _ in range(n * places)]).reshape(n, places)  # fmt: skip
        self.new = self.old + shift
        self.rewards = torch.tensor(draw.normal(n, scale=1.5)).float() + 0.03

    def expect(self, answer, weight: float, clip: float = 0.2) -> None:
        """Compare loss, KL, clip fraction and gradient."""
        arguments = self.old, self.start, self.mask, self.rewards, weight, clip
        right = _expected(self.new, *arguments)
        new = self.new.clone().requires_grad_()
        loss, kl, clipped = answer(new, *arguments)
        expect(loss, "the loss").has_shape().is_finite().close_to(right[0], atol=1e-5)
        expect(kl, "the KL, in nats per completion").is_finite().close_to(right[1], atol=1e-5)
        expect(clipped, "the clip fraction").close_to(right[2], atol=1e-6)
        expect(loss.requires_grad, "whether a gradient can flow").equals(True)
        if loss.requires_grad:
            leaves = [g for g in gradients_at_leaves(loss) if g.shape == new.shape]
            found = leaves[0] if leaves else torch.zeros(0)
            expect(found, "the gradient at the new log-probabilities").close_to(right[3], atol=1e-6)


@policy_loss.property("is clipped where the advantage would carry it further", trials=6)
def _(answer, draw: Draw) -> None:
    Case(draw, draw.size + 1, 3, full=True).expect(answer, 0.0)


@policy_loss.property("takes the KL from the reward, of the whole completion", trials=5)
def _(answer, draw: Draw) -> None:
    Case(draw, draw.size + 2, 4, full=True).expect(answer, draw.choice([0.1, 0.5, 2.0]))


@policy_loss.property("counts real tokens alone", trials=5)
def _(answer, draw: Draw) -> None:
    Case(draw, draw.size + 3, 6).expect(answer, draw.choice([0.05, 0.3]))


@policy_loss.property("is not upset by what stands in the padding", trials=3)
def _(answer, draw: Draw) -> None:
    case = Case(draw, draw.size + 3, 5)
    case.old = case.old.masked_fill(~case.mask, 0.0)
    case.start = case.start.masked_fill(~case.mask, draw.choice([-math.inf, math.nan]))
    case.expect(answer, 0.2)


@policy_loss.property("works for one completion, and for other limits", trials=4)
def _(answer, draw: Draw) -> None:
    Case(draw, 1, 4, full=True).expect(answer, 0.4, draw.choice([0.05, 0.1, 0.3]))


@policy_loss.property("right after sampling is minus the mean advantage, and nothing is clipped")
def _(answer, draw: Draw) -> None:
    case = Case(draw, 4, 3)
    case.new = case.old.clone()
    case.expect(answer, 0.3)


@policy_loss.property("can be minimised: all inputs but the new log-probabilities are numbers")
def _(answer, draw: Draw) -> None:
    case = Case(draw, 3, 3)
    case.expect(answer, 0.25)
    old = case.old.clone().requires_grad_()
    new = case.new.clone().requires_grad_()
    loss, _, _ = answer(new, old, case.start, case.mask, case.rewards, 0.25, 0.2)
    if loss.requires_grad:
        expect(len(gradients_at_leaves(loss)), "how many inputs get a gradient").equals(1)
    start = case.start.clone().requires_grad_()
    loss, _, _ = answer(new, case.old, start, case.mask, case.rewards, 0.25, 0.2)
    if loss.requires_grad:
        found = len(gradients_at_leaves(loss))
        expect(found, "how many of new and start get a gradient").equals(1)


@policy_loss.right
def right_policy_loss(new, old, start, mask, rewards, weight, clip):
    old = old.detach()
    drift = torch.where(mask, old - start, 0.0).sum(dim=1).detach()
    advantage = (rewards - weight * drift)[:, None]
    ratio = torch.where(mask, new - old, 0.0).exp()
    limited = ratio.clamp(1 - clip, 1 + clip)
    gain = torch.minimum(ratio * advantage, limited * advantage)
    count = mask.sum()
    loss = -(gain * mask).sum() / count
    clipped = ((ratio != limited) & mask).sum() / count
    return loss, drift.mean().item(), clipped.item()


_DRIFT = "torch.where(mask, old - start, 0.0).sum(dim=1).detach()"
_GAIN = "torch.minimum(ratio * advantage, limited * advantage)"
_KL = "drift.mean().item()"
_SLIPS = {
    "kl_sign": (
        "The sign of the KL is wrong: your policy is *paid* for going away from the start. "
        "The penalty is taken from the reward.",
        {"rewards - weight * drift": "rewards + weight * drift"},
    ),
    "drift_sign": (
        "Your log-ratio is log start − log policy, so the KL comes out negative and the penalty "
        "becomes a premium. The samples are the policy's: its logarithm comes first.",
        {_DRIFT: "torch.where(mask, start - old, 0.0).sum(dim=1).detach()"},
    ),
    "loss_sign": (
        "The sign of the loss is wrong: minimising it makes good completions rarer.",
        {"loss = -(gain": "loss = (gain"},
    ),
    "padding_in_the_kl": (
        "Your KL counts padding. Nobody chose it.",
        {_DRIFT: "(old - start).sum(dim=1).detach()"},
    ),
    "padding_in_the_loss": (
        "Your loss is a mean over all places, padding among them. Only real tokens count, above "
        "the fraction and below.",
        {"-(gain * mask).sum() / count": "-gain.mean()"},
    ),
    "divided_by_all_places": (
        "You left padding out of the sum and divided by all places all the same. Long lines "
        "then "
        "count more than the page says.",
        {"-(gain * mask).sum() / count": "-(gain * mask).mean()"},
    ),
    "mean_of_line_means": (
        "You averaged each completion first. The mean is over all real tokens of the batch.",
        {"-(gain * mask).sum() / count": "-((gain * mask).sum(1) / mask.sum(1)).mean()"},
    ),
    "sum_over_tokens": (
        "You summed over the tokens of a completion. The mean over all real tokens is asked for.",
        {"-(gain * mask).sum() / count": "-(gain * mask).sum(1).mean()"},
    ),
    "reported_per_token": (
        "The KL you report is per token, and the one you train with is per completion. A limit "
        "of "
        "10 nats on the first is reached when the second is many times that.",
        {_KL: "(torch.where(mask, old - start, 0.0).sum() / count).item()"},
    ),
    "reported_is_k2": (
        "The KL you report is half of a squared difference, and the one you train with is the "
        "difference. Report what is trained.",
        {_KL: "torch.where(mask, old - start, 0.0).square().sum(1).mean().item() / 2"},
    ),
    "reported_against_old": (
        "The KL you report is that of the new policy from the old one, which is always small. "
        "The one that is trained, and limited to 10 nats, is from the *start*.",
        {_KL: "torch.where(mask, old - new, 0.0).sum(1).mean().item()"},
    ),
    "reported_weighted": (
        "The KL you report is multiplied by its weight. Report nats.",
        {_KL: "(weight * drift).mean().item()"},
    ),
    "reported_of_new": (
        "The KL you report is worked out with the new log-probabilities, but these completions "
        "were drawn by the old ones, and the penalty went by those. Report what is trained.",
        {_KL: "torch.where(mask, new - start, 0.0).sum(1).mean().item()"},
    ),
    "penalty_of_new": (
        "You took the penalty from the new log-probabilities. It belongs to the completion as "
        "it "
        "was drawn: old minus start.",
        {_DRIFT: "torch.where(mask, new - start, 0.0).sum(dim=1).detach()"},
    ),
    "penalty_per_token": (
        "Your penalty is the mean over tokens. It is the KL of the whole completion.",
        {_DRIFT: "(torch.where(mask, old - start, 0.0).sum(1) / mask.sum(1)).detach()"},
    ),
    "weight_ignored": (
        "The weight of the KL changes nothing in your loss.",
        {"rewards - weight * drift": "rewards - drift"},
    ),
    "without_penalty": (
        "The KL is not in your advantage: the policy may go as far from the start as it likes.",
        {"rewards - weight * drift": "rewards"},
    ),
    "ratio_turned_over": (
        "Your ratio is old over new. It is the new policy's probability, divided by the old "
        "one's.",
        {"torch.where(mask, new - old, 0.0).exp()": "torch.where(mask, old - new, 0.0).exp()"},
    ),
    "ratio_to_start": (
        "Your ratio is to the start. It is to the policy that drew the samples.",
        {"torch.where(mask, new - old, 0.0)": "torch.where(mask, new - start, 0.0)"},
    ),
    "ratio_of_completions": (
        "You took one ratio for a whole completion. Each token has its own.",
        {"torch.where(mask, new - old, 0.0).exp()":
         "torch.where(mask, new - old, 0.0).sum(1, keepdim=True).exp().expand_as(new)"},
    ),
    "larger_of_both": (
        "You took the larger of the two. The smaller one is what may be promised.",
        {_GAIN: "torch.maximum(ratio * advantage, limited * advantage)"},
    ),
    "always_clipped": (
        "You clipped always. Where the ratio has gone the *wrong* way the gradient is needed: "
        "take "
        "the smaller of clipped and unclipped.",
        {_GAIN: "limited * advantage"},
    ),
    "never_clipped": (
        "You never clipped: the same samples can be used until the policy has run away.",
        {_GAIN: "ratio * advantage"},
    ),
    "advantage_normalised": (
        "You normalised the advantages within the batch. The reward has its fixed scale "
        "already: "
        "made anew in every batch, the weight of the KL would mean something else each time.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = rewards - weight * drift\n"
         "    advantage = ((advantage - advantage.mean()) "
         "/ (advantage.std(correction=0) + 1e-6))[:, None]"},
    ),
    "mean_taken_off": (
        "You took the batch's mean advantage off. The page's loss goes by the fixed scale alone.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = rewards - weight * drift\n"
         "    advantage = (advantage - advantage.mean())[:, None]"},
    ),
    "reward_at_the_last_token": (
        "Only the last token got the advantage. Without a value function, each token of a "
        "completion gets it.",
        {"(gain * mask)": "(gain * (mask & (mask.cumsum(1) == mask.sum(1, keepdim=True))))"},
    ),
    "advantage_by_column": (
        "The advantages went along the wrong axis: each belongs to a completion, a row.",
        {"(rewards - weight * drift)[:, None]":
         "(rewards - weight * drift).repeat(mask.shape[1])[: mask.shape[1]]"},
    ),
    "clip_fraction_with_padding": (
        "Your clip fraction is over all places. Padding is never clipped and makes it small.",
        {"((ratio != limited) & mask).sum() / count": "((ratio != limited) & "
                                                      "mask).float().mean()"},
    ),
    "clip_fraction_where_it_bites": (
        "Your clip fraction counts the tokens whose gradient is cut. Asked for is the share of "
        "ratios outside of the limits.",
        {"((ratio != limited) & mask)":
         "((limited * advantage < ratio * advantage) & mask)"},
    ),
    "clip_fraction_counted": (
        "You counted the clipped tokens. Their share of the real ones is asked for.",
        {"& mask).sum() / count\n": "& mask).sum()\n"},
    ),
    "clip_in_logarithms": (
        "You limited the logarithm of the ratio. The limits are for the ratio itself.",
        {"ratio.clamp(1 - clip, 1 + clip)": "ratio.log().clamp(-clip, clip).exp()"},
    ),
    "old_trained": (
        "The old log-probabilities get a gradient. They are numbers: only the new ones "
        "are trained.",
        {"old = old.detach()": "old = old + 0.0"},
    ),
    "multiplied_by_mask": (
        "You multiplied by the mask. 0 times infinity and 0 times NaN are NaN: choose with "
        "`torch.where`.",
        {_DRIFT: "((old - start) * mask).sum(dim=1).detach()"},
    ),
    "fixed_limits": (
        "Your limits are 0.8 and 1.2, whatever `clip` says.",
        {"ratio.clamp(1 - clip, 1 + clip)": "ratio.clamp(0.8, 1.2)"},
    ),
    "start_trained": (
        "The start's log-probabilities get a gradient. They are numbers: only the new ones "
        "are trained.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "torch.where(mask, old - start, 0.0).sum(dim=1)"},
    ),
    "penalty_outside": (
        "You added the penalty to the loss and not to the advantage. The old log- "
        "probabilities are numbers: such a penalty has no gradient, and trains nothing.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = rewards[:, None]",
         "loss = -(gain * mask).sum() / count":
         "loss = -(gain * mask).sum() / count + weight * drift.mean()"},
    ),
    "drift_is_k3": (
        "Your distance is the sum of k3. The page's A has old − start itself.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "(torch.where(mask, start - old, 0.0).exp() - 1 + torch.where(mask, old - start, "
         "0.0)).sum(dim=1).detach()"},
    ),
    "drift_absolute": (
        "You took the absolute value of each token's log-ratio. Negative ones belong to the "
        "sum.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "torch.where(mask, old - start, 0.0).abs().sum(dim=1).detach()"},
    ),
    "drift_cut_at_zero": (
        "You cut a completion's distance at 0. A single one may be negative, and belongs to "
        "the mean.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "torch.where(mask, old - start, 0.0).sum(dim=1).clamp(min=0).detach()"},
    ),
    "clipped_above_alone": (
        "You limited the ratio above and not below. Both limits are asked for.",
        {"ratio.clamp(1 - clip, 1 + clip)":
         "ratio.clamp(max=1 + clip)"},
    ),
    "clipped_below_alone": (
        "You limited the ratio below and not above. Both limits are asked for.",
        {"ratio.clamp(1 - clip, 1 + clip)":
         "ratio.clamp(min=1 - clip)"},
    ),
    "limits_about_zero": (
        "Your limits are ±ε. They lie about 1, where new and old policy agree.",
        {"ratio.clamp(1 - clip, 1 + clip)":
         "ratio.clamp(-clip, clip)"},
    ),
    "smaller_ratio": (
        "You took the smaller of the two ratios, and then multiplied. For a negative "
        "advantage that is the larger product: compare the products.",
        {"torch.minimum(ratio * advantage, limited * advantage)":
         "torch.minimum(ratio, limited) * advantage"},
    ),
    "reported_sum": (
        "The KL you report is added up over the lines. Take the mean.",
        {"drift.mean().item()":
         "drift.sum().item()"},
    ),
    "clip_fraction_above": (
        "Your clip fraction counts ratios above 1 + ε alone. Those below 1 − ε count too.",
        {"((ratio != limited) & mask)":
         "((ratio > 1 + clip) & mask)"},
    ),
    "clip_fraction_of_lines": (
        "Your clip fraction is of lines. The share of tokens is asked for.",
        {"((ratio != limited) & mask).sum() / count":
         "((ratio != limited) & mask).any(dim=1).float().mean()"},
    ),
    "clip_fraction_inside": (
        "Your clip fraction counts the ratios inside of the limits. Those outside are asked "
        "for.",
        {"((ratio != limited) & mask)":
         "((ratio == limited) & mask)"},
    ),
    "ratio_without_exponential": (
        "You took 1 + the difference of logarithms for the ratio. It is the exponential of "
        "the difference.",
        {"torch.where(mask, new - old, 0.0).exp()":
         "(1 + torch.where(mask, new - old, 0.0))"},
    ),
    "ratio_of_logarithms": (
        "You divided log-probabilities. The ratio is the exponential of their difference.",
        {"torch.where(mask, new - old, 0.0).exp()":
         "torch.where(mask, new / old, 1.0)"},
    ),
    "penalty_of_each_token": (
        "Each token has its own log-ratio for a penalty. The whole line's distance is asked "
        "for, the same for all its tokens.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = rewards[:, None] - weight * torch.where(mask, old - start, 0.0).detach()"},
    ),
    "penalty_of_the_rest": (
        "Each token is penalised for what follows it. The whole line's distance is asked for, "
        "the same for all its tokens.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "step = torch.where(mask, old - start, 0.0).detach()\n    advantage = rewards[:, "
         "None] - weight * step.flip(1).cumsum(1).flip(1)"},
    ),
    "without_ratio": (
        "You weighted log-probabilities by the advantage. The clipped objective takes the "
        "ratio of new to old.",
        {"torch.minimum(ratio * advantage, limited * advantage)":
         "torch.where(mask, new, 0.0) * advantage"},
    ),
    "rewards_cut_at_zero": (
        "You cut the rewards at 0. Below the start's mean they are negative, and tell what to "
        "avoid.",
        {"(rewards - weight * drift)":
         "(rewards.clamp(min=0) - weight * drift)"},
    ),
    "start_left_out": (
        "The start is not in your distance. It is old − start.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "torch.where(mask, old, 0.0).sum(dim=1).detach()"},
    ),
    "sum_over_all_tokens": (
        "You summed over all real tokens. Take the mean: else the step depends on how many "
        "there are.",
        {"-(gain * mask).sum() / count":
         "-(gain * mask).sum()"},
    ),
    "loss_clipped_above_alone": (
        "You limited the ratio above and not below. Both limits are asked for."
        " Your share of ratios outside of them is right.",
        {"ratio.clamp(1 - clip, 1 + clip)":
         "ratio.clamp(max=1 + clip)",
         "((ratio != limited) & mask)":
         "(((ratio < 1 - clip) | (ratio > 1 + clip)) & mask)"},
    ),
    "loss_clipped_below_alone": (
        "You limited the ratio below and not above. Both limits are asked for."
        " Your share of ratios outside of them is right.",
        {"ratio.clamp(1 - clip, 1 + clip)":
         "ratio.clamp(min=1 - clip)",
         "((ratio != limited) & mask)":
         "(((ratio < 1 - clip) | (ratio > 1 + clip)) & mask)"},
    ),
    "reported_is_k3": (
        "The KL you report is k3, and the one you train with is k1. Report what is trained.",
        {"drift.mean().item()":
         "(torch.where(mask, start - old, 0.0).exp() - 1 + torch.where(mask, old - start, "
         "0.0)).sum(dim=1).mean().item()"},
    ),
    "penalty_of_new_trained": (
        "Your distance is worked out with the new log-probabilities, and trains through "
        "them. It belongs to the line as it was drawn, old minus start, and is a number.",
        {"torch.where(mask, old - start, 0.0).sum(dim=1).detach()":
         "torch.where(mask, new - start, 0.0).sum(dim=1)"},
    ),
    "penalised_per_token": (
        "You report the distance of the whole line and penalise it divided by its length. β "
        "is the weight of the whole line's.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = (rewards - weight * drift / mask.sum(dim=1))[:, None]"},
    ),
    "advantage_normalised_as_a_sample": (
        "You normalised the advantages within the batch. The reward has its fixed scale "
        "already: made anew in every batch, the weight of the KL would mean something else "
        "each time."
        " Divided by n − 1 besides, one line alone has no deviation.",
        {"advantage = (rewards - weight * drift)[:, None]":
         "advantage = rewards - weight * drift\n    advantage = ((advantage - "
         "advantage.mean()) / (advantage.std() + 1e-8))[:, None]"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    policy_loss.slip(_name, _message, _edits)

policy_loss.equivalent(
    "`gain = torch.minimum(ratio * advantage, limited * advantage)` → "
    "`gain = torch.minimum(limited * advantage, ratio * advantage)`",
    because="the smaller of two does not depend on their order",
)

policy_loss.hint("One number for each completion first: its reward, and how far it went.")
policy_loss.hint("Then one number for each token: its ratio, beside the advantage of its line.")
policy_loss.hint("Of ratio · advantage and limited · advantage, which may be promised?")
policy_loss.hint("Which policy drew these completions? Its distance from the start is penalised.",
                 when="takes the KL from the reward, of the whole completion")  # fmt: skip
policy_loss.hint("How many real tokens are there? By that number sums are divided.",
                 when="counts real tokens alone")  # fmt: skip
