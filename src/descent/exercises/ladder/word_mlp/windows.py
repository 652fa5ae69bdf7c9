"""How `windows` is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_ids

windows = Exercise("windows", minutes=12, difficulty=2, returns=tuple[Tensor, Tensor])


@windows.property("pairs every n words with the word after them", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.integers(1, 5)
    ids = torch.tensor(draw.rng.permutation(n + draw.size), dtype=torch.int64)
    contexts, targets = answer(ids, n)
    rows = [[int(ids[start + place]) for place in range(n)] for start in range(draw.size)]
    expect(contexts, "the contexts").equals(rows)
    expect(targets, "the targets").equals([int(ids[start + n]) for start in range(draw.size)])


@windows.property("turns 5 6 7 8 9 into two windows of three", trials=1)
def _(answer, draw: Draw) -> None:
    contexts, targets = answer(torch.tensor([5, 6, 7, 8, 9]), 3)
    expect(contexts, "the contexts").equals([[5, 6, 7], [6, 7, 8]])
    expect(targets, "the targets").equals([8, 9])


@windows.property("has no window where the text is too short", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 5)
    for length in (n, n - 1, 0):
        contexts, targets = answer(drawn_ids(draw, length, 9), n)
        expect(contexts, f"the contexts of {length} tokens for n = {n}").has_shape(0, n)
        expect(targets, f"the targets of {length} tokens for n = {n}").has_shape(0)


@windows.property("gives int64 tensors")
def _(answer, draw: Draw) -> None:
    contexts, targets = answer(drawn_ids(draw, 8, 9), 2)
    expect(contexts, "the contexts").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


def _cut(ids: Tensor, n: int, offset: int = 0, stride: int = 1) -> tuple[Tensor, Tensor]:
    """Windows whose target stands `offset` places from where it should."""
    starts = range(0, max(len(ids) - n - max(offset, 0), 0), stride)
    contexts = torch.stack([ids[s : s + n] for s in starts]) if starts else ids.new_zeros((0, n))
    return contexts, ids[[s + n + offset for s in starts]] if starts else ids.new_zeros(0)


@windows.mistake(
    "Your target is the last word of the context: the model would only have to copy it, and the "
    "perplexity would fall towards 1. The target is the word *after* the context."
)
def target_inside(ids, n):
    return _cut(ids, n, offset=-1)


@windows.mistake(
    "There is one window too many, and each target is the last word of its own context, which the "
    "model would only have to copy. The target is the word *after* the context."
)
def target_inside_to_the_end(ids, n):
    count = max(len(ids) - n + 1, 0)
    contexts = torch.stack([ids[s : s + n] for s in range(count)]) if count else ids.new_zeros(0, n)
    return contexts, ids[n - 1 :]


@windows.mistake(
    "Your targets are whole windows, each context moved on by one. Here a window has one target, "
    "the word after its last: shape (m,)."
)
def shifted_windows(ids, n):
    contexts, _ = _cut(ids, n)
    following, _ = _cut(ids[1:], n - 1) if n > 1 else (None, None)
    tail = ids[n:, None]
    return contexts, tail if following is None else torch.cat([following[: len(tail)], tail], 1)


@windows.mistake(
    "Your contexts hold the positions of the tokens, not the tokens: index `ids` with them."
)
def positions(ids, n):
    starts = torch.arange(max(len(ids) - n, 0))
    return starts[:, None] + torch.arange(n), ids[n:]


@windows.mistake(
    "A text with n tokens or fewer stops your code: `unfold` refuses to look for a window longer "
    "than the text. Such a text has 0 windows: contexts of shape (0, n), targets of shape (0,)."
)
def unfolded(ids, n):
    runs = ids.unfold(0, n + 1, 1)
    return runs[:, :n], runs[:, n]


@windows.mistake(
    "A text with n tokens or fewer stops your code. Such a text has 0 windows: contexts of shape "
    "(0, n), targets of shape (0,)."
)
def unfolded_contexts(ids, n):
    return ids.unfold(0, n, 1)[:-1], ids[n:]


@windows.mistake(
    "A text with n tokens or fewer stops your code: `torch.stack` wants at least one tensor. Such "
    "a text has 0 windows: contexts of shape (0, n), targets of shape (0,)."
)
def stacked(ids, n):
    return torch.stack([ids[s : s + n] for s in range(len(ids) - n)]), ids[n:]


@windows.mistake(
    "Right, but for a text with n tokens or fewer your contexts have shape (0,): a tensor made of "
    "an empty list forgets its n columns. `.reshape(-1, n)` restores them."
)
def without_columns(ids, n):
    rows = [ids[s : s + n].tolist() for s in range(len(ids) - n)]
    return torch.tensor(rows, dtype=torch.int64), ids[n:]


@windows.mistake(
    "There is one context more than there are targets: `unfold` also finds the last n tokens, and "
    "no word follows them. Drop the last context, or unfold `ids[:-1]`."
)
def one_context_too_many(ids, n):
    if len(ids) <= n:
        return ids.new_zeros(0, n), ids.new_zeros(0)
    return ids.unfold(0, n, 1), ids[n:]


@windows.mistake(
    "Your target stands one word too far: there is a word between the context and it. It is the "
    "word straight after the context."
)
def target_too_far(ids, n):
    return _cut(ids, n, offset=1)


@windows.mistake(
    "Your windows do not overlap: you move on by n words. Move on by one, so that every word but "
    "the first n is a target once."
)
def no_overlap(ids, n):
    return _cut(ids, n, stride=n)


@windows.mistake(
    "Your windows lie end to end, n + 1 words each. Move on by one word, so that every word but "
    "the first n is a target once."
)
def end_to_end(ids, n):
    return _cut(ids, n, stride=n + 1)


@windows.mistake(
    "The last window is missing. A text of L words has L − n of them, and the last word of the "
    "text is the last target."
)
def one_short(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts[:-1], targets[:-1]


@windows.mistake(
    "Your contexts run backwards. Keep the order of the text: the word next to the target comes "
    "last."
)
def reversed_context(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts.flip(1), targets


@windows.mistake(
    "You padded the start, so that the first words are targets too. Here a window has n real "
    "words; the first target is the word number n, counted from 0."
)
def padded(ids, n):
    contexts, targets = _cut(torch.cat([ids.new_zeros(n), ids]), n)
    return contexts, targets


@windows.mistake(
    "Your contexts have shape (n, windows). One row for each window: shape (windows, n)."
)
def transposed_contexts(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts.T, targets


windows.hint("How many windows does a text of L words have? The last target is the last word.")
windows.hint("`ids.unfold(0, n + 1, 1)` gives every run of n + 1 words; then split each run.")
windows.hint(
    "Or: a column of starts plus a row 0 … n − 1 makes a table of positions to index with."
)
windows.hint("Write the windows of 5 6 7 8 9 for n = 3 on paper first.", when="shift")
windows.hint(
    "What should a text with n words or fewer give?",
    when="has no window where the text is too short",
)


windows.equivalent(
    "`starts = torch.arange(max(len(ids) - n, 0))` → `starts = torch.arange(max(0, len(ids) - n))`",
    because="the larger of two numbers does not depend on their order",
)
