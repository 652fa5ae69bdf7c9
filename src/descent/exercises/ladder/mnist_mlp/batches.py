"""How `batches` is judged."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import numbered

# The data are handed over as they are, for a generator function does its work after the call: the
# property "leaves the data alone" looks at them when it has run.
batches = Exercise(
    "batches", minutes=12, difficulty=2, changes=("generator", "x", "y"), returns=Iterable
)


def _labels(pairs: list) -> list[int]:
    return [int(label) for _, y in pairs for label in y]


@batches.property("cuts the data in its own order when there is no generator", trials=6)
def _(answer, draw: Draw) -> None:
    n, size = draw.size, draw.integers(1, 5)
    x, y = numbered(n)
    pairs = list(answer(x, y, size))
    lengths = [min(size, n - start) for start in range(0, n, size)]
    expect([len(part) for _, part in pairs], "the lengths of the batches").equals(lengths)
    expect(_labels(pairs), "all labels in turn").equals(list(range(n)))
    for place, (images, labels) in enumerate(pairs):
        expect(images, f"the pictures of batch {place}").close_to(
            [[float(i), -float(i)] for i in labels.tolist()]
        )


@batches.property(
    "shows every example once when it shuffles, the short last batch included", trials=5
)
def _(answer, draw: Draw) -> None:
    n, size = draw.size + 3, draw.integers(2, 5)
    pairs = list(answer(*numbered(n), size, torch_generator(draw.seed())))
    lengths = [min(size, n - start) for start in range(0, n, size)]
    expect([len(part) for _, part in pairs], "the lengths of the batches").equals(lengths)
    expect(sorted(_labels(pairs)), "all labels, sorted").equals(list(range(n)))


@batches.property("keeps each picture with its label", trials=4)
def _(answer, draw: Draw) -> None:
    pairs = list(answer(*numbered(draw.size + 3), 2, torch_generator(draw.seed())))
    for place, (images, labels) in enumerate(pairs):
        expect(images[:, 0], f"pixel 0 in batch {place} (it is the label)").close_to(
            labels.tolist()
        )


@batches.property("shuffles by the generator, anew at every call", trials=3)
def _(answer, draw: Draw) -> None:
    x, y = numbered(40)
    generator = torch_generator(draw.seed())
    first, second = (_labels(list(answer(x, y, 7, generator))) for _ in range(2))
    again = _labels(list(answer(x, y, 7, torch_generator(generator.initial_seed()))))
    expect(again, "the same seed again").equals(first)
    kept = sum(a == b for a, b in zip(first, range(40), strict=True))
    expect(kept, "labels that stayed in their place").is_below(20)
    expect(second != first, "another order at the next call").is_true(
        otherwise="Two calls in a row with one generator gave the same order. Each call goes on "
        "where the generator stands: do not seed it again."
    )
    repeated = sum(a == b for a, b in zip(first, second, strict=True))
    expect(repeated, "labels in the same place at the next call").is_below(20)


@batches.property("shuffles within and across batches")
def _(answer, draw: Draw) -> None:
    pairs = list(answer(*numbered(40), 10, torch_generator(draw.seed())))
    spans = [max(_labels([pair])) - min(_labels([pair])) for pair in pairs]
    expect(spans, "largest minus smallest label of each batch").is_above(10)


@batches.property("leaves the data alone")
def _(answer, draw: Draw) -> None:
    x, y = numbered(9)
    list(answer(x, y, 4, torch_generator(draw.seed())))
    expect(y, "the labels afterwards").equals(list(range(9)))
    expect(x[:, 0], "pixel 0 of the pictures afterwards").close_to(list(range(9)))


def _cut(x, y, order, size):
    return [(x[i], y[i]) for i in order.split(size)]


def _order(n, generator):
    return torch.arange(n) if generator is None else torch.randperm(n, generator=generator)


@batches.mistake(
    "You shuffled pictures and labels with two different orders: no picture keeps its label, and "
    "the network can learn nothing. Draw one order and use it for both."
)
def two_orders(x, y, batch_size, generator=None):
    one, two = _order(len(x), generator), _order(len(x), generator)
    return [(x[i], y[j]) for i, j in zip(one.split(batch_size), two.split(batch_size), strict=True)]


@batches.mistake("You shuffled the pictures and left the labels as they were. One order for both.")
def labels_left(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    return list(zip(x[order].split(batch_size), y.split(batch_size), strict=True))


@batches.mistake(
    "You never shuffle. With a generator the order is random; without one it is the data's own."
)
def never_shuffles(x, y, batch_size, generator=None):
    return _cut(x, y, torch.arange(len(x)), batch_size)


@batches.mistake(
    "You always shuffle. Without a generator keep the data's own order: that is what measuring "
    "uses, where a random order would only make results hard to match to pictures."
)
def always_shuffles(x, y, batch_size, generator=None):
    return _cut(x, y, torch.randperm(len(x), generator=generator), batch_size)


@batches.mistake(
    "You dropped the short batch at the end. Its examples count too, above all when you measure."
)
def drops_rest(x, y, batch_size, generator=None):
    full = len(x) // batch_size * batch_size
    return _cut(x, y, _order(len(x), generator)[:full], batch_size) if full else []


@batches.mistake(
    "You drew examples with replacement: in one epoch some come twice, others never. Shuffle "
    "once, cut after."
)
def replacement(x, y, batch_size, generator=None):
    n = len(x)
    order = torch.arange(n) if generator is None else torch.randint(n, (n,), generator=generator)
    return _cut(x, y, order, batch_size)


@batches.mistake(
    "You shuffled with torch's global generator. Use the one you were given: the same seed then "
    "gives the same batches, whatever else draws random numbers."
)
def shuffles_globally(x, y, batch_size, generator=None):
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x))
    return _cut(x, y, order, batch_size)


@batches.mistake(
    "You made your own generator with a fixed seed, so every epoch has the same order. Use the "
    "one you were given: it moves on each time it is asked."
)
def same_order_always(x, y, batch_size, generator=None):
    fixed = None if generator is None else torch_generator(0)
    return _cut(x, y, _order(len(x), fixed), batch_size)


@batches.mistake(
    "You shuffled the batches and not the examples: the same neighbours always travel together. "
    "Shuffle the indices first, cut after."
)
def shuffled_batches(x, y, batch_size, generator=None):
    pairs = _cut(x, y, torch.arange(len(x)), batch_size)
    whole = len(x) // batch_size  # the short one stays last
    order = [int(i) for i in _order(whole, generator)] + list(range(whole, len(pairs)))
    return [pairs[i] for i in order]


@batches.mistake(
    "You shuffled the batches and not the examples: the same neighbours always travel together, "
    "and the short batch comes anywhere. Shuffle the indices first, cut after."
)
def shuffled_all_batches(x, y, batch_size, generator=None):
    pairs = _cut(x, y, torch.arange(len(x)), batch_size)
    return [pairs[i] for i in _order(len(pairs), generator)]


@batches.mistake(
    "You shuffled the caller's own tensors: after `x[:] = x[order]` the data are in another order "
    "for everybody. `x = x[order]` makes a new tensor, and so does `x[piece]`."
)
def shuffled_in_place(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    x[:], y[:] = x[order], y[order]
    yield from _cut(x, y, torch.arange(len(x)), batch_size)


@batches.mistake(
    "You returned the first batch alone: `return` inside a loop ends it. `yield x[piece], "
    "y[piece]` hands one batch over and goes on."
)
def first_batch_only(x, y, batch_size, generator=None):
    piece = _order(len(x), generator)[:batch_size]
    return x[piece], y[piece]


@batches.mistake(
    "Your batches are one example short: a slice already leaves out its end, so `[start : start + "
    "batch_size]` holds batch_size of them."
)
def one_short(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    pieces = [order[i : i + batch_size - 1] for i in range(0, len(x), batch_size)]
    return [(x[i], y[i]) for i in pieces]


@batches.mistake(
    "You cut the data into batch_size pieces. batch_size says how many examples a piece holds."
)
def that_many_pieces(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    return [(x[i], y[i]) for i in order.chunk(batch_size)]


@batches.mistake("You returned (labels, pictures). Each pair is (pictures, labels), in that order.")
def pairs_turned(x, y, batch_size, generator=None):
    return [(b, a) for a, b in _cut(x, y, _order(len(x), generator), batch_size)]


batches.hint("Decide the order of the indices first; then cut it; then pick pictures and labels.")
batches.hint(
    "`order.split(batch_size)` cuts a tensor and keeps the short rest. `x[piece]` picks rows."
)
batches.hint("What should the last batch be when batch_size does not divide n?", when="length")
batches.hint("What is the order when generator is None?", when="order")
batches.hint(
    "Pictures and labels must be picked by the same indices.",
    when="keeps each picture with its label",
)
batches.hint(
    "`return` inside a loop ends it with the first batch. `yield x[piece], y[piece]` goes on.",
    when="type",
)
batches.hint("`if generator is None:` asks whether there is one.", when="error")
