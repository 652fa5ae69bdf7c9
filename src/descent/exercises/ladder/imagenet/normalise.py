"""How `normalise` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

normalise = Exercise("normalise", minutes=6, difficulty=1, returns=Tensor)


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


@normalise.property("takes any number of channels", trials=2)
def _(answer, draw: Draw) -> None:
    for channels in (1, 5):
        images, parts = _bytes(draw, 1, 2, 3, channels), _channels(draw, channels)
        expected = _normalised_by_loop(images, *parts)
        expect(answer(images, *parts), f"with {channels} channels").close_to(expected, atol=1e-4)


@normalise.property("gives float32", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(_bytes(draw, 1, 2, 3, 3), *_channels(draw, 3)), "the pictures").has_dtype(
        "float32"
    )


@normalise.right
def right_pictures(images, mean, std):
    x = images.float() / 255
    x = (x - mean) / std
    return x.permute(0, 3, 1, 2)


_SCALED = "(x - mean) / std"


normalise.slip(
    "not_divided",
    "Your pixels run from 0 to 255. Mean and deviation are on the scale from 0 to 1: divide by "
    "255 first.",
    {"images.float() / 255": "images.float()"},
)
normalise.slip(
    "divided_by_256",
    "You divided by 256. White is 255.",
    {"/ 255": "/ 256"},
)
normalise.slip(
    "divided_in_whole_numbers",
    "`//` makes 0 of every pixel but white. Divide with `/`.",
    {"/ 255": "// 255"},
)
normalise.slip(
    "mean_from_the_bytes",
    "You subtracted the mean from the bytes and divided by 255 afterwards. The mean is on the "
    "scale from 0 to 1: divide first.",
    {"images.float() / 255": "images.float()", _SCALED: "(x - mean) / 255 / std"},
)
normalise.slip(
    "reshaped",
    "You reshaped where the axes must change places: `reshape` keeps the order in memory and "
    "mixes colours with places. Use `permute`.",
    {"x.permute(0, 3, 1, 2)": "x.reshape([x.shape[axis] for axis in (0, 3, 1, 2)])"},
)
normalise.slip(
    "turned",
    "Rows and columns have changed places: the order is permute(0, 3, 1, 2).",
    {"permute(0, 3, 1, 2)": "permute(0, 3, 2, 1)"},
)
normalise.slip(
    "columns_second",
    "Your axes are turned the other way round, (n, w, c, h). The channels go to the second place "
    "and rows stay before columns: permute(0, 3, 1, 2).",
    {"permute(0, 3, 1, 2)": "permute(0, 2, 3, 1)"},
)
normalise.slip(
    "channels_last",
    "The channels are still the last axis. Torch's convolutions want them second.",
    {"x.permute(0, 3, 1, 2)": "x"},
)
normalise.slip(
    "met_the_columns",
    "You subtracted the means along the last axis after moving the channels to the second: they "
    "met the columns. Do it before, or give mean and std the shape (c, 1, 1).",
    {_SCALED: "(x.permute(0, 3, 1, 2) - mean) / std", "return x.permute(0, 3, 1, 2)": "return x"},
)
normalise.slip(
    "multiplied",
    "You multiplied by the deviation. Divide.",
    {_SCALED: "(x - mean) * std"},
)
normalise.slip(
    "divided_first",
    "You divided before you subtracted the mean. Subtract first.",
    {_SCALED: "x / std - mean"},
)
normalise.slip(
    "without_brackets",
    "The brackets around the difference are missing: only the mean is divided, before it is "
    "subtracted.",
    {_SCALED: "x - mean / std"},
)
normalise.slip(
    "not_scaled",
    "You did not divide by the deviation.",
    {_SCALED: "x - mean"},
)
normalise.slip(
    "not_centred",
    "You did not subtract the mean.",
    {_SCALED: "x / std"},
)
normalise.slip(
    "mean_and_deviation_swapped",
    "Mean and deviation have changed places: subtract the mean, divide by the deviation.",
    {_SCALED: "(x - std) / mean"},
)
normalise.slip(
    "by_the_variance",
    "You divided by the square of the deviation.",
    {_SCALED: "(x - mean) / std**2"},
)
normalise.slip(
    "by_the_root",
    "You divided by the root of the deviation. `std` is a deviation already, no variance.",
    {_SCALED: "(x - mean) / std.sqrt()"},
)
normalise.slip(
    "one_for_all",
    "One mean and one deviation for all channels: each has its own.",
    {_SCALED: "(x - mean.mean()) / std.mean()"},
)
normalise.slip(
    "own_statistics",
    "You used the batch's own mean and deviation. Use those given: a picture must not depend on "
    "its company.",
    {_SCALED: "(x - x.mean((0, 1, 2))) / x.std((0, 1, 2))"},
)
normalise.slip(
    "double_precision",
    "Your result is float64. Float32.",
    {"images.float()": "images.double()"},
)


normalise.hint("Bytes to floats from 0 to 1, subtract, divide, move the axis.")
normalise.hint("While the channels are last, `x - mean` broadcasts as it should.")
normalise.hint("`x.permute(0, 3, 1, 2)` moves axis 3 to place 1.", when="shape")
normalise.hint("Which pixel value does a white pixel have after your first line?", when="value")
normalise.hint("`images.float()` is float32.", when="dtype")
