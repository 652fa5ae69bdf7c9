"""What ladder/11_word_mlp is judged by.

The oracles use no formula of the chapter's solutions: a character-by-character tokeniser, counting
with dictionaries and Python fractions, logarithms of probabilities multiplied out, numpy matrix
products for the model, and a numpy gradient descent for its training.
"""

from __future__ import annotations

import copy
import inspect
import math
import re
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

UNKNOWN = "<unk>"
WORDS = ("the", "king", "is", "dead", "long", "live", "and", ",", ".", "!", "queen", "o", "my")


def _sentence(draw: Draw, length: int, words: tuple[str, ...] = WORDS) -> list[str]:
    """Random words, the early ones far more frequent."""
    return [words[int(len(words) * draw.rng.uniform() ** 2)] for _ in range(length)]


def _ids(draw: Draw, length: int, size: int) -> Tensor:
    return torch.tensor(draw.integers(0, size, length), dtype=torch.int64)


# ---------------------------------------------------------------------------- tokenise

tokenise = Exercise("tokenise", minutes=5, difficulty=1)


def _by_character(text: str) -> list[str]:
    """The tokens, one character after another."""
    tokens: list[str] = []
    inside = False
    for character in text.lower():
        letter = character.isalnum() or character == "_"
        if letter and inside:
            tokens[-1] += character
        elif not character.isspace():
            tokens.append(character)
        inside = letter
    return tokens


def _expect_tokens(answered: Any, expected: list[str]) -> None:
    tokens = list(answered)
    expect(tokens, "the tokens").equals(expected)
    expect([len(token) for token in tokens], "their lengths").equals(list(map(len, expected)))


def _text(draw: Draw) -> str:
    words = ("Speak", "speak", "HEAR", "me", "know't", "'tis", "3", "naïve", "Élan")
    marks = (",", ".", ":", "!", "--", "&", "[", "]", "$", "“", "…")
    pieces = words + marks
    gaps = (" ", " ", "\n", "\n\n", "  ")
    return "".join(draw.choice(pieces) + draw.choice(gaps) for _ in range(draw.size + 1))


@tokenise.property("cuts a text into words and punctuation marks", trials=6)
def _(answer, draw: Draw) -> None:
    text = _text(draw)
    _expect_tokens(answer(text), _by_character(text))


@tokenise.property("lower-cases every word, and cuts at apostrophes")
def _(answer, draw: Draw) -> None:
    word = draw.choice(["King", "KING", "kiNG"])
    _expect_tokens(answer(f"{word}'s men"), ["king", "'", "s", "men"])


@tokenise.property("gives two marks for two marks, with or without spaces around them")
def _(answer, draw: Draw) -> None:
    mark = draw.choice(["--", "!?", ".,"])
    _expect_tokens(answer(f"no{mark}yes"), ["no", *mark, "yes"])


@tokenise.property("knows every letter and every mark, not only those of the keyboard", trials=2)
def _(answer, draw: Draw) -> None:
    first, last = draw.choice(["naïve", "Señor", "cœur"]), draw.choice(["&", "$", "]", "…", "“"])
    _expect_tokens(answer(f"{first} {last}\tme"), [first.lower(), last, "me"])


@tokenise.property("finds no tokens where there are none")
def _(answer, draw: Draw) -> None:
    expect(len(list(answer(draw.choice(["", " \n ", "\n\n"])))), "how many tokens").equals(0)


@tokenise.property("keeps digits and underscores inside their word")
def _(answer, draw: Draw) -> None:
    word = draw.choice(["act_1", "2nd", "scene3"])
    _expect_tokens(answer(f"{word};"), [word, ";"])


@tokenise.mistake(
    "You kept the capitals. `The` and `the` would be two words that know nothing of each other: "
    "lower-case the text first."
)
def kept_capitals(text):
    return re.findall(r"\w+|[^\w\s]", text)


@tokenise.mistake(
    "You split at white space alone, so that `speak,` and `speak` are two different words. A "
    "punctuation mark is a token of its own."
)
def split_at_spaces(text):
    return text.lower().split()


@tokenise.mistake(
    "You threw the punctuation away. Here a comma is something to be predicted, like a word: each "
    "mark is a token of its own."
)
def words_alone(text):
    return re.findall(r"\w+", text.lower())


@tokenise.mistake(
    "Your tokens hold white space. It separates tokens and is not one: use `[^\\w\\s]` for the "
    "marks."
)
def kept_spaces(text):
    return re.findall(r"\w+|\W", text.lower())


@tokenise.mistake(
    "Some of your tokens are white space (line breaks or tabs). Every kind of it separates tokens "
    "and is dropped: `\\s` means all of them."
)
def kept_line_breaks(text):
    return re.findall(r"\w+|[^\w ]", text.lower())


@tokenise.mistake(
    "Some of your tokens are empty or white space: `re.split` returns what lies between the "
    "matches too. Drop what is empty after `strip()`, or use `re.findall`."
)
def split_with_gaps(text):
    return re.split(r"(\W)", text.lower())


@tokenise.mistake(
    "You lose letters: `[a-z]` knows neither é nor digits nor the underscore. The word characters "
    "are `\\w`."
)
def ascii_letters(text):
    return re.findall(r"[a-z]+|[^\w\s]", text.lower())


@tokenise.mistake(
    "Letters with accents are marks to you, so that `naïve` becomes three tokens. `\\w` knows the "
    "letters of all alphabets, `[a-z0-9_]` does not."
)
def ascii_words(text):
    return re.findall(r"[a-z0-9_]+|[^a-z0-9_\s]", text.lower())


@tokenise.mistake(
    "You listed the marks that you thought of, and others are lost. *Any* character that is "
    "neither a word character nor white space is a token: `[^\\w\\s]`."
)
def listed_marks(text):
    return re.findall(r"\w+|[.,;:!?'\-]", text.lower())


@tokenise.mistake(
    "You glued neighbouring marks together: `--` is one of your tokens. Each mark is a token of "
    "its own, so leave out the `+` after `[^\\w\\s]`."
)
def glued_marks(text):
    return re.findall(r"\w+|[^\w\s]+", text.lower())


@tokenise.mistake("You cut the text into characters. A token is a whole run of letters: `\\w+`.")
def characters(text):
    return re.findall(r"\w|[^\w\s]", text.lower())


@tokenise.mistake(
    "You kept apostrophes inside words. That is a fair choice, and not this page's: here `king's` "
    "is the three tokens king, ', s."
)
def kept_apostrophes(text):
    return re.findall(r"[\w']+|[^\w\s]", text.lower())


tokenise.hint("`re.findall(pattern, text)` returns every match, in order. Which two kinds match?")
tokenise.hint(
    "A run of word characters is `\\w+`; one character neither word nor space `[^\\w\\s]`."
)
tokenise.hint("Two patterns become one with `|` between them. Lower-case before you match.")
tokenise.hint(
    "Run it on the line of the page by hand: which of your tokens is unlike?", when="value"
)

# -------------------------------------------------------------------- build_vocabulary

build_vocabulary = Exercise("build_vocabulary", minutes=10, difficulty=2)


def _ranked(tokens: list[str]) -> list[str]:
    """Words by falling frequency, ties in alphabetical order, by repeated search."""
    left, ranked = sorted(set(tokens)), []
    while left:
        best = left[0]
        for word in left:
            if tokens.count(word) > tokens.count(best):
                best = word
        ranked.append(best)
        left.remove(best)
    return ranked


def _numbering(tokens: list[str], size: int) -> dict[str, int]:
    ranked = _ranked(tokens)[: max(size - 1, 0)]
    return {UNKNOWN: 0} | {word: place + 1 for place, word in enumerate(ranked)}


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
    tokens, size = _sentence(draw, 4 * draw.size), draw.integers(2, 9)
    _expect_vocabulary(answer(tokens, size), _numbering(tokens, size))


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
    _expect_vocabulary(answer(_sentence(draw, 6), 1), {UNKNOWN: 0})
    _expect_vocabulary(answer([], 5), {UNKNOWN: 0})


def _listed(ranked: list[str], size: int) -> dict[str, int]:
    return {word: i for i, word in enumerate([UNKNOWN, *ranked[: max(size - 1, 0)]])}


def _frequent(tokens: list[str]) -> list[str]:
    counts = Counter(tokens)
    return sorted(counts, key=lambda word: (-counts[word], word))


@build_vocabulary.mistake(
    "Your vocabulary has one entry too many: `<unk>` counts too, so that there is room for "
    "size − 1 words beside it."
)
def one_too_many(tokens, size):
    return _listed(_frequent(tokens), size + 1)


@build_vocabulary.mistake(
    "`<unk>` is missing. Without it a word that was not seen in training has no number at all."
)
def without_unknown(tokens, size):
    return {word: i for i, word in enumerate(_frequent(tokens)[:size])}


@build_vocabulary.mistake(
    "Words of equal frequency come in the order in which they were met (this is what "
    "`Counter.most_common` does). Decide ties by the alphabet, so that the numbers do not depend "
    "on the order of the text."
)
def ties_by_appearance(tokens, size):
    return _listed([word for word, _ in Counter(tokens).most_common()], size)


@build_vocabulary.mistake(
    "Words of equal frequency come in reverse alphabetical order: `reverse=True` turns the second "
    "key round as well as the first. Sort by `(-counts[word], word)` instead."
)
def reversed_ties(tokens, size):
    counts = Counter(tokens)
    return _listed(sorted(counts, key=lambda word: (counts[word], word), reverse=True), size)


@build_vocabulary.mistake(
    "You returned the words in a list. Return a dictionary, token → number, so that a token can be "
    "looked up."
)
def listed_only(tokens, size):
    return list(_listed(_frequent(tokens), size))


@build_vocabulary.mistake("You kept the rarest words. Rank by falling frequency.")
def rarest(tokens, size):
    counts = Counter(tokens)
    return _listed(sorted(counts, key=lambda word: (counts[word], word)), size)


@build_vocabulary.mistake(
    "You ordered the words by the alphabet alone. The words that stay are the most frequent ones; "
    "the alphabet only decides between equals."
)
def alphabetical(tokens, size):
    return _listed(sorted(set(tokens)), size)


@build_vocabulary.mistake(
    "You took the first words of the text. The words that stay are the most frequent ones."
)
def first_met(tokens, size):
    return _listed(list(dict.fromkeys(tokens)), size)


@build_vocabulary.mistake("`<unk>` has the last number. On this page it is number 0.")
def unknown_last(tokens, size):
    ranked = _frequent(tokens)[: max(size - 1, 0)]
    return {word: i for i, word in enumerate([*ranked, UNKNOWN])}


@build_vocabulary.mistake(
    "You stored how often each word occurs. Store its number: 1 for the most frequent, and so on."
)
def stored_counts(tokens, size):
    counts = Counter(tokens)
    return {UNKNOWN: 0} | {word: counts[word] for word in _frequent(tokens)[: max(size - 1, 0)]}


build_vocabulary.hint("`collections.Counter(tokens)` counts. Then sort, cut, number.")
build_vocabulary.hint(
    "`sorted(counts, key=lambda word: (-counts[word], word))` sorts by two keys at once."
)
build_vocabulary.hint(
    "Put `<unk>` in front of the sorted words, cut to `size`, and `enumerate` the list."
)
build_vocabulary.hint("Which entries count towards `size`?", when="length")
build_vocabulary.hint("What happens to two words that occur equally often?", when="order")

# ------------------------------------------------------------------------------ encode

encode = Exercise("encode", minutes=5, difficulty=1)


@encode.property("gives every token its number", trials=6)
def _(answer, draw: Draw) -> None:
    vocabulary = _numbering(list(WORDS), 20)
    tokens = _sentence(draw, draw.size)
    expected = [list(vocabulary).index(token) for token in tokens]
    expect(answer(tokens, vocabulary), "the ids").equals(expected)


