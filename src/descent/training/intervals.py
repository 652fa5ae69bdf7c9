"""How far a share that was counted may lie from the true one."""

from __future__ import annotations

import math

NORMAL_95 = 1.959963984540054  # between minus and plus this lies 95 % of a standard normal


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share of n (Wilson, 1927), with 95 % confidence.

    Near 0 and 1 it stays within them, as the share ± 1.96 standard errors does not.
    """
    z2 = NORMAL_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
