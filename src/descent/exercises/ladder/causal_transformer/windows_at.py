"""How `windows_at` is judged."""

from __future__ import annotations

import torch

from descent.exercises.doubles import (
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

windows_at = Exercise(
    "windows_at", minutes=6, difficulty=1, returns=tuple[torch.Tensor, torch.Tensor]
)


@windows_at.property("gives each window and the words that follow its words", trials=5)
def _(answer, draw: Draw) -> None:
    length = draw.size
    tokens = token_tensor(draw, 50, length + 10)
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


@windows_at.property("reaches the last word of the text")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 50, 6)
    _, targets = answer(tokens, torch.tensor([0]), 5)
    expect(targets, "the targets of the only window that fits").close_to(tokens[None, 1:])


@windows_at.property("stays int64", trials=1)
def _(answer, draw: Draw) -> None:
    inputs, targets = answer(token_tensor(draw, 50, 9), torch.tensor([2, 0]), 5)
    expect(inputs, "the inputs").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


@windows_at.right
def right_windows(tokens, starts, length):
    places = starts[:, None] + torch.arange(length + 1)
    window = tokens[places]
    return window[:, :-1], window[:, 1:]


_RETURNED, _WINDOW = "return window[:, :-1], window[:, 1:]", "window = tokens[places]"


windows_at.slip(
    "not_offset",
    "Inputs and targets are the same words: the model is asked for the word it has just read. "
    "The targets begin one place later.",
    {_RETURNED: "return window[:, :-1], window[:, :-1]"},
)
windows_at.slip(
    "offset_backwards",
    "Your offset goes the wrong way, or inputs and targets are returned in each other's place: "
    "these targets are the words before. The target of a word is the one after it, "
    "tokens[start + t + 1].",
    {_RETURNED: "return window[:, 1:], window[:, :-1]"},
)
windows_at.slip(
    "last_target_only",
    "You return one target for each window, as on rung 11. Here every position has its own: N "
    "inputs, N targets.",
    {_RETURNED: "return window[:, :-1], window[:, -1]"},
)
windows_at.slip(
    "rolled",
    "The targets wrap round: the last one is the window's own first word. torch.roll is not a "
    "shift along the text; take the next word from `tokens`.",
    {_RETURNED: "return window[:, :-1], window[:, :-1].roll(-1, 1)"},
)
windows_at.slip(
    "one_short",
    "You cut a window of `length` words and shortened it to make the offset. Cut length + 1 words, "
    "so that inputs and targets have `length` each.",
    {"length + 1": "length"},
)
windows_at.slip(
    "transposed_windows",
    "Your result is transposed: one row for each start, one column for each place.",
    {_RETURNED: "return window[:, :-1].T, window[:, 1:].T"},
)
windows_at.slip(
    "starts_at_one",
    "The start counts from 0: the first input of a window is tokens[start].",
    {
        "arange(length + 1)": "arange(1, length + 2)",
        "[places]": "[places.clamp(max=len(tokens) - 1)]",
    },
)
windows_at.slip(
    "two_places_on",
    "Your targets begin two places after the inputs, and run off the end of the text. The target "
    "of a word is the next one.",
    {_RETURNED: "return window[:, :-1], tokens[places[:, 1:] + 1]"},
)
windows_at.slip(
    "two_places_on_held_back",
    "Your targets lie two places further on than the inputs, where there is room. The target of a "
    "word is the next one.",
    {_RETURNED: "last = len(tokens) - 1\n    return window[:, :-1], "
     "tokens[(places[:, 1:] + 1).clamp(max=last)]"},
)  # fmt: skip
windows_at.slip(
    "sorted_starts",
    "Your windows come in the order of the text. They are wanted in the order of `starts`: row i "
    "begins at starts[i].",
    {"starts[:, None]": "starts.sort().values[:, None]"},
)
windows_at.slip(
    "starts_once",
    "A start that comes twice gives one window in your code. It gives two: a row for each start.",
    {"starts[:, None]": "torch.tensor(list(dict.fromkeys(starts.tolist())))[:, None]"},
)


@windows_at.mistake(
    "Your targets are the words after the whole window, offset by `length`. The offset is one."
)
def offset_by_length(tokens, starts, length):
    inputs, _ = right_windows(tokens, starts, length)
    last = len(tokens) - 1
    return inputs, tokens[(starts[:, None] + torch.arange(length) + length).clamp(max=last)]


windows_at.hint("Cut length + 1 words from each start. Which of them are inputs, which targets?")
windows_at.hint(
    "`starts[:, None] + torch.arange(length + 1)` has one row of places for each start."
)
windows_at.hint("A window of 3 inputs needs 4 words. How many did you cut?", when="shape")
windows_at.hint("By hand: tokens 10, 11, 12, 13, start 0, length 3. Targets?", when="value")
windows_at.hint("Is the first target the second word of the window?", when="shift")
