"""What ladder/09_convnet is judged by.

The oracles are torch's own convolution and pooling, and counting: places where a window fits,
operations one by one, the inputs that one output can be traced back to.
"""

from .augment import augment
from .conv2d import conv2d
from .conv_net import ConvNet
from .convolve import convolve
from .count_parameters_and_flops import count_parameters_and_flops
from .dropout import dropout
from .max_pool2d import max_pool2d
from .output_size import output_size
from .receptive_field import receptive_field

__all__ = [
    "convolve",
    "output_size",
    "conv2d",
    "max_pool2d",
    "count_parameters_and_flops",
    "receptive_field",
    "dropout",
    "augment",
    "ConvNet",
]
