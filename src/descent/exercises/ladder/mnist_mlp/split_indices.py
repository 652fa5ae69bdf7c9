"""How `split_indices` is judged."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

split_indices = Exercise(
    "split_indices", minutes=8, difficulty=2, changes=("generator",), returns=tuple[Tensor, Tensor]
)


def _as_list(indices: object) -> list[int]:
    return [int(i) for i in torch.as_tensor(indices).flatten()]


@split_indices.property("puts every index in exactly one of the two parts", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    held_out = draw.integers(1, n - 1)
    first, second = answer(n, held_out, torch_generator(draw.seed()))
    train, kept = _as_list(first), _as_list(second)
    expect(len(kept), "how many are held out").equals(held_out)
    expect(len(train), "how many are left to train on").equals(n - held_out)
    expect(sorted(train + kept), "both parts together, sorted").equals(list(range(n)))


@split_indices.property("holds out a random part")
def _(answer, draw: Draw) -> None:
    train, kept = map(_as_list, answer(60, 20, torch_generator(draw.seed())))
    for name, fixed in (("first", range(20)), ("last", range(40, 60))):
        expect(sorted(kept) != list(fixed), f"others than the {name} are held out").is_true(
            otherwise=f"Of 60 indices exactly the {name} 20 are held out: the lot does not decide "
            "which. In a sorted file those would be one class."
        )
    runs = sum(b != a + 1 for a, b in pairwise(sorted(kept)))
    expect(runs, "gaps between the held-out indices").is_above(2)


@split_indices.property("takes its randomness from the generator it was given", trials=3)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    _, first = answer(40, 10, torch_generator(seed))
    _, again = answer(40, 10, torch_generator(seed))
    _, other = answer(40, 10, torch_generator(seed + 1))
    expect(again, "the same seed again").close_to(_as_list(first))
    shared = len(set(_as_list(first)) & set(_as_list(other)))
    expect(shared, "held-out indices that another seed has too").is_below(10)


@split_indices.property("may hold out nothing")
def _(answer, draw: Draw) -> None:
    train, kept = answer(6, 0, torch_generator(draw.seed()))
    expect(len(kept), "how many are held out").equals(0)
    expect(sorted(_as_list(train)), "the indices to train on, sorted").equals(list(range(6)))


@split_indices.property("returns int64 tensors")
def _(answer, draw: Draw) -> None:
    train, kept = answer(7, 2, torch_generator(draw.seed()))
    expect(train, "the training indices").is_a(torch.Tensor).has_dtype("int64").has_shape(5)
    expect(kept, "the held-out indices").is_a(torch.Tensor).has_dtype("int64").has_shape(2)


@split_indices.mistake(
    "You toss for each index by itself, so that the number held out is only about right. Exactly "
    "`held_out` are asked for: draw one order and cut it."
)
def tossed(n, held_out, generator):
    out = torch.rand(n, generator=generator) < held_out / n
    return torch.arange(n)[~out], torch.arange(n)[out]


@split_indices.mistake(
    "You did not shuffle: the first examples of the file are held out. In a sorted file those "
    "would be one class. Draw a random order first."
)
def first_held_out(n, held_out, generator):
    order = torch.arange(n)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "You did not shuffle: the last examples of the file are held out. In a sorted file those "
    "would be one class. Draw a random order first."
)
def last_held_out(n, held_out, generator):
    order = torch.arange(n)
    return order[: n - held_out], order[n - held_out :]


@split_indices.mistake(
    "You drew the two parts independently, so they overlap: the network is examined on pictures "
    "it has learned. Draw one order and cut it in two."
)
def drawn_twice(n, held_out, generator):
    train = torch.randperm(n, generator=generator)[: n - held_out]
    return train, torch.randperm(n, generator=generator)[:held_out]


@split_indices.mistake(
    "You shuffled twice and cut each order once, so the parts overlap: the network is examined on "
    "pictures it has learned. Draw one order and cut it in two."
)
def shuffled_twice(n, held_out, generator):
    train = torch.randperm(n, generator=generator)[held_out:]
    return train, torch.randperm(n, generator=generator)[:held_out]


@split_indices.mistake(
    "You held examples out and then trained on all of them: the training part still contains the "
    "held-out one. Leave it out."
)
def trains_on_all(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order, order[:held_out]


@split_indices.mistake(
    "You drew with replacement: some examples come twice and others in neither part. "
    "`torch.randperm` draws each once."
)
def with_replacement(n, held_out, generator):
    order = torch.randint(n, (n,), generator=generator)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "You drew the held-out indices with replacement, so one can come twice and the training part "
    "is too long. `torch.randperm` draws each once."
)
def held_out_with_replacement(n, held_out, generator):
    kept = torch.randint(n, (held_out,), generator=generator)
    train = torch.ones(n, dtype=torch.bool)
    train[kept] = False
    return train.nonzero().flatten(), kept


@split_indices.mistake(
    "The two parts have changed places: the training indices come first, and are n − held_out many."
)
def parts_swapped(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[:held_out], order[held_out:]


@split_indices.mistake(
    "`order[:-held_out]` and `order[-held_out:]` turn round when held_out is 0: −0 is 0, so the "
    "first is empty and the second is everything. Cut at `held_out` or at `n - held_out`."
)
def cut_at_minus_zero(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[:-held_out], order[-held_out:]


@split_indices.mistake(
    "You used torch's global generator. Hand yours on, `torch.randperm(n, generator=generator)`: "
    "the split must stay the same when something else draws a random number first."
)
def global_generator(n, held_out, generator):
    order = torch.randperm(n)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "Your split comes from a fixed seed: a generator of your own, or `manual_seed` called on the "
    "one you were given. Use it as it comes, so that the caller can draw another split."
)
def own_generator(n, held_out, generator):
    order = torch.randperm(n, generator=torch_generator(0))
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "One example is in neither part: the cut skips it. `order[:k]` ends before k, so the other "
    "part begins at k, not at k + 1."
)
def loses_one(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[held_out + 1 :], order[:held_out]


split_indices.hint("Shuffle 0 … n − 1 once; then one cut makes both parts.")
split_indices.hint("`torch.randperm(n, generator=generator)` is a shuffled 0 … n − 1.")
split_indices.hint("How long is each part? They add up to n.", when="value")
split_indices.hint("Is any index in both parts, or in neither?", when="length")
split_indices.hint(
    "Does the generator you were given take part?",
    when="takes its randomness from the generator it was given",
)
split_indices.hint("What is `order[-0:]`?", when="may hold out nothing")
