"""How `negative_log_likelihood` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, one_hot_rows, slopes_through

negative_log_likelihood = Exercise(
    "negative_log_likelihood", minutes=8, difficulty=2, returns=Tensor
)


def _log_probabilities(draw: Draw, n: int, classes: int) -> Tensor:
    """Rows of log-probabilities, from probabilities that are whole hundredths."""
    rows = []
    for _ in range(n):
        cuts = np.sort(draw.rng.choice(np.arange(1, 100), classes - 1, replace=False))
        rows.append(np.diff(np.concatenate([[0], cuts, [100]])) / 100)
    return torch.tensor(np.log(rows), dtype=torch.float32)


def _expected_loss(log_p: Tensor, labels: Tensor) -> float:
    rows, names = log_p.tolist(), labels.tolist()
    return -sum(row[name] for row, name in zip(rows, names, strict=True)) / len(names)


@negative_log_likelihood.property("is the mean surprise at the right classes", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    log_p, labels = _log_probabilities(draw, draw.size, k), drawn_labels(draw, draw.size, k)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property(
    "takes row i at label i, when there are as many classes", trials=2
)
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 3, 3), drawn_labels(draw, 3, 3)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property("is ln k for even odds and 0 for certainty")
def _(answer, draw: Draw) -> None:
    n, k = draw.integers(2, 6), draw.integers(2, 5)
    even = torch.full((n, k), -math.log(k))
    expect(answer(even, drawn_labels(draw, n, k)), "the loss of even odds").close_to(math.log(k))
    labels = drawn_labels(draw, n, k)
    certain = torch.full((n, k), -1000.0)
    for row, label in enumerate(labels.tolist()):
        certain[row, label] = 0.0
    expect(answer(certain, labels), "the loss of certainty").close_to(0.0)


@negative_log_likelihood.property("is finite for truths that were thought all but impossible")
def _(answer, draw: Draw) -> None:
    gaps = torch.tensor([60.0, 200.0, 60.0]) + draw.integers(0, 20)
    log_p = torch.stack([torch.zeros(3), -gaps], dim=1)
    expected = float(gaps.double().mean())
    expect(answer(log_p, torch.tensor([1, 1, 1])), "the loss").close_to(expected, atol=1e-3)


@negative_log_likelihood.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 1, 3), drawn_labels(draw, 1, 3)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property("lets the gradient through")
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 4, 3), drawn_labels(draw, 4, 3)
    slopes = slopes_through(lambda given: answer(given, labels), [log_p], "the loss")
    if slopes is None:
        return
    # Seen from the logits: there every right way of writing the loss has the same gradient.
    p, truth = log_p.double().exp().numpy(), one_hot_rows(labels, 3)
    by_logits = slopes[0] - p * slopes[0].sum(axis=1, keepdims=True)
    expect(by_logits, "the gradient by the logits").close_to((p - truth) / 4, atol=1e-5)


@negative_log_likelihood.mistake(
    "The minus is missing. Logarithms of probabilities are negative; the loss is minus their mean, "
    "so that going down means becoming less surprised."
)
def without_minus(log_probabilities, labels):
    return log_probabilities[torch.arange(len(labels)), labels].mean()


@negative_log_likelihood.mistake(
    "You summed over the batch. The loss is a mean: divide by n, so that batches of different "
    "sizes can be compared."
)
def summed_loss(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].sum()


@negative_log_likelihood.mistake(
    "You averaged over all n·k entries. Only one entry of each row counts: the one at its label."
)
def mean_of_everything(log_probabilities, labels):
    return -log_probabilities.mean()


@negative_log_likelihood.mistake(
    "You picked the right entries and divided by n·k. There are n examples and one entry for each: "
    "divide by n. (Multiplying by one-hot rows and taking `.mean()` does this.)"
)
def divided_by_all(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].sum() / log_probabilities.numel()


@negative_log_likelihood.mistake(
    "`log_probabilities[:, labels]` takes, for every row, the columns of all the labels: an (n, n) "
    "table. Pair each row with its own label: `[torch.arange(n), labels]`."
)
def all_pairs(log_probabilities, labels):
    return -log_probabilities[:, labels].mean()


@negative_log_likelihood.mistake(
    "You took the largest log-probability of each row: what the classifier believed. The loss asks "
    "what it gave to the class that was right."
)
def most_likely(log_probabilities, labels):
    return -log_probabilities.max(dim=1).values.mean()


@negative_log_likelihood.mistake(
    "You averaged probabilities, not their logarithms: the input is log p, and the loss is the "
    "mean of −log p. Do not exponentiate."
)
def mean_probability(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].exp().mean()


@negative_log_likelihood.mistake(
    "You took the logarithm after the mean. The logarithm belongs to each example: the input is "
    "log p already, and only needs picking and averaging."
)
def logarithm_of_the_mean(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].exp().mean().log()


@negative_log_likelihood.mistake(
    "You took 1 − p. That is a loss too, but a timid one: being sure and wrong costs at most 1. "
    "The likelihood's price is −log p."
)
def one_minus_probability(log_probabilities, labels):
    return (1 - log_probabilities[torch.arange(len(labels)), labels].exp()).mean()


@negative_log_likelihood.mistake(
    "You went back to probabilities and took a logarithm again. e⁻²⁰⁰ is 0 in float32, and so is "
    "the product of a long batch. The input is log p already: pick, and average."
)
def through_probabilities(log_probabilities, labels):
    return -log_probabilities.exp()[torch.arange(len(labels)), labels].log().mean()


@negative_log_likelihood.mistake(
    "You multiplied log-probabilities. The product was of probabilities; the logarithm has turned "
    "it into a sum."
)
def multiplied_logarithms(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].prod() / len(labels)


@negative_log_likelihood.mistake(
    "Row and label have changed places: the label is the column. `[torch.arange(n), labels]`."
)
def rows_by_label(log_probabilities, labels):
    return -log_probabilities[labels, torch.arange(len(labels))].mean()


@negative_log_likelihood.mistake(
    "Your labels are one too low: they count from 0, as Python's indices do, so no −1 is needed. "
    "(Index −1 is the last column, and gives no error.)"
)
def counts_from_one(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels - 1].mean()


@negative_log_likelihood.mistake(
    "`log_probabilities[labels]` picks whole rows. The label names a *column*, and the row is the "
    "example: `[torch.arange(n), labels]`."
)
def whole_rows(log_probabilities, labels):
    return -log_probabilities[labels].mean()


@negative_log_likelihood.mistake(
    "You took the logarithm once more. The input holds log p already, which is negative, and the "
    "logarithm of a negative number is NaN."
)
def logarithm_twice(log_probabilities, labels):
    return -log_probabilities.log()[torch.arange(len(labels)), labels].mean()


@negative_log_likelihood.mistake(
    "You made logarithms of softmax a second time, from the probabilities. `F.cross_entropy` has a "
    "log-softmax inside: given probabilities, it flattens them. Pick from the input as it is."
)
def softmax_twice(log_probabilities, labels):
    return F.cross_entropy(log_probabilities.exp(), labels)


@negative_log_likelihood.mistake(
    "You returned one loss for each example. Return their mean, one number."
)
def per_example_loss(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels]


@negative_log_likelihood.mistake(
    "You returned a plain number. `.item()` cuts the gradient off: return the tensor, so that "
    "backward() can start from it."
)
def plain_number(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].mean().item()


negative_log_likelihood.hint("Pick one entry of each row, the one at its label. Then the mean.")
negative_log_likelihood.hint("`a[torch.arange(n), labels]` pairs row i with column labels[i].")
negative_log_likelihood.hint("A loss here is never negative. Where is the minus?", when="sign")
negative_log_likelihood.hint("Is there an `exp` in it? None is needed.", when="infinite")
negative_log_likelihood.hint("By what did you divide: n, n·k, nothing?", when="factor")
negative_log_likelihood.hint("How many numbers were averaged? There should be n.", when="shape")
negative_log_likelihood.hint(
    "By hand: log p = [[−1.408, −0.408, −2.408]] with label 1 has the loss 0.408.", when="value"
)
