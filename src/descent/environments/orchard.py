"""A game of small pictures: apples and stones fall, and a basket moves along the ground.

It asks for looking ahead. Several things are on their way at a time, at two speeds, and what is worth
most drifts and bounces off the walls: which can be had together, and where no stone comes down, has
to be decided early.
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
GREYS = np.array([0, 150, 220, 80], dtype=np.uint8)
BASKET = 255  # its grey
SEEN = 3  # pictures that are kept: of now, and of one and two steps ago


class Orchard:
    """n games. The basket goes left (0), stays (1) or goes right (2), a pixel in a step.

    An apple in the basket earns 1, a golden one 3, a stone -1 and one of three lives; with the last
    the episode terminates. After 400 steps it is truncated. What falls beside the basket is gone.
    Things fall a pixel in a step or in every second one, straight down; golden apples drift a pixel
    aside with each pixel they fall, and bounce off the walls.

    An observation is (2, 16, 16) uint8: the picture of now, and that of two steps before, in which
    it shows how each thing moves.

    Parameters
    ----------
    number : int
        n.
    """

    actions = 3
    shape: tuple[int, ...] = (2, SIDE, SIDE)

    def __init__(self, number: int) -> None:
        self.number = number
        self.reset(0)

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode in each; return (n, 2, 16, 16) pictures."""
        n = self.number
        self.streams = Streams(seed + np.arange(n))
        self.kind = np.zeros((n, THINGS), dtype=np.int64)
        self.row, self.column, self.drift, self.pace, self.waits = (
            np.zeros((n, THINGS), dtype=np.int64) for _ in range(5)
        )
        self.basket = np.zeros(n, dtype=np.int64)
        self.lives, self.steps = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.earned = np.zeros(n)
        self.pictures = np.zeros((n, SEEN, SIDE, SIDE), dtype=np.uint8)
        self._begin(np.ones(n, dtype=bool))
        return self._observations()

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
        self.pictures = np.roll(self.pictures, 1, axis=1)
        self.pictures[:, 0] = self._picture()
        final = self._observations()
        returns = np.where(ended, self.earned, np.nan)
        if ended.any():
            self._begin(ended)
        now = self._observations() if ended.any() else final
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
        """Go on from a state; return (n, 2, 16, 16) pictures."""
        for name in _KEPT:
            found = np.array([each[name] for each in state])
            setattr(self, name, found.astype(getattr(self, name).dtype))
        counters = [int(each["chance"], 16) for each in state]
        self.streams.counters = np.array(counters, dtype=np.uint64)
        return self._observations()

    def landings(self) -> tuple[np.ndarray, np.ndarray]:
        """Say when and where everything in the air comes down: (n, 6) steps and columns."""
        rows = SIDE - 1 - self.row
        steps = rows * self.pace - self.waits
        return steps, _bounced(self.column + self.drift * rows)[0]

    def _begin(self, where: np.ndarray) -> None:
        """Begin an episode where it is asked for: an empty sky, the basket in the middle."""
        self.kind[where] = NOTHING
        self.basket[where], self.lives[where] = SIDE // 2, LIVES
        self.steps[where], self.earned[where] = 0, 0.0
        self.pictures[where] = self._picture()[where, None]

    def _fall(self) -> None:
        self.waits += 1
        falls = self.waits >= self.pace
        self.waits[falls] = 0
        self.row += falls
        self.column, turned = _bounced(self.column + self.drift * falls)
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
        drawn = self.streams.uniform(5)
        room = self.kind == NOTHING
        games = np.flatnonzero((drawn[:, 0] < APPEARS) & room.any(axis=1))
        slot, drawn = room[games].argmax(axis=1), drawn[games]
        self.kind[games, slot] = 1 + np.searchsorted(np.cumsum(SHARES)[:2], drawn[:, 1], "right")
        self.column[games, slot] = (SIDE * drawn[:, 2]).astype(np.int64)
        self.pace[games, slot] = 1 + (2 * drawn[:, 3]).astype(np.int64)
        aside = 2 * (2 * drawn[:, 4]).astype(np.int64) - 1
        self.drift[games, slot] = np.where(self.kind[games, slot] == GOLD, aside, 0)
        self.row[games, slot] = self.waits[games, slot] = 0

    def _picture(self) -> np.ndarray:
        """Draw (n, 16, 16) pictures."""
        drawn = np.zeros((self.number, SIDE, SIDE), dtype=np.uint8)
        for kind in (APPLE, GOLD, STONE):  # where two are in one place, the worse is seen
            games, slots = np.nonzero(self.kind == kind)
            drawn[games, self.row[games, slots], self.column[games, slots]] = GREYS[kind]
        for aside in range(-HALF_BASKET, HALF_BASKET + 1):
            drawn[np.arange(self.number), SIDE - 1, self.basket + aside] = BASKET
        return drawn

    def _observations(self) -> np.ndarray:
        return self.pictures[:, ::2].copy()


_KEPT = ("kind", "row", "column", "drift", "pace", "waits", "basket", "lives", "steps", "earned",
         "pictures")  # fmt: skip


def _bounced(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reflect columns at the walls; return them, and where their direction is turned round."""
    period = 2 * (SIDE - 1)
    along = columns % period
    back = along > SIDE - 1
    return np.where(back, period - along, along), back
