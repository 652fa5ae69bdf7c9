"""How `smoothed_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels

smoothed_loss = Exercise("smoothed_loss", minutes=10, difficulty=2, returns=Tensor)


def _target(labels: Tensor, classes: int, smoothing: float) -> np.ndarray:
    wanted = np.full((len(labels), classes), smoothing / classes)
    for row, label in zip(wanted, labels.tolist(), strict=True):
        row[label] += 1 - smoothing
    return wanted


def _smoothed_by_loop(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    total = 0.0
    target = _target(labels, logits.shape[1], smoothing)
    for row, wanted in zip(logits.double().numpy(), target, strict=True):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        total -= float(wanted @ logs)
    return total / len(logits)


@smoothed_loss.property("is the cross-entropy with the smoothed target", trials=5)
def _(answer, draw: Draw) -> None:
    classes = draw.choice([2, 4, 7])
    logits, labels = normals(draw, draw.size, classes), drawn_labels(draw, classes, draw.size)
    smoothing = draw.choice([0.1, 0.2, 0.5])
    found = answer(logits, labels, smoothing)
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, smoothing))


@smoothed_loss.property("is the plain cross-entropy at 0", trials=2)
def _(answer, draw: Draw) -> None:
    logits, labels = normals(draw, 4, 5), drawn_labels(draw, 5, 4)
    expected = _smoothed_by_loop(logits, labels, 0.0)
    expect(answer(logits, labels, 0.0), "the loss").close_to(expected)


@smoothed_loss.property("knows no label at 1", trials=2)
def _(answer, draw: Draw) -> None:
    logits, labels = normals(draw, 4, 5), drawn_labels(draw, 5, 4)
    expected = _smoothed_by_loop(logits, labels, 1.0)
    expect(answer(logits, labels, 1.0), "the loss").close_to(expected)
    expect(answer(logits, (labels + 1) % 5, 1.0), "with other labels").close_to(expected)


@smoothed_loss.property("survives logits in the hundreds", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = 300 * normals(draw, 3, 4), drawn_labels(draw, 4, 3)
    logits[:, 0], logits[:, 1] = 500.0, -500.0  # far apart, whatever is drawn
    found = answer(logits, labels, 0.1)
    expect(found, "the loss").is_finite()
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, 0.1))


@smoothed_loss.property("lets the gradient through to the logits", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = normals(draw, 3, 4), drawn_labels(draw, 4, 3)
    loss = answer(logits.clone().requires_grad_(), labels, 0.2)
    found = gradients_at_leaves(loss)
    expect(len(found), "how many inputs the loss has a gradient for").equals(1)
    wanted = (logits.softmax(1).numpy() - _target(labels, 4, 0.2)) / 3
    if found:
        expect(found[0], "the gradient of the logits").close_to(wanted, rtol=1e-3, atol=1e-5)


@smoothed_loss.right
def right_loss(logits, labels, smoothing):
    logs = logits.log_softmax(1)
    hot = F.one_hot(labels, logits.shape[1])
    wanted = (1 - smoothing) * hot + smoothing / logits.shape[1]
    return -(wanted * logs).sum(1).mean()


_LOGS = "logits.log_softmax(1)"
_WANTED = "(1 - smoothing) * hot + smoothing / logits.shape[1]"
_LOSS = "-(wanted * logs).sum(1).mean()"


smoothed_loss.slip(
    "over_the_others",
    "You spread ε over the K − 1 *other* classes. The page spreads it over all K, the right one "
    "included, as F.cross_entropy does.",
    {_WANTED: "(1 - smoothing) * hot + (1 - hot) * smoothing / (logits.shape[1] - 1)"},
)
smoothed_loss.slip(
    "right_class_short",
    "Your target adds up to less than 1: the right class gets 1 − ε *and* its own ε/K.",
    {_WANTED: "(1 - smoothing) * hot + (1 - hot) * smoothing / logits.shape[1]"},
)
smoothed_loss.slip(
    "right_class_whole",
    "Your target adds up to more than 1: the right class gets 1 − ε and ε/K, not 1 and ε/K.",
    {_WANTED: "hot + smoothing / logits.shape[1]"},
)
smoothed_loss.slip(
    "right_class_only",
    "The other classes get nothing in your target. Each gets ε/K.",
    {_WANTED: "(1 - smoothing) * hot"},
)
smoothed_loss.slip(
    "not_divided_by_classes",
    "Each class gets ε. It is ε/K.",
    {_WANTED: "(1 - smoothing) * hot + smoothing"},
)
smoothed_loss.slip(
    "divided_by_the_batch",
    "Each class gets ε divided by the number of pictures. Divide by the number of classes.",
    {"smoothing / logits.shape[1]": "smoothing / logits.shape[0]"},
)
smoothed_loss.slip(
    "plain_cross_entropy",
    "`smoothing` is not used.",
    {_WANTED: "hot"},
)
smoothed_loss.slip(
    "fixed_smoothing",
    "You smooth by 0.1 always. Use the number that was given.",
    {_WANTED: "0.9 * hot + 0.1 / logits.shape[1]"},
)
smoothed_loss.slip(
    "shares_swapped",
    "ε and 1 − ε have changed places.",
    {_WANTED: "smoothing * hot + (1 - smoothing) / logits.shape[1]"},
)
smoothed_loss.slip(
    "mean_over_classes",
    "You averaged over the classes too. Sum over the classes, mean over the batch.",
    {_LOSS: "-(wanted * logs).mean()"},
)
smoothed_loss.slip(
    "summed_over_batch",
    "You summed over the batch. Take the mean.",
    {_LOSS: "-(wanted * logs).sum()"},
)
smoothed_loss.slip(
    "one_for_each",
    "You returned one loss for each picture. Take their mean.",
    {_LOSS: "-(wanted * logs).sum(1)"},
)
smoothed_loss.slip(
    "without_minus",
    "The sign is missing: cross-entropy is *minus* the sum.",
    {_LOSS: "(wanted * logs).sum(1).mean()"},
)
smoothed_loss.slip(
    "logits_as_they_are",
    "The logits are no logarithms of probabilities: `log_softmax` first.",
    {_LOGS: "logits"},
)
smoothed_loss.slip(
    "without_logarithm",
    "You summed the probabilities themselves. The loss takes their logarithms: `log_softmax`.",
    {_LOGS: "logits.softmax(1)"},
)
smoothed_loss.slip(
    "softmax_twice",
    "You took the softmax twice. `log_softmax` of the logits is enough.",
    {_LOGS: "logits.softmax(1).log_softmax(1)"},
)
smoothed_loss.slip(
    "softmax_over_batch",
    "Your softmax runs over the batch. It runs over the classes, axis 1.",
    {_LOGS: "logits.log_softmax(0)"},
)
smoothed_loss.slip(
    "overflows",
    "Exponential and logarithm apart overflow for large logits: `log_softmax`.",
    {_LOGS: "(logits.exp() / logits.exp().sum(1, keepdim=True)).log()"},
)
smoothed_loss.slip(
    "underflows",
    "Softmax and logarithm apart fail for large logits: the probability of a class far behind is "
    "rounded to 0, and the logarithm of 0 is −∞. `log_softmax` does both in one.",
    {_LOGS: "logits.softmax(1).log()"},
)
for _tiny in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6):
    smoothed_loss.slip(
        f"adds_{_tiny:g}",
        f"The {_tiny:g} inside your logarithm, added or as a lower bound, keeps it finite, and "
        "wrong: no probability can count as less than that. `log_softmax` needs no such number.",
        {_LOGS: f"(logits.softmax(1) + {_tiny}).log()"},
    )
smoothed_loss.slip(
    "plain_number",
    "You returned a plain number, so that nothing can be learned from it. Return the tensor.",
    {_LOSS: f"({_LOSS}).item()"},
)
smoothed_loss.slip(
    "detached",
    "No gradient flows from your loss to the logits, so that nothing can be learned from it. Leave "
    "out `detach`, `no_grad`, and whatever makes a new tensor from numbers.",
    {_LOSS: "-(wanted * logs.detach()).sum(1).mean()"},
)
smoothed_loss.slip(
    "smoothing_without_gradient",
    "The loss is right and its gradient is not: the part that all classes share is cut off from "
    "the graph, by `detach`, `.item()` or `float`.",
    {_LOSS: "-((1 - smoothing) * hot * logs).sum(1).mean() - smoothing * logs.mean().item()"},
)


smoothed_loss.hint("The target of one row: ε/K everywhere, and 1 − ε more at the label.")
smoothed_loss.hint("−Σ target · log softmax splits into two sums: one at the label, one over all.")
smoothed_loss.hint("`logs.gather(1, labels[:, None])` and `logs.mean(1)`.", when="value")
smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="infinite")
smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="nan")
smoothed_loss.hint("One number for the whole batch.", when="shape")
