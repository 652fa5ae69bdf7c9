"""How `next_word_probabilities` is judged."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import float64_tensor, heated, mixed, normalised, nucleus_places, ranking

next_word_probabilities = Exercise(
    "next_word_probabilities", minutes=12, difficulty=2, returns=Tensor
)


def _masked(values: list[float], keep: list[int]) -> list[float]:
    mass = sum(values[i] for i in keep)
    return [values[i] / mass if i in keep else 0.0 for i in range(len(values))]


def _pipeline(logits: list[float], temperature=1.0, k=None, p=1.0, banned=()) -> list[float]:
    """Ban, heat, cut, cut, each on what the one before it left: loops over Python's floats."""
    logits = [-math.inf if i in banned else z for i, z in enumerate(logits)]
    values = heated(logits, temperature)
    values = _masked(values, ranking(values)[:k])
    return _masked(values, nucleus_places(values, p))


@next_word_probabilities.property("bans, heats, then cuts by k, then by p", trials=6)
def _(answer, draw: Draw) -> None:
    size = draw.size + 4
    logits, banned = draw.normal(size, scale=1.5), draw.rng.choice(size, 2, replace=False).tolist()
    settings = {
        "temperature": draw.choice([0.5, 0.8, 1.5, 2.5]),
        "k": draw.integers(2, size),
        "p": draw.choice([0.55, 0.7, 0.85, 0.95]),
        "banned": banned,
    }
    expected = _pipeline(logits.tolist(), **settings)
    expect(answer(float64_tensor(logits), **settings), "the probabilities").close_to(expected)


@next_word_probabilities.property("is the model itself when nothing is asked for", trials=3)
def _(answer, draw: Draw) -> None:
    logits = draw.normal(draw.size + 1)
    expected = heated(logits.tolist(), 1.0)
    expect(answer(float64_tensor(logits)), "the probabilities").close_to(expected)


@next_word_probabilities.property("cuts by p what the temperature and k left", trials=4)
def _(answer, draw: Draw) -> None:
    logits = np.log(draw.rng.permutation([0.4, 0.3, 0.2, 0.1]))
    for settings in ({"k": 2, "p": 0.55}, {"temperature": 3.0, "p": 0.65},
                     {"temperature": 0.4, "p": 0.65}):  # fmt: skip
        expected = _pipeline(logits.tolist(), **settings)
        expect(answer(float64_tensor(logits), **settings), f"for {settings}").close_to(expected)


@next_word_probabilities.property("takes banned words out before anything is cut", trials=4)
def _(answer, draw: Draw) -> None:
    logits = draw.rng.permutation([3.0, 1.0, 0.5, 0.0, -4.0])
    best = [int(np.argmax(logits))]
    for settings in ({"k": 2}, {"p": 0.6}, {"temperature": 0.0}, {"temperature": 2.0}):
        expected = _pipeline(logits.tolist(), banned=best, **settings)
        got = answer(float64_tensor(logits), banned=best, **settings)
        expect(got, f"without the best word, for {settings}").close_to(expected)


@next_word_probabilities.property("takes p = 0 and temperature 0 for numbers", trials=2)
def _(answer, draw: Draw) -> None:
    logits = draw.normal(5)
    for settings in ({"p": 0.0}, {"temperature": 0.0}, {"temperature": 2.0, "k": 3, "p": 0.0}):
        got = answer(float64_tensor(logits), **settings)
        expect(got, f"for {settings}").close_to(_pipeline(logits.tolist(), **settings))


@next_word_probabilities.property("never lets a banned word come, however low the others are")
def _(answer, draw: Draw) -> None:
    logits = draw.rng.permutation([-1500.0, -1501.0, -1502.0, -1500.5])
    banned = [int(np.argmax(logits)), draw.integers(0, 4)]
    for settings in ({}, {"temperature": 2.0}, {"k": 1}):
        got = answer(float64_tensor(logits), banned=banned, **settings)
        expected = _pipeline(logits.tolist(), banned=banned, **settings)
        expect(got, f"with words {banned} banned, for {settings}").close_to(expected)


@next_word_probabilities.property("bans every word of the list", trials=2)
def _(answer, draw: Draw) -> None:
    logits, banned = draw.normal(7), draw.rng.permutation(7)[:4].tolist()
    for words in (banned, tuple(banned)):
        got = answer(float64_tensor(logits), banned=words)
        expect(got, f"with words {banned} banned").close_to(
            _pipeline(logits.tolist(), banned=banned)
        )


