"""How `top_p` is judged."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import (
    cut_at,
    different_numbers,
    drawn_shares,
    float64_tensor,
    kept_shares,
    normalised,
    nucleus_places,
    nucleus_size,
    only,
    ranking_of,
)

top_p = Exercise("top_p", minutes=15, difficulty=2, returns=torch.Tensor)


@top_p.property("keeps the fewest most probable words that reach p", trials=6)
def _(answer, draw: Draw) -> None:
    shares = different_numbers(draw, draw.size + 2)
    p = Fraction(2 * draw.integers(128, 1000) + 1, 2048)
    expected = kept_shares(shares, nucleus_places(shares, p))
    expect(answer(float64_tensor(shares) / 1024, float(p)), "the probabilities").close_to(expected)


@top_p.property("stops at the word that reaches p, exactly or not", trials=3)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([32, 16, 10, 6]).tolist()
    for p in (0.5, 0.75, 0.95):
        expected = kept_shares(shares, nucleus_places(shares, Fraction(p)))
        got = answer(float64_tensor(shares) / 64, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("cuts for a p just below 1 as well")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([1008, 8, 4, 3, 1]).tolist()
    for p in (0.99, 0.996, 0.999):
        got = answer(float64_tensor(shares) / 1024, p)
        expected = kept_shares(shares, nucleus_places(shares, Fraction(p)))
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("keeps the best word alone for p = 0", trials=3)
def _(answer, draw: Draw) -> None:
    shares = different_numbers(draw, draw.size + 1)
    expected = np.eye(len(shares))[int(np.argmax(shares))]
    for p in (0.0, 0.01):
        got = answer(float64_tensor(shares) / 1024, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("keeps everything for p = 1, however improbable", trials=3)
def _(answer, draw: Draw) -> None:
    shares = drawn_shares(draw, draw.size + 1)
    expect(answer(float64_tensor(shares) / 64, 1.0), "the probabilities").close_to(
        np.array(shares) / 64
    )
    got = answer(float64_tensor([1e-20, 1.0, 1e-25]), 1.0)
    kept = (got > 0).int()
    expect(kept, "which words are kept for p = 1").equals([1, 1, 1])


@top_p.property("among equals keeps those with lower numbers", trials=3)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([16, 16, 16, 8, 8]).tolist()
    for p in (0.4, 0.8, 0.0, 1e-9):
        expected = kept_shares(shares, nucleus_places(shares, Fraction(p)))
        got = answer(float64_tensor(shares) / 64, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("decides ties among many words in the same way")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([1] * 32 + [2] * 16).tolist()  # they add up to 64
    for p in (0.3, 0.8):
        kept = (answer(float64_tensor(shares) / 64, p) > 0).int()
        nucleus = nucleus_places(shares, Fraction(p))
        wanted = [int(i in nucleus) for i in range(len(shares))]
        expect(kept, f"which of 48 words are kept for p = {p}").equals(wanted)


@top_p.mistake(
    "You left out the word that crosses p. It is the last one kept: a word stays when those "
    "*before* it have not reached p."
)
def without_crossing(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    reached = probabilities[ranking_of(probabilities)].cumsum(0)
    return cut_at(probabilities, int((reached <= p).sum()))


@top_p.mistake("For a small p you keep nothing, and 0/0 is NaN. The best word always stays.")
def nothing_kept(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    order = ranking_of(probabilities)
    reached = probabilities[order].cumsum(0)
    return normalised(only(probabilities, order[reached <= p]))


@top_p.mistake(
    "For p = 0 you keep nothing, and 0/0 is NaN: no word has a sum *below 0* before it. The best "
    "word stays by a rule of its own."
)
def nothing_at_zero(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    order = ranking_of(probabilities)
    ranked = probabilities[order]
    return normalised(only(probabilities, order[ranked.cumsum(0) - ranked < p]))


@top_p.mistake(
    "You kept the words whose own sum is below p. The word that brings the sum to p or above it "
    "belongs to them: look at the sum *before* each word."
)
def sum_below_p(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    reached = probabilities[ranking_of(probabilities)].cumsum(0)
    return cut_at(probabilities, int((reached < p).sum()))


@top_p.mistake(
    "You kept every word that ties with the last one kept. Equals are taken one after another, "
    "lower numbers first, until p is reached."
)
def all_equals(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    border = probabilities[ranking_of(probabilities)][nucleus_size(probabilities, p) - 1]
    return normalised(probabilities * (probabilities >= border))


@top_p.mistake(
    "Among equals you kept the higher numbers. The lower ones go first: sort with "
    "`descending=True, stable=True`."
)
def higher_equals(probabilities, p):
    places = len(probabilities) - 1 - ranking_of(probabilities.flip(0))
    return normalised(only(probabilities, places[: nucleus_size(probabilities, p)]))


@top_p.mistake("You kept what top-p throws away: the words after p is reached. Keep those before.")
def the_rest(probabilities, p):
    order = ranking_of(probabilities)
    return normalised(only(probabilities, order[probabilities[order].cumsum(0) > p]))


@top_p.mistake(
    "Where a word brings the sum to p exactly, you keep one more. p is reached: stop there."
)
def one_more_on_border(probabilities, p):
    reached = probabilities[ranking_of(probabilities)].cumsum(0)
    return cut_at(probabilities, len(reached) if p == 1 else 1 + int((reached[:-1] <= p).sum()))


def _before(probabilities):
    """The words in falling order, and the sum before each."""
    order = ranking_of(probabilities)
    ranked = probabilities[order]
    return order, ranked.cumsum(0) - ranked


@top_p.mistake(
    "You chose places of the sorted order and applied them to the words as they stand. Place j of "
    "the sorted order belongs to word order[j]."
)
def places_for_words(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    _, before = _before(probabilities)
    keep = before < p
    keep[0] = True
    kept = probabilities * keep
    return normalised(kept) if kept.sum() > 0 else kept


@top_p.mistake(
    "You took the sort's indices for ranks. Entry j says which word stands at place j, and not at "
    "which place word j stands: write `kept[order[:count]] = …`."
)
def indices_for_ranks(probabilities, p):
    kept = probabilities * (ranking_of(probabilities) < nucleus_size(probabilities, p))
    return normalised(kept) if kept.sum() > 0 else kept


@top_p.mistake(
    "You shifted the sums by `roll`: that brings the last sum, 1, to the front, so that the best "
    "word is cut. Before the best word there is nothing, 0."
)
def rolled_sums(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    order = ranking_of(probabilities)
    keep = probabilities[order].cumsum(0).roll(1) < p
    kept = only(probabilities, order[keep])
    return normalised(kept) if kept.sum() > 0 else cut_at(probabilities, 1)


@top_p.mistake(
    "A sort without `stable=True` leaves equals in any order, and among many words it did not keep "
    "the lower numbers. Sort with `descending=True, stable=True`."
)
def unstable_sort(probabilities, p):
    order = probabilities.argsort(descending=True)
    return normalised(only(probabilities, order[: nucleus_size(probabilities, p)]))


@top_p.mistake(
    "For p = 0 you cut nothing: `if p` takes 0 for none given. p = 0 is a number like the others, "
    "and keeps the best word alone."
)
def zero_cuts_nothing(probabilities, p):
    if not p:
        return normalised(probabilities)
    return cut_at(probabilities, nucleus_size(probabilities, p))


@top_p.mistake(
    "You added up the probabilities in the order of the words, and kept the best one besides. "
    "Start with the most probable one: sort first."
)
def unsorted_but_for_the_best(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    keep = probabilities.cumsum(0) - probabilities < p
    keep[probabilities.argmax()] = True
    return normalised(probabilities * keep)


@top_p.mistake(
    "You added up the probabilities in the order of the words. Start with the most probable one: "
    "sort first."
)
def unsorted(probabilities, p):
    if p == 1:
        return normalised(probabilities)
    before = probabilities.cumsum(0) - probabilities
    kept = probabilities * (before < max(p, 1e-12))
    return normalised(kept)


@top_p.mistake(
    "Your probabilities are in falling order. Entry i must belong to word i: put the kept ones "
    "back where they came from."
)
def left_in_order(probabilities, p):
    ranked = probabilities.sort(descending=True).values.clone()
    ranked[nucleus_size(probabilities, p) :] = 0
    return normalised(ranked)


@top_p.mistake(
    "Putting the words back went wrong: `kept[order]` reads by the order. To undo a sort, *write* "
    "by it, `kept[order] = …`."
)
def wrongly_unsorted(probabilities, p):
    order = ranking_of(probabilities)
    ranked = probabilities[order].clone()
    ranked[nucleus_size(probabilities, p) :] = 0
    return normalised(ranked[order])


@top_p.mistake("What is left does not add up to 1: divide by its sum.")
def left_over(probabilities, p):
    return only(probabilities, ranking_of(probabilities)[: nucleus_size(probabilities, p)])


@top_p.mistake(
    "You compared each probability with p. It is the *sum* of the most probable ones that has to "
    "reach p."
)
def each_against_p(probabilities, p):
    kept = probabilities * (probabilities >= p)
    return normalised(kept) if kept.sum() > 0 else cut_at(probabilities, 1)


@top_p.mistake(
    "You began with the least probable words. Sort with `descending=True`: the nucleus is made of "
    "the likely ones."
)
def from_below(probabilities, p):
    order = ranking_of(probabilities, descending=False)
    reached = probabilities[order].cumsum(0)
    count = len(order) if p == 1 else 1 + int((reached[:-1] < p).sum())
    return normalised(only(probabilities, order[:count]))


@top_p.mistake(
    "For p = 1 you lose words so improbable that rounding hides them: the sum seems to be 1 before "
    "they come. Treat p = 1 by itself."
)
def loses_the_tail(probabilities, p):
    reached = probabilities[ranking_of(probabilities)].cumsum(0)
    return cut_at(probabilities, 1 + int((reached[:-1] < p).sum()))


@top_p.mistake(
    "You keep the fewest words that reach 1 − p: p is the mass that stays, not the mass that goes."
)
def complement(probabilities, p):
    return cut_at(probabilities, nucleus_size(probabilities, 1 - p))


top_p.hint("Sort in falling order and take `cumsum(0)`: the mass reached after each word.")
top_p.hint("A word stays when the sum *before* it is below p. How many are there?")
top_p.hint("Once you know the number of words, the rest is top-k.")
top_p.hint("Which words are kept at p = 0? Is anything left to divide by?", when="nan")
top_p.hint("Is entry i still about word i?", when="order")
top_p.hint("Make a new tensor for the answer instead of writing into the old.", when=(
    "changes input"))  # fmt: skip


top_p.equivalent(
    "`reached = probabilities[order].cumsum(0)` → `reached = probabilities[order].cumsum(-1)`",
    because="of one dimension, the last is the first",
)
