"""How `previous_token_score` is judged: by adding single numbers up."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import causal_pattern

previous_token_score = Exercise(
    "previous_token_score", minutes=10, difficulty=1, returns=torch.Tensor
)


def _by_hand(attention) -> list[float]:
    values = attention.double().numpy()
    n, heads, length, _ = values.shape
    return [
        float(np.mean([values[b, h, i, i - 1] for b in range(n) for i in range(1, length)]))
        for h in range(heads)
    ]


def _expect_score(answer, attention) -> None:
    expect(answer(attention), "the scores").close_to(np.array(_by_hand(attention)), atol=1e-5)


@previous_token_score.property("is the mean attention to the place before, head by head", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_score(answer, causal_pattern(draw, 1 + draw.size % 4, 1 + draw.size % 3, 6, 6))


@previous_token_score.property("is 1 for a head that looks one back, 0 for others", trials=2)
def _(answer, draw: Draw) -> None:
    length = 3 + draw.size
    back = torch.zeros(length, length)
    back[0, 0] = 1.0
    for i in range(1, length):
        back[i, i - 1] = 1.0
    here, first = torch.eye(length), torch.zeros(length, length)
    first[:, 0] = 1.0
    attention = torch.stack([back, here, first])[None].repeat(2, 1, 1, 1)
    _expect_score(answer, attention)


@previous_token_score.property("works for a row of two tokens", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_score(answer, causal_pattern(draw, 2, 3, 2, 2))


@previous_token_score.property("returns no graph, and one number a head", trials=2)
def _(answer, draw: Draw) -> None:
    attention = causal_pattern(draw, 3, 2, 4, 4)
    expect(answer(attention), "the scores").has_shape(2)


@previous_token_score.right
def right_previous(attention):
    return attention.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


previous_token_score.slip(
    "to_itself",
    "You measured attention to the token itself. The place before is one below the diagonal.",
    {"offset=-1": "offset=0"},
)
previous_token_score.slip(
    "to_the_next",
    "You measured attention to the next token, which the mask makes 0. Row i is the place that "
    "looks, column i − 1 the place it looks at.",
    {"offset=-1": "offset=1"},
)
previous_token_score.slip(
    "two_back",
    "You measured attention two places back.",
    {"offset=-1": "offset=-2"},
)
previous_token_score.slip(
    "first_place_counted",
    "You divided by all places. The first has none before it: leave it out of the mean.",
    {".mean(dim=(0, 2))": ".sum(dim=(0, 2)) / (attention.shape[0] * attention.shape[2])"},
)
previous_token_score.slip(
    "summed",
    "You added the attention up. The mean over rows and places is asked for.",
    {".mean(dim=(0, 2))": ".sum(dim=(0, 2))"},
)
previous_token_score.slip(
    "heads_averaged",
    "You averaged over the heads. Each head has its own score.",
    {".mean(dim=(0, 2))": ".mean().expand(attention.shape[1])"},
)
previous_token_score.slip(
    "one_row_of_the_batch",
    "You looked at the first row of the batch alone.",
    {".mean(dim=(0, 2))": "[0].mean(dim=1)"},
)
previous_token_score.slip(
    "counts_largest",
    "You counted how often the place before gets the *most* attention. The mean attention is asked "
    "for.",
    {
        "attention.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))": (
            "(attention.diagonal(offset=-1, dim1=2, dim2=3) == attention.amax(dim=3)[:, :, 1:])"
            ".float().mean(dim=(0, 2))"
        )
    },
)
previous_token_score.slip(
    "largest_place",
    "You took the place with the most of it, and not the mean over places.",
    {".mean(dim=(0, 2))": ".mean(dim=0).amax(dim=1)"},
)
previous_token_score.slip(
    "last_place_alone",
    "You looked at the last place alone.",
    {".mean(dim=(0, 2))": "[:, :, -1].mean(dim=0)"},
)

previous_token_score.slip(
    "largest_row",
    "You took the row of the batch with the most of it, and not the mean over rows.",
    {".mean(dim=(0, 2))": ".amax(dim=0).mean(dim=1)"},
)
previous_token_score.slip(
    "summed_over_places",
    "You added the attention up over places. The mean over them is asked for.",
    {".mean(dim=(0, 2))": ".sum(dim=2).mean(dim=0)"},
)
previous_token_score.slip(
    "divided_by_the_table",
    "You averaged over the whole table of T × T. The mean is over the places that look, T − 1 of "
    "them.",
    {".mean(dim=(0, 2))": ".sum(dim=2).mean(dim=0) / attention.shape[2] ** 2"},
)
previous_token_score.slip(
    "all_earlier_places",
    "You added up the attention to all earlier places. The place right before is asked for.",
    {
        "attention.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))": (
            "attention.tril(-1).sum(dim=3)[:, :, 1:].mean(dim=(0, 2))"
        )
    },
)
previous_token_score.slip(
    "diagonal_of_the_first_axes",
    "`diagonal` takes the first two axes where you do not name any: rows of the batch and heads. "
    "Give it `dim1=2, dim2=3`.",
    {", dim1=2, dim2=3)": ")"},
)
previous_token_score.slip(
    "diagonal_of_the_first_axes_averaged",
    "Where you name no axes, `diagonal` goes over rows of the batch and heads. Give it "
    "`dim1=2, dim2=3`.",
    {", dim1=2, dim2=3).mean(dim=(0, 2))": ").mean(dim=(0, 1))"},
)
previous_token_score.slip(
    "rows_not_averaged",
    "You have a score for each row of the batch. The mean is over the rows too: one number a head.",
    {".mean(dim=(0, 2))": ".mean(dim=2)"},
)
previous_token_score.slip(
    "rows_for_heads",
    "You averaged over the heads and the places, so you have one number a row of the batch. Heads "
    "are axis 1.",
    {".mean(dim=(0, 2))": ".mean(dim=(1, 2))"},
)
previous_token_score.slip(
    "one_number_for_all_heads",
    "You averaged over everything. Each head has its own score.",
    {".mean(dim=(0, 2))": ".mean()"},
)

_MEAN = "return attention.diagonal(offset=-1, dim1=2, dim2=3).mean(dim={})"
previous_token_score.equivalent(
    f"`{_MEAN.format('(0, 2)')}` → `{_MEAN.format('(2, 0)')}`",
    because="a mean over axes does not depend on their order",
)

previous_token_score.hint("Row i, column i − 1: one below the diagonal.")
previous_token_score.hint("`diagonal(offset=…, dim1=2, dim2=3)` puts it on a new last axis.")
previous_token_score.hint("How many places have one before them?", when="value")
