"""What ladder/15_imagenet is judged by.

The oracles are arithmetic on fractions, loops over single pictures, closed forms in double
precision, and networks written out from the tensors of the answer. Neither the block nor the
network is judged by the names of its parts: tensors of one shape get the same numbers, so that
any arrangement of the specified layers computes the same.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect


def _labels(draw: Draw, classes: int, n: int) -> Tensor:
    return torch.tensor(draw.integers(0, classes, n))


def _name_habits(
    exercise: Exercise, answer: Callable[..., Any], rows: Iterable[tuple[str, str, dict[str, Any]]]
) -> None:
    """Declare each bad habit of an answer, `(message, name, keywords)`, as a named mistake."""
    for message, name, habits in rows:

        def wrong(*args: Any, _habits: dict[str, Any] = habits, **keywords: Any) -> Any:
            return answer(*args, **keywords, **_habits)

        functools.update_wrapper(wrong, answer)  # its parameters keep their names
        wrong.__name__ = name
        exercise.mistake(message)(wrong)


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


# --------------------------------------------------------------------- centre_crop_box

centre_crop_box = Exercise("centre_crop_box", minutes=6, difficulty=1)


def _centre_by_fractions(height: int, width: int, resize: int, crop: int) -> tuple[int, ...]:
    scale = Fraction(resize, min(height, width))
    sides = [math.floor(side * scale) for side in (height, width)]
    return (*sides, *(round(Fraction(side - crop, 2)) for side in sides))


@centre_crop_box.property("resizes the shorter side to 256 and takes the middle 224", trials=6)
def _(answer, draw: Draw) -> None:
    short, long = draw.integers(260, 400), draw.integers(401, 900)
    for height, width in ((short, long), (long, short)):
        found = answer(height, width)
        expect(found, "height, width, top, left").equals(
            _centre_by_fractions(height, width, 256, 224)
        )


@centre_crop_box.property("leaves a square square, and enlarges what is small", trials=2)
def _(answer, draw: Draw) -> None:
    side, long = draw.integers(50, 200), draw.integers(201, 250)
    expect(answer(side, side), "of a square").equals((256, 256, 16, 16))
    found = answer(side, long)
    expect(found, "of a small picture").equals(_centre_by_fractions(side, long, 256, 224))


@centre_crop_box.property("takes other sizes, the crop as large as the picture included", trials=4)
def _(answer, draw: Draw) -> None:
    height, width = draw.integers(40, 90), draw.integers(40, 90)
    resize = draw.integers(20, 60)
    for crop in (resize, resize - draw.integers(1, 15)):
        found = answer(height, width, resize, crop)
        expect(found, "height, width, top, left").equals(
            _centre_by_fractions(height, width, resize, crop)
        )


@centre_crop_box.property("rounds half a pixel to the even number", trials=1)
def _(answer, draw: Draw) -> None:
    side = draw.integers(20, 60)
    corners = [answer(side, side, side, side - odd)[2:] for odd in (1, 3, 5, 7)]
    expect(corners, "the corners with 1, 3, 5 and 7 pixels left over").equals(
        [(0, 0), (2, 2), (2, 2), (4, 4)]
    )


@centre_crop_box.property("is made of whole numbers", trials=1)
def _(answer, draw: Draw) -> None:
    expect(sum(map(_whole, answer(300, 401))), "how many of the 4 are ints").equals(4)


def _centre(height, width, resize=256, crop=224, **habits):
    short, long = min(height, width), max(height, width)
    if habits.get("longer"):
        short, long = long, short
    if habits.get("shrinks_only"):
        resize = min(resize, short)
    if habits.get("defaults"):
        resize, crop = 256, 224
    rounded = {"up": math.ceil, "near": round}.get(habits.get("rounds", ""), math.floor)
    other = rounded(Fraction(resize * long, short))
    new_height = resize if height == short else other
    new_width = resize if width == short else other
    if habits.get("squashes"):
        new_height = new_width = resize
    tall, wide = (height, width) if habits.get("old_size") else (new_height, new_width)
    top, left = round((tall - crop) / 2), round((wide - crop) / 2)
    if habits.get("floor_corner"):
        top, left = (tall - crop) // 2, (wide - crop) // 2
    if habits.get("ceil_corner"):
        top, left = -((crop - tall) // 2), -((crop - wide) // 2)
    if habits.get("unhalved"):
        top, left = tall - crop, wide - crop
    if habits.get("corner"):
        top, left = 0, 0
    if habits.get("middle"):
        top, left = tall // 2, wide // 2
    if habits.get("floats"):
        return new_height, new_width, (tall - crop) / 2, (wide - crop) / 2
    if habits.get("width_first"):
        return new_width, new_height, left, top
    if habits.get("corner_first"):
        return top, left, new_height, new_width
    return new_height, new_width, top, left


_name_habits(centre_crop_box, _centre, (
    ("You made the *longer* side 256. It is the shorter one, so that the crop fits inside.",
     "longer_side", {"longer": True}),
    ("You made both sides 256. That squashes the picture: keep the proportions.",
     "squashed", {"squashes": True}),
    ("You gave width before height. Height first, as in an array's shape.",
     "width_first", {"width_first": True}),
    ("You gave the corner before the size. The order is height, width, top, left.",
     "corner_first", {"corner_first": True}),
    ("Your longer side is rounded up. The page rounds it down.", "rounded_up", {"rounds": "up"}),
    ("Your longer side is rounded to the nearest. The page rounds it down.",
     "rounded_to_nearest", {"rounds": "near"}),
    ("Your corner comes from the picture's size before it was resized. Crop after resizing.",
     "corner_of_the_original", {"old_size": True}),
    ("Your corner leaves everything on one side: halve what is left over.",
     "not_halved", {"unhalved": True}),
    ("You crop from the top left. The crop lies in the middle.", "top_left", {"corner": True}),
    ("You gave the middle of the picture. Asked is the top left corner of the crop: half of what "
     "is left over.", "middle_point", {"middle": True}),
    ("Your corner is rounded up where half a pixel is left over. The protocol takes the even "
     "number, as `round` does.", "corner_rounded_up", {"ceil_corner": True}),
    ("Your corner is rounded down where half a pixel is left over. The protocol takes the even "
     "number, as `round` does.", "corner_rounded_down", {"floor_corner": True}),
    ("Your corner has halves in it. Pixels are counted in whole numbers: `round(…)`.",
     "half_pixels", {"floats": True}),
    ("You never enlarge. The protocol makes every shorter side 256, of small pictures too.",
     "never_enlarges", {"shrinks_only": True}),
    ("You use 256 and 224 whatever was given. They are only the defaults.",
     "fixed_sizes", {"defaults": True}),
))  # fmt: skip

centre_crop_box.equivalent(
    "`short = min(height, width)` → `short = min(width, height)`",
    because="the smaller of two does not depend on which comes first",
)
centre_crop_box.hint("Which side becomes 256? By what factor does the other one change?")
centre_crop_box.hint("`resize * long // short` is the longer side, rounded down.")
centre_crop_box.hint(
    "Half of what is left over lies above: `round((new_height - crop) / 2)`.", when="value"
)
centre_crop_box.hint("Four numbers: height, width, top, left.", when="length")

# --------------------------------------------------------------------- random_crop_box

random_crop_box = Exercise("random_crop_box", minutes=20, difficulty=2)

SHARE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


def _numbers(draw: Draw, attempts: int) -> np.ndarray:
    return np.asarray(draw.uniform(0.0, 0.99, attempts, 4))


def _box_by_loop(height, width, numbers, share=SHARE, ratio=RATIO) -> tuple[int, int, int, int]:
    """The geometry of the page, from powers in place of logarithms."""
    for where, shape, down, across in np.asarray(numbers, dtype=float):
        area = height * width * (share[0] * (1 - where) + share[1] * where)
        aspect = ratio[0] ** (1 - shape) * ratio[1] ** shape
        w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if 1 <= w <= width and 1 <= h <= height:
            return math.floor(down * (height - h + 1)), math.floor(across * (width - w + 1)), h, w
    h, w = height, width
    if width > height * ratio[1]:
        w = round(height * ratio[1])
    elif width < height * ratio[0]:
        h = round(width / ratio[0])
    return (height - h) // 2, (width - w) // 2, h, w


@random_crop_box.property("makes a box of the area and shape that the numbers say", trials=6)
def _(answer, draw: Draw) -> None:
    height, width = draw.integers(200, 500), draw.integers(200, 500)
    numbers = _numbers(draw, 10)
    numbers[0, 0] = draw.uniform(0.0, 0.4)  # small enough to fit at the first attempt
    found = answer(height, width, numbers)
    expect(found, "top, left, height, width").equals(_box_by_loop(height, width, numbers))


@random_crop_box.property("goes on to the next row when a box does not fit", trials=6)
def _(answer, draw: Draw) -> None:
    height, width = draw.choice([(60, 300), (300, 60), (50, 210)])
    numbers = _numbers(draw, 4)
    numbers[:2, 0], numbers[2, 0] = 0.95, 0.02  # two that cannot fit, one that does
    found = answer(height, width, numbers)
    expect(found, "top, left, height, width").equals(_box_by_loop(height, width, numbers))


@random_crop_box.property("falls back on the largest middle of an allowed shape", trials=3)
def _(answer, draw: Draw) -> None:
    side, numbers = 3 * draw.integers(10, 20) + 2, _numbers(draw, draw.size)
    numbers[:, 0] = 0.97  # and 4/3 of the side ends in two thirds, so that rounding shows
    for height, width in ((side, 5 * side + 1), (5 * side + 1, side)):
        found = answer(height, width, numbers)
        expect(found, "of a long picture").equals(_box_by_loop(height, width, numbers))
    numbers[:, :2] = 0.98, draw.choice([0.0, 0.98])
    found = answer(side, side, numbers)
    expect(found, "of a square that no box fits").equals((0, 0, side, side))


@random_crop_box.property("takes other ranges, and boxes as large as the picture", trials=3)
def _(answer, draw: Draw) -> None:
    side, numbers = draw.integers(20, 90), _numbers(draw, 3)
    found = answer(side, side, numbers, (1.0, 1.0), (1.0, 1.0))
    expect(found, "the whole square").equals((0, 0, side, side))
    found = answer(side, 2 * side, numbers, (0.1, 0.3), (0.5, 2.0))
    expected = _box_by_loop(side, 2 * side, numbers, (0.1, 0.3), (0.5, 2.0))
    expect(found, "top, left, height, width").equals(expected)
    found = answer(side, 3 * side, numbers, (1.0, 1.0), (0.5, 2.0))
    expect(found, "when nothing fits").equals((0, side // 2, side, 2 * side))


@random_crop_box.property("takes a box that is just as wide or as tall as the picture", trials=2)
def _(answer, draw: Draw) -> None:
    side = draw.integers(20, 90)
    numbers = np.array([[0.5, 0.5, draw.uniform(0.0, 0.3), draw.uniform(0.0, 0.3)]])
    for height, width in ((2 * side, side), (side, 2 * side)):
        found = answer(height, width, numbers, (0.5, 0.5), (1.0, 1.0))
        expected = _box_by_loop(height, width, numbers, (0.5, 0.5), (1.0, 1.0))
        expect(found, "top, left, height, width").equals(expected)


@random_crop_box.property("never takes an empty box, but one of a single pixel", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(1, 1, np.full((2, 4), 0.05)), "of a picture of one pixel").equals((0, 0, 1, 1))
    for height, width, share, first in ((3, 1, 0.1, 0.0), (1, 3, 0.1, 0.99),
                                        (9, 1, 0.15, 0.0), (1, 9, 0.15, 0.99)):  # fmt: skip
        numbers = np.array([[0.5, first, 0.0, 0.0]])
        found = answer(height, width, numbers, (share, share))
        expected = _box_by_loop(height, width, numbers, (share, share))
        expect(found, f"of a picture of {height} × {width}").equals(expected)


@random_crop_box.property("returns whole numbers", trials=1)
def _(answer, draw: Draw) -> None:
    found = answer(100, 100, _numbers(draw, 2))
    expect(all(map(_whole, found)), "whether all four are ints").equals(True)
    found = answer(50, 500, np.full((1, 4), 0.97))
    expect(all(map(_whole, found)), "whether all four are ints when nothing fits").equals(True)


def _box(height, width, numbers, share=SHARE, ratio=RATIO, **habits):
    if habits.get("defaults"):
        share, ratio = SHARE, RATIO
    for row in numbers[: 1 if habits.get("once") else None]:
        u, v, down, across = map(float, row)
        if habits.get("swapped_corner"):
            down, across = across, down
        if habits.get("swapped_first"):
            u, v = v, u
        part = share[0] + u * (share[1] - share[0])
        part = u * share[1] if habits.get("from_zero") else part
        aspect = math.exp(math.log(ratio[0]) + v * math.log(ratio[1] / ratio[0]))
        if habits.get("linear"):
            aspect = ratio[0] + v * (ratio[1] - ratio[0])
        if habits.get("inverted"):
            aspect = 1 / aspect
        side = height * width * (part**2 if habits.get("sides") else part)
        rounded = int if habits.get("cuts") else round
        w, h = rounded(math.sqrt(side * aspect)), rounded(math.sqrt(side / aspect))
        if habits.get("stretches"):
            w = rounded(width * math.sqrt(part * aspect))
            h = rounded(height * math.sqrt(part / aspect))
        if habits.get("clamps"):
            w, h = min(max(w, 1), width), min(max(h, 1), height)
        strict = 1 if habits.get("strict") else 0
        if (habits.get("empty") or min(w, h) > 0) and w <= width - strict and h <= height - strict:
            more = 0 if habits.get("no_last") else 1
            top, left = int(down * (height - h + more)), int(across * (width - w + more))
            if habits.get("centred"):
                top, left = (height - h) // 2, (width - w) // 2
            if habits.get("floats"):
                return float(top), float(left), float(h), float(w)
            return (left, top, w, h) if habits.get("x_first") else (top, left, h, w)
    h, w = height, width
    rounded = int if habits.get("cuts_fallback") else round
    if not habits.get("whole"):
        if width / height > ratio[1]:
            w = rounded(height * ratio[1])
        elif width / height < ratio[0]:
            h = rounded(width / ratio[0])
    if habits.get("square"):
        h = w = min(height, width)
    if habits.get("top_left"):
        return 0, 0, h, w
    top, left = (height - h) // 2, (width - w) // 2
    return (left, top, w, h) if habits.get("x_first") else (top, left, h, w)


_name_habits(random_crop_box, _box, (
    ("Your aspect ratio is drawn evenly between its ends. Draw its *logarithm* evenly: else wide "
     "boxes come more often than tall ones.", "ratio_not_in_logarithms", {"linear": True}),
    ("Your boxes are tall where they should be wide: the aspect ratio is width / height.",
     "ratio_upside_down", {"inverted": True}),
    ("You took the share of each *side*. It is the share of the area: the sides go with its root.",
     "share_of_the_sides", {"sides": True}),
    ("You stretched the picture's own proportions by the ratio. The ratio is that of the box "
     "itself, whatever the picture's.", "ratio_of_the_picture", {"stretches": True}),
    ("Your share starts at 0. It runs from share[0] to share[1].",
     "share_from_zero", {"from_zero": True}),
    ("Your sides are cut off. Round them to the nearest whole number.", "cut_off", {"cuts": True}),
    ("The last corner is never drawn: there are H − h + 1 places for the top, not H − h.",
     "last_place_missing", {"no_last": True}),
    ("You used number 2 for left and number 3 for top. Top first.",
     "corner_swapped", {"swapped_corner": True}),
    ("You used number 0 for the ratio and number 1 for the area. The area comes first.",
     "area_and_ratio_swapped", {"swapped_first": True}),
    ("You gave left, top, width, height. Rows first: top, left, height, width.",
     "across_first", {"x_first": True}),
    ("A box that does not fit is squeezed into the picture. Its shape would be another: go on to "
     "the next row instead.", "squeezed", {"clamps": True}),
    ("You gave up after the first row. Try each in turn.", "tried_once", {"once": True}),
    ("A box exactly as large as the picture fits, and you refuse it.",
     "refuses_the_whole", {"strict": True}),
    ("A box with a side of 0 pixels is empty. It does not fit either.",
     "empty_box", {"empty": True}),
    ("When nothing fits you take the whole picture, of whatever shape. Clamp its ratio to the "
     "range first.", "whole_picture", {"whole": True}),
    ("When nothing fits you take a square. Take the largest box whose ratio is in the range.",
     "square_instead", {"square": True}),
    ("When nothing fits, your box lies at the top left. It lies in the middle.",
     "fallback_at_the_corner", {"top_left": True}),
    ("When nothing fits, the side of your box is cut off. Round it to the nearest whole number.",
     "fallback_cut_off", {"cuts_fallback": True}),
    ("Your corner or your sides are floats, and pixels are counted in whole numbers: `int(…)`.",
     "floats", {"floats": True}),
    ("Your box always lies in the middle. Numbers 2 and 3 place it.",
     "always_centred", {"centred": True}),
    ("You use the usual ranges whatever was given. They are only the defaults.",
     "fixed_ranges", {"defaults": True}),
))  # fmt: skip

_SIDES = "min(width, round(height * high))", "min(height, round(width / low))"
for _swapped in (
    ("min(round(height * high), width)", _SIDES[1]),
    (_SIDES[0], "min(round(width / low), height)"),
):
    random_crop_box.equivalent(
        f"`w, h = ({_SIDES[0]}, {_SIDES[1]})` → `w, h = ({_swapped[0]}, {_swapped[1]})`",
        because="the smaller of two does not depend on which comes first",
    )
random_crop_box.hint(
    "One row: area, ratio, the two sides, does it fit? If so the corner, and return."
)
random_crop_box.hint(
    "w · h = area and w / h = ratio. Multiply the two equations: w² = area · ratio."
)
random_crop_box.hint("`math.exp(math.log(a) + u * (math.log(b) - math.log(a)))` is log-uniform.")
random_crop_box.hint(
    "There are H − h + 1 places for the top: `int(u * (height - h + 1))`.", when="value"
)
random_crop_box.hint(
    "After the loop: is width / height above the range, below it, or inside?",
    when="falls back on the largest middle of an allowed shape",
)

# --------------------------------------------------------------------------- normalise

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


_name_habits(normalise, _normalise, (
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

# ---------------------------------------------------------------------------- evaluate

evaluate = Exercise("evaluate", minutes=15, difficulty=2, changes=("model",))


class Readout(nn.Module):
    """A model whose logits are its input, and which remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training or self.norm.training)
        self.recorded.append(torch.is_grad_enabled())
        return x

    def __repr__(self) -> str:
        return "a model"


