"""How much better an action turned out than was expected (Schulman et al., 2016, GAE)."""

from __future__ import annotations

import torch
from torch import Tensor


def advantages(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    discount: float,
    trace: float,
) -> Tensor:
    """Estimate the advantage of every action by the generalised estimator.

    Parameters
    ----------
    rewards : Tensor
        (horizon, n), of each action.
    values : Tensor
        (horizon, n), of the observation that it was chosen by.
    next_values : Tensor
        (horizon, n), of the observation that it led to; where an episode ended, of its last one,
        not of the first of the next.
    terminated : Tensor
        (horizon, n) bool: nothing more could be earned, whatever the next value is.
    truncated : Tensor
        (horizon, n) bool: the episode was cut off. It would have gone on, so the next value counts;
        but what comes later is another episode's.
    discount, trace : float
        γ and λ.

    Returns
    -------
    Tensor
        (horizon, n).
    """
    surprises = rewards + discount * next_values * ~terminated - values
    goes_on = discount * trace * ~(terminated | truncated)
    found = torch.zeros_like(rewards)
    later = torch.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        later = surprises[t] + goes_on[t] * later
        found[t] = later
    return found


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """Return the share of the returns' variance that the values foresaw.

    1 is all of it, 0 as much as their mean alone foresees, below 0 less than that. Returns that do
    not vary have nothing to be explained: 0.
    """
    spread = returns.double().var(correction=0)
    missed = (returns.double() - values.double()).var(correction=0)
    return float(1 - missed / spread) if spread > 0 else 0.0
