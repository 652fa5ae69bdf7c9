"""What ladder/16_nanogpt is judged by.

The oracles are explicit formulas in double precision: attention with its table of scores, AdamW
step by step, singular values by numpy; and closed forms for counts, spreads and schedules.
"""

from .accumulate import accumulate
from .attention import Attention
from .bits_per_character import bits_per_character
from .clip_gradients import clip_gradients
from .encode import encode
from .estimate_loss import estimate_loss
from .gpt import GPT
from .initialise import initialise
from .learning_rate import learning_rate
from .orthogonalise import orthogonalise
from .parameter_count import parameter_count
from .parameter_groups import parameter_groups
from .train import train

__all__ = [
    "bits_per_character",
    "encode",
    "Attention",
    "initialise",
    "parameter_count",
    "GPT",
    "parameter_groups",
    "learning_rate",
    "clip_gradients",
    "accumulate",
    "estimate_loss",
    "orthogonalise",
    "train",
]
