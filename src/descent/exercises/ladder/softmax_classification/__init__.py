"""What ladder/04_softmax_classification is judged by.

The oracles use no formula of the chapter's solutions: Python's decimals, whose exponents have room
for e to the thousand, for log-softmax; scikit-learn for one-hot rows and accuracy; plain loops;
and torch's own cross-entropy, differentiated by autograd in float64, for slopes and training.
"""

from .accuracy import accuracy
from .gradient import gradient
from .linear_logits import linear_logits
from .log_softmax import log_softmax
from .negative_log_likelihood import negative_log_likelihood
from .one_hot import one_hot
from .train import train

__all__ = [
    "linear_logits",
    "log_softmax",
    "negative_log_likelihood",
    "accuracy",
    "one_hot",
    "gradient",
    "train",
]
