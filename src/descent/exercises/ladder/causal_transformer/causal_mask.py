"""How `causal_mask` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

causal_mask = Exercise("causal_mask", minutes=4, difficulty=1, returns=torch.Tensor)


@causal_mask.property("lets every position look at itself and at what came before", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    allowed = [[s <= t for s in range(n)] for t in range(n)]
    mask = answer(n)
    expect(mask, "the mask").has_shape(n, n)
    expect(mask.float(), "the mask, True as 1").close_to(np.array(allowed, dtype=float))


@causal_mask.property("is of True and False")
def _(answer, draw: Draw) -> None:
    expect(answer(3), "the mask").has_dtype("bool")


@causal_mask.property("lets a single word look at itself")
def _(answer, draw: Draw) -> None:
    expect(answer(1).float(), "the mask of one word").close_to([[1.0]])


@causal_mask.right
def right_mask(length):
    return torch.ones(length, length, dtype=torch.bool).tril()


_ALL, _MASK = "torch.ones(length, length, dtype=torch.bool)", ".tril()"


causal_mask.slip(
    "looks_ahead",
    "Your mask is transposed: row t must be True up to column t. Yours lets each word look at the "
    "future and hides the past.",
    {_MASK: ".triu()"},
)
causal_mask.slip(
    "without_diagonal",
    "The diagonal is missing: a word may look at itself. Without it the first word has nowhere to "
    "look, and its softmax is 0/0.",
    {_MASK: ".tril(-1)"},
)
causal_mask.slip(
    "inverted_mask",
    "True and False are exchanged: here True means 'may look'. (Some libraries mean the opposite, "
    "which is why a mask needs its convention written beside it.)",
    {_MASK: ".triu(1)"},
)
causal_mask.slip(
    "one_ahead",
    "Your diagonal lies one too high: each word may look one word ahead.",
    {_MASK: ".tril(1)"},
)
causal_mask.slip(
    "all_allowed", "Everything is allowed. Where s > t the mask must be False.", {_MASK: ""}
)
causal_mask.slip(
    "only_itself",
    "You allow only the diagonal: each word sees itself and no context.",
    {_ALL: "torch.eye(length, dtype=torch.bool)"},
)
causal_mask.slip(
    "one_before_alone",
    "Each word sees itself and the one before it, and no earlier one. All that came before may be "
    "looked at.",
    {_MASK: ".tril().triu(-1)"},
)
causal_mask.slip(
    "additive_mask",
    "These are numbers, 0 and −inf, to be added to the scores. This page's mask is of True and "
    "False; the infinity comes in `attention`.",
    {_ALL: "torch.full((length, length), -torch.inf)", _MASK: ".triu(1)"},
)
causal_mask.slip(
    "float_mask",
    "Your mask is of floats. `dtype=torch.bool` makes it True and False.",
    {", dtype=torch.bool": ""},
)
causal_mask.slip(
    "mask_of_whole_numbers",
    "Your mask is of whole numbers, and ~1 is −2, which is not False. `dtype=torch.bool` makes it "
    "True and False.",
    {"torch.bool": "torch.int64"},
)


causal_mask.hint(
    "Row t is who looks, column s is what is looked at. Which s are not in the future?"
)
causal_mask.hint("`torch.tril` keeps the lower triangle of a matrix, diagonal included.")
causal_mask.hint("Write the mask of 3 words by hand and print yours beside it.", when="value")
causal_mask.hint("Row 0 is the first word: it sees itself alone.", when="transposed")
causal_mask.hint("Which dtype does a comparison such as `s <= t` give?", when="dtype")
