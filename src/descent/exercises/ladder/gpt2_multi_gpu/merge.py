"""How `merge` is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from descent.grading import Draw, Exercise, expect

Pair = tuple[bytes, bytes]


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
