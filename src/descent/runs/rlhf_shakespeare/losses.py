"""What the policies minimise: PPO's clipped objective without a value function, GRPO, DPO."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from descent.training.ppo.objective import clipped_policy_loss


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
    return clipped_policy_loss((new - old).exp(), advantages[:, None], clip_ratio)


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
