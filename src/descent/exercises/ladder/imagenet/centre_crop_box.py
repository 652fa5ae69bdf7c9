"""How `centre_crop_box` is judged."""

from __future__ import annotations

import math
from fractions import Fraction

from descent.grading import Draw, Exercise, expect

centre_crop_box = Exercise("centre_crop_box", minutes=6, difficulty=1, returns=tuple[int, ...])

PARTS = "height, width, top, left"


def _centre_by_fractions(
    height: int, width: int, resize: int = 256, crop: int = 224
) -> tuple[int, ...]:
    scale = Fraction(resize, min(height, width))
    sides = [math.floor(side * scale) for side in (height, width)]
    return (*sides, *(round(Fraction(side - crop, 2)) for side in sides))


@centre_crop_box.property("resizes the shorter side to 256 and takes the middle 224", trials=6)
def _(answer, draw: Draw) -> None:
    parts, more = draw.integers(1, 7), draw.integers(1, 200)
    short, long = 128 * parts, (128 + more) * parts  # nothing is left to round
    for height, width in ((short, long), (long, short)):
        expect(answer(height, width), PARTS).equals(_centre_by_fractions(height, width))


@centre_crop_box.property("rounds the longer side down", trials=4)
def _(answer, draw: Draw) -> None:
    short, long = draw.integers(260, 400), draw.integers(401, 900)
    for height, width in ((short, long), (long, short)):
        found, expected = answer(height, width), _centre_by_fractions(height, width)
        expect(found[:2], "height, width").equals(expected[:2])


@centre_crop_box.property("makes the shorter side 256 to the pixel", trials=1)
def _(answer, draw: Draw) -> None:
    for short in (49, 98, 161, 347, 389):  # the fraction 256 / short, as a float, is a hair small
        found = answer(2 * short, short)
        expect(found[:2], f"height, width of a picture {short} wide").equals((512, 256))


@centre_crop_box.property("leaves a square square, and enlarges what is small", trials=2)
def _(answer, draw: Draw) -> None:
    side, long = draw.integers(50, 200), draw.integers(201, 250)
    expect(answer(side, side), "of a square").equals((256, 256, 16, 16))
    expect(answer(1, 1), "of a single pixel").equals((256, 256, 16, 16))
    expect(answer(side, long), "of a small picture").equals(_centre_by_fractions(side, long))


@centre_crop_box.property("takes other sizes, the crop as large as the picture included", trials=4)
def _(answer, draw: Draw) -> None:
    height, width = draw.integers(40, 90), draw.integers(40, 90)
    resize = draw.integers(20, 60)
    for crop in (resize, resize - draw.integers(1, 15)):
        found = answer(height, width, resize, crop)
        expect(found, PARTS).equals(_centre_by_fractions(height, width, resize, crop))


@centre_crop_box.property("rounds half a pixel to the even number", trials=1)
def _(answer, draw: Draw) -> None:
    side = draw.integers(20, 60)
    corners = [answer(side, side, side, side - odd)[2:] for odd in (1, 3, 5, 7)]
    expect(corners, "the corners with 1, 3, 5 and 7 pixels left over").equals(
        [(0, 0), (2, 2), (2, 2), (4, 4)]
    )


@centre_crop_box.right
def right_box(height, width, resize=256, crop=224):
    short = min(height, width)
    tall, wide = resize * height // short, resize * width // short
    top, left = round((tall - crop) / 2), round((wide - crop) / 2)
    return tall, wide, top, left


_SIDES = "resize * height // short, resize * width // short"
_CORNER = "round((tall - crop) / 2), round((wide - crop) / 2)"
_START = "short = min(height, width)\n"


