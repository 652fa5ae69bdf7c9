"""How `minibatches` is judged."""

from __future__ import annotations

import copy

import numpy as np

from descent.grading import Draw, Exercise, expect

# Everything these properties record is the same for every right way of shuffling: lengths and
# yes-or-no questions, never the order itself.

minibatches = Exercise(
    "minibatches", minutes=15, difficulty=2, changes=("rng",), returns=list[np.ndarray]
)


def _epoch(answer, n: int, batch_size: int, seed: int) -> list[list[int]]:
    """One epoch's batches as lists, from a generator started at ``seed``."""
    batches = answer(n, batch_size, np.random.default_rng(seed))
    return [np.asarray(batch).tolist() for batch in batches]


@minibatches.property("cuts batches of batch_size; only the last may be shorter", trials=6)
def _(answer, draw: Draw) -> None:
    n, batch_size = draw.size, draw.integers(1, 6)
    batches = _epoch(answer, n, batch_size, draw.seed())
    full, rest = divmod(n, batch_size)
    expected = [batch_size] * full + [rest] * (rest > 0)
    expect([len(batch) for batch in batches], "the batch lengths").equals(expected)


@minibatches.property("cuts 10 examples in batches of 4 into 4, 4 and 2", trials=1)
def _(answer, draw: Draw) -> None:
    batches = _epoch(answer, 10, 4, draw.seed())
    expect([len(batch) for batch in batches], "the batch lengths").equals([4, 4, 2])


@minibatches.property("leaves no empty batch at the end when batch_size divides n", trials=2)
def _(answer, draw: Draw) -> None:
    batch_size = draw.integers(2, 6)
    batches = _epoch(answer, 2 * batch_size, batch_size, draw.seed())
    expect([len(batch) for batch in batches], "the batch lengths").equals([batch_size] * 2)


@minibatches.property("shows every example exactly once", trials=6)
def _(answer, draw: Draw) -> None:
    n, batch_size = draw.size, draw.integers(1, 6)
    seen = [i for batch in _epoch(answer, n, batch_size, draw.seed()) for i in batch]
    expect(len(seen), "how many indices the epoch holds").equals(n)
    expect(len(set(seen)) == len(seen), "no index twice").is_true(
        otherwise="An example appears twice in one epoch."
    )
    expect(set(seen) <= set(range(n)), "indices 0 … n − 1").is_true(
        otherwise=f"An index is not one of 0 … n − 1 = {n - 1}."
    )


@minibatches.property("gives integers that can index an array")
def _(answer, draw: Draw) -> None:
    batches = answer(7, 3, np.random.default_rng(draw.seed()))
    kinds = {np.asarray(batch).dtype.kind for batch in batches}
    expect(kinds <= {"i", "u"}, "whole-number indices").is_true(
        otherwise="The batches hold something other than whole numbers, which cannot index."
    )


@minibatches.property("mixes the examples", trials=3)
def _(answer, draw: Draw) -> None:
    batches = [sorted(batch) for batch in _epoch(answer, 40, 5, draw.seed())]
    in_place = batches == [list(range(i, i + 5)) for i in range(0, 40, 5)]
    expect(not in_place, "another order").is_true(
        otherwise="The batches are the data in its original order."
    )
    # Of 39 pairs i, i + 1 a shuffle leaves about 4 in one batch; runs of neighbours leave 32.
    pairs = sum(i + 1 in batch for batch in batches for i in batch)
    expect(pairs < 20, "neighbours are parted").is_true(
        otherwise="Nearly every example shares its batch with its neighbour in the data."
    )


@minibatches.property("lets every example come early or late", trials=1)
def _(answer, draw: Draw) -> None:
    places = np.zeros((16, 10), dtype=int)
    for epoch in places:
        for place, batch in enumerate(_epoch(answer, 10, 2, draw.seed())):
            epoch[[i for i in batch if 0 <= i < 10]] = place
    moved = (places != places[0]).any(axis=0)
    expect(moved.all(), "no example has a fixed place").is_true(
        otherwise=f"Example {int(np.argmin(moved))} was in the same batch in each of 16 epochs."
    )


@minibatches.property("takes its order from the generator it was given", trials=3)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first, again = _epoch(answer, 40, 5, seed), _epoch(answer, 40, 5, seed)
    expect(first == again, "same seed, same batches").is_true(
        otherwise="Two generators with the same seed gave different batches."
    )
    expect(first != _epoch(answer, 40, 5, seed + 1), "another seed, other batches").is_true(
        otherwise="Two generators with different seeds gave the same batches."
    )


