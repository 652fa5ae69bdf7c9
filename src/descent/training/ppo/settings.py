"""What a training by proximal policy optimisation is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from descent.training.settings import Settings, WrongSetting


@dataclass(frozen=True, kw_only=True)
class PpoSettings(Settings):
    """Settings of PPO; CleanRL's names for them in brackets where they differ.

    A step of the training loop is one update of the weights, by a minibatch of `batch_size`
    moments. So many moments are lived through at a time: `environments` × `horizon`; each is used
    `passes` times, in another order each time.

    Attributes
    ----------
    environments
        How many are played side by side, over all processes (num_envs).
    horizon
        Moments of each between two rounds of updates (num_steps).
    passes
        How often each moment is used (update_epochs).
    learning_rate
        Of Adam at the beginning; it falls in a line to 0.
    discount, trace
        γ, and the λ of the generalised advantage estimate (gamma, gae_lambda).
    clip_range
        How far the ratio of new to old probability may move a loss (clip_coef).
    clip_values
        Whether values are clipped around the old ones, by as much (clip_vloss).
    value_weight, entropy_weight
        Of the value loss and of the entropy in the sum (vf_coef, ent_coef).
    test_games
        Games played at every evaluation, each from its beginning; 0 for none.
    """

    LEAST: ClassVar[Mapping[str, float]] = {"environments": 1, "horizon": 1, "passes": 1}
    MOST: ClassVar[Mapping[str, float]] = {"discount": 1.0, "trace": 1.0}

    environments: int = 8
    horizon: int = 128
    passes: int = 4
    learning_rate: float = 2.5e-4
    discount: float = 0.99
    trace: float = 0.95
    clip_range: float = 0.1
    clip_values: bool = True
    value_weight: float = 0.5
    entropy_weight: float = 0.01
    test_games: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.moments % self.batch_size:
            raise WrongSetting(
                f"batch_size is {self.batch_size}, which does not divide the {self.moments} "
                f"moments of {self.environments} environments and a horizon of {self.horizon}."
            )
        for name in ("environments", "test_games"):
            if getattr(self, name) % self.world:
                raise WrongSetting(
                    f"{name} is {getattr(self, name)}, which does not divide among {self.world} "
                    "processes."
                )
        if self.shard == "full":
            raise WrongSetting(
                "shard is full; a player's model is small, and is asked in between by each process "
                "alone. Take shard=none."
            )

    @property
    def moments(self) -> int:
        """Moments that are lived through between two rounds of updates, over all processes."""
        return self.environments * self.horizon

    @property
    def minibatches(self) -> int:
        """Updates of one pass."""
        return self.moments // self.batch_size

    @property
    def updates(self) -> int:
        """Updates of one round."""
        return self.passes * self.minibatches