@next_word_probabilities.mistake(
    "Top-p came before top-k, or measured p against the whole. The order is temperature, top-k, "
    "top-p, and what top-k leaves adds up to 1 before top-p looks at it."
)
def p_before_k(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "btpk")


@next_word_probabilities.mistake(
    "Your nucleus belongs to the distribution before the temperature. Top-p works on what "
    "temperature and top-k left."
)
def nucleus_of_the_model(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "btkm")


@next_word_probabilities.mistake("You did not use the temperature.")
def without_temperature(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "bkp")


@next_word_probabilities.mistake("You did not use k.")
def without_k(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "btp")


@next_word_probabilities.mistake("You did not use p.")
def without_p(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "btk")


@next_word_probabilities.mistake("Banned words can still come.")
def without_ban(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, "tkp")


@next_word_probabilities.mistake(
    "You gave banned words the logit 0, and e⁰ = 1: they are likely, not forbidden. Their logit "
    "must be −infinity."
)
def banned_by_zero(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, ban=0.0)


@next_word_probabilities.mistake(
    "You gave banned words a low logit, such as −100. Where all the others are lower still they "
    "are the likeliest. Only −infinity forbids a word at any temperature."
)
def banned_by_minus_100(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned, ban=-100.0)


@next_word_probabilities.mistake(
    "You banned the first word of the list alone. All of them must not come: index with "
    "`list(banned)`, or go through them."
)
def first_banned_only(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p, banned[:1])


@next_word_probabilities.mistake(
    "With p = 0 you leave top-p out: `if p` takes 0 for none given. p = 0 keeps the best word "
    "alone."
)
def no_cut_at_p_0(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p or 1.0, banned)


@next_word_probabilities.mistake(
    "With temperature 0 you leave the temperature out: `if temperature` takes 0 for none given. "
    "Temperature 0 is greedy."
)
def no_heat_at_0(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature or 1.0, k, p, banned)


@next_word_probabilities.mistake(
    "Where k is given you leave p out, or the other way round. Both are applied, one after the "
    "other."
)
def k_or_p(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, k, p if k is None else 1.0, banned)


@next_word_probabilities.mistake(
    "You took banned words out at the end, when they had already used up places among the k and "
    "mass of p. They go first."
)
def banned_last(logits, temperature=1.0, k=None, p=1.0, banned=()):
    values = mixed(logits, temperature, k, p, (), "btkp").clone()
    values[list(banned)] = 0
    return normalised(values)


@next_word_probabilities.mistake(
    "You took banned words out at the end and did not normalise again: what is left does not add "
    "up to 1."
)
def banned_without_renormalising(logits, temperature=1.0, k=None, p=1.0, banned=()):
    values = mixed(logits, temperature, k, p, (), "btkp").clone()
    values[list(banned)] = 0
    return values


@next_word_probabilities.mistake(
    "The temperature came last, on what k and p had left. It comes first."
)
def temperature_last(logits, temperature=1.0, k=None, p=1.0, banned=()):
    allowed = logits.clone()
    allowed[list(banned)] = -math.inf
    return mixed(allowed, temperature, k, p, (), "kpt")


@next_word_probabilities.mistake("k = None means no top-k at all, and your code stops there.")
def none_not_allowed(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return mixed(logits, temperature, min(k, len(logits)), p, banned)


@next_word_probabilities.mistake(
    "An empty tuple as an index means *every* word: with nothing banned you banned all. Index with "
    "`list(banned)`."
)
def all_banned(logits, temperature=1.0, k=None, p=1.0, banned=()):
    allowed = logits.clone()
    allowed[banned] = -math.inf
    return mixed(allowed, temperature, k, p)


next_word_probabilities.hint("You have all four pieces. Write them one under the other.")
next_word_probabilities.hint("`allowed = logits.clone()`: then you may write into it.")
next_word_probabilities.hint("A list of numbers is an index: `allowed[list(banned)] = -math.inf`.")
next_word_probabilities.hint("What does `logits` look like after your call?", when="changes input")
next_word_probabilities.hint("Is `k` None where it is not given?", when="error")
