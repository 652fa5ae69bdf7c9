"""A game of small pictures: apples and stones fall, and a basket moves along the ground.

It asks for looking ahead. Several things are on their way at a time, and what is worth most drifts
and bounces off the walls: which can be had together, and where no stone comes down, has to be
decided early.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.environments.stepping import Step
from descent.environments.streams import Streams

SIDE = 16  # of the field, in pixels
THINGS = 6  # that can be in the air at once
HALF_BASKET = 1  # pixels on each side of its middle
LIVES = 3
LIMIT = 400  # steps of an episode
APPEARS = 0.25  # chance of something new in a step
NOTHING, APPLE, GOLD, STONE = range(4)
SHARES = (0.5, 0.1, 0.4)  # of apples, golden apples and stones among all that falls
WORTH = np.array([0.0, 1.0, 3.0, -1.0])  # in the basket
FRUIT, STONES, BASKET, BEFORE = range(4)  # channels
GREYS = np.array([0, 128, 255, 255], dtype=np.uint8)  # of what falls


class Orchard:
    """n games. The basket goes left (0), stays (1) or goes right (2), a pixel in a step.

    An apple in the basket earns 1, a golden one 3, a stone -1 and one of three lives; with the last
    the episode terminates. After 400 steps it is truncated. What falls beside the basket is gone.
    Things fall a pixel in a step, straight down; golden apples drift a pixel aside meanwhile, and
    bounce off the walls.

    An observation is (4, 16, 16) uint8, four grey pictures: apples, the golden ones brighter;
    stones; the basket; and all that was in the air one step before, by which the golden ones' way
    is seen.

    Parameters
    ----------
    number : int
        n.
    """

    actions = 3
    shape: tuple[int, ...] = (4, SIDE, SIDE)

    def __init__(self, number: int) -> None:
        self.number = number
        self.reset(0)

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode in each; return (n, 4, 16, 16) pictures."""
        n = self.number
        self.streams = Streams(seed + np.arange(n))
        self.kind = np.zeros((n, THINGS), dtype=np.int64)
        self.row, self.column, self.drift = (
            np.zeros((n, THINGS), dtype=np.int64) for _ in range(3)
        )
        self.basket = np.zeros(n, dtype=np.int64)
        self.lives, self.steps = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.earned = np.zeros(n)
        self.pictures = np.zeros((n, *self.shape), dtype=np.uint8)
        self._begin(np.ones(n, dtype=bool))
        return self.pictures.copy()

    def step(self, actions: np.ndarray) -> Step:
        """Move every basket and all that falls, once."""
        self.basket = np.clip(self.basket + actions - 1, HALF_BASKET, SIDE - 1 - HALF_BASKET)
        self._fall()
        rewards = self._catch()
        self._appear()
        self.steps += 1
        self.earned += rewards
        terminated = self.lives <= 0
        truncated = ~terminated & (self.steps >= LIMIT)
        ended = terminated | truncated
        self.pictures = self._drawn(self.pictures)
        final = self.pictures.copy()
        returns = np.where(ended, self.earned, np.nan)
        if ended.any():
            self._begin(ended)
        now = self.pictures.copy()
        return Step(now, rewards.astype(np.float32), terminated, truncated, final, returns)

    def state(self) -> list[dict[str, Any]]:
        """Return what each game is in."""
        return [
            {
                **{name: getattr(self, name)[i].tolist() for name in _KEPT},
                "chance": int(self.streams.counters[i]).to_bytes(8, "big").hex(),
            }
            for i in range(self.number)
        ]

    def restore(self, state: list[dict[str, Any]]) -> np.ndarray:
        """Go on from a state; return (n, 4, 16, 16) pictures."""
        for name in _KEPT:
            found = np.array([each[name] for each in state])
            setattr(self, name, found.astype(getattr(self, name).dtype))
        counters = [int(each["chance"], 16) for each in state]
        self.streams.counters = np.array(counters, dtype=np.uint64)
        return self.pictures.copy()

    def landings(self) -> tuple[np.ndarray, np.ndarray]:
        """Say when and where everything in the air comes down: (n, 6) steps and columns."""
        rows = SIDE - 1 - self.row
        return rows, _bounced(self.column + self.drift * rows)[0]

    def _begin(self, where: np.ndarray) -> None:
        """Begin an episode where it is asked for: an empty sky, the basket in the middle."""
        self.kind[where] = NOTHING
        self.basket[where], self.lives[where] = SIDE // 2, LIVES
        self.steps[where], self.earned[where] = 0, 0.0
        self.pictures[where] = self._drawn(np.zeros_like(self.pictures))[where]

    def _fall(self) -> None:
        self.row = np.minimum(self.row + 1, SIDE - 1)  # where nothing is, too
        self.column, turned = _bounced(self.column + self.drift)
        self.drift = np.where(turned, -self.drift, self.drift)

    def _catch(self) -> np.ndarray:
        """Take what has come down out of the air; return (n,) what it earns."""
        down = (self.row >= SIDE - 1) & (self.kind != NOTHING)
        caught = down & (np.abs(self.column - self.basket[:, None]) <= HALF_BASKET)
        rewards = (WORTH[self.kind] * caught).sum(axis=1)
        self.lives -= (caught & (self.kind == STONE)).sum(axis=1)
        self.kind[down] = NOTHING
        return rewards

    def _appear(self) -> None:
        """Let something new appear at the top, where chance wills it and there is room."""
        drawn = self.streams.uniform(4)
        room = self.kind == NOTHING
        games = np.flatnonzero((drawn[:, 0] < APPEARS) & room.any(axis=1))
        slot, drawn = room[games].argmax(axis=1), drawn[games]
        self.kind[games, slot] = 1 + np.searchsorted(np.cumsum(SHARES)[:2], drawn[:, 1], "right")
        self.column[games, slot] = (SIDE * drawn[:, 2]).astype(np.int64)
        aside = 2 * (2 * drawn[:, 3]).astype(np.int64) - 1
        self.drift[games, slot] = np.where(self.kind[games, slot] == GOLD, aside, 0)
        self.row[games, slot] = 0

    def _drawn(self, before: np.ndarray) -> np.ndarray:
        """Draw (n, 4, 16, 16) pictures, given those of the step before."""
        drawn = np.zeros_like(before)
        for kind, channel in ((APPLE, FRUIT), (GOLD, FRUIT), (STONE, STONES)):
            games, slots = np.nonzero(self.kind == kind)
            places = (games, channel, self.row[games, slots], self.column[games, slots])
            drawn[places] = GREYS[kind]
        for aside in range(-HALF_BASKET, HALF_BASKET + 1):
            drawn[np.arange(self.number), BASKET, SIDE - 1, self.basket + aside] = 255
        drawn[:, BEFORE] = np.maximum(before[:, FRUIT], before[:, STONES])
        return drawn


_KEPT = ("kind", "row", "column", "drift", "basket", "lives", "steps", "earned", "pictures")


def _bounced(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reflect columns at the walls; return them, and where their direction is turned round."""
    period = 2 * (SIDE - 1)
    along = columns % period
    back = along > SIDE - 1
    return np.where(back, period - along, along), back
