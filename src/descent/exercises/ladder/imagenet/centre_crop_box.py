"""How `centre_crop_box` is judged."""

from __future__ import annotations

import math
from fractions import Fraction

from descent.grading import Draw, Exercise, expect

from .shared import is_whole, name_habits

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
    expect(sum(map(is_whole, answer(300, 401))), "how many of the 4 are ints").equals(4)


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


name_habits(centre_crop_box, _centre, (
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
