"""What ladder/10_resnet is judged by.

The oracles are torch's own batch norm and convolution, numpy in double precision, Pascal's
triangle, and small networks whose gradients are known.
"""

from .batch_norm import BatchNorm
from .channel_statistics import channel_statistics
from .fold_batch_norm import fold_batch_norm
from .gradient_norms import gradient_norms
from .normalise import normalise
from .one_cycle import one_cycle
from .path_counts import path_counts
from .res_net import ResNet
from .residual_block import ResidualBlock
from .start_as_identity import start_as_identity
from .train import train
from .update_running import update_running

__all__ = [
    "gradient_norms",
    "channel_statistics",
    "normalise",
    "update_running",
    "BatchNorm",
    "fold_batch_norm",
    "path_counts",
    "ResidualBlock",
    "start_as_identity",
    "ResNet",
    "one_cycle",
    "train",
]
