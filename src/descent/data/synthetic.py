"""Data made from a known rule: choose x at random, apply f, learn f back.

Every function is pure: the same arguments give the same arrays, bit for bit. Inputs and targets
are float64, class labels int64.
"""

from __future__ import annotations

from math import erf, pi, sqrt, tan

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

BLOB_RADIUS = 2.0
SPIRAL_START = 0.15


def line(
    n: int, w: float = 2.0, b: float = -1.0, noise: float = 0.1, seed: int = 0
) -> tuple[Floats, Floats]:
    """Points scattered about a straight line: y = w·x + b + noise.

    Parameters
    ----------
    n : number of points.
    w, b : slope and intercept of the line.
    noise : standard deviation σ of the Gaussian noise on y; σ² is the loss no model can go below.
    seed : which random draw.

    Returns
    -------
    x : shape (n,), uniform on [−1, 1).
    y : shape (n,).
    """
    _require(n >= 1, "n must be at least 1")
    _require(noise >= 0, "noise must not be negative")
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, n)
    return x, w * x + b + rng.normal(0.0, 1.0, n) * noise


def plane(
    n: int,
    w: ArrayLike = (1.5, -2.0, 0.5),
    b: float = 1.0,
    noise: float = 0.1,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Points scattered about a plane in d dimensions: y = x @ w + b + noise.

    Parameters
    ----------
    n : number of points.
    w : weights, shape (d,).
    b : intercept.
    noise : standard deviation σ of the Gaussian noise on y.
    seed : which random draw.

    Returns
    -------
    x : shape (n, d), standard normal.
    y : shape (n,).
    """
    weights = np.asarray(w, dtype=np.float64)
    _require(n >= 1, "n must be at least 1")
    _require(weights.ndim == 1 and weights.size >= 1, "w must be a vector of shape (d,)")
    _require(noise >= 0, "noise must not be negative")
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 1.0, (n, weights.size))
    return x, x @ weights + b + rng.normal(0.0, 1.0, n) * noise


def blob_means(classes: int = 3) -> Floats:
    """Centres of the blobs: evenly spaced on a circle of radius 2 about the origin.

    Returns
    -------
    means : shape (classes, 2); row k is the centre of class k.
    """
    _require(classes >= 2, "classes must be at least 2")
    angle = pi / 2 + 2 * pi * np.arange(classes) / classes
    return BLOB_RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def blobs(n: int, classes: int = 3, spread: float = 0.8, seed: int = 0) -> tuple[Floats, Labels]:
    """Round Gaussian clouds, one a class, centred at `blob_means(classes)`.

    Classes are equally likely (their counts differ by at most one) and in random order.

    Parameters
    ----------
    n : number of points, all classes together.
    classes : number of clouds, at least 2.
    spread : standard deviation σ of each cloud in each direction.
    seed : which random draw.

    Returns
    -------
    x : shape (n, 2).
    y : shape (n,), int64 labels 0 … classes − 1.
    """
    _require(n >= 1, "n must be at least 1")
    _require(spread > 0, "spread must be positive")
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n, dtype=np.int64) % classes)
    return blob_means(classes)[y] + spread * rng.normal(0.0, 1.0, (n, 2)), y


def blobs_bayes_accuracy(classes: int = 3, spread: float = 0.8) -> float:
    """The accuracy no classifier can beat on `blobs(n, classes, spread)`, on average.

    The clouds are equally likely and equally round, so the best rule is "the nearest centre", and
    the region of each class is a wedge of half-angle π / classes with its tip at the origin. What
    is returned is the probability that a cloud centred at distance R on the wedge's axis stays in
    it: ∫ φ(v) Φ(R/σ − |v| / tan(π/classes)) dv, with φ and Φ the standard normal density and
    distribution.

    Returns
    -------
    accuracy : between 0 and 1.
    """
    _require(classes >= 2, "classes must be at least 2")
    _require(spread > 0, "spread must be positive")
    sideways = np.linspace(0.0, 10.0, 20_001)
    density = np.exp(-(sideways**2) / 2) / sqrt(2 * pi)
    edge = BLOB_RADIUS / spread - sideways / tan(pi / classes)
    inside = np.array([0.5 * (1 + erf(e / sqrt(2))) for e in edge])
    return float(2 * np.trapezoid(density * inside, sideways))


def spiral(
    n: int, classes: int = 3, turns: float = 1.0, noise: float = 0.02, seed: int = 0
) -> tuple[Floats, Labels]:
    """Spiral arms wound about the origin, one a class: no straight line separates them.

    A point at fraction t along the arm of class k lies at distance 0.15 + 0.85·t from the origin,
    at the angle 2π·(turns·t + k / classes).

    Parameters
    ----------
    n : number of points, all classes together (counts differ by at most one).
    classes : number of arms, at least 2.
    turns : how often each arm goes round.
    noise : standard deviation of the Gaussian noise on both coordinates. At the default the arms
        do not touch, so an accuracy above 99 % is possible.
    seed : which random draw.

    Returns
    -------
    x : shape (n, 2), within about 1 of the origin.
    y : shape (n,), int64 labels 0 … classes − 1.
    """
    _require(n >= 1, "n must be at least 1")
    _require(classes >= 2, "classes must be at least 2")
    _require(noise >= 0, "noise must not be negative")
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n, dtype=np.int64) % classes)
    t = rng.uniform(0.0, 1.0, n)
    radius = SPIRAL_START + (1 - SPIRAL_START) * t
    angle = 2 * pi * (turns * t + y / classes)
    on_arm = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return on_arm + noise * rng.normal(0.0, 1.0, (n, 2)), y


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
