"""Random inputs for a check: fresh every time, smallest first, legible to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

SIZES = (1, 2, 3, 5, 8, 13, 21)
"""Problem sizes of the first trials, in order. Later trials repeat the largest."""


class Draw:
    """One trial's source of inputs.

    Parameters
    ----------
    seed : int
        Equal seeds and sizes give equal draws, which is how a wrong answer is compared with
        the declared mistakes on the same inputs.
    size : int
        How large the problem should be (examples, items, steps: the exercise decides).
    """

    def __init__(self, seed: int, size: int) -> None:
        self.size = size
        self.rng = np.random.default_rng([seed, size])

    def normal(self, *shape: int, scale: float = 1.0) -> Any:
        """Normal numbers with standard deviation `scale`, rounded to 2 decimals.

        Returns a float without a shape, else a float64 array of that shape. Rounding keeps a
        failing case short enough to follow by hand.
        """
        return self._rounded(self.rng.normal(0.0, scale, size=shape or None))

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Uniform numbers in [low, high), rounded to 2 decimals; a float without a shape."""
        return self._rounded(self.rng.uniform(low, high, size=shape or None))

    def integers(self, low: int, high: int, *shape: int) -> Any:
        """Integers from `low` up to but not including `high`; an int without a shape."""
        drawn = self.rng.integers(low, high, size=shape or None)
        return drawn if shape else int(drawn)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, each as likely."""
        return options[int(self.rng.integers(len(options)))]

    def seed(self) -> int:
        """A fresh seed, for a generator that the property makes itself."""
        return int(self.rng.integers(2**31))

    @staticmethod
    def _rounded(drawn: Any) -> Any:
        rounded = np.round(drawn, 2) + 0.0  # + 0.0 turns -0.0 into 0.0
        return rounded if np.ndim(rounded) else float(rounded)


def draw_for(seed: int, trial: int) -> Draw:
    """The draw of one of a property's trials, the first of which is the smallest."""
    return Draw(seed + trial, SIZES[min(trial, len(SIZES) - 1)])
