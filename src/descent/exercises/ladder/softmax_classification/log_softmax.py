"""How `log_softmax` is judged."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import normals_of, slopes_through

log_softmax = Exercise("log_softmax", minutes=15, difficulty=2, returns=Tensor)


def _exact_log_softmax(logits: Tensor) -> np.ndarray:
    """The formula as it stands, in decimals of 50 digits, which neither overflow nor underflow."""
    rows = []
    with localcontext() as context:
        context.prec = 50
        for row in logits.tolist():
            powers = [Decimal(logit).exp() for logit in row]
            total = sum(powers, Decimal(0))
            rows.append([float((power / total).ln()) for power in powers])
    return np.array(rows)


@log_softmax.property("gives the logarithms of the softmax of each row", trials=5)
def _(answer, draw: Draw) -> None:
    logits = normals_of(draw, draw.size, draw.integers(2, 5))
    result = answer(logits)
    expect(result, "log p").close_to(_exact_log_softmax(logits), atol=1e-5)


@log_softmax.property("keeps rows and columns apart when there are as many of each", trials=2)
def _(answer, draw: Draw) -> None:
    logits = normals_of(draw, 3, 3)
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-5)


@log_softmax.property("works for a batch of one, and gives 0 where there is one class")
def _(answer, draw: Draw) -> None:
    logits = normals_of(draw, 1, 3)
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-5)
    only = answer(normals_of(draw, 2, 1))
    expect(only, "log p of the only class").close_to(np.zeros((2, 1)), atol=1e-5)


@log_softmax.property("survives large logits, positive and negative", trials=2)
def _(answer, draw: Draw) -> None:
    size = draw.choice([200.0, 1e4])
    logits = normals_of(draw, 2, 3) + torch.tensor([[size], [-size]])
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-3)
    apart = torch.tensor([[0.0, size, -size]])
    expect(answer(apart), "log p of one row").close_to(_exact_log_softmax(apart), atol=1e-3)
    low = torch.tensor([[-size, -size - 2.0]])
    expect(answer(low), "log p of a low row").close_to(_exact_log_softmax(low), atol=1e-3)


@log_softmax.property("does not lose small probabilities", trials=2)
def _(answer, draw: Draw) -> None:
    gap = draw.choice([120.0, 200.0])
    logits = torch.tensor([[0.0, -gap], [-gap, 0.0]])
    expect(answer(logits), "log p").close_to([[0.0, -gap], [-gap, 0.0]], atol=1e-4)


@log_softmax.property("lets the right gradient through", trials=2)
def _(answer, draw: Draw) -> None:
    logits, weights = normals_of(draw, 3, 4), normals_of(draw, 3, 4)
    slopes = slopes_through(answer, [logits], "log p", weights)
    if slopes is None:
        return
    p = np.exp(_exact_log_softmax(logits))
    expected = weights.numpy() - p * weights.numpy().sum(axis=1, keepdims=True)
    expect(slopes[0], "the gradient by the logits").close_to(expected, atol=1e-5)


@log_softmax.mistake(
    "You did not subtract the maximum. The formula is right on paper, but exp overflows above 88.7 "
    "in float32, and log(0) is −∞. Subtract each row's largest logit before you exponentiate."
)
def no_maximum(logits):
    return logits - logits.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You took the logarithm of a naive softmax. Above 88.7 exp overflows and infinity over "
    "infinity is NaN. Subtract each row's largest logit first, and keep logit and logarithm apart: "
    "log p = shifted − log Σ exp(shifted)."
)
def logarithm_of_naive_softmax(logits):
    powers = logits.exp()
    return (powers / powers.sum(dim=1, keepdim=True)).log()


@log_softmax.mistake(
    "You subtracted the maximum, then took the logarithm of the finished probabilities. A "
    "probability below 1e-45 has already become 0, and log 0 is −∞. Do the logarithm of the "
    "fraction on paper: shifted − log Σ exp(shifted)."
)
def logarithm_of_stable_softmax(logits):
    powers = (logits - logits.max(dim=1, keepdim=True).values).exp()
    return (powers / powers.sum(dim=1, keepdim=True)).log()


def _declare_crutch(small: float) -> None:
    """Declare the mistake of adding this number to the probabilities."""

    def with_epsilon(logits):
        powers = (logits - logits.max(dim=1, keepdim=True).values).exp()
        return (powers / powers.sum(dim=1, keepdim=True) + small).log()

    with_epsilon.__name__ = f"with_epsilon_{small:g}"
    log_softmax.mistake(
        f"There is a small number inside the logarithm, {small:g}, added to the probability or as "
        "its least value (`clamp`). It hides the infinity and falsifies the loss: a "
        f"log-probability of −200 comes out near −{-math.log(small):.0f}. With "
        "shifted − log Σ exp(shifted) no such crutch is needed."
    )(with_epsilon)


for _small in (1e-8, 1e-10, 1e-12):
    _declare_crutch(_small)


@log_softmax.mistake(
    "You subtracted the maximum of the whole array. A row far below it then has exponentials that "
    "are all 0. Each row needs its own maximum: `max(dim=1, keepdim=True)`."
)
def maximum_of_everything(logits):
    shifted = logits - logits.max()
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted the largest *size*, without the sign. In a row of large negative logits that "
    "pushes every exponential further down, to 0. Take `max` of the logits as they are."
)
def maximum_of_sizes(logits):
    shifted = logits - logits.abs().max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You added the maximum in front. Subtract it in both places: the same shift, the same sign."
)
def maximum_added(logits):
    largest = logits.max(dim=1, keepdim=True).values
    return logits + largest - (logits - largest).exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted the mean of each row. The mean does not stop an overflow: one entry may stand "
    "hundreds above it. Subtract the largest."
)
def mean_of_rows(logits):
    shifted = logits - logits.mean(dim=1, keepdim=True)
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted each column's maximum, which changes the differences within a row, the only "
    "thing softmax sees. Classes run along axis 1: `max(dim=1, keepdim=True)`."
)
def maximum_of_columns(logits):
    shifted = logits - logits.max(dim=0, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You normalised over the batch: your columns add up to 1. Each example has its own "
    "probabilities over the classes, so sum along axis 1."
)
def softmax_over_the_batch(logits):
    return torch.log_softmax(logits, dim=0)


@log_softmax.mistake(
    "You summed over the whole array. Each row is normalised by its own sum: "
    "`sum(dim=1, keepdim=True)`."
)
def softmax_over_everything(logits):
    return torch.log_softmax(logits.flatten(), dim=0).reshape(logits.shape)


@log_softmax.mistake(
    "You returned probabilities. Return their logarithms: the loss needs those, and they keep what "
    "is too small for a probability."
)
def probabilities(logits):
    return torch.softmax(logits, dim=1)


@log_softmax.mistake(
    "The maximum is subtracted inside the sum but not from the logits in front. Subtract it from "
    "both, or from neither: the two must be the same shift."
)
def shifted_in_one_place(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return logits - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "The logarithm of the sum is missing: you subtracted the sum itself. log(a/s) is log a − log s."
)
def sum_without_logarithm(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True)


@log_softmax.mistake(
    "Your sign is flipped: these are −log p. The minus belongs to the loss, later. Logarithms of "
    "probabilities are never positive."
)
def flipped(logits):
    return -torch.log_softmax(logits, dim=1)


@log_softmax.mistake(
    "You took logarithms to base 2. This page uses natural logarithms throughout, and counts in "
    "nats."
)
def base_two(logits):
    return torch.log_softmax(logits, dim=1) / math.log(2)


@log_softmax.mistake(
    "Without keepdim=True the row maxima and sums have shape (n,), and broadcasting lines them up "
    "with the columns: an error, or, when n = k, wrong numbers in silence. Keep them as (n, 1)."
)
def without_keepdim(logits):
    shifted = logits - logits.max(dim=1).values
    return shifted - shifted.exp().sum(dim=1).log()


@log_softmax.mistake(
    "The sum has lost its axis: without keepdim=True it has shape (n,), and broadcasting lines it "
    "up with the columns. Keep it as (n, 1)."
)
def sum_without_keepdim(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1).log()


@log_softmax.mistake(
    "The numbers are right, but their gradient history is cut off. Use torch operations from end "
    "to end, without `.detach()`, `no_grad`, `.item()` or numpy."
)
def cut_off_log_softmax(logits):
    return torch.log_softmax(logits.detach(), dim=1)


log_softmax.hint("First shift every row so that its largest entry is 0. Softmax does not notice.")
log_softmax.hint("`logits.max(dim=1, keepdim=True).values` has shape (n, 1).")
log_softmax.hint("Then shifted − log Σ exp(shifted), the sum along axis 1, kept as (n, 1).")
log_softmax.hint("`-=` writes into the tensor you were given.", when="changes input")
log_softmax.hint("Which exponential overflowed? After the shift none can exceed 1.", when="nan")
log_softmax.hint("Is there a logarithm of something that can be 0?", when="infinite")
log_softmax.hint("Check one row by hand: [1, 2, 0] gives [−1.408, −0.408, −2.408].", when="value")
log_softmax.hint("A row is off by one number: did both places get the shift?", when="offset")
log_softmax.hint("A logarithm of a probability is at most 0.", when="sign")
log_softmax.hint("Maximum and sum go along axis 1 and keep it: `keepdim=True`.", when="shape")
log_softmax.hint(
    "`max(dim=1, keepdim=True)` returns values and places: take `.values`. And (n, k) − (n,) lines "
    "n up with k: you need (n, 1).",
    when="error",
)
