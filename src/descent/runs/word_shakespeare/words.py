"""A text cut at the boundaries of its words, and what it costs to spell a word that is unknown."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

UNKNOWN = "<unknown>"
END = ""  # of a word that is spelled


def cut(text: str) -> list[str]:
    """Cut a text into words and what stands between them; joined, they are the text again."""
    return [token for token in re.split(r"\b", text) if token]


class Words:
    """The numbers of words, the most frequent first, and last that of all unknown ones.

    Parameters
    ----------
    training : list of str
        The training text, cut. Nothing else is looked at: what a later text has besides is
        unknown.
    least_count : int
        How often a word stands there, at the least, to have a number of its own.
    """

    def __init__(self, training: list[str], least_count: int) -> None:
        counts = Counter(training)
        known = [word for word, count in counts.most_common() if count >= least_count]
        self.names = [*known, UNKNOWN]
        self.unknown = len(known)
        self._number = {word: i for i, word in enumerate(known)}
        self._letters = Counter(
            letter for word in training if word not in self._number for letter in [*word, END]
        )
        letters = set("".join(counts)) | {END}
        # One more for each letter, and one for any that the training text does not have.
        self._spelled = sum(self._letters.values()) + len(letters) + 1

    def __len__(self) -> int:
        return len(self.names)

    def number(self, word: str) -> int:
        """Return a word's number."""
        return self._number.get(word, self.unknown)

    def read(self, words: Iterable[str]) -> list[int]:
        """Return the number of each word."""
        return [self.number(word) for word in words]

    def spelling(self, word: str) -> float:
        """Return the nats it takes to say which word it is, once its number is known.

        Nothing for a known one. An unknown one is spelled, letter by letter and with an end, each
        as likely as it is among the letters of the training text's unknown words.
        """
        if word in self._number:
            return 0.0
        return sum(math.log(self._spelled / (self._letters[x] + 1)) for x in [*word, END])
