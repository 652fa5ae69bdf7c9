"""What ladder/12_sampling is judged by.

The oracles use no formula of the chapter's solutions: fractions and loops for probabilities and
cuts, a series for the chi-square tail, numpy for the model's numbers. Models that are certain of
their next word make writing the same for every right sampler; where chance is left, counts are
compared with a threshold that a right sampler misses less than once in a thousand million checks.
"""

from .chi_square import chi_square
from .distinct import distinct
from .generate import generate
from .inverse_cdf import inverse_cdf
from .last_window import last_window
from .log_probability import log_probability
from .next_word_probabilities import next_word_probabilities
from .sample import sample
from .softmax_with_temperature import softmax_with_temperature
from .test_evaluation import test_evaluation
from .top_k import top_k
from .top_p import top_p
from .train import train

__all__ = [
    "softmax_with_temperature",
    "inverse_cdf",
    "sample",
    "chi_square",
    "top_k",
    "top_p",
    "next_word_probabilities",
    "last_window",
    "generate",
    "log_probability",
    "distinct",
    "test_evaluation",
    "train",
]
