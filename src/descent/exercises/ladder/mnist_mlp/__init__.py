"""What ladder/07_mnist_mlp is judged by.

The oracles use no formula of the chapter's solutions: numpy for pixels, scikit-learn for scaling,
losses and confusion matrices, plain loops for counting, and a numpy gradient descent with the
derivative of softmax and negative log likelihood written out for training.
"""

from .batches import batches
from .confusion_matrix import confusion_matrix
from .evaluate import evaluate
from .flatten_and_scale import flatten_and_scale
from .most_wrong import most_wrong
from .split_indices import split_indices
from .standardiser import Standardiser
from .train import train

__all__ = [
    "flatten_and_scale",
    "Standardiser",
    "split_indices",
    "batches",
    "evaluate",
    "confusion_matrix",
    "most_wrong",
    "train",
]
