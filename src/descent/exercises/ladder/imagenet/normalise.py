"""How `normalise` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import name_habits

normalise = Exercise("normalise", minutes=6, difficulty=1)


def _bytes(draw: Draw, *shape: int) -> Tensor:
    return torch.tensor(draw.integers(0, 256, *shape), dtype=torch.uint8)


def _channels(draw: Draw, channels: int) -> tuple[Tensor, Tensor]:
    mean = torch.tensor(draw.uniform(0.3, 0.6, channels), dtype=torch.float32)
    return mean, torch.tensor(draw.uniform(0.15, 0.35, channels), dtype=torch.float32)


def _normalised_by_loop(images: Tensor, mean: Tensor, std: Tensor) -> np.ndarray:
    x, n, c = images.numpy().astype(float), len(images), images.shape[-1]
    planes = [[(x[i, :, :, k] / 255 - float(mean[k])) / float(std[k]) for k in range(c)]
              for i in range(n)]  # fmt: skip
    return np.array(planes)


@normalise.property("scales each channel by its own mean and deviation", trials=4)
def _(answer, draw: Draw) -> None:
    images, parts = _bytes(draw, draw.size, 2, 4, 3), _channels(draw, 3)
    expected = _normalised_by_loop(images, *parts)
    expect(answer(images, *parts), "the pictures").close_to(expected, atol=1e-4)


@normalise.property("tells rows, columns and channels apart where all are as many", trials=2)
def _(answer, draw: Draw) -> None:
    images, parts = _bytes(draw, 3, 3, 3, 3), _channels(draw, 3)
    expected = _normalised_by_loop(images, *parts)
    expect(answer(images, *parts), "the pictures").close_to(expected, atol=1e-4)


@normalise.property("takes any number of channels, and gives float32", trials=2)
def _(answer, draw: Draw) -> None:
    for channels in (1, 5):
        images, parts = _bytes(draw, 1, 2, 3, channels), _channels(draw, channels)
        found = answer(images, *parts)
        expect(found, "the pictures").close_to(_normalised_by_loop(images, *parts), atol=1e-4)
        expect(found, "the pictures").has_dtype("float32")


def _normalise(images, mean, std, **habits):
    x = images.float() / habits.get("divisor", 255)
    if habits.get("double"):
        x = x.double()
    if habits.get("batch"):
        mean, std = x.mean((0, 1, 2)), x.std((0, 1, 2))
    if habits.get("by_rows"):
        return (x.permute(0, 3, 1, 2) - mean) / std
    if habits.get("multiplies"):
        x = (x - mean) * std
    elif habits.get("divides_first"):
        x = x / std - mean
    elif habits.get("shift_only"):
        x = x - mean
    elif habits.get("variance"):
        x = (x - mean) / std**2
    elif habits.get("shared"):
        x = (x - mean.mean()) / std.mean()
    else:
        x = (x - mean) / std
    if habits.get("reshaped"):
        n, h, w, c = x.shape
        return x.reshape(n, c, h, w)
    if habits.get("turned"):
        return x.permute(0, 3, 2, 1)
    return x if habits.get("stays") else x.permute(0, 3, 1, 2)


name_habits(normalise, _normalise, (
    ("Your pixels run from 0 to 255. Mean and deviation are on the scale from 0 to 1: divide by "
     "255 first.", "not_divided", {"divisor": 1}),
    ("You divided by 256. White is 255.", "divided_by_256", {"divisor": 256}),
    ("You reshaped where the axes must change places: `reshape` keeps the order in memory and "
     "mixes colours with places. Use `permute`.", "reshaped", {"reshaped": True}),
    ("Rows and columns have changed places: the order is permute(0, 3, 1, 2).",
     "turned", {"turned": True}),
    ("The channels are still the last axis. Torch's convolutions want them second.",
     "channels_last", {"stays": True}),
    ("You subtracted the means along the last axis after moving the channels to the second: they "
     "met the columns. Do it before, or give mean and std the shape (c, 1, 1).",
     "met_the_columns", {"by_rows": True}),
    ("You multiplied by the deviation. Divide.", "multiplied", {"multiplies": True}),
    ("You divided before you subtracted the mean. Subtract first.",
     "divided_first", {"divides_first": True}),
    ("You did not divide by the deviation.", "not_scaled", {"shift_only": True}),
    ("You divided by the square of the deviation.", "by_the_variance", {"variance": True}),
    ("One mean and one deviation for all channels: each has its own.",
     "one_for_all", {"shared": True}),
    ("You used the batch's own mean and deviation. Use those given: a picture must not depend on "
     "its company.", "own_statistics", {"batch": True}),
    ("Your result is float64. Float32.", "double_precision", {"double": True}),
))  # fmt: skip


normalise.hint("Bytes to floats from 0 to 1, subtract, divide, move the axis.")


normalise.hint("While the channels are last, `x - mean` broadcasts as it should.")


normalise.hint("`x.permute(0, 3, 1, 2)` moves axis 3 to place 1.", when="shape")


normalise.hint("Which pixel value does a white pixel have after your first line?", when="value")


normalise.hint("`images.float()` is float32.", when="dtype")
