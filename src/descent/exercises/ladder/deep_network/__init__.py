"""What ladder/05_deep_network is judged by.

The oracles are numpy and torch's own layers and loss (``torch.nn``), which the chapter's solutions
do not use.
"""

from .count_parameters import count_parameters
from .forward import forward
from .initial_layer import initial_layer
from .initial_network import initial_network
from .relu import relu
from .sgd_step import sgd_step
from .train import train

__all__ = [
    "relu",
    "forward",
    "count_parameters",
    "initial_layer",
    "initial_network",
    "sgd_step",
    "train",
]
