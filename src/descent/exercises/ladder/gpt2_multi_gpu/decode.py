"""How `decode` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

decode = Exercise("decode", minutes=6, difficulty=1, returns=str)


_TEXTS = ("To be", "naïve café", "¿qué?", "小さな猫", "tea 🫖 for 👩‍🚀", "x² ≠ −1\n\tπ", "🙂🙃")


def _cut(draw: Draw, data: bytes) -> list[bytes]:
    """Bytes in pieces of one to three, cut anywhere, inside a character as well."""
    pieces = []
    while data:
        length = int(draw.integers(1, 4))
        pieces.append(data[:length])
        data = data[length:]
    return pieces


def _vocabulary_of(draw: Draw, pieces: list[bytes], most: int = 0) -> dict[bytes, int]:
    """Numbers in another order than the table's own; with `most`, of those up to it, with gaps."""
    different = list(dict.fromkeys([*pieces, b"zz", b"q"]))
    numbers = draw.rng.permutation(max(most, len(different)))[: len(different)].tolist()
    if numbers == sorted(numbers):
        numbers.reverse()
    return dict(zip(different, numbers, strict=True))


def _expect_text(found: str, wanted: str) -> None:
    expect(found, "the text").equals(wanted)
    # As numbers too, so that one slip can be told from another.
    expect([ord(sign) for sign in found], "its code points").equals([ord(s) for s in wanted])


@decode.property("gives back the text whose bytes were cut up", trials=7)
def _(answer, draw: Draw) -> None:
    text = _TEXTS[[1, 2, 3, 5, 8, 13, 21].index(draw.size)]
    pieces = _cut(draw, text.encode("utf-8"))
    vocabulary = _vocabulary_of(draw, pieces)
    _expect_text(answer([vocabulary[piece] for piece in pieces], vocabulary), text)


@decode.property("looks tokens up by their numbers, which may have gaps", trials=4)
def _(answer, draw: Draw) -> None:
    text = draw.choice(_TEXTS[1:])
    pieces = _cut(draw, 2 * text.encode("utf-8"))
    vocabulary = _vocabulary_of(draw, pieces, most=50_257)
    _expect_text(answer([vocabulary[piece] for piece in pieces], vocabulary), 2 * text)


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


@decode.right
def right_decode(tokens, vocabulary):
    bytes_of = {number: piece for piece, number in vocabulary.items()}
    joined = b"".join(bytes_of[token] for token in tokens)
    return joined.decode("utf-8", errors="replace")


decode.slip(
    "one_by_one",
    "You decoded each token by itself. A token may end in the middle of a character: join the "
    "bytes of all tokens first, and decode them once.",
    {
        'joined.decode("utf-8", errors="replace")': (
            '"".join(bytes_of[t].decode("utf-8", errors="replace") for t in tokens)'
        )
    },
)
decode.slip(
    "one_by_one_strictly",
    "You decoded each token by itself, and half a character raises an error. Join the bytes of "
    "all tokens, then decode once, with errors='replace'.",
    {
        'joined.decode("utf-8", errors="replace")': (
            '"".join(bytes_of[token].decode() for token in tokens)'
        )
    },
)
decode.slip(
    "strictly",
    "Bytes that are no character raise an error. A model can write such tokens: decode with "
    "errors='replace'.",
    {', errors="replace"': ""},
)
decode.slip(
    "ignoring",
    "You left broken bytes out. The text should show that something was there: errors='replace' "
    "writes U+FFFD.",
    {'"replace"': '"ignore"'},
)
decode.slip(
    "latin",
    "You made one character of every byte, as chr or Latin-1 do. In UTF-8 a character may take up "
    "to four bytes.",
    {'"utf-8"': '"latin-1"'},
)
decode.slip(
    "with_blanks",
    "You joined the tokens with blanks. A token carries its own blank, if it has one.",
    {'b"".join': 'b" ".join'},
)
decode.slip(
    "by_place",
    "You took the place of an entry in the dictionary for its number. The number is the value: "
    "turn the dictionary round, number → bytes.",
    {"{number: piece for piece, number in vocabulary.items()}": "list(vocabulary)"},
)
decode.slip(
    "by_sorted_place",
    "You sorted the entries by their numbers and looked tokens up by place in that list. Place and "
    "number agree only where no number is missing: make a dictionary, number → bytes.",
    {
        "{number: piece for piece, number in vocabulary.items()}": (
            "sorted(vocabulary, key=vocabulary.get)"
        )
    },
)
decode.slip(
    "each_token_once",
    "You walked over the vocabulary, not over the tokens: so their order is lost, and one that "
    "occurs twice is written once. Look up one token after another.",
    {
        "bytes_of[token] for token in tokens": (
            "piece for piece, number in vocabulary.items() if number in tokens"
        )
    },
)


decode.hint("Turn the vocabulary round, then put the bytes of all tokens one after another.")
decode.hint("`b''.join(…)`, then `.decode('utf-8', errors='replace')`, once.")
decode.hint("How many bytes has 🙂? May a token end after two of them?", when="value")
decode.hint("Which option of `bytes.decode` says what to do with broken bytes?", when="error")
