"""What ladder/06_torch_nn is judged by.

The oracles are numpy and raw tensors: no ``nn.Module``, ``F.cross_entropy``, optimiser or loader
takes part in the numbers that answers are compared with.
"""

from .copy_weights import copy_weights
from .deep_network import DeepNetwork
from .evaluate import evaluate
from .make_loader import make_loader
from .points import Points
from .train import train
from .train_epoch import train_epoch

__all__ = [
    "DeepNetwork",
    "copy_weights",
    "Points",
    "make_loader",
    "train_epoch",
    "evaluate",
    "train",
]
