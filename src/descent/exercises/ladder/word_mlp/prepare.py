"""How `prepare` is judged."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import UNKNOWN, frequent, numbered_words, numbering, sentence

prepare = Exercise(
    "prepare", minutes=15, difficulty=2, returns=tuple[dict[str, int], Tensor, Tensor, Tensor]
)


def _looked_up(tokens: list[str], vocabulary: dict[str, int]) -> list[int]:
    return [vocabulary[token] if token in vocabulary else vocabulary[UNKNOWN] for token in tokens]


def _parts(tokens: list[str]) -> list[list[str]]:
    first, second = (
        math.floor(Fraction(8, 10) * len(tokens)),
        math.floor(Fraction(9, 10) * len(tokens)),
    )
    return [
        [t for i, t in enumerate(tokens) if i < first],
        [t for i, t in enumerate(tokens) if first <= i < second],
        [t for i, t in enumerate(tokens) if i >= second],
    ]


@prepare.property("cuts the text 80 : 10 : 10 by position", trials=6)
def _(answer, draw: Draw) -> None:
    tokens = sentence(draw, 10 * draw.size)
    vocabulary, train, valid, test = answer(tokens, 100)
    expect(isinstance(vocabulary, dict), "the vocabulary comes first").is_true(
        otherwise="The first thing returned is not the vocabulary (a dictionary)."
    )
    together = sum(map(len, (train, valid, test)))
    expect(together <= len(tokens), "no token is in two parts").is_true(
        otherwise=f"The parts overlap: the text has {len(tokens)} tokens and they have {together} "
        "together. What is in two parts is learned from and then tested on, which is leakage."
    )
    expected_vocabulary = numbering(_parts(tokens)[0], 100)
    for name, part, words in zip(("training", "validation", "test"), (train, valid, test),
                                 _parts(tokens), strict=True):  # fmt: skip
        expect(len(part), f"the number of {name} tokens").equals(len(words))
        expect(part, f"the {name} ids").equals(_looked_up(words, expected_vocabulary))


@prepare.property("loses no token when 10 does not divide the length", trials=5)
def _(answer, draw: Draw) -> None:
    tokens = sentence(draw, 20 + draw.choice([1, 3, 5, 7, 9]))
    lengths = list(map(len, answer(tokens, 100)[1:]))
    expect(lengths, "the lengths of the three parts").equals([len(p) for p in _parts(tokens)])


@prepare.property("counts words in the training part alone", trials=4)
def _(answer, draw: Draw) -> None:
    # "late" is the most frequent word of the whole text and the training part never saw it.
    rare = draw.choice(["b", "c"])
    tokens = ["a", "a", "a", rare, rare, "x", "y", "z"] * 2 + ["late"] * 4
    vocabulary, _, valid, test = answer(tokens, 4)
    vocabulary = dict(vocabulary)
    expect("late" in vocabulary, "a word of the held-out text is in the vocabulary").equals(False)
    wanted = [UNKNOWN, "a", rare, "x"]
    numbers = [vocabulary.get(word, -1) for word in wanted]
    expect(numbers, f"the ids of {', '.join(wanted)} (−1: not there)").equals([0, 1, 2, 3])
    expect(valid, "the validation ids").equals([0, 0])
    expect(test, "the test ids").equals([0, 0])


@prepare.property("keeps as many words as it is asked for, the rest is unknown", trials=3)
def _(answer, draw: Draw) -> None:
    tokens, size = sentence(draw, 60), draw.integers(2, 6)
    vocabulary, *ids = answer(tokens, size)
    parts = _parts(tokens)
    expected = numbering(parts[0], size)
    expect(vocabulary, "the vocabulary").equals(expected)
    for name, found, words in zip(("training", "validation", "test"), ids, parts, strict=True):
        expect(found, f"the {name} ids").equals(_looked_up(words, expected))


@prepare.property("gives int64 tensors", trials=1)
def _(answer, draw: Draw) -> None:
    for name, ids in zip(("training", "validation", "test"), answer(sentence(draw, 20), 9)[1:],
                         strict=True):  # fmt: skip
        expect(ids, f"the {name} ids").has_dtype("int64")


def _split(tokens, size, first=8, second=9, counted=None):
    """The right answer with other cuts, or with words counted elsewhere: the mistakes share it."""
    a, b = len(tokens) * first // 10, len(tokens) * second // 10
    parts = tokens[:a], tokens[a:b], tokens[b:]
    vocabulary = numbered_words(frequent(parts[0] if counted is None else counted), size)
    return vocabulary, *[torch.tensor(_looked_up(p, vocabulary), dtype=torch.int64) for p in parts]


@prepare.mistake(
    "You counted the words of the whole text. Which words the test part uses is then known before "
    "it is read, and too few of them are unknown: build the vocabulary from the training part "
    "alone."
)
def counted_everything(tokens, size):
    return _split(tokens, size, counted=tokens)


@prepare.mistake(
    "You counted the words of training and validation together. The vocabulary comes from the "
    "training part alone."
)
def counted_validation(tokens, size):
    return _split(tokens, size, counted=tokens[: len(tokens) * 9 // 10])


@prepare.mistake(
    "You shuffled the tokens before the cut. A language model needs them in their order; and the "
    "split is by position, so that no held-out sentence has its other half in training."
)
def shuffled(tokens, size):
    order = np.random.default_rng(0).permutation(len(tokens))
    return _split([tokens[i] for i in order], size)


@prepare.mistake(
    "Each part has a vocabulary of its own, so that the same number means different words. One "
    "vocabulary, from the training part, for all three."
)
def own_vocabularies(tokens, size):
    a, b = len(tokens) * 8 // 10, len(tokens) * 9 // 10
    parts = tokens[:a], tokens[a:b], tokens[b:]
    own = [numbered_words(frequent(part), size) for part in parts]
    return own[0], *[torch.tensor(_looked_up(p, v)) for p, v in zip(parts, own, strict=True)]


@prepare.mistake(
    "Validation and test are the same tokens. Training ends at 80 %, validation at 90 %, and the "
    "test part is what is left."
)
def overlapping(tokens, size):
    a = len(tokens) * 8 // 10
    vocabulary, train, _, _ = _split(tokens, size)
    rest = torch.tensor(_looked_up(tokens[a:], vocabulary), dtype=torch.int64)
    return vocabulary, train, rest, rest


@prepare.mistake(
    "The test part begins at 80 % and so holds the validation part too. What chose the settings "
    "must not judge the result: the test part is everything after 90 %."
)
def test_holds_validation(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size)
    return vocabulary, train, valid, torch.cat([valid, test])


@prepare.mistake(
    "The training part reaches to 90 % and so holds the validation part, which would then praise "
    "what was learned by heart: leakage. Training ends at 80 %."
)
def train_holds_validation(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size, counted=tokens[: len(tokens) * 8 // 10])
    return vocabulary, torch.cat([train, valid]), valid, test


@prepare.mistake(
    "The training part is the whole text: the model would be tested on what it learned from, which "
    "is leakage. Training ends at 80 %."
)
def trains_on_everything(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size, counted=tokens)
    return vocabulary, torch.cat([train, valid, test]), valid, test


@prepare.mistake("The vocabulary comes first, before training, validation and test ids.")
def vocabulary_last(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size)
    return train, valid, test, vocabulary


@prepare.mistake("You cut at 90 % and 95 %. This page's parts are 80, 10 and 10 % of the tokens.")
def other_shares(tokens, size):
    a, b = len(tokens) * 9 // 10, len(tokens) * 19 // 20
    parts = tokens[:a], tokens[a:b], tokens[b:]
    vocabulary = numbered_words(frequent(parts[0]), size)
    return vocabulary, *[torch.tensor(_looked_up(p, vocabulary)) for p in parts]


@prepare.mistake(
    "The last tokens are lost: a tenth rounded down, twice, does not reach the end of the text. "
    "The test part is everything after 90 %."
)
def lost_the_end(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size)
    return vocabulary, train, valid, test[: len(tokens) // 10]


@prepare.mistake(
    "`size` has no effect: your vocabulary is as large as ever. Hand `size` on to "
    "`build_vocabulary`, not this page's 2 000."
)
def size_ignored(tokens, size):
    return _split(tokens, 2000)


@prepare.mistake(
    "Your cuts are multiples of a tenth that was rounded down first, `L // 10 * 8`. Multiply first "
    "and divide after: `L * 8 // 10`."
)
def divided_first(tokens, size):
    a, b = len(tokens) // 10 * 8, len(tokens) // 10 * 9
    parts = tokens[:a], tokens[a:b], tokens[b:]
    vocabulary = numbered_words(frequent(parts[0]), size)
    return vocabulary, *[torch.tensor(_looked_up(p, vocabulary)) for p in parts]


@prepare.mistake("Validation and test have changed places: return training, validation, test.")
def swapped_parts(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size)
    return vocabulary, train, test, valid


prepare.hint("The order of the lines is the exercise: cut, build the vocabulary, encode.")
prepare.hint("`tokens[:a]`, `tokens[a:b]`, `tokens[b:]` lose nothing. What are a and b?")
prepare.hint("Whole-number arithmetic, `len(tokens) * 8 // 10`, needs no rounding.", when="value")
prepare.hint(
    "Which tokens does your `build_vocabulary` see?", when="counts words in the training part alone"
)