def _right_by_loop(batches: list, k: int) -> float:
    right = count = 0
    for logits, labels in batches:
        for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
            if label < 0:
                continue
            count += 1
            rivals = [z for place, z in enumerate(row) if place != label and z >= row[label]]
            right += len(rivals) < k and not any(map(math.isnan, row))
    return right / count


def _expect_shares(answer, batches: list, what: str) -> None:
    found = answer(Readout(), batches)
    expected = [_right_by_loop(batches, 1), _right_by_loop(batches, 5)]
    expect(found, what).close_to(expected, atol=1e-6)


def _shuffled_logits(draw: Draw, n: int, classes: int) -> Tensor:
    """Different logits in every row, so that there are no ties."""
    return torch.tensor(np.argsort(draw.rng.random((n, classes)), axis=1), dtype=torch.float32)


@evaluate.property("counts the rank of the right class, for 1 and for 5", trials=5)
def _(answer, draw: Draw) -> None:
    n = 4 * draw.size
    _expect_shares(answer, [(_shuffled_logits(draw, n, 9), _labels(draw, 9, n))], "top-1 and top-5")


@evaluate.property("weighs every picture alike, the short last batch included", trials=3)
def _(answer, draw: Draw) -> None:
    batches = []
    for n, rank in ((6, 0), (6, 3), (2, 7)):
        logits = _shuffled_logits(draw, n, 9)
        labels = logits.argsort(dim=1, descending=True)[:, rank].clone()
        labels[0] = logits[0].argsort(descending=True)[draw.integers(0, 9)]
        batches.append((logits, labels))
    _expect_shares(answer, batches, "top-1 and top-5")


@evaluate.property("decides ties against the model", trials=2)
def _(answer, draw: Draw) -> None:
    logits = torch.tensor(draw.integers(0, 3, 12, 8), dtype=torch.float32)
    _expect_shares(answer, [(logits, _labels(draw, 8, 12))], "with ties")
    _expect_shares(answer, [(torch.zeros(4, 8), torch.tensor([0, 1, 4, 7]))], "all logits equal")
    last = torch.tensor([[2.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]])
    _expect_shares(answer, [(last, torch.tensor([6]))], "a tie for the last place of five")


