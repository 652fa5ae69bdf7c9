"""How `supervised_contrastive_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.exercises.doubles import token_tensor
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import CIRCLE, log_shares, on_the_sphere

supervised_contrastive_loss = Exercise(
    "supervised_contrastive_loss", minutes=25, difficulty=2, returns=torch.Tensor
)


def _expected(z, labels, temperature: float) -> float:
    """Anchor by anchor; those without a positive are left out."""
    shares, terms = log_shares(z, temperature), []
    for i, label in enumerate(labels.tolist()):
        of_positives = [
            -shares[i, j] for j in range(len(z)) if j != i and labels[j].item() == label
        ]
        if of_positives:
            terms.append(np.mean(of_positives))
    return float(np.mean(terms)) if terms else 0.0


@supervised_contrastive_loss.property("averages over positives, then over anchors", trials=5)
def _(answer, draw: Draw) -> None:
    n = 2 * draw.size + 3
    z, labels = on_the_sphere(draw, n, 3), token_tensor(draw, 2, n)
    temperature = draw.uniform(0.2, 2.0)
    expected = _expected(z, labels, temperature)
    expect(answer(z, labels, temperature), "the loss").close_to(expected)


@supervised_contrastive_loss.property("agrees with the four points of the page")
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0, 0, 1, 1])
    expect(answer(CIRCLE, labels, 0.5), "the loss").close_to(_expected(CIRCLE, labels, 0.5))


@supervised_contrastive_loss.property("leaves out anchors that have no positive", trials=5)
def _(answer, draw: Draw) -> None:
    z = on_the_sphere(draw, draw.size + 4, 3)
    labels = torch.tensor([7, 7, 7, *range(draw.size + 1)])
    loss = answer(z, labels, 0.5)
    expect(loss, "the loss").is_finite().close_to(_expected(z, labels, 0.5))


@supervised_contrastive_loss.property("is 0 where no anchor has a positive, and never NaN")
def _(answer, draw: Draw) -> None:
    z = on_the_sphere(draw, draw.size + 1, 3)
    expect(answer(z, torch.arange(draw.size + 1), 0.5), "the loss").close_to(0.0, atol=1e-7)


@supervised_contrastive_loss.property("survives a temperature of 0.001")
def _(answer, draw: Draw) -> None:
    z, labels = on_the_sphere(draw, 6, 3), torch.tensor([0, 1, 0, 1, 2, 0])
    expected = _expected(z, labels, 0.001)
    expect(answer(z, labels, 0.001), "the loss").is_finite().close_to(expected)


@supervised_contrastive_loss.property("sends a finite gradient back, lone anchors or not")
def _(answer, draw: Draw) -> None:
    for labels in ([0, 0, 1, 2], [0, 1, 2, 3]):
        loss = answer(on_the_sphere(draw, 4, 3).requires_grad_(), torch.tensor(labels), 0.2)
        expect(loss.requires_grad, "whether a gradient can flow").equals(True)
        if loss.requires_grad:
            gradient = gradients_at_leaves(loss)[0]
            expect(bool(gradient.isfinite().all()), "whether the gradient is finite").equals(True)


@supervised_contrastive_loss.right
def right_supervised(z, labels, temperature):
    others = ~torch.eye(len(z), dtype=torch.bool)
    positive = (labels[:, None] == labels) & others
    scores = (z @ z.T / temperature).masked_fill(~others, -math.inf)
    log_share = scores.log_softmax(1).masked_fill(~positive, 0.0)
    counts = positive.sum(1)
    of_each = -log_share.sum(1) / counts.clamp(min=1)
    return of_each.sum() / (counts > 0).sum().clamp(min=1)


_RETURN = "of_each.sum() / (counts > 0).sum().clamp(min=1)"
_EACH = "-log_share.sum(1) / counts.clamp(min=1)"
_SCORES = "(z @ z.T / temperature).masked_fill(~others, -math.inf)"
_SHARE = "scores.log_softmax(1).masked_fill(~positive, 0.0)"

supervised_contrastive_loss.slip(
    "lone_anchors_counted",
    "You divided by the size of the batch. Anchors without a positive say nothing and are left "
    "out of the mean; counting them as 0 makes rare classes look solved.",
    {"(counts > 0).sum().clamp(min=1)": "len(z)"},
)
supervised_contrastive_loss.slip(
    "lone_anchor_gives_nan",
    "An anchor without a positive divides 0 by 0, and one NaN makes the whole loss NaN. Leave "
    "such anchors out.",
    {"counts.clamp(min=1)": "counts"},
)
supervised_contrastive_loss.slip(
    "nothing_left_gives_nan",
    "Where no anchor has a positive your mean is over nothing, and NaN. The loss is 0 there.",
    {_RETURN: "of_each.sum() / (counts > 0).sum()"},
)
supervised_contrastive_loss.slip(
    "masked_by_product",
    "You multiplied the logarithms by a mask. The anchor's own is −∞, and 0 · (−∞) is NaN: choose "
    "with masked_fill or torch.where.",
    {_SHARE: "scores.log_softmax(1) * positive"},
)
supervised_contrastive_loss.slip(
    "own_positive",
    "You count each anchor as its own positive. It shares its label with itself, but comparing it "
    "with itself teaches nothing: take the diagonal out of the positives.",
    {
        "(labels[:, None] == labels) & others": "labels[:, None] == labels",
        _SCORES: "z @ z.T / temperature",
    },
)
supervised_contrastive_loss.slip(
    "itself_below",
    "The anchor stands in its own denominator, where it is always the best match. Hide its score "
    "with −∞ before the softmax.",
    {_SCORES: "z @ z.T / temperature"},
)
supervised_contrastive_loss.slip(
    "logarithm_outside",
    "You took the logarithm of the mean share of the positives. That is the loss L_in, which is "
    "content with one near positive. Here the mean of the logarithms is asked for: every positive "
    "must come near.",
    {
        _SHARE: "scores.log_softmax(1).masked_fill(~positive, -1e9)",
        _EACH: "-(log_share.logsumexp(1) - counts.clamp(min=1).log()).masked_fill(counts == 0, 0)",
    },
)
supervised_contrastive_loss.slip(
    "summed_positives",
    "You summed over an anchor's positives. Average over them, or frequent classes dominate.",
    {_EACH: "-log_share.sum(1)"},
)
supervised_contrastive_loss.slip(
    "all_pairs_alike",
    "You averaged over all pairs at once. Average over the positives of each anchor first, then "
    "over the anchors: each anchor counts the same, however many positives it has.",
    {_RETURN: "(of_each * counts).sum() / counts.sum().clamp(min=1)"},
)
supervised_contrastive_loss.slip(
    "summed_anchors",
    "You summed over the anchors. Average over those that have a positive.",
    {_RETURN: "of_each.sum()"},
)
supervised_contrastive_loss.slip(
    "negatives_alone_below",
    "Your denominator holds the negatives alone. All others stand there, the positives too: only "
    "so are the shares probabilities.",
    {
        "    log_share =": "    below = scores.masked_fill(positive, -math.inf).logsumexp(1, True)"
        "\n    log_share =",
        _SHARE: "(scores - below.clamp(min=-1e4)).masked_fill(~positive, 0.0)",
    },
)
supervised_contrastive_loss.slip(
    "multiplied_temperature",
    "You multiplied by the temperature. Similarities are divided by it.",
    {"z @ z.T / temperature": "z @ z.T * temperature"},
)
supervised_contrastive_loss.slip(
    "sign_flipped",
    "The sign is flipped: the loss is minus the mean log-share, and falls as positives come near.",
    {_EACH: "log_share.sum(1) / counts.clamp(min=1)"},
)
supervised_contrastive_loss.slip(
    "labels_turned_round",
    "You draw together what has *different* labels. Positives share the anchor's label.",
    {"labels[:, None] == labels": "labels[:, None] != labels"},
)
supervised_contrastive_loss.slip(
    "logarithm_of_softmax",
    "You take the logarithm of the softmax. At a temperature of 0.001 a share is rounded to 0, "
    "and its logarithm is −∞: take log_softmax of the scores.",
    {"scores.log_softmax(1)": "scores.softmax(1).log()"},
)
supervised_contrastive_loss.slip(
    "sum_inside",
    "You took the logarithm of the *sum* of the positives' shares, which one near positive can "
    "satisfy. Take each logarithm, then their mean.",
    {
        _SHARE: "scores.log_softmax(1).masked_fill(~positive, -1e9)",
        _EACH: "-log_share.logsumexp(1).masked_fill(counts == 0, 0)",
    },
)
supervised_contrastive_loss.slip(
    "other_positives_hidden",
    "For each positive you hid the other positives from the denominator. All other rows stand "
    "there, whatever their labels.",
    {
        "    log_share =": (
            "    below = scores.masked_fill(positive, -math.inf).logsumexp(1, "
            "True).clamp(min=-1e4)\n    log_share ="
        ),
        _SHARE: "(-torch.nn.functional.softplus(below - scores)).masked_fill(~positive, 0.0)",
    },
)
supervised_contrastive_loss.slip(
    "first_positive_alone",
    "You took one positive for each anchor, the first. Average over all of them.",
    {"& others\n": "& others\n    positive = positive & (positive.cumsum(1) == 1)\n"},
)
supervised_contrastive_loss.slip(
    "itself_in_the_count",
    "You divided by the number of rows with the label, the anchor among them. It is no positive "
    "of its own.",
    {_EACH: "-log_share.sum(1) / (counts + 1)"},
)
supervised_contrastive_loss.slip(
    "exponentials_added",
    "You add exponentials of the scores up. At a temperature of 0.001 they are infinite: take "
    "log_softmax or logsumexp of the scores.",
    {_SHARE: "(scores - scores.exp().sum(1, keepdim=True).log()).masked_fill(~positive, 0.0)"},
)
supervised_contrastive_loss.slip(
    "loss_times_temperature",
    "You multiplied the loss by the temperature, as some programs do. Here it is the plain mean "
    "of −log shares.",
    {_RETURN: "temperature * of_each.sum() / (counts > 0).sum().clamp(min=1)"},
)
supervised_contrastive_loss.slip(
    "constant_zero",
    "Where no anchor has a positive you return a 0 that does not depend on z, and a training "
    "loop stops at its `.backward()`. Return a 0 with a gradient, such as (0 * z).sum().",
    {_RETURN: "of_each.sum() / (counts > 0).sum() if positive.any() else torch.tensor(0.0)"},
)


@supervised_contrastive_loss.mistake(
    "You add exponentials of the scores up. At a temperature of 0.001 they are infinite, and 0 "
    "times infinity is NaN: take log_softmax of the scores, and choose with masked_fill."
)
def exponentials_and_product(z, labels, temperature):
    scores, others = z @ z.T / temperature, 1 - torch.eye(len(z))
    positive = (labels[:, None] == labels).float() * others
    log_share = scores - (scores.exp() * others).sum(1, keepdim=True).log()
    counts = positive.sum(1)
    if not counts.any():
        return (0 * z).sum()
    has_one = counts > 0
    return -((positive * log_share).sum(1)[has_one] / counts[has_one]).mean()


_SYMMETRIC = "who is whose positive is symmetric, and all of one label have as many positives"
for _line, _other, _because in (
    (
        "log_share = scores.log_softmax(dim=1).masked_fill(~positive, 0.0)",
        "log_share = scores.log_softmax(dim=0).masked_fill(~positive, 0.0)",
        _SYMMETRIC,
    ),
    ("counts = positive.sum(dim=1)", "counts = positive.sum(dim=0)", _SYMMETRIC),
    (
        "of_each = -log_share.sum(dim=1) / counts.clamp(min=1)",
        "of_each = -log_share.sum(dim=0) / counts.clamp(min=1)",
        _SYMMETRIC,
    ),
    (
        "return of_each.sum() / (counts > 0).sum().clamp(min=1)",
        "return of_each.sum() / (counts > 0).sum().clamp(min=2)",
        "where one anchor has a positive, that positive is an anchor that has one",
    ),
):
    supervised_contrastive_loss.equivalent(f"`{_line}` → `{_other}`", because=_because)


supervised_contrastive_loss.hint(
    "Two masks of shape (n, n): who is another, and who is a positive."
)
supervised_contrastive_loss.hint(
    "Softmax over the others; then pick out the logarithms of the positives and average each row."
)
supervised_contrastive_loss.hint(
    "Rows without a positive have sum 0. By what do you divide them, and do you count them?",
    when="leaves out anchors that have no positive",
)
supervised_contrastive_loss.hint("Where can 0 · ∞ or 0 / 0 arise?", when="nan")
supervised_contrastive_loss.hint(
    "Is it the mean over positives first, or over all pairs?", when="value"
)
