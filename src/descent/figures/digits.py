"""Digits as pictures, and which of them are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.style import COLOURS, use_style

CELL = 1.0  # inches a digit takes, title apart


def show_digits(images: Any, titles: Sequence[object] | None = None, columns: int = 8) -> None:
    """Show digits in rows, ink on paper, each with its title above.

    Parameters
    ----------
    images : shape (n, 28, 28), or (n, 784) with square pictures flattened; any number type.
    titles : n things to write above them, or None.
    columns : how many in a row.

    Raises
    ------
    ValueError : a shape that is not pictures, or not one title a picture.
    """
    import matplotlib.pyplot as plt

    use_style()
    pictures = _square(images)
    count = len(pictures)
    if titles is not None and len(titles) != count:
        raise ValueError(f"{count} images but {len(titles)} titles")
    across = min(columns, count)
    down = -(-count // across)
    lines = max((str(t).count("\n") + 1 for t in titles), default=0) if titles is not None else 0
    figure, axes = plt.subplots(
        down, across, figsize=(across * CELL, down * (CELL + 0.22 * lines)), squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for index, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap="gray_r")
        if titles is not None:
            ax.set_title(str(titles[index]), fontsize=11, fontweight="normal", loc="center", pad=3)


def plot_confusion(
    matrix: Any, class_names: Sequence[object], title: str = "Which classes are confused"
) -> None:
    """Show a confusion matrix with the mistakes coloured, not the successes.

    The diagonal would drown everything else, so it is left grey; a mistake's colour is its share
    of its row.

    Parameters
    ----------
    matrix : shape (k, k), counts; row = true class, column = predicted class.
    class_names : k names.
    title : what to write above it.

    Raises
    ------
    ValueError : not a square matrix, or not one name a class.
    """
    import matplotlib.pyplot as plt

    use_style()
    counts = as_array(matrix)
    k = len(class_names)
    if counts.shape != (k, k):
        raise ValueError(f"matrix has shape {counts.shape}, wanted {(k, k)}, one row a class")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.ma.masked_where(np.eye(k, dtype=bool), share)
    colours = plt.get_cmap("Blues").with_extremes(bad="#E5E7EB")
    side = max(3.6, 0.52 * k + 1.4)
    _, ax = plt.subplots(figsize=(side + 0.6, side))
    highest = max(float(wrong.max()) if k > 1 else 0.0, 1e-9)
    ax.imshow(wrong, cmap=colours, vmin=0, vmax=highest)
    for row in range(k):
        for column in range(k):
            if counts[row, column]:
                dark = row != column and share[row, column] > 0.6 * highest
                ax.text(
                    column,
                    row,
                    f"{counts[row, column]:g}",
                    ha="center",
                    va="center",
                    fontsize=10,
                    color="white" if dark else COLOURS["ink"],
                )
    ax.set_xticks(range(k), [str(name) for name in class_names])
    ax.set_yticks(range(k), [str(name) for name in class_names])
    ax.set(xlabel="predicted class", ylabel="true class", title=title)
    ax.grid(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _square(images: Any) -> np.ndarray:
    pictures = as_array(images)
    if pictures.ndim == 2:
        side = round(pictures.shape[1] ** 0.5)
        if side * side == pictures.shape[1]:
            pictures = pictures.reshape(-1, side, side)
    if pictures.ndim != 3 or len(pictures) == 0:
        raise ValueError(f"images has shape {pictures.shape}, wanted (n, 28, 28) or (n, 784)")
    return pictures