@evaluate.property("counts a row with NaN in it as wrong", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = _shuffled_logits(draw, 6, 8), torch.arange(6)
    logits[labels, labels] = 10.0
    logits[0], logits[1, 7], logits[2, 2] = math.nan, math.nan, math.nan
    _expect_shares(answer, [(logits, labels)], "with NaN in 3 rows of 6")


@evaluate.property("takes an infinite logit for a number", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = _shuffled_logits(draw, 6, 8), torch.arange(6)
    logits[labels, labels] = 10.0
    logits[:2, 6:], logits[2, 2] = -math.inf, math.inf  # two classes are ruled out; one is certain
    logits[3, 7] = math.inf
    _expect_shares(answer, [(logits, labels)], "with infinite logits in 4 rows of 6")


@evaluate.property("leaves out the rows that fill up a batch", trials=2)
def _(answer, draw: Draw) -> None:
    batches = [(_shuffled_logits(draw, 5, 7), _labels(draw, 7, 5)) for _ in range(3)]
    batches[-1][1][2:] = -1
    batches[-2][1][1] = -1
    _expect_shares(answer, batches, "with labels of −1")


@evaluate.property("has everything right in the top 5 of fewer than six classes", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_shares(answer, [(_shuffled_logits(draw, 7, 3), _labels(draw, 3, 7))], "of 3 classes")


@evaluate.property("uses evaluation mode and no graph, and puts the mode back", trials=1)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = Readout().train(training)
        answer(model, [(_shuffled_logits(draw, 2, 6), _labels(draw, 6, 2)) for _ in range(2)])
        expect(any(model.modes), "training mode at any batch").equals(False)
        expect(any(model.recorded), "gradients recorded at any batch").equals(False)
        expect(model.training, "training mode afterwards").equals(training)
        expect(model.norm.training, "training mode of its layers afterwards").equals(training)


@evaluate.property("returns two plain floats", trials=1)
def _(answer, draw: Draw) -> None:
    found = answer(Readout(), [(_shuffled_logits(draw, 2, 6), _labels(draw, 6, 2))])
    expect(all(isinstance(share, float) for share in found), "whether both are floats").equals(True)


def _evaluate(model, batches, **habits):
    was = model.training
    if not habits.get("same_mode"):
        model.eval()
    right, count, means = np.zeros(2), 0, []
    batches = batches[:-1] or batches if habits.get("drops_last") else batches
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for images, labels in batches:
            logits = model(images)
            if habits.get("topk"):
                best = logits.topk(min(5, logits.shape[1]), dim=1).indices
                hit = best == labels[:, None]
                hits = torch.stack([hit[:, 0], hit.any(1)]).double()
            else:
                own = logits.gather(1, labels.clamp(min=0)[:, None])
                larger, equal = (logits > own).sum(1), (logits == own).sum(1)
                rivals = larger if habits.get("kind") else larger + equal - 1
                hits = torch.stack([rivals < 1, rivals < habits.get("five", 5)]).double()
                if habits.get("finite_only"):
                    hits *= logits.isfinite().all(1)
                elif not habits.get("nan_right"):
                    hits *= ~logits.isnan().any(1)
                if habits.get("apart"):
                    hits[1] -= hits[0]
            real = labels >= 0
            hits *= real
            n = len(labels) if habits.get("counts_padding") else int(real.sum())
            right, count = right + hits.sum(1).numpy(), count + n
            means.append(hits.sum(1).numpy() / n)
    model.train(True if habits.get("to_training") else was)
    if habits.get("stays"):
        model.eval()
    shares = np.mean(means, axis=0) if habits.get("means") else right / count
    shares = 100 * shares if habits.get("per_cent") else shares
    shares = 1 - shares if habits.get("errors") else shares
    shares = right if habits.get("counts") else shares
    shares = shares[::-1] if habits.get("five_first") else shares
    if habits.get("tensors"):
        return torch.tensor(shares[0]), torch.tensor(shares[1])
    return float(shares[0]), float(shares[1])


_name_habits(evaluate, _evaluate, (
    ("You averaged the accuracies of the batches, so that a picture in the short last batch weighs "
     "more. Add up, divide once.", "mean_of_means", {"means": True}),
    ("The last batch is missing. It counts.", "last_batch_dropped", {"drops_last": True}),
    ("`topk` and `argmax` decide ties by the place of the class, often for the model: one whose "
     "logits are all equal is then right about class 0. Count the rivals whose logit is at least "
     "as large. (NaN would win the first place too.)", "ties_by_place", {"topk": True}),
    ("You count only rivals with a *larger* logit, so that all ties go to the model: with equal "
     "logits everywhere it would be always right.", "ties_for_the_model", {"kind": True}),
    ("A row of NaN counts as right: every comparison with NaN is False, so that it has no rivals. "
     "A network that has blown up would score 100 %.", "nan_is_right", {"nan_right": True}),
    ("You count a row with an infinite logit as wrong. Only NaN makes it wrong: −∞ is what a class "
     "has that is ruled out. `isnan`, not `isfinite`.", "finite_only", {"finite_only": True}),
    ("Rows with label −1 are in your count. They only fill up the batch.",
     "padding_counted", {"counts_padding": True}),
    ("You allow five rivals in the top 5. The right class is one of the five: four at most.",
     "six_places", {"five": 6}),
    ("Your top-5 leaves out those that are right at once. They are among the five as well.",
     "top_five_without_first", {"apart": True}),
    ("The model is in whichever mode it came. Call model.eval() first: with batch norm a picture's "
     "answer must not depend on its batch.", "mode_as_it_came", {"same_mode": True}),
    ("Gradients are recorded, which costs memory for nothing: torch.no_grad().",
     "records_gradients", {"records": True}),
    ("The model is left in evaluation mode. Put it back into the mode it came in.",
     "left_in_evaluation", {"stays": True}),
    ("The model is always left in training mode. Put it back into the mode it came in.",
     "left_in_training", {"to_training": True}),
    ("You returned per cent. Shares, from 0 to 1.", "per_cent", {"per_cent": True}),
    ("You returned the share that is wrong.", "errors_instead", {"errors": True}),
    ("You returned how many are right. Divide by how many there are.", "counts", {"counts": True}),
    ("Top-5 stands before top-1.", "five_first", {"five_first": True}),
    ("You returned tensors. `float(…)` makes plain numbers.", "tensors", {"tensors": True}),
))  # fmt: skip

evaluate.hint("Three numbers to add up over the batches: right at once, right among five, all.")
evaluate.hint("`logits.gather(1, labels[:, None])` is the logit of each right class.")
evaluate.hint("Rivals: how many of a row's logits are at least as large, less the class itself.")
evaluate.hint("Take the rows with `labels >= 0` before anything else.", when="error")
evaluate.hint("Divide at the end, once, by the number of pictures.", when="value")
evaluate.hint("What does NaN >= NaN give?", when="counts a row with NaN in it as wrong")

# ----------------------------------------------------------------------- smoothed_loss

smoothed_loss = Exercise("smoothed_loss", minutes=10, difficulty=2)


def _smoothed_by_loop(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    total = 0.0
    for row, label in zip(logits.double().numpy(), labels.tolist(), strict=True):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        wanted = np.full(len(row), smoothing / len(row))
        wanted[label] += 1 - smoothing
        total -= float(wanted @ logs)
    return total / len(logits)


@smoothed_loss.property("is the cross-entropy with the smoothed target", trials=5)
def _(answer, draw: Draw) -> None:
    classes = draw.choice([2, 4, 7])
    logits, labels = normals(draw, draw.size, classes), _labels(draw, classes, draw.size)
    smoothing = draw.choice([0.1, 0.2, 0.5])
    found = answer(logits, labels, smoothing)
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, smoothing))


@smoothed_loss.property("is the plain cross-entropy at 0, and knows no label at 1", trials=2)
def _(answer, draw: Draw) -> None:
    logits, labels = normals(draw, 4, 5), _labels(draw, 5, 4)
    for smoothing in (0.0, 1.0):
        expected = _smoothed_by_loop(logits, labels, smoothing)
        expect(answer(logits, labels, smoothing), f"the loss at {smoothing:g}").close_to(expected)


@smoothed_loss.property("survives logits in the hundreds", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = 300 * normals(draw, 3, 4), _labels(draw, 4, 3)
    found = answer(logits, labels, 0.1)
    expect(found, "the loss").is_finite()
    expect(found, "the loss").close_to(_smoothed_by_loop(logits, labels, 0.1))


@smoothed_loss.property("lets the gradient through to the logits", trials=1)
def _(answer, draw: Draw) -> None:
    loss = answer(normals(draw, 3, 4).requires_grad_(), _labels(draw, 4, 3), 0.2)
    attached = bool(getattr(loss, "requires_grad", False))
    expect(attached, "part of the graph").equals(True)


def _smoothed(logits, labels, smoothing, **habits):
    classes = logits.shape[1]
    smoothing = 0.1 if habits.get("fixed") else smoothing
    logs = logits.log_softmax(1)
    if habits.get("unstable"):
        logs = (logits.exp() / logits.exp().sum(1, keepdim=True)).log()
    if habits.get("padded"):
        logs = (logits.softmax(1) + habits["padded"]).log()
    if habits.get("raw"):
        logs = logits
    if habits.get("twice"):
        logs = logits.softmax(1).log_softmax(1)
    if habits.get("columns"):
        logs = logits.log_softmax(0)
    hot = F.one_hot(labels, classes).to(logs.dtype)
    wanted = (1 - smoothing) * hot + smoothing / classes
    if habits.get("others"):
        wanted = (1 - smoothing) * hot + (1 - hot) * smoothing / (classes - 1)
    if habits.get("short"):
        wanted = (1 - smoothing) * hot + (1 - hot) * smoothing / classes
    if habits.get("right_only"):
        wanted = (1 - smoothing) * hot
    if habits.get("undivided"):
        wanted = (1 - smoothing) * hot + smoothing
    if habits.get("plain"):
        wanted = hot
    if habits.get("swapped"):
        wanted = smoothing * hot + (1 - smoothing) / classes
    loss = -(wanted * logs)
    if habits.get("over_all"):
        return loss.mean()
    loss = loss.sum(1)
    loss = -loss if habits.get("sign") else loss
    loss = loss.sum() if habits.get("summed") else loss
    loss = loss.mean() if loss.ndim and not habits.get("each") else loss
    return loss.item() if habits.get("number") else loss


_name_habits(smoothed_loss, _smoothed, (
    ("You spread ε over the K − 1 *other* classes. The page spreads it over all K, the right one "
     "included, as F.cross_entropy does.", "over_the_others", {"others": True}),
    ("Your target adds up to less than 1: the right class gets 1 − ε *and* its own ε/K.",
     "right_class_short", {"short": True}),
    ("The other classes get nothing in your target. Each gets ε/K.",
     "right_class_only", {"right_only": True}),
    ("Each class gets ε. It is ε/K.", "not_divided_by_classes", {"undivided": True}),
    ("`smoothing` is not used.", "plain_cross_entropy", {"plain": True}),
    ("You smooth by 0.1 always. Use the number that was given.",
     "fixed_smoothing", {"fixed": True}),
    ("ε and 1 − ε have changed places.", "shares_swapped", {"swapped": True}),
    ("You averaged over the classes too. Sum over the classes, mean over the batch.",
     "mean_over_classes", {"over_all": True}),
    ("You summed over the batch. Take the mean.", "summed_over_batch", {"summed": True}),
    ("You returned one loss for each picture. Take their mean.", "one_for_each", {"each": True}),
    ("The sign is missing: cross-entropy is *minus* the sum.", "without_minus", {"sign": True}),
    ("The logits are no logarithms of probabilities: `log_softmax` first.",
     "logits_as_they_are", {"raw": True}),
    ("You took the softmax twice. `log_softmax` of the logits is enough.",
     "softmax_twice", {"twice": True}),
    ("Your softmax runs over the batch. It runs over the classes, axis 1.",
     "softmax_over_batch", {"columns": True}),
    ("Exponential and logarithm apart overflow for large logits: `log_softmax`.",
     "overflows", {"unstable": True}),
    *((f"The {tiny:g} that you add inside the logarithm keeps it finite, and wrong: no probability "
       "can count as less than that. `log_softmax` needs no such number.",
       f"adds_{tiny:g}", {"padded": tiny}) for tiny in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)),
    ("You returned a plain number, so that nothing can be learned from it. Return the tensor.",
     "plain_number", {"number": True}),
))  # fmt: skip

smoothed_loss.hint("The target of one row: ε/K everywhere, and 1 − ε more at the label.")
smoothed_loss.hint("−Σ target · log softmax splits into two sums: one at the label, one over all.")
smoothed_loss.hint("`logs.gather(1, labels[:, None])` and `logs.mean(1)`.", when="value")
smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="infinite")
smoothed_loss.hint("`logits.log_softmax(1)` never overflows.", when="nan")
smoothed_loss.hint("One number for the whole batch.", when="shape")

# -------------------------------------------------------------------------- mixed_loss

mixed_loss = Exercise("mixed_loss", minutes=12, difficulty=2, changes=("model",))


class Seeing(nn.Module):
    """A linear model that keeps what it was shown."""

    def __init__(self, draw: Draw, classes: int = 3) -> None:
        super().__init__()
        self.matrix = nn.Parameter(normals(draw, classes, 4))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return x.flatten(1) @ self.matrix.T

    def __repr__(self) -> str:
        return "a model"


def _mixing(draw: Draw, n: int) -> tuple[Seeing, Tensor, Tensor, Tensor]:
    """A model, pictures of 4 pixels, labels, and an order that is not its own inverse."""
    order = torch.tensor(draw.rng.permutation(n))
    return Seeing(draw), normals(draw, n, 1, 2, 2), _labels(draw, 3, n), order


def _mixed_by_loop(model, images, labels, share, order, smoothing) -> tuple[Any, float]:
    partners = order.tolist()
    mixed = torch.stack(
        [share * images[i] + (1 - share) * images[j] for i, j in enumerate(partners)]
    )
    logits = mixed.flatten(1).double() @ model.matrix.detach().double().T
    both = (share, labels.tolist()), (1 - share, [int(labels[j]) for j in partners])
    total = 0.0
    for row, *pair in zip(logits.numpy(), both[0][1], both[1][1], strict=True):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        for (part, _), label in zip(both, pair, strict=True):
            total -= part * ((1 - smoothing) * logs[label] + smoothing * logs.mean())
    return mixed, total / len(images)


@mixed_loss.property("shows the mixed pictures once, and asks for both labels", trials=5)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, draw.size + 2)
    share = draw.uniform(0.55, 0.95)
    share = share if draw.size % 2 else round(1 - share, 2)
    mixed, loss = _mixed_by_loop(model, images, labels, share, order, 0.0)
    found = answer(model, images, labels, share, order)
    expect(len(model.seen), "how often the model was called").equals(1)
    expect(model.seen[0] if model.seen else None, "what the model saw").close_to(mixed)
    expect(found, "the loss").close_to(loss)


@mixed_loss.property("smooths both targets by as much as it is told", trials=3)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 5)
    share, smoothing = draw.uniform(0.1, 0.9), draw.choice([0.1, 0.3])
    _, loss = _mixed_by_loop(model, images, labels, share, order, smoothing)
    expect(answer(model, images, labels, share, order, smoothing), "the loss").close_to(loss)


@mixed_loss.property(
    "mixes nothing where the share is 1, or a picture is its own partner", trials=1
)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    for share, partners in ((1.0, order), (0.6, torch.arange(4))):
        _, loss = _mixed_by_loop(model, images, labels, 1.0, order, 0.0)
        expect(answer(model, images, labels, share, partners), "the loss").close_to(loss)


@mixed_loss.property("lets the gradient through to the model", trials=1)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    loss = answer(model, images, labels, 0.7, order)
    attached = bool(getattr(loss, "requires_grad", False))
    expect(attached, "part of the graph").equals(True)


