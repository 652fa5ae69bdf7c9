"""What ladder/12_sampling is judged by.

The oracles use no formula of the chapter's solutions: fractions and loops for probabilities and
cuts, a series for the chi-square tail, numpy for the model's numbers. Models that are certain of
their next word make writing the same for every right sampler; where chance is left, counts are
compared with a threshold that a right sampler misses less than once in a thousand million checks.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

ALARM = 1e-10  # a right sampler's p-value is below this once in 10 000 000 000 times


def _tensor(values: Any) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64))


def _shares(draw: Draw, count: int, least: int = 0) -> list[int]:
    """Random whole numbers that add up to 64, so that all sums of them / 64 are exact."""
    weights = draw.rng.dirichlet(np.ones(count))
    return [int(n) + least for n in draw.rng.multinomial(64 - least * count, weights)]


def _different(draw: Draw, count: int) -> list[int]:
    """Different whole numbers in random order, that add up to 1 024: no ties."""
    found = draw.rng.choice(np.arange(1, 1 + 1024 // (2 * count)), count, replace=False).tolist()
    found[int(np.argmax(found))] += 1024 - sum(found)
    return [int(n) for n in found]


def _tail(x: float, degrees: int) -> float:
    """The upper tail of the chi-square distribution, by its recursion over the degrees."""
    if x <= 0:
        return 1.0
    value, step = (math.erfc(math.sqrt(x / 2)), 1) if degrees % 2 else (math.exp(-x / 2), 2)
    while step < degrees:
        half = step / 2
        value += math.exp(half * math.log(x / 2) - x / 2 - math.lgamma(half + 1))
        step += 2
    return value


def _p_value(counts: np.ndarray, probabilities: np.ndarray) -> float:
    expected = counts.sum() * probabilities
    return _tail(float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1)


class _Watch:
    """Notices whether the global streams of random numbers moved."""

    def __init__(self) -> None:
        self.before = self._state()

    @staticmethod
    def _state() -> tuple[Any, ...]:
        numpy_state: Any = np.random.get_state()  # noqa: NPY002  (the global stream, watched)
        return torch.get_rng_state().tolist(), random.getstate(), numpy_state[1].tolist()

    def expect_still(self) -> None:
        expect(self._state() == self.before, "the global generators are untouched").is_true(
            otherwise="The global generator was used or changed; all randomness must come from "
            "the generator of this call."
        )


# ---------------------------------------------------------------- softmax_with_temperature

softmax_with_temperature = Exercise("softmax_with_temperature", minutes=8, difficulty=1)


def _heated(logits: list[float], temperature: float) -> list[float]:
    """The definition, with Python's floats."""
    largest = max(logits)
    if temperature == 0:
        return [1.0 if i == logits.index(largest) else 0.0 for i in range(len(logits))]
    raised = [math.exp((z - largest) / temperature) for z in logits]
    return [value / sum(raised) for value in raised]


@softmax_with_temperature.property("is the softmax of the logits over the temperature", trials=6)
def _(answer, draw: Draw) -> None:
    logits, temperature = draw.normal(draw.size + 1), draw.choice([0.5, 0.7, 1.0, 2.0, 4.0])
    expected = _heated(logits.tolist(), temperature)
    expect(answer(_tensor(logits), temperature), "the probabilities").close_to(expected)


@softmax_with_temperature.property("gives everything to the first of the largest at 0", trials=4)
def _(answer, draw: Draw) -> None:
    logits = draw.integers(-2, 3, draw.size + 2).astype(float)
    logits[draw.rng.permutation(len(logits))[:2]] = 3.0
    expected = _heated(logits.tolist(), 0)
    got = answer(_tensor(logits), 0.0)
    expect(got, "the probabilities at temperature 0").close_to(expected)
    floating = torch.as_tensor(got).is_floating_point()
    expect(floating, "the probabilities at temperature 0 are floating point").equals(True)


@softmax_with_temperature.property("stays finite for logits in the thousands")
def _(answer, draw: Draw) -> None:
    logits, sign = np.array([2000.0, 1999.0, -2000.0]) + draw.integers(0, 9), draw.choice([1, -1])
    got = answer(_tensor(sign * logits), 0.5)
    expected = _heated((sign * logits).tolist(), 0.5)
    expect(got, "the probabilities").is_finite().close_to(expected, atol=1e-6)


@softmax_with_temperature.property("gives a logit of −infinity the probability 0", trials=3)
def _(answer, draw: Draw) -> None:
    logits = [-math.inf, draw.normal(), -math.inf, draw.normal()]
    for temperature in (0.5, 2.0, 0.0):
        expected = _heated(logits, temperature)
        expect(answer(_tensor(logits), temperature), "the probabilities").close_to(expected)


def _softened(values: Tensor) -> Tensor:
    return torch.softmax(values, dim=0)


def _first_best(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(), len(logits)).to(logits.dtype)


@softmax_with_temperature.mistake(
    "You divided the probabilities by T and normalised: the T cancels. It divides the *logits*, "
    "before the exponential."
)
def divided_probabilities(logits, temperature):
    return _first_best(logits) if temperature == 0 else _softened(logits)


@softmax_with_temperature.mistake(
    "You divided the probabilities by T, so that they no longer add up to 1. The temperature "
    "divides the logits, before the softmax."
)
def divided_after(logits, temperature):
    return _first_best(logits) if temperature == 0 else _softened(logits) / temperature


@softmax_with_temperature.mistake(
    "You multiplied by T. A low temperature must make differences larger: divide."
)
def multiplied(logits, temperature):
    return _first_best(logits) if temperature == 0 else _softened(logits * temperature)


@softmax_with_temperature.mistake(
    "Temperature 0 divides by zero. It has a meaning of its own here: the largest logit gets "
    "probability 1."
)
def zero_divides(logits, temperature):
    return _softened(logits / temperature)


@softmax_with_temperature.mistake(
    "At temperature 0 you share the probability among equally large logits. The first of them "
    "gets all of it."
)
def shared_among_equals(logits, temperature):
    if temperature:
        return _softened(logits / temperature)
    best = (logits == logits.max()).to(logits.dtype)
    return best / best.sum()


@softmax_with_temperature.mistake(
    "At temperature 0 the *last* of equally large logits got everything. It is the first."
)
def last_of_equals(logits, temperature):
    if temperature:
        return _softened(logits / temperature)
    return _first_best(logits.flip(0)).flip(0)


@softmax_with_temperature.mistake(
    "e to the power of a large number overflows. Use `torch.softmax`, or subtract the largest "
    "logit first: nothing else changes."
)
def overflows(logits, temperature):
    if temperature == 0:
        return _first_best(logits)
    raised = torch.exp(logits / temperature)
    return raised / raised.sum()


@softmax_with_temperature.mistake(
    "At temperature 0 you return whole numbers (`F.one_hot` gives int64). Probabilities are "
    "floating point: `.to(logits.dtype)`."
)
def whole_numbers(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(), len(logits))
    return _softened(logits / temperature)


@softmax_with_temperature.mistake(
    "You did not normalise: divide by the sum, so that the probabilities add up to 1."
)
def not_normalised(logits, temperature):
    if temperature == 0:
        return _first_best(logits)
    return torch.exp((logits - logits.max()) / temperature)


@softmax_with_temperature.mistake(
    "You raised the probabilities to the power 1/T, which is right up to a factor: divide by "
    "their sum afterwards."
)
def powers_not_normalised(logits, temperature):
    if temperature == 0:
        return _first_best(logits)
    return _softened(logits) ** (1 / temperature)


@softmax_with_temperature.mistake("You returned logarithms. Return probabilities: softmax.")
def logarithms(logits, temperature):
    if temperature == 0:
        return _first_best(logits)
    return torch.log_softmax(logits / temperature, dim=0)


softmax_with_temperature.hint("`torch.softmax(…, dim=0)` of what?")
softmax_with_temperature.hint("0 is a case of its own: `logits.argmax()` finds the first largest.")
softmax_with_temperature.hint("Try [log 4, log 2, log 2] with T = ½ by hand.", when="value")
softmax_with_temperature.hint("What is 0 / 0? Which temperature does it come from?", when="nan")
softmax_with_temperature.hint("Do they add up to 1?", when="factor")

softmax_with_temperature.equivalent(
    "`return torch.softmax(logits / temperature, dim=0)` → "
    "`return torch.softmax(logits / temperature, dim=-1)`",
    because="of one dimension, the last is the first",
)

# ------------------------------------------------------------------------------ inverse_cdf

inverse_cdf = Exercise("inverse_cdf", minutes=12, difficulty=2)


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


def _expect_words(answered: Any, expected: list[int]) -> None:
    expect(answered, "the words").equals(expected)
    expect(torch.as_tensor(answered), "the words").has_dtype("int64").has_shape(len(expected))


@inverse_cdf.property("finds the piece that each number falls into", trials=6)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 1)
    doubled = [2 * n + 1 for n in draw.integers(0, 64, draw.size).tolist()]
    words = answer(_tensor(shares) / 64, _tensor(doubled) / 128)
    _expect_words(words, _pieces(shares, doubled))


@inverse_cdf.property("gives a number on a border to the piece that begins there", trials=4)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 2, least=1)
    borders = [2 * sum(shares[:i]) for i in range(len(shares))]
    words = answer(_tensor(shares) / 64, _tensor(borders) / 128)
    expect(words, "the words").equals(list(range(len(shares))))


@inverse_cdf.property("never draws a word of probability 0")
def _(answer, draw: Draw) -> None:
    quarter = draw.choice([16, 8, 32])
    shares = [0, quarter, 0, 64 - quarter, 0]
    words = answer(_tensor(shares) / 64, _tensor([0, 2 * quarter, 2 * quarter - 1, 127]) / 128)
    expect(words, "the words").equals([1, 3, 1, 3])


@inverse_cdf.property("gives the last possible word where rounding leaves none", trials=3)
def _(answer, draw: Draw) -> None:
    zeros = draw.integers(0, 3)
    probabilities = _tensor([0.1] * 10 + [0.0] * zeros)
    words = answer(probabilities, _tensor([0.05, np.nextafter(1.0, 0.0)]))
    expect(words, "the words").equals([0, 9])


def _search(probabilities: Tensor, uniform: Tensor, right: bool = True) -> Tensor:
    return torch.searchsorted(probabilities.double().cumsum(0), uniform.double(), right=right)


def _last(probabilities: Tensor) -> int:
    return int(probabilities.nonzero().max())


@inverse_cdf.mistake(
    "On a border you gave the word that ends there: your search is for a cumulative sum of *at "
    "least* u. It must be greater than u (`right=True`), or u = 0 could draw a word of "
    "probability 0."
)
def at_least(probabilities, uniform):
    return _search(probabilities, uniform, right=False).clamp(max=_last(probabilities))


@inverse_cdf.mistake("Off by one: you counted the words from 1. The first piece belongs to word 0.")
def from_one(probabilities, uniform):
    return _search(probabilities, uniform).clamp(max=_last(probabilities)) + 1


@inverse_cdf.mistake(
    "Rounding can let the cumulative sum end below u, and then you return a word that does not "
    "exist. Give the last word with a probability above 0."
)
def off_the_end(probabilities, uniform):
    return _search(probabilities, uniform)


@inverse_cdf.mistake(
    "Where rounding leaves no word you gave the last of all, which may have probability 0. Give "
    "the last word with a probability *above* 0."
)
def last_of_all(probabilities, uniform):
    return _search(probabilities, uniform).clamp(max=len(probabilities) - 1)


@inverse_cdf.mistake(
    "The last word is never reached: your search stops one piece too early. Its piece goes on to "
    "the end of the line."
)
def last_never_reached(probabilities, uniform):
    found = _search(probabilities, uniform)
    return found.clamp(max=max(_last(probabilities) - 1, 0))


@inverse_cdf.mistake(
    "You compared u with the probabilities themselves. Compare it with their cumulative sums: the "
    "pieces lie end to end."
)
def without_sums(probabilities, uniform):
    above = probabilities.double()[None, :] > uniform.double()[:, None]
    return above.int().argmax(1)


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
    return _search(ranked, uniform).clamp(max=_last(ranked))


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
    return above.sum(1).clamp(max=_last(probabilities))


