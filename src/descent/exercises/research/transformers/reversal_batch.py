"""How `reversal_batch` is judged."""

from __future__ import annotations

import torch

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

reversal_batch = Exercise(
    "reversal_batch", minutes=10, difficulty=1, returns=tuple[Tensor, Tensor, Tensor]
)


def _sequence(row: list[int], vocabulary: int) -> list[int]:
    return [vocabulary, *row, *reversed(row)]


def _compare(answer, rows: Tensor, vocabulary: int) -> None:
    inputs, targets, follows = answer(rows, vocabulary)
    whole = [_sequence(row, vocabulary) for row in rows.tolist()]
    expect(inputs, "the inputs").equals(torch.tensor([line[:-1] for line in whole]))
    expect(targets, "the targets").equals(torch.tensor([line[1:] for line in whole]))
    n = rows.shape[1]
    expect(follows, "follows").has_dtype("bool")
    expect(follows, "follows").has_shape(2 * n)
    told = [t for t, known in enumerate(follows.tolist()) if known]
    expect(told, "the places where follows is True").equals(list(range(n, 2 * n)))
    expect(inputs, "the inputs").has_dtype("int64")


@reversal_batch.property("makes the page's row [3, 1, 4]")
def _(answer, draw: Draw) -> None:
    _compare(answer, torch.tensor([[3, 1, 4]]), 10)


@reversal_batch.property("reverses every row of a batch by itself", trials=6)
def _(answer, draw: Draw) -> None:
    vocabulary = draw.integers(2, 12)
    _compare(answer, token_tensor(draw, vocabulary, 3, draw.size + 1), vocabulary)


@reversal_batch.property("works for rows of one symbol and a batch of one")
def _(answer, draw: Draw) -> None:
    _compare(answer, token_tensor(draw, 5, 4, 1), 5)
    _compare(answer, token_tensor(draw, 7, 1, 5), 7)


@reversal_batch.property(
    "says which targets follow in order, also where a row reads the same backwards"
)
def _(answer, draw: Draw) -> None:
    symbol = draw.integers(0, 6)
    _compare(answer, torch.full((2, 3), symbol), 6)


@reversal_batch.right
def right_batch(rows, vocabulary):
    batch, n = rows.shape
    start = torch.full((batch, 1), vocabulary)
    whole = torch.cat([start, rows, rows.flip(1)], dim=1)
    follows = torch.arange(2 * n) >= n
    return whole[:, :-1], whole[:, 1:], follows


reversal_batch.slip(
    "rows_reversed_in_the_batch",
    "You turned round the batch and not the rows: flip along dimension 1, the places.",
    {"rows.flip(1)": "rows.flip(0)"},
)
reversal_batch.slip(
    "not_reversed",
    "The row comes twice in the same order. The second time it comes backwards.",
    {"rows.flip(1)": "rows"},
)
reversal_batch.slip(
    "targets_not_shifted",
    "Your targets are the inputs. A place predicts what *comes next*: targets are the sequence "
    "from its second token on.",
    {"whole[:, 1:]": "whole[:, :-1]"},
)
reversal_batch.slip(
    "inputs_and_targets_exchanged",
    "Inputs and targets have changed places: inputs lack the last token, targets the first.",
    {"return whole[:, :-1], whole[:, 1:]": "return whole[:, 1:], whole[:, :-1]"},
)
reversal_batch.slip(
    "start_is_zero",
    "Your start token is 0, which is one of the symbols. It has a number of its own: vocabulary.",
    {"torch.full((batch, 1), vocabulary)": "torch.zeros(batch, 1, dtype=torch.int64)"},
)
reversal_batch.slip(
    "start_is_last_symbol",
    "Your start token is vocabulary − 1, the last symbol. The first free number is vocabulary.",
    {"(batch, 1), vocabulary)": "(batch, 1), vocabulary - 1)"},
)
reversal_batch.slip(
    "without_start",
    "There is no start token, and so one place too few: the first symbol is never predicted.",
    {"torch.cat([start, rows,": "torch.cat([rows,"},
)
reversal_batch.slip(
    "follows_one_late",
    "`follows` is True one place too late. Place n reads the row's last symbol, and its target is "
    "that symbol again: it follows already.",
    {">= n": "> n"},
)
reversal_batch.slip(
    "follows_one_early",
    "`follows` is True one place too early. The target of place n − 1 is the row's last symbol, "
    "which no earlier input tells.",
    {">= n": ">= n - 1"},
)
reversal_batch.slip(
    "follows_inverted",
    "`follows` is the wrong way round: the first half is random.",
    {">= n": "< n"},
)
reversal_batch.slip(
    "separator_between",
    "A second start token stands between the row and its reverse. Here the row is followed "
    "at once by itself backwards: 2n places.",
    {
        "rows, rows.flip(1)]": "rows, start, rows.flip(1)]",
        "torch.arange(2 * n) >= n": "torch.arange(2 * n + 1) > n",
    },
)
reversal_batch.slip(
    "last_symbol_once",
    "The last symbol of the row stands there once. It comes twice: 3, 1, 4, 4, 1, 3.",
    {"rows.flip(1)]": "rows.flip(1)[:, 1:]]", "torch.arange(2 * n)": "torch.arange(2 * n - 1)"},
)
reversal_batch.slip(
    "both_dimensions_flipped",
    "You turned round the rows and the batch as well: each row is followed by another "
    "one's reverse.",
    {"rows.flip(1)": "rows.flip(0, 1)"},
)
reversal_batch.slip(
    "targets_wrap_round",
    "Your last target is the start token: a roll brings the first input round to the end. "
    "Build the whole sequence, and cut it twice.",
    {"whole[:, 1:]": "whole[:, :-1].roll(-1, 1)"},
)
reversal_batch.slip(
    "start_from_the_rows",
    "Your start token is one more than the largest symbol *of this batch*. It is the "
    "number `vocabulary`, whatever was drawn.",
    {"torch.full((batch, 1), vocabulary)": "torch.full((batch, 1), int(rows.max()) + 1)"},
)
reversal_batch.slip(
    "follows_all_but_first",
    "`follows` is True from place 1 on. The targets up to place n − 1 are random: no "
    "earlier input tells them.",
    {">= n": ">= 1"},
)
reversal_batch.slip(
    "follows_of_each_row",
    "`follows` has a row for each sequence. Which places follow is the same for all of "
    "them: shape (2n,).",
    {"torch.arange(2 * n) >= n": "(torch.arange(2 * n) >= n).expand(batch, -1)"},
)
reversal_batch.slip(
    "seen_before_is_not_known",
    "You call a target known if its symbol has been read before. That may be luck: whether "
    "it *follows* does not depend on what was drawn.",
    {
        "follows = torch.arange(2 * n) >= n": "seen = [(whole[:, : t + 1] == whole[:, t + "
        "1, None]).any(1) for t in range"
        "(2 * n)]\n    follows = torch.stack([some.all() for some in seen])"
    },
)


reversal_batch.hint("Build the whole sequence first; inputs and targets are two cuts of it.")
reversal_batch.hint("`torch.cat([start, rows, rows.flip(1)], dim=1)`: which shape has `start`?")
reversal_batch.hint("Write out [7, 2] with 10 symbols: how many places are there?", when="shape")
reversal_batch.hint("Is each row reversed, and not the order of the rows?", when="value")
