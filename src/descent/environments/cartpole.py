"""A pole on a cart, as in Gymnasium's CartPole-v1 step for step, for many carts at once.

The equations are those of Barto, Sutton & Anderson (1983), integrated by Euler's method.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from descent.environments.stepping import Step

GRAVITY, CART, POLE, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5  # m/s², kg, kg, m
FORCE, SECONDS = 10.0, 0.02  # of a push, and between two steps
FARTHEST, STEEPEST = 2.4, 12 * 2 * np.pi / 360  # from the middle (m), from upright (radians)
BEGINNING = 0.05  # each of the four numbers is drawn from -0.05 to 0.05
LIMIT = 500  # steps of an episode


class CartPole:
    """n carts, pushed to the left (0) or to the right (1) in every step; each step earns 1.

    An observation is place, speed, angle and angular speed, float32.

    Parameters
    ----------
    number : int
        n.
    """

    actions = 2
    shape: tuple[int, ...] = (4,)

    def __init__(self, number: int) -> None:
        self.number = number
        self.reset(0)

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode on each cart; return (n, 4) observations."""
        self.chance = [np.random.default_rng(seed + i) for i in range(self.number)]
        self.steps = np.zeros(self.number, dtype=np.int64)
        self.places = np.stack([self._beginning(i) for i in range(self.number)])
        return self.places.astype(np.float32)

    def step(self, actions: np.ndarray) -> Step:
        """Push every cart once."""
        self.places = moved(self.places, actions)
        self.steps += 1
        terminated = (np.abs(self.places[:, 0]) > FARTHEST) | (np.abs(self.places[:, 2]) > STEEPEST)
        truncated = ~terminated & (self.steps >= LIMIT)
        final = self.places.astype(np.float32)
        returns = np.where(terminated | truncated, self.steps, np.nan)
        for i in np.flatnonzero(terminated | truncated).tolist():
            self.places[i] = self._beginning(i)
            self.steps[i] = 0
        rewards = np.ones(self.number, dtype=np.float32)
        now = self.places.astype(np.float32)
        return Step(now, rewards, terminated, truncated, final, returns)

    def state(self) -> list[dict[str, Any]]:
        """Return what each cart is in."""
        return [
            {
                "place": self.places[i].tolist(),
                "steps": int(self.steps[i]),
                "chance": json.dumps(self.chance[i].bit_generator.state),
            }
            for i in range(self.number)
        ]

    def restore(self, state: list[dict[str, Any]]) -> np.ndarray:
        """Go on from a state; return (n, 4) observations."""
        self.places = np.array([each["place"] for each in state])
        self.steps = np.array([each["steps"] for each in state])
        for generator, each in zip(self.chance, state, strict=True):
            generator.bit_generator.state = json.loads(each["chance"])
        return self.places.astype(np.float32)

    def _beginning(self, cart: int) -> np.ndarray:
        return self.chance[cart].uniform(-BEGINNING, BEGINNING, size=4)


def moved(places: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Return where carts and poles are one step later.

    Parameters
    ----------
    places : array
        (n, 4): place (m), speed (m/s), angle (radians), angular speed (radians/s).
    actions : array
        (n,), 0 or 1.
    """
    x, speed, angle, turning = places.T
    force = np.where(np.asarray(actions) == 1, FORCE, -FORCE)
    sine, cosine = np.sin(angle), np.cos(angle)
    total, moment = CART + POLE, POLE * HALF_LENGTH
    pushed = (force + moment * np.square(turning) * sine) / total
    turned = (GRAVITY * sine - cosine * pushed) / (
        HALF_LENGTH * (4.0 / 3.0 - POLE * np.square(cosine) / total)
    )
    accelerated = pushed - moment * turned * cosine / total
    change = np.stack([speed, accelerated, turning, turned], axis=1)
    return places + SECONDS * change
