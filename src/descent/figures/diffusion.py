"""Diffusion of a two-dimensional mixture: to noise, and back along the exact score.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from descent.figures.interactive import InteractiveFigure, interactive_figure

CENTRES = ((-1.4, 0.5), (1.2, 1.1), (0.5, -1.3))
WEIGHTS = (0.5, 0.3, 0.2)
REACH = 3.0  # the picture shows this far in all four directions
MOST_PARTS = 4  # each has a colour of its own
POINTS, SEED = 300, 5


def diffusion_figure(
    centres: Sequence[Sequence[float]] = CENTRES,
    weights: Sequence[float] = WEIGHTS,
    spread: float = 0.18,
    steps: int = 100,
) -> InteractiveFigure:
    """Points of a mixture of Gaussians with noise on them, and the way back without any network.

    After t steps a point is √ᾱ·x₀ + √(1 - ᾱ)·ε, with ᾱ on the cosine schedule. The density at
    every level is a mixture again, so its score is known exactly: arrows show it. The reader
    moves the noise level, lets fresh noise run back (along the deterministic flow or by ancestral
    steps), and puts a probe anywhere to read the score there, the mean of x₀ given the point, and
    where the flow ends.

    Parameters
    ----------
    centres : the means of the 1 to 4 parts, (x, y) each, at most 2.5 away from 0.
    weights : how much of the data each part has, positive, adding up to 1.
    spread : standard deviation of every part in both directions, between 0.05 and 1.
    steps : T, between 10 and 200.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range, or the shapes do not fit.
    """
    places, shares = np.asarray(centres, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not 1 <= len(places) <= MOST_PARTS:
        raise ValueError(f"centres must be 1 to {MOST_PARTS} pairs of numbers")
    if not (np.abs(places) <= 2.5).all():
        raise ValueError("centres must be at most 2.5 away from 0")
    if shares.shape != (len(places),) or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError("weights must be positive and add up to 1, one for each centre")
    if not 0.05 <= spread <= 1:
        raise ValueError("spread must be between 0.05 and 1")
    if not 10 <= steps <= 200:
        raise ValueError("steps must be between 10 and 200")
    return interactive_figure(
        "diffusion",
        "a mixture of Gaussians going to noise and back",
        {
            "centres": places.tolist(),
            "kept": cosine_levels(steps),
            "points": POINTS,
            "reach": REACH,
            "seed": SEED,
            "spread": spread,
            "weights": shares.tolist(),
        },
    )


def cosine_levels(steps: int) -> list[float]:
    """ᾱ after 0, 1, …, `steps` steps of the cosine schedule; no step adds more than 0.999."""
    left = [math.cos((t / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(steps + 1)]
    kept = [1.0]
    for before, after in zip(left[:-1], left[1:], strict=True):
        kept.append(kept[-1] * max(after / before, 0.001))
    return [float(f"{value:.6g}") for value in kept]
