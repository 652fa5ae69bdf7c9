"""How `sample` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import ALARM, Watch, float64_tensor, last, p_value_of, search

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
    drawn = answer(float64_tensor(np.eye(4)[certain]), size, torch_generator(draw.seed()))
    expect(drawn, "draws from a certainty").equals([certain] * size)
    expect(torch.as_tensor(drawn), "the draws").has_dtype("int64").has_shape(size)


@sample.property("draws each word with its probability", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.5, 0.3, 0.2, 0.0])
    counts = _counted(answer(float64_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 4)
    expect(int((counts > 0).sum()), "how many different words came").equals(3)
    expect(_rounded(counts / DRAWS), "the shares, rounded").equals(probabilities.tolist())
    expect(int(counts[probabilities == 0].sum()), "draws of an impossible word").equals(0)


@sample.property("passes the chi-square test", trials=2)
def _(answer, draw: Draw) -> None:
    probabilities = draw.rng.permutation([0.36, 0.22, 0.16, 0.11, 0.08, 0.05, 0.02])
    counts = _counted(answer(float64_tensor(probabilities), DRAWS, torch_generator(draw.seed())), 7)
    p_value = p_value_of(counts, probabilities) if len(counts) == 7 else 0.0
    expect(p_value > ALARM, "the chi-square test is passed").is_true(
        otherwise=f"{DRAWS} draws from known probabilities had a p-value of {p_value:.1g}: no "
        "right sampler is that unlucky."
    )


@sample.property("draws each word independently of the one before")
def _(answer, draw: Draw) -> None:
    words = torch.as_tensor(answer(float64_tensor([0.5, 0.5]), DRAWS, torch_generator(draw.seed())))
    equal = float((words[1:] == words[:-1]).double().mean()) if len(words) > 1 else 0.0
    expect(_rounded([equal]), "the share of neighbours that are equal").equals([0.5])


@sample.property("takes its randomness from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    fair, seed = float64_tensor(np.full(64, 1 / 64)), draw.seed()
    watch, generator = Watch(), torch_generator(seed)
    one, two = answer(fair, 60, generator), answer(fair, 60, generator)
    watch.expect_still()
    expect(np.array_equal(one, two), "a second call repeats the first").equals(False)
    again = answer(fair, 60, torch_generator(seed))
    expect(np.array_equal(one, again), "the same seed gives the same words").equals(True)


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
