"""How `training_blocks` is judged."""

from __future__ import annotations

import torch

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

training_blocks = Exercise(
    "training_blocks", minutes=15, difficulty=2, returns=tuple[Tensor, Tensor]
)


def _filled(tokens: list[int], length: int) -> tuple[list[list[int]], list[list[int]]]:
    """Blocks filled token after token."""
    inputs: list[list[int]] = []
    targets: list[list[int]] = []
    for t in range(len(tokens) - 1):
        if t % length == 0:
            inputs.append([0] * length)
            targets.append([-100] * length)
        inputs[-1][t % length], targets[-1][t % length] = tokens[t], tokens[t + 1]
    return inputs, targets


def _compare(answer, tokens: Tensor, length: int) -> None:
    inputs, targets = answer(tokens, length)
    wanted, wanted_targets = _filled(tokens.tolist(), length)
    expect(inputs, "the inputs").equals(torch.tensor(wanted))
    expect(targets, "the targets").equals(torch.tensor(wanted_targets))
    expect(targets, "the targets").has_dtype("int64")


@training_blocks.property("cuts the page's six tokens into two blocks")
def _(answer, draw: Draw) -> None:
    _compare(answer, torch.tensor([3, 1, 4, 1, 5, 9]), 3)


@training_blocks.property(
    "has a remainder or none, and predicts every token but the first once", trials=7
)
def _(answer, draw: Draw) -> None:
    length = draw.integers(2, 6)
    whole = length * draw.size + 1
    _compare(answer, 1 + token_tensor(draw, 50, whole), length)
    _compare(answer, 1 + token_tensor(draw, 50, whole + draw.integers(1, length)), length)


@training_blocks.property("works for a text shorter than a block, and for blocks of one")
def _(answer, draw: Draw) -> None:
    _compare(answer, 1 + token_tensor(draw, 50, 4), 9)
    _compare(answer, 1 + token_tensor(draw, 50, 2), 3)
    _compare(answer, 1 + token_tensor(draw, 50, 5), 1)


@training_blocks.property("predicts tokens that are 0 like all others")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 2, 8)
    tokens[3:5] = torch.tensor([0, 1])
    _compare(answer, tokens, 3)


@training_blocks.property("leaves the text as it is")
def _(answer, draw: Draw) -> None:
    tokens = 1 + token_tensor(draw, 50, 8)
    before = tokens.clone()
    inputs, targets = answer(tokens, 3)
    expect(tokens, "the text after the call").equals(before)
    expect(int((targets == -100).sum()), "how many targets do not count").equals(2)


@training_blocks.right
def right_blocks(tokens, length):
    given, wanted = tokens[:-1], tokens[1:]
    missing = -len(given) % length
    inputs = torch.cat([given, torch.zeros(missing, dtype=torch.int64)])
    targets = torch.cat([wanted, torch.full((missing,), -100)])
    return inputs.view(-1, length), targets.view(-1, length)


training_blocks.slip(
    "padding_predicted",
    "Your model is asked to predict the padding: the targets are filled up with 0, which is a real "
    "token. −100 is what the loss leaves out.",
    {"torch.full((missing,), -100)": "torch.full((missing,), 0)"},
)
training_blocks.slip(
    "inputs_padded_with_minus_100",
    "Your inputs are filled up with −100, which no embedding table has. Inputs get 0.",
    {"torch.zeros(missing, dtype=torch.int64)": "torch.full((missing,), -100)"},
)
training_blocks.slip(
    "whole_block_too_many",
    "Where nothing is missing you add a whole block of padding. −n % length is 0 then, "
    "length − n % length is not.",
    {"missing = -len(given) % length": "missing = length - len(given) % length"},
)
training_blocks.slip(
    "targets_not_shifted",
    "Your targets are the inputs. Each place predicts the token after it.",
    {"tokens[:-1], tokens[1:]": "tokens[:-1], tokens[:-1]"},
)
training_blocks.slip(
    "padding_in_front",
    "Your padding stands in front. The blocks begin at the first token; what is "
    "missing is missing at the end.",
    {
        "torch.cat([given, torch.zeros(missing, "
        "dtype=torch.int64)])": "torch.cat([torch.zeros(missing, dtype=torch.int64), given])",
        "torch.cat([wanted, torch.full((missing,), "
        "-100)])": "torch.cat([torch.full((missing,), -100), wanted])",
    },
)
training_blocks.slip(
    "time_down_the_columns",
    "Your text runs down the columns. Each row is a piece of the text.",
    {
        "return inputs.view(-1, length), "
        "targets.view(-1, length)": "return inputs.view(length, -1).T, targets.view(length, -1).T"
    },
)
training_blocks.slip(
    "last_token_an_input",
    "The last token of the text is an input in your blocks. Nothing follows it, "
    "so it has no target.",
    {
        "given, wanted = tokens[:-1], tokens[1:]": "given, wanted = tokens, "
        "torch.cat([tokens[1:], torch.tensor([-100])])"
    },
)


