"""How `encode` is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import UNKNOWN, WORDS, numbering, sentence

encode = Exercise("encode", minutes=5, difficulty=1, returns=Tensor)


@encode.property("gives every token its number", trials=6)
def _(answer, draw: Draw) -> None:
    vocabulary = numbering(list(WORDS), 20)
    tokens = sentence(draw, draw.size)
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


@encode.mistake(
    "A word whose number is 0 is taken for unknown: `get(token) or …` treats 0 like None. Give "
    "`get` its second value instead."
)
def zero_is_unknown(tokens, vocabulary):
    numbers = [vocabulary.get(t) or vocabulary[UNKNOWN] for t in tokens]
    return torch.tensor(numbers, dtype=torch.int64)


@encode.mistake("The numbers are right and are floats. An index is a whole number: int64.")
def floats(tokens, vocabulary):
    return torch.tensor([float(vocabulary.get(t, vocabulary[UNKNOWN])) for t in tokens])


encode.hint("Look every token up; `vocabulary.get(token, other)` gives `other` when it is missing.")
encode.hint('`vocabulary["<unk>"]` is the number of the unknown word.')
encode.hint("`torch.tensor(numbers, dtype=torch.int64)`, the dtype said aloud.", when="dtype")
encode.hint("As many ids as tokens: was one left out?", when="shape")