@encode.property("gives unknown tokens the number of <unk>, whichever it is", trials=4)
def _(answer, draw: Draw) -> None:
    unknown = draw.integers(0, 3)
    words = ["the", "king"]
    words.insert(unknown, UNKNOWN)
    vocabulary = {word: i for i, word in enumerate(words)}
    ids = answer(["the", "zebra", "king", "yak"], vocabulary)
    expect(ids, "the ids").equals([words.index("the"), unknown, words.index("king"), unknown])


@encode.property("returns an int64 tensor, also for no tokens at all")
def _(answer, draw: Draw) -> None:
    vocabulary = {UNKNOWN: 0, "the": 1}
    for tokens in (["the"] * draw.integers(1, 4), []):
        ids = answer(tokens, vocabulary)
        expect(isinstance(ids, Tensor), "the ids are a tensor").is_true(
            otherwise=f"They are a `{type(ids).__name__}`; they should be a torch tensor."
        )
        expect(ids, "the ids").has_dtype("int64").has_shape(len(tokens))
        expect(torch.as_tensor(ids).is_floating_point(), "the ids are floats").equals(False)


@encode.mistake(
    "You left unknown words out. Their neighbours would then look as if they stood side by side, "
    "and the text becomes easier than it is: every token gets a number."
)
def dropped_unknown(tokens, vocabulary):
    return torch.tensor([vocabulary[t] for t in tokens if t in vocabulary], dtype=torch.int64)


@encode.mistake(
    "You wrote 0 for unknown words. Ask the vocabulary for the number of `<unk>`: another "
    "vocabulary may number it differently."
)
def always_zero(tokens, vocabulary):
    return torch.tensor([vocabulary.get(t, 0) for t in tokens], dtype=torch.int64)


@encode.mistake(
    "An unknown word stops your code with a KeyError. `vocabulary.get(token, …)` takes a second "
    "value for words that are not there."
)
def key_error(tokens, vocabulary):
    return torch.tensor([vocabulary[t] for t in tokens], dtype=torch.int64)


@encode.mistake(
    "Unknown words get a number of their own, −1 or one past the end, that no row of the embedding "
    "belongs to. Give them the number of `<unk>`."
)
def minus_one(tokens, vocabulary):
    return torch.tensor([vocabulary.get(t, -1) for t in tokens], dtype=torch.int64)


@encode.mistake(
    "The numbers are right and do not come in a torch tensor. Make it one: "
    "`torch.tensor(…, dtype=torch.int64)`."
)
def stayed_list(tokens, vocabulary):
    return [vocabulary.get(t, vocabulary[UNKNOWN]) for t in tokens]


@encode.mistake(
    "The dtype is not int64 for an empty text: `torch.tensor([])` is a float. Say "
    "`dtype=torch.int64`."
)
def float_when_empty(tokens, vocabulary):
    return torch.tensor([vocabulary.get(t, vocabulary[UNKNOWN]) for t in tokens])


@encode.mistake("The numbers are right and are floats. An index is a whole number: int64.")
def floats(tokens, vocabulary):
    return torch.tensor([float(vocabulary.get(t, vocabulary[UNKNOWN])) for t in tokens])


encode.hint("Look every token up; `vocabulary.get(token, other)` gives `other` when it is missing.")
encode.hint('`vocabulary["<unk>"]` is the number of the unknown word.')
encode.hint("`torch.tensor(numbers, dtype=torch.int64)`, the dtype said aloud.", when="dtype")
encode.hint("As many ids as tokens: was one left out?", when="shape")

# ----------------------------------------------------------------------------- prepare

prepare = Exercise("prepare", minutes=15, difficulty=2)


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
    tokens = _sentence(draw, 10 * draw.size)
    vocabulary, train, valid, test = answer(tokens, 100)
    expect(isinstance(vocabulary, dict), "the vocabulary comes first").is_true(
        otherwise="The first thing returned is not the vocabulary (a dictionary)."
    )
    together = sum(map(len, (train, valid, test)))
    expect(together <= len(tokens), "no token is in two parts").is_true(
        otherwise=f"The parts overlap: the text has {len(tokens)} tokens and they have {together} "
        "together. What is in two parts is learned from and then tested on, which is leakage."
    )
    expected_vocabulary = _numbering(_parts(tokens)[0], 100)
    for name, part, words in zip(("training", "validation", "test"), (train, valid, test),
                                 _parts(tokens), strict=True):  # fmt: skip
        expect(len(part), f"the number of {name} tokens").equals(len(words))
        expect(part, f"the {name} ids").equals(_looked_up(words, expected_vocabulary))


@prepare.property("loses no token when 10 does not divide the length", trials=5)
def _(answer, draw: Draw) -> None:
    tokens = _sentence(draw, 20 + draw.choice([1, 3, 5, 7, 9]))
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


def _split(tokens, size, first=8, second=9, counted=None):
    """The right answer with other cuts, or with words counted elsewhere: the mistakes share it."""
    a, b = len(tokens) * first // 10, len(tokens) * second // 10
    parts = tokens[:a], tokens[a:b], tokens[b:]
    vocabulary = _listed(_frequent(parts[0] if counted is None else counted), size)
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
    own = [_listed(_frequent(part), size) for part in parts]
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
    vocabulary = _listed(_frequent(parts[0]), size)
    return vocabulary, *[torch.tensor(_looked_up(p, vocabulary)) for p in parts]