def _mix(model, images, labels, share, order, smoothing=0.0, **habits):
    def loss(logits, wanted):
        amount = habits.get("amount", smoothing)
        return F.cross_entropy(logits, wanted, label_smoothing=amount)

    partners = order.argsort() if habits.get("inverse") else order
    partners = torch.arange(len(images)).roll(1) if habits.get("rolled") else partners
    partners = torch.arange(len(images)).flip(0) if habits.get("flipped") else partners
    mixed = share * images + (1 - share) * images[partners]
    if habits.get("pictures_swapped"):
        mixed = (1 - share) * images + share * images[partners]
    if habits.get("unmixed"):
        mixed = images
    if habits.get("in_place"):
        images.mul_(share).add_((1 - share) * images[partners])
        mixed = images
    others = labels if habits.get("own_label") else labels[partners]
    if habits.get("two_passes"):
        return share * loss(model(images), labels) + (1 - share) * loss(
            model(images[order]), others
        )
    if habits.get("mixed_logits"):
        logits = share * model(images) + (1 - share) * model(images[partners])
    else:
        logits = model(mixed)
    if habits.get("loudest"):
        return loss(logits, labels if share >= 0.5 else others)
    if habits.get("even"):
        return (loss(logits, labels) + loss(logits, others)) / 2
    if habits.get("added"):
        return loss(logits, labels) + loss(logits, others)
    if habits.get("swapped"):
        return (1 - share) * loss(logits, labels) + share * loss(logits, others)
    total = share * loss(logits, labels) + (1 - share) * loss(logits, others)
    return total.item() if habits.get("number") else total


_name_habits(mixed_loss, _mix, (
    ("You asked for the picture's own label alone. The partner's counts too, with 1 − share.",
     "own_label_only", {"own_label": True}),
    ("The weights of the two labels have changed places: the picture's own label weighs `share`.",
     "labels_swapped", {"swapped": True}),
    ("The weights of the two pictures have changed places: each picture itself weighs `share`.",
     "pictures_swapped", {"pictures_swapped": True}),
    ("The pictures are not mixed, only the labels.", "pictures_unmixed", {"unmixed": True}),
    ("You showed the model the pictures apart and mixed the losses. Mix the pictures, and show the "
     "mixture: one pass.", "two_passes", {"two_passes": True}),
    ("You mixed the model's outputs. Mix its inputs: one pass.",
     "mixed_logits", {"mixed_logits": True}),
    ("Your partners are the inverse order: the partner of picture i is picture order[i].",
     "inverse_order", {"inverse": True}),
    ("Your partner is always the neighbour. Use `order`.", "neighbours", {"rolled": True}),
    ("Your partner is the picture at the mirrored place. Use `order`.",
     "mirrored", {"flipped": True}),
    ("You asked only for the label that weighs more. Both count, by their weights.",
     "louder_label", {"loudest": True}),
    ("Both labels weigh a half in your loss. They weigh share and 1 − share.",
     "even_labels", {"even": True}),
    ("You added the two losses unweighted.", "unweighted", {"added": True}),
    ("`smoothing` is not used.", "smoothing_unused", {"amount": 0.0}),
    ("You smooth by 0.1 always. Use the number that was given.",
     "smoothing_fixed", {"amount": 0.1}),
    ("You returned a plain number, so that nothing can be learned from it. Return the tensor.",
     "plain_loss", {"number": True}),
))  # fmt: skip

mixed_loss.hint("Mix, one pass, then the loss against each of the two labels.")
mixed_loss.hint("`images[order]` are the partners, `labels[order]` their labels.")
mixed_loss.hint("Weigh the two losses by share and 1 − share.", when="value")
mixed_loss.hint("`images.mul_(…)` would change the pictures you were given.", when="changes input")

# ----------------------------------------------------------------------- learning_rate

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2)


def _rate_by_sine(step: int, steps: int, warm_up: int, batch: int, base: float = 0.1) -> float:
    """The schedule from the square of a sine: cos² of half the way."""
    peak = base * batch / 256
    if step < warm_up:
        return float(np.interp(step, [-1, warm_up], [0, peak]))
    way = np.interp(step, [warm_up, steps], [0, 1])
    return float(peak * np.sin(math.pi / 2 * (1 - way)) ** 2)


@learning_rate.property("rises in a line and falls along half a cosine", trials=5)
def _(answer, draw: Draw) -> None:
    warm_up = draw.integers(1, 5)
    steps, batch = warm_up + draw.size + 2, draw.choice([64, 256, 1024])
    found = [answer(step, steps, warm_up, batch) for step in range(steps)]
    expected = [_rate_by_sine(step, steps, warm_up, batch) for step in range(steps)]
    expect(found, "the rates").close_to(expected, rtol=1e-4)


@learning_rate.property("grows with the batch, and with the rate of 256", trials=3)
def _(answer, draw: Draw) -> None:
    batch, base = draw.choice([32, 128, 512, 4096]), draw.uniform(0.05, 0.6)
    found = [answer(step, 9, 3, batch, base) for step in range(9)]
    expect(found, "the rates").close_to([_rate_by_sine(s, 9, 3, batch, base) for s in range(9)])


@learning_rate.property("starts at the peak without warm-up", trials=1)
def _(answer, draw: Draw) -> None:
    batch = draw.choice([64, 512])
    found = [answer(step, 6, 0, batch) for step in range(6)]
    expect(found, "the rates").close_to([_rate_by_sine(s, 6, 0, batch) for s in range(6)])


def _scheduled(step, steps, warm_up, batch, base=0.1, **habits):
    peak = base * habits.get("scale", lambda n: n / 256)(batch)
    if habits.get("default_base"):
        peak = 0.1 * batch / 256
    if step < warm_up and not habits.get("no_warm_up"):
        if habits.get("from_nothing"):
            return peak * step / warm_up
        if habits.get("reaches_early"):
            return peak * (step + 1) / warm_up
        if habits.get("from_base"):
            return base + (peak - base) * (step + 1) / (warm_up + 1)
        return peak * (step + 1) / (warm_up + 1)
    if habits.get("no_warm_up"):
        warm_up = 0
    way = (step - warm_up) / (steps - warm_up)
    way = step / steps if habits.get("whole") else way
    way = (step - warm_up) / steps if habits.get("unscaled") else way
    if habits.get("late"):
        way = (step - warm_up + 1) / (steps - warm_up)
    if habits.get("to_zero"):
        way = (step - warm_up) / max(1, steps - 1 - warm_up)
    way = (step + 0.5 - warm_up) / (steps - warm_up) if habits.get("middle") else way
    if habits.get("line"):
        return peak * (1 - way)
    if habits.get("steps"):
        return peak * 0.1 ** int(3 * way)
    if habits.get("turn"):
        return peak * (1 + math.cos(2 * math.pi * way)) / 2
    if habits.get("quarter"):
        return peak * math.cos(math.pi * way / 2)
    if habits.get("unhalved"):
        return peak * (1 + math.cos(math.pi * way))
    if habits.get("rises"):
        return peak * (1 - math.cos(math.pi * way)) / 2
    return peak * (1 + math.cos(math.pi * way)) / 2


