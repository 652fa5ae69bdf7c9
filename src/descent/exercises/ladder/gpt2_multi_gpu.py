"""What ladder/17_gpt2_multi_gpu is judged by.

Answers that talk to other processes run as threads that take turns (`training.links`), so that a
check is quick, repeatable and never hangs. The oracles are sums over all processes, one process
with the whole batch, and formulas worked out step by step.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, alone, in_turns

Tensor = torch.Tensor
Pair = tuple[bytes, bytes]

SECONDS = 1.0
"""Of work, after which threads that take turns count as endless; right answers need a tenth."""


# ------------------------------------------------------------------------------ decode

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

# ------------------------------------------------------------------------------- merge

merge = Exercise("merge", minutes=20, difficulty=2)


def _replayed(piece: bytes, merges: list[Pair]) -> list[bytes]:
    """Each merge of the list in turn over the whole piece: what training did, done again."""
    tokens = [bytes([byte]) for byte in piece]
    for pair in merges:
        tokens = _joined(tokens, pair)
    return tokens


def _joined(tokens: list[bytes], pair: Pair) -> list[bytes]:
    out, at = [], 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            out.append(tokens[at] + tokens[at + 1])
            at += 2
        else:
            out.append(tokens[at])
            at += 1
    return out


def _learned(draw: Draw, letters: bytes, count: int) -> list[Pair]:
    """Merges as training makes them: each pair is of bytes or of earlier results."""
    tokens = [bytes([byte]) for byte in letters]
    merges: list[Pair] = []
    while len(merges) < count:
        pair = draw.choice(tokens), draw.choice(tokens)
        if pair[0] + pair[1] not in tokens:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    return merges


def _piece(draw: Draw, letters: bytes, length: int) -> bytes:
    return bytes(letters[i] for i in draw.integers(0, len(letters), length))


def _ranks(merges: list[Pair], draw: Draw) -> dict[Pair, int]:
    """Pair → rank, with the dictionary in another order than the ranks'."""
    order = draw.rng.permutation(len(merges)).tolist()
    return {merges[i]: i for i in order}


def _expect_tokens(found: Any, wanted: list[bytes]) -> None:
    expect(found, "the tokens").is_a(list, tuple)
    if not isinstance(found, list | tuple) or not all(isinstance(t, bytes) for t in found):
        kinds = ", ".join(sorted({type(part).__name__ for part in found or ()}))
        expect(False, "each token is a bytes object").is_true(
            otherwise=f"They are of type {kinds}."
        )
        return
    # As numbers too, so that one way of cutting can be told from another.
    expect([len(token) for token in found], "the lengths of the tokens").equals(
        [len(token) for token in wanted]
    )
    expect(list(found), "the tokens").equals(wanted)


@merge.property("joins the pair of the lowest rank first, as training did", trials=7)
def _(answer, draw: Draw) -> None:
    merges = _learned(draw, b"abc", 4 + draw.size)
    piece = _piece(draw, b"abc", 1 + draw.size)
    _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))


@merge.property("takes overlapping pairs from left to right")
def _(answer, draw: Draw) -> None:
    length = 2 + draw.size
    ranks: dict[Pair, int] = {(b"a", b"a"): 0}
    _expect_tokens(answer(b"a" * length, ranks), _replayed(b"a" * length, [(b"a", b"a")]))


@merge.property("joins the result of a merge again")
def _(answer, draw: Draw) -> None:
    merges = [(b"l", b"o"), (b"lo", b"w"), (b"e", b"r"), (b"low", b"er")]
    _expect_tokens(answer(b"lower", _ranks(merges, draw)), [b"lower"])


@merge.property("goes by rank, not by which pair comes first or makes more")
def _(answer, draw: Draw) -> None:
    merges = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"a"), (b"c", b"d")]
    piece = draw.choice([b"abcd", b"xabc", b"abca", b"abab"])
    _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))


@merge.property("joins pairs of the table, not whatever spells the same")
def _(answer, draw: Draw) -> None:
    merges = [(b"a", b"b"), (b"b", b"c"), (b"a", b"bc")]
    _expect_tokens(answer(b"abc", _ranks(merges, draw)), [b"ab", b"c"])


@merge.property("leaves single bytes alone, of which a character may have several")
def _(answer, draw: Draw) -> None:
    piece = "é🙂".encode()
    _expect_tokens(answer(piece, {}), [bytes([byte]) for byte in piece])
    _expect_tokens(answer(b"a", {(b"a", b"a"): 0}), [b"a"])


def _merging(piece, choose: Callable[..., Any], join=_joined, rounds=10_000) -> list[bytes]:
    """Merge on and on the pair that `choose` picks among those there are, or until None."""
    tokens = [bytes([byte]) for byte in piece]
    for _ in range(rounds):
        pair = choose(list(zip(tokens, tokens[1:], strict=False)))
        if pair is None:
            break
        tokens = join(tokens, pair)
    return tokens


def _best(ranks, pairs, order=min):
    learned = [pair for pair in pairs if pair in ranks]
    return order(learned, key=lambda pair: ranks[pair]) if learned else None


@merge.mistake(
    "You joined the first pair that is in the table. Look at all neighbouring pairs, and join the "
    "one of the lowest rank: it was learned first."
)
def first_found(piece, ranks):
    return _merging(piece, lambda pairs: next((p for p in pairs if p in ranks), None))


@merge.mistake(
    "You joined the first pair from the left that is in the table, there alone, and began again. "
    "Of all neighbouring pairs the one of the lowest rank comes first, wherever it stands."
)
def first_place(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    while True:
        places = [i for i in range(len(tokens) - 1) if (tokens[i], tokens[i + 1]) in ranks]
        if not places:
            return tokens
        tokens[places[0] : places[0] + 2] = [tokens[places[0]] + tokens[places[0] + 1]]


@merge.mistake(
    "You let a token grow from the left as long as it makes a pair with the next byte. Look at all "
    "neighbouring pairs of the piece, and join the one of the lowest rank first."
)
def grows_from_left(piece, ranks):
    tokens = [piece[:1]]
    for byte in piece[1:]:
        if (tokens[-1], bytes([byte])) in ranks:
            tokens[-1] += bytes([byte])
        else:
            tokens.append(bytes([byte]))
    return tokens


@merge.mistake("(ab, c) is not a pair of the table; (a, bc) is. Look up pairs, not joined bytes.")
def by_spelling(piece, ranks):
    spelled: dict[bytes, int] = {}
    for (first, second), rank in ranks.items():
        spelled[first + second] = min(rank, spelled.get(first + second, rank))

    def choose(pairs):
        learned = [pair for pair in pairs if pair[0] + pair[1] in spelled]
        return min(learned, key=lambda pair: spelled[pair[0] + pair[1]]) if learned else None

    return _merging(piece, choose)


@merge.mistake(
    "You joined the pair of the highest rank. The lowest was learned first: min, not max."
)
def highest_first(piece, ranks):
    return _merging(piece, lambda pairs: _best(ranks, pairs, max))


@merge.mistake(
    "You took the longest token that fits, from the left. That is another encoding: byte-pair "
    "encoding repeats its merges in the order of their ranks."
)
def longest_match(piece, ranks):
    vocabulary = {first + second for first, second in ranks}
    tokens, at = [], 0
    while at < len(piece):
        ends = [e for e in range(len(piece), at + 1, -1) if piece[at:e] in vocabulary] or [at + 1]
        tokens.append(piece[at : ends[0]])
        at = ends[0]
    return tokens


@merge.mistake(
    "You joined one pair and stopped. What came of it can be part of another pair: go on until "
    "no neighbouring pair is in the table."
)
def once_only(piece, ranks):
    return _merging(piece, lambda pairs: _best(ranks, pairs), rounds=1)


def _joined_from_right(tokens, pair):
    turned = [token[::-1] for token in reversed(tokens)]
    out = _joined(turned, (pair[1][::-1], pair[0][::-1]))
    return [token[::-1] for token in reversed(out)]


@merge.mistake(
    "You went through the piece from the right. In aaa it is the left pair that is joined."
)
def from_the_right(piece, ranks):
    return _merging(piece, lambda pairs: _best(ranks, pairs), join=_joined_from_right)


def _joined_overlapping(tokens, pair):
    out, at = [], 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            out.append(tokens[at] + tokens[at + 1])
        elif at == 0 or tuple(tokens[at - 1 : at + 1]) != pair:
            out.append(tokens[at])
        at += 1
    return out


@merge.mistake(
    "You used a token for two pairs: aaa is aa and a, not aa and aa. After joining, go on behind "
    "the second token."
)
def overlapping(piece, ranks):
    return _merging(piece, lambda pairs: _best(ranks, pairs), join=_joined_overlapping, rounds=50)


def _joined_without_last(tokens, pair):
    out, at = [], 0
    while at < len(tokens) - 1:
        joins = (tokens[at], tokens[at + 1]) == pair
        out.append(tokens[at] + tokens[at + 1] if joins else tokens[at])
        at += 2 if joins else 1
    return out


@merge.mistake(
    "You lost the last token: where it is not part of a pair, it has no right neighbour and has "
    "to be kept as it is."
)
def last_one_lost(piece, ranks):
    return _merging(piece, lambda pairs: _best(ranks, pairs), join=_joined_without_last)


@merge.mistake(
    "You began with characters. Byte-pair encoding begins with single bytes: é is two of them, "
    "and bytes([number]) makes one of a number."
)
def of_characters(piece, ranks):
    tokens = [character.encode() for character in piece.decode("utf-8", "replace")]
    while (pair := _best(ranks, list(zip(tokens, tokens[1:], strict=False)))) is not None:
        tokens = _joined(tokens, pair)
    return tokens


@merge.mistake(
    "Your tokens are numbers and not bytes objects. Walking over a bytes object gives numbers: "
    "bytes([number]) makes it a token again."
)
def of_numbers(piece, ranks):
    return list(piece)


merge.hint("Begin with a list of single bytes. What are its neighbouring pairs, and their ranks?")
merge.hint("`min(pairs, key=lambda pair: ranks.get(pair, math.inf))` is the pair to join.")
merge.hint("Walk over the list once and build a new one; where the pair stands, step by two.")
merge.hint("By hand: b'aaab' with the single merge (a, a). What is left?", when="value")
merge.hint("Is the last token still there?", when="length")
merge.hint("Does your loop end when no pair is in the table?", when="slow")

# ------------------------------------------------------------------------ read_windows

read_windows = Exercise("read_windows", minutes=20, difficulty=2)


class _Shard:
    """A shard on disk, which counts how many tokens were read from it."""

    def __init__(self, tokens: np.ndarray, count: list[int]) -> None:
        self._tokens, self._count = tokens, count
        self.dtype, self.shape, self.size, self.ndim = tokens.dtype, tokens.shape, tokens.size, 1

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, place: Any) -> Any:
        part = self._tokens[place]
        self._count[0] += int(np.size(part))
        return part.copy() if isinstance(part, np.ndarray) else part

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shard:
        return self  # the count is shared

    def __repr__(self) -> str:
        return f"uint16{self._tokens.tolist()}" if self.size < 12 else f"{self.size} tokens"


