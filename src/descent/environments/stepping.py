"""What environments have in common: several of one kind that are moved together.

An environment whose episode has ended begins a new one in the same step. What is returned then is
the first observation of the new episode; the last one of the old is beside it. So every action
leads somewhere, and no transition is between two episodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np


class Step(NamedTuple):
    """What one action in each of n environments led to.

    Attributes
    ----------
    observations
        (n, …), what the next actions are chosen by.
    rewards
        (n,) float32, what is learned from.
    terminated
        (n,) bool: the episode came to its end, after which there is nothing to earn.
    truncated
        (n,) bool: the episode was cut off by a limit of time; it could have gone on.
    final_observations
        (n, …): where this step led, also where an episode ended there. Where none did, they are
        the `observations`.
    returns
        (n,) float64: what the whole game earned where one ended in this step, else NaN. It is the
        game's own score, whatever the rewards are made of it.
    """

    observations: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final_observations: np.ndarray
    returns: np.ndarray


class Environments(Protocol):
    """Some environments of one kind.

    Attributes
    ----------
    number
        How many there are, n.
    actions
        How many actions each has, from 0 on.
    shape
        That of one observation.
    """

    number: int
    actions: int
    shape: tuple[int, ...]

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode in each, seeded by `seed`, `seed` + 1, …; return (n, …) observations."""

    def step(self, actions: np.ndarray) -> Step:
        """Take an action, (n,) whole numbers, in each."""

    def state(self) -> list[dict[str, Any]]:
        """Return what each is in, chance included: arrays, numbers and strings, a dict for each."""

    def restore(self, state: list[dict[str, Any]]) -> np.ndarray:
        """Go on from what `state` returned; return the observations that were returned last."""
