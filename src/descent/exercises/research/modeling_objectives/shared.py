"""What several exercises of research/05_modeling_objectives draw from and compare with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw

CIRCLE = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]])
"""The page's four points on a circle."""


def on_the_sphere(draw: Draw, n: int, d: int) -> Tensor:
    """`n` vectors of length 1, none of them near another by design."""
    z = normals(draw, n, d) + 0.01
    return z / z.norm(dim=1, keepdim=True)


def log_shares(z: Tensor, temperature: float) -> np.ndarray:
    """The logarithm of every other vector's share in an anchor's softmax, one by one.

    The diagonal is NaN: an anchor is not compared with itself.
    """
    rows = z.detach().double().numpy()
    n = len(rows)
    shares = np.full((n, n), np.nan)
    for i in range(n):
        scores = {j: float(rows[i] @ rows[j]) / temperature for j in range(n) if j != i}
        highest = max(scores.values())
        total = highest + np.log(sum(np.exp(s - highest) for s in scores.values()))
        for j, score in scores.items():
            shares[i, j] = score - total
    return shares
