"""How `shard_pieces` is judged."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from descent.grading import Draw, Exercise, expect

shard_pieces = Exercise("shard_pieces", minutes=20, difficulty=3, returns=list[tuple[int, ...]])


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


@shard_pieces.property("cuts at whole samples, also where N / R is no exact fraction", trials=1)
def _(answer, draw: Draw) -> None:
    # As floats, 15 / 11 · 11 is below 15, and 55 · (3 / 11) below 15.
    for sizes, readers in (([4, 6, 5], 11), ([20, 35], 11)):
        order = [int(shard) for shard in draw.rng.permutation(len(sizes))]
        for reader in range(readers):
            expected = _as_pieces(_own_samples(order, sizes, reader, readers))
            found = answer(order, sizes, reader, readers)
            _expect_pieces(found, expected, f"reader {reader} of {readers}")


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


@shard_pieces.right
def right_pieces(order, sizes, reader, readers, done=0):
    total = sum(sizes)
    first = total * reader // readers + done
    last = total * (reader + 1) // readers
    pieces, position = [], 0
    for shard in order:
        size = sizes[shard]
        start, stop = max(first - position, 0), min(last - position, size)
        if start < stop:
            pieces.append((shard, start, stop))
        position += size
    return pieces


_FIRST = "total * reader // readers"
_LAST = "total * (reader + 1) // readers"
_WALK = "for shard in order:"
_PIECE = "(shard, start, stop)"


@shard_pieces.mistake(
    "You dealt out whole shards, so that one reader gets more samples than another, and some "
    "perhaps none. Cut the epoch's samples, not its shards."
)
def whole_shards(order, sizes, reader, readers, done=0):
    left, pieces = done, []
    for shard in order[reader::readers]:
        skipped = min(left, sizes[shard])
        left -= skipped
        if skipped < sizes[shard]:
            pieces.append((shard, skipped, sizes[shard]))
    return pieces


@shard_pieces.mistake(
    "You dealt out the samples one by one, so that every reader opens every shard. A reader takes "
    "one stretch of the epoch."
)
def dealt_like_cards(order, sizes, reader, readers, done=0):
    mine = _epoch(order, sizes)[reader::readers][done:]
    return [(shard, place, place + 1) for shard, place in mine]


@shard_pieces.mistake(
    "Each of your pieces is a single sample. A disk reads a stretch in one go: one piece for each "
    "shard."
)
def piece_for_each_sample(order, sizes, reader, readers, done=0):
    mine = _own_samples(order, sizes, reader, readers)[done:]
    return [(shard, place, place + 1) for shard, place in mine]


shard_pieces.slip(
    "by_number",
    "You read the shards by number. The epoch's order is `order`.",
    {_WALK: "for shard in sorted(order):"},
)
shard_pieces.slip(
    "rest_dropped",
    "The samples that do not divide are dropped. Every sample is read.",
    {_FIRST: "total // readers * reader", _LAST: "total // readers * (reader + 1)"},
)
shard_pieces.slip(
    "length_rounded_down",
    "Your stretch begins where it should and is always N // R long: where N does not divide, some "
    "samples at the ends are read by nobody. It ends at ⌊N·(r + 1)/R⌋.",
    {_LAST: f"{_FIRST} + total // readers"},
)
shard_pieces.slip(
    "rest_to_the_last",
    "The last reader gets all that does not divide. Shares differ by one at most: "
    "⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.",
    {
        _FIRST: "total // readers * reader",
        _LAST: "total if reader == readers - 1 else total // readers * (reader + 1)",
    },
)
shard_pieces.slip(
    "rest_to_the_first",
    "Your first readers get one sample more each until the rest is used up. That is fair, but not "
    "the cut of this page, which all readers must agree on: ⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.",
    {
        _FIRST: "total // readers * reader + min(reader, total % readers)",
        _LAST: "total // readers * (reader + 1) + min(reader + 1, total % readers)",
    },
)
shard_pieces.slip(
    "shares_rounded_up",
    "Your shares are rounded up, so that the last reader gets too few. ⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.",
    {
        _FIRST: "min(total, -(-total // readers) * reader)",
        _LAST: "min(total, -(-total // readers) * (reader + 1))",
    },
)
shard_pieces.slip(
    "rounded_to_nearest",
    "The ends of your stretch are rounded to the nearest place. The page rounds them down.",
    {_FIRST: "round(total * reader / readers)", _LAST: "round(total * (reader + 1) / readers)"},
)
shard_pieces.slip(
    "divided_before_multiplying",
    "N / R is a rounded fraction, and times r it can be a hair below a whole number, which is then "
    "cut off: a sample is missing. Multiply first, then divide with `//`.",
    {_FIRST: "int(total / readers * reader)", _LAST: "int(total / readers * (reader + 1))"},
)
shard_pieces.slip(
    "readers_from_one",
    "Readers count from 0.",
    {_FIRST: "total * (reader - 1) // readers", _LAST: _FIRST},
)
shard_pieces.slip(
    "reads_everything",
    "Every reader reads everything: `reader` and `readers` are not used.",
    {_FIRST: "0", _LAST: "total"},
)
shard_pieces.slip(
    "starts_over",
    "`done` is not used: after a restart the epoch begins anew.",
    {f"{_FIRST} + done": _FIRST},
)
shard_pieces.slip(
    "place_in_the_epoch",
    "`done` counts this reader's own samples. You took it as a place in the whole epoch.",
    {f"{_FIRST} + done": f"max({_FIRST}, done)"},
)
shard_pieces.slip(
    "end_moved_too",
    "You moved the end along with the start, so that this reader takes what is its neighbour's.",
    {_LAST: f"min(total, {_LAST} + done)"},
)
shard_pieces.slip(
    "last_left_out",
    "You left out the last samples. Those that are done are the first.",
    {f"{_FIRST} + done": _FIRST, _LAST: f"{_LAST} - done"},
)
shard_pieces.slip(
    "one_repeated",
    "The last sample that was read comes again: start at `done`, not one before.",
    {f"{_FIRST} + done": f"{_FIRST} + max(done - 1, 0)"},
)
shard_pieces.slip(
    "done_of_all",
    "You multiplied `done` by the number of readers. It counts this reader's own samples.",
    {f"{_FIRST} + done": f"{_FIRST} + done * readers"},
)
shard_pieces.slip(
    "done_in_every_shard",
    "You left out `done` samples of *every* shard. They are left out once, where this reader's "
    "stretch begins.",
    {f"{_FIRST} + done": _FIRST, "max(first - position, 0)": "max(first - position, 0) + done"},
)
shard_pieces.slip(
    "position_stands_still",
    "Your position moves on only past the shards that you read from. Those that are passed over "
    "have a length too: move on for each shard, outside of the `if`.",
    {"        position += size": "            position += size"},
)
shard_pieces.slip(
    "places_of_the_epoch",
    "Your start and stop count from the beginning of the epoch. They count inside the shard.",
    {_PIECE: "(shard, start + position, stop + position)"},
)
shard_pieces.slip(
    "length_for_stop",
    "You gave the length of a piece. Give its stop.",
    {_PIECE: "(shard, start, stop - start)"},
)
shard_pieces.slip(
    "stop_inside",
    "Your stop is the last sample itself. It is one behind it, as in a slice.",
    {_PIECE: "(shard, start, stop - 1)"},
)
shard_pieces.slip(
    "empty_pieces",
    "Some of your pieces are empty. Leave them out.",
    {"if start < stop:": "if start <= stop:"},
)
shard_pieces.slip(
    "place_for_number",
    "You gave the shard's place in `order`. Give its number, order[place].",
    {_WALK: "for place, shard in enumerate(order):", _PIECE: "(place, start, stop)"},
)
shard_pieces.slip(
    "sizes_by_place",
    "You took `sizes` in the epoch's order. It goes by the shards' numbers: sizes[shard].",
    {_WALK: "for place, shard in enumerate(order):", "sizes[shard]": "sizes[place]"},
)


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
