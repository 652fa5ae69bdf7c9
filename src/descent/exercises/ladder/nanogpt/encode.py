"""How `encode` is judged."""

from __future__ import annotations

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor, refusal

encode = Exercise("encode", minutes=6, difficulty=1, returns=Tensor)


_ALPHABET = "\n !,.–éAaBbCcGgXxYyZz03"


def _alphabet(draw: Draw, count: int = 14) -> list[str]:
    """Some characters with gaps, so that no code point fits by luck, and in no sorted order."""
    kept = [_ALPHABET[i] for i in draw.rng.permutation(len(_ALPHABET))[:count]]
    return kept[1:] + kept[:1] if kept == sorted(kept) else kept


@encode.property("gives every character its place in the alphabet", trials=5)
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 13, draw.size)  # the last one never occurs: an alphabet is given
    text = "".join(characters[i] for i in numbers)
    expect(answer(text, characters), "the tokens").close_to(numbers)


@encode.property("tells capitals from small letters, and keeps spaces and line breaks", trials=3)
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw, len(_ALPHABET))
    text = f"\n {draw.choice(['Ab', 'aB', 'Gx'])} \n"
    tokens = [characters.index(character) for character in text]
    expect(answer(text, characters), f"the tokens of {text!r}").close_to(tokens)


@encode.property("has one axis, with as many tokens as characters, for an empty text too")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    for text in (characters[2] + characters[0], characters[1], ""):
        expect(answer(text, characters), f"the tokens of {text!r}").has_shape(len(text))


@encode.property("gives int64, for an empty text too")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    for text in (characters[2], ""):
        kind = str(answer(text, characters).dtype).removeprefix("torch.")
        expect(kind, f"the dtype of the tokens of {text!r}").equals("int64")
        whole = "int" in kind
        expect(whole, f"whether the tokens of {text!r} are whole numbers").equals(True)


@encode.property("refuses a character that is not in the alphabet, by ValueError")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    known = "".join(characters[:3])
    for text in (f"{known}§", f"§{known}", f"{known}§{known}"):
        came_back, raised = refusal(answer, text, characters)
        came_back = [] if came_back is None else came_back
        expect(came_back, f"the tokens that came back for {text!r}").close_to([])
        expect(raised, f"what it raises for {text!r}").equals("ValueError")
        expect(raised == "KeyError", f"whether {text!r} raises KeyError").equals(False)


@encode.property("reads a long text in little time")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 14, 20_000)
    tokens = answer("".join(characters[i] for i in numbers), characters)
    expect(tokens, "the tokens").close_to(numbers)


@encode.right
def right_tokens(text, characters):
    number = {character: i for i, character in enumerate(characters)}
    if unknown := set(text) - set(number):
        raise ValueError(f"not in the alphabet: {sorted(unknown)}")
    return torch.tensor([number[character] for character in text], dtype=torch.int64)


_LOOKS_FIRST = """    if unknown := set(text) - set(number):
        raise ValueError(f"not in the alphabet: {sorted(unknown)}")
"""


encode.slip(
    "code_points",
    "You used the characters' code points. A token is the place of a character in `characters`.",
    {"[number[character] for": "[ord(character) for"},
)
encode.slip(
    "own_alphabet",
    "You made the alphabet anew from this text. A text without a 'j' would number everything "
    "after it differently: use the `characters` that are given.",
    {"enumerate(characters)": "enumerate(sorted(set(text)))"},
)
encode.slip(
    "own_numbers",
    "You refuse what is not in `characters`, and then number the characters of this text anew. "
    "Use the places in `characters`.",
    {"enumerate(characters)": "enumerate(sorted(set(text)))", "set(number)": "set(characters)"},
)
encode.slip(
    "sorts_alphabet",
    "You sort the alphabet, or search it as if it were sorted. Token i stands for characters[i], "
    "in whatever order they are given.",
    {"enumerate(characters)": "enumerate(sorted(characters))"},
)
encode.slip(
    "begins_at_one",
    "Your numbers begin at 1. The first character is token 0.",
    {"enumerate(characters)": "enumerate(characters, 1)"},
)
encode.slip(
    "drops_unknown",
    "You skip characters that are not in the alphabet. The text gets shorter and nobody hears of "
    "it: raise ValueError.",
    {_LOOKS_FIRST: "", "in text]": "in text if character in number]"},
)
encode.slip(
    "unknown_as_minus_one",
    "An unknown character becomes −1, which later picks the last row of a table. Raise ValueError.",
    {_LOOKS_FIRST: "", "number[character]": "number.get(character, -1)"},
)
encode.slip(
    "unknown_as_zero",
    "An unknown character becomes 0, which stands for characters[0]. Raise ValueError.",
    {_LOOKS_FIRST: "", "number[character]": "number.get(character, 0)"},
)
encode.slip(
    "lets_key_error_out",
    "A KeyError of the dictionary reaches whoever calls. The page asks for ValueError: look before "
    "you encode, and name the character.",
    {_LOOKS_FIRST: ""},
)
encode.slip(
    "another_exception",
    "An unknown character raises another exception than the page asks for. Raise ValueError.",
    {"raise ValueError": "raise AssertionError"},
)
encode.slip(
    "float_when_empty",
    "An empty list becomes a float tensor. Pass dtype=torch.int64, so that an empty text has "
    "tokens of the same kind as any other.",
    {", dtype=torch.int64": ""},
)
encode.slip(
    "as_int32",
    "Your tokens are integers of another size, such as int32. The page asks for int64: "
    "dtype=torch.int64.",
    {"torch.int64": "torch.int32"},
)
encode.slip(
    "as_floats",
    "Your tokens are not whole numbers in torch's eyes: their dtype is that of floats, and no "
    "table can be read with them. Pass dtype=torch.int64.",
    {"torch.int64": "torch.float32"},
)
encode.slip(
    "axis_for_a_batch",
    "Your tokens have a second axis, as for a batch of one text. The shape is (len(text),).",
    {"torch.tensor([number[character] for character in text]": "torch.tensor([[number[character] "
     "for character in text]]"},
)  # fmt: skip
encode.slip(
    "lower_case",
    "You make small letters of capitals. 'A' and 'a' are two characters, each with its own token.",
    {"    number =": "    text = text.lower()\n    number ="},
)
encode.slip(
    "ends_cut_off",
    "Spaces and line breaks at the ends of the text are cut off. They are characters too.",
    {"    number =": "    text = text.strip()\n    number ="},
)


encode.hint("A dictionary from character to number, then one look-up for every character.")
encode.hint("`enumerate(characters)` gives each character with its place.")
encode.hint("`set(text) - set(characters)` holds what is unknown.", when="error")
encode.hint(
    "`torch.tensor([])` is of floats. Say the dtype.", when="gives int64, for an empty text too"
)
