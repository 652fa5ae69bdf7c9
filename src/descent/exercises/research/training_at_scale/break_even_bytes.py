"""How `break_even_bytes` is judged: by timing both exchanges message by message."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

break_even_bytes = Exercise("break_even_bytes", minutes=20, difficulty=2, returns=float | None)


def _tree_seconds(size: float, p: int, latency: float, bandwidth: float) -> float:
    """Up a tree to process 0 and down again: whole messages, round by round."""
    clock, reach = 0.0, 1
    while reach < p:
        clock += 2 * (latency + size / bandwidth)
        reach *= 2
    return clock


def _ring_seconds(size: float, p: int, latency: float, bandwidth: float) -> float:
    clock = 0.0
    for _ in range(2 * (p - 1)):
        clock += latency + size / p / bandwidth
    return clock


def _line(draw: Draw) -> tuple[float, float]:
    return 1e-6 * draw.integers(1, 60), 1e9 * draw.integers(1, 80)


def _found(answer, p: int, latency: float, bandwidth: float) -> float:
    """Both take as long there: found by halving, to nine digits."""
    low, high = 0.0, 1e15
    for _ in range(120):
        middle = (low + high) / 2
        tree = _tree_seconds(middle, p, latency, bandwidth)
        if _ring_seconds(middle, p, latency, bandwidth) > tree:
            low = middle
        else:
            high = middle
    return high


@break_even_bytes.property("is where a tree and a ring take equally long", trials=7)
def _(answer, draw: Draw) -> None:
    p = (4, 8, 16, 64, 4, 32, 128)[(1, 2, 3, 5, 8, 13, 21).index(draw.size)]
    latency, bandwidth = _line(draw)
    expect(answer(p, latency, bandwidth), f"bytes for {p} processes").close_to(
        _found(answer, p, latency, bandwidth), rtol=1e-6
    )


@break_even_bytes.property("rounds the levels of the tree up", trials=4)
def _(answer, draw: Draw) -> None:
    for p in (5, 6, 9, 100):
        latency, bandwidth = _line(draw)
        expect(answer(p, latency, bandwidth), f"bytes for {p} processes").close_to(
            _found(answer, p, latency, bandwidth), rtol=1e-6
        )


@break_even_bytes.property("is 0 where the ring is never slower")
def _(answer, draw: Draw) -> None:
    for p in (2, 3):
        latency, bandwidth = _line(draw)
        expect(answer(p, latency, bandwidth), f"bytes for {p} processes").close_to(0.0, atol=1e-6)
    expect(answer(8, 0.0, 1e9), "bytes for a line without latency").close_to(0.0, atol=1e-6)


@break_even_bytes.property("is None for a process alone", trials=2)
def _(answer, draw: Draw) -> None:
    expect(answer(1, *_line(draw)), "bytes for one process").equals(None)


@break_even_bytes.property("is 2 400 bytes for the line of the page", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(8, 1.0, 1_275.0), "bytes").close_to(2_400.0)


@break_even_bytes.right
def right_break_even(processes, latency, bandwidth):
    p = processes
    if p == 1:
        return None
    levels = math.ceil(math.log2(p))
    waits = p - 1 - levels
    carries = levels - (p - 1) / p
    return latency * bandwidth * waits / carries


break_even_bytes.slip(
    "levels_rounded_down",
    "You rounded the levels of the tree down. With 5 processes the third level is needed.",
    {"math.ceil(math.log2(p))": "math.floor(math.log2(p))"},
)
break_even_bytes.slip(
    "levels_one_more",
    "With 8 processes a tree has 3 levels, and yours has 4. Round log₂ p up: what is whole already "
    "stays.",
    {"math.ceil(math.log2(p))": "math.floor(math.log2(p)) + 1"},
)
break_even_bytes.slip(
    "levels_not_rounded",
    "You took log₂ p as it is. A tree has whole levels: round up.",
    {"math.ceil(math.log2(p))": "math.log2(p)"},
)
break_even_bytes.slip(
    "ring_of_p",
    "Your ring has p messages in each half. It has p − 1.",
    {"p - 1 - levels": "p - levels", "(p - 1) / p": "1.0"},
)
break_even_bytes.slip(
    "whole_vectors_in_ring",
    "Your ring carries whole vectors. Each of its messages has a p-th of the bytes.",
    {"levels - (p - 1) / p": "levels - (p - 1)"},
)
break_even_bytes.slip(
    "latency_over_bandwidth",
    "You divided by the bandwidth. In a time ℓ a line carries ℓ · b bytes.",
    {"latency * bandwidth": "latency / bandwidth"},
)
break_even_bytes.slip(
    "latency_once",
    "The ring waits p − 1 times in each half; you counted one wait less than none of the tree's. "
    "Set both times equal and solve for the bytes.",
    {"p - 1 - levels": "p - 1"},
)
break_even_bytes.slip(
    "tree_one_way",
    "Your tree goes one way only, and the ring both. The sum goes up the tree, and comes down "
    "again.",
    {"p - 1 - levels": "2 * (p - 1) - levels", "levels - (p - 1) / p": "levels - 2 * (p - 1) / p"},
)
break_even_bytes.slip(
    "whole_vectors_never_negative",
    "Your ring carries whole vectors, so no size would favour it. Each of its messages has a p-th "
    "of the bytes.",
    {
        "return latency * bandwidth * waits / carries": (
            "return 0.0 if waits == 0 else latency * bandwidth * waits / (levels - (p - 1))"
        )
    },
)
break_even_bytes.slip(
    "tree_one_way_or_zero",
    "Your tree goes one way only, but the ring both. The sum goes up the tree, and comes down "
    "again.",
    {
        "p - 1 - levels": "2 * (p - 1) - levels",
        "carries = levels - (p - 1) / p": "carries = levels - 2 * (p - 1) / p or math.inf",
    },
)
break_even_bytes.slip(
    "ring_one_way",
    "Your ring goes round once, and the tree up and down. A ring all-reduce has two halves of "
    "p − 1 messages each.",
    {"p - 1 - levels": "p - 1 - 2 * levels", "levels - (p - 1) / p": "2 * levels - (p - 1) / p"},
)
break_even_bytes.slip(
    "ring_of_p_never_negative",
    "Your ring takes p steps in each half, where p − 1 are enough.",
    {
        "p - 1 - levels": "p - levels if p > 2 else 0",
        "carries = levels - (p - 1) / p": "carries = levels - 1 or math.inf",
    },
)
break_even_bytes.slip(
    "none_for_never_slower",
    "Where the ring is never slower it is no slower from 0 bytes on: 0.0. None is for a process "
    "alone.",
    {"carries = levels": "if waits == 0:\n        return None\n    carries = levels"},
)
break_even_bytes.slip(
    "none_without_latency",
    "A line without latency is allowed. There the ring's many messages cost nothing, and it is "
    "never slower: 0.0.",
    {"if p == 1:": "if p == 1 or not latency:"},
)
break_even_bytes.slip(
    "bytes_of_a_part",
    "Those are the bytes of one part of the ring. The size of the whole vector is asked for, p "
    "times as much.",
    {"return latency": "return 1 / p * latency"},
)
break_even_bytes.slip(
    "ring_carries_one_part",
    "Your ring carries one p-th of the vector in each half. It carries a p-th in each of p − 1 "
    "messages: (p − 1)/p of it.",
    {"(p - 1) / p": "1 / p"},
)
break_even_bytes.slip(
    "other_logarithm",
    "You took the natural logarithm. A tree doubles at every level, so it is log₂.",
    {"math.log2(p)": "math.log(p)"},
)
break_even_bytes.slip(
    "rounded",
    "You rounded the bytes up to a whole number. They are asked for as they come out, not rounded.",
    {
        "return latency * bandwidth * waits / carries": (
            "return float(math.ceil(latency * bandwidth * waits / carries))"
        )
    },
)
break_even_bytes.slip(
    "twice_the_bytes",
    "That is twice the size. The factor 2 of there and back stands in both times, before waits and "
    "bytes alike, and cancels.",
    {"return latency": "return 2 * latency"},
)
break_even_bytes.slip(
    "half_the_bytes",
    "That is half the size. The factor 2 of there and back stands in both times, before waits and "
    "bytes alike, and cancels.",
    {"return latency": "return 0.5 * latency"},
)
break_even_bytes.slip(
    "zero_for_one",
    "A process alone exchanges nothing: there is no size to speak of, and None says so.",
    {"return None": "return 0.0"},
)

break_even_bytes.hint("Write down both times as a + c · m, with m the bytes. Where do they cross?")
break_even_bytes.hint(
    "The tree waits 2⌈log₂ p⌉ times and carries m each time; the ring waits 2(p − 1) times and "
    "carries m / p."
)
break_even_bytes.hint(
    "The ring's extra waits are p − 1 − L in each half, and what it saves for each byte is "
    "L − (p − 1)/p, over b. Their quotient is the size; one process needs a line of its own.",
)
break_even_bytes.hint("math.ceil, and check p = 5.", when="rounds the levels of the tree up")
break_even_bytes.hint("How many levels has the tree of one process?", when="error")
