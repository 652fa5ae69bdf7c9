"""How `shuffled` is judged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np

from descent.grading import Draw, Exercise, expect

shuffled = Exercise("shuffled", minutes=15, difficulty=2, changes=("stream",), returns=Iterator)


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
    samples = [0, None, False, "", (), None, 0.0]
    for size in (1, 3, 9):
        found = list(answer(iter(samples), size, draw.rng))
        expect(len(found), f"how many of 7 samples, None among them, with {size}").equals(7)
        expect(sum(sample is None for sample in found), "how often None").equals(2)
        kept = sorted(map(repr, found)) == sorted(map(repr, samples))
        expect(kept, "each as it was").is_true(
            otherwise="What comes out is not what went in: a sample was left out or turned into "
            "something else."
        )


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


@shuffled.property("draws evenly from the full buffer", trials=1)
def _(answer, draw: Draw) -> None:
    # A place is drawn 30 times on average, and 6 times or less with a chance of 1e-8.
    firsts = [next(iter(answer(range(30), 4, draw.rng)), None) for _ in range(120)]
    expect(sorted(set(firsts)), "what came first in 120 goes").equals([0, 1, 2, 3])
    rarest = min(Counter(firsts).values(), default=0)
    expect(rarest > 6, "each of them about as often").is_true(
        otherwise="Some places are drawn much more often than others; each should come 30 times."
    )


@shuffled.property("draws anew for every sample, from the new ones too", trials=1)
def _(answer, draw: Draw) -> None:
    # The rarest of the five comes with a chance of 3/16 each time.
    goes = [list(itertools.islice(answer(range(30), 4, draw.rng), 2)) for _ in range(120)]
    seconds = {two[1] for two in goes if len(two) == 2}
    expect(sorted(seconds), "what came second in 120 goes").equals([0, 1, 2, 3, 4])


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


@shuffled.right
def right_samples(stream, size, rng):
    buffer = []
    for sample in stream:
        if len(buffer) < size:
            buffer.append(sample)
            continue
        place = int(rng.integers(size))
        yield buffer[place]
        buffer[place] = sample
    while buffer:
        yield buffer.pop(int(rng.integers(len(buffer))))


_START = "buffer = []\n"
_LOOP = "for sample in stream:"
_FILL = """            buffer.append(sample)
            continue
"""
_DRAW = "int(rng.integers(size))"
_STEP = """        place = int(rng.integers(size))
        yield buffer[place]
        buffer[place] = sample
"""
_REST = """    while buffer:
        yield buffer.pop(int(rng.integers(len(buffer))))