_name_habits(learning_rate, _scheduled, (
    ("Your rate does not depend on the batch. The linear rule: base · batch / 256.",
     "batch_ignored", {"scale": lambda n: 1}),
    ("You scaled by the root of the batch. That is a rule for Adam; for SGD the rule is linear.",
     "root_of_the_batch", {"scale": lambda n: math.sqrt(n / 256)}),
    ("Your rate falls with the batch: multiply by batch / 256.",
     "upside_down", {"scale": lambda n: 256 / n}),
    ("`base` is the rate for 256 pictures: divide the batch by 256.",
     "undivided_batch", {"scale": lambda n: n}),
    ("`//` cuts the fraction off: a batch of 64 is a quarter of 256, not 0 times.",
     "fraction_cut_off", {"scale": lambda n: n // 256}),
    ("`base` is not used.", "base_unused", {"default_base": True}),
    ("Your first step has a rate of 0 and is wasted: count from 1, (step + 1) / (warm_up + 1).",
     "first_step_wasted", {"from_nothing": True}),
    ("Your warm-up reaches the peak one step early. Its last step stands one equal stride below: "
     "(step + 1) / (warm_up + 1).", "peak_early", {"reaches_early": True}),
    ("Your warm-up starts from `base`. Here it starts from 0, one stride up.",
     "from_the_base", {"from_base": True}),
    ("There is no warm-up.", "no_warm_up", {"no_warm_up": True}),
    ("Your cosine starts with the training, not where the warm-up ends.",
     "cosine_from_the_start", {"whole": True}),
    ("Your cosine does not come down: divide by the steps that are left, steps − warm_up.",
     "cosine_too_slow", {"unscaled": True}),
    ("Your last step has a rate of exactly 0 and is wasted. Divide by steps − warm_up, not one "
     "less.", "last_step_wasted", {"to_zero": True}),
    ("Your fall is one step ahead: at step warm_up the rate is the peak itself.",
     "one_step_ahead", {"late": True}),
    ("You measured in the middle of the step, as on rung 10. Here it is the step's number.",
     "middle_of_the_step", {"middle": True}),
    ("Your rate falls in a line. Half a cosine.", "linear_fall", {"line": True}),
    ("Your rate falls in stairs, as in the older recipe. Half a cosine.",
     "stairs", {"steps": True}),
    ("Your cosine makes a whole turn, back up to the peak.", "whole_turn", {"turn": True}),
    ("You used a quarter of the cosine. It falls from 1 to −1: half a turn, shifted and halved.",
     "quarter_turn", {"quarter": True}),
    ("1 + cos runs from 2 to 0. Halve it.", "not_halved_cosine", {"unhalved": True}),
    ("Your rate rises after the warm-up: plus the cosine.", "rises_on", {"rises": True}),
))  # fmt: skip

learning_rate.equivalent(
    "`if step < warm_up:` → `if step <= warm_up:`",
    because="both formulas give the peak at step warm_up",
)
learning_rate.hint("The peak first. Then two cases: before warm_up, and from it on.")
learning_rate.hint("`(step + 1) / (warm_up + 1)` climbs in equal strides and is 1 at step warm_up.")
learning_rate.hint("How far the fall has come: (step − warm_up) / (steps − warm_up).", when="value")
learning_rate.hint("By hand: base 0.1, batch 512: the peak is 0.2.", when="factor")

# ----------------------------------------------------------------------- MovingAverage

MovingAverage = Exercise("MovingAverage", minutes=20, difficulty=2, changes=("model",))


class Small(nn.Module):
    """Parameters, a batch norm with its buffers, and a buffer of whole numbers."""

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self.matrix = nn.Parameter(normals(draw, 2, 3))
        self.norm = nn.BatchNorm1d(3)
        self.renew(draw, 0)

    def renew(self, draw: Draw, batches: int) -> None:
        """New numbers everywhere, as a step of training would give."""
        with torch.no_grad():
            counted = [part for part in self.norm.buffers() if part.is_floating_point()]
            for part in (*self.parameters(), *counted):
                part.copy_(normals(draw, *part.shape))
            self.norm.get_buffer("num_batches_tracked").fill_(batches)

    def floats(self) -> list[np.ndarray]:
        """Everything but the counter, in the order of the state."""
        return [t.double().numpy().copy() for t in self.state_dict().values() if t.ndim]

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x @ self.matrix)

    def __repr__(self) -> str:
        return "a model"


def _weights_of_the_past(count: int, half_life: float) -> np.ndarray:
    """What each of `count` states weighs in the average, the oldest first."""
    keep = 2.0 ** (-1 / half_life)
    kept = [min(keep, t / (t + 1)) for t in range(count)]
    return np.array([(1 - kept[t]) * math.prod(kept[t + 1 :]) for t in range(count)])


def _averaged_states(answer, draw: Draw, count: int, half_life: float) -> tuple[Any, list, Small]:
    """The average after `count` updates, what it should hold, and the live model."""
    live = Small(draw)
    average = answer(live, half_life)
    past = []
    for t in range(count):
        live.renew(draw, 10 + t)
        past.append(live.floats())
        average.update(live)
    weights = _weights_of_the_past(count, half_life)
    wanted = [sum(w * part for w, part in zip(weights, parts, strict=True))
              for parts in zip(*past, strict=True)]  # fmt: skip
    return average, wanted, live


def _floats_of(model: Any) -> list[Tensor]:
    state = model.state_dict().values()
    return [t.detach().clone() for t in state if t.ndim]


PARTS = ("matrix", "scale", "shift", "running mean", "running variance")


@MovingAverage.property("is a plain mean while it is young", trials=3)
def _(answer, draw: Draw) -> None:
    average, wanted, _ = _averaged_states(answer, draw, draw.size, 100.0)
    for name, found, right in zip(PARTS, _floats_of(average.model), wanted, strict=True):
        expect(found, f"the {name}").close_to(right, rtol=1e-3, atol=1e-4)


@MovingAverage.property("forgets half in a half-life once it is older", trials=3)
def _(answer, draw: Draw) -> None:
    half_life = draw.choice([1.0, 1.5, 2.0, 4.0])
    average, wanted, _ = _averaged_states(answer, draw, 7 + draw.size, half_life)
    for name, found, right in zip(PARTS, _floats_of(average.model), wanted, strict=True):
        expect(found, f"the {name}").close_to(right, rtol=1e-3, atol=1e-4)


@MovingAverage.property("starts as a copy, and copies the counter of batches", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    average = answer(live, 5.0)
    for name, found, right in zip(PARTS, _floats_of(average.model), live.floats(), strict=True):
        expect(found, f"the {name} before any update").close_to(right)
    for count in (7, 30):
        live.renew(draw, count)
        average.update(live)
        counter = average.model.norm.num_batches_tracked
        expect(counter, "the counter of batches").close_to(count, atol=1e-6)
        expect(counter, "the counter of batches").has_dtype("int64")


@MovingAverage.property("is in evaluation mode and asks for no gradient", trials=1)
def _(answer, draw: Draw) -> None:
    average, _, live = _averaged_states(answer, draw, 3, 5.0)
    expect(average.model.training, "training mode of the average").equals(False)
    expect(average.model.norm.training, "training mode of its layers").equals(False)
    asking = sum(part.requires_grad for part in average.model.parameters())
    expect(asking, "how many averaged parameters ask for a gradient").equals(0)
    history = sum(part.grad_fn is not None for part in average.model.state_dict().values())
    expect(history, "how many averaged tensors have a history").equals(0)


@MovingAverage.property("leaves the live model alone", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw).train()
    before = live.floats()
    average = answer(live, 2.0)
    average.update(live)
    average.update(live)
    for name, found, right in zip(PARTS, _floats_of(live), before, strict=True):
        expect(found, f"the live {name}").close_to(right)
    expect(live.training, "training mode of the live model").equals(True)
    asking = sum(part.requires_grad for part in live.parameters())
    expect(asking, "how many live parameters ask for a gradient").equals(3)
    shared = {t.data_ptr() for t in live.state_dict().values()} & {
        t.data_ptr() for t in average.model.state_dict().values()
    }
    expect(len(shared), "how many tensors the two share").equals(0)


class _Average:
    """A right average, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, model, half_life):
        habits = self.habits
        self.keep = 0.5 ** (1 / half_life)
        if "time_constant" in habits:
            self.keep = math.exp(-1 / half_life)
        if "one_less" in habits:
            self.keep = 1 - 1 / half_life
        if "as_given" in habits:
            self.keep = 0.5**half_life
        self.updates = 0
        if "live" in habits:
            self.model = model
            return
        self.model = copy.deepcopy(model)
        if "training" not in habits:
            self.model.eval()
        if "asks" not in habits:
            self.model.requires_grad_(False)
        if "stops_the_live" in habits:
            model.requires_grad_(False)
        if "evaluates_live" in habits:
            model.eval()

    def _share(self):
        habits, t = self.habits, self.updates
        if "from_the_start" in habits:
            return self.keep
        if "copies_once" in habits:
            return self.keep if t else 0.0
        if "one_late" in habits:
            return min(self.keep, (t + 1) / (t + 2))
        if "larger" in habits:
            return max(self.keep, t / (t + 1))
        if "mean" in habits:
            return t / (t + 1)
        return min(self.keep, t / (t + 1))

    def update(self, model):
        habits, keep = self.habits, self._share()
        keep = 1 - keep if "swapped" in habits else keep
        self.updates += 1
        buffers = {name for name, _ in model.named_buffers()}
        new = model.state_dict()
        for name, old in self.model.state_dict().items():
            if "no_buffers" in habits and name in buffers:
                continue
            if "copies_buffers" in habits and name in buffers:
                old.copy_(new[name])
            elif "old_buffers" in habits and name in buffers and old.is_floating_point():
                old.mul_(self.keep).add_(new[name], alpha=1 - self.keep)
            elif not old.is_floating_point():
                if "averages_counter" in habits:
                    old.copy_(keep * old + (1 - keep) * new[name])
                elif "leaves_counter" not in habits:
                    old.copy_(new[name])
            elif "adds" in habits:
                old.add_(new[name], alpha=1 - keep)
            elif "replaces" in habits:
                old.copy_(new[name])
            else:
                old.mul_(keep).add_(new[name], alpha=1 - keep)


for _message, _name, _habit in (
    ("keep and 1 − keep have changed places: the old average weighs `keep`.",
     "SharesSwapped", "swapped"),
    ("After `half_life` updates your average has forgotten 63 %, not half: keep = ½^(1/half-life).",
     "TimeConstant", "time_constant"),
    ("keep = 1 − 1/half-life is a time constant, not a half-life: keep = ½^(1/half-life).",
     "OneLessTheInverse", "one_less"),
    ("keep is ½ to the power *one over* the half-life.", "PowerUpsideDown", "as_given"),
    ("Your average remembers the random weights it started from. At the first update it takes the "
     "live weights whole: keep is at most t / (t + 1).", "RemembersTheStart", "from_the_start"),
    ("Your first update copies, and from the second on `keep` is the full one: the first state "
     "weighs far too much for long. keep is at most t / (t + 1).", "CopiesOnce", "copies_once"),
    ("Updates count from 0: at the first, t / (t + 1) is 0.", "CountsFromOne", "one_late"),
    ("You took the larger of keep and t / (t + 1). Take the smaller.", "TakesTheLarger", "larger"),
    ("Your average is the plain mean of all states and never forgets. From some age on keep is "
     "½^(1/half-life).", "NeverForgets", "mean"),
    ("The buffers of batch norm are not averaged. The average of the weights needs statistics that "
     "belong to it.", "BuffersForgotten", "no_buffers"),
    ("You copied the buffers from the live model. Average those of floating point, as the weights.",
     "BuffersCopied", "copies_buffers"),
    ("The buffers of your average remember their start: they are averaged as the weights are, with "
     "keep at most t / (t + 1).", "BuffersRememberTheStart", "old_buffers"),
    ("You averaged a whole number, the counter of batches. Copy it.",
     "CounterAveraged", "averages_counter"),
    ("The counter of batches stays at its start. Copy it from the live model.",
     "CounterForgotten", "leaves_counter"),
    ("Your average *is* the live model, not a copy: `copy.deepcopy`.", "SharesTheModel", "live"),
    ("Your average is left in training mode: an evaluation would change it.",
     "LeftInTraining", "training"),
    ("The averaged parameters ask for gradients. Nobody trains them: requires_grad_(False).",
     "AsksForGradients", "asks"),
    ("You switched off the gradients of the *live* model. Only the copy's.",
     "StopsTheLiveModel", "stops_the_live"),
    ("You put the *live* model into evaluation mode. Only the copy.",
     "EvaluatesTheLiveModel", "evaluates_live"),
    ("The old average is not multiplied by keep before the new part is added.",
     "AddsUp", "adds"),
    ("You copy the live model at every update, and nothing is averaged. Is every update counted?",
     "CopiesAlways", "replaces"),
):  # fmt: skip
    MovingAverage.mistake(_message)(type(_name, (_Average,), {"habits": (_habit,)}))

MovingAverage.equivalent(
    "`keep = min(self.keep, self.updates / (self.updates + 1))` → "
    "`keep = min(self.updates / (self.updates + 1), self.keep)`",
    because="the smaller of two does not depend on which comes first",
)
MovingAverage.hint("`copy.deepcopy(model)`, evaluation mode, no gradients, and a counter at 0.")
MovingAverage.hint(
    "`state_dict()` holds parameters and buffers, and writing into its tensors counts."
)
MovingAverage.hint("Old: `mul_(keep)`, then `add_(new, alpha=1 - keep)`.")
MovingAverage.hint(
    "`tensor.is_floating_point()` tells the statistics from the counter.", when="error"
)
MovingAverage.hint("By hand: after the first update the average is the live model.", when="value")
MovingAverage.hint(
    "What is keep at the second update, t = 1?", when="is a plain mean while it is young"
)

# ------------------------------------------------------------------------ shard_pieces

shard_pieces = Exercise("shard_pieces", minutes=20, difficulty=3)


def _epoch(order: list[int], sizes: list[int]) -> list[tuple[int, int]]:
    """Every sample of an epoch, (shard, place in it), in the order of reading."""
    return [(shard, place) for shard in order for place in range(sizes[shard])]


def _samples(pieces: Any) -> list[tuple[int, int]]:
    return [(int(shard), place) for shard, start, stop in pieces for place in range(start, stop)]


def _own_samples(order, sizes, reader, readers) -> list[tuple[int, int]]:
    whole = _epoch(order, sizes)
    return whole[len(whole) * reader // readers : len(whole) * (reader + 1) // readers]


def _as_pieces(samples: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    groups = itertools.groupby(samples, key=lambda sample: sample[0])
    by_shard = [(shard, [place for _, place in group]) for shard, group in groups]
    return [(shard, places[0], places[-1] + 1) for shard, places in by_shard]


def _shards(draw: Draw, count: int) -> tuple[list[int], list[int]]:
    sizes = [draw.integers(1, 9) for _ in range(count)]
    return [int(shard) for shard in draw.rng.permutation(count)], sizes


def _expect_pieces(found: Any, expected: list, name: str) -> None:
    expect([tuple(map(int, piece)) for piece in found], name).equals(expected)


@shard_pieces.property("cuts the epoch into equal stretches, shard by shard", trials=6)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, min(draw.size + 1, 8))
    readers = draw.integers(1, 5)
    reader = draw.integers(0, readers)
    expected = _as_pieces(_own_samples(order, sizes, reader, readers))
    _expect_pieces(answer(order, sizes, reader, readers), expected, "the pieces")


@shard_pieces.property("reads every sample once, by readers that differ by one at most", trials=5)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, draw.size)
    readers = draw.integers(2, 6)
    read = [_samples(answer(order, sizes, reader, readers)) for reader in range(readers)]
    counts = [len(part) for part in read]
    expect(counts, "how many samples each reader has").equals(
        [len(_own_samples(order, sizes, reader, readers)) for reader in range(readers)]
    )
    times = Counter(sum(read, []))
    missed = sum(sample not in times for sample in _epoch(order, sizes))
    expect(missed, "how many samples nobody reads").equals(0)
    expect(sum(times.values()) - len(times), "how many are read more than once").equals(0)


@shard_pieces.property("goes on after the samples that this reader has read", trials=5)
def _(answer, draw: Draw) -> None:
    order, sizes = _shards(draw, draw.size + 2)
    for readers, reader in ((1, 0), (2, 1), (3, 1)):
        mine = _own_samples(order, sizes, reader, readers)
        for done in (draw.integers(0, len(mine) + 1), len(mine)):
            found = answer(order, sizes, reader, readers, done)
            _expect_pieces(found, _as_pieces(mine[done:]), f"after {done} of {len(mine)} samples")


@shard_pieces.property("has no empty pieces, and nothing for a reader without a share", trials=2)
def _(answer, draw: Draw) -> None:
    for sizes, readers in (([3, 0, 2], 2), ([4, 4], 2), ([1], 3), ([0, 2], 1)):
        order = [int(shard) for shard in draw.rng.permutation(len(sizes))]
        for reader in range(readers):
            expected = _as_pieces(_own_samples(order, sizes, reader, readers))
            found = answer(order, sizes, reader, readers)
            _expect_pieces(found, expected, f"reader {reader} of {readers}")


def _pieces(order, sizes, reader, readers, done=0, **habits):
    total = sum(sizes)
    if habits.get("whole_shards"):
        left, pieces = done, []
        for shard in order[reader::readers]:
            skipped = min(left, sizes[shard])
            left -= skipped
            if skipped < sizes[shard]:
                pieces.append((shard, skipped, sizes[shard]))
        return pieces
    order = sorted(order) if habits.get("sorted") else order
    first, last = total * reader // readers, total * (reader + 1) // readers
    each = total // readers
    if habits.get("drops_rest"):
        first, last = each * reader, each * (reader + 1)
    if habits.get("rest_to_last"):
        first, last = each * reader, total if reader == readers - 1 else each * (reader + 1)
    if habits.get("rounds_up"):
        each = -(-total // readers)
        first, last = min(total, each * reader), min(total, each * (reader + 1))
    if habits.get("from_one"):
        first, last = total * (reader - 1) // readers, total * reader // readers
    if habits.get("everything"):
        first, last = 0, total
    if habits.get("shared_position"):
        first = max(first, done)
    elif habits.get("shifts"):
        first, last = first + done, min(total, last + done)
    elif habits.get("from_the_front"):
        last -= done
    elif habits.get("repeats_one"):
        first += max(done - 1, 0)
    elif habits.get("times_readers"):
        first += done * readers
    elif not habits.get("starts_over"):
        first += done
    pieces, position = [], 0
    for place, shard in enumerate(order):
        size = sizes[place if habits.get("sizes_by_place") else shard]
        start, stop = max(first - position, 0), min(last - position, size)
        if habits.get("in_the_epoch"):
            start, stop = start + position, stop + position
        if start < stop or (habits.get("keeps_empty") and stop >= 0 and start <= size):
            if habits.get("lengths"):
                stop -= start
            if habits.get("inclusive"):
                stop -= 1
            pieces.append((place if habits.get("places") else shard, start, stop))
        position += size
    return pieces


_name_habits(shard_pieces, _pieces, (
    ("You dealt out whole shards, so that one reader gets more samples than another, and some "
     "perhaps none. Cut the epoch's samples, not its shards.",
     "whole_shards", {"whole_shards": True}),
    ("You read the shards by number. The epoch's order is `order`.", "by_number", {"sorted": True}),
    ("The samples that do not divide are dropped. Every sample is read.",
     "rest_dropped", {"drops_rest": True}),
    ("The last reader gets all that does not divide. Shares differ by one at most: "
     "⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.", "rest_to_the_last", {"rest_to_last": True}),
    ("Your shares are rounded up, so that the last reader gets too few. ⌊N·r/R⌋ to ⌊N·(r + 1)/R⌋.",
     "shares_rounded_up", {"rounds_up": True}),
    ("Readers count from 0.", "readers_from_one", {"from_one": True}),
    ("Every reader reads everything: `reader` and `readers` are not used.",
     "reads_everything", {"everything": True}),
    ("`done` is not used: after a restart the epoch begins anew.",
     "starts_over", {"starts_over": True}),
    ("`done` counts this reader's own samples. You took it as a place in the whole epoch.",
     "place_in_the_epoch", {"shared_position": True}),
    ("You moved the end along with the start, so that this reader takes what is its neighbour's.",
     "end_moved_too", {"shifts": True}),
    ("You left out the last samples. Those that are done are the first.",
     "last_left_out", {"from_the_front": True}),
    ("The last sample that was read comes again: start at `done`, not one before.",
     "one_repeated", {"repeats_one": True}),
    ("You multiplied `done` by the number of readers. It counts this reader's own samples.",
     "done_of_all", {"times_readers": True}),
    ("Your start and stop count from the beginning of the epoch. They count inside the shard.",
     "places_of_the_epoch", {"in_the_epoch": True}),
    ("You gave the length of a piece. Give its stop.", "length_for_stop", {"lengths": True}),
    ("Your stop is the last sample itself. It is one behind it, as in a slice.",
     "stop_inside", {"inclusive": True}),
    ("Some of your pieces are empty. Leave them out.", "empty_pieces", {"keeps_empty": True}),
    ("You gave the shard's place in `order`. Give its number, order[place].",
     "place_for_number", {"places": True}),
    ("You took `sizes` in the epoch's order. It goes by the shards' numbers: sizes[shard].",
     "sizes_by_place", {"sizes_by_place": True}),
))  # fmt: skip

_ENDS = "max(first - position, 0)", "min(last - position, sizes[shard])"
for _swapped in (
    ("max(0, first - position)", _ENDS[1]),
    (_ENDS[0], "min(sizes[shard], last - position)"),
):
    _before, _after = (f"`start, stop = ({a}, {b})`" for a, b in (_ENDS, _swapped))
    shard_pieces.equivalent(
        f"{_before} → {_after}",
        because="the larger or smaller of two does not depend on which comes first",
    )
shard_pieces.hint(
    "Lay the shards end to end in `order`. Where does this reader's stretch begin and end?"
)
shard_pieces.hint(
    "`first = total * reader // readers + done`, `last = total * (reader + 1) // readers`."
)
shard_pieces.hint(
    "Walk along the shards with the position where each begins; cut both ends to the shard."
)
shard_pieces.hint("`max(first - position, 0)` and `min(last - position, size)`.", when="value")
shard_pieces.hint("Keep a piece only where start < stop.", when="length")

# ---------------------------------------------------------------------------- shuffled

shuffled = Exercise("shuffled", minutes=15, difficulty=2, changes=("stream",))


class Counted:
    """The numbers from 0 to n − 1, and how many of them were taken."""

    def __init__(self, n: int) -> None:
        self.n, self.taken = n, 0

    def __iter__(self) -> Iterator[int]:
        for number in range(self.n):
            self.taken += 1
            yield number

    def __repr__(self) -> str:
        return f"a stream of the numbers 0 to {self.n - 1}"


def _order(answer, n: int, size: int, rng: np.random.Generator) -> list[int]:
    return [int(sample) for sample in answer(list(range(n)), size, rng)]


@shuffled.property("hands out every sample once", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size
    for size in (1, 2, 5, n, n + 3):
        found = sorted(_order(answer, n, size, draw.rng))
        expect(found, f"the samples, sorted, with a buffer of {size}").equals(list(range(n)))
    expect(_order(answer, 0, 4, draw.rng), "of an empty stream").equals([])


@shuffled.property("hands out whatever the stream holds", trials=1)
def _(answer, draw: Draw) -> None:
    samples = [None, 0, False, "", (), None, 0.0]
    for size in (1, 3, 9):
        found = list(answer(iter(samples), size, draw.rng))
        expect(len(found), f"how many of 7 samples, None among them, with {size}").equals(7)
        expect(sum(sample is None for sample in found), "how often None").equals(2)


@shuffled.property("keeps the buffer full while the stream lasts, and never fuller", trials=4)
def _(answer, draw: Draw) -> None:
    n, size = 3 * draw.size + 4, draw.size + 1
    stream, excess = Counted(n), []
    for place, _ in enumerate(answer(stream, size, draw.rng)):
        excess.append(stream.taken - min(n, size + place))
    expect(excess, "samples taken too many (1 is in order), one by one").is_between(0, 1)


@shuffled.property("hands out the first samples of a long stream without reading it all", trials=1)
def _(answer, draw: Draw) -> None:
    # Long, not endless: `list` of an endless stream would eat all memory before any clock stops it.
    stream = Counted(3000)
    found = list(itertools.islice(answer(stream, 4, draw.rng), 30))
    expect(len(set(found)), "how many different ones of the first 30").equals(30)
    expect(stream.taken <= 35, "whether no more than 35 of 3 000 were read").equals(True)


@shuffled.property("keeps the order with a buffer of 1", trials=1)
def _(answer, draw: Draw) -> None:
    expect(_order(answer, 9, 1, draw.rng), "the samples").equals(list(range(9)))


@shuffled.property("hands out first any of those in the full buffer", trials=1)
def _(answer, draw: Draw) -> None:
    # A single draw is missing from 200 with a chance of 1e-25.
    firsts = [next(iter(answer(range(30), 4, draw.rng)), None) for _ in range(200)]
    expect(sorted(set(firsts)), "what came first in 200 goes").equals([0, 1, 2, 3])


@shuffled.property("makes every order where the buffer holds all", trials=1)
def _(answer, draw: Draw) -> None:
    orders = Counter(tuple(_order(answer, 3, 5, draw.rng)) for _ in range(300))
    expect(len(orders), "how many of the 6 orders came in 300 goes").equals(6)
    rare, common = min(orders.values()), max(orders.values())
    expect(rare > 15 and common < 95, "each of them about as often").is_true(
        otherwise="Some orders are much more frequent than others; each should come 50 times."
    )


@shuffled.property("draws from the generator alone", trials=1)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    one, same, other = (
        _order(answer, 30, 10, np.random.default_rng(number)) for number in (seed, seed, seed + 1)
    )
    expect(one == same, "equal seeds give equal orders").equals(True)
    expect(one == other, "different seeds give equal orders").equals(False)


def _shuffle(stream, size, rng, **habits):
    if habits.get("everything"):
        buffer = list(stream)
        while buffer:
            yield buffer.pop(int(rng.integers(len(buffer))))
        return
    if habits.get("nothing"):
        yield from stream
        return
    size = size + 1 if habits.get("one_more") else size
    source = np.random.default_rng() if habits.get("own_randomness") else rng
    source = np.random.default_rng(0) if habits.get("fixed") else source
    buffer: list[Any] = []
    stream = iter(stream)
    if habits.get("sentinel"):
        stream = itertools.takewhile(lambda sample: sample is not None, stream)
    if habits.get("needs_enough"):
        for _ in range(size):
            buffer.append(next(stream))
    for sample in stream:
        if len(buffer) < size:
            buffer.append(sample)
            if habits.get("own_blocks") and len(buffer) == size:
                source.shuffle(buffer)
                yield from buffer
                buffer = []
            continue
        if habits.get("appends_first"):
            buffer.append(sample)
            yield buffer.pop(int(source.integers(len(buffer))))
            continue
        if habits.get("blocks"):
            while buffer:
                yield buffer.pop(int(source.integers(len(buffer))))
            buffer = [sample]
            continue
        high = size - 1 if habits.get("never_last") else size
        place = int(source.integers(high)) if high > 0 else 0
        place = 0 if habits.get("oldest") else place
        place = size - 1 if habits.get("newest") else place
        if habits.get("overwrites"):
            buffer[place] = sample
            yield sample
            continue
        if habits.get("new_one"):
            yield sample
            continue
        yield buffer[place]
        if habits.get("leaves"):
            continue
        buffer[place] = sample
    if habits.get("drops"):
        return
    if habits.get("in_order"):
        yield from buffer
        return
    while buffer:
        yield buffer.pop(int(source.integers(len(buffer))))


_name_habits(shuffled, _shuffle, (
    ("You took the whole stream into memory. A hundred gigabytes of pictures do not fit: hold "
     "`size` samples at a time.", "whole_stream", {"everything": True}),
    ("Nothing is shuffled.", "not_shuffled", {"nothing": True}),
    ("What is left in the buffer when the stream ends is dropped. Hand it out too.",
     "rest_lost", {"drops": True}),
    ("What is left in the buffer at the end comes in the order in which it lies. Shuffle it too.",
     "rest_in_order", {"in_order": True}),
    ("You fill the buffer, empty it, and fill it again: samples never leave their block. Refill "
     "after each one.", "block_by_block", {"blocks": True}),
    ("You fill the buffer, shuffle it, and hand out all of it: samples never leave their block. "
     "Refill after each one.", "shuffled_blocks", {"own_blocks": True}),
    ("You put the new sample in before one goes out: your buffer holds `size` + 1, and the new "
     "one can go out at once. Draw first.", "appends_first", {"appends_first": True}),
    ("A stream that is shorter than the buffer breaks yours: `next` finds nothing while you fill. "
     "Fill with a loop that ends where the stream does.", "needs_enough", {"needs_enough": True}),
    ("Your stream ends at a sample that is None. A sample may be anything: let a `for` loop find "
     "the end.", "none_ends_it", {"sentinel": True}),
    ("Your buffer holds one sample more than `size`.", "one_too_many", {"one_more": True}),
    ("The new sample goes out at once, and those in the buffer wait for the end.",
     "new_one_goes_out", {"new_one": True}),
    ("You wrote the new sample over an old one before that was handed out: it is lost.",
     "old_one_lost", {"overwrites": True}),
    ("The sample that went out stays in the buffer, and the new one is lost.",
     "stays_in_the_buffer", {"leaves": True}),
    ("You always hand out the oldest place of the buffer. Draw it.",
     "always_the_first_place", {"oldest": True}),
    ("You always hand out the last place of the buffer. Draw it.",
     "always_the_last_place", {"newest": True}),
    ("The last place of the buffer is never drawn: rng.integers(size) leaves out its upper end "
     "already.", "last_place_never", {"never_last": True}),
    ("Your randomness does not come from `rng`: nobody can repeat it after a restart.",
     "randomness_of_its_own", {"own_randomness": True}),
    ("You make a generator of your own with a fixed seed: every epoch has the same order. Use "
     "`rng`.", "fixed_randomness", {"fixed": True}),
))  # fmt: skip

shuffled.hint("A function with `yield` hands out one at a time, and goes on from there when asked.")
shuffled.hint(
    "Fill; then for each new sample: draw a place, hand out what lies there, put it there."
)
shuffled.hint("At the end: `buffer.pop(int(rng.integers(len(buffer))))` until it is empty.")
shuffled.hint("Does the last part of the buffer come out, and once?", when="length")
shuffled.hint("Take one sample from the stream for each that goes out.",
              when="keeps the buffer full while the stream lasts, and never fuller")  # fmt: skip

# -------------------------------------------------------------------------- Bottleneck

Bottleneck = Exercise("Bottleneck", minutes=20, difficulty=2)

Shape = tuple[int, ...]
KINDS = ("weight", "bias", "running_mean", "running_var")


def _is_norm(module: nn.Module) -> bool:
    return all(isinstance(getattr(module, kind, None), Tensor) for kind in KINDS)


def _fixed(shape: Shape, seed: int, kind: str = "") -> Tensor:
    """Numbers that follow from shape and kind: tensors that are alike get the same."""
    generator = torch.Generator().manual_seed(seed + sum(shape) * 31 + len(kind) * 7 + len(shape))
    drawn = torch.randn(shape, generator=generator)
    if kind in ("weight", "running_var"):  # of a norm
        return 0.75 + 0.25 * drawn.abs()
    return 0.3 * drawn if len(shape) == 1 else drawn * 1.4 * math.prod(shape[1:]) ** -0.5


def _fill_alike(model: nn.Module, seed: int) -> None:
    """Give every tensor of a model the numbers of its kind and shape."""
    norms = [module for module in model.modules() if _is_norm(module)]
    in_norms = {id(getattr(norm, kind)) for norm in norms for kind in KINDS}
    with torch.no_grad():
        for norm in norms:
            for kind in KINDS:
                part = getattr(norm, kind)
                part.copy_(_fixed(tuple(part.shape), seed, kind))
        for parameter in model.parameters():
            if id(parameter) not in in_norms:
                parameter.copy_(_fixed(tuple(parameter.shape), seed))


def _conv(x: Tensor, seed: int, out: int, side: int, stride: int = 1) -> Tensor:
    kernel = _fixed((out, x.shape[1], side, side), seed)
    return F.conv2d(x, kernel, None, stride, side // 2)


def _norm(x: Tensor, seed: int, training: bool) -> Tensor:
    weight, bias, mean, var = (_fixed((x.shape[1],), seed, kind) for kind in KINDS)
    return F.batch_norm(x, None if training else mean, None if training else var, weight, bias,
                        training=training)  # fmt: skip


def _bottleneck(x: Tensor, seed: int, width: int, stride: int, training: bool) -> Tensor:
    """The block of the page, with the numbers of `_fixed`."""
    y = F.relu(_norm(_conv(x, seed, width, 1), seed, training))
    y = F.relu(_norm(_conv(y, seed, width, 3, stride), seed, training))
    y = _norm(_conv(y, seed, 4 * width, 1), seed, training)
    if stride != 1 or x.shape[1] != 4 * width:
        x = _norm(_conv(x, seed, 4 * width, 1, stride), seed, training)
    return F.relu(x + y)


def _bottleneck_shapes(channels: int, width: int, stride: int) -> list[Shape]:
    kernels = [(width, channels, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)]
    if stride != 1 or channels != 4 * width:
        kernels.append((4 * width, channels, 1, 1))
    return [shape for kernel in kernels for shape in (kernel, kernel[:1], kernel[:1])]


def _expect_shapes(model: nn.Module, shapes: list[Shape]) -> bool:
    """Whether the parameters are those of the specification, in any order."""
    expect(model, "the module").is_a(nn.Module)
    found = Counter(tuple(parameter.shape) for parameter in model.parameters())
    wanted = Counter(shapes)
    missing, extra = wanted - found, found - wanted
    words = ", ".join(map(str, sorted(missing, key=str))) or "none"
    expect(sum(missing.values()), f"parameters missing (shapes: {words})").equals(0)
    words = ", ".join(map(str, sorted(extra, key=str))) or "none"
    expect(sum(extra.values()), f"parameters too many (shapes: {words})").equals(0)
    amount = sum(map(math.prod, found.elements())) - sum(map(math.prod, wanted.elements()))
    expect(amount, "how many numbers the parameters hold more than they should").equals(0)
    return not missing and not extra


def _check_bottleneck(answer, draw: Draw, channels: int, width: int, stride: int) -> None:
    block, seed = answer(channels, width, stride), draw.seed()
    if not _expect_shapes(block, _bottleneck_shapes(channels, width, stride)):
        return
    _fill_alike(block, seed)
    x = normals(draw, draw.size + 1, channels, 5, 6)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = _bottleneck(x, seed, width, stride, training)
        found = block.train(training)(x.clone())
        expect(found, f"the output in {mode}").close_to(expected, rtol=1e-3, atol=1e-3)


@Bottleneck.property("with an identity shortcut, is relu(x + branch)", trials=3)
def _(answer, draw: Draw) -> None:
    _check_bottleneck(answer, draw, 8, 2, 1)


@Bottleneck.property("projects where the channels or the size change", trials=2)
def _(answer, draw: Draw) -> None:
    for channels, width, stride in ((3, 2, 1), (8, 2, 2), (6, 3, 2)):
        _check_bottleneck(answer, draw, channels, width, stride)


@Bottleneck.property("starts as its shortcut, and can leave it", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(8, 2).train(), normals(draw, 4, 8, 4, 4)
    expect(block(x.clone()), "the output at the start").close_to(x.clamp(min=0), atol=1e-6)
    gains = [float(norm.weight.detach().abs().max()) for norm in block.modules() if _is_norm(norm)]
    expect(sorted(gains), "the largest gain of each norm, sorted").close_to([0.0, 1.0, 1.0])
    other = answer(3, 2)
    gains = [float(norm.weight.detach().abs().max()) for norm in other.modules() if _is_norm(norm)]
    expect(sorted(gains), "the same where it projects").close_to([0.0, 1.0, 1.0, 1.0])
    (block(x.clone()) * normals(draw, 4, 8, 4, 4)).sum().backward()
    moved = sum(p.grad is not None and bool(p.grad.any()) for p in block.parameters())
    expect(moved, "how many parameters move at the first step").equals(2)
    frozen = sum(not parameter.requires_grad for parameter in block.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@Bottleneck.property("has stride 1 unless told, and leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(3, 2).eval(), normals(draw, 2, 3, 4, 5)
    kept = x.clone()
    expect(tuple(block(x).shape), "the shape of the output").equals((2, 8, 4, 5))
    expect(x, "x afterwards").close_to(kept)
    same, x = answer(8, 2).eval(), normals(draw, 2, 8, 3, 3)
    kept = x.clone()
    same(x)
    expect(x, "x afterwards, with an identity shortcut").close_to(kept)


@Bottleneck.property("lets the gradient reach every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    block = answer(3, 2, 2).train()
    _fill_alike(block, draw.seed())
    out = block(normals(draw, 4, 3, 5, 5))
    (out * normals(draw, *out.shape)).sum().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
    expect(sum(reached), "how many of 12 parameters got a gradient").equals(12)


class _Narrow(nn.Module):
    """A right bottleneck, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, channels, width, stride=1):
        super().__init__()
        habits = self.habits
        bias, out = "bias" in habits, 2 * width if "doubles" in habits else 4 * width
        one, two = (stride, 1) if "first_strides" in habits else (1, stride)
        three, two = (stride, 1) if "last_strides" in habits else (1, two)
        one = stride if "both_stride" in habits else one
        side = 1 if "pointwise" in habits else 3
        self.conv1 = nn.Conv2d(channels, width, 1, one, bias=bias)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, side, two, side // 2, bias=bias)
        self.norm2 = self.norm1 if "one_norm" in habits else nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, three, bias=bias)
        self.norm3 = nn.BatchNorm2d(out)
        if "zero_kernel" in habits:
            nn.init.zeros_(self.conv3.weight)
        elif "loud" not in habits:
            silent = (
                (self.norm1, self.norm2, self.norm3) if "all_silent" in habits else (self.norm3,)
            )
            silent = (self.norm2,) if "wrong_silent" in habits else silent
            for norm in silent:
                nn.init.zeros_(norm.weight).requires_grad_("frozen" not in habits)
        changes = stride != 1 or channels != out
        changes = channels != out if "channels_only" in habits else changes
        changes = stride != 1 if "stride_only" in habits else changes
        self.shortcut = nn.Identity()
        if changes or "always" in habits:
            projection = nn.Conv2d(channels, out, 1, stride, bias=bias)
            if "wide_shortcut" in habits:
                projection = nn.Conv2d(channels, out, 3, stride, 1, bias=bias)
            if "pooled_shortcut" in habits and stride > 1:
                projection = nn.Sequential(
                    nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(channels, out, 1, bias=bias)
                )
            norm = nn.Identity() if "bare" in habits else nn.BatchNorm2d(out)
            if "shortcut_silent" in habits:
                nn.init.zeros_(norm.weight)
            self.shortcut = nn.Sequential(projection, norm)

    def forward(self, x):
        habits = self.habits
        y = self.norm1(self.conv1(x))
        y = self.norm2(self.conv2(y if "no_first_relu" in habits else F.relu(y)))
        y = self.norm3(self.conv3(y if "no_second_relu" in habits else F.relu(y)))
        if "relu_on_branch" in habits:
            y = F.relu(y)
        passed = self.shortcut(x)
        if "adds_into" in habits:
            passed += y
            return F.relu(passed)
        if "relu_before" in habits:
            return passed + F.relu(y)
        if "no_skip" in habits:
            return F.relu(y)
        return passed + y if "no_last_relu" in habits else F.relu(passed + y)


