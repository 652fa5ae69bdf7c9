"""Gradient descent on a loss surface, with the learning rate under the reader's hand.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.data import line
from descent.figures.interactive import InteractiveFigure, interactive_figure


def loss_surface_figure(
    x: Any = None,
    y: Any = None,
    start: tuple[float, float] | None = None,
    rate: float = 0.1,
) -> InteractiveFigure:
    """Mean squared error of a line y = w·x + b over w and b, to descend step by step.

    The reader moves the learning rate, steps, runs and resets, chooses the starting point, and
    sees the path beside the line it stands for. Past the largest stable rate (1/λ with λ the
    largest eigenvalue of [[mean x², mean x], [mean x, 1]]) the path diverges, and the figure
    says so.

    Parameters
    ----------
    x, y : the data, shape (n,) each, n ≥ 2, x not all equal; 20 points about a line by default.
    start : (w, b) to begin from; by default well away from the minimum.
    rate : learning rate to begin with, positive.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : the data does not determine a line, or the rate is not positive.
    """
    if x is None and y is None:
        x, y = line(20, w=2.0, b=-1.0, noise=0.3, seed=3)
    inputs, targets = (np.asarray(values, dtype=np.float64).round(4) for values in (x, y))
    if inputs.ndim != 1 or inputs.shape != targets.shape or np.ptp(inputs) == 0:
        raise ValueError("x and y must be vectors of one length, with at least two different x")
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise ValueError("x and y must be finite")
    if not rate > 0:
        raise ValueError("rate must be positive")
    return interactive_figure(
        "loss_surface",
        "gradient descent on the loss surface of a line",
        _problem(inputs, targets, start, rate),
    )


def _problem(
    x: np.ndarray, y: np.ndarray, start: tuple[float, float] | None, rate: float
) -> dict[str, Any]:
    """What the script needs: the data, where to begin and which part of the plane to show."""
    slope, intercept = (float(value) for value in np.polyfit(x, y, 1))
    w, b = start if start is not None else (slope - 3.0, intercept + 2.0)
    reach_w = 1.35 * max(abs(w - slope), 0.75)
    reach_b = 1.35 * max(abs(b - intercept), 0.75)
    edge_x, edge_y = 0.08 * np.ptp(x), 0.35 * max(float(np.ptp(y)), 0.5)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "start": {"w": round(w, 4), "b": round(b, 4)},
        "rate": rate,
        "view": {"x": _range(slope, reach_w), "y": _range(intercept, reach_b)},
        "fit": {
            "x": [round(float(x.min() - edge_x), 4), round(float(x.max() + edge_x), 4)],
            "y": [round(float(y.min() - edge_y), 4), round(float(y.max() + edge_y), 4)],
        },
    }


def _range(middle: float, reach: float) -> list[float]:
    return [round(middle - reach, 4), round(middle + reach, 4)]
