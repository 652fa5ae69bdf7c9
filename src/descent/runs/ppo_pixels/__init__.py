"""The run `ppo_pixels`: learning to play a small game from its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.environments.orchard import Orchard
from descent.runs.definition.declaration import Needs, Run
from descent.runs.definition.players import needs_of
from descent.training.ppo.settings import PpoSettings


@dataclass(frozen=True, kw_only=True)
class PixelSettings(PpoSettings):
    """Settings of the run, besides those of every training by PPO.

    Attributes
    ----------
    report_games
        Games that the report has played at random and by the player who plans.
    """

    LEAST: ClassVar = {"report_games": 2, "test_games": 1}

    report_games: int = 200


def needs(settings: PixelSettings) -> Needs:
    """Estimate memory and disk: the weights, and what is lived through and learned from."""
    return needs_of(settings, Orchard.shape)


RUN = Run(
    name="ppo_pixels",
    title="A game learned from its pictures: proximal policy optimisation",
    chapter="research/6",
    settings=PixelSettings,
    mine=("research/6", "PixelActorCritic"),
    needs=needs,
    loss_in="policy, value and entropy together",
)