for _message, _name, _habit in (
    ("Your stride is in the first 1 × 1 convolution, which then never looks at three pixels of "
     "four. This page has it in the 3 × 3.", "StrideInTheFirst", "first_strides"),
    ("Your stride is in the last convolution, after the dear 3 × 3. It belongs to the 3 × 3.",
     "StrideInTheLast", "last_strides"),
    ("Two convolutions have the stride, so that the picture shrinks twice.",
     "StrideTwice", "both_stride"),
    ("Your middle convolution is 1 × 1. It is 3 × 3 with padding 1: the only one that sees "
     "neighbours.", "MiddleIsPointwise", "pointwise"),
    ("Your block ends with 2 · width channels. It is 4 · width.", "WidensByTwo", "doubles"),
    ("The last norm's gain is not 0 at the start: the block does not begin as its shortcut.",
     "LoudAtTheStart", "loud"),
    ("All gains start at 0. Then nothing in the branch ever gets a gradient that counts: only the "
     "last norm's.", "AllSilent", "all_silent"),
    ("You silenced norm 2. The branch ends with norm 3.", "WrongNormSilent", "wrong_silent"),
    ("The gain at 0 is frozen (`requires_grad` is False): the branch could never wake.",
     "FrozenGain", "frozen"),
    ("The shortcut's norm is at 0 too, so that nothing passes at all.",
     "ShortcutSilent", "shortcut_silent"),
    ("The ReLU after the first norm is missing.", "NoFirstRelu", "no_first_relu"),
    ("The ReLU after the second norm is missing.", "NoSecondRelu", "no_second_relu"),
    ("The ReLU after the addition is missing.", "NoLastRelu", "no_last_relu"),
    ("The branch has a ReLU of its own before the addition, so that it can only add.",
     "ReluOnTheBranch", "relu_on_branch"),
    ("Your last ReLU stands before the addition. Add first.", "ReluBeforeAddition", "relu_before"),
    ("Nothing is added: there is no shortcut.", "NoSkip", "no_skip"),
    ("`+=` on what the shortcut returned changed the input: the identity returns x itself.",
     "AddsIntoTheInput", "adds_into"),
    ("Your shortcut projects only where the *channels* change. A stride of 2 changes the shape "
     "too.",
     "ProjectsForChannelsOnly", "channels_only"),
    ("Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
     "either.", "ProjectsForStrideOnly", "stride_only"),
    ("Your shortcut projects always. Where nothing changes shape x passes as it is.",
     "AlwaysProjects", "always"),
    ("The projecting shortcut has no norm.", "BareProjection", "bare"),
    ("The convolution of your shortcut is 3 × 3. It is 1 × 1: it only has to change the shape.",
     "WideShortcut", "wide_shortcut"),
    ("Your shortcut averages before it projects, as some newer networks do. Here its 1 × 1 "
     "convolution has the stride.", "PooledShortcut", "pooled_shortcut"),
    ("You set the last *convolution* to 0. It is the gain of the last norm that starts at 0.",
     "ZeroKernel", "zero_kernel"),
    ("Two norms are one and the same layer. Make three.", "OneNormTwice", "one_norm"),
    ("Your convolutions have a bias. The norm behind them subtracts it again.", "WithBias", "bias"),
):  # fmt: skip
    Bottleneck.mistake(_message)(type(_name, (_Narrow,), {"habits": (_habit,)}))

