"""What a classifier says about every point of the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.style import CYCLE, lighter, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 220
MARKERS = "osD^vP*X"


def plot_decision_regions(
    predict: Callable[[np.ndarray], Any],
    x: Any,
    y: Any,
    ax: Axes | None = None,
    title: str | None = None,
) -> None:
    """Colour the plane by predicted class, with the labelled points on top.

    Classes differ by marker as well as by colour.

    Parameters
    ----------
    predict : takes float64 points of shape (m, 2), returns m integer labels (array or tensor).
    x : points, shape (n, 2).
    y : labels, shape (n,), integers from 0.
    ax : axes to draw on; a new square figure by default.
    title : one message, or None.

    Raises
    ------
    ValueError : x is not (n, 2), or predict does not return one label a point.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    use_style()
    points, labels = as_array(x), as_array(y).astype(int)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"x has shape {points.shape}, wanted (n, 2)")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 5.0))
    horizontal, vertical, said = _ask(predict, points)
    classes = max(int(labels.max()), int(said.max())) + 1
    colours = [CYCLE[k % len(CYCLE)] for k in range(classes)]
    ax.pcolormesh(
        horizontal,
        vertical,
        said,
        cmap=ListedColormap([lighter(colour, 0.68) for colour in colours]),
        vmin=-0.5,
        vmax=classes - 0.5,
        shading="nearest",
        rasterized=True,
    )
    for k in range(classes):
        mine = points[labels == k]
        ax.scatter(
            mine[:, 0],
            mine[:, 1],
            s=26 if len(points) < 600 else 12,
            color=colours[k],
            marker=MARKERS[k % len(MARKERS)],
            edgecolor="white",
            linewidth=0.6,
            label=f"class {k}",
        )
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.grid(False)
    ax.set(xlim=(horizontal[0], horizontal[-1]), ylim=(vertical[0], vertical[-1]))
    if title is not None:
        ax.set_title(title)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def _ask(
    predict: Callable[[np.ndarray], Any], points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid round the points, and the label of each of its places."""
    low, high = points.min(axis=0), points.max(axis=0)
    edge = 0.08 * np.maximum(high - low, 1e-6)
    horizontal = np.linspace(low[0] - edge[0], high[0] + edge[0], GRID)
    vertical = np.linspace(low[1] - edge[1], high[1] + edge[1], GRID)
    grid = np.stack(np.meshgrid(horizontal, vertical), axis=-1).reshape(-1, 2)
    said = as_array(predict(grid))
    if said.shape != (len(grid),):
        raise ValueError(f"predict returned shape {said.shape} for {len(grid)} points")
    return horizontal, vertical, said.astype(int).reshape(GRID, GRID)
