"""How `attention` is judged."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from descent.exercises.doubles import (
    normals,
)
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, weights_by_hand

attention = Exercise("attention", minutes=15, difficulty=2, returns=tuple[Tensor, Tensor])


def _some_mask(draw: Draw, rows: int, columns: int) -> Tensor:
    """Random, with a True in every row and every column and, where it can be, something hidden."""
    mask = torch.tensor(draw.integers(0, 2, rows, columns)).bool()
    order = draw.rng.permutation(columns)
    for place in range(max(rows, columns)):
        mask[place % rows, order[place % columns]] = True
    return mask


@attention.property("weighs as the formula says, one row for each query", trials=5)
def _(answer, draw: Draw) -> None:
    rows, columns = draw.size + 1, draw.size + 2
    queries, keys = normals(draw, rows, 3), normals(draw, columns, 3)
    mask = _some_mask(draw, rows, columns)
    _, weights = answer(queries, keys, normals(draw, columns, 2), mask)
    expect(weights, "the weights").close_to(weights_by_hand(queries, keys, mask), atol=1e-5)


@attention.property("agrees with F.scaled_dot_product_attention", trials=5)
def _(answer, draw: Draw) -> None:
    rows, columns = draw.size, draw.size % 3 + 2
    queries, keys = normals(draw, rows, 4), normals(draw, columns, 4)
    values, mask = normals(draw, columns, 3), _some_mask(draw, rows, columns)
    output, _ = answer(queries, keys, values, mask)
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    expect(output, "the output").close_to(expected, atol=1e-5)


@attention.property("is causal attention when the mask is causal, in every batch and head")
def _(answer, draw: Draw) -> None:
    queries, keys, values = (normals(draw, 2, 3, 5, 4) for _ in range(3))
    mask = torch.tensor([[s <= t for s in range(5)] for t in range(5)])
    output, weights = answer(queries, keys, values, mask)
    expected = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    expect(weights, "the weights").has_shape(2, 3, 5, 5)
    expect(output, "the output").close_to(expected, atol=1e-5)


@attention.property("survives scores in the hundreds")
def _(answer, draw: Draw) -> None:
    queries, keys = 30 * normals(draw, 4, 4), 30 * normals(draw, 4, 4)
    values, mask = normals(draw, 4, 2), torch.ones(4, 4).tril().bool()
    output, weights = answer(queries, keys, values, mask)
    expect(weights, "the weights").is_finite()
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    expect(output, "the output").close_to(expected, atol=1e-3)


@attention.property("spreads its weight evenly when no key matches better than another")
def _(answer, draw: Draw) -> None:
    mask = _some_mask(draw, 3, 5)
    queries, keys, values = torch.zeros(3, 4), normals(draw, 5, 4), normals(draw, 5, 2)
    _, weights = answer(queries, keys, values, mask)
    expected = mask / mask.sum(-1, keepdim=True)
    expect(weights, "the weights when all scores are 0").close_to(expected, atol=1e-6)


@attention.right
def right_attention(queries, keys, values, mask):
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    hidden = scores.masked_fill(~mask, -math.inf)
    weights = hidden.softmax(-1)
    return weights @ values, weights


_ROOT, _HIDDEN = " / math.sqrt(queries.shape[-1])", "scores.masked_fill(~mask, -math.inf)"
_SOFTMAX, _POWERS = "hidden.softmax(-1)", "hidden.exp()"


attention.slip(
    "unscaled",
    "You did not divide by √d. A dot product of d terms grows like √d, so with wide vectors the "
    "softmax puts all its weight on one word, and its gradient dies.",
    {_ROOT: ""},
)
attention.slip(
    "divided_by_width",
    "You divided by d. It is the square root: a sum of d random terms grows like √d.",
    {_ROOT: " / queries.shape[-1]"},
)
attention.slip(
    "multiplied_by_root",
    "You multiplied by √d where you should divide.",
    {" / math": " * math"},
)
attention.slip(
    "masked_after_softmax",
    "You masked after the softmax. The weights left over no longer add up to 1, and hidden words "
    "still had their say in the sum below the fraction. Set hidden scores to −inf before it.",
    {_HIDDEN: "scores", _SOFTMAX: f"{_SOFTMAX} * mask"},
)
attention.slip(
    "multiplied_by_zero",
    "You multiplied hidden scores by 0. A score of 0 is not 'hidden': the softmax gives it e⁰ = 1. "
    "Hidden is −inf, because e^(−inf) = 0.",
    {_HIDDEN: "scores * mask"},
)
attention.slip(
    "hid_the_allowed",
    "Your mask works the wrong way round: you hide where it is True. Here True means 'may look'.",
    {"~mask": "mask"},
)
attention.slip(
    "ignored_mask", "You ignored the mask: every query looks everywhere.", {_HIDDEN: "scores"}
)
attention.slip(
    "softmax_over_queries",
    "Your softmax runs over the queries. Each query shares out its attention over the keys: the "
    "rows must add up to 1, so the softmax goes over the last dimension.",
    {"softmax(-1)": "softmax(-2)"},
)
attention.slip(
    "softmax_over_everything",
    "Your softmax runs over the whole table at once. Each row adds up to 1 alone.",
    {_SOFTMAX: "hidden.flatten(-2).softmax(-1).view(scores.shape)"},
)
attention.slip(
    "hid_with_minus_one",
    "You hid scores with −1. That only makes them less likely; large scores elsewhere in the row "
    "may be lower still. Use −inf.",
    {"-math.inf": "-1.0"},
)
attention.slip(
    "hid_with_minus_hundred",
    "You hid scores with −100. Scores may be in the hundreds themselves, and then a hidden word "
    "can win. Nothing is lower than −inf.",
    {"-math.inf": "-100.0"},
)
attention.slip(
    "multiplied_infinity",
    "You multiplied −inf by the mask, and −inf · 0 is NaN. Choose instead of multiplying: "
    "masked_fill or torch.where.",
    {_HIDDEN: "scores + ~mask * -math.inf"},
)
attention.slip(
    "exponentials_overflow",
    "Your exponentials overflow: e to a power in the hundreds is infinite, and ∞/∞ is NaN. "
    "Subtract the largest score of each row first, or use torch's softmax, which does.",
    {_SOFTMAX: f"{_POWERS} / {_POWERS}.sum(-1, keepdim=True)"},
)
attention.slip(
    "masked_exponentials_overflow",
    "Your exponentials overflow: e to a power in the hundreds is infinite, and ∞ · 0 and ∞/∞ are "
    "NaN. Hide with −inf and use torch's softmax, which subtracts the largest score first.",
    {_HIDDEN: "scores.exp() * mask", _SOFTMAX: "hidden / hidden.sum(-1, keepdim=True)"},
)
attention.slip(
    "divided_by_root_of_time",
    "You divided by the square root of the number of queries. It is √d, d the numbers in a query: "
    "queries.shape[-1].",
    {"queries.shape[-1]": "queries.shape[-2]"},
)
attention.slip(
    "divided_by_root_of_keys",
    "You divided by the square root of the number of keys. It is √d, d the numbers in a query: "
    "queries.shape[-1].",
    {"queries.shape[-1]": "keys.shape[-2]"},
)
attention.slip(
    "swapped_results",
    "Output and weights have changed places: return (output, weights).",
    {"return weights @ values, weights": "return weights, weights @ values"},
)
attention.slip(
    "returned_scores",
    "You returned the weights before the softmax. Scores are compared; weights add up to 1.",
    {"weights @ values, weights": "weights @ values, hidden"},
)


attention.equivalent(
    "`scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])` → "
    "`scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])`",
    because="exchanging two dimensions has no order",
)


attention.hint("Four lines: scores, hide, softmax, mix. Write the shape beside each.")
attention.hint(
    "`keys.transpose(-1, -2)` turns the last two dimensions and leaves batch and heads alone; "
    "`scores.masked_fill(~mask, -math.inf)` hides."
)
attention.hint("By which power of d do you divide?", when="factor")
attention.hint("Do the rows of your weights add up to 1? Are they 0 where hidden?", when="value")
attention.hint("A row in which everything is −inf gives 0/0. Is the mask inverted?", when="nan")
attention.hint("With a batch, `.T` turns every dimension. Use transpose(-1, -2).", when="error")
attention.hint("Return the output first, then the weights.", when="shape")
