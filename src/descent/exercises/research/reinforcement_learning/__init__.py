"""What research/06_reinforcement_learning is judged by.

The oracles are enumeration of every batch, Gymnasium's own CartPole, sums of n-step advantages,
central differences, torch's distributions, hand-made descent, five tiny worlds with known answers,
and studies whose truth is known.
"""

from .advantages import advantages
from .cart_poles import CartPoles
from .clipped_gradient import clipped_gradient
from .clipped_loss import clipped_loss
from .collect import collect
from .compare import compare
from .diagnose_agent import diagnose_agent
from .diagnose_run import diagnose_run
from .diagnostics import diagnostics
from .discounted_returns import discounted_returns
from .entropy import entropy
from .live_transitions import live_transitions
from .minibatches import minibatches
from .normalised import normalised
from .orthogonal import orthogonal
from .pixel_actor_critic import PixelActorCritic
from .policy_gradient import policy_gradient
from .ppo import ppo
from .ppo_update import ppo_update
from .reward_scaler import RewardScaler
from .value_loss import value_loss

__all__ = [
    "policy_gradient",
    "discounted_returns",
    "CartPoles",
    "live_transitions",
    "collect",
    "advantages",
    "clipped_gradient",
    "clipped_loss",
    "value_loss",
    "entropy",
    "normalised",
    "RewardScaler",
    "orthogonal",
    "PixelActorCritic",
    "minibatches",
    "ppo_update",
    "diagnostics",
    "ppo",
    "diagnose_agent",
    "diagnose_run",
    "compare",
]
