"""The run `ppo_atari`: learning to play Breakout or Pong from the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.environments.atari import SIDE, STACKED, why_not
from descent.runs.definition.declaration import Data, Needs, Published, Run
from descent.runs.definition.players import needs_of
from descent.training.ppo.settings import PpoSettings

CLEANRL = (
    "CleanRL's ppo_atari.py with the same preprocessing and settings, after 10 million actions "
    "(docs.cleanrl.dev): the mean of the last games of the training, over three seeds"
)
PUBLISHED = {"breakout": (414.66, 28.09), "pong": (20.36, 0.20)}
LONG = ("gpu", "multi-gpu", "slurm")


@dataclass(frozen=True, kw_only=True)
class AtariSettings(PpoSettings):
    """Settings of the run, besides those of every training by PPO.

    Attributes
    ----------
    game
        ``breakout`` or ``pong``.
    """

    CHOICES: ClassVar = {"game": ("breakout", "pong")}

    game: str = "breakout"


def needs(settings: AtariSettings) -> Needs:
    """Estimate memory and disk: the weights, and what is lived through and learned from."""
    return needs_of(settings, (STACKED, SIDE, SIDE))


RUN = Run(
    name="ppo_atari",
    title="Breakout and Pong from the screen: proximal policy optimisation",
    chapter="research/6",
    settings=AtariSettings,
    mine=("research/6", "PixelActorCritic"),
    needs=needs,
    data=Data(
        name="the games of the Arcade Learning Environment",
        size="they come with ale-py",
        licence="",
        command="pip install ale-py",
        missing=lambda settings: why_not(settings.game),
    ),
    published=tuple(
        Published(
            profile,
            "episode return",
            score,
            f"with game = {game}, ± {spread:.2f}: {CLEANRL}",
            only=(("game", game),),
        )
        for game, (score, spread) in PUBLISHED.items()
        for profile in LONG
    ),
    loss_in="policy, value and entropy together",
)