@inverse_cdf.mistake("The words are right and are floats. A word is a whole number: int64.")
def floats(probabilities, uniform):
    return _search(probabilities, uniform).clamp(max=_last(probabilities)).double()


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

# ----------------------------------------------------------------------------------- sample

sample = Exercise("sample", minutes=5, difficulty=1)

DRAWS = 20_000


def _counted(words: Any, size: int) -> np.ndarray:
    return np.bincount(torch.as_tensor(words).numpy().astype(int), minlength=size)


def _rounded(parts: Any) -> list[float]:
    """Shares to one decimal: the same for every right sampler, telling of a wrong one."""
    return [round(float(part), 1) for part in parts]


@sample.property("returns as many words as asked for, and only possible ones", trials=4)
def _(answer, draw: Draw) -> None:
    certain, size = draw.integers(0, 4), draw.size
    drawn = answer(_tensor(np.eye(4)[certain]), size, torch_generator(draw.seed()))
    expect(drawn, "draws from a certainty").equals([certain] * size)
    expect(torch.as_tensor(drawn), "the draws").has_dtype("int64").has_shape(size)


@sample.property("draws each word with its probability", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.5, 0.3, 0.2, 0.0])
    counts = _counted(answer(_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 4)
    expect(int((counts > 0).sum()), "how many different words came").equals(3)
    expect(_rounded(counts / DRAWS), "the shares, rounded").equals(probabilities.tolist())
    expect(int(counts[probabilities == 0].sum()), "draws of an impossible word").equals(0)


@sample.property("passes the chi-square test", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.36, 0.22, 0.16, 0.11, 0.08, 0.05, 0.02])
    counts = _counted(answer(_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 7)
    p_value = _p_value(counts, probabilities) if len(counts) == 7 else 0.0
    expect(p_value > ALARM, "the chi-square test is passed").is_true(
        otherwise=f"{DRAWS} draws from known probabilities had a p-value of {p_value:.1g}: no "
        "right sampler is that unlucky."
    )


@sample.property("draws each word independently of the one before")
def _(answer, draw: Draw) -> None:
    words = torch.as_tensor(answer(_tensor([0.5, 0.5]), DRAWS, torch_generator(draw.seed())))
    equal = float((words[1:] == words[:-1]).double().mean()) if len(words) > 1 else 0.0
    expect(_rounded([equal]), "the share of neighbours that are equal").equals([0.5])


@sample.property("takes its randomness from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    fair, seed = _tensor(np.full(64, 1 / 64)), draw.seed()
    watch, generator = _Watch(), torch_generator(seed)
    one, two = answer(fair, 60, generator), answer(fair, 60, generator)
    watch.expect_still()
    expect(np.array_equal(one, two), "a second call repeats the first").equals(False)
    again = answer(fair, 60, torch_generator(seed))
    expect(np.array_equal(one, again), "the same seed gives the same words").equals(True)


def _by_line(probabilities: Tensor, uniform: Tensor) -> Tensor:
    return _search(probabilities, uniform).clamp(max=_last(probabilities))


def _uniform(count: int, generator: torch.Generator | None) -> Tensor:
    return torch.rand(count, generator=generator, dtype=torch.float64)


@sample.mistake(
    "You returned the most probable word every time. Sampling draws; use the generator."
)
def most_probable(probabilities, count, generator):
    return probabilities.argmax().expand(count).clone()


@sample.mistake(
    "You drew all words with equal probability. Turn uniform numbers into words by `inverse_cdf`."
)
def all_equal(probabilities, count, generator):
    possible = probabilities.nonzero()[:, 0]
    return possible[torch.randint(len(possible), (count,), generator=generator)]


@sample.mistake(
    "Your numbers come from the global generator. Pass `generator=generator` to `torch.rand`."
)
def global_generator(probabilities, count, generator):
    return _by_line(probabilities, _uniform(count, None))


@sample.mistake(
    "You drew one number and used it for all words, so that they are all the same. Draw `count` "
    "numbers."
)
def one_number(probabilities, count, generator):
    return _by_line(probabilities, _uniform(1, generator).expand(count).contiguous())


@sample.mistake(
    "`torch.randn` draws normal numbers. The line from 0 to 1 wants uniform ones: `torch.rand`."
)
def normal_numbers(probabilities, count, generator):
    numbers = torch.randn(count, generator=generator, dtype=torch.float64)
    return _by_line(probabilities, numbers)


@sample.mistake(
    "You normalised twice: probabilities went through a softmax again, which makes them nearly "
    "equal."
)
def softmax_again(probabilities, count, generator):
    again = torch.softmax(probabilities, 0) * (probabilities > 0)
    return _by_line(again / again.sum(), _uniform(count, generator))


@sample.mistake(
    "You set the generator back before drawing, so that every call draws the same words. It comes "
    "ready to use."
)
def seeds_again(probabilities, count, generator):
    generator.manual_seed(0)
    return _by_line(probabilities, _uniform(count, generator))


@sample.mistake(
    "You sorted the numbers, or spread them evenly over the line. The shares come out right, and "
    "each word tells the next: draw every number by chance, and leave them in their order."
)
def evenly_spread(probabilities, count, generator):
    numbers = (torch.arange(count, dtype=torch.float64) + _uniform(1, generator)) / count
    return _by_line(probabilities, numbers)


@sample.mistake(
    "`torch.multinomial` draws *without* putting back unless you say `replacement=True`: no word "
    "comes twice, and there are soon none left."
)
def not_put_back(probabilities, count, generator):
    return torch.multinomial(probabilities, count, generator=generator)


@sample.mistake("You returned one word. Return `count` of them, shape (count,).")
def one_word(probabilities, count, generator):
    return _by_line(probabilities, _uniform(1, generator))


sample.hint("Two lines: `count` uniform numbers, then your last exercise.")
sample.hint("`torch.rand(count, generator=generator, dtype=torch.float64)`.")
sample.hint("How many random numbers did you draw?", when="shape")
sample.hint("How many random numbers did you draw?", when="length")
sample.hint(
    "Which stream do your numbers come from? Was it set back?",
    when="takes its randomness from the generator alone",
)
sample.equivalent(
    "`uniform = torch.rand(count, generator=generator, dtype=torch.float64)` → "
    "`uniform = torch.rand(count, generator=generator)`",
    because="uniform numbers of float32 serve as well on this page",
)

# ------------------------------------------------------------------------------- chi_square

chi_square = Exercise("chi_square", minutes=15, difficulty=2)


def _expect_test(answered: Any, statistic: float, p_value: float) -> None:
    got_statistic, got_p = answered
    expect(got_statistic, "the statistic").close_to(statistic)
    expect(got_p, "the p-value").close_to(p_value, rtol=1e-3, atol=1e-6)


def _scored_counts(counts: list[int], probabilities: list[Fraction]) -> float:
    """The statistic as Σ observed²/expected − n, in fractions."""
    n = sum(counts)
    pairs = zip(counts, probabilities, strict=True)
    return float(sum(Fraction(c * c) / (n * p) for c, p in pairs) - n)


@chi_square.property("is right for the counts of the page")
def _(answer, draw: Draw) -> None:
    factor = draw.choice([1, 2, 3])
    counts = torch.tensor([30, 50, 20]) * factor
    _expect_test(answer(counts, _tensor([0.25, 0.5, 0.25])), 2.0 * factor, math.exp(-factor))


@chi_square.property("compares counts with what is expected", trials=6)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 1, least=1)
    counts = draw.rng.multinomial(draw.integers(20, 90), np.array(_shares(draw, len(shares))) / 64)
    if draw.size % 2:
        counts = draw.rng.multinomial(draw.integers(20, 90), np.array(shares) / 64)
    statistic = _scored_counts(counts.tolist(), [Fraction(s, 64) for s in shares])
    answered = answer(torch.tensor(counts), _tensor(shares) / 64)
    _expect_test(answered, statistic, _tail(statistic, len(shares) - 1))


@chi_square.property("leaves words of probability 0 out", trials=3)
def _(answer, draw: Draw) -> None:
    drawn = draw.integers(5, 30, 3)
    counts = torch.tensor([0, drawn[0], 0, drawn[1], drawn[2]])
    statistic = _scored_counts(drawn.tolist(), [Fraction(s, 8) for s in (2, 1, 5)])
    answered = answer(counts, _tensor([0, 2, 0, 1, 5]) / 8)
    _expect_test(answered, statistic, _tail(statistic, 2))


@chi_square.property("is infinite when an impossible word was drawn")
def _(answer, draw: Draw) -> None:
    n = draw.integers(10, 40)
    statistic, p_value = answer(torch.tensor([n, n, 1]), _tensor([0.5, 0.5, 0]))
    expect(statistic, "the statistic").equals(math.inf)
    expect(p_value, "the p-value").close_to(0.0, atol=1e-12)


@chi_square.property("has nothing to say about a certainty")
def _(answer, draw: Draw) -> None:
    counts = torch.tensor([0, draw.integers(1, 50)])
    _expect_test(answer(counts, _tensor([0, 1])), 0.0, 1.0)


@chi_square.property("gives plain numbers")
def _(answer, draw: Draw) -> None:
    statistic, p_value = answer(torch.tensor([draw.integers(1, 5), 7]), _tensor([0.5, 0.5]))
    expect(statistic, "the statistic").has_shape()
    expect(p_value, "the p-value").has_shape()


def _tested(counts, probabilities, terms=None, total=None, degrees=-1, tail=_tail, impossible=True):
    """The right test with one habit changed."""
    possible = probabilities > 0
    if impossible and counts[~possible].sum() > 0:
        return math.inf, 0.0
    observed = counts[possible].double()
    expected = counts.sum() * probabilities[possible]
    terms = terms or (lambda o, e: (o - e) ** 2 / e)
    statistic = float((total or Tensor.sum)(terms(observed, expected)))
    freedom = len(expected) + degrees
    return statistic, (tail(statistic, freedom) if freedom > 0 and len(expected) > 1 else 1.0)


@chi_square.mistake(
    "You divided by the observed counts. Each squared miss is in units of the *expected* count."
)
def by_observed(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) ** 2 / o.clamp(min=1))


@chi_square.mistake("You did not square the misses: they add up to 0, whatever was drawn.")
def without_square(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) / e)


@chi_square.mistake("You took absolute misses. The statistic adds up *squares*, over expected.")
def absolute(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e).abs() / e)


@chi_square.mistake("You did not divide by the expected counts.")
def not_divided(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: (o - e) ** 2)


@chi_square.mistake(
    "You divided by the square of the expected count. The variance of a count is about its mean: "
    "divide by the expected count once."
)
def divided_twice(counts, probabilities):
    return _tested(counts, probabilities, lambda o, e: ((o - e) / e) ** 2)


@chi_square.mistake(
    "You compared shares instead of counts, so that the statistic is too small by the factor n. "
    "Expected counts are n · p."
)
def shares_compared(counts, probabilities):
    n = counts.sum()
    return _tested(counts, probabilities, lambda o, e: ((o - e) / n) ** 2 / (e / n))


@chi_square.mistake("You averaged the terms. The statistic is their sum.")
def averaged(counts, probabilities):
    return _tested(counts, probabilities, total=Tensor.mean)


@chi_square.mistake(
    "You divided by n·p·(1 − p), the variance of one count. The terms are tied together by their "
    "sum, and the formula that accounts for it divides by n·p."
)
def binomial_variance(counts, probabilities):
    n = counts.sum()
    return _tested(
        counts, probabilities, lambda o, e: (o - e) ** 2 / (e * (1 - e / n).clamp(min=1e-9))
    )


@chi_square.mistake(
    "One degree of freedom too many: the counts add up to n, so the last one is not free."
)
def one_degree_too_many(counts, probabilities):
    return _tested(counts, probabilities, degrees=0)