@training_blocks.mistake(
    "You threw the remainder away. Its tokens are never predicted; fill the last block up instead."
)
def remainder_dropped(tokens, length):
    count = (len(tokens) - 1) // length
    inputs, targets = right_blocks(tokens, length)
    return inputs[:count], targets[:count]


@training_blocks.mistake(
    "You cut the text into blocks first and shifted inside each. The last token of a block is then "
    "no input, and the first token of a block is predicted by nobody. Shift the "
    "whole text, then cut."
)
def shifted_inside_blocks(tokens, length):
    pieces = tokens.split(length + 1)
    pieces = [piece for piece in pieces if len(piece) > 1]
    inputs = torch.zeros(len(pieces), length, dtype=torch.int64)
    targets = torch.full((len(pieces), length), -100)
    for i, piece in enumerate(pieces):
        inputs[i, : len(piece) - 1], targets[i, : len(piece) - 1] = piece[:-1], piece[1:]
    return inputs, targets


@training_blocks.mistake(
    "You cut the text into blocks of `length` tokens and shifted inside each, so the first token "
    "of a block is predicted by nobody. Shift the whole text, then cut."
)
def blocks_of_tokens(tokens, length):
    pieces = tokens.split(length)
    inputs = torch.zeros(len(pieces), length, dtype=torch.int64)
    targets = torch.full((len(pieces), length), -100)
    for i, piece in enumerate(pieces):
        inputs[i, : len(piece)], targets[i, : len(piece) - 1] = piece, piece[1:]
    return inputs, targets


@training_blocks.mistake(
    "You pulled the last block back until it was full. Its first tokens are then predicted twice; "
    "fill it up with 0 and −100 instead."
)
def last_block_pulled_back(tokens, length):
    if len(tokens) <= length:
        return right_blocks(tokens, length)
    starts = [*range(0, len(tokens) - 1 - length, length), len(tokens) - 1 - length]
    inputs = torch.stack([tokens[start : start + length] for start in starts])
    targets = torch.stack([tokens[start + 1 : start + length + 1] for start in starts])
    return inputs, targets


@training_blocks.mistake(
    "Your windows overlap: there is one for every place of the text. Blocks that do not overlap "
    "begin `length` tokens apart."
)
def overlapping(tokens, length):
    starts = range(max(len(tokens) - length, 1))
    pieces = [right_blocks(tokens[s : s + length + 1], length) for s in starts]
    return torch.cat([p[0] for p in pieces]), torch.cat([p[1] for p in pieces])


training_blocks.slip(
    "targets_wrap_round",
    "Your last target is the text's first token: a roll brings it round. Nothing follows "
    "the last token.",
    {"given, wanted = tokens[:-1], tokens[1:]": "given, wanted = tokens, tokens.roll(-1)"},
)
training_blocks.slip(
    "zero_after_the_end",
    "Your last token is asked to predict a 0 that nobody wrote. Nothing follows it: it is a target "
    "only.",
    {
        "given, wanted = tokens[:-1], tokens[1:]": "given, wanted = tokens, torch.cat([tokens[1:], "
        "torch.zeros(1, dtype=torch.int64)])"
    },
)
training_blocks.slip(
    "filled_with_minus_one",
    "You filled the targets with −1. The number that the loss leaves out is −100.",
    {"(missing,), -100": "(missing,), -1"},
)
training_blocks.slip(
    "zeros_left_out",
    "You leave out every target that is 0. A 0 may be a real token, such as <unk>: only "
    "what is filled up gets −100.",
    {
        "return inputs.view(-1, length), targets": "targets = torch.where(targets == 0, -1"
        "00, targets)\n    return inputs.view"
        "(-1, length), targets"
    },
)
training_blocks.slip(
    "last_token_in_the_padding",
    "The text's last token stands among your inputs, at the head of the padding. Nothing "
    "is predicted there: 0.",
    {
        "inputs = torch.cat([given, torch.zeros(mis"
        "sing, dtype=torch.int64)])": "filled = torch.cat([tokens, torch.zeros(length, dty"
        "pe=torch.int64)])\n"
        "    inputs = filled[: len(given) + missing]"
    },
)


training_blocks.hint(
    "Shift the whole text first: tokens[:-1] and tokens[1:]. Then fill up, then cut."
)
training_blocks.hint(
    "How many are missing to the next multiple of `length`? In Python, -5 % 3 is 1."
)
training_blocks.hint("With 7 tokens and blocks of 3: two blocks, nothing missing.", when="shape")
training_blocks.hint(
    "Which number does the loss leave out, and which is a real token?", when="value"
)
