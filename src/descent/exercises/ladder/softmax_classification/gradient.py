"""How `gradient` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, normals_of

gradient = Exercise("gradient", minutes=20, difficulty=3, returns=tuple[Tensor, Tensor])


def _problem(draw: Draw, n: int, d: int, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        normals_of(draw, d, k),
        normals_of(draw, k),
        normals_of(draw, n, d),
        drawn_labels(draw, n, k),
    )


def _slopes(W: Tensor, b: Tensor, x: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """torch's own cross-entropy, differentiated by autograd in float64."""
    W, b = W.double().requires_grad_(), b.double().requires_grad_()
    loss = F.cross_entropy(F.linear(x.double(), W.T, b), labels)
    dW, db = torch.autograd.grad(loss, (W, b))
    return dW.numpy(), db.numpy()


def _expect_slopes(found, problem: tuple[Tensor, ...], of: str = "") -> None:
    dW, db = map(_without_dust, found)
    expected_dW, expected_db = _slopes(*problem)
    expect(dW, f"dW{of}").close_to(expected_dW, atol=1e-5)
    expect(db, f"db{of}").close_to(expected_db, atol=1e-5)


def _without_dust(slopes):
    """Rounding errors made 0: a sum that should vanish then looks the same in whoever's code."""
    if not isinstance(slopes, Tensor):
        return slopes
    return torch.where(slopes.abs() < 2e-6, torch.zeros_like(slopes), slopes)


@gradient.property("matches the slopes of the loss", trials=5)
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, draw.size, draw.integers(1, 4), draw.integers(2, 5))
    _expect_slopes(answer(*problem), problem)


@gradient.property("keeps the axes apart when all sizes are equal", trials=2)
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, 3, 3, 3)
    _expect_slopes(answer(*problem), problem)


@gradient.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, 1, 2, 3)
    _expect_slopes(answer(*problem), problem)


@gradient.property("stays the same when every example is written twice")
def _(answer, draw: Draw) -> None:
    W, b, x, labels = _problem(draw, 3, 2, 3)
    found = answer(W, b, x.repeat(2, 1), labels.repeat(2))
    _expect_slopes(found, (W, b, x, labels), " of the doubled batch")


@gradient.property("stays finite and right for large logits")
def _(answer, draw: Draw) -> None:
    W, b, x, labels = _problem(draw, 4, 2, 3)
    problem = (400 * W, b, x + 1, labels)
    _expect_slopes(answer(*problem), problem)