Bottleneck.hint("It is rung 10's block with one convolution more: narrow, look around, widen.")
Bottleneck.hint("`nn.Conv2d(width, width, 3, stride, padding=1, bias=False)` is the middle one.")
Bottleneck.hint("The block projects when `stride != 1 or channels != 4 * width`.")
Bottleneck.hint("`nn.init.zeros_(self.norm3.weight)`, and only that one.",
                when="starts as its shortcut, and can leave it")  # fmt: skip
Bottleneck.hint("Print the shapes of branch and shortcut before you add them.", when="error")
Bottleneck.hint("Is there a ReLU after norms 1 and 2 and after the addition, and nowhere else?",
                when="value")  # fmt: skip

# ---------------------------------------------------------------------------- ResNet50

ResNet50 = Exercise("ResNet50", minutes=30, difficulty=3, seconds=8.0)


def _plan(blocks: tuple[int, ...], width: int) -> list[tuple[int, int, int]]:
    """(channels before, width, stride) of every block."""
    plan, channels = [], width
    for stage, count in enumerate(blocks):
        for place in range(count):
            stride = 2 if stage and not place else 1
            plan.append((channels, width * 2**stage, stride))
            channels = 4 * width * 2**stage
    return plan


def _resnet_shapes(classes: int, blocks: tuple[int, ...], width: int) -> list[Shape]:
    plan = _plan(blocks, width)
    last = 4 * plan[-1][1]
    inner = [shape for block in plan for shape in _bottleneck_shapes(*block)]
    return [(width, 3, 7, 7), (width,), (width,), *inner, (classes, last), (classes,)]