def _shards(draw: Draw, *lengths: int) -> tuple[list[Any], list[int], list[int]]:
    """Shards of these lengths, their tokens one after another, and the count of what is read."""
    count = [0]
    parts = [draw.rng.integers(0, 50_257, n).astype(np.uint16) for n in lengths]
    return [_Shard(part, count) for part in parts], np.concatenate(parts).tolist(), count


def _expect_windows(found: Any, tokens: list[int], starts: Tensor, length: int) -> None:
    inputs, targets = found
    rows = [tokens[start : start + length + 1] for start in starts.tolist()]
    expect(inputs, "the inputs").close_to([row[:-1] for row in rows], rtol=0, atol=0)
    expect(targets, "the targets").close_to([row[1:] for row in rows], rtol=0, atol=0)


@read_windows.property("gives windows and, one place later, their targets", trials=5)
def _(answer, draw: Draw) -> None:
    length = draw.size
    shards, tokens, _ = _shards(draw, length + 12)
    starts = torch.tensor(draw.integers(0, 11, 3))
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("finds positions in later shards", trials=4)
def _(answer, draw: Draw) -> None:
    length = 1 + draw.size
    shards, tokens, _ = _shards(draw, 9, length + 6, length + 6)
    starts = torch.tensor([9 + draw.integers(0, 5), 15 + length + draw.integers(0, 5), 9, 0])
    length = min(length, 6)
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("goes on in the next shard where one ends, and in the one after", trials=5)
def _(answer, draw: Draw) -> None:
    length = 3 + draw.size
    shards, tokens, _ = _shards(draw, 5, 1, 2, length + 3)
    starts = torch.tensor([*draw.integers(0, 8, 2).tolist(), 4, 0])
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("reaches the last token of the last shard")
def _(answer, draw: Draw) -> None:
    shards, tokens, _ = _shards(draw, 3, 4)
    for length in (2, 6):
        starts = torch.tensor([7 - length - 1])
        _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("returns int64 tensors")
def _(answer, draw: Draw) -> None:
    shards, _, _ = _shards(draw, 5, 5)
    for name, part in zip(
        ("the inputs", "the targets"), answer(shards, torch.tensor([0, 3]), 4), strict=True
    ):
        expect(part, name).is_a(torch.Tensor)
        expect(part, name).has_dtype("int64")


@read_windows.property("reads no more of the shards than the windows need")
def _(answer, draw: Draw) -> None:
    shards, tokens, count = _shards(draw, 3000, 3000)
    starts = torch.tensor([10, 2996, 5000])
    _expect_windows(answer(shards, starts, 8), tokens, starts, 8)
    expect(count[0], "tokens read for 3 windows of 8 + 1, in all").is_below(120)


def _windows_of(read: Callable[[int, int], np.ndarray], starts, length, **habits):
    rows = np.stack([read(int(start), length + 1) for start in starts])
    rows = rows.astype(habits.get("dtype", np.int64))
    inputs, targets = torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())
    return (inputs, inputs.clone()) if habits.get("not_offset") else (inputs, targets)


def _reader(shards):
    """A right way to read `count` tokens from a position on."""

    def read(at: int, count: int) -> np.ndarray:
        parts = []
        for shard in shards:
            if count and at < len(shard):
                parts.append(np.asarray(shard[at : at + count]))
                count -= len(parts[-1])
                at = len(shard)
            at -= len(shard)
        return np.concatenate(parts)

    return read


@read_windows.mistake(
    "Inputs and targets are the same tokens. Read length + 1 tokens: the targets are those from "
    "the second on."
)
def same_tokens(shards, starts, length):
    return _windows_of(_reader(shards), starts, length, not_offset=True)


@read_windows.mistake(
    "You left the tokens in 16 bits. uint16 is how they lie on disk; an embedding and a loss want "
    "int64."
)
def left_as_uint16(shards, starts, length):
    return _windows_of(_reader(shards), starts, length, dtype=np.uint16)


@read_windows.mistake(
    "Tokens above 32 767 became negative: they went through int16. Convert from uint16 to int64 "
    "at once."
)
def through_int16(shards, starts, length):
    inputs, targets = _windows_of(_reader(shards), starts, length, dtype=np.int16)
    return inputs.long(), targets.long()


@read_windows.mistake(
    "You read whole shards. They are gigabytes: slice each shard for what a window needs, and "
    "only then make an array of it."
)
def whole_shards(shards, starts, length):
    tokens = np.concatenate([np.asarray(shard) for shard in shards])
    return _windows_of(lambda at, n: tokens[at : at + n], starts, length)


@read_windows.mistake(
    "You read each shard to its end and cut afterwards. Those are gigabytes: slice what you need "
    "at once, [a:b], not [a:]."
)
def reads_to_the_end(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        parts = []
        for shard in shards:
            if count and at < len(shard):
                parts.append(np.asarray(shard[at:])[:count])
                count -= len(parts[-1])
                at = len(shard)
            at -= len(shard)
        return np.concatenate(parts)

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "You looked in the first shard for every position. Count through the shards: take off the "
    "length of each one that lies before."
)
def first_shard_only(shards, starts, length):
    first = shards[0]
    return _windows_of(
        lambda at, n: np.asarray(first[[(at + i) % len(first) for i in range(n)]]), starts, length
    )


