"""How `choose_weight` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

choose_weight = Exercise("choose_weight", minutes=12, difficulty=2, returns=tuple[float, float])


def _mixed(first: Any, second: Any, ids: list[int], weight: float, offset: int = 0) -> float:
    """The perplexity of a mixture on a text, from the product of its probabilities."""
    product = 1.0
    for a, b in zip(ids, ids[1:], strict=False):
        product *= weight * float(first[a][b]) + (1 - weight) * float(
            second[b if not offset else a]
        )
    return math.inf if product == 0 else (1 / product) ** (1 / (len(ids) - 1))


def _tables(draw: Draw, size: int) -> tuple[Tensor, Tensor]:
    rows = torch.tensor(draw.rng.dirichlet(np.full(size, 0.4), size) + 1e-3)
    single = torch.tensor(draw.rng.dirichlet(np.ones(size)) + 1e-2)
    return rows / rows.sum(1, keepdim=True), single / single.sum()


def _follow(draw: Draw, table: Tensor, length: int) -> Tensor:
    """A text that partly follows a bigram table, so that a middling weight is best."""
    ids = [0]
    for _ in range(length):
        row = table[ids[-1]].numpy() if draw.rng.uniform() < 0.5 else None
        ids.append(int(draw.rng.choice(len(table), p=row)))
    return torch.tensor(ids)


@choose_weight.property("returns the weight of lowest perplexity, and that perplexity", trials=6)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 4)
    ids = _follow(draw, table, 4 + 2 * draw.size)
    weights = [0.1, 0.3, 0.5, 0.7, 0.9]
    weight, result = answer(table, single, ids, weights)
    expected = [_mixed(table, single, ids.tolist(), w) for w in weights]
    expect(result, "the perplexity").close_to(min(expected))
    expect(weight, "the weight").close_to(weights[int(np.argmin(expected))])


@choose_weight.property("finds the best of the weights it was given, in any order", trials=4)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 3)
    ids = _follow(draw, table, 15)
    weights = draw.rng.permutation([0.05, 0.25, 0.6, 0.95])[: draw.integers(1, 5)].tolist()
    weight, result = answer(table, single, ids, weights)
    expected = [_mixed(table, single, ids.tolist(), w) for w in weights]
    expect(result, "the perplexity").close_to(min(expected))
    expect(weight, "the weight").close_to(weights[int(np.argmin(expected))])


@choose_weight.property("tries every weight, also after one that was worse", trials=3)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 3)
    ids = _follow(draw, table, 12)
    by_rank = sorted([0.1, 0.4, 0.6, 0.9], key=lambda w: _mixed(table, single, ids.tolist(), w))
    weights = [by_rank[1], by_rank[3], by_rank[0], by_rank[2]]
    weight, result = answer(table, single, ids, weights)
    expect(result, "the perplexity").close_to(_mixed(table, single, ids.tolist(), by_rank[0]))
    expect(weight, "the weight").close_to(by_rank[0])


@choose_weight.property("turns away from a weight of 1 when a pair was never seen")
def _(answer, draw: Draw) -> None:
    table = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    single = torch.tensor([0.75, 0.25], dtype=torch.float64)
    ids = torch.tensor([0, 1, 0, 1, 0, 0])
    weight, result = answer(table, single, ids, [1.0, 0.75])
    expect(weight, "the weight").close_to(0.75)
    expect(result, "the perplexity").close_to(_mixed(table, single, ids.tolist(), 0.75))


@choose_weight.property("trusts one model wholly where that is best")
def _(answer, draw: Draw) -> None:
    table = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    single = torch.tensor([0.25, 0.75], dtype=torch.float64)
    for ids, best in (([0, 1, 0, 1, 0], 1.0), ([1, 1, 1, 1], 0.0)):
        weight, result = answer(table, single, torch.tensor(ids), [0.0, 0.5, 1.0])
        expect(weight, "the weight").close_to(best, atol=1e-9)
        expect(result, "the perplexity").close_to(_mixed(table, single, ids, best))


@choose_weight.property("gives one of the weights, even where each is infinitely bad", trials=2)
def _(answer, draw: Draw) -> None:
    table = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    single, ids = torch.tensor([0.75, 0.25], dtype=torch.float64), torch.tensor([0, 0, 1, 0])
    weight, result = answer(table, single, ids, [1.0])
    expect(result, "the perplexity").equals(math.inf)
    expect(weight, "the weight").equals(1.0)


@choose_weight.mistake(
    "Where the perplexity is infinite at every candidate, none is below the infinity you begin "
    "with, and the weight stays what it was before the loop. Begin with the first candidate."
)
def none_below_infinity(bigram_table, unigram_table, ids, weights):
    best, lowest = math.nan, math.inf
    for weight in weights:
        _, result = _choose(bigram_table, unigram_table, ids, [weight])
        if result < lowest:
            best, lowest = weight, result
    return best, lowest


def _choose(table, single, ids, weights, mix=None, key=min):
    first, second = table[ids[:-1], ids[1:]], single[ids[1:]]
    mix = mix or (lambda w, p, q: torch.log(w * p + (1 - w) * q))
    scored = [(float(torch.exp(-mix(w, first, second).mean())), w) for w in weights]
    result, weight = key(scored)
    return weight, result


@choose_weight.mistake(
    "Your weights do not add up to 1: with w for the bigram, the unigram gets 1 − w. Otherwise the "
    "mixture is no probability, and its perplexity means nothing."
)
def weights_do_not_add_up(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights, lambda w, p, q: (w * p + q).log())


@choose_weight.mistake(
    "The weights have changed places: w belongs to the bigram, 1 − w to the unigram."
)
def swapped_weights(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights, lambda w, p, q: ((1 - w) * p + w * q).log()
    )


@choose_weight.mistake(
    "You mixed the logarithms. Mix the probabilities and take the logarithm of the mixture: a log "
    "of 0 cannot be rescued by anything that is added to it."
)
def mixed_logarithms(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights, lambda w, p, q: w * p.log() + (1 - w) * q.log()
    )


@choose_weight.mistake("You chose the weight with the *highest* perplexity. Lower is better.")
def worst(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights, key=max)


@choose_weight.mistake(
    "Your unigram speaks about the word before. Both models predict the same word, the second of "
    "the pair: `unigram_table[ids[1:]]`."
)
def unigram_of_context(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[:-1]]
    scored = [(float(torch.exp(-(w * first + (1 - w) * second).log().mean())), w) for w in weights]
    return min(scored)[::-1]


@choose_weight.mistake(
    "You read the bigram table the wrong way round: row the word before, column the word that came."
)
def bigram_backwards(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table.T, unigram_table, ids, weights)


@choose_weight.mistake("You returned the perplexity first. The weight comes first, then it.")
def returned_swapped(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights)[::-1]


@choose_weight.mistake(
    "You chose by the bigram's and the unigram's perplexities mixed. Mix the probabilities of each "
    "word, then compute one perplexity."
)
def mixed_perplexities(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    one, two = float(torch.exp(-first.log().mean())), float(torch.exp(-second.log().mean()))
    return min((w * one + (1 - w) * two, w) for w in weights)[::-1]


@choose_weight.mistake(
    "The second number is the mean negative log-likelihood. The page asks for the perplexity, its "
    "exp."
)
def in_nats(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, math.log(result)


@choose_weight.mistake("You summed the logarithms. Perplexity is per word: take their mean.")
def summed_logarithms(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, result ** (len(ids) - 1)


@choose_weight.mistake(
    "You judged the text's first word too. No word comes before it: L words have L − 1 pairs."
)
def judged_first_word(bigram_table, unigram_table, ids, weights):
    first = float(unigram_table[ids[0]])
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, (result ** (len(ids) - 1) / first) ** (1 / len(ids))


@choose_weight.mistake(
    "You returned the best weight's place in the list. Return the weight: `weights[place]`."
)
def place_of_weight(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return list(weights).index(weight), result


@choose_weight.mistake(
    "You stopped at the first weight that was worse than the one before it. The weights come in "
    "any order: try them all."
)
def stopped_early(bigram_table, unigram_table, ids, weights):
    best, lowest = weights[0], math.inf
    for weight in weights:
        _, result = _choose(bigram_table, unigram_table, ids, [weight])
        if result > lowest:
            break
        best, lowest = weight, result
    return best, lowest


@choose_weight.mistake(
    "You left out the pairs that the bigram has never seen. They are the ones that the unigram "
    "model is asked about: judge every pair."
)
def without_unseen(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    seen = first > 0
    mixed = [((w * first + (1 - w) * second)[seen].log(), w) for w in weights]
    return min((float(torch.exp(-logs.mean())), w) for logs, w in mixed)[::-1]


@choose_weight.mistake(
    "You asked the unigram only about unseen pairs. In the mixture both models speak about every "
    "pair; otherwise its probabilities do not add up to 1."
)
def backed_off(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights,
        lambda w, p, q: torch.where(p > 0, w * p, (1 - w) * q).log(),
    )  # fmt: skip


@choose_weight.mistake(
    "`math.log(0)` is an error. `torch.log` says −infinity, the perplexity is infinite then, and "
    "the weight loses, as it should."
)
def python_logarithm(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    scored = []
    for weight in weights:
        mixed = (weight * first + (1 - weight) * second).tolist()
        scored.append((math.exp(-sum(map(math.log, mixed)) / len(mixed)), weight))
    return min(scored)[::-1]


choose_weight.hint("Look both probabilities of every word up once, before you try weights.")
choose_weight.hint("`bigram_table[ids[:-1], ids[1:]]` and `unigram_table[ids[1:]]`: same length.")
choose_weight.hint("For each w: mix, take logs, `perplexity`. Keep the pair with the lowest.")
choose_weight.hint("Do the two weights add up to 1?", when="factor")
choose_weight.hint("Mix first, logarithm after.", when="infinite")
