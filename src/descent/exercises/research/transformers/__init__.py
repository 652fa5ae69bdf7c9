"""What research/01_transformers is judged by.

The oracles are loops over single places and pairs, torch's own fused attention, complex numbers in
the place of rotations, and evidence made from models whose fault is known.
"""

from .attention import attention
from .block import Block
from .decoder import Decoder
from .leaked_fraction import leaked_fraction
from .multi_head_attention import MultiHeadAttention
from .multi_query_attention import MultiQueryAttention
from .name_the_fault import name_the_fault
from .position_accuracy import position_accuracy
from .reversal_batch import reversal_batch
from .reversal_floor import reversal_floor
from .rotary import rotary
from .route import route
from .shift_matrix import shift_matrix
from .sinusoidal_positions import sinusoidal_positions
from .training_blocks import training_blocks

__all__ = [
    "reversal_batch",
    "reversal_floor",
    "sinusoidal_positions",
    "shift_matrix",
    "attention",
    "MultiHeadAttention",
    "Block",
    "Decoder",
    "position_accuracy",
    "name_the_fault",
    "training_blocks",
    "leaked_fraction",
    "rotary",
    "MultiQueryAttention",
    "route",
]
