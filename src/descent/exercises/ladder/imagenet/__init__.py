"""What ladder/15_imagenet is judged by.

The oracles are arithmetic on fractions, loops over single pictures, closed forms in double
precision, and networks written out from the tensors of the answer. Neither the block nor the
network is judged by the names of its parts: tensors of one shape get the same numbers, so that
any arrangement of the specified layers computes the same.
"""

from .bottleneck import Bottleneck
from .centre_crop_box import centre_crop_box
from .evaluate import evaluate
from .learning_rate import learning_rate
from .mixed_loss import mixed_loss
from .moving_average import MovingAverage
from .normalise import normalise
from .random_crop_box import random_crop_box
from .res_net50 import ResNet50
from .shard_pieces import shard_pieces
from .shuffled import shuffled
from .smoothed_loss import smoothed_loss

__all__ = [
    "centre_crop_box",
    "random_crop_box",
    "normalise",
    "evaluate",
    "smoothed_loss",
    "mixed_loss",
    "learning_rate",
    "MovingAverage",
    "shard_pieces",
    "shuffled",
    "Bottleneck",
    "ResNet50",
]
