"""What a player earns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from descent.environments.stepping import Environments


def play(games: Environments, choose: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    """Play one whole game in each environment.

    Every environment counts with its first game alone. Were the first games to end counted,
    however many an environment had, short ones would be too many among them.

    Parameters
    ----------
    games : Environments
    choose : callable
        Takes (n, …) observations, returns (n,) actions.
    seed : int
        Of the environments.

    Returns
    -------
    array
        (n,), the score of each game.
    """
    observations = games.reset(seed)
    scores = np.full(games.number, np.nan)
    while np.isnan(scores).any():
        step = games.step(choose(observations))
        observations = step.observations
        scores = np.where(np.isnan(scores), step.returns, scores)
    return scores