@gradient.mistake(
    "You summed over the batch. The loss is a mean over n examples, so its gradient is divided by "
    "n too: E = (P − Y)/n."
)
def summed(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You left out the labels: p alone is the derivative of log-sum-exp. The other half of the "
    "loss, minus the right logit, gives − one-hot: E = (P − Y)/n."
)
def without_labels(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "Your signs are flipped: it is what the model said minus what was true, P − Y. With Y − P a "
    "step makes the right class less likely."
)
def flipped_gradient(W, b, x, labels):
    error = (F.one_hot(labels, W.shape[1]) - torch.softmax(x @ W + b, dim=1)) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the one-hot rows from the logits. It is the probabilities they are compared "
    "with: softmax first."
)
def logits_minus_labels(W, b, x, labels):
    error = (x @ W + b - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the one-hot rows from log p. Take the exponential first: the derivative of "
    "log-sum-exp is p, not log p."
)
def log_probabilities_minus_labels(W, b, x, labels):
    error = (torch.log_softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the class numbers themselves. A label is a name: 2 is not twice 1. Turn labels "
    "into one-hot rows first."
)
def class_numbers(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - labels[:, None]) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "db is divided by n and dW is not. xᵀ @ E is a sum over the examples: divide E by n first, and "
    "both come out right."
)
def weights_not_divided(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error, error.mean(dim=0)


@gradient.mistake(
    "You did not sum db over the batch: it has a row for each example. b is in every example's "
    "logits, so its slope adds them up: `sum(dim=0)`, of shape (k,)."
)
def bias_not_summed(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error


@gradient.mistake(
    "You divided db by n twice: E is divided by n already, and then you averaged it over the "
    "batch. Sum it."
)
def bias_divided_twice(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.mean(dim=0)


@gradient.mistake(
    "dW is divided by n and db is not. Both are slopes of the same mean: sum db over the batch and "
    "divide it by n too."
)
def bias_not_divided(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error / len(x), error.sum(dim=0)


@gradient.mistake(
    "You summed db over the classes: one number for each example, and all of them 0. The batch is "
    "axis 0: `sum(dim=0)`."
)
def bias_over_classes(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=1)


@gradient.mistake(
    "db is one number, and it is 0: you summed over the classes too. Sum over the batch only, "
    "`sum(dim=0)`: one slope for each class."
)
def bias_over_everything(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum()


@gradient.mistake(
    "Your one-hot rows have as many columns as this batch has labels. A class may be missing from "
    "a batch: count the classes by b, or by the columns of W."
)
def classes_from_the_batch(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels)) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "dW is transposed: a gradient has the shape of its parameter, (d, k). That is xᵀ @ E, and not "
    "Eᵀ @ x."
)
def transposed_gradient(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return error.T @ x, error.sum(dim=0)


@gradient.mistake(
    "You forgot to transpose x. The sum runs over the examples, which must be the inner axis of "
    "the product: xᵀ of shape (d, n) times E of shape (n, k)."
)
def x_not_transposed(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x @ error, error.sum(dim=0)


@gradient.mistake(
    "You averaged over all n·k entries. The loss is a mean over the n examples: divide by n only."
)
def divided_by_classes_too(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error / error.numel(), error.sum(dim=0) / error.numel()


@gradient.mistake(
    "You divided by the number of classes. The loss is a mean over the n examples: divide by n."
)
def divided_by_classes(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / W.shape[1]
    return x.T @ error, error.sum(dim=0)


@gradient.mistake("Your softmax leaves out b. The probabilities come from all of x @ W + b.")
def probabilities_without_bias(W, b, x, labels):
    error = (torch.softmax(x @ W, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You normalised over the batch. Each example's probabilities add up to 1 over the classes, "
    "axis 1."
)
def softmax_down_the_batch(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=0) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You kept only the column of the right class. The other logits are in the sum of exponentials "
    "too: each is pushed down by its own p."
)
def right_class_only(W, b, x, labels):
    truth = F.one_hot(labels, W.shape[1])
    error = (torch.softmax(x @ W + b, dim=1) - 1) * truth / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "`E[:, labels] -= 1` subtracts 1 in the columns of all the labels, in every row. Pair each row "
    "with its own label: `E[torch.arange(n), labels] -= 1`, or subtract `one_hot`."
)
def every_label_in_every_row(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1)
    error[:, labels] -= 1
    error = error / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You multiplied by p·(1 − p). That is the slope of a sigmoid or a softmax by itself; here the "
    "logarithm in the loss cancels it, and P − Y is all that is left."
)
def extra_softmax_slope(W, b, x, labels):
    p = torch.softmax(x @ W + b, dim=1)
    error = (p - F.one_hot(labels, W.shape[1])) * p * (1 - p) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake("dW and db have changed places. Return (dW, db).")
def swapped(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return error.sum(dim=0), x.T @ error


@gradient.mistake(
    "Your softmax overflows: for logits above 88.7 it is NaN. Take the exponential of your "
    "log_softmax, which is safe."
)
def overflowing(W, b, x, labels):
    powers = (x @ W + b).exp()
    error = powers / powers.sum(dim=1, keepdim=True) - F.one_hot(labels, W.shape[1])
    return x.T @ error / len(x), error.sum(dim=0) / len(x)


gradient.hint("Three lines: the probabilities, E = (P − Y)/n, then what E does to W and to b.")
gradient.hint("P is `log_softmax(linear_logits(W, b, x)).exp()`; Y is `one_hot(labels, k)`.")
gradient.hint("dW = xᵀ @ E has the shape of W. db adds up the rows of E.")
gradient.hint("Is it P − Y, or Y − P?", when="sign")
gradient.hint("Count the factors of n in dW and in db: one each.", when="factor")
gradient.hint("A gradient has the shape of its parameter: (d, k) and (k,).", when="shape")
gradient.hint("Which of x and E is transposed, and which comes first?", when="transposed")
gradient.hint("(d, n) @ (n, k): write the shapes beside each factor.", when="error")
gradient.hint("Did a naive exponential overflow? Use log_softmax, then exp.", when="nan")
gradient.hint("Try W = 0 and b = 0, worked out on the page: there every p is 1/k.", when="value")
