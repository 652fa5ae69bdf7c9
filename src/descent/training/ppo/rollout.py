"""Acting in environments, and keeping what came of it until the policy has learned from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from descent.environments.stepping import Environments
from descent.training.distributed import Processes, gathered
from descent.training.ppo.advantages import advantages
from descent.training.ppo.objective import Moments
from descent.training.ppo.settings import PpoSettings


class Lived(NamedTuple):
    """What was lived through in n environments: (horizon, n) of each, on the device.

    Attributes
    ----------
    observations
        (horizon, n, …).
    actions, log_probabilities, values
        What was done, how likely it was, and what was expected then.
    rewards, next_values, terminated, truncated
        What came of it; see `advantages`.
    scores
        The score of a game that ended there, else NaN.
    """

    observations: Tensor
    actions: Tensor
    log_probabilities: Tensor
    values: Tensor
    rewards: Tensor
    next_values: Tensor
    terminated: Tensor
    truncated: Tensor
    scores: Tensor

    def of_all(self, processes: Processes) -> Lived:
        """Put the environments of all processes together; every one of them must call this."""
        return Lived(*(gathered(part, processes, dim=1) for part in self))


def choose(logits: Tensor, noise: Tensor) -> Tensor:
    """Draw actions with the probabilities of a softmax, by the Gumbel-max trick.

    Parameters
    ----------
    logits : Tensor
        (n, actions).
    noise : Tensor
        (n, actions), uniform from 0 to below 1: the same noise, the same actions.

    Returns
    -------
    Tensor
        (n,).
    """
    least = torch.finfo(noise.dtype).tiny
    gumbel = -(-noise.clamp(min=least).log()).clamp(min=least).log()
    return (logits + gumbel).argmax(dim=1)


@torch.no_grad()
def live(
    policy: nn.Module,
    environments: Environments,
    observations: np.ndarray,
    noise: np.ndarray,
    device: str,
) -> tuple[Lived, np.ndarray]:
    """Act in some environments for a while.

    Parameters
    ----------
    policy : nn.Module
        Takes (n, …) observations, returns (n, actions) logits and (n,) values.
    environments : Environments
    observations : array
        (n, …), the last ones.
    noise : array
        (horizon, n, actions), what actions are drawn with.
    device : str

    Returns
    -------
    lived : Lived
    observations : array
        (n, …), where it goes on from.
    """
    rows: list[list[Tensor]] = []
    finals: list[tuple[int, np.ndarray, np.ndarray]] = []
    for t, drawn in enumerate(noise):
        seen = torch.from_numpy(observations).to(device)
        logits, values = (part.float() for part in policy(seen))
        actions = choose(logits, torch.from_numpy(drawn).to(device).float())
        likely = logits.log_softmax(dim=1).gather(1, actions[:, None]).squeeze(1)
        step = environments.step(actions.cpu().numpy())
        cut = np.flatnonzero(step.truncated)
        if len(cut):
            finals.append((t, cut, step.final_observations[cut]))
        came = (step.rewards, step.terminated, step.truncated, step.returns)
        rows.append(
            [seen, actions, likely, values, *(torch.from_numpy(each).to(device) for each in came)]
        )
        observations = step.observations
    seen, actions, likely, values, rewards, terminated, truncated, scores = (
        torch.stack(part) for part in zip(*rows, strict=True)
    )
    last = policy(torch.from_numpy(observations).to(device))[1].float()
    next_values = torch.cat([values[1:], last[None]])
    for t, cut, final in finals:  # what an episode that was cut off could still have earned
        next_values[t, cut] = policy(torch.from_numpy(final).to(device))[1].float()
    return Lived(
        seen, actions, likely, values, rewards, next_values, terminated, truncated, scores
    ), observations


def moments_of(lived: Lived, settings: PpoSettings) -> Moments:
    """Say what each action was worth, and lay the moments of all environments in one row."""
    found = advantages(
        lived.rewards,
        lived.values,
        lived.next_values,
        lived.terminated,
        lived.truncated,
        settings.discount,
        settings.trace,
    )
    kept = (lived.observations, lived.actions, lived.log_probabilities, lived.values)
    return Moments(*(part.flatten(0, 1) for part in (*kept, found, found + lived.values)))