@chi_square.mistake(
    "Your degrees of freedom count words of probability 0. They can never come; they have none."
)
def degrees_of_impossible(counts, probabilities):
    statistic, p_value = _tested(counts, probabilities)
    if math.isinf(statistic) or (probabilities > 0).sum() == 1:
        return statistic, p_value
    return statistic, _tail(statistic, len(probabilities) - 1)


@chi_square.mistake(
    "You returned the lower tail. The p-value is the probability of *at least* this statistic: "
    "1 − cdf, or `chi2.sf`."
)
def lower_tail(counts, probabilities):
    return _tested(counts, probabilities, tail=lambda x, d: 1 - _tail(x, d))


@chi_square.mistake(
    "A word of probability 0 was drawn and you left it out. That is the clearest proof of all: "
    "statistic infinite, p-value 0."
)
def impossible_ignored(counts, probabilities):
    return _tested(counts, probabilities, impossible=False)


@chi_square.mistake(
    "0/0: words of probability 0 give NaN. Leave them out of the sum, and of the degrees of "
    "freedom."
)
def zero_by_zero(counts, probabilities):
    expected = counts.sum() * probabilities
    statistic = float(((counts - expected) ** 2 / expected).sum())
    if math.isnan(statistic):
        return math.nan, math.nan
    return statistic, _tail(statistic, len(counts) - 1)


@chi_square.mistake("The two have changed places: first the statistic, then the p-value.")
def swapped(counts, probabilities):
    return _tested(counts, probabilities)[::-1]


chi_square.hint("`possible = probabilities > 0` picks the words that take part.")
chi_square.hint("Expected counts are n · p; the statistic is one line after that.")
chi_square.hint("`chi2.sf(statistic, degrees)` is the upper tail; degrees: possible words − 1.")
chi_square.hint("Two cases need no arithmetic. Take them out first.", when="nan")
chi_square.hint("Is the sum over counts, or over shares?", when="factor")
chi_square.hint("`.item()` makes a Python number of a tensor.", when="type")

# ------------------------------------------------------------------------------------ top_k

top_k = Exercise("top_k", minutes=12, difficulty=2)


def _ranking(values: list[Any]) -> list[int]:
    """Places by falling value, equals in their order, by repeated search."""
    left, ranked = list(range(len(values))), []
    while left:
        best = left[0]
        for i in left:
            if values[i] > values[best]:
                best = i
        ranked.append(best)
        left.remove(best)
    return ranked


def _kept(values: list[Any], keep: list[int]) -> list[float]:
    """The probabilities of the places in `keep`, shared out anew."""
    mass = sum(values[i] for i in keep)
    return [float(Fraction(values[i]) / Fraction(mass)) if i in keep else 0.0
            for i in range(len(values))]  # fmt: skip


@top_k.property("keeps the k most probable words and shares out anew", trials=6)
def _(answer, draw: Draw) -> None:
    shares = _different(draw, draw.size + 2)
    k = draw.integers(1, draw.size + 2)
    expected = _kept(shares, _ranking(shares)[:k])
    expect(answer(_tensor(shares) / 1024, k), "the probabilities").close_to(expected)


@top_k.property("among equals keeps those with lower numbers, exactly k in all", trials=4)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([2, 4, 4, 4, 1, 1, 8]).tolist()
    for k in (2, 3, 6):
        got = answer(_tensor(shares) / 24, k)
        expect(got, f"the probabilities for k = {k}").close_to(_kept(shares, _ranking(shares)[:k]))


@top_k.property("decides ties among many words in the same way")
def _(answer, draw: Draw) -> None:
    shares = draw.integers(1, 4, 64).tolist()
    for k in (8, 40):
        kept = (torch.as_tensor(answer(_tensor(shares) / sum(shares), k)) > 0).int()
        wanted = [int(i in _ranking(shares)[:k]) for i in range(64)]
        expect(kept, f"which of 64 words are kept for k = {k}").equals(wanted)


@top_k.property("is greedy for k = 1")
def _(answer, draw: Draw) -> None:
    shares = _different(draw, 4)
    expected = np.eye(4)[int(np.argmax(shares))]
    expect(answer(_tensor(shares) / 1024, 1), "the probabilities").close_to(expected)
    equals = draw.rng.permutation([24, 24, 24, 8]).tolist()
    expected = np.eye(4)[int(np.argmax(equals))]
    got = answer(_tensor(equals) / 80, 1)
    expect(got, "the probabilities with three equally good words").close_to(expected)


@top_k.property("keeps everything when k is the number of words or more", trials=3)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 1)
    for k in (len(shares), len(shares) + 3):
        got = answer(_tensor(shares) / 64, k)
        expect(got, "the probabilities").close_to(np.array(shares) / 64)


@top_k.property("works where fewer than k words are possible")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([0, 0, 24, 40]).tolist()
    expect(answer(_tensor(shares) / 64, 3), "the probabilities").close_to(np.array(shares) / 64)


def _order(probabilities: Tensor, descending: bool = True) -> Tensor:
    return probabilities.argsort(descending=descending, stable=True)


def _only(probabilities: Tensor, places: Tensor) -> Tensor:
    kept = torch.zeros_like(probabilities)
    kept[places] = probabilities[places]
    return kept


def _normalised(values: Tensor) -> Tensor:
    return values / values.sum()


@top_k.mistake(
    "What is left does not add up to 1: divide by its sum. Otherwise the words that were cut are "
    "still owed their share."
)
def not_renormalised(probabilities, k):
    return _only(probabilities, _order(probabilities)[:k])


@top_k.mistake(
    "You kept every word that ties with the k-th one, more than k in all. On this page exactly k "
    "stay; among equals the lower number goes first."
)
def all_ties(probabilities, k):
    border = probabilities.sort(descending=True).values[min(k, len(probabilities)) - 1]
    return _normalised(probabilities * (probabilities >= border))


@top_k.mistake(
    "Among equals you kept the higher numbers. The lower ones go first: sort with "
    "`descending=True, stable=True`."
)
def higher_numbers(probabilities, k):
    places = len(probabilities) - 1 - _order(probabilities.flip(0))[:k]
    return _normalised(_only(probabilities, places))


@top_k.mistake(
    "`torch.topk` makes no promise about ties, and here it did not keep the lower numbers. "
    "Sort with `descending=True, stable=True` and take the first k."
)
def by_torch_topk(probabilities, k):
    places = torch.topk(probabilities, min(k, len(probabilities))).indices
    return _normalised(_only(probabilities, places))


@top_k.mistake(
    "You cut every word that ties with the border, fewer than k are left. Exactly k stay."
)
def no_ties(probabilities, k):
    ranked = probabilities.sort(descending=True).values
    if k >= len(ranked):
        return _normalised(probabilities)
    kept = probabilities * (probabilities > ranked[k])
    return _normalised(kept) if kept.sum() > 0 else kept


@top_k.mistake(
    "Your probabilities are in falling order. Entry i must belong to word i: put the kept ones "
    "back where they came from."
)
def left_sorted(probabilities, k):
    ranked = probabilities.sort(descending=True).values.clone()
    ranked[k:] = 0
    return _normalised(ranked)


@top_k.mistake("You kept the k least probable words: sort with `descending=True`.")
def least_probable(probabilities, k):
    kept = _only(probabilities, _order(probabilities, descending=False)[:k])
    return _normalised(kept)


@top_k.mistake("You kept one word too many: `[:k]` is already k of them.")
def one_more(probabilities, k):
    return _normalised(_only(probabilities, _order(probabilities)[: k + 1]))


@top_k.mistake("You kept one word too few: `[:k]` stops before number k.")
def one_fewer(probabilities, k):
    return _normalised(_only(probabilities, _order(probabilities)[: k - 1]))


@top_k.mistake(
    "k may be larger than the number of words, and `torch.topk` refuses that: take "
    "`min(k, len(probabilities))`."
)
def refuses_large_k(probabilities, k):
    torch.topk(probabilities, k)
    return _normalised(_only(probabilities, _order(probabilities)[:k]))


@top_k.mistake(
    "You put the kept probabilities through a softmax. They are probabilities already: divide by "
    "their sum."
)
def softmax_over_kept(probabilities, k):
    places = _order(probabilities)[:k]
    kept = torch.zeros_like(probabilities)
    kept[places] = torch.softmax(probabilities[places], 0)
    return kept


@top_k.mistake(
    "You shared the cut mass equally among the kept words. Dividing by what is left keeps their "
    "proportions."
)
def equal_gift(probabilities, k):
    places = _order(probabilities)[:k]
    kept = _only(probabilities, places)
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


# ------------------------------------------------------------------------------------ top_p

top_p = Exercise("top_p", minutes=15, difficulty=2)


def _nucleus(values: list[Any], p: Any) -> list[int]:
    """Places kept: one after another until their sum reaches p of the whole."""
    total, reached, kept = sum(values), 0, []
    for place in _ranking(values):
        kept.append(place)
        reached += values[place]
        if reached >= p * total and p != 1:
            break
    return kept


@top_p.property("keeps the fewest most probable words that reach p", trials=6)
def _(answer, draw: Draw) -> None:
    shares = _different(draw, draw.size + 2)
    p = Fraction(2 * draw.integers(128, 1000) + 1, 2048)
    expected = _kept(shares, _nucleus(shares, p))
    expect(answer(_tensor(shares) / 1024, float(p)), "the probabilities").close_to(expected)


