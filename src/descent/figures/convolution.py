"""A convolution kernel in the reader's hand, moved over a picture.

Like the loss surface, it is HTML and plain JavaScript that needs neither a kernel nor a network:
the same output works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.interactive import InteractiveFigure, interactive_figure

LARGEST = 40  # pixels a side: more cannot be told apart on a phone


def convolution_figure(image: Any = None) -> InteractiveFigure:
    """A 3 × 3 kernel over a picture: the products under the window, their sum, the output map.

    The reader moves the window with mouse, finger or arrow keys, chooses a kernel (edges, blur,
    sharpen) or writes its nine numbers, and sets stride and padding.

    Parameters
    ----------
    image : shape (height, width), 3 to 40 pixels a side, any number type; the largest number is
        drawn as ink and 0 as paper. A small digit by default.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : not such a picture, or numbers that are not finite or negative.
    """
    pixels = _small_digit() if image is None else as_array(image, np.float64)
    if pixels.ndim != 2 or not all(3 <= side <= LARGEST for side in pixels.shape):
        raise ValueError(f"image must be a table of 3 to {LARGEST} pixels a side")
    if not np.isfinite(pixels).all() or pixels.min() < 0:
        raise ValueError("image must hold finite numbers from 0 upwards")
    ink = pixels / max(float(pixels.max()), 1e-12)
    return interactive_figure(
        "convolution", "a convolution kernel moved over a picture", {"image": ink.round(2).tolist()}
    )


def _small_digit() -> np.ndarray:
    """A seven with a bar, 12 × 12, with strokes two pixels wide."""
    pixels = np.zeros((12, 12))
    pixels[2:4, 2:10] = 1.0
    for row in range(3, 11):
        column = 9 - (row - 3) * 5 // 8
        pixels[row, column - 1 : column + 1] = 1.0
    pixels[6, 4:10] = 1.0
    return pixels
