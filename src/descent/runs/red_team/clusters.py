"""Questions that drew flagged answers, put together by their words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

EACH = 4  # questions for a cluster, at the least
NAMED = 4  # words that name a cluster


class Cluster(NamedTuple):
    """Some questions, and the words that they have more often than the others."""

    words: list[str]
    questions: list[str]


def clusters(questions: Sequence[str], most: int, seed: int) -> list[Cluster]:
    """Put questions together whose words are alike, by k-means of their TF-IDF; the largest first.

    Parameters
    ----------
    questions : sequence of str
    most : int
        Clusters at the most; fewer where there are few questions.
    seed : int
    """
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    number = min(most, len(set(questions)) // EACH)
    if number < 2:
        return [Cluster([], list(questions))] if questions else []
    vectors = TfidfVectorizer(token_pattern=r"\w+").fit_transform(questions)
    found = KMeans(number, n_init=10, random_state=seed).fit_predict(vectors)
    parts = [
        [text for text, own in zip(questions, found, strict=True) if own == i]
        for i in range(number)
    ]
    made = [Cluster(_words(part, questions), part) for part in parts if part]
    return sorted(made, key=lambda cluster: -len(cluster.questions))


def _words(part: Sequence[str], all_: Sequence[str]) -> list[str]:
    """Return the words whose share of texts in a part is most above that in the rest."""
    inside = [set(_cut(text)) for text in part]
    everywhere = [set(_cut(text)) for text in all_]
    outside = max(1, len(all_) - len(part))

    def lead(word: str) -> float:
        here, there = (sum(word in text for text in texts) for texts in (inside, everywhere))
        return here / len(inside) - (there - here) / outside

    found = {word: lead(word) for word in sorted(set().union(*inside))}
    return [
        word for word in sorted(found, key=lambda word: -found[word])[:NAMED] if found[word] > 0
    ]


def _cut(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
