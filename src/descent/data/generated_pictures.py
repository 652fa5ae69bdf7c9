"""A folder of pictures in ImageNet's own layout, made here: shapes on a gradient, ten classes.

It stands in where ImageNet is not at hand, and goes through the same preparation and the same
loader. It is no ImageNet: each class is a shape, at a random place, size, angle and colour.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from descent.data.fetch import cache_folder
from descent.data.imagenet import SPLITS, prepare_folder
from descent.data.shards import Encoding, unfinished

SOURCE = "generated shapes, not ImageNet"

Corners = list[tuple[float, float]]


def polygon(corners: int, dent: float = 1.0) -> Callable[[], Corners]:
    """Make a regular polygon, or a star where every second corner is drawn in by `dent`."""

    def make() -> Corners:
        angles = [2 * math.pi * corner / corners for corner in range(corners)]
        reach = [dent if corner % 2 else 1.0 for corner in range(corners)]
        return [(r * math.cos(a), r * math.sin(a)) for r, a in zip(reach, angles, strict=True)]

    return make


def box(width: float) -> Callable[[], Corners]:
    """Make a rectangle that is two high and 2 × `width` wide."""
    return lambda: [(-width, -1.0), (width, -1.0), (width, 1.0), (-width, 1.0)]


# The first ten of ImageNet's folder names; each stands for a shape: corners, and whether hollow.
SHAPES: dict[str, tuple[Callable[[], Corners], bool]] = {
    "n01440764": (polygon(40), False),
    "n01443537": (polygon(3), False),
    "n01484850": (box(1.0), False),
    "n01491361": (box(0.25), False),
    "n01494475": (polygon(10, 0.4), False),
    "n01496331": (polygon(40), True),
    "n01498041": (polygon(3), True),
    "n01514668": (box(1.0), True),
    "n01514859": (polygon(8, 0.2), False),
    "n01518878": (polygon(10, 0.4), True),
}


def generated_shards(
    classes: int, training: int, validation: int, side: int, seed: int = 0
) -> Path:
    """Return the folder of shards of generated pictures; they are made where they are not there.

    Parameters
    ----------
    classes : int
        At most ten.
    training, validation : int
        Pictures of each class.
    side : int
        Their mean side, in pixels.
    seed : int

    Returns
    -------
    Path
        With ``train`` and ``val``, as of `imagenet.prepare_folder`.
    """
    name = f"generated-{classes}-{training}-{validation}-{side}-{seed}"
    target = cache_folder() / name
    if any(unfinished(target / split) for split in SPLITS):
        source = cache_folder() / f"{name}-source"
        generate_folder(source, classes, {"train": training, "val": validation}, side, seed)
        prepare_folder(source, target, Encoding(side=side, pictures_each=256))
        shutil.rmtree(source)
    return target


def generate_folder(
    folder: Path, classes: int, counts: dict[str, int], side: int, seed: int = 0
) -> None:
    """Write pictures as ``train/n01440764/n01440764_0.JPEG``.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    classes : int
        At most ten.
    counts : dict
        Pictures of each class in each split.
    side : int
        Their mean side, in pixels; shapes and sizes differ, as ImageNet's do.
    seed : int
    """
    for part, (split, count) in enumerate(counts.items()):
        for number, name in enumerate(list(SHAPES)[:classes]):
            place = folder / split / name
            place.mkdir(parents=True, exist_ok=True)
            for which in range(count):
                draw = np.random.default_rng([seed, part, number, which])
                picture(name, side, draw).save(place / f"{name}_{which}.JPEG", quality=90)


def picture(name: str, side: int, draw: np.random.Generator) -> Image.Image:
    """Draw a picture of a class."""
    corners, hollow = SHAPES[name]
    width, height = (round(side * draw.uniform(0.75, 1.25)) for _ in range(2))
    image = _background(width, height, draw)
    reach = draw.uniform(0.2, 0.35) * min(width, height)
    x, y = draw.uniform(reach, width - reach), draw.uniform(reach, height - reach)
    colour = tuple(int(value) for value in draw.integers(0, 256, 3))
    turn = draw.uniform(0, 2 * math.pi)
    outline = _placed(corners(), reach, turn, x, y)
    pen = ImageDraw.Draw(image)
    if hollow:
        thick = max(2, round(0.25 * reach))
        pen.line([*outline, *outline[:2]], fill=colour, width=thick, joint="curve")
    else:
        pen.polygon(outline, fill=colour)
    return image


def _background(width: int, height: int, draw: np.random.Generator) -> Image.Image:
    """Blend four random colours from the corners, with some noise."""
    four = draw.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    smooth = Image.fromarray(four).resize((width, height), Image.Resampling.BILINEAR)
    noise = draw.normal(0, 12, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8))


def _placed(corners: Corners, reach: float, turn: float, x: float, y: float) -> Corners:
    cos, sin = math.cos(turn), math.sin(turn)
    return [
        (x + reach * (cos * across - sin * down), y + reach * (sin * across + cos * down))
        for across, down in corners
    ]