@prepare.mistake(
    "The last tokens are lost: a tenth rounded down, twice, does not reach the end of the text. "
    "The test part is everything after 90 %."
)
def lost_the_end(tokens, size):
    vocabulary, train, valid, test = _split(tokens, size)
    return vocabulary, train, valid, test[: len(tokens) // 10]


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

# ----------------------------------------------------------------------------- windows

windows = Exercise("windows", minutes=12, difficulty=2)


@windows.property("pairs every n words with the word after them", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.integers(1, 5)
    ids = torch.tensor(draw.rng.permutation(n + draw.size), dtype=torch.int64)
    contexts, targets = answer(ids, n)
    rows = [[int(ids[start + place]) for place in range(n)] for start in range(draw.size)]
    expect(contexts, "the contexts").equals(rows)
    expect(targets, "the targets").equals([int(ids[start + n]) for start in range(draw.size)])


@windows.property("turns 5 6 7 8 9 into two windows of three", trials=1)
def _(answer, draw: Draw) -> None:
    contexts, targets = answer(torch.tensor([5, 6, 7, 8, 9]), 3)
    expect(contexts, "the contexts").equals([[5, 6, 7], [6, 7, 8]])
    expect(targets, "the targets").equals([8, 9])


@windows.property("has no window where the text is too short", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 5)
    for length in (n, n - 1, 0):
        contexts, targets = answer(_ids(draw, length, 9), n)
        expect(contexts, f"the contexts of {length} tokens for n = {n}").has_shape(0, n)
        expect(targets, f"the targets of {length} tokens for n = {n}").has_shape(0)


@windows.property("gives int64 tensors")
def _(answer, draw: Draw) -> None:
    contexts, targets = answer(_ids(draw, 8, 9), 2)
    expect(contexts, "the contexts").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


def _cut(ids: Tensor, n: int, offset: int = 0, stride: int = 1) -> tuple[Tensor, Tensor]:
    """Windows whose target stands `offset` places from where it should."""
    starts = range(0, max(len(ids) - n - max(offset, 0), 0), stride)
    contexts = torch.stack([ids[s : s + n] for s in starts]) if starts else ids.new_zeros((0, n))
    return contexts, ids[[s + n + offset for s in starts]] if starts else ids.new_zeros(0)


@windows.mistake(
    "Your target is the last word of the context: the model would only have to copy it, and the "
    "perplexity would fall towards 1. The target is the word *after* the context."
)
def target_inside(ids, n):
    return _cut(ids, n, offset=-1)


@windows.mistake(
    "There is one window too many, and each target is the last word of its own context, which the "
    "model would only have to copy. The target is the word *after* the context."
)
def target_inside_to_the_end(ids, n):
    count = max(len(ids) - n + 1, 0)
    contexts = torch.stack([ids[s : s + n] for s in range(count)]) if count else ids.new_zeros(0, n)
    return contexts, ids[n - 1 :]


@windows.mistake(
    "Your targets are whole windows, each context moved on by one. Here a window has one target, "
    "the word after its last: shape (m,)."
)
def shifted_windows(ids, n):
    contexts, _ = _cut(ids, n)
    following, _ = _cut(ids[1:], n - 1) if n > 1 else (None, None)
    tail = ids[n:, None]
    return contexts, tail if following is None else torch.cat([following[: len(tail)], tail], 1)


@windows.mistake(
    "Your contexts hold the positions of the tokens, not the tokens: index `ids` with them."
)
def positions(ids, n):
    starts = torch.arange(max(len(ids) - n, 0))
    return starts[:, None] + torch.arange(n), ids[n:]


@windows.mistake(
    "A text with n tokens or fewer stops your code: `unfold` refuses to look for a window longer "
    "than the text. Such a text has 0 windows: contexts of shape (0, n), targets of shape (0,)."
)
def unfolded(ids, n):
    runs = ids.unfold(0, n + 1, 1)
    return runs[:, :n], runs[:, n]


@windows.mistake(
    "A text with n tokens or fewer stops your code. Such a text has 0 windows: contexts of shape "
    "(0, n), targets of shape (0,)."
)
def unfolded_contexts(ids, n):
    return ids.unfold(0, n, 1)[:-1], ids[n:]


@windows.mistake(
    "A text with n tokens or fewer stops your code: `torch.stack` wants at least one tensor. Such "
    "a text has 0 windows: contexts of shape (0, n), targets of shape (0,)."
)
def stacked(ids, n):
    return torch.stack([ids[s : s + n] for s in range(len(ids) - n)]), ids[n:]


@windows.mistake(
    "Right, but for a text with n tokens or fewer your contexts have shape (0,): a tensor made of "
    "an empty list forgets its n columns. `.reshape(-1, n)` restores them."
)
def without_columns(ids, n):
    rows = [ids[s : s + n].tolist() for s in range(len(ids) - n)]
    return torch.tensor(rows, dtype=torch.int64), ids[n:]


@windows.mistake(
    "Your target stands one word too far: there is a word between the context and it. It is the "
    "word straight after the context."
)
def target_too_far(ids, n):
    return _cut(ids, n, offset=1)


@windows.mistake(
    "Your windows do not overlap: you move on by n words. Move on by one, so that every word but "
    "the first n is a target once."
)
def no_overlap(ids, n):
    return _cut(ids, n, stride=n)


@windows.mistake(
    "Your windows lie end to end, n + 1 words each. Move on by one word, so that every word but "
    "the first n is a target once."
)
def end_to_end(ids, n):
    return _cut(ids, n, stride=n + 1)


@windows.mistake(
    "The last window is missing. A text of L words has L − n of them, and the last word of the "
    "text is the last target."
)
def one_short(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts[:-1], targets[:-1]


@windows.mistake(
    "Your contexts run backwards. Keep the order of the text: the word next to the target comes "
    "last."
)
def reversed_context(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts.flip(1), targets


@windows.mistake(
    "You padded the start, so that the first words are targets too. Here a window has n real "
    "words; the first target is the word number n, counted from 0."
)
def padded(ids, n):
    contexts, targets = _cut(torch.cat([ids.new_zeros(n), ids]), n)
    return contexts, targets


@windows.mistake(
    "Your contexts have shape (n, windows). One row for each window: shape (windows, n)."
)
def transposed_contexts(ids, n):
    contexts, targets = _cut(ids, n)
    return contexts.T, targets


windows.hint("How many windows does a text of L words have? The last target is the last word.")
windows.hint("`ids.unfold(0, n + 1, 1)` gives every run of n + 1 words; then split each run.")
windows.hint(
    "Or: a column of starts plus a row 0 … n − 1 makes a table of positions to index with."
)
windows.hint("Write the windows of 5 6 7 8 9 for n = 3 on paper first.", when="shift")
windows.hint(
    "What should a text with n words or fewer give?",
    when="has no window where the text is too short",
)

windows.equivalent(
    "`starts = torch.arange(max(len(ids) - n, 0))` → `starts = torch.arange(max(0, len(ids) - n))`",
    because="the larger of two numbers does not depend on their order",
)

# -------------------------------------------------------------------------- perplexity

perplexity = Exercise("perplexity", minutes=6, difficulty=1)


@perplexity.property("is exp of minus the mean log-probability", trials=6)
def _(answer, draw: Draw) -> None:
    p = draw.uniform(0.05, 0.9, draw.size)
    product = math.prod(p.tolist())
    log_p = torch.tensor(np.log(p))
    expect(answer(log_p), "the perplexity").close_to((1 / product) ** (1 / len(p)))


@perplexity.property("is V for a guesser who finds V words equally likely")
def _(answer, draw: Draw) -> None:
    size = draw.integers(2, 2000)
    log_p = torch.full((7,), -math.log(size), dtype=torch.float64)
    expect(answer(log_p), "the perplexity").close_to(size)


@perplexity.property("is 4 for the probabilities 1/2 and 1/8", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(torch.tensor([0.5, 0.125]).log()), "the perplexity").close_to(4.0)


@perplexity.property("is 1 for certainty, and infinite when a word that came was impossible")
def _(answer, draw: Draw) -> None:
    sure = torch.zeros(draw.integers(1, 5))
    expect(answer(sure), "the perplexity of certainty").close_to(1.0)
    result = answer(torch.tensor([-0.5, -math.inf]))
    expect(float(result) == math.inf, "it is infinite").is_true(
        otherwise="One log-probability is −inf: the word was called impossible and came. The "
        f"perplexity is infinite then, and yours came out as {float(result):.4g}."
    )


@perplexity.mistake(
    "You raised 2 to a number of nats. Natural logarithms go with exp, logarithms to base 2 with "
    "a power of 2."
)
def two_to_nats(log_probabilities):
    return float(2.0 ** -log_probabilities.mean())


@perplexity.mistake(
    "You averaged the perplexities of single words. Average the logarithms first, take exp once at "
    "the end: perplexity is 1 over the *geometric* mean probability."
)
def mean_of_perplexities(log_probabilities):
    return float(torch.exp(-log_probabilities).mean())


@perplexity.mistake(
    "You returned the mean negative log-likelihood, in nats. Perplexity is its exp."
)
def without_exp(log_probabilities):
    return float(-log_probabilities.mean())


@perplexity.mistake(
    "You summed. Perplexity is per word: take the mean, or it grows with the length of the text."
)
def summed(log_probabilities):
    return float(torch.exp(-log_probabilities.sum()))


@perplexity.mistake(
    "The minus is missing. Log-probabilities are negative, and you returned the geometric mean "
    "probability: perplexity is 1 over it."
)
def without_minus(log_probabilities):
    return float(torch.exp(log_probabilities.mean()))


@perplexity.mistake(
    "You took 1 over the mean probability. One impossible word would hardly matter then. Average "
    "the logarithms, not the probabilities."
)
def mean_probability(log_probabilities):
    return float(1 / torch.exp(log_probabilities).mean())


@perplexity.mistake(
    "You took the logarithm once more. What comes in are logarithms of probabilities already."
)
def logarithm_again(log_probabilities):
    return float(torch.exp(-torch.log(log_probabilities).mean()))


@perplexity.mistake(
    "You left the impossible words out (or bounded their logarithms), so that a model is forgiven "
    "its worst mistakes. One of them makes the perplexity infinite."
)
def forgiving(log_probabilities):
    return float(torch.exp(-log_probabilities[torch.isfinite(log_probabilities)].mean()))


@perplexity.mistake("You took 10 to the power. These are natural logarithms: use exp.")
def ten_to_nats(log_probabilities):
    return float(10.0 ** -log_probabilities.mean())


perplexity.hint("Mean first, then a minus, then exp.")
perplexity.hint("`torch.exp(-log_probabilities.mean())`; `float(…)` makes it a number.")
perplexity.hint("Try 1/2 and 1/8. Their logs average to log(1/4).", when="value")
perplexity.hint("`math.exp` refuses large numbers where `torch.exp` says inf.", when="error")

# ----------------------------------------------------------------------------- unigram

unigram = Exercise("unigram", minutes=5, difficulty=1)


@unigram.property("is each word's share of the text, k added to every count", trials=6)
def _(answer, draw: Draw) -> None:
    size, k = draw.integers(2, 7), draw.choice([0.5, 1.0, 2.0])
    ids = _ids(draw, draw.size, size)
    listed = ids.tolist()
    total = len(listed) + k * size
    expected = [(listed.count(word) + k) / total for word in range(size)]
    expect(answer(ids, size, k), "the probabilities").close_to(expected)


@unigram.property("gives plain shares at k = 0")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([2, 2, 0, 2])
    expect(answer(ids, 4, 0.0), "the probabilities").close_to([0.25, 0.0, 0.75, 0.0])


@unigram.property("adds 1 when no k is given")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([1] * draw.integers(1, 5))
    n = len(ids)
    expect(answer(ids, 3), "the probabilities").close_to(np.array([1, n + 1, 1]) / (n + 3))


@unigram.mistake(
    "You divided by the number of tokens alone. With k added to every count, the total grows by "
    "k times the size of the vocabulary; otherwise the shares add up to more than 1."
)
def wrong_total(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + k) / len(ids)


@unigram.mistake(
    "k was not added. A word that never came has probability 0, and one look at it makes the "
    "perplexity infinite."
)
def without_k(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) / len(ids)


@unigram.mistake("You returned counts. Divide by their total: probabilities add up to 1.")
def counts_only(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) + k


@unigram.mistake("You added 1 whatever k is. Add the k you were given.")
def always_one(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + 1) / (len(ids) + size)


@unigram.mistake(
    "Your table ends at the largest id in the text. It has `size` entries: `minlength=size`."
)
def too_short(ids, size, k=1.0):
    counts = torch.bincount(ids) + k
    return counts / counts.sum()


@unigram.mistake(
    "You added k only to words that were seen. It is for the unseen ones that it is there."
)
def only_seen(ids, size, k=1.0):
    counts = torch.bincount(ids, minlength=size).float()
    counts = torch.where(counts > 0, counts + k, counts)
    return counts / counts.sum()


@unigram.mistake("You added k after dividing. Add it to the counts, then divide by their total.")
def added_late(ids, size, k=1.0):
    return torch.bincount(ids, minlength=size) / len(ids) + k


@unigram.mistake(
    "k was added to the total once. Each of the `size` counts got a k, so the total grows by "
    "k · size; otherwise the shares add up to more than 1."
)
def total_grown_once(ids, size, k=1.0):
    return (torch.bincount(ids, minlength=size) + k) / (len(ids) + k)


@unigram.mistake(
    "You took a softmax of the counts. It takes exponentials, which belong to logits; shares of "
    "counts need only a division by their total."
)
def softmax_of_counts(ids, size, k=1.0):
    return torch.softmax((torch.bincount(ids, minlength=size) + k).double(), 0)


unigram.hint("Count, add k to every count, divide by the total of what you have then.")
unigram.hint("`torch.bincount(ids, minlength=size)` counts 0 … size − 1.")
unigram.hint("Do your probabilities add up to 1?", when="factor")
unigram.hint("How many entries should the table have?", when="length")

# ------------------------------------------------------------------------------ bigram

bigram = Exercise("bigram", minutes=15, difficulty=2)


def _bigram_by_counting(ids: list[int], size: int, k: float) -> list[list[float]]:
    """P(second | first) from a dictionary of pairs; uniform where nothing is known."""
    pairs: Counter[tuple[int, int]] = Counter(zip(ids, ids[1:], strict=False))
    table = []
    for first in range(size):
        counts = [pairs[first, second] + k for second in range(size)]
        total = math.fsum(counts)
        table.append([count / total if total else 1 / size for count in counts])
    return table


@bigram.property("gives row a, column b the probability of b after a", trials=6)
def _(answer, draw: Draw) -> None:
    size, k = draw.integers(2, 6), draw.choice([0.25, 1.0, 2.0])
    ids = _ids(draw, 3 * draw.size, size)
    expect(answer(ids, size, k), "the table").close_to(_bigram_by_counting(ids.tolist(), size, k))


@bigram.property("with k = 0 gives plain shares, and a row of 1/size for a word never followed")
def _(answer, draw: Draw) -> None:
    ids = torch.tensor([0, 1, 0, 0, 2, 2, 1, 0, draw.integers(3, 5), 0])
    expect(answer(ids, 5, 0.0), "the table").close_to(_bigram_by_counting(ids.tolist(), 5, 0.0))


@bigram.property("has rows that add up to 1", trials=3)
def _(answer, draw: Draw) -> None:
    size = draw.integers(3, 7)
    table = answer(_ids(draw, 12, size), size, draw.choice([0.0, 0.1]))
    expect(table, "the table").has_shape(size, size)
    expect(torch.as_tensor(table).sum(1), "the sums of the rows").close_to(np.ones(size))


@bigram.property("is uniform for a text of one word")
def _(answer, draw: Draw) -> None:
    size = draw.integers(2, 5)
    table = answer(torch.tensor([1]), size, draw.choice([0.0, 1.0]))
    expect(table, "the table").close_to(np.full((size, size), 1 / size))


def _pair_counts(ids: Tensor, size: int) -> Tensor:
    table = torch.zeros(size, size, dtype=torch.float64)
    table.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1).double(), accumulate=True)
    return table


def _normalised(counts: Tensor, dim: int = 1) -> Tensor:
    totals = counts.sum(dim, keepdim=True)
    return torch.where(totals > 0, counts / totals, 1 / len(counts))


@bigram.mistake(
    "Your table is turned over: row b, column a. The row is the word that is known, the column the "
    "word that is predicted."
)
def turned_over(ids, size, k):
    return _normalised(_pair_counts(ids, size) + k).T


@bigram.mistake(
    "You counted the pairs backwards: your row is the later word. `ids[:-1]` comes first, "
    "`ids[1:]` after it."
)
def counted_backwards(ids, size, k):
    return _normalised(_pair_counts(ids, size).T + k)


@bigram.mistake(
    "You normalised down the columns: that is the share of each word *before* b. For one known "
    "word the probabilities of all next words, a row, add up to 1."
)
def columns(ids, size, k):
    return _normalised(_pair_counts(ids, size) + k, dim=0)


@bigram.mistake(
    "You divided by the total of the whole table: that is how likely the *pair* is. Given the "
    "first word, its row adds up to 1."
)
def joint(ids, size, k):
    counts = _pair_counts(ids, size) + k
    total = counts.sum()
    return counts / total if total > 0 else torch.full((size, size), 1 / size)


@bigram.mistake(
    "Some rows are 0/0, not a number: words that nothing ever followed, at k = 0. The page gives "
    "them 1/size everywhere."
)
def not_a_number(ids, size, k):
    counts = _pair_counts(ids, size) + k
    return counts / counts.sum(1, keepdim=True)


@bigram.mistake(
    "A repeated pair counts only once: `table[ids[:-1], ids[1:]] += 1` writes a place once, "
    "however often it is named. Use bincount of first · size + second, or index_put_ with "
    "accumulate."
)
def counted_once(ids, size, k):
    table = torch.zeros(size, size, dtype=torch.float64)
    table[ids[:-1], ids[1:]] += 1
    return _normalised(table + k)


@bigram.mistake(
    "You divided by how often the first word occurs, without the k · size that was added to its "
    "row. The row then adds up to more than 1."
)
def wrong_row_total(ids, size, k):
    counts = _pair_counts(ids, size)
    totals = counts.sum(1, keepdim=True)
    return torch.where(totals > 0, (counts + k) / totals, 1 / size)


@bigram.mistake(
    "k was added to each row's total once. Each of the `size` counts of a row got a k, so its "
    "total grows by k · size."
)
def row_total_grown_once(ids, size, k):
    counts = _pair_counts(ids, size)
    totals = counts.sum(1, keepdim=True) + k
    return torch.where(totals > 0, (counts + k) / totals, 1 / size)


@bigram.mistake(
    "The totals of the rows were laid along the columns: `counts.sum(1)` has shape (size,), and "
    "divides as a row. With `keepdim=True` it stays a column."
)
def totals_lying_down(ids, size, k):
    counts = _pair_counts(ids, size) + k
    totals = counts.sum(1)
    return torch.where(totals > 0, counts / totals, 1 / size)


@bigram.mistake(
    "The row of the text's last word is wrong: you divided by how often a word occurs, and nothing "
    "follows its last occurrence. Divide by the total of the row."
)
def divided_by_occurrences(ids, size, k):
    occurrences = torch.bincount(ids, minlength=size)[:, None] + k * size
    counts = _pair_counts(ids, size) + k
    return torch.where(occurrences > 0, counts / occurrences, 1 / size)


@bigram.mistake(
    "A word that nothing ever followed has a row of zeros, which is no probability. At k = 0 the "
    "page gives such a row 1/size throughout."
)
def rows_of_zeros(ids, size, k):
    counts = _pair_counts(ids, size) + k
    return torch.nan_to_num(counts / counts.sum(1, keepdim=True), nan=0.0)


@bigram.mistake(
    "You paired the last word of the text with the first (`roll` goes round in a circle). L words "
    "have L − 1 pairs."
)
def in_a_circle(ids, size, k):
    return _normalised(_pair_counts(torch.cat([ids, ids[:1]]), size) + k)


@bigram.mistake("k was not added: every pair that training did not hold has probability 0.")
def no_k(ids, size, k):
    return _normalised(_pair_counts(ids, size))


@bigram.mistake("You counted each word with itself. The pairs are (ids[i], ids[i + 1]).")
def same_word(ids, size, k):
    table = torch.zeros(size, size, dtype=torch.float64)
    table.index_put_((ids, ids), torch.ones(len(ids)).double(), accumulate=True)
    return _normalised(table + k)


bigram.hint("The pairs are `ids[:-1]` and `ids[1:]`. Count them in a table of size × size.")
bigram.hint("`first * size + second` numbers the pairs: `torch.bincount`, then `reshape`.")
bigram.hint("Add k, take the totals of the rows with `keepdim=True`, divide.")
bigram.hint("What is 0/0, and which rows have it? `torch.where` chooses.", when="nan")
bigram.hint("Which of the two words is known? It is the row.", when="transposed")
bigram.hint("Add up one of your rows, then one of your columns.", when="value")

# ----------------------------------------------------------------------- choose_weight

choose_weight = Exercise("choose_weight", minutes=12, difficulty=2)


def _mixed(first: Any, second: Any, ids: list[int], weight: float, offset: int = 0) -> float:
    """The perplexity of a mixture on a text, from the product of its probabilities."""
    product = 1.0
    for a, b in zip(ids, ids[1:], strict=False):
        product *= weight * float(first[a][b]) + (1 - weight) * float(
            second[b if not offset else a]
        )
    return math.inf if product == 0 else (1 / product) ** (1 / (len(ids) - 1))


def _tables(draw: Draw, size: int) -> tuple[Tensor, Tensor]:
    rows = torch.tensor(draw.rng.dirichlet(np.full(size, 0.4), size) + 1e-3)
    single = torch.tensor(draw.rng.dirichlet(np.ones(size)) + 1e-2)
    return rows / rows.sum(1, keepdim=True), single / single.sum()


def _follow(draw: Draw, table: Tensor, length: int) -> Tensor:
    """A text that partly follows a bigram table, so that a middling weight is best."""
    ids = [0]
    for _ in range(length):
        row = table[ids[-1]].numpy() if draw.rng.uniform() < 0.5 else None
        ids.append(int(draw.rng.choice(len(table), p=row)))
    return torch.tensor(ids)


@choose_weight.property("returns the weight of lowest perplexity, and that perplexity", trials=6)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 4)
    ids = _follow(draw, table, 4 + 2 * draw.size)
    weights = [0.1, 0.3, 0.5, 0.7, 0.9]
    weight, result = answer(table, single, ids, weights)
    expected = [_mixed(table, single, ids.tolist(), w) for w in weights]
    expect(result, "the perplexity").close_to(min(expected))
    expect(weight, "the weight").close_to(weights[int(np.argmin(expected))])


@choose_weight.property("finds the best of the weights it was given, in any order", trials=4)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 3)
    ids = _follow(draw, table, 15)
    weights = draw.rng.permutation([0.05, 0.25, 0.6, 0.95])[: draw.integers(1, 5)].tolist()
    weight, result = answer(table, single, ids, weights)
    expected = [_mixed(table, single, ids.tolist(), w) for w in weights]
    expect(result, "the perplexity").close_to(min(expected))
    expect(weight, "the weight").close_to(weights[int(np.argmin(expected))])


