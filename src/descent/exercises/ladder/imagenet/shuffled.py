"""How `shuffled` is judged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import name_habits

shuffled = Exercise("shuffled", minutes=15, difficulty=2, changes=("stream",))


class Counted:
    """The numbers from 0 to n − 1, and how many of them were taken."""

    def __init__(self, n: int) -> None:
        self.n, self.taken = n, 0

    def __iter__(self) -> Iterator[int]:
        for number in range(self.n):
            self.taken += 1
            yield number

    def __repr__(self) -> str:
        return f"a stream of the numbers 0 to {self.n - 1}"


def _order(answer, n: int, size: int, rng: np.random.Generator) -> list[int]:
    return [int(sample) for sample in answer(list(range(n)), size, rng)]


@shuffled.property("hands out every sample once", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size
    for size in (1, 2, 5, n, n + 3):
        found = sorted(_order(answer, n, size, draw.rng))
        expect(found, f"the samples, sorted, with a buffer of {size}").equals(list(range(n)))
    expect(_order(answer, 0, 4, draw.rng), "of an empty stream").equals([])


@shuffled.property("hands out whatever the stream holds", trials=1)
def _(answer, draw: Draw) -> None:
    samples = [None, 0, False, "", (), None, 0.0]
    for size in (1, 3, 9):
        found = list(answer(iter(samples), size, draw.rng))
        expect(len(found), f"how many of 7 samples, None among them, with {size}").equals(7)
        expect(sum(sample is None for sample in found), "how often None").equals(2)


@shuffled.property("keeps the buffer full while the stream lasts, and never fuller", trials=4)
def _(answer, draw: Draw) -> None:
    n, size = 3 * draw.size + 4, draw.size + 1
    stream, excess = Counted(n), []
    for place, _ in enumerate(answer(stream, size, draw.rng)):
        excess.append(stream.taken - min(n, size + place))
    expect(excess, "samples taken too many (1 is in order), one by one").is_between(0, 1)


@shuffled.property("hands out the first samples of a long stream without reading it all", trials=1)
def _(answer, draw: Draw) -> None:
    # Long, not endless: `list` of an endless stream would eat all memory before any clock stops it.
    stream = Counted(3000)
    found = list(itertools.islice(answer(stream, 4, draw.rng), 30))
    expect(len(set(found)), "how many different ones of the first 30").equals(30)
    expect(stream.taken <= 35, "whether no more than 35 of 3 000 were read").equals(True)


@shuffled.property("keeps the order with a buffer of 1", trials=1)
def _(answer, draw: Draw) -> None:
    expect(_order(answer, 9, 1, draw.rng), "the samples").equals(list(range(9)))


@shuffled.property("hands out first any of those in the full buffer", trials=1)
def _(answer, draw: Draw) -> None:
    # A single draw is missing from 200 with a chance of 1e-25.
    firsts = [next(iter(answer(range(30), 4, draw.rng)), None) for _ in range(200)]
    expect(sorted(set(firsts)), "what came first in 200 goes").equals([0, 1, 2, 3])


@shuffled.property("makes every order where the buffer holds all", trials=1)
def _(answer, draw: Draw) -> None:
    orders = Counter(tuple(_order(answer, 3, 5, draw.rng)) for _ in range(300))
    expect(len(orders), "how many of the 6 orders came in 300 goes").equals(6)
    rare, common = min(orders.values()), max(orders.values())
    expect(rare > 15 and common < 95, "each of them about as often").is_true(
        otherwise="Some orders are much more frequent than others; each should come 50 times."
    )


@shuffled.property("draws from the generator alone", trials=1)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    one, same, other = (
        _order(answer, 30, 10, np.random.default_rng(number)) for number in (seed, seed, seed + 1)
    )
    expect(one == same, "equal seeds give equal orders").equals(True)
    expect(one == other, "different seeds give equal orders").equals(False)


def _shuffle(stream, size, rng, **habits):
    if habits.get("everything"):
        buffer = list(stream)
        while buffer:
            yield buffer.pop(int(rng.integers(len(buffer))))
        return
    if habits.get("nothing"):
        yield from stream
        return
    size = size + 1 if habits.get("one_more") else size
    source = np.random.default_rng() if habits.get("own_randomness") else rng
    source = np.random.default_rng(0) if habits.get("fixed") else source
    buffer: list[Any] = []
    stream = iter(stream)
    if habits.get("sentinel"):
        stream = itertools.takewhile(lambda sample: sample is not None, stream)
    if habits.get("needs_enough"):
        for _ in range(size):
            buffer.append(next(stream))
    for sample in stream:
        if len(buffer) < size:
            buffer.append(sample)
            if habits.get("own_blocks") and len(buffer) == size:
                source.shuffle(buffer)
                yield from buffer
                buffer = []
            continue
        if habits.get("appends_first"):
            buffer.append(sample)
            yield buffer.pop(int(source.integers(len(buffer))))
            continue
        if habits.get("blocks"):
            while buffer:
                yield buffer.pop(int(source.integers(len(buffer))))
            buffer = [sample]
            continue
        high = size - 1 if habits.get("never_last") else size
        place = int(source.integers(high)) if high > 0 else 0
        place = 0 if habits.get("oldest") else place
        place = size - 1 if habits.get("newest") else place
        if habits.get("overwrites"):
            buffer[place] = sample
            yield sample
            continue
        if habits.get("new_one"):
            yield sample
            continue
        yield buffer[place]
        if habits.get("leaves"):
            continue
        buffer[place] = sample
    if habits.get("drops"):
        return
    if habits.get("in_order"):
        yield from buffer
        return
    while buffer:
        yield buffer.pop(int(source.integers(len(buffer))))


name_habits(shuffled, _shuffle, (
    ("You took the whole stream into memory. A hundred gigabytes of pictures do not fit: hold "
     "`size` samples at a time.", "whole_stream", {"everything": True}),
    ("Nothing is shuffled.", "not_shuffled", {"nothing": True}),
    ("What is left in the buffer when the stream ends is dropped. Hand it out too.",
     "rest_lost", {"drops": True}),
    ("What is left in the buffer at the end comes in the order in which it lies. Shuffle it too.",
     "rest_in_order", {"in_order": True}),
    ("You fill the buffer, empty it, and fill it again: samples never leave their block. Refill "
     "after each one.", "block_by_block", {"blocks": True}),
    ("You fill the buffer, shuffle it, and hand out all of it: samples never leave their block. "
     "Refill after each one.", "shuffled_blocks", {"own_blocks": True}),
    ("You put the new sample in before one goes out: your buffer holds `size` + 1, and the new "
     "one can go out at once. Draw first.", "appends_first", {"appends_first": True}),
    ("A stream that is shorter than the buffer breaks yours: `next` finds nothing while you fill. "
     "Fill with a loop that ends where the stream does.", "needs_enough", {"needs_enough": True}),
    ("Your stream ends at a sample that is None. A sample may be anything: let a `for` loop find "
     "the end.", "none_ends_it", {"sentinel": True}),
    ("Your buffer holds one sample more than `size`.", "one_too_many", {"one_more": True}),
    ("The new sample goes out at once, and those in the buffer wait for the end.",
     "new_one_goes_out", {"new_one": True}),
    ("You wrote the new sample over an old one before that was handed out: it is lost.",
     "old_one_lost", {"overwrites": True}),
    ("The sample that went out stays in the buffer, and the new one is lost.",
     "stays_in_the_buffer", {"leaves": True}),
    ("You always hand out the oldest place of the buffer. Draw it.",
     "always_the_first_place", {"oldest": True}),
    ("You always hand out the last place of the buffer. Draw it.",
     "always_the_last_place", {"newest": True}),
    ("The last place of the buffer is never drawn: rng.integers(size) leaves out its upper end "
     "already.", "last_place_never", {"never_last": True}),
    ("Your randomness does not come from `rng`: nobody can repeat it after a restart.",
     "randomness_of_its_own", {"own_randomness": True}),
    ("You make a generator of your own with a fixed seed: every epoch has the same order. Use "
     "`rng`.", "fixed_randomness", {"fixed": True}),
))  # fmt: skip


shuffled.hint("A function with `yield` hands out one at a time, and goes on from there when asked.")


shuffled.hint(
    "Fill; then for each new sample: draw a place, hand out what lies there, put it there."
)


shuffled.hint("At the end: `buffer.pop(int(rng.integers(len(buffer))))` until it is empty.")


shuffled.hint("Does the last part of the buffer come out, and once?", when="length")


shuffled.hint("Take one sample from the stream for each that goes out.",
              when="keeps the buffer full while the stream lasts, and never fuller")  # fmt: skip
