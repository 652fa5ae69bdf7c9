"""Atari games by the Arcade Learning Environment, prepared as is usual (Machado et al., 2018).

What is usual here is what the numbers were published with that a run is compared with: CleanRL's
``ppo_atari`` on Gymnasium's ``NoFrameskip-v4`` games, in which no action is repeated by chance.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np

from descent.environments.area import area_weights, shrunk
from descent.environments.stepping import Step

HEIGHT, WIDTH = 210, 160  # of the screen
SIDE = 84  # of a picture
STACKED = 4  # pictures in an observation
SKIPPED = 4  # frames in which an action is held
NO_OPS = 30  # frames without an action, at the most, with which a game begins
LIMIT = 108_000  # frames of a game, half an hour of play
NO_OP, FIRE, NEXT = 0, 1, 2  # places of actions

DOWN, ACROSS = area_weights(HEIGHT, SIDE), area_weights(WIDTH, SIDE)


class Atari:
    """n games of one kind.

    An action is held for 4 frames. A picture is the brighter of the last two of them in each pixel,
    since some games draw things in every second frame alone; grey, 84 × 84, each pixel the mean of
    the area it covers. An observation is the last 4 pictures, (4, 84, 84) uint8.

    A reward is the sign of what the 4 frames scored; `Step.returns` are true scores, of whole
    games. With every life an episode terminates, so that losing one is felt; a new game begins only after
    the last, with up to 30 frames without an action. Where a game waits for FIRE, it is pressed.

    Parameters
    ----------
    number : int
        n.
    game : str
        As ale-py names it, such as ``breakout``.
    """

    def __init__(self, number: int, game: str) -> None:
        self.number = number
        self.games = [_Game(game) for _ in range(number)]
        self.actions = len(self.games[0].legal)
        self.shape: tuple[int, ...] = (STACKED, SIDE, SIDE)

    def reset(self, seed: int) -> np.ndarray:
        """Begin a game in each; return (n, 4, 84, 84) pictures."""
        return np.stack([game.seeded(seed + i) for i, game in enumerate(self.games)])

    def step(self, actions: np.ndarray) -> Step:
        """Take an action, (n,), in each."""
        rows = [game.step(int(action)) for game, action in zip(self.games, actions, strict=True)]
        now, rewards, terminated, truncated, final, returns = zip(*rows, strict=True)
        return Step(
            np.stack(now),
            np.array(rewards, dtype=np.float32),
            np.array(terminated),
            np.array(truncated),
            np.stack(final),
            np.array(returns),
        )

    def state(self) -> list[dict[str, Any]]:
        """Return what each game is in."""
        return [game.state() for game in self.games]

    def restore(self, state: list[dict[str, Any]]) -> np.ndarray:
        """Go on from a state; return (n, 4, 84, 84) pictures."""
        return np.stack([game.restore(each) for game, each in zip(self.games, state, strict=True)])


@cache
def why_not(game: str) -> str | None:
    """Say why a game cannot be played here, or None."""
    try:
        from ale_py import roms
    except ImportError:
        return "ale-py, which plays Atari games, is not installed: pip install ale-py"
    names = roms.get_all_rom_ids()
    if game not in names:
        return f"ale-py knows no game {game!r}; it has {', '.join(sorted(names)[:8])} and others"
    try:
        return None if roms.get_rom_path(game) else f"ale-py has no ROM of {game} here"
    except (OSError, RuntimeError) as error:
        return f"the ROM of {game} cannot be used: {error}"


class _Game:
    """One game, and the pictures of it that are seen."""

    def __init__(self, name: str) -> None:
        from ale_py import ALEInterface, LoggerMode, roms

        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.ale: Any = ALEInterface()
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.setInt("random_seed", 0)
        self.ale.loadROM(cast(Any, roms).get_rom_path(name))
        self.legal = list(self.ale.getMinimalActionSet())
        self.fires = len(self.legal) > NEXT and self.legal[FIRE].name == "FIRE"
        self.frames = np.zeros((2, HEIGHT, WIDTH), dtype=np.uint8)
        self.pictures = np.zeros((STACKED, SIDE, SIDE), dtype=np.uint8)
        self.score, self.lives = 0.0, 0
        self.chance = np.random.default_rng(0)

    def seeded(self, seed: int) -> np.ndarray:
        """Begin a game; what chance decides follows from the seed."""
        self.chance = np.random.default_rng(seed)
        self._begin_game()
        return self.pictures.copy()

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, np.ndarray, float]:
        """Hold an action; see `Step` for what is returned."""
        scored = self._hold(action)
        over, cut = bool(self.ale.game_over()), self._cut()
        lost = self.ale.lives() < self.lives
        self.lives = self.ale.lives()
        self._see()
        final = self.pictures.copy()
        returns = self.score if over or cut else np.nan
        if over or cut:
            self._begin_game()
        elif lost:
            self._begin_life()
        ended = over or lost
        return (
            self.pictures.copy(),
            float(np.sign(scored)),
            ended,
            cut and not ended,
            final,
            returns,
        )

    def state(self) -> dict[str, Any]:
        return {
            "machine": _as_text(self.ale.cloneState(include_rng=True).serialize()),
            "pictures": _as_text(self.pictures.tobytes()),
            "score": self.score,
            "lives": int(self.lives),
            "chance": json.dumps(self.chance.bit_generator.state),
        }

    def restore(self, state: dict[str, Any]) -> np.ndarray:
        from ale_py import ALEState

        self.ale.restoreState(ALEState(base64.b64decode(state["machine"])))
        found = np.frombuffer(base64.b64decode(state["pictures"]), dtype=np.uint8)
        self.pictures = found.reshape(self.pictures.shape).copy()
        self.score, self.lives = state["score"], state["lives"]
        self.chance.bit_generator.state = json.loads(state["chance"])
        return self.pictures.copy()

    def _begin_game(self) -> None:
        self.ale.reset_game()
        self.score = 0.0
        for _ in range(self.chance.integers(1, NO_OPS + 1)):
            self.ale.act(self.legal[NO_OP])
            if self.ale.game_over():
                self.ale.reset_game()
        self._press_fire()
        self._see_first()

    def _begin_life(self) -> None:
        """Go on in the same game, whose pictures before the loss are another episode's."""
        self._hold(NO_OP)
        self._press_fire()
        if self.ale.game_over() or self._cut():
            self._begin_game()
        self._see_first()

    def _press_fire(self) -> None:
        """Press what starts the ball, and the action after it, as is usual."""
        if self.fires:
            self._hold(FIRE)
            self._hold(NEXT)

    def _hold(self, action: int) -> float:
        """Hold an action for some frames; return what they scored."""
        scored = 0.0
        for _ in range(SKIPPED):
            scored += self.ale.act(self.legal[action])
            # The last two are seen; of a game that ends before, the last ones there are.
            self.frames[0] = self.frames[1]
            self.ale.getScreenGrayscale(self.frames[1])
            if self.ale.game_over():
                break
        self.score += scored
        return scored

    def _cut(self) -> bool:
        return not self.ale.game_over() and self.ale.getEpisodeFrameNumber() >= LIMIT

    def _see(self) -> None:
        """Add the picture of now to those that are seen."""
        now = shrunk(self.frames.max(axis=0), DOWN, ACROSS)
        self.pictures = np.concatenate([self.pictures[1:], now[None]])

    def _see_first(self) -> None:
        """See the picture of now alone."""
        self.lives = self.ale.lives()
        self.ale.getScreenGrayscale(self.frames[1])
        self.pictures[:] = shrunk(self.frames[1], DOWN, ACROSS)


def _as_text(content: bytes) -> str:
    """Write bytes as text, which every checkpoint can hold."""
    return base64.b64encode(content).decode()


def games_of(name: str) -> Callable[[int], Atari]:
    """Return what makes so many games of a name."""
    return lambda number: Atari(number, name)
