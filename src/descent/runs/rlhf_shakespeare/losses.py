"""What the policies minimise: PPO's clipped objective without a value function, GRPO, DPO."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def clipped_loss(new: Tensor, old: Tensor, advantages: Tensor, clip_ratio: float) -> Tensor:
    """Return PPO's loss (Schulman et al., 2017), a mean over tokens.

    Parameters
    ----------
    new, old : Tensor
        (n, length) log-probabilities of the tokens by the policy now, and by the one that drew
        them.
    advantages : Tensor
        (n,), the same for every token of a completion: there is no value function.
    clip_ratio : float
    """
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - clip_ratio, 1 + clip_ratio)
    advantages = advantages[:, None]
    return -torch.minimum(ratio * advantages, clipped * advantages).mean()


def clip_fraction(new: Tensor, old: Tensor, clip_ratio: float) -> Tensor:
    """Return the share of tokens whose ratio is beyond the clip."""
    return ((new - old).exp() - 1).abs().gt(clip_ratio).float().mean()


def group_advantages(rewards: Tensor, group: int) -> Tensor:
    """Return GRPO's advantages (Shao et al., 2024): standardised among a prompt's completions.

    Parameters
    ----------
    rewards : Tensor
        (n,), those of a prompt side by side.
    group : int
        Completions of a prompt.
    """
    rows = rewards.view(-1, group)
    spread = rows.std(dim=1, keepdim=True)
    return ((rows - rows.mean(dim=1, keepdim=True)) / (spread + 1e-6)).flatten()


def distance_in_loss(new: Tensor, reference: Tensor) -> Tensor:
    """Return the KL estimate that GRPO adds to its loss, a mean over tokens: never below 0.

    exp(r - p) - (r - p) - 1, with the log-probabilities p of the policy and r of the reference.
    """
    behind = reference - new
    return (behind.exp() - behind - 1).mean()


def preference_loss(winner: Tensor, loser: Tensor, beta: float) -> Tensor:
    """Return DPO's loss (Rafailov et al., 2023), a mean over pairs.

    Parameters
    ----------
    winner, loser : Tensor
        (n,) log-probability of each whole completion by the policy, less that by the reference.
    beta : float
    """
    return -F.logsigmoid(beta * (winner - loser)).mean()


def best_of_n_nats(n: int) -> float:
    """Return how far the best of n samples is from one sample: ln n − (n − 1)/n nats at most."""
    return math.log(n) - (n - 1) / n
