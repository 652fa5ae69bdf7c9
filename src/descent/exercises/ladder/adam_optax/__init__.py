"""What ladder/08_adam_optax is judged by.

The oracles use none of the recursions of the page. A corrected moving average is the weighted mean
of all gradients so far, with weights that fall by β for each step back, and so it is computed here;
own Adam is held against ``optax.adam`` as well.
"""

from .adam import Adam
from .adam_step import adam_step
from .bias_correct import bias_correct
from .clipped_adamw import clipped_adamw
from .loss_fn import loss_fn
from .momentum_step import momentum_step
from .sweep import sweep
from .train_step import train_step
from .update_moments import update_moments

__all__ = [
    "momentum_step",
    "update_moments",
    "bias_correct",
    "adam_step",
    "Adam",
    "loss_fn",
    "train_step",
    "clipped_adamw",
    "sweep",
]