@choose_weight.property("tries every weight, also after one that was worse", trials=3)
def _(answer, draw: Draw) -> None:
    table, single = _tables(draw, 3)
    ids = _follow(draw, table, 12)
    by_rank = sorted([0.1, 0.4, 0.6, 0.9], key=lambda w: _mixed(table, single, ids.tolist(), w))
    weights = [by_rank[1], by_rank[3], by_rank[0], by_rank[2]]
    weight, result = answer(table, single, ids, weights)
    expect(result, "the perplexity").close_to(_mixed(table, single, ids.tolist(), by_rank[0]))
    expect(weight, "the weight").close_to(by_rank[0])


@choose_weight.property("turns away from a weight of 1 when a pair was never seen")
def _(answer, draw: Draw) -> None:
    table = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    single = torch.tensor([0.75, 0.25], dtype=torch.float64)
    ids = torch.tensor([0, 1, 0, 1, 0, 0])
    weight, result = answer(table, single, ids, [1.0, 0.75])
    expect(weight, "the weight").close_to(0.75)
    expect(result, "the perplexity").close_to(_mixed(table, single, ids.tolist(), 0.75))


@choose_weight.property("trusts one model wholly where that is best")
def _(answer, draw: Draw) -> None:
    table = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    single = torch.tensor([0.25, 0.75], dtype=torch.float64)
    for ids, best in (([0, 1, 0, 1, 0], 1.0), ([1, 1, 1, 1], 0.0)):
        weight, result = answer(table, single, torch.tensor(ids), [0.0, 0.5, 1.0])
        expect(weight, "the weight").close_to(best, atol=1e-9)
        expect(result, "the perplexity").close_to(_mixed(table, single, ids, best))


def _choose(table, single, ids, weights, mix=None, key=min):
    first, second = table[ids[:-1], ids[1:]], single[ids[1:]]
    mix = mix or (lambda w, p, q: torch.log(w * p + (1 - w) * q))
    scored = [(float(torch.exp(-mix(w, first, second).mean())), w) for w in weights]
    result, weight = key(scored)
    return weight, result


@choose_weight.mistake(
    "Your weights do not add up to 1: with w for the bigram, the unigram gets 1 − w. Otherwise the "
    "mixture is no probability, and its perplexity means nothing."
)
def weights_do_not_add_up(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights, lambda w, p, q: (w * p + q).log())


@choose_weight.mistake(
    "The weights have changed places: w belongs to the bigram, 1 − w to the unigram."
)
def swapped_weights(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights, lambda w, p, q: ((1 - w) * p + w * q).log()
    )


@choose_weight.mistake(
    "You mixed the logarithms. Mix the probabilities and take the logarithm of the mixture: a log "
    "of 0 cannot be rescued by anything that is added to it."
)
def mixed_logarithms(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights, lambda w, p, q: w * p.log() + (1 - w) * q.log()
    )


@choose_weight.mistake("You chose the weight with the *highest* perplexity. Lower is better.")
def worst(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights, key=max)


@choose_weight.mistake(
    "Your unigram speaks about the word before. Both models predict the same word, the second of "
    "the pair: `unigram_table[ids[1:]]`."
)
def unigram_of_context(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[:-1]]
    scored = [(float(torch.exp(-(w * first + (1 - w) * second).log().mean())), w) for w in weights]
    return min(scored)[::-1]


@choose_weight.mistake(
    "You read the bigram table the wrong way round: row the word before, column the word that came."
)
def bigram_backwards(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table.T, unigram_table, ids, weights)


@choose_weight.mistake("You returned the perplexity first. The weight comes first, then it.")
def returned_swapped(bigram_table, unigram_table, ids, weights):
    return _choose(bigram_table, unigram_table, ids, weights)[::-1]