def _resnet(x: Tensor, seed: int, classes: int, blocks, width: int, training: bool) -> Tensor:
    """The network of the table, with the numbers of `_fixed`."""
    x = F.relu(_norm(_conv(x, seed, width, 7, 2), seed, training))
    padded = F.pad(x, (1, 1, 1, 1))  # a ReLU is never below 0
    x = padded.unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))
    for _, inner, stride in _plan(blocks, width):
        x = _bottleneck(x, seed, inner, stride, training)
    table = _fixed((classes, x.shape[1]), seed)
    return torch.einsum("ncij,kc->nk", x, table) / x[0, 0].numel() + _fixed((classes,), seed)


@ResNet50.property("computes the network of the table", trials=1)
def _(answer, draw: Draw) -> None:
    blocks, seed = (2, 1, 2, 1), draw.seed()
    model = answer(5, blocks, 3)
    if not _expect_shapes(model, _resnet_shapes(5, blocks, 3)):
        return
    _fill_alike(model, seed)
    x = normals(draw, 2, 3, 64, 90)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = _resnet(x, seed, 5, blocks, 3, training)
        found = model.train(training)(x)
        expect(found, f"the logits in {mode}").close_to(expected, rtol=1e-2, atol=3e-3)


@ResNet50.property("answers pictures of any size from 64 up, in any batch", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(6, (1, 1, 1, 1), 2).eval()
    for sides in ((64, 64), (65, 97), (160, 128)):
        out = model(normals(draw, draw.size, 3, *sides))
        expect(tuple(out.shape), f"the shape of the logits at {sides}").equals((draw.size, 6))


@ResNet50.property("starts with the last gain of every block at 0, the others at 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (2, 1, 1, 2), 2)
    gains = [norm.weight.detach() for norm in model.modules() if _is_norm(norm)]
    silent = sorted(len(gain) for gain in gains if not gain.any())
    expect(silent, "the channels of the norms with gain 0").equals([8, 8, 16, 32, 64, 64])
    loud = [float(value) for gain in gains if gain.any() for value in gain]
    expect(loud, "the gains of the others").close_to([1.0] * len(loud))
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@ResNet50.property("initialises its kernels as He does, by their outputs", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (1, 1, 1, 1), 8)
    for outputs, inputs, side in ((64, 64, 3), (256, 64, 1), (64, 128, 1)):
        shape = (outputs, inputs, side, side)
        for kernel in model.parameters():
            if tuple(kernel.shape) == shape:
                found = float(kernel.detach().std()) / (2 / (outputs * side * side)) ** 0.5
                expect(round(found, 1), f"spread over √(2/fan_out) of shape {shape}").is_between(
                    0.9, 1.1
                )
                largest = float(kernel.detach().abs().max() / kernel.detach().std())
                # Among 8 192 normal numbers none beyond 2.5: one time in 10⁴⁴.
                expect(
                    largest > 2.5, f"bell-shaped, with numbers far out, of shape {shape}"
                ).equals(True)


@ResNet50.property("has the 25 557 032 parameters of ResNet-50", trials=1)
def _(answer, draw: Draw) -> None:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        model = answer()
    count = sum(parameter.numel() for parameter in model.parameters())
    expect(count, "how many parameters there are").equals(25_557_032)
    _expect_shapes(model, _resnet_shapes(1000, (3, 4, 6, 3), 64))


class _Deep(nn.Module):
    """A right network, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, classes=1000, blocks=(3, 4, 6, 3), width=64):
        super().__init__()
        habits = self.habits
        blocks = (3, 4, 6, 3) if "fixed_blocks" in habits else blocks
        width = 64 if "fixed_width" in habits else width
        classes = 1000 if "fixed_classes" in habits else classes
        side, stride = (3, 1) if "small_stem" in habits else (7, 1 if "wide_stem" in habits else 2)
        self.stem = nn.Conv2d(3, width, side, stride, side // 2, bias="stem_bias" in habits)
        self.norm = nn.BatchNorm2d(width)
        layers, channels = [], width
        for stage, count in enumerate(blocks):
            inner = width * (1 if "one_width" in habits else 2**stage)
            for place in range(count):
                if "shares" in habits and place > 1:
                    layers.append(layers[-1])
                    continue
                stride = 2 if stage > 0 and place == 0 else 1
                stride = 2 if "first_stage_strides" in habits and place == 0 else stride
                stride = 1 if "never_strides" in habits else stride
                if "last_strides" in habits:
                    stride = 2 if stage > 0 and place == count - 1 else 1
                layers.append(self.block()(channels, inner, stride))
                channels = 4 * inner
        self.blocks = layers if "listed" in habits else nn.Sequential(*layers)
        self.linear = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and "default_kernels" not in habits:
                mode = "fan_in" if "fan_in" in habits else "fan_out"
                if "even" in habits:
                    nn.init.kaiming_uniform_(module.weight, mode=mode, nonlinearity="relu")
                    continue
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")

    def block(self):
        kinds = tuple(set(self.habits) & {"loud", "first_strides"})
        return type("_Inner", (_Narrow,), {"habits": kinds}) if kinds else _Narrow

    def forward(self, x):
        habits = self.habits
        x = self.norm(self.stem(x))
        x = x if "no_stem_relu" in habits else F.relu(x)
        if "no_pool" not in habits:
            pad = 0 if "unpadded_pool" in habits else 1
            pool = F.avg_pool2d if "average_pool" in habits else F.max_pool2d
            x = pool(x, 2 if "small_pool" in habits else 3, 2, 0 if "small_pool" in habits else pad)
        for block in self.blocks:
            x = block(x)
        if "fixed_pool" in habits:
            x = F.avg_pool2d(x, min(7, *x.shape[2:]))[:, :, 0, 0]
        else:
            x = x.amax((2, 3)) if "largest" in habits else x.mean((2, 3))
        x = self.linear(x)
        return x.softmax(1) if "softmax" in habits else x


for _message, _name, _habit in (
    ("Your stem has stride 1: 224 should become 112.", "WideStem", "wide_stem"),
    ("Your stem is the 3 × 3 of small pictures. Here it is 7 × 7 with stride 2.",
     "SmallStem", "small_stem"),
    ("Your stem has a bias. The norm subtracts it again.", "StemBias", "stem_bias"),
    ("The ReLU after the stem's norm is missing.", "NoStemRelu", "no_stem_relu"),
    ("The max pooling after the stem is missing: 112 should become 56.", "NoPool", "no_pool"),
    ("Your pooling after the stem averages. It takes the largest.", "AveragePool", "average_pool"),
    ("Your pooling has windows of 2 × 2. They are 3 × 3, with stride 2 and padding 1.",
     "SmallPool", "small_pool"),
    ("Your pooling has no padding, so that a row and a column are lost. Padding 1.",
     "UnpaddedPool", "unpadded_pool"),
    ("The first stage strides as well. The pooling has shrunk the picture already.",
     "FirstStageStrides", "first_stage_strides"),
    ("None of your blocks has a stride. The first of stages 2, 3 and 4 has stride 2.",
     "NeverStrides", "never_strides"),
    ("The *last* blocks of the stages have the stride. It belongs to the first.",
     "LastBlocksStride", "last_strides"),
    ("The stride is in the first 1 × 1 convolution of your blocks. It belongs to the 3 × 3.",
     "StrideInThePointwise", "first_strides"),
    ("All your stages have one width. It doubles from stage to stage.", "OneWidth", "one_width"),
    ("You took the largest over all places at the end. The table takes the mean.",
     "LargestPlace", "largest"),
    ("Your last pooling has a fixed window, so that only pictures of 224 work as they should. "
     "Average over all places, however many.", "FixedWindow", "fixed_pool"),
    ("One block stands in several places (`[block] * k`), so that they share their weights.",
     "SharedBlocks", "shares"),
    ("Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
     "ListedBlocks", "listed"),
    ("Your blocks do not start as their shortcuts: the last gain of each is 0 at first. (Does an "
     "initialisation of yours set it to 1 afterwards?)", "LoudBlocks", "loud"),
    ("Your kernels have torch's own initialisation. `kaiming_normal_` with mode fan_out.",
     "DefaultKernels", "default_kernels"),
    ("Your kernels are initialised by their inputs. Here mode is fan_out.", "ByInputs", "fan_in"),
    ("Your kernels are drawn evenly between two ends. Here they are normal: `kaiming_normal_`.",
     "EvenKernels", "even"),
    ("You build (3, 4, 6, 3) whatever `blocks` says.", "FixedBlocks", "fixed_blocks"),
    ("Your width is 64 whatever was given.", "FixedWidth", "fixed_width"),
    ("There are 1 000 classes whatever was given.", "FixedClasses", "fixed_classes"),
    ("You returned probabilities. Return logits.", "EndsInSoftmax", "softmax"),
):  # fmt: skip
    ResNet50.mistake(_message)(type(_name, (_Deep,), {"habits": (_habit,)}))

ResNet50.equivalent(
    "`nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')` → "
    "`nn.init.kaiming_normal_(module.weight, mode='fan_out')`",
    because="torch's default, a leaky ReLU of slope 0, is a ReLU",
)
ResNet50.equivalent(
    "`return self.linear(self.blocks(x).mean((2, 3)))` → "
    "`return self.linear(self.blocks(x).mean((3, 2)))`",
    because="a mean over rows and columns does not depend on which come first",
)
ResNet50.hint("Build a list of blocks in two loops: stages outside, places in the stage inside.")
ResNet50.hint("Keep a variable with the channels that the next block gets: 4 · width of the last.")
ResNet50.hint("`nn.MaxPool2d(3, stride=2, padding=1)` after the stem; `x.mean((2, 3))` at the end.")
ResNet50.hint("`for m in self.modules(): if isinstance(m, nn.Conv2d): nn.init.kaiming_normal_(…)`.",
              when="initialises its kernels as He does, by their outputs")  # fmt: skip
ResNet50.hint(
    "Go down the table line by line. Is there a ReLU after the stem's norm?", when="value"
)
ResNet50.hint("Does each block get the channels that the one before it gives?", when="error")
