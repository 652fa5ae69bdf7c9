"""How `random_crop_box` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import is_whole, name_habits

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
    expect(all(map(is_whole, found)), "whether all four are ints").equals(True)
    found = answer(50, 500, np.full((1, 4), 0.97))
    expect(all(map(is_whole, found)), "whether all four are ints when nothing fits").equals(True)


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


name_habits(random_crop_box, _box, (
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
