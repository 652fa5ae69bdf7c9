"""The clipped objective of proximal policy optimisation (Schulman et al., 2017)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from descent.training.ppo.settings import PpoSettings

SMALL = 1e-8  # added to a spread before dividing by it
MEASURED = ("policy_loss", "value_loss", "entropy", "approximate_kl", "clip_fraction")
"""What `clipped_loss` measures besides."""


class Moments(NamedTuple):
    """What was done at n moments, and what came of it.

    Attributes
    ----------
    observations
        (n, …).
    actions
        (n,), whole numbers.
    log_probabilities, values
        (n,), by the policy that acted.
    advantages, returns
        (n,), the returns being advantages and values together.
    """

    observations: Tensor
    actions: Tensor
    log_probabilities: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def picked(self, numbers: Tensor) -> Moments:
        """Return some of the moments."""
        return Moments(*(part[numbers] for part in self))


def normalised(advantages: Tensor, among: Tensor) -> Tensor:
    """Shift and scale advantages by the mean and spread of those of the whole minibatch."""
    return (advantages - among.mean()) / (among.std() + SMALL)


def clipped_loss(
    logits: Tensor, values: Tensor, moments: Moments, settings: PpoSettings
) -> tuple[Tensor, Tensor]:
    """Return the loss, and what else is to be watched.

    Parameters
    ----------
    logits : Tensor
        (n, actions), by the policy that learns.
    values : Tensor
        (n,), likewise.
    moments : Moments
        With advantages that are normalised.
    settings : PpoSettings

    Returns
    -------
    loss : Tensor
        A scalar: policy loss, plus the weighted value loss, minus the weighted entropy.
    measured : Tensor
        (5,), means over the moments without gradient, in the order of `MEASURED`. The KL divergence
        is estimated by the mean of r - 1 - log r (Schulman, 2020), which is never negative.
    """
    s = settings
    distribution = logits.log_softmax(dim=1)
    chosen = distribution.gather(1, moments.actions[:, None]).squeeze(1)
    log_ratio = chosen - moments.log_probabilities
    ratio = log_ratio.exp()
    policy_loss = clipped_policy_loss(ratio, moments.advantages, s.clip_range)
    value_loss = _value_loss(values, moments, s)
    entropy = -(distribution.exp() * distribution).sum(dim=1).mean()
    loss = policy_loss + s.value_weight * value_loss - s.entropy_weight * entropy
    with torch.no_grad():
        divergence = (ratio - 1 - log_ratio).mean()
        outside = clip_fraction(ratio, s.clip_range)
        measured = torch.stack([policy_loss, value_loss, entropy, divergence, outside])
    return loss, measured


def clipped_policy_loss(ratio: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """Return minus the mean of the clipped objective; the advantages may have to be broadcast."""
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    # The worse of the two: nothing is to be gained by moving further than the range.
    return torch.maximum(-advantages * ratio, -advantages * clipped).mean()


def clip_fraction(ratio: Tensor, clip_range: float) -> Tensor:
    """Return the share of ratios that are beyond the range."""
    return ((ratio - 1).abs() > clip_range).float().mean()


def _value_loss(values: Tensor, moments: Moments, s: PpoSettings) -> Tensor:
    """Return half the mean squared error, where asked the worse of it with and without clipping."""
    error = (values - moments.returns).square()
    if s.clip_values:
        change = (values - moments.values).clamp(-s.clip_range, s.clip_range)
        error = torch.maximum(error, (moments.values + change - moments.returns).square())
    return 0.5 * error.mean()