@choose_weight.mistake(
    "You chose by the bigram's and the unigram's perplexities mixed. Mix the probabilities of each "
    "word, then compute one perplexity."
)
def mixed_perplexities(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    one, two = float(torch.exp(-first.log().mean())), float(torch.exp(-second.log().mean()))
    return min((w * one + (1 - w) * two, w) for w in weights)[::-1]


@choose_weight.mistake(
    "The second number is the mean negative log-likelihood. The page asks for the perplexity, its "
    "exp."
)
def in_nats(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, math.log(result)


@choose_weight.mistake("You summed the logarithms. Perplexity is per word: take their mean.")
def summed_logarithms(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, result ** (len(ids) - 1)


@choose_weight.mistake(
    "You judged the text's first word too. No word comes before it: L words have L − 1 pairs."
)
def judged_first_word(bigram_table, unigram_table, ids, weights):
    first = float(unigram_table[ids[0]])
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return weight, (result ** (len(ids) - 1) / first) ** (1 / len(ids))


@choose_weight.mistake(
    "You returned the best weight's place in the list. Return the weight: `weights[place]`."
)
def place_of_weight(bigram_table, unigram_table, ids, weights):
    weight, result = _choose(bigram_table, unigram_table, ids, weights)
    return list(weights).index(weight), result


@choose_weight.mistake(
    "You stopped at the first weight that was worse than the one before it. The weights come in "
    "any order: try them all."
)
def stopped_early(bigram_table, unigram_table, ids, weights):
    best, lowest = weights[0], math.inf
    for weight in weights:
        _, result = _choose(bigram_table, unigram_table, ids, [weight])
        if result > lowest:
            break
        best, lowest = weight, result
    return best, lowest


@choose_weight.mistake(
    "You left out the pairs that the bigram has never seen. They are the ones that the unigram "
    "model is asked about: judge every pair."
)
def without_unseen(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    seen = first > 0
    mixed = [((w * first + (1 - w) * second)[seen].log(), w) for w in weights]
    return min((float(torch.exp(-logs.mean())), w) for logs, w in mixed)[::-1]


@choose_weight.mistake(
    "You asked the unigram only about unseen pairs. In the mixture both models speak about every "
    "pair; otherwise its probabilities do not add up to 1."
)
def backed_off(bigram_table, unigram_table, ids, weights):
    return _choose(
        bigram_table, unigram_table, ids, weights,
        lambda w, p, q: torch.where(p > 0, w * p, (1 - w) * q).log(),
    )  # fmt: skip


@choose_weight.mistake(
    "`math.log(0)` is an error. `torch.log` says −infinity, the perplexity is infinite then, and "
    "the weight loses, as it should."
)
def python_logarithm(bigram_table, unigram_table, ids, weights):
    first, second = bigram_table[ids[:-1], ids[1:]], unigram_table[ids[1:]]
    scored = []
    for weight in weights:
        mixed = (weight * first + (1 - weight) * second).tolist()
        scored.append((math.exp(-sum(map(math.log, mixed)) / len(mixed)), weight))
    return min(scored)[::-1]


choose_weight.hint("Look both probabilities of every word up once, before you try weights.")
choose_weight.hint("`bigram_table[ids[:-1], ids[1:]]` and `unigram_table[ids[1:]]`: same length.")
choose_weight.hint("For each w: mix, take logs, `perplexity`. Keep the pair with the lowest.")
choose_weight.hint("Do the two weights add up to 1?", when="factor")
choose_weight.hint("Mix first, logarithm after.", when="infinite")

# --------------------------------------------------------------------------- WordModel

WordModel = Exercise("WordModel", minutes=25, difficulty=3)


def _weights(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def _forward(model: Any, contexts: Tensor) -> np.ndarray:
    """The model's logits by numpy, one window and one word at a time."""
    vectors = model.embedding.weight.detach().double().numpy()
    (w1, b1), (w2, b2) = _weights(model.hidden), _weights(model.output)
    rows = []
    for context in contexts.tolist():
        joined = np.concatenate([vectors[word] for word in context])
        rows.append(w2 @ np.tanh(w1 @ joined + b1) + b2)
    return np.array(rows)


@WordModel.property("has layers of the right shapes", trials=4)
def _(answer, draw: Draw) -> None:
    size, n, d, h = (draw.integers(low, low + 4) for low in (5, 1, 2, 10))
    model = answer(size, n, d, h)
    expect(model, "the model").is_a(nn.Module)
    expect(model.embedding.weight, "embedding.weight").has_shape(size, d)
    expect(model.hidden.weight, "hidden.weight").has_shape(h, n * d)
    for name in ("hidden", "output"):
        expect(getattr(model, name).bias is not None, f"{name} has a bias").is_true(
            otherwise=f"`{name}` has no bias. The page's two linear layers have one."
        )
    expect(model.hidden.bias, "hidden.bias").has_shape(h)
    expect(model.output.weight, "output.weight").has_shape(size, h)
    expect(model.output.bias, "output.bias").has_shape(size)
    count = sum(p.numel() for p in model.parameters())
    expect(count, "the number of parameters").equals(size * d + h * (n * d + 1) + size * (h + 1))


@WordModel.property("computes output(tanh(hidden(embeddings side by side)))", trials=6)
def _(answer, draw: Draw) -> None:
    size, n = draw.integers(4, 9), draw.integers(2, 5)
    model = answer(size, n, 3, 6)
    contexts = torch.tensor(draw.integers(0, size, draw.size, n))
    logits = model(contexts)
    expect(logits, "the logits").has_shape(draw.size, size)
    expect(logits, "the logits").close_to(_forward(model, contexts))


@WordModel.property("hears the order of the words", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(6, 2, 3, 5)
    contexts = torch.tensor([[1, 4], [4, 1]])
    logits = model(contexts)
    expect(logits, "the logits of (1, 4) and of (4, 1)").close_to(_forward(model, contexts))
    change = float((logits[0] - logits[1]).abs().max())
    expect(change > 1e-6, "the order matters").is_true(
        otherwise="swapping the two words of a context changes nothing"
    )


@WordModel.property("has 64 numbers for each word and 128 hidden units unless told otherwise")
def _(answer, draw: Draw) -> None:
    model = answer(10, 2)
    expect(model.embedding.weight, "embedding.weight").has_shape(10, 64)
    expect(model.hidden.weight, "hidden.weight").has_shape(128, 128)


@WordModel.property("starts with embeddings of standard deviation 0.1")
def _(answer, draw: Draw) -> None:
    weight = answer(100, 2, 64, 4).embedding.weight.detach()
    # Rounded to one digit, in which all draws of 6400 numbers agree.
    mean, spread = abs(round(float(weight.mean()), 1)), float(f"{float(weight.std()):.1g}")
    expect(spread, "the standard deviation of embedding.weight").close_to(0.1)
    expect(mean, "the mean of embedding.weight").close_to(0.0, atol=1e-6)


@WordModel.property("learns in all its parts")
def _(answer, draw: Draw) -> None:
    model = answer(6, 2, 3, 5)
    contexts, targets = torch.tensor([[0, 2], [3, 4]]), torch.tensor([0, 5])
    F.cross_entropy(model(contexts), targets).backward()
    for name in ("embedding", "hidden", "output"):
        gradient = getattr(model, name).weight.grad
        reached = gradient is not None and bool((gradient != 0).any())
        expect(reached, f"a gradient reaches {name}").is_true(
            otherwise=f"No gradient reaches {name}.weight."
        )
    gradient = model.embedding.weight.grad
    unknown = gradient is not None and bool((gradient[0] != 0).any())
    expect(unknown, "a gradient reaches the vector of word 0").is_true(
        otherwise="No gradient reaches the vector of word 0, `<unk>`, which must learn as well "
        "(`padding_idx` would prevent it)."
    )


@WordModel.property("starts the two linear layers as torch does")
def _(answer, draw: Draw) -> None:
    model = answer(50, 2, 32, 100)
    for name in ("hidden", "output"):
        layer = getattr(model, name)
        bound = 1.001 / math.sqrt(layer.weight.shape[1])
        for kind in ("weight", "bias"):
            values = getattr(layer, kind).detach()
            usual = bool((values.abs() <= bound).all()) and float(values.std()) > bound / 3
            expect(usual, f"{name}.{kind} starts as torch starts it").is_true(
                otherwise=f"{name}.{kind} does not start as `nn.Linear` starts it by itself: leave "
                "it alone. Only the embeddings are drawn anew."
            )


class _Network(nn.Module):
    """The right layers; each mistake below overrides what it gets wrong."""

    spread = 0.1

    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        nn.init.normal_(self.embedding.weight, std=self.spread)
        self.hidden = nn.Linear(self.joined(context, embedding_size), hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary_size)

    def joined(self, context, embedding_size):
        return context * embedding_size

    def join(self, vectors):
        return vectors.flatten(1)

    def bend(self, values):
        return torch.tanh(values)

    def forward(self, contexts):
        return self.output(self.bend(self.hidden(self.join(self.embedding(contexts)))))


@WordModel.mistake(
    "Your embeddings start with a standard deviation of 1, torch's default. The page asks for 0.1: "
    "`nn.init.normal_(self.embedding.weight, std=0.1)`."
)
class LargeEmbeddings(_Network):
    spread = 1.0


@WordModel.mistake(
    "Your embeddings have mean 0.1 and standard deviation 1: the second argument of "
    "`nn.init.normal_` is the mean. Say `std=0.1`."
)
class ShiftedEmbeddings(_Network):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        nn.init.normal_(self.embedding.weight, 0.1)


@WordModel.mistake(
    "Your embeddings are uniform between −0.1 and 0.1, which has a standard deviation of 0.06. "
    "Draw normal numbers: `nn.init.normal_(self.embedding.weight, std=0.1)`."
)
class UniformEmbeddings(_Network):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)


@WordModel.mistake(
    "0.1 has become the *variance* of your embeddings, so that their standard deviation is 0.3."
)
class VarianceOfEmbeddings(_Network):
    spread = math.sqrt(0.1)


@WordModel.mistake(
    "`padding_idx=0` takes the vector of word 0 out of the learning. Word 0 is `<unk>` here, the "
    "most frequent of all, and must learn: leave `padding_idx` out."
)
class UnknownAsPadding(_Network):
    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__(vocabulary_size, context, embedding_size, hidden_size)
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)


@WordModel.mistake(
    "The linear layers have no bias. `bias=True` is what `nn.Linear` does unless told otherwise."
)
class WithoutBias(_Network):
    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__(vocabulary_size, context, embedding_size, hidden_size)
        self.hidden = nn.Linear(context * embedding_size, hidden_size, bias=False)
        self.output = nn.Linear(hidden_size, vocabulary_size, bias=False)


@WordModel.mistake(
    "Your hidden layer takes three words, whatever `context` says. It takes context · "
    "embedding_size numbers."
)
class AlwaysThree(_Network):
    def joined(self, context, embedding_size):
        return 3 * embedding_size


@WordModel.mistake(
    "Your hidden layer takes the numbers of one word. Side by side, `context` words are context · "
    "embedding_size numbers."
)
class OneWordWide(_Network):
    def joined(self, context, embedding_size):
        return embedding_size


@WordModel.mistake(
    "You added the embeddings up. A sum forgets the order: `dog bites man` and `man bites dog` "
    "become one. Lay them side by side, so that each position has its own weights."
)
class Summed(_Network):
    def joined(self, context, embedding_size):
        return embedding_size

    def join(self, vectors):
        return vectors.sum(1)


@WordModel.mistake(
    "You averaged the embeddings. A mean forgets the order: lay them side by side, so that each "
    "position has its own weights."
)
class Averaged(_Network):
    def joined(self, context, embedding_size):
        return embedding_size

    def join(self, vectors):
        return vectors.mean(1)


@WordModel.mistake(
    "You laid the embeddings together in the reverse order. The first word of the context comes "
    "first."
)
class Reversed(_Network):
    def join(self, vectors):
        return vectors.flip(1).flatten(1)


@WordModel.mistake(
    "The numbers of the words are interleaved: first number of every word, second number of every "
    "word, and so on. Lay whole vectors one after the other: `flatten(1)` with no transpose."
)
class Interleaved(_Network):
    def join(self, vectors):
        return vectors.transpose(1, 2).flatten(1)


@WordModel.mistake("There is no tanh. Two linear layers in a row are one linear layer (rung 5).")
class Linear(_Network):
    def bend(self, values):
        return values


@WordModel.mistake("You used ReLU. Bengio's network, and this page's, bends with tanh.")
class Rectified(_Network):
    def bend(self, values):
        return torch.relu(values)


@WordModel.mistake(
    "You returned probabilities. Return logits: `F.cross_entropy` applies the log-softmax itself, "
    "and applied twice it flattens everything."
)
class Probabilities(_Network):
    def forward(self, contexts):
        return torch.softmax(super().forward(contexts), dim=1)


@WordModel.mistake(
    "You returned log-probabilities. Return the output layer's numbers as they are, the logits."
)
class LogProbabilities(_Network):
    def forward(self, contexts):
        return torch.log_softmax(super().forward(contexts), dim=1)


@WordModel.mistake(
    "The tanh is applied to the output too. Logits must be free to be large: bend the hidden layer "
    "only."
)
class BentOutput(_Network):
    def forward(self, contexts):
        return torch.tanh(super().forward(contexts))


@WordModel.mistake(
    "The tanh comes after the output layer instead of the hidden one. Bend the hidden layer, and "
    "leave the logits free to be large."
)
class BentLate(_Network):
    def forward(self, contexts):
        return torch.tanh(self.output(self.hidden(self.join(self.embedding(contexts)))))


@WordModel.mistake("You bent the embeddings as well. The only tanh comes after `hidden`.")
class BentTwice(_Network):
    def join(self, vectors):
        return torch.tanh(vectors).flatten(1)


@WordModel.mistake("You bent the embeddings and not the hidden layer. tanh comes after `hidden`.")
class BentEarly(_Network):
    def forward(self, contexts):
        return self.output(self.hidden(torch.tanh(self.join(self.embedding(contexts)))))


@WordModel.mistake(
    "Your model hears the last word only: it is a bigram with extra steps. Use every word of the "
    "context."
)
class LastWord(_Network):
    def join(self, vectors):
        joined = torch.zeros_like(vectors)
        joined[:, -1] = vectors[:, -1]
        return joined.flatten(1)


WordModel.hint("`nn.Embedding(vocabulary_size, embedding_size)` maps (b, n) ids to (b, n, d).")
WordModel.hint("`.flatten(1)` lays the n vectors of each example end to end: (b, n · d).")
WordModel.hint("embedding → flatten → hidden → tanh → output. Did `__init__` call super()?")
WordModel.hint("How many numbers enter the hidden layer?", when="shape")
WordModel.hint("Which class has an attribute of that name? The page names three.", when="error")
WordModel.hint("Follow one window through the layers; is tanh where it should be?", when="value")

# ------------------------------------------------------------------------------- score

score = Exercise("score", minutes=15, difficulty=2, changes=("model",))


class _Table(nn.Module):
    """A bigram model: logits of the next word looked up by the last word of the context.

    It notes the size of every batch, its mode, and whether gradients were recorded.
    """

    def __init__(self, logits: Any, drops: bool = False) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(np.asarray(logits), dtype=torch.float64))
        self.drops = drops
        self.batches: list[int] = []
        self.modes: set[bool] = set()
        self.recorded: set[bool] = set()
        self.shown: list[int] = []

    def forward(self, contexts: Tensor) -> Tensor:
        self.batches.append(len(contexts))
        self.modes.add(self.training)
        self.recorded.add(torch.is_grad_enabled())
        if self.training:
            self.shown += contexts[:, 0].tolist()
        rows = self.logits[contexts[:, -1]]
        return rows * 0.5 if self.drops and self.training else rows

    def __repr__(self) -> str:
        return f"a small model of {len(self.logits)} words"


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _case(draw: Draw, examples: int, size: int = 5) -> tuple[np.ndarray, Tensor, Tensor]:
    logits = draw.normal(size, size)
    return logits, _ids(draw, examples * 2, size).reshape(-1, 2), _ids(draw, examples, size)


@score.property("gives the log-probability of every target", trials=6)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, draw.size)
    result = answer(_Table(logits), contexts, targets, draw.integers(1, 5))
    table = _log_softmax(logits)
    last = contexts[:, -1].tolist()
    expected = [table[a, b] for a, b in zip(last, targets.tolist(), strict=True)]
    expect(result, "the log-probabilities").close_to(expected)


@score.property("works with the batch size it has by itself")
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 7)
    result = answer(_Table(logits), contexts, targets)
    expected = _log_softmax(logits)[contexts[:, -1].numpy(), targets.numpy()]
    expect(result, "the log-probabilities").close_to(expected)


@score.property("takes at most batch_size windows at a time")
def _(answer, draw: Draw) -> None:
    model = _Table(draw.normal(4, 4))
    answer(model, *_case(draw, 10, 4)[1:], 4)
    expect(max(model.batches), "the largest batch").equals(4)
    model = _Table(draw.normal(4, 4))
    answer(model, *_case(draw, 1001, 4)[1:])
    expect(max(model.batches), "the largest batch when none is asked for").equals(1000)


@score.property("measures in evaluation mode, and leaves the mode as it was", trials=2)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 6)
    for training in (True, False):
        model = _Table(logits, drops=True).train(training)
        result = answer(model, contexts, targets, 3)
        expected = _log_softmax(logits)[contexts[:, -1].numpy(), targets.numpy()]
        expect(result, "the log-probabilities").close_to(expected)
        expect(model.training, "the model is in training mode afterwards").equals(training)