@top_p.property("stops at the word that reaches p, exactly or not", trials=3)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([32, 16, 10, 6]).tolist()
    for p in (0.5, 0.75, 0.95):
        expected = _kept(shares, _nucleus(shares, Fraction(p)))
        got = answer(_tensor(shares) / 64, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("cuts for a p just below 1 as well")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([1008, 8, 4, 3, 1]).tolist()
    for p in (0.99, 0.996, 0.999):
        got = answer(_tensor(shares) / 1024, p)
        expected = _kept(shares, _nucleus(shares, Fraction(p)))
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("keeps the best word alone for p = 0", trials=3)
def _(answer, draw: Draw) -> None:
    shares = _different(draw, draw.size + 1)
    expected = np.eye(len(shares))[int(np.argmax(shares))]
    for p in (0.0, 0.01):
        got = answer(_tensor(shares) / 1024, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("keeps everything for p = 1, however improbable", trials=3)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 1)
    expect(answer(_tensor(shares) / 64, 1.0), "the probabilities").close_to(np.array(shares) / 64)
    got = answer(_tensor([1e-20, 1.0, 1e-25]), 1.0)
    kept = (torch.as_tensor(got) > 0).int()
    expect(kept, "which words are kept for p = 1").equals([1, 1, 1])


@top_p.property("among equals keeps those with lower numbers", trials=3)
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([16, 16, 16, 8, 8]).tolist()
    for p in (0.4, 0.8, 0.0, 1e-9):
        expected = _kept(shares, _nucleus(shares, Fraction(p)))
        got = answer(_tensor(shares) / 64, p)
        expect(got, f"the probabilities for p = {p}").close_to(expected)


@top_p.property("decides ties among many words in the same way")
def _(answer, draw: Draw) -> None:
    shares = draw.rng.permutation([1] * 32 + [2] * 16).tolist()  # they add up to 64
    for p in (0.3, 0.8):
        kept = (torch.as_tensor(answer(_tensor(shares) / 64, p)) > 0).int()
        nucleus = _nucleus(shares, Fraction(p))
        wanted = [int(i in nucleus) for i in range(len(shares))]
        expect(kept, f"which of 48 words are kept for p = {p}").equals(wanted)


def _cut_at(probabilities: Tensor, count: int) -> Tensor:
    return _normalised(_only(probabilities, _order(probabilities)[: max(count, 1)]))


def _count(probabilities: Tensor, p: float) -> int:
    reached = probabilities[_order(probabilities)].cumsum(0)
    return len(reached) if p == 1 else 1 + int((reached[:-1] < p).sum())


@top_p.mistake(
    "You left out the word that crosses p. It is the last one kept: a word stays when those "
    "*before* it have not reached p."
)
def without_crossing(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    reached = probabilities[_order(probabilities)].cumsum(0)
    return _cut_at(probabilities, int((reached <= p).sum()))


@top_p.mistake("For a small p you keep nothing, and 0/0 is NaN. The best word always stays.")
def nothing_kept(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    order = _order(probabilities)
    reached = probabilities[order].cumsum(0)
    return _normalised(_only(probabilities, order[reached <= p]))


@top_p.mistake(
    "For p = 0 you keep nothing, and 0/0 is NaN: no word has a sum *below 0* before it. The best "
    "word stays by a rule of its own."
)
def nothing_at_zero(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    order = _order(probabilities)
    ranked = probabilities[order]
    return _normalised(_only(probabilities, order[ranked.cumsum(0) - ranked < p]))


@top_p.mistake(
    "You kept the words whose own sum is below p. The word that brings the sum to p or above it "
    "belongs to them: look at the sum *before* each word."
)
def sum_below_p(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    reached = probabilities[_order(probabilities)].cumsum(0)
    return _cut_at(probabilities, int((reached < p).sum()))


@top_p.mistake(
    "You kept every word that ties with the last one kept. Equals are taken one after another, "
    "lower numbers first, until p is reached."
)
def all_equals(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    border = probabilities[_order(probabilities)][_count(probabilities, p) - 1]
    return _normalised(probabilities * (probabilities >= border))


@top_p.mistake(
    "Among equals you kept the higher numbers. The lower ones go first: sort with "
    "`descending=True, stable=True`."
)
def higher_equals(probabilities, p):
    places = len(probabilities) - 1 - _order(probabilities.flip(0))
    return _normalised(_only(probabilities, places[: _count(probabilities, p)]))


@top_p.mistake("You kept what top-p throws away: the words after p is reached. Keep those before.")
def the_rest(probabilities, p):
    order = _order(probabilities)
    return _normalised(_only(probabilities, order[probabilities[order].cumsum(0) > p]))


@top_p.mistake(
    "Where a word brings the sum to p exactly, you keep one more. p is reached: stop there."
)
def one_more_on_border(probabilities, p):
    reached = probabilities[_order(probabilities)].cumsum(0)
    return _cut_at(probabilities, len(reached) if p == 1 else 1 + int((reached[:-1] <= p).sum()))


@top_p.mistake(
    "You added up the probabilities in the order of the words. Start with the most probable one: "
    "sort first."
)
def unsorted(probabilities, p):
    if p == 1:
        return _normalised(probabilities)
    before = probabilities.cumsum(0) - probabilities
    kept = probabilities * (before < max(p, 1e-12))
    return _normalised(kept)


@top_p.mistake(
    "Your probabilities are in falling order. Entry i must belong to word i: put the kept ones "
    "back where they came from."
)
def left_in_order(probabilities, p):
    ranked = probabilities.sort(descending=True).values.clone()
    ranked[_count(probabilities, p) :] = 0
    return _normalised(ranked)


@top_p.mistake(
    "Putting the words back went wrong: `kept[order]` reads by the order. To undo a sort, *write* "
    "by it, `kept[order] = …`."
)
def wrongly_unsorted(probabilities, p):
    order = _order(probabilities)
    ranked = probabilities[order].clone()
    ranked[_count(probabilities, p) :] = 0
    return _normalised(ranked[order])


@top_p.mistake("What is left does not add up to 1: divide by its sum.")
def left_over(probabilities, p):
    return _only(probabilities, _order(probabilities)[: _count(probabilities, p)])


@top_p.mistake(
    "You compared each probability with p. It is the *sum* of the most probable ones that has to "
    "reach p."
)
def each_against_p(probabilities, p):
    kept = probabilities * (probabilities >= p)
    return _normalised(kept) if kept.sum() > 0 else _cut_at(probabilities, 1)


@top_p.mistake(
    "You began with the least probable words. Sort with `descending=True`: the nucleus is made of "
    "the likely ones."
)
def from_below(probabilities, p):
    order = _order(probabilities, descending=False)
    reached = probabilities[order].cumsum(0)
    count = len(order) if p == 1 else 1 + int((reached[:-1] < p).sum())
    return _normalised(_only(probabilities, order[:count]))


@top_p.mistake(
    "For p = 1 you lose words so improbable that rounding hides them: the sum seems to be 1 before "
    "they come. Treat p = 1 by itself."
)
def loses_the_tail(probabilities, p):
    reached = probabilities[_order(probabilities)].cumsum(0)
    return _cut_at(probabilities, 1 + int((reached[:-1] < p).sum()))


@top_p.mistake(
    "You keep the fewest words that reach 1 − p: p is the mass that stays, not the mass that goes."
)
def complement(probabilities, p):
    return _cut_at(probabilities, _count(probabilities, 1 - p))


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

# ----------------------------------------------------------------- next_word_probabilities

next_word_probabilities = Exercise("next_word_probabilities", minutes=12, difficulty=2)


def _masked(values: list[float], keep: list[int]) -> list[float]:
    mass = sum(values[i] for i in keep)
    return [values[i] / mass if i in keep else 0.0 for i in range(len(values))]


def _pipeline(logits: list[float], temperature=1.0, k=None, p=1.0, banned=()) -> list[float]:
    """Ban, heat, cut, cut, each on what the one before it left: loops over Python's floats."""
    logits = [-math.inf if i in banned else z for i, z in enumerate(logits)]
    values = _heated(logits, temperature)
    values = _masked(values, _ranking(values)[:k])
    return _masked(values, _nucleus(values, p))


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
    expect(answer(_tensor(logits), **settings), "the probabilities").close_to(expected)


@next_word_probabilities.property("is the model itself when nothing is asked for", trials=3)
def _(answer, draw: Draw) -> None:
    logits = draw.normal(draw.size + 1)
    expected = _heated(logits.tolist(), 1.0)
    expect(answer(_tensor(logits)), "the probabilities").close_to(expected)


@next_word_probabilities.property("cuts by p what the temperature and k left", trials=4)
def _(answer, draw: Draw) -> None:
    logits = np.log(draw.rng.permutation([0.4, 0.3, 0.2, 0.1]))
    for settings in ({"k": 2, "p": 0.55}, {"temperature": 3.0, "p": 0.65},
                     {"temperature": 0.4, "p": 0.65}):  # fmt: skip
        expected = _pipeline(logits.tolist(), **settings)
        expect(answer(_tensor(logits), **settings), f"for {settings}").close_to(expected)


@next_word_probabilities.property("takes banned words out before anything is cut", trials=4)
def _(answer, draw: Draw) -> None:
    logits = draw.rng.permutation([3.0, 1.0, 0.5, 0.0, -4.0])
    best = [int(np.argmax(logits))]
    for settings in ({"k": 2}, {"p": 0.6}, {"temperature": 0.0}, {"temperature": 2.0}):
        expected = _pipeline(logits.tolist(), banned=best, **settings)
        got = answer(_tensor(logits), banned=best, **settings)
        expect(got, f"without the best word, for {settings}").close_to(expected)


def _mixed(logits, temperature=1.0, k=None, p=1.0, banned=(), order="btkp", ban=-math.inf):
    """The four steps in another order, or with another ban."""
    allowed = logits.clone()
    allowed[list(banned)] = ban if "b" in order else allowed[list(banned)]
    values = softened = _heat(allowed, 1.0 if "t" not in order else temperature)
    if order == "btkm":  # the nucleus of the unmodified distribution, applied to the heated one
        plain = _heat(allowed, 1.0)
        values = _only(values, _order(values)[:k])
        return _normalised(values * (_only(plain, _order(plain)[: _count(plain, p)]) > 0))
    if order == "kpt":
        raw = _heat(logits, 1.0)
        values = _cut_at(_normalised(_only(raw, _order(raw)[:k])), _count(raw, p))
        return values if temperature == 0 else _normalised(values ** (1 / temperature))
    for step in order:
        if step == "k" and k is not None:
            values = _normalised(_only(values, _order(values)[:k]))
        elif step == "p":
            values = _cut_at(values, _count(values, p))
    return values if order else softened


def _heat(logits: Tensor, temperature: float) -> Tensor:
    return _first_best(logits) if temperature == 0 else _softened(logits / temperature)


@next_word_probabilities.mistake(
    "Top-p came before top-k, or measured p against the whole. The order is temperature, top-k, "
    "top-p, and what top-k leaves adds up to 1 before top-p looks at it."
)
def p_before_k(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "btpk")


@next_word_probabilities.mistake(
    "Your nucleus belongs to the distribution before the temperature. Top-p works on what "
    "temperature and top-k left."
)
def nucleus_of_the_model(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "btkm")


@next_word_probabilities.mistake("You did not use the temperature.")
def without_temperature(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "bkp")


@next_word_probabilities.mistake("You did not use k.")
def without_k(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "btp")


@next_word_probabilities.mistake("You did not use p.")
def without_p(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "btk")


@next_word_probabilities.mistake("Banned words can still come.")
def without_ban(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, "tkp")


@next_word_probabilities.mistake(
    "You gave banned words the logit 0, and e⁰ = 1: they are likely, not forbidden. Their logit "
    "must be −infinity."
)
def banned_by_zero(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, k, p, banned, ban=0.0)


@next_word_probabilities.mistake(
    "You took banned words out at the end, when they had already used up places among the k and "
    "mass of p. They go first."
)
def banned_last(logits, temperature=1.0, k=None, p=1.0, banned=()):
    values = _mixed(logits, temperature, k, p, (), "btkp").clone()
    values[list(banned)] = 0
    return _normalised(values)


@next_word_probabilities.mistake(
    "You took banned words out at the end and did not normalise again: what is left does not add "
    "up to 1."
)
def banned_without_renormalising(logits, temperature=1.0, k=None, p=1.0, banned=()):
    values = _mixed(logits, temperature, k, p, (), "btkp").clone()
    values[list(banned)] = 0
    return values


@next_word_probabilities.mistake(
    "The temperature came last, on what k and p had left. It comes first."
)
def temperature_last(logits, temperature=1.0, k=None, p=1.0, banned=()):
    allowed = logits.clone()
    allowed[list(banned)] = -math.inf
    return _mixed(allowed, temperature, k, p, (), "kpt")


@next_word_probabilities.mistake("k = None means no top-k at all, and your code stops there.")
def none_not_allowed(logits, temperature=1.0, k=None, p=1.0, banned=()):
    return _mixed(logits, temperature, min(k, len(logits)), p, banned)


@next_word_probabilities.mistake(
    "An empty tuple as an index means *every* word: with nothing banned you banned all. Index with "
    "`list(banned)`."
)
def all_banned(logits, temperature=1.0, k=None, p=1.0, banned=()):
    allowed = logits.clone()
    allowed[banned] = -math.inf
    return _mixed(allowed, temperature, k, p)


next_word_probabilities.hint("You have all four pieces. Write them one under the other.")
next_word_probabilities.hint("`allowed = logits.clone()`: then you may write into it.")
next_word_probabilities.hint("A list of numbers is an index: `allowed[list(banned)] = -math.inf`.")
next_word_probabilities.hint("What does `logits` look like after your call?", when="changes input")
next_word_probabilities.hint("Is `k` None where it is not given?", when="error")

# ------------------------------------------------------------------------------ last_window

last_window = Exercise("last_window", minutes=5, difficulty=1)


def _read(ids: list[int], n: int, pad: int | None) -> list[int]:
    """The last n of a text, one place after another."""
    window = [ids[i] for i in range(len(ids)) if i >= len(ids) - n]
    return window if pad is None else [pad] * (n - len(window)) + window


def _numbers(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


@last_window.property("gives the last n words of a longer text", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.integers(1, draw.size + 1)
    ids = draw.integers(1, 90, draw.size + 1).tolist()
    for pad in (0, None):
        window = answer(_numbers(ids), n, pad)
        expect(window, f"the window with pad = {pad}").equals(_read(ids, n, pad))


@last_window.property("fills a shorter text up in front", trials=5)
def _(answer, draw: Draw) -> None:
    ids, missing, pad = draw.integers(1, 90, draw.size), draw.integers(1, 4), draw.integers(0, 3)
    window = answer(_numbers(ids.tolist()), draw.size + missing, pad)
    expect(window, "the window").equals([pad] * missing + ids.tolist())


@last_window.property("leaves a shorter text short when pad is None", trials=3)
def _(answer, draw: Draw) -> None:
    ids = draw.integers(1, 90, draw.size).tolist()
    expect(answer(_numbers(ids), draw.size + 2, None), "the window").equals(ids)


@last_window.property("reads an empty text, and keeps int64")
def _(answer, draw: Draw) -> None:
    pad = draw.integers(0, 5)
    window = answer(_numbers([]), 3, pad)
    expect(window, "the window of an empty text").equals([pad] * 3)
    empty = answer(_numbers([]), 3, None)
    expect(empty, "the window of an empty text with pad = None").equals([])
    others = answer(_numbers([4, 5]), 2, pad), answer(_numbers([4, 5]), 1, None)
    for one in (window, empty, *others):
        expect(torch.as_tensor(one), "the window").has_dtype("int64")


def _padded(window: Tensor, n: int, pad: int | None, behind: bool = False) -> Tensor:
    if pad is None:
        return window
    missing = max(n - len(window), 0)
    return F.pad(window, (0, missing) if behind else (missing, 0), value=pad)


@last_window.mistake(
    "You took the *first* n words. The model must read what came last: `ids[-n:]`."
)
def first_words(ids, n, pad):
    return _padded(ids[:n], n, pad)


@last_window.mistake("You filled up behind the text. The last word must stand last: fill in front.")
def filled_behind(ids, n, pad):
    return _padded(ids[-n:], n, pad, behind=True)


@last_window.mistake("You did not fill up. A model of n words wants exactly n, unless pad is None.")
def never_filled(ids, n, pad):
    return ids[-n:]


@last_window.mistake("With pad = None a short text stays short. You filled it up with 0.")
def always_filled(ids, n, pad):
    return _padded(ids[-n:], n, pad or 0)


@last_window.mistake("You filled up with 0. Use the number `pad`.")
def filled_with_zero(ids, n, pad):
    return _padded(ids[-n:], n, None if pad is None else 0)


@last_window.mistake("The last word is missing from your window: `ids[-n:]` goes to the end.")
def without_the_last(ids, n, pad):
    return _padded(ids[:-1][-n:], n, pad)


@last_window.mistake("You did not cut: a model of n words cannot read more than n.")
def not_cut(ids, n, pad):
    return _padded(ids, n, pad)


last_window.hint("`ids[-n:]` is the last n, or all where there are fewer.")
last_window.hint("`F.pad(window, (before, behind), value=pad)` adds numbers at the ends.")
last_window.hint("How many are missing? Never fewer than none.", when="length")
last_window.hint("How many are missing? Never fewer than none.", when="shape")

# --------------------------------------------------------------------------------- generate

WORDS = 7  # words that the models of these checks know


class _Speaker(nn.Module):
    """A model whose logits are a table's row, chosen by all that it reads; it keeps what it saw.

    The row is chosen by (1·w₁ + 2·w₂ + …) mod 7 of the window's words, so that order counts.
    Outside evaluation mode it says something else.
    """

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = nn.Parameter(_tensor(table))
        self.seen: list[list[int]] = []
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, contexts: Tensor) -> Tensor:
        if contexts.ndim != 2:
            raise ValueError(f"contexts must have shape (b, n), not {tuple(contexts.shape)}")
        self.seen += contexts.tolist()
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        rows = [_row(window) for window in contexts.tolist()]
        logits = self.table[rows]
        return logits.flip(1) if self.training else logits

    def __repr__(self) -> str:
        return f"a model that knows {WORDS} words"


def _row(window: list[int]) -> int:
    return sum((i + 1) * word for i, word in enumerate(window, 1)) % WORDS


def _certain(draw: Draw) -> _Speaker:
    """A model that is certain of its next word: whatever draws from it writes the same."""
    follows = draw.rng.permutation(WORDS)
    return _Speaker(np.where(np.eye(WORDS)[follows] == 1, 0.0, -np.inf))


def _unsure(draw: Draw, scale: float = 1.0) -> _Speaker:
    return _Speaker(draw.normal(WORDS, WORDS, scale=scale))


def _walk(model, prompt, length, context, pad, stop=None, choose=np.argmax):
    """What a model writes when `choose` picks a word from its logits; and what it reads."""
    table = model.table.detach().numpy()
    ids, seen = list(prompt), []
    for _ in range(length):
        window = _read(ids, context, pad)
        seen.append(window)
        ids.append(int(choose(table[_row(window)])))
        if ids[-1] == stop:
            break
    return ids[len(prompt) :], seen


def _expect_at_rest(model: _Speaker, training: bool) -> None:
    expect(any(model.modes), "the model was run in training mode").equals(False)
    expect(any(model.recorded), "gradients were recorded").equals(False)
    expect(model.training, "the model is in training mode afterwards").equals(training)


generate = Exercise("generate", minutes=25, difficulty=3, changes=("model",))


@generate.property("reads the last words, and what it has just written", trials=6)
def _(answer, draw: Draw) -> None:
    model, context, length = _certain(draw), draw.integers(1, 4), draw.size + 1
    prompt = draw.integers(0, WORDS, draw.size + 2).tolist()
    new = answer(model, _numbers(prompt), length, torch_generator(draw.seed()), context)
    written, seen = _walk(model, prompt, length, context, 0)
    expect(new, "the new words").equals(written)
    expect(model.seen, "what the model read").equals(seen)


@generate.property("starts from a prompt that is shorter than the window", trials=2)
def _(answer, draw: Draw) -> None:
    for pad, prompt in ((3, draw.integers(0, WORDS, 2).tolist()), (2, []), (None, [5])):
        model = _certain(draw)
        new = answer(model, _numbers(prompt), 5, torch_generator(draw.seed()), 4, pad=pad)
        written, seen = _walk(model, prompt, 5, 4, pad)
        expect(new, f"the new words with pad = {pad}").equals(written)
        expect([len(window) for window in model.seen], "words read").equals(list(map(len, seen)))


@generate.property("ends after the stop word, which it keeps", trials=4)
def _(answer, draw: Draw) -> None:
    model, prompt = _certain(draw), draw.integers(0, WORDS, 3).tolist()
    path, _ = _walk(model, prompt, 9, 2, 0)
    prompt_words = answer(model, _numbers(prompt), 9, torch_generator(0), 2, stop=path[2])
    written, _ = _walk(model, prompt, 9, 2, 0, stop=path[2])
    expect(prompt_words, "the new words").equals(written)
    asked_again = _numbers([path[2], *prompt])
    new = answer(model, asked_again, 9, torch_generator(0), 2, stop=path[2])
    expect(len(new), "new words where the prompt holds the stop word").equals(len(written))
    always_zero = _Speaker(np.where(np.eye(WORDS)[[0] * WORDS] == 1, 0.0, -np.inf))
    new = answer(always_zero, _numbers([1, 2]), 5, torch_generator(0), 2, stop=0)
    expect(len(new), "new words where the stop word is word 0").equals(1)


@generate.property("writes nothing for length 0")
def _(answer, draw: Draw) -> None:
    model = _certain(draw)
    new = answer(model, _numbers([1, 2]), 0, torch_generator(0), 2)
    expect(len(new), "how many new words").equals(0)
    for one in (new, answer(model, _numbers([1, 2]), 2, torch_generator(0), 2)):
        expect(one, "the new words").is_a(Tensor).has_dtype("int64")


@generate.property("hands its settings on", trials=2)
def _(answer, draw: Draw) -> None:
    prompt = draw.integers(0, WORDS, 2).tolist()
    best = draw.integers(0, WORDS)
    for settings in ({"temperature": 0.0}, {"k": 1}, {"p": 0.0}, {"k": 1, "banned": [best]}):
        model = _unsure(draw)
        new, other = (
            answer(model, _numbers(prompt), 8, torch_generator(seed), 2, **settings)
            for seed in (draw.seed(), draw.seed())
        )
        # The same for every answer that ignores settings, whatever it draws.
        expect(np.array_equal(new, other), f"two seeds agree for {settings}").is_true(
            otherwise=f"{settings} leaves nothing to chance, and your text still depends on the "
            "generator: do the settings reach `next_word_probabilities`?"
        )
        banned = settings.get("banned", [])

        def choose(logits, banned=banned):
            return np.argmax([-np.inf if i in banned else z for i, z in enumerate(logits)])

        written, _ = _walk(model, prompt, 8, 2, 0, choose=choose)
        expect(new, f"the new words for {settings}").equals(written)


@generate.property("runs the model in evaluation mode, and leaves it as it came", trials=2)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = _certain(draw)
        model.train(training)
        new = answer(model, _numbers([1, 2]), 3, torch_generator(0), 2)
        _expect_at_rest(model, training)
        expect(bool(torch.as_tensor(new).requires_grad), "the text waits for backward").equals(
            False
        )
        expect(torch.is_grad_enabled(), "recording is on again afterwards").equals(True)


@generate.property("takes its randomness from the generator alone", trials=2)
def _(answer, draw: Draw) -> None:
    model, seed = _unsure(draw, scale=0.3), draw.seed()
    watch, generator = _Watch(), torch_generator(seed)
    one = answer(model, _numbers([1, 2]), 15, generator, 2)
    two = answer(model, _numbers([1, 2]), 15, generator, 2)
    watch.expect_still()
    expect(np.array_equal(one, two), "a second text repeats the first").equals(False)
    again = answer(model, _numbers([1, 2]), 15, torch_generator(seed), 2)
    expect(np.array_equal(one, again), "the same seed writes the same text").equals(True)


@generate.property("draws every word from the model's probabilities")
def _(answer, draw: Draw) -> None:
    shares = np.zeros((WORDS, WORDS))
    shares[:, :3] = [draw.rng.permutation([0.5, 0.3, 0.2]) for _ in range(WORDS)]
    model = _Speaker(np.log(np.maximum(shares, 1e-300)) - 1e9 * (shares == 0))
    text = [0, *answer(model, _numbers([0]), 250, torch_generator(draw.seed()), 1)]
    # Each word's rank in its row: independent draws from one distribution, whatever came before.
    ranks = [
        _ranking(shares[_row([int(before)])].tolist()).index(int(word))
        for before, word in zip(text[:-1], text[1:], strict=True)
    ]
    counts = np.bincount(ranks, minlength=WORDS)
    p_value = 0.0 if counts[3:].any() else _p_value(counts[:3], np.array([0.5, 0.3, 0.2]))
    expect(p_value > ALARM, "the chi-square test is passed").is_true(
        otherwise="The words that followed each context did not come with the probabilities that "
        "the model gave them."
    )


def _written(model, prompt, length, generator, context, pad=0, stop=None, habits=(), **settings):
    """Writing with bad habits, named: what the mistakes below share."""
    before = model.training
    if "any mode" not in habits:
        model.eval()
    if "ignores settings" in habits:
        settings = {}
    if "greedy" in habits:
        settings["temperature"] = 0.0
    if "stops unless 0" in habits:
        stop = stop or None
    if "own seed" in habits:
        generator = torch_generator(0)
    ids, new = prompt, prompt[:0]
    with torch.set_grad_enabled("records" in habits):
        for _ in range(length + ("one more" in habits)):
            window = ids[:context] if "front" in habits else ids[-context:]
            if "new alone" in habits:
                window = new[-context:]
            if "never cuts" in habits:
                window = ids
            window = _padded(window, context, 0 if "always pads" in habits else pad)
            if "never pads" in habits:
                window = ids[-context:]
            logits = model(window[None])[0].detach()
            values = _mixed(logits, **settings)
            stream = None if "global" in habits else generator
            word = torch.multinomial(values, 1, generator=stream)
            if "drops stop" in habits and word.item() == stop:
                break
            new = torch.cat([new, word])
            if "fixed context" not in habits:
                ids = torch.cat([word, ids] if "in front" in habits else [ids, word])
            stops = word.item() == stop or ("stops at prompt" in habits and stop in ids.tolist())
            if stops and "goes on" not in habits:
                break
    if "stays" not in habits:
        model.train(before or "always train" in habits)
    if "switches off" in habits:
        torch.set_grad_enabled(False)
    if "plain list" in habits:
        return new.tolist()
    return torch.cat([prompt, new]) if "with prompt" in habits else new


def _habitual(*habits: str) -> Any:
    def wrong(model, prompt, length, generator, context, pad=0, stop=None, **settings):
        return _written(
            model, prompt, length, generator, context, pad, stop, habits=habits, **settings
        )

    return wrong


def _generate_mistake(habit: str, message: str) -> None:
    wrong = _habitual(habit)
    wrong.__name__ = habit.replace(" ", "_")
    generate.mistake(message)(wrong)


for _habit, _message in {
    "fixed context": "Every word was drawn after the prompt alone: the context never moved. "
    "Append each new word before you ask for the next.",
    "front": "The model read the *first* words of the text for ever. It reads the last: "
    "`last_window`.",
    "new alone": "The model read only the new words. The prompt is part of the text, until it "
    "has moved out of the window.",
    "in front": "You put the new word in front of the text. It comes after it: "
    "`torch.cat([ids, word])`.",
    "with prompt": "You returned the prompt as well. Return the new words alone.",
    "one more": "You wrote one word too many.",
    "drops stop": "The stop word is missing at the end. It is part of what was written.",
    "goes on": "You did not stop after the stop word.",
    "stops unless 0": "Word 0 may be the stop word too, and `if stop` takes 0 for None. Write "
    "`stop is not None`.",
    "never cuts": "The model read the whole text so far. It reads the last `context` words: "
    "`last_window`.",
    "plain list": "Return a tensor of int64 and not a list, also for a text of no words: an empty "
    "list becomes a tensor of floats unless you say `dtype=torch.int64`.",
    "switches off": "You switched recording off and left it off: the next `backward` of a training "
    "fails. `with torch.no_grad():` puts it back by itself.",
    "stops at prompt": "You stopped because the stop word stands in the *prompt*. Only a new "
    "word ends the writing.",
    "never pads": "A model of n words got fewer: fill a short text up, by `last_window` with pad.",
    "always pads": "You filled up with 0, whatever `pad` is. Hand pad to `last_window`; None means "
    "that nothing is filled up.",
    "ignores settings": "The settings did not reach `next_word_probabilities`: pass `**settings`.",
    "greedy": "You always take the most probable word. Draw one, from the generator.",
    "global": "Your draws come from the global generator. Use the one that was handed over.",
    "own seed": "You made a generator of your own inside, so that every text from one prompt is "
    "the same. Use the one that was handed over.",
    "any mode": "The model was run in training mode. `model.eval()` first, and back afterwards.",
    "stays": "The model stays in evaluation mode. Note `model.training` before, restore it after.",
    "always train": "The model is in training mode afterwards, whatever it was before. Restore "
    "what it was.",
    "records": "Gradients were recorded at every word: wrap the loop in `torch.no_grad()`.",
}.items():
    _generate_mistake(_habit, _message)

generate.hint("The frame of every evaluation: note the mode, eval, no_grad, restore the mode.")
generate.hint("One round: last_window → model → next_word_probabilities → sample → append.")
generate.hint("The model wants a batch: `window[None]` has shape (1, n); its answer, `[0]`.")
generate.hint("`torch.cat([ids, word])`, with `word` of shape (1,).")
generate.hint("What has the text been cut down to before you return it?", when="length")
generate.hint("`ids[len(prompt):]` is what is new.", when="shape")

generate.equivalent(
    "`logits = model(last_window(ids, context, pad)[None])[0]` → "
    "`logits = model(last_window(ids, context, pad)[None])[-1]`",
    because="in a batch of one, the last is the first",
)

# -------------------------------------------------------------------------- log_probability

log_probability = Exercise("log_probability", minutes=15, difficulty=2, changes=("model",))


def _sum_of_logs(model: _Speaker, prompt: list[int], new: list[int], context, pad) -> float:
    """The logarithm of the product of the probabilities, in numpy."""
    rows = np.exp(model.table.detach().numpy())
    total, ids = 0.0, prompt + new
    for place in range(len(prompt), len(ids)):
        row = rows[_row(_read(ids[:place], context, pad))]
        total += math.log(row[ids[place]] / row.sum())
    return total


@log_probability.property("adds up the logarithms along the text", trials=6)
def _(answer, draw: Draw) -> None:
    model, context = _unsure(draw), draw.integers(1, 4)
    prompt = draw.integers(0, WORDS, draw.size + 2).tolist()
    new = draw.integers(0, WORDS, draw.size).tolist()
    got = answer(model, _numbers(prompt), _numbers(new), context)
    expect(got, "the log-probability").close_to(_sum_of_logs(model, prompt, new, context, 0))


@log_probability.property("is that of two halves, one after the other", trials=3)
def _(answer, draw: Draw) -> None:
    model, ids = _unsure(draw), draw.integers(0, WORDS, 8).tolist()
    parts = [(ids[:2], ids[2:5]), (ids[:5], ids[5:])]
    for before, after in parts:
        got = answer(model, _numbers(before), _numbers(after), 3)
        expect(got, "the log-probability").close_to(_sum_of_logs(model, before, after, 3, 0))


@log_probability.property("starts from a prompt shorter than the window, or from none", trials=3)
def _(answer, draw: Draw) -> None:
    for pad, prompt in ((2, []), (5, [1]), (None, [3])):
        model, new = _unsure(draw), draw.integers(0, WORDS, 4).tolist()
        got = answer(model, _numbers(prompt), _numbers(new), 3, pad=pad)
        expected = _sum_of_logs(model, prompt, new, 3, pad)
        expect(got, f"the log-probability with pad = {pad}").close_to(expected)


@log_probability.property("stays finite for a text of several hundred words")
def _(answer, draw: Draw) -> None:
    model, new = _unsure(draw), draw.integers(0, WORDS, 400).tolist()
    got = answer(model, _numbers([1, 2]), _numbers(new), 2)
    expected = _sum_of_logs(model, [1, 2], new, 2, 0)
    expect(got, "the log-probability of 400 words").close_to(expected)


@log_probability.property("is 0 for no words, and a plain number")
def _(answer, draw: Draw) -> None:
    got = answer(_unsure(draw), _numbers([1, 2]), _numbers([]), 2)
    expect(got, "the log-probability of nothing").close_to(0.0).has_shape()


@log_probability.property("runs the model in evaluation mode, and leaves it as it came", trials=4)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = _unsure(draw)
        model.train(training)
        got = answer(model, _numbers([1, 2]), _numbers([3, 4]), 2)
        expect(got, "the log-probability").close_to(_sum_of_logs(model, [1, 2], [3, 4], 2, 0))
        _expect_at_rest(model, training)


def _judged(model, prompt, new, context, pad=0, value=None, combine=sum, **habits):
    """The right measurement with one habit changed."""
    before = model.training
    if not habits.get("any_mode"):
        model.eval()
    value = value or (lambda logits, word: F.log_softmax(logits, 0)[word].item())
    ids = torch.cat([prompt, new])
    parts = []
    first = 1 if habits.get("with_prompt") and len(prompt) else len(prompt)
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for place in range(first, len(ids)):
            text = ids[: place + 1] if habits.get("sees_target") else ids[:place]
            text = ids[len(prompt) : place] if habits.get("forgets_prompt") else text
            text = prompt if habits.get("fixed") else text
            window = text[-context:]
            filled = pad if not habits.get("pads_with_zero") else 0
            logits = model(_padded(window, context, filled)[None])[0]
            parts.append(value(logits.detach(), int(ids[place])))
    if not habits.get("stays"):
        model.train(before or bool(habits.get("always_train")))
    return float(combine(parts))


@log_probability.mistake(
    "You averaged. A text's log-probability is the *sum*; divide by its length only when you want "
    "a perplexity."
)
def mean_of_logs(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: sum(x) / max(len(x), 1))


@log_probability.mistake(
    "You included the prompt. It is given; only the new words are to be judged."
)
def prompt_included(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, with_prompt=True)


@log_probability.mistake("The sign is wrong: the logarithm of a probability is never above 0.")
def surprise(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: -sum(x))


@log_probability.mistake("You returned the probability itself. Return its logarithm, the sum.")
def product(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: math.exp(sum(x)))


@log_probability.mistake(
    "You multiplied the probabilities first. The product of a few hundred of them is too small for "
    "any floating-point number and becomes 0: add up their logarithms."
)
def log_of_product(model, prompt, new, context, pad=0):
    def value(logits, word):
        return torch.softmax(logits, 0)[word].item()

    def combine(parts):
        product = math.prod(parts)
        return math.log(product) if product else -math.inf

    return _judged(model, prompt, new, context, pad, value, combine)


@log_probability.mistake("You added up probabilities. Add up their logarithms.")
def sum_of_probabilities(model, prompt, new, context, pad=0):
    def value(logits, word):
        return torch.softmax(logits, 0)[word].item()

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "You added up logits. They are not logarithms of probabilities before `log_softmax`."
)
def raw_logits(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, lambda logits, word: logits[word].item())


@log_probability.mistake("You took logarithms to base 2. Use natural ones.")
def in_bits(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: sum(x) / math.log(2))


@log_probability.mistake(
    "You judged the likeliest word at each place. The question is about the word that stands there."
)
def likeliest_word(model, prompt, new, context, pad=0):
    def value(logits, word):
        return F.log_softmax(logits, 0).max().item()

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "The window already holds the word that it is to predict: off by one. Word t is judged after "
    "the words *before* t."
)
def sees_the_word(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, sees_target=True)


@log_probability.mistake("The model read only the new words. The prompt comes before them.")
def forgets_prompt(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, 0 if pad is None else pad, forgets_prompt=True)


@log_probability.mistake("Every word was judged after the prompt alone: the context never moved.")
def context_fixed(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, fixed=True)


@log_probability.mistake("You filled up with 0, whatever `pad` is. Hand pad to `last_window`.")
def pads_with_zero(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, pads_with_zero=True)


@log_probability.mistake("The model was run in training mode. `model.eval()` first.")
def in_any_mode(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, any_mode=True)


@log_probability.mistake("The model stays in evaluation mode. Put it back as it was.")
def stays_in_evaluation(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, stays=True)


@log_probability.mistake(
    "The model is in training mode afterwards, whatever it was before. Put it back as it was."
)
def always_training(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, always_train=True)


@log_probability.mistake("Gradients were recorded on the way: wrap it in `torch.no_grad()`.")
def records(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, records=True)


log_probability.hint("`ids = torch.cat([prompt, new])`; judge the places from len(prompt) on.")
log_probability.hint("`F.log_softmax(logits, dim=0)[word]` is one term.")
log_probability.hint("Place t is judged after `last_window(ids[:t], context, pad)`.")
log_probability.hint("Sum or mean?", when="factor")
log_probability.hint("Which words were judged? Which ones were read?", when="value")

log_probability.equivalent(
    "`logits = model(last_window(ids[:end], context, pad)[None])[0]` → "
    "`logits = model(last_window(ids[:end], context, pad)[None])[-1]`",
    because="in a batch of one, the last is the first",
)

log_probability.equivalent(
    "`total += F.log_softmax(logits, dim=0)[ids[end]].item()` → "
    "`total += F.log_softmax(logits)[ids[end]].item()`",
    because="of one dimension there is one to choose",
)
log_probability.equivalent(
    "`total += F.log_softmax(logits, dim=0)[ids[end]].item()` → "
    "`total += F.log_softmax(logits, dim=-1)[ids[end]].item()`",
    because="of one dimension there is one to choose",
)

# --------------------------------------------------------------------------------- distinct

distinct = Exercise("distinct", minutes=6, difficulty=1)


def _distinct(ids: list[int], n: int) -> float:
    """Count a run as new unless an earlier one is equal, by comparing all pairs."""
    runs = [ids[i : i + n] for i in range(len(ids) - n + 1)]
    new = [run for i, run in enumerate(runs) if run not in runs[:i]]
    return len(new) / len(runs) if runs else 1.0


@distinct.property("is the part of the runs that are different", trials=6)
def _(answer, draw: Draw) -> None:
    ids = draw.integers(0, 3, 2 * draw.size + 3).tolist()
    for n in (2, 1, 3):
        expect(answer(_numbers(ids), n), f"distinct-{n}").close_to(_distinct(ids, n))


@distinct.property("is right for the text of the page")
def _(answer, draw: Draw) -> None:
    a, b = draw.rng.choice(50, 2, replace=False).tolist()
    ids = [a, b, a, b, a]
    expect(answer(_numbers(ids), 2), "distinct-2 of a b a b a").close_to(0.5)
    expect(answer(_numbers(ids), 1), "distinct-1 of a b a b a").close_to(0.4)


@distinct.property("tells a b from b a")
def _(answer, draw: Draw) -> None:
    ids = [1, 2, 1, 1, 2 + draw.integers(0, 2)]
    expect(answer(_numbers(ids), 2), "distinct-2").close_to(_distinct(ids, 2))


@distinct.property("is 1 where there is no run", trials=3)
def _(answer, draw: Draw) -> None:
    ids = [1] * (draw.size - 1)
    expect(answer(_numbers(ids), draw.size), "distinct-n of a shorter text").close_to(1.0)
    expect(answer(_numbers([1] * draw.size), draw.size), "of a text of one run").close_to(1.0)


def _part(ids, n, runs=None, count=None, divide=None, empty=1.0):
    values = ids.tolist()
    runs = runs or [tuple(values[i : i + n]) for i in range(len(values) - n + 1)]
    if len(values) < n:
        return empty
    different = (count or (lambda found: len(set(found))))(runs)
    return different / (divide or len(runs))


@distinct.mistake("You divided by the number of words. Divide by the number of runs, L − n + 1.")
def by_words(ids, n):
    return _part(ids, n, divide=len(ids))


@distinct.mistake("Runs overlap: one begins at every word, not at every n-th.")
def side_by_side(ids, n):
    values = ids.tolist()
    return _part(ids, n, [tuple(values[i : i + n]) for i in range(0, len(values) - n + 1, n)])


@distinct.mistake("You lost the last run: there are L − n + 1 of them.")
def without_the_last_run(ids, n):
    values = ids.tolist()
    return _part(ids, n, [tuple(values[i : i + n]) for i in range(max(len(values) - n, 1))])


@distinct.mistake("This is the part that repeats. Distinct-n is the other one: 1 minus it.")
def repeated(ids, n):
    return 1 - _part(ids, n)


@distinct.mistake(
    "You counted the runs that occur exactly once. A run that comes twice is still one "
    "*different* run."
)
def occurring_once(ids, n):
    return _part(ids, n, count=lambda runs: sum(runs.count(run) == 1 for run in runs))


@distinct.mistake("You forgot the order inside a run: `a b` and `b a` are two different runs.")
def unordered(ids, n):
    return _part(ids, n, count=lambda runs: len({tuple(sorted(run)) for run in runs}))


@distinct.mistake(
    "Your set holds tensors, and two tensors are never the same member of a set, even when their "
    "numbers are equal. Make plain numbers of them first: `.tolist()`."
)
def set_of_tensors(ids, n):
    return 1.0


@distinct.mistake(
    "You made a set of each run, which forgets the order and how often a word comes. Use a tuple."
)
def runs_as_sets(ids, n):
    return _part(ids, n, count=lambda runs: len({frozenset(run) for run in runs}))


@distinct.mistake("You counted different words, whatever n is.")
def single_words(ids, n):
    return len(set(ids.tolist())) / len(ids) if len(ids) >= n else 1.0


@distinct.mistake("A text without any run has distinct-n 1 on this page: nothing repeats.")
def zero_when_short(ids, n):
    return _part(ids, n, empty=0.0)


@distinct.mistake("You turned the ratio upside down: different runs over all runs.")
def upside_down(ids, n):
    return 1 / _part(ids, n)


distinct.hint("A list of tuples, one for each place where a run begins; `set` drops equal ones.")
distinct.hint("`range(len(ids) - n + 1)` are the places where a run of n begins.")
distinct.hint("Tensors do not compare as sets want: `.tolist()` first.", when="value")
distinct.hint("What is your answer for a text shorter than n?", when="error")

# -------------------------------------------------------------------------- test_evaluation

test_evaluation = Exercise("test_evaluation", minutes=15, difficulty=2, changes=("model",))


def _examples(draw: Draw, count: int, context: int = 2) -> tuple[Tensor, Tensor]:
    contexts = draw.integers(0, WORDS, count, context)
    return torch.tensor(contexts), torch.tensor(draw.integers(0, WORDS, count))


def _perplexity_of(model: _Speaker, test_set: tuple[Tensor, Tensor]) -> float:
    """The reciprocal of the geometric mean of the probabilities."""
    rows = np.exp(model.table.detach().numpy())
    product = 1.0
    for context, target in zip(test_set[0].tolist(), test_set[1].tolist(), strict=True):
        row = rows[_row(context)]
        product *= (row[target] / row.sum()) ** (1 / len(test_set[1]))
    return 1 / product


@test_evaluation.property("gives the perplexity of the whole test set", trials=5)
def _(answer, draw: Draw) -> None:
    model, test_set = _unsure(draw), _examples(draw, draw.size)
    result, _ = answer(model, test_set, _numbers([1, 2]), 2, draw.seed())
    expect(result, "the perplexity").close_to(_perplexity_of(model, test_set)).has_shape()


@test_evaluation.property("counts every example of a long test set once")
def _(answer, draw: Draw) -> None:
    model, test_set = _unsure(draw), _examples(draw, 1037)
    result, _ = answer(model, test_set, _numbers([1, 2]), 1, draw.seed())
    expected = _perplexity_of(model, test_set)
    expect(result, "the perplexity of 1037 examples").close_to(expected, rtol=1e-6)


@test_evaluation.property("lets the model write, with as many words as its contexts have", trials=4)
def _(answer, draw: Draw) -> None:
    context = draw.integers(1, 5)
    model, prompt = _unsure(draw), draw.integers(0, WORDS, draw.size).tolist()
    test_set = _examples(draw, 3, context)
    new, other = (
        answer(model, test_set, _numbers(prompt), 6, seed, temperature=0.0, pad=4)[1]
        for seed in (draw.seed(), draw.seed())
    )
    expect(np.array_equal(new, other), "two seeds agree at temperature 0").is_true(
        otherwise="Temperature 0 leaves nothing to chance, and your sample still depends on the "
        "seed: do the settings reach `generate`, and is the model in evaluation mode?"
    )
    expect(new, "the new words").equals(_walk(model, prompt, 6, context, 4)[0])


@test_evaluation.property("hands its settings on", trials=3)
def _(answer, draw: Draw) -> None:
    model, prompt = _unsure(draw), draw.integers(0, WORDS, 3).tolist()
    path, _ = _walk(model, prompt, 6, 2, 0)
    test_set = _examples(draw, 3)
    _, new = answer(model, test_set, _numbers(prompt), 6, draw.seed(), k=1, stop=path[1])
    expect(new, "the new words").equals(_walk(model, prompt, 6, 2, 0, stop=path[1])[0])
    follows = draw.rng.permutation(WORDS)
    model, test_set = _Speaker(3.0 * np.eye(WORDS)[follows]), _examples(draw, 3, 3)
    for pad in (4, 5):  # two words are missing, so that the first new word depends on pad
        _, new = answer(model, test_set, _numbers([1]), 4, draw.seed(), k=1, pad=pad)
        expect(new, f"the new words with pad = {pad}").equals(_walk(model, [1], 4, 3, pad)[0])


@test_evaluation.property("judges the model itself, whatever the settings", trials=2)
def _(answer, draw: Draw) -> None:
    for settings in ({"temperature": 2.0}, {"p": 0.9}, {"banned": [3]}):
        model, test_set = _unsure(draw), _examples(draw, 40)
        plain, _ = answer(model, test_set, _numbers([1, 2]), 2, draw.seed())
        shaped, _ = answer(model, test_set, _numbers([1, 2]), 2, draw.seed(), **settings)
        same = math.isclose(float(plain), float(shaped), rel_tol=1e-4)
        expect(same, f"the perplexity with {settings} is that without").is_true(
            otherwise="The settings changed your perplexity. They shape the sample alone; the test "
            "set judges the model itself."
        )


@test_evaluation.property("writes the same from the same seed, and another text from another")
def _(answer, draw: Draw) -> None:
    model, test_set, seed = _unsure(draw, scale=0.3), _examples(draw, 3), draw.seed()
    texts = [answer(model, test_set, _numbers([1, 2]), 15, s)[1] for s in (seed, seed, seed + 1)]
    expect(np.array_equal(texts[0], texts[1]), "the same seed, the same text").equals(True)
    expect(np.array_equal(texts[0], texts[2]), "another seed, the same text").equals(False)


@test_evaluation.property("leaves no trace: mode, recording, random streams", trials=4)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model, watch = _unsure(draw), _Watch()
        model.train(training)
        result, _ = answer(model, _examples(draw, 4), _numbers([1, 2]), 3, draw.seed())
        watch.expect_still()
        _expect_at_rest(model, training)
        expect(torch.is_grad_enabled(), "recording is on again afterwards").equals(True)
        expect(bool(getattr(result, "requires_grad", False)), "it waits for backward").equals(False)


def _evaluated(model, test_set, prompt, length, seed, habits=(), **settings):
    """Evaluation with bad habits, named."""
    contexts, targets = test_set
    before = model.training
    if "global seed" in habits:
        torch.manual_seed(seed)
    generator = torch_generator(0 if "fixed seed" in habits else seed)
    if "ignores settings" in habits:
        settings = {}
    writing = ["global"] if {"global seed", "global stream"} & set(habits) else []
    reach = contexts.shape[1] + ("one more word" in habits)
    if "any mode" not in habits:
        model.eval()
    else:
        writing.append("any mode")
    writing += [habit for habit in ("records", "with prompt") if habit in habits]
    if "without pad" in habits:
        settings = {name: value for name, value in settings.items() if name != "pad"}
    if "without stop" in habits:
        settings = {name: value for name, value in settings.items() if name != "stop"}
    new = _written(model, prompt, length, generator, reach, habits=writing, **settings)
    with torch.set_grad_enabled("records" in habits):
        losses = F.cross_entropy(model(contexts), targets, reduction="none").detach()
    result = math.exp(losses.mean().item())
    if "with settings" in habits:
        shaping = {name: value for name, value in settings.items() if name not in ("pad", "stop")}
        with torch.no_grad():
            rows = torch.stack([_mixed(row, **shaping) for row in model(contexts)])
        chances = rows[torch.arange(len(targets)), targets]
        result = torch.exp(-chances.log().mean()).item()
    if "loss" in habits:
        result = losses.mean().item()
    if "base 2" in habits:
        result = 2 ** losses.mean().item()
    if "mean of perplexities" in habits:
        result = losses.exp().mean().item()
    if "first example" in habits:
        result = math.exp(losses[0].item())
    if "switches off" in habits:
        torch.set_grad_enabled(False)
    if "stays" not in habits:
        model.train(before or "always train" in habits)
    return (new, result) if "swapped" in habits else (result, new)


def _evaluation_mistake(habit: str, message: str) -> None:
    def wrong(model, test_set, prompt, length, seed, **settings):
        return _evaluated(model, test_set, prompt, length, seed, habits=(habit,), **settings)

    wrong.__name__ = habit.replace(" ", "_")
    test_evaluation.mistake(message)(wrong)


for _habit, _message in {
    "global seed": "You called `torch.manual_seed`: every evaluation sets the global stream back, "
    "and the training's dropout masks and shuffles repeat. Make a generator of your own, "
    "`torch.Generator().manual_seed(seed)`.",
    "global stream": "The sample was drawn from the global stream. Make a generator from the seed.",
    "fixed seed": "Your generator has a seed of its own. Use `seed`.",
    "loss": "You returned the mean loss in nats. The perplexity is exp of it.",
    "mean of perplexities": "You averaged perplexities of single words. Average the logarithms, "
    "then take exp once.",
    "with settings": "You measured the perplexity after temperature, cuts and bans. They shape the "
    "sample alone; the test set judges the model itself.",
    "base 2": "You raised 2 to a loss in nats. The perplexity is exp of it.",
    "without pad": "`pad` did not reach `generate`: pass `**settings`, whole.",
    "without stop": "`stop` did not reach `generate`: pass `**settings`, whole.",
    "first example": "You judged one example. The whole test set counts.",
    "swapped": "The two have changed places: first the perplexity, then the sample.",
    "ignores settings": "The settings did not reach `generate`: pass `**settings`.",
    "with prompt": "Your sample begins with the prompt. Give the new words alone.",
    "one more word": "The model reads as many words as the test contexts have: "
    "`contexts.shape[1]`.",
    "any mode": "The model was evaluated in training mode.",
    "stays": "The model stays in evaluation mode, and would train on without its dropout. Restore "
    "the mode in which it came.",
    "always train": "The model is in training mode afterwards, whatever it was before.",
    "records": "Gradients were recorded: use `torch.no_grad()`.",
    "switches off": "You switched recording off and left it off: the next `backward` of the "
    "training fails. `with torch.no_grad():` puts it back by itself.",
}.items():
    _evaluation_mistake(_habit, _message)

test_evaluation.hint("`score` and `perplexity` for the one, `generate` for the other.")
test_evaluation.hint("`torch.Generator().manual_seed(seed)` is a stream of its own.")
test_evaluation.hint("How many words does the model read? The contexts have as many columns.")
test_evaluation.hint(
    "Which calls change something that outlives them?",
    when="leaves no trace: mode, recording, random streams",
)
test_evaluation.hint("Which of the two comes first?", when="type")

# ------------------------------------------------------------------------------------ train

train = Exercise("train", minutes=30, difficulty=3, changes=("model", "optimiser"))


class _Table(nn.Module):
    """Logits from a table's row, chosen by the last word; twice as large outside training mode.

    It keeps the contexts it saw, and in which mode.
    """

    def __init__(self, table: np.ndarray) -> None:
        super().__init__()
        self.table = nn.Parameter(_tensor(table))
        self.modes: list[bool] = []

    def forward(self, contexts: Tensor) -> Tensor:
        self.modes.append(self.training)
        return self.table[contexts[:, -1]] * (1 if self.training else 2)

    def __repr__(self) -> str:
        return "a table of logits, one row for each last word"


class _Evaluate:
    """Counts how often it is asked, and leaves the model in evaluation mode."""

    def __init__(self, mode: bool | None = None) -> None:
        self.mode = mode
        self.asked = 0

    def __call__(self, model: Any) -> tuple[int, float]:
        self.asked += 1
        if self.mode is not None:
            model.train(self.mode)
        return self.asked, round(float(model.table.detach().abs().sum()), 6)

    def __repr__(self) -> str:
        return "a function that evaluates the model"


def _descend(table, train_set, epochs, batch_size, seed, rate):
    """The losses and the table after every step, by numpy: softmax minus one-hot, averaged."""
    rows, targets = train_set[0][:, -1].numpy(), train_set[1].numpy()
    table, generator = table.copy(), torch_generator(seed)
    losses, tables = [], [table.copy()]
    for _ in range(epochs):
        order = torch.randperm(len(targets), generator=generator).numpy()
        for begin in range(0, len(order), batch_size):
            batch = order[begin : begin + batch_size]
            raised = np.exp(table[rows[batch]])
            chances = raised / raised.sum(1, keepdims=True)
            picked = np.arange(len(batch)), targets[batch]
            losses.append(float(np.mean(-np.log(chances[picked]))))
            chances[picked] -= 1
            np.subtract.at(table, rows[batch], rate * chances / len(batch))
            tables.append(table.copy())
    return losses, tables


def _when(steps: int, every: int) -> list[int]:
    return sorted({0, steps} | {step for step in range(steps) if step % every == 0})


RATE = 0.5


def _trained(answer, draw: Draw, count, epochs, batch_size, every, mode=None, training=True):
    """One training run: (losses, history), the model, the evaluation, and what was expected."""
    table, train_set, seed = draw.normal(WORDS, WORDS), _examples(draw, count), draw.seed()
    model, evaluate = _Table(table), _Evaluate(mode)
    model.train(training)
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    given = model, optimiser, train_set, epochs, batch_size, torch_generator(seed), every, evaluate
    return (
        answer(*given),
        model,
        evaluate,
        _descend(table, train_set, epochs, batch_size, seed, RATE),
    )


def _expect_history(history: Any, every: int, tables: list[np.ndarray]) -> None:
    steps = [int(step) for step, _ in history]
    wanted = _when(len(tables) - 1, every)
    expect(steps, "the steps of the history").equals(wanted)
    got = [result for _, result in history]
    expect([number for number, _ in got], "the order of evaluations").equals(
        list(range(1, len(wanted) + 1))
    )
    expect([size for _, size in got], "sums of the table's sizes when evaluated").close_to(
        [float(np.abs(tables[step]).sum()) for step in wanted], rtol=1e-5
    )


@train.property("takes the right steps and evaluates on the way", trials=6)
def _(answer, draw: Draw) -> None:
    epochs, batch_size, every = draw.integers(1, 4), draw.integers(2, 5), draw.integers(1, 4)
    (losses, history), model, _, (expected, tables) = _trained(
        answer, draw, draw.size + 2, epochs, batch_size, every
    )
    expect(losses, "the losses").close_to(expected)
    expect(model.table, "the model's weights").close_to(tables[-1])
    _expect_history(history, every, tables)


@train.property("counts steps through all epochs, and evaluates the end once", trials=4)
def _(answer, draw: Draw) -> None:
    for count, epochs, every in ((6, 2, 4), (6, 2, 3), (5, 2, 9), (1, 1, 1)):
        (losses, history), _, evaluate, (expected, tables) = _trained(
            answer, draw, count, epochs, 2, every
        )
        expect(len(losses), "how many losses").equals(len(expected))
        _expect_history(history, every, tables)
        expect(evaluate.asked, "how often it was evaluated").equals(
            len(_when(len(expected), every))
        )


@train.property("trains in training mode, whatever mode an evaluation leaves behind", trials=4)
def _(answer, draw: Draw) -> None:
    for mode, training in ((False, True), (None, False), (False, False)):
        (losses, _), model, _, (expected, tables) = _trained(
            answer, draw, 6, 2, 2, 2, mode=mode, training=training
        )
        expect(losses, "the losses").close_to(expected)
        expect(model.table, "the model's weights").close_to(tables[-1])


@train.property("takes its randomness from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    watch = _Watch()
    (losses, _), *_, (expected, _) = _trained(answer, draw, 8, 2, 3, 3)
    watch.expect_still()
    expect(losses, "the losses").close_to(expected)


@train.property("gives plain numbers as losses")
def _(answer, draw: Draw) -> None:
    (losses, _), *_ = _trained(answer, draw, 4, 1, 2, 2)
    waiting = any(bool(getattr(loss, "requires_grad", False)) for loss in losses)
    expect(waiting, "the losses wait for backward").equals(False)


def _loop(model, optimiser, train_set, epochs, batch_size, generator, every, evaluate, habit):
    """The training loop with one bad habit: what the mistakes below share."""
    contexts, targets = train_set
    stream = None if habit == "global stream" else generator
    order = torch.randperm(len(targets), generator=stream)
    losses: list[Any] = []
    history = [] if habit == "no start" else [(0, evaluate(model))]
    if habit == "mode once":
        model.train()
    for epoch in range(epochs):
        if habit == "unshuffled":
            order = torch.arange(len(targets))
        elif epoch and habit != "shuffles once":
            order = torch.randperm(len(targets), generator=stream)
        if habit == "mode each epoch":
            model.train()
        steps = 0
        for batch in order.split(batch_size):
            if habit == "drops rest" and len(batch) < batch_size <= len(order):
                continue
            if habit not in ("mode once", "mode each epoch", "no mode"):
                model.train()
            if habit == "evaluates before" and len(losses) and len(losses) % every == 0:
                history.append((len(losses) + 1, evaluate(model)))
            loss = F.cross_entropy(model(contexts[batch]), targets[batch])
            if habit != "accumulates":
                optimiser.zero_grad()
            (loss * (len(batch) if habit == "summed" else 1)).backward()
            optimiser.step()
            if habit == "loss after":
                model.train()
                loss = F.cross_entropy(model(contexts[batch]), targets[batch])
            losses.append(loss if habit == "tensors" else loss.item())
            steps += 1
            made = steps if habit == "counts in epoch" else len(losses)
            if habit == "off by one":
                made -= 1
            if made % every == 0 and habit not in ("evaluates before", "each epoch"):
                history.append((len(losses), evaluate(model)))
        if habit == "each epoch":
            history.append((len(losses), evaluate(model)))
    finished = bool(history) and history[-1][0] == len(losses)
    if habit == "end twice" or (not finished and habit not in ("no end", "evaluates before")):
        history.append((len(losses), evaluate(model)))
    if habit == "without steps":
        return losses, [result for _, result in history]
    return (history, losses) if habit == "swapped" else (losses, history)


def _train_mistake(habit: str, message: str) -> None:
    def wrong(model, optimiser, train_set, epochs, batch_size, generator, every, evaluate):
        return _loop(
            model, optimiser, train_set, epochs, batch_size, generator, every, evaluate, habit
        )

    wrong.__name__ = habit.replace(" ", "_")
    train.mistake(message)(wrong)


for _habit, _message in {
    "no start": "You did not evaluate before the first step. The untrained model is the beginning "
    "of the curve.",
    "no end": "You did not evaluate at the end, when the number of steps is not a multiple of "
    "`every`.",
    "end twice": "You evaluated the end twice where the last step was due anyway.",
    "counts in epoch": "You count steps from 0 in every epoch. `every` counts through all epochs.",
    "off by one": "You evaluate one step too late. After step number `every` it is due: is your "
    "counter ahead of the steps made, or behind?",
    "each epoch": "You evaluate after each epoch. The specification says: after every `every` "
    "steps.",
    "no mode": "The model was never put into training mode. It may arrive in evaluation mode, and "
    "an evaluation may leave it there: `model.train()` before each step.",
    "mode once": "You called `model.train()` once. An evaluation may leave the model in evaluation "
    "mode: call it before each step.",
    "mode each epoch": "You called `model.train()` at the start of each epoch. An evaluation in "
    "the middle may leave the model in evaluation mode: call it before each step.",
    "accumulates": "Gradients pile up: `optimiser.zero_grad()` before each `backward`.",
    "unshuffled": "The windows come in the order of the text. Shuffle them by the generator.",
    "shuffles once": "You shuffled once. Every epoch takes a new order from the generator.",
    "drops rest": "You dropped the short minibatch at the end of the epoch.",
    "global stream": "Your order comes from the global generator. Use the one handed over.",
    "summed": "You summed the loss over the minibatch before `backward`. It is a mean.",
    "tensors": "The losses are tensors that still hold the graph of their step. Record plain "
    "numbers: `loss.item()`.",
    "loss after": "You recorded the loss after the step. Record the one the step was made from.",
    "swapped": "The two have changed places: first the losses, then the history.",
}.items():
    _train_mistake(_habit, _message)

train.hint("The frame: evaluate; for each epoch, for each batch: a step; evaluate when due; end.")
train.hint("`torch.randperm(m, generator=generator).split(batch_size)` are the minibatches.")
train.hint("`len(losses)` is the number of steps made so far, through all epochs.")
train.hint("At the end: is `history[-1][0]` already the number of steps?")
train.hint("How many evaluations should there be? Write the steps down.", when="length")
train.hint("In which mode is the model after an evaluation?", when=(
    "trains in training mode, whatever mode an evaluation leaves behind"))  # fmt: skip
train.hint("`loss.item()` is a plain number.", when="type")
