"""What recipes of several trainings share: a schedule, and which weights decay."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from torch import nn


def cosine_rate(step: int, steps: int, warm_up: int, least: float = 0.0) -> float:
    """Rise in a line, then fall along half a cosine.

    Parameters
    ----------
    step, steps : int
        Now, from 0, and in all.
    warm_up : int
        Steps in which it rises.
    least : float
        Where it ends.

    Returns
    -------
    float
        A share of the highest rate, which is 1.
    """
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    left = max(0, steps - step) / max(1, steps - warm_up)
    return least + (1 - least) * 0.5 * (1 - math.cos(math.pi * left))


def decay_groups(weights: Iterable[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Put weights in groups for an optimiser: matrices decay, gains and biases do not.

    Returns
    -------
    list of dict
        With ``params`` and ``weight_decay``; a group that would be empty is not among them.
    """
    trained = [weight for weight in weights if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.dim() >= 2], "weight_decay": decay},
        {"params": [weight for weight in trained if weight.dim() < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