@score.property("records nothing for backward")
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 5)
    model = _Table(logits)
    result = answer(model, contexts, targets, 2)
    waits = bool(getattr(result, "requires_grad", False))
    expect(not waits, "the result is free of its history").is_true(
        otherwise="The result still carries what `backward` would need: measure inside "
        "`torch.no_grad()`."
    )
    expect(True not in model.recorded, "nothing was recorded").is_true(
        otherwise="Gradients were recorded while the model ran: run it inside `torch.no_grad()`."
    )


def _scored(model, contexts, targets, batch_size=1000, value=None, mode=False, restore=True):
    """The right measurement with one habit changed."""
    before = model.training
    if mode is not None:
        model.train(mode)
    value = value or (lambda logits, y: -F.cross_entropy(logits, y, reduction="none"))
    with torch.no_grad():
        parts = [
            value(model(x), y)
            for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
        ]
    if restore:
        model.train(before)
    return torch.cat(parts)


@score.mistake(
    "The sign is wrong: you returned negative log-likelihoods. Log-probabilities are never above 0."
)
def negative(model, contexts, targets, batch_size=1000):
    return -_scored(model, contexts, targets, batch_size)


@score.mistake(
    "You returned logits. They are not logarithms of probabilities until log-softmax has "
    "subtracted the log of their total."
)
def raw_logits(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, lambda z, y: z.gather(1, y[:, None])[:, 0])


@score.mistake("You returned probabilities. Take their natural logarithm: `F.log_softmax`.")
def probabilities(model, contexts, targets, batch_size=1000):
    return torch.exp(_scored(model, contexts, targets, batch_size))


@score.mistake(
    "You normalised down the batch: the probabilities of one word over all examples add up to 1. "
    "For one example those of all words must: `dim=1`."
)
def over_the_batch(model, contexts, targets, batch_size=1000):
    def value(logits, y):
        return F.log_softmax(logits, dim=0).gather(1, y[:, None])[:, 0]

    return _scored(model, contexts, targets, batch_size, value)


@score.mistake(
    "You took logarithms to base 2. Everything on this page is in nats, natural logarithms."
)
def base_two(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size) / math.log(2)


@score.mistake(
    "You returned the log-probability of the likeliest word. The question is how likely the model "
    "found the word that came."
)
def likeliest(model, contexts, targets, batch_size=1000):
    return _scored(
        model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1).max(1).values
    )


@score.mistake(
    "You measured in training mode: layers that behave differently while learning spoil the "
    "measurement. `model.eval()` first."
)
def training_mode(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, mode=None)


@score.mistake(
    "The model stays in evaluation mode. Put it back as it was: note `model.training` before."
)
def left_in_evaluation(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, restore=False)


@score.mistake(
    "The model is in training mode afterwards, whatever it was before. Note `model.training` first "
    "and restore that."
)
def always_training(model, contexts, targets, batch_size=1000):
    result = _scored(model, contexts, targets, batch_size)
    model.train()
    return result


@score.mistake(
    "You returned one number, the mean. Return one log-probability for each window; `perplexity` "
    "averages."
)
def averaged(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size).mean()


@score.mistake(
    "You measured everything in one batch. A whole text's logits may not fit into memory: at most "
    "batch_size windows at a time."
)
def one_batch(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, len(targets))


@score.mistake(
    "Gradients were recorded on the way: memory for a backward that never comes. Wrap the loop in "
    "`torch.no_grad()`."
)
def recorded(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    parts = [
        -F.cross_entropy(model(x), y, reduction="none")
        for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    ]
    model.train(before)
    return torch.cat(parts).detach()


@score.mistake(
    "Gradients were recorded on the way, and the result still carries them: memory for a backward "
    "that never comes. Wrap the loop in `torch.no_grad()`."
)
def still_attached(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    parts = [
        -F.cross_entropy(model(x), y, reduction="none")
        for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    ]
    model.train(before)
    return torch.cat(parts)


@score.mistake(
    "You returned one number for each batch, its mean. Return one log-probability for each window: "
    '`reduction="none"`.'
)
def batch_means(model, contexts, targets, batch_size=1000):
    return _scored(
        model, contexts, targets, batch_size, lambda z, y: -F.cross_entropy(z, y).reshape(1)
    )


@score.mistake(
    "You returned every log-probability of every window, a whole row each. Pick the target's out "
    "of the row."
)
def whole_rows(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1))


@score.mistake(
    "`log_p[:, targets]` looks all targets up in every row. Window i has its own: "
    "`log_p[torch.arange(len(targets)), targets]`, or `gather`."
)
def all_targets_everywhere(model, contexts, targets, batch_size=1000):
    rows = _scored(model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1))
    picked = [
        row[:, y] for row, y in zip(rows.split(batch_size), targets.split(batch_size), strict=True)
    ]
    return torch.cat(picked)


@score.mistake(
    "Your log-probabilities stand in a column, shape (m, 1), as `gather` leaves them. The page "
    "asks for shape (m,): `[:, 0]` or `squeeze(1)`."
)
def column(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size)[:, None]


@score.mistake(
    "The last windows are lost, those that do not fill a batch. The last batch may be shorter."
)
def lost_the_rest(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    with torch.no_grad():
        parts = [
            -F.cross_entropy(model(contexts[s : s + batch_size]), targets[s : s + batch_size],
                             reduction="none")
            for s in range(0, len(targets) - batch_size + 1, batch_size)
        ]  # fmt: skip
    model.train(before)
    return torch.cat(parts)


score.hint("Rung 7's `evaluate` has the frame: note the mode, eval, no_grad, batches, restore.")
score.hint("`contexts.split(batch_size)` and `targets.split(batch_size)` walk side by side.")
score.hint('`-F.cross_entropy(logits, y, reduction="none")` is one log-probability per example.')
score.hint("Can the logarithm of a probability be positive?", when="sign")
score.hint("By which number do nats and bits differ?", when="factor")
score.hint("One value for each window.", when="shape")

for _strict in (")", ", strict=False)"):
    score.equivalent(
        "`batches = zip(contexts.split(batch_size), targets.split(batch_size), strict=True)` → "
        f"`batches = zip(contexts.split(batch_size), targets.split(batch_size){_strict}`",
        because="there are as many batches of contexts as of targets",
    )

# ----------------------------------------------------------------------------- nearest

nearest = Exercise("nearest", minutes=12, difficulty=2)


def _cosines(vectors: np.ndarray, word: int) -> list[tuple[float, int]]:
    """(cosine, id) of every other word, the nearest first."""
    found = []
    for other, vector in enumerate(vectors):
        if other != word:
            lengths = math.hypot(*vector) * math.hypot(*vectors[word])
            found.append((float(np.dot(vector, vectors[word])) / lengths, other))
    return sorted(found, reverse=True)


@nearest.property("finds the words at the smallest angle, the nearest first", trials=6)
def _(answer, draw: Draw) -> None:
    size = draw.size + 2
    vectors = draw.rng.normal(size=(size, 3)) * draw.rng.uniform(0.2, 4, (size, 1))
    word, count = draw.integers(0, size), draw.integers(1, min(size, 5))
    ids, similarities = answer(torch.tensor(vectors), word, count)
    wanted = _cosines(vectors, word)[:count]
    expect(similarities, "the cosines").close_to([cosine for cosine, _ in wanted])
    expect(ids, "the ids").equals([other for _, other in wanted])


@nearest.property("does not name the word itself", trials=3)
def _(answer, draw: Draw) -> None:
    vectors = torch.tensor(draw.rng.normal(size=(4, 3)))
    word = draw.integers(0, 4)
    ids, _ = answer(vectors, word, 3)
    expect(sorted(int(i) for i in ids), "all other words, sorted").equals(
        [i for i in range(4) if i != word]
    )


@nearest.property("does not care how long the vectors are")
def _(answer, draw: Draw) -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.1, 0.01], [30.0, 30.0], [0.0, -2.0], [-9.0, 1.0]])
    ids, similarities = answer(vectors * draw.choice([0.5, 1.0, 8.0]), 0, 4)
    expect(ids, "the ids").equals([1, 2, 3, 4])
    expect(similarities, "the cosines").close_to(
        [10 / math.hypot(10, 1), math.sqrt(0.5), 0.0, -9 / math.hypot(9, 1)], atol=1e-5
    )


def _ranked_by(vectors, word, count, similarity, itself=False, largest=True):
    values = similarity(vectors, vectors[word]).clone()
    if not itself:
        values[word] = -math.inf if largest else math.inf
    found = values.topk(count, largest=largest)
    return found.indices, found.values


