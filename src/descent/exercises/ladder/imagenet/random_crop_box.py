"""How `random_crop_box` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

random_crop_box = Exercise("random_crop_box", minutes=20, difficulty=2, returns=tuple[int, ...])

SHARE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
PARTS = "top, left, height, width"


def _numbers(draw: Draw, attempts: int) -> np.ndarray:
    return np.asarray(draw.uniform(0.0, 0.99, attempts, 4))


def _box_by_loop(height, width, numbers, share=SHARE, ratio=RATIO) -> tuple[int, int, int, int]:
    """The geometry of the page, from two powers in place of logarithms."""
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


def _fitting(draw: Draw) -> tuple[int, int, np.ndarray]:
    """A picture's height and width, and numbers whose first row fits whatever the ratio."""
    numbers = _numbers(draw, 10)
    numbers[0, 0] = draw.uniform(0.0, 0.4)
    return draw.integers(240, 401), draw.integers(240, 401), numbers


@random_crop_box.property("makes a box of the area and shape that the numbers say", trials=6)
def _(answer, draw: Draw) -> None:
    height, width, numbers = _fitting(draw)
    found, expected = answer(height, width, numbers), _box_by_loop(height, width, numbers)
    expect(found[2:], "height, width of the box").equals(expected[2:])


@random_crop_box.property("puts its corner at any place where it fits", trials=6)
def _(answer, draw: Draw) -> None:
    height, width, numbers = _fitting(draw)
    numbers[0, 2:] = draw.choice([(0.99, 0.01), (0.5, 0.99), (0.2, 0.7)])
    expect(answer(height, width, numbers), PARTS).equals(_box_by_loop(height, width, numbers))


@random_crop_box.property("goes on to the next row when a box does not fit", trials=3)
def _(answer, draw: Draw) -> None:
    for height, width in ((60, 300), (300, 60), (50, 210)):
        numbers = _numbers(draw, 4)
        numbers[:2, 0], numbers[2, 0] = 0.95, 0.02  # two that cannot fit, one that does
        expect(answer(height, width, numbers), PARTS).equals(_box_by_loop(height, width, numbers))


@random_crop_box.property("falls back on the largest middle of an allowed shape", trials=3)
def _(answer, draw: Draw) -> None:
    numbers = _numbers(draw, draw.size)
    numbers[:, 0] = 0.97
    for side in (6 * draw.integers(5, 10) + 2, 6 * draw.integers(5, 10) + 5):
        most = (4 * side + 1) // 3  # 4/3 of the side ends in two thirds, so that rounding shows
        long = most + 4 * draw.integers(20, 30) + 3  # half of 3 more than a multiple of 4: down
        for height, width in ((side, long), (long, side)):
            found = answer(height, width, numbers)
            expect(found, "of a long picture").equals(_box_by_loop(height, width, numbers))
    numbers[:, :2] = 0.98, draw.choice([0.0, 0.98])
    for height, width in ((side, side), (side, side + 3)):
        found = answer(height, width, numbers)
        expect(found, "of a picture of an allowed shape that no box fits").equals(
            (0, 0, height, width)
        )


@random_crop_box.property("takes other ranges, and boxes as large as the picture", trials=3)
def _(answer, draw: Draw) -> None:
    side, numbers = 10 * draw.integers(2, 9), _numbers(draw, 3)
    found = answer(side, side, numbers, (1.0, 1.0), (1.0, 1.0))
    expect(found, "the whole square").equals((0, 0, side, side))
    share = (0.1, 0.3)
    for ratio in ((0.5, 2.0), (0.5, 1.5), (1.0, 1.7)):
        found = answer(side, 2 * side, numbers, share, ratio)
        expect(found, PARTS).equals(_box_by_loop(side, 2 * side, numbers, share, ratio))


