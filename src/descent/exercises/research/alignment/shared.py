"""What several exercises of research/07_alignment draw from and compare with."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw

PAD, END = 0, 1
"""The page's numbers of padding and of the end of a line."""


def drawn_lengths(draw: Draw, n: int, places: int) -> list[int]:
    """`n` lengths from 1 to `places`, in any order; the longest and the shortest are among them."""
    lengths = [places, 1, *(draw.integers(1, places + 1) for _ in range(n))][:n]
    return [lengths[i] for i in draw.rng.permutation(n)]


def mask_of(lengths: list[int], places: int) -> Tensor:
    """Shape (n, places), bool: whether a place holds a real token."""
    return torch.arange(places)[None] < torch.tensor(lengths)[:, None]


def drawn_log_probs(draw: Draw, n: int, places: int, scale: float = 0.6) -> Tensor:
    """Log-probabilities of tokens, none of them above 0, as float32 of shape (n, places)."""
    return -torch.tensor(np.abs(draw.normal(n, places, scale=scale)) + 0.1, dtype=torch.float32)


def completions(draw: Draw, lengths: list[int], places: int, words: int = 12) -> Tensor:
    """Lines of these lengths, int64 of shape (n, places): they end in END and are padded."""
    tokens = torch.full((len(lengths), places), PAD)
    for row, length in enumerate(lengths):
        tokens[row, :length] = torch.tensor(draw.integers(2, words, length))
        tokens[row, length - 1] = END
    return tokens


def log_sum(values: list[float]) -> float:
    """The logarithm of a sum of exponentials, with Python's floats."""
    highest = max(values)
    return highest + math.log(sum(math.exp(value - highest) for value in values))
