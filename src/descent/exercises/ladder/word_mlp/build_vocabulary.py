"""How `build_vocabulary` is judged."""

from __future__ import annotations

from collections import Counter
from typing import Any

from descent.grading import Draw, Exercise, expect

from .shared import UNKNOWN, frequent, numbered_words, numbering, sentence

build_vocabulary = Exercise("build_vocabulary", minutes=10, difficulty=2, returns=dict[str, int])


def _expect_vocabulary(got: Any, expected: dict[str, int]) -> None:
    expect(isinstance(got, dict), "the vocabulary is a dictionary").is_true(
        otherwise=f"It is a `{type(got).__name__}`; it should be a dictionary, token → number."
    )
    got = dict(got) if isinstance(got, dict) else {}
    expect(len(got), "the number of entries").equals(len(expected))
    expect(got.get(UNKNOWN, -1), "the id of <unk>").equals(expected[UNKNOWN])
    numbers = [got.get(word, -1) for word in expected]
    expect(numbers, f"the ids of {', '.join(expected)} (−1: not there)").equals(
        list(expected.values())
    )


@build_vocabulary.property("numbers the most frequent words, 0 being <unk>", trials=6)
def _(answer, draw: Draw) -> None:
    tokens, size = sentence(draw, 4 * draw.size), draw.integers(2, 9)
    _expect_vocabulary(answer(tokens, size), numbering(tokens, size))


@build_vocabulary.property("decides ties by the alphabet")
def _(answer, draw: Draw) -> None:
    tokens = draw.rng.permutation(["pear", "fig", "apple", "plum", "fig", "pear"]).tolist()
    expected = {UNKNOWN: 0, "fig": 1, "pear": 2, "apple": 3}
    _expect_vocabulary(answer(tokens, 4), expected)


@build_vocabulary.property("has fewer entries when the text has fewer words")
def _(answer, draw: Draw) -> None:
    tokens = ["b", "a", "b", *["c"] * draw.integers(3, 6)]
    _expect_vocabulary(answer(tokens, 50), {UNKNOWN: 0, "c": 1, "b": 2, "a": 3})


@build_vocabulary.property("holds <unk> alone at size 1, or for an empty text")
def _(answer, draw: Draw) -> None:
    _expect_vocabulary(answer(sentence(draw, 6), 1), {UNKNOWN: 0})
    _expect_vocabulary(answer([], 5), {UNKNOWN: 0})


@build_vocabulary.mistake(
    "Your vocabulary has one entry too many: `<unk>` counts too, so that there is room for "
    "size − 1 words beside it."
)
def one_too_many(tokens, size):
    return numbered_words(frequent(tokens), size + 1)


@build_vocabulary.mistake(
    "`<unk>` is missing. Without it a word that was not seen in training has no number at all."
)
def without_unknown(tokens, size):
    return {word: i for i, word in enumerate(frequent(tokens)[:size])}


@build_vocabulary.mistake(
    "Words of equal frequency come in the order in which they were met (this is what "
    "`Counter.most_common` does). Decide ties by the alphabet, so that the numbers do not depend "
    "on the order of the text."
)
def ties_by_appearance(tokens, size):
    return numbered_words([word for word, _ in Counter(tokens).most_common()], size)


@build_vocabulary.mistake(
    "Words of equal frequency come in reverse alphabetical order: `reverse=True` turns the second "
    "key round as well as the first. Sort by `(-counts[word], word)` instead."
)
def reversed_ties(tokens, size):
    counts = Counter(tokens)
    return numbered_words(sorted(counts, key=lambda word: (counts[word], word), reverse=True), size)


@build_vocabulary.mistake(
    "You returned the words in a list. Return a dictionary, token → number, so that a token can be "
    "looked up."
)
def listed_only(tokens, size):
    return list(numbered_words(frequent(tokens), size))


@build_vocabulary.mistake("You kept the rarest words. Rank by falling frequency.")
def rarest(tokens, size):
    counts = Counter(tokens)
    return numbered_words(sorted(counts, key=lambda word: (counts[word], word)), size)


@build_vocabulary.mistake(
    "You ordered the words by the alphabet alone. The words that stay are the most frequent ones; "
    "the alphabet only decides between equals."
)
def alphabetical(tokens, size):
    return numbered_words(sorted(set(tokens)), size)


@build_vocabulary.mistake(
    "You took the first words of the text. The words that stay are the most frequent ones."
)
def first_met(tokens, size):
    return numbered_words(list(dict.fromkeys(tokens)), size)


@build_vocabulary.mistake(
    "You chose the right words and numbered them by the alphabet. Number 1 is the most frequent."
)
def numbered_by_alphabet(tokens, size):
    return numbered_words(sorted(frequent(tokens)[: max(size - 1, 0)]), size)


@build_vocabulary.mistake(
    "The most frequent word has number 0, which is that of `<unk>`. The words begin at 1."
)
def words_from_zero(tokens, size):
    ranked = frequent(tokens)[: max(size - 1, 0)]
    return {UNKNOWN: 0} | {word: i for i, word in enumerate(ranked)}


@build_vocabulary.mistake(
    "Your loop runs to `size`, past the end where there are fewer different words. The vocabulary "
    "is smaller then: cut with `[: size - 1]`, which stops at the end by itself."
)
def past_the_end(tokens, size):
    ranked = frequent(tokens)
    return {UNKNOWN: 0} | {ranked[i - 1]: i for i in range(1, size)}


@build_vocabulary.mistake("`<unk>` has the last number. On this page it is number 0.")
def unknown_last(tokens, size):
    ranked = frequent(tokens)[: max(size - 1, 0)]
    return {word: i for i, word in enumerate([*ranked, UNKNOWN])}


@build_vocabulary.mistake(
    "You stored how often each word occurs. Store its number: 1 for the most frequent, and so on."
)
def stored_counts(tokens, size):
    counts = Counter(tokens)
    return {UNKNOWN: 0} | {word: counts[word] for word in frequent(tokens)[: max(size - 1, 0)]}


build_vocabulary.hint("`collections.Counter(tokens)` counts. Then sort, cut, number.")
build_vocabulary.hint(
    "`sorted(counts, key=lambda word: (-counts[word], word))` sorts by two keys at once."
)
build_vocabulary.hint(
    "Put `<unk>` in front of the sorted words, cut to `size`, and `enumerate` the list."
)
build_vocabulary.hint("Which entries count towards `size`?", when="length")
build_vocabulary.hint("What happens to two words that occur equally often?", when="order")
