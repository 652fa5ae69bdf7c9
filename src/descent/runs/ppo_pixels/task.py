"""What `ppo_pixels` trains: a policy that picks apples."""

from __future__ import annotations

from torch import nn

from descent.environments.orchard import Orchard
from descent.models.actor_critic import ActorCritic
from descent.runs.definition.contract import check_player
from descent.runs.ppo_pixels import PixelSettings
from descent.training.ppo.task import PpoTask

SIZES = (*Orchard.shape, Orchard.actions)
"""Channels, height, width and actions: what the learner's model is made with."""


def make_task(
    settings: PixelSettings, device: str, model_class: type[nn.Module] | None = None
) -> PpoTask:
    """Make what the loop trains."""
    made = model_class or ActorCritic
    return PpoTask(settings, device, Orchard, lambda: made(*SIZES))


def check_model(model_class: object, settings: PixelSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_player(model_class, *SIZES)
