"""How `unigram` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_ids

unigram = Exercise("unigram", minutes=5, difficulty=1, returns=Tensor)


@unigram.property("is each word's share of the text, k added to every count", trials=6)
def _(answer, draw: Draw) -> None:
    size, k = draw.integers(2, 7), draw.choice([0.5, 1.0, 2.0])
    ids = drawn_ids(draw, draw.size, size)
    listed = ids.tolist()
    total = len(listed) + k * size
    expected = [(listed.count(word) + k) / total for word in range(size)]
    expect(answer(ids, size, k), "the probabilities").close_to(expected)


@unigram.property("gives plain shares at k = 0")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([2, 2, 0, 2])
    expect(answer(ids, 4, 0.0), "the probabilities").close_to([0.25, 0.0, 0.75, 0.0])


@unigram.property("adds 1 when no k is given")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([1] * draw.integers(1, 5))
    n = len(ids)
    expect(answer(ids, 3), "the probabilities").close_to(np.array([1, n + 1, 1]) / (n + 3))


@unigram.mistake(
    "You divided by the number of tokens alone. With k added to every count, the total grows by "
    "k times the size of the vocabulary; otherwise the shares add up to more than 1."
)
def wrong_total(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + k) / len(ids)


@unigram.mistake(
    "k was not added. A word that never came has probability 0, and one look at it makes the "
    "perplexity infinite."
)
def without_k(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) / len(ids)


@unigram.mistake("You returned counts. Divide by their total: probabilities add up to 1.")
def counts_only(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) + k


@unigram.mistake("You added 1 whatever k is. Add the k you were given.")
def always_one(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + 1) / (len(ids) + size)


@unigram.mistake(
    "Your table ends at the largest id in the text. It has `size` entries: `minlength=size`."
)
def too_short(ids, size, k=1.0):
    counts = torch.bincount(ids) + k
    return counts / counts.sum()


@unigram.mistake(
    "You added k only to words that were seen. It is for the unseen ones that it is there."
)
def only_seen(ids, size, k=1.0):
    counts = torch.bincount(ids, minlength=size).float()
    counts = torch.where(counts > 0, counts + k, counts)
    return counts / counts.sum()


@unigram.mistake(
    "You added k only to words with a count of 0. Every count gets a k, or an unseen word may come "
    "out likelier than one that was seen."
)
def only_unseen(ids, size, k=1.0):
    counts = torch.bincount(ids, minlength=size).double()
    counts = torch.where(counts > 0, counts, counts + k)
    return counts / counts.sum()


@unigram.mistake(
    "A repeated word counts only once: `counts[ids] += 1` writes a place once, however often it is "
    "named. Use `torch.bincount`."
)
def counted_once(ids, size, k=1.0):
    counts = torch.full((size,), float(k))
    counts[ids] += 1
    return counts / counts.sum()


@unigram.mistake("You added k after dividing. Add it to the counts, then divide by their total.")
def added_late(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) / len(ids) + k


@unigram.mistake(
    "k was added to the total once. Each of the `size` counts got a k, so the total grows by "
    "k · size; otherwise the shares add up to more than 1."
)
def total_grown_once(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + k) / (len(ids) + k)


@unigram.mistake(
    "You took a softmax of the counts. It takes exponentials, which belong to logits; shares of "
    "counts need only a division by their total."
)
def softmax_of_counts(ids, size, k=1.0):
    return torch.softmax((torch.bincount(ids, minlength=size) + k).double(), 0)


unigram.hint("Count, add k to every count, divide by the total of what you have then.")
unigram.hint("`torch.bincount(ids, minlength=size)` counts 0 … size − 1.")
unigram.hint("Do your probabilities add up to 1?", when="factor")
unigram.hint("How many entries should the table have?", when="length")
