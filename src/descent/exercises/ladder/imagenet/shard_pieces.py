"""How `shard_pieces` is judged."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from descent.grading import Draw, Exercise, expect

from .shared import name_habits

shard_pieces = Exercise("shard_pieces", minutes=20, difficulty=3)


def _epoch(order: list[int], sizes: list[int]) -> list[tuple[int, int]]:
    """Every sample of an epoch, (shard, place in it), in the order of reading."""
    return [(shard, place) for shard in order for place in range(sizes[shard])]


def _samples(pieces: Any) -> list[tuple[int, int]]:
    return [(int(shard), place) for shard, start, stop in pieces for place in range(start, stop)]


def _own_samples(order, sizes, reader, readers) -> list[tuple[int, int]]:
    whole = _epoch(order, sizes)
    return whole[len(whole) * reader // readers : len(whole) * (reader + 1) // readers]


def _as_pieces(samples: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    groups = itertools.groupby(samples, key=lambda sample: sample[0])
    by_shard = [(shard, [place for _, place in group]) for shard, group in groups]
    return [(shard, places[0], places[-1] + 1) for shard, places in by_shard]


def _shards(draw: Draw, count: int) -> tuple[list[int], list[int]]:
    sizes = [draw.integers(1, 9) for _ in range(count)]
    return [int(shard) for shard in draw.rng.permutation(count)], sizes


def _expect_pieces(found: Any, expected: list, name: str) -> None:
    expect([tuple(map(int, piece)) for piece in found], name).equals(expected)


@shard_pieces.property("cuts the epoch into equal stretches, shard by shard", trials=6)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, min(draw.size + 1, 8))
    readers = draw.integers(1, 5)
    reader = draw.integers(0, readers)
    expected = _as_pieces(_own_samples(order, sizes, reader, readers))
    _expect_pieces(answer(order, sizes, reader, readers), expected, "the pieces")


@shard_pieces.property("reads every sample once, by readers that differ by one at most", trials=5)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, draw.size)
    readers = draw.integers(2, 6)
    read = [_samples(answer(order, sizes, reader, readers)) for reader in range(readers)]
    counts = [len(part) for part in read]
    expect(counts, "how many samples each reader has").equals(
        [len(_own_samples(order, sizes, reader, readers)) for reader in range(readers)]
    )
    times = Counter(sum(read, []))
    missed = sum(sample not in times for sample in _epoch(order, sizes))
    expect(missed, "how many samples nobody reads").equals(0)
    expect(sum(times.values()) - len(times), "how many are read more than once").equals(0)


@shard_pieces.property("goes on after the samples that this reader has read", trials=5)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, draw.size + 2)
    for readers, reader in ((1, 0), (2, 1), (3, 1)):
        mine = _own_samples(order, sizes, reader, readers)
        for done in (draw.integers(0, len(mine) + 1), len(mine)):
            found = answer(order, sizes, reader, readers, done)
            _expect_pieces(found, _as_pieces(mine[done:]), f"after {done} of {len(mine)} samples")


@shard_pieces.property("has no empty pieces, and nothing for a reader without a share", trials=2)
def _(answer, draw: Draw) -> None:
    for sizes, readers in (([3, 0, 2], 2), ([4, 4], 2), ([1], 3), ([0, 2], 1)):
        order = [int(shard) for shard in draw.rng.permutation(len(sizes))]
        for reader in range(readers):
            expected = _as_pieces(_own_samples(order, sizes, reader, readers))
            found = answer(order, sizes, reader, readers)
            _expect_pieces(found, expected, f"reader {reader} of {readers}")


def _pieces(order, sizes, reader, readers, done=0, **habits):
    total = sum(sizes)
    if habits.get("whole_shards"):
        left, pieces = done, []
        for shard in order[reader::readers]:
            skipped = min(left, sizes[shard])
            left -= skipped
            if skipped < sizes[shard]:
                pieces.append((shard, skipped, sizes[shard]))
        return pieces
    order = sorted(order) if habits.get("sorted") else order
    first, last = total * reader // readers, total * (reader + 1) // readers
    each = total // readers
    if habits.get("drops_rest"):
        first, last = each * reader, each * (reader + 1)
    if habits.get("rest_to_last"):
        first, last = each * reader, total if reader == readers - 1 else each * (reader + 1)
    if habits.get("rounds_up"):
        each = -(-total // readers)
        first, last = min(total, each * reader), min(total, each * (reader + 1))
    if habits.get("from_one"):
        first, last = total * (reader - 1) // readers, total * reader // readers
    if habits.get("everything"):
        first, last = 0, total
    if habits.get("shared_position"):
        first = max(first, done)
    elif habits.get("shifts"):
        first, last = first + done, min(total, last + done)
    elif habits.get("from_the_front"):
        last -= done
    elif habits.get("repeats_one"):
        first += max(done - 1, 0)
    elif habits.get("times_readers"):
        first += done * readers
    elif not habits.get("starts_over"):
        first += done
    pieces, position = [], 0
    for place, shard in enumerate(order):
        size = sizes[place if habits.get("sizes_by_place") else shard]
        start, stop = max(first - position, 0), min(last - position, size)
        if habits.get("in_the_epoch"):
            start, stop = start + position, stop + position
        if start < stop or (habits.get("keeps_empty") and stop >= 0 and start <= size):
            if habits.get("lengths"):
                stop -= start
            if habits.get("inclusive"):
                stop -= 1
            pieces.append((place if habits.get("places") else shard, start, stop))
        position += size
    return pieces


name_habits(shard_pieces, _pieces, (
    ("You dealt out whole shards, so that one reader gets more samples than another, and some "
     "perhaps none. Cut the epoch's samples, not its shards.",
     "whole_shards", {"whole_shards": True}),
    ("You read the shards by number. The epoch's order is `order`.", "by_number", {"sorted": True}),
    ("The samples that do not divide are dropped. Every sample is read.",
     "rest_dropped", {"drops_rest": True}),
    ("The last reader gets all that does not divide. Shares differ by one at most: "
     "⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.", "rest_to_the_last", {"rest_to_last": True}),
    ("Your shares are rounded up, so that the last reader gets too few. ⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.",
     "shares_rounded_up", {"rounds_up": True}),
    ("Readers count from 0.", "readers_from_one", {"from_one": True}),
    ("Every reader reads everything: `reader` and `readers` are not used.",
     "reads_everything", {"everything": True}),
    ("`done` is not used: after a restart the epoch begins anew.",
     "starts_over", {"starts_over": True}),
    ("`done` counts this reader's own samples. You took it as a place in the whole epoch.",
     "place_in_the_epoch", {"shared_position": True}),
    ("You moved the end along with the start, so that this reader takes what is its neighbour's.",
     "end_moved_too", {"shifts": True}),
    ("You left out the last samples. Those that are done are the first.",
     "last_left_out", {"from_the_front": True}),
    ("The last sample that was read comes again: start at `done`, not one before.",
     "one_repeated", {"repeats_one": True}),
    ("You multiplied `done` by the number of readers. It counts this reader's own samples.",
     "done_of_all", {"times_readers": True}),
    ("Your start and stop count from the beginning of the epoch. They count inside the shard.",
     "places_of_the_epoch", {"in_the_epoch": True}),
    ("You gave the length of a piece. Give its stop.", "length_for_stop", {"lengths": True}),
    ("Your stop is the last sample itself. It is one behind it, as in a slice.",
     "stop_inside", {"inclusive": True}),
    ("Some of your pieces are empty. Leave them out.", "empty_pieces", {"keeps_empty": True}),
    ("You gave the shard's place in `order`. Give its number, order[place].",
     "place_for_number", {"places": True}),
    ("You took `sizes` in the epoch's order. It goes by the shards' numbers: sizes[shard].",
     "sizes_by_place", {"sizes_by_place": True}),
))  # fmt: skip


_ENDS = "max(first - position, 0)", "min(last - position, sizes[shard])"


for _swapped in (
    ("max(0, first - position)", _ENDS[1]),
    (_ENDS[0], "min(sizes[shard], last - position)"),
):
    _before, _after = (f"`start, stop = ({a}, {b})`" for a, b in (_ENDS, _swapped))
    shard_pieces.equivalent(
        f"{_before} → {_after}",
        because="the larger or smaller of two does not depend on which comes first",
    )


shard_pieces.hint(
    "Lay the shards end to end in `order`. Where does this reader's stretch begin and end?"
)


shard_pieces.hint(
    "`first = total * reader // readers + done`, `last = total * (reader + 1) // readers`."
)


shard_pieces.hint(
    "Walk along the shards with the position where each begins; cut both ends to the shard."
)


shard_pieces.hint("`max(first - position, 0)` and `min(last - position, size)`.", when="value")


shard_pieces.hint("Keep a piece only where start < stop.", when="length")
