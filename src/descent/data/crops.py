"""From a JPEG to the square that a network sees: the random crop, and the one of the evaluation."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels; the last two are outside."""

LEAST_ASPECT = 3 / 4
TRIES = 10


def random_box(width: int, height: int, draw: np.random.Generator, least_area: float = 0.08) -> Box:
    """Draw where to cut: the "Inception" crop (Szegedy et al., 2015) of every ImageNet recipe.

    The area is a share of the picture's from `least_area` to 1, the aspect ratio from 3 : 4 to
    4 : 3 evenly in its logarithm. What does not fit is drawn again, ten times at most; then it is
    the largest box in the middle within these ratios.

    Parameters
    ----------
    width, height : int
        Of the picture.
    draw : numpy.random.Generator
    least_area : float
    """
    spread = math.log(1 / LEAST_ASPECT)
    for _ in range(TRIES):
        area = width * height * draw.uniform(least_area, 1.0)
        aspect = math.exp(draw.uniform(-spread, spread))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(draw.integers(width - w + 1)), int(draw.integers(height - h + 1))
            return left, top, left + w, top + h
    w = min(width, round(height / LEAST_ASPECT))
    h = min(height, round(width / LEAST_ASPECT))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def random_crop(
    jpeg: bytes,
    side: int,
    draw: np.random.Generator,
    least_area: float = 0.08,
    reduced: bool = True,
) -> NDArray[np.uint8]:
    """Decode a picture, cut a random box, make it a square, and mirror it half of the time.

    Parameters
    ----------
    jpeg : bytes
    side : int
        Of the square.
    draw : numpy.random.Generator
    least_area : float
        The least share of the picture's area that is cut.
    reduced : bool
        Whether a picture is decoded at a half, a quarter or an eighth of its size where the box
        leaves at least `side` pixels each way. JPEG stores frequencies, and the decoder need not
        work out those that the smaller picture has no room for.

    Returns
    -------
    (side, side, 3) array of uint8
    """
    with Image.open(io.BytesIO(jpeg)) as image:
        box = random_box(*image.size, draw, least_area)
        mirrored = draw.random() < 0.5
        width, height = image.size
        if reduced:
            scale = _reduction(min(box[2] - box[0], box[3] - box[1]), side)
            image.draft("RGB", (width // scale, height // scale))
        across, down = image.width / width, image.height / height
        inside = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
        square = _in_colour(image).resize((side, side), Image.Resampling.BILINEAR, box=inside)
    pixels: NDArray[np.uint8] = np.asarray(square)
    return pixels[:, ::-1] if mirrored else pixels


def centre_crop(jpeg: bytes, resize: int, side: int) -> NDArray[np.uint8]:
    """Decode a picture as the published evaluation does: shorter side `resize`, middle `side`.

    Parameters
    ----------
    jpeg : bytes
    resize, side : int
        256 and 224 in the published protocol.

    Returns
    -------
    (side, side, 3) array of uint8
    """
    with Image.open(io.BytesIO(jpeg)) as image:
        whole = _in_colour(image)
        short = min(whole.size)
        size = (resize * whole.width // short, resize * whole.height // short)
        smaller = whole.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return np.asarray(smaller.crop((left, top, left + side, top + side)))


def _in_colour(image: Image.Image) -> Image.Image:
    """Decode; most are RGB already, which `convert` would copy."""
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def _reduction(shortest: int, side: int) -> int:
    """Return by how much the decoder may reduce: 1, 2, 4 or 8."""
    return next(scale for scale in (8, 4, 2, 1) if scale == 1 or shortest >= scale * side)
