"""What ladder/10_resnet is judged by.

The oracles are torch's own batch norm, convolution and autograd, numpy in double precision, and
small networks whose gradients are known.
"""

from .batch_norm import BatchNorm
from .batch_norm_backward import batch_norm_backward
from .channel_statistics import channel_statistics
from .fold_batch_norm import fold_batch_norm
from .gradient_norms import gradient_norms
from .normalise import normalise
from .one_cycle import one_cycle
from .res_net import ResNet
from .residual_block import ResidualBlock
from .start_as_identity import start_as_identity
from .train import train
from .update_running import update_running

__all__ = [
    "gradient_norms",
    "channel_statistics",
    "normalise",
    "batch_norm_backward",
    "update_running",
    "BatchNorm",
    "fold_batch_norm",
    "ResidualBlock",
    "start_as_identity",
    "ResNet",
    "one_cycle",
    "train",
]
