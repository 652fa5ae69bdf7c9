"""What ladder/02_autograd is judged by.

No oracle calls ``backward``: slopes come from central differences or closed forms, and the
trajectory of training from a numpy loop with the gradient worked out by hand.
"""

from .derivative import derivative
from .gradients import gradients
from .line_loss import line_loss
from .sgd_step_ import sgd_step_
from .to_tensors import to_tensors
from .train import train
from .zero_gradients import zero_gradients

__all__ = [
    "to_tensors",
    "derivative",
    "line_loss",
    "gradients",
    "zero_gradients",
    "sgd_step_",
    "train",
]