centre_crop_box.slip(
    "longer_side",
    "You made the *longer* side 256. It is the shorter one, so that the crop fits inside.",
    {"min(height, width)": "max(height, width)"},
)
centre_crop_box.slip(
    "height_for_the_shorter",
    "You made the *height* 256, also where the picture is taller than wide. It is the shorter "
    "side, whichever that is.",
    {"min(height, width)": "height"},
)
centre_crop_box.slip(
    "squashed",
    "You made both sides 256. That squashes the picture: keep the proportions.",
    {_SIDES: "resize, resize"},
)
centre_crop_box.slip(
    "width_first",
    "You gave width before height. Height first, as in an array's shape.",
    {"return tall, wide, top, left": "return wide, tall, left, top"},
)
centre_crop_box.slip(
    "corner_first",
    "You gave the corner before the size. The order is height, width, top, left.",
    {"return tall, wide, top, left": "return top, left, tall, wide"},
)
centre_crop_box.slip(
    "corner_across_first",
    "You gave left before top. The order is height, width, top, left.",
    {"return tall, wide, top, left": "return tall, wide, left, top"},
)
centre_crop_box.slip(
    "rounded_up",
    "Your longer side is rounded up. The page rounds it down.",
    {_SIDES: "-(-resize * height // short), -(-resize * width // short)"},
)
centre_crop_box.slip(
    "rounded_to_nearest",
    "Your longer side is rounded to the nearest. The page rounds it down.",
    {_SIDES: "round(resize * height / short), round(resize * width / short)"},
)
centre_crop_box.slip(
    "factor_first",
    "Your side comes out one pixel short where a division is not exact: 256 / 49 is a rounded "
    "fraction, and times 49 it can be 255.99…, which is cut off. Multiply first and divide then.",
    {_SIDES: "int(height * (resize / short)), int(width * (resize / short))"},
)
centre_crop_box.slip(
    "corner_of_the_original",
    "Your corner comes from the picture's size before it was resized. Crop after resizing.",
    {_CORNER: "round((height - crop) / 2), round((width - crop) / 2)"},
)
centre_crop_box.slip(
    "one_for_both",
    "Your top and left are the same number. Each is half of what is left over in its own "
    "direction.",
    {"round((wide - crop) / 2)": "round((tall - crop) / 2)"},
)
centre_crop_box.slip(
    "not_halved",
    "Your corner leaves everything on one side: halve what is left over.",
    {_CORNER: "tall - crop, wide - crop"},
)
centre_crop_box.slip(
    "top_left",
    "You crop from the top left. The crop lies in the middle.",
    {_CORNER: "0, 0"},
)
centre_crop_box.slip(
    "middle_point",
    "You gave the middle of the picture. Asked is the top left corner of the crop: half of what "
    "is left over.",
    {_CORNER: "tall // 2, wide // 2"},
)
centre_crop_box.slip(
    "corner_rounded_up",
    "Your corner is rounded up where half a pixel is left over. The protocol takes the even "
    "number, as `round` does.",
    {_CORNER: "(tall - crop + 1) // 2, (wide - crop + 1) // 2"},
)
centre_crop_box.slip(
    "corner_rounded_down",
    "Your corner is rounded down where half a pixel is left over. The protocol takes the even "
    "number, as `round` does.",
    {_CORNER: "(tall - crop) // 2, (wide - crop) // 2"},
)
centre_crop_box.slip(
    "half_pixels",
    "Your corner has halves in it. Pixels are counted in whole numbers: `round(…)`.",
    {_CORNER: "(tall - crop) / 2, (wide - crop) / 2"},
)
centre_crop_box.slip(
    "never_enlarges",
    "You never enlarge. The protocol makes every shorter side 256, of small pictures too.",
    {_START: f"{_START}    resize = min(resize, short)\n"},
)
centre_crop_box.slip(
    "fixed_sizes",
    "You use 256 and 224 whatever was given. They are only the defaults.",
    {_START: f"{_START}    resize, crop = 256, 224\n"},
)
centre_crop_box.slip(
    "fixed_crop",
    "You cut out 224 whatever was given. It is only the default.",
    {_CORNER: "round((tall - 224) / 2), round((wide - 224) / 2)"},
)


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
