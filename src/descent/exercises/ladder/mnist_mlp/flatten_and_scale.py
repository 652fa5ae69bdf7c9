"""How `flatten_and_scale` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

flatten_and_scale = Exercise("flatten_and_scale", minutes=4, difficulty=1, returns=Tensor)


@flatten_and_scale.property("gives one row of numbers between 0 and 1 for each picture", trials=4)
def _(answer, draw: Draw) -> None:
    images = draw.integers(0, 200, draw.size, 2, 3).astype(np.uint8)
    rows = np.array(
        [[pixel / 255 for line in image.tolist() for pixel in line] for image in images]
    )
    expect(answer(images), "the rows").close_to(rows)


@flatten_and_scale.property("turns 0 into 0 and 255 into 1, for one picture too")
def _(answer, draw: Draw) -> None:
    images = np.array([[[0, 255], [draw.integers(1, 255), 255]]], dtype=np.uint8)
    rows = answer(images)
    expect(rows, "the rows of one picture").has_shape(1, 4)
    expect(rows, "the rows of one picture").close_to([[0.0, 1.0, images[0, 1, 0] / 255, 1.0]])


@flatten_and_scale.property("returns a float32 tensor")
def _(answer, draw: Draw) -> None:
    images = draw.integers(0, 200, 2, 2, 2).astype(np.uint8)
    rows = answer(images)
    expect(isinstance(rows, torch.Tensor), "the rows are a tensor").is_true(
        otherwise=f"They are a `{type(rows).__name__}`; they should be a tensor."
    )
    expect(rows, "the rows").has_dtype("float32")


@flatten_and_scale.mistake(
    "You divided by 256. A byte has 256 values, and the largest of them is 255: divide by 255 and "
    "full ink becomes exactly 1."
)
def divided_by_256(images):
    return torch.from_numpy(images).flatten(1).float() / 256


@flatten_and_scale.mistake(
    "You flattened everything into one long row. The first axis counts the pictures and stays: "
    "only height and width become one axis."
)
def flattened_batch(images):
    return torch.from_numpy(images).flatten().float() / 255


@flatten_and_scale.mistake(
    "Your rows have 784 numbers, whatever size the pictures have. Take height times width, or let "
    "torch count: `flatten(1)`, `reshape(len(images), -1)`."
)
def always_784(images):
    return torch.from_numpy(images).reshape(-1, 784).float() / 255


@flatten_and_scale.mistake(
    "The pixels still run from 0 to 255. Divide by 255, so that ink is a number between 0 and 1."
)
def not_scaled(images):
    return torch.from_numpy(images).flatten(1).float()


@flatten_and_scale.mistake(
    "You divided whole numbers: every grey became 0. Convert to float32 first, divide after."
)
def whole_numbers(images):
    return torch.from_numpy(images // 255).flatten(1).float()


@flatten_and_scale.mistake(
    "Your rows read each picture column by column. Any fixed order would do for the network, but "
    "this page (and every picture it draws) reads line by line, as `reshape` does."
)
def column_by_column(images):
    return torch.from_numpy(images).transpose(1, 2).flatten(1).float() / 255


@flatten_and_scale.mistake(
    "The numbers are right and are float64. Weights are float32, and torch refuses to multiply "
    "the two: call `.float()`."
)
def double_precision(images):
    return torch.from_numpy(images / 255).flatten(1)


@flatten_and_scale.mistake(
    "You divided by the largest pixel of these pictures. The same picture would then get other "
    "numbers in other company: divide by 255, whatever the pictures hold."
)
def divided_by_largest(images):
    return torch.from_numpy(images).flatten(1).float() / max(int(images.max()), 1)


@flatten_and_scale.mistake(
    "You divided each picture by its own largest pixel. That throws away how dark the pen was, "
    "and an empty picture gives 0/0: divide by 255."
)
def divided_by_own_largest(images):
    rows = torch.from_numpy(images).flatten(1).float()
    return rows / rows.max(dim=1, keepdim=True).values


@flatten_and_scale.mistake(
    "The pixels are scaled and the pictures still have height and width. A linear layer takes one "
    "row of numbers per picture: shape (n, height · width)."
)
def not_flattened(images):
    return torch.from_numpy(images).float() / 255


@flatten_and_scale.mistake(
    "You scaled to −1 … 1. Scale to 0 … 1 here; moving the mean to 0 is the next exercise."
)
def minus_one_to_one(images):
    return torch.from_numpy(images).flatten(1).float() / 127.5 - 1


@flatten_and_scale.mistake("You returned a numpy array. Make it a tensor: `torch.from_numpy(…)`.")
def stayed_numpy(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


flatten_and_scale.hint("Three steps: a tensor, one row per picture, float32 between 0 and 1.")
flatten_and_scale.hint("`torch.from_numpy(images)` makes a tensor; `.flatten(1)` keeps axis 0.")
flatten_and_scale.hint("Which axes are merged? The first one counts the pictures.", when="shape")
flatten_and_scale.hint("What is the largest value a byte can hold?", when="factor")
flatten_and_scale.hint("Convert to float before you divide, not after.", when="value")
flatten_and_scale.hint(
    "The check uses small pictures: take sizes from `images.shape`, or let `.flatten(1)` do it.",
    when="error",
)
flatten_and_scale.hint("`.float()` is short for `.to(torch.float32)`.", when="dtype")
flatten_and_scale.hint(
    "`reshape` and `flatten` read line by line. What moved the axes?", when="order"
)
