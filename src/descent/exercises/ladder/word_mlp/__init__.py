"""What ladder/11_word_mlp is judged by.

The oracles use no formula of the chapter's solutions: a character-by-character tokeniser, counting
with dictionaries and Python fractions, logarithms of probabilities multiplied out, numpy matrix
products for the model, and a numpy gradient descent for its training.
"""

from .bigram import bigram
from .build_vocabulary import build_vocabulary
from .choose_weight import choose_weight
from .encode import encode
from .nearest import nearest
from .perplexity import perplexity
from .prepare import prepare
from .score import score
from .tokenise import tokenise
from .train import train
from .unigram import unigram
from .windows import windows
from .word_model import WordModel

__all__ = [
    "tokenise",
    "build_vocabulary",
    "encode",
    "prepare",
    "windows",
    "perplexity",
    "unigram",
    "bigram",
    "choose_weight",
    "WordModel",
    "score",
    "nearest",
    "train",
]