"""


shuffled.slip(
    "whole_stream",
    "You took the whole stream into memory. A hundred gigabytes of pictures do not fit: hold "
    "`size` samples at a time.",
    {_START: "buffer = list(stream)\n", _LOOP: "for sample in ():"},
)
shuffled.slip(
    "not_shuffled",
    "Nothing is shuffled.",
    {_START: "yield from stream\n    buffer = []\n", _LOOP: "for sample in ():"},
)
shuffled.slip(
    "rest_lost",
    "What is left in the buffer when the stream ends is dropped. Hand it out too.",
    {_REST: ""},
)
shuffled.slip(
    "rest_in_order",
    "What is left in the buffer at the end comes in the order in which it lies. Shuffle it too.",
    {_REST: "    yield from buffer\n"},
)
shuffled.slip(
    "rest_drawn_with_repeats",
    "At the end you draw from the buffer and leave there what you drew: some samples come twice, "
    "and others never. Take it out: `buffer.pop(place)`.",
    {_REST: "    for _ in buffer:\n        yield buffer[int(rng.integers(len(buffer)))]\n"},
)
shuffled.slip(
    "rest_as_long_as_size",
    "At the end you hand out `size` samples, also where the stream was shorter and fewer are left. "
    "Go on until the buffer is empty.",
    {
        _REST: "    for _ in range(size):\n"
        "        yield buffer.pop(int(rng.integers(len(buffer))))\n"
    },
)
shuffled.slip(
    "block_by_block",
    "You fill the buffer, empty it, and fill it again: samples never leave their block. Refill "
    "after each one.",
    {
        _STEP: "        while buffer:\n"
        "            yield buffer.pop(int(rng.integers(len(buffer))))\n"
        "        buffer = [sample]\n"
    },
)
shuffled.slip(
    "shuffled_blocks",
    "You fill the buffer, shuffle it, and hand out all of it: samples never leave their block. "
    "Refill after each one.",
    {
        _FILL: "            buffer.append(sample)\n"
        "            if len(buffer) == size:\n"
        "                rng.shuffle(buffer)\n"
        "                yield from buffer\n"
        "                buffer = []\n"
        "            continue\n"
    },
)
shuffled.slip(
    "appends_first",
    "You put the new sample in before one goes out: your buffer holds `size` + 1, and the new "
    "one can go out at once. Draw first.",
    {
        _STEP: "        buffer.append(sample)\n"
        "        yield buffer.pop(int(rng.integers(len(buffer))))\n"
    },
)
shuffled.slip(
    "needs_enough",
    "A stream that is shorter than the buffer breaks yours: `next` finds nothing while you fill. "
    "Fill with a loop that ends where the stream does.",
    {_START: "stream = iter(stream)\n    buffer = [next(stream) for _ in range(size)]\n"},
)
shuffled.slip(
    "none_ends_it",
    "Your stream ends at a sample that is None. A sample may be anything: let a `for` loop find "
    "the end.",
    {_LOOP: "stream = iter(stream)\n    while (sample := next(stream, None)) is not None:"},
)
shuffled.slip(
    "nothing_ends_it",
    "Your stream ends at a sample that counts as false, such as 0 or an empty text. A sample may "
    "be anything: let a `for` loop find the end.",
    {_LOOP: "stream = iter(stream)\n    while sample := next(stream, None):"},
)
shuffled.slip(
    "one_too_many",
    "Your buffer holds one sample more than `size`.",
    {_START: "size += 1\n    buffer = []\n"},
)
shuffled.slip(
    "new_one_goes_out",
    "The new sample goes out at once, and those in the buffer wait for the end.",
    {_STEP: "        yield sample\n"},
)
shuffled.slip(
    "old_one_lost",
    "You wrote the new sample over an old one before that was handed out: it is lost.",
    {
        _STEP: "        place = int(rng.integers(size))\n"
        "        buffer[place] = sample\n"
        "        yield buffer[place]\n"
    },
)
shuffled.slip(
    "stays_in_the_buffer",
    "The sample that went out stays in the buffer, and the new one is lost.",
    {"        buffer[place] = sample\n": ""},
)
shuffled.slip(
    "always_the_first_place",
    "You always hand out the oldest place of the buffer. Draw it.",
    {_DRAW: "0"},
)
shuffled.slip(
    "always_the_last_place",
    "You always hand out the last place of the buffer. Draw it.",
    {_DRAW: "size - 1"},
)
shuffled.slip(
    "first_in_first_out",
    "Your buffer is a queue: who came first goes first, and the order stays until the stream ends. "
    "Draw who goes.",
    {_STEP: "        yield buffer.pop(0)\n        buffer.append(sample)\n"},
)
shuffled.slip(
    "one_place_for_all",
    "You draw the place once, for the whole stream: after the first, each new sample goes out as "
    "soon as the next one comes. Draw for every sample.",
    {_START: "buffer, place = [], int(rng.integers(size))\n", f"        place = {_DRAW}\n": ""},
)
shuffled.slip(
    "last_place_never",
    "The last place of the buffer is never drawn: rng.integers(size) leaves out its upper end "
    "already.",
    {_DRAW: "int(rng.integers(max(size - 1, 1)))"},
)
shuffled.slip(
    "randomness_of_its_own",
    "Your randomness does not come from `rng`: nobody can repeat it after a restart.",
    {_START: "rng = np.random.default_rng()\n    buffer = []\n"},
)
shuffled.slip(
    "fixed_randomness",
    "You make a generator of your own with a fixed seed: every epoch has the same order. Use "
    "`rng`.",
    {_START: "rng = np.random.default_rng(0)\n    buffer = []\n"},
)


shuffled.hint("A function with `yield` hands out one at a time, and goes on from there when asked.")
shuffled.hint(
    "Fill; then for each new sample: draw a place, hand out what lies there, put it there."
)
shuffled.hint("At the end: `buffer.pop(int(rng.integers(len(buffer))))` until it is empty.")
shuffled.hint("Does the last part of the buffer come out, and once?", when="length")
shuffled.hint("Take one sample from the stream for each that goes out.",
              when="keeps the buffer full while the stream lasts, and never fuller")  # fmt: skip
