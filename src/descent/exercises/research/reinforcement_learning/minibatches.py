"""How `minibatches` is judged: by counting rows, and by where they stand over many epochs."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

minibatches = Exercise("minibatches", minutes=12, difficulty=1, changes=("rng",), returns=list)


def _judge(answer, draw: Draw, count: int, size: int, epochs: int) -> None:
    order = answer(count, size, epochs, np.random.default_rng(draw.seed()))
    size = min(size, count)
    sizes = ([size] * (count // size) + ([count % size] if count % size else [])) * epochs
    expect([len(rows) for rows in order], "the sizes of the minibatches").equals(sizes)
    joined = np.concatenate([np.zeros(0, int), *(np.asarray(rows).reshape(-1) for rows in order)])
    if np.shape(joined) != (count * epochs,):
        expect(joined, "all rows one after another").has_shape(count * epochs)
        return
    for epoch in range(epochs):
        part = np.sort(joined[epoch * count : (epoch + 1) * count])
        expect(part, f"the rows of epoch {epoch + 1}, sorted").equals(np.arange(count))


@minibatches.property("have every row once in each epoch", trials=6)
def _(answer, draw: Draw) -> None:
    count = 4 * draw.size
    _judge(answer, draw, count, 2 * draw.size, draw.integers(1, 4))


@minibatches.property("keep what is left in a smaller last one", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 3 * draw.size + 5, draw.size + 2, 3)
    _judge(answer, draw, 10, 4, 2)


@minibatches.property("are one for an epoch where the size is as large, or larger", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 5, 5, 2)
    _judge(answer, draw, 5, 64, 2)
    _judge(answer, draw, 1, 1, 3)


@minibatches.property("are shuffled, and anew in each epoch", trials=2)
def _(answer, draw: Draw) -> None:
    order = answer(40, 8, 2, np.random.default_rng(draw.seed()))
    joined = np.concatenate([np.asarray(rows).reshape(-1) for rows in order])
    if len(joined) != 80:
        expect(joined, "all rows").has_shape(80)
        return
    same = int((joined[:40] == joined[40:]).sum())
    expect(same, "how many of 40 rows stand in the same place in both epochs").is_below(15)
    at_home = int((joined[:40] == np.arange(40)).sum())
    expect(at_home, "how many of 40 rows stand where they stood in the rollout").is_below(15)


@minibatches.property("mix rows from everywhere in a minibatch", trials=1)
def _(answer, draw: Draw) -> None:
    order = answer(60, 6, 8, np.random.default_rng(draw.seed()))
    neighbours = [int((np.abs(np.diff(np.sort(rows))) == 1).sum()) for rows in order]
    expect(np.mean(neighbours), "neighbours in time within a minibatch, in the mean").is_below(2.0)
    partners = {tuple(sorted(int(row) for row in rows)) for rows in order}
    expect(len(partners), "how many different minibatches of 80 there are").is_above(70)


@minibatches.property("follow from the generator: equal seeds, equal rows", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = answer(11, 4, 2, np.random.default_rng(seed))
    again = answer(11, 4, 2, np.random.default_rng(seed))
    other = answer(11, 4, 2, np.random.default_rng(seed + 1))
    joined, repeated, differing = (np.concatenate(one) for one in (first, again, other))
    expect(repeated, "the rows for the same seed").equals(joined)
    expect(bool((differing != joined).any()), "whether another seed gives others").equals(True)


@minibatches.right
def right_minibatches(count, size, epochs, rng):
    order = []
    for _ in range(epochs):
        rows = rng.permutation(count)
        starts = range(0, count, size)
        order += [rows[start : start + size] for start in starts]
    return order


minibatches.slip(
    "last_one_dropped",
    "You dropped the rows that do not fill a minibatch. Every row is used once in each epoch.",
    {"range(0, count, size)": "range(0, count - size + 1, size)"},
)
minibatches.slip(
    "shuffled_once",
    "You shuffled once, so all epochs have the same minibatches. Shuffle anew in each.",
    {"    for _ in range(epochs):\n        rows = rng.permutation(count)\n":
     "    rows = rng.permutation(count)\n    for _ in range(epochs):\n"},
)  # fmt: skip
minibatches.slip(
    "not_shuffled",
    "You did not shuffle. Neighbours in time are alike, and a minibatch of them is hardly more "
    "than one row.",
    {"rng.permutation(count)": "np.arange(count)"},
)
minibatches.slip(
    "with_replacement",
    "You drew with replacement: some rows come twice in an epoch and others never.",
    {"rng.permutation(count)": "rng.integers(count, size=count)"},
)
minibatches.slip(
    "one_epoch",
    "You made one epoch, whatever was asked for.",
    {"range(epochs)": "range(1)"},
)
minibatches.slip(
    "number_for_size",
    "You took `size` for the number of minibatches. It is the rows in each.",
    {"order += [rows[start : start + size] for start in starts]": "order += np.array_split(rows, "
     "min(size, count))"},
)  # fmt: skip
minibatches.slip(
    "blocks_shuffled",
    "You shuffled the order of the minibatches, and left neighbours together inside of them. "
    "Shuffle the rows.",
    {"rows = rng.permutation(count)": "rows = np.arange(count)",
     "starts = range(0, count, size)": "starts = rng.permutation(np.arange(0, count, size))"},
)  # fmt: skip
minibatches.slip(
    "own_seed",
    "You seeded a generator of your own, so every rollout is cut alike.",
    {"rng.permutation(count)": "np.random.default_rng(len(order)).permutation(count)"},
)
minibatches.slip(
    "global_randomness",
    "You drew from numpy's global state and not from the generator that was handed over.",
    {"rng.permutation(count)": "np.random.permutation(count)"},
)
minibatches.slip(
    "padded",
    "You filled the last minibatch up with rows from the front, so they count twice.",
    {"rows[start : start + size] for": "np.resize(np.concatenate([rows[start:], rows]), "
     "min(size, count)) for"},
)  # fmt: skip
minibatches.slip(
    "rest_spread",
    "You made minibatches of nearly equal sizes. All have `size` rows but the last.",
    {"order += [rows[start : start + size] for start in starts]": "order += np.array_split(rows, "
     "len(starts))"},
)  # fmt: skip
minibatches.slip(
    "epochs_nested",
    "You return a list for each epoch. Asked for is one list of minibatches, in the order of use.",
    {"order += [rows[start : start + size] for start in starts]": "order.append([rows[start : "
     "start + size] for start in starts])"},
)  # fmt: skip
minibatches.slip(
    "counted_from_one",
    "Your rows are counted from 1. The first row is 0.",
    {"rng.permutation(count)": "rng.permutation(count) + 1"},
)
minibatches.slip(
    "shuffled_over_epochs",
    "You shuffled all epochs together: a row may come twice before another comes at all.",
    {"    return order": "    rows = rng.permutation(np.tile(np.arange(count), epochs))\n"
     "    ends = np.cumsum([len(part) for part in order])[:-1]\n"
     "    return np.split(rows, ends)"},
)  # fmt: skip

minibatches.slip(
    "as_many_as_fill",
    "You cut the rows into as many parts as can be filled, so the rest goes into larger "
    "ones. No minibatch has more than `size` rows.",
    {("order += [rows[start : start + size] for start "
         "in starts]"): ("order += np.array_split(rows, max(count // "
         "size, 1))")},
)  # fmt: skip
minibatches.slip(
    "shuffled_under_its_slices",
    "All epochs hand back the last one's order: you shuffle one array in place, and the "
    "slices of earlier epochs are views of it. Make a new array in each epoch.",
    {
        "    order = []\n": "    order = []\n    rows = np.arange(count)\n",
        "rows = rng.permutation(count)": "rng.shuffle(rows)",
    },
)
minibatches.slip(
    "seeded_once_inside",
    "You seeded a generator of your own, so every rollout is cut alike: draw from `rng`.",
    {"    order = []\n": "    order = []\n    rng = np.random.default_rng(0)\n"},
)
minibatches.slip(
    "filled_with_its_own",
    "You filled the last minibatch up with rows that are in it already, so they count twice.",
    {"rows[start : start + size] for": "np.resize(rows[start : start + size], size) for"},
)
minibatches.slip(
    "over_the_epochs_edge",
    "You cut all epochs in one go: a minibatch may hold the end of one epoch and the "
    "beginning of the next. Each epoch has its own.",
    {"    return order": ("    rows = np.concatenate(order)\n    return "
         "[rows[start : start + size] for start in "
         "range(0, len(rows), size)]")},
)  # fmt: skip
minibatches.slip(
    "drawn_one_by_one",
    "You drew each minibatch by itself, so some rows come twice in an epoch and others never.",
    {"rows[start : start + size] for": ("rng.choice(count, min(size, count - start), "
         "replace=False) for")},
)  # fmt: skip

minibatches.hint("`rng.permutation(count)`, and slices of it. A slice may reach past the end.")
minibatches.hint("Where does the line that shuffles belong: before the loop, or in it?",
                 when="shuffled_once")  # fmt: skip
