"""How `dpo_loss` is judged: one pair after another, with Python's floats."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

dpo_loss = Exercise("dpo_loss", minutes=25, difficulty=2, returns=tuple[Tensor, float])


def _pair_by_pair(policy, start, labels, pairs, beta) -> tuple[float, float]:
    losses, right = [], 0
    for one, two in pairs:
        if labels[one] == labels[two]:
            continue
        better, worse = (one, two) if labels[one] > labels[two] else (two, one)
        margin = (policy[better] - start[better]) - (policy[worse] - start[worse])
        losses.append(float(np.logaddexp(0.0, -beta * margin)))
        right += margin > 0
    return float(np.mean(losses)), right / len(losses)


class Case:
    """Completions with labels, and pairs of them: numbers of rows, in any order."""

    def __init__(self, draw: Draw, n: int, labels=(0.0, 0.5, 1.0, 0.3)) -> None:
        self.policy = torch.tensor(-10 - 3 * np.abs(draw.normal(n))).float()
        self.start = self.policy + torch.tensor(draw.normal(n, scale=1.5)).float()
        self.labels = torch.tensor([labels[i % len(labels)] for i in range(n)])
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
        pairs = [pairs[i] for i in draw.rng.permutation(len(pairs))[: n + 3]]
        self.pairs = torch.tensor([(0, 1), *pairs])

    def expect(self, answer, beta: float) -> None:
        """Compare loss and accuracy."""
        loss, share = answer(self.policy, self.start, self.labels, self.pairs, beta)
        policy, start, labels = (
            x.double().tolist() for x in (self.policy, self.start, self.labels)
        )
        right = _pair_by_pair(policy, start, labels, self.pairs.tolist(), beta)
        expect(loss, "the loss").has_shape().is_finite().close_to(right[0])
        expect(share, "the share of pairs in the right order").close_to(right[1], atol=1e-6)


@dpo_loss.property("is the surprise at the better of two, pair by pair", trials=6)
def _(answer, draw: Draw) -> None:
    Case(draw, draw.size + 1, labels=(1.0, 0.0, 0.7, 0.2, 0.6)).expect(
        answer, draw.choice([0.1, 0.5, 1.5])
    )


@dpo_loss.property("turns pairs round whose second is the better", trials=4)
def _(answer, draw: Draw) -> None:
    Case(draw, 5, labels=(0.0, 1.0, 0.1, 0.9, 0.5)).expect(answer, 0.3)


@dpo_loss.property("leaves out pairs with the same label", trials=4)
def _(answer, draw: Draw) -> None:
    Case(draw, draw.size + 4, labels=(1.0, 0.5, 0.5, 1.0, 0.0)).expect(answer, 0.2)


@dpo_loss.property("of one pair is that pair's", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw, 3, labels=(0.2, 0.9, 0.5))
    case.pairs = torch.tensor([(0, 1)])
    case.expect(answer, 0.3)


@dpo_loss.property("is ln 2 before the first step, and 0 of the pairs are in order yet", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw, draw.size + 2)
    case.policy = case.start.clone()
    case.expect(answer, 0.4)


@dpo_loss.property("of no pair that differs is 0, as is the share", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw, 4, labels=(0.5,))
    policy = case.policy.requires_grad_()
    loss, share = answer(policy, case.start, case.labels, case.pairs, 0.3)
    expect(loss, "the loss").has_shape().is_finite().close_to(0.0)
    expect(share, "the share of pairs in the right order").is_finite().close_to(0.0)


@dpo_loss.property("stays finite, and still teaches, at margins in the hundreds", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw, 4, labels=(1.0, 0.0))
    case.pairs = torch.tensor([(0, 1), (3, 2)])
    case.policy = torch.tensor([-900.0, -10.0, -700.0, -12.0])
    case.expect(answer, 0.5)
    policy = case.policy.clone().requires_grad_()
    loss, _ = answer(policy, case.start, case.labels, case.pairs, 0.5)
    expect(loss.requires_grad, "whether a gradient can flow").equals(True)
    if loss.requires_grad:
        found = [g for g in gradients_at_leaves(loss) if len(g) == 4]
        expect(found[0] if found else None, "the gradient at the policy").close_to(
            [-0.25, 0.25, -0.25, 0.25]
        )


@dpo_loss.property("trains the policy and not the start", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw, 4, labels=(1.0, 0.0, 0.5))
    policy, start = case.policy.requires_grad_(), case.start.requires_grad_()
    loss, _ = answer(policy, start, case.labels, case.pairs, 0.4)
    expect(loss.requires_grad, "whether a gradient can flow").equals(True)
    if loss.requires_grad:
        expect(len(gradients_at_leaves(loss)), "how many inputs get a gradient").equals(1)


@dpo_loss.right
def right_dpo(policy, start, labels, pairs, beta):
    one, two = pairs[:, 0], pairs[:, 1]
    turned = labels[one] < labels[two]
    better, worse = torch.where(turned, two, one), torch.where(turned, one, two)
    kept = labels[one] != labels[two]
    gone = policy - start.detach()
    margin = (gone[better] - gone[worse])[kept]
    count = max(len(margin), 1)
    loss = F.softplus(-beta * margin).sum() / count
    return loss, (margin > 0).sum().item() / count


_LOSS = "F.softplus(-beta * margin)"
_SLIPS = {
    "sign": (
        "The sign is wrong: your loss makes the worse of two more likely.",
        {_LOSS: "F.softplus(beta * margin)"},
    ),
    "start_left_out": (
        "You left the start out. What counts is how much *more* likely a completion became; a "
        "short line is likely anyway.",
        {"gone = policy - start.detach()": "gone = policy - 0.0 * start.detach()"},
    ),
    "start_added": (
        "You added the start's log-probability. It is taken off.",
        {"policy - start.detach()": "policy + start.detach()"},
    ),
    "start_minus_policy": (
        "Your margins have the wrong sign: policy and start, or better and worse, have changed "
        "places.",
        {"policy - start.detach()": "start.detach() - policy"},
    ),
    "start_trained": (
        "The start gets a gradient. It stays as it is.",
        {"start.detach()": "start"},
    ),
    "beta_left_out": (
        "β changes nothing in your loss.",
        {_LOSS: "F.softplus(-margin)"},
    ),
    "divided_by_beta": (
        "You divided by β. It multiplies the margin.",
        {_LOSS: "F.softplus(-margin / beta)"},
    ),
    "beta_in_front": (
        "You multiplied the loss by β. It belongs inside, to the margin.",
        {_LOSS: "beta * F.softplus(-margin)"},
    ),
    "beta_twice": (
        "You used β twice, in the margin and in front of the loss.",
        {_LOSS: "beta * F.softplus(-beta * margin)"},
    ),
    "pairs_not_turned": (
        "You took the first of every pair for the better one. The labels say which is.",
        {"turned = labels[one] < labels[two]":
         "turned = torch.zeros(len(pairs), dtype=torch.bool)"},
    ),
    "ties_kept": (
        "You kept pairs with the same label. Nobody preferred either of them: leave them out.",
        {"kept = labels[one] != labels[two]": "kept = torch.ones(len(pairs), dtype=torch.bool)"},
    ),
    "ties_in_the_count": (
        "You divided by all pairs, those with the same label among them.",
        {"count = max(len(margin), 1)": "count = max(len(pairs), 1)"},
    ),
    "neutral_left_out": (
        "You left out every pair with a neutral completion. Neutral is better than negative, "
        "and "
        "worse than positive.",
        {"kept = labels[one] != labels[two]":
         "kept = (labels[one] != labels[two]) & (labels[one] != 0.5) & (labels[two] != 0.5)"},
    ),
    "labels_rounded": (
        "You rounded the labels before comparing. 0.7 is better than 0.6.",
        {"kept = labels[one] != labels[two]":
         "kept = (labels[one] > 0.5) != (labels[two] > 0.5)"},
    ),
    "summed": (
        "You summed over the pairs. Take the mean.",
        {f"{_LOSS}.sum() / count": f"{_LOSS}.sum()"},
    ),
    "no_pair_nan": (
        "Where no pair differs, you divided by 0. The loss is 0 then.",
        {"count = max(len(margin), 1)": "count = len(margin) or float('nan')"},
    ),
    "logarithm_of_sigmoid": (
        "You take the logarithm of a sigmoid, which is 0 on a computer at margins in the "
        "hundreds. "
        "−log sigmoid(a) is softplus(−a).",
        {_LOSS: "-(beta * margin).sigmoid().log()"},
    ),
    "share_of_all_pairs": (
        "Your share is of all pairs. Those with the same label are in no order.",
        {"(margin > 0).sum().item() / count": "(margin > 0).sum().item() / len(pairs)"},
    ),
    "share_with_equals": (
        "You counted pairs with a margin of 0 as being in order. The policy does not "
        "prefer either.",
        {"(margin > 0).sum()": "(margin >= 0).sum()"},
    ),
    "share_by_policy": (
        "Your share compares the policy's log-probabilities alone. What it learned is its "
        "difference from the start.",
        {"(margin > 0).sum()": "((policy[better] - policy[worse])[kept] > 0).sum()"},
    ),
    "squared": (
        "You took the squared distance of the margin from 1/(2β). That is another loss (IPO).",
        {_LOSS: "(margin - 1 / (2 * beta)).square()"},
    ),
    "hinge": (
        "You wrote a hinge. Here the loss is −log sigmoid.",
        {_LOSS: "F.relu(1 - beta * margin)"},
    ),
    "detached": (
        "The loss is cut off from the policy, so nothing can learn.",
        {"return loss,": "return loss.detach(),"},
    ),
    "weighted_by_labels": (
        "You weighted each pair by how far its labels differ. All remaining pairs count the "
        "same.",
        {"F.softplus(-beta * margin).sum()":
         "(F.softplus(-beta * margin) * (labels[better] - labels[worse])[kept]).sum()"},
    ),
    "soft_targets": (
        "You used the better one's label as a soft target. The labels say only which of two "
        "is better.",
        {"F.softplus(-beta * margin).sum()":
         "(labels[better][kept] * F.softplus(-beta * margin) + (1 - labels[better][kept]) * "
         "F.softplus(beta * margin)).sum()"},
    ),
    "start_of_the_better_alone": (
        "You took the start off for the better one alone. It is taken off for both.",
        {"(gone[better] - gone[worse])":
         "(gone[better] - policy[worse])"},
    ),
    "no_logarithm": (
        "You left the logarithm out: the loss is −log σ, not 1 − σ.",
        {"F.softplus(-beta * margin)":
         "(1 - (beta * margin).sigmoid())"},
    ),
    "ratio_of_logarithms": (
        "You divided log-probabilities. The logarithm of a ratio is a difference.",
        {"policy - start.detach()":
         "policy / start.detach()"},
    ),
    "better_alone": (
        "You made the better ones likelier, and left the worse ones and the start out.",
        {"loss = F.softplus(-beta * margin).sum() / count":
         "loss = -policy[better][kept].sum() / count"},
    ),
    "margins_limited": (
        "You limited the margins. A pair that is far on the wrong side must still be pulled "
        "back.",
        {"F.softplus(-beta * margin)":
         "F.softplus((-beta * margin).clamp(-20, 20))"},
    ),
    "share_beyond_a_threshold": (
        "You counted margins above a threshold. Above 0 is enough.",
        {"(margin > 0)":
         "(beta * margin > 0.5)"},
    ),
    "share_wrong_way": (
        "Your share counts the pairs in the wrong order.",
        {"(margin > 0)":
         "(margin < 0)"},
    ),
    "share_of_completions": (
        "You divided the share by the number of completions. Divide by that of the remaining "
        "pairs.",
        {"(margin > 0).sum().item() / count":
         "(margin > 0).sum().item() / len(labels)"},
    ),
    "share_of_turned_pairs": (
        "Your share counts the pairs whose second is the better. Whether the policy agrees is "
        "asked for.",
        {"(margin > 0).sum().item()":
         "(turned & kept).sum().item()"},
    ),
    "normalised": (
        "You normalised log p − log q over the batch. It stays in nats: β is its only scale.",
        {"margin = (gone":
         "gone = (gone - gone.mean()) / (gone.std() + 1e-8)\n    margin = (gone"},
    ),
    "in_bits": (
        "Your loss is in bits. Nats: the natural logarithm.",
        {"loss = F.softplus(-beta * margin).sum() / count":
         "loss = F.softplus(-beta * margin).sum() / count / 0.6931471805599453"},
    ),
    "loss_of_the_mean": (
        "You took the loss of the mean margin. Take the mean of the losses.",
        {"F.softplus(-beta * margin).sum() / count":
         "F.softplus(-beta * margin.sum() / count) * (len(margin) > 0)"},
    ),
    "ratio_of_probabilities": (
        "You took p/q for g. It is the logarithm, log p − log q.",
        {"gone = policy - start.detach()":
         "gone = (policy - start.detach()).exp()"},
    ),
    "loss_over_all_pairs": (
        "You divided the loss by all pairs, those with the same label among them. They are "
        "left out of everything.",
        {"loss = F.softplus(-beta * margin).sum() / count":
         "loss = F.softplus(-beta * margin).sum() / len(pairs)"},
    ),
    "first_below_a_half": (
        "You turned a pair round where its first label is below ½. The higher of the two "
        "labels is the better one, wherever both lie.",
        {"turned = labels[one] < labels[two]":
         "turned = labels[one] < 0.5"},
    ),
    "second_above_a_half": (
        "You turned a pair round where its second label is above ½. The higher of the two "
        "labels is the better one, wherever both lie.",
        {"turned = labels[one] < labels[two]":
         "turned = labels[two] > 0.5"},
    ),
    "loss_sign": (
        "The sign of the loss is wrong: log σ is to be large, so −log σ is minimised.",
        {"loss = F.softplus(-beta * margin).sum() / count":
         "loss = -F.softplus(-beta * margin).sum() / count"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    dpo_loss.slip(_name, _message, _edits)

dpo_loss.equivalent(
    "`turned = labels[pairs[:, 0]] < labels[pairs[:, 1]]` → "
    "`turned = labels[pairs[:, 0]] <= labels[pairs[:, 1]]`",
    because="pairs with the same label are left out before",
)
dpo_loss.equivalent(
    "`count = max(len(margin), 1)` → `count = max(1, len(margin))`",
    because="the larger of two does not depend on their order",
)

dpo_loss.hint("How much more likely did a completion become? One number for each completion.")
dpo_loss.hint("Then, for each pair that differs: that of the better minus that of the worse.")
dpo_loss.hint("−log sigmoid(a) = log(1 + e^(−a)), which torch calls softplus(−a).")
dpo_loss.hint("At the start every margin is 0, and the loss ln 2.", when="factor")