@random_crop_box.property("keeps to other ranges when nothing fits", trials=2)
def _(answer, draw: Draw) -> None:
    side, numbers = 10 * draw.integers(2, 9), _numbers(draw, 3)
    for ratio, across, down in (((0.5, 2.0), 20, 20), ((0.4, 1.5), 15, 25)):
        found = answer(side, 3 * side, numbers, (1.0, 1.0), ratio)
        w = side * across // 10
        expect(found, "of a wide picture").equals((0, (3 * side - w) // 2, side, w))
        found = answer(3 * side, side, numbers, (1.0, 1.0), ratio)
        h = side * down // 10
        expect(found, "of a tall picture").equals(((3 * side - h) // 2, 0, h, side))


@random_crop_box.property("takes a box that is just as wide or as tall as the picture", trials=2)
def _(answer, draw: Draw) -> None:
    side = draw.integers(20, 90)
    numbers = np.array([[0.5, 0.5, draw.uniform(0.0, 0.3), draw.uniform(0.0, 0.3)]])
    for height, width in ((2 * side, side), (side, 2 * side)):
        found = answer(height, width, numbers, (0.5, 0.5), (1.0, 1.0))
        expected = _box_by_loop(height, width, numbers, (0.5, 0.5), (1.0, 1.0))
        expect(found, PARTS).equals(expected)


@random_crop_box.property("never takes an empty box, but one of a single pixel", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(1, 1, np.full((2, 4), 0.05)), "of a picture of one pixel").equals((0, 0, 1, 1))
    for height, width, share, first in ((3, 1, 0.1, 0.0), (1, 3, 0.1, 0.99),
                                        (9, 1, 0.15, 0.0), (1, 9, 0.15, 0.99)):  # fmt: skip
        numbers = np.array([[0.5, first, 0.0, 0.0]])
        found = answer(height, width, numbers, (share, share))
        expected = _box_by_loop(height, width, numbers, (share, share))
        expect(found, f"of a picture of {height} × {width}").equals(expected)


@random_crop_box.right
def right_box(height, width, numbers, share=SHARE, ratio=RATIO):
    low, high = ratio
    for u in numbers:
        part = share[0] + u[0] * (share[1] - share[0])
        area = height * width * part
        aspect = low * (high / low) ** u[1]
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 1 <= w <= width and 1 <= h <= height:
            top, left = int(u[2] * (height - h + 1)), int(u[3] * (width - w + 1))
            return top, left, h, w
    w, h = min(width, round(height * high)), min(height, round(width / low))
    return (height - h) // 2, (width - w) // 2, h, w


_PART = "share[0] + u[0] * (share[1] - share[0])"
_ASPECT = "low * (high / low) ** u[1]"
_SIDES = "round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))"
_FITS = "if 1 <= w <= width and 1 <= h <= height:"
_CORNER = "int(u[2] * (height - h + 1)), int(u[3] * (width - w + 1))"
_LARGEST = "min(width, round(height * high)), min(height, round(width / low))"
_MIDDLE = "(height - h) // 2, (width - w) // 2"


random_crop_box.slip(
    "ratio_not_in_logarithms",
    "Your aspect ratio is drawn evenly between its ends. Draw its *logarithm* evenly: else wide "
    "boxes come more often than tall ones.",
    {_ASPECT: "low + u[1] * (high - low)"},
)
random_crop_box.slip(
    "ratio_upside_down",
    "Your boxes are tall where they should be wide: the aspect ratio is width / height.",
    {_ASPECT: "1 / (low * (high / low) ** u[1])"},
)
random_crop_box.slip(
    "ratio_outside_the_root",
    "You multiplied and divided by the ratio outside of the root, so that width over height is its "
    "square. The root goes over both: √(A·ρ) and √(A/ρ).",
    {_SIDES: "round(math.sqrt(area) * aspect), round(math.sqrt(area) / aspect)"},
)
random_crop_box.slip(
    "one_end_from_the_other",
    "Your least ratio is one over the largest, whatever was given. Only with the usual range is "
    "that so: use both, ratio[0] and ratio[1].",
    {_ASPECT: "high ** (2 * u[1] - 1)"},
)
random_crop_box.slip(
    "share_of_the_sides",
    "You took the share of each *side*. It is the share of the area: the sides go with its root.",
    {"height * width * part": "height * width * part**2"},
)
random_crop_box.slip(
    "ratio_of_the_picture",
    "You stretched the picture's own proportions by the ratio. The ratio is that of the box "
    "itself, whatever the picture's.",
    {_SIDES: "round(width * math.sqrt(part * aspect)), round(height * math.sqrt(part / aspect))"},
)
random_crop_box.slip(
    "share_from_zero",
    "Your share starts at 0. It runs from share[0] to share[1].",
    {_PART: "u[0] * share[1]"},
)
random_crop_box.slip(
    "range_added_whole",
    "Your share runs from share[0] to share[0] + share[1]: multiply the number by the *difference* "
    "of the two.",
    {_PART: "share[0] + u[0] * share[1]"},
)
random_crop_box.slip(
    "cut_off",
    "Your sides are cut off. Round them to the nearest whole number.",
    {_SIDES: "int(math.sqrt(area * aspect)), int(math.sqrt(area / aspect))"},
)
random_crop_box.slip(
    "last_place_missing",
    "The last corner is never drawn: there are H − h + 1 places for the top, not H − h.",
    {_CORNER: "int(u[2] * (height - h)), int(u[3] * (width - w))"},
)
random_crop_box.slip(
    "corner_over_the_picture",
    "Your corner is drawn from the whole picture, so that a box can stick out of it. Draw it from "
    "the H − h + 1 and W − w + 1 places where the box fits.",
    {_CORNER: "int(u[2] * height), int(u[3] * width)"},
)
random_crop_box.slip(
    "corner_swapped",
    "You used number 2 for left and number 3 for top. Top first.",
    {_CORNER: "int(u[3] * (height - h + 1)), int(u[2] * (width - w + 1))"},
)
random_crop_box.slip(
    "area_and_ratio_swapped",
    "You used number 0 for the ratio and number 1 for the area. The area comes first.",
    {_PART: "share[0] + u[1] * (share[1] - share[0])", _ASPECT: "low * (high / low) ** u[0]"},
)
random_crop_box.slip(
    "across_first",
    "You gave left, top, width, height. Rows first: top, left, height, width.",
    {
        "return top, left, h, w": "return left, top, w, h",
        f"{_MIDDLE}, h, w": "(width - w) // 2, (height - h) // 2, w, h",
    },
)
random_crop_box.slip(
    "size_first",
    "You gave the box's height and width before its corner. The order is top, left, height, width.",
    {"return top, left, h, w": "return h, w, top, left", f"{_MIDDLE}, h, w": f"h, w, {_MIDDLE}"},
)
random_crop_box.slip(
    "squeezed",
    "A box that does not fit is squeezed into the picture. Its shape would be another: go on to "
    "the next row instead.",
    {_FITS: f"w, h = min(max(w, 1), width), min(max(h, 1), height)\n        {_FITS}"},
)
random_crop_box.slip(
    "tried_once",
    "You gave up after the first row. Try each in turn.",
    {"for u in numbers:": "for u in numbers[:1]:"},
)
random_crop_box.slip(
    "height_unchecked",
    "A box taller than the picture passes for one that fits. Both sides must fit.",
    {_FITS: "if 1 <= w <= width and 1 <= h:"},
)
random_crop_box.slip(
    "width_unchecked",
    "A box wider than the picture passes for one that fits. Both sides must fit.",
    {_FITS: "if 1 <= w and 1 <= h <= height:"},
)
random_crop_box.slip(
    "refuses_the_whole",
    "A box exactly as large as the picture fits, and you refuse it.",
    {_FITS: "if 1 <= w < width and 1 <= h < height:"},
)
random_crop_box.slip(
    "empty_box",
    "A box with a side of 0 pixels is empty. It does not fit either.",
    {_FITS: "if w <= width and h <= height:"},
)
random_crop_box.slip(
    "whole_picture",
    "When nothing fits you take the whole picture, of whatever shape. Clamp its ratio to the "
    "range first.",
    {_LARGEST: "width, height"},
)
random_crop_box.slip(
    "square_instead",
    "When nothing fits you take a square. Take the largest box whose ratio is in the range.",
    {_LARGEST: "min(height, width), min(height, width)"},
)
random_crop_box.slip(
    "fallback_other_end",
    "When nothing fits, your box is as narrow as the range allows. It is the *largest* one: a wide "
    "picture gets the largest ratio, a tall one the least.",
    {_LARGEST: "min(width, round(height * low)), min(height, round(width / high))"},
)
random_crop_box.slip(
    "fallback_by_one_end",
    "When nothing fits a tall picture, your height is width times the *largest* ratio. It is width "
    "over the least: the two agree only in the usual range.",
    {"round(width / low)": "round(width * high)"},
)
random_crop_box.slip(
    "fallback_in_the_usual_range",
    "When nothing fits you clamp to 3/4 and 4/3 whatever was given. Use `ratio`.",
    {_LARGEST: "min(width, round(height * 4 / 3)), min(height, round(width / 0.75))"},
)
random_crop_box.slip(
    "fallback_at_the_corner",
    "When nothing fits, your box lies at the top left. It lies in the middle.",
    {_MIDDLE: "0, 0"},
)
random_crop_box.slip(
    "fallback_cut_off",
    "When nothing fits, the side of your box is cut off. Round it to the nearest whole number.",
    {_LARGEST: "min(width, int(height * high)), min(height, int(width / low))"},
)
random_crop_box.slip(
    "fallback_corner_rounded",
    "When nothing fits, half of an odd rest is rounded up in your corner. The page rounds it down: "
    "`//`.",
    {_MIDDLE: "round((height - h) / 2), round((width - w) / 2)"},
)
random_crop_box.slip(
    "floats",
    "Your corner or your sides are floats, and pixels are counted in whole numbers: `int(…)`.",
    {"return top, left, h, w": "return float(top), float(left), float(h), float(w)"},
)
random_crop_box.slip(
    "always_centred",
    "Your box always lies in the middle. Numbers 2 and 3 place it.",
    {_CORNER: _MIDDLE},
)
random_crop_box.slip(
    "fixed_ranges",
    "You use the usual ranges whatever was given. They are only the defaults.",
    {"low, high = ratio": "share, (low, high) = SHARE, RATIO"},
)


_REFERENCE = "min(width, round(height * high))", "min(height, round(width / low))"


for _swapped in (
    ("min(round(height * high), width)", _REFERENCE[1]),
    (_REFERENCE[0], "min(round(width / low), height)"),
):
    random_crop_box.equivalent(
        f"`w, h = ({_REFERENCE[0]}, {_REFERENCE[1]})` → `w, h = ({_swapped[0]}, {_swapped[1]})`",
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
