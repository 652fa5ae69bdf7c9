"""What ladder/01_scalar_regression is judged by.

The oracles use no formula of the chapter's solutions: ``numpy.polyval`` and ``numpy.dot`` for
values, central differences for slopes, a matrix power for the trajectory of gradient descent.
"""

from .gradient import gradient
from .mean_squared_error import mean_squared_error
from .minibatches import minibatches
from .numerical_gradient import numerical_gradient
from .predict import predict
from .sgd_step import sgd_step
from .train import train

__all__ = [
    "predict",
    "mean_squared_error",
    "numerical_gradient",
    "gradient",
    "sgd_step",
    "minibatches",
    "train",
]
