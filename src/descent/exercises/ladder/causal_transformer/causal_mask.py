"""How `causal_mask` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

causal_mask = Exercise("causal_mask", minutes=4, difficulty=1)


@causal_mask.property("lets every position look at itself and at what came before", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    allowed = [[s <= t for s in range(n)] for t in range(n)]
    mask = torch.as_tensor(answer(n))
    expect(mask, "the mask").has_shape(n, n)
    expect(mask.float(), "the mask, True as 1").close_to(np.array(allowed, dtype=float))


@causal_mask.property("is of True and False")
def _(answer, draw: Draw) -> None:
    mask = answer(3)
    expect(isinstance(mask, torch.Tensor), "whether it is a torch tensor").equals(True)
    expect(mask, "the mask").has_dtype("bool")


@causal_mask.property("lets a single word look at itself")
def _(answer, draw: Draw) -> None:
    expect(torch.as_tensor(answer(1)).float(), "the mask of one word").close_to([[1.0]])


@causal_mask.mistake(
    "Your mask is transposed: row t must be True up to column t. Yours lets each word look at the "
    "future and hides the past."
)
def looks_ahead(length):
    return torch.ones(length, length, dtype=torch.bool).triu()


@causal_mask.mistake(
    "The diagonal is missing: a word may look at itself. Without it the first word has nowhere to "
    "look, and its softmax is 0/0."
)
def without_diagonal(length):
    return torch.ones(length, length, dtype=torch.bool).tril(-1)


@causal_mask.mistake(
    "True and False are exchanged: here True means 'may look'. (Some libraries mean the opposite, "
    "which is why a mask needs its convention written beside it.)"
)
def inverted_mask(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


@causal_mask.mistake("Your diagonal lies one too high: each word may look one word ahead.")
def one_ahead(length):
    return torch.ones(length, length, dtype=torch.bool).tril(1)


@causal_mask.mistake("Everything is allowed. Where s > t the mask must be False.")
def all_allowed(length):
    return torch.ones(length, length, dtype=torch.bool)


@causal_mask.mistake(
    "These are numbers, 0 and −inf, to be added to the scores. This page's mask is of True and "
    "False; the infinity comes in `attention`."
)
def additive_mask(length):
    return torch.full((length, length), -math.inf).triu(1)


@causal_mask.mistake("Your mask is of floats. `dtype=torch.bool` makes it True and False.")
def float_mask(length):
    return torch.ones(length, length).tril()


@causal_mask.mistake(
    "Your mask is an array of numpy's. Attention puts it on torch tensors: build it with torch, or "
    "hand it to torch.from_numpy."
)
def numpy_mask(length):
    return np.tril(np.ones((length, length), dtype=bool))


@causal_mask.mistake("You allow only the diagonal: each word sees itself and no context.")
def only_itself(length):
    return torch.eye(length, dtype=torch.bool)


causal_mask.hint(
    "Row t is who looks, column s is what is looked at. Which s are not in the future?"
)


causal_mask.hint("`torch.tril` keeps the lower triangle of a matrix, diagonal included.")


causal_mask.hint("Write the mask of 3 words by hand and print yours beside it.", when="value")


causal_mask.hint("Row 0 is the first word: it sees itself alone.", when="transposed")


causal_mask.hint("Which dtype does a comparison such as `s <= t` give?", when="dtype")
