"""How `smoothed_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, name_habits

smoothed_loss = Exercise("smoothed_loss", minutes=10, difficulty=2)


def _smoothed_by_loop(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    total = 0.0
    for row, label in zip(logits.double().numpy(), labels.tolist(), strict=True):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        wanted = np.full(len(row), smoothing / len(row))
        wanted[label] += 1 - smoothing
        total -= float(wanted @ logs)
    return total / len(logits)


@smoothed_loss.property("is the cross-entropy with the smoothed target", trials=5)
def _(answer, draw: Draw) -> None:
    classes = draw.choice([2, 4, 7])
    logits, labels = normals(draw, draw.size, classes), drawn_labels(draw, classes, draw.size)
    smoothing = draw.choice([0.1, 0.2, 0.5])
    found = answer(logits, labels, smoothing)
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, smoothing))


@smoothed_loss.property("is the plain cross-entropy at 0, and knows no label at 1", trials=2)
def _(answer, draw: Draw) -> None:
    logits, labels = normals(draw, 4, 5), drawn_labels(draw, 5, 4)
    for smoothing in (0.0, 1.0):
        expected = _smoothed_by_loop(logits, labels, smoothing)
        expect(answer(logits, labels, smoothing), f"the loss at {smoothing:g}").close_to(expected)


@smoothed_loss.property("survives logits in the hundreds", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = 300 * normals(draw, 3, 4), drawn_labels(draw, 4, 3)
    found = answer(logits, labels, 0.1)
    expect(found, "the loss").is_finite()
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, 0.1))


@smoothed_loss.property("lets the gradient through to the logits", trials=1)
def _(answer, draw: Draw) -> None:
    loss = answer(normals(draw, 3, 4).requires_grad_(), drawn_labels(draw, 4, 3), 0.2)
    attached = bool(getattr(loss, "requires_grad", False))
    expect(attached, "part of the graph").equals(True)


def _smoothed(logits, labels, smoothing, **habits):
    classes = logits.shape[1]
    smoothing = 0.1 if habits.get("fixed") else smoothing
    logs = logits.log_softmax(1)
    if habits.get("unstable"):
        logs = (logits.exp() / logits.exp().sum(1, keepdim=True)).log()
    if habits.get("padded"):
        logs = (logits.softmax(1) + habits["padded"]).log()
    if habits.get("raw"):
        logs = logits
    if habits.get("twice"):
        logs = logits.softmax(1).log_softmax(1)
    if habits.get("columns"):
        logs = logits.log_softmax(0)
    hot = F.one_hot(labels, classes).to(logs.dtype)
    wanted = (1 - smoothing) * hot + smoothing / classes
    if habits.get("others"):
        wanted = (1 - smoothing) * hot + (1 - hot) * smoothing / (classes - 1)
    if habits.get("short"):
        wanted = (1 - smoothing) * hot + (1 - hot) * smoothing / classes
    if habits.get("right_only"):
        wanted = (1 - smoothing) * hot
    if habits.get("undivided"):
        wanted = (1 - smoothing) * hot + smoothing
    if habits.get("plain"):
        wanted = hot
    if habits.get("swapped"):
        wanted = smoothing * hot + (1 - smoothing) / classes
    loss = -(wanted * logs)
    if habits.get("over_all"):
        return loss.mean()
    loss = loss.sum(1)
    loss = -loss if habits.get("sign") else loss
    loss = loss.sum() if habits.get("summed") else loss
    loss = loss.mean() if loss.ndim and not habits.get("each") else loss
    return loss.item() if habits.get("number") else loss


name_habits(smoothed_loss, _smoothed, (
    ("You spread ε over the K − 1 *other* classes. The page spreads it over all K, the right one "
     "included, as F.cross_entropy does.", "over_the_others", {"others": True}),
    ("Your target adds up to less than 1: the right class gets 1 − ε *and* its own ε/K.",
     "right_class_short", {"short": True}),
    ("The other classes get nothing in your target. Each gets ε/K.",
     "right_class_only", {"right_only": True}),
    ("Each class gets ε. It is ε/K.", "not_divided_by_classes", {"undivided": True}),
    ("`smoothing` is not used.", "plain_cross_entropy", {"plain": True}),
    ("You smooth by 0.1 always. Use the number that was given.",
     "fixed_smoothing", {"fixed": True}),
    ("ε and 1 − ε have changed places.", "shares_swapped", {"swapped": True}),
    ("You averaged over the classes too. Sum over the classes, mean over the batch.",
     "mean_over_classes", {"over_all": True}),
    ("You summed over the batch. Take the mean.", "summed_over_batch", {"summed": True}),
    ("You returned one loss for each picture. Take their mean.", "one_for_each", {"each": True}),
    ("The sign is missing: cross-entropy is *minus* the sum.", "without_minus", {"sign": True}),
    ("The logits are no logarithms of probabilities: `log_softmax` first.",
     "logits_as_they_are", {"raw": True}),
    ("You took the softmax twice. `log_softmax` of the logits is enough.",
     "softmax_twice", {"twice": True}),
    ("Your softmax runs over the batch. It runs over the classes, axis 1.",
     "softmax_over_batch", {"columns": True}),
    ("Exponential and logarithm apart overflow for large logits: `log_softmax`.",
     "overflows", {"unstable": True}),
    *((f"The {tiny:g} that you add inside the logarithm keeps it finite, and wrong: no probability "
       "can count as less than that. `log_softmax` needs no such number.",
       f"adds_{tiny:g}", {"padded": tiny}) for tiny in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)),
    ("You returned a plain number, so that nothing can be learned from it. Return the tensor.",
     "plain_number", {"number": True}),
))  # fmt: skip


smoothed_loss.hint("The target of one row: ε/K everywhere, and 1 − ε more at the label.")


smoothed_loss.hint("−Σ target · log softmax splits into two sums: one at the label, one over all.")


smoothed_loss.hint("`logs.gather(1, labels[:, None])` and `logs.mean(1)`.", when="value")


smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="infinite")


smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="nan")


smoothed_loss.hint("One number for the whole batch.", when="shape")
