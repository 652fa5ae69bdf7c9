"""Curves with their names written at their ends, so that no legend has to be decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.style import CYCLE, darker, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_GAP = 1.35  # lines of text between two neighbouring names


def plot_curves(
    curves: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    logy: bool = False,
    ax: Axes | None = None,
) -> None:
    """Draw named curves, each labelled directly at its right-hand end.

    Nothing is returned, so that the last line of a cell prints nothing; to draw more on the same
    axes pass `ax`, or take `plt.gca()` afterwards.

    Parameters
    ----------
    curves : name → values (drawn against 0, 1, 2, …), or name → (x, values). Values that are not
        finite leave a gap.
    xlabel, ylabel : axis labels, with units where there are any.
    title : one message, or None.
    logy : logarithmic vertical axis; values at or below zero leave a gap.
    ax : axes to draw on; a new figure by default.

    Raises
    ------
    ValueError : x and values differ in length.
    """
    import matplotlib.pyplot as plt

    use_style()
    if ax is None:
        _, ax = plt.subplots()
    draw_curves(ax, curves, logy)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if title is not None:
        ax.set_title(title)
    label_ends(ax)


def draw_curves(ax: Axes, curves: Mapping[str, Any], logy: bool) -> None:
    """Draw the lines of `plot_curves` on `ax`, without labels."""
    for index, (name, curve) in enumerate(curves.items()):
        x, y = _points(name, curve)
        y = np.where(np.isfinite(y) & ((y > 0) | (not logy)), y, np.nan)
        marker = "o" if len(y) == 1 else None
        ax.plot(x, y, color=CYCLE[index % len(CYCLE)], label=name, marker=marker)
    if logy:
        ax.set_yscale("log")


def label_ends(ax: Axes) -> None:
    """Write each line's name at its last visible point, names spread so that none overlap."""
    ends = [(line, end) for line in ax.get_lines() if (end := _last_point(line)) is not None]
    ends = [(line, end) for line, end in ends if not str(line.get_label()).startswith("_")]
    if not ends:
        return
    right = max(end[0] for _, end in ends)
    ax.margins(x=0.02)
    ax.autoscale_view()
    figure = ax.get_figure()
    assert figure is not None
    size = 11.5
    pixels = size * figure.dpi / 72 * LABEL_GAP
    heights = [float(ax.transData.transform(end)[1]) for _, end in ends]
    for (line, end), height, wanted in zip(
        ends, heights, spread_apart(heights, pixels), strict=True
    ):
        colour = str(line.get_color())
        ax.annotate(
            str(line.get_label()),
            xy=(right, end[1]),
            xytext=(8, (wanted - height) * 72 / figure.dpi),
            textcoords="offset points",
            va="center",
            color=darker(colour),
            fontsize=size,
            fontweight="bold",
            annotation_clip=False,
        )


def spread_apart(positions: Sequence[float], gap: float) -> list[float]:
    """Move positions as little as needed for neighbours to be `gap` apart, order kept.

    Parameters
    ----------
    positions : where each would like to be.
    gap : smallest distance between two.

    Returns
    -------
    Positions in the order given.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    groups: list[list[float]] = []  # each: sum of what its members wish, how many
    for rank, index in enumerate(order):
        groups.append([positions[index] - rank * gap, 1.0])
        # Two groups that would collide become one, centred on the mean of what they wish.
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    placed = [0.0] * len(positions)
    rank = 0
    for group in groups:
        for _ in range(int(group[1])):
            placed[order[rank]] = _mean(group) + rank * gap
            rank += 1
    return placed


def _mean(group: list[float]) -> float:
    return group[0] / group[1]


def _points(name: str, curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """The x and y of one curve, as float64 arrays."""
    if isinstance(curve, tuple) and len(curve) == 2 and isinstance(curve[1], Sized):
        x, y = (_as_floats(part) for part in curve)
    else:
        y = _as_floats(curve)
        x = np.arange(len(y), dtype=np.float64)
    if len(x) != len(y):
        raise ValueError(f"curve {name!r}: {len(x)} values of x but {len(y)} of y")
    return x, y


def _as_floats(values: Any) -> np.ndarray:
    """Numbers, arrays, tensors or a list of 0-d tensors as a flat float64 array."""
    if not (hasattr(values, "detach") or isinstance(values, np.ndarray)):
        values = [float(v.detach()) if hasattr(v, "detach") else float(v) for v in values]
    return as_array(values, np.float64).reshape(-1)


def _last_point(line: Any) -> tuple[float, float] | None:
    x, y = line.get_xdata(), line.get_ydata()
    seen = np.flatnonzero(np.isfinite(np.asarray(y, dtype=np.float64)))
    return (float(x[seen[-1]]), float(y[seen[-1]])) if len(seen) else None
