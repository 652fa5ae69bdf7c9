"""What several exercises of ladder/vector_regression draw from and compare with."""

from __future__ import annotations

import statistics

import numpy as np

from descent.grading import expect
from descent.grading.values import to_array


def plane_heights(w: np.ndarray, b: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """The plane's height at every row of x, shape (n,)."""
    return np.einsum("ij,j->i", x, w) + b


def floats(answered: object) -> np.ndarray:
    """What an answer returned as a float array, tensors inside an autograd graph included."""
    array = to_array(answered)
    return np.full((), np.nan) if array is None else array.astype(float)


def several(answered, asked: str):
    """What an answer returned, if it is more than a single array."""
    expect(not hasattr(answered, "shape"), asked).is_true(
        otherwise=f"You returned a single array. The page asks for {asked}."
    )
    return answered


def with_ones(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def best_plane(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares by QR: X̃ = QR with orthonormal Q, so the minimum solves R·θ = Qᵀy."""
    q, r = np.linalg.qr(with_ones(x))
    theta = np.linalg.solve(r, q.T @ y)
    return theta[:-1], float(theta[-1])


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population spread of every column, from the standard library; 1 for spread 0."""
    columns = x.T.tolist()
    spreads = [statistics.pstdev(column) for column in columns]
    return np.array([statistics.fmean(c) for c in columns]), np.array([s or 1.0 for s in spreads])


def column_scales(x, axis=0, ddof=0):
    mean, std = np.mean(x, axis=axis), np.std(x, axis=axis, ddof=ddof)
    return mean, np.where(std > 0, std, 1.0)
