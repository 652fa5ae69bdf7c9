"""Randomness that follows from the seed and the step, so that nothing of it need be saved.

Every draw of a training comes from generators seeded anew at each step. A training that continues
from a checkpoint then draws what the uninterrupted one drew, and a batch is the same batch however
many processes share it.
"""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_everything(*numbers: int) -> None:
    """Seed Python's, numpy's and torch's own generators from some whole numbers.

    Parameters
    ----------
    *numbers : int
        None negative, such as the seed, the step and the process's rank.
    """
    first, second = np.random.SeedSequence(numbers).generate_state(2)
    random.seed(int(first))
    np.random.seed(int(first))  # noqa: NPY002 (a learner's model may draw from it)
    seed = int(first) << 31 ^ int(second)
    # Not torch.manual_seed: where there is no GPU it keeps, at every call, a note of who called,
    # in case one appears; in a loop these are many, and cost more than the seeding.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def generator(*numbers: int) -> np.random.Generator:
    """Return a generator of its own for some whole numbers, such as the seed and the step."""
    return np.random.default_rng(np.random.SeedSequence(numbers))
