"""What `ppo_atari` trains: a policy that plays an Atari game."""

from __future__ import annotations

from torch import nn

from descent.environments.atari import SIDE, STACKED, games_of
from descent.models.actor_critic import ActorCritic
from descent.runs.definition.contract import check_player
from descent.runs.ppo_atari import AtariSettings
from descent.training.ppo.task import PpoTask

ACTIONS = {"breakout": 4, "pong": 6}  # of the fewest with which a game can be played


def make_task(
    settings: AtariSettings, device: str, model_class: type[nn.Module] | None = None
) -> PpoTask:
    """Make what the loop trains."""
    made = model_class or ActorCritic
    return PpoTask(settings, device, games_of(settings.game), lambda: made(*sizes(settings)))


def check_model(model_class: object, settings: AtariSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_player(model_class, *sizes(settings))


def sizes(settings: AtariSettings) -> tuple[int, int, int, int]:
    """Return what the learner's model is made with: channels, height, width and actions."""
    return STACKED, SIDE, SIDE, ACTIONS[settings.game]
