"""How `attention` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, causal, some_mask

attention = Exercise(
    "attention",
    minutes=20,
    difficulty=2,
    # Handed over themselves, so that their gradients can be looked at.
    changes=("queries", "keys", "values"),
    returns=tuple[Tensor, Tensor],
)


def _by_hand(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Unbatched attention, one query and one exponential after another."""
    q, k, v = (part.double().numpy() for part in (queries, keys, values))
    weights = np.zeros((len(q), len(k)))
    for t in range(len(q)):
        seen = [s for s in range(len(k)) if mask[t, s]]
        scores = [float(np.dot(q[t], k[s])) / q.shape[1] ** 0.5 for s in seen]
        for s, score in zip(seen, scores, strict=True):
            weights[t, s] = math.exp(score - max(scores))
        if seen:
            weights[t] /= weights[t].sum()
    return np.stack([(w[:, None] * v).sum(0) for w in weights]), weights


def _compare(answer, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> None:
    output, weights = answer(queries, keys, values, mask)
    wanted, wanted_weights = _by_hand(queries, keys, values, mask)
    expect(output, "the output").close_to(wanted, atol=1e-4)
    expect(weights, "the weights").close_to(wanted_weights, atol=1e-5)


@attention.property("weighs as the page's example: [1, 6]")
def _(answer, draw: Draw) -> None:
    keys, values = torch.tensor([[0.0], [math.log(3)]]), torch.tensor([[4.0, 0.0], [0.0, 8.0]])
    output, weights = answer(torch.tensor([[1.0]]), keys, values, torch.tensor([[True, True]]))
    expect(weights, "the weights").close_to([[0.25, 0.75]], atol=1e-5)
    expect(output, "the output").close_to([[1.0, 6.0]], atol=1e-4)


@attention.property("takes values of another width, and more keys than queries or fewer", trials=6)
def _(answer, draw: Draw) -> None:
    rows, columns = draw.integers(1, 6), draw.integers(2, 7)
    d_k, d_v = draw.integers(2, 6), draw.integers(1, 7)
    parts = normals(draw, rows, d_k), normals(draw, columns, d_k), normals(draw, columns, d_v)
    _compare(answer, *parts, some_mask(draw, rows, columns))


@attention.property("gives zeros, in weights and output, to a query that may look at nothing")
def _(answer, draw: Draw) -> None:
    mask = some_mask(draw, 4, 5)
    mask[draw.integers(0, 4)] = False
    _compare(answer, normals(draw, 4, 3), normals(draw, 5, 3), normals(draw, 5, 2), mask)
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    _compare(answer, normals(draw, 2, 3), normals(draw, 3, 3), normals(draw, 3, 4), nothing)


@attention.property("sends no NaN back through such a query")
def _(answer, draw: Draw) -> None:
    mask = some_mask(draw, 4, 5)
    mask[1] = False
    parts = [normals(draw, *shape).requires_grad_() for shape in ((4, 3), (5, 3), (5, 2))]
    output, _ = answer(*parts, mask)
    slopes = torch.autograd.grad(output.square().sum(), parts, allow_unused=True)
    for name, slope in zip(("queries", "keys", "values"), slopes, strict=True):
        expect(slope, f"the gradient of the {name}").is_a(torch.Tensor)
        if slope is not None:
            expect(slope, f"the gradient of the {name}").is_finite()


@attention.property("works in every batch and head, with one mask for all or one for each")
def _(answer, draw: Draw) -> None:
    queries, keys, values = (
        normals(draw, 2, 3, 4, 5),
        normals(draw, 2, 3, 4, 5),
        normals(draw, 2, 3, 4, 2),
    )
    for mask in (causal(4), torch.stack([some_mask(draw, 4, 4) for _ in range(2)])[:, None]):
        output, weights = answer(queries, keys, values, mask)
        every = mask.expand(2, 3, 4, 4)
        wanted = [
            [_by_hand(queries[b, h], keys[b, h], values[b, h], every[b, h]) for h in range(3)]
            for b in range(2)
        ]
        expect(output, "the output").close_to(
            np.array([[pair[0] for pair in row] for row in wanted]), atol=1e-4
        )
        expect(weights, "the weights").close_to(
            np.array([[pair[1] for pair in row] for row in wanted]), atol=1e-5
        )


@attention.property("survives scores in the thousands")
def _(answer, draw: Draw) -> None:
    parts = 60 * normals(draw, 4, 4), 60 * normals(draw, 4, 4), normals(draw, 4, 2)
    output, weights = answer(*parts, causal(4))
    expect(weights, "the weights").is_finite()
    expect(output, "the output").close_to(_by_hand(*parts, causal(4))[0], atol=1e-2)


@attention.property("leaves its inputs as they are")
def _(answer, draw: Draw) -> None:
    parts = normals(draw, 3, 4), normals(draw, 5, 4), normals(draw, 5, 2)
    before = [part.clone() for part in parts]
    answer(*parts, some_mask(draw, 3, 5))
    for name, now, then in zip(("queries", "keys", "values"), parts, before, strict=True):
        expect(now, f"the {name} after the call").equals(then)


@attention.right
def right_attention(queries, keys, values, mask):
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    hidden = scores.masked_fill(~mask, -math.inf)
    weights = hidden.softmax(-1)
    weights = weights.masked_fill(~mask, 0.0)
    return weights @ values, weights


_FILLED = "    weights = weights.masked_fill(~mask, 0.0)\n"
attention.slip(
    "nan_rows",
    "A query that may look at nothing gives NaN: the softmax of nothing but −inf is 0/0. Set the "
    "hidden weights to 0 *after* the softmax as well.",
    {_FILLED: ""},
)
attention.slip(
    "even_instead_of_nothing",
    "A query that may look at nothing spreads its weight evenly over what is "
    "hidden. It should bring "
    "home zeros. A very low score hides only as long as something else is higher.",
    {"-math.inf": "-1e9", _FILLED: ""},
)
attention.slip(
    "weights_not_zero",
    "You set the output of such a query to 0, and its weights are still NaN.",
    {
        _FILLED: "",
        "return weights @ values, weights": "return (weights.nan_to_num(0.0)) @ values, weights",
    },
)
attention.slip(
    "divided_by_value_width",
    "You divided by the root of the values' width. The dot product has d_k terms: the width of "
    "queries and keys.",
    {"queries.shape[-1]": "values.shape[-1]"},
)
attention.slip(
    "divided_by_number_of_keys",
    "You divided by the root of the number of keys. It is the root of d_k, queries.shape[-1].",
    {"queries.shape[-1]": "keys.shape[-2]"},
)
attention.slip(
    "unscaled",
    "You did not divide by √d_k.",
    {" / math.sqrt(queries.shape[-1])": ""},
)
attention.slip(
    "divided_by_width",
    "You divided by d_k. It is its square root.",
    {"math.sqrt(queries.shape[-1])": "queries.shape[-1]"},
)
attention.slip(
    "mask_inverted",
    "Your mask works the wrong way round. True means 'may look'.",
    {
        "scores.masked_fill(~mask": "scores.masked_fill(mask",
        "weights.masked_fill(~mask": "weights.masked_fill(mask",
    },
)
attention.slip(
    "masked_after_softmax",
    "You hide after the softmax alone: the hidden scores have had their say in "
    "the sum, and the rows no "
    "longer add up to 1.",
    {"scores.masked_fill(~mask, -math.inf)": "scores"},
)
attention.slip(
    "softmax_over_queries",
    "Your softmax runs over the queries. Each *row* is shared out over the keys: the last "
    "dimension.",
    {"softmax(-1)": "softmax(-2)"},
)
attention.slip(
    "exponentials_overflow",
    "Your exponentials overflow. Use torch's softmax, which takes the largest score away first.",
    {"hidden.softmax(-1)": "hidden.exp() / hidden.exp().sum(-1, keepdim=True)"},
)
attention.slip(
    "hid_with_minus_hundred",
    "You hid scores with −100. Scores may be lower themselves, and then what is hidden wins.",
    {"-math.inf": "-100.0"},
)
attention.slip(
    "renormalised",
    "The rows do not add up to 1: you divided by something more than the sum of the exponentials. "
    "A small number added below the fraction saves the empty rows and bends all others.",
    {_FILLED: f"{_FILLED}    weights = weights / (weights.sum(-1, keepdim=True) + 0.01)\n"},
)
attention.slip(
    "no_gradient",
    "No gradient passes through your weights: `detach` or `.data` cuts it off.",
    {"hidden.softmax(-1)": "hidden.softmax(-1).detach()"},
)
attention.slip(
    "results_exchanged",
    "Output and weights have changed places: return (output, weights).",
    {"return weights @ values, weights": "return weights, weights @ values"},
)
attention.slip(
    "mask_added",
    "You added the mask to the scores. True is 1, a small push; what is hidden must have −inf.",
    {"scores.masked_fill(~mask, -math.inf)": "scores + mask", _FILLED: ""},
)
attention.slip(
    "mask_multiplied",
    "You multiplied the scores by the mask. A score of 0 still gets a weight: what is "
    "hidden must have −inf.",
    {"scores.masked_fill(~mask, -math.inf)": "scores * mask", _FILLED: ""},
)
attention.slip(
    "mask_multiplied_first",
    "You multiplied the scores by the mask. Hidden scores of 0 have had their say in the "
    "sum: they must be −inf before the softmax.",
    {"scores.masked_fill(~mask, -math.inf)": "scores * mask"},
)
attention.slip(
    "weights_spread_all_the_same",
    "The output of such a query is 0, and the weights you return are not: they too are 0 "
    "throughout.",
    {
        "-math.inf": "-1e9",
        _FILLED: "",
        "return weights @": "return weights.masked_fill(~mask, 0.0) @",
    },
)
attention.slip(
    "nan_mended_too_late",
    "You replaced NaN at the very end. The numbers come out right, and the gradient has "
    "passed through the NaN all the same: mend the weights before they meet the values.",
    {
        _FILLED: "",
        "return weights @ values, weights": "return (weights @ values).nan_to_num(0.0), we"
        "ights.nan_to_num(0.0)",
    },
)
attention.slip(
    "scaled_after_the_softmax",
    "You divided by √d_k after the softmax. It is the *scores* that are divided.",
    {
        " / math.sqrt(queries.shape[-1])": "",
        "    return weights @": "    weights = weights / math.sqrt(queries.shape[-1])\n   "
        " return weights"
        " @",
    },
)
attention.slip(
    "always_causal",
    "You use a causal mask whatever you are handed. The mask is an argument.",
    {
        "scores.masked_fill(~mask": "scores.masked_fill(torch.ones_like(scores).tril() == 0",
        "weights.masked_fill(~mask": "weights.masked_fill(torch.ones_like(scores).tril() == 0",
    },
)
attention.slip(
    "empty_rows_alone",
    "Your mask works only on rows that are hidden throughout. Each hidden score has to go.",
    {
        "scores.masked_fill(~mask, -math.inf)": "scores",
        "weights.masked_fill(~mask": "weights.masked_fill(~mask.any(-1, keepdim=True)",
    },
)


attention.equivalent(
    "`scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])` → "
    "`scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])`",
    because="exchanging two dimensions has no order",
)


attention.hint("Scores, hide, softmax, hide again, mix. Write the shape beside each.")
attention.hint(
    "For one query that may look at nothing, what is softmax([−inf, −inf])? What do you want?"
)
attention.hint(
    "`masked_fill(~mask, 0.0)` on the weights turns NaN into 0, in the gradient too.", when="nan"
)
attention.hint("Which of the three widths stands under the root?", when="factor")
attention.hint("With batch dimensions, turn only the last two: transpose(-1, -2).", when="error")
