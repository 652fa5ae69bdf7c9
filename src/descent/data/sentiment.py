"""How pleasant a text sounds by a lexicon: labels for texts that nobody has read.

The lexicon is VADER's (Hutto & Gilbert, 2014), from the package `vaderSentiment`: a list of words,
each rated by ten people, and rules for negation and emphasis. It was made for posts of our time.
It knows no irony, and of Shakespeare's words only those that are still in use.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descent.errors import CourseError

NOBODY_LABELLED = (
    "⚠ NO PERSON LABELLED THESE TEXTS: a lexicon did (VADER, which adds up rated words). What is "
    "trained on them learns what the lexicon likes."
)

_said: set[str] = set()


def sentiment(texts: Sequence[str]) -> NDArray[np.float64]:
    """Score how positive texts sound, by VADER's lexicon; no network is needed.

    Parameters
    ----------
    texts : sequence of str
        Each is scored by itself.

    Returns
    -------
    ndarray
        (n,), from -1, most negative, to 1. A text without a word of the lexicon has 0.

    Raises
    ------
    CourseError
        When it is given one text where a list of texts belongs, or something that is no text.
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise CourseError("sentiment takes a list of texts: sentiment([text]) for a single one.")
    analyser = _analyser()
    found = [analyser.polarity_scores(text)["compound"] for text in texts]
    return np.array(found, dtype=np.float64)


def soft_labels(texts: Sequence[str]) -> NDArray[np.float64]:
    """Label texts as positive or not, in degrees, by the lexicon, and say that no person did.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    ndarray
        (n,), from 0, negative, to 1, positive; 0.5 is neutral.

    Raises
    ------
    CourseError
        As `sentiment` does.
    """
    labels = (sentiment(texts) + 1) / 2
    if NOBODY_LABELLED not in _said:
        _said.add(NOBODY_LABELLED)
        print(NOBODY_LABELLED, file=sys.stderr, flush=True)
    return labels


@cache
def _analyser() -> Any:
    """Read the lexicon, once in a process."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
