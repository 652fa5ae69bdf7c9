"""A stream of chance for each environment: what one draws does not depend on the others."""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
TWO_TO_53 = float(2**53)


class Streams:
    """Uniform numbers from n streams at once, by SplitMix64 (Steele, Lea & Flood, 2014).

    A numpy generator for each environment would be asked n times in every step; this is one
    computation for all, and what it has to remember is one whole number each.

    Parameters
    ----------
    seeds : array of int
        (n,), one for each stream.
    """

    def __init__(self, seeds: np.ndarray) -> None:
        self.counters = _mixed(np.asarray(seeds).astype(np.uint64))

    def uniform(self, each: int) -> np.ndarray:
        """Draw (n, each) numbers, from 0 to below 1."""
        counts = self.counters[:, None] + GOLDEN * np.arange(1, each + 1, dtype=np.uint64)
        self.counters = counts[:, -1]
        return (_mixed(counts) >> np.uint64(11)).astype(np.float64) / TWO_TO_53


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread the bits of 64-bit numbers, one to one."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
