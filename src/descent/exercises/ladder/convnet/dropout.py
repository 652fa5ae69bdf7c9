"""How `dropout` is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import different_values

dropout = Exercise("dropout", minutes=10, difficulty=2, changes=("generator",), returns=Tensor)


def _kept(found, x: torch.Tensor) -> list[float]:
    """What the numbers of x were multiplied by: the same list however the lot falls."""
    found = torch.as_tensor(found)
    expect(tuple(found.shape), "the shape").equals(tuple(x.shape))
    return different_values(found / x) if found.shape == x.shape else []


@dropout.property("zeroes some and scales up the rest while training", trials=4)
def _(answer, draw: Draw) -> None:
    p = draw.choice([0.25, 0.5, 0.75, 0.8])
    found = answer(torch.ones(60, 40), p, True, torch_generator(draw.seed()))
    expect(different_values(found), f"the numbers that ones become at p = {p}").close_to(
        [0.0, round(1 / (1 - p), 3)], rtol=1e-3
    )


@dropout.property("keeps each number where it was, and its sign", trials=3)
def _(answer, draw: Draw) -> None:
    x = torch.where(normals(draw, 30, 20) > 0, 1.0, -1.0) * (1 + normals(draw, 30, 20).abs())
    factors = _kept(answer(x, 0.5, True, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by at p = 0.5").equals([0.0, 2.0])


@dropout.property("leaves everything alone in evaluation", trials=2)
def _(answer, draw: Draw) -> None:
    x = 1 + normals(draw, 20, 20).abs()
    factors = _kept(answer(x, 0.5, False, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by in evaluation").equals([1.0])


@dropout.property("leaves everything alone at p = 0", trials=2)
def _(answer, draw: Draw) -> None:
    x = 1 + normals(draw, 20, 20).abs()
    factors = _kept(answer(x, 0.0, True, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by at p = 0").equals([1.0])


@dropout.property("decides for each number separately", trials=2)
def _(answer, draw: Draw) -> None:
    found = torch.as_tensor(answer(torch.ones(60, 60), 0.5, True, torch_generator(draw.seed())))
    if found.shape == (60, 60):
        zero = found == 0
        for one, lines in (("row", zero), ("column", zero.T)):
            patterns = len({tuple(line) for line in lines.tolist()})
            expect(patterns, f"how many patterns of zeros 60 {one}s have").equals(60)


@dropout.property("drops a share p, not a fixed number", trials=1)
def _(answer, draw: Draw) -> None:
    p, generator = 0.8, torch_generator(draw.seed())
    zeros = [float((torch.as_tensor(answer(torch.ones(20, 20), p, True, generator)) == 0).sum())
             for _ in range(12)]  # fmt: skip
    share = sum(zeros) / 4800
    expect(abs(share - p) < 0.05, "the share dropped").is_true(
        otherwise=f"the share of zeros is {share:.2f}; about p = {p} should be dropped"
    )
    expect(len(set(zeros)) > 1, "the number of zeros varies").is_true(
        otherwise=f"twelve calls each dropped {zeros[0]:.0f} of 400 numbers: each number has its "
        "own chance p, so that how many fall varies"
    )


@dropout.property("draws from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    x, seed = torch.ones(20, 50), draw.seed()
    one, two = (torch.as_tensor(answer(x, 0.5, True, torch_generator(seed))) for _ in range(2))
    other = torch.as_tensor(answer(x, 0.5, True, torch_generator(seed + 1)))
    expect(torch.equal(one, two), "the same seed, the same result").is_true(
        otherwise="two generators with the same seed gave two results: the chance comes from "
        "elsewhere"
    )
    expect(not torch.equal(one, other), "another seed, another result").is_true(
        otherwise="generators with different seeds gave the same result: the one given is not used"
    )
    generator = torch_generator(seed)
    calls = [torch.as_tensor(answer(x, 0.5, True, generator)) for _ in range(2)]
    expect(not torch.equal(*calls), "the next call, another result").is_true(
        otherwise="two calls with the same generator dropped the same numbers"
    )


def _dropped(x, p, training, generator, keep=None, scale=None, shape=None):
    if not training:
        return x
    noise = torch.rand(shape or x.shape, generator=generator)
    mask = noise < (1 - p if keep is None else keep)
    return x * mask * (1 / (1 - p) if scale is None else scale)


@dropout.mistake(
    "You drop in evaluation too. When the network is used, nothing is dropped: look at `training`."
)
def drops_in_evaluation(x, p, training, generator):
    return _dropped(x, p, True, generator)


@dropout.mistake(
    "You did not scale up what is kept. With a share p gone, the sums of the next layer would be "
    "1 − p of what they are in evaluation: divide by 1 − p."
)
def not_scaled_up(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1.0)


@dropout.mistake("You divided by p. The share that is *kept* is 1 − p: divide by that.")
def divided_by_p(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1 / p if p else 1.0)


@dropout.mistake("You divided by p, 0 included. The share that is *kept* is 1 − p: divide by that.")
def divided_by_p_even_0(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1.0) / p if training else x


@dropout.mistake(
    "You scale twice: while training, and once more in evaluation. Training has made up for what "
    "falls; in evaluation x goes out as it is."
)
def scaled_twice(x, p, training, generator):
    return _dropped(x, p, True, generator) if training else x * (1 - p)


@dropout.mistake("You keep a share p and drop the rest. p is the share that is dropped.")
def keeps_p(x, p, training, generator):
    return _dropped(x, p, training, generator, keep=p)


@dropout.mistake("You multiplied by 1 − p. Less is left, so what is kept must grow: divide.")
def scaled_down(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1 - p)


@dropout.mistake(
    "You scale in evaluation, as the first paper on dropout did. This page scales while training, "
    "so that evaluation costs nothing."
)
def scaled_in_evaluation(x, p, training, generator):
    return _dropped(x, p, True, generator, scale=1.0) if training else x * (1 - p)


@dropout.mistake("You drop whole rows. Each number has its own chance of being dropped.")
def drops_rows(x, p, training, generator):
    return _dropped(x, p, training, generator, shape=(x.shape[0], 1))


@dropout.mistake("You drop the same columns in every example. Draw a number for each entry of x.")
def drops_columns(x, p, training, generator):
    return _dropped(x, p, training, generator, shape=(1, x.shape[1]))


@dropout.mistake(
    "The generator is not used: the result cannot be repeated. `torch.rand(…, generator=generator)`"
)
def dropout_without_generator(x, p, training, generator):
    return _dropped(x, p, training, None)


@dropout.mistake(
    "You make a generator of your own with a fixed seed, so that every call drops the same places. "
    "Pass on the one that was given: `generator=generator`."
)
def seeded_inside(x, p, training, generator):
    return _dropped(x, p, training, torch_generator(0))


@dropout.mistake(
    "You drop a fixed number of entries. Each number has its own chance p: compare one random "
    "number for each with p."
)
def drops_a_fixed_number(x, p, training, generator):
    if not training:
        return x
    places = torch.randperm(x.numel(), generator=generator)
    mask = (places >= round(p * x.numel())).reshape(x.shape)
    return x * mask / (1 - p)


@dropout.mistake("You drop while evaluating and not while training: the condition is turned round.")
def modes_swapped(x, p, training, generator):
    return _dropped(x, p, not training, generator)


dropout.equivalent(
    "`kept = torch.rand(x.shape, generator=generator) >= p` → "
    "`kept = torch.rand(x.shape, generator=generator) > p`",
    because="a random number that equals p exactly is one in sixteen million",
)


dropout.hint("`torch.rand(x.shape, generator=generator)` is below p in a share p of its places.")
dropout.hint("If a share 1 − p is left, by what must it be multiplied to keep the same mean?")
dropout.hint("What should the mean of the result be, compared with the mean of x?", when="factor")
dropout.hint(
    "Return x itself when `training` is false.", when="leaves everything alone in evaluation"
)
dropout.hint("`x * mask` makes a new tensor; `x[mask] = 0` writes into x.", when="changes input")
