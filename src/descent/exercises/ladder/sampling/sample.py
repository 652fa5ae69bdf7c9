"""How `sample` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import ALARM, Watch, float64_tensor, last, p_value_of, search

sample = Exercise("sample", minutes=5, difficulty=1, returns=Tensor)


DRAWS = 20_000


_MANY = float64_tensor(np.arange(1, 65) ** 1.5 / (np.arange(1, 65) ** 1.5).sum())
"""64 words with irregular borders: no two streams of numbers fall into the same pieces."""


def _counted(words: Any, size: int) -> np.ndarray:
    return np.bincount(torch.as_tensor(words).numpy().astype(int), minlength=size)


def _rounded(parts: Any) -> list[float]:
    """Shares to one decimal: the same for every right sampler, telling of a wrong one."""
    return [round(float(part), 1) for part in parts]


@sample.property("returns as many words as asked for, and only possible ones", trials=4)
def _(answer, draw: Draw) -> None:
    certain, size = draw.integers(0, 4), draw.size
    drawn = answer(float64_tensor(np.eye(4)[certain]), size, torch_generator(draw.seed()))
    expect(drawn, "draws from a certainty").equals([certain] * size)


@sample.property("returns int64", trials=1)
def _(answer, draw: Draw) -> None:
    drawn = answer(float64_tensor([0.0, 1.0]), 3, torch_generator(draw.seed()))
    expect(drawn, "the draws").has_dtype("int64")


@sample.property("draws each word with its probability", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.5, 0.3, 0.2, 0.0])
    counts = _counted(answer(float64_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 4)
    different = int((counts > 0).sum())
    expect(different, "how many different words came").equals(3)
    if different != 1:  # else the shares depend on which word came
        expect(_rounded(counts / DRAWS), "the shares, rounded").equals(probabilities.tolist())


@sample.property("passes the chi-square test", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.36, 0.22, 0.16, 0.11, 0.08, 0.05, 0.02])
    counts = _counted(answer(float64_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 7)
    p_value = p_value_of(counts, probabilities) if len(counts) == 7 else 0.0
    expect(p_value > ALARM, "the chi-square test is passed").is_true(
        otherwise=f"{DRAWS} draws from known probabilities had a p-value of {p_value:.1g}: no "
        "right sampler is that unlucky."
    )


@sample.property("lets the counts vary as chance does", trials=1)
def _(answer, draw: Draw) -> None:
    probabilities = np.array([0.36, 0.22, 0.16, 0.11, 0.08, 0.05, 0.02])
    counts = _counted(answer(float64_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 7)
    expected = DRAWS * probabilities
    statistic = float(((counts[:7] - expected) ** 2 / expected).sum())
    # A right sampler is below this once in 10 000 000 000 times.
    expect(statistic > 1e-3, "whether chance has a part in the counts").is_true(
        otherwise=f"{DRAWS} draws came out as expected to the last one. By chance they never do."
    )


@sample.property("draws each word independently of the one before")
def _(answer, draw: Draw) -> None:
    words = torch.as_tensor(answer(float64_tensor([0.5, 0.5]), DRAWS, torch_generator(draw.seed())))
    equal = float((words[1:] == words[:-1]).double().mean()) if len(words) > 1 else 0.0
    expect(_rounded([equal]), "the share of neighbours that are equal").equals([0.5])


@sample.property("takes its randomness from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    watch, seed = Watch(), draw.seed()
    one = answer(_MANY, 400, torch_generator(seed))
    watch.expect_still()
    again = answer(_MANY, 400, torch_generator(seed))
    expect(np.array_equal(one, again), "the same seed gives the same words").is_true(
        otherwise="Two generators with the same seed gave different words."
    )


@sample.property("goes on in the generator's stream, so that a second call draws others", trials=2)
def _(answer, draw: Draw) -> None:
    generator = torch_generator(draw.seed())
    one, two = answer(_MANY, 400, generator), answer(_MANY, 400, generator)
    expect(np.array_equal(one, two), "a second call repeats the first").equals(False)


def _by_line(probabilities: Tensor, uniform: Tensor) -> Tensor:
    return search(probabilities, uniform).clamp(max=last(probabilities))


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
    "All the words of one call are the same: you drew one number for all of them. Draw `count` "
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
    "You drew normal numbers and pressed them into the line from 0 to 1. That line wants uniform "
    "ones: `torch.rand`."
)
def pressed_normal_numbers(probabilities, count, generator):
    numbers = torch.randn(count, generator=generator, dtype=torch.float64)
    return _by_line(probabilities, numbers.abs().clamp(max=0.9999999))


@sample.mistake(
    "You normalised twice: probabilities went through a softmax again, which makes them nearly "
    "equal."
)
def softmax_again(probabilities, count, generator):
    again = torch.softmax(probabilities, 0) * (probabilities > 0)
    return _by_line(again / again.sum(), _uniform(count, generator))


@sample.mistake(
    "Every call draws the same words: you set the generator back, or made a new one with a fixed "
    "seed. The one that is handed over comes ready to use, and moves on."
)
def seeds_again(probabilities, count, generator):
    generator.manual_seed(0)
    return _by_line(probabilities, _uniform(count, generator))


@sample.mistake(
    "The words come in rising order: you sorted them, or spread the numbers evenly over the line. "
    "The shares are right, and each word tells the next. Draw every number by chance, and leave "
    "them in their order."
)
def evenly_spread(probabilities, count, generator):
    numbers = (torch.arange(count, dtype=torch.float64) + _uniform(1, generator)) / count
    return _by_line(probabilities, numbers)


@sample.mistake("Your words are right and are floats. A word is a whole number: int64.")
def as_floats(probabilities, count, generator):
    return _by_line(probabilities, _uniform(count, generator)).float()


@sample.mistake(
    "Your numbers do not reach over the whole line from 0 to 1, so that the last words never come. "
    "`torch.rand` as it is does."
)
def half_the_line(probabilities, count, generator):
    return _by_line(probabilities, 0.5 * _uniform(count, generator))


@sample.mistake(
    "You took of each word as many as are expected, and shuffled them. The number of times that a "
    "word comes is a matter of chance too: draw each word by itself."
)
def dealt_out(probabilities, count, generator):
    ends = (probabilities.double().cumsum(0) * count).round().long()
    words = torch.bucketize(torch.arange(count), ends, right=True).clamp(max=last(probabilities))
    return words[torch.randperm(count, generator=generator)]


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