@minibatches.property("gives the next epoch another order")
def _(answer, draw: Draw) -> None:
    rng = np.random.default_rng(draw.seed())
    first, second = (
        [np.asarray(batch).tolist() for batch in answer(40, 5, rng)] for _epoch_number in range(2)
    )
    expect(first != second, "two epochs from one generator").is_true(
        otherwise="Two epochs in a row, from one generator, had the same batches."
    )


@minibatches.mistake(
    "You did not shuffle: the batches are the data in its original order. If the data were sorted, "
    "every batch would see one corner of it."
)
def unshuffled(n, batch_size, rng):
    return [np.arange(n)[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You dropped the short batch at the end. Its examples count too: an epoch shows every one."
)
def dropped_rest(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(0, n - batch_size + 1, batch_size)]


@minibatches.mistake(
    "You drew with replacement, so some examples come twice and others never. Shuffle 0 … n − 1 "
    "once and cut the shuffled order into pieces."
)
def with_replacement(n, batch_size, rng):
    order = rng.integers(0, n, size=n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled with numpy's global generator. Use the `rng` you were given: the same seed then "
    "gives the same run, whatever else draws random numbers."
)
def global_generator(n, batch_size, rng):
    order = np.random.permutation(n)  # noqa: NPY002 (the mistake itself)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You made your own generator with a fixed seed. Every epoch would then have the same order: "
    "use the `rng` you were given, which moves on each time it is asked."
)
def own_generator(n, batch_size, rng):
    order = np.random.default_rng(0).permutation(n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled inside each batch: the same neighbours always travel together. Shuffle all the "
    "indices first, cut afterwards."
)
def shuffled_inside(n, batch_size, rng):
    return [rng.permutation(np.arange(n)[i : i + batch_size]) for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled the batches, not the examples: the same neighbours always travel together. "
    "Shuffle the indices first, cut afterwards."
)
def shuffled_batches(n, batch_size, rng):
    blocks = [np.arange(n)[i : i + batch_size] for i in range(0, n, batch_size)]
    rng.shuffle(blocks)
    return blocks


@minibatches.mistake(
    "You cut batches one too short: the slice `[start : start + k]` already leaves out its end, so "
    "it holds k indices."
)
def one_short(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size - 1] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "Your indices run from 1 to n. Python counts from 0: the last example of n is n − 1."
)
def counts_from_one(n, batch_size, rng):
    order = rng.permutation(n) + 1
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You cut n into equal pieces. The pieces have batch_size examples each, and what is left over "
    "makes a shorter batch at the end."
)
def equal_pieces(n, batch_size, rng):
    return np.array_split(rng.permutation(n), -(-n // batch_size))


@minibatches.mistake(
    "The short batch comes first. It belongs at the end: start cutting at index 0."
)
def short_batch_first(n, batch_size, rng):
    order, rest = rng.permutation(n), n % batch_size
    starts = range(rest, n, batch_size)
    return [order[:rest]] * (rest > 0) + [order[i : i + batch_size] for i in starts]


@minibatches.mistake(
    "An empty batch comes last when batch_size divides n: the mean over no examples is NaN. Let "
    "the starts run to n, n excluded."
)
def empty_last_batch(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(0, n + 1, batch_size)]


@minibatches.mistake(
    "You return only the first batch: the `return` is inside the loop, or there is no loop."
)
def first_batch_only(n, batch_size, rng):
    return [rng.permutation(n)[:batch_size]]


@minibatches.mistake(
    "Your batches overlap: each starts one index after the last. Move on by batch_size each time."
)
def overlapping(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(n)]


@minibatches.mistake(
    "You made batch_size batches. `np.array_split` takes the number of pieces; batch_size is how "
    "many examples go into each."
)
def that_many_batches(n, batch_size, rng):
    return np.array_split(rng.permutation(n), batch_size)


@minibatches.mistake(
    "You returned the shuffled order uncut. Cut it into a list of arrays, with batch_size indices "
    "in each."
)
def uncut(n, batch_size, rng):
    return rng.permutation(n)


@minibatches.mistake(
    "You shuffled with a copy of `rng`, so that `rng` itself never moves on: the next epoch would "
    "have the same order. Use the generator itself."
)
def copied_generator(n, batch_size, rng):
    order = copy.deepcopy(rng).permutation(n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


minibatches.hint("Two steps: a shuffled list of 0 … n − 1, then cut it into pieces.")
minibatches.hint(
    "`rng.permutation(n)` shuffles; `range(0, n, batch_size)` gives where pieces start."
)
minibatches.hint("What should the last piece be when batch_size does not divide n?", when="length")
minibatches.hint("A slice may run past the end of an array: it stops there.", when="error")
minibatches.hint("Where does each piece start, and is its end included?", when="offset")