@read_windows.mistake(
    "A window that ends in the next shard lost a token at the edge: the next shard is read from "
    "its token 0 on."
)
def skips_at_edge(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        edges = np.cumsum([len(shard) for shard in shards])
        own = int(np.searchsorted(edges, at, side="right"))
        places = [at + i if at + i < edges[own] else at + i + 1 for i in range(count)]
        return np.array([_token(shards, min(place, int(edges[-1]) - 1)) for place in places])

    return _windows_of(read, starts, length)


def _token(shards, place: int) -> int:
    for shard in shards:
        if place < len(shard):
            return int(shard[place])
        place -= len(shard)
    raise IndexError(place)


@read_windows.mistake(
    "A window that meets the end of a shard stops there, so that windows differ in length. Go on "
    "in the next shard, from its first token."
)
def stops_at_edge(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for shard in shards:
            if at < len(shard):
                return np.asarray(shard[at : at + count])
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "A window that meets the end of a shard begins again at the start of the same one. It goes on "
    "in the next."
)
def wraps_in_shard(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for shard in shards:
            if at < len(shard):
                return np.array([shard[(at + i) % len(shard)] for i in range(count)])
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "You went on in one more shard only; a window may run over several short ones."
)
def two_shards_at_most(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for place, shard in enumerate(shards):
            if at < len(shard):
                parts = [np.asarray(shard[at : at + count])]
                if place + 1 < len(shards):
                    parts.append(np.asarray(shards[place + 1][: count - len(parts[0])]))
                return np.concatenate(parts)
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


read_windows.equivalent(
    "`if wanted and at < len(shard):` → `if wanted and at <= len(shard):`",
    because="at the very end of a shard nothing is read, and the position in the next one is 0",
)
read_windows.hint("Write a small function that reads `count` tokens from one position on.")
read_windows.hint(
    "Go through the shards: while the position lies behind this one, take its length off. Then "
    "slice, and go on at 0 in the next until you have enough."
)
read_windows.hint("`np.asarray(shard[at : at + wanted]).astype(np.int64)`", when="dtype")
read_windows.hint("What does a slice that runs past the end of a shard give?", when="error")
read_windows.hint("How many tokens does a window of `length` need?", when="shape")

# ----------------------------------------------------------------------------- my_rows

my_rows = Exercise("my_rows", minutes=10, difficulty=1)


def _rows(found: Any) -> Any:
    """Ranges and lists alike as lists; anything else as it is."""
    try:
        return [[int(row) for row in part] for part in found]
    except TypeError:
        return list(found) if isinstance(found, Iterable) else found


def _one_list(found: Any) -> list[int]:
    """All rows one after another, in micro-batches or not."""
    return [row for part in found for row in (part if isinstance(part, list) else [part])]


def _verdict(answer, *arguments: int) -> Any:
    """What comes back, or the word "ValueError" where that was raised."""
    try:
        return _rows(answer(*arguments))
    except ValueError:
        return "ValueError"


@my_rows.property("cuts a process's part of the batch into micro-batches", trials=5)
def _(answer, draw: Draw) -> None:
    size, micro, parts = 1 + draw.size % 4, draw.integers(1, 5), draw.integers(1, 4)
    rank = draw.integers(0, size)
    first = rank * micro * parts
    wanted = [[first + k * micro + i for i in range(micro)] for k in range(parts)]
    found = _rows(answer(size * micro * parts, micro, rank, size))
    expect(len(found), "the number of micro-batches").equals(parts)
    expect(_one_list(found), "all its rows").equals([row for part in wanted for row in part])
    expect(found, "the micro-batches").equals(wanted)


@my_rows.property("leaves no row out and gives none twice", trials=3)
def _(answer, draw: Draw) -> None:
    size, micro = 1 + draw.size, draw.integers(1, 4)
    rows = [
        row
        for k in range(size)
        for row in _one_list(_rows(answer(size * micro * 2, micro, k, size)))
    ]
    expect(sorted(rows), "the rows of all processes").equals(list(range(size * micro * 2)))


@my_rows.property("gives a single process everything")
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 9)
    expect(_rows(answer(n, n, 0, 1)), "the micro-batches").equals([list(range(n))])


@my_rows.property("raises ValueError where parts would not be equal")
def _(answer, draw: Draw) -> None:
    for arguments, why in (
        ((10, 1, 0, 4), "10 rows for 4 processes"),
        ((12, 4, 1, 2), "6 rows for each, in fours"),
        ((4, 4, 0, 2), "2 rows for each, in fours"),
    ):
        expect(_verdict(answer, *arguments) == "ValueError", why).is_true(
            otherwise=f"{why[0].upper() + why[1:]} do not come out even: raise ValueError."
        )


def _refuse(batch_size, micro_batch, size) -> None:
    if batch_size % (size * micro_batch):
        raise ValueError("parts would not be equal")


@my_rows.mistake(
    "Every process takes the same rows, the first ones. Then they all compute one gradient, and "
    "the rest of the batch is never seen. The part of process `rank` begins at rank · share."
)
def all_the_same(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    return [range(k, k + micro_batch) for k in range(0, batch_size // size, micro_batch)]


@my_rows.mistake("Each process takes the whole batch. Its share is batch_size // size rows.")
def whole_batch(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    return [range(k, k + micro_batch) for k in range(0, batch_size, micro_batch)]


@my_rows.mistake(
    "You deal the rows out like cards. That is a fair share too, but here a process's rows lie "
    "together: rank · share and the ones after it."
)
def dealt_out(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    rows = list(range(rank, batch_size, size))
    return [rows[k : k + micro_batch] for k in range(0, len(rows), micro_batch)]


@my_rows.mistake(
    "You deal the micro-batches out in turn, one to each process. That is a fair share too, but "
    "here a process's rows lie together: its first micro-batch begins at rank · share, and the "
    "next follows directly."
)
def interleaved(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    starts = range(rank * micro_batch, batch_size, micro_batch * size)
    return [range(k, k + micro_batch) for k in starts]


@my_rows.mistake(
    "You return the rows one after another. What is asked for is a list of micro-batches, each a "
    "range (or a list) of `micro_batch` rows."
)
def flat(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    return list(range(rank * share, (rank + 1) * share))


@my_rows.mistake("The share is not cut into micro-batches of `micro_batch` rows.")
def not_cut(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    return [range(rank * share, (rank + 1) * share)]


@my_rows.mistake(
    "`micro_batch` is how many rows a micro-batch has; you made that many micro-batches."
)
def number_for_length(batch_size, micro_batch, rank, size):
    _refuse(batch_size, micro_batch, size)
    share = batch_size // size
    length = max(share // micro_batch, 1)
    rows = range(rank * share, (rank + 1) * share)
    return [rows[k : k + length] for k in range(0, share, length)]


@my_rows.mistake(
    "Where the parts do not come out even, you go on with unequal ones, or drop rows. A mean of "
    "means is the mean of the batch only when the parts are equal: raise ValueError."
)
def not_refused(batch_size, micro_batch, rank, size):
    share = batch_size // size
    rows = range(rank * share, (rank + 1) * share)
    return [rows[k : k + micro_batch] for k in range(0, share, micro_batch)]


@my_rows.mistake(
    "You look whether the batch divides among the processes, but not whether a share divides into "
    "micro-batches."
)
def share_not_refused(batch_size, micro_batch, rank, size):
    if batch_size % size:
        raise ValueError("not even")
    return not_refused(batch_size, micro_batch, rank, size)


my_rows.hint("How many rows has a share? Where does the share of process `rank` begin?")
my_rows.hint("`rows = range(rank * share, (rank + 1) * share)`; a range can be sliced.")
my_rows.hint("12 rows, 2 processes, micro-batches of 3: what has process 1?", when="value")
my_rows.hint(
    "Two things must divide: what are they?",
    when="raises ValueError where parts would not be equal",
)

# --------------------------------------------------------------------- ring_all_reduce

ring_all_reduce = Exercise("ring_all_reduce", minutes=40, difficulty=3)


def _everywhere(answer, values: list[Tensor]) -> tuple[list[Tensor], list[Link]]:
    """Run an answer in one process for each tensor; what each returns, and its link."""
    links: dict[int, Link] = {}

    def one(link: Link) -> Any:
        links[link.rank] = link
        return answer(values[link.rank], link)

    found = in_turns(one, len(values), SECONDS)
    return found, [links[rank] for rank in range(len(values))]


def _expect_sums(found: list[Any], values: list[Tensor]) -> None:
    total = torch.stack(values).double().sum(0)
    for rank, values_there in enumerate(found):
        expect(values_there, f"what process {rank} returns").close_to(total, atol=1e-5)


def _numbers_sent(link: Link) -> int:
    return sum(sent.numbers for sent in link.sent)


@ring_all_reduce.property("keeps the dtype of `values`")
def _(answer, draw: Draw) -> None:
    found, _ = _everywhere(answer, [normals(draw, 6).double() for _ in range(3)])
    for rank in (0, 2):
        there = found[rank]
        expect(
            8 * there.element_size() if isinstance(there, Tensor) else there,
            f"bits of each number that process {rank} returns, where `values` have 64",
        ).equals(64)


@ring_all_reduce.property("leaves the sum in every process", trials=5)
def _(answer, draw: Draw) -> None:
    size = 2 + draw.size % 4
    values = [normals(draw, size * (1 + draw.size // 3)) for _ in range(size)]
    found, _ = _everywhere(answer, values)
    _expect_sums(found, values)


@ring_all_reduce.property("sends 2(p − 1) messages of one part each from every process")
def _(answer, draw: Draw) -> None:
    for size, each in ((2, 3), (4, 2), (5, 1)):
        found, links = _everywhere(answer, [normals(draw, size * each) for _ in range(size)])
        expect([len(link.sent) for link in links], "messages sent by each process").equals(
            [2 * (size - 1)] * size
        )
        expect([_numbers_sent(link) for link in links], "numbers sent by each process").equals(
            [2 * (size - 1) * each] * size
        )
        targets = [len({sent.to for sent in link.sent}) for link in links]
        expect(targets, "to how many others each process sends").equals([1] * size)


@ring_all_reduce.property("works when the parts are not equal, or some are empty", trials=3)
def _(answer, draw: Draw) -> None:
    for size, n in ((4, 4 + draw.size), (3, 2), (2, 1)):
        values = [normals(draw, n) for _ in range(size)]
        found, links = _everywhere(answer, values)
        _expect_sums(found, values)
        expect(
            sum(map(_numbers_sent, links)), f"numbers sent by all {size} together, n = {n}"
        ).equals(2 * (size - 1) * n)
        lengths = [sent.numbers for link in links for sent in link.sent]
        expect(
            max(lengths, default=0) - min(lengths, default=0),
            f"longest part sent minus shortest, {n} numbers in {size} parts",
        ).is_between(0, 1)


@ring_all_reduce.property("gives all processes the same numbers, to the last bit")
def _(answer, draw: Draw) -> None:
    values = [torch.tensor(draw.rng.normal(size=9), dtype=torch.float32) for _ in range(4)]
    found, _ = _everywhere(answer, values)
    _expect_sums(found, values)
    same = [torch.equal(torch.as_tensor(there), torch.as_tensor(found[0])) for there in found]
    expect(sum(same), "how many of 4 processes have the same as process 0").equals(4)


@ring_all_reduce.property("gives a process alone its own vector, and sends nothing")
def _(answer, draw: Draw) -> None:
    values = normals(draw, 5).double()
    found = answer(values, alone())
    expect(found, "what a single process returns").close_to(values)
    expect(found, "what a single process returns").has_dtype("float64")


def _ring(values: Tensor, link: Link, **habits: Any) -> Tensor:
    """A right ring, which the mistakes below spoil in one place each."""
    p, rank = link.size, link.rank
    right, left = (rank + 1) % p, (rank - 1) % p
    if "parts" in habits:
        parts = habits["parts"]
    elif habits.get("whole_parts"):
        each = len(values) // p
        parts = [values[k * each : (k + 1) * each].clone() for k in range(p)]
    else:
        cut = values.chunk if habits.get("chunk") else values.tensor_split
        parts = [part.clone() for part in cut(p)]
    for step in range(habits.get("reduce_steps", p - 1)):
        sends = rank if habits.get("own_part_again") else rank - step
        takes = rank if habits.get("into_own") else sends - 1
        if habits.get("waits_first"):
            arrived = link.receive(left)
            link.send(parts[sends % p], right)
        else:
            link.send(parts[sends % p], right)
            arrived = link.receive(left)
        part = parts[takes % p]
        parts[takes % p] = _added(part, arrived)
    for step in range(habits.get("gather_steps", p - 1)):
        sends = rank - step + habits.get("gather_from", 1)
        link.send(parts[sends % p], right)
        arrived = link.receive(left)
        part = parts[(sends - 1) % p]
        parts[(sends - 1) % p] = _added(part, arrived) if habits.get("adds_on") else arrived
    total = torch.cat(parts)
    return total / p if habits.get("averages") else total


def _added(part: Tensor, arrived: Tensor) -> Tensor:
    return part + arrived if part.shape == arrived.shape else arrived


@ring_all_reduce.mistake("The result is float32 where `values` are float64; keep the dtype.")
def loses_dtype(values, link):
    return _ring(values, link).float()


@ring_all_reduce.mistake(
    "Your processes all talk to process 0. It gives the right sum, but process 0 sends and "
    "receives (p − 1) whole vectors while the others wait. In a ring each talks to its neighbours "
    "and sends one part at a time."
)
def star(values, link):
    total = values.clone()
    if link.rank == 0:
        for other in range(1, link.size):
            total += link.receive(other)
        for other in range(1, link.size):
            link.send(total, other)
        return total
    link.send(values, 0)
    return link.receive(0)


@ring_all_reduce.mistake(
    "You send whole vectors round the ring. The sum is right, but each process sends (p − 1) · n "
    "numbers. Cut the vector into p parts: then it is 2(p − 1)/p · n, however many processes "
    "there are."
)
def whole_vectors(values, link):
    total, passing = values.clone(), values
    for _ in range(link.size - 1):
        link.send(passing, (link.rank + 1) % link.size)
        passing = link.receive((link.rank - 1) % link.size)
        total = total + passing
    return total


@ring_all_reduce.mistake(
    "Every process waits before it sends, so nobody ever sends: a deadlock. Send first, then "
    "receive; a send does not wait."
)
def waits_first(values, link):
    return _ring(values, link, waits_first=True)


@ring_all_reduce.mistake(
    "Each process sends its own part at every step. What has to go on to the right is the part "
    "that has just been added to: at step s, part rank − s."
)
def own_part_again(values, link):
    return _ring(values, link, own_part_again=True)


@ring_all_reduce.mistake(
    "In the second half you added what arrived. There the parts are finished sums: they replace "
    "what a process has."
)
def adds_in_second_half(values, link):
    return _ring(values, link, adds_on=True)


@ring_all_reduce.mistake(
    "You stopped after the first half: each process has one finished part and p − 1 unfinished "
    "ones. The second half hands the finished parts round."
)
def first_half_only(values, link):
    return _ring(values, link, gather_steps=0)


@ring_all_reduce.mistake(
    "Part k ends as the numbers of process k alone. Two slips do that: putting what arrives in "
    "the first half in the place of one's own numbers, where it has to be added to them; or "
    "beginning the second half with part r, where the finished one is part r + 1."
)
def gathers_own_number(values, link):
    return _ring(values, link, gather_from=0)


@ring_all_reduce.mistake(
    "One step too few in the first half: a part visits p processes, and that takes p − 1 steps."
)
def one_step_short(values, link):
    return _ring(values, link, reduce_steps=max(link.size - 2, 0))


@ring_all_reduce.mistake(
    "One step too many in the first half: some numbers were added twice. p − 1 steps are enough."
)
def one_step_more(values, link):
    return _ring(values, link, reduce_steps=link.size)


@ring_all_reduce.mistake(
    "You returned the mean. An all-reduce adds; who wants a mean divides afterwards."
)
def averages(values, link):
    return _ring(values, link, averages=True)


@ring_all_reduce.mistake(
    "`chunk(p)` may make fewer than p parts when n does not divide by p. `tensor_split(p)` always "
    "makes p, of which some may be empty."
)
def chunks(values, link):
    return _ring(values, link, chunk=True)


@ring_all_reduce.mistake(
    "Parts of n // p numbers leave the last n mod p out. `values.tensor_split(p)` makes p parts "
    "of nearly equal length, and leaves nothing out."
)
def drops_the_rest(values, link):
    return _ring(values, link, whole_parts=True)


@ring_all_reduce.mistake(
    "The last part gets all that is left over, so it may be far longer than the others, and every "
    "step waits for it. Parts may differ in length by one: cut with tensor_split."
)
def rest_in_last(values, link):
    p = link.size
    each = len(values) // p
    cuts = [each * k for k in range(p)] + [len(values)]
    parts = [values[low:high].clone() for low, high in itertools.pairwise(cuts)]
    return _ring(values, link, parts=parts)


@ring_all_reduce.mistake(
    "`chunk(p)` rounds the length of a part up, so the last parts are short or empty while the "
    "first ones are longer by more than one. tensor_split(p) makes them as equal as can be."
)
def chunks_and_empty_ones(values, link):
    parts = [part.clone() for part in values.chunk(link.size)]
    parts += [values[:0].clone() for _ in range(link.size - len(parts))]
    return _ring(values, link, parts=parts)


@ring_all_reduce.mistake(
    "The sum is right, but you send padding. Parts may differ in length by one: cut with "
    "tensor_split."
)
def padded(values, link):
    return _ring(F.pad(values, (0, -len(values) % link.size)), link)[: len(values)]


ring_all_reduce.hint(
    "First half: at step s, process r sends part r − s and adds what arrives to part r − s − 1, "
    "all modulo p. Follow part 0 through three processes on paper."
)
ring_all_reduce.hint("Copy the parts: `parts = [part.clone() for part in values.tensor_split(p)]`.")
ring_all_reduce.hint(
    "Second half: process r begins with part r + 1, which is finished, and what arrives replaces "
    "part r − s at step s."
)
ring_all_reduce.hint(
    "Three processes, three numbers: print the parts after each step.", when="value"
)
ring_all_reduce.hint("Who sends, when everybody receives first?", when="error")
ring_all_reduce.hint("Where are the numbers that do not divide by p?", when="shape")

# ------------------------------------------------------------------- average_gradients

average_gradients = Exercise("average_gradients", minutes=20, difficulty=2, changes=("model",))


class _Parts(nn.Module):
    """Three parameters of different shapes; the middle one may be frozen."""

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(2, 3))
        self.middle = nn.Parameter(torch.zeros(4), requires_grad=not frozen)
        self.bias = nn.Parameter(torch.zeros(3))

    def __repr__(self) -> str:
        return "a model of parameters of shapes (2, 3), (4,) and (3,)"


def _models(draw: Draw, size: int, frozen: bool = False) -> list[_Parts]:
    """The same weights everywhere, and other gradients in each process."""
    first = _Parts(frozen)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.copy_(normals(draw, *parameter.shape))
    models = [copy.deepcopy(first) for _ in range(size)]
    for model in models:
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = normals(draw, *parameter.shape)
    return models


def _averaged(answer, models: list[_Parts]) -> list[Link]:
    links: dict[int, Link] = {}

    def one(link: Link) -> None:
        links[link.rank] = link
        answer(models[link.rank], link)

    in_turns(one, len(models), SECONDS)
    return [links[rank] for rank in range(len(models))]


@average_gradients.property("leaves the mean of the gradients in every process", trials=4)
def _(answer, draw: Draw) -> None:
    models = _models(draw, 1 + draw.size)
    wanted = [
        torch.stack([p.grad for p in same if p.grad is not None]).mean(0)
        for same in zip(*(model.parameters() for model in models), strict=True)
    ]
    _averaged(answer, models)
    for rank in (0, len(models) - 1):
        for (name, parameter), mean in zip(models[rank].named_parameters(), wanted, strict=True):
            expect(parameter.grad, f"the gradient of `{name}` in process {rank}").close_to(
                mean, atol=1e-5
            )


@average_gradients.property("leaves the weights as they are")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3)
    before = copy.deepcopy(models[1])
    _averaged(answer, models)
    for (name, now), old in zip(models[1].named_parameters(), before.parameters(), strict=True):
        expect(now, f"`{name}`").close_to(old.detach(), rtol=0, atol=0)


@average_gradients.property("exchanges all gradients at once")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 4)
    links = _averaged(answer, models)
    expect(max(len(link.sent) for link in links), "messages that a process sends").is_between(1, 6)
    most = max(_numbers_sent(link) for link in links)
    expect(most, "numbers that a process sends, of 13 in all").is_between(1, 6 * 4)


def _expect_passed_over(answer, models: list[_Parts]) -> None:
    grads = [model.bias.grad for model in models]
    mean = np.mean([grad.numpy() for grad in grads if grad is not None], axis=0)
    _averaged(answer, models)
    expect(models[2].middle.grad is None, "the one without a gradient still has none").is_true(
        otherwise="A parameter that had no gradient has one now."
    )
    expect(models[2].bias.grad, "the gradient of the parameter after it").close_to(mean, atol=1e-5)


@average_gradients.property("passes over frozen parameters")
def _(answer, draw: Draw) -> None:
    _expect_passed_over(answer, _models(draw, 3, frozen=True))


@average_gradients.property("passes over a trainable parameter that the loss did not use")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3)
    for model in models:
        model.middle.grad = None
    _expect_passed_over(answer, models)


def _exchange(model, link, scale: float | None = None, give_back: bool = True, back: int = 1):
    """A right average, which the mistakes below spoil in one place each."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    total = _ring(torch.cat([g.flatten() for g in gradients]), link)
    total = total * (1 / link.size if scale is None else scale)
    if give_back:
        for gradient in gradients[::back]:
            gradient.copy_(total[: gradient.numel()].view_as(gradient))
            total = total[gradient.numel() :]


@average_gradients.mistake(
    "You left the sum. With p processes that is p times the gradient of the batch, as if the "
    "learning rate were p times larger. Divide by link.size."
)
def summed(model, link):
    _exchange(model, link, scale=1.0)


@average_gradients.mistake("You divided twice, by p². The sum of p gradients is divided by p once.")
def divided_twice(model, link):
    _exchange(model, link, scale=1 / link.size**2)


@average_gradients.mistake(
    "You averaged, and kept the result to yourself: the gradients in the model are still each "
    "process's own. Write into them, with copy_."
)
def not_given_back(model, link):
    _exchange(model, link, give_back=False)


@average_gradients.mistake(
    "The pieces went back in another order than they came. Take them from the long vector in the "
    "order of model.parameters()."
)
def in_other_order(model, link):
    _exchange(model, link, back=-1)


@average_gradients.mistake(
    "You exchanged every parameter by itself. A model has hundreds, and each exchange pays for "
    "2(p − 1) messages: lay all gradients end to end and exchange once."
)
def one_by_one_parameters(model, link):
    for parameter in model.parameters():
        if parameter.grad is not None:
            total = _ring(parameter.grad.flatten(), link)
            parameter.grad.copy_(total.view_as(parameter.grad) / link.size)


@average_gradients.mistake(
    "A parameter without a gradient (a frozen one, say) has .grad None. Pass over it."
)
def trips_over_none(model, link):
    total = _ring(torch.cat([p.grad.flatten() for p in model.parameters()]), link) / link.size
    for parameter in model.parameters():
        parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


@average_gradients.mistake(
    "You pass over frozen parameters only. A trainable one that the loss did not use has .grad "
    "None as well: ask `parameter.grad is not None`, not requires_grad."
)
def trips_over_unused(model, link):
    trained = [p for p in model.parameters() if p.requires_grad]
    total = _ring(torch.cat([p.grad.flatten() for p in trained]), link) / link.size
    for parameter in trained:
        parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


def _given_back_with_gaps(model, link, parameters):
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    total = _ring(torch.cat([g.flatten() for g in gradients]), link) / link.size
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


@average_gradients.mistake(
    "On the way back you count on over parameters without a gradient too. They have no place in "
    "the long vector: go on by numel() only where there is a gradient."
)
def counts_gaps(model, link):
    _given_back_with_gaps(model, link, list(model.parameters()))


@average_gradients.mistake(
    "On the way back you count on over a trainable parameter that has no gradient. It has no place "
    "in the long vector: go on by numel() only where .grad is not None."
)
def counts_unused(model, link):
    _given_back_with_gaps(model, link, [p for p in model.parameters() if p.requires_grad])


@average_gradients.mistake(
    "You gave every process the gradient of process 0. The others' parts of the batch count too."
)
def first_process_only(model, link):
    for parameter in model.parameters():
        if parameter.grad is not None:
            if link.rank == 0:
                for other in range(1, link.size):
                    link.send(parameter.grad, other)
            else:
                parameter.grad.copy_(link.receive(0))


average_gradients.hint("One long vector of all gradients, your ring, a division, and back.")
average_gradients.hint("`torch.cat([g.flatten() for g in gradients])`; back with `view_as`.")
average_gradients.hint("By which number do you divide the sum?", when="factor")
average_gradients.hint("Does the order in which you take the pieces off matter?", when="value")
average_gradients.hint("Which parameters have no gradient at all?", when="error")

# ------------------------------------------------------------------------- utilisation

utilisation = Exercise("utilisation", minutes=8, difficulty=1)

_MODEL = ("parameters", "layers", "heads", "head_width", "context")


def _setting(draw: Draw) -> dict[str, Any]:
    return {
        "parameters": 1000 * draw.integers(1, 200),
        "layers": draw.integers(1, 13),
        "heads": draw.integers(1, 13),
        "head_width": 8 * draw.integers(1, 9),
        "context": 64 * draw.integers(1, 17),
        "tokens_per_second": float(draw.integers(100, 10_000)),
        "gpus": 1 + draw.size % 8,
        "peak": 1e9 * draw.integers(1, 1000),
    }


@utilisation.property("counts six operations a parameter, and the attention", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    dense = sum(6 for _ in range(1000)) * given["parameters"] / 1000
    # Scores and weighted values: two products of T × Q for a token in each head, forward once
    # and backward twice, a multiplication and an addition each.
    scores = 2 * 2 * 3 * given["head_width"] * given["context"]
    wanted = dense + scores * given["heads"] * given["layers"]
    operations, _ = answer(**given)
    expect(operations, "operations for a token").close_to(wanted, rtol=1e-6)


@utilisation.property("divides what is done in a second by what the GPUs could do", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    operations, share = answer(**given)
    expect(operations, "operations for a token").close_to(
        6 * given["parameters"] + 12 * math.prod(given[name] for name in _MODEL[1:]), rtol=1e-6
    )
    could = np.full(given["gpus"], given["peak"]).sum()
    expect(share, "the utilisation").close_to(operations * given["tokens_per_second"] / could)


@utilisation.property("is 1 at the peak, and falls with more GPUs at the same speed")
def _(answer, draw: Draw) -> None:
    given = {**_setting(draw), "peak": 1.0, "gpus": 1, "tokens_per_second": 1.0}
    operations, _ = answer(**given)
    _, full = answer(**{**given, "peak": float(operations)})
    _, half = answer(**{**given, "peak": float(operations), "gpus": 2})
    expect([full, half], "the utilisation of one GPU and of two").close_to([1.0, 0.5])


def _utilised(six=6.0, twelve=12.0, power=1, **given):
    model = {name: given[name] for name in _MODEL}
    attention = twelve * model["layers"] * model["heads"] * model["head_width"]
    operations = six * model["parameters"] + attention * model["context"] ** power
    return operations, operations * given["tokens_per_second"] / (given["gpus"] * given["peak"])


def _wrong_utilisation(**habits: Any) -> Callable[..., Any]:
    """An answer with the exercise's own parameters, given by place or by name."""

    def answer(
        parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak
    ) -> tuple[float, float]:
        given = dict(locals())
        given.pop("habits")
        return _utilised(**habits, **given)

    return answer


def _named(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    answer.__name__ = name
    return answer


utilisation.mistake(
    "You counted the forward pass alone, 2 for each parameter. The backward pass costs twice as "
    "much again: 6 in all."
)(_named("forward_only", _wrong_utilisation(six=2.0, twelve=4.0)))
utilisation.mistake(
    "A multiplication and an addition are two operations. You counted one: 3 for each parameter."
)(_named("multiplications_only", _wrong_utilisation(six=3.0, twelve=6.0)))
utilisation.mistake(
    "The attention is missing. Its scores have no parameters and still cost 12 · L · H · Q · T "
    "for each token."
)(_named("without_attention", _wrong_utilisation(twelve=0.0)))
utilisation.mistake(
    "T enters once: this is the cost of one token, which is compared with T others. T² is that of "
    "a window."
)(_named("of_a_window", _wrong_utilisation(power=2)))
utilisation.mistake(
    "The attention counts 12 · L · H · Q · T, not 6: scores and weighted values both."
)(_named("scores_only", _wrong_utilisation(twelve=6.0)))


@utilisation.mistake(
    "You divided by the peak of one GPU. All of them read the tokens: divide by gpus · peak."
)
def of_one_gpu(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, operations * tokens_per_second / peak


@utilisation.mistake("You returned percent. The utilisation is a share: 0.4 and not 40.")
def in_percent(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, 100 * operations * tokens_per_second / (gpus * peak)


@utilisation.mistake("Your fraction is upside down: what is done, over what could be done.")
def upside_down(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, gpus * peak / (operations * tokens_per_second)


utilisation.hint("Operations for a token; times tokens a second; over what all GPUs could do.")
utilisation.hint("6 · N + 12 · L · H · Q · T, with the page's letters.")
utilisation.hint("How many GPUs share the work?", when="factor")
utilisation.hint("Two numbers come back, the operations for a token first.", when="type")

# ----------------------------------------------------------------------- bytes_per_gpu

bytes_per_gpu = Exercise("bytes_per_gpu", minutes=12, difficulty=2)

_WHAT = ("weights", "gradients", "optimiser")


def _held(parameters: int, processes: int, stage: int, mixed: bool) -> list[float]:
    """Every tensor that one process holds, one after another."""
    sizes = dict.fromkeys(_WHAT, 0.0)
    tensors = [("weights", 4, 3), ("gradients", 4, 2), ("optimiser", 4, 1), ("optimiser", 4, 1)]
    if mixed:
        tensors = [("weights", 2, 3), ("gradients", 2, 2), *[("optimiser", 4, 1)] * 3]
    for name, size, shared_from in tensors:
        here = parameters / processes if stage >= shared_from else parameters
        sizes[name] += size * here
    return [sizes[name] for name in _WHAT]


def _expect_bytes(answer, *arguments: Any) -> None:
    found = answer(*arguments)
    for name, here, wanted in zip(_WHAT, found, _held(*arguments), strict=True):
        expect(here, f"bytes of the {name}, stage {arguments[2]}").close_to(wanted, rtol=1e-6)


@bytes_per_gpu.property("counts what every process holds where nothing is shared", trials=4)
def _(answer, draw: Draw) -> None:
    for mixed in (False, True):
        _expect_bytes(answer, 1000 * draw.integers(1, 90), 1 + draw.size, 0, mixed)


@bytes_per_gpu.property("shares the optimiser, then the gradients, then the weights", trials=4)
def _(answer, draw: Draw) -> None:
    for stage in (1, 2, 3):
        for mixed in (False, True):
            _expect_bytes(answer, 840 * draw.integers(1, 90), 1 + draw.size, stage, mixed)


@bytes_per_gpu.property("needs 16 bytes a parameter on one GPU, at every stage")
def _(answer, draw: Draw) -> None:
    n = 100 * draw.integers(1, 90)
    sums = [sum(answer(n, 1, stage, mixed)) for stage in range(4) for mixed in (False, True)]
    expect(sums, "bytes at the stages 0 to 3, in float32 and mixed").close_to([16.0 * n] * 8)


@bytes_per_gpu.property("does not round where the parts do not come out even", trials=1)
def _(answer, draw: Draw) -> None:
    for stage in (1, 2, 3):
        for mixed in (False, True):
            _expect_bytes(answer, 10, 3, stage, mixed)


def _wrong_bytes(**habits: Any) -> Callable[..., Any]:
    def answer(parameters, processes, stage, mixed) -> tuple[float, ...]:
        weights = gradients = 2.0 if mixed else 4.0
        optimiser = habits.get("mixed", 12.0) if mixed else habits.get("full", 8.0)
        if habits.get("always_four"):
            weights = gradients = 4.0
        stages = habits.get("stages", (3, 2, 1))
        sizes = (weights, gradients, optimiser)
        return tuple(
            parameters * size / (processes if stage >= first else 1)
            for size, first in zip(sizes, stages, strict=True)
        )

    return answer


bytes_per_gpu.mistake(
    "In mixed precision the optimiser also keeps the weights in float32: 4 + 4 + 4 = 12 bytes a "
    "parameter, not 8."
)(_named("no_master_weights", _wrong_bytes(mixed=8.0)))
bytes_per_gpu.mistake("Adam keeps two numbers a parameter, m and v: 8 bytes, not 4.")(
    _named("one_moment", _wrong_bytes(full=4.0, mixed=8.0))
)
bytes_per_gpu.mistake("In mixed precision weights and gradients take 2 bytes each; you counted 4.")(
    _named("always_float32", _wrong_bytes(always_four=True))
)
bytes_per_gpu.mistake(
    "Your stages come in the wrong order: stage 1 shares the optimiser's state, stage 2 the "
    "gradients too, stage 3 the weights too."
)(_named("stages_turned_round", _wrong_bytes(stages=(1, 2, 3))))
bytes_per_gpu.mistake(
    "Everything is shared from stage 1 on. Stage 1 shares the optimiser's state alone."
)(_named("all_at_once", _wrong_bytes(stages=(1, 1, 1))))
bytes_per_gpu.mistake(
    "Nothing is ever shared. From stage 1 on the optimiser's state is divided by the processes."
)(_named("never_shared", _wrong_bytes(stages=(9, 9, 9))))
bytes_per_gpu.mistake("Each stage keeps what the ones before it share: stage 2 shares two things.")(
    _named(
        "one_thing_a_stage",
        lambda parameters, processes, stage, mixed: tuple(
            parameters * size / (processes if stage == first else 1)
            for size, first in zip(
                (2.0, 2.0, 12.0) if mixed else (4.0, 4.0, 8.0), (3, 2, 1), strict=True
            )
        ),
    )
)
bytes_per_gpu.mistake(
    "In mixed precision the optimiser's numbers stay in float32, 4 bytes each; you halved them too."
)(_named("everything_halved", _wrong_bytes(mixed=6.0)))

bytes_per_gpu.mistake(
    "You rounded the bytes down. Nothing is rounded here: divide with /, not with //."
)(
    _named(
        "rounded_bytes",
        lambda *given: tuple(float(math.floor(x + 1e-9)) for x in _wrong_bytes()(*given)),
    )
)
bytes_per_gpu.mistake(
    "You rounded the number of parameters that a process keeps. Nothing is rounded here: divide "
    "with /, not with //."
)(
    _named(
        "rounded_parameters",
        lambda parameters, processes, stage, mixed: tuple(
            size * (parameters // processes if stage >= first else parameters)
            for size, first in zip(
                (2.0, 2.0, 12.0) if mixed else (4.0, 4.0, 8.0), (3, 2, 1), strict=True
            )
        ),
    )
)

bytes_per_gpu.hint("Three numbers in bytes: weights, gradients, optimiser. First for one process.")
bytes_per_gpu.hint("float32: 4, 4, 4 + 4. Mixed: 2, 2, 4 + 4 + 4.")
bytes_per_gpu.hint(
    "Which of the three is divided by `processes` from which stage on?", when="value"
)
bytes_per_gpu.hint("What does Adam keep, and in which precision?", when="factor")

# ---------------------------------------------------------------------- update_seconds

update_seconds = Exercise("update_seconds", minutes=12, difficulty=2)


def _ring_clock(size: float, processes: int, bandwidth: float, latency: float) -> float:
    """The time of a ring, message by message."""
    clock = 0.0
    for _half in range(2):
        for _step in range(processes - 1):
            clock += latency + size / processes / bandwidth
    return clock


def _case(draw: Draw) -> dict[str, Any]:
    return {
        "size": 1e6 * draw.integers(1, 500),
        "processes": 1 + draw.size,
        "bandwidth": 1e9 * draw.integers(1, 100),
        "latency": 1e-5 * draw.integers(1, 50),
        "forward": 0.01 * draw.integers(1, 9),
        "backward": 0.01 * draw.integers(1, 9),
        "micro_batches": draw.integers(1, 6),
    }


def _expect_seconds(answer, given: dict[str, Any]) -> None:
    exchange, update = answer(**given)
    wanted = _ring_clock(given["size"], given["processes"], given["bandwidth"], given["latency"])
    expect(exchange, "seconds of the exchange").close_to(wanted, rtol=1e-6, atol=1e-12)
    clock = 0.0
    for k in range(given["micro_batches"]):
        clock += given["forward"]
        last = k == given["micro_batches"] - 1
        clock += max(given["backward"], wanted) if last else given["backward"]
    expect(update, "seconds of the update").close_to(clock, rtol=1e-6)


@update_seconds.property("times the ring: 2(p − 1) messages of a p-th each", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, _case(draw))


@update_seconds.property("hides the exchange behind the last backward pass", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "bandwidth": 1e13, "latency": 1e-9})


@update_seconds.property("waits for what is longer than the last backward pass", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "bandwidth": 1e6, "processes": 2 + draw.size})


@update_seconds.property("exchanges nothing on one GPU")
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "processes": 1})


def _wrong_seconds(
    halves=2, parts=True, all_of=0, latency_once=False, hidden=True, every=False, whole_hides=False
) -> Callable[..., Any]:
    def answer(size, processes, bandwidth, latency, forward, backward, micro_batches):
        messages = halves * (processes - 1 + all_of * (processes > 1))
        each = size / processes if parts else size
        waits = latency * min(messages, 1) if latency_once else messages * latency
        exchange = messages * each / bandwidth + waits
        room = micro_batches * backward if whole_hides else backward
        extra = max(exchange - room, 0.0) if hidden else exchange
        extra *= micro_batches if every else 1
        return exchange, micro_batches * (forward + backward) + extra

    return answer


update_seconds.mistake(
    "You timed one half of the ring, p − 1 messages. The sums are made in p − 1 steps and handed "
    "round in p − 1 more."
)(_named("half_a_ring", _wrong_seconds(halves=1)))
update_seconds.mistake(
    "Your messages carry all the gradients. In a ring each carries a p-th of them."
)(_named("whole_messages", _wrong_seconds(parts=False)))
update_seconds.mistake("p messages in each half are one too many: a part has p − 1 steps to go.")(
    _named("one_message_more", _wrong_seconds(all_of=1))
)
update_seconds.mistake(
    "The latency is paid once for each message, 2(p − 1) times. You counted it once."
)(_named("latency_once", _wrong_seconds(latency_once=True)))
update_seconds.mistake(
    "You added the exchange to the update as a whole. It runs beside the last backward pass: only "
    "what is longer than that pass is waited for."
)(_named("never_hidden", _wrong_seconds(hidden=False)))
update_seconds.mistake(
    "You paid for an exchange with each micro-batch. With no_sync there is one an update, at the "
    "last micro-batch."
)(_named("every_micro_batch", _wrong_seconds(every=True)))
update_seconds.mistake(
    "You let the exchange hide behind the backward passes of all micro-batches. It cannot begin "
    "before the last one: only then are the gradients those of the whole batch."
)(_named("hidden_behind_all", _wrong_seconds(whole_hides=True)))

update_seconds.equivalent(
    "`update = micro_batches * (forward + backward) + max(0.0, exchange - backward)` → "
    "`update = micro_batches * (forward + backward) + max(exchange - backward, 0.0)`",
    because="the larger of two numbers has no order",
)
update_seconds.hint("First the ring: how many messages, and how long does one take?")
update_seconds.hint("exchange = 2(p − 1) · (latency + size / p / bandwidth)")
update_seconds.hint(
    "What happens beside the last backward pass, and how long is the longer of the two?"
)
update_seconds.hint("Work an update with two micro-batches out by hand.", when="value")
update_seconds.hint("What has a single process to exchange?", when="offset")

# ------------------------------------------------------------------------- from_openai

from_openai = Exercise("from_openai", minutes=20, difficulty=2)

_LAYER_NAMES = {
    "ln_1": "norm_1",
    "attn.c_attn": "attention.queries_keys_values",
    "attn.c_proj": "attention.projection",
    "ln_2": "norm_2",
    "mlp.c_fc": "expand",
    "mlp.c_proj": "projection",
}
_OTHER_NAMES = {"wte": "tokens", "wpe": "positions", "ln_f": "norm"}
_NAMES = {**_OTHER_NAMES, **_LAYER_NAMES}


def _published(draw: Draw, layers: Iterable[int], width: int) -> dict[str, Tensor]:
    """A small model's weights, named and laid out as OpenAI's are."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (7, width), "wpe.weight": (5, width)}
    for layer in layers:
        shapes |= {
            f"h.{layer}.ln_1.weight": (width,),
            f"h.{layer}.ln_1.bias": (width,),
            f"h.{layer}.attn.bias": (1, 1, 5, 5),
            f"h.{layer}.attn.masked_bias": (),
            f"h.{layer}.attn.c_attn.weight": (width, 3 * width),
            f"h.{layer}.attn.c_attn.bias": (3 * width,),
            f"h.{layer}.attn.c_proj.weight": (width, width),
            f"h.{layer}.attn.c_proj.bias": (width,),
            f"h.{layer}.ln_2.weight": (width,),
            f"h.{layer}.ln_2.bias": (width,),
            f"h.{layer}.mlp.c_fc.weight": (width, 4 * width),
            f"h.{layer}.mlp.c_fc.bias": (4 * width,),
            f"h.{layer}.mlp.c_proj.weight": (4 * width, width),
            f"h.{layer}.mlp.c_proj.bias": (width,),
        }
    shapes |= {"ln_f.weight": (width,), "ln_f.bias": (width,)}
    return {name: torch.tensor(draw.rng.normal(size=shape)) for name, shape in shapes.items()}


def _ours(published: dict[str, Tensor], layers: Iterable[int]) -> dict[str, Tensor]:
    """What each of our names should hold, put down one by one."""
    wanted = {"read_out.weight": published["wte.weight"]}
    for theirs, ours in _OTHER_NAMES.items():
        for kind in ("weight", "bias"):
            if f"{theirs}.{kind}" in published:
                wanted[f"{ours}.{kind}"] = published[f"{theirs}.{kind}"]
    for layer in layers:
        for theirs, ours in _LAYER_NAMES.items():
            weight = published[f"h.{layer}.{theirs}.weight"]
            weight = torch.einsum("io->oi", weight) if weight.ndim == 2 else weight
            wanted[f"blocks.{layer}.{ours}.weight"] = weight
            wanted[f"blocks.{layer}.{ours}.bias"] = published[f"h.{layer}.{theirs}.bias"]
    return wanted


def _expect_state(found: Any, wanted: dict[str, Tensor], names: list[str] | None = None) -> None:
    expect(found, "the weights").is_a(dict)
    missing = sorted(set(wanted) - set(found))
    too_many = sorted(set(found) - set(wanted))
    expect(len(missing), f"how many names are missing{_first(missing)}").equals(0)
    expect(len(too_many), f"how many names there are too many{_first(too_many)}").equals(0)
    for name in names or wanted:
        if name in found:
            expect(found[name], f"`{name}`").close_to(wanted[name])


def _first(names: list[str]) -> str:
    return f", such as `{names[0]}`" if names else ""


@from_openai.property("gives every weight its name and its layout", trials=2)
def _(answer, draw: Draw) -> None:
    layers = range(draw.size)
    published = _published(draw, layers, 2)
    _expect_state(answer(published, _NAMES), _ours(published, layers))


@from_openai.property("transposes the square matrices too", trials=2)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 3)
    found = answer(published, _NAMES)
    _expect_state(found, _ours(published, [0]), ["blocks.0.attention.projection.weight"])


@from_openai.property("keeps layer 1 and layer 11 apart", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [1, 11], 1)
    wanted = _ours(published, [1, 11])
    names = [f"blocks.{layer}.norm_1.weight" for layer in (1, 11)]
    _expect_state(answer(published, _NAMES), wanted, names)


@from_openai.property("leaves the masks out and keeps the biases", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0, 1], 2)
    found = answer(published, _NAMES)
    wanted = _ours(published, [0, 1])
    kept = [name for name in wanted if name.endswith("bias") and name in found]
    expect(len(kept), "how many biases there are").equals(
        sum(name.endswith("bias") for name in wanted)
    )
    expect(len(found), "how many tensors there are").equals(len(wanted))


@from_openai.property("reads out with the table that reads in", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 2)
    found = answer(published, _NAMES)
    expect(found["read_out.weight"], "`read_out.weight`").close_to(published["wte.weight"])


class _File(dict[str, Tensor]):
    """Published weights, which keep the copies of them that an answer is handed."""

    def __init__(self, weights: dict[str, Tensor], handed: list[_File] | None = None) -> None:
        super().__init__(weights)
        self.handed = handed

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Tensor]:
        plain = {name: value.clone() for name, value in self.items()}
        if self.handed is None:  # the answer's own copy, with which it may do as it likes
            return plain
        self.handed.append(_File(plain))
        return self.handed[-1]


@from_openai.property("leaves `published` as it is", trials=1)
def _(answer, draw: Draw) -> None:
    handed: list[_File] = []
    file = _File(_published(draw, [0, 1], 2), handed)
    answer(file, _NAMES)
    unchanged = [
        here.keys() == file.keys() and all(torch.equal(here[name], file[name]) for name in file)
        for here in handed
    ]
    expect(unchanged.count(False), "how many of the inputs were changed").equals(0)


def _renamed(published, names, turn, skip=None, tie=True, blocks=True):
    """A right translation, which the mistakes below spoil in one place each."""
    out = {}
    for name, value in published.items():
        module, kind = name.rsplit(".", 1)
        layer = ""
        if module.startswith("h."):
            _, number, module = module.split(".", 2)
            layer = f"blocks.{number}." if blocks else f"blocks.{number[0]}."
        if module == "attn" or (skip and skip(name)):
            continue
        out[f"{layer}{names[module]}.{kind}"] = value.T if turn(name, value) else value
    if tie:
        out["read_out.weight"] = published["wte.weight"]
    return out


def _is_turned(name: str, value: Tensor) -> bool:
    return value.ndim == 2 and name.startswith("h.")


@from_openai.mistake(
    "Nothing is transposed. OpenAI's layers compute x W with W: (in, out); nn.Linear keeps "
    "(out, in)."
)
def never_transposed(published, names):
    return _renamed(published, names, lambda name, value: False)


@from_openai.mistake(
    "You transposed only the matrices whose shape does not fit. attn.c_proj is square, so its "
    "shape always fits, and its numbers still lie the other way."
)
def only_where_shape_differs(published, names):
    return _renamed(
        published,
        names,
        lambda name, value: _is_turned(name, value) and value.shape[0] != value.shape[1],
    )


@from_openai.mistake(
    "You transposed the tables of tokens and positions too. They are looked up row by row, in "
    "both libraries: (vocabulary, width) and (context, width)."
)
def tables_too(published, names):
    return _renamed(published, names, lambda name, value: value.ndim == 2)


@from_openai.mistake(
    "Biases got lost. You leave out whatever ends in `attn.bias`, and `attn.c_attn.bias` does "
    "too: the mask is the one directly below `attn`."
)
def loses_bias_of_attention(published, names):
    return _renamed(published, names, _is_turned, skip=lambda name: name.endswith("attn.bias"))


@from_openai.mistake("All biases got lost. Only the two mask entries directly below `attn` go.")
def loses_all_biases(published, names):
    return _renamed(published, names, _is_turned, skip=lambda name: name.endswith("bias"))


@from_openai.mistake(
    "The masks are still there, `attn.bias` and `attn.masked_bias`. They are no weights: leave "
    "them out."
)
def keeps_masks(published, names):
    out = _renamed(published, names, _is_turned)
    for name, value in published.items():
        if name.endswith((".attn.bias", ".masked_bias")):
            _, layer, rest = name.split(".", 2)
            out[f"blocks.{layer}.{rest}"] = value
    return out


@from_openai.mistake(
    "`read_out.weight` is missing. The published file has one table for reading in and out: "
    "give it under both names."
)
def without_read_out(published, names):
    return _renamed(published, names, _is_turned, tie=False)


@from_openai.mistake(
    "You changed `published` itself. It belongs to the caller, who may need it again: build a new "
    "dictionary, and pass over what you leave out."
)
def changes_published(published, names):
    for name in list(published):
        if name.endswith((".attn.bias", ".masked_bias")):
            del published[name]
    return _renamed(published, names, _is_turned)


@from_openai.mistake(
    "From layer 10 on the numbers are cut short, so that layer 11 overwrites layer 1. Split the "
    "name at its dots."
)
def one_digit_layers(published, names):
    return _renamed(published, names, _is_turned, blocks=False)


from_openai.hint("Split a name at its dots: `h`, the number, the part in the middle, the kind.")
from_openai.hint("`module, kind = name.rsplit('.', 1)`; then look `module` up in `names`.")
from_openai.hint("Which four parts hold matrices that are multiplied?", when="transposed")
from_openai.hint("A square matrix fits both ways. Is it the right one?", when="value")
from_openai.hint("Which names of the file are no weights?", when="error")

# ------------------------------------------------------------------------ DataParallel

DataParallel = Exercise("DataParallel", minutes=45, difficulty=3, changes=("model",))

_BATCH, _MICRO = 24, 2


class _Net(nn.Module):
    """Small, in float64, with a buffer; it notes in which mode it was called."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Linear(3, 4).double()
        self.second = nn.Linear(4, 1).double()
        self.scale: Tensor
        self.register_buffer("scale", torch.rand(4, generator=generator, dtype=torch.float64) + 0.5)
        self.modes: list[bool] = []
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        hidden: Tensor = self.second(torch.tanh(self.first(x)) * self.scale)
        return hidden

    def __repr__(self) -> str:
        return "a small network"


class _Recorder:
    """Adam in a few lines, which counts its steps and keeps the norm of the last gradient.

    (The first optimiser that torch makes loads its compiler, which takes seconds.)
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps, self.norm = 0, 0.0

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        self.norm = float(torch.cat([slope.flatten() for slope in slopes]).norm())
        kept = zip(self.parameters, slopes, self.means, self.squares, strict=True)
        for parameter, slope, mean, square in kept:
            mean.lerp_(slope, 0.1)
            square.lerp_(slope**2, 0.001)
            root = (square / (1 - 0.999**self.steps)).sqrt() + 1e-8
            parameter.sub_(0.05 * mean / (1 - 0.9**self.steps) / root)


def _squared(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean loss of a micro-batch."""
    inputs, targets = batch
    return F.mse_loss(model(inputs), targets)


def _data(draw: Draw, updates: int, rows: int = _BATCH) -> list[tuple[Tensor, Tensor]]:
    return [
        (
            torch.tensor(draw.rng.normal(size=(rows, 3))),
            torch.tensor(draw.rng.normal(size=(rows, 1))),
        )
        for _ in range(updates)
    ]


class _Trained:
    """What data-parallel training by an answer came to, process by process."""

    def __init__(self, answer, size: int, data, clip: float | None, before=None) -> None:
        self.models = [_Net(seed) for seed in range(size)]  # every process starts otherwise
        self.losses: list[list[Any]] = [[] for _ in range(size)]
        self.sent: list[int] = [0] * size
        self.recorders: list[_Recorder] = []
        self.started: list[dict[str, Tensor]] = [{} for _ in range(size)]
        in_turns(lambda link: self._one(answer, link, data, clip, before), size, SECONDS)

    def _one(self, answer, link: Link, data, clip, before) -> None:
        model = self.models[link.rank]
        parallel = answer(model, link)
        self.started[link.rank] = {k: v.clone() for k, v in model.state_dict().items()}
        optimiser = _Recorder(model.parameters())
        self.recorders.append(optimiser)
        if before is not None:
            before(model)
        for inputs, targets in data:
            share = len(inputs) // link.size
            mine = slice(link.rank * share, (link.rank + 1) * share)
            batches = list(
                zip(inputs[mine].split(_MICRO), targets[mine].split(_MICRO), strict=True)
            )
            already = len(link.sent)
            loss = parallel.update(optimiser, batches, _squared, clip)
            self.losses[link.rank].append(loss)
            self.sent[link.rank] = max(self.sent[link.rank], len(link.sent) - already)


def _alone(data, clip: float | None) -> tuple[_Net, list[float]]:
    """One process with the whole batch at once, by torch."""
    model, losses = _Net(0), []
    optimiser = _Recorder(model.parameters())
    for batch in data:
        optimiser.zero_grad()
        loss = _squared(model, batch)
        loss.backward()
        losses.append(loss.item())
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return model, losses


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@DataParallel.property("starts every process with the weights and buffers of process 0", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 3, [], None)
    wanted = _Net(0).state_dict()
    for rank in (0, 2):
        for name, value in trained.started[rank].items():
            expect(value, f"`{name}` in process {rank}").close_to(wanted[name], rtol=1e-9)


@DataParallel.property("takes the steps that one process takes with the whole batch", trials=2)
def _(answer, draw: Draw) -> None:
    size, data = 2 * draw.size, _data(draw, 2)
    trained = _Trained(answer, size, data, None)
    model, _ = _alone(data, None)
    expect(_weights(trained.models[0]), f"the weights, {size} processes").close_to(
        _weights(model), rtol=1e-6
    )
    expect(_weights(trained.models[-1]), "the weights of the last process").close_to(
        _weights(model), rtol=1e-6
    )
    expect(trained.recorders[0].steps, "steps of the optimiser in 2 updates").equals(2)


@DataParallel.property("returns the mean loss of the whole batch, in every process", trials=2)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 2)
    trained = _Trained(answer, 2 * draw.size - 1, data, None)
    _, losses = _alone(data, None)
    for rank in (0, -1):
        expect(trained.losses[rank][0], "what it returns").is_a(float)
        expect(trained.losses[rank], "the losses of two updates").close_to(losses, rtol=1e-6)


@DataParallel.property("exchanges once an update, not with each micro-batch", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 2, rows=16), None)
    expect(max(trained.sent), "messages of a process in an update of 4 micro-batches").is_between(
        1, 4
    )


@DataParallel.property("clips the gradient of the whole batch", trials=1)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 1)
    trained = _Trained(answer, 3, data, 0.1)
    expect(trained.recorders[0].norm, "the gradient's norm when the optimiser steps").close_to(
        0.1, rtol=1e-3
    )
    trained = _Trained(answer, 3, data, 1e6)
    one = _Net(0)
    _squared(one, data[0]).backward()
    slopes = [p.grad for p in one.parameters() if p.grad is not None]
    norm = float(torch.cat([slope.flatten() for slope in slopes]).norm())
    expect(trained.recorders[0].norm, "the norm where the limit is far above it").close_to(norm)


@DataParallel.property("starts each update without old gradients, in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    def spoil(model: _Net) -> None:
        model.eval()
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)

    data = _data(draw, 2)
    trained = _Trained(answer, 2, data, None, before=spoil)
    model, _ = _alone(data, None)
    expect(_weights(trained.models[0]), "the weights").close_to(_weights(model), rtol=1e-6)
    evaluating = sum(not mode for mode in trained.models[0].modes)
    expect(evaluating, "how often the model was called in evaluation mode").equals(0)


class _Parallel:
    """Right, but for what the mistakes below spoil in one place each."""

    habits: dict[str, Any] = {}

    def __init__(self, model, link):
        self.model, self.link = model, link
        tensors = list(model.parameters())
        if "forgets_buffers" not in self.habits:
            tensors += list(model.buffers())
        if "no_broadcast" in self.habits:
            return
        with torch.no_grad():
            for tensor in tensors:
                if "averages_start" in self.habits:
                    tensor.copy_(_ring(tensor.flatten(), link).view_as(tensor) / link.size)
                elif link.rank == 0:
                    for other in range(1, link.size):
                        link.send(tensor, other)
                else:
                    tensor.copy_(link.receive(0))

    def _average(self, scale):
        gradients = [p.grad for p in self.model.parameters()]
        total = _ring(torch.cat([g.flatten() for g in gradients]), self.link) * scale
        for gradient in gradients:
            gradient.copy_(total[: gradient.numel()].view_as(gradient))
            total = total[gradient.numel() :]

    def update(self, optimiser, batches, loss_of, clip):
        habits, size = self.habits, self.link.size
        if "keeps_mode" not in habits:
            self.model.train()
        if "keeps_gradients" not in habits:
            optimiser.zero_grad()
        total = 0.0
        parts = 1 if "not_divided" in habits else len(batches)
        scale = 1.0 if "sums" in habits else 1 / size
        for batch in batches:
            loss = loss_of(self.model, batch) / parts
            loss.backward()
            total += loss.item() * parts / len(batches)
            if "every_micro_batch" in habits:
                self._exchanged_again(scale)
            if "steps_often" in habits:
                self._average(scale * len(batches))
                optimiser.step()
                optimiser.zero_grad()
        if clip is not None and "clips_own" in habits:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        if not habits.keys() & {"every_micro_batch", "steps_often", "no_exchange"}:
            self._average(scale)
        if clip is not None and not habits.keys() & {"clips_own", "never_clips"}:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        if "steps_often" not in habits:
            optimiser.step()
        if "own_loss" in habits:
            return total
        mean = _ring(torch.tensor([total], dtype=torch.float64), self.link) / size
        return mean[0] if "tensor_loss" in habits else mean.item()

    def _exchanged_again(self, scale):
        """What has been averaged before is averaged again, which changes nothing of it."""
        self._average(scale)


@DataParallel.mistake(
    "Every process keeps its own start. Then averaged gradients move p different models, and "
    "they never meet: send the parameters of process 0 to all."
)
class NoBroadcast(_Parallel):
    habits = {"no_broadcast": True}


@DataParallel.mistake(
    "The buffers are not sent. They are no parameters, but the model computes with them: "
    "model.buffers() has what batch norm counts, for one."
)
class ForgetsBuffers(_Parallel):
    habits = {"forgets_buffers": True}


@DataParallel.mistake(
    "You averaged the starts. A mean of random starts is a smaller start; take that of process 0."
)
class AveragesStart(_Parallel):
    habits = {"averages_start": True}


@DataParallel.mistake(
    "The gradients are summed over the processes, not averaged: as if the learning rate were p "
    "times larger."
)
class Sums(_Parallel):
    habits = {"sums": True}


@DataParallel.mistake(
    "The losses of the micro-batches are not divided by their number, so the gradient is too "
    "large by that factor."
)
class NotDivided(_Parallel):
    habits = {"not_divided": True}


@DataParallel.mistake(
    "The gradients are never exchanged: each process trains a model of its own on its own part."
)
class NoExchange(_Parallel):
    habits = {"no_exchange": True}


@DataParallel.mistake(
    "You exchange with every micro-batch. Only the last time is needed: gradients add up in .grad "
    "until then, and the exchange costs the same whenever it is made."
)
class EveryMicroBatch(_Parallel):
    habits = {"every_micro_batch": True}


@DataParallel.mistake(
    "The optimiser steps after each micro-batch. An update is one step, for the whole batch."
)
class StepsOften(_Parallel):
    habits = {"steps_often": True}


@DataParallel.mistake(
    "Each process clips its own gradient before the exchange. The norm that counts is that of the "
    "average: exchange first, then clip."
)
class ClipsOwn(_Parallel):
    habits = {"clips_own": True}


@DataParallel.mistake("The gradient is not clipped where `clip` is a number.")
class NeverClips(_Parallel):
    habits = {"never_clips": True}


@DataParallel.mistake("Gradients from before the update are still in .grad: clear them first.")
class KeepsGradients(_Parallel):
    habits = {"keeps_gradients": True}


@DataParallel.mistake(
    "You return the loss of this process's part. Exchange it as well: every process returns the "
    "mean over all."
)
class OwnLoss(_Parallel):
    habits = {"own_loss": True}


@DataParallel.mistake("The loss is still a tensor; return a Python float, with .item().")
class TensorLoss(_Parallel):
    habits = {"tensor_loss": True}


@DataParallel.mistake(
    "The model stays in the mode it came in. Train in training mode: model.train()."
)
class KeepsMode(_Parallel):
    habits = {"keeps_mode": True}


DataParallel.equivalent(
    "`for values in itertools.chain(model.parameters(), model.buffers()):` → "
    "`for values in itertools.chain(model.buffers(), model.parameters()):`",
    because="any order will do, if it is the same in every process",
)
DataParallel.hint("Two jobs: make all models equal at the start, and keep them equal ever after.")
DataParallel.hint(
    "The order of an update: train mode, clear, micro-batches (loss / their number, backward), "
    "average_gradients, clip, step, mean loss."
)
DataParallel.hint("torch.nn.utils.clip_grad_norm_(parameters, clip) after the exchange.")
DataParallel.hint("Are buffers among the parameters?", when="ForgetsBuffers")
DataParallel.hint(
    "Is what you divide by the number of micro-batches, of processes, or both?", when="value"
)
DataParallel.hint("Does every send have its receive, in all processes?", when="error")
