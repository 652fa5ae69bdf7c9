"""Crops: the geometry of the random one, and the evaluation's middle."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from descent.data.crops import centre_crop, random_box, random_crop


def jpeg(pixels, quality=95):
    written = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(written, "JPEG", quality=quality)
    return written.getvalue()


def ramp(width, height):
    """Red grows to the right, green downwards."""
    across = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    down = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([across, down, np.full((height, width), 128.0)], axis=2)


def boxes(width, height, count, least=0.08):
    return [random_box(width, height, np.random.default_rng([7, n]), least) for n in range(count)]


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (32, 32)])
def test_boxes_lie_inside_and_have_the_shares_and_ratios_of_the_recipe(size):
    found = np.array(boxes(*size, 2000))
    left, top, right, bottom = found.T
    assert left.min() >= 0 and top.min() >= 0
    assert right.max() <= size[0] and bottom.max() <= size[1]
    width, height = right - left, bottom - top
    share, ratio = width * height / math.prod(size), width / height
    assert 0.07 < share.min() < 0.1 and share.max() <= 1
    # Up to this share every ratio fits, and no box is drawn again.
    assert (share < 0.32).sum() / (share < 0.56).sum() == pytest.approx(0.5, abs=0.05)
    assert ratio.min() > 0.7 and ratio.max() < 1.43  # a pixel more or less at the ends
    assert np.log(ratio).mean() == pytest.approx(0, abs=0.05)


def test_every_place_is_cut_from():
    seen = np.zeros((30, 40))
    for left, top, right, bottom in boxes(40, 30, 300):
        seen[top:bottom, left:right] += 1
    assert seen.min() > 0 and seen[10:20, 10:30].mean() > seen[0].mean()


@pytest.mark.parametrize(
    ("size", "box"), [((1000, 30), (480, 0, 520, 30)), ((30, 1000), (0, 480, 30, 520))]
)
def test_where_nothing_fits_the_middle_is_taken(size, box):
    assert boxes(*size, 5, least=0.9) == [box] * 5


def test_the_crop_is_of_the_box_that_was_drawn_mirrored_half_of_the_time():
    content = jpeg(ramp(200, 150))
    mirrored = 0
    for number in range(40):
        left, top, right, bottom = random_box(200, 150, np.random.default_rng(number))
        crop = random_crop(content, 64, np.random.default_rng(number)).astype(float)
        red = crop[:, :, 0].mean(axis=0)
        mirrored += red[0] > red[-1]
        middle = 255 * (left + right) / 400, 255 * (top + bottom) / 300
        assert crop[:, :, :2].mean(axis=(0, 1)) == pytest.approx(middle, abs=3)
        assert abs(red[-1] - red[0]) == pytest.approx(255 * (right - left) / 200, abs=8)
    assert 10 < mirrored < 30


def test_a_reduced_decoding_gives_nearly_the_same_picture():
    smooth = jpeg(ramp(640, 480))
    for number in range(10):
        draws = [np.random.default_rng(number) for _ in range(2)]
        whole = random_crop(smooth, 48, draws[0], 0.5, reduced=False).astype(float)
        reduced = random_crop(smooth, 48, draws[1], 0.5, reduced=True).astype(float)
        assert np.abs(whole - reduced).max() < 6


def test_decoding_is_reduced_only_where_the_box_leaves_enough(monkeypatch):
    """A reduced picture that is too small would have to be blown up again."""
    decoded = []
    real = Image.Image.resize

    def spy(image, size, *arguments, box=None):
        decoded.append((box[2] - box[0], box[3] - box[1]))
        return real(image, size, *arguments, box=box)

    monkeypatch.setattr(Image.Image, "resize", spy)
    content = jpeg(ramp(640, 480))
    for number in range(60):
        left, top, right, bottom = random_box(640, 480, np.random.default_rng(number))
        random_crop(content, 64, np.random.default_rng(number))
        assert min(decoded[-1]) >= min(64, right - left, bottom - top) - 0.5
        assert min(decoded[-1]) < 2 * 64 + 1 or min(right - left, bottom - top) >= 8 * 64


def test_the_evaluation_resizes_and_takes_the_middle():
    crop = centre_crop(jpeg(ramp(512, 384)), 256, 224).astype(float)
    assert crop.shape == (224, 224, 3)
    # 512 × 384 becomes 341 × 256; 224 of them in the middle.
    assert crop[:, 0, 0].mean() == pytest.approx(255 * 58.5 / 341, abs=2)
    assert crop[:, -1, 0].mean() == pytest.approx(255 * 282.5 / 341, abs=2)
    assert crop[0, :, 1].mean() == pytest.approx(255 * 16.5 / 256, abs=2)
    assert crop[-1, :, 1].mean() == pytest.approx(255 * 239.5 / 256, abs=2)


def test_grey_and_tiny_pictures_are_taken_too():
    grey = jpeg(np.full((20, 9), 77))
    assert (centre_crop(grey, 64, 64) == 77).all()
    assert (random_crop(grey, 32, np.random.default_rng(0)) == 77).all()
