"""How `soft_label_loss` is judged: cross-entropies of two-way choices, one by one."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

soft_label_loss = Exercise(
    "soft_label_loss", minutes=15, difficulty=2, returns=tuple[Tensor, float]
)


def _expected(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    losses, floors = [], []
    for logit, label in zip(logits.double().tolist(), labels.double().tolist(), strict=True):
        yes, no = float(np.logaddexp(0.0, -logit)), float(np.logaddexp(0.0, logit))
        losses.append(label * yes + (1 - label) * no)
        floors.append(-sum(p * math.log(p) for p in (label, 1 - label) if p > 0))
    return float(np.mean(losses)), float(np.mean(floors))


def _labels(draw: Draw, n: int) -> Tensor:
    return torch.tensor([draw.choice([0.0, 0.25, 0.5, 0.7, 1.0]) for _ in range(n)])


def _expect_loss(answer, logits: Tensor, labels: Tensor) -> None:
    loss, floor = answer(logits, labels)
    right_loss, right_floor = _expected(logits, labels)
    expect(loss, "the loss").has_shape().is_finite().close_to(right_loss)
    expect(floor, "the floor").is_finite().close_to(right_floor, atol=1e-6)


@soft_label_loss.property("is a cross-entropy, and its floor the labels' own entropy", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    _expect_loss(answer, normals(draw, n), _labels(draw, n))


@soft_label_loss.property("has floor ln 2 where all are neutral", trials=2)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    _expect_loss(answer, normals(draw, n), torch.full((n,), 0.5))


@soft_label_loss.property("has floor 0 where no label is soft", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size + 2
    _expect_loss(answer, normals(draw, n), torch.tensor(draw.integers(0, 2, n)).float())


@soft_label_loss.property("stays finite for logits in the hundreds", trials=2)
def _(answer, draw: Draw) -> None:
    logits = torch.tensor([300.0, -400.0, 150.0, -120.0])
    _expect_loss(answer, logits, torch.tensor([0.0, 1.0, 0.5, 0.25]))


@soft_label_loss.property("trains the scores: the gradient is (probability − label) / n", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    logits, labels = normals(draw, n).requires_grad_(), _labels(draw, n)
    loss, _ = answer(logits, labels)
    expect(loss.requires_grad, "whether a gradient can flow").equals(True)
    if loss.requires_grad:
        found = gradients_at_leaves(loss)
        right = (logits.detach().sigmoid() - labels) / n
        expect(found[0], "the gradient at the scores").close_to(right, atol=1e-6)


@soft_label_loss.right
def right_loss(logits, labels):
    loss = (labels * F.softplus(-logits) + (1 - labels) * F.softplus(logits)).mean()
    yes = torch.special.entr(labels)
    no = torch.special.entr(1 - labels)
    return loss, (yes + no).mean().item()


_LOSS = "(labels * F.softplus(-logits) + (1 - labels) * F.softplus(logits))"
_SLIPS = {
    "labels_rounded": (
        "You rounded the labels to 0 and 1. A neutral text is then called sad or happy, and the "
        "model learns it.",
        {_LOSS: "(labels.round() * F.softplus(-logits) "
         "+ (1 - labels.round()) * F.softplus(logits))"},
    ),
    "positive_half": (
        "You left out the second half, (1 − label) · −log(1 − p). Without it the best score is "
        "infinite for everything.",
        {_LOSS: "(labels * F.softplus(-logits))"},
    ),
    "signs_exchanged": (
        "You exchanged the two halves: happy texts get a low score.",
        {_LOSS: "(labels * F.softplus(logits) + (1 - labels) * F.softplus(-logits))"},
    ),
    "summed": (
        "You summed the loss over the texts. Take the mean.",
        {".mean()\n": ".sum()\n"},
    ),
    "floor_summed": (
        "Your floor is a sum over the texts, and the loss a mean.",
        {"(yes + no).mean()": "(yes + no).sum()"},
    ),
    "floor_in_bits": (
        "Your floor is in bits, and the loss in nats.",
        {"(yes + no).mean().item()": "(yes + no).mean().item() / 0.6931471805599453"},
    ),
    "floor_is_zero": (
        "You gave 0 as the floor. With soft labels even the right probability is surprised: by "
        "the "
        "entropy of the label.",
        {"(yes + no).mean().item()": "0.0"},
    ),
    "floor_of_the_mean_label": (
        "Your floor is the entropy of the mean label, what a model reaches that gives every "
        "text "
        "the same score. The floor is for the best score of *each* text.",
        {"entr(labels)": "entr(labels.mean())", "entr(1 - labels)": "entr(1 - labels.mean())"},
    ),
    "half_the_entropy": (
        "Your floor has −y log y alone. The other outcome counts as well: −(1 − y) log(1 − y).",
        {"(yes + no).mean()": "yes.mean()"},
    ),
    "floor_always_ln_2": (
        "You gave ln 2 as the floor, which is right for neutral labels alone.",
        {"(yes + no).mean().item()": "0.6931471805599453"},
    ),
    "excess_returned": (
        "You subtracted the floor from the loss. They come back apart.",
        {"return loss,": "return loss - (yes + no).mean(),"},
    ),
    "floor_from_predictions": (
        "Your floor is the entropy of the predictions. It belongs to the labels: no "
        "model is in it.",
        {"entr(labels)": "entr(logits.detach().sigmoid())",
         "entr(1 - labels)": "entr(1 - logits.detach().sigmoid())"},
    ),
    "log_of_zero": (
        "Your floor has 0 · log 0, which is NaN for a label of 0 or 1. It counts as 0.",
        {"torch.special.entr(labels)": "-labels * labels.log()",
         "torch.special.entr(1 - labels)": "-(1 - labels) * (1 - labels).log()"},
    ),
    "squared_error": (
        "You took squared errors of the probabilities. The loss is a cross-entropy.",
        {_LOSS: "(logits.sigmoid() - labels).square()"},
    ),
    "squared_error_of_scores": (
        "You took squared errors of the scores. A score is a logit, and the loss a "
        "cross-entropy.",
        {_LOSS: "(logits - labels).square()"},
    ),
    "probabilities_expected": (
        "You took the scores for probabilities. They are logits: any real number.",
        {_LOSS: "(-labels * logits.clamp(1e-6, 1).log() "
         "- (1 - labels) * (1 - logits.clamp(0, 1 - 1e-6)).log())"},
    ),
    "logarithm_of_sigmoid": (
        "You take the logarithm of a sigmoid, which is rounded to 0 or 1 at scores in the "
        "hundreds."
        " −log sigmoid(a) is softplus(−a).",
        {_LOSS: "(-labels * logits.sigmoid().log() - (1 - labels) * (1 - "
                "logits.sigmoid()).log())"},
    ),
    "clamped_at_100": (
        "torch's binary_cross_entropy of probabilities stops at a surprise of 100. Hand the "
        "scores to binary_cross_entropy_with_logits.",
        {_LOSS: "(labels * (-logits.sigmoid().log()).clamp(max=100) "
         "+ (1 - labels) * (-(1 - logits.sigmoid()).log()).clamp(max=100))"},
    ),
    "neutral_left_out": (
        "You left neutral texts out of the mean. They are what keeps the score of a neutral "
        "text "
        "in the middle.",
        {_LOSS + ".mean()": _LOSS + "[labels != 0.5].sum() / (labels != 0.5).sum().clamp(min=1)"},
    ),
    "cut_off": (
        "The loss is cut off from the scores, so nothing can learn.",
        {"return loss,": "return loss.detach(),"},
    ),
    "order_exchanged": (
        "Loss and floor have changed places. The loss comes first.",
        {"return loss, (yes + no).mean().item()": "return (yes + no).mean(), loss.item()"},
    ),
    "floor_sign": (
        "The sign of your floor is wrong: an entropy is −Σ p log p, and never negative.",
        {"(yes + no).mean().item()":
         "-(yes + no).mean().item()"},
    ),
    "loss_in_bits": (
        "Your loss is in bits. Nats are asked for.",
        {"return loss,":
         "return loss / 0.6931471805599453,"},
    ),
    "softmax_over_texts": (
        "You took a softmax over the texts. Each text has a probability of its own: the "
        "sigmoid of its score.",
        {"(labels * F.softplus(-logits) + (1 - labels) * F.softplus(logits)).mean()":
         "F.cross_entropy(logits[None], labels[None] / labels.sum().clamp(min=1e-6))"},
    ),
    "sigmoid_twice": (
        "You took the sigmoid before a loss that takes it itself.",
        {"    loss = (":
         "    logits = logits.sigmoid()\n    loss = ("},
    ),
    "both_summed": (
        "You summed loss and floor over the texts. Take the means.",
        {".mean()\n":
         ".sum()\n",
         "(yes + no).mean()":
         "(yes + no).sum()"},
    ),
    "floor_lowest": (
        "You gave the lowest entropy of a label. The floor of a mean loss is the mean of the "
        "entropies.",
        {"(yes + no).mean().item()":
         "(yes + no).min().item()"},
    ),
    "floor_of_soft_labels_alone": (
        "You averaged the entropies of soft labels alone. Labels of 0 and 1 count too, with "
        "0.",
        {"(yes + no).mean().item()":
         "((yes + no).sum() / (yes + no > 0).sum().clamp(min=1)).item()"},
    ),
    "floor_halved": (
        "Your floor is half of the mean entropy: the two outcomes of a label are added, not "
        "averaged.",
        {"(yes + no).mean().item()":
         "((yes + no) / 2).mean().item()"},
    ),
    "labels_moved_for_the_floor": (
        "You moved the labels away from 0 and 1 before taking their entropy. Then a label "
        "without doubt has a floor above 0.",
        {"torch.special.entr(labels)":
         "torch.special.entr(labels.clamp(0.01, 0.99))",
         "torch.special.entr(1 - labels)":
         "torch.special.entr(1 - labels.clamp(0.01, 0.99))"},
    ),
    "scores_clamped": (
        "You limited the scores. A score in the hundreds on the wrong side costs hundreds of "
        "nats, and must be pulled back.",
        {"    loss = (":
         "    logits = logits.clamp(-20, 20)\n    loss = ("},
    ),
    "floor_of_each": (
        "You gave an entropy for each text. The floor is one number, their mean.",
        {"(yes + no).mean().item()":
         "(yes + no)"},
    ),
    "small_number_in_the_logarithm": (
        "You put a small number into the logarithm. The loss then stops growing at scores in "
        "the hundreds: use binary_cross_entropy_with_logits.",
        {"(labels * F.softplus(-logits) + (1 - labels) * F.softplus(logits))":
         "-(labels * (logits.sigmoid() + 1e-8).log() + (1 - labels) * (1 - logits.sigmoid() + "
         "1e-8).log())"},
    ),
    "probabilities_clamped": (
        "You keep the probabilities away from 0 and 1. A score in the hundreds on the wrong "
        "side then costs no more than a few nats, and gets no gradient: use "
        "binary_cross_entropy_with_logits.",
        {"(labels * F.softplus(-logits) + (1 - labels) * F.softplus(logits))":
         "-(labels * logits.sigmoid().clamp(1e-6, 1 - 1e-6).log() + (1 - labels) * (1 - "
         "logits.sigmoid().clamp(1e-6, 1 - 1e-6)).log())"},
    ),
    "small_number_in_the_floor": (
        "You put a small number into the logarithm of the floor, so large that the floor is "
        "off. 0 · log 0 counts as 0: `torch.special.entr`, or `torch.xlogy`.",
        {"torch.special.entr(labels)":
         "-labels * (labels + 1e-3).log()",
         "torch.special.entr(1 - labels)":
         "-(1 - labels) * (1 - labels + 1e-3).log()"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    soft_label_loss.slip(_name, _message, _edits)

soft_label_loss.hint(
    "A label of 0.7 is a mixture: 70 % of the surprise of one answer, 30 % of the other."
)
soft_label_loss.hint("If the probability equals the label, what is left of the loss?")
soft_label_loss.hint("`torch.special.entr(p)` is −p log p, and 0 at 0.", when="nan")
