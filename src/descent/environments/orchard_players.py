"""Players of the orchard that have not learned: one that acts at random, one that plans."""

from __future__ import annotations

import numpy as np

from descent.environments.orchard import (
    HALF_BASKET,
    NOTHING,
    SIDE,
    STONE,
    WORTH,
    Orchard,
)

FEAR = 6.0  # what a stone costs the one who plans: a life is worth some apples
AHEAD = 2 * SIDE  # steps: nothing takes longer to come down


def random_actions(games: Orchard, chance: np.random.Generator) -> np.ndarray:
    """Take any action, (n,)."""
    return chance.integers(games.actions, size=games.number)


def planned_actions(games: Orchard) -> np.ndarray:
    """Take the first action of the best plan for all that is in the air, (n,).

    It is given what no player sees in the pictures, when and where each thing comes down, and is
    blind for what has not appeared yet. The plan is found backward in time (dynamic programming):
    what can still be earned from each place of the basket at each step.
    """
    earns = _earnings(games)
    best = np.zeros_like(earns[:, 0])
    for step in range(AHEAD, 0, -1):
        best = earns[:, step] + np.max(_reached(best), axis=0)
    ways = _reached(best)[:, np.arange(games.number), games.basket]
    staying_first = ways[[1, 0, 2]]
    return np.array([1, 0, 2])[staying_first.argmax(axis=0)]


def _earnings(games: Orchard) -> np.ndarray:
    """Return (n, steps, places): what a basket earns that is in a place at a step."""
    steps, columns = games.landings()
    worth = np.where(games.kind == STONE, -FEAR, WORTH[games.kind])
    earns = np.zeros((games.number, AHEAD + 1, SIDE))
    n, thing = np.nonzero(games.kind != NOTHING)
    for aside in range(-HALF_BASKET, HALF_BASKET + 1):
        place = columns[n, thing] + aside
        inside = (place >= HALF_BASKET) & (place <= SIDE - 1 - HALF_BASKET)
        at = (n[inside], steps[n, thing][inside], place[inside])
        np.add.at(earns, at, worth[n, thing][inside])
    return earns


def _reached(best: np.ndarray) -> np.ndarray:
    """Return (3, n, places): the best of the next step after going left, staying, going right."""
    first, last = HALF_BASKET, SIDE - 1 - HALF_BASKET
    places = np.arange(SIDE)
    return np.stack([best[:, np.clip(places + way, first, last)] for way in (-1, 0, 1)])