def _cosine(vectors: Tensor, vector: Tensor) -> Tensor:
    return F.cosine_similarity(vectors, vector[None], dim=1)


@nearest.mistake(
    "The word is its own nearest neighbour. Its cosine with itself is always 1: leave it out."
)
def itself_included(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine, itself=True)


@nearest.mistake(
    "You used dot products without normalising: long vectors come near to everything. Divide by "
    "both lengths."
)
def dot_products(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: v @ one)


@nearest.mistake(
    "You divided by one of the two lengths only. A cosine is between −1 and 1: divide by the "
    "length of the word's own vector too."
)
def half_normalised(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: F.normalize(v, dim=1) @ one)


@nearest.mistake(
    "You divided by the word's own length only. A cosine divides by the other vector's too, or "
    "long vectors come near to everything."
)
def other_half_normalised(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: v @ F.normalize(one, dim=0))


@nearest.mistake("You sorted the wrong way: these are the words furthest away.")
def furthest(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine, largest=False)


@nearest.mistake(
    "You measured distances between points. Two vectors in the same direction count as near here, "
    "whatever their lengths: use the cosine of the angle."
)
def distances(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: (v - one).norm(dim=1), largest=False)


@nearest.mistake(
    "You measured distances between points, with a minus. Two vectors in the same direction count "
    "as near here, whatever their lengths: use the cosine of the angle."
)
def negative_distances(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: -(v - one).norm(dim=1))


@nearest.mistake(
    "You set the word's own similarity to 0, which is still above every negative cosine. −infinity "
    "is below all of them."
)
def itself_at_zero(vectors, word, count):
    values = _cosine(vectors, vectors[word]).clone()
    values[word] = 0.0
    found = values.topk(count)
    return found.indices, found.values


@nearest.mistake(
    "You took the word's row out of the table before you ranked, so that every id behind it is one "
    "too small. Keep the table and set the word's own similarity to −infinity."
)
def row_taken_out(vectors, word, count):
    others = torch.cat([vectors[:word], vectors[word + 1 :]])
    found = _cosine(others, vectors[word]).topk(count)
    return found.indices, found.values


@nearest.mistake(
    "You ranked by the size of the cosine without its sign. −0.9 is a nearly opposite direction, "
    "not a near one."
)
def without_sign(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: _cosine(v, one).abs())


@nearest.mistake(
    "You normalised the columns: every *dimension* has length 1 then. Normalise each word's row."
)
def normalised_columns(vectors, word, count):
    columns = F.normalize(vectors, dim=0)
    return _ranked_by(columns, word, count, lambda v, one: v @ one)


@nearest.mistake("You returned the cosines first. The ids come first, then the cosines.")
def swapped_results(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine)[::-1]


@nearest.mistake(
    "You squared the lengths: divide by the lengths themselves, the square roots of the sums of "
    "squares."
)
def squared_lengths(vectors, word, count):
    def similarity(v, one):
        return v @ one / ((v**2).sum(1) * (one**2).sum())

    return _ranked_by(vectors, word, count, similarity)


nearest.hint("Divide every row by its length; cosines are then plain dot products.")
nearest.hint("`F.normalize(vectors, dim=1)`, a matrix times one vector, `topk(count)`.")
nearest.hint("Set the word's own similarity to −infinity before you take the largest.")
nearest.hint("A cosine is never above 1. Which length is left over?", when="factor")
nearest.hint("Largest cosine first.", when="order")

nearest.equivalent(
    "`directions = F.normalize(vectors, dim=1)` → `directions = F.normalize(vectors)`",
    because="dim=1 is what F.normalize does unless told otherwise",
)

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=35, difficulty=3, changes=("model", "optimiser", "generator"))


class _Descent:
    """Plain gradient descent with the interface that the page asks of an optimiser."""

    def __init__(self, model: nn.Module, rate: float) -> None:
        self.parameters, self.rate, self.steps = list(model.parameters()), rate, 0

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        self.steps += 1
        with torch.no_grad():
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.sub_(self.rate * parameter.grad)

    def __repr__(self) -> str:
        return f"gradient descent at rate {self.rate}"


class _Script(_Descent):
    """An optimiser that sets prescribed weights at each step, whatever the gradients are."""

    def __init__(self, model: nn.Module, path: list[list[list[float]]]) -> None:
        super().__init__(model, 0.0)
        self.path = path

    def step(self) -> None:
        with torch.no_grad():
            self.parameters[0].copy_(torch.tensor(self.path[self.steps]))
        self.steps += 1

    def __repr__(self) -> str:
        return "an optimiser with a path of its own"


def _likelihood(logits: np.ndarray, data: tuple[Tensor, Tensor]) -> float:
    table = _log_softmax(logits)
    return float(-np.mean(table[data[0][:, -1].numpy(), data[1].numpy()]))


def _descended(
    logits: np.ndarray, data: tuple[Tensor, Tensor], rate: float, steps: int
) -> list[np.ndarray]:
    """Gradient descent on all of the data: each window pulls by one-hot minus probability."""
    path = [logits]
    for _ in range(steps):
        now, gradient = path[-1], np.zeros_like(logits)
        share = np.exp(_log_softmax(now))
        for a, b in zip(data[0][:, -1].tolist(), data[1].tolist(), strict=True):
            gradient[a] += (share[a] - np.eye(len(now))[b]) / len(data[1])
        path.append(now - rate * gradient)
    return path


def _data(draw: Draw, examples: int, size: int = 4) -> tuple[Tensor, Tensor]:
    return _ids(draw, examples, size)[:, None], _ids(draw, examples, size)


def _start(logits: np.ndarray, rate: float, **options: bool) -> tuple[_Table, _Descent]:
    model = _Table(logits, **options)
    return model, _Descent(model, rate)


@train.property("takes the right steps when one batch holds everything", trials=4)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, draw.size), _data(draw, 6)
    rate, epochs = draw.uniform(0.5, 2.0), draw.integers(2, 6)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, valid, epochs, draw.size, torch_generator(draw.seed()))
    path = _descended(logits, data, rate, epochs)
    before = [math.exp(_likelihood(step, data)) for step in path[:-1]]
    after = [math.exp(_likelihood(step, valid)) for step in path[1:]]
    expect(history["train"], "the training perplexities").close_to(before)
    expect(history["valid"], "the validation perplexities").close_to(after)
    best = path[1 + int(np.argmin(after))]
    expect(model.logits, "the weights at the end").close_to(best, atol=1e-5)


@train.property("ends with the weights of the best epoch, not the last", trials=2)
def _(answer, draw: Draw) -> None:
    # A negative rate climbs: away from 0 after 0, towards 1, which follows 7 times in 10 in the
    # validation set. Its second epoch is the best, the third still better than the first, and
    # training only ever gets worse.
    logits, rate = np.tile(draw.normal(2, 1), 2), -0.35
    data = torch.tensor([[0]]), torch.tensor([0])
    valid = torch.zeros(10, 1, dtype=torch.int64), torch.tensor([1] * 7 + [0] * 3)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, valid, 4, 1, torch_generator(draw.seed()))
    path = _descended(logits, data, rate, 4)
    after = [math.exp(_likelihood(step, valid)) for step in path[1:]]
    expect(history["valid"], "the validation perplexities").close_to(after)
    expect(model.logits, "the weights at the end").close_to(path[2], atol=1e-5)


@train.property("keeps the best of all epochs, wherever it stands", trials=3)
def _(answer, draw: Draw) -> None:
    # One window, "0 after 0", and a logit that goes up and down: the higher, the better.
    heights = draw.choice([(0.0, 1.0, -1.0, 0.5), (1.0, -1.0, 0.5, 0.0), (-1.0, 0.5, 0.0, 1.0)])
    data = torch.tensor([[0]]), torch.tensor([0])
    model = _Table(np.zeros((2, 2)))
    optimiser = _Script(model, [[[height, 0.0], [0.0, 0.0]] for height in heights])
    history = answer(model, optimiser, data, data, 4, 1, torch_generator(draw.seed()))
    expect(history["valid"], "the validation perplexities").close_to(
        [1 + math.exp(-height) for height in heights]
    )
    expect(float(model.logits[0, 0].detach()), "the logit at the end").close_to(max(heights))


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    # All windows alike: any order gives the same batches, so that the whole path is known.
    logits, rate, epochs = draw.normal(3, 3), draw.uniform(0.2, 1.0), draw.integers(1, 4)
    data = torch.full((5, 1), 2), torch.full((5,), draw.integers(0, 3))
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, data, epochs, 2, torch_generator(draw.seed()))
    expect(optimiser.steps, "the number of steps").equals(3 * epochs)
    one = data[0][:1], data[1][:1]
    losses = [_likelihood(step, one) for step in _descended(logits, one, rate, 3 * epochs)]
    weighted = [np.dot(losses[3 * e : 3 * e + 3], [2, 2, 1]) / 5 for e in range(epochs)]
    expect(history["train"], "the training perplexities").close_to(np.exp(weighted))
    expect(history["valid"], "the validation perplexities").close_to(np.exp(losses[3::3]))


@train.property("averages over windows, whatever their batches", trials=2)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, 7), _data(draw, 5)
    model, optimiser = _start(logits, 0.0)
    history = answer(model, optimiser, data, valid, 2, 3, torch_generator(draw.seed()))
    expect(history["train"], "the training perplexities").close_to(
        [math.exp(_likelihood(logits, data))] * 2
    )
    expect(history["valid"], "the validation perplexities").close_to(
        [math.exp(_likelihood(logits, valid))] * 2
    )


@train.property("learns in training mode and measures in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, 6), _data(draw, 6)
    model, optimiser = _start(logits, 0.0, drops=True)
    model.eval()
    history = answer(model, optimiser, data, valid, 2, 3, torch_generator(draw.seed()))
    expect(history["train"], "the training perplexities").close_to(
        [math.exp(_likelihood(logits / 2, data))] * 2
    )
    expect(history["valid"], "the validation perplexities").close_to(
        [math.exp(_likelihood(logits, valid))] * 2
    )


@train.property("takes one step where the batch size exceeds the number of windows")
def _(answer, draw: Draw) -> None:
    logits, rate, data = draw.normal(3, 3), draw.uniform(0.2, 1.0), _data(draw, 3, 3)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, data, 2, 100, torch_generator(draw.seed()))
    expect(optimiser.steps, "the number of steps").equals(2)
    losses = [_likelihood(step, data) for step in _descended(logits, data, rate, 2)]
    expect(history["train"], "the training perplexities").close_to(np.exp(losses[:2]))
    expect(history["valid"], "the validation perplexities").close_to(np.exp(losses[1:]))


def _orders(answer, seed: int, epochs: int) -> list[list[int]]:
    """Which windows each epoch learned from, in order."""
    data = torch.arange(12)[:, None], torch.arange(12)
    model, optimiser = _start(np.zeros((12, 12)), 0.0)
    answer(model, optimiser, data, (data[0][:1], data[1][:1]), epochs, 4, torch_generator(seed))
    return [model.shown[start : start + 12] for start in range(0, len(model.shown), 12)]


@train.property(
    "shows every window once an epoch, in a new order taken from the generator", trials=2
)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    epochs = _orders(answer, seed, 2)
    expect(len(epochs), "epochs of 12 windows, learned from in training mode").equals(2)
    whole = all(sorted(epoch) == list(range(12)) for epoch in epochs)
    expect(whole, "each window once").is_true(
        otherwise="In one epoch a window was shown twice, or never."
    )
    expect(epochs[0] == list(range(12)), "the first epoch is unshuffled").equals(False)
    expect(epochs[0] == epochs[-1], "the second epoch repeats the first").equals(False)
    batches = [sorted(epoch[start : start + 4]) for epoch in epochs for start in (0, 4, 8)]
    cut_first = all(batch == list(range(batch[0], batch[0] + 4)) for batch in batches if batch)
    expect(not cut_first, "windows are shuffled, not minibatches").is_true(
        otherwise="Every minibatch holds neighbours: shuffle the windows, then cut."
    )
    expect(epochs == _orders(answer, seed, 2), "same seed, same order").is_true(
        otherwise="Two generators with the same seed gave different orders: give `generator` to "
        "whatever shuffles."
    )


