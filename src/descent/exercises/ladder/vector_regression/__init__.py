"""What ladder/03_vector_regression is judged by.

The oracles use no formula of the chapter's solutions: explicit sums and `einsum` for predictions,
numpy's own adding for shapes, central differences for slopes, the `statistics` module for means
and spreads, a QR factorisation for least squares, a matrix power for gradient descent.
"""

from .broadcast_shape import broadcast_shape
from .gradient import gradient
from .least_squares import least_squares
from .predict import predict
from .standardise import standardise
from .train import train
from .unstandardise import unstandardise

__all__ = [
    "predict",
    "broadcast_shape",
    "gradient",
    "least_squares",
    "standardise",
    "unstandardise",
    "train",
]
