"""How `inverse_cdf` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import drawn_shares, float64_tensor, last, search

inverse_cdf = Exercise("inverse_cdf", minutes=12, difficulty=2, returns=torch.Tensor)


def _pieces(shares: list[int], doubled: list[int]) -> list[int]:
    """For each u = doubled/128 the piece of the line that it falls into, whole numbers only."""
    found = []
    for u in doubled:
        end, word = 2 * shares[0], 0
        while end <= u:
            word += 1
            end += 2 * shares[word]
        found.append(word)
    return found


@inverse_cdf.property("finds the piece that each number falls into", trials=6)
def _(answer, draw: Draw) -> None:
    shares = drawn_shares(draw, draw.size + 1)
    doubled = [2 * n + 1 for n in draw.integers(0, 64, draw.size).tolist()]
    words = answer(float64_tensor(shares) / 64, float64_tensor(doubled) / 128)
    expect(words, "the words").equals(_pieces(shares, doubled))


@inverse_cdf.property("leaves the words in the order of the numbers", trials=2)
def _(answer, draw: Draw) -> None:
    shares, doubled = [16, 16, 16, 16], draw.rng.permutation([3, 35, 67, 99, 127, 1]).tolist()
    words = answer(float64_tensor(shares) / 64, float64_tensor(doubled) / 128)
    expect(words, "the words").equals(_pieces(shares, doubled))


@inverse_cdf.property("returns int64", trials=1)
def _(answer, draw: Draw) -> None:
    words = answer(float64_tensor([0.25, 0.75]), float64_tensor([0.1, 0.9]))
    expect(words, "the words").has_dtype("int64")


@inverse_cdf.property("gives a number on a border to the piece that begins there", trials=4)
def _(answer, draw: Draw) -> None:
    shares = drawn_shares(draw, draw.size + 2, least=1)
    borders = [2 * sum(shares[:i]) for i in range(len(shares))]
    words = answer(float64_tensor(shares) / 64, float64_tensor(borders) / 128)
    expect(words, "the words").equals(list(range(len(shares))))


@inverse_cdf.property("never draws a word of probability 0")
def _(answer, draw: Draw) -> None:
    quarter = draw.choice([16, 8, 32])
    shares = [0, quarter, 0, 64 - quarter, 0]
    words = answer(
        float64_tensor(shares) / 64, float64_tensor([0, 2 * quarter, 2 * quarter - 1, 127]) / 128
    )
    expect(words, "the words").equals([1, 3, 1, 3])


@inverse_cdf.property("gives the last possible word where rounding leaves none", trials=3)
def _(answer, draw: Draw) -> None:
    zeros = draw.integers(0, 3)
    probabilities = float64_tensor([0.1] * 10 + [0.0] * zeros)
    words = answer(probabilities, float64_tensor([0.05, np.nextafter(1.0, 0.0)]))
    expect(words, "the words").equals([0, 9])


@inverse_cdf.mistake(
    "On a border you gave the word that ends there: your search is for a cumulative sum of *at "
    "least* u. It must be greater than u (`right=True`), or u = 0 could draw a word of "
    "probability 0."
)
def at_least(probabilities, uniform):
    return search(probabilities, uniform, right=False).clamp(max=last(probabilities))


@inverse_cdf.mistake("Off by one: you counted the words from 1. The first piece belongs to word 0.")
def from_one(probabilities, uniform):
    return search(probabilities, uniform).clamp(max=last(probabilities)) + 1


@inverse_cdf.mistake(
    "One word too far: the number of cumulative sums that are not above u is the word's number "
    "already, since words count from 0."
)
def one_too_far(probabilities, uniform):
    return (search(probabilities, uniform) + 1).clamp(max=last(probabilities))


@inverse_cdf.mistake(
    "Rounding can let the cumulative sum end below u, and then you return a word that does not "
    "exist. Give the last word with a probability above 0."
)
def off_the_end(probabilities, uniform):
    return search(probabilities, uniform)


@inverse_cdf.mistake(
    "Where rounding leaves no word you gave the last of all, which may have probability 0. Give "
    "the last word with a probability *above* 0."
)
def last_of_all(probabilities, uniform):
    return search(probabilities, uniform).clamp(max=len(probabilities) - 1)


@inverse_cdf.mistake(
    "The last word is never reached: your search stops one piece too early. Its piece goes on to "
    "the end of the line."
)
def last_never_reached(probabilities, uniform):
    found = search(probabilities, uniform)
    return found.clamp(max=max(last(probabilities) - 1, 0))


@inverse_cdf.mistake(
    "You compared u with the probabilities themselves. Compare it with their cumulative sums: the "
    "pieces lie end to end."
)
def without_sums(probabilities, uniform):
    above = probabilities.double()[None, :] > uniform.double()[:, None]
    return above.int().argmax(1)


@inverse_cdf.mistake(
    "You looked for the first *probability* greater than u. What has to be greater is the "
    "cumulative sum, p₀ + … + pᵢ: the pieces lie end to end."
)
def first_larger_probability(probabilities, uniform):
    above = probabilities.double()[None, :] > uniform.double()[:, None]
    found = above.int().argmax(1)
    found[~above.any(1)] = last(probabilities)
    return found


@inverse_cdf.mistake(
    "You sorted the numbers. Word i belongs to uniform[i]: leave them in their order."
)
def sorted_numbers(probabilities, uniform):
    return search(probabilities, uniform.sort().values).clamp(max=last(probabilities))


@inverse_cdf.mistake(
    "Where rounding leaves no cumulative sum above u, `argmax` of nothing but False is 0, and you "
    "gave word 0. Give the last word with a probability above 0."
)
def first_where_none(probabilities, uniform):
    above = probabilities.double().cumsum(0)[None, :] > uniform.double()[:, None]
    return above.int().argmax(1)


@inverse_cdf.mistake(
    "You sorted the words by probability and returned places in the sorted order. Search in the "
    "order that was given, or translate the places back."
)
def places_in_sorted_order(probabilities, uniform):
    ranked = probabilities.sort(descending=True).values
    return search(ranked, uniform).clamp(max=last(ranked))


@inverse_cdf.mistake(
    "You stretched u over the words as if all were equally likely. A likely word has a longer "
    "piece."
)
def equally_likely(probabilities, uniform):
    return (uniform * len(probabilities)).long()


@inverse_cdf.mistake("You always give the most probable word. That is greedy; here u decides.")
def greedy(probabilities, uniform):
    return probabilities.argmax().expand(len(uniform)).clone()


@inverse_cdf.mistake(
    "You counted the cumulative sums *above* u. The word is the first of them: count those that "
    "are not above u."
)
def counted_above(probabilities, uniform):
    above = probabilities.double().cumsum(0)[None, :] > uniform.double()[:, None]
    return above.sum(1).clamp(max=last(probabilities))


@inverse_cdf.mistake("The words are right and are floats. A word is a whole number: int64.")
def floats(probabilities, uniform):
    return search(probabilities, uniform).clamp(max=last(probabilities)).double()


inverse_cdf.hint("`probabilities.cumsum(0)` are the right ends of the pieces.")
inverse_cdf.hint("`torch.searchsorted(ends, u, right=True)` finds the first end greater than u.")
inverse_cdf.hint("`probabilities.nonzero()` lists the possible words; the last one is the largest.")
inverse_cdf.hint(
    "searchsorted wants both tensors in the same dtype: `.double()` makes them so.", when="error"
)
inverse_cdf.hint("Draw the line of the page on paper: where is u = 0.2?", when="offset")


inverse_cdf.equivalent(
    "`cumulative = probabilities.double().cumsum(0)` → "
    "`cumulative = probabilities.double().cumsum(-1)`",
    because="of one dimension, the last is the first",
)