def _run(model, optimiser, train_set, valid_set, epochs, batch_size, generator, **habits):
    """The training loop with one bad habit, named by keyword: what the mistakes below share."""
    contexts, targets = train_set
    history: dict[str, list[float]] = {"train": [], "valid": []}
    best, lowest = None, math.inf
    order = torch.arange(len(targets))
    losses: list[float] = []
    sizes: list[int] = []
    for epoch in range(epochs):
        if habits.get("with_replacement"):
            order = torch.randint(len(targets), (len(targets),), generator=generator)
        elif not (
            habits.get("unshuffled")
            or habits.get("shuffles_batches")
            or (epoch and habits.get("shuffles_once"))
        ):
            order = torch.randperm(len(targets), generator=generator)
        if not habits.get("stays_in_eval") and not (epoch and habits.get("trains_once")):
            model.train()
        if habits.get("valid_first"):
            history["valid"].append(_measured(model, valid_set))
        if not habits.get("carries_total"):
            losses, sizes = [], []
        batches = order.split(batch_size)
        if habits.get("shuffles_batches"):
            batches = torch.arange(len(targets)).split(batch_size)
            places = torch.randperm(len(batches), generator=generator)
            batches = [batches[place] for place in places]
        for start, batch in enumerate(batches):
            if habits.get("drops_rest") and len(batch) < batch_size:
                continue
            answers = targets[batch]
            if habits.get("targets_unshuffled"):
                answers = targets[start * batch_size :][: len(batch)]
            loss = F.cross_entropy(model(contexts[batch]), answers)
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            if habits.get("steps_first"):
                optimiser.step()
            (loss * (len(batch) if habits.get("summed") else 1)).backward()
            if not habits.get("steps_first"):
                optimiser.step()
            losses.append(loss.item())
            sizes.append(len(batch))
        if habits.get("learns_validation"):
            optimiser.zero_grad()
            F.cross_entropy(model(valid_set[0]), valid_set[1]).backward()
            optimiser.step()
        if habits.get("divides_by_all"):
            mean = float(np.dot(losses, sizes)) / len(order)
            losses, sizes = [mean] * len(losses), [1] * len(sizes)
        habits["epochs_so_far"] = epoch + 1
        history["train"].append(_epoch_number(losses, sizes, habits))
        if habits.get("after"):
            history["train"][-1] = _measured(model, train_set)
        if not habits.get("valid_first"):
            history["valid"].append(_measured(model, valid_set, habits.get("measures_training")))
        judged = -history["valid"][-1] if habits.get("keeps_worst") else history["valid"][-1]
        judged = history["train"][-1] if habits.get("by_training") else judged
        if habits.get("trains_once"):
            model.eval()
        if judged < lowest:
            best, lowest = copy.deepcopy(model.state_dict()), judged
            lowest = -math.inf if habits.get("keeps_first") else lowest
        elif habits.get("stops_early"):
            break
        if habits.get("forgets_lowest"):
            lowest = judged
        if habits.get("puts_back_each_epoch"):
            model.load_state_dict(best)
    if best is not None and not habits.get("keeps_last"):
        model.load_state_dict(best)
    return history


def _specified(mistake: Any) -> Any:
    """Give a mistake the exercise's signature: the engine reads there what it may change."""
    mistake.__signature__ = inspect.signature(_run)
    return mistake


def _epoch_number(losses, sizes, habits) -> float:
    if habits.get("mean_of_batches"):
        return float(np.exp(np.mean(losses)))
    if habits.get("mean_of_perplexities"):
        return float(np.dot(np.exp(losses), sizes) / sum(sizes))
    if not sizes:
        return math.nan
    if habits.get("carries_total"):
        newest = len(sizes) // habits["epochs_so_far"]
        return math.exp(float(np.dot(losses, sizes)) / sum(sizes[-newest:]))
    mean = float(np.dot(losses, sizes) / sum(sizes))
    return mean if habits.get("nats") else math.exp(mean)


def _measured(model, data, training=False) -> float:
    before = model.training
    model.train(bool(training))
    with torch.no_grad():
        loss = F.cross_entropy(model(data[0]), data[1]).item()
    model.train(before)
    return math.exp(loss)


@train.mistake(
    "The model ends with the weights of the last epoch. Keep those of the epoch with the lowest "
    "validation perplexity. If you did keep `model.state_dict()`: it holds the living tensors, "
    "which go on changing; keep a `copy.deepcopy` of it."
)
@_specified
def keeps_last(*specification):
    return _run(*specification, keeps_last=True)


@train.mistake(
    "Gradients pile up from step to step: call `optimiser.zero_grad()` before each `backward`."
)
@_specified
def accumulates(*specification):
    return _run(*specification, accumulates=True)


@train.mistake("You dropped the short minibatch at the end of the epoch. Its windows count too.")
@_specified
def drops_rest(*specification):
    return _run(*specification, drops_rest=True)


@train.mistake(
    "You dropped the short minibatch at the end of the epoch, and divided by all windows all the "
    "same. Its windows count too."
)
@_specified
def drops_rest_and_divides_by_all(*specification):
    return _run(*specification, drops_rest=True, divides_by_all=True)


@train.mistake(
    "You shuffled the contexts and not the targets, so that each context learns the next word of "
    "another. One order for both."
)
@_specified
def targets_unshuffled(*specification):
    return _run(*specification, targets_unshuffled=True)


@train.mistake(
    "The optimiser's step comes before `backward`, so that it uses no gradient, or an old one. "
    "zero_grad, backward, step."
)
@_specified
def steps_first(*specification):
    return _run(*specification, steps_first=True)


@train.mistake(
    "You kept the weights of the last epoch that was better than the one *before it*. Compare with "
    "the lowest perplexity of all epochs so far."
)
@_specified
def forgets_lowest(*specification):
    return _run(*specification, forgets_lowest=True)


@train.mistake(
    "You kept the weights of the first epoch and never newer ones. Keep a copy whenever the "
    "validation perplexity is lower than any before."
)
@_specified
def keeps_first(*specification):
    return _run(*specification, keeps_first=True)


@train.mistake(
    "You put the best weights back after every epoch, so that learning never gets past a worse "
    "one. Go on from the current weights and put the best back once, at the end."
)
@_specified
def puts_back_each_epoch(*specification):
    return _run(*specification, puts_back_each_epoch=True)


@train.mistake(
    "The sum of the losses goes on from epoch to epoch. Set it to 0 at the start of each epoch."
)
@_specified
def carries_total(*specification):
    return _run(*specification, carries_total=True)


@train.mistake(
    "From the second epoch on the model learns in evaluation mode, where your measurement left it. "
    "`model.train()` belongs at the start of *each* epoch."
)
@_specified
def trains_once(*specification):
    return _run(*specification, trains_once=True)


@train.mistake(
    "You shuffled the minibatches and not the windows, so that the same windows always learn "
    "together. Shuffle the windows, then cut."
)
@_specified
def shuffles_batches(*specification):
    return _run(*specification, shuffles_batches=True)


@train.mistake(
    "You stopped at the first epoch that was worse. This page runs all its epochs, since a later "
    "one may be better again, and gives back the best weights at the end."
)
@_specified
def stops_early(*specification):
    return _run(*specification, stops_early=True)


@train.mistake(
    "The windows come in the order of the text at every epoch. Shuffle them anew with the "
    "generator."
)
@_specified
def unshuffled(*specification):
    return _run(*specification, unshuffled=True)


@train.mistake("You shuffled once. Every epoch takes a new order from the generator.")
@_specified
def shuffles_once(*specification):
    return _run(*specification, shuffles_once=True)


@train.mistake(
    "You drew windows with replacement, so that in one epoch some come twice and others never."
)
@_specified
def with_replacement(*specification):
    return _run(*specification, with_replacement=True)


@train.mistake(
    "Your training perplexity is exp of the mean over *batches*. The short batch counts too much "
    "then: weight each mean loss by the number of its windows."
)
@_specified
def mean_of_batches(*specification):
    return _run(*specification, mean_of_batches=True)


@train.mistake(
    "You averaged perplexities over the minibatches. Average the losses, and take exp once at the "
    "end of the epoch."
)
@_specified
def mean_of_batch_perplexities(*specification):
    return _run(*specification, mean_of_perplexities=True)


@train.mistake("You recorded the training loss in nats. The history holds perplexities: exp of it.")
@_specified
def nats(*specification):
    return _run(*specification, nats=True)


@train.mistake(
    "You measured the training windows once more, after the epoch or after each step. Use the "
    "losses that the steps computed anyway, each before its step: they cost nothing."
)
@_specified
def measured_after(*specification):
    return _run(*specification, after=True)


@train.mistake(
    "You measured the validation set before the epoch. Measure it after: its number belongs to the "
    "weights that the epoch ended with."
)
@_specified
def valid_first(*specification):
    return _run(*specification, valid_first=True)


@train.mistake(
    "You learned from the validation set. It chooses between epochs and must not take part in any "
    "step."
)
@_specified
def learns_validation(*specification):
    return _run(*specification, learns_validation=True)


@train.mistake(
    "You put the validation windows among the training windows. They choose between epochs and "
    "must not take part in any step: this is leakage."
)
@_specified
def joins_the_sets(model, optimiser, train_set, valid_set, *rest):
    both = tuple(torch.cat(pair) for pair in zip(train_set, valid_set, strict=True))
    return _run(model, optimiser, both, valid_set, *rest)


@train.mistake(
    "You chose the epoch by its *training* perplexity, which goes on falling while the model "
    "learns by heart. The validation set is there to choose."
)
@_specified
def by_training(*specification):
    return _run(*specification, by_training=True)


@train.mistake("You kept the worst epoch. Lower perplexity is better.")
@_specified
def keeps_worst(*specification):
    return _run(*specification, keeps_worst=True)


@train.mistake(
    "The model was never put into training mode. It may arrive in evaluation mode, where dropout "
    "rests: `model.train()` at the start of each epoch."
)
@_specified
def stays_in_eval(*specification):
    return _run(*specification, stays_in_eval=True)


@train.mistake(
    "You measured the validation set in training mode. Your `score` switches the mode; use it."
)
@_specified
def measures_training(*specification):
    return _run(*specification, measures_training=True)


@train.mistake(
    "You summed the loss over the minibatch. It is a mean: the default of cross_entropy."
)
@_specified
def summed_loss(*specification):
    return _run(*specification, summed=True)


train.hint("Write the two loops first, over epochs and over `torch.randperm(…).split(…)`.")
train.hint("One step: loss, `optimiser.zero_grad()`, `loss.backward()`, `optimiser.step()`.")
train.hint("`perplexity(score(model, *valid_set))` measures. Then: lower than any before? Keep.")
train.hint("`copy.deepcopy(model.state_dict())` keeps weights; `load_state_dict` puts them back.")
train.hint(
    "Does what you kept go on changing when the model learns?",
    when="ends with the weights of the best epoch, not the last",
)
train.hint(
    "Weight each minibatch's mean loss by its size before you divide.",
    when="averages over windows, whatever their batches",
)
train.hint("How many minibatches do 5 windows make with a batch size of 2?", when="length")
train.hint("Which layers' mode matters, and who sets it?", when="factor")
train.equivalent(
    "`if valid < lowest:` → `if valid <= lowest:`",
    because="the page leaves open which of two equally good epochs is kept",
)
