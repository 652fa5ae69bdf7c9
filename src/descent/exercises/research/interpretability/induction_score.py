"""How `induction_score` is judged: by looking for copies one by one."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import causal_pattern, later_copies, repeated

induction_score = Exercise("induction_score", minutes=25, difficulty=2, returns=torch.Tensor)


def _by_hand(attention, tokens) -> list[float]:
    values, scores = attention.double().numpy(), []
    for head in range(values.shape[1]):
        masses = []
        for b, row in enumerate(tokens.tolist()):
            for i, places in enumerate(later_copies(row)):
                if places:
                    masses.append(sum(values[b, head, i, j] for j in places))
        scores.append(float(np.mean(masses)) if masses else 0.0)
    return scores


def _expect_score(answer, attention, tokens) -> None:
    expect(answer(attention, tokens), "the scores").close_to(
        np.array(_by_hand(attention, tokens)), atol=1e-5
    )


def _rows(draw: Draw, n: int, length: int, vocabulary: int):
    return torch.tensor(
        [
            repeated(draw.rng, vocabulary, length, draw.integers(2, max(3, length // 2)))
            for _ in range(n)
        ]
    )


@induction_score.property("adds the attention to all places that follow an earlier copy", trials=7)
def _(answer, draw: Draw) -> None:
    n, length = 1 + draw.size % 4, 7 + draw.size % 9
    tokens = _rows(draw, n, length, 12)
    _expect_score(answer, causal_pattern(draw, n, 1 + draw.size % 3, length, length), tokens)


@induction_score.property("of the page's row is what the page counts", trials=1)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor([[2, 7, 1, 8, 2, 7, 1, 8, 2]])
    _expect_score(answer, causal_pattern(draw, 1, 2, 9, 9), tokens)


@induction_score.property("counts copies whatever their distance", trials=4)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor(draw.rng.integers(0, 4, size=(3, 8)))
    _expect_score(answer, causal_pattern(draw, 3, 2, 8, 8), tokens)


@induction_score.property("counts a copy right before: its follower is the place itself", trials=2)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor([[5, 5, 3, 3, 3]])
    _expect_score(answer, causal_pattern(draw, 1, 2, 5, 5), tokens)


@induction_score.property("leaves out places without an earlier copy", trials=3)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 1], [7, 6, 5, 4, 3, 2, 1, 0]])
    _expect_score(answer, causal_pattern(draw, 2, 2, 8, 8), tokens)


@induction_score.property("gives every such place the same weight, whatever its row", trials=2)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor([[1, 2, 1, 2, 1, 2], [1, 2, 3, 4, 5, 1]])
    _expect_score(answer, causal_pattern(draw, 2, 2, 6, 6), tokens)


@induction_score.property("is 0 where nothing repeats", trials=1)
def _(answer, draw: Draw) -> None:
    tokens = torch.arange(5)[None]
    found = answer(causal_pattern(draw, 1, 3, 5, 5), tokens)
    expect(found, "the scores").close_to(np.zeros(3), atol=1e-6)


@induction_score.right
def right_induction(attention, tokens):
    same = tokens[:, :, None] == tokens[:, None, :]
    earlier = same.tril(-1)
    follows = torch.zeros_like(earlier)
    follows[:, :, 1:] = earlier[:, :, :-1]
    mass = (attention * follows[:, None]).sum(dim=3)
    counted = follows.any(dim=2)
    return (mass * counted[:, None]).sum(dim=(0, 2)) / counted.sum().clamp(min=1)


_MASS = "(attention * follows[:, None]).sum(dim=3)"

induction_score.slip(
    "nearest_copy_only",
    "You counted the place after the *nearest* copy alone. A head may spread its attention over "
    "all earlier copies, and would be scored as half of what it is: count them all.",
    {
        "    mass = ": (
            "    counts = follows.flip(2).cumsum(dim=2).flip(2)\n"
            "    follows = follows & (counts == 1)\n    mass = "
        )
    },
)
induction_score.slip(
    "first_copy_only",
    "You counted the place after the *first* copy alone. Count them all.",
    {"    mass = ": "    follows = follows & (follows.cumsum(dim=2) == 1)\n    mass = "},
)
induction_score.slip(
    "the_copies_themselves",
    "You counted attention to the earlier copies themselves. That is a duplicate-token head: an "
    "induction head looks at the place *after* the copy.",
    {
        "follows[:, :, 1:] = earlier[:, :, :-1]": "follows = earlier",
    },
)
induction_score.slip(
    "before_the_copy",
    "You counted the place *before* each copy. What came after it is what will come again.",
    {"follows[:, :, 1:] = earlier[:, :, :-1]": "follows[:, :, :-1] = earlier[:, :, 1:]"},
)
induction_score.slip(
    "itself_a_copy",
    "You took the token itself for an earlier copy, so you count attention to the *next* place, "
    "which the mask makes 0; and every place is counted, also those without a copy.",
    {"same.tril(-1)": "same.tril(0)"},
)
induction_score.slip(
    "copy_right_before_left_out",
    "You left out a copy right before. Its follower is the place itself, and it may look there.",
    {"follows[:, :, 1:] = earlier[:, :, :-1]": ("follows[:, :, 1:] = same.tril(-2)[:, :, :-1]")},
)
induction_score.slip(
    "all_places",
    "You divided by all places. One without an earlier copy has nothing to look at: leave it out.",
    {"counted.sum().clamp(min=1)": "counted.numel()"},
)
induction_score.slip(
    "rows_averaged_first",
    "You averaged within each row, then over rows. Every place with a copy counts the same.",
    {
        "(mass * counted[:, None]).sum(dim=(0, 2)) / counted.sum().clamp(min=1)": (
            "((mass * counted[:, None]).sum(dim=2) / "
            "counted.sum(dim=1).clamp(min=1)[:, None]).mean(dim=0)"
        )
    },
)
induction_score.slip(
    "mean_over_copies",
    "You took the mean attention over the copies. A head that spreads over three "
    "would get a third: "
    "add it up.",
    {_MASS: _MASS + " / follows.sum(dim=2).clamp(min=1)[:, None]"},
)
induction_score.slip(
    "largest_of_the_copies",
    "You took the copy with the most attention. Add over all of them.",
    {_MASS: "(attention * follows[:, None]).amax(dim=3)"},
)
induction_score.slip(
    "heads_averaged",
    "You averaged over the heads. Each head has its own score.",
    {
        "    counted = follows.any(dim=2)\n": (
            "    counted = follows.any(dim=2)\n"
            "    mass = mass.mean(dim=1, keepdim=True).expand_as(mass)\n"
        )
    },
)
induction_score.slip(
    "nan_where_nothing_repeats",
    "Where nothing repeats you divide 0 by 0. The score is 0 then.",
    {".clamp(min=1)": ""},
)
_SCORE = "(mass * counted[:, None]).sum(dim=(0, 2)) / counted.sum().clamp(min=1)"
induction_score.slip(
    "summed",
    "You added up over places and rows. The mean over the places with an earlier copy is wanted.",
    {_SCORE: "mass.sum(dim=(0, 2))"},
)
induction_score.slip(
    "divided_by_the_copies",
    "You divided by the number of copies. A place with two of them is one place: divide by the "
    "number of places that have a copy.",
    {_SCORE: "mass.sum(dim=(0, 2)) / follows.sum().clamp(min=1)"},
)
induction_score.slip(
    "counts_largest",
    "You counted how often the *most* attention goes to a place after a copy. How much goes there "
    "is asked for.",
    {
        _MASS: (
            "follows[:, None].expand_as(attention)"
            ".gather(3, attention.argmax(dim=3, keepdim=True))[..., 0].float()"
        )
    },
)
induction_score.slip(
    "itself_left_out",
    "Where a copy stands right before, its follower is the place itself. You count such a place, "
    "and leave out the attention that it gives to itself.",
    {"(attention * follows[:, None])": "(attention * follows.tril(-1)[:, None])"},
)
induction_score.slip(
    "rows_and_columns_exchanged",
    "You took columns for rows: row i of the attention is the place that looks.",
    {"attention * follows": "attention.transpose(2, 3) * follows"},
)
induction_score.slip(
    "one_distance",
    "You looked one distance back, that of the nearest copy of the first token that repeats. "
    "Copies come at any distance: compare tokens.",
    {
        "    mass = ": (
            "    n, t = tokens.shape\n"
            "    gap = (torch.arange(t)[:, None] - torch.arange(t))[None].expand(n, t, t)\n"
            "    near = torch.where(earlier, gap, t).flatten(1).amin(dim=1)\n"
            "    follows = follows & (gap == near[:, None, None] - 1)\n    mass = "
        )
    },
)

induction_score.slip(
    "rolled_round",
    "You rolled the table of copies to the right, and its last column came round to the first: a "
    "copy at the end of the row, still to come, counts for place 0. Keep earlier copies alone "
    "before you shift.",
    {"follows[:, :, 1:] = earlier[:, :, :-1]": "follows = same.roll(1, 2).tril()"},
)
induction_score.slip(
    "tokens_that_come_next",
    "You counted attention to places that hold the token which comes next. That is known after "
    "the fact alone, and the token may stand elsewhere as well: look for copies of the current "
    "token, and take the places after them.",
    {
        "follows[:, :, 1:] = earlier[:, :, :-1]": (
            "follows[:, :-1] = (tokens[:, 1:, None] == tokens[:, None, :])"
            ".tril(0)[:, : tokens.shape[1]]"
        )
    },
)

_RETURN = "return (mass * counted[:, None]).sum(dim={}) / counted.sum().clamp(min=1)"
induction_score.equivalent(
    f"`{_RETURN.format('(0, 2)')}` → `{_RETURN.format('(2, 0)')}`",
    because="a sum over axes does not depend on their order",
)

induction_score.hint("A table of truth values (n, T, T): is the token at j that at i, and j < i?")
induction_score.hint("Shift the table one column to the right: those are the places after copies.")
induction_score.hint("At which places is there anything to look at? The mean is over these.")
induction_score.hint("With copies at distances 4 and 8: do you count both?", when="value")
