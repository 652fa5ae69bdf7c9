"""How `bigram` is judged."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_ids

bigram = Exercise("bigram", minutes=15, difficulty=2, returns=Tensor)


def _bigram_by_counting(ids: list[int], size: int, k: float) -> list[list[float]]:
    """P(second | first) from a dictionary of pairs; uniform where nothing is known."""
    pairs: Counter[tuple[int, int]] = Counter(zip(ids, ids[1:], strict=False))
    table = []
    for first in range(size):
        counts = [pairs[first, second] + k for second in range(size)]
        total = math.fsum(counts)
        table.append([count / total if total else 1 / size for count in counts])
    return table


@bigram.property("gives row a, column b the probability of b after a", trials=6)
def _(answer, draw: Draw) -> None:
    size, k = draw.integers(2, 6), draw.choice([0.25, 1.0, 2.0])
    ids = drawn_ids(draw, 3 * draw.size, size)
    expect(answer(ids, size, k), "the table").close_to(_bigram_by_counting(ids.tolist(), size, k))


@bigram.property("with k = 0 gives plain shares, and a row of 1/size for a word never followed")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([0, 1, 0, 0, 2, 2, 1, 0, draw.integers(3, 5), 0])
    expect(answer(ids, 5, 0.0), "the table").close_to(_bigram_by_counting(ids.tolist(), 5, 0.0))


@bigram.property("has rows that add up to 1", trials=3)
def _(answer, draw: Draw) -> None:
    size = draw.integers(3, 7)
    table = answer(drawn_ids(draw, 12, size), size, draw.choice([0.0, 0.1]))
    expect(table, "the table").has_shape(size, size)
    expect(torch.as_tensor(table).sum(1), "the sums of the rows").close_to(np.ones(size))


@bigram.property("is uniform for a text of one word")
def _(answer, draw: Draw) -> None:
    size = draw.integers(2, 5)
    table = answer(torch.tensor([1]), size, draw.choice([0.0, 1.0]))
    expect(table, "the table").close_to(np.full((size, size), 1 / size))


def _pair_counts(ids: Tensor, size: int) -> Tensor:
    table = torch.zeros(size, size, dtype=torch.float64)
    table.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1).double(), accumulate=True)
    return table


def _normalised(counts: Tensor, dim: int = 1) -> Tensor:
    totals = counts.sum(dim, keepdim=True)
    return torch.where(totals > 0, counts / totals, 1 / len(counts))


@bigram.mistake(
    "Your table is turned over: row b, column a. The row is the word that is known, the column the "
    "word that is predicted."
)
def turned_over(ids, size, k):
    return _normalised(_pair_counts(ids, size) + k).T


@bigram.mistake(
    "You counted the pairs backwards: your row is the later word. `ids[:-1]` comes first, "
    "`ids[1:]` after it."
)
def counted_backwards(ids, size, k):
    return _normalised(_pair_counts(ids, size).T + k)


@bigram.mistake(
    "You normalised down the columns: that is the share of each word *before* b. For one known "
    "word the probabilities of all next words, a row, add up to 1."
)
def columns(ids, size, k):
    return _normalised(_pair_counts(ids, size) + k, dim=0)


@bigram.mistake(
    "You divided by the total of the whole table: that is how likely the *pair* is. Given the "
    "first word, its row adds up to 1."
)
def joint(ids, size, k):
    counts = _pair_counts(ids, size) + k
    total = counts.sum()
    return counts / total if total > 0 else torch.full((size, size), 1 / size)


@bigram.mistake(
    "Some rows are 0/0, not a number: words that nothing ever followed, at k = 0. The page gives "
    "them 1/size everywhere."
)
def not_a_number(ids, size, k):
    counts = _pair_counts(ids, size) + k
    return counts / counts.sum(1, keepdim=True)


@bigram.mistake(
    "A repeated pair counts only once: `table[ids[:-1], ids[1:]] += 1` writes a place once, "
    "however often it is named. Use bincount of first · size + second, or index_put_ with "
    "accumulate."
)
def counted_once(ids, size, k):
    table = torch.zeros(size, size, dtype=torch.float64)
    table[ids[:-1], ids[1:]] += 1
    return _normalised(table + k)


@bigram.mistake(
    "You divided by how often the first word occurs, without the k · size that was added to its "
    "row. The row then adds up to more than 1."
)
def wrong_row_total(ids, size, k):
    counts = _pair_counts(ids, size)
    totals = counts.sum(1, keepdim=True)
    return torch.where(totals > 0, (counts + k) / totals, 1 / size)


@bigram.mistake(
    "k was added to each row's total once. Each of the `size` counts of a row got a k, so its "
    "total grows by k · size."
)
def row_total_grown_once(ids, size, k):
    counts = _pair_counts(ids, size)
    totals = counts.sum(1, keepdim=True) + k
    return torch.where(totals > 0, (counts + k) / totals, 1 / size)


@bigram.mistake(
    "The totals of the rows were laid along the columns: `counts.sum(1)` has shape (size,), and "
    "divides as a row. With `keepdim=True` it stays a column."
)
def totals_lying_down(ids, size, k):
    counts = _pair_counts(ids, size) + k
    totals = counts.sum(1)
    return torch.where(totals > 0, counts / totals, 1 / size)


@bigram.mistake(
    "The row of the text's last word is wrong: you divided by how often a word occurs, and nothing "
    "follows its last occurrence. Divide by the total of the row."
)
def divided_by_occurrences(ids, size, k):
    occurrences = torch.bincount(ids, minlength=size)[:, None] + k * size
    counts = _pair_counts(ids, size) + k
    return torch.where(occurrences > 0, counts / occurrences, 1 / size)


@bigram.mistake(
    "A word that nothing ever followed has a row of zeros, which is no probability. At k = 0 the "
    "page gives such a row 1/size throughout."
)
def rows_of_zeros(ids, size, k):
    counts = _pair_counts(ids, size) + k
    return torch.nan_to_num(counts / counts.sum(1, keepdim=True), nan=0.0)


@bigram.mistake(
    "You paired the last word of the text with the first (`roll` goes round in a circle). L words "
    "have L − 1 pairs."
)
def in_a_circle(ids, size, k):
    return _normalised(_pair_counts(torch.cat([ids, ids[:1]]), size) + k)


@bigram.mistake("k was not added: every pair that training did not hold has probability 0.")
def no_k(ids, size, k):
    return _normalised(_pair_counts(ids, size))


@bigram.mistake("You counted each word with itself. The pairs are (ids[i], ids[i + 1]).")
def same_word(ids, size, k):
    table = torch.zeros(size, size, dtype=torch.float64)
    table.index_put_((ids, ids), torch.ones(len(ids)).double(), accumulate=True)
    return _normalised(table + k)


bigram.hint("The pairs are `ids[:-1]` and `ids[1:]`. Count them in a table of size × size.")
bigram.hint("`first * size + second` numbers the pairs: `torch.bincount`, then `reshape`.")
bigram.hint("Add k, take the totals of the rows with `keepdim=True`, divide.")
bigram.hint("What is 0/0, and which rows have it? `torch.where` chooses.", when="nan")
bigram.hint("Which of the two words is known? It is the row.", when="transposed")
bigram.hint("Add up one of your rows, then one of your columns.", when="value")
