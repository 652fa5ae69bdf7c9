"""How `decode` is judged."""

from __future__ import annotations

from typing import Any

from descent.grading import Draw, Exercise, expect

decode = Exercise("decode", minutes=6, difficulty=1)


_TEXTS = ("To be", "naïve café", "¿qué?", "小さな猫", "tea 🫖 for 👩‍🚀", "x² ≠ −1\n\tπ", "🙂🙃")


def _cut(draw: Draw, data: bytes) -> list[bytes]:
    """Bytes in pieces of one to three, cut anywhere, inside a character as well."""
    pieces = []
    while data:
        length = int(draw.integers(1, 4))
        pieces.append(data[:length])
        data = data[length:]
    return pieces


def _vocabulary_of(draw: Draw, pieces: list[bytes]) -> dict[bytes, int]:
    """Numbers in another order than the table's own."""
    different = list(dict.fromkeys([*pieces, b"zz", b"q"]))
    numbers = draw.rng.permutation(len(different)).tolist()
    if numbers == sorted(numbers):
        numbers.reverse()
    return dict(zip(different, numbers, strict=True))


def _expect_text(found: Any, wanted: str) -> None:
    expect(found, "the text").equals(wanted)
    if isinstance(found, str):  # as numbers too, so that one slip can be told from another
        expect([ord(sign) for sign in found], "its code points").equals([ord(s) for s in wanted])


@decode.property("gives back the text whose bytes were cut up", trials=7)
def _(answer, draw: Draw) -> None:
    text = _TEXTS[[1, 2, 3, 5, 8, 13, 21].index(draw.size)]
    pieces = _cut(draw, text.encode("utf-8"))
    vocabulary = _vocabulary_of(draw, pieces)
    _expect_text(answer([vocabulary[piece] for piece in pieces], vocabulary), text)


@decode.property("writes U+FFFD where bytes are no character", trials=3)
def _(answer, draw: Draw) -> None:
    broken = "a🙂".encode()[: 2 + draw.size] + b"b"
    pieces = _cut(draw, broken)
    vocabulary = _vocabulary_of(draw, pieces)
    text = answer([vocabulary[piece] for piece in pieces], vocabulary)
    _expect_text(text, broken.decode("utf-8", errors="replace"))


@decode.property("makes an empty text of no tokens")
def _(answer, draw: Draw) -> None:
    expect(answer([], _vocabulary_of(draw, [b"a"])), "the text").equals("")


def _bytes_of(tokens, vocabulary) -> list[bytes]:
    of_number = {number: piece for piece, number in vocabulary.items()}
    return [of_number[token] for token in tokens]


@decode.mistake(
    "You decoded each token by itself. A token may end in the middle of a character: join the "
    "bytes of all tokens first, and decode them once."
)
def one_by_one(tokens, vocabulary):
    return "".join(piece.decode("utf-8", "replace") for piece in _bytes_of(tokens, vocabulary))


@decode.mistake(
    "You decoded each token by itself, and half a character raises an error. Join the bytes of "
    "all tokens, then decode once, with errors='replace'."
)
def one_by_one_strictly(tokens, vocabulary):
    return "".join(piece.decode("utf-8") for piece in _bytes_of(tokens, vocabulary))


@decode.mistake(
    "Bytes that are no character raise an error. A model can write such tokens: decode with "
    "errors='replace'."
)
def strictly(tokens, vocabulary):
    return b"".join(_bytes_of(tokens, vocabulary)).decode("utf-8")


@decode.mistake(
    "You left broken bytes out. The text should show that something was there: errors='replace' "
    "writes U+FFFD."
)
def ignoring(tokens, vocabulary):
    return b"".join(_bytes_of(tokens, vocabulary)).decode("utf-8", "ignore")


@decode.mistake(
    "You made one character of every byte (Latin-1). In UTF-8 a character may take up to four."
)
def latin(tokens, vocabulary):
    return b"".join(_bytes_of(tokens, vocabulary)).decode("latin-1")


@decode.mistake("You joined the tokens with blanks. A token carries its own blank, if it has one.")
def with_blanks(tokens, vocabulary):
    return b" ".join(_bytes_of(tokens, vocabulary)).decode("utf-8", "replace")


@decode.mistake(
    "You took the place of an entry in the dictionary for its number. The number is the value: "
    "turn the dictionary round, number → bytes."
)
def by_place(tokens, vocabulary):
    listed = list(vocabulary)
    return b"".join(listed[token] for token in tokens).decode("utf-8", "replace")


@decode.mistake("These are bytes, and a text was asked for: .decode('utf-8', errors='replace').")
def still_bytes(tokens, vocabulary):
    return b"".join(_bytes_of(tokens, vocabulary))


decode.hint("Turn the vocabulary round, then put the bytes of all tokens one after another.")


decode.hint("`b''.join(…)`, then `.decode('utf-8', errors='replace')`, once.")


decode.hint("How many bytes has 🙂? May a token end after two of them?", when="value")


decode.hint("Which option of `bytes.decode` says what to do with broken bytes?", when="error")
