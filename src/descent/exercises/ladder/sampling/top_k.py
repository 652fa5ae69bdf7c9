"""How `top_k` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import (
    different_numbers,
    drawn_shares,
    float64_tensor,
    kept_shares,
    normalised,
    only,
    ranking,
    ranking_of,
)

top_k = Exercise("top_k", minutes=12, difficulty=2, returns=torch.Tensor)


@top_k.property("keeps the k most probable words and shares out anew", trials=6)
def _(answer, draw: Draw) -> None:
    shares = different_numbers(draw, draw.size + 2)
    k = draw.integers(1, draw.size + 2)
    expected = kept_shares(shares, ranking(shares)[:k])
    expect(answer(float64_tensor(shares) / 1024, k), "the probabilities").close_to(expected)


@top_k.property("among equals keeps those with lower numbers, exactly k in all", trials=4)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([2, 4, 4, 4, 1, 1, 8]).tolist()
    for k in (2, 3, 6):
        got = answer(float64_tensor(shares) / 24, k)
        expect(got, f"the probabilities for k = {k}").close_to(
            kept_shares(shares, ranking(shares)[:k])
        )


@top_k.property("decides ties among many words in the same way")
def _(answer, draw: Draw) -> None:
    shares = draw.integers(1, 4, 64).tolist()
    for k in (8, 40):
        kept = (answer(float64_tensor(shares) / sum(shares), k) > 0).int()
        wanted = [int(i in ranking(shares)[:k]) for i in range(64)]
        expect(kept, f"which of 64 words are kept for k = {k}").equals(wanted)


@top_k.property("is greedy for k = 1")
def _(answer, draw: Draw) -> None:
    shares = different_numbers(draw, 4)
    expected = np.eye(4)[int(np.argmax(shares))]
    expect(answer(float64_tensor(shares) / 1024, 1), "the probabilities").close_to(expected)
    equals = draw.rng.permutation([24, 24, 24, 8]).tolist()
    expected = np.eye(4)[int(np.argmax(equals))]
    got = answer(float64_tensor(equals) / 80, 1)
    expect(got, "the probabilities with three equally good words").close_to(expected)


@top_k.property("keeps everything when k is the number of words or more", trials=3)
def _(answer, draw: Draw) -> None:
    shares = drawn_shares(draw, draw.size + 1)
    for k in (len(shares), len(shares) + 3):
        got = answer(float64_tensor(shares) / 64, k)
        expect(got, "the probabilities").close_to(np.array(shares) / 64)


@top_k.property("works where fewer than k words are possible")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([0, 0, 24, 40]).tolist()
    expect(answer(float64_tensor(shares) / 64, 3), "the probabilities").close_to(
        np.array(shares) / 64
    )


@top_k.mistake(
    "What is left does not add up to 1: divide by its sum. Otherwise the words that were cut are "
    "still owed their share."
)
def not_renormalised(probabilities, k):
    return only(probabilities, ranking_of(probabilities)[:k])


@top_k.mistake(
    "You kept every word that ties with the k-th one, more than k in all. On this page exactly k "
    "stay; among equals the lower number goes first."
)
def all_ties(probabilities, k):
    border = probabilities.sort(descending=True).values[min(k, len(probabilities)) - 1]
    return normalised(probabilities * (probabilities >= border))


@top_k.mistake(
    "Among equals you kept the higher numbers. The lower ones go first: sort with "
    "`descending=True, stable=True`."
)
def higher_numbers(probabilities, k):
    places = len(probabilities) - 1 - ranking_of(probabilities.flip(0))[:k]
    return normalised(only(probabilities, places))


@top_k.mistake(
    "`torch.topk` makes no promise about ties, and here it did not keep the lower numbers. "
    "Sort with `descending=True, stable=True` and take the first k."
)
def by_torch_topk(probabilities, k):
    places = torch.topk(probabilities, min(k, len(probabilities))).indices
    return normalised(only(probabilities, places))


@top_k.mistake(
    "A sort without `stable=True` leaves equals in any order, and among many words it did not keep "
    "the lower numbers. Sort with `descending=True, stable=True`."
)
def unstable_sort(probabilities, k):
    return normalised(only(probabilities, probabilities.argsort(descending=True)[:k]))


@top_k.mistake(
    "You kept the words 0 to k − 1, whatever their probabilities: the places in the sorted order "
    "are not the words. The sort's indices say which words stand there."
)
def first_k_words(probabilities, k):
    kept = torch.zeros_like(probabilities)
    kept[:k] = probabilities[:k]
    return normalised(kept) if kept.sum() > 0 else kept


@top_k.mistake(
    "You took the sort's indices for ranks. Entry j says which word stands at place j, and not at "
    "which place word j stands: write `kept[order[:k]] = …`."
)
def indices_for_ranks(probabilities, k):
    kept = probabilities * (ranking_of(probabilities) < k)
    return normalised(kept) if kept.sum() > 0 else kept


@top_k.mistake(
    "You gave all kept words the same share. They keep their proportions: divide what is left by "
    "its sum."
)
def equal_shares(probabilities, k):
    places = ranking_of(probabilities)[:k]
    kept = torch.zeros_like(probabilities)
    kept[places] = 1 / len(places)
    return kept


@top_k.mistake(
    "You cut every word that ties with the border, fewer than k are left. Exactly k stay."
)
def no_ties(probabilities, k):
    ranked = probabilities.sort(descending=True).values
    if k >= len(ranked):
        return normalised(probabilities)
    kept = probabilities * (probabilities > ranked[k])
    return normalised(kept) if kept.sum() > 0 else kept


@top_k.mistake(
    "Your probabilities are in falling order. Entry i must belong to word i: put the kept ones "
    "back where they came from."
)
def left_sorted(probabilities, k):
    ranked = probabilities.sort(descending=True).values.clone()
    ranked[k:] = 0
    return normalised(ranked)


@top_k.mistake("You kept the k least probable words: sort with `descending=True`.")
def least_probable(probabilities, k):
    kept = only(probabilities, ranking_of(probabilities, descending=False)[:k])
    return normalised(kept)


@top_k.mistake("You kept one word too many: `[:k]` is already k of them.")
def one_more(probabilities, k):
    return normalised(only(probabilities, ranking_of(probabilities)[: k + 1]))


@top_k.mistake("You kept one word too few: `[:k]` stops before number k.")
def one_fewer(probabilities, k):
    return normalised(only(probabilities, ranking_of(probabilities)[: k - 1]))


@top_k.mistake(
    "k may be larger than the number of words, and `torch.topk` refuses that: take "
    "`min(k, len(probabilities))`."
)
def refuses_large_k(probabilities, k):
    torch.topk(probabilities, k)
    return normalised(only(probabilities, ranking_of(probabilities)[:k]))


@top_k.mistake(
    "You put the kept probabilities through a softmax. They are probabilities already: divide by "
    "their sum."
)
def softmax_over_kept(probabilities, k):
    places = ranking_of(probabilities)[:k]
    kept = torch.zeros_like(probabilities)
    kept[places] = torch.softmax(probabilities[places], 0)
    return kept


@top_k.mistake(
    "You shared the cut mass equally among the kept words. Dividing by what is left keeps their "
    "proportions."
)
def equal_gift(probabilities, k):
    places = ranking_of(probabilities)[:k]
    kept = only(probabilities, places)
    kept[places] += (1 - kept.sum()) / len(places)
    return kept


top_k.hint("`probabilities.argsort(descending=True, stable=True)[:k]` are the words that stay.")
top_k.hint("Begin with `torch.zeros_like(probabilities)` and write the kept ones into it.")
top_k.hint("Do they add up to 1?", when="factor")
top_k.hint("Is entry i still about word i?", when="order")
top_k.hint("What does your code do with two equally probable words at the border?", when=(
    "among equals keeps those with lower numbers, exactly k in all"))  # fmt: skip
top_k.hint("Make a new tensor for the answer instead of writing into the old.", when=(
    "changes input"))  # fmt: skip
