"""What ladder/13_causal_transformer is judged by.

The oracles are torch's own fused attention and layer norm, loops over single positions, and
models small enough for their loss to be worked out entry by entry.
"""

from .attention import attention
from .block import Block
from .causal_mask import causal_mask
from .causal_transformer import CausalTransformer
from .evaluate import evaluate
from .influence import influence
from .multi_head_attention import MultiHeadAttention
from .next_word_loss import next_word_loss
from .split_heads import split_heads
from .train import train
from .windows_at import windows_at

__all__ = [
    "windows_at",
    "causal_mask",
    "attention",
    "split_heads",
    "MultiHeadAttention",
    "Block",
    "CausalTransformer",
    "next_word_loss",
    "influence",
    "evaluate",
    "train",
]
