"""How `windows_at` is judged."""

from __future__ import annotations

import torch

from descent.exercises.doubles import (
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

windows_at = Exercise("windows_at", minutes=6, difficulty=1)


@windows_at.property("gives each window and the words that follow its words", trials=5)
def _(answer, draw: Draw) -> None:
    length = draw.size
    tokens = token_tensor(draw, 50, length + 9)
    starts = token_tensor(draw, 9, 4)
    inputs, targets = answer(tokens, starts, length)
    rows = [[int(tokens[s + t]) for t in range(length + 1)] for s in starts.tolist()]
    expect(inputs, "the inputs").close_to([row[:-1] for row in rows])
    expect(targets, "the targets").close_to([row[1:] for row in rows])


@windows_at.property("keeps two dimensions for one start, and for windows of one word")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 50, 8)
    for count, length in ((1, 4), (3, 1)):
        inputs, targets = answer(tokens, token_tensor(draw, 3, count), length)
        expect(inputs, "the inputs").has_shape(count, length)
        expect(targets, "the targets").has_shape(count, length)


@windows_at.property("reaches the last word of the text, and stays int64")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 50, 6)
    inputs, targets = answer(tokens, torch.tensor([0]), 5)
    expect(targets, "the targets of the only window that fits").close_to(tokens[None, 1:])
    expect(inputs, "the inputs").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


def _cut(tokens, starts, places):
    return torch.stack([tokens[int(s) + places] for s in starts])


@windows_at.mistake(
    "Inputs and targets are the same words: the model is asked for the word it has just read. "
    "The targets begin one place later."
)
def not_offset(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    return inputs, inputs.clone()


@windows_at.mistake(
    "Your offset goes the wrong way: these targets are the words before. The target of a word is "
    "the one after it, tokens[start + t + 1]."
)
def offset_backwards(tokens, starts, length):
    targets = _cut(tokens, starts, torch.arange(length))
    return _cut(tokens, starts, torch.arange(1, length + 1)), targets


@windows_at.mistake(
    "You return one target for each window, as on rung 11. Here every position has its own: N "
    "inputs, N targets."
)
def last_target_only(tokens, starts, length):
    return _cut(tokens, starts, torch.arange(length)), tokens[starts + length]


@windows_at.mistake(
    "Your targets are the words after the whole window, offset by `length`. The offset is one."
)
def offset_by_length(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    last = len(tokens) - 1
    return inputs, tokens[(starts[:, None] + torch.arange(length) + length).clamp(max=last)]


@windows_at.mistake(
    "The targets wrap round: the last one is the window's own first word. torch.roll is not a "
    "shift along the text; take the next word from `tokens`."
)
def rolled(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    return inputs, inputs.roll(-1, dims=1)


@windows_at.mistake(
    "You cut a window of `length` words and shortened it to make the offset. Cut length + 1 words, "
    "so that inputs and targets have `length` each."
)
def one_short(tokens, starts, length):
    window = _cut(tokens, starts, torch.arange(length))
    return window[:, :-1], window[:, 1:]


@windows_at.mistake("Your result is transposed: one row for each start, one column for each place.")
def transposed_windows(tokens, starts, length):
    window = _cut(tokens, starts, torch.arange(length + 1)).T
    return window[:-1], window[1:]


@windows_at.mistake("The start counts from 0: the first input of a window is tokens[start].")
def starts_at_one(tokens, starts, length):
    last = len(tokens) - 1
    places = (starts[:, None] + torch.arange(1, length + 2)).clamp(max=last)
    return tokens[places][:, :-1], tokens[places][:, 1:]


windows_at.hint("Cut length + 1 words from each start. Which of them are inputs, which targets?")


windows_at.hint(
    "`starts[:, None] + torch.arange(length + 1)` has one row of places for each start."
)


windows_at.hint("A window of 3 inputs needs 4 words. How many did you cut?", when="shape")


windows_at.hint("By hand: tokens 10, 11, 12, 13, start 0, length 3. Targets?", when="value")


windows_at.hint("Is the first target the second word of the window?", when="shift")
