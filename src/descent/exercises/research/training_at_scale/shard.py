"""How `shard` is judged: by what the shares of all processes are together."""

from __future__ import annotations

import random

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

shard = Exercise("shard", minutes=10, difficulty=1, returns=list[int])


def _shares(answer, count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    return [answer(count, rank, size, seed, epoch) for rank in range(size)]


def _sorted(shares: list[list[int]]) -> list[int]:
    return sorted(example for share in shares for example in share)


@shard.property("gives every example to one process, and to one only", trials=6)
def _(answer, draw: Draw) -> None:
    size = 1 + draw.size % 5
    count = size * draw.integers(1, 5)
    shares = _shares(answer, count, size, draw.seed(), draw.integers(0, 9))
    expect(_sorted(shares), f"the examples of all {size} processes, sorted").equals(
        list(range(count))
    )


@shard.property("leaves nothing out and doubles nothing where the shares are uneven", trials=4)
def _(answer, draw: Draw) -> None:
    size = 3 + draw.size % 3
    count = size * draw.integers(1, 4) + draw.integers(1, size)
    shares = _shares(answer, count, size, draw.seed(), draw.integers(0, 9))
    expect(_sorted(shares), f"the examples of all {size} processes, sorted").equals(
        list(range(count))
    )


@shard.property("makes shares that differ by at most one example", trials=4)
def _(answer, draw: Draw) -> None:
    size = 3 + draw.size % 4
    for count in (4 * size + 1, 3 * size - 1, 2 * size):
        lengths = [len(share) for share in _shares(answer, count, size, draw.seed(), 0)]
        expect(max(lengths) - min(lengths), "the largest share less the smallest").is_between(0, 1)
        expect(sum(lengths), "examples in all shares").equals(count)


@shard.property("leaves some processes without any where there are few examples", trials=2)
def _(answer, draw: Draw) -> None:
    for count, size in ((0, 2), (2, 5), (1, 3)):
        shares = _shares(answer, count, size, draw.seed(), 1)
        expect(_sorted(shares), f"the examples of all {size} processes, sorted").equals(
            list(range(count))
        )


def _order(answer, seed: int, epoch: int) -> list[int]:
    """All examples in the order of the processes: two equal orders of 40 are no accident."""
    return [i for share in _shares(answer, 40, 2, seed, epoch) for i in share]


@shard.property("deals the examples out in a random order", trials=2)
def _(answer, draw: Draw) -> None:
    for share in _shares(answer, 40, 2, draw.seed(), 3):
        steps = np.diff(np.array(share, dtype=int))
        expect(len(set(steps.tolist())) > 3, "whether the order is a random one").is_true(
            otherwise=f"A share of 40 examples is {share[:8]} …: that is no random order."
        )
        expect(bool((steps < 0).any()), "whether a share is unsorted").is_true(
            otherwise=f"A share of 40 examples is {share[:8]} …: it is sorted."
        )


@shard.property("deals them out anew in every epoch, and for every seed", trials=2)
def _(answer, draw: Draw) -> None:
    seed = 5 + draw.integers(0, 1000)
    for one, other in (
        ((seed, 2), (seed, 3)),
        ((seed, 2), (seed + 1, 2)),
        ((seed, 2), (seed + 1, 1)),
        ((seed, 2), (seed + 2, 0)),
    ):
        _expect_different(answer, one, other)


@shard.property("gives a process other examples in other epochs, and for other seeds", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = set(answer(40, 1, 2, seed, 2))
    for other in ((seed, 3), (seed + 1, 2)):
        expect(set(answer(40, 1, 2, *other)) != first, "whether the examples are others").is_true(
            otherwise=f"Seed {other[0]} in epoch {other[1]} gives process 1 the same examples as "
            f"seed {seed} in epoch 2, in another order at most."
        )


@shard.property("makes no two pairs of seed and epoch one, large and small ones alike", trials=1)
def _(answer, draw: Draw) -> None:
    seed = 5 + draw.integers(0, 1000)
    for one, other in (
        ((2, 3), (3, 2)),
        ((0, 1), (0, 2)),
        ((6, 1), (4, 2)),
        ((6, 2), (4, 3)),
        ((seed, 2), (seed ^ 1, 3)),
        *(((seed, base), (seed + 1, 0)) for base in (10, 100, 1000, 10**4, 10**5, 10**6, 2**16)),
    ):
        _expect_different(answer, one, other)


def _expect_different(answer, one: tuple[int, int], other: tuple[int, int]) -> None:
    """Two pairs of a seed and an epoch must not give the same order, nor nearly the same."""
    orders = [_order(answer, *pair) for pair in (one, other)]
    pairs = f"Seed {other[0]} in epoch {other[1]} gives", f"seed {one[0]} in epoch {one[1]}"
    expect(orders[0] != orders[1], "whether the order is another one").is_true(
        otherwise=f"{pairs[0]} the order of {pairs[1]}."
    )
    follows = [set(zip(order, order[1:], strict=False)) for order in orders]
    expect(len(follows[0] & follows[1]) < 20, "whether others follow one another").is_true(
        otherwise=f"{pairs[0]} nearly the order of {pairs[1]}: most are followed by the same one."
    )


@shard.property("gives Python's own whole numbers", trials=1)
def _(answer, draw: Draw) -> None:
    share = answer(9, 1, 2, draw.seed(), 0)
    expect(all(type(example) is int for example in share), "whether all are of Python").is_true(
        otherwise=f"The list holds {type(share[0]).__name__}, not Python's int."
    )


@shard.property("depends on its arguments alone", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    found = []
    for elsewhere in (1, 2):  # what else a process has drawn must not matter
        random.seed(elsewhere)
        np.random.seed(elsewhere)  # noqa: NPY002
        torch.manual_seed(elsewhere)
        found.append(answer(30, 1, 2, seed, 4))
    expect(found[1] == found[0], "whether two equal calls agree").is_true(
        otherwise="Two equal calls give different shares."
    )


@shard.right
def right_shard(count, rank, size, seed, epoch):
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[rank::size].tolist()


shard.slip(
    "in_order",
    "The examples are dealt out in their own order. Shuffle them first, by a generator made of "
    "`seed` and `epoch`.",
    {"np.random.default_rng([seed, epoch]).permutation(count)": "np.arange(count)"},
)
shard.slip(
    "own_order_in_each",
    "Each process shuffles by its own seed, so their orders differ: some examples are taken twice "
    "and some never. All have to make the same order, and then take different places of it.",
    {"[seed, epoch]": "[seed, epoch, rank]"},
)
shard.slip(
    "same_every_epoch",
    "The order is the same in every epoch. The generator has to know the epoch too.",
    {"[seed, epoch]": "seed"},
)
shard.slip(
    "same_for_every_seed",
    "The order is the same for every seed. The generator has to know the seed too.",
    {"[seed, epoch]": "epoch"},
)
shard.slip(
    "seed_plus_epoch",
    "You added seed and epoch. Then epoch 1 of seed 7 is epoch 0 of seed 8, and two runs that "
    "should differ are nearly the same. Give the generator both numbers: [seed, epoch].",
    {"[seed, epoch]": "seed + epoch"},
)
shard.slip(
    "one_number_of_two",
    "You made one number of seed and epoch, and some pairs share it: from the thousandth epoch on "
    "a run repeats its neighbour. Give the generator both numbers: [seed, epoch].",
    {"[seed, epoch]": "1000 * seed + epoch"},
)
shard.slip(
    "seed_times_epoch",
    "You multiplied seed and epoch, and different pairs have the same product; with seed 0 all "
    "epochs are alike. Give the generator both numbers: [seed, epoch].",
    {"[seed, epoch]": "seed * (epoch + 1)"},
)
shard.slip(
    "seed_times_this_epoch",
    "You multiplied seed and epoch. In epoch 0 all seeds are alike, and so are all epochs of seed "
    "0. Give the generator both numbers: [seed, epoch].",
    {"[seed, epoch]": "seed * epoch"},
)
shard.slip(
    "seed_xor_epoch",
    "seed ^ epoch is one number, and different pairs share it. Give the generator both: "
    "[seed, epoch].",
    {"[seed, epoch]": "seed ^ epoch"},
)
shard.slip(
    "turned_round",
    "The seed's order is turned round by the epoch: whoever followed whom still does. Shuffle anew "
    "in every epoch, by a generator made of both numbers.",
    {
        "np.random.default_rng([seed, epoch]).permutation(count)": (
            "np.roll(np.random.default_rng(seed).permutation(count), epoch)"
        )
    },
)
shard.slip(
    "sorted_share",
    "You sorted the share. Then an epoch goes through the data in nearly its own order; leave the "
    "share as it was dealt.",
    {"order[rank::size].tolist()": "sorted(order[rank::size].tolist())"},
)
shard.slip(
    "numpy_numbers",
    "The list holds numbers of numpy. Asked for are Python's: an array's tolist() makes them.",
    {"order[rank::size].tolist()": "list(order[rank::size])"},
)
shard.slip(
    "rest_left_out",
    "You leave out the last examples, so that the shares are equal. Here nobody is lost: some "
    "processes take one example more.",
    {"order[rank::size]": "order[: count // size * size][rank::size]"},
)
shard.slip(
    "rest_doubled",
    "You fill the shares up with examples that others have already, as torch's DistributedSampler "
    "does. Here every example is taken once; shares may differ by one.",
    {"order[rank::size]": "np.resize(order, -(-count // size) * size)[rank::size]"},
)
shard.slip(
    "rest_to_the_last",
    "The last process takes all that is left over. Shares may differ by one example: deal them "
    "out in turn, or cut with np.array_split.",
    {
        "order[rank::size]": (
            "order[rank * (count // size) : (rank + 1) * (count // size) if rank < size - 1 "
            "else count]"
        )
    },
)
shard.slip(
    "rounded_up",
    "Shares of count / size, rounded up, leave little or nothing for the last processes. Shares "
    "may differ by one example: deal them out in turn, or cut with np.array_split.",
    {"order[rank::size]": ("order[rank * -(-count // size) : (rank + 1) * -(-count // size)]")},
)
shard.slip(
    "everything_everywhere",
    "Every process takes all examples. It should take its own share.",
    {"order[rank::size]": "order"},
)
shard.slip(
    "global_state",
    "You draw from a generator that others draw from too. Make one of your own, from `seed` and "
    "`epoch`: np.random.default_rng([seed, epoch]).",
    {"np.random.default_rng([seed, epoch])": "np.random"},
)


@shard.mistake(
    "You shuffle with Python's own generator, which others draw from too. Make one that is yours, "
    "from `seed` and `epoch`: np.random.default_rng([seed, epoch])."
)
def pythons_global_state(count, rank, size, seed, epoch):
    order = list(range(count))
    random.shuffle(order)
    return order[rank::size]


shard.slip(
    "torchs_global_state",
    "You draw from torch's own generator, which others draw from too. Make one that is yours, from "
    "`seed` and `epoch`: np.random.default_rng([seed, epoch]).",
    {"np.random.default_rng([seed, epoch]).permutation(count)": "torch.randperm(count)"},
)


@shard.mistake(
    "Every process shuffles its own examples, and they are the same in every epoch. Shuffle all of "
    "them first, everywhere alike, and then take your places of that order."
)
def fixed_shares(count, rank, size, seed, epoch):
    mine = np.arange(rank, count, size)
    return np.random.default_rng([seed, epoch]).permutation(mine).tolist()


shard.hint("All processes make the same order of all examples; then each takes other places of it.")
shard.hint("With 7 examples and 3 processes: which places of the order are process 0's?")
shard.hint(
    "`np.random.default_rng([seed, epoch])` is a generator that knows both. A slice may have a "
    "step: `order[start::step]`.",
)
shard.hint("What should `tolist()` or `int` do for numbers of numpy?", when="type")
