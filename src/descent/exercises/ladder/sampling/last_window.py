"""How `last_window` is judged."""

from __future__ import annotations

import torch

from descent.grading import Draw, Exercise, expect

from .shared import int64_tensor, padded, read

last_window = Exercise("last_window", minutes=5, difficulty=1, returns=torch.Tensor)


@last_window.property("gives the last n words of a longer text", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.integers(1, draw.size + 1)
    ids = draw.integers(1, 90, draw.size + 1).tolist()
    for pad in (0, None):
        window = answer(int64_tensor(ids), n, pad)
        expect(window, f"the window with pad = {pad}").equals(read(ids, n, pad))


@last_window.property("fills a shorter text up in front", trials=5)
def _(answer, draw: Draw) -> None:
    ids, missing, pad = draw.integers(1, 90, draw.size), draw.integers(1, 4), draw.integers(91, 99)
    window = answer(int64_tensor(ids.tolist()), draw.size + missing, pad)
    expect(window, "the window").equals([pad] * missing + ids.tolist())


@last_window.property("fills up with 0 where pad is 0, which is not None", trials=3)
def _(answer, draw: Draw) -> None:
    ids = draw.integers(1, 90, draw.size).tolist()
    window = answer(int64_tensor(ids), draw.size + 2, 0)
    expect(window, "the window").equals([0, 0, *ids])


@last_window.property("leaves a shorter text short when pad is None", trials=3)
def _(answer, draw: Draw) -> None:
    ids = draw.integers(1, 90, draw.size).tolist()
    expect(answer(int64_tensor(ids), draw.size + 2, None), "the window").equals(ids)


@last_window.property("reads an empty text", trials=2)
def _(answer, draw: Draw) -> None:
    pad = draw.integers(1, 5)
    window = answer(int64_tensor([]), 3, pad)
    expect(window, "the window of an empty text").equals([pad] * 3)
    empty = answer(int64_tensor([]), 3, None)
    expect(empty, "the window of an empty text with pad = None").equals([])


@last_window.property("keeps int64", trials=1)
def _(answer, draw: Draw) -> None:
    for ids, n, pad in (
        ([4, 5], 2, 1),
        ([4, 5], 1, None),
        ([4, 5], 3, 1),
        ([], 2, 1),
        ([], 2, None),
    ):
        window = answer(int64_tensor(ids), n, pad)
        expect(window, f"the window of {ids} with pad = {pad}").has_dtype("int64")


@last_window.mistake(
    "You took the *first* n words. The model must read what came last: `ids[-n:]`."
)
def first_words(ids, n, pad):
    return padded(ids[:n], n, pad)


@last_window.mistake("You filled up behind the text. The last word must stand last: fill in front.")
def filled_behind(ids, n, pad):
    return padded(ids[-n:], n, pad, behind=True)


@last_window.mistake(
    "You fill up an empty text alone. A text of fewer than n words is filled up to n as well."
)
def only_empty_filled(ids, n, pad):
    return padded(ids, n, pad) if len(ids) == 0 else ids[-n:]


@last_window.mistake(
    "With pad = 0 you do not fill up: `if pad` takes 0 for None. Ask `pad is None`."
)
def zero_is_none(ids, n, pad):
    return padded(ids[-n:], n, pad or None)


@last_window.mistake(
    "The words stand in reverse, the latest first. They keep their order: the last word stands "
    "last, and what fills up in front."
)
def latest_first(ids, n, pad):
    return padded(ids[-n:].flip(0), n, pad, behind=True)


@last_window.mistake(
    "Your window is not int64: what fills it up is made of floats. `torch.full` takes a dtype, and "
    "`F.pad` keeps that of the text."
)
def padded_with_floats(ids, n, pad):
    if pad is None:
        return ids[-n:]
    return torch.cat([torch.ones(max(n - len(ids), 0)) * pad, ids[-n:]])


@last_window.mistake("You did not fill up. A model of n words wants exactly n, unless pad is None.")
def never_filled(ids, n, pad):
    return ids[-n:]


@last_window.mistake("With pad = None a short text stays short. You filled it up with 0.")
def always_filled(ids, n, pad):
    return padded(ids[-n:], n, pad or 0)


@last_window.mistake("You filled up with 0. Use the number `pad`.")
def filled_with_zero(ids, n, pad):
    return padded(ids[-n:], n, None if pad is None else 0)


@last_window.mistake("The last word is missing from your window: `ids[-n:]` goes to the end.")
def without_the_last(ids, n, pad):
    return padded(ids[:-1][-n:], n, pad)


@last_window.mistake("You did not cut: a model of n words cannot read more than n.")
def not_cut(ids, n, pad):
    return padded(ids, n, pad)


last_window.hint("`ids[-n:]` is the last n, or all where there are fewer.")
last_window.hint("`F.pad(window, (before, behind), value=pad)` adds numbers at the ends.")
last_window.hint("How many are missing? Never fewer than none.", when="length")
last_window.hint("How many are missing? Never fewer than none.", when="shape")
