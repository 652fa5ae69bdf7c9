"""How `encode` is judged."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

encode = Exercise("encode", minutes=6, difficulty=1)


_ALPHABET = "\n !,.ABCXYZabcdefghij"


def _alphabet(draw: Draw) -> list[str]:
    """Some characters with gaps, so that no code point fits by luck, and in no sorted order."""
    kept = [_ALPHABET[i] for i in draw.rng.permutation(len(_ALPHABET))[:8]]
    return kept[1:] + kept[:1] if kept == sorted(kept) else kept


@encode.property("gives every character its place in the alphabet", trials=5)
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 7, draw.size)  # the last one never occurs: an alphabet is given
    text = "".join(characters[i] for i in numbers)
    tokens = answer(text, characters)
    expect(isinstance(tokens, torch.Tensor), "whether it is a torch tensor").equals(True)
    expect(tokens, "the tokens").close_to(numbers)


@encode.property("keeps int64 and one dimension, for an empty text too")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    for text in (characters[2], ""):
        tokens = answer(text, characters)
        expect(tokens, f"the tokens of {text!r}").has_dtype("int64")
        floats = "float" in str(getattr(tokens, "dtype", ""))
        expect(floats, f"whether the tokens of {text!r} are floats").equals(False)
        expect(tokens, f"the tokens of {text!r}").has_shape(len(text))


@encode.property("refuses a character that is not in the alphabet, by ValueError")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    came_back, raised = [], "nothing"
    try:
        came_back = torch.as_tensor(answer(characters[0] + "§", characters)).tolist()
    except Exception as error:
        raised = type(error).__name__
    expect(came_back, "the tokens that came back all the same").close_to([])
    expect(raised, "what it raises for '§'").equals("ValueError")


@encode.property("reads a long text in little time")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 8, 20_000)
    tokens = answer("".join(characters[i] for i in numbers), characters)
    expect(tokens, "the tokens").close_to(numbers)


def _numbered(text: str, characters: Iterable[str], first: int = 0) -> Tensor:
    number = {character: i for i, character in enumerate(characters, first)}
    if unknown := set(text) - set(number):
        raise ValueError(f"not in the alphabet: {unknown}")
    return torch.tensor([number[character] for character in text], dtype=torch.int64)


@encode.mistake(
    "You used the characters' code points. A token is the place of a character in `characters`."
)
def code_points(text, characters):
    _numbered(text, characters)
    return torch.tensor([ord(character) for character in text], dtype=torch.int64)


@encode.mistake(
    "You made the alphabet anew from this text. A text without a 'j' would number everything "
    "after it differently: use the `characters` that are given."
)
def own_alphabet(text, characters):
    _numbered(text, characters)
    return _numbered(text, sorted(set(text)))


@encode.mistake(
    "You sort the alphabet, or search it as if it were sorted. Token i stands for characters[i], "
    "in whatever order they are given."
)
def sorts_alphabet(text, characters):
    return _numbered(text, sorted(characters))


@encode.mistake("Your numbers begin at 1. The first character is token 0.")
def begins_at_one(text, characters):
    return _numbered(text, characters, first=1)


@encode.mistake(
    "You skip characters that are not in the alphabet. The text gets shorter and nobody hears of "
    "it: raise ValueError."
)
def drops_unknown(text, characters):
    return _numbered("".join(c for c in text if c in characters), characters)


@encode.mistake(
    "An unknown character becomes −1, which later picks the last row of a table. Raise ValueError."
)
def unknown_as_minus_one(text, characters):
    number = {character: i for i, character in enumerate(characters)}
    return torch.tensor([number.get(c, -1) for c in text], dtype=torch.int64)


@encode.mistake(
    "A KeyError of the dictionary reaches whoever calls. The page asks for ValueError: look before "
    "you encode, and name the character."
)
def lets_key_error_out(text, characters):
    number = {character: i for i, character in enumerate(characters)}
    return torch.tensor([number[character] for character in text], dtype=torch.int64)


@encode.mistake(
    "An empty list becomes a float tensor. Pass dtype=torch.int64, so that an empty text has "
    "tokens of the same kind as any other."
)
def float_when_empty(text, characters):
    return torch.tensor(_numbered(text, characters).tolist())


@encode.mistake(
    "Your tokens are integers of another size, such as int32. The page asks for int64: "
    "dtype=torch.int64."
)
def as_int32(text, characters):
    return _numbered(text, characters).to(torch.int32)


@encode.mistake("You return a list. A model takes a tensor: torch.tensor(…, dtype=torch.int64).")
def plain_list(text, characters):
    return _numbered(text, characters).tolist()


encode.hint("A dictionary from character to number, then one look-up for every character.")


encode.hint("`enumerate(characters)` gives each character with its place.")


encode.hint("`set(text) - set(characters)` holds what is unknown.", when="error")


encode.hint("`torch.tensor([])` is of floats. Say the dtype.", when="dtype")
